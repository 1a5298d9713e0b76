"""Movement as sums of smooth steps: the one form in which every angle and displacement is written.

A step carries one degree of freedom from where it is to where it is plus `delta`, along the path of
least jerk; steps add. The sum is twice continuously differentiable and its derivatives are known in
closed form, so that a sensor can be evaluated at its own sample times without any differencing.

References:
    Flash & Hogan (1985), The coordination of arm movements, J Neurosci 5:1688 (the quintic path).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.splines import Spline

__all__ = [
    "PEAK_ACCELERATION",
    "Channel",
    "Curve",
    "EmptyStepError",
    "Path",
    "StepList",
    "Steps",
    "Trajectory",
]

PEAK_ACCELERATION: Final = 5.773502691896258
"""Largest second derivative of a unit step of unit length: 10 / sqrt(3)."""

_Floats = NDArray[np.float64]


class Channel(IntEnum):
    """Degrees of freedom. Angles in rad, displacements in m."""

    POS_X = 0
    """of the whole body in the room, along the cot"""
    POS_Y = 1
    """across the cot"""
    POS_Z = 2
    """upwards"""
    CARRIER_PITCH = 3
    """of what the infant lies on"""
    CARRIER_ROLL = 4
    ROOT_YAW = 5
    """of the pelvis on its support"""
    ROOT_PITCH = 6
    ROOT_ROLL = 7
    SPINE_FLEX = 8
    """of the chest against the pelvis, forwards"""
    SPINE_BEND = 9
    SPINE_TWIST = 10
    L_HIP_FLEX = 11
    L_HIP_ABD = 12
    L_HIP_ROT = 13
    L_KNEE = 14
    R_HIP_FLEX = 15
    R_HIP_ABD = 16
    R_HIP_ROT = 17
    R_KNEE = 18
    HEAD_NOD = 19
    """of the head against the chest, chin down"""
    HEAD_TURN = 20
    """the face to the right"""
    HEAD_TILT = 21
    """the crown to the left"""
    L_SHOULDER_FLEX = 22
    """from hanging along the chest, forwards"""
    L_SHOULDER_ABD = 23
    """out to the side"""
    L_SHOULDER_ROT = 24
    """of the upper arm about itself, a bent forearm outwards and up"""
    L_ELBOW = 25
    """from straight, bent"""
    R_SHOULDER_FLEX = 26
    R_SHOULDER_ABD = 27
    R_SHOULDER_ROT = 28
    R_ELBOW = 29


class EmptyStepError(ValueError):
    """A step without a span would be a jump, which no body makes."""

    def __init__(self, channel: Channel, at_s: float, span_s: float) -> None:
        super().__init__(f"a step of {channel.name} at {at_s} s lasts {span_s} s; give it a span above 0 s")


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Steps of all channels, one per row: channel, start and span in seconds, change in rad or m.

    Beside them `splines`: long even motion, whose curves add to the sum of the steps.
    """

    channel: NDArray[np.int8]
    start_s: _Floats
    span_s: _Floats
    delta: _Floats
    splines: tuple[Spline, ...] = ()

    def __len__(self) -> int:
        return int(self.channel.size)

    @property
    def end_s(self) -> float:
        """Time at which the last step or spline is done; 0 when there is none."""
        last = max((spline.end_s for spline in self.splines), default=0.0)
        return float(np.max(self.start_s + self.span_s, initial=last))

    @property
    def begin_s(self) -> float:
        """Time at which the first step or spline begins; infinite when there is none."""
        first = min((spline.begin_s for spline in self.splines), default=np.inf)
        return float(np.min(self.start_s, initial=first))

    def shifted(self, by_s: float) -> Steps:
        """The same steps, `by_s` seconds later."""
        later = tuple(spline.shifted(by_s) for spline in self.splines)
        return Steps(self.channel, self.start_s + by_s, self.span_s, self.delta, later)

    @staticmethod
    def join(parts: Iterable[Steps]) -> Steps:
        """All steps of all parts; order does not matter, for steps add."""
        given = list(parts)
        splines = tuple(spline for part in given for spline in part.splines)
        rows = [part for part in given if len(part)] or [StepList().build()]
        return Steps(
            np.concatenate([p.channel for p in rows]),
            np.concatenate([p.start_s for p in rows]),
            np.concatenate([p.span_s for p in rows]),
            np.concatenate([p.delta for p in rows]),
            splines,
        )


