"""Events of a folder of nights, looked up one at a time by whoever wants to say something of one."""

from __future__ import annotations

from pathlib import Path

from dsp.records import Event
from store.shelf import Shelf

from .pinning import Pinned, newest_event, pin

__all__ = ["KnownEvents"]


class KnownEvents:
    """The events of the journals in a folder. Methods may be called from any thread, and block on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, event_id: str) -> Event | None:
        """The last word on an event; None where no night knows it. Raises JournalError."""
        with Shelf(self._folder) as shelf:
            return newest_event(shelf.nights(), event_id)

    def pin(self, event_id: str) -> list[Pinned]:
        """Keep its raw data; empty where it is gone already. Raises NoSuchEvent and JournalError."""
        return pin(self._folder, event_id)
