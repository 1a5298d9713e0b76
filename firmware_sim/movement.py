"""What a movement generator hands back, the infant it moves, and the mechanics generators share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import Label
from firmware_sim.body import GRAVITY, LEFT, LEFT_ARM, RIGHT, RIGHT_ARM, Arm, Body, Leg, draw_body
from firmware_sim.draw import Draw
from firmware_sim.steps import PEAK_ACCELERATION, Channel, StepList, Steps

__all__ = [
    "Infant",
    "Mark",
    "Movement",
    "angle_for",
    "arms_of",
    "draw_infant",
    "draw_side",
    "legs_of",
    "mark_all",
    "merged",
    "nod",
    "shake_trunk",
    "swing",
    "swing_arm",
]

_HIP_RANGE_RAD: Final = 1.2
"""Largest turn of a hip or knee in one movement [E]: beyond it bone meets bone."""
_PARTING: Final = 1.3
"""Hip and knee do not push the ankle the same way: their parts must sum to more than what is seen there."""
_TRUNK_RANGE_RAD: Final = 1.0
_HEAD_RANGE_RAD: Final = 0.7
_ARM_REACTION: Final = (0.01, 0.06)
"""Peak at the chest over peak at the wrist [E]: an arm is about a twentieth of a body, the cot holds the rest."""
_HEAD_REACTION: Final = (0.03, 0.15)
"""The head is about a quarter of a young infant [E], but lies on the mattress itself."""
_SLIDES: Final = (Channel.POS_X, Channel.POS_Y, Channel.POS_Z)


@dataclass(frozen=True, slots=True)
class Mark:
    """Truth about a stretch of a movement, in seconds from the movement's start."""

    label: Label
    true_class: str
    onset_s: float
    end_s: float
    count: int = 1
    side: str = "both"
    members: tuple[Mark, ...] = ()
    conveyed: bool = False
    """moved from outside: a context interval lies over it"""
    alone: Steps | None = field(default=None, compare=False, repr=False)
    """its own steps, of which `firmware_sim.showing` says what sensors see; kept of spasms"""

    def shifted(self, by_s: float) -> Mark:
        """The same mark and its members, later by `by_s`."""
        members = tuple(member.shifted(by_s) for member in self.members)
        return replace(self, onset_s=self.onset_s + by_s, end_s=self.end_s + by_s, members=members)


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """Steps of the body and the truth about them, both from time 0 on."""

    steps: Steps
    marks: tuple[Mark, ...] = ()

    def shifted(self, by_s: float) -> Movement:
        """The same movement, later by `by_s`."""
        return Movement(self.steps.shifted(by_s), tuple(mark.shifted(by_s) for mark in self.marks))

    @property
    def duration_s(self) -> float:
        """Seconds until the last step is done."""
        return self.steps.end_s


@dataclass(frozen=True, slots=True, eq=False)
class Infant:
    """A body of some age and the habits that stay the same through its night."""

    age_days: int
    body: Body
    kick_g: float
    """typical peak of its kicks at the ankle, gravity removed"""
    kick_carry: float
    """share of a kick's peak that typically shakes the trunk"""
    kick_skew: float
    """typical time of a kick's return over its time outwards"""
    kick_held: float
    """share of its kicks that stay at their end for a while"""
    kick_together: float
    """how much more than others of its age it kicks with both legs at once, as a factor"""
    kick_lifts: float
    """share of its bouts in which legs are lifted and held or dropped rather than kicked"""
    breath_rank: float
    """where its breathing rate lies among infants of its age, in standard deviations"""
    breath_tilt_g: float
    """peak to peak tilt of the chest in quiet breathing"""
    vigour: float = 1.0
    """size of all its own movements over what is usual"""
    slowness: float = 1.0
    """time its own movements take over what is usual"""


def draw_infant(draw: Draw, age_days: int) -> Infant:
    """An infant of this age.

    Kick peaks 0.32-0.90 g [F34, clinical.md 1b]; trunk peak beside them 0.05-0.3 g [E], so that the
    carried share is drawn from hardly to as much as the leg; skew, hold, both legs and lifts [E]; chest
    tilt 2-10 mg [E, clinical.md 2a].
    """
    return Infant(
        age_days=age_days,
        body=draw_body(draw, age_days),
        kick_g=draw.between(0.32, 0.90),
        kick_carry=draw.log_between(0.04, 0.7),
        breath_rank=draw.normal() * 0.8,
        breath_tilt_g=draw.log_between(0.002, 0.010),
        kick_skew=draw.log_between(0.6, 2.4),
        kick_held=draw.between(0.05, 0.6),
        kick_together=draw.log_between(0.3, 3.0),
        kick_lifts=draw.log_between(0.03, 0.5),
    )


