"""Motion from outside by people: patting, rocking, being carried. All sensors ride on it; the world moved.

Numbers cite tables 1a and 1b of the project's clinical reference; [E] an estimate, drawn wide.
"""

from __future__ import annotations

import numpy as np

from dsp.records import Label
from firmware_sim.body import GRAVITY
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant, Mark, Movement
from firmware_sim.steps import PEAK_ACCELERATION, Channel, StepList, Steps
from firmware_sim.waves import SWAY_KNOT_S, beats, envelope, knots, phase_of, swing_of, waver

__all__ = ["carrying", "conveyed", "hold_reclined", "patting", "rocking", "wander"]


def patting(draw: Draw, infant: Infant, *, duration_s: float | None = None) -> Movement:
    """Patting on the back: 1-2.5 Hz, CV 0.05-0.15, impacts of 50-150 ms, 10 s-10 min [E, row Patting].

    Pats come in runs with rests between them. Each presses the trunk into what it lies on, which gives way
    and springs back; the chest is struck, and the legs get a share of it with zero lag.
    """
    out, total = StepList(), duration_s or draw.log_between(10.0, 600.0)
    rate, cv, count, at = draw.between(1.0, 2.5), draw.between(0.05, 0.15), 0, 0.0
    impact, peak = draw.between(0.05, 0.15), draw.log_between(0.05, 0.5)
    whole = draw.between(0.15, 0.7)
    lever = infant.body.pelvis_to_spine_m + infant.body.chest_lever_m
    ways = {
        Channel.POS_Z: -whole,
        Channel.POS_X: whole * draw.between(-0.3, 0.3),
        Channel.SPINE_FLEX: draw.sign() * (1.0 - 0.7 * whole) / lever,
        Channel.SPINE_TWIST: draw.between(-2.0, 2.0),
        Channel.ROOT_ROLL: draw.between(-2.0, 2.0) * whole,
    }
    while at < total:
        run_s = min(draw.log_between(6.0, 120.0), total - at)
        for beat in beats(draw, run_s, rate, cv):
            if beat < run_s:
                _pat(out, draw, ways, at + float(beat), draw.spread(impact, 0.15), draw.spread(peak, 0.25))
                count += 1
        at += run_s + draw.log_between(1.0, 15.0)
    return conveyed(out.build(), "patting", count)


def _pat(
    out: StepList, draw: Draw, ways: dict[Channel, float], at_s: float, span_s: float, peak_g: float
) -> None:
    """Down in half the impact's time, back past rest, and settled."""
    rise = 0.5 * span_s
    depth = peak_g * GRAVITY * rise**2 / PEAK_ACCELERATION
    back, fall = draw.between(0.05, 0.3), rise * draw.between(1.2, 2.0)
    for channel, way in ways.items():
        size = depth * way * draw.spread(1.0, 0.15)
        out.step(channel, at_s, rise, size)
        out.step(channel, at_s + rise, fall, -(1.0 + back) * size)
        out.step(channel, at_s + rise + 0.9 * fall, 1.5 * fall, back * size)


def rocking(
    draw: Draw, _infant: Infant, *, duration_s: float | None = None, rate_hz: float | None = None
) -> Movement:
    """Rocking in arms or a chair (row Arm/chair rocking): 0.25-1.5 Hz, CV 0.03-0.10 [E], 7 cm [F51]."""
    out, total = StepList(), duration_s or draw.log_between(60.0, 900.0)
    rate, cv = rate_hz or draw.between(0.25, 1.5), draw.between(0.03, 0.10)
    reach = min(draw.between(0.02, 0.10), 0.3 * GRAVITY / (2 * np.pi * rate) ** 2)
    heading, tilt = draw.between(0.0, 2 * np.pi), draw.between(0.01, 0.12)
    axes = {
        Channel.POS_X: reach * float(np.cos(heading)),
        Channel.POS_Y: reach * float(np.sin(heading)),
        Channel.POS_Z: reach * draw.between(0.0, 0.3),
        Channel.CARRIER_PITCH: tilt * float(np.cos(heading)),
        Channel.CARRIER_ROLL: tilt * float(np.sin(heading)),
    }
    beat = beats(draw, total, rate, cv)
    harmonics = (1.0, draw.between(0.0, 0.25), draw.between(0.0, 0.1))
    _sway(out, draw, axes, total_s=total, beat_s=beat, harmonics=harmonics)
    wander(out, draw, 0.0, total, 0.01)
    return conveyed(out.build(), "rocking_by_caregiver", beat.size - 2)


