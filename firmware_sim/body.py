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
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import Site
from firmware_sim.chain import GRAVITY, Chain, Joints
from firmware_sim.draw import Draw
from firmware_sim.limbs import LEFT, LEFT_ARM, RIGHT, RIGHT_ARM, Arm, Leg
from firmware_sim.posture import Lying, draw_lying, draw_rest, turned_least
from firmware_sim.steps import Channel

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
    "segment_at",
    "turned_least",
]

_Floats = NDArray[np.float32]


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


def motion_at(
    body: Body, joints: Joints, site: Site, *, t0_s: float, dt_s: float, n: int, first: int = 0
) -> tuple[_Floats, _Floats]:
    """What a perfect, firmly sitting sensor at `site` sees at ``t0_s + i * dt_s``.

    A sample is the same, bit for bit, whatever stretch it is asked for in.

    Args:
        body: Lengths and mountings.
        joints: All joint angles and displacements.
        site: Where it is worn.
        t0_s: Time of the first sample.
        dt_s: Sample interval.
        n: Number of samples.
        first: Index i of the first one that is wanted.

    Returns:
        Specific force in g and angular rate in deg/s, each of shape (n, 3), in the sensor's axes.
    """
    chain = segment_at(body, joints, site, t0_s=t0_s, dt_s=dt_s, n=n, first=first)
    chain.offset(body.places[site])
    return chain.seen(body.mounts[site])


def segment_at(
    body: Body, joints: Joints, site: Site, *, t0_s: float, dt_s: float, n: int, first: int = 0
) -> Chain:
    """The forward pass as far as the segment that bears `site`: its frame lies in the joint, x as in `Body`."""
    chain = Chain(joints, t0_s, dt_s, n, first)
    chain.hinge(Channel.CARRIER_PITCH, 1, 1.0)
    chain.hinge(Channel.CARRIER_ROLL, 0, 1.0)
    chain.hinge(Channel.ROOT_YAW, 2, 1.0)
    chain.hinge(Channel.ROOT_PITCH, 1, 1.0)
    chain.hinge(Channel.ROOT_ROLL, 0, 1.0)
    _along(chain, body, site)
    return chain


def _along(chain: Chain, body: Body, site: Site) -> None:
    """From the pelvis to the segment that bears the sensor."""
    if site in _LEGS:
        _leg(chain, body, _LEGS[site])
        return
    _chest(chain, body)
    if site in _ARMS:
        _arm(chain, body, _ARMS[site])
    elif site is Site.HD:
        _head(chain, body)


def _chest(chain: Chain, body: Body) -> None:
    chain.offset((body.pelvis_to_spine_m, 0.0, 0.0))
    chain.hinge(Channel.SPINE_TWIST, 0, 1.0)
    chain.hinge(Channel.SPINE_BEND, 2, 1.0)
    chain.hinge(Channel.SPINE_FLEX, 1, -1.0)


def _leg(chain: Chain, body: Body, leg: Leg) -> None:
    chain.offset((-body.pelvis_to_spine_m / 2, leg.mirror * body.hip_half_width_m, 0.0))
    chain.hinge(leg.abduction, 2, -leg.mirror)
    chain.hinge(leg.hip, 1, 1.0)
    chain.hinge(leg.rotation, 0, leg.mirror)
    chain.offset((-body.thigh_m, 0.0, 0.0))
    chain.hinge(leg.knee, 1, -1.0)


def _arm(chain: Chain, body: Body, arm: Arm) -> None:
    chain.offset((body.spine_to_shoulder_m, arm.mirror * body.shoulder_half_width_m, 0.0))
    chain.hinge(arm.abduction, 2, -arm.mirror)
    chain.hinge(arm.flexion, 1, 1.0)
    chain.hinge(arm.rotation, 0, -arm.mirror)
    chain.offset((-body.upper_arm_m, 0.0, 0.0))
    chain.hinge(arm.elbow, 1, 1.0)


def _head(chain: Chain, body: Body) -> None:
    chain.offset((body.spine_to_neck_m, 0.0, 0.0))
    chain.hinge(Channel.HEAD_TURN, 0, 1.0)
    chain.hinge(Channel.HEAD_TILT, 2, 1.0)
    chain.hinge(Channel.HEAD_NOD, 1, -1.0)


_LEGS: Final = {leg.site: leg for leg in (LEFT, RIGHT)}
_ARMS: Final = {arm.site: arm for arm in (LEFT_ARM, RIGHT_ARM)}


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
