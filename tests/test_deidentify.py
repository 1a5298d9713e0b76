"""Nights for research: no byte leads back to the child, times of day and intervals stay, and it is said what went."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dsp.records import NS, ClockRow, Config, Event, Note
from lullwatch.__main__ import main
from lullwatch.deidentify import Deidentifier, TakenAway, export_deidentified
from lullwatch.errors import ConsentMissing, FolderHoldsFiles
from lullwatch.export import Kind
from lullwatch.nights import load
from lullwatch.replay import replay
from lullwatch.watch import Watch, config_of
from store.bids import BidsNight
from store.edf import read_recording
from store.journal import Journal
from store.recording import Recording, from_journal
from store.rows import Row
from tests.kept.make_kept import SITES, UTC_NS, batch
from tests.store_examples import event

SECRETS = (b"zoe-7f3a", b"Zoe", b"Anna", b"ann", b"-la", b"-ra", b"Berlin", b"2026-01", b"JAN-2026")
DAY_NS = 24 * 3600 * NS


def night(folder: Path, day: int) -> Path:
    """A night of two children on data time that tells how long the gateway has been up."""
    up_ns = (day * 24 + 1000) * 3600 * NS
    rows: list[Row] = [ClockRow(up_ns, UTC_NS + day * DAY_NS, "boot", "Europe/Berlin")]
    for infant in ("zoe-7f3a", "kid2"):
        watch: Config = config_of(Watch.of(infant, SITES, 100 + day), up_ns)
        rows += [watch, Note(infant, up_ns + 9 * NS, "fed", "Zoe was fed by Anna", "ann")]
        rows += [shifted(row, up_ns) for second in range(60) for row in batch(infant, second)]
        rows.append(replaced_event(infant, day, up_ns))
    path = folder / f"journal-2026-01-{day + 1:02}.sqlite"
    with Journal.open(path) as journal:
        journal.commit(rows)
    return path


def shifted(row: Row, by_ns: int) -> Row:
    segment = row.segment  # type: ignore[union-attr]
    return replace(row, segment=replace(segment, t0_ns=segment.t0_ns + by_ns))  # type: ignore[type-var]


def replaced_event(infant: str, day: int, by_ns: int) -> Event:
    made = event(f"{infant}-event-{day}", infant=infant)
    return replace(made, onset_ns=by_ns + 40 * NS, end_ns=by_ns + 44 * NS, told_ns=by_ns + 45 * NS)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("journals")
    return [night(folder, day) for day in (0, 3)]


@pytest.fixture(scope="module")
def consent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("consent") / "consent.txt"
    path.write_text("Both parents agreed to research on sleep movements.")
    return path


@pytest.fixture(scope="module", params=[Kind.EDF, Kind.BIDS, Kind.CSV])
def exported(
    request: pytest.FixtureRequest,
    nights: list[Path],
    consent: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Kind, TakenAway]:
    folder = tmp_path_factory.mktemp("out") / "research"
    _, away = export_deidentified(nights, folder, consent=consent, kind=request.param)
    return folder, request.param, away


def test_no_byte_and_no_name_of_any_file_leads_back(exported: tuple[Path, Kind, TakenAway]) -> None:
    folder, _, _ = exported
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 4
    for path in files:
        held = path.read_bytes() + str(path.relative_to(folder)).encode()
        found = [
            word for word in SECRETS if re.search(rb"(?<![a-z])" + re.escape(word) + rb"(?![a-z])", held)
        ]
        assert not found, (path, found)


def test_it_says_what_was_taken_away_and_what_was_agreed_to(exported: tuple[Path, Kind, TakenAway]) -> None:
    folder, _, away = exported
    assert (away.nights, away.infants, away.sensors, away.events) == (4, 2, 4, 4)
    assert away.notes == {"fed": 4}
    readme = " ".join(next(folder.glob("README*")).read_text().split())
    assert "Both parents agreed" in readme
    assert "4 x fed" in readme
    assert "not taken away" in readme


def test_times_of_day_intervals_and_days_between_nights_stay(nights: list[Path]) -> None:
    through = Deidentifier(draw=random.Random(1).randrange)
    mine, made = [], []
    for path in nights:
        with Journal.read_only(path) as journal:
            recording = from_journal(journal, "zoe-7f3a")
        mine.append(recording)
        made.append(through.night(BidsNight(recording, 103)))
    for before, after in zip(mine, made, strict=True):
        assert local(before).time() == local(after.recording).time()
        assert local(before).weekday() == local(after.recording).weekday()
        assert local(before).year - local(after.recording).year >= 1
        assert after.age_days == 98
        assert gaps(before) == gaps(after.recording)
        assert after.recording.t0_ns < 3600 * NS
        assert (after.recording.t0_ns - before.t0_ns) % (3600 * NS) == 0
        assert after.recording.events[0].onset_ns - after.recording.t0_ns == 40 * NS
    apart = [local(r).date() for r in mine], [local(m.recording).date() for m in made]
    assert apart[0][1] - apart[0][0] == apart[1][1] - apart[1][0]
    assert made[0].recording.infant == made[1].recording.infant


def local(recording: Recording) -> datetime:
    assert recording.start_utc_ns is not None
    return datetime.fromtimestamp(recording.start_utc_ns // NS, tz=UTC).astimezone(ZoneInfo(recording.zone))


def gaps(recording: Recording) -> list[int]:
    times = [segment.t0_ns for segment in recording.segments]
    return [b - a for a, b in pairwise(times)]


def test_two_exports_of_one_child_cannot_be_put_together(
    nights: list[Path], consent: Path, tmp_path: Path
) -> None:
    names = []
    for place in ("one", "two"):
        paths, _ = export_deidentified(nights[:1], tmp_path / place, consent=consent, infant="kid2")
        names.append(paths[0].name)
    assert names[0] != names[1]


def test_what_is_seen_in_a_night_is_the_same_afterwards(
    nights: list[Path], consent: Path, tmp_path: Path
) -> None:
    paths, _ = export_deidentified(nights[:1], tmp_path / "out", consent=consent, infant="zoe-7f3a")
    edf = next(path for path in paths if path.suffix == ".edf")
    ours, theirs = load(nights[0], infant="zoe-7f3a")[0], load(edf)[0]
    seen = [
        [(e.label, e.onset_ns - n.t0_ns, e.end_ns - n.t0_ns, e.count) for e in replay(n).told.final_events]
        for n in (ours, theirs)
    ]
    assert seen[0] == seen[1] != []
    assert read_recording(edf).notes == () or all(not note.text for note in read_recording(edf).notes)


def test_without_a_word_on_consent_nothing_is_written(nights: list[Path], tmp_path: Path) -> None:
    empty = tmp_path / "consent.txt"
    empty.write_text(" \n")
    for consent in (empty, tmp_path / "none.txt"):
        with pytest.raises(ConsentMissing, match="--consent"):
            export_deidentified(nights, tmp_path / "out", consent=consent)
    assert not (tmp_path / "out").exists()


def test_other_files_are_not_mixed_with_it(nights: list[Path], consent: Path, tmp_path: Path) -> None:
    (tmp_path / "zoe.txt").write_text("there already")
    with pytest.raises(FolderHoldsFiles):
        export_deidentified(nights, tmp_path, consent=consent)


@pytest.mark.parametrize(
    "words", [["--consent", "{}"], ["--deidentified", "--consent", "{}", "--notes"],
              ["--deidentified", "--consent", "{}", "--alias", "kim"]],
)  # fmt: skip
def test_with_half_of_the_words_for_research_nothing_is_written(
    nights: list[Path], consent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    given = [word.format(consent) for word in words]
    assert main(["export", str(nights[0]), "--out", str(tmp_path / "out"), *given]) == 2
    assert "--deidentified" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_asks_for_consent_and_says_what_it_took_away(
    nights: list[Path], consent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["export", str(nights[0]), "--deidentified", "--out", str(tmp_path / "out")]
    assert main(line) == 2
    assert "--consent FILE" in capsys.readouterr().err
    assert main([*line, "--consent", str(consent)]) == 2
    assert (
        "whose family agreed, for these nights hold kid2 and zoe-7f3a; give --infant"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()
    assert main([*line, "--consent", str(consent), "--infant", "zoe-7f3a"]) == 0
    said = capsys.readouterr().out
    assert "taken away: ids of 1 infant, " in said
    assert "zoe" not in said.replace(str(nights[0]), "")
