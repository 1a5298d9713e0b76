"""What a running gateway answers on its control socket, and its numbers for Prometheus, on the virtual radio."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Awaitable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from alerts.people import Person
from dsp.records import NS, ClockRow, Coverage, Site, Tick, Usability, Watchfulness, Watching
from firmware_sim.night import make_night
from firmware_sim.scenarios import named_scenario
from firmware_sim.sim_clock import SimClock
from lullwatch.caregiving import Household
from lullwatch.control import Control, ask
from lullwatch.detector import Detector
from lullwatch.gateway import Gateway
from lullwatch.handlers import handlers_of
from lullwatch.home import SimulatedHome
from lullwatch.metrics import Metric, MetricsPage, page_of, text_of
from lullwatch.sink_lag import Receiver, SinkLag
from store.journal import Journal

CLOCK = ClockRow(0, 1_767_290_400 * NS, "boot", "UTC")
MIN_NS = 60 * NS


class Asked:
    """Asks a gateway while its simulated time goes on."""

    def __init__(self, folder: Path, clock: SimClock, home: SimulatedHome, live: Gateway) -> None:
        self._folder, self._clock, self._home, self._live = folder, clock, home, live

    async def __call__(self, what: str, **more: object) -> dict[str, Any]:
        return await self.meanwhile(ask(self._folder, what, timeout_s=30, **more))

    async def meanwhile(self, work: Awaitable[Any]) -> Any:
        task = asyncio.ensure_future(work)
        while not task.done():
            await self._home.live(self._live, self._clock.now_ns() + NS // 4)
            await asyncio.sleep(0)
        return task.result()


async def test_commands_pauses_status_trouble_and_numbers_of_a_running_gateway(tmp_path: Path) -> None:
    night = make_night(named_scenario("kicking_hour").lasting(240), seed=1003, infant="kid")
    clock = SimClock()
    household = Household(
        people=(Person("a1"), Person("b2", infants=("sib",)))
    )  # and neither a broker nor a phone
    with Journal.open(tmp_path / "journal-2026-01-01.sqlite") as journal:
        async with SimulatedHome(night, clock) as home:
            live = Gateway(
                name="gw", journal=journal, clock=clock, clock_row=CLOCK, wearers=[home.wearer()], radio=home.radio(),
                household=household,
            )  # fmt: skip
            async with live, Control(tmp_path, handlers_of(live)):
                await home.live(live, 95 * NS)
                asked = Asked(tmp_path, clock, home, live)
                await _ask_everything(asked)
                await _look_at_numbers(asked, live)
                await home.socks[Site.LA].power_off()
                await home.live(live, clock.now_ns() + 75 * NS)
                assert (
                    live.stands().troubles == ()
                )  # nobody relies on it: a sensor that is off is nobody's business
                await asked("arm", infant="kid", armed=True)
                await home.live(live, clock.now_ns() + 8 * NS)
                assert [(t.kind, t.detail) for t in live.stands().troubles] == [("link", "LA la")]
        notes = [(n.kind, n.author) for n in journal.notes("kid")]
        assert notes == [("note", "a1")]
        said = [(w.state.value, w.reason, w.by) for w in journal.watchings("kid")]
        assert said == [
            ("paused", "bath", "a1"),
            ("armed", "resumed", "a1"),
            ("disarmed", "", "a1"),
            ("armed", "", "hand"),
        ]
        told = {(a.pattern, a.cleared) for a in journal.alerts()}
        assert told == {("database", False), ("database", True), ("link", False)}


async def _ask_everything(asked: Asked) -> None:
    note = await asked("command", infant="kid", name="note", payload={"by": "a1", "text": "slept through"})
    assert note["ok"], note
    long = await asked("command", infant="kid", name="mute", payload={"by": "a1", "minutes": 9999})
    assert not long["ok"]
    assert long["remedy"]
    none = await asked("command", infant="kid", name="ack", payload={"by": "a1"})
    assert (none["ok"], none["why"]) == (True, "no alert was open")
    paused = await asked("pause", infant="kid", minutes=20, reason="bath", by="a1")
    assert paused["infants"]["kid"]["state"] == "paused"
    assert paused["infants"]["kid"]["until"].startswith("2026-01-01T18:21")
    status = await asked("status")
    assert (status["gateway"], status["broker"]) == ("gw", "")
    assert status["infants"]["kid"]["watching"]["state"] == "paused"
    assert {link["site"] for link in status["infants"]["kid"]["links"]} == {"LA", "RA", "TR"}
    assert all(link["state"] == "streaming" for link in status["infants"]["kid"]["links"])
    resumed = await asked("pause", infant="kid", minutes=0, by="a1")
    assert resumed["infants"]["kid"]["state"] == "armed"
    off = await asked("arm", infant="", armed=False, by="a1")
    assert off["infants"]["kid"]["state"] == "disarmed"
    for wrong in (
        {"what": "pause", "infant": "kid", "minutes": "long"},
        {"what": "pause", "infant": "kid", "minutes": 5, "reason": "party"},
        {"what": "pause", "infant": "nobody", "minutes": 5, "by": "a1"},
        {"what": "pause", "infant": "kid", "minutes": 5, "by": "b2"},
        {"what": "pause", "infant": "", "minutes": 5, "by": "b2"},
        {"what": "arm", "infant": "", "armed": False, "by": "b2"},
        {"what": "arm", "infant": "kid", "armed": 1},
        {"what": "trouble", "kind": "blind", "why": "made up"},
    ):
        refused = await asked(str(wrong.pop("what")), **wrong)
        assert not refused["ok"]
        assert refused["why"]
        assert refused["remedy"]
    assert (await asked("trouble", kind="database", why="away"))["ok"]
    assert [t["kind"] for t in (await asked("status"))["troubles"]] == ["database"]
    assert (await asked("trouble", kind="database", why=""))["ok"]


async def _look_at_numbers(asked: Asked, live: Gateway) -> None:
    lag = SinkLag(live.shelf, [Receiver("influx", ("segment",), from_first=True)])
    page = MetricsPage(0, lambda: page_of(live, lag.rows()), clock=SimClock())
    async with page:
        get = partial(urllib.request.urlopen, f"http://127.0.0.1:{page.port}/metrics", timeout=20)
        with await asked.meanwhile(asyncio.to_thread(get)) as answer:
            text = answer.read().decode()
    found = {f.name: f for f in text_string_to_metric_families(text)}
    samples = {s.labels["site"]: s.value for s in found["lullwatch_samples"].samples}
    assert set(samples) == {"LA", "RA", "TR"}
    assert min(samples.values()) > 60 * 100
    assert found["lullwatch_commits"].samples[0].value > 200
    assert found["lullwatch_detector_lag_seconds"].samples[0].value < 5
    assert found["lullwatch_armed"].samples[0].value == 0
    watched = {(s.labels["infant"], s.labels["state"]): s.value for s in found["lullwatch_watched"].samples}
    assert watched == {("kid", "armed"): 0, ("kid", "paused"): 0, ("kid", "disarmed"): 1}
    (behind,) = found["lullwatch_sink_lag_rows"].samples
    assert behind.labels == {"sink": "influx"}
    assert behind.value > 60
    assert found["lullwatch_disk_free_bytes"].samples[0].value > 0
    assert found["process_resident_memory_bytes"].samples[0].value > 10e6
    assert 0 < time.time() - found["process_start_time_seconds"].samples[0].value < 3600
    assert {s.labels["state"] for s in found["lullwatch_link_state"].samples} == {"streaming"}
    assert found["lullwatch_coverage_minutes"].samples[0].labels["infant"] == "kid"


def test_labels_are_escaped_as_the_format_asks() -> None:
    text = text_of([Metric("x", "gauge", "help").add(0.5, a='q"\\\n')])
    (family,) = text_string_to_metric_families(text)
    assert family.samples[0].labels == {"a": 'q"\\\n'}
    assert family.samples[0].value == 0.5


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/metrics/x", 404)])
async def test_nothing_but_the_numbers_is_served(path: str, status: int) -> None:
    async with MetricsPage(0, lambda: "", clock=SimClock()) as page:
        reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
        writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        assert (await reader.readline()).split()[1] == str(status).encode()
        writer.close()


async def test_a_port_that_is_taken_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        MetricsPage(0, lambda: "", clock=SimClock()) as first,
        MetricsPage(first.port, lambda: "", clock=SimClock()),
    ):
        assert "metrics cannot be served" in caplog.text


# what a pause does to the rules


def nothing_heard(
    detector: Detector, begin_min: int, end_min: int
) -> tuple[list[Coverage], list[tuple[str, bool]]]:
    """Minutes in which only time passes."""
    minutes, alerts = [], []
    for second in range(begin_min * 60, end_min * 60):
        told = detector.feed_block([Tick(second * NS)])
        minutes += told.coverage
        alerts += [(a.pattern, a.cleared) for a in told.alerts]
    return minutes, alerts


def test_blindness_in_a_pause_rings_only_five_minutes_after_its_end() -> None:
    detector = Detector("kid", [Site.LA])
    detector.feed_block(
        [Watching("kid", 30 * NS, Watchfulness.PAUSED, 20 * MIN_NS, "bath", "a1"), Tick(31 * NS)]
    )
    minutes, alerts = nothing_heard(detector, 1, 24)
    assert alerts == []
    assert [("paused" in m.causes) for m in minutes] == [m.t_ns < 20 * MIN_NS for m in minutes]
    assert {m.usability for m in minutes} == {Usability.BLIND}
    _, alerts = nothing_heard(detector, 24, 28)
    assert alerts == [("blind", False)]


def test_blindness_that_rang_is_over_when_somebody_pauses_and_a_restart_keeps_the_pause() -> None:
    detector = Detector("kid", [Site.LA])
    _, alerts = nothing_heard(detector, 0, 8)
    assert alerts == [("blind", False)]
    told = detector.feed_block([Watching("kid", 480 * NS, Watchfulness.DISARMED), Tick(481 * NS)])
    assert [(a.pattern, a.cleared) for a in told.alerts] == [("blind", True)]
    after = Detector("kid", [Site.LA])
    after.restore(detector.snapshot())
    minutes, alerts = nothing_heard(after, 9, 40)
    assert alerts == []
    assert all("disarmed" in m.causes for m in minutes)
