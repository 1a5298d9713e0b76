"""Packets that are in an earlier night already: a sock sends again whatever it was not told it may forget."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from store.errors import JournalError
from store.journal import Journal
from store.rows import Row, SegmentRow
from store.shelf import Shelf

__all__ = ["EarlierPackets"]

_log = logging.getLogger(__name__)


class EarlierPackets:
    """Looks a packet up in the nights before the one that is being written.

    Only a start of a sensor that an earlier night knows is looked up packet by packet, and of that only numbers up to
    the highest there; everything else costs one look at a dictionary.

    Args:
        night: the journal that is being written.
    """

    def __init__(self, night: Path) -> None:
        with Shelf.around(night) as shelf:
            self._nights = [path for path in reversed(shelf.nights()) if path != night]
        self._starts: dict[tuple[str, int], list[tuple[int, Journal]]] = {}
        """by sensor and start, the nights that know it, each with its highest number"""
        self._open: dict[Path, Journal] = {}

    def holds(self, sensor: str, boot: int, seq: int) -> bool:
        """Whether this packet is on the disk in an earlier night, as far as they can be read."""
        if not self._nights:
            return False
        if (sensor, boot) not in self._starts:
            self._starts[sensor, boot] = self._search(sensor, boot)
        for highest, journal in list(self._starts[sensor, boot]):
            try:
                if seq <= highest and journal.has_packet(sensor, boot, seq):
                    return True
            except JournalError as error:
                self._pass_over(journal.path, error)
        return False

    def new_among(self, rows: Sequence[Row]) -> list[Row]:
        """The rows without packets that are on the disk in an earlier night, as far as they can be read."""
        return [row for row in rows if not (isinstance(row, SegmentRow) and self._knows(row))]

    def _knows(self, row: SegmentRow) -> bool:
        return self.holds(row.packet.sensor, row.packet.boot, row.packet.seq)

    def close(self) -> None:
        """Close the nights that were looked into."""
        while self._open:
            self._open.popitem()[1].close()

    def _search(self, sensor: str, boot: int) -> list[tuple[int, Journal]]:
        found = []
        for path in list(self._nights):
            journal = self._open.get(path)
            try:
                journal = journal or Journal.read_only(path)
                highest = journal.highest_seq(sensor, boot)
            except JournalError as error:
                if journal is not None:
                    journal.close()
                self._pass_over(path, error)
                continue
            if highest is not None:
                self._open[path] = journal
                found.append((highest, journal))
            elif path not in self._open:
                journal.close()
        return found

    def _pass_over(self, path: Path, error: JournalError) -> None:
        """What cannot be read holds up nobody: a packet of it that comes again is kept again. The keeper mends it."""
        _log.error("packets that come again are not looked for in this night any more: %s", error)
        self._nights.remove(path)
        for known in self._starts.values():
            known[:] = [(highest, journal) for highest, journal in known if journal.path != path]
        if (journal := self._open.pop(path, None)) is not None:
            journal.close()
