"""Reading a journal: its rows as they were committed, in their one order or by time."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dsp.records import (
    NS,
    SELF_TEST,
    Alert,
    ClockRow,
    Config,
    Context,
    Coverage,
    Delivery,
    Epoch,
    Event,
    LinkSample,
    Note,
    Opinion,
    Output,
    Packet,
    Pin,
    Segment,
    StateEpoch,
    Watching,
)
from store.database import translated
from store.rows import FED, TABLES, Fed, FedRow, LinkRow, Row, SegmentRow, Table, fed_item, segment_of

__all__ = ["Carried", "JournalReading", "Snapshot"]

_PAGE_ROWS = 4096
"""Rows read at a time: large enough that SQLite's start-up cost vanishes, small enough to stay in cache. No
read lock outlives a page, so a slow reader never keeps the write-ahead log from being folded back."""

_LARGEST = 2**63 - 1
"""No row number and no time is larger: SQLite keeps no larger number."""
_WINDOW_NS = 600 * NS
"""Data time read at a time when segments are wanted by time: about 12,000 rows of three sensors."""

_BODIES = 64
"""Events whose text is held at once: some kilobytes each."""

_TOLD_NS = re.compile(r'"told_ns":(-?[0-9]+)')
"""When an event was told, in the text that is kept of it: reading all of it takes fifty times as long."""

_LONGEST_NS: Mapping[str, int] = {
    "epoch": 600 * NS,
    "state": 600 * NS,
    "context": 2**62,
    "coverage": 600 * NS,
}
"""What else a detector tells, alerts aside, and how long before its end a row of it begins at most; circumstances may
last all night, but there are few of them."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of an infant's pipeline after it was fed everything up to `row`."""

    row: int
    t_ns: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Carried:
    """What an infant's detector began with: the whole state of an earlier one, or only what that one had told."""

    infant: str
    t_ns: int
    """data time up to which it had decided"""
    night: str
    """name of the file it goes on from; empty where it has decided nothing itself"""
    upto_row: int
    """last row of that file it was fed"""
    state: bytes
    row: int = 0
    """its own place in the night it was carried into; detectors set behind it began anew"""


