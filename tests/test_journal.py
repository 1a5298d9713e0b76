"""The journal: what was acknowledged is there, once, in order, and comes back as it was."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.records import (
    NS,
    Alert,
    ClockRow,
    Config,
    Context,
    Coverage,
    Cutoff,
    Delivery,
    Epoch,
    Event,
    LinkSample,
    Note,
    Opinion,
    Packet,
    Pin,
    Scale,
    Segment,
    SegmentFlag,
    Site,
    StateEpoch,
    Tick,
    Watching,
)
from store.cursors import Cursors
from store.database import check_whole
from store.errors import (
    JournalBusy,
    JournalDamaged,
    JournalEmpty,
    JournalFull,
    JournalInUse,
    JournalReadOnly,
    JournalTooNew,
)
from store.journal import Carried, Journal, Snapshot, night_name
from store.rows import TABLES, FedRow, LinkRow, SegmentRow, table_of
from store.schema import SCHEMA_VERSION
from tests.store_examples import event, records, segment, segment_row

TOLD = (
    Event, Epoch, StateEpoch, Context, Alert, Delivery, Note, Opinion, Pin, Watching, Coverage, ClockRow, Config,
    LinkSample,
)  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    with Journal.open(tmp_path / "night.sqlite") as opened:
        yield opened


def packet_fields(packet: Packet) -> tuple[object, ...]:
    return (
        packet.site, packet.sensor, packet.boot, packet.seq, packet.clock, packet.rate_hz, packet.scale,
        packet.counts.tobytes(), packet.counts.shape, packet.flags, packet.arrived_ns,
    )  # fmt: skip


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.__name__)
def test_every_record_comes_back_as_it_was(kind: type[Any]) -> None:
    @settings(max_examples=60)
    @given(records(kind))
    def round_trip(record: Any) -> None:
        row = LinkRow("kid", record) if kind is LinkSample else record
        table = table_of(row)
        db = sqlite3.connect(":memory:")
        db.execute(f"CREATE TABLE t ({', '.join(table.columns)})")
        db.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(table.columns))})", table.pack(row))
        assert table.unpack(db.execute("SELECT * FROM t").fetchone()) == row
        db.close()

    round_trip()


def test_a_record_of_every_table_comes_back_through_the_file(journal: Journal) -> None:
    rows: list[Any] = [
        segment_row(segment()), FedRow("kid", Tick(1)), FedRow("kid", Cutoff(Site.RA, 2)), event(),
        *(_example(kind) for kind in TOLD if kind is not Event),
    ]  # fmt: skip
    journal.commit(rows)
    kept = [row for _, row in journal.read()]
    assert kept[1:] == rows[1:]
    assert {table_of(row).name for row in kept} == set(TABLES)


def _example(kind: type[Any]) -> Any:
    found: list[Any] = []

    @settings(max_examples=1, database=None, derandomize=True)
    @given(records(kind))
    def once(record: Any) -> None:
        found.append(record)

    once()
    return LinkRow("kid", found[0]) if kind is LinkSample else found[0]


@settings(max_examples=60)
@given(
    boot=st.integers(0, 2**32 - 1),
    seq=st.integers(0, 2**32 - 1),
    times=st.tuples(st.integers(-(2**62), 2**62), st.integers(1, 2**40)),
    clock=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(0, 40), st.sampled_from([3, 6])),
    scale=st.builds(Scale, st.floats(1e-9, 1), st.floats(0, 1)),
    flags=st.integers(0, 7).map(SegmentFlag),
)
def test_packet_and_segment_come_back_as_they_were(
    boot: int,
    seq: int,
    times: tuple[int, int],
    clock: int,
    shape: tuple[int, int],
    scale: Scale,
    flags: SegmentFlag,
) -> None:
    counts = np.random.default_rng(seq).integers(-32768, 32768, shape, dtype=np.int16)
    packet = Packet(Site.TR, "s", boot, seq, clock, 104.0, scale, counts, flags, times[0])
    made = Segment(Site.TR, "s", boot, seq, times[0], times[1], counts, scale, flags)
    table = TABLES["segment"]
    back = table.unpack(table.pack(SegmentRow("kid", packet, made)))
    assert isinstance(back, SegmentRow)
    assert back.segment == made
    assert packet_fields(back.packet) == packet_fields(packet)


def test_numbers_of_numpy_are_kept_as_plain_ones(journal: Journal) -> None:
    told = event(match=np.float64(0.5), count=np.int64(3), onset_ns=np.int64(7), late=np.bool_(True))
    journal.commit([told])
    times = {"onset_ns": 7, "end_ns": told.end_ns, "told_ns": told.told_ns}
    assert journal.events() == [event(match=0.5, count=3, late=True, **times)]


def test_a_value_that_cannot_be_kept_spoils_nothing(journal: Journal) -> None:
    with pytest.raises(NotImplementedError):
        journal.commit([event(), event("e2", reason=object())])
    assert journal.events() == []
    assert journal.commit([event()]).last_row == 1


def test_rows_of_all_tables_share_one_order(journal: Journal) -> None:
    result = journal.commit([event(), segment_row(segment()), FedRow("kid", Tick(1)), event(version=2)])
    assert result.rows == (1, 2, 3, 4)
    assert [row for row, _ in journal.read()] == [1, 2, 3, 4]
    assert [row for row, _ in journal.items("kid")] == [2, 3]
    assert [row for row, _ in journal.read(1, limit=2)] == [2, 3]


def test_a_packet_sent_twice_is_there_once_and_counted(journal: Journal) -> None:
    first = segment_row(segment(3))
    journal.commit([first])
    result = journal.commit([first, segment_row(segment(4)), segment_row(segment(3, boot=8))])
    assert result.rows == (None, 2, 3)
    assert (result.ignored, result.last_row) == (1, 3)
    assert [s.seq for s in journal.segments("kid")] == [3, 3, 4]


def test_the_same_word_told_again_is_there_once_but_a_new_word_is_kept(journal: Journal) -> None:
    minute = _example(Coverage)
    other = Coverage(minute.infant, minute.t_ns, minute.span_ns, minute.usability, (*minute.causes, "x"), ())
    assert journal.commit([minute, event(), minute, event(), other]).ignored == 2
    assert journal.coverage() == [minute, other]


def test_settled_segments_come_by_time_whatever_the_order_they_arrived_in(journal: Journal) -> None:
    made = [segment(i, site=site) for i in range(5000) for site in (Site.RA, Site.LA)]
    shuffled = random.Random(1).sample(made, len(made))
    journal.commit([segment_row(s) for s in shuffled])
    assert list(journal.segments("kid", settled=False)) == shuffled
    assert list(journal.segments("kid")) == sorted(made, key=lambda s: (s.t0_ns, s.site))
    assert list(journal.segments("another")) == []


def test_items_can_be_read_on_from_any_row(journal: Journal) -> None:
    journal.commit([FedRow("kid", Tick(t)) for t in range(10_000)])
    journal.commit([FedRow("sister", Tick(5)), FedRow("kid", Cutoff(Site.LA, 9))])
    assert [t for _, t in journal.items("kid", 9_998)] == [
        Tick(9_998),
        Tick(9_999),
        Cutoff(Site.LA, 9),
    ]
    assert [t for _, t in journal.items("sister")] == [Tick(5)]
    assert journal.infants() == ["kid", "sister"]


def test_only_the_newest_version_of_an_event_is_told_when_asked(journal: Journal) -> None:
    journal.commit([event("a"), event("b"), event("a", 2, count=9)])
    assert [(e.id, e.version) for e in journal.events(latest_only=True)] == [("a", 2), ("b", 1)]
    assert journal.events("somebody else") == []


def test_the_newest_snapshot_before_a_row_or_a_time_is_found(journal: Journal) -> None:
    for row in (10, 20, 30):
        journal.put_snapshot("kid", row, row * 100, bytes([row]))
    assert journal.newest_snapshot("kid") == Snapshot(30, 3000, b"\x1e")
    assert journal.newest_snapshot("kid", before_row=30) == Snapshot(20, 2000, b"\x14")
    assert journal.newest_snapshot("kid", before_ns=2000) == Snapshot(10, 1000, b"\x0a")
    assert journal.newest_snapshot("kid", before_row=10) is None
    assert journal.newest_snapshot("sister") is None


def test_everything_is_there_after_closing_and_opening_again(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "n.sqlite") as journal:
        journal.commit([segment_row(segment())])
    with Journal.open(tmp_path / "n.sqlite") as journal:
        assert journal.commit([segment_row(segment()), segment_row(segment(1))]).rows == (None, 2)


def test_a_row_number_is_never_given_twice(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "n.sqlite") as journal:
        journal.commit([FedRow("kid", Tick(1))])
    with sqlite3.connect(tmp_path / "n.sqlite") as db:
        db.execute("DELETE FROM tick")
    db.close()
    with Journal.open(tmp_path / "n.sqlite") as journal:
        assert journal.commit([FedRow("kid", Tick(2))]).last_row == 2


def test_a_cursor_is_durable_moves_forward_only_and_works_beside_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    with Journal.open(path) as writer, Journal.read_only(path) as reader:
        assert reader.cursor("influx") == 0
        reader.advance("influx", 7)
        reader.advance("influx", 5)
        assert writer.cursor("influx") == 7
        reader.set_aside("influx", 3, "type conflict", b"imu x=1")
        reader.set_aside("influx", 3, "type conflict", b"imu x=1")
    with Journal.open(path) as journal:
        assert journal.cursor("influx") == 7
        assert [(d.row, d.reason, d.body) for d in journal.dead_letters("influx")] == [
            (3, "type conflict", b"imu x=1")
        ]
        assert journal.dead_letters("mqtt") == []


def test_a_receiver_moves_its_cursor_while_the_monitor_holds_the_write_lock(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    with Journal.open(path) as _, Journal.read_only(path) as reader:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        reader.advance("influx", 1)
        assert reader.cursor("influx") == 1
        holder.close()


def test_a_reader_sees_what_the_writer_committed_and_can_write_nothing(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    with Journal.open(path) as writer, Journal.read_only(path) as reader:
        writer.commit([event()])
        assert reader.events() == [event()]
        with pytest.raises(JournalReadOnly, match="writable"):
            reader.commit([event("e2")])


def test_threads_may_share_one_journal(journal: Journal) -> None:
    def write(site: Site) -> None:
        for seq in range(50):
            journal.commit([segment_row(segment(seq, site=site))])

    threads = [threading.Thread(target=write, args=(site,)) for site in (Site.LA, Site.RA, Site.TR)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        rows = [row for row, _ in journal.items("kid")]
        assert rows == list(range(1, len(rows) + 1))
    for thread in threads:
        thread.join()
    assert journal.last_row == 150


def test_a_night_is_named_by_the_date_it_began_on() -> None:
    noon = 1_773_489_600_000_000_000  # 2026-03-14 12:00 UTC
    assert night_name(noon - 1) == "journal-2026-03-13.sqlite"
    assert night_name(noon) == "journal-2026-03-14.sqlite"
    assert night_name(noon + 23 * 3600 * 10**9) == "journal-2026-03-14.sqlite"
    assert night_name(noon, "America/Los_Angeles") == "journal-2026-03-13.sqlite"


def test_the_file_says_its_schema_and_a_newer_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    Journal.open(path).close()
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    for way in (Journal.open, Journal.read_only):
        with pytest.raises(JournalTooNew, match="Install the newer version"):
            way(path)


def test_commits_are_flushed_to_the_disk(journal: Journal) -> None:
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


@pytest.mark.parametrize("content", [b"not a database at all, just words" * 50, None])
def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "n.sqlite"
    if content is None:
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE other (x)")
        db.commit()
        db.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(JournalDamaged, match="Move it aside"):
        Journal.open(path)
    assert path.read_bytes() == before


def test_a_torn_page_is_found_at_the_opening(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    with Journal.open(path) as journal:
        journal.commit([segment_row(segment(i)) for i in range(2000)])
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 4096] = os.urandom(4096)
    path.write_bytes(whole)
    with pytest.raises(JournalDamaged):
        Journal.open(path)


def test_a_full_disk_is_named_and_keeps_what_was_acknowledged(journal: Journal) -> None:
    journal.commit([segment_row(segment(0))])
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite answers as it does on a full disk
    with pytest.raises(JournalFull, match=r"night\.sqlite.*Free some space"):
        journal.commit([segment_row(segment(i)) for i in range(1, 500)])
    journal._db.execute("PRAGMA max_page_count = 1000000")
    assert [s.seq for s in journal.segments("kid")] == [0]
    assert journal.commit([segment_row(segment(1))]).rows == (2,)


def test_a_full_disk_under_the_cursors_is_named_too(journal: Journal) -> None:
    cursors = journal._beside()
    pages = cursors._db.execute("PRAGMA page_count").fetchone()[0]
    cursors._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalFull, match=r"night\.cursors\.sqlite"):
        journal.set_aside("influx", 1, "reason", b"x" * 100_000)
    assert journal.dead_letters("influx") == []


def test_a_journal_that_was_closed_is_read_without_being_changed(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    with Journal.open(path) as journal:
        journal.commit([event()])
    before = path.read_bytes()
    with Journal.read_only(path) as reader:
        assert reader.events("kid") == [event()]
    assert path.read_bytes() == before


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalReadOnly, match="missing"):
        Journal.open(tmp_path / "missing" / "n.sqlite")


def test_a_second_writer_is_named_when_it_holds_on_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.database.BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "n.sqlite"
    with Journal.open(path) as journal:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalBusy, match="Only one monitor"):
            journal.commit([event()])
        holder.close()
        assert journal.commit([event()]).last_row == 1


def test_cursors_lie_beside_the_journal() -> None:
    assert (
        Cursors.path_beside(Path("/x/journal-2026-03-14.sqlite")).name == "journal-2026-03-14.cursors.sqlite"
    )


CHILD = """
import sys
from store.journal import Journal
from tests.store_examples import segment, segment_row
journal, seq = Journal.open(sys.argv[1]), int(sys.argv[2])
while True:
    batch = range(max(seq - 1, 0), seq + 3)  # one packet again each time, as a sock does that was not confirmed
    journal.commit([segment_row(segment(i)) for i in batch])
    seq += 3
    print(seq - 1, flush=True)
