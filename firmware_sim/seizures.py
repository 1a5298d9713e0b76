"""Clonic, tonic and tonic-clonic movement.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
[Fn] its sources, [M] from memory of the literature, [E] an estimate, drawn from a wide range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from dsp.records import Label
from firmware_sim.body import Arm
from firmware_sim.draw import Draw, Wander
from firmware_sim.jerks import Limb, limbs_of
from firmware_sim.movement import (
    Infant,
    Mark,
    Movement,
    arms_of,
    draw_side,
    legs_of,
    mark_all,
    nod,
)
from firmware_sim.steps import Channel, StepList
from firmware_sim.synergy import Synergy, limb_synergy, trunk_synergy
from firmware_sim.tremors import tremble, tremor_angle
from firmware_sim.waves import waver
from firmware_sim.whole_body import bow

__all__ = ["clonic", "stiffening", "tonic_clonic"]

_Side = Literal["left", "right", "both"]

_NEONATE_DAYS: Final = 60
"""Younger ones jerk on one side as a rule: neonates have no generalised clonic seizures [F42]."""
_LONG_S: Final = 60.0
"""From this length on stiffening or jerking is a `long_movement` with its phases as members."""
_BURST_MIN_S: Final = 0.25
"""Shortest contraction of a clonic jerk [F32]."""
_FEBRILE_FROM_DAYS: Final = 180
"""Febrile convulsions: 6 months to 6 years [F44]."""
_LONG_FEBRILE_SHARE: Final = 0.18
"""[F33]"""
_TREMOR_HZ: Final = (8.0, 25.0)
"""Over a tonic posture [E]."""


@dataclass(frozen=True, slots=True)
class _Clonus:
    """What the jerks of one run have in common."""

    rate_hz: float
    slowing: float
    """rate at the end over rate at the start"""
    cv: float
    pulls: tuple[tuple[Synergy, float], ...]
    """how each limb that jerks is pulled, and how strongly"""
    trunk_pull: Synergy
    peak_g: float
    trunk: float
    head: float
    burst_min_s: float = _BURST_MIN_S


def clonic(
    draw: Draw,
    infant: Infant,
    *,
    duration_s: float | None = None,
    side: _Side | None = None,
    rate_hz: float | None = None,
) -> Movement:
    """Rhythmic jerking that slows down (row Clonic seizure).

    0.2-5 Hz [F32], neonatal 1-4 [M], slowing over time [F32], CV 0.1-0.3 [E], bursts of 250 ms and more
    [F32], 10 s to minutes; focal in neonates [F42]: an arm, a leg, or both of a side; ankle 0.1-1 g, trunk
    0.05-0.5 g [E]. Each jerk contracts faster than it lets go. It goes on when the infant stirs or wakes.

    Args:
        draw: Random stream.
        infant: Whose body.
        duration_s: Length of the run.
        side: left, right or both; the leg takes part when a side is given.
        rate_hz: Jerks a second at the start.
    """
    told = side or draw_side(draw, 0.15 if infant.age_days < _NEONATE_DAYS else 0.6)
    total = duration_s or draw.log_between(10.0, 150.0)
    fast = draw.log_between(1.0, 3.6) if infant.age_days < _NEONATE_DAYS else draw.log_between(0.8, 3.8)
    clonus = _Clonus(
        rate_hz=rate_hz or fast,
        slowing=draw.between(0.35, 0.8),
        cv=draw.between(0.1, 0.3),
        pulls=_pulls(draw, infant, _taking_part(draw, told, leg=side is not None)),
        trunk_pull=trunk_synergy(draw, infant),
        peak_g=draw.log_between(0.1, 1.0),
        trunk=draw.log_between(0.1, 0.6) * (1.0 if told == "both" else 0.6),
        head=draw.log_between(0.05, 1.0),
    )
    out = StepList()
    count = _jerks(out, draw, infant, clonus, 0.0, total)
    run = mark_all(out.build(), Label.RHYTHMIC_JERKING, "clonic", count=count, side=told)
    return _told_long(run, "clonic")


def _taking_part(draw: Draw, side: str, *, leg: bool) -> dict[Limb, float]:
    """A focal run may stay in an arm or a leg; else arm and leg share it unevenly."""
    arm_only, leg_only = (0.0, 0.15) if leg else (0.2, 0.25)
    part = draw.one_of(("arm", "leg", "all"), (arm_only, leg_only, 1.0 - arm_only - leg_only))
    if side != "both" and part != "all":
        return dict.fromkeys(arms_of(side) if part == "arm" else legs_of(side), 1.0)
    arm, weaker = draw.between(0.5, 1.8), draw.between(0.5, 1.0)
    weak_side = draw.sign()
    return {
        limb: (arm if isinstance(limb, Arm) else 1.0)
        * (weaker if side == "both" and limb.mirror == weak_side else 1.0)
        for limb in limbs_of(side)
    }


def _pulls(draw: Draw, infant: Infant, gains: dict[Limb, float]) -> tuple[tuple[Synergy, float], ...]:
    """One side jerks one way; the other mirrors it roughly."""
    flex = draw.one_of((1.0, -1.0), (0.8, 0.2))
    return tuple((limb_synergy(draw, infant, limb, flex=flex), gain) for limb, gain in gains.items())


def _jerks(out: StepList, draw: Draw, infant: Infant, clonus: _Clonus, from_s: float, total_s: float) -> int:
    strength, pace = Wander(draw, 0.25, memory=0.8), Wander(draw, 0.06, memory=0.9)
    grows_s, fades = draw.between(0.5, 6.0), draw.between(0.3, 1.0)
    share = draw.between(0.35, 0.6)
    at, count = 0.0, 0
    while at < total_s:
        done = at / total_s
        now_hz = clonus.rate_hz * clonus.slowing**done * pace.next()
        burst = min(max(clonus.burst_min_s, share / now_hz), max(0.9 / now_hz, clonus.burst_min_s), 0.8)
        swell = min(0.4 + 0.6 * at / grows_s, 1.0) * min(1.0, fades + 5.0 * (1.0 - done))
        peak = min(clonus.peak_g * swell * strength.next(), 3.0)
        _jerk(out, draw, infant, clonus, from_s + at, peak, burst)
        at, count = at + max(draw.heavy(1.0 / now_hz, clonus.cv), burst), count + 1
    return count


def _jerk(
    out: StepList, draw: Draw, infant: Infant, clonus: _Clonus, at_s: float, peak_g: float, burst_s: float
) -> None:
    rise = burst_s * draw.between(0.3, 0.45)
    early = draw.between(0.0, 0.25) * rise
    timing = {"rise_s": rise, "fall_s": burst_s - rise + early}
    for synergy, gain in clonus.pulls:
        own_g = peak_g * gain * draw.spread(1.0, 0.1)
        synergy.pull(out, draw, at_s + draw.between(0.0, 0.02), peak_g=own_g, hold_s=-early, **timing)
    trunk_g = min(peak_g * clonus.trunk, 2.0)
    clonus.trunk_pull.pull(out, draw, at_s + draw.between(0.0, 0.02), peak_g=trunk_g, **timing)
    nod(out, draw, infant, at_s, peak_g=trunk_g * clonus.head, reaction=0.0, **timing)


def _told_long(movement: Movement, true_class: str) -> Movement:
    """Phases that together last a minute or more are members of one long movement."""
    onset, end = movement.marks[0].onset_s, movement.marks[-1].end_s
    if end - onset < _LONG_S:
        return movement
    count, side = sum(m.count for m in movement.marks), movement.marks[-1].side
    whole = Mark(Label.LONG_MOVEMENT, true_class, onset, end, count, side, movement.marks)
    return Movement(movement.steps, (whole,))


def stiffening(draw: Draw, infant: Infant, *, duration_s: float | None = None) -> Movement:
    """A held stiff posture (row Tonic seizure / arching).

    Longer than 3 s [F11], a few seconds to minutes [F43]; legs extend together, axial; slow, below 0.2 g
    and a sustained tilt, a fine 8-25 Hz tremor on top [E]. The hold wavers; arms and neck stiffen too.
    """
    out, total = StepList(), duration_s or draw.log_between(4.0, 60.0)
    rise, fall = draw.between(0.9, max(min(2.5, 0.35 * total + 0.6), 0.9)), draw.between(0.8, 3.0)
    _stiffen(out, draw, infant, rise, max(total - rise - fall, 0.5), fall)
    return _told_long(mark_all(out.build(), Label.STIFFENING, "tonic"), "tonic")


def _stiffen(out: StepList, draw: Draw, infant: Infant, rise_s: float, hold_s: float, fall_s: float) -> None:
    tense: dict[Channel, float] = {}
    for leg in legs_of("both"):
        tense |= {leg.hip: -draw.between(0.3, 0.8), leg.knee: -draw.between(0.4, 1.0)}
    bent = draw.sign()
    for arm in arms_of("both"):
        tense |= {arm.elbow: bent * draw.between(0.2, 0.9), arm.abduction: draw.between(-0.2, 0.6)}
        tense |= {arm.flexion: draw.between(-0.2, 0.7)}
    tense |= {Channel.HEAD_NOD: draw.between(-0.5, 0.1), Channel.HEAD_TURN: draw.normal() * 0.25}
    for channel, angle in tense.items():
        rise = rise_s * draw.between(0.9, 1.1)
        lag = draw.between(0.0, 0.1)
        out.pulse(channel, lag, angle, rise_s=rise, hold_s=hold_s, fall_s=fall_s * draw.between(0.8, 1.2))
        give, every_s = draw.log_between(0.01, 0.05) * abs(angle), draw.log_between(0.6, 3.0)
        waver(out, draw, {channel: give}, 0.7 * rise_s, hold_s + 0.6 * rise_s, every_s)
    bow(out, draw, draw.sign() * draw.between(0.15, 0.7), rise_s, hold_s, fall_s)
    rate, peak = draw.between(*_TREMOR_HZ), draw.log_between(0.01, 0.12)
    _tremor(out, draw, _shaken(draw, infant, rate, peak), 0.7 * rise_s, hold_s + 0.3 * rise_s, rate)


def _tremor(
    out: StepList, draw: Draw, axes: dict[Channel, float], at_s: float, span_s: float, rate_hz: float
) -> None:
    """It waxes and wanes in swells of seconds, none as strong as the one before [E]."""
    at = 0.0
    while at < span_s:
        swell_s = min(draw.log_between(1.5, 6.0), span_s - at)
        strength = draw.between(0.4, 1.0)
        shaken = {channel: strength * angle for channel, angle in axes.items()}
        tremble(out, draw, shaken, at_s + at, swell_s, rate_hz=draw.spread(rate_hz, 0.05))
        at += swell_s * draw.between(0.75, 1.0) if swell_s < span_s - at else swell_s


def _shaken(draw: Draw, infant: Infant, rate_hz: float, peak_g: float) -> dict[Channel, float]:
    """A fine tremor: knees and elbows, the trunk a sixth to two thirds of it."""
    body = infant.body
    chest = tremor_angle(draw.log_between(0.15, 0.7) * peak_g, rate_hz, body.chest_lever_m)
    axes = {Channel.SPINE_FLEX: chest, Channel.SPINE_BEND: chest * draw.between(-0.8, 0.8)}
    for arm, leg in zip(arms_of("both"), legs_of("both"), strict=True):
        axes[arm.elbow] = tremor_angle(peak_g, rate_hz, body.forearm_m) * draw.between(0.4, 1.0)
        axes[leg.knee] = tremor_angle(peak_g, rate_hz, body.shank_m) * draw.between(0.4, 1.0)
    return axes


def tonic_clonic(
    draw: Draw, infant: Infant, *, duration_s: float | None = None, febrile: bool | None = None
) -> Movement:
    """Stiffening with a fast tremor that breaks up into slowing jerks (row GTCS / febrile).

    Clonic part from about 8 down to 1-2 Hz [M], CV 0.1-0.3 [E]; febrile ones: 82 % a mean of 3.8 min, 18 %
    a mean of 39.8 min, median 4.0 min [F33], from 6 months [F44]; others a mean of 89 s [F45]; ankle
    0.5-3 g, trunk 0.3-2 g, tremor 8-25 Hz [E]. The tonic part takes 8-22 s of it [M].
    """
    if febrile is None:
        febrile = infant.age_days >= _FEBRILE_FROM_DAYS and draw.chance(0.7)
    total = duration_s or _convulsion_s(draw, febrile=febrile)
    tonic_s = min(draw.between(8.0, 22.0), 0.4 * total)
    rise, fall = min(draw.between(0.9, 2.0), 0.4 * tonic_s), draw.between(0.8, 2.0)
    out, start_hz = StepList(), draw.between(6.5, 8.5)
    _stiffen(out, draw, infant, rise, max(tonic_s - rise, 0.5), fall)
    clonus = _Clonus(
        rate_hz=start_hz,
        slowing=draw.between(1.0, 2.0) / start_hz,
        cv=draw.between(0.1, 0.3),
        pulls=_pulls(draw, infant, _taking_part(draw, "both", leg=True)),
        trunk_pull=trunk_synergy(draw, infant, axial=0.5),
        peak_g=draw.log_between(0.5, 2.5),
        trunk=draw.log_between(0.35, 0.8),
        head=draw.between(0.3, 1.0),
        burst_min_s=0.1,
    )
    begin = tonic_s - draw.between(0.0, 0.4) * fall
    count = _jerks(out, draw, infant, clonus, begin, total - begin)
    steps = out.build()
    phases = (
        Mark(Label.STIFFENING, "tonic_phase", 0.0, tonic_s),
        Mark(Label.RHYTHMIC_JERKING, "clonic_phase", tonic_s, steps.end_s, count),
    )
    return _told_long(Movement(steps, phases), "febrile_convulsion" if febrile else "tonic_clonic")


def _convulsion_s(draw: Draw, *, febrile: bool) -> float:
    if not febrile:
        return float(np.clip(_with_mean(draw, 89.0, 0.6), 20.0, 400.0))
    if draw.chance(_LONG_FEBRILE_SHARE):
        return float(np.clip(_with_mean(draw, 39.8 * 60.0, 0.5), 900.0, 5400.0))
    return float(np.clip(_with_mean(draw, 3.8 * 60.0, 0.5), 30.0, 900.0))


def _with_mean(draw: Draw, mean: float, cv: float) -> float:
    """Log-normal with this mean, not median."""
    return draw.spread(mean / float(np.sqrt(1.0 + cv * cv)), cv)
