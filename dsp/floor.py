"""Adaptive noise floor: the median of the last five minutes of 0.25 s RMS values, exactly.

References:
    Turlach, B. A. (1995), "On algorithms for running medians": an ordered window with one deletion and one
    insertion per step.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field

__all__ = ["RunningMedian"]


@dataclass(slots=True)
class RunningMedian:
    """Median of the last `window` values pushed (of fewer while fewer have come)."""

    window: int
    ring: list[float] = field(default_factory=list)
    ordered: list[float] = field(default_factory=list)
    place: int = 0

    def push(self, value: float) -> float:
        """Take a value in and give the median: the middle one, or the mean of the two middle ones."""
        if len(self.ring) < self.window:
            self.ring.append(value)
        else:
            old = self.ring[self.place]
            del self.ordered[bisect_left(self.ordered, old)]
            self.ring[self.place] = value
            self.place = (self.place + 1) % self.window
        insort(self.ordered, value)
        return self.median

    @property
    def median(self) -> float:
        """The present median; zero before the first value."""
        n = len(self.ordered)
        if n == 0:
            return 0.0
        if n % 2:
            return self.ordered[n // 2]
        return (self.ordered[n // 2 - 1] + self.ordered[n // 2]) / 2
