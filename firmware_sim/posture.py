"""How an infant rests: supine, prone, on a side or held upright, and what is plausible at its age.

All ranges are estimates [E], drawn wide: no joint angles of resting infants were found.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from firmware_sim.draw import Draw
from firmware_sim.limbs import LEFT, LEFT_ARM, RIGHT, RIGHT_ARM
from firmware_sim.steps import Channel

__all__ = ["Lying", "draw_lying", "draw_rest", "turned_least"]


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


def turned_least(now: dict[Channel, float], to: dict[Channel, float]) -> dict[Channel, float]:
    """The posture `to`, its roll written so that the way there from `now` is the shorter one.

    From the belly an infant turns onto the side it is nearer to, not over its back.
    """
    roll, goal = now.get(Channel.ROOT_ROLL, 0.0), to.get(Channel.ROOT_ROLL, 0.0)
    whole = 2.0 * np.pi * np.round((roll - goal) / (2.0 * np.pi))
    return to | {Channel.ROOT_ROLL: float(goal + whole)}
