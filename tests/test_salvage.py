"""Of a damaged file everything that can be read goes on, under the same numbers; the file itself is kept."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow, Tick
from lullwatch.rollover import opened
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.errors import JournalDamaged, JournalError, JournalFailing, JournalFull, JournalInUse
from store.journal import Journal
from store.rows import FedRow
from store.salvage import salvage
from store.schema import SCHEMA_VERSION
from tests.store_examples import event, segment, segment_row

VECTORS = Path(__file__).parent / "vectors"
PAGE = 4096


def filled(path: Path) -> int:
    with Journal.open(path) as journal:
        journal.commit([ClockRow(0, 0, "b", "UTC")])
        for i in range(1500):
            journal.commit([segment_row(segment(i)), event(f"e{i}", onset_ns=i * NS)])
        journal.put_snapshot("kid", journal.last_row, NS, b"state" * 1000)
        journal.advance("influx", journal.last_row)
        return journal.last_row


def spoil(path: Path, pages: list[int]) -> None:
    whole = bytearray(path.read_bytes())
    for page in pages:
        whole[page * PAGE : (page + 1) * PAGE] = bytes([255]) * PAGE
    path.write_bytes(whole)


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_what_can_be_read_is_kept_under_its_number(tmp_path: Path, share: float) -> None:
    path = tmp_path / "journal-2026-03-14.sqlite"
    last_row = filled(path)
    chance, pages = random.Random(5), path.stat().st_size // PAGE
    spoil(path, [page for page in range(40, pages) if chance.random() < share])
    with pytest.raises(JournalDamaged):
        Journal.open(path)
    done = salvage(path)
    assert done.aside.read_bytes()[40 * PAGE :].count(255) > PAGE
    with Journal.open(path) as journal:
        rows = dict(journal.read(limit=10_000))
        assert len(rows) == done.rows - (journal.newest_snapshot("kid") is not None)
        assert done.rows > (1 - 4 * share) * last_row or share > 0.1
        assert all(
            row.segment == segment(row.segment.seq) for row in rows.values() if hasattr(row, "segment")
        )
        assert all(row % 2 == (0 if hasattr(row_, "segment") else 1) for row, row_ in rows.items() if row > 1)
        assert journal.commit([FedRow("kid", Tick(1))]).last_row > last_row
        assert journal.cursor("influx") == last_row


def test_a_file_that_is_no_journal_at_all_is_set_aside_and_a_night_begun(tmp_path: Path) -> None:
    path = tmp_path / "journal-2026-03-14.sqlite"
    path.write_bytes(b"nothing of use" * 1000)
    with opened(tmp_path, 1_773_525_600 * NS, "UTC") as journal:
        assert journal.commit([event()]).last_row == 1
    assert path.with_name(path.name + ".damaged-1").read_bytes() == b"nothing of use" * 1000


def test_what_was_only_in_the_log_is_saved_too(tmp_path: Path) -> None:
    path = tmp_path / "journal-2026-03-14.sqlite"
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    with Journal.open(path) as journal:
        journal.commit([segment_row(segment(i)) for i in range(10)])
        for name in (path.name, f"{path.name}-wal"):
            (copy.parent / name).write_bytes((tmp_path / name).read_bytes())
    salvage(copy)
    with Journal.open(copy) as journal:
        assert len(list(journal.segments("kid"))) == 10


def test_a_file_in_use_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal-2026-03-14.sqlite"
    with Journal.open(path), pytest.raises(JournalInUse):
        salvage(path)


def test_a_page_that_breaks_while_the_monitor_writes_is_mended_and_it_writes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal-2026-03-14.sqlite"
    last_row = filled(path)
    with Journal.open(path) as journal:
        spine = Spine(journal, [Watch.of("kid", ["LA"], 200)])
        spine.begin(ClockRow(2000 * NS, 2000 * NS, "b", "UTC"))
        refuse, plain = [True], journal.commit

        def breaking(rows: object) -> object:
            if refuse.pop() if refuse else False:
                raise JournalDamaged(path, "database disk image is malformed")
            return plain(rows)

        journal.commit = breaking
        batch = [segment_row(segment(9000)), FedRow("kid", Tick(2001 * NS))]
        with pytest.raises(JournalDamaged):
            spine.take(batch)
        spine.take(batch)
        assert spine.journal is not journal
        assert spine.journal.last_row > last_row
        spine.close()
    with Journal.read_only(path) as journal:
        assert len(journal.events("kid")) == 1500
    assert list(tmp_path.glob("*.damaged-1"))


@pytest.mark.parametrize("trouble", [JournalFull(Path("j")), OSError(5, "Input/output error")])
def test_a_mending_that_fails_is_tried_again_with_the_next_batch_and_what_is_told_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    path = tmp_path / "journal-2026-03-14.sqlite"
    filled(path)
    journal = Journal.open(path)
    spine = Spine(journal, [Watch.of("kid", ["LA"], 200)])
    spine.begin(ClockRow(2000 * NS, 2000 * NS, "b", "UTC"))
    kept = spine.keep([FedRow("kid", Tick(2001 * NS))])

    def breaking(_: object) -> object:
        raise JournalDamaged(path, "database disk image is malformed")

    def failing(_: Path) -> object:
        raise trouble

    journal.commit = breaking
    batch = [segment_row(segment(9000)), FedRow("kid", Tick(2400 * NS))]
    with monkeypatch.context() as disk:
        disk.setattr("lullwatch.spine.salvage", failing)
        disk.setattr("lullwatch.spine._MEND_AGAIN_S", 0.0)
        for _ in range(2):
            with pytest.raises(JournalError):
                spine.keep(batch)
        assert spine.is_unmended
        with pytest.raises(JournalFailing):
            spine.at_hand(kept)
    later = spine.keep(batch)
    assert not spine.is_unmended
    spine.decide(kept)
    spine.decide(later)
    spine.close()
    with Journal.read_only(path) as mended:
        assert len(mended.events("kid")) == 1500
        assert [m.t_ns for m in mended.coverage("kid")] != []


@pytest.mark.parametrize("schema", range(1, SCHEMA_VERSION + 1))
def test_a_file_of_every_schema_is_read_as_it_is_and_brought_up_to_date_when_written(
    tmp_path: Path, schema: int
) -> None:
    path = tmp_path / "journal-2026-03-14.sqlite"
    path.write_bytes(gzip.decompress((VECTORS / f"journal-schema-{schema}.sqlite.gz").read_bytes()))
    with Journal.read_only(path) as journal:
        old = journal.read()
        assert len(journal.pins()) == (0 if schema == 1 else 1)
        state = journal.newest_snapshot("kid")
    with Journal.open(path) as journal:
        assert repr(journal.read()) == repr(old)
        assert journal.newest_snapshot("kid") == state
        assert journal._db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert {type(row).__name__ for _, row in old} >= {
            "SegmentRow",
            "FedRow",
            "Event",
            "Alert",
            "Coverage",
        }
        assert journal.commit([event("new")]).last_row > old[-1][0]
        fresh = sqlite_names(tmp_path / "fresh.sqlite")
        assert names_of(journal) == fresh


def names_of(journal: Journal) -> set[str]:
    return {name for (name,) in journal._db.execute("SELECT name FROM sqlite_schema")}


def sqlite_names(path: Path) -> set[str]:
    with Journal.open(path) as journal:
        return names_of(journal)
