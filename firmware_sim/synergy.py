"""What one muscle group does each time it contracts: the same turns of the same joints, nearly.

A body that jerks again and again pulls the same way every time; only strength, timing and a little of the
direction change.

References:
    Bizzi & Cheung (2013), The neural origin of muscle synergies, Front Comput Neurosci 7:51.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from firmware_sim.body import GRAVITY, Arm, Leg
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant
from firmware_sim.steps import PEAK_ACCELERATION, Channel, StepList

__all__ = ["Synergy", "limb_synergy", "trunk_synergy"]

_PARTING: Final = 1.3
"""Two joints never push the limb's end quite the same way: their parts sum to more than what is seen there."""
_LIMIT_RAD: Final = 1.2
"""Largest turn of a joint in one contraction [E]."""


_FARTHEST: Final = 2.5
"""Standard deviations by which a joint's part varies at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Synergy:
    """Turns in rad (displacements in m) for each g of peak and s^2 of rise, and the swing past the rest."""

    ways: Mapping[Channel, float]
    back: float = 0.0
    """how far it swings beyond its rest on its return, as a share"""

    def pull(
        self,
        out: StepList,
        draw: Draw,
        at_s: float,
        *,
        peak_g: float,
        rise_s: float,
        fall_s: float,
        hold_s: float = 0.0,
        vary: float = 0.12,
    ) -> None:
        """Contract to a peak of `peak_g` within `rise_s`, hold, and let go; each joint varies by itself."""
        size = peak_g * rise_s**2
        largest = max((abs(way) for way in self.ways.values()), default=0.0) * size
        size *= min(1.0, _LIMIT_RAD / largest) if largest > 0.0 else 1.0
        turn = at_s + max(rise_s + hold_s, 0.0)
        away = draw.rng.standard_normal(len(self.ways)).tolist()
        for (channel, way), z in zip(self.ways.items(), away, strict=True):
            delta = way * size * (1.0 + vary * min(max(z, -_FARTHEST), _FARTHEST))
            out.step(channel, at_s, rise_s, delta)
            out.step(channel, turn, fall_s, -delta * (1.0 + self.back))
            if self.back > 0.0:
                out.step(channel, turn + 0.8 * fall_s, 1.3 * fall_s, delta * self.back)


def limb_synergy(
    draw: Draw, infant: Infant, limb: Leg | Arm, *, flex: float = 1.0, back: float = 0.0
) -> Synergy:
    """A way of pulling an arm or a leg: root joint and middle joint share the work, a little to the side.

    `flex` is +1 for drawing up and -1 for stretching out.
    """
    share = draw.between(0.25, 0.75)
    body = infant.body
    if isinstance(limb, Leg):
        root, middle = _per_g(body.hip_lever_m), _per_g(body.shank_m)
        axes = (limb.hip, limb.knee, limb.abduction, limb.rotation)
    else:
        root, middle = _per_g(body.arm_lever_m), _per_g(body.forearm_m)
        axes = (limb.flexion, limb.elbow, limb.abduction, limb.rotation)
    bend = _PARTING * flex * share * root
    sizes = (
        bend,
        _PARTING * flex * (1.0 - share) * middle,
        bend * draw.between(-0.5, 0.6),
        bend * draw.between(-0.5, 0.5),
    )
    return Synergy(dict(zip(axes, sizes, strict=True)), back)


def trunk_synergy(
    draw: Draw, infant: Infant, *, pelvis: float = 1.0, axial: float = 0.0, slides: bool = True
) -> Synergy:
    """A way in which a contraction shakes the trunk; `pelvis` is the share of it that reaches the legs.

    `axial` from 0 to 1 bends it more and more straight forwards or backwards, as the diaphragm does;
    without `slides` it stays in its place, as when belted into what rocks it.
    """
    turn = _per_g(infant.body.pelvis_to_spine_m + infant.body.chest_lever_m)
    aside = np.array([1.0, 1.0 - axial, pelvis, pelvis * (1.0 - axial)])
    way = draw.rng.standard_normal(4)
    way[0] += 3.0 * axial * draw.sign()
    way = way / np.linalg.norm(way) * aside * turn
    slide = draw.rng.standard_normal(3)
    slide = 0.5 * pelvis * slide / np.linalg.norm(slide) * _per_g(1.0)
    turning = (Channel.SPINE_FLEX, Channel.SPINE_BEND, Channel.ROOT_PITCH, Channel.ROOT_ROLL)
    sliding = (Channel.POS_X, Channel.POS_Y, Channel.POS_Z)
    ways = dict(zip(turning, way.tolist(), strict=True))
    if slides:
        ways |= dict(zip(sliding, slide.tolist(), strict=True))
    return Synergy(ways, draw.between(0.05, 0.35))


def _per_g(lever_m: float) -> float:
    """Turn of a lever for each g at its end and s^2 of rise."""
    return GRAVITY / (PEAK_ACCELERATION * lever_m)
