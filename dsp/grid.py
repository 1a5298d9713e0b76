"""Segments of one sensor become samples on a common 100 Hz grid at absolute multiples of 10 ms.

Sample i of the input has an exact time in integer ns; a grid sample is a windowed-sinc sum over the inputs
around it, so the result depends on samples and their times alone, never on how they were cut into segments.
Where the inputs leave a gap the grid has missing samples. Above 100 Hz the kernel widens and also removes
what the grid could not show (anti-alias).

References:
    Smith, J. O., "Digital Audio Resampling", CCRMA Stanford: band-limited interpolation with a
    Kaiser-windowed sinc read from a table of phases.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dsp.kernels import Kernels
from dsp.records import NS, Counts, Scale, Segment, Site

__all__ = ["GRID_HZ", "GRID_NS", "LOOKAHEAD_NS", "GridBlock", "SiteGrid", "Stretch", "Waiting", "sinc_table"]

GRID_HZ = 100
GRID_NS = NS // GRID_HZ

LOOKAHEAD_NS = NS // 4
"""How far inputs are needed behind a grid sample: 4 samples of a 20 Hz sensor and a margin; one hop."""

_SLOWEST_NS = NS // 10
"""Sensors slower than 10 Hz cannot show a jerk and would need a longer look-ahead than everybody else."""

_REACH_S = 0.2
"""Half-width of the kernel is at most this long, so that slow sensors do not delay everybody."""

_HALF_TAPS = 8
"""Half-width in input samples for rates up to the grid's: 0.05 % error at 20 Hz from 104 Hz."""

_PHASES = 2048
"""Phases of the table; the nearest is taken: 0.03 % error at 20 Hz from 104 Hz."""

_KAISER_BETA = 7.0
"""Side lobes below the noise of a 16-bit sensor without widening the pass band's edge much."""

_GAP_STEPS = 2.5
"""Two inputs further apart than this many steps leave a gap; the clock fit moves them by less."""

_OVERLAP_STEPS = 0.4
"""An input nearer than this to the one before is a repetition."""

_FULL = np.iinfo(np.int16)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Times = NDArray[np.int64]


@lru_cache(maxsize=16)
def sinc_table(half: int, cutoff: float) -> Floats:
    """Kernel by phase, shape (phases + 1, 2 * half): weights of the inputs from 1 - half to half.

    Args:
        half: half-width in input samples.
        cutoff: pass band's edge as a share of the input's Nyquist frequency, 0 to 1.
    """
    phase = np.arange(_PHASES + 1)[:, None] / _PHASES
    offset = np.arange(1 - half, half + 1)[None, :] - phase
    inside = np.clip(1.0 - (offset / half) ** 2, 0.0, None)
    weights: Floats = np.sinc(offset * cutoff) * np.i0(_KAISER_BETA * np.sqrt(inside))
    table: Floats = weights / weights.sum(axis=1, keepdims=True)
    table.setflags(write=False)
    return table


def _kernel(step_ns: int) -> Floats:
    rate_hz = NS / step_ns
    wide = max(1.0, round(rate_hz / GRID_HZ * 4) / 4)
    half = max(1, min(round(_HALF_TAPS * wide), int(_REACH_S * rate_hz)))
    return sinc_table(half, 1.0 if wide == 1.0 else 0.9 / wide)


@dataclass(slots=True)
class GridBlock:
    """Grid samples k0, k0 + 1, ... of one site; missing ones are zero and not present."""

    k0: int
    values: Floats
    """shape (6, n): acceleration in g, then angular rate in deg/s (zero without a gyro)"""
    present: Bools
    gyro: Bools
    clipped: Bools

    @property
    def n(self) -> int:
        """Number of grid samples."""
        return int(self.present.shape[0])


@dataclass(slots=True)
class Stretch:
    """Inputs without a gap, of one sensor start, in physical units."""

    key: tuple[str, int, int]
    step_ns: int
    times: Times
    values: Floats
    """shape (n, axes)"""
    clipped: Bools


