"""Kicking: the confounder that matters most.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
[Fn] its sources, [E] an estimate, drawn from a wide range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dsp.records import Label
from firmware_sim.body import GRAVITY, Leg
from firmware_sim.draw import Draw
from firmware_sim.movement import (
    Infant,
    Movement,
    angle_for,
    draw_side,
    legs_of,
    mark_all,
    shake_trunk,
    swing,
)
from firmware_sim.steps import PEAK_ACCELERATION, Channel, StepList

__all__ = ["FORMS", "PATTERNS", "draw_form", "draw_pattern", "kicking"]

PATTERNS: Final = ("unilateral", "alternating", "synchronous")
FORMS: Final = ("kick", "thump", "lift", "push")
"""Out and back; lifted and dropped so that the heels thump; lifted and held; braced against the mattress."""
_NAMES: Final = {"kick": "kicking", "thump": "thumping", "lift": "lifting", "push": "pushing"}
_BENT_RAD: Final = (0.85, 1.2)
"""Hip and knee of a leg that stands on the mattress, about which a push is reckoned [E]."""
_SYNCHRONOUS_FROM_DAYS: Final = 150
"""Both legs at once from about five months [F35b]."""
_UNILATERAL_FROM_DAYS: Final = 30
_STRONGEST_G: Final = 1.2
"""Of what muscle does at the ankle [E]: a third above the largest published peak [F34], seen at 20 Hz."""
_UNSEEN: Final = 1.2
"""True peak over one seen at 20 Hz [E]: published peaks are of the latter kind [F34]."""
_LIFTED_G: Final = 0.7
"""Legs are not lifted faster than they are kicked [E]."""
_HEEL_HZ: Final = (11.0, 22.0)
"""Ringing of a shank after the heel meets the mattress [E]."""
_FALL: Final = ((0.0, 1.0, 0.35), (0.30, 0.70, 0.40), (0.55, 0.45, 0.25))
"""A fall as three steps that end at once: start and span as shares of the whole, share of the way [E]."""
_TOGETHER: Final = 0.35
"""Share of the trunk's part from which it is flexed along with the legs rather than shaken by them [E]."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """One kick of one leg or two: seconds, and g at the ankle."""

    peak_g: float
    """on the way out; a quicker return over the same way is stronger"""
    rise_s: float
    fall_s: float
    held_s: float
    carry: float

    @property
    def back_s(self) -> float:
        """When the return begins."""
        return self.rise_s + max(self.held_s, 0.0)

    @property
    def span_s(self) -> float:
        return self.back_s + self.fall_s


def draw_pattern(draw: Draw, age_days: int, *, together: float = 1.0) -> str:
    """Alternating in the newborn, one leg from one month, both from five [F35b]; never only one way [E].

    `together` weighs both legs at once more or less than others of that age do.
    """
    if age_days < _UNILATERAL_FROM_DAYS:
        weights = (0.3, 0.55, 0.15)
    elif age_days < _SYNCHRONOUS_FROM_DAYS:
        weights = (0.5, 0.3, 0.2)
    else:
        weights = (0.3, 0.2, 0.5)
    return draw.one_of(PATTERNS, (*weights[:2], weights[2] * together))


def draw_form(draw: Draw, infant: Infant) -> str:
    """Mostly kicks; lifts, drops and pushes as often as this infant makes them [E]."""
    if not draw.chance(infant.kick_lifts):
        return "kick"
    return draw.one_of(("thump", "lift", "push"), (0.35, 0.35, 0.3))


