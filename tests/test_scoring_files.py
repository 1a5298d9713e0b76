from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dsp.records import NS, State
from lullwatch.__main__ import main
from lullwatch.replay import told_lines
from lullwatch.scoring_files import find_nights, read_night
from lullwatch.scoring_night import Span
from store.events_tsv import EventLine, write_events, write_states
from tests.scoring_makers import CLUSTER, line, row, series, states


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two nights of an hour: one told exactly and with its rows, one missed."""
    truth, told = tmp_path / "truth", tmp_path / "told"
    truth.mkdir()
    told.mkdir()
    for name, rows in (("sub-a_one", series(100, "x")), ("sub-b_two", [])):
        write_events(truth / f"{name}_truth_events.tsv", _named(series(100, "t")))
        write_states(truth / f"{name}_truth_states.tsv", states((State.AWAKE, 60)))
        write_events(told / f"{name}_events.tsv", rows)
        write_states(told / f"{name}_states.tsv", states((State.AWAKE, 60)))
    rows = [row(e, 123.0, onset_ns=e.onset_ns + 7 * NS, end_ns=e.onset_ns + 8 * NS) for e in series(100, "x")]
    rows = [replace(r, told_ns=r.told_ns + 7 * NS) for r in rows]
    (told / "sub-a_one_told.jsonl").write_bytes(told_lines(rows, []))
    return truth, told


def _named(lines: list[EventLine]) -> list[EventLine]:
    return [replace(e, true_class="made") for e in lines]


def score(*words: str | Path) -> int:
    return main(["score", *map(str, words)])


def test_folders_are_matched_by_name_and_scored(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(*folders) == 0
    said = capsys.readouterr().out
    assert "2 night(s) of 2 infant(s), 2 h" in said
    assert "0.500 [0.0126-0.987] 1/2" in said
    assert "not known of 1 night(s)" in said


def test_two_files_are_scored_whatever_their_names(folders: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "mine.tsv"
    write_events(other, series(100, "x"))
    assert score(folders[0] / "sub-a_one_truth_events.tsv", other) == 0


def test_rows_as_told_are_brought_onto_the_tables_time_line(folders: tuple[Path, Path]) -> None:
    nights, _ = find_nights(*folders)
    read = read_night(nights[0])
    assert read.infant == "sub-a"
    assert read.rows is not None
    assert (read.rows[0].onset_ns, read.rows[0].told_ns) == (100 * NS, 123 * NS)


def test_json_and_files_hold_the_same_score(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(*folders, "--json", "--out", tmp_path / "out") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "score.json").read_text())
    assert printed["labels"]["spasm_like_cluster"]["by_profile"]["tight"]["sensitivity"]["value"] == 0.5
    assert printed["delays_known"] == 1
    assert "profile tight" in (tmp_path / "out" / "score.txt").read_text()


@pytest.mark.parametrize(
    ("flag", "shown", "hidden"), [("--tight", "tight", "szcore"), ("--szcore", "szcore", "tight")]
)
def test_one_profile_can_be_asked_for(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str], flag: str, shown: str, hidden: str
) -> None:
    assert score(*folders, flag) == 0
    said = capsys.readouterr().out
    assert f"profile {shown}" in said
    assert f"profile {hidden}" not in said


def test_contexts_beside_the_truth_are_read(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "sub-a_one_truth_contexts.tsv"
    path.write_text("onset\tduration\tkind\n10\t20\tconveyed\n50\t20\tloose\n")
    path.with_name("sub-a_one_truth_unseen.tsv").write_text("onset\tduration\tcause\n5\t1\toff\n")
    (first, _), _ = find_nights(*folders)
    assert read_night(first).unseen == (Span(5.0, 6.0),)
    conveyed = read_night(first).conveyed
    assert conveyed is not None
    assert [(s.onset_s, s.end_s) for s in conveyed] == [(10.0, 30.0)]


def test_a_night_without_events_is_refused_by_name_because_leaving_it_out_would_flatter(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (folders[1] / "sub-b_two_events.tsv").unlink()
    assert score(*folders) == 2
    said = capsys.readouterr().err
    assert "sub-b_two" in said
    assert "flatter" in said


def test_a_night_without_truth_is_left_out_and_said_so(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_events(folders[1] / "third_events.tsv", [])
    assert score(*folders) == 0
    assert "third" in capsys.readouterr().err


def test_a_night_of_unknown_length_asks_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, told = tmp_path / "a_truth_events.tsv", tmp_path / "a_events.tsv"
    write_events(truth, series(100, "t"))
    write_events(told, [])
    assert score(truth, told) == 2
    assert "--hours" in capsys.readouterr().err
    assert score(truth, told, "--hours", "1") == 0


def test_the_table_of_another_night_is_refused(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_events(folders[1] / "sub-b_two_events.tsv", [line(CLUSTER, 9000, 30, "far")])
    assert score(*folders) == 2
    assert "another night" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["missing", "missing"], "missing"),
        (["{truth}", "{empty}"], "_events.tsv"),
        (["{truth}", "{told}", "--window", "0"], "--window"),
        (["{truth}", "{told}", "--hours", "-1"], "--hours"),
    ],
)
def test_what_cannot_be_scored_is_one_line_with_the_place(
    folders: tuple[Path, Path],
    tmp_path: Path,
    words: list[str],
    named: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    known = {"truth": folders[0], "told": folders[1], "empty": tmp_path / "empty"}
    assert score(*(word.format(**known) for word in words)) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert named in said[-1]
    assert len(said) == 1


def test_a_damaged_table_is_named_with_its_line(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = folders[1] / "sub-a_one_events.tsv"
    path.write_text(path.read_text() + "1\t2\tsomersault\n")
    assert score(*folders) == 2
    said = capsys.readouterr().err
    assert "sub-a_one_events.tsv, line 8" in said


def test_damaged_rows_are_named_with_their_line(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = folders[1] / "sub-a_one_told.jsonl"
    path.write_bytes(path.read_bytes() + b'{"label": "spasm_like"}\n')
    assert score(*folders) == 2
    assert "told.jsonl, line 7" in capsys.readouterr().err


def test_a_simulated_and_replayed_recording_is_scored_as_the_help_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = tmp_path / "short.toml"
    scenario.write_text(
        'name = "short"\nduration_min = 3\nage_days = 120\n'
        '[[phase]]\nstate = "awake"\nminutes = 3\n'
        '[[movement]]\nkind = "spasm_cluster"\nat_min = 0.6\ncount = 8\ngap_s = 8.0\n[background.awake]\n'
    )
    recordings, results = str(tmp_path / "recordings"), str(tmp_path / "results")
    assert main(["simulate", str(scenario), "--out", recordings]) == 0
    edf = str(tmp_path / "recordings" / "short_seed-1.edf")
    assert main(["replay", edf, "--out", results, "--no-picture"]) == 0
    capsys.readouterr()
    assert score(recordings, results, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["nights"], printed["hours"], printed["conveyed_hours"]) == (1, pytest.approx(0.05), 0.0)
    assert printed["labels"]["spasm_like_cluster"]["truth"] == 1
    assert printed["delays_known"] == 1
