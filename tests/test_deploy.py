"""What deploy/ holds is whole: its files are there, and every query of the dashboard finds rows on a real database."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsp.records import NS, ClockRow, LinkSample, Site, Tick
from firmware_sim.night import make_night
from firmware_sim.scenario import scenario_from_toml
from lullwatch import service_end, system_clock
from lullwatch.__main__ import app
from lullwatch.settings import load
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.influx import InfluxSink, SinkState
from store.journal import Journal
from store.rows import FedRow, LinkRow, Row
from tests.servers_fixtures import Influx
from tests.store_examples import segment_row

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
KID = "kid"
EVENING_UTC_NS = 1_767_290_400 * NS
SCENARIO = """
name = "series"
duration_min = 9
age_days = 200
[[phase]]
state = "awake"
minutes = 9
[[movement]]
kind = "spasm_cluster"
at_min = 1.5
count = 8
gap_s = 9.0
subtle = false
"""


def compose() -> dict[str, Any]:
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def dashboard() -> dict[str, Any]:
    return json.loads((DEPLOY / "grafana" / "dashboards" / "night.json").read_text(encoding="utf-8"))


def test_every_image_has_a_version_and_every_file_is_there_or_made_by_setup() -> None:
    document = compose()
    setup = (DEPLOY / "setup").read_text(encoding="utf-8")
    for name, service in document["services"].items():
        assert re.fullmatch(r"[\w./-]+:\d+(\.\d+)+", service["image"]), name
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("./secrets/"):
                assert source.removeprefix("./") in setup, volume
            elif source.startswith("./"):
                assert (DEPLOY / source).exists(), volume
            else:
                assert source in document["volumes"], volume
        for file in [service["env_file"]] if "env_file" in service else []:
            assert file in setup
        assert set(service.get("depends_on", {})) <= set(document["services"])


def test_only_the_broker_is_open_to_the_network_and_it_is_encrypted_and_closed_to_strangers() -> None:
    ports = {name: service["ports"] for name, service in compose()["services"].items()}
    for name, opened in ports.items():
        for port in opened:
            assert port.startswith("127.0.0.1:") or (name, port) == ("mosquitto", "8883:8883")
    broker = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    for line in ("allow_anonymous false", "listener 8883", "certfile", "password_file", "acl_file"):
        assert line in broker


def test_no_secret_stands_in_a_file_that_is_committed() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"(PASSWORD|TOKEN)\s*:", text)
    for path in (DEPLOY / "grafana" / "provisioning" / "datasources").iterdir():
        for source in yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]:
            assert source["secureJsonData"]["httpHeaderValue1"] == "Token ${INFLUX_READ_TOKEN}"
    assert "deploy/secrets" in (DEPLOY.parent / ".gitignore").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", ["setup", "smoke"])
def test_the_scripts_can_be_read_by_a_plain_shell_and_say_how_they_are_used(script: str) -> None:
    path = DEPLOY / script
    assert path.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(path)], check=True)


def test_setup_without_a_name_says_how_it_is_used() -> None:
    done = subprocess.run([str(DEPLOY / "setup")], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "deploy/setup" in done.stderr


def test_what_setup_prints_are_settings_that_can_be_read(tmp_path: Path) -> None:
    setup = (DEPLOY / "setup").read_text(encoding="utf-8")
    printed = (
        setup.split("cat <<TEXT\n")[1]
        .split("TEXT")[0]
        .replace("$host", "gateway.lan")
        .replace("$PWD", "/etc")
    )
    example = (DEPLOY / "lullwatch.example.toml").read_text(encoding="utf-8")
    path = tmp_path / "lullwatch.toml"
    path.write_text(example[: example.index("[mqtt]")] + printed)
    settings = load(path)
    assert settings.influx is not None
    assert settings.influx.raw_bucket == "lullwatch_raw"
    users = re.findall(
        r"^user (\w+)$", (DEPLOY / "mosquitto" / "acl").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert settings.mqtt is not None
    assert settings.mqtt.username in users


def datasources() -> dict[str, str]:
    """Database by uid, as Grafana is told."""
    path = DEPLOY / "grafana" / "provisioning" / "datasources" / "influxdb.yaml"
    found = yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]
    return {source["uid"]: source["jsonData"]["dbName"] for source in found}


def test_buckets_are_the_same_everywhere() -> None:
    setup = (DEPLOY / "setup").read_text(encoding="utf-8")
    made = {
        *re.findall(r"--name (\w+)", setup),
        compose()["services"]["influxdb"]["environment"]["DOCKER_INFLUXDB_INIT_BUCKET"],
    }
    assert made == set(datasources().values())


def queries() -> list[tuple[str, str, str]]:
    """Title, uid of the source and query of everything the dashboard asks."""
    document = dashboard()
    asked = [
        (panel["title"], target["datasource"]["uid"], target["query"])
        for panel in document["panels"]
        for target in panel.get("targets", [])
    ]
    asked += [(a["name"], a["datasource"]["uid"], a["query"]) for a in document["annotations"]["list"]]
    return asked + [(v["name"], v["datasource"]["uid"], v["query"]) for v in document["templating"]["list"]]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short night as the monitor keeps it: with a series, an alert, links, and three minutes nobody saw."""
    path = tmp_path_factory.mktemp("night") / "journal-2026-01-01.sqlite"
    segments = make_night(scenario_from_toml(SCENARIO), seed=1001, infant=KID).segments()
    seconds: list[list[Row]] = [[] for _ in range(9 * 60 + 2)]
    for segment in segments:
        if segment.t0_ns < 360 * NS:
            seconds[segment.end_ns // NS].append(segment_row(segment, KID))
    with Journal.open(path) as journal:
        spine = Spine(journal, [Watch.of(KID, (Site.LA, Site.RA, Site.TR), 200)])
        spine.begin(ClockRow(0, EVENING_UTC_NS, "boot", "Europe/Berlin"))
        for second, rows in enumerate(seconds):
            links: list[Row] = [
                LinkRow(
                    KID,
                    LinkSample(
                        site,
                        site.lower(),
                        second * NS,
                        "streaming",
                        second,
                        second // 9,
                        second // 20,
                        80,
                        -60,
                        1.5,
                    ),
                )
                for site in (Site.LA, Site.RA)
                if second % 15 == 0
            ]
            spine.take([*rows, *links, FedRow(KID, Tick((second + 1) * NS))])
        spine.finish()
    return path


@pytest.fixture
def filled(night: Path, influx: Influx) -> Iterator[dict[str, str]]:
    """Bucket by uid of the source, each with what belongs in it."""
    buckets = {uid: f"{influx.bucket}{name.removeprefix('lullwatch')}" for uid, name in datasources().items()}
    for bucket in buckets.values():
        influx.server.create_bucket(bucket)
    with (
        Journal.read_only(night) as journal,
        InfluxSink(
            journal,
            url=influx.url,
            token=influx.token,
            org=influx.org,
            bucket=buckets["lullwatch"],
            feature_bucket=buckets["lullwatch-features"],
            raw_bucket=buckets["lullwatch-raw"],
            gateway="home",
        ) as sink,
    ):
        while sink.step().state is SinkState.SENT:
            pass
    yield buckets
    for bucket in buckets.values():
        influx.server.drop_bucket(bucket)


def test_every_query_of_the_dashboard_finds_rows_in_its_bucket(
    filled: dict[str, str], influx: Influx
) -> None:
    span = f"time >= {EVENING_UTC_NS} AND time < {EVENING_UTC_NS + 600 * NS}"
    asked = queries()
    assert len(asked) >= 18
    for title, uid, query in asked:
        plain = query.replace("$timeFilter", span).replace("$__interval", "1m").replace("$infant", KID)
        assert "$" not in plain.replace("$/", ""), title
        rows = influx.server.query(plain, bucket=filled[uid])
        known = [value for row in rows for name, value in row.items() if name not in ("time", "name")]
        assert any(value is not None for value in known), f"{title}: {plain}"


def test_the_dashboard_names_patterns_as_people_see_them_and_says_what_they_are_not() -> None:
    text = json.dumps(dashboard()).lower()
    for word in ("spasm", "seizure", "epilep", "normal night", "all is well"):
        assert word not in text
    assert not any(re.search(r"\blabel\b", query) for _, _, query in queries())
    assert "no diagnoses" in text
    assert "does not rule anything out" in text


@pytest.mark.parametrize("name", ["lullwatch-monitor", "lullwatch-serve"])
def test_each_unit_is_one_that_systemd_accepts_and_that_is_closed_in(tmp_path: Path, name: str) -> None:
    unit = (DEPLOY / "systemd" / f"{name}.service").read_text(encoding="utf-8")
    for line in (
        "Type=notify",
        "WatchdogSec=60",
        "Restart=always",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
    ):
        assert line in unit.splitlines()
    analyze = shutil.which("systemd-analyze")
    assert analyze is not None, "systemd-analyze is missing: sudo apt-get install systemd"
    here = tmp_path / f"{name}.service"
    changed = re.sub(r"/opt/lullwatch/bin/(lullwatch|python)", "/bin/true", unit)
    changed = changed.replace("=bluetooth\n", "=nogroup\n")
    here.write_text(
        changed.replace("User=lullwatch", "User=daemon").replace("Group=lullwatch", "Group=daemon")
    )
    verified = subprocess.run([analyze, "verify", str(here)], capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stderr
    line = [analyze, "security", "--offline=true", "--threshold=20", "--no-pager", str(here)]
    secured = subprocess.run(line, capture_output=True, text=True, check=False)
    assert secured.returncode == 0, secured.stdout[-400:]


@pytest.mark.parametrize("name", ["lullwatch-monitor", "lullwatch-serve"])
def test_what_a_unit_starts_is_a_command_that_there_is(name: str) -> None:
    unit = (DEPLOY / "systemd" / f"{name}.service").read_text(encoding="utf-8")
    _, command, settings, *options = re.search(r"^ExecStart=(.+)$", unit, re.MULTILINE)[1].split()  # type: ignore[index]
    assert settings.endswith(".toml")
    called, _, _ = app.parse_args([command, "x.toml", *options], exit_on_error=False)
    assert called.__name__ == command


def install_lines() -> list[str]:
    unit = (DEPLOY / "systemd" / "lullwatch-monitor.service").read_text(encoding="utf-8")
    head = unit.split("[Unit]")[0]
    return [line.removeprefix("#   ") for line in head.splitlines() if line.startswith("#   ")]


def test_the_units_install_this_checkout_with_extras_that_there_are() -> None:
    root = DEPLOY.parent
    extras = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    installs = [line for line in install_lines() if "pip install" in line]
    (locked,) = re.findall(r"-r (\S+)", " ".join(installs))
    assert "setuptools==" in (root / locked).read_text(encoding="utf-8")  # it builds the checkout
    (asked,) = re.findall(r"'\.\[([\w,]+)\]'", " ".join(installs))
    assert {"web", "push"} <= set(asked.split(",")) <= set(extras)
    assert not any("'lullwatch" in line for line in installs)  # nothing is published


def test_what_is_installed_lies_where_the_units_may_read_it() -> None:
    lines = install_lines()
    paths = re.findall(r"(?<=[\s'])/[\w./*-]+", "\n".join(lines))
    assert len(paths) >= 10
    for path in paths:
        assert path.startswith(("/opt/lullwatch", "/var/lib/lullwatch", "/etc/systemd/system/")), path
    for name in ("lullwatch-monitor", "lullwatch-serve"):
        unit = (DEPLOY / "systemd" / f"{name}.service").read_text(encoding="utf-8")
        assert {"User=lullwatch", "StateDirectory=lullwatch", "ProtectHome=yes"} <= set(unit.splitlines())


def test_every_file_that_setup_names_is_copied_for_the_services_and_not_the_brokers_alone() -> None:
    setup = (DEPLOY / "setup").read_text(encoding="utf-8")
    printed = set(re.findall(r'= "\$PWD/(secrets/[\w./-]+)"', setup))
    (copies,) = [line for line in install_lines() if "deploy/secrets" in line]
    assert "-m 0600 -o lullwatch -g lullwatch " in copies
    assert {f"deploy/{name}" for name in printed} == set(re.findall(r"deploy/secrets\S+", copies))
    assert len(printed) == 3
    assert not any(name.startswith("secrets/mosquitto/") for name in printed)
    assert "deploy/systemd/lullwatch-monitor.service" in setup


@pytest.mark.parametrize("name", ["lullwatch-monitor", "lullwatch-serve"])
def test_what_is_said_of_the_pause_before_a_start_is_what_the_units_do(name: str) -> None:
    unit = (DEPLOY / "systemd" / f"{name}.service").read_text(encoding="utf-8")
    (pause,) = re.findall(r"^RestartSec=\S+$", unit, re.MULTILINE)
    assert f"(`{pause}`)" in (DEPLOY.parent / "docs" / "set-up.md").read_text(encoding="utf-8")


def test_after_each_end_of_the_monitor_that_is_noted_with_the_settings_that_worked_last() -> None:
    unit = (DEPLOY / "systemd" / "lullwatch-monitor.service").read_text(encoding="utf-8")
    said = dict(line.split("=", 1) for line in unit.splitlines() if re.match(r"[A-Z]\w+=", line))
    settings = said["ExecStart"].split()[2]
    folder = f"/run/{said['RuntimeDirectory']}"
    assert said["RuntimeDirectoryPreserve"] == "yes"  # a row of ends is longer than one life
    assert said["ExecStartPost"].split()[1:] == [settings, f"{folder}/{service_end.CAME_UP}"]
    _, option, module, given = said["ExecStopPost"].split()
    assert (option, module, given) == ("-m", service_end.__name__, settings)


def test_what_the_monitor_reads_of_the_kernel_is_not_hidden_from_it() -> None:
    unit = (DEPLOY / "systemd" / "lullwatch-monitor.service").read_text(encoding="utf-8").splitlines()
    assert "ProcSubset=pid" not in unit  # without the boot's id every restart would look like a new boot
    assert system_clock.boot_id() == BOOT_ID.read_text(encoding="ascii").strip().replace("-", "")


@pytest.mark.parametrize("name", ["lullwatch-monitor", "lullwatch-serve"])
def test_a_service_logs_for_programs(name: str) -> None:
    unit = (DEPLOY / "systemd" / f"{name}.service").read_text(encoding="utf-8")
    assert re.search(r"^ExecStart=.* --json-logs$", unit, re.MULTILINE)
