"""Brief jerks: sleep jerk trains, twitches, hiccups, startle.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
[Fn] its sources, [M] from memory of the literature, [E] an estimate, drawn from a wide range.
"""

from __future__ import annotations

from typing import Final

from dsp.records import Label
from firmware_sim.body import Leg
from firmware_sim.draw import Draw
from firmware_sim.movement import (
    Infant,
    Movement,
    angle_for,
    draw_side,
    legs_of,
    mark_all,
    merged,
    shake_trunk,
    swing,
)
from firmware_sim.steps import StepList

__all__ = ["hiccups", "sleep_jerk_train", "spindle_twitches", "startle", "twitches"]

_FAST_JERK_SHARE: Final = 0.07
"""Share of trains faster than the typical 1-5 Hz, up to 15 Hz [F4, row BNSM]; the share itself [E]."""


def sleep_jerk_train(
    draw: Draw,
    infant: Infant,
    *,
    trains: int | None = None,
    side: str | None = None,
    rate_hz: float | None = None,
    train_s: float | None = None,
) -> Movement:
    """Trains of jerks in sleep, with pauses between them (row BNSM).

    Typically 1-5 Hz, up to 15 [F4,F5]; CV 0.15-0.5 [E]; trains of several seconds, 2-3 or 10-20 s
    [F5,F7]; EMG 40-300 ms [M]; ankle 0.1-0.6 g, trunk up to 0.15 g [E]; mostly both legs [F3],
    sometimes one [F6]. Habits of an episode (rate, strength, side) hold for all its trains.
    """
    side = side or draw_side(draw, 0.75)
    rate = rate_hz or (draw.between(5, 12) if draw.chance(_FAST_JERK_SHARE) else draw.log_between(1.0, 5.0))
    habit = _JerkHabit(draw, rate, side)
    parts, at = [], 0.0
    for _ in range(trains or draw.log_whole(1, 12)):
        train = _jerk_train(draw, infant, habit, train_s or draw.log_between(2.0, 20.0))
        parts.append(train.shifted(at))
        at += train.duration_s + draw.log_between(2.5, 40.0)
    return merged(parts)


class _JerkHabit:
    """What the jerks of one episode have in common."""

    __slots__ = ("cv", "lag_s", "peak_g", "rate_hz", "rise_s", "side", "trunk", "weaker")

    def __init__(self, draw: Draw, rate_hz: float, side: str) -> None:
        self.rate_hz, self.side = rate_hz, side
        self.cv = draw.between(0.15, 0.5)
        self.peak_g = draw.log_between(0.1, 0.6)
        self.rise_s = min(draw.log_between(0.05, 0.16), 0.4 / rate_hz)
        self.trunk = draw.log_between(0.02, 0.25)
        self.weaker = draw.between(0.4, 1.0)
        self.lag_s = draw.between(0.0, 0.03)


def _jerk_train(draw: Draw, infant: Infant, habit: _JerkHabit, train_s: float) -> Movement:
    out, at, count = StepList(), 0.0, 0
    while count < 3 or at < train_s:
        peak = min(draw.spread(habit.peak_g, 0.35), 0.6)
        _jerk(out, draw, infant, at, habit, peak)
        at, count = at + max(draw.spread(1.0 / habit.rate_hz, habit.cv), 0.06), count + 1
    return mark_all(out.build(), Label.SLEEP_JERK_TRAIN, "bnsm", count=count, side=habit.side)


def _jerk(out: StepList, draw: Draw, infant: Infant, at: float, habit: _JerkHabit, peak: float) -> None:
    rise = draw.spread(habit.rise_s, 0.2)
    fall = min(rise * draw.between(1.2, 3.0), max(0.9 / habit.rate_hz, rise))
    legs = legs_of(habit.side)
    for order, leg in enumerate(legs):
        gain = 1.0 if order == 0 else habit.weaker * draw.spread(1.0, 0.15)
        swing(out, draw, infant, leg, at + order * habit.lag_s, peak_g=peak * gain, rise_s=rise, fall_s=fall)
    trunk = min(peak * habit.trunk, 0.15)
    shake_trunk(out, draw, infant, at + draw.between(0.0, 0.02), peak_g=trunk, rise_s=rise, fall_s=fall)


