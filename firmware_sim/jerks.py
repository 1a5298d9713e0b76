"""Brief jerks one at a time: twitches, hiccups, startle.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
[Fn] its sources, [M] from memory of the literature, [E] an estimate, drawn from a wide range.
"""

from __future__ import annotations

from typing import Final

from dsp.records import Label
from firmware_sim.body import Arm, Leg
from firmware_sim.draw import Draw, Wander
from firmware_sim.movement import (
    Infant,
    Movement,
    arms_of,
    legs_of,
    mark_all,
    merged,
    nod,
    shake_trunk,
    swing,
    swing_arm,
)
from firmware_sim.steps import StepList
from firmware_sim.synergy import limb_synergy, trunk_synergy

__all__ = ["Limb", "flick", "hiccups", "limbs_of", "spindle_twitches", "startle", "twitches"]

Limb = Leg | Arm

_TWITCH_G: Final = (0.02, 0.15)
"""[E]"""


def limbs_of(side: str) -> tuple[Limb, ...]:
    """Arms, then legs of a side: left, right or both."""
    return (*arms_of(side), *legs_of(side))


def flick(
    out: StepList,
    draw: Draw,
    infant: Infant,
    limb: Limb,
    at_s: float,
    *,
    peak_g: float,
    rise_s: float,
    fall_s: float,
    hold_s: float = 0.0,
    flex: float = 1.0,
    outward: float | None = None,
) -> None:
    """One out-and-back of an arm or a leg that leaves the trunk alone; for `outward` see `swing_arm`."""
    if isinstance(limb, Leg):
        swing(
            out,
            draw,
            infant,
            limb,
            at_s,
            peak_g=peak_g,
            rise_s=rise_s,
            fall_s=fall_s,
            hold_s=hold_s,
            flex=flex,
        )
        return
    swing_arm(
        out,
        draw,
        infant,
        limb,
        at_s,
        peak_g=peak_g,
        rise_s=rise_s,
        fall_s=fall_s,
        hold_s=hold_s,
        flex=flex,
        outward=outward,
        reaction=0.0,
    )


def twitches(draw: Draw, infant: Infant, *, count: int | None = None) -> Movement:
    """A burst of small twitches of active sleep (row AS twitches).

    2-10 in a burst [E], mostly within 10 s [F26], bursty; 0.1-0.5 s, ankle 0.02-0.15 g, trunk below
    0.02 g [E]; hands and feet, left and right coupled more than others [F26].
    """
    out, at, n = StepList(), 0.0, count or draw.whole(2, 10)
    limb = draw.one_of(limbs_of("both"))
    sides: set[float] = set()
    for _ in range(n):
        _twitch(out, draw, infant, limb, at)
        sides.add(limb.mirror)
        limb = _next_limb(draw, limb)
        at += draw.log_between(0.12, 4.0)
    return mark_all(out.build(), Label.TWITCHES, "active_sleep_twitches", count=n, side=_side_told(sides))


def _twitch(out: StepList, draw: Draw, infant: Infant, limb: Limb, at_s: float) -> None:
    rise = draw.between(0.06, 0.2)
    flick(
        out,
        draw,
        infant,
        limb,
        at_s,
        peak_g=draw.log_between(*_TWITCH_G),
        rise_s=rise,
        fall_s=rise * draw.between(0.8, 2.5),
        hold_s=-draw.between(0.0, 0.3) * rise,
        flex=draw.sign(),
    )


def _next_limb(draw: Draw, limb: Limb) -> Limb:
    """The same, its fellow of the other side, or any."""
    if draw.chance(0.4):
        return limb
    fellow = next(one for one in limbs_of("both") if type(one) is type(limb) and one.mirror != limb.mirror)
    return fellow if draw.chance(0.5) else draw.one_of(limbs_of("both"))


def _side_told(mirrors: set[float]) -> str:
    if len(mirrors) == 2:
        return "both"
    return "left" if mirrors == {1.0} else "right"


def spindle_twitches(draw: Draw, infant: Infant, *, duration_s: float | None = None) -> Movement:
    """Small twitches of quiet sleep, tied to sleep spindles (row QS twitches).

    From 3 months [F27]; spindles about every 10 s [F28], CV 0.4-0.8, 1-3 twitches with each, 0.1-0.5 s, one
    or two small limbs at a time, ankle 0.02-0.15 g, trunk below 0.02 g [E].
    """
    total = duration_s or draw.log_between(60.0, 900.0)
    every_s, cv, out, at, count = draw.spread(10.0, 0.15), draw.between(0.4, 0.8), StepList(), 0.0, 0
    sides: set[float] = set()
    while at < total:
        limb, late = draw.one_of(limbs_of("both")), 0.0
        for _ in range(draw.one_of((1, 2, 3), (0.55, 0.3, 0.15))):
            _twitch(out, draw, infant, limb, at + late)
            sides.add(limb.mirror)
            count, late = count + 1, late + draw.between(0.15, 0.6)
            limb = _next_limb(draw, limb)
        at += max(draw.spread(every_s, cv), 2.0)
    return mark_all(out.build(), Label.TWITCHES, "spindle_twitches", count=count, side=_side_told(sides))


