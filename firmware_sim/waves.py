"""Long motion from outside, drawn sample by sample over even knots: swaying with a beat, and rough roads.

What is drawn here becomes a `Spline`: a sway gives its displacement, a road its acceleration, from which
the displacement follows by exact summation (the second difference of a cubic spline's weights is its
acceleration at the knots).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.signal import butter, sosfilt

from firmware_sim.draw import Draw
from firmware_sim.steps import Channel, StepList

__all__ = [
    "ROAD_KNOT_S",
    "SWAY_KNOT_S",
    "beats",
    "displacement_of",
    "envelope",
    "knots",
    "low_noise",
    "phase_of",
    "resonance",
    "rough",
    "swing_of",
    "waver",
]

ROAD_KNOT_S: Final = 1.0 / 400.0
"""Roads shake up to 106 Hz and beyond [F48]; well under the half of 400 Hz."""
SWAY_KNOT_S: Final = 1.0 / 50.0
"""Rocking and walking with their harmonics stay below 10 Hz."""
_HIGH_PASS_ORDER: Final = 4
"""Two orders undo the two summations, two more keep the displacement from wandering."""

_Floats = NDArray[np.float64]


def knots(total_s: float, knot_s: float) -> _Floats:
    """Times of the knots from 0 to the end."""
    return np.asarray(np.arange(int(total_s / knot_s) + 1) * knot_s, np.float64)


def envelope(t_s: _Floats, total_s: float, rise_s: float, fall_s: float | None = None) -> _Floats:
    """From 0 up to 1 and down to 0 again along paths of least jerk."""
    up = np.clip(t_s / rise_s, 0.0, 1.0)
    down = np.clip((total_s - t_s) / (fall_s or rise_s), 0.0, 1.0)
    return np.asarray(_smooth(up) * _smooth(down), np.float64)


def _smooth(x: _Floats) -> _Floats:
    return np.asarray(x**3 * (10.0 + x * (6.0 * x - 15.0)), np.float64)


def beats(draw: Draw, total_s: float, rate_hz: float, cv: float) -> _Floats:
    """Times of a kept beat from 0 to beyond the end: half of the irregularity drifts, half is chance."""
    n = int(total_s * rate_hz * 1.5) + 8
    chance = draw.rng.standard_normal(n)
    slow = np.convolve(draw.rng.standard_normal(n + 15), np.ones(16) / 4.0, "valid")
    gaps = np.exp(np.clip(0.7 * chance + 0.7 * slow, -2.5, 2.5) * cv) / rate_hz
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    return np.asarray(times[: int(np.searchsorted(times, total_s)) + 2], np.float64)


def phase_of(t_s: _Floats, beat_s: _Floats) -> _Floats:
    """Phase in rad, one turn from each beat to the next, its rate without jumps."""
    turns = PchipInterpolator(beat_s, np.arange(beat_s.size), extrapolate=True)(t_s)
    return np.asarray(2.0 * np.pi * turns, np.float64)


def swing_of(draw: Draw, phase: _Floats, harmonics: tuple[float, ...], vary: float = 0.1) -> _Floats:
    """A periodic motion of unit first harmonic; the others at drawn phases, all sizes varying slowly."""
    cycle = phase / (2.0 * np.pi)
    moved = np.zeros_like(phase)
    for h, size in enumerate(harmonics, start=1):
        at = np.arange(int(cycle[-1]) + 3)
        size_of = np.interp(cycle, at, size * np.exp(vary * draw.rng.standard_normal(at.size)))
        moved += size_of * np.sin(h * phase + (draw.between(0.0, 2.0 * np.pi) if h > 1 else 0.0))
    return moved


def low_noise(draw: Draw, t_s: _Floats, every_s: float) -> _Floats:
    """Slow chance of unit spread: smooth between values drawn `every_s` seconds apart."""
    at = np.arange(0.0, float(t_s[-1]) + 2.0 * every_s, every_s)
    return np.asarray(PchipInterpolator(at, draw.rng.standard_normal(at.size))(t_s), np.float64)


def waver(
    out: StepList,
    draw: Draw,
    sizes: Mapping[Channel, float],
    from_s: float,
    span_s: float,
    every_s: float,
    *,
    ease_s: float = 3.0,
) -> None:
    """What is held is never held still: all channels give and take together, slowly and by chance.

    Args:
        out: Takes the curves.
        draw: Random stream.
        sizes: Channels and the spread of their giving, rad or m.
        from_s: Start.
        span_s: Length.
        every_s: Time from one chance value to the next.
        ease_s: Time to set in and to fade, at most 0.3 of the span.
    """
    t = knots(span_s, SWAY_KNOT_S)
    giving = low_noise(draw, t, every_s) * envelope(t, span_s, min(ease_s, 0.3 * span_s))
    for channel, size in sizes.items():
        out.spline(channel, from_s, SWAY_KNOT_S, size * giving)


def rough(draw: Draw, n: int, peak_hz: float, damping: float, top_hz: float, rest: float) -> _Floats:
    """Broadband acceleration of unit RMS at `ROAD_KNOT_S`: a resonance, and a floor up to `top_hz`.

    `rest` is the share of the power that lies in the floor.
    """
    ringing = resonance(draw.rng.standard_normal(n), peak_hz, damping)
    band = _low_pass(round(min(top_hz, 0.45 / ROAD_KNOT_S)))
    floor = sosfilt(band, draw.rng.standard_normal(n))
    return np.asarray(np.sqrt(1.0 - rest) * _unit(ringing) + np.sqrt(rest) * _unit(floor), np.float64)


def resonance(driven: _Floats, rate_hz: float, damping: float, *, knot_s: float = ROAD_KNOT_S) -> _Floats:
    """A damped oscillator's displacement times its stiffness, at even knots (impulse invariant)."""
    w = 2.0 * np.pi * rate_hz * knot_s
    wd, r = w * np.sqrt(1.0 - damping**2), np.exp(-damping * w)
    gain = w * w / wd * r * np.sin(wd)
    sos = np.array([[0.0, gain, 0.0, 1.0, -2.0 * r * np.cos(wd), r * r]])
    return np.asarray(sosfilt(sos, driven), np.float64)