"""


def test_nothing_acknowledged_is_missing_or_double_after_kill_9(tmp_path: Path) -> None:
    path, chance, acknowledged = tmp_path / "n.sqlite", random.Random(20261122), -1
    root = Path(__file__).resolve().parents[1]
    for _ in range(5):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(acknowledged + 1)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.15))
        child.send_signal(signal.SIGKILL)
        rest = [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        child.wait()
        child.stdout.close()
        with Journal.read_only(path) as journal:
            kept = [s.seq for s in journal.segments("kid", settled=False)]
        acknowledged = max([acknowledged, *(int(line) for line in rest)])
        assert kept == sorted(set(kept)) == list(range(len(kept)))
        assert kept[-1] >= acknowledged
        acknowledged = kept[-1]
    with Journal.open(path) as journal:
        assert all(s == segment(s.seq) for s in journal.segments("kid"))


def test_a_journal_nobody_has_begun_to_write_is_called_empty_and_not_damaged(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.touch()
    with pytest.raises(JournalEmpty, match="nothing was ever written"):
        Journal.read_only(path)


def test_of_older_snapshots_one_every_quarter_of_an_hour_stays(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.sqlite") as journal:
        for minute in range(120):
            journal.put_snapshot("kid", minute, minute * 60 * NS, b"x" * 10)
            journal.put_snapshot("twin", minute, minute * 60 * NS, b"y" * 10)
        kept = []
        while (found := journal.newest_snapshot("kid", before_ns=kept[-1] if kept else None)) is not None:
            kept.append(found.t_ns)
        assert [t // (60 * NS) for t in kept] == [
            119,
            118,
            117,
            116,
            115,
            114,
            105,
            90,
            75,
            60,
            45,
            30,
            15,
            0,
        ]
        assert journal.newest_snapshot("twin", before_ns=110 * 60 * NS) is not None


def test_the_newest_data_time_is_that_of_any_tick_or_segment(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.sqlite") as journal:
        assert journal.newest_ns is None
        journal.commit([FedRow("kid", Tick(7 * NS)), FedRow("kid", Tick(5 * NS))])
        assert journal.newest_ns == 7 * NS


def test_a_journal_has_one_writer_and_a_dead_one_leaves_no_claim(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal.open(path):
        with pytest.raises(JournalInUse, match="another monitor"):
            Journal.open(path)
        Journal.read_only(path).close()
    code = f"import os; from store.journal import Journal; Journal.open({str(path)!r}); os._exit(9)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    Journal.open(path).close()


def test_the_look_for_damage_at_the_start_ends_in_time_however_large_the_file_is(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal.open(path) as journal:
        journal.commit([segment_row(segment(i)) for i in range(20_000)])
        with journal.exclusive() as db:
            assert check_whole(path, db, limit_s=60.0) is True
            assert check_whole(path, db, limit_s=0.0) is False
            assert db.execute("SELECT last_row FROM counter").fetchone() == (20_000,)


def test_a_night_is_begun_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal-2026-03-14.sqlite"
    carried = Carried("kid", 7, "journal-2026-03-13.sqlite", 99, b"state")

    def cut(*_: object) -> None:
        raise JournalFull(path)

    monkeypatch.setattr(Journal, "carry", cut)
    with pytest.raises(JournalFull):
        Journal.begin(path, [event()], [carried])
    assert not path.exists()
    monkeypatch.undo()
    with Journal.begin(path, [event()], [carried]) as journal:
        assert journal.carried("kid") == replace(carried, row=2)
        assert journal.newest_snapshot("kid") == Snapshot(1, 7, b"state")
        assert journal.carried("twin") is None
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []
