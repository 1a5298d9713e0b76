"""How far each receiver has got, in a small file beside the journal.

It is a file of its own so that two processes never wait for each other: the monitor takes the journal's write
lock many times a second, and a sink in another process moves its cursor after every confirmed delivery.
Losing this file loses nothing: everything is sent once more, and ids and timestamps make the second time
recognisable.
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

from store.database import translated
from store.private_files import made_private

__all__ = ["Cursors", "DeadLetter"]

_BUSY_TIMEOUT_S = 10.0
"""A cursor write takes under a millisecond; ten seconds outlast the slowest card's flush."""

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

    Methods raise JournalFull, JournalReadOnly, JournalDamaged or JournalBusy, naming this file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        made_private(path)
        self._db = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=_BUSY_TIMEOUT_S
        )
        with translated(path):
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)

    @staticmethod
    def path_beside(journal: Path) -> Path:
        """Where the cursors of a journal are kept."""
        return journal.with_name(journal.stem + ".cursors.sqlite")

    def get(self, name: str) -> int:
        """Last row the receiver confirmed; 0 before the first."""
        with self._lock, translated(self._path):
            found = self._db.execute("SELECT row FROM cursor WHERE name = ?", (name,)).fetchone()
        return int(found[0]) if found else 0

    def all(self) -> dict[str, int]:
        """Last row that each receiver confirmed."""
        with self._lock, translated(self._path):
            return dict(self._db.execute("SELECT name, row FROM cursor"))

    def knows(self, name: str) -> bool:
        """Whether the receiver ever began with this journal, also when nothing reached it."""
        return name in self.all()

    def advance(self, name: str, row: int) -> None:
        """Remember that everything up to `row` is confirmed. A cursor never moves back."""
        with self._lock, translated(self._path):
            self._db.execute(
                "INSERT INTO cursor VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET row = max(row, excluded.row)",
                (name, row),
            )

    def set_aside(self, letter: DeadLetter) -> None:
        """Keep what a receiver refuses for good, with its reason."""
        with self._lock, translated(self._path):
            self._db.execute(
                "INSERT INTO quarantine VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (letter.name, letter.row, letter.reason, letter.body),
            )

    def dead_letters(self, name: str) -> list[DeadLetter]:
        """Everything a receiver refused, in journal order."""
        with self._lock, translated(self._path):
            found = self._db.execute(
                "SELECT name, row, reason, body FROM quarantine WHERE name = ? ORDER BY row, body", (name,)
            ).fetchall()
        return [DeadLetter(*values) for values in found]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
