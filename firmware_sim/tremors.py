"""Fine rhythmic movement: trembling, jitteriness, shuddering, sucking.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
[Fn] its sources, [M] from memory of the literature, [E] an estimate, drawn from a wide range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from dsp.records import Label
from firmware_sim.body import GRAVITY, Arm, Leg
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant, Movement, arms_of, legs_of, mark_all, merged
from firmware_sim.steps import Channel, StepList

__all__ = ["jitteriness", "shuddering", "sucking", "tremble", "tremor_angle"]

_OVERLAP: Final = 1.5
"""Span of a half swing over the time to the next: overlapping ones add up to nearly a sine."""
_OVERLAP_GAIN: Final = 0.856
"""Amplitude that is left of a swing when the next begins before it is over (for `_OVERLAP`)."""

_HEAD: Final = (Channel.HEAD_NOD, Channel.HEAD_TURN, Channel.HEAD_TILT)
_TRUNK: Final = (Channel.SPINE_FLEX, Channel.SPINE_BEND, Channel.SPINE_TWIST)
_BURST_CV: Final = 0.45
"""Of the sucks in a burst [E]. What is published is taken for their mean; `Draw.spread` asks for the median."""


def tremble(
    out: StepList,
    draw: Draw,
    axes: Mapping[Channel, float],
    at_s: float,
    span_s: float,
    *,
    rate_hz: float,
    cv: float = 0.12,
    swell: float | None = None,
    slowing: float = 1.0,
) -> int:
    """Swing several channels to and fro together, waxing and waning, from rest to rest.

    Args:
        out: Takes the steps.
        draw: Random stream.
        axes: Channels and how far each swings to either side, rad or m.
        at_s: Start.
        span_s: Length.
        rate_hz: Swings to and fro a second.
        cv: Spread of the half swings' lengths.
        swell: Share of the span after which it is strongest; drawn when None.
        slowing: Rate at the end over rate at the start.

    Returns:
        The number of whole swings.
    """
    swell = draw.between(0.2, 0.6) if swell is None else swell
    at, level, count, lengthen = 0.0, 0.0, 0, _OVERLAP
    while at < span_s:
        done = at / span_s
        half = 0.5 / (rate_hz * slowing**done) * draw.spread(1.0, cv)
        envelope = min(done / max(swell, 1e-6), (1.0 - done) / max(1.0 - swell, 1e-6), 0.7) / 0.7
        target = (1.0 if count % 2 == 0 else -1.0) * envelope * draw.spread(1.0, 0.2) / _OVERLAP_GAIN
        _move(out, axes, at_s + at, lengthen * half, target - level)
        level, at, count = target, at + half, count + 1
    _move(out, axes, at_s + at, lengthen * 0.5 / (rate_hz * slowing), -level)
    return (count + 1) // 2


def _move(out: StepList, axes: Mapping[Channel, float], at_s: float, span_s: float, share: float) -> None:
    for channel, reach in axes.items():
        out.step(channel, at_s, span_s, share * reach)


def tremor_angle(peak_g: float, rate_hz: float, lever_m: float) -> float:
    """Turn to either side (rad) that accelerates the end of a lever by `peak_g` in a sine of `rate_hz`."""
    return peak_g * GRAVITY / ((6.283185307179586 * rate_hz) ** 2 * lever_m)


def _limb(draw: Draw, limb: Leg | Arm, angle: float) -> dict[Channel, float]:
    root, middle = (limb.hip, limb.knee) if isinstance(limb, Leg) else (limb.flexion, limb.elbow)
    return _all(draw, (root, limb.rotation, middle), angle)


def _all(draw: Draw, channels: tuple[Channel, ...], angle: float) -> dict[Channel, float]:
    return {channel: angle * draw.sign() * draw.between(0.25, 1.0) for channel in channels}


def jitteriness(
    draw: Draw, infant: Infant, *, duration_s: float | None = None, coarse: bool | None = None
) -> Movement:
    """Trembling of the newborn's limbs and chin (row Jitteriness).

    Fine above 6 Hz, coarse slower [F31], 6-12 Hz [M]; CV below 0.15, 5-100 swings, 1-20 s, ankle
    0.02-0.15 g, trunk below 0.03 g [E]; an oscillation to both sides alike, without pauses.
    """
    coarse = draw.chance(0.3) if coarse is None else coarse
    rate = draw.between(3.0, 6.0) if coarse else draw.between(6.0, 12.0)
    total = duration_s or min(max(draw.log_between(1.0, 20.0), 5.0 / rate), 100.0 / rate)
    peak, cv, out, count = draw.log_between(0.02, 0.15), draw.between(0.04, 0.14), StepList(), 0
    share = draw.log_between(0.3, 1.0)
    for arm, leg in zip(arms_of("both"), legs_of("both"), strict=True):
        lag, uneven = draw.between(0.0, 0.1), draw.spread(1.0, 0.25)
        axes = _limb(draw, arm, uneven * tremor_angle(peak, rate, infant.body.arm_lever_m))
        axes |= _limb(draw, leg, share * uneven * tremor_angle(peak, rate, infant.body.shank_m))
        count = max(count, tremble(out, draw, axes, lag, total, rate_hz=rate, cv=cv))
    axes = {Channel.HEAD_NOD: tremor_angle(0.5 * peak, rate, infant.body.head_lever_m)}
    axes |= _all(draw, _TRUNK, tremor_angle(0.08 * peak, rate, infant.body.chest_lever_m))
    tremble(out, draw, axes, 0.0, total, rate_hz=rate, cv=cv)
    return mark_all(out.build(), Label.TREMOR, "jitteriness", count=count)


def shuddering(
    draw: Draw, infant: Infant, *, count: int | None = None, duration_s: float | None = None
) -> Movement:
    """Shivers of head, shoulders and arms, several in a row, awake (row Shuddering).

    4-12 Hz [M], CV below 0.2 [E]; 5-6 s [F39], 5-15 s [F40]; clusters, 5 to over 100 a day [F39]; ankle
    below 0.1 g, trunk 0.05-0.2 g [E]. The neck draws in and the arms bend a little while it lasts.
    """
    rate, peak = draw.between(4.0, 12.0), draw.log_between(0.05, 0.2)
    parts, at = [], 0.0
    for _ in range(count or draw.log_whole(1, 8)):
        shiver = _shudder(draw, infant, draw.spread(rate, 0.08), draw.spread(peak, 0.25), duration_s)
        parts.append(shiver.shifted(at))
        at += shiver.duration_s + draw.log_between(3.0, 90.0)
    return merged(parts)


def _shudder(draw: Draw, infant: Infant, rate: float, peak: float, duration_s: float | None) -> Movement:
    total = duration_s or (draw.between(5.0, 6.5) if draw.chance(0.5) else draw.between(5.0, 15.0))
    out, cv = StepList(), draw.between(0.05, 0.18)
    axes = _all(draw, _TRUNK, tremor_angle(peak, rate, infant.body.chest_lever_m))
    axes |= _all(draw, _HEAD, tremor_angle(peak, rate, infant.body.head_lever_m) * draw.between(0.5, 1.5))
    for arm, leg in zip(arms_of("both"), legs_of("both"), strict=True):
        axes |= _limb(draw, arm, tremor_angle(peak, rate, infant.body.arm_lever_m) * draw.between(0.5, 1.5))
        axes |= _limb(draw, leg, 0.15 * tremor_angle(peak, rate, infant.body.shank_m))
    swings = tremble(out, draw, axes, 0.0, total, rate_hz=rate, cv=cv, slowing=draw.between(0.8, 1.0))
    timing = {"rise_s": draw.between(0.4, 1.0), "fall_s": draw.between(0.6, 1.5), "hold_s": 0.6 * total}
    out.pulse(Channel.HEAD_NOD, 0.0, draw.between(0.02, 0.25), **timing)
    out.pulse(Channel.SPINE_FLEX, 0.0, draw.between(0.0, 0.12), **timing)
    for arm in arms_of("both"):
        out.pulse(arm.flexion, draw.between(0.0, 0.2), draw.between(0.0, 0.3), **timing)
        out.pulse(arm.elbow, draw.between(0.0, 0.2), draw.between(0.05, 0.5), **timing)
    return mark_all(out.build(), Label.TREMOR, "shuddering", count=swings)


def sucking(
    draw: Draw, infant: Infant, *, nutritive: bool | None = None, duration_s: float | None = None
) -> Movement:
    """Sucking, at the breast or for comfort: the jaw works, the head nods by a hair (rows Sucking).

    Nutritive about 1 Hz [M], CV 0.1-0.2 [E], without pause for minutes and then in bursts of 10-30.
    Comfort sucking 2.09 Hz at 3 months and 2.11 Hz at 12, bursts of 9.6 sucks (4.74 s) falling to 3.75
    (1.67 s), 4.5 falling to 2.5 bursts a minute [F37]. What the head does: 5-40 mg; the trunk a tenth [E].
    """
    nutritive = draw.chance(0.4) if nutritive is None else nutritive
    total = duration_s or (draw.log_between(120.0, 900.0) if nutritive else draw.log_between(30.0, 400.0))
    out, at, count = StepList(), 0.0, 0
    rate = draw.spread(1.0, 0.12) if nutritive else draw.spread(2.1, 0.06)
    axes = _jaw(draw, infant, rate)
    while at < total:
        n, pause_s = _burst(draw, infant.age_days, nutritive=nutritive, early=at < 0.4 * total)
        span = min(n / rate, total - at) if nutritive else n / rate
        cv = draw.between(0.1, 0.2) if nutritive else draw.between(0.06, 0.12)
        count += tremble(out, draw, axes, at, span, rate_hz=rate, cv=0.7 * cv, swell=0.1)
        at += span + pause_s
    name = "sucking_nutritive" if nutritive else "sucking_non_nutritive"
    return mark_all(out.build(), Label.MOVEMENT, name, count=count, side="unknown")


def _jaw(draw: Draw, infant: Infant, rate: float) -> dict[Channel, float]:
    nod = tremor_angle(draw.log_between(0.005, 0.04), rate, infant.body.head_lever_m)
    sway = tremor_angle(draw.log_between(0.0005, 0.004), rate, infant.body.chest_lever_m)
    return {
        Channel.HEAD_NOD: min(nod, 0.08),
        Channel.HEAD_TILT: 0.3 * min(nod, 0.08) * draw.between(-1.0, 1.0),
        Channel.SPINE_FLEX: min(sway, 0.01),
        Channel.ROOT_PITCH: min(sway, 0.01) * draw.between(-0.3, 0.3),
    }


def _burst(draw: Draw, age_days: int, *, nutritive: bool, early: bool) -> tuple[int, float]:
    """Sucks in the next burst and the pause after it."""
    if nutritive:
        return (
            (draw.whole(60, 200), draw.between(1.0, 4.0))
            if early
            else (draw.whole(10, 30), draw.between(3.0, 12.0))
        )
    older = min(max((age_days - 91) / 274.0, 0.0), 1.0)
    mean = 9.6 + older * (3.75 - 9.6)
    n = max(2, round(draw.spread(mean / math.sqrt(1.0 + _BURST_CV**2), _BURST_CV)))
    every_s = 60.0 / (4.5 + older * (2.5 - 4.5))
    return n, max(draw.spread(every_s, 0.4) - n / 2.1, 1.0)
