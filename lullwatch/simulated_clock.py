"""The clock of a simulated home: stepped, and tied to a day of its own that goes on over a restart."""

from __future__ import annotations

import time
from typing import Self

from dsp.records import NS, ClockRow
from firmware_sim.sim_clock import SimClock
from store.journal import Journal

from .system_clock import MADE_UP

__all__ = ["SimulatedClock"]


class SimulatedClock(SimClock):
    """Data time that somebody lets pass, and the UTC that belongs to it.

    Args:
        start_ns: data time to begin at.
        utc_ns: UTC at that data time.
    """

    def __init__(self, start_ns: int, utc_ns: int) -> None:
        super().__init__(start_ns)
        self._begun_ns = start_ns
        self._utc_ns = utc_ns

    @classmethod
    def resume(cls, journal: Journal) -> Self:
        """A clock that goes on where a journal ends; it begins now where there is nothing yet."""
        rows = journal.clock_rows()
        if not rows:
            return cls(0, time.time_ns())
        now_ns = max(rows[-1].t_ns, journal.newest_ns or 0) + NS
        return cls(now_ns, rows[-1].utc_ns + now_ns - rows[-1].t_ns)

    def row(self, zone: str) -> ClockRow:
        """The tie between data time and UTC at this moment."""
        t_ns = self.now_ns()
        return ClockRow(t_ns, self._utc_ns + t_ns - self._begun_ns, MADE_UP, zone, t_ns)
