"""The journal: one SQLite file per night, the only source of truth on the gateway."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self
from zoneinfo import ZoneInfo

from dsp.records import NS
from store.cursors import Cursors, DeadLetter
from store.database import (
    check_begun,
    check_kind,
    claimed,
    connect,
    connect_reading,
    durable,
    flush_folder,
    prepare,
    transaction,
    translated,
)
from store.journal_reading import Carried, JournalReading, Snapshot
from store.rows import TABLES, Row, table_of

__all__ = ["SNAPSHOTS_APART_NS", "Carried", "CommitResult", "Journal", "Snapshot", "night_name"]

_SNAPSHOTS_ALL_NS: Final = 300 * NS
"""Newest states that are all kept: a restart takes the newest, data that comes late rarely reaches further back."""

SNAPSHOTS_APART_NS: Final = 900 * NS
"""Of older states one is kept in each span of this length: 0.4 MB each, 16 MB a night instead of 250."""

_THIN_OUT = """
DELETE FROM snapshot WHERE infant = ? AND t_ns < ?
AND row NOT IN (SELECT min(row) FROM snapshot WHERE infant = ? GROUP BY t_ns / ?)
"""

_READING_KB: Final = 512
"""What a reader keeps of a file's pages, for each of the handful that stay open: the system keeps them all anyway, and
with SQLite's own 2 MB the night before, which is looked back into, cost the monitor as much again after each noon."""

_HALF_DAY = timedelta(hours=12)
_PART = ".part"
"""Ending of a night that is being begun: it gets its name when all it begins with is on the disk."""


