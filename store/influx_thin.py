"""Raw data thinned for the database: fewer points a second, with everything above their reach filtered out first.

Leaving samples out would fold fast movement into slow movement that never was. Each point is therefore the mean of
the samples around it, weighted by a windowed sinc. Points stand on a grid of data time, and each is made by the one
row that completes what it needs: the same points come out wherever the reading begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Segment
from store.journal import Journal
from store.rows import SegmentRow

__all__ = ["Thinned", "Thinner"]

_CUTOFF: Final = 0.4
"""Half-amplitude frequency over the rate of the points: at half the rate, where folding begins, nothing is left."""

_REACH: Final = 9.06
"""Points' distances that the window reaches to each side: Kaiser's length for 60 dB from 0.3 to 0.5 of the rate."""

_BETA: Final = 5.653
"""Kaiser's shape for 60 dB: a movement that would fold comes through at a thousandth."""

_HOLE_STEPS: Final = 1.5
"""Hole between two packets, in steps, across which nothing is averaged."""

_END_OF_TIME_NS: Final = 2**63 - 1
"""the largest time the journal can hold"""

_LONGEST_PACKET_NS: Final = 2 * NS
"""A packet that began this long before a moment may still reach over it."""


@dataclass(frozen=True, slots=True)
class Thinned:
    """Points of one sensor: g, and where there is a gyroscope degrees per second, columns as in `Counts`."""

    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]


class Thinner:
    """Thins one journal.

    Args:
        journal: where packets before the reading's begin are looked up.
        rate_hz: points a second.
    """

    def __init__(self, journal: Journal, rate_hz: float) -> None:
        self._journal = journal
        self._period_ns = round(NS / rate_hz)
        self._reach_ns = round(_REACH * self._period_ns)
        self._known: dict[tuple[str, str], list[Segment]] = {}
        """newest packets of each sensor, while they came in the order of time"""
        self._newest_ns: dict[tuple[str, str], int] = {}

    def points(self, number: int, row: SegmentRow) -> Thinned:
        """The points that this row completes; none near a hole."""
        run, here = _unbroken(self._around(number, row), row.segment)
        first_ns = run[0].t0_ns + self._reach_ns
        last_ns = _last_sample_ns(run[-1]) - self._reach_ns
        if here > 0:
            first_ns = max(first_ns, _last_sample_ns(run[here - 1]) - self._reach_ns + 1)
        if here + 1 < len(run):
            last_ns = min(last_ns, run[here + 1].t0_ns + self._reach_ns - 1)
        period = self._period_ns
        times = np.arange(-(-first_ns // period) * period, last_ns + 1, period, dtype=np.int64)
        return Thinned(times, self._means(run, times))

    def _around(self, number: int, row: SegmentRow) -> list[Segment]:
        """Packets of the row's sensor in reach of it that stand in rows up to this one, in the order of time."""
        segment, key = row.segment, (row.infant, row.segment.sensor)
        newest = self._is_newest(number, row)
        known = self._known.get(key) if newest else None
        if known and _follows(known[-1], segment):
            around = [*(s for s in known if s.end_ns > segment.t0_ns - 2 * self._reach_ns), segment]
        else:
            around = self._kept(number, row)
        self._known[key] = around if newest else []
        return around

    def _is_newest(self, number: int, row: SegmentRow) -> bool:
        """Whether nothing of this sensor lies behind the packet in rows up to it."""
        segment, key = row.segment, (row.infant, row.segment.sensor)
        if key not in self._newest_ns:
            later = self._journal.segments_between(
                row.infant, segment.t0_ns, _END_OF_TIME_NS, upto_row=number
            )
            self._newest_ns[key] = max(s.t0_ns for s in [segment, *_of_sensor(later, segment)])
        newest = segment.t0_ns >= self._newest_ns[key]
        self._newest_ns[key] = max(segment.t0_ns, self._newest_ns[key])
        return newest

    def _kept(self, number: int, row: SegmentRow) -> list[Segment]:
        """Packets in reach as the journal has them."""
        segment = row.segment
        since_ns = segment.t0_ns - 2 * self._reach_ns - _LONGEST_PACKET_NS
        until_ns = segment.end_ns + 2 * self._reach_ns
        found = self._journal.segments_between(row.infant, since_ns, until_ns, upto_row=number)
        return _of_sensor(found, segment)

    def _means(self, run: Sequence[Segment], times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        axes = run[0].counts.shape[1]
        if not times_ns.size:
            return np.empty((0, axes))
        at_ns = np.concatenate([s.t0_ns + s.step_ns * np.arange(s.n, dtype=np.int64) for s in run])
        units = np.repeat([run[0].scale.acc_g, run[0].scale.gyro_dps], 3)[:axes]
        away = (at_ns[None, :] - times_ns[:, None]) / self._period_ns
        weights = np.sinc(2 * _CUTOFF * away) * _kaiser(away / _REACH)
        weights /= weights.sum(axis=1, keepdims=True)
        means: NDArray[np.float64] = weights @ np.concatenate([s.counts for s in run]) * units
        return means


def _kaiser(place: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(1.0 - place * place, 0.0, None)
    window: NDArray[np.float64] = np.where(inside > 0.0, np.i0(_BETA * np.sqrt(inside)), 0.0)
    return window


def _follows(before: Segment, after: Segment) -> bool:
    same = (before.boot, before.scale, before.counts.shape[1]) == (
        after.boot,
        after.scale,
        after.counts.shape[1],
    )
    return same and abs(after.t0_ns - before.end_ns) <= (_HOLE_STEPS - 1) * after.step_ns


def _of_sensor(found: Sequence[Segment], segment: Segment) -> list[Segment]:
    return [s for s in found if s.sensor == segment.sensor and s.site is segment.site]


def _unbroken(segments: Sequence[Segment], segment: Segment) -> tuple[Sequence[Segment], int]:
    """The packets around one without a hole between them, and its place among them."""
    here = next(i for i, s in enumerate(segments) if s.seq == segment.seq and s.boot == segment.boot)
    first = last = here
    while first > 0 and _follows(segments[first - 1], segments[first]):
        first -= 1
    while last + 1 < len(segments) and _follows(segments[last], segments[last + 1]):
        last += 1
    return segments[first : last + 1], here - first


def _last_sample_ns(segment: Segment) -> int:
    return segment.end_ns - segment.step_ns