class StepList:
    """Collects steps while a movement is being written."""

    __slots__ = ("_rows", "_splines")

    def __init__(self) -> None:
        self._rows: list[tuple[int, float, float, float]] = []
        self._splines: list[Spline] = []

    def step(self, channel: Channel, at_s: float, span_s: float, delta: float) -> None:
        """Change `channel` by `delta` between `at_s` and `at_s + span_s`.

        Raises:
            EmptyStepError: a span that is not longer than nothing would be a jump.
        """
        if not span_s > 0.0:
            raise EmptyStepError(channel, at_s, span_s)
        self._rows.append((int(channel), at_s, span_s, delta))

    def pulse(
        self,
        channel: Channel,
        at_s: float,
        delta: float,
        *,
        rise_s: float,
        fall_s: float,
        hold_s: float = 0.0,
    ) -> None:
        """Go out by `delta`, stay for `hold_s` (negative: turn back before arriving), and return."""
        self.step(channel, at_s, rise_s, delta)
        self.step(channel, at_s + max(rise_s + hold_s, 0.0), fall_s, -delta)

    def ring(self, channel: Channel, at_s: float, delta: float, *, rate_hz: float, decay: float) -> None:
        """A damped swing about the resting value: each half wave is `decay` times the last one."""
        half_s, level, swing, at = 0.5 / rate_hz, 0.0, delta, at_s
        while abs(swing) > 0.05 * abs(delta):
            self.step(channel, at, half_s, swing - level)
            level, swing, at = swing, -swing * decay, at + half_s
        self.step(channel, at, half_s, -level)

    def add(self, steps: Steps, at_s: float = 0.0) -> None:
        """Take in steps that were written elsewhere, `at_s` seconds later."""
        rows = zip(
            steps.channel.tolist(),
            (steps.start_s + at_s).tolist(),
            steps.span_s.tolist(),
            steps.delta.tolist(),
            strict=True,
        )
        self._rows.extend(rows)
        self._splines.extend(spline.shifted(at_s) for spline in steps.splines)

    def spline(self, channel: Channel, at_s: float, knot_s: float, weights: _Floats) -> None:
        """Add a long even motion: cubic bells of these weights, the first about `at_s`, `knot_s` apart."""
        self._splines.append(Spline(int(channel), at_s, knot_s, weights.astype(np.float32)))

    def build(self) -> Steps:
        """The collected steps as a value."""
        table = np.array(self._rows, dtype=np.float64).reshape(-1, 4)
        columns = (table[:, 1], table[:, 2], table[:, 3])
        return Steps(table[:, 0].astype(np.int8), *columns, tuple(self._splines))


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One degree of freedom over a stretch of samples, with its first and second time derivatives."""

    value: NDArray[np.float32]
    rate: NDArray[np.float32]
    accel: NDArray[np.float32]


class Path:
    """The steps of one degree of freedom, in an order in which a stretch of time finds its own quickly."""

    __slots__ = (
        "_delta",
        "_end",
        "_end_sorted",
        "_longest",
        "_settled",
        "_span",
        "_splines",
        "_start",
        "rest",
    )

    def __init__(
        self, start_s: _Floats, span_s: _Floats, delta: _Floats, rest: float, splines: tuple[Spline, ...] = ()
    ) -> None:
        order = np.argsort(start_s, kind="stable")
        self._start, self._span, self._delta = start_s[order], span_s[order], delta[order]
        self._end = self._start + self._span
        by_end = np.argsort(self._end, kind="stable")
        self._end_sorted = self._end[by_end]
        self._settled = np.concatenate([[0.0], np.cumsum(self._delta[by_end])])
        self._longest = float(np.max(self._span, initial=0.0))
        self.rest = rest
        self._splines = splines

    @classmethod
    def of(cls, rows: Iterable[tuple[float, float, float]], rest: float = 0.0) -> Path:
        """A path of its own from rows of start and span in seconds and change."""
        table = np.array(list(rows), np.float64).reshape(-1, 3)
        return cls(table[:, 0], table[:, 1], table[:, 2], rest)

    def level(self, t_s: float) -> float:
        """Value that all steps done by `t_s` have led to."""
        return self.rest + float(self._settled[np.searchsorted(self._end_sorted, t_s, side="right")])

    def curve(self, t0_s: float, dt_s: float, n: int, first: int = 0) -> Curve | None:
        """The channel at ``t0_s + i * dt_s``, first <= i < first + n; None when nothing moves there."""
        begin_s, stop_s = t0_s + first * dt_s, t0_s + (first + n) * dt_s
        lo = np.searchsorted(self._start, begin_s - self._longest)
        hi = np.searchsorted(self._start, stop_s)
        live = np.flatnonzero(self._end[lo:hi] > begin_s) + lo
        splines = [s for s in self._splines if s.begin_s < stop_s and s.end_s > begin_s]
        if live.size == 0 and not splines:
            return None
        begin = np.clip(np.ceil((self._start[live] - t0_s) / dt_s) - first, 0, n).astype(np.int64)
        last = np.clip(np.ceil((self._end[live] - t0_s) / dt_s) - first, 0, n).astype(np.int64)
        counts = last - begin
        which = np.repeat(np.arange(live.size), counts)
        index = np.arange(which.size) - np.repeat(np.cumsum(counts) - counts, counts) + begin[which]
        span = self._span[live][which]
        tau = (t0_s + (first + index) * dt_s - self._start[live][which]) / span
        delta = self._delta[live][which]
        base = self._after(n, last, begin_s)
        curve = self._summed(n, index, tau, span, delta, base)
        for spline in splines:
            spline.add_to(curve, t0_s, dt_s, first)
        return Curve(*(column.astype(np.float32) for column in curve))

    def _after(self, n: int, last: NDArray[np.int64], begin_s: float) -> _Floats:
        """What the steps done by each sample have led to: looked up, so that no sum depends on the stretch."""
        done = np.cumsum(np.bincount(last, minlength=n + 1)[:n])
        done += np.searchsorted(self._end_sorted, begin_s, side="right")
        return np.asarray(self.rest + self._settled[done], np.float64)

    @staticmethod
    def _summed(
        n: int, index: NDArray[np.int64], tau: _Floats, span: _Floats, delta: _Floats, base: _Floats
    ) -> tuple[_Floats, _Floats, _Floats]:
        value = delta * tau**3 * (10.0 + tau * (6.0 * tau - 15.0))
        rate = delta * 30.0 * (tau * (1.0 - tau)) ** 2 / span
        accel = delta * 60.0 * tau * (1.0 + tau * (2.0 * tau - 3.0)) / (span * span)
        return (
            np.asarray(base + np.bincount(index, value, minlength=n), np.float64),
            np.bincount(index, rate, minlength=n).astype(np.float64),
            np.bincount(index, accel, minlength=n).astype(np.float64),
        )


class Trajectory:
    """All channels over a whole night, ready to be sampled in stretches."""

    __slots__ = ("_tracks",)

    def __init__(self, steps: Steps, rest: dict[Channel, float]) -> None:
        self._tracks = [self._track(steps, channel, rest.get(channel, 0.0)) for channel in Channel]

    @staticmethod
    def _track(steps: Steps, channel: Channel, rest: float) -> Path:
        mine = steps.channel == int(channel)
        splines = tuple(spline for spline in steps.splines if spline.channel == int(channel))
        return Path(steps.start_s[mine], steps.span_s[mine], steps.delta[mine], rest, splines)

    def level(self, channel: Channel, t_s: float) -> float:
        """Resting value of a channel at `t_s`: where all finished steps have led."""
        return self._tracks[channel].level(t_s)

    def curve(self, channel: Channel, t0_s: float, dt_s: float, n: int, first: int = 0) -> Curve | None:
        """Value, rate and acceleration at ``t0_s + i * dt_s``, first <= i < first + n.

        None when the channel rests throughout. A sample is the same whatever stretch it is asked for in.
        """
        return self._tracks[channel].curve(t0_s, dt_s, n, first)
