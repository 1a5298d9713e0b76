"""Clonic, tonic and tonic-clonic movement.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
[Fn] its sources, [M] from memory of the literature, [E] an estimate, drawn from a wide range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dsp.records import Label
from firmware_sim.body import LEFT, RIGHT
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant, Mark, Movement, draw_side, legs_of, mark_all, shake_trunk, swing
from firmware_sim.steps import Channel, StepList
from firmware_sim.tremors import tremble
from firmware_sim.whole_body import bow

__all__ = ["clonic", "stiffening", "tonic_clonic"]

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


@dataclass(frozen=True, slots=True)
class _Clonus:
    """What the jerks of one run have in common."""

    rate_hz: float
    slowing: float
    """rate at the end over rate at the start"""
    cv: float
    peak_g: float
    trunk: float
    side: str


def clonic(
    draw: Draw, infant: Infant, *, duration_s: float | None = None, side: str | None = None
) -> Movement:
    """Rhythmic jerking that slows down (row Clonic seizure).

    0.2-5 Hz [F32], neonatal 1-4 [M], slowing over time [F32], CV 0.1-0.3 [E], bursts of 250 ms and more
    [F32], 10 s to minutes; focal in neonates [F42]; ankle 0.1-1 g, trunk 0.05-0.5 g [E]. Each jerk
    contracts faster than it lets go.
    """
    side = side or draw_side(draw, 0.25 if infant.age_days < _NEONATE_DAYS else 0.6)
    total = duration_s or draw.log_between(10.0, 150.0)
    clonus = _Clonus(
        rate_hz=draw.log_between(1.0, 4.0),
        slowing=draw.between(0.35, 0.8),
        cv=draw.between(0.1, 0.3),
        peak_g=draw.log_between(0.1, 1.0),
        trunk=draw.log_between(0.1, 0.6),
        side=side,
    )
    out = StepList()
    count = _jerks(out, draw, infant, clonus, 0.0, total)
    told = mark_all(out.build(), Label.RHYTHMIC_JERKING, "clonic", count=count, side=side)
    return _told_long(told, "clonic")


def _jerks(out: StepList, draw: Draw, infant: Infant, clonus: _Clonus, from_s: float, total_s: float) -> int:
    at, count = 0.0, 0
    while at < total_s:
        now_hz = clonus.rate_hz * clonus.slowing ** (at / total_s)
        burst = min(max(_BURST_MIN_S, 0.45 / now_hz), max(0.9 / now_hz, _BURST_MIN_S))
        rise = burst * draw.between(0.3, 0.45)
        strength = draw.spread(clonus.peak_g, 0.2) * min(1.0, 0.4 + at / 3.0)
        timing = {"rise_s": rise, "fall_s": burst - 0.6 * rise}
        for leg in legs_of(clonus.side):
            swing(out, draw, infant, leg, from_s + at, peak_g=strength, **timing)
        shake_trunk(out, draw, infant, from_s + at, peak_g=strength * clonus.trunk, **timing)
        at, count = at + max(draw.spread(1.0 / now_hz, clonus.cv), burst), count + 1
    return count


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
    and a sustained tilt, a fine 8-25 Hz tremor on top [E].
    """
    out, total = StepList(), duration_s or draw.log_between(4.0, 60.0)
    rise, fall = draw.between(0.9, min(2.5, 0.35 * total + 0.6)), draw.between(0.8, 3.0)
    _stiffen(out, draw, infant, 0.0, rise, max(total - rise - fall, 0.5), fall)
    return _told_long(mark_all(out.build(), Label.STIFFENING, "tonic"), "tonic")


def _stiffen(
    out: StepList, draw: Draw, _infant: Infant, at_s: float, rise_s: float, hold_s: float, fall_s: float
) -> None:
    rate = draw.between(8.0, 25.0)
    axes = {Channel.SPINE_FLEX: draw.log_between(0.0001, 0.0007) * 100.0 / rate**2}
    for leg in (LEFT, RIGHT):
        timing = {"rise_s": rise_s * draw.between(0.9, 1.1), "fall_s": fall_s, "hold_s": hold_s}
        lag = at_s + draw.between(0.0, 0.1)
        out.pulse(leg.hip, lag, -draw.between(0.3, 0.8), **timing)
        out.pulse(leg.knee, lag, -draw.between(0.4, 1.0), **timing)
        axes[leg.knee] = draw.log_between(0.0002, 0.0015) * 100.0 / rate**2
    own = StepList()
    bow(own, draw, draw.sign() * draw.between(0.15, 0.7), rise_s, hold_s, fall_s)
    out.add(own.build(), at_s)
    tremble(out, draw, axes, at_s + rise_s, hold_s, rate_hz=rate)


def tonic_clonic(
    draw: Draw, infant: Infant, *, duration_s: float | None = None, febrile: bool | None = None
) -> Movement:
    """Stiffening with a fast tremor that breaks up into slowing jerks (row GTCS / febrile).

    Clonic part from about 8 down to 1-2 Hz [M], CV 0.1-0.3 [E]; febrile ones: 82 % a mean of 3.8 min, 18 %
    a mean of 39.8 min, median 4.0 min [F33], from 6 months [F44]; others a mean of 89 s [F45]; ankle
    0.5-3 g, trunk 0.3-2 g, tremor 8-25 Hz [E]. The tonic part takes 10-20 s of it [M].
    """
    if febrile is None:
        febrile = infant.age_days >= _FEBRILE_FROM_DAYS and draw.chance(0.7)
    total = duration_s or _convulsion_s(draw, febrile=febrile)
    tonic_s = min(draw.between(8.0, 22.0), 0.4 * total)
    out, rise, fall = StepList(), draw.between(0.9, 2.0), draw.between(0.8, 2.0)
    _stiffen(out, draw, infant, 0.0, rise, max(tonic_s - rise, 0.5), fall)
    end_hz, start_hz = draw.between(1.0, 2.0), draw.between(5.0, 8.5)
    clonus = _Clonus(
        start_hz, end_hz / start_hz, draw.between(0.1, 0.3), draw.log_between(0.5, 3.0), 0.5, "both"
    )
    jerks = StepList()
    count = _jerks(jerks, draw, infant, clonus, 0.0, total - tonic_s)
    phases = jerks.build()
    out.add(phases, tonic_s)
    marks = (
        Mark(Label.STIFFENING, "tonic_phase", 0.0, tonic_s),
        Mark(Label.RHYTHMIC_JERKING, "clonic_phase", tonic_s, tonic_s + phases.end_s, count),
    )
    return _told_long(Movement(out.build(), marks), "febrile_convulsion" if febrile else "tonic_clonic")


def _convulsion_s(draw: Draw, *, febrile: bool) -> float:
    if not febrile:
        return float(np.clip(_with_mean(draw, 89.0, 0.6), 20.0, 400.0))
    if draw.chance(_LONG_FEBRILE_SHARE):
        return float(np.clip(_with_mean(draw, 39.8 * 60.0, 0.5), 900.0, 5400.0))
    return float(np.clip(_with_mean(draw, 3.8 * 60.0, 0.55), 30.0, 900.0))


def _with_mean(draw: Draw, mean: float, cv: float) -> float:
    """Log-normal with this mean, not median."""
    return draw.spread(mean / float(np.sqrt(1.0 + cv * cv)), cv)