def angle_for(peak_g: float, rise_s: float, lever_m: float, *, limit_rad: float = _HIP_RANGE_RAD) -> float:
    """Turn of a lever whose end is accelerated by at most `peak_g` within `rise_s`; not above the limit."""
    return min(peak_g * GRAVITY * rise_s**2 / (PEAK_ACCELERATION * lever_m), limit_rad)


def legs_of(side: str) -> tuple[Leg, ...]:
    """The legs that take part in a movement of this side: left, right or both."""
    return {"left": (LEFT,), "right": (RIGHT,), "both": (LEFT, RIGHT)}[side]


def arms_of(side: str) -> tuple[Arm, ...]:
    """The arms that take part in a movement of this side: left, right or both."""
    return {"left": (LEFT_ARM,), "right": (RIGHT_ARM,), "both": (LEFT_ARM, RIGHT_ARM)}[side]


def draw_side(draw: Draw, bilateral: float) -> str:
    """Both with this probability, else left or right."""
    return "both" if draw.chance(bilateral) else draw.one_of(("left", "right"))


def swing(
    out: StepList,
    draw: Draw,
    infant: Infant,
    leg: Leg,
    at_s: float,
    *,
    peak_g: float,
    rise_s: float,
    fall_s: float,
    hold_s: float = 0.0,
    flex: float = 1.0,
) -> None:
    """One out-and-back of a leg, hip and knee sharing the work, a little abduction and rotation with it.

    `flex` is +1 when the leg is drawn up and -1 when it is stretched out.
    """
    share = draw.between(0.25, 0.75)
    strong_g = _PARTING * peak_g
    hip = flex * share * angle_for(strong_g, rise_s, infant.body.hip_lever_m)
    knee = flex * (1.0 - share) * angle_for(strong_g, rise_s, infant.body.shank_m)
    lag = draw.between(-0.08, 0.12) * rise_s
    timing = {"rise_s": rise_s, "fall_s": fall_s, "hold_s": hold_s}
    out.pulse(leg.hip, at_s + max(-lag, 0.0), hip, **timing)
    out.pulse(leg.knee, at_s + max(lag, 0.0), knee, **timing)
    out.pulse(leg.abduction, at_s, hip * draw.between(-0.4, 0.5), **timing)
    out.pulse(leg.rotation, at_s, hip * draw.between(-0.5, 0.5), **timing)


def swing_arm(
    out: StepList,
    draw: Draw,
    infant: Infant,
    arm: Arm,
    at_s: float,
    *,
    peak_g: float,
    rise_s: float,
    fall_s: float,
    hold_s: float = 0.0,
    flex: float = 1.0,
    outward: float | None = None,
    reaction: float | None = None,
) -> None:
    """One out-and-back of an arm, shoulder and elbow sharing the work; the chest feels a little of it.

    Args:
        out: Where it is written.
        draw: Random stream.
        infant: Whose arm.
        arm: Which one.
        at_s: Start in seconds.
        peak_g: Largest acceleration of the wrist, gravity removed.
        rise_s: Time outwards.
        fall_s: Time back.
        hold_s: Time at the end.
        flex: +1 raised and bent, -1 lowered and stretched out.
        outward: Sine of the way out to the side, -1 to 1; drawn when None.
        reaction: Share of the peak that shakes the trunk; drawn when None, 0 for none.
    """
    share = draw.between(0.3, 0.8)
    strong_g = _PARTING * peak_g
    out_way = draw.between(-0.4, 0.7) if outward is None else outward
    shoulder = share * angle_for(strong_g, rise_s, infant.body.arm_lever_m)
    elbow = flex * (1.0 - share) * angle_for(strong_g, rise_s, infant.body.forearm_m)
    lag = draw.between(-0.08, 0.12) * rise_s
    timing = {"rise_s": rise_s, "fall_s": fall_s, "hold_s": hold_s}
    up = flex * shoulder * float(np.sqrt(max(1.0 - out_way**2, 0.0)))
    out.pulse(arm.flexion, at_s + max(-lag, 0.0), up, **timing)
    out.pulse(arm.abduction, at_s + max(-lag, 0.0), shoulder * out_way, **timing)
    out.pulse(arm.elbow, at_s + max(lag, 0.0), elbow, **timing)
    out.pulse(arm.rotation, at_s, shoulder * draw.between(-0.5, 0.5), **timing)
    felt = draw.between(*_ARM_REACTION) if reaction is None else reaction
    _react(out, draw, infant, at_s, felt * peak_g, rise_s, fall_s)