def night_name(utc_ns: int, zone: str = "UTC") -> str:
    """File name of the night a moment belongs to: noon to noon in `zone`, named by the date it began."""
    moment = datetime.fromtimestamp(utc_ns // NS, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return f"journal-{(moment - _HALF_DAY).date().isoformat()}.sqlite"


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What became of the rows of one commit; when it is returned they are on the disk."""

    last_row: int
    rows: tuple[int | None, ...]
    """row number by input; None for one that was there already and so must not be fed again"""

    @property
    def ignored(self) -> int:
        """How many rows were there already."""
        return self.rows.count(None)


class Journal(JournalReading):
    """One night. Append-only; every row carries its place in one order over all tables.

    One writer and any number of readers, in one process or several; methods may be called from any thread.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, claim: int | None = None) -> None:
        super().__init__(path, db)
        self._claim = claim
        self._cursors: Cursors | None = None

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open for writing, made anew where there is none; checks the file and brings its schema up to date.

        Raises JournalInUse, JournalDamaged, JournalTooNew, JournalReadOnly, JournalFull, JournalFailing or
        JournalBusy.
        """
        path = Path(path)
        with translated(path), ExitStack() as undo:
            claim = claimed(path)
            undo.callback(os.close, claim)
            is_new = not path.exists()
            db = connect(path, "rwc")
            with _closed_on_error(db):
                prepare(path, db)
                journal = cls(path, db, claim)
            if is_new:
                flush_folder(path.parent)
            undo.pop_all()
        return journal

    @classmethod
    def begin(cls, path: Path, rows: Sequence[Row], carried: Sequence[Carried] = ()) -> Self:
        """Begin a night with these rows and states: whoever finds the file finds all of it. Then open it.

        Raises as `open` does; then there is no such night.
        """
        part = path.with_suffix(_PART)
        for left in part.parent.glob(part.name + "*"):
            left.unlink()  # a beginning that a power cut ended
        with translated(path):
            db = connect(part, "rwc")
            with _closed_on_error(db):
                prepare(part, db)
                with cls(part, db) as begun:
                    begun.commit(rows)
                    begun.carry(carried)
            part.replace(path)
            flush_folder(path.parent)
        return cls.open(path)

    @classmethod
    def amend(cls, path: Path | str) -> Self:
        """Open beside the writer of a night for a few words of a person, or to take away what is no longer kept.

        Raises JournalEmpty, JournalDamaged, JournalTooNew or JournalReadOnly.
        """
        path = Path(path)
        with translated(path):
            db = connect(path, "rw")
            with _closed_on_error(db):
                check_kind(path, db)
                check_begun(path, db)
                durable(db)
                return cls(path, db)

    @classmethod
    def read_only(cls, path: Path | str) -> Self:
        """Open for reading beside a writer; only cursors can be moved.

        Raises JournalEmpty, JournalDamaged, JournalTooNew or JournalReadOnly.
        """
        path = Path(path)
        with translated(path):
            db = connect_reading(path)
            with _closed_on_error(db):
                check_kind(path, db)
                check_begun(path, db)
                db.execute(f"PRAGMA cache_size = -{_READING_KB}")
                return cls(path, db)

    def close(self) -> None:
        """Close the file; open iterators end with an error."""
        with self._lock:
            if self._cursors is not None:
                self._cursors.close()
            self._db.close()
            if self._claim is not None:
                os.close(self._claim)
                self._claim = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # writing

    def commit(self, rows: Sequence[Row]) -> CommitResult:
        """Append all rows in this order, or none of them; they are on the disk when this returns.

        Raises JournalFull, JournalFailing, JournalReadOnly, JournalBusy or JournalDamaged; then nothing was
        appended.
        """
        with self._numbered() as row_number:
            placed: list[int | None] = []
            for row in rows:
                table = table_of(row)
                done = self._db.execute(_INSERTS[table.name], (row_number + 1, *table.pack(row)))
                row_number += done.rowcount
                placed.append(row_number if done.rowcount else None)
            self._db.execute("UPDATE counter SET last_row = ?", (row_number,))
        return CommitResult(row_number, tuple(placed))

    def put_snapshot(
        self, infant: str, row: int, t_ns: int, state: bytes, *, instead_behind_ns: int | None = None
    ) -> None:
        """Keep the state of the infant's pipeline after it was fed everything up to `row`.

        Of older states one every quarter of an hour stays; each can be had again by feeding the rows after it.
        With `instead_behind_ns` this one takes the place of all that had decided anything behind that time: there
        is no moment at which a start finds neither.
        """
        with self._numbered() as last:
            if instead_behind_ns is not None:
                self._db.execute(_DROP_SNAPSHOTS, (infant, instead_behind_ns))
            self._db.execute(_PUT_SNAPSHOT, (last + 1, infant, t_ns, row, state))
            self._db.execute(_THIN_OUT, (infant, t_ns - _SNAPSHOTS_ALL_NS, infant, SNAPSHOTS_APART_NS))
            self._db.execute("UPDATE counter SET last_row = ?", (last + 1,))

    def drop_snapshots(self, infant: str, *, behind_ns: int) -> None:
        """Forget states that had decided anything behind `behind_ns`: data of that time came late."""
        with self._numbered():
            self._db.execute(_DROP_SNAPSHOTS, (infant, behind_ns))

    @contextmanager
    def amending(self) -> Iterator[sqlite3.Connection]:
        """A transaction in which rows may be taken away; for `store` itself."""
        with self._lock, translated(self.path), transaction(self._db):
            yield self._db

    @contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        """The connection, outside of any transaction, for what SQLite does to a whole file; for `store` itself."""
        with self._lock, translated(self.path):
            yield self._db

    def carry(self, carried: Sequence[Carried]) -> None:
        """Keep what detectors begin with that were set by the rows so far."""
        with self._numbered() as last:
            row = last
            for number, c in enumerate(carried, start=1):
                values = (last + 2 * number - 1, c.infant, c.t_ns, c.night, c.upto_row, c.state)
                self._db.execute(_PUT_CARRIED, values)
                self._db.execute(_PUT_SNAPSHOT, (last + 2 * number, c.infant, c.t_ns, row, c.state))
            self._db.execute("UPDATE counter SET last_row = ?", (last + 2 * len(carried),))

    # cursors of receivers

    def cursor(self, name: str) -> int:
        """Last row the receiver confirmed; 0 before the first."""
        return self._beside().get(name)

    def begun_with(self, name: str) -> bool:
        """Whether the receiver ever began with this night, also when nothing reached it."""
        return self._beside().knows(name)

    def advance(self, name: str, row: int) -> None:
        """Remember that the receiver confirmed everything up to `row`; it never moves back."""
        self._beside().advance(name, row)

    def set_aside(self, name: str, row: int, reason: str, body: bytes) -> bool:
        """Keep what a receiver refuses for good; False where so much is kept of it already that this is not."""
        return self._beside().set_aside(DeadLetter(name, row, reason, body))

    def dead_letters(self, name: str) -> list[DeadLetter]:
        """Everything a receiver refused for good, in journal order."""
        return self._beside().dead_letters(name)

    # inside

    def _beside(self) -> Cursors:
        with self._lock, translated(self.path):
            if self._cursors is None:
                self._cursors = Cursors(Cursors.path_beside(self.path))
            return self._cursors

    @contextmanager
    def _numbered(self) -> Iterator[int]:
        """A transaction; yields the number of the newest row."""
        with self._lock, translated(self.path), transaction(self._db):
            yield int(self._db.execute("SELECT last_row FROM counter").fetchone()[0])


@contextmanager
def _closed_on_error(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        db.close()
        raise


_INSERTS = {name: table.insert for name, table in TABLES.items()}
_DROP_SNAPSHOTS = "DELETE FROM snapshot WHERE infant = ? AND t_ns > ?"
_PUT_SNAPSHOT = "INSERT INTO snapshot (row, infant, t_ns, fed, state) VALUES (?, ?, ?, ?, ?)"
_PUT_CARRIED = "INSERT INTO carried (row, infant, t_ns, night, upto, state) VALUES (?, ?, ?, ?, ?, ?)"
