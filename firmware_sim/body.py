"""A jointed body carrying sensors: joint angles in, specific force and angular rate out.

Pelvis, chest and two legs (thigh, shank) hang together by hinges. One forward pass along the chain from
the cot to a sensor carries angular rate, angular acceleration and specific force through every joint, so
gravity's turning, tangential and centripetal acceleration and the gyroscope all come of one history.

Axes at rest, supine: x toward the head, y to the infant's left, z up (out of the belly).

References:
    Luh, Walker & Paul (1980), On-line computational scheme for mechanical manipulators,
    J Dyn Sys Meas Control 102:69 (the forward recursion).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import Site
from firmware_sim.draw import Draw
from firmware_sim.steps import Channel, Trajectory

__all__ = ["GRAVITY", "LEFT", "RIGHT", "Body", "Leg", "draw_body", "draw_rest", "motion_at"]

GRAVITY: Final = 9.80665
"""m/s^2 in one g."""

_Floats = NDArray[np.float32]
_Vector = list[_Floats]


@dataclass(frozen=True, slots=True)
class Leg:
    """Channels of one leg and the sign that mirrors it."""

    site: Site
    hip: Channel
    abduction: Channel
    rotation: Channel
    knee: Channel
    mirror: float


LEFT: Final = Leg(
    Site.LA, Channel.L_HIP_FLEX, Channel.L_HIP_ABD, Channel.L_HIP_ROT, Channel.L_KNEE, mirror=1.0
)
RIGHT: Final = Leg(
    Site.RA, Channel.R_HIP_FLEX, Channel.R_HIP_ABD, Channel.R_HIP_ROT, Channel.R_KNEE, mirror=-1.0
)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Lengths in m and how each sensor is fixed: its place on the segment and its own turned axes."""

    thigh_m: float
    shank_m: float
    hip_half_width_m: float
    pelvis_to_spine_m: float
    chest_lever_m: float
    places: dict[Site, tuple[float, float, float]]
    mounts: dict[Site, NDArray[np.float64]]

    @property
    def hip_lever_m(self) -> float:
        """Distance from hip to ankle with the knee at a right angle: what a hip's turn moves."""
        return float(np.hypot(self.thigh_m, self.shank_m))


def draw_body(draw: Draw, age_days: int) -> Body:
    """A body of this age. Lengths are estimates [E]: thigh 9-11 cm at birth, growing 5 cm in a year."""
    growth = 0.05 * min(age_days, 550) / 365.0
    thigh = draw.between(0.09, 0.11) + growth
    shank = thigh * draw.between(0.85, 1.0)
    places = {
        Site.LA: _place(draw, -shank * draw.between(0.85, 1.0), 0.02),
        Site.RA: _place(draw, -shank * draw.between(0.85, 1.0), 0.02),
        Site.TR: (draw.between(0.06, 0.11) + growth, draw.between(-0.03, 0.03), draw.between(0.03, 0.05)),
    }
    return Body(
        thigh_m=thigh,
        shank_m=shank,
        hip_half_width_m=draw.between(0.035, 0.05) + 0.3 * growth,
        pelvis_to_spine_m=draw.between(0.04, 0.07),
        chest_lever_m=places[Site.TR][0],
        places=places,
        mounts={site: _random_rotation(draw) for site in places},
    )


def draw_rest(draw: Draw) -> dict[Channel, float]:
    """Resting supine: hips and knees half bent and fallen outwards, as infants lie [E]."""
    rest = {
        Channel.ROOT_YAW: draw.between(-0.5, 0.5),
        Channel.ROOT_PITCH: draw.between(-0.15, 0.05),
        Channel.ROOT_ROLL: draw.between(-0.35, 0.35),
        Channel.SPINE_FLEX: draw.between(-0.05, 0.25),
        Channel.SPINE_BEND: draw.between(-0.15, 0.15),
    }
    for leg in (LEFT, RIGHT):
        rest[leg.hip] = draw.between(0.5, 1.2)
        rest[leg.abduction] = draw.between(0.3, 0.9)
        rest[leg.rotation] = draw.between(0.2, 0.8)
        rest[leg.knee] = draw.between(0.7, 1.7)
    return rest