def nod(
    out: StepList,
    draw: Draw,
    infant: Infant,
    at_s: float,
    *,
    peak_g: float,
    rise_s: float,
    fall_s: float,
    hold_s: float = 0.0,
    flex: float = 1.0,
    turn: float | None = None,
    reaction: float | None = None,
) -> None:
    """One out-and-back of the head; the chest feels a little of it.

    `flex` is +1 chin down and -1 thrown back; `turn` the share of it that turns and tilts the head, drawn
    when None; `reaction` the share of the peak that shakes the trunk, drawn when None and 0 for none.
    """
    angle = angle_for(peak_g, rise_s, infant.body.head_lever_m, limit_rad=_HEAD_RANGE_RAD)
    aside = draw.between(-0.3, 0.3) if turn is None else turn
    timing = {"rise_s": rise_s, "fall_s": fall_s, "hold_s": hold_s}
    out.pulse(Channel.HEAD_NOD, at_s, flex * angle * float(np.sqrt(max(1.0 - aside**2, 0.0))), **timing)
    out.pulse(Channel.HEAD_TURN, at_s, angle * aside, **timing)
    out.pulse(Channel.HEAD_TILT, at_s, angle * aside * draw.between(-0.6, 0.6), **timing)
    felt = draw.between(*_HEAD_REACTION) if reaction is None else reaction
    _react(out, draw, infant, at_s, felt * peak_g, rise_s, fall_s)


def _react(
    out: StepList, draw: Draw, infant: Infant, at_s: float, peak_g: float, rise_s: float, fall_s: float
) -> None:
    if peak_g > 0.0:
        pelvis = draw.between(0.05, 0.3)
        shake_trunk(out, draw, infant, at_s, peak_g=peak_g, rise_s=rise_s, fall_s=fall_s, pelvis=pelvis)


def shake_trunk(
    out: StepList,
    draw: Draw,
    infant: Infant,
    at_s: float,
    *,
    peak_g: float,
    rise_s: float,
    fall_s: float,
    pelvis: float = 1.0,
) -> None:
    """A push on the trunk: it turns and slides a little, swings back past its rest and settles.

    `pelvis` is the share of it that reaches the pelvis, and through it the legs.
    """
    lever = infant.body.pelvis_to_spine_m + infant.body.chest_lever_m
    angle = angle_for(peak_g, rise_s, lever, limit_rad=_TRUNK_RANGE_RAD)
    slide = 0.5 * peak_g * GRAVITY * rise_s**2 / PEAK_ACCELERATION
    back = draw.between(0.05, 0.35)
    way = _unit(draw, 4) * np.array([1.0, 1.0, pelvis, pelvis])
    turning = (Channel.SPINE_FLEX, Channel.SPINE_BEND, Channel.ROOT_PITCH, Channel.ROOT_ROLL)
    for channel, weight in zip(turning, way.tolist(), strict=True):
        _settling(out, channel, at_s, weight * angle, back, rise_s, fall_s)
    for channel, weight in zip(_SLIDES, _unit(draw, 3).tolist(), strict=True):
        _settling(out, channel, at_s, pelvis * weight * slide, back, rise_s, fall_s)


def _unit(draw: Draw, n: int) -> NDArray[np.float64]:
    way = draw.rng.standard_normal(n)
    return np.asarray(way / np.linalg.norm(way), np.float64)


def _settling(
    out: StepList, channel: Channel, at_s: float, delta: float, back: float, rise_s: float, fall_s: float
) -> None:
    out.step(channel, at_s, rise_s, delta)
    out.step(channel, at_s + 0.9 * rise_s, fall_s, -delta * (1.0 + back))
    out.step(channel, at_s + 0.9 * rise_s + 0.8 * fall_s, 1.3 * fall_s, delta * back)


def mark_all(steps: Steps, label: Label, true_class: str, *, count: int = 1, side: str = "both") -> Movement:
    """A movement that is one event from its first step to its last."""
    onset = float(np.min(steps.start_s, initial=np.inf))
    return Movement(steps, (Mark(label, true_class, onset, steps.end_s, count, side),))


def merged(parts: Iterable[Movement]) -> Movement:
    """Several movements as one, each at its own time."""
    rows = list(parts)
    return Movement(Steps.join(p.steps for p in rows), tuple(mark for p in rows for mark in p.marks))
