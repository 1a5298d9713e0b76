"""How far each receiver has got, in a small file beside the journal.

It is a file of its own so that two processes never wait for each other: the monitor takes the journal's write
lock many times a second, and a sink in another process moves its cursor after every confirmed delivery.
Losing this file loses nothing: everything is sent once more, and ids and timestamps make the second time
recognisable. So one that is damaged is set aside, and begun anew.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from store.aside import set_aside
from store.database import translated
from store.errors import JournalDamaged
from store.private_files import made_private

__all__ = ["Cursors", "DeadLetter"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_BESIDE: Final = ".cursors.sqlite"

_BUSY_TIMEOUT_S = 10.0
"""A cursor write takes under a millisecond; ten seconds outlast the slowest card's flush."""

_LETTERS_MOST = 1000
"""Of one receiver in one night: a person reads the first; a database that refuses a whole night fills no disk."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS cursor (name TEXT PRIMARY KEY, row INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS quarantine (
    name TEXT NOT NULL, row INTEGER NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (name, row, body)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What a receiver refused for good."""

    name: str
    """the receiver"""
    row: int
    """row of the journal it came from"""
    reason: str
    body: bytes
    """exactly what was refused"""


class Cursors:
    """Durable cursors and dead letters of one journal; may be shared by threads and processes.

    Methods raise JournalFull, JournalReadOnly or JournalBusy, naming this file; JournalDamaged only where it cannot be
    set aside.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._inode = 0
        """of the file that is open"""
        self._done(lambda _: None)

    @staticmethod
    def path_beside(journal: Path) -> Path:
        """Where the cursors of a journal are kept."""
        return journal.with_name(journal.stem + _BESIDE)

    @staticmethod
    def is_beside(path: Path) -> bool:
        """Whether a file of this name is cursors, not a journal: `journal-*.sqlite` names both."""
        return path.name.endswith(_BESIDE)

    def get(self, name: str) -> int:
        """Last row the receiver confirmed; 0 before the first."""
        return self.all().get(name, 0)

    def all(self) -> dict[str, int]:
        """Last row that each receiver confirmed."""
        return self._done(lambda db: dict(db.execute("SELECT name, row FROM cursor")))

    def knows(self, name: str) -> bool:
        """Whether the receiver ever began with this journal, also when nothing reached it."""
        return name in self.all()

    def advance(self, name: str, row: int) -> None:
        """Remember that everything up to `row` is confirmed. A cursor never moves back."""
        self._done(
            lambda db: db.execute(
                "INSERT INTO cursor VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET row = max(row, excluded.row)",
                (name, row),
            )
        )

    def set_aside(self, letter: DeadLetter) -> bool:
        """Keep what a receiver refuses for good, with its reason; False where as many are kept as ever are."""
        values = (letter.name, letter.row, letter.reason, letter.body)
        return self._done(lambda db: _put(db, values))

    def dead_letters(self, name: str) -> list[DeadLetter]:
        """Everything a receiver refused, in journal order."""
        statement = "SELECT name, row, reason, body FROM quarantine WHERE name = ? ORDER BY row, body"
        found = self._done(lambda db: db.execute(statement, (name,)).fetchall())
        return [DeadLetter(*values) for values in found]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()

    def _done(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What the work gives; where the file is damaged, it is done on a new one."""
        with self._lock:
            try:
                return self._tried(work)
            except JournalDamaged as error:
                self._make_way(error)
            return self._tried(work)

    def _tried(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with translated(self._path):
            if self._db is None:
                self._db = self._opened()
            return work(self._db)

    def _opened(self) -> sqlite3.Connection:
        made_private(self._path)
        self._inode = _inode(self._path)
        db = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=_BUSY_TIMEOUT_S
        )
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.executescript(_SCHEMA)
        except BaseException:
            db.close()
            raise
        return db

    def _make_way(self, error: JournalDamaged) -> None:
        """Set the damaged file aside, unless another process has done so meanwhile."""
        if self._db is not None:
            self._db.close()
            self._db = None
        if _inode(self._path) != self._inode:
            return
        try:
            aside = set_aside(self._path)
            self._path.unlink(missing_ok=True)
        except OSError:
            raise error from None  # a disk that takes nothing: it is tried again with the next call
        _log.error(
            "%s was damaged and is begun anew, what was sent is sent once more; it is kept as %s",
            self._path, aside.name,
        )  # fmt: skip


def _put(db: sqlite3.Connection, values: tuple[str, int, str, bytes]) -> bool:
    (there,) = db.execute("SELECT count(*) FROM quarantine WHERE name = ?", values[:1]).fetchone()
    if there < _LETTERS_MOST:
        db.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", values)
    return bool(there < _LETTERS_MOST)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
