# lullwatch: `make demo` and `make test` are the two commands; everything else serves them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
PYTHON313 ?= python3.13
VENV := .venv
BIN := $(VENV)/bin
UV_COMPILE = uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --quiet

.PHONY: bad-night late-night fuzz many-sensors crash test-bluez power-cut journal-cost help demo test check bench latency gallery figures accuracy format lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.demo: requirements/demo.lock pyproject.toml deploy/make-venv
	@PYTHON="$(PYTHON)" deploy/make-venv "$(VENV)" requirements/demo.lock
	@touch $@

$(VENV)/.dev: requirements/dev.lock pyproject.toml deploy/make-venv
	@PYTHON="$(PYTHON)" deploy/make-venv "$(VENV)" requirements/dev.lock
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo ## a simulated night on a virtual radio, real servers where they can be had
	@$(BIN)/lullwatch demo

test: $(VENV)/.dev ## every test of the fast tier, against real servers
	@$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 1

check: $(VENV)/.dev ## format, lint, strict types, import order, age of the evidence
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_house.py
	@$(BIN)/python bench/evidence.py

$(VENV)-peers/.peers: requirements/peers.lock $(VENV)/.dev
	@test -x "$(VENV)-peers/bin/python" || $(BIN)/python -m venv "$(VENV)-peers"
	@"$(VENV)-peers/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/peers.lock
	@touch $@

bench: $(VENV)/.dev $(VENV)-peers/.peers ## slow tier: how fast the whole way is, against a peer in the same run
	@$(BIN)/python bench/throughput.py

bench-store: $(VENV)/.dev ## slow tier: raw data into a real InfluxDB and back, many nights on all cores (ten minutes)
	@$(BIN)/python bench/store_rates.py

bench-page: $(VENV)/.dev ## slow tier: how fast the pages load with 30 nights, how live the trace is, what five open pages cost
	@$(BIN)/python bench/page.py $(PAGE)

$(VENV)-homeassistant/.core: requirements/homeassistant.txt
	@test -x "$(VENV)-homeassistant/bin/python" || $(PYTHON313) -m venv "$(VENV)-homeassistant"
	@"$(VENV)-homeassistant/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements/homeassistant.txt
	@touch $@

test-homeassistant: $(VENV)/.dev $(VENV)-homeassistant/.core ## slow tier: Home Assistant Core itself shows, loses and answers an infant (root, 850 MB)
	@PYTHONPATH=. $(BIN)/python bench/homeassistant.py --core $(VENV)-homeassistant/bin/hass

schema: $(VENV)/.dev ## renew docs/schema: what goes over MQTT, as JSON Schema
	@$(BIN)/python -m alerts.wire_schema docs/schema

accuracy: $(VENV)/.dev ## slow tier: how well patterns are told apart on simulated nights (hours; goes on where it was broken off)
	@$(BIN)/python bench/accuracy.py $(ACCURACY)

latency: $(VENV)/.dev ## slow tier: how soon a series reaches an independent MQTT client, 200 in simulated time and 20 at real pace
	@$(BIN)/python bench/latency.py $(LATENCY)

crash: $(VENV)/.dev ## slow tier: a monitor killed 200 times, and what is lost (nothing may be)
	@$(BIN)/python bench/crash.py $(CRASH)

bench-review: $(VENV)/.dev ## slow tier: pages of events, diary, trends and review at 36,000 events (REVIEW="--hed PYTHON" holds the tags to HED's validator)
	@$(BIN)/python bench/review.py $(REVIEW)

bad-night: $(VENV)/.dev ## slow tier: eight simulated hours with more than fifty disconnects, over the whole Bluetooth stack (half an hour)
	@$(BIN)/python bench/bad_night.py $(BAD_NIGHT)

fuzz: $(VENV)/.dev ## slow tier: ten million damaged and invented packets into every decoder (a minute or two)
	@$(BIN)/python bench/fuzz.py $(FUZZ)

many-sensors: $(VENV)/.dev ## slow tier: how many sensors one core takes in, for one infant and for a ward
	@$(BIN)/python bench/many_sensors.py

test-bluez: $(VENV)/.dev ## slow tier: real BlueZ in an emulated computer (Debian's packages, no root), paired and disturbed, nothing lost
	@$(BIN)/python -m bench.bluez.night

power-cut: $(VENV)/.dev ## slow tier: that computer cut off from power ten times, on a disk that loses what was not flushed
	@$(BIN)/python bench/power_cut.py $(POWER_CUT)

late-night: $(VENV)/.dev ## slow tier: an hour of two socks comes late: how soon packets are durable meanwhile, and a start amid it
	@$(BIN)/python bench/late_night.py $(LATE_NIGHT)

journal-cost: $(VENV)/.dev ## slow tier: what keeping three sensors costs, in processor, bytes and writes
	@$(BIN)/python bench/journal_cost.py $(JOURNAL_COST)

soak: $(VENV)/.dev ## slow tier: 24 simulated hours with every fault of a sock, monitor and broker killed at random (an hour and three quarters)
	@$(BIN)/python bench/soak.py $(SOAK)

fleet: $(VENV)/.dev ## slow tier: 500 gateways at one Mosquitto and one InfluxDB, until they break (three minutes)
	@$(BIN)/python bench/fleet.py $(FLEET)

small-computer: $(VENV)/.dev ## slow tier: what a night takes on half a core and 1 GB (root, for the cgroup)
	@$(BIN)/python bench/small_computer.py $(SMALL)

gallery: $(VENV)/.dev ## draw docs/gallery: what three sensors see of each simulated movement
	@$(BIN)/python -m lullwatch.gallery docs

figures: $(VENV)/.dev ## draw docs/detector: the weights in use as curves, and why one series was told
	@$(BIN)/python bench/figures.py

screenshots: $(VENV)/.dev ## slow tier: take the pictures of docs/pictures anew, in a real browser, in both languages (four minutes)
	@$(BIN)/python bench/screenshots.py

format: $(VENV)/.dev ## format the code and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## renew requirements/demo.lock and dev.lock (needs uv on the PATH)
	$(UV_COMPILE) --upgrade --extra sim --extra web --extra report --extra picture --extra build pyproject.toml -o requirements/demo.lock
	$(UV_COMPILE) --extra sim --extra web --extra report --extra picture --extra build --extra fast --extra score --extra push --extra dask --extra tables --extra wearables --extra dev -c requirements/demo.lock pyproject.toml -o requirements/dev.lock

clean: ## remove what the commands above made (never a journal)
	rm -rf $(VENV) $(VENV)-peers $(VENV)-homeassistant build *.egg-info .mypy_cache .ruff_cache .pytest_cache
