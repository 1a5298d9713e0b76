"""A damaged journal is set aside, and what can still be read of it goes on under its name."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from store.aside import set_aside
from store.cursors import Cursors
from store.database import claimed_for, connect, flush_folder, prepare, transaction, translated
from store.errors import StoreError
from store.rows import TABLES

__all__ = ["STATES", "Salvaged", "salvage"]

_log = logging.getLogger(__name__)

_SPAN_ROWS: Final = 4096
"""Rows asked for at once where nothing is wrong."""

_GIVE_UP_AFTER: Final = 256
"""Single rows in a row that cannot be read before the next are left out in ever larger steps: a page of the
journal holds some dozens, a broken index page all of a table."""

_MARGIN_ROWS: Final = 10_000
"""Numbers left out behind the last row that is known: one that was lost may have been confirmed by a receiver, whose
cursor would otherwise hide a new row of the same number."""

STATES: Final = {
    "snapshot": ("infant", "t_ns", "fed", "state"),
    "carried": ("infant", "t_ns", "night", "upto", "state"),
}
"""Columns of the tables that hold detectors' states."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What became of a damaged file."""

    path: Path
    """the new file, under the old name"""
    aside: Path
    """the damaged one"""
    rows: int
    """read and kept"""
    missing: int
    """row numbers that were handed out and are not there any more"""


def salvage(path: Path) -> Salvaged:
    """Set a damaged journal aside and put what can be read of it in its place.

    Row numbers stay, so that cursors and snapshots stay true. Raises JournalInUse while a monitor writes it,
    JournalFull, JournalReadOnly or JournalFailing; then the damaged file is where it was.
    """
    with claimed_for(path):
        return _salvage(path)


def _salvage(path: Path) -> Salvaged:
    part = path.with_suffix(".part")
    for left in path.parent.glob(part.name + "*"):
        left.unlink()
    try:
        with translated(part):
            with closing(connect(part, "rwc")) as new:
                prepare(part, new)
                kept, last_row = _copy(path, new)
            aside = set_aside(path)
            try:
                part.replace(path)
            except OSError:
                _put_back(aside, path)
                raise
            flush_folder(path.parent)
    finally:
        for left in path.parent.glob(part.name + "*"):
            with suppress(OSError):
                left.unlink()  # of one that failed: it takes the room that is wanted
    done = Salvaged(path, aside, kept, max(last_row - kept, 0))
    _log.error("%s was damaged: %d rows were saved; the damaged file is kept as %s", path, kept, aside.name)
    return done


def _put_back(aside: Path, path: Path) -> None:
    """What was set aside has its name again, and its log."""
    aside.replace(path)
    log = Path(f"{aside}-wal")
    if log.exists():
        log.replace(f"{path}-wal")


def _copy(path: Path, new: sqlite3.Connection) -> tuple[int, int]:
    """Copy what can be read; how many rows, and the number of the newest."""
    with closing(connect(path, "ro")) as old:
        known = _numbers(path, old)
        kept = 0
        with transaction(new):
            for name, columns in {**{t.name: t.columns for t in TABLES.values()}, **STATES}.items():
                marks = ", ".join("?" * (len(columns) + 1))
                statement = f"INSERT OR IGNORE INTO {name} (row, {', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names are constants
                for row in _readable(old, name, columns, known):
                    with suppress(sqlite3.Error):
                        kept += new.execute(statement, row).rowcount
                        known = max(known, row[0])
            margin = _MARGIN_ROWS if known else 0
            new.execute("UPDATE counter SET last_row = ?", (known + margin,))
    return kept, known


def _numbers(path: Path, old: sqlite3.Connection) -> int:
    """The highest row number that anything knows of."""
    found = [0]
    for name in ("counter", *TABLES):
        column = "last_row" if name == "counter" else "row"
        with suppress(sqlite3.Error):
            found.append(int(old.execute(f"SELECT max({column}) FROM {name}").fetchone()[0] or 0))  # noqa: S608 - names are constants
    beside = Cursors.path_beside(path)
    if beside.exists():
        with suppress(StoreError, sqlite3.Error), closing(Cursors(beside)) as cursors:
            found += cursors.all().values()
    return max(found)


def _readable(
    old: sqlite3.Connection, name: str, columns: tuple[str, ...], upto: int
) -> Iterator[tuple[Any, ...]]:
    """Rows of a table that can be read and mean something, in order; what cannot is stepped over."""
    statement = f"SELECT row, {', '.join(columns)} FROM {name} WHERE row > ? AND row <= ? ORDER BY row"  # noqa: S608 - names are constants
    after, span, failed = 0, _SPAN_ROWS, 0
    while after < upto:
        try:
            page = old.execute(statement, (after, after + span)).fetchall()
        except sqlite3.Error:
            if span > 1:
                span //= 2
                continue
            failed += 1
            after += 1 if failed < _GIVE_UP_AFTER else min(failed, _SPAN_ROWS)
            continue
        yield from (row for row in page if name in STATES or _means_something(name, row[1:]))
        after, failed = after + span, 0 if page else failed
        span = min(span * 2, _SPAN_ROWS)


def _means_something(name: str, values: tuple[Any, ...]) -> bool:
    try:
        TABLES[name].unpack(values)
    except (ValueError, TypeError, KeyError, AttributeError, msgspec.MsgspecError, json.JSONDecodeError):
        return False
    return True
