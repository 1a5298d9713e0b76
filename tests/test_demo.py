"""The demo in small: three minutes, on the real broker and without any server at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.mqtt import BrokerAddress
from dsp.records import Severity
from firmware_sim.night import Night, make_night
from firmware_sim.scenario import scenario_from_toml
from lullwatch import demo, local_brokers, programs
from lullwatch.commands.demo import _make_room
from lullwatch.demo import DemoResult, Show, alerts_of, closing_words, run_demo

SHORT = """
name = "short"
duration_min = 3
age_days = 120
[[phase]]
state = "awake"
minutes = 3
[[movement]]
kind = "kicking"
at_min = 1
"""


def run_short(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[DemoResult, list[str]]:
    def short_night(_name: str, *, seed: int, infant: str) -> Night:
        return make_night(scenario_from_toml(SHORT), seed=seed, infant=infant)

    monkeypatch.setattr(demo, "make_night", short_night)
    said: list[str] = []
    return run_demo(folder, Show(said.append, lambda _: None)), said


def test_the_demo_says_which_servers_it_uses_and_ends_with_coverage_and_what_to_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, said = run_short(tmp_path, monkeypatch)
    assert said[0].startswith("broker    mosquitto 2")
    assert said[1].startswith("database  influxd 1")
    assert any("state" in line for line in said[2:])
    assert result.packets_kept == result.packets_sent > 3 * 3 * 60 * 6
    assert result.database_lines is not None
    assert result.database_lines > 16 * result.packets_kept - 16
    words = closing_words(result, tmp_path)
    assert "3 min of 3 min recorded" in words
    assert "lullwatch replay" in words
    assert (tmp_path / "demo_night.png").stat().st_size > 10_000


def test_without_mosquitto_and_influxdb_it_runs_on_a_built_in_broker_and_the_journal_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(program: programs.Program, **_: object) -> programs.Missing:
        return programs.Missing(program.name, "not here.", "sudo apt-get install it")

    monkeypatch.setattr(demo, "obtain", missing)
    monkeypatch.setattr(local_brokers, "obtain", missing)
    result, said = run_short(tmp_path, monkeypatch)
    assert "for the demo alone" in said[0]
    assert "the journal alone" in said[1]
    assert "sudo apt-get install it" in said[1]
    assert result.database_lines is None
    assert result.packets_kept == result.packets_sent > 0
    assert "no database" in closing_words(result, tmp_path)


def test_a_second_demo_removes_what_the_first_wrote_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_short(tmp_path, monkeypatch)
    mine = [tmp_path / "thesis.txt", tmp_path / "demo_notes.txt", tmp_path / "influxes" / "data"]
    mine[-1].parent.mkdir()
    for path in mine:
        path.write_text("mine")
    _make_room(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"thesis.txt", "demo_notes.txt", "influxes"}
    assert [path.read_text() for path in mine] == ["mine"] * 3


def test_a_folder_that_only_bears_a_server_s_name_stays(tmp_path: Path) -> None:
    for name in ("broker", "influx"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "poems.txt").write_text("mine")
    (tmp_path / "journal-demo.sqlite").touch()
    _make_room(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"broker", "influx"}
    assert (tmp_path / "influx" / "poems.txt").exists()


def alert(alert_id: str, version: int, severity: Severity, announce: str) -> dict[str, object]:
    facts = {"announce": announce}
    return {"id": alert_id, "version": version, "severity": severity, "text": "A\nB", "facts": facts}


def test_an_alert_that_becomes_urgent_rings_and_is_one_urgent_alert(tmp_path: Path) -> None:
    said: list[str] = []
    shown = demo._Demo(tmp_path, Show(said.append, lambda _: None), BrokerAddress("127.0.0.1"), None, None)
    phone = [
        alert("a", 1, Severity.NOTICE, "push"),
        alert("a", 2, Severity.URGENT, "ring"),
        alert("a", 3, Severity.URGENT, "update"),
    ]
    for message in phone:
        shown._show_alert(message)
    assert [line.split(" · ")[0].split()[1:] for line in said] == [["silent", "push"], ["RINGS"]]
    assert alerts_of(phone, Severity.URGENT) == {"a"}
    assert alerts_of(phone, Severity.NOTICE) == set()
