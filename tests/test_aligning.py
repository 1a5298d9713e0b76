"""A clip is laid beside the record from the command line, over a real journal."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from dsp.records import NS, ClockRow, Counts, EventStatus, Packet, Scale, Segment, SegmentFlag, Site, Tick
from lullwatch.__main__ import main
from lullwatch.aligning import VIDEO, clip_time
from store.journal import Journal
from store.rows import FedRow, Row, SegmentRow
from tests.store_examples import event
from tests.test_taps import T0_NS, TRUTH_S, recorded

UTC_NS = 1_767_319_200 * NS
"""2026-01-02 03:00 in Berlin"""
SCALE = Scale(1 / 4096, 1 / 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four minutes of a tapped sock, as packets of 16 samples; the record begins at 03:00 local time."""
    folder = tmp_path_factory.mktemp("journals")
    seen = recorded(7)
    counts: Counts = np.round(seen.acc_g * 4096).astype(np.int16)
    step_ns = int(seen.times_ns[1] - seen.times_ns[0])
    rows: list[Row] = [ClockRow(T0_NS, UTC_NS, "boot", "Europe/Berlin")]
    for seq, at in enumerate(range(0, len(counts) - 16, 16)):
        part, t0_ns = counts[at : at + 16], int(seen.times_ns[at])
        packet = Packet(Site.LA, "la", 1, seq, 0, 104.0, SCALE, part, SegmentFlag.NONE, t0_ns)
        rows.append(SegmentRow("a", packet, Segment(Site.LA, "la", 1, seq, t0_ns, step_ns, part, SCALE)))
    onset_ns = T0_NS + 150 * NS
    shown = replace(
        event("e-1", infant="a"), onset_ns=onset_ns, end_ns=onset_ns + 2 * NS, status=EventStatus.NEW
    )
    with Journal.open(folder / "journal-2026-01-01.sqlite") as journal:
        journal.commit([*rows, shown])
    return folder


def test_the_clip_is_laid_beside_the_record_and_a_note_keeps_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["align", "03:01", "--first-tap", "4.2", "--journals", str(folder), "--json", "--by", "ann"]
    assert main(line) == 0
    said = json.loads(capsys.readouterr().out)
    assert abs(said["begins_ns"] - (T0_NS + round((TRUTH_S[0] - 4.2) * NS))) <= NS // 20
    assert said["begins"].startswith("2026-01-02T03:02:0")
    assert said["taps_clip_s"] == pytest.approx([4.2, 4.71, 5.19], abs=0.05)
    (event_,) = said["events"]
    assert event_["clip_s"] == pytest.approx(150 - TRUTH_S[0] + 4.2, abs=0.05)
    with Journal.read_only(folder / "journal-2026-01-01.sqlite") as journal:
        (note,) = journal.notes("a")
    assert (note.kind, note.author, note.t_ns) == (VIDEO, "ann", said["begins_ns"])
    assert dict(note.facts) == {"first_tap_s": 4.2}


def test_people_read_the_events_in_the_time_of_the_clip(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["align", "03:02:30", "--first-tap", "4.2", "--journals", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "0:00.0 of the clip is 2026-01-02 03:02:0" in said
    assert "  0:24.0  " in said


def night_after(folder: Path, date: str, begins_utc_ns: int, hours: int) -> None:
    """A night of ticks beside the tapped one, on the same clock."""
    begins_ns = T0_NS + begins_utc_ns - UTC_NS
    ticks = [FedRow("a", Tick(begins_ns + minute * 60 * NS)) for minute in range(60 * hours + 1)]
    with Journal.open(folder / f"journal-{date}.sqlite") as journal:
        journal.commit([ClockRow(begins_ns, begins_utc_ns, "boot", "Europe/Berlin"), *ticks])


@pytest.mark.parametrize("hours", [-1, 0, 2, 14])
@pytest.mark.parametrize("night", [[], ["--night", "2026-01-01"]])
def test_a_time_that_is_still_to_come_in_the_newest_night_is_one_of_the_night_before(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], hours: int, night: list[str]
) -> None:
    copytree(folder, tmp_path, dirs_exist_ok=True)
    night_after(tmp_path, "2026-01-02", UTC_NS + 9 * 3600 * NS, hours)
    assert main(["align", "03:01", "--first-tap", "4.2", "--journals", str(tmp_path), "--json", *night]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["night"] == "journal-2026-01-01.sqlite"
    assert said["begins"].startswith("2026-01-02T03:02:0")


@pytest.mark.parametrize("words", [["03:01"], ["03:07", "--within", "300"]])
def test_a_time_that_the_newest_night_reaches_is_one_of_that_night(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    copytree(folder, tmp_path, dirs_exist_ok=True)
    night_after(tmp_path, "2025-12-31", UTC_NS - 39 * 3600 * NS, 20)
    assert main(["align", *words, "--first-tap", "4.2", "--journals", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["night"] == "journal-2026-01-01.sqlite"


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["03:01"], "--first-tap"),
        (["three", "--first-tap", "1"], "03:12"),
        (["03:01Z", "--first-tap", "1"], "without a zone, such as 03:12"),
        (["03:01:30+01:00", "--first-tap", "1"], "without a zone, such as 03:12"),
        (["09:00", "--first-tap", "1"], "Tap three times"),
        (["03:01", "--first-tap", "1", "--infant", "zoe"], "one of: a"),
        (["03:01", "--first-tap", "1", "--night", "1999-01-01"], "no night"),
        (["03:01", "--sound", "missing.wav"], "ffmpeg"),
        (["03:01", "--first-tap", "nan"], "--first-tap from 0"),
        (["03:01", "--first-tap", "-1"], "--first-tap from 0"),
        (["03:01", "--first-tap", "1", "--within", "nan"], "--within from 1 to 3600"),
        (["03:01", "--first-tap", "1", "--minutes", "inf"], "--minutes from 0.1"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_remedy(
    folder: Path, words: list[str], remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["align", *words, "--journals", str(folder)]) == 2
    assert remedy in capsys.readouterr().err


def test_times_of_a_clip_are_written_as_a_player_shows_them() -> None:
    assert [clip_time(s) for s in (0, 65.34, 3599.96, -0.04, -2.5)] == [
        "0:00.0",
        "1:05.3",
        "60:00.0",
        "0:00.0",
        "-0:02.5",
    ]
