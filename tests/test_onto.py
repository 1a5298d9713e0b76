"""A movement added onto a recording, as a command's user gets it: files in, files out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dsp.records import NS, Label, Scale, Segment, Site, State
from lullwatch.__main__ import main
from lullwatch.onto import BadInjection, options_from, write_onto
from store.edf import read_recording, write_recording
from store.events_tsv import read_events, read_states
from store.recording import Recording
from tests.test_real_recordings import recording


def a_recording(folder: Path, *, seconds: int = 120) -> Path:
    """A sensor at the left ankle that lies still."""
    counts = np.zeros((seconds * 104, 6), np.int16)
    counts[:, 2] = 4096
    segment = Segment(Site.LA, "s", 0, 0, 0, round(NS / 104), counts, Scale(8 / 32768, 1000 / 32768))
    path = folder / "still.edf"
    write_recording(Recording("somebody", "UTC", None, 0, (segment,)), path)
    return path


def test_a_cluster_is_added_and_the_truth_says_when(tmp_path: Path) -> None:
    path = a_recording(tmp_path)
    edf, *tables = write_onto(
        path, tmp_path / "out", "spasm_cluster", ("count=4", "gap_s=8.0", "busy=0.0"), at_s=30.0, seed=2000
    )
    assert edf.name == "still_with_spasm_cluster_seed-2000.edf"
    (events,) = (read_events(t) for t in tables if t.name.endswith("_truth_events.tsv"))
    (states,) = (read_states(t) for t in tables if t.name.endswith("_truth_states.tsv"))
    assert {line.state for line in events} == {State.UNKNOWN} == {line.state for line in states}
    (cluster,) = (line for line in events if line.label is Label.SPASM_LIKE_CLUSTER)
    assert cluster.count == 4
    assert 29 * NS < cluster.onset_ns < 32 * NS
    before, after = (np.concatenate([s.counts for s in read_recording(p).segments]) for p in (path, edf))
    first = cluster.onset_ns * 104 // NS - 104
    assert np.array_equal(before[:first], after[:first])
    assert not np.array_equal(before[first:], after[first:])


def test_a_real_recording_keeps_its_form(tmp_path: Path) -> None:
    path = recording("parkinson_wrist")
    edf = write_onto(path, tmp_path, "sleep_jerk_train", ("trains=1",), at_s=60.0, seed=2001)[0]
    real, made = read_recording(path), read_recording(edf)
    assert [(s.site, s.n, s.step_ns) for s in made.segments] == [
        (s.site, s.n, s.step_ns) for s in real.segments
    ]
    assert made.start_utc_ns == real.start_utc_ns


def test_options_are_numbers_truths_or_words() -> None:
    assert options_from(["count=4", "gap_s=8.5", "subtle=true", "form=flexor"]) == {
        "count": 4,
        "gap_s": 8.5,
        "subtle": True,
        "form": "flexor",
    }


@pytest.mark.parametrize(
    ("kind", "pairs", "at_s", "says"),
    [
        ("spasm_clutser", (), 30.0, "spasm_cluster"),
        ("spasm", ("subtel=true",), 30.0, "subtle"),
        ("spasm", ("subtle",), 30.0, "NAME=VALUE"),
        ("spasm", (), 119.9, "another time"),
        ("spasm", (), -5.0, "another time"),
    ],
)
def test_what_does_not_go_together_is_said_with_the_recordings_name(
    tmp_path: Path, kind: str, pairs: tuple[str, ...], at_s: float, says: str
) -> None:
    path = a_recording(tmp_path)
    with pytest.raises(BadInjection, match=rf"{kind} onto .*still\.edf: .*{says}"):
        write_onto(path, tmp_path / "out", kind, pairs, at_s=at_s, seed=1)
    assert not (tmp_path / "out").exists()


def test_the_command_adds_a_movement_and_names_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = a_recording(tmp_path), tmp_path / "out"
    words = [
        "simulate",
        "--onto",
        str(path),
        "--movement",
        "spasm_cluster",
        "--option",
        "count=3",
        "--at",
        "20",
    ]
    assert main([*words, "--out", str(out)]) == 0
    told = capsys.readouterr().out.split()
    assert str(out / "still_with_spasm_cluster_seed-1.edf") in told
    assert (out / "still_with_spasm_cluster_seed-1_truth_events.tsv").exists()


def test_the_command_says_in_one_line_what_cannot_be_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_recording(tmp_path)
    words = ["simulate", "--onto", str(path), "--movement", "spasm_clutser", "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "spasm_clutser onto" in capsys.readouterr().err
