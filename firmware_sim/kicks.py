"""Kicking: the confounder that matters most.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
[Fn] its sources, [E] an estimate, drawn from a wide range.
"""

from __future__ import annotations

from typing import Final

from dsp.records import Label
from firmware_sim.body import Leg
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant, Movement, draw_side, legs_of, mark_all, shake_trunk, swing
from firmware_sim.steps import StepList

__all__ = ["PATTERNS", "draw_pattern", "kicking"]

PATTERNS: Final = ("unilateral", "alternating", "synchronous")
_SYNCHRONOUS_FROM_DAYS: Final = 150
"""Both legs at once from about five months [F35b]."""
_UNILATERAL_FROM_DAYS: Final = 30
_HEEL_HZ: Final = (11.0, 22.0)
"""Ringing of a shank after the heel meets the mattress [E]."""


def draw_pattern(draw: Draw, age_days: int) -> str:
    """Alternating in the newborn, one leg from one month, both from five [F35b]; never only one way [E]."""
    if age_days < _UNILATERAL_FROM_DAYS:
        weights = (0.3, 0.55, 0.15)
    elif age_days < _SYNCHRONOUS_FROM_DAYS:
        weights = (0.5, 0.3, 0.2)
    else:
        weights = (0.3, 0.2, 0.5)
    return draw.one_of(PATTERNS, weights)


def kicking(
    draw: Draw,
    infant: Infant,
    *,
    count: int | None = None,
    pattern: str | None = None,
    carry: float | None = None,
    skew: float | None = None,
    held_s: float | None = None,
) -> Movement:
    """A bout of kicks.

    0.23-0.33 s a movement unit, infants' peaks 0.32-0.90 g [F34]; the movement is constrained and the
    pause is not [F35]: 0.4-3 s apart, 2-30 in a bout; trunk 0.05-0.3 g [E], here from hardly to as much
    as the leg. Half of the kicks come back faster or slower than they went, some are held at their end.

    Args:
        draw: Random stream.
        infant: Whose body and habits.
        count: Kicks in the bout.
        pattern: One of PATTERNS.
        carry: Share of the ankle's peak that shakes the trunk.
        skew: Return time over outward time.
        held_s: Time the leg stays at its end.
    """
    n = count or draw.log_whole(2, 30)
    pattern = pattern or draw_pattern(draw, infant.age_days)
    carry = draw.spread(infant.kick_carry, 0.6) if carry is None else carry
    unit_s, pace_s = draw.between(0.23, 0.33), draw.log_between(0.4, 3.0)
    side, out, at = draw_side(draw, 0.0), StepList(), 0.0
    for i in range(n):
        ratio = skew or (draw.log_between(0.5, 2.5) if draw.chance(0.5) else 1.0)
        held = held_s if held_s is not None else _held(draw)
        rise = draw.spread(unit_s, 0.15)
        peak = draw.spread(infant.kick_g, 0.3)
        for leg, lag in _taking_part(draw, pattern, side, i):
            _kick(
                out,
                draw,
                infant,
                leg,
                at + lag,
                peak=peak * draw.spread(1.0, 0.1),
                rise=rise,
                fall=rise * ratio,
                held=held,
                carry=carry,
            )
        at += rise * (1.0 + ratio) + max(held, 0.0) + draw.spread(pace_s, draw.between(0.5, 1.2)) * 0.7
    shown = side if pattern == "unilateral" else "both"
    return mark_all(out.build(), Label.MOVEMENT, f"kicking_{pattern}", count=n, side=shown)


def _held(draw: Draw) -> float:
    return draw.log_between(0.1, 1.5) if draw.chance(0.25) else draw.between(-0.06, 0.1)


def _taking_part(draw: Draw, pattern: str, side: str, i: int) -> list[tuple[Leg, float]]:
    left, right = legs_of("both")
    first, second = (
        (left, right) if (side == "left") == (i % 2 == 0 or pattern != "alternating") else (right, left)
    )
    if pattern == "synchronous":
        return [(first, 0.0), (second, draw.between(0.0, 0.06))]
    return [(first, 0.0)]


def _kick(
    out: StepList,
    draw: Draw,
    infant: Infant,
    leg: Leg,
    at: float,
    *,
    peak: float,
    rise: float,
    fall: float,
    held: float,
    carry: float,
) -> None:
    flex = 1.0 if draw.chance(0.75) else -1.0
    swing(out, draw, infant, leg, at, peak_g=peak, rise_s=rise, fall_s=fall, hold_s=held, flex=flex)
    back = at + rise + max(held, 0.0)
    for start, span in ((at, rise), (back, fall)):
        push = min(0.6 * peak * carry * (rise / span) ** 2, 0.5)
        shake_trunk(
            out, draw, infant, start + draw.between(0.01, 0.05), peak_g=push, rise_s=span, fall_s=span
        )
    if draw.chance(0.3):
        swing_deg = draw.log_between(0.002, 0.012)
        out.ring(
            leg.knee,
            back + 0.9 * fall,
            swing_deg,
            rate_hz=draw.between(*_HEEL_HZ),
            decay=draw.between(0.3, 0.6),
        )
