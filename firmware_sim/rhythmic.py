"""Slow movements of the infant's own: rhythmic movement at sleep onset, and the arching of reflux.

Numbers cite the tables of the project's clinical reference: 1a (times), 1b (sites and amplitudes),
[Fn] its sources, [M] from memory of the literature, [E] an estimate, drawn from a wide range.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import Label
from firmware_sim.body import GRAVITY, LEFT, RIGHT
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant, Movement, mark_all
from firmware_sim.steps import Channel, StepList
from firmware_sim.waves import SWAY_KNOT_S, beats, envelope, knots, phase_of, swing_of, waver

__all__ = ["RMD_FORMS", "draw_rmd_form", "rhythmic_movement", "sandifer"]

_Floats = NDArray[np.float64]

RMD_FORMS: Final = ("body_rocking", "head_banging", "head_rolling")
_BANGING_FROM_DAYS: Final = 270
"""Rocking starts at about six months, banging at about nine [F38b]."""
_KNOT_S: Final = SWAY_KNOT_S / 2.0
"""A head's blow on the mattress lasts under a tenth of a second."""
_OBLIQUE: Final = 0.5
"""Turn of a thigh over that of an upright one about its knee: drawn-up thighs slant [E]."""
_LEAD_S: Final = 3.0
"""Getting onto hands and knees, or settling the head, before the first swing [E]."""


def draw_rmd_form(draw: Draw, age_days: int) -> str:
    """At nine months 43 % rock, 22 % bang, 24 % roll their heads [F38b]."""
    return draw.one_of(RMD_FORMS, (0.43, 0.22 if age_days >= _BANGING_FROM_DAYS else 0.0, 0.24))


def rhythmic_movement(
    draw: Draw,
    infant: Infant,
    *,
    form: str | None = None,
    duration_s: float | None = None,
    rate_hz: float | None = None,
) -> Movement:
    """Rocking on hands and knees, banging or rolling the head (row RMD), from six months.

    0.5-2 Hz [M], CV below 0.15 [E], up to 15 min [F38]; trunk 0.2-1 g, ankles 0.05-0.3 g [E]. It comes in
    runs with short rests.

    Args:
        draw: Random stream.
        infant: Who rocks.
        form: One of RMD_FORMS; drawn by age when None.
        duration_s: Whole length.
        rate_hz: Cycles a second.
    """
    form = form or draw_rmd_form(draw, infant.age_days)
    total = duration_s or draw.log_between(20.0, 900.0)
    rate, cv = rate_hz or draw.log_between(0.5, 2.0), draw.log_between(0.02, 0.12)
    t = knots(total, _KNOT_S)
    beat = beats(draw, total, rate, cv)
    phase, gate = phase_of(t, beat), _runs(draw, t, total, rate)
    out = StepList()
    write = {"body_rocking": _rock, "head_banging": _bang, "head_rolling": _roll}[form]
    write(out, draw, infant, phase, gate, rate)
    if form != "head_rolling":
        _all_fours(out, draw, total)
    told = mark_all(out.build(), Label.ROCKING, form, count=beat.size - 2)
    mark = replace(told.marks[0], onset_s=_LEAD_S, end_s=_LEAD_S + total)
    return Movement(told.steps, (mark,))


def _runs(draw: Draw, t_s: _Floats, total_s: float, rate_hz: float) -> _Floats:
    """Runs of 10-90 s, rests of 1-6 s between them, growing and fading within a cycle or two [E]."""
    rise, gate, at = min(1.5 / rate_hz, 0.3 * total_s), np.zeros_like(t_s), 0.0
    while at < total_s:
        run = min(draw.log_between(10.0, 90.0), total_s - at)
        run = total_s - at if total_s - at - run < 8.0 else run
        gate += envelope(t_s - at, run, min(rise, 0.3 * run))
        at += run + draw.between(1.0, 6.0)
    return np.asarray(gate, np.float64)


def _put(out: StepList, channel: Channel, curve: _Floats) -> None:
    out.spline(channel, _LEAD_S, _KNOT_S, curve)


def _rock(out: StepList, draw: Draw, infant: Infant, phase: _Floats, gate: _Floats, rate_hz: float) -> None:
    """To and fro over the knees: the thighs turn about them, so that shanks and ankles nearly stay."""
    peak_g = draw.log_between(0.15, 0.7)
    reach = min(peak_g * GRAVITY / (2.0 * np.pi * rate_hz) ** 2, 0.10)
    sway = gate * swing_of(draw, phase, (1.0, draw.between(0.05, 0.3), draw.between(0.0, 0.1)))
    _put(out, Channel.POS_X, reach * sway)
    _put(out, Channel.POS_Z, 0.15 * reach * gate * swing_of(draw, phase, (0.4, 0.4)))
    pitch = draw.between(0.03, 0.2)
    _put(out, Channel.ROOT_PITCH, pitch * sway)
    _put(out, Channel.SPINE_FLEX, draw.between(-0.15, 0.15) * sway)
    _put(out, Channel.HEAD_NOD, draw.between(-0.3, 0.3) * sway)
    for leg in (LEFT, RIGHT):
        about_knee = -_OBLIQUE * draw.between(0.75, 1.0) * reach / infant.body.thigh_m
        _put(out, leg.hip, (about_knee + pitch) * sway)
        _put(out, leg.knee, about_knee * draw.between(0.9, 1.1) * sway)