def kicking(
    draw: Draw,
    infant: Infant,
    *,
    count: int | None = None,
    pattern: str | None = None,
    carry: float | None = None,
    skew: float | None = None,
    held_s: float | None = None,
    form: str | None = None,
) -> Movement:
    """A bout of kicks.

    0.23-0.33 s a movement unit, infants' peaks 0.32-0.90 g [F34]; the movement is constrained and the
    pause is not [F35]: 0.4-3 s apart, 2-30 in a bout; trunk 0.05-0.3 g [E], here from hardly to as much
    as the leg. How skewed, how long held and how much together are the infant's habits [E]. From 0.35 of
    the leg's peak on, the pelvis and the back bend along with the legs and stay with them.

    Args:
        draw: Random stream.
        infant: Whose body and habits.
        count: Kicks in the bout.
        pattern: One of PATTERNS.
        carry: Share of the ankle's peak that shakes the trunk.
        skew: Return time over outward time.
        held_s: Time the leg stays at its end.
        form: One of FORMS; drawn by habit when None and no kick is described by `skew` or `held_s`.
    """
    pattern = pattern or draw_pattern(draw, infant.age_days, together=infant.kick_together)
    described = skew is not None or held_s is not None
    form = form or ("kick" if described else draw_form(draw, infant))
    n = count or draw.log_whole(2, 30 if form == "kick" else 8)
    carry = draw.spread(infant.kick_carry, 0.6) if carry is None else carry
    unit_s, pace_s = draw.between(0.23, 0.33), draw.log_between(0.4, 3.0)
    irregular = draw.between(0.5, 1.2)
    side, out, at = draw_side(draw, 0.0), StepList(), 0.0
    for i in range(n):
        unit = _draw_unit(draw, infant, unit_s, carry, skew, held_s)
        taking_part = _taking_part(draw, pattern, side, i)
        if form == "kick":
            span = _kick(out, draw, infant, taking_part, at, unit)
        elif form == "push":
            span = _pushed(out, draw, infant, taking_part, at, unit)
        else:
            hold = None if held_s is None else max(held_s, 0.0)
            span = _lifted(out, draw, infant, taking_part, at, carry, dropped=form == "thump", hold_s=hold)
        at += span + draw.spread(pace_s, irregular) * 0.7
    shown = side if pattern == "unilateral" else "both"
    return mark_all(out.build(), Label.MOVEMENT, f"{_NAMES[form]}_{pattern}", count=n, side=shown)


def _draw_unit(
    draw: Draw, infant: Infant, unit_s: float, carry: float, skew: float | None, held_s: float | None
) -> _Unit:
    ratio = skew or (
        float(np.clip(draw.spread(infant.kick_skew, 0.35), 0.4, 3.5)) if draw.chance(0.7) else 1.0
    )
    held = held_s if held_s is not None else _held(draw, infant)
    rise, peak_g = draw.spread(unit_s, 0.15), min(_UNSEEN * draw.spread(infant.kick_g, 0.3), _STRONGEST_G)
    outwards_g = peak_g * min(1.0, ratio) ** 2
    return _Unit(outwards_g, rise, rise * ratio, held, carry * draw.spread(1.0, 0.3))


def _held(draw: Draw, infant: Infant) -> float:
    if draw.chance(infant.kick_held):
        return draw.log_between(0.1, 1.5)
    return draw.between(-0.06, 0.1)


def _taking_part(draw: Draw, pattern: str, side: str, i: int) -> list[tuple[Leg, float]]:
    left, right = legs_of("both")
    first, second = (
        (left, right) if (side == "left") == (i % 2 == 0 or pattern != "alternating") else (right, left)
    )
    if pattern == "synchronous":
        return [(first, 0.0), (second, draw.between(0.0, 0.06))]
    return [(first, 0.0)]


