"""What systemd runs after each end of the monitor: a process of its own each time, and a real broker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from alerts.wire import AlertBody
from lullwatch.service_end import CAME_UP, is_told, noted
from tests.servers_fixtures import Broker

SETTINGS = """
gateway = "{gateway}"
journal_dir = "{folder}"
[[infants]]
id = "kid"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:01"
[[people]]
id = "a1"
channels = ["mqtt"]
[mqtt]
host = "{host}"
port = {port}
tls = false
"""
FAILED = {"SERVICE_RESULT": "exit-code", "EXIT_CODE": "exited", "EXIT_STATUS": "2"}
HUNG = {"SERVICE_RESULT": "timeout", "EXIT_CODE": "killed", "EXIT_STATUS": "TERM"}
PLANNED = {"SERVICE_RESULT": "success", "EXIT_CODE": "exited", "EXIT_STATUS": "0"}
MINUTE_S = 60.0


def ends(settings: Path, folder: Path, how: dict[str, str]) -> str:
    """What is logged of one end."""
    line = [sys.executable, "-m", "lullwatch.service_end", str(settings)]
    environment = {**os.environ, **how, "RUNTIME_DIRECTORY": str(folder)}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    return path


def test_a_monitor_that_keeps_ending_rings_once_also_when_its_settings_can_no_longer_be_used(
    mosquitto: Broker, tmp_path: Path, folder: Path
) -> None:
    values = {"gateway": mosquitto.topic, "host": mosquitto.host, "port": mosquitto.port, "folder": tmp_path}
    settings = tmp_path / "lullwatch.toml"
    (folder / CAME_UP).write_text(SETTINGS.format(**values))
    settings.write_text("gateway = \n")
    with mosquitto.sub(f"lullwatch/{mosquitto.topic}/#") as phone:
        assert [ends(settings, folder, FAILED) for _ in range(4)] == [""] * 4
        assert "it ended 5 times" in ends(settings, folder, FAILED)
        body = msgspec.json.decode(phone.next().payload, type=AlertBody)
        assert (body.pattern, body.rings) == ("service", True)
        assert ends(settings, folder, FAILED) == ""
        assert phone.nothing_for(0.5)


def test_where_no_settings_can_be_used_that_is_said(tmp_path: Path, folder: Path) -> None:
    assert "nobody can be told" in ends(tmp_path / "none.toml", folder, HUNG)


def told(folder: Path, how: dict[str, str], at_min: float, *, up: bool = True) -> str:
    if up:
        (folder / CAME_UP).touch()
    if why := noted(folder, how, at_min * MINUTE_S):
        is_told(folder)
    return why


def test_a_start_that_hangs_is_told_the_first_time_and_an_end_that_hangs_is_an_end(folder: Path) -> None:
    assert told(folder, HUNG, 5) == ""
    assert "did not come up" in told(folder, HUNG, 10, up=False)
    assert told(folder, HUNG, 15, up=False) == ""


def test_ends_nine_minutes_apart_are_told_and_none_after_a_life_that_was_well(folder: Path) -> None:
    assert [told(folder, FAILED, minute) for minute in (0, 9, 18, 27)] == [""] * 4
    assert told(folder, FAILED, 36) == "it ended 5 times in 36 min, last with exit-code 2"
    assert told(folder, FAILED, 37) == ""
    assert [told(folder, FAILED, minute) for minute in (60, 80, 100, 120, 140, 160)] == [""] * 6
    assert [told(folder, FAILED, minute) for minute in (161, 162, 163)] == [""] * 3
    assert told(folder, FAILED, 164).startswith("it ended 5 times in 4 min")


def test_what_nobody_took_is_told_at_a_later_end_and_not_at_each(folder: Path) -> None:
    (folder / CAME_UP).touch()
    assert [noted(folder, FAILED, second) for second in (0, 10, 20, 30)] == [""] * 4
    assert noted(folder, FAILED, 40) != ""
    assert [noted(folder, FAILED, second) for second in (50, 70, 90)] == [""] * 3
    assert noted(folder, FAILED, 101).startswith("it ended 9 times")
    is_told(folder)
    assert noted(folder, FAILED, 300) == ""


def test_a_stop_that_was_asked_for_ends_the_row(folder: Path) -> None:
    for planned in (5, 10):
        assert [told(folder, FAILED, planned - 4 + n) for n in range(4)] == [""] * 4
        assert told(folder, PLANNED, planned) == ""


def test_what_was_written_half_begins_a_new_row(folder: Path) -> None:
    told(folder, FAILED, 1)
    (kept,) = folder.glob("*.json")
    kept.write_text(kept.read_text()[:20])
    assert [told(folder, FAILED, minute) for minute in (2, 3, 4, 5)] == [""] * 4
    assert told(folder, FAILED, 6) != ""


def test_run_by_hand_it_says_who_runs_it(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "lullwatch.service_end"]
    bare = {k: v for k, v in os.environ.items() if k != "RUNTIME_DIRECTORY"}
    done = subprocess.run(line, env=bare, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "systemd runs this" in done.stderr