def carrying(draw: Draw, _infant: Infant, *, duration_s: float | None = None) -> Movement:
    """Walking about with the infant (row Walking carry): steps at 1.5-2.2 Hz [M], harmonics, half-rate sway.

    The foot's landing gives the second to fourth harmonic [E].
    """
    out, total = StepList(), duration_s or draw.log_between(30.0, 600.0)
    step_hz, cv = draw.between(1.5, 2.2), draw.between(0.03, 0.08)
    lift = {Channel.POS_Z: draw.between(0.006, 0.022), Channel.CARRIER_PITCH: draw.between(0.005, 0.03)}
    side = {Channel.POS_Y: draw.between(0.01, 0.03), Channel.CARRIER_ROLL: draw.between(0.01, 0.06)}
    beat = beats(draw, total, step_hz, cv)
    landing = (1.0, draw.between(0.08, 0.22), draw.between(0.02, 0.07), draw.between(0.0, 0.02))
    _sway(out, draw, lift, total_s=total, beat_s=beat, harmonics=landing)
    _sway(out, draw, side, total_s=total, beat_s=beat[::2], harmonics=(1.0, 0.1, draw.between(0.02, 0.15)))
    wander(out, draw, 0.0, total, 0.03)
    hold_reclined(out, draw, total, (0.3, 1.1))
    return conveyed(out.build(), "carrying", beat.size - 2)


def _sway(
    out: StepList,
    draw: Draw,
    axes: dict[Channel, float],
    *,
    total_s: float,
    beat_s: np.ndarray[tuple[int], np.dtype[np.float64]],
    harmonics: tuple[float, ...],
) -> None:
    """Swing all axes together on a beat, getting under way and coming to rest within two cycles."""
    t = knots(total_s, SWAY_KNOT_S)
    cycle_s = float(np.mean(np.diff(beat_s)))
    moved = swing_of(draw, phase_of(t, beat_s), harmonics)
    moved *= envelope(t, total_s, min(2.0 * cycle_s, 0.3 * total_s))
    for channel, reach in axes.items():
        out.spline(channel, 2.0 * SWAY_KNOT_S, SWAY_KNOT_S, moved * reach)


def wander(out: StepList, draw: Draw, from_s: float, span_s: float, tilt_rad: float) -> None:
    """The arms that hold are never quite still: slow tilting over seconds."""
    for channel in (Channel.CARRIER_PITCH, Channel.CARRIER_ROLL):
        every_s = draw.log_between(0.8, 4.0)
        waver(out, draw, {channel: tilt_rad}, from_s + 2.0 * SWAY_KNOT_S, span_s, every_s)


def hold_reclined(out: StepList, draw: Draw, total_s: float, pitch_rad: tuple[float, float]) -> None:
    """Head up by a drawn angle while it lasts; at most 2.5 s to get there and back."""
    span = min(2.5, 0.3 * total_s)
    timing = {"rise_s": span, "hold_s": max(total_s - 2.0 * span, 0.0), "fall_s": span}
    out.pulse(Channel.CARRIER_PITCH, 0.0, -draw.between(*pitch_rad), **timing)


def conveyed(steps: Steps, true_class: str, count: int) -> Movement:
    """A movement the infant did not make: told as such from its first to its last motion."""
    mark = Mark(
        Label.MOVEMENT, true_class, steps.begin_s, steps.end_s, count=count, side="unknown", conveyed=True
    )
    return Movement(steps, (mark,))
