"""Segments of one sensor become samples on a common 100 Hz grid at absolute multiples of 10 ms.

Sample i of the input has an exact time in integer ns; a grid sample is a windowed-sinc sum over the inputs
around it, so the result depends on samples and their times alone, never on how they were cut into segments.
Where the inputs leave a gap the grid has missing samples. A gap of a quarter of a second and less, which is what a
lost packet leaves, is bridged by a straight line instead, so that filters go on; what lies in it is not measured.
Above 100 Hz the kernel widens and also removes what the grid could not show (anti-alias).

References:
    Smith, J. O., "Digital Audio Resampling", CCRMA Stanford: band-limited interpolation with a
    Kaiser-windowed sinc read from a table of phases.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dsp.kernels import Kernels
from dsp.records import NS, Counts, Scale, Segment, Site, Stretch

__all__ = ["GRID_HZ", "GRID_NS", "LOOKAHEAD_NS", "GridBlock", "Inputs", "SiteGrid", "Waiting", "sinc_table"]

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

_BRIDGE_NS = LOOKAHEAD_NS
"""A gap of at most this is bridged: wherever a grid sample lies in it, its far end is already in."""

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
    """measured, or bridged"""
    gyro: Bools
    clipped: Bools
    bridged: Bools
    """in a short gap: a straight line between what was measured on both sides"""

    @property
    def n(self) -> int:
        """Number of grid samples."""
        return int(self.present.shape[0])


@dataclass(slots=True)
class Inputs:
    """Inputs without a gap, of one sensor start, in physical units."""

    key: tuple[str, int, int]
    step_ns: int
    times: Times
    values: Floats
    """shape (n, axes)"""
    clipped: Bools


@dataclass(slots=True)
class Waiting:
    """A segment, or a stretch of them without any doubt about their order, whose time has not come."""

    order: tuple[int, int, int]
    """of the last segment"""
    segment: Segment | Stretch


@dataclass(slots=True)
class SiteGrid:
    """Resampler of one site. Everything it knows is in its fields, so it can be stored and go on."""

    site: Site
    absorbed_ns: int | None = None
    """inputs from before this time are taken in; what comes afterwards for that time is late"""
    last_ns: int | None = None
    waiting: list[Waiting] = field(default_factory=list)
    inputs: list[Inputs] = field(default_factory=list)
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
            if self.waiting and self.waiting[-1].order > order:
                self._unpack()
            place = len(self.waiting)
            while place and self.waiting[place - 1].order > order:
                place -= 1
            self.waiting.insert(place, Waiting(order, segment))

    def add_all(self, stretch: Stretch) -> None:
        """Take many segments in: together where nothing about them needs a second look, else one by one."""
        if not self._is_plain(stretch):
            for segment in stretch.segments():
                self.add(segment)
            return
        for a, b in pairwise([0, *_doubts(stretch), len(stretch)]):
            last = (int(stretch.t0s_ns[b - 1]), stretch.boot, int(stretch.seqs[b - 1]))
            self.waiting.append(Waiting(last, stretch.part(a, b)))

    def _is_plain(self, stretch: Stretch) -> bool:
        """Whether all of it is usable, in time and in order."""
        if not len(stretch) or (self.absorbed_ns is not None and stretch.t0_ns < self.absorbed_ns):
            return False
        if self.waiting and self.waiting[-1].order > (stretch.t0_ns, stretch.boot, int(stretch.seqs[0])):
            return False
        later, same = np.diff(stretch.t0s_ns) > 0, np.diff(stretch.t0s_ns) == 0
        ordered = bool((later | (same & (np.diff(stretch.seqs) >= 0))).all())
        steps = stretch.steps_ns
        return ordered and bool(((stretch.ns > 0) & (steps > 0) & (steps <= _SLOWEST_NS)).all())

    def _unpack(self) -> None:
        """Let every segment wait for itself."""
        rows = [w.segment for w in self.waiting]
        singles = [s for row in rows for s in (row.segments() if isinstance(row, Stretch) else (row,))]
        self.waiting = [Waiting((s.t0_ns, s.boot, s.seq), s) for s in singles]

    def frontier_ns(self) -> int | None:
        """Time up to which inputs have come without a hole."""
        reached = self.absorbed_ns
        if reached is None:
            return None
        if self.inputs and self.inputs[-1].times.size:
            reached = max(reached, int(self.inputs[-1].times[-1]) + self.inputs[-1].step_ns)
        for w in self.waiting:
            if isinstance(w.segment, Stretch):
                reached, whole = _reach(w.segment, reached)
                if not whole:
                    break
            elif w.segment.t0_ns > reached + w.segment.step_ns // 2:
                break
            else:
                reached = max(reached, w.segment.end_ns)
        return reached

    def begin(self, at_ns: int) -> None:
        """Start the timeline: nothing from before `at_ns` is taken any more."""
        self.absorbed_ns = at_ns
        waiting, self.waiting = self.waiting, []
        for w in waiting:
            if isinstance(w.segment, Stretch):
                self.add_all(w.segment)
            else:
                self.add(w.segment)

    def produce(self, k0: int, k1: int, kernels: Kernels | None = None) -> GridBlock:
        """Grid samples k0 to k1 - 1; inputs up to `LOOKAHEAD_NS` behind the last must have been added."""
        self._absorb(k1 * GRID_NS + LOOKAHEAD_NS, kernels)
        n = k1 - k0
        # Zeros are needed only where no sensor writes.
        make = np.empty if any(_covers(i, k0, k1) for i in self.inputs) else np.zeros
        block = GridBlock(k0, make((6, n)), *(np.zeros(n, dtype=np.bool_) for _ in range(4)))
        for inputs in self.inputs:
            _resample(inputs, block, kernels)
        for before, behind in pairwise(self.inputs):
            _bridge(before, behind, block)
        self._forget(k1 * GRID_NS - LOOKAHEAD_NS)
        return block

    def _absorb(self, until_ns: int, kernels: Kernels | None) -> None:
        while self.waiting and self.waiting[0].segment.t0_ns < until_ns:
            head = self.waiting[0]
            if isinstance(head.segment, Stretch):
                self._absorb_stretch(head, head.segment, until_ns, kernels)
                continue
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

    def _absorb_stretch(
        self, head: Waiting, stretch: Stretch, until_ns: int, kernels: Kernels | None
    ) -> None:
        """Take in the segments that begin before `until_ns`; one that reaches beyond waits with its rest."""
        if self.last_ns is not None and _overlaps(stretch, self.last_ns):
            (first,) = stretch.part(0, 1).segments()
            rest = [Waiting(head.order, stretch.part(1, len(stretch)))] if len(stretch) > 1 else []
            self.waiting[:1] = [Waiting((first.t0_ns, first.boot, first.seq), first), *rest]
            return
        m = int(np.searchsorted(stretch.t0s_ns, until_ns))
        *_, last = stretch.part(m - 1, m).segments()
        taken = min(last.n, -((last.t0_ns - until_ns) // last.step_ns))
        part = stretch.part(0, m)
        ns = part.ns.copy()
        ns[-1] = taken
        self._append_stretch(replace(part, ns=ns), kernels)
        waits = [Waiting((last.t0_ns, last.boot, last.seq), _from(last, taken))] if taken < last.n else []
        self.waiting[:1] = waits + (
            [Waiting(head.order, stretch.part(m, len(stretch)))] if m < len(stretch) else []
        )

    def _append_stretch(self, stretch: Stretch, kernels: Kernels | None) -> None:
        key = (stretch.sensor, stretch.boot, stretch.counts.shape[1])
        breaks = self._breaks(stretch, key)
        if kernels is not None and not breaks:
            self._take_in(key, stretch, kernels)
            return
        ends = np.cumsum(stretch.ns)
        within = np.arange(int(ends[-1])) - np.repeat(ends - stretch.ns, stretch.ns)
        times = np.repeat(stretch.t0s_ns, stretch.ns) + within * np.repeat(stretch.steps_ns, stretch.ns)
        values, clipped = _physical(_counts(stretch, within), stretch.scale)
        starts = [0, *breaks, len(stretch)]
        for a, b in pairwise(starts):
            cut = slice(int(ends[a] - stretch.ns[a]), int(ends[b - 1]))
            self._extend(key, stretch.t0s_ns[a], stretch.steps_ns[a], times[cut], values[cut], clipped[cut])

    def _take_in(self, key: tuple[str, int, int], stretch: Stretch, kernels: Kernels) -> None:
        """Append a stretch without a gap in one walk over its samples."""
        last = self.inputs[-1] if self.inputs else None
        step_ns = int(stretch.steps_ns[0])
        if last is None or not self._joins(last, key, stretch.t0_ns, step_ns):
            axes = min(key[2], 6)
            last = Inputs(key, step_ns, np.empty(0, np.int64), np.empty((0, axes)), np.empty(0, np.bool_))
            self.inputs.append(last)
        at = last.times.size
        n = at + int(stretch.ns.sum())
        times, values, clipped = (
            np.empty(n, np.int64),
            np.empty((n, last.values.shape[1])),
            np.empty(n, np.bool_),
        )
        times[:at], values[:at], clipped[:at] = last.times, last.values, last.clipped
        kernels.take_in(
            stretch.counts, stretch.t0s_ns, stretch.steps_ns, stretch.ns, stretch.firsts,
            stretch.scale.acc_g, stretch.scale.gyro_dps, at, times, values, clipped,
        )  # fmt: skip
        last.times, last.values, last.clipped = times, values, clipped
        self.last_ns = int(times[-1])

    def _breaks(self, stretch: Stretch, key: tuple[str, int, int]) -> list[int]:
        """Segments of a stretch that a gap keeps apart from the one before."""
        last = self.inputs[-1] if self.inputs else None
        joined = last is not None and self._joins(last, key, stretch.t0_ns, int(stretch.steps_ns[0]))
        step = last.step_ns if last is not None and joined else int(stretch.steps_ns[0])
        lasts = stretch.t0s_ns + (stretch.ns - 1) * stretch.steps_ns
        gaps = stretch.t0s_ns[1:] - lasts[:-1]
        found = []
        for i in (np.flatnonzero(gaps > _GAP_STEPS * stretch.steps_ns[1:]) + 1).tolist():
            own = int(stretch.steps_ns[i])
            if gaps[i - 1] > _GAP_STEPS * max(step, own):
                found.append(i)
                step = own
        return found

    def _append(self, segment: Segment, n: int) -> None:
        times = segment.t0_ns + np.arange(n, dtype=np.int64) * segment.step_ns
        values, clipped = _physical(segment.counts[:n, :6], segment.scale)
        key = (segment.sensor, segment.boot, segment.counts.shape[1])
        self._extend(key, segment.t0_ns, segment.step_ns, times, values, clipped)

    def _extend(
        self,
        key: tuple[str, int, int],
        t0_ns: int,
        step_ns: int,
        times: Times,
        values: Floats,
        clipped: Bools,
    ) -> None:
        """Append samples without a gap among them."""
        last = self.inputs[-1] if self.inputs else None
        if last is not None and self._joins(last, key, t0_ns, step_ns):
            last.times = np.concatenate([last.times, times])
            last.values = np.concatenate([last.values, values])
            last.clipped = np.concatenate([last.clipped, clipped])
        else:
            self.inputs.append(Inputs(key, int(step_ns), times, values, clipped))
        self.last_ns = int(times[-1])

    def _joins(self, last: Inputs, key: tuple[str, int, int], t0_ns: int, step_ns: int) -> bool:
        if last.key != key or self.last_ns is None:
            return False
        return bool(t0_ns - self.last_ns <= _GAP_STEPS * max(last.step_ns, step_ns))

    def _forget(self, before_ns: int) -> None:
        kept = []
        for s in self.inputs:
            first = int(np.searchsorted(s.times, before_ns))
            last_one = s is self.inputs[-1]
            if last_one:
                first = min(first, s.times.size - 1)
            if first < s.times.size:
                s.times, s.values, s.clipped = s.times[first:], s.values[first:], s.clipped[first:]
                kept.append(s)
        self.inputs = kept


def _reach(stretch: Stretch, reached: int) -> tuple[int, bool]:
    """How far a stretch reaches without a hole behind `reached`, and whether that is all of it."""
    ends = np.maximum(stretch.t0s_ns + stretch.ns * stretch.steps_ns, reached)
    before = np.concatenate([[reached], ends[:-1]])
    holes = np.flatnonzero(stretch.t0s_ns > before + stretch.steps_ns // 2)
    return (int(before[holes[0]]), False) if holes.size else (int(ends[-1]), True)


def _doubts(stretch: Stretch) -> list[int]:
    """Segments that may repeat what the one before had."""
    t0s, steps = stretch.t0s_ns, stretch.steps_ns
    lasts, ends = t0s + (stretch.ns - 1) * steps, t0s + stretch.ns * steps
    fresh = np.rint(_OVERLAP_STEPS * steps[1:]).astype(np.int64)
    return (np.flatnonzero((t0s[1:] < lasts[:-1] + fresh) | (ends[1:] < ends[:-1])) + 1).tolist()


def _overlaps(stretch: Stretch, last_ns: int) -> bool:
    return stretch.t0_ns < last_ns + round(_OVERLAP_STEPS * int(stretch.steps_ns[0]))


def _counts(stretch: Stretch, within: Times) -> Counts:
    """Counts of the segments without what lies between them, shape (n, axes)."""
    first = int(stretch.firsts[0])
    if bool((stretch.firsts[1:] == stretch.firsts[:-1] + stretch.ns[:-1]).all()):
        return stretch.counts[first : first + within.size, :6]
    return stretch.counts[np.repeat(stretch.firsts, stretch.ns) + within, :6]


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
    return np.asarray(counts * factors, dtype=np.float64), clipped


def _covers(inputs: Inputs, k0: int, k1: int) -> bool:
    """Whether inputs of all six axes lie on both sides of all of a block."""
    early, late = int(inputs.times[0]) <= k0 * GRID_NS, int(inputs.times[-1]) >= (k1 - 1) * GRID_NS
    return early and late and inputs.values.shape[1] == 6


def _resample(inputs: Inputs, block: GridBlock, kernels: Kernels | None) -> None:
    times = inputs.times
    first = max(block.k0, -(-int(times[0]) // GRID_NS))
    last = min(block.k0 + block.n - 1, int(times[-1]) // GRID_NS)
    if last < first:
        return
    out = slice(first - block.k0, last + 1 - block.k0)
    table = _kernel(inputs.step_ns)
    block.present[out] = True
    block.gyro[out] = inputs.key[2] >= 6
    if kernels is None:
        left = _weigh(
            inputs, table, np.arange(first, last + 1, dtype=np.int64) * GRID_NS, block.values[:, out]
        )
        right = np.minimum(left + 1, times.size - 1)
        block.clipped[out] = inputs.clipped[left] | inputs.clipped[right]
    else:
        kernels.resample(
            times, inputs.values, inputs.clipped, table, first, GRID_NS, LOOKAHEAD_NS,
            block.values[:, out], block.clipped[out],
        )  # fmt: skip


def _bridge(before: Inputs, behind: Inputs, block: GridBlock) -> None:
    """Lay a straight line over a gap that is short enough, in one sensor start with the same axes."""
    a, b = int(before.times[-1]), int(behind.times[0])
    if before.key != behind.key or b - a > _BRIDGE_NS:
        return
    first, last = max(block.k0, a // GRID_NS + 1), min(block.k0 + block.n - 1, -(-b // GRID_NS) - 1)
    if last < first:
        return
    out = slice(first - block.k0, last + 1 - block.k0)
    share = (np.arange(first, last + 1, dtype=np.int64) * GRID_NS - a) / (b - a)
    values, to = before.values[-1][:, None], behind.values[0][:, None]
    block.values[: values.shape[0], out] = values + (to - values) * share
    block.present[out] = block.bridged[out] = True
    block.gyro[out] = before.key[2] >= 6


def _weigh(inputs: Inputs, table: Floats, at: Times, out: Floats) -> Times:
    """Sum tap by tap: the order of additions is the same for every block length.

    Taps are held inside the look-ahead on both sides, so that a block never sees more than another would.
    Gives the index of the input at or before each time.
    """
    times = inputs.times
    left = np.searchsorted(times, at, side="right") - 1
    right = np.minimum(left + 1, times.size - 1)
    span = np.maximum(times[right] - times[left], 1)
    phase = ((at - times[left]) / span * _PHASES + 0.5).astype(np.int64)
    weights = table[phase].T
    half = weights.shape[0] // 2
    total = np.zeros((left.size, inputs.values.shape[1]))
    low = np.searchsorted(times, at - LOOKAHEAD_NS)
    high = np.searchsorted(times, at + LOOKAHEAD_NS, side="right") - 1
    for tap in range(2 * half):
        index = np.clip(left + (tap + 1 - half), low, high)
        total += inputs.values[index] * weights[tap][:, None]
    out[: total.shape[1]] = total.T
    return left
