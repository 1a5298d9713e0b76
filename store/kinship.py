"""Whether two files of one name are of one night: one of them the other, as it stood earlier."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from store.database import check_begun, check_kind, connect_reading, translated
from store.rows import TABLES

__all__ = ["last_row", "lost_since", "one_night"]

_TAIL_ROWS: Final = 500
"""Rows before the end of the shorter file that are laid beside those of the other. Rows are never edited, and carry
times in nanoseconds: files that agree there were one until then. Half a minute of three sensors, read in an instant."""

_Entry = tuple[str, tuple[Any, ...]]
"""table and values of a row"""


def one_night(one: Path, other: Path) -> bool:
    """Whether no row of the two contradicts, by the clock's rows and the last ones both have room for.

    A row that is in one of them only does not count: raw data goes by age, an infant may have been forgotten, a
    damaged file loses some. A file with no row at all is a beginning of any.

    Raises JournalError when one cannot be read.
    """
    upto = min(last_row(one), last_row(other))
    if not upto:
        return True
    rows, others = _telling(one, upto), _telling(other, upto)
    told = rows.keys() | others.keys()
    rows |= _at(one, told - rows.keys())
    others |= _at(other, told - others.keys())
    shared = rows.keys() & others.keys()
    return bool(shared) and all(rows[row] == others[row] for row in shared)


def last_row(path: Path) -> int:
    """Number of the newest row. Raises JournalError."""
    with _reading(path) as db:
        return int(db.execute("SELECT last_row FROM counter").fetchone()[0])


def lost_since(copy: Path, night: Path) -> bool:
    """Whether a copy holds rows that its night holds no more: raw data that was too old, or what a disk has lost.

    Raises JournalError when one cannot be read.
    """
    upto = last_row(copy)
    there, here = _counts(copy, upto), _counts(night, upto)
    return any(here.get(name, 0) < count for name, count in there.items())


def _counts(path: Path, upto: int) -> dict[str, int]:
    """Rows of each table up to a row; all are counted by an index, for the table itself is ten times as long."""
    with _reading(path) as db:
        statement = "SELECT (SELECT count(*) FROM {0}) - (SELECT count(*) FROM {0} WHERE row > ?)"
        return {name: db.execute(statement.format(name), (upto,)).fetchone()[0] for name in _tables(db)}


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with translated(path), closing(connect_reading(path)) as db:
        check_kind(path, db)
        check_begun(path, db)
        yield db


def _tables(db: sqlite3.Connection) -> list[str]:
    there = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return [name for name in TABLES if name in there]


def _telling(path: Path, upto: int) -> dict[int, _Entry]:
    """Every row of the clock, each start of a monitor among them, and the last ones up to a row."""
    found: dict[int, _Entry] = {}
    with _reading(path) as db:
        for name in _tables(db):
            after = 0 if name == "clock" else upto - _TAIL_ROWS
            columns = ", ".join(TABLES[name].columns)
            rows = db.execute(f"SELECT row, {columns} FROM {name} WHERE row > ? AND row <= ?", (after, upto))  # noqa: S608 - names are constants
            found |= {row: (name, tuple(values)) for row, *values in rows}
    return found


def _at(path: Path, rows: set[int]) -> dict[int, _Entry]:
    """What stands at row numbers, whatever table it is in."""
    found: dict[int, _Entry] = {}
    with _reading(path) as db:
        for name in _tables(db):
            columns = ", ".join(TABLES[name].columns)
            for row in rows:
                values = db.execute(f"SELECT {columns} FROM {name} WHERE row = ?", (row,)).fetchone()  # noqa: S608 - names are constants
                if values is not None:
                    found[row] = (name, tuple(values))
    return found
