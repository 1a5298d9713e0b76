"""When the next night begins, and in which file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dsp.records import NS, ClockRow
from store.shelf import Shelf

__all__ = ["Rollover", "Turn"]

_AGAIN_NS: Final = 60 * NS
"""Data time before a night that could not be begun is tried again: a disk that is full stays so for a while."""


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
