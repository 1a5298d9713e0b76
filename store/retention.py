"""Raw data that is no longer kept goes, in steps so small that the writer never waits for them.

Events, alerts, what became of them, coverage, states, notes and pins stay for ever.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from store.database import translated
from store.journal import Journal
from store.rows import TABLES

__all__ = ["STEP_ROWS", "Thinned", "drop_raw", "give_back"]

STEP_ROWS: Final = 2000
"""Rows that go at once: half a megabyte, a write lock of some hundredths of a second."""

_GIVE_BACK_PAGES: Final = 256
"""Pages given back to the file system in one step: a megabyte."""

_SPANS: Final = {
    "segment": ("segment.t0_ns", "segment.t0_ns + segment.n * segment.step_ns"),
    "tick": ("tick.t_ns", "tick.t_ns"),
    "cutoff": ("cutoff.t_ns", "cutoff.t_ns"),
}
"""What a detector was fed: kept where it is pinned."""

_STATES: Final = ("snapshot", "carried", "link")
"""Of use only while the raw data beside them is there."""


@dataclass(frozen=True, slots=True)
class Thinned:
    """What one step took away."""

    rows: int
    oldest_ns: int | None
    """data time of the oldest of them"""


def drop_raw(journal: Journal, *, before_ns: int, rows: int = STEP_ROWS) -> Thinned:
    """Take away up to `rows` rows of raw data from before a data time, oldest row first, leaving what is pinned.

    Raises JournalError; then nothing was taken away.
    """
    for name in (*_SPANS, *_STATES):
        if name == "carried" and journal.schema < TABLES["pin"].since:
            continue
        gone = _drop_of(name, journal, before_ns, rows)
        if gone.rows:
            return gone
    return Thinned(0, None)


def _drop_of(name: str, journal: Journal, before_ns: int, rows: int) -> Thinned:
    unpinned = _unpinned(name) if name in _SPANS and journal.schema >= TABLES["pin"].since else ""
    begins = _SPANS[name][0] if name in _SPANS else "t_ns"
    # Where nothing is old enough the whole table is read to find that out: no writer may wait for it.
    with journal.exclusive() as db:
        found = db.execute(
            f"SELECT row, {begins} FROM {name} WHERE {begins} < ? {unpinned}ORDER BY row LIMIT ?",  # noqa: S608 - names are constants
            (before_ns, rows),
        ).fetchall()
    if not found:
        return Thinned(0, None)
    with journal.amending() as db:
        # A pin may have come since the rows were found.
        gone = db.executemany(f"DELETE FROM {name} WHERE row = ? {unpinned}", ((row,) for row, _ in found))  # noqa: S608 - names are constants
        return Thinned(gone.rowcount, min(t_ns for _, t_ns in found))


def _unpinned(name: str) -> str:
    begins, ends = _SPANS[name]
    return (
        f"AND NOT EXISTS (SELECT 1 FROM pin WHERE pin.infant = {name}.infant "  # noqa: S608 - names are constants
        f"AND {ends} >= pin.t_ns AND {begins} <= pin.end_ns) "
    )


def give_back(path: Path) -> bool:
    """Give a megabyte of what raw data has left in a file back to the file system; False when there is no more.

    For nights that are over: the running one uses the room itself.
    """
    with Journal.amend(path) as journal, translated(path), journal.exclusive() as db:
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        (mode,) = db.execute("PRAGMA auto_vacuum").fetchone()
        if not free:
            return False
        if mode == 0:  # a file of the first schema: it is written anew once, small as it now is
            if free * 2 > pages:
                db.execute("VACUUM")
                _fold(db)
            return False
        db.execute(f"PRAGMA incremental_vacuum({_GIVE_BACK_PAGES})").fetchall()
        _fold(db)
    return True


def _fold(db: sqlite3.Connection) -> None:
    """Fold the log into the file, so that the file becomes shorter; a reader in between lets it be till next time."""
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