def _kick(
    out: StepList, draw: Draw, infant: Infant, legs: list[tuple[Leg, float]], at: float, unit: _Unit
) -> float:
    """Legs go out and come back; how the trunk is moved does not depend on how many there are."""
    flex = 1.0 if draw.chance(0.75) else -1.0
    for leg, lag in legs:
        peak = unit.peak_g * draw.spread(1.0, 0.1)
        swing(
            out,
            draw,
            infant,
            leg,
            at + lag,
            peak_g=peak,
            rise_s=unit.rise_s,
            fall_s=unit.fall_s,
            hold_s=unit.held_s,
            flex=flex,
        )
        if draw.chance(0.3):
            _heel(
                out,
                draw,
                infant,
                leg,
                at + lag + unit.back_s + 0.9 * unit.fall_s,
                draw.log_between(0.05, 0.5),
            )
    along = unit.carry > _TOGETHER and draw.chance(0.7)
    if along:
        _bend_along(out, draw, infant, at + draw.between(0.0, 0.06), unit, flex)
    for start, span in ((0.0, unit.rise_s), (unit.back_s, unit.fall_s)):
        push = min(0.6 * unit.peak_g * unit.carry * (unit.rise_s / span) ** 2, 0.5) * (0.6 if along else 1.0)
        lag = draw.between(0.01, 0.05)
        shake_trunk(out, draw, infant, at + start + lag, peak_g=push, rise_s=span, fall_s=span)
    return unit.span_s


def _bend_along(out: StepList, draw: Draw, infant: Infant, at: float, unit: _Unit, flex: float) -> None:
    """The pelvis tips and the chest curls up with the legs, stay as long as they do, and return."""
    lever = infant.body.pelvis_to_spine_m + infant.body.chest_lever_m
    angle = flex * angle_for(1.3 * unit.peak_g * unit.carry, unit.rise_s, lever, limit_rad=0.6)
    share = draw.between(0.1, 0.5)
    timing = {
        "rise_s": unit.rise_s * draw.between(0.9, 1.2),
        "fall_s": unit.fall_s * draw.between(0.9, 1.3),
        "hold_s": unit.held_s,
    }
    out.pulse(Channel.SPINE_FLEX, at, (1.0 + share) * angle, **timing)
    out.pulse(Channel.ROOT_PITCH, at, share * angle, **timing)
    out.pulse(Channel.SPINE_BEND, at, draw.between(-0.3, 0.3) * angle, **timing)
    out.pulse(Channel.ROOT_ROLL, at, draw.between(-0.3, 0.3) * angle, **timing)


def _lifted(
    out: StepList,
    draw: Draw,
    infant: Infant,
    legs: list[tuple[Leg, float]],
    at: float,
    carry: float,
    *,
    dropped: bool,
    hold_s: float | None,
) -> float:
    """Thighs are lifted, knees nearly straight, held 0-8 s, and let down or dropped [E].

    The pelvis tips backwards with them, more with two legs.
    """
    rise, hip = draw.log_between(0.3, 1.0), draw.between(0.35, 1.0)
    reach = infant.body.hip_lever_m
    rise = max(rise, float(np.sqrt(PEAK_ACCELERATION * hip * reach / (_LIFTED_G * GRAVITY))))
    default_s = draw.log_between(0.05, 1.5) if dropped else draw.log_between(0.8, 8.0)
    hold = default_s if hold_s is None else hold_s
    free_fall_s = float(np.sqrt(2.0 * hip * reach / GRAVITY))
    fall = (
        max(free_fall_s * draw.log_between(2.3, 3.6), 0.3) if dropped else rise * draw.log_between(1.0, 2.5)
    )
    straight = -draw.between(0.0, 0.8) * hip
    back = at + rise + hold
    for leg, lag in legs:
        for channel, angle in (
            (leg.hip, hip * draw.spread(1.0, 0.1)),
            (leg.knee, straight),
            (leg.abduction, hip * draw.between(-0.35, 0.1)),
        ):
            out.step(channel, at + lag, rise, angle)
            _return(out, channel, back + lag, fall, -angle, dropped=dropped)
        _waver(out, draw, leg.hip, at + lag + 0.8 * rise, hold)
        if dropped:
            _heel(out, draw, infant, leg, back + lag + 0.95 * fall, draw.log_between(0.1, 0.7))
    tip = (draw.between(0.03, 0.2) + 0.6 * min(0.6, carry)) * hip * (1.0 if len(legs) > 1 else 0.5)
    for channel, angle in ((Channel.ROOT_PITCH, tip), (Channel.SPINE_FLEX, draw.between(0.6, 1.5) * tip)):
        out.step(channel, at + 0.1 * rise, rise, angle)
        _return(out, channel, back, fall, -angle, dropped=dropped)
    if dropped:
        landing = draw.log_between(0.1, 0.8) * min(carry, 0.8)
        shake_trunk(out, draw, infant, back + 0.9 * fall, peak_g=landing, rise_s=0.05, fall_s=0.08)
    return rise + hold + fall


