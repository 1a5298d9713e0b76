"""Data time to UTC, through the clock rows of a journal."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from dsp.records import ClockRow

__all__ = ["UtcMap"]


class UtcMap:
    """Maps data time to UTC by holding the offset of the newest clock row at or before a time.

    Held and not interpolated: a row that is written later must not move the UTC of what was already sent, or
    a receiver would keep the same sample twice. Before the first row, that row's offset holds.
    """

    def __init__(self, rows: Iterable[ClockRow] = ()) -> None:
        self._times: list[int] = []
        self._offsets: list[int] = []
        for row in rows:
            self.add(row)

    def __bool__(self) -> bool:
        return bool(self._times)

    def add(self, row: ClockRow) -> None:
        """Take a further row into account; of two rows at the same time the later added one holds."""
        place = bisect_right(self._times, row.t_ns)
        self._times.insert(place, row.t_ns)
        self._offsets.insert(place, row.utc_ns - row.t_ns)

    def utc_ns(self, t_ns: int) -> int:
        """UTC in nanoseconds since 1970 at data time `t_ns`; LookupError while there is no row at all."""
        if not self._times:
            raise LookupError("no clock row yet: data time cannot be told in UTC")
        return t_ns + self._offsets[max(bisect_right(self._times, t_ns) - 1, 0)]
