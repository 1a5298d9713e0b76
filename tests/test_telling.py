"""What was decided and cannot be written down: a file that is damaged there is mended, else the service ends of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dsp.records import Coverage, Event, Output
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.errors import JournalFailing, JournalFull
from store.journal import CommitResult, Journal
from store.rows import Row
from tests.spine_examples import KID, SITES, Batch, five_minutes
from tests.test_spine import CLOCK

OTHER = Watch.of("other", SITES, 200)


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    return five_minutes()


def events_told(journal: Journal, batches: Sequence[Batch], break_at: int | None = None) -> list[Event]:
    spine = Spine(journal, [Watch.of(KID, SITES, 200)])
    spine.begin(CLOCK)
    told: list[Output] = []
    for n, batch in enumerate(batches):
        if n == break_at:
            break_index_of_events(journal)
        for each in spine.take(batch).told.values():
            told += each.outputs
    spine.pause()
    spine.close()
    return [row for row in told if isinstance(row, Event)]


def break_index_of_events(journal: Journal) -> None:
    """As a sector does that goes bad: segments and ticks are kept as before."""
    db = journal._db
    (page,) = db.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_event_1'"
    ).fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    with journal.path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    db.execute("PRAGMA shrink_memory")


def test_a_file_that_breaks_where_events_stand_is_mended_and_everything_is_told(
    batches: list[Batch], tmp_path: Path
) -> None:
    broken = tmp_path / "broken" / "journal-2026-01-01.sqlite"
    broken.parent.mkdir()
    with Journal.open(tmp_path / broken.name) as journal:
        undisturbed = events_told(journal, batches)
    with Journal.open(broken) as journal:
        told = events_told(journal, batches, break_at=5)
    assert undisturbed
    assert told == undisturbed
    assert list(broken.parent.glob("*.damaged-1"))
    with Journal.read_only(broken) as journal:
        assert journal.events(KID) == undisturbed


class Refusing(Journal):
    """Takes everything but events."""

    error: type[JournalFailing | JournalFull] = JournalFailing

    def commit(self, rows: Sequence[Row]) -> CommitResult:
        if any(isinstance(row, Event) for row in rows):
            raise (
                JournalFull(self.path)
                if self.error is JournalFull
                else JournalFailing(self.path, "I/O error")
            )
        return super().commit(rows)


def test_words_that_wait_for_long_while_all_else_is_kept_end_the_service(
    batches: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lullwatch.telling._WAITS_S", 0.0)
    with Refusing.open(tmp_path / "journal-2026-01-01.sqlite") as journal, pytest.raises(JournalFailing):
        events_told(journal, batches)


def test_words_wait_for_room_on_a_full_disk_however_long_it_takes(
    batches: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lullwatch.telling._WAITS_S", 0.0)
    monkeypatch.setattr(Refusing, "error", JournalFull)
    with Refusing.open(tmp_path / "journal-2026-01-01.sqlite") as journal:
        assert events_told(journal, batches) == []


def test_words_about_one_infant_that_wait_hold_up_no_others(batches: list[Batch], tmp_path: Path) -> None:
    with Refusing.open(tmp_path / "journal-2026-01-01.sqlite") as journal:
        spine = Spine(journal, [Watch.of(KID, SITES, 200), OTHER])
        spine.begin(CLOCK)
        minutes: list[Coverage] = []
        for batch in batches:
            ticks = [type(row)(OTHER.infant, row.item) for row in batch if hasattr(row, "item")]
            for infant, told in spine.take([*batch, *ticks]).told.items():
                minutes += told.coverage if infant == OTHER.infant else []
        spine.close()
    assert len(minutes) >= 4
