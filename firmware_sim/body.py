"""A jointed body carrying sensors: joint angles in, specific force and angular rate out.

Pelvis, chest, two legs (thigh, shank), two arms (upper arm, forearm) and a head hang together by hinges;
arms and head hang from the chest and ride on it. One forward pass along the chain from the cot to a
sensor carries angular rate, angular acceleration and specific force through every joint, so gravity's
turning, tangential and centripetal acceleration and the gyroscope all come of one history.

Axes at rest, supine: x toward the head, y to the infant's left, z up (out of the belly).

References:
    Luh, Walker & Paul (1980), On-line computational scheme for mechanical manipulators,
    J Dyn Sys Meas Control 102:69 (the forward recursion).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import Site
from firmware_sim.draw import Draw
from firmware_sim.steps import Channel, Trajectory

__all__ = [
    "GRAVITY",
    "LEFT",
    "LEFT_ARM",
    "RIGHT",
    "RIGHT_ARM",
    "Arm",
    "Body",
    "Leg",
    "Lying",
    "draw_body",
    "draw_lying",
    "draw_rest",
    "motion_at",
]

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


@dataclass(frozen=True, slots=True)
class Arm:
    """Channels of one arm and the sign that mirrors it."""

    site: Site
    flexion: Channel
    abduction: Channel
    rotation: Channel
    elbow: Channel
    mirror: float


LEFT_ARM: Final = Arm(
    Site.LW,
    Channel.L_SHOULDER_FLEX,
    Channel.L_SHOULDER_ABD,
    Channel.L_SHOULDER_ROT,
    Channel.L_ELBOW,
    mirror=1.0,
)
RIGHT_ARM: Final = Arm(
    Site.RW,
    Channel.R_SHOULDER_FLEX,
    Channel.R_SHOULDER_ABD,
    Channel.R_SHOULDER_ROT,
    Channel.R_ELBOW,
    mirror=-1.0,
)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Lengths in m and how each sensor is fixed: its place on the segment and its own turned axes."""

    thigh_m: float
    shank_m: float
    hip_half_width_m: float
    pelvis_to_spine_m: float
    chest_lever_m: float
    upper_arm_m: float
    forearm_m: float
    shoulder_half_width_m: float
    spine_to_shoulder_m: float
    spine_to_neck_m: float
    places: dict[Site, tuple[float, float, float]]
    mounts: dict[Site, NDArray[np.float64]]

    @property
    def hip_lever_m(self) -> float:
        """Distance from hip to ankle with the knee at a right angle: what a hip's turn moves."""
        return float(np.hypot(self.thigh_m, self.shank_m))

    @property
    def arm_lever_m(self) -> float:
        """Distance from shoulder to wrist with the elbow at a right angle."""
        return float(np.hypot(self.upper_arm_m, self.forearm_m))

    @property
    def head_lever_m(self) -> float:
        """Distance from the neck to the head's sensor: what a nod moves."""
        x, _, z = self.places[Site.HD]
        return float(np.hypot(x, z))


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
    hip_half_width = draw.between(0.035, 0.05) + 0.3 * growth
    pelvis_to_spine = draw.between(0.04, 0.07)
    mounts = {site: _random_rotation(draw) for site in places}
    upper = _draw_upper(draw.aside("upper body"), growth)
    return Body(
        thigh_m=thigh,
        shank_m=shank,
        hip_half_width_m=hip_half_width,
        pelvis_to_spine_m=pelvis_to_spine,
        chest_lever_m=places[Site.TR][0],
        upper_arm_m=upper.arm_m,
        forearm_m=upper.forearm_m,
        shoulder_half_width_m=upper.half_width_m,
        spine_to_shoulder_m=upper.shoulder_m,
        spine_to_neck_m=upper.neck_m,
        places=places | upper.places,
        mounts=mounts | upper.mounts,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Upper:
    """What lies above the chest's sensor."""

    arm_m: float
    forearm_m: float
    half_width_m: float
    shoulder_m: float
    neck_m: float
    places: dict[Site, tuple[float, float, float]]
    mounts: dict[Site, NDArray[np.float64]]


def _draw_upper(draw: Draw, growth: float) -> _Upper:
    """Arms and head [E]: upper arm 7.5-9 cm and forearm 6.5-8 cm at birth, a head about 12 cm high."""
    arm = draw.between(0.075, 0.09) + 0.8 * growth
    forearm = draw.between(0.065, 0.08) + 0.7 * growth
    shoulder = draw.between(0.085, 0.115) + growth
    head = draw.between(0.06, 0.10) + 0.4 * growth
    places = {
        Site.LW: _place(draw, -forearm * draw.between(0.85, 1.0), 0.015),
        Site.RW: _place(draw, -forearm * draw.between(0.85, 1.0), 0.015),
        Site.HD: (head, draw.between(-0.04, 0.04), draw.between(0.03, 0.06)),
    }
    return _Upper(
        arm_m=arm,
        forearm_m=forearm,
        half_width_m=draw.between(0.05, 0.065) + 0.4 * growth,
        shoulder_m=shoulder,
        neck_m=shoulder + draw.between(0.015, 0.03),
        places=places,
        mounts={site: _random_rotation(draw) for site in places},
    )


class Lying(StrEnum):
    """Resting postures."""

    SUPINE = "supine"
    PRONE = "prone"
    LEFT_SIDE = "left_side"
    RIGHT_SIDE = "right_side"
    UPRIGHT = "upright"
    """held against a shoulder"""


_Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Rest:
    """Ranges in rad from which a resting posture is drawn; all of them estimates [E]."""

    pitch: _Range
    roll: _Range
    spine: _Range
    hip: _Range
    hip_abduction: _Range
    hip_rotation: _Range
    knee: _Range
    shoulder: _Range
    shoulder_abduction: _Range
    shoulder_rotation: _Range
    elbow: _Range
    nod: _Range
    turn: _Range


_SIDE: Final = _Rest(
    pitch=(-0.1, 0.1),
    roll=(1.1, 1.7),
    spine=(0.05, 0.4),
    hip=(0.6, 1.5),
    hip_abduction=(-0.05, 0.3),
    hip_rotation=(-0.1, 0.3),
    knee=(0.8, 1.9),
    shoulder=(0.6, 1.5),
    shoulder_abduction=(0.0, 0.5),
    shoulder_rotation=(-0.4, 0.6),
    elbow=(0.6, 2.0),
    nod=(-0.2, 0.3),
    turn=(-0.1, 0.4),
)
_RESTS: Final = {
    Lying.SUPINE: _Rest(
        pitch=(-0.15, 0.05),
        roll=(-0.35, 0.35),
        spine=(-0.05, 0.25),
        hip=(0.5, 1.2),
        hip_abduction=(0.3, 0.9),
        hip_rotation=(0.2, 0.8),
        knee=(0.7, 1.7),
        shoulder=(0.0, 0.6),
        shoulder_abduction=(0.4, 1.6),
        shoulder_rotation=(0.0, 1.3),
        elbow=(0.7, 2.1),
        nod=(-0.1, 0.3),
        turn=(0.1, 1.2),
    ),
    Lying.PRONE: _Rest(
        pitch=(-0.1, 0.1),
        roll=(2.9, 3.4),
        spine=(-0.2, 0.1),
        hip=(0.5, 1.4),
        hip_abduction=(0.5, 1.1),
        hip_rotation=(0.3, 1.0),
        knee=(0.9, 1.9),
        shoulder=(-0.2, 0.3),
        shoulder_abduction=(0.7, 1.8),
        shoulder_rotation=(0.6, 1.5),
        elbow=(1.0, 2.1),
        nod=(-0.3, 0.1),
        turn=(0.9, 1.4),
    ),
    Lying.LEFT_SIDE: _SIDE,
    Lying.RIGHT_SIDE: _SIDE,
    Lying.UPRIGHT: _Rest(
        pitch=(-1.85, -1.3),
        roll=(-0.25, 0.25),
        spine=(0.0, 0.3),
        hip=(0.6, 1.6),
        hip_abduction=(0.3, 0.8),
        hip_rotation=(0.2, 0.7),
        knee=(0.7, 1.8),
        shoulder=(0.3, 1.4),
        shoulder_abduction=(0.1, 0.8),
        shoulder_rotation=(-0.2, 0.6),
        elbow=(0.8, 2.0),
        nod=(-0.2, 0.4),
        turn=(0.2, 1.3),
    ),
}
_ARMS_AT_REST: Final = (0.3, 1.0, 0.65, 1.4)
"""Flexion, abduction, rotation and elbow in the middle of lying supine: hands beside the head."""
_SIDES_FROM_DAYS: Final = (90, 240)
_PRONE_FROM_DAYS: Final = (120, 240)
"""Rolling comes at about four to six months [E]; by eight all that will sleep so have found the way."""


def draw_lying(draw: Draw, age_days: int, *, placed: bool = False) -> Lying:
    """How an infant of this age comes to lie [E]: on its belly or side only when it can turn, or was placed so.

    Two thirds supine at least until it rolls; shares are estimates, of both sides alike.
    """
    prone = 0.15 if placed else 0.35 * _grown(age_days, _PRONE_FROM_DAYS)
    side = 0.15 if placed else 0.05 + 0.20 * _grown(age_days, _SIDES_FROM_DAYS)
    return draw.one_of(
        (Lying.SUPINE, Lying.PRONE, Lying.LEFT_SIDE, Lying.RIGHT_SIDE),
        (1.0 - prone - 2.0 * side if placed else max(1.0 - prone - 2.0 * side, 0.1), prone, side, side),
    )


def _grown(age_days: int, span_days: tuple[int, int]) -> float:
    return float(np.clip((age_days - span_days[0]) / (span_days[1] - span_days[0]), 0.0, 1.0))


def draw_rest(draw: Draw, *, lying: Lying | None = None) -> dict[Channel, float]:
    """Every joint of an infant at rest.

    Supine: hips and knees half bent and fallen outwards, hands beside the head, as infants lie [E].

    Args:
        draw: Random stream.
        lying: The posture. None: supine, the head straight and the arms always in the same place, so that
            a movement from one such rest to another leaves arms and head alone.

    Returns:
        Angles in rad by channel; what is missing is 0.
    """
    ranges = _RESTS[lying or Lying.SUPINE]
    mirror = -1.0 if lying is Lying.LEFT_SIDE or (lying is Lying.PRONE and draw.chance(0.5)) else 1.0
    rest = {
        Channel.ROOT_YAW: draw.between(-0.5, 0.5),
        Channel.ROOT_PITCH: draw.between(*ranges.pitch),
        Channel.ROOT_ROLL: mirror * draw.between(*ranges.roll),
        Channel.SPINE_FLEX: draw.between(*ranges.spine),
        Channel.SPINE_BEND: draw.between(-0.15, 0.15),
    }
    for leg in (LEFT, RIGHT):
        rest[leg.hip] = draw.between(*ranges.hip)
        rest[leg.abduction] = draw.between(*ranges.hip_abduction)
        rest[leg.rotation] = draw.between(*ranges.hip_rotation)
        rest[leg.knee] = draw.between(*ranges.knee)
    return rest | (_ARMS_STILL if lying is None else _draw_upper_rest(draw, ranges))


def _draw_upper_rest(draw: Draw, ranges: _Rest) -> dict[Channel, float]:
    rest = {
        Channel.HEAD_NOD: draw.between(*ranges.nod),
        Channel.HEAD_TURN: draw.sign() * draw.between(*ranges.turn),
        Channel.HEAD_TILT: draw.between(-0.2, 0.2),
    }
    for arm in (LEFT_ARM, RIGHT_ARM):
        rest[arm.flexion] = draw.between(*ranges.shoulder)
        rest[arm.abduction] = draw.between(*ranges.shoulder_abduction)
        rest[arm.rotation] = draw.between(*ranges.shoulder_rotation)
        rest[arm.elbow] = draw.between(*ranges.elbow)
    return rest


_ARMS_STILL: Final = {
    channel: angle
    for arm in (LEFT_ARM, RIGHT_ARM)
    for channel, angle in zip(
        (arm.flexion, arm.abduction, arm.rotation, arm.elbow), _ARMS_AT_REST, strict=True
    )
}


def motion_at(
    body: Body, trajectory: Trajectory, site: Site, *, t0_s: float, dt_s: float, n: int
) -> tuple[_Floats, _Floats]:
    """What a perfect sensor at `site` sees at ``t0_s + i * dt_s``.

    Args:
        body: Lengths and mountings.
        trajectory: All joint angles and displacements.
        site: Where it is worn.
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
    _along(chain, body, site)
    return chain.seen(body.places[site], body.mounts[site])


def _along(chain: _Chain, body: Body, site: Site) -> None:
    """From the pelvis to the segment that bears the sensor."""
    if site in _LEGS:
        _leg(chain, body, _LEGS[site])
        return
    _chest(chain, body)
    if site in _ARMS:
        _arm(chain, body, _ARMS[site])
    elif site is Site.HD:
        _head(chain, body)


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


def _arm(chain: _Chain, body: Body, arm: Arm) -> None:
    chain.offset((body.spine_to_shoulder_m, arm.mirror * body.shoulder_half_width_m, 0.0))
    chain.hinge(arm.abduction, 2, -arm.mirror)
    chain.hinge(arm.flexion, 1, 1.0)
    chain.hinge(arm.rotation, 0, -arm.mirror)
    chain.offset((-body.upper_arm_m, 0.0, 0.0))
    chain.hinge(arm.elbow, 1, 1.0)


def _head(chain: _Chain, body: Body) -> None:
    chain.offset((body.spine_to_neck_m, 0.0, 0.0))
    chain.hinge(Channel.HEAD_TURN, 0, 1.0)
    chain.hinge(Channel.HEAD_TILT, 2, 1.0)
    chain.hinge(Channel.HEAD_NOD, 1, -1.0)


_LEGS: Final = {leg.site: leg for leg in (LEFT, RIGHT)}
_ARMS: Final = {arm.site: arm for arm in (LEFT_ARM, RIGHT_ARM)}


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
