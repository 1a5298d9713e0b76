"""What happens again and again is counted and said once a minute: a night of it is a page of the log, not a book."""

from __future__ import annotations

from typing import Final

from dsp.records import NS

__all__ = ["Repeats"]

_SAID_EVERY_S: Final = 60.0
"""A disk that takes nothing refuses six packets of each sensor and four batches a second, for hours."""


class Repeats:
    """Says the first at once, and the others by their number."""

    def __init__(self) -> None:
        self._said_ns: int | None = None
        self._untold = 0

    def due(self, now_ns: int) -> int:
        """It has happened once more: how often since it was said last, where it is to be said now, else 0."""
        self._untold += 1
        if self._said_ns is not None and now_ns - self._said_ns < _SAID_EVERY_S * NS:
            return 0
        self._said_ns, times, self._untold = now_ns, self._untold, 0
        return times