def motion_at(
    body: Body, trajectory: Trajectory, site: Site, *, t0_s: float, dt_s: float, n: int
) -> tuple[_Floats, _Floats]:
    """What a perfect sensor at `site` sees at ``t0_s + i * dt_s``.

    Args:
        body: Lengths and mountings.
        trajectory: All joint angles and displacements.
        site: LA, RA or TR.
        t0_s: Time of the first sample.
        dt_s: Sample interval.
        n: Number of samples.

    Returns:
        Specific force in g and angular rate in deg/s, each of shape (n, 3), in the sensor's axes.
    """
    chain = _Chain(trajectory, t0_s, dt_s, n)
    chain.hinge(Channel.CARRIER_PITCH, 1, 1.0)
    chain.hinge(Channel.CARRIER_ROLL, 0, 1.0)
    chain.hinge(Channel.ROOT_YAW, 2, 1.0)
    chain.hinge(Channel.ROOT_PITCH, 1, 1.0)
    chain.hinge(Channel.ROOT_ROLL, 0, 1.0)
    if site is Site.TR:
        _chest(chain, body)
    else:
        _leg(chain, body, LEFT if site is Site.LA else RIGHT)
    return chain.seen(body.places[site], body.mounts[site])


def _chest(chain: _Chain, body: Body) -> None:
    chain.offset((body.pelvis_to_spine_m, 0.0, 0.0))
    chain.hinge(Channel.SPINE_TWIST, 0, 1.0)
    chain.hinge(Channel.SPINE_BEND, 2, 1.0)
    chain.hinge(Channel.SPINE_FLEX, 1, 1.0)


def _leg(chain: _Chain, body: Body, leg: Leg) -> None:
    chain.offset((-body.pelvis_to_spine_m / 2, leg.mirror * body.hip_half_width_m, 0.0))
    chain.hinge(leg.abduction, 2, -leg.mirror)
    chain.hinge(leg.hip, 1, 1.0)
    chain.hinge(leg.rotation, 0, leg.mirror)
    chain.offset((-body.thigh_m, 0.0, 0.0))
    chain.hinge(leg.knee, 1, -1.0)


class _Chain:
    """The state of the forward pass: rate, angular acceleration and specific force in the last frame."""

    __slots__ = ("_alpha", "_at", "_force", "_omega", "_trajectory")

    def __init__(self, trajectory: Trajectory, t0_s: float, dt_s: float, n: int) -> None:
        self._trajectory, self._at = trajectory, (t0_s, dt_s, n)
        self._omega: _Vector = [np.zeros(n, np.float32) for _ in range(3)]
        self._alpha: _Vector = [np.zeros(n, np.float32) for _ in range(3)]
        self._force: _Vector = [self._pushed(c) for c in (Channel.POS_X, Channel.POS_Y, Channel.POS_Z)]
        self._force[2] = self._force[2] + np.float32(GRAVITY)

    def _pushed(self, channel: Channel) -> _Floats:
        curve = self._trajectory.curve(channel, *self._at)
        return np.zeros(self._at[2], np.float32) if curve is None else curve.accel

    def hinge(self, channel: Channel, axis: int, sign: float) -> None:
        """Pass a joint that turns by `sign` times the channel about a coordinate axis."""
        curve = self._trajectory.curve(channel, *self._at)
        if curve is None:
            level = self._trajectory.level(channel, self._at[0])
            self._turn(np.full(1, sign * level, np.float32), axis)
            return
        self._turn(np.float32(sign) * curve.value, axis)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        rate = np.float32(sign) * curve.rate
        self._alpha[i] = self._alpha[i] + self._omega[j] * rate
        self._alpha[j] = self._alpha[j] - self._omega[i] * rate
        self._alpha[axis] = self._alpha[axis] + np.float32(sign) * curve.accel
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

    def seen(
        self, place_m: tuple[float, float, float], mount: NDArray[np.float64]
    ) -> tuple[_Floats, _Floats]:
        """Specific force in g and angular rate in deg/s in the axes of a sensor at `place_m`."""
        self.offset(place_m)
        turn = mount.astype(np.float32)
        force = np.stack(self._force, axis=1) @ turn.T
        rate = np.stack(self._omega, axis=1) @ turn.T
        return force / np.float32(GRAVITY), rate * np.float32(180.0 / np.pi)


def _place(draw: Draw, along_m: float, radius_m: float) -> tuple[float, float, float]:
    around = draw.between(0.0, 2.0 * np.pi)
    return along_m, radius_m * float(np.cos(around)), radius_m * float(np.sin(around))


def _random_rotation(draw: Draw) -> NDArray[np.float64]:
    """Evenly over all orientations: a normal quaternion, scaled (Marsaglia 1972)."""
    w, x, y, z = (q := draw.rng.standard_normal(4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