class JournalReading:
    """Everything that can be asked of one night's file. Methods may be called from any thread."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db
        self._lock = threading.RLock()
        self.schema = int(db.execute("PRAGMA user_version").fetchone()[0])

    @property
    def form(self) -> int:
        """Changes when the file was written anew from the rows that are left, or was given further tables."""
        return int(self._all("PRAGMA schema_version")[0][0])

    @property
    def newest_ns(self) -> int | None:
        """Newest data time of any tick or segment; None in a journal without both."""
        found = self._all(
            "SELECT max(t_ns) FROM (SELECT max(t_ns) AS t_ns FROM tick UNION SELECT max(t0_ns) FROM segment)"
        )
        return None if found[0][0] is None else int(found[0][0])

    @property
    def begun_ns(self) -> int | None:
        """Data time at which the night began: that of its first clock row; None before there is one."""
        found = self._all("SELECT t_ns FROM clock ORDER BY row LIMIT 1")
        return int(found[0][0]) if found else None

    @property
    def last_row(self) -> int:
        """Number of the newest row."""
        return int(self._all("SELECT last_row FROM counter")[0][0])

    def last_row_of(self, tables: Sequence[str]) -> int:
        """Number of the newest row in these tables; 0 where there is none."""
        names = [name for name in tables if TABLES[name].since <= self.schema]
        found = [self._all(f"SELECT max(row) FROM {name}")[0][0] for name in names]  # noqa: S608 - names are constants
        return max((int(row) for row in found if row is not None), default=0)

    def read(
        self, after_row: int = 0, *, limit: int = _PAGE_ROWS, tables: Sequence[str] = tuple(TABLES)
    ) -> list[tuple[int, Row]]:
        """The next rows of these tables after `after_row`, at most `limit`, in row order."""
        return [
            (row, TABLES[name].unpack(values))
            for row, name, values in self._page(tables, None, after_row, self.last_row, limit)
        ]

    def rows(
        self,
        tables: Sequence[str],
        *,
        infant: str | None = None,
        after_row: int = 0,
        upto_row: int | None = None,
        at_once: int | None = None,
    ) -> Iterator[tuple[int, Row]]:
        """Rows `after_row` < row <= `upto_row` of these tables in row order, as they stand when reading begins.

        Of rows that are large, fewer may be read `at_once`.
        """
        for row, name, values in self._raw(tables, infant, after_row, upto_row, at_once):
            yield row, TABLES[name].unpack(values)

    def bodies(
        self, name: str, after_row: int = 0, *, limit: int = _PAGE_ROWS, infant: str | None = None
    ) -> list[tuple[int, str]]:
        """The next rows of one table of records as the JSON that is kept of them, with their numbers.

        For whoever wants a few fields of very many: making whole records of them takes ten times as long.
        """
        table = TABLES[name]
        if table.since > self.schema:
            return []
        where = "" if infant is None else " AND infant = ?"
        statement = f"SELECT row, {table.columns[-1]} FROM {name} WHERE row > ?{where} ORDER BY row LIMIT ?"  # noqa: S608 - names are constants
        values = (after_row, *(() if infant is None else (infant,)), limit)
        return [(row, body) for row, body in self._all(statement, values)]

    def items(
        self, infant: str, after_row: int = 0, upto_row: int | None = None
    ) -> Iterator[tuple[int, Fed]]:
        """What the infant's detector was fed, in the order it was fed, as it stands when reading begins."""
        for row, name, values in self._raw(FED, infant, after_row, upto_row):
            if name == "segment":
                yield row, segment_of(values)
            else:
                yield row, _fed(TABLES[name].unpack(values))

    def segments(self, infant: str, *, settled: bool = True) -> Iterator[Segment]:
        """The infant's segments: by time when settled, else in the order they arrived."""
        if not settled:
            yield from (segment for _, segment in self.items(infant) if isinstance(segment, Segment))
            return
        start = -(2**63)
        while (found := self._all(_NEXT_TIME, (infant, start)))[0][0] is not None:
            start = found[0][0] + _WINDOW_NS
            for values in self._all(_SETTLED, (infant, found[0][0], start)):
                yield segment_of(values)

    def segments_between(
        self, infant: str, onset_ns: int, end_ns: int, *, after_row: int = 0, upto_row: int | None = None
    ) -> list[Segment]:
        """Segments that begin in the span, by time; of those that came in rows `after_row` < row <= `upto_row`."""
        upto = self.last_row if upto_row is None else upto_row
        return [segment_of(v) for v in self._all(_BETWEEN, (infant, onset_ns, end_ns, after_row, upto))]

    def first_sample_ns(self, infant: str, *, after_row: int = 0, upto_row: int | None = None) -> int | None:
        """Time of the infant's earliest sample in rows `after_row` < row <= `upto_row`; None when there is none."""
        upto = self.last_row if upto_row is None else upto_row
        found = self._all(_FIRST_SAMPLE, (infant, after_row, upto))
        return None if found[0][0] is None else int(found[0][0])

    def told_between(
        self,
        infant: str,
        begin_ns: int,
        end_ns: int,
        *,
        tables: Sequence[str] = ("event", "state", "coverage"),
    ) -> list[Event | StateEpoch | Coverage]:
        """What was told of a span in few rows: of each event its newest version, states, coverage; table by table.

        Of a minute or an epoch that was told twice the later row comes later.
        """
        found: list[Event | StateEpoch | Coverage] = []
        for name in tables:
            rows = self._all(_TOLD_BETWEEN[name], (infant, begin_ns, end_ns))
            found += [TABLES[name].unpack(values[1:]) for values in rows]  # type: ignore[misc]
        return found

    def newest_sample_ns(self, infant: str) -> int | None:
        """Begin of the infant's newest segment, looked up in the index; None when there is none."""
        found = self._all("SELECT max(t0_ns) FROM segment WHERE infant = ?", (infant,))
        return None if found[0][0] is None else int(found[0][0])

    def has_packet(self, sensor: str, boot: int, seq: int) -> bool:
        """Whether this packet of a sensor is here."""
        return bool(
            self._all("SELECT 1 FROM segment WHERE sensor = ? AND boot = ? AND seq = ?", (sensor, boot, seq))
        )

    def highest_seq(self, sensor: str, boot: int) -> int | None:
        """The highest number of a sensor's packets since one of its starts; None when there is none."""
        found = self._all("SELECT max(seq) FROM segment WHERE sensor = ? AND boot = ?", (sensor, boot))
        return None if found[0][0] is None else int(found[0][0])

    def starts(self, infant: str, sensor: str) -> list[int]:
        """Starts of an infant's sensor that packets are of, the one heard last at the end."""
        return [int(boot) for (boot,) in self._all(_STARTS, (sensor, infant))]

    def newest_packets(self, sensor: str, boot: int, limit: int) -> list[Packet]:
        """Up to so many packets with the highest numbers of one start of a sensor, ascending."""
        rows = self._all(_HIGHEST, (sensor, boot, limit))
        return [_segment_row(TABLES["segment"].unpack(values)).packet for values in reversed(rows)]

    def packets(self, infant: str) -> Iterator[Packet]:
        """The infant's packets as they arrived."""
        for _, record in self.rows(("segment",), infant=infant):
            yield _segment_row(record).packet

    def events(self, infant: str | None = None, *, latest_only: bool = False) -> list[Event]:
        """Rows of the lives of events in the order told; with `latest_only` the newest of each id."""
        rows = self._kept("event", Event, infant)
        if not latest_only:
            return rows
        latest: dict[str, Event] = {}
        for event in rows:
            if event.id not in latest or event.version > latest[event.id].version:
                latest[event.id] = event
        return list(latest.values())

    def told_since(self, infant: str, after_ns: int, until_ns: int) -> Iterator[Output | Coverage]:
        """What the pipeline told of an infant, table by table in the order told, as far as a span asks for it.

        Of events those told behind `after_ns` and not behind `until_ns`; of everything else at least what ends so.
        Only these are made records of, and never more than a page of rows is held: a night holds tens of megabytes.
        """
        after_row = 0
        while page := self.bodies("event", after_row, limit=_BODIES, infant=infant):
            after_row = page[-1][0]
            for _, body in page:
                told = _TOLD_NS.search(body)
                if told is None or after_ns < int(told[1]) <= until_ns:
                    yield _told("event", body)
        for name, longest_ns in _LONGEST_NS.items():
            for (body,) in self._all(_TOLD_SINCE[name], (infant, after_ns - longest_ns, until_ns)):
                yield _told(name, body)

    def epochs(self, infant: str | None = None) -> list[Epoch]:
        """Epochs in the order they were told."""
        return self._kept("epoch", Epoch, infant)

    def states(self, infant: str | None = None) -> list[StateEpoch]:
        """Sleep states in the order they were told."""
        return self._kept("state", StateEpoch, infant)

    def states_between(self, infant: str, onset_ns: int, end_ns: int) -> list[StateEpoch]:
        """Sleep states of epochs that begin in the span, in the order they were told."""
        table = TABLES["state"]
        columns = ", ".join(table.columns)
        statement = f"SELECT {columns} FROM state WHERE infant = ? AND t_ns >= ? AND t_ns < ? ORDER BY row"  # noqa: S608 - names are constants
        rows = [table.unpack(values) for values in self._all(statement, (infant, onset_ns, end_ns))]
        return [row for row in rows if isinstance(row, StateEpoch)]

    def contexts(self, infant: str | None = None) -> list[Context]:
        """Circumstances in the order they were told; of a kind, its sites and an onset the last row holds."""
        return self._kept("context", Context, infant)

    def alerts(self, infant: str | None = None) -> list[Alert]:
        """Every version of every alert in the order they were raised."""
        return self._kept("alert", Alert, infant)

    def deliveries(self) -> list[Delivery]:
        """Every step of every alert's way to a person."""
        return self._kept("delivery", Delivery, None)

    def notes(self, infant: str | None = None) -> list[Note]:
        """What people wrote down."""
        return self._kept("note", Note, infant)

    def opinions(self, infant: str | None = None) -> list[Opinion]:
        """What people said that events look like, in the order they said it."""
        return self._kept("opinion", Opinion, infant)

    def opinions_of(self, event_id: str) -> list[Opinion]:
        """The same of one event."""
        return self._by_id("opinion", Opinion, event_id)

    def event_rows(self, event_id: str) -> list[Event]:
        """The rows of one event's life in the order they were told."""
        return self._by_id("event", Event, event_id)

    def pins(self, infant: str | None = None) -> list[Pin]:
        """Spans whose raw data is kept."""
        return self._kept("pin", Pin, infant)

    def watchings(self, infant: str | None = None) -> list[Watching]:
        """Who was watched from when on, in the order said."""
        return self._kept("watching", Watching, infant)

    def coverage(self, infant: str | None = None) -> list[Coverage]:
        """How much of each minute could be seen; a later row of a minute replaces an earlier one."""
        return self._kept("coverage", Coverage, infant)

    def links(self, infant: str | None = None) -> list[LinkSample]:
        """Link samples in the order they were taken."""
        return [row.sample for row in self._kept("link", LinkRow, infant)]

    def clock_rows(self) -> list[ClockRow]:
        """What ties data time to UTC."""
        return self._kept("clock", ClockRow, None)

    def configs(self) -> list[Config]:
        """Settings in the order they came into force."""
        return self._kept("config", Config, None)

    def infants(self) -> list[str]:
        """Everyone with at least one segment or tick, sorted, but for the reserved infant of the self-test."""
        found = self._all("SELECT infant FROM segment UNION SELECT infant FROM tick ORDER BY 1")
        return [str(row[0]) for row in found if row[0] != SELF_TEST]

    def newest_snapshot(
        self, infant: str, *, before_row: int | None = None, before_ns: int | None = None
    ) -> Snapshot | None:
        """The newest state that was fed rows below `before_row` only and lies before `before_ns`."""
        found = self._all(
            "SELECT fed, t_ns, state FROM snapshot WHERE infant = ? AND fed < ? AND t_ns < ? "
            "ORDER BY fed DESC, row DESC LIMIT 1",
            (
                infant,
                _LARGEST if before_row is None else before_row,
                _LARGEST if before_ns is None else before_ns,
            ),
        )
        return Snapshot(*found[0]) if found else None

    def carried(self, infant: str, *, before_row: int | None = None) -> Carried | None:
        """What the infant's newest detector (set before a row) began with; None when it knew nothing."""
        if TABLES["pin"].since > self.schema:
            return None
        found = self._all(
            "SELECT infant, t_ns, night, upto, state, row FROM carried WHERE infant = ? AND row < ? "
            "ORDER BY row DESC LIMIT 1",
            (infant, _LARGEST if before_row is None else before_row),
        )
        return Carried(*found[0]) if found else None

    def _all(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._lock, translated(self.path):
            return self._db.execute(statement, values).fetchall()

    def _kept(self, name: str, kind: type[_T], infant: str | None) -> list[_T]:
        rows = [row for _, row in self.rows((name,), infant=infant)]
        return [row for row in rows if isinstance(row, kind)]

    def _by_id(self, name: str, kind: type[_T], wanted: str) -> list[_T]:
        """Rows of one id, by an index."""
        table = TABLES[name]
        if table.since > self.schema:
            return []
        statement = f"SELECT {', '.join(table.columns)} FROM {name} WHERE id = ? ORDER BY row"  # noqa: S608 - names are constants
        rows = [table.unpack(values) for values in self._all(statement, (wanted,))]
        return [row for row in rows if isinstance(row, kind)]

    def _raw(
        self,
        names: Sequence[str],
        infant: str | None,
        after_row: int,
        upto_row: int | None,
        at_once: int | None = None,
    ) -> Iterator[tuple[int, str, tuple[Any, ...]]]:
        upto = self.last_row if upto_row is None else upto_row
        while page := self._page(names, infant, after_row, upto, at_once or _PAGE_ROWS):
            yield from page
            after_row = page[-1][0]

    def _page(
        self, names: Sequence[str], infant: str | None, after_row: int, upto: int, limit: int
    ) -> list[tuple[int, str, tuple[Any, ...]]]:
        page: list[tuple[int, str, tuple[Any, ...]]] = []
        for name in names:
            if TABLES[name].since > self.schema:
                continue
            statement, wants_infant = _page_statement(TABLES[name], infant)
            values = (after_row, upto, *((infant,) if wants_infant else ()), limit)
            page += [(row[0], name, row[1:]) for row in self._all(statement, values)]
        page.sort(key=lambda entry: entry[0])
        return page[:limit]


_TOLD_BETWEEN = {
    # of a group, SQLite takes the other columns from the row that has the maximum
    "event": "SELECT max(version), body FROM event WHERE infant = ? AND t_ns >= ? AND t_ns < ? GROUP BY id",
    "state": "SELECT row, body FROM state WHERE infant = ? AND t_ns >= ? AND t_ns < ? ORDER BY row",
    "coverage": "SELECT row, body FROM coverage WHERE infant = ? AND t_ns >= ? AND t_ns < ? ORDER BY row",
}
_TOLD_SINCE = {
    name: f"SELECT body FROM {name} WHERE infant = ? AND t_ns >= ? AND t_ns <= ? ORDER BY row"  # noqa: S608 - names are constants
    for name in _LONGEST_NS
}
_FIRST_SAMPLE = "SELECT min(t0_ns) FROM segment WHERE infant = ? AND row > ? AND row <= ?"
_NEXT_TIME = "SELECT min(t0_ns) FROM segment WHERE infant = ? AND t0_ns >= ?"
_SETTLED = (
    f"SELECT {', '.join(TABLES['segment'].columns)} FROM segment "  # noqa: S608 - names are constants
    "WHERE infant = ? AND t0_ns >= ? AND t0_ns < ? ORDER BY t0_ns, site, sensor, boot, seq"
)

_STARTS = """
    SELECT segment.boot FROM (SELECT max(row) AS newest FROM segment WHERE sensor = ? GROUP BY boot)
    JOIN segment ON segment.row = newest WHERE infant = ? ORDER BY newest
"""
"""Grouped by an index alone; two infants may have sensors of one name, never of one start."""
_HIGHEST = (
    f"SELECT {', '.join(TABLES['segment'].columns)} FROM segment "  # noqa: S608 - names are constants
    "WHERE sensor = ? AND boot = ? ORDER BY seq DESC LIMIT ?"
)
_BETWEEN = _SETTLED.replace(" ORDER BY", " AND row > ? AND row <= ? ORDER BY")


def _fed(row: Row) -> Fed:
    assert isinstance(row, FedRow | Watching)  # noqa: S101 - narrows the type; nothing else is asked
    return fed_item(row)


def _segment_row(row: Row) -> SegmentRow:
    assert isinstance(row, SegmentRow)  # noqa: S101 - narrows the type; only the segment table is asked
    return row


def _told(name: str, body: str) -> Output | Coverage:
    row = TABLES[name].unpack((body,))
    assert isinstance(row, Output | Coverage)  # noqa: S101 - narrows the type; the table has chosen by it
    return row


def _page_statement(table: Table, infant: str | None) -> tuple[str, bool]:
    wants_infant = infant is not None and table.has_infant
    where = " AND infant = ?" if wants_infant else ""
    columns = ", ".join(table.columns)
    return (
        f"SELECT row, {columns} FROM {table.name} WHERE row > ? AND row <= ?{where} ORDER BY row LIMIT ?",  # noqa: S608 - names are constants
        wants_infant,
    )
