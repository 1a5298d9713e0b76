"""Lower envelope of one-way delays: the straight line that runs just below all of them.

A packet can only arrive late. Drawn over the sender's clock, arrival minus sending time is therefore a
cloud above a line, whose slope is the difference of the two clocks' rates and whose level is the
shortest delay. The line is the edge of the cloud's lower convex hull that spans its middle.

References:
    S. B. Moon, P. Skelly, D. Towsley, "Estimation and removal of clock skew from network delay
    measurements", Proc. IEEE INFOCOM 1999 (the line below all points that lies closest to them).
    V. Paxson, "On calibrating measurements of packet transit times", Proc. ACM SIGMETRICS 1998
    (minima of short intervals as a robust stand-in for all delays).
    A. M. Andrew, "Another efficient algorithm for convex hulls in two dimensions", Information
    Processing Letters 9 (1979) (the monotone chain).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

__all__ = ["SLOPE_MAX", "Envelope"]

Point = tuple[float, float]

_BUCKET_S: Final = 8.0
"""Delays are thinned to the least of each 8 s: of about 50 packets one nearly always had a free way,
and the clocks part by less than 1 ms meanwhile."""
_WINDOW_S: Final = 512.0
"""Long enough that 1 ms of doubt about a minimum is 2 ppm of slope, short enough to follow a crystal that
warms up with the infant."""
_RISE_POINTS: Final = 4
"""Minima that it takes to raise the line: the first after a hole may stand for a single packet."""
_TRUST_S: Final = 30.0
"""Span of delays at which the slope seen counts as much as the slope assumed: over 30 s a minimum's
doubt of 3 ms is 100 ppm, which is as much as any crystal is off."""
_TRUST_LEARNED_S: Final = 120.0
"""The same where the slope assumed was itself seen over half a window: it is good for about 10 ppm, and the doubt
of the minima on both sides of a new stretch is as much after 2 min."""
SLOPE_MAX: Final = 200e3
"""ns/s. Two crystals of at most 100 ppm each, in opposite directions."""


class Envelope:
    """Causal lower envelope of points (x in seconds, y in nanoseconds) with growing x."""

    def __init__(self, *, slope: float = 0.0) -> None:
        """Start with an assumed slope in ns/s, for instance that of the same sensor's last run."""
        self._closed: list[Point] = []
        self._open: Point | None = None
        self._assumed = slope
        self._learned = False
        self._slope = slope
        self._level: float | None = None

    def anew(self) -> Envelope:
        """Begin again without any point, assuming the slope of this one."""
        line = Envelope(slope=self._slope)
        line._learned = self._learned
        return line

    @property
    def slope(self) -> float:
        """Slope of the line, ns/s."""
        return self._slope

    @property
    def ready(self) -> bool:
        """Whether any point was seen."""
        return self._level is not None

    @property
    def span_s(self) -> float:
        """Seconds between the oldest and the newest delay that the slope is drawn from."""
        return self._closed[-1][0] - self._closed[0][0] if self._closed else 0.0

    def at(self, x_s: float) -> float:
        """Height of the line at `x_s`, ns; 0 before the first point."""
        return (self._level or 0.0) + self._slope * x_s

    def add(self, x_s: float, y_ns: float) -> None:
        """Take a point; the line drops at once when the point lies below it, and rises only with time."""
        if self._open is not None and int(x_s // _BUCKET_S) != int(self._open[0] // _BUCKET_S):
            self._closed.append(self._open)
            self._open = None
            self._fit(x_s)
        if self._open is None or y_ns < self._open[1]:
            self._open = (x_s, y_ns)
        level = y_ns - self._slope * x_s
        if self._level is None or level < self._level:
            self._level = level

    def state(self) -> list[object]:
        """The state as plain numbers, for `from_state`."""
        return [
            self._assumed,
            self._learned,
            self._slope,
            self._level,
            self._open,
            [list(p) for p in self._closed],
        ]

    @classmethod
    def from_state(cls, state: Sequence[object]) -> Envelope:
        """Go on from a state."""
        assumed, learned, slope, level, opened, closed = state
        self = cls(slope=_number(assumed))
        self._learned = bool(learned)
        self._slope = _number(slope)
        self._level = None if level is None else _number(level)
        self._open = None if opened is None else _point(opened)
        self._closed = [_point(p) for p in _sequence(closed)]
        return self

    def _fit(self, now_s: float) -> None:
        self._closed = [p for p in self._closed if p[0] >= now_s - _WINDOW_S]
        if not self._closed:
            return
        span_s = self._closed[-1][0] - self._closed[0][0]
        even_s = _TRUST_LEARNED_S if self._learned else _TRUST_S
        trust = span_s**2 / (span_s**2 + even_s**2)
        slope = trust * _middle_slope(self._closed) + (1.0 - trust) * self._assumed
        height = self.at(now_s)
        self._slope = max(-SLOPE_MAX, min(SLOPE_MAX, slope))
        level = min(y - self._slope * x for x, y in self._closed)
        may_rise = len(self._closed) >= _RISE_POINTS
        self._level = level if may_rise else min(level, height - self._slope * now_s)
        if span_s >= _WINDOW_S / 2:
            self._assumed, self._learned = self._slope, True


def _middle_slope(points: Sequence[Point]) -> float:
    """Slope of the edge of the lower convex hull that spans the mean abscissa; 0 for a single point."""
    hull = _lower_hull(points)
    middle = sum(x for x, _ in points) / len(points)
    for (x0, y0), (x1, y1) in pairwise(hull):
        if x1 >= middle:
            return (y1 - y0) / (x1 - x0)
    return 0.0


def _lower_hull(points: Sequence[Point]) -> list[Point]:
    hull: list[Point] = []
    for point in points:
        while len(hull) > 1 and not _turns_left(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _turns_left(a: Point, b: Point, c: Point) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0])


def _sequence(value: object) -> Sequence[object]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(value)
    return value


def _number(value: object) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(value)
    return float(value)


def _point(value: object) -> Point:
    x_s, y_ns = _sequence(value)
    return _number(x_s), _number(y_ns)
