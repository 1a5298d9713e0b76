"""When the next night begins, and in which file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dsp.records import NS, ClockRow
from store.errors import JournalDamaged
from store.journal import Journal, night_name
from store.salvage import salvage
from store.shelf import Shelf

__all__ = ["Rollover", "Turn", "opened", "recent_clock_rows"]

_AGAIN_NS: Final = 60 * NS
"""Data time before a night that could not be begun is tried again: a disk that is full stays so for a while."""


def opened(folder: Path, utc_ns: int, zone: str) -> Journal:
    """The newest night of a folder, to be gone on in; where there is none, that of this moment.

    A damaged file is set aside first, and what can be read of it goes on under its name.

    Raises JournalError.
    """
    with Shelf(folder) as shelf:
        shelf.nights()
        for path in shelf.damaged():
            salvage(path)
            shelf.mended(path)
        newest = shelf.newest() or folder / night_name(utc_ns, zone)
    try:
        return Journal.open(newest)
    except JournalDamaged:
        salvage(newest)
        return Journal.open(newest)


def recent_clock_rows(shelf: Shelf) -> list[ClockRow]:
    """What ties data time to UTC in this night and the last: what reaches back over noon keeps its time of day."""
    return [row for row in shelf.newest_rows(("clock",), nights=2) if isinstance(row, ClockRow)]


@dataclass(frozen=True, slots=True)
class Turn:
    """The next night: its file, and the tie between data time and UTC it begins with."""

    path: Path
    clock: ClockRow


class Rollover:
    """Noon to noon in the night's zone, by the clock that ties data time to UTC.

    Args:
        shelf: where nights stand.
        read_clock: gives the tie as it is now.
    """

    def __init__(self, shelf: Shelf, read_clock: Callable[[], ClockRow]) -> None:
        self._shelf = shelf
        self._read_clock = read_clock
        self._not_before_ns: int | None = None

    def due(self, current: Path) -> Turn | None:
        """The night to go on in; None while `current` is the night of now."""
        clock = self._read_clock()
        if self._not_before_ns is not None and clock.t_ns < self._not_before_ns:
            return None
        path = self._shelf.following(current, clock.utc_ns, clock.zone)
        if path is None:
            return None
        self._not_before_ns = clock.t_ns + _AGAIN_NS
        return Turn(path, clock)