def _bang(out: StepList, draw: Draw, infant: Infant, phase: _Floats, gate: _Floats, rate_hz: float) -> None:
    """Head and chest are raised slowly and dropped; a blow ends each fall."""
    skewed = phase + 0.7 * np.sin(phase)
    lift = gate * swing_of(draw, skewed, (1.0, draw.between(0.05, 0.2)))
    width_s = draw.between(0.015, 0.040)
    sharp = 1.0 / (2.0 * np.pi * rate_hz * width_s) ** 2
    blow = gate * np.exp(sharp * (np.cos(phase - draw.between(3.6, 4.4)) - 1.0))
    dent = draw.log_between(0.1, 0.7) * GRAVITY * width_s**2
    size = min(draw.log_between(0.1, 0.4), 0.4 / rate_hz)
    lever = infant.body.pelvis_to_spine_m + infant.body.chest_lever_m
    passed_on = draw.between(0.1, 0.6)
    _put(out, Channel.SPINE_FLEX, -0.5 * size * lift - (1.0 - passed_on) * dent / lever * blow)
    _put(out, Channel.HEAD_NOD, size * (draw.between(0.6, 1.2) * lift + 0.1 * blow))
    _put(out, Channel.ROOT_PITCH, 0.2 * size * lift)
    _put(out, Channel.POS_Z, passed_on * dent * blow + 0.01 * size * lift)
    _put(out, Channel.POS_X, draw.between(0.1, 0.6) * dent * blow + 0.03 * size * lift)


def _roll(out: StepList, draw: Draw, _infant: Infant, phase: _Floats, gate: _Floats, rate_hz: float) -> None:
    """The head from side to side; the trunk follows a little."""
    sway = gate * swing_of(draw, phase, (1.0, draw.between(0.0, 0.12), draw.between(0.01, 0.07)))
    size = min(draw.between(0.3, 0.9), 1.2 / rate_hz)
    _put(out, Channel.HEAD_TURN, size * sway)
    _put(out, Channel.HEAD_TILT, 0.2 * size * sway)
    carried = draw.log_between(0.04, 0.35)
    _put(out, Channel.SPINE_TWIST, carried * size * sway)
    _put(out, Channel.ROOT_ROLL, 0.5 * carried * size * sway)
    _put(out, Channel.POS_Y, 0.03 * carried * size * sway)


def _all_fours(out: StepList, draw: Draw, total_s: float) -> None:
    """Over onto the belly, knees drawn under; back again when it is over."""
    over = draw.sign() * draw.between(2.7, 3.1)
    taken = [
        (Channel.ROOT_ROLL, over),
        (Channel.ROOT_PITCH, draw.between(-0.1, 0.2)),
        (Channel.HEAD_NOD, -draw.between(0.1, 0.5)),
    ]
    for leg in (LEFT, RIGHT):
        taken += [(leg.hip, draw.between(0.4, 0.8)), (leg.knee, draw.between(0.1, 0.5))]
        taken += [(leg.abduction, -draw.between(0.4, 0.6)), (leg.rotation, -draw.between(0.4, 0.6))]
    for channel, angle in taken:
        at, span = draw.between(0.0, 0.5), draw.between(1.6, 2.4)
        out.step(channel, at, span, angle)
        out.step(channel, _LEAD_S + total_s + at, span * draw.between(1.0, 1.4), -angle)


def sandifer(draw: Draw, _infant: Infant, *, duration_s: float | None = None) -> Movement:
    """Arching after a feed, the head turned and tilted (row Sandifer): the limbs are spared [F41b].

    A posture of 1-3 min [F41] with an onset slower than 0.5 s, trunk below 0.2 g and a tilt [E]; it waxes,
    wanes and writhes, hips extended a little [F41].
    """
    total, out = duration_s or draw.between(60.0, 180.0), StepList()
    rise, fall = draw.log_between(0.8, 4.0), draw.log_between(1.5, 6.0)
    arch, side = -draw.between(0.25, 0.8), draw.sign()
    hold = max(total - rise - fall, 0.5)
    for channel, angle in (
        (Channel.SPINE_FLEX, arch),
        (Channel.SPINE_BEND, side * draw.between(0.05, 0.35)),
        (Channel.ROOT_PITCH, 0.3 * arch),
        (Channel.HEAD_NOD, -draw.between(0.2, 0.7)),
        (Channel.HEAD_TILT, side * draw.between(0.2, 0.6)),
        (Channel.HEAD_TURN, -side * draw.between(0.2, 0.8)),
        (Channel.L_HIP_FLEX, -draw.between(0.05, 0.3)),
        (Channel.R_HIP_FLEX, -draw.between(0.05, 0.3)),
    ):
        lag = draw.between(0.0, 0.3) * rise
        out.pulse(channel, lag, angle, rise_s=rise, hold_s=hold - lag, fall_s=fall * draw.between(0.7, 1.0))
    _writhe(out, draw, rise, hold, 0.25 * abs(arch))
    return mark_all(out.build(), Label.STIFFENING, "sandifer")


def _writhe(out: StepList, draw: Draw, from_s: float, span_s: float, size_rad: float) -> None:
    for channel, share in (
        (Channel.SPINE_FLEX, 1.0),
        (Channel.SPINE_BEND, 0.7),
        (Channel.ROOT_ROLL, 0.4),
        (Channel.HEAD_TURN, 1.0),
        (Channel.L_KNEE, 0.3),
        (Channel.R_KNEE, 0.3),
    ):
        waver(out, draw, {channel: share * size_rad}, from_s, span_s, draw.log_between(0.7, 4.0))
