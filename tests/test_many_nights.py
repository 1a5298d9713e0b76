"""A folder of nights: done once, taken up again, and what cannot be done is named."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from dsp.settings import Settings
from firmware_sim.night import make_night
from firmware_sim.scenario import scenario_from_toml
from lullwatch.__main__ import main
from lullwatch.many_nights import INDEX, Order, Outcome, TwoOfOneName, _outcomes, replay_all
from lullwatch.pool import Done
from lullwatch.simulate import write_night
from lullwatch.sources import sources_in

SHORT = 'name = "{}"\nduration_min = 1.2\nage_days = 120\n[[phase]]\nstate = "awake"\nminutes = 2\n'
KICKS = SHORT + '[[movement]]\nkind = "kicking"\nat_min = 0.5\n'
NIGHTS = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nights")
    for seed, name in enumerate(NIGHTS):
        night = make_night(scenario_from_toml(KICKS.format(name)), seed=seed, infant=f"sim-{seed}")
        write_night(night, folder / ("sub" if name == "d" else ""))
    return folder


def orders(made: Path, out: Path, **changes: object) -> list[Order]:
    return [replace(Order(str(path), str(out)), **changes) for path in sources_in([made])]


def test_every_night_of_a_folder_is_done_once(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["replay", str(made), "-o", str(tmp_path), "--jobs", "2"]
    assert main(words) == 0
    assert "4 nights" in capsys.readouterr().out
    tables = sorted(tmp_path.glob("*_told.jsonl"))
    assert len(tables) == 4
    before = {path: path.stat().st_mtime_ns for path in tables}
    tables[1].unlink()
    assert main(words) == 0
    again = {path: path.stat().st_mtime_ns for path in tables}
    assert [before[p] == again[p] for p in tables] == [True, False, True, True]
    assert not list(tmp_path.glob(".part-*"))


def test_results_are_those_of_a_night_replayed_alone(made: Path, tmp_path: Path) -> None:
    replay_all(orders(made, tmp_path / "all"), jobs=1)
    one = sources_in([made])[0]
    assert main(["replay", str(one), "-o", str(tmp_path / "one"), "--no-picture"]) == 0
    for path in (tmp_path / "one").iterdir():
        assert (tmp_path / "all" / path.name).read_bytes() == path.read_bytes()


def test_other_settings_and_another_file_are_done_anew(made: Path, tmp_path: Path) -> None:
    done: list[str] = []
    todo = orders(made, tmp_path)[:1]
    first = replay_all(todo, jobs=1)
    assert replay_all(todo, jobs=1) == first
    other = [replace(order, settings=replace(Settings(), lateness_s=2.0)) for order in todo]
    second = replay_all(other, jobs=1, on_night=lambda o: done.append(o.digest))
    assert second[0].digest != first[0].digest
    os.utime(todo[0].file, ns=(1, 1))
    assert replay_all(other, jobs=1)[0].digest not in {first[0].digest, second[0].digest}


def test_a_half_written_line_and_left_over_parts_are_swept_away(made: Path, tmp_path: Path) -> None:
    todo = orders(made, tmp_path)[:1]
    replay_all(todo, jobs=1)
    (tmp_path / ".part-old-77").mkdir()
    with (tmp_path / INDEX).open("ab") as index:
        index.write(b'{"file": "' + todo[0].file.encode()[:5])
    outcome = replay_all(todo, jobs=1)[0]
    assert outcome.error == ""
    assert not (tmp_path / ".part-old-77").exists()


def test_poisoned_nights_are_listed_at_the_end_and_the_status_is_1(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nights = tmp_path / "nights"
    nights.mkdir()
    good = sources_in([made])[0]
    for path in good.parent.glob(f"{good.stem}*"):
        (nights / path.name).write_bytes(path.read_bytes())
    (nights / "noise.edf").write_bytes(b"not a recording" * 50)
    (nights / "torn.sqlite").write_bytes(b"")
    assert main(["replay", str(nights), "-o", str(tmp_path / "out"), "--json", "--jobs", "1"]) == 1
    said = capsys.readouterr()
    outcomes = {Path(o["file"]).name: o for o in json.loads(said.out)}
    assert outcomes[good.name]["error"] == ""
    assert outcomes[good.name]["hours"] > 0
    assert "noise.edf" in outcomes["noise.edf"]["error"]
    assert outcomes["torn.sqlite"]["error"]
    assert said.err.count("noise.edf") >= 1


def test_two_nights_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    todo = [Order(str(tmp_path / sub / "night.edf"), str(tmp_path)) for sub in "ab"]
    with pytest.raises(TwoOfOneName, match="Rename"):
        replay_all(todo, jobs=1)


def test_two_files_whose_tables_have_one_name_do_not_overwrite_each_other() -> None:
    """A journal and its own export."""
    found = iter([Done(Order("night_a.edf", ""), Outcome("night_a.edf", nights=("night_a",)))])
    (outcome,) = _outcomes(found, [Outcome("night.sqlite", nights=("night_a",))])
    assert "night.sqlite" in outcome.error
    assert outcome.nights == ()