def displacement_of(
    accel: _Floats, knot_s: float, *, from_hz: float = 0.7, more_s: float | None = None
) -> _Floats:
    """Spline weights (m, or rad) of a motion with this acceleration at its knots, above `from_hz`.

    It comes to rest within the last one and a half periods of `from_hz`; the acceleration should be over
    three periods before the end, to which `more_s` are added (three periods when None).
    """
    padded = np.concatenate([accel, np.zeros(int((3.0 / from_hz if more_s is None else more_s) / knot_s))])
    speed = np.cumsum(sosfilt(_high_pass(from_hz, knot_s), padded))
    weights = np.concatenate([[0.0], np.cumsum(speed)[:-1]]) * knot_s**2
    span_s = (weights.size - 1) * knot_s
    gate = envelope(knots(span_s + 0.5 * knot_s, knot_s), span_s, 4.0 * knot_s, 1.5 / from_hz)
    return np.asarray(weights * gate, np.float64)


@cache
def _high_pass(from_hz: float, knot_s: float) -> _Floats:
    sos = butter(_HIGH_PASS_ORDER, from_hz, "highpass", fs=1.0 / knot_s, output="sos")
    return np.asarray(sos, np.float64)


@cache
def _low_pass(top_hz: int) -> _Floats:
    """Whole frequencies only, so that few filters are ever designed."""
    return np.asarray(butter(3, top_hz, "lowpass", fs=1.0 / ROAD_KNOT_S, output="sos"), np.float64)


def _unit(x: _Floats) -> _Floats:
    return np.asarray(x / np.sqrt(np.mean(x * x)), np.float64)
