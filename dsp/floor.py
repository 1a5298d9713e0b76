"""Adaptive noise floor: the median of the last five minutes of 0.25 s RMS values, exactly.

References:
    Turlach, B. A. (1995), "On algorithms for running medians": an ordered window with one deletion and one
    insertion per step.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsp.kernels import Kernels

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

    def run(
        self,
        values: NDArray[np.float64],
        counted: NDArray[np.bool_],
        *,
        least: int,
        default: float,
        kernels: Kernels | None = None,
    ) -> NDArray[np.float64]:
        """The median before each of the values, which are then pushed where they are counted.

        Args:
            values: shape (n,).
            counted: shape (n,).
            least: values that must have been pushed before a median is given.
            default: given until then.
            kernels: compiled loops, if there are.
        """
        out = np.empty(values.shape[0])
        if kernels is not None:
            self._by_kernel(values, counted, least, default, kernels, out)
            return out
        for i, (value, counts) in enumerate(zip(values.tolist(), counted.tolist(), strict=True)):
            out[i] = self.median if len(self.ring) >= least else default
            if counts:
                self.push(value)
        return out

    def _by_kernel(
        self,
        values: NDArray[np.float64],
        counted: NDArray[np.bool_],
        least: int,
        default: float,
        kernels: Kernels,
        out: NDArray[np.float64],
    ) -> None:
        size = len(self.ring)
        both = np.concatenate([self.ring, values])
        order = np.argsort(both)
        ranks = np.empty(both.size, dtype=np.int64)
        ranks[order] = np.arange(both.size)
        held, present = np.zeros(self.window, dtype=np.int64), np.zeros(both.size, dtype=np.bool_)
        held[:size] = ranks[:size]
        present[ranks[:size]] = True
        ranked = both[order]
        size, self.place = kernels.running_medians(
            ranks[size:], ranked, held, present, size, self.place, counted, least, default, out
        )
        self.ring, self.ordered = ranked[held[:size]].tolist(), ranked[present].tolist()

    @property
    def median(self) -> float:
        """The present median; zero before the first value."""
        n = len(self.ordered)
        if n == 0:
            return 0.0
        if n % 2:
            return self.ordered[n // 2]
        return (self.ordered[n // 2 - 1] + self.ordered[n // 2]) / 2
