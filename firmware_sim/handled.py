"""A sensor in somebody's hand: taken off the infant, laid down, put on again.

The joints that carry the sensor leave the infant's angles smoothly for a fixed attitude in the room, shaken
a little by the hand, and come back the same way; in between only the room's gravity is left.
All numbers are estimates [E].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.chain import Joints
from firmware_sim.draw import Draw
from firmware_sim.steps import Channel, Curve, Path, StepList, Trajectory

__all__ = ["Handled", "draw_handled"]

_HANDLING_S: Final = (5.0, 9.0)
_REACH: Final = 0.45
"""Share of an interval that handling at one end may take, so that both ends have room and the middle rests."""
_ATTITUDE: Final = (Channel.ROOT_YAW, Channel.ROOT_PITCH, Channel.ROOT_ROLL)
_PLACE: Final = (Channel.POS_X, Channel.POS_Y, Channel.POS_Z)

_Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Handled:
    """Joints as the infant moves them, but for a while given over to a hand and then to rest in the room."""

    inner: Joints
    share: Path
    """0 on the infant, 1 in the room"""
    laid: dict[Channel, float]
    """attitude in the room, rad; what is missing is 0"""
    hand: Trajectory
    """what the hand adds; at rest wherever the share is 0"""
    still_s: float
    """a time at which it lies quite still in the room"""

    def level(self, channel: Channel, t_s: float) -> float:
        """Where a channel rests at `t_s`."""
        share = self.share.level(t_s)
        if share < 0.5:
            return self.inner.level(channel, t_s)
        return self.laid.get(channel, 0.0) + self.hand.level(channel, t_s)

    def curve(self, channel: Channel, t0_s: float, dt_s: float, n: int, first: int = 0) -> Curve | None:
        """A channel at ``t0_s + i * dt_s``, first <= i < first + n; None when it rests throughout."""
        share = self.share.curve(t0_s, dt_s, n, first)
        if share is None and self.share.level(t0_s + first * dt_s) < 0.5:
            return self.inner.curve(channel, t0_s, dt_s, n, first)
        hand = self.hand.curve(channel, t0_s, dt_s, n, first)
        if share is None:
            return None if hand is None else _raised(hand, self.laid.get(channel, 0.0))
        return self._blended(channel, _columns(share), hand, (t0_s, dt_s, n, first))

    def _blended(
        self,
        channel: Channel,
        share: tuple[_Column, _Column, _Column],
        hand: Curve | None,
        at: tuple[float, float, int, int],
    ) -> Curve:
        own = self.inner.curve(channel, *at)
        rest = np.full(at[2], np.float32(self.inner.level(channel, at[0] + at[3] * at[1])), np.float64)
        q, q1, q2 = (rest, 0.0 * rest, 0.0 * rest) if own is None else _columns(own)
        s, s1, s2 = share
        laid = self.laid.get(channel, 0.0)
        gap = laid - q
        left = 1.0 - s
        value, rate = left * q + s * laid, left * q1 + s1 * gap
        accel = left * q2 - 2.0 * s1 * q1 + s2 * gap
        h, h1, h2 = (0.0, 0.0, 0.0) if hand is None else _columns(hand)
        return Curve(*(column.astype(np.float32) for column in (value + h, rate + h1, accel + h2)))


def draw_handled(draw: Draw, joints: Joints, from_s: float, to_s: float) -> Handled:
    """Take the sensor off at `from_s` (before the night when 0 or less) and have it on again by `to_s`."""
    begins, ends = from_s > 0.0, math.isfinite(to_s)
    window = min(draw.between(*_HANDLING_S), _REACH * (to_s - from_s))
    moving = window * draw.between(0.3, 0.5)
    rows, out = [], StepList()
    if begins:
        rows.append((from_s + draw.between(0.0, 0.1) * window, moving, 1.0))
        _fumble(out, draw, from_s + 0.1 * window, 0.9 * window)
    if ends:
        rows.append((to_s - moving, moving, -1.0))
        _fumble(out, draw, to_s - window, 0.9 * window)
    near_s = from_s if begins else 0.0
    laid = {c: joints.level(c, near_s) + draw.between(-2.2, 2.2) for c in _ATTITUDE}
    still_s = 0.5 * (from_s + to_s)
    hand = Trajectory(out.build(), {})
    return Handled(joints, Path.of(rows, rest=0.0 if begins else 1.0), laid, hand, still_s)


def _fumble(out: StepList, draw: Draw, at_s: float, span_s: float) -> None:
    """A hand turns and carries it, all within `span_s`, and every turn is undone."""
    for _ in range(draw.whole(2, 6)):
        rise, fall = draw.between(0.08, 0.25) * span_s, draw.between(0.08, 0.25) * span_s
        start = at_s + draw.between(0.0, 1.0) * (span_s - rise - fall)
        turn, way = draw.sign() * draw.log_between(0.1, 1.0), draw.between(-0.3, 0.3)
        out.pulse(draw.one_of(_ATTITUDE), start, turn, rise_s=rise, fall_s=fall)
        out.pulse(draw.one_of(_PLACE), start, way, rise_s=rise, fall_s=fall)


def _columns(curve: Curve) -> tuple[_Column, _Column, _Column]:
    return curve.value.astype(np.float64), curve.rate.astype(np.float64), curve.accel.astype(np.float64)


def _raised(curve: Curve, by: float) -> Curve:
    return Curve((curve.value.astype(np.float64) + by).astype(np.float32), curve.rate, curve.accel)
