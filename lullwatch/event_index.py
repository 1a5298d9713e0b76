"""Every event of a folder of nights, and what people said of each, to be paged through: a table in memory.

The journals stay the only truth. The table is filled once, and from then on with the rows that came since; a folder
whose nights were taken away or put back is read anew.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dsp.records import EventStatus, Label
from store.shelf import Shelf
from store.utc import UtcMap

__all__ = ["EventIndex", "Listed", "Query", "Said", "signature"]


class _EventBody(msgspec.Struct):
    """What a list needs of an event."""

    id: str
    infant: str
    onset_ns: int
    end_ns: int
    label: str
    count: int
    match: float
    parent: str | None
    status: str
    merged_into: str | None
    version: int


class _OpinionBody(msgspec.Struct):
    """What a list needs of an opinion."""

    event_id: str
    role: str
    by: str
    t_ns: int
    label: str
    text: str
    basis: str
    blind: bool


_Body = TypeVar("_Body", _EventBody, _OpinionBody)

_SCHEMA = """
CREATE TABLE event (
    id TEXT PRIMARY KEY, infant TEXT NOT NULL, utc_ns INTEGER NOT NULL, onset_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL, label TEXT NOT NULL, count INTEGER NOT NULL, match REAL NOT NULL, parent TEXT,
    gone INTEGER NOT NULL, version INTEGER NOT NULL, night TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX event_by_time ON event (utc_ns, id) WHERE NOT gone;
CREATE INDEX event_by_parent ON event (parent) WHERE parent IS NOT NULL;
CREATE TABLE opinion (
    event TEXT NOT NULL, role TEXT NOT NULL, by TEXT NOT NULL, utc_ns INTEGER NOT NULL, label TEXT NOT NULL,
    text TEXT NOT NULL, basis TEXT NOT NULL, blind INTEGER NOT NULL, PRIMARY KEY (event, role, by)
) WITHOUT ROWID;
"""

_PAGE_ROWS = 512
"""Rows taken in at a time: their evidence makes them some kilobytes each, and only a few fields of them are kept."""

_LISTED = "id, infant, utc_ns, onset_ns, end_ns, label, count, match, parent, night"


@dataclass(frozen=True, slots=True)
class Listed:
    """An event as a list shows it; times of data and UTC in nanoseconds."""

    id: str
    infant: str
    utc_ns: int
    onset_ns: int
    end_ns: int
    label: Label
    count: int
    match: float
    parent: str | None
    night: str
    """name of the file that holds the last word on it"""


@dataclass(frozen=True, slots=True)
class Said:
    """The last word of one person on one event."""

    event_id: str
    role: str
    by: str
    utc_ns: int
    label: str
    text: str
    basis: str
    blind: bool


@dataclass(frozen=True, slots=True)
class Query:
    """Which events are wanted: those that stand, by their onset."""

    infant: str | None = None
    labels: tuple[Label, ...] = ()
    """none: all"""
    since_ns: int | None = None
    """UTC"""
    until_ns: int | None = None
    members: bool = False
    """also those that are part of another one"""
    unlabelled_by: str | None = None
    """only those of which this reviewer has not said anything"""

    def where(self) -> tuple[str, list[Any]]:
        """As SQL, and its values."""
        parts: list[tuple[str, list[Any]]] = [("NOT gone", [])]
        if self.infant is not None:
            parts.append(("infant = ?", [self.infant]))
        if self.labels:
            parts.append((f"label IN ({', '.join('?' * len(self.labels))})", [str(x) for x in self.labels]))
        if self.since_ns is not None:
            parts.append(("utc_ns >= ?", [self.since_ns]))
        if self.until_ns is not None:
            parts.append(("utc_ns < ?", [self.until_ns]))
        if not self.members:
            parts.append(("parent IS NULL", []))
        if self.unlabelled_by is not None:
            parts.append((
                "NOT EXISTS (SELECT 1 FROM opinion WHERE opinion.event = event.id AND role = 'reviewer' AND by = ?)",
                [self.unlabelled_by],
            ))  # fmt: skip
        return " AND ".join(sql for sql, _ in parts), [value for _, values in parts for value in values]


class EventIndex:
    """The events of a shelf. Methods may be called from any thread; call `refresh` before reading.

    Args:
        shelf: the nights; only read.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = threading.RLock()
        self._begin()

    def refresh(self) -> None:
        """Take in what was committed since the last time. Raises JournalError."""
        with self._lock:
            nights = self._shelf.nights()
            stamps = {path.name: signature(path) for path in nights}
            changed = [path for path in nights if self._looked.get(path.name) != stamps[path.name]]
            forms = {path.name: self._form(path) for path in changed}
            here = {name: stamp[0] for name, stamp in stamps.items()}
            if not self._inodes.items() <= here.items() or not _goes_on(self._forms, forms):
                self._begin()  # a night was taken away, or an infant was taken out of it
                changed, forms = nights, {path.name: self._form(path) for path in nights}
            for path in changed:
                self._take(path)
                self._looked[path.name] = stamps[path.name]
            self._inodes.update(here)
            self._forms.update(forms)

    def total(self, query: Query) -> int:
        """How many events a query finds."""
        where, values = query.where()
        return int(self._all(f"SELECT count(*) FROM event WHERE {where}", values)[0][0])  # noqa: S608 - parts are constants

    def page(
        self, query: Query, *, limit: int, after: Listed | None = None, newest_first: bool = False
    ) -> list[Listed]:
        """The next events of a query behind one of them, at most `limit`, by onset."""
        where, values = query.where()
        if after is not None:
            where += f" AND (utc_ns, id) {'<' if newest_first else '>'} (?, ?)"
            values += [after.utc_ns, after.id]
        order = "DESC" if newest_first else "ASC"
        statement = f"SELECT {_LISTED} FROM event WHERE {where} ORDER BY utc_ns {order}, id {order} LIMIT ?"  # noqa: S608 - parts are constants
        return [_listed(row) for row in self._all(statement, [*values, limit])]

    def find(self, event_id: str) -> Listed | None:
        """One event, also one that was withdrawn or merged; None where no night knows it."""
        rows = self._all(f"SELECT {_LISTED} FROM event WHERE id = ?", [event_id])  # noqa: S608 - parts are constants
        return _listed(rows[0]) if rows else None

    def members(self, event_id: str) -> list[Listed]:
        """The standing parts of an event by onset."""
        statement = f"SELECT {_LISTED} FROM event WHERE parent = ? AND NOT gone ORDER BY onset_ns"  # noqa: S608 - parts are constants
        return [_listed(row) for row in self._all(statement, [event_id])]

    def said(self, event_ids: Iterable[str]) -> dict[str, tuple[Said, ...]]:
        """What people said of these events, by event; caregivers first, then by person."""
        wanted = list(event_ids)
        marks = ", ".join("?" * len(wanted))
        statement = f"SELECT * FROM opinion WHERE event IN ({marks}) ORDER BY event, role, by"  # noqa: S608 - parts are constants
        found: dict[str, list[Said]] = {}
        for row in self._all(statement, wanted):
            found.setdefault(row[0], []).append(_said(row))
        return {event: tuple(of_event) for event, of_event in found.items()}

    def reviewed(self) -> tuple[Said, ...]:
        """Everything that reviewers said of events that stand, by event and reviewer."""
        statement = (
            "SELECT opinion.* FROM opinion JOIN event ON event.id = opinion.event "
            "WHERE role = 'reviewer' AND NOT gone ORDER BY event.utc_ns, event.id, by"
        )
        return tuple(_said(row) for row in self._all(statement, []))

    def infants(self) -> tuple[str, ...]:
        """Everyone with an event."""
        return tuple(row[0] for row in self._all("SELECT DISTINCT infant FROM event ORDER BY 1", []))

    # inside

    def _begin(self) -> None:
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._after: dict[tuple[str, str], int] = {}
        self._looked: dict[str, tuple[int, ...]] = {}
        self._inodes: dict[str, int] = {}
        self._forms: dict[str, int] = {}

    def _form(self, path: Path) -> int:
        with self._shelf.opened(path.name) as journal:
            return journal.form

    def _take(self, path: Path) -> None:
        with self._shelf.opened(path.name) as journal:
            utc = UtcMap(journal.clock_rows())
        if not utc:
            return
        for body in self._new(path.name, "event"):
            e = _decoded(body, _EventBody)
            gone = e.status == EventStatus.WITHDRAWN or e.merged_into is not None
            self._db.execute(_PUT_EVENT, (
                e.id, e.infant, utc.utc_ns(e.onset_ns), e.onset_ns, e.end_ns, e.label, e.count, e.match, e.parent,
                int(gone), e.version, path.name,
            ))  # fmt: skip
        for body in self._new(path.name, "opinion"):
            o = _decoded(body, _OpinionBody)
            said = (o.event_id, o.role, o.by, utc.utc_ns(o.t_ns), o.label, o.text, o.basis, int(o.blind))
            self._db.execute("INSERT OR REPLACE INTO opinion VALUES (?, ?, ?, ?, ?, ?, ?, ?)", said)

    def _new(self, night: str, table: str) -> Iterator[str]:
        """Rows of a table that were not read yet, page by page; nothing of the file is held meanwhile."""
        key = (night, table)
        while True:
            with self._shelf.opened(night) as journal:
                page = journal.bodies(table, self._after.get(key, 0), limit=_PAGE_ROWS)
            if not page:
                return
            self._db.execute("BEGIN")
            try:
                yield from (body for _, body in page)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            self._after[key] = page[-1][0]

    def _all(self, statement: str, values: Sequence[Any]) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()


_PUT_EVENT = (
    "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
    "utc_ns = excluded.utc_ns, onset_ns = excluded.onset_ns, end_ns = excluded.end_ns, label = excluded.label, "
    "count = excluded.count, match = excluded.match, parent = excluded.parent, gone = excluded.gone, "
    "version = excluded.version, night = excluded.night WHERE excluded.version >= event.version"
)


def _goes_on(before: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """Whether no night that was read before was written anew since."""
    return all(before.get(name, form) == form for name, form in now.items())


def _decoded(body: str, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError:  # a measurement that is no number: only Python's own reader takes that
        return msgspec.convert(json.loads(body), kind)


def _listed(row: Sequence[Any]) -> Listed:
    event_id, infant, utc_ns, onset_ns, end_ns, label, count, match, parent, night = row
    return Listed(event_id, infant, utc_ns, onset_ns, end_ns, Label(label), count, match, parent, night)


def _said(row: Sequence[Any]) -> Said:
    event_id, role, by, utc_ns, label, text, basis, blind = row
    return Said(event_id, role, by, utc_ns, label, text, basis, bool(blind))


def signature(path: Path) -> tuple[int, ...]:
    """What changes when something is committed to a night: its file or the log beside it."""
    stats = []
    for part in (path, path.with_name(path.name + "-wal")):
        try:
            stats.append(part.stat())
        except FileNotFoundError:
            continue
    return tuple(value for s in stats for value in (s.st_ino, s.st_mtime_ns, s.st_size))