@dataclass(slots=True)
class Waiting:
    """A segment whose time has not come."""

    order: tuple[int, int, int]
    segment: Segment


@dataclass(slots=True)
class SiteGrid:
    """Resampler of one site. Everything it knows is in its fields, so it can be stored and go on."""

    site: Site
    absorbed_ns: int | None = None
    """inputs from before this time are taken in; what comes afterwards for that time is late"""
    last_ns: int | None = None
    waiting: list[Waiting] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)
    late: int = 0
    """samples that came after their time had been decided"""
    overlapped: int = 0
    """samples dropped because the time was already covered"""
    unusable: int = 0
    """samples of a sensor that is too slow for any pattern"""

    def add(self, segment: Segment) -> None:
        """Take a segment in; samples from before what was already decided are counted as late."""
        if not 0 < segment.step_ns <= _SLOWEST_NS:
            self.unusable += segment.n
            return
        order = (segment.t0_ns, segment.boot, segment.seq)
        if self.absorbed_ns is not None:
            kept = _after(segment, self.absorbed_ns)
            self.late += segment.n - kept.n
            segment = kept
        if segment.n:
            place = len(self.waiting)
            while place and self.waiting[place - 1].order > order:
                place -= 1
            self.waiting.insert(place, Waiting(order, segment))

    def frontier_ns(self) -> int | None:
        """Time up to which inputs have come without a hole."""
        reached = self.absorbed_ns
        if reached is None:
            return None
        if self.stretches and self.stretches[-1].times.size:
            reached = max(reached, int(self.stretches[-1].times[-1]) + self.stretches[-1].step_ns)
        for w in self.waiting:
            if w.segment.t0_ns > reached + w.segment.step_ns // 2:
                break
            reached = max(reached, w.segment.end_ns)
        return reached

    def begin(self, at_ns: int) -> None:
        """Start the timeline: nothing from before `at_ns` is taken any more."""
        self.absorbed_ns = at_ns
        waiting, self.waiting = self.waiting, []
        for w in waiting:
            self.add(w.segment)

    def produce(self, k0: int, k1: int, kernels: Kernels | None = None) -> GridBlock:
        """Grid samples k0 to k1 - 1; inputs up to `LOOKAHEAD_NS` behind the last must have been added."""
        self._absorb(k1 * GRID_NS + LOOKAHEAD_NS)
        n = k1 - k0
        block = GridBlock(k0, np.zeros((6, n)), *(np.zeros(n, dtype=np.bool_) for _ in range(3)))
        for stretch in self.stretches:
            _resample(stretch, block, kernels)
        self._forget(k1 * GRID_NS - LOOKAHEAD_NS)
        return block

    def _absorb(self, until_ns: int) -> None:
        while self.waiting and self.waiting[0].segment.t0_ns < until_ns:
            head = self.waiting[0]
            segment = head.segment
            if self.last_ns is not None:
                fresh = _after(segment, self.last_ns + round(_OVERLAP_STEPS * segment.step_ns))
                self.overlapped += segment.n - fresh.n
                segment = fresh
            n = max(0, min(segment.n, -((segment.t0_ns - until_ns) // segment.step_ns)))
            if n:
                self._append(segment, n)
            if n < segment.n:
                head.segment = _from(segment, n)
                break
            self.waiting.pop(0)
        self.absorbed_ns = until_ns if self.absorbed_ns is None else max(self.absorbed_ns, until_ns)

    def _append(self, segment: Segment, n: int) -> None:
        times = segment.t0_ns + np.arange(n, dtype=np.int64) * segment.step_ns
        values, clipped = _physical(segment.counts[:n, :6], segment.scale)
        key = (segment.sensor, segment.boot, segment.counts.shape[1])
        last = self.stretches[-1] if self.stretches else None
        if last is not None and self._joins(last, key, segment):
            last.times = np.concatenate([last.times, times])
            last.values = np.concatenate([last.values, values])
            last.clipped = np.concatenate([last.clipped, clipped])
        else:
            self.stretches.append(Stretch(key, segment.step_ns, times, values, clipped))
        self.last_ns = int(times[-1])

    def _joins(self, last: Stretch, key: tuple[str, int, int], segment: Segment) -> bool:
        if last.key != key or self.last_ns is None:
            return False
        return segment.t0_ns - self.last_ns <= _GAP_STEPS * max(last.step_ns, segment.step_ns)

    def _forget(self, before_ns: int) -> None:
        kept = []
        for s in self.stretches:
            first = int(np.searchsorted(s.times, before_ns))
            last_one = s is self.stretches[-1]
            if last_one:
                first = min(first, s.times.size - 1)
            if first < s.times.size:
                s.times, s.values, s.clipped = s.times[first:], s.values[first:], s.clipped[first:]
                kept.append(s)
        self.stretches = kept


def _from(segment: Segment, first: int) -> Segment:
    start = segment.t0_ns + first * segment.step_ns
    return replace(segment, t0_ns=start, counts=segment.counts[first:])


def _after(segment: Segment, at_ns: int) -> Segment:
    """The samples at or behind `at_ns`."""
    first = -((segment.t0_ns - at_ns) // segment.step_ns)
    return segment if first <= 0 else _from(segment, min(first, segment.n))


def _physical(counts: Counts, scale: Scale) -> tuple[Floats, Bools]:
    """Values in physical units, shape (n, axes), and which samples stand at the end of the range."""
    factors = np.where(np.arange(counts.shape[1]) < 3, scale.acc_g, scale.gyro_dps)
    clipped = np.zeros(counts.shape[0], dtype=np.bool_)
    if counts.max() >= _FULL.max or counts.min() <= _FULL.min + 1:
        clipped = np.asarray(((counts >= _FULL.max) | (counts <= _FULL.min + 1)).any(axis=1))
    return counts * factors, clipped


def _resample(stretch: Stretch, block: GridBlock, kernels: Kernels | None) -> None:
    times = stretch.times
    first = max(block.k0, -(-int(times[0]) // GRID_NS))
    last = min(block.k0 + block.n - 1, int(times[-1]) // GRID_NS)
    if last < first:
        return
    out = slice(first - block.k0, last + 1 - block.k0)
    table = _kernel(stretch.step_ns)
    if kernels is None:
        left = _weigh(
            stretch, table, np.arange(first, last + 1, dtype=np.int64) * GRID_NS, block.values[:, out]
        )
    else:
        left = np.empty(last + 1 - first, dtype=np.int64)
        kernels.resample(
            times, stretch.values, table, first, GRID_NS, LOOKAHEAD_NS, block.values[:, out], left
        )
    right = np.minimum(left + 1, times.size - 1)
    block.present[out] = True
    block.gyro[out] = stretch.key[2] >= 6
    block.clipped[out] = stretch.clipped[left] | stretch.clipped[right]


def _weigh(stretch: Stretch, table: Floats, at: Times, out: Floats) -> Times:
    """Sum tap by tap: the order of additions is the same for every block length.

    Taps are held inside the look-ahead on both sides, so that a block never sees more than another would.
    Gives the index of the input at or before each time.
    """
    times = stretch.times
    left = np.searchsorted(times, at, side="right") - 1
    right = np.minimum(left + 1, times.size - 1)
    span = np.maximum(times[right] - times[left], 1)
    phase = ((at - times[left]) / span * _PHASES + 0.5).astype(np.int64)
    weights = table[phase].T
    half = weights.shape[0] // 2
    total = np.zeros((left.size, stretch.values.shape[1]))
    low = np.searchsorted(times, at - LOOKAHEAD_NS)
    high = np.searchsorted(times, at + LOOKAHEAD_NS, side="right") - 1
    for tap in range(2 * half):
        index = np.clip(left + (tap + 1 - half), low, high)
        total += stretch.values[index] * weights[tap][:, None]
    out[: total.shape[1]] = total.T
    return left
