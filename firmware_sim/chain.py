"""The forward pass along a chain of joints: angular rate, angular acceleration and specific force.

References:
    Luh, Walker & Paul (1980), On-line computational scheme for mechanical manipulators,
    J Dyn Sys Meas Control 102:69 (the forward recursion).
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from firmware_sim.steps import Channel, Curve, Path

__all__ = ["GRAVITY", "Chain", "Joints"]

GRAVITY: Final = 9.80665
"""m/s^2 in one g."""

_Floats = NDArray[np.float32]
_Vector = list[_Floats]


class Joints(Protocol):
    """Whatever knows all joints over time, as a `Trajectory` does."""

    def level(self, channel: Channel, t_s: float) -> float:
        """Where a channel rests at `t_s`."""

    def curve(self, channel: Channel, t0_s: float, dt_s: float, n: int, first: int = 0) -> Curve | None:
        """A channel at ``t0_s + i * dt_s``, first <= i < first + n; None when it rests throughout."""


class Chain:
    """The state of the forward pass: rate, angular acceleration and specific force in the last frame."""

    __slots__ = ("_alpha", "_at", "_begin_s", "_force", "_joints", "_omega")

    def __init__(self, joints: Joints, t0_s: float, dt_s: float, n: int, first: int = 0) -> None:
        self._joints, self._at = joints, (t0_s, dt_s, n, first)
        self._begin_s = t0_s + first * dt_s
        self._omega: _Vector = [np.zeros(n, np.float32) for _ in range(3)]
        self._alpha: _Vector = [np.zeros(n, np.float32) for _ in range(3)]
        self._force: _Vector = [self._pushed(c) for c in (Channel.POS_X, Channel.POS_Y, Channel.POS_Z)]
        self._force[2] = self._force[2] + np.float32(GRAVITY)

    def _pushed(self, channel: Channel) -> _Floats:
        curve = self._joints.curve(channel, *self._at)
        return np.zeros(self._at[2], np.float32) if curve is None else curve.accel

    def hinge(self, channel: Channel, axis: int, sign: float) -> None:
        """Pass a joint that turns by `sign` times the channel about a coordinate axis."""
        curve = self._joints.curve(channel, *self._at)
        if curve is None:
            self.turn(self._joints.level(channel, self._begin_s), axis, sign)
        else:
            self.turn(curve, axis, sign)

    def follow(self, path: Path, axis: int, sign: float = 1.0) -> None:
        """Pass a joint that turns by `sign` times a path of its own about a coordinate axis."""
        curve = path.curve(*self._at)
        self.turn(path.level(self._begin_s) if curve is None else curve, axis, sign)

    def turn(self, angle: Curve | float, axis: int, sign: float = 1.0) -> None:
        """Pass a joint that turns by `sign` times a curve, or stands at a fixed angle."""
        if not isinstance(angle, Curve):
            self._turn(np.full(1, sign * angle, np.float32), axis)
            return
        self._turn(np.float32(sign) * angle.value, axis)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        rate = np.float32(sign) * angle.rate
        self._alpha[i] = self._alpha[i] + self._omega[j] * rate
        self._alpha[j] = self._alpha[j] - self._omega[i] * rate
        self._alpha[axis] = self._alpha[axis] + np.float32(sign) * angle.accel
        self._omega[axis] = self._omega[axis] + rate

    def _turn(self, angle: _Floats, axis: int) -> None:
        i, j = (axis + 1) % 3, (axis + 2) % 3
        c: _Floats = np.cos(angle)
        s: _Floats = np.sin(angle)
        for vector in (self._omega, self._alpha, self._force):
            vector[i], vector[j] = c * vector[i] + s * vector[j], c * vector[j] - s * vector[i]

    def offset(self, lever_m: tuple[float, float, float]) -> None:
        """Move along a lever that is fixed in the present frame."""
        lever = [np.float32(x) for x in lever_m]
        w, a = self._omega, self._alpha
        along = w[0] * lever[0] + w[1] * lever[1] + w[2] * lever[2]
        square = w[0] * w[0] + w[1] * w[1] + w[2] * w[2]
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            tangential = a[i] * lever[j] - a[j] * lever[i]
            self._force[k] = self._force[k] + tangential + w[k] * along - lever[k] * square

    def slide(self, path: Path, axis: int) -> None:
        """Move along a coordinate axis of the present frame by a path of its own, in m."""
        along = path.curve(*self._at) or _still(path.level(self._begin_s))
        w, a = self._omega, self._alpha
        i, j = (axis + 1) % 3, (axis + 2) % 3
        p = along.value
        twice: _Floats = np.float32(2.0) * along.rate
        square: _Floats = w[i] * w[i] + w[j] * w[j]
        self._force[axis] = self._force[axis] + along.accel - square * p
        self._force[i] = self._force[i] + (a[j] + w[axis] * w[i]) * p + w[j] * twice
        self._force[j] = self._force[j] + (w[axis] * w[j] - a[i]) * p - w[i] * twice

    @property
    def force(self) -> _Floats:
        """Specific force in m/s^2 in the present frame, shape (n, 3)."""
        return np.stack(self._force, axis=1)

    def seen(self, mount: NDArray[np.float64]) -> tuple[_Floats, _Floats]:
        """Specific force in g and angular rate in deg/s in the axes of a sensor mounted here."""
        acc = _turned(self._force, mount / GRAVITY)
        return acc, _turned(self._omega, mount * (180.0 / np.pi))


def _still(value: float) -> Curve:
    none = np.zeros(1, np.float32)
    return Curve(np.full(1, value, np.float32), none, none)


def _turned(vector: _Vector, turn: NDArray[np.float64]) -> _Floats:
    """Written out: a matrix product may round a row by where in the stretch it stands."""
    rows = turn.astype(np.float32)
    out = np.empty((vector[0].size, 3), np.float32)
    for k, (x, y, z) in enumerate(rows):
        out[:, k] = x * vector[0] + y * vector[1] + z * vector[2]
    return out
