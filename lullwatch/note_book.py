"""The notes of a folder of nights, kept in memory: read once, and from then on those that came since."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import msgspec

from dsp.records import Note
from store.shelf import Shelf
from store.utc import UtcMap

from .asking import FALSE_ALARM
from .diary import Entry, entries
from .event_index import signature

__all__ = ["NoteBook"]

_NOT_DIARY = (FALSE_ALARM, "self_test")
"""Kinds that a program or a button leaves; they are told where they belong."""


class NoteBook:
    """Everybody's notes in the order they were written. Methods may be called from any thread.

    Args:
        shelf: the nights; only read.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = threading.RLock()
        self._looked: dict[str, tuple[int, ...]] = {}
        self._notes: dict[str, list[tuple[Note, int]]] = {}

    def refresh(self) -> None:
        """Take in what was committed since the last time. Raises JournalError."""
        with self._lock:
            nights = self._shelf.nights()
            for path in nights:
                now = signature(path)
                if self._looked.get(path.name) != now:
                    self._notes[path.name] = self._read(path)
                    self._looked[path.name] = now
            here = [path.name for path in nights]
            self._notes = {name: self._notes[name] for name in here}
            self._looked = {name: self._looked[name] for name in here}

    def entries(self, infant: str) -> tuple[Entry, ...]:
        """The diary of an infant by time, with what was struck out."""
        with self._lock:
            rows = [row for night in self._notes.values() for row in night]
        own = {note: utc_ns for note, utc_ns in rows if note.infant == infant and note.kind not in _NOT_DIARY}
        return entries(own)

    def written(self, infant: str) -> list[Note]:
        """Every note of an infant in the order they were written."""
        with self._lock:
            return [note for night in self._notes.values() for note, _ in night if note.infant == infant]

    def called_false(self, alert_ids: set[str]) -> tuple[tuple[Note, int], ...]:
        """Who called one of these alerts a false alarm, and when, UTC."""
        with self._lock:
            rows = [row for night in self._notes.values() for row in night]
        return tuple(row for row in rows if row[0].kind == FALSE_ALARM and row[0].text in alert_ids)

    def _read(self, path: Path) -> list[tuple[Note, int]]:
        with self._shelf.opened(path.name) as journal:
            utc = UtcMap(journal.clock_rows())
            bodies = journal.bodies("note", limit=-1)
        notes = (msgspec.convert(json.loads(body), Note) for _, body in bodies)
        return [(note, utc.utc_ns(note.t_ns)) for note in notes] if utc else []