def _pushed(
    out: StepList, draw: Draw, infant: Infant, legs: list[tuple[Leg, float]], at: float, unit: _Unit
) -> float:
    """The heel slips a little and the trunk is pushed towards the head and lifted, then sinks back.

    One leg turns the pelvis as well. The trunk's peak is that of a kick's ankle at 0.2-0.8 of its strength,
    within 5 cm [E].
    """
    peak_g = unit.peak_g * draw.between(0.2, 0.8)
    way_m = min(peak_g * GRAVITY * unit.rise_s**2 / PEAK_ACCELERATION, 0.05)
    steep = draw.between(0.2, 1.1)
    along_m, up_m = way_m * float(np.cos(steep)), way_m * float(np.sin(steep))
    timing = {"rise_s": unit.rise_s, "fall_s": unit.fall_s * draw.between(1.0, 1.8), "hold_s": unit.held_s}
    tip = draw.between(0.0, 2.5) * up_m
    roll = 0.0 if len(legs) > 1 else legs[0][0].mirror * draw.between(1.0, 5.0) * up_m
    for channel, size in (
        (Channel.POS_X, along_m),
        (Channel.POS_Z, up_m),
        (Channel.ROOT_PITCH, tip),
        (Channel.SPINE_FLEX, tip * draw.between(-0.5, 1.0)),
        (Channel.ROOT_ROLL, -roll),
    ):
        out.pulse(channel, at, size, **timing)
    hip, knee = _braced(infant, along_m, up_m)
    for leg, _ in legs:
        out.pulse(leg.hip, at, hip - tip, **timing)
        out.pulse(leg.knee, at, knee, **timing)
        out.pulse(leg.abduction, at, draw.between(-0.1, 0.15), **timing)
    return unit.rise_s + max(unit.held_s, 0.0) + timing["fall_s"]


def _braced(infant: Infant, along_m: float, up_m: float) -> tuple[float, float]:
    """Turns of hip and knee that leave the ankle in its place while the hip moves: two links, solved."""
    hip, knee = _BENT_RAD
    thigh, shank, below = infant.body.thigh_m, infant.body.shank_m, hip - knee
    whole = thigh * shank * np.sin(knee)
    thigh_turn = shank * (up_m * np.sin(below) - along_m * np.cos(below)) / whole
    shank_turn = thigh * (along_m * np.cos(hip) - up_m * np.sin(hip)) / whole
    return float(thigh_turn), float(thigh_turn - shank_turn)


def _return(out: StepList, channel: Channel, at: float, span: float, delta: float, *, dropped: bool) -> None:
    """Back to rest: evenly, or falling ever faster until the mattress stops it."""
    for start, length, share in _FALL if dropped else ((0.0, 1.0, 1.0),):
        out.step(channel, at + start * span, length * span, share * delta)


def _waver(out: StepList, draw: Draw, channel: Channel, at: float, span: float) -> None:
    """A held leg sinks and is raised again."""
    t, level = at, 0.0
    while t < at + span - 0.6:
        target = 0.06 * draw.normal()
        step = draw.between(0.3, 0.6)
        out.step(channel, t, step, target - level)
        t, level = t + step, target
    if level:
        out.step(channel, t, 0.5, -level)


def _heel(out: StepList, draw: Draw, infant: Infant, leg: Leg, at: float, peak_g: float) -> None:
    """The heel on the mattress: the shank rings."""
    rate_hz = draw.between(*_HEEL_HZ)
    angle = peak_g * GRAVITY / ((2.0 * np.pi * rate_hz) ** 2 * infant.body.shank_m)
    out.ring(leg.knee, at, angle, rate_hz=rate_hz, decay=draw.between(0.3, 0.6))