def hiccups(draw: Draw, infant: Infant, *, duration_s: float | None = None) -> Movement:
    """A bout of hiccups: the trunk jerks, the head nods, the legs hardly stir (row Hiccup).

    Intervals 2-6 s in neonates [M], or a mean of 11.4 s between 6.3 and 21.4 s with CV 0.25 [F24]; bout
    8.4 +- 4.2 min [F23]; 0.2-0.5 s, trunk 0.05-0.3 g, ankle below 0.05 g [E].
    """
    total = duration_s or max(60.0, 60.0 * (8.4 + 4.2 * draw.normal()))
    mean = draw.between(2.0, 6.0) if draw.chance(0.5) else draw.between(7.0, 15.0)
    habit, out, at, count = _HiccupHabit(draw, infant), StepList(), 0.0, 0
    while at < total:
        _hiccup(out, draw, infant, at, habit)
        at, count = at + max(draw.spread(mean, 0.25), 1.0), count + 1
    return mark_all(out.build(), Label.HICCUPS, "hiccups", count=count, side="unknown")


class _HiccupHabit:
    """What the hiccups of one bout have in common."""

    __slots__ = ("fall_s", "legs", "nod", "peak_g", "rise_s", "strength", "trunk")

    def __init__(self, draw: Draw, infant: Infant) -> None:
        self.peak_g = draw.log_between(0.05, 0.3)
        self.rise_s, self.fall_s = draw.between(0.08, 0.18), draw.between(0.12, 0.32)
        pelvis = draw.between(0.03, 0.2)
        self.trunk = trunk_synergy(draw, infant, pelvis=pelvis, axial=draw.between(0.3, 0.95))
        self.legs = {
            limb: (limb_synergy(draw, infant, limb), draw.between(0.02, 0.12)) for limb in limbs_of("both")
        }
        self.nod = draw.between(0.1, 0.6) * draw.one_of((-1.0, 1.0), (0.7, 0.3))
        self.strength = Wander(draw, 0.2, memory=0.5)


def _hiccup(out: StepList, draw: Draw, infant: Infant, at: float, habit: _HiccupHabit) -> None:
    peak = min(habit.peak_g * habit.strength.next(), 0.4)
    timing = {"rise_s": draw.spread(habit.rise_s, 0.12), "fall_s": draw.spread(habit.fall_s, 0.15)}
    habit.trunk.pull(out, draw, at, peak_g=peak, vary=0.08, **timing)
    lag, sign = draw.between(0.0, 0.03), 1.0 if habit.nod > 0.0 else -1.0
    nod(out, draw, infant, at + lag, peak_g=peak * abs(habit.nod), flex=sign, reaction=0.0, **timing)
    for synergy, share in habit.legs.values():
        synergy.pull(out, draw, at + 0.02, peak_g=min(peak * share, 0.03), **timing)


def startle(draw: Draw, infant: Infant, *, pair: bool = False) -> Movement:
    """All limbs at once, outwards first, then slowly back; arms more than legs (row Moro/startle).

    1-2 s [E]; ankle 0.5-2 g, trunk 0.2-0.8 g [E]; simultaneous and symmetric, the head drops [F30]. The
    arms fly out and come together again as in an embrace. A pair is a weaker one within seconds [E].
    """
    first = _startle(draw, infant, 1.0)
    if not pair:
        return first
    second = _startle(draw, infant, draw.between(0.4, 0.9))
    return merged([first, second.shifted(first.duration_s + draw.log_between(0.3, 5.0))])


def _startle(draw: Draw, infant: Infant, strength: float) -> Movement:
    out = StepList()
    rise, hold = draw.between(0.09, 0.25), draw.between(-0.02, 0.4)
    fall, legs_flex = draw.between(0.5, 1.3), -1.0 if draw.chance(0.75) else 1.0
    peak = strength * draw.log_between(0.5, 2.0)
    arms = draw.between(1.1, 1.8)
    for limb in limbs_of("both"):
        arm = limb if isinstance(limb, Arm) else None
        flick(
            out,
            draw,
            infant,
            limb,
            draw.between(0.0, 0.03),
            peak_g=min(peak * (arms if arm else 1.0), 3.0) * draw.between(0.8, 1.0),
            rise_s=rise,
            fall_s=fall * draw.between(0.8, 1.2),
            hold_s=hold,
            flex=-1.0 if arm else legs_flex,
            outward=draw.between(0.6, 0.95) if arm else None,
        )
        if arm:
            _embrace(out, draw, arm, rise + max(hold, 0.0) + 0.3 * fall, fall)
    trunk = strength * draw.log_between(0.2, 0.8)
    shake_trunk(out, draw, infant, 0.0, peak_g=trunk, rise_s=rise, fall_s=fall)
    drop = {"peak_g": trunk * draw.between(0.5, 1.5), "rise_s": rise * 1.2, "fall_s": fall}
    nod(out, draw, infant, draw.between(0.0, 0.04), **drop, flex=-1.0, reaction=0.0)
    return mark_all(out.build(), Label.STARTLE, "startle")


def _embrace(out: StepList, draw: Draw, arm: Arm, at_s: float, span_s: float) -> None:
    across = draw.between(0.05, 0.5)
    timing = {"rise_s": span_s * draw.between(0.4, 0.6), "fall_s": span_s * draw.between(0.5, 0.8)}
    out.pulse(arm.abduction, at_s, -across, **timing)
    out.pulse(arm.elbow, at_s, across * draw.between(0.3, 1.2), **timing)