def twitches(draw: Draw, infant: Infant, *, count: int | None = None) -> Movement:
    """A burst of small twitches of active sleep (row AS twitches).

    2-10 in a burst [E], mostly within 10 s [F26], bursty; 0.1-0.5 s, ankle 0.02-0.15 g, trunk below
    0.02 g [E]; one leg after the other, left and right coupled [F26].
    """
    out, at, n = StepList(), 0.0, count or draw.whole(2, 10)
    leg = draw.one_of(legs_of("both"))
    seen: set[Leg] = set()
    for _ in range(n):
        rise = draw.between(0.06, 0.2)
        peak = draw.log_between(0.02, 0.15)
        swing(
            out,
            draw,
            infant,
            leg,
            at,
            peak_g=peak,
            rise_s=rise,
            fall_s=rise * draw.between(0.8, 2.5),
            flex=draw.sign(),
        )
        seen.add(leg)
        leg = draw.one_of(legs_of("both"), (1.0, 1.0)) if draw.chance(0.5) else leg
        at += draw.log_between(0.12, 4.0)
    side = "both" if len(seen) == 2 else ("left" if seen == set(legs_of("left")) else "right")
    return mark_all(out.build(), Label.TWITCHES, "active_sleep_twitches", count=n, side=side)


def spindle_twitches(draw: Draw, infant: Infant, *, duration_s: float | None = None) -> Movement:
    """Small twitches of quiet sleep, tied to sleep spindles (row QS twitches).

    From 3 months [F27]; spindles about every 10 s [F28], CV 0.4-0.8, 1-3 twitches with each, 0.1-0.5 s, one
    distal limb at a time, ankle 0.02-0.15 g, trunk below 0.02 g [E].
    """
    total = duration_s or draw.log_between(60.0, 900.0)
    every_s, cv, out, at, count = draw.spread(10.0, 0.15), draw.between(0.4, 0.8), StepList(), 0.0, 0
    while at < total:
        for i in range(n := draw.whole(1, 3)):
            rise, leg = draw.between(0.05, 0.18), draw.one_of(legs_of("both"))
            out.pulse(
                leg.knee,
                at + i * draw.between(0.2, 0.6),
                angle_for(draw.log_between(0.02, 0.15), rise, infant.body.shank_m) * draw.sign(),
                rise_s=rise,
                fall_s=rise * draw.between(0.9, 2.0),
                hold_s=-0.2 * rise,
            )
        at, count = at + max(draw.spread(every_s, cv), 2.0), count + n
    return mark_all(out.build(), Label.TWITCHES, "spindle_twitches", count=count)


def hiccups(draw: Draw, infant: Infant, *, duration_s: float | None = None) -> Movement:
    """A bout of hiccups: the trunk jerks, the legs hardly (row Hiccup).

    Intervals 2-6 s in neonates [M], or a mean of 11.4 s between 6.3 and 21.4 s with CV 0.25 [F24]; bout
    8.4 +- 4.2 min [F23]; 0.2-0.5 s, trunk 0.05-0.3 g, ankle below 0.05 g [E].
    """
    total = duration_s or max(60.0, 60.0 * (8.4 + 4.2 * draw.normal()))
    mean = draw.between(2.0, 6.0) if draw.chance(0.5) else draw.between(7.0, 15.0)
    peak, out, at, count = draw.log_between(0.05, 0.3), StepList(), 0.0, 0
    while at < total:
        _hiccup(out, draw, infant, at, draw.spread(peak, 0.2))
        at, count = at + max(draw.spread(mean, 0.25), 1.0), count + 1
    return mark_all(out.build(), Label.HICCUPS, "hiccups", count=count, side="unknown")


def _hiccup(out: StepList, draw: Draw, infant: Infant, at: float, peak: float) -> None:
    rise = draw.between(0.08, 0.18)
    fall = draw.between(0.12, 0.32)
    shake_trunk(out, draw, infant, at, peak_g=peak, rise_s=rise, fall_s=fall, pelvis=draw.between(0.03, 0.2))
    for leg in legs_of("both"):
        small = min(peak * draw.between(0.02, 0.12), 0.03)
        swing(out, draw, infant, leg, at + 0.02, peak_g=small, rise_s=rise, fall_s=fall)


def startle(draw: Draw, infant: Infant) -> Movement:
    """All limbs at once, outwards first, then slowly back (row Moro/startle).

    1-2 s [E]; ankle 0.5-2 g, trunk 0.2-0.8 g [E]; simultaneous and symmetric [F30].
    """
    out = StepList()
    rise, hold = draw.between(0.09, 0.25), draw.between(-0.02, 0.4)
    fall = draw.between(0.5, 1.3)
    peak, flex = draw.log_between(0.5, 2.0), -1.0 if draw.chance(0.75) else 1.0
    for leg in legs_of("both"):
        swing(
            out,
            draw,
            infant,
            leg,
            draw.between(0.0, 0.03),
            peak_g=peak * draw.between(0.8, 1.0),
            rise_s=rise,
            fall_s=fall * draw.between(0.8, 1.2),
            hold_s=hold,
            flex=flex,
        )
    shake_trunk(out, draw, infant, 0.0, peak_g=draw.log_between(0.2, 0.8), rise_s=rise, fall_s=fall)
    return mark_all(out.build(), Label.STARTLE, "startle")
