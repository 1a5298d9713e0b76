"""Motion from outside: patting, rocking, being carried. All sensors ride on it; nobody moved but the world.

Numbers cite tables 1a and 1b of the project's clinical reference; [E] an estimate, drawn wide.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dsp.records import Label
from firmware_sim.body import GRAVITY
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant, Movement, mark_all
from firmware_sim.steps import PEAK_ACCELERATION, Channel, StepList, Steps

__all__ = ["carrying", "patting", "rocking"]


def patting(draw: Draw, _infant: Infant, *, duration_s: float | None = None) -> Movement:
    """Patting on the back: 1-2.5 Hz, CV 0.05-0.15, impacts of 50-150 ms, 10 s-10 min [E, row Patting]."""
    out, total = StepList(), duration_s or draw.log_between(10.0, 300.0)
    beat, cv, at, count = 1.0 / draw.between(1.0, 2.5), draw.between(0.05, 0.15), 0.0, 0
    impact, peak = draw.between(0.05, 0.15), draw.log_between(0.05, 0.4)
    roll = draw.between(-1.0, 1.0)
    while at < total:
        rise = 0.5 * draw.spread(impact, 0.15)
        depth = draw.spread(peak, 0.25) * GRAVITY * rise**2 / PEAK_ACCELERATION
        timing = {"rise_s": rise, "fall_s": rise * draw.between(1.2, 2.0)}
        out.pulse(Channel.POS_Z, at, -depth, **timing)
        out.pulse(Channel.POS_X, at, depth * draw.between(-0.3, 0.3), **timing)
        out.pulse(Channel.ROOT_ROLL, at, roll * depth / 0.1, **timing)
        at, count = at + max(draw.spread(beat, cv), impact), count + 1
    return _conveyed(out.build(), "patting", count)


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
    count = _sway(out, draw, axes, total_s=total, half_s=0.5 / rate, cv=cv)
    return _conveyed(out.build(), "rocking_by_caregiver", count)


def carrying(draw: Draw, _infant: Infant, *, duration_s: float | None = None) -> Movement:
    """Walking about with the infant (row Walking carry): steps at 1.5-2.2 Hz [M] and a sway at half of it."""
    out, total = StepList(), duration_s or draw.log_between(30.0, 600.0)
    step_s = 1.0 / draw.between(1.5, 2.2)
    bob = draw.between(0.008, 0.03)
    lift = {Channel.POS_Z: bob, Channel.CARRIER_PITCH: draw.between(0.005, 0.03)}
    side = {Channel.POS_Y: draw.between(0.01, 0.03), Channel.CARRIER_ROLL: draw.between(0.01, 0.06)}
    cv = draw.between(0.03, 0.08)
    count = _sway(out, draw, lift, total_s=total, half_s=0.5 * step_s, cv=cv)
    _sway(out, draw, side, total_s=total, half_s=step_s, cv=cv)
    held = draw.between(0.3, 1.1)
    out.pulse(Channel.CARRIER_PITCH, 0.0, -held, rise_s=2.5, hold_s=max(total - 5.0, 0.0), fall_s=2.5)
    return _conveyed(out.build(), "carrying", count)


def _sway(
    out: StepList, draw: Draw, axes: dict[Channel, float], *, total_s: float, half_s: float, cv: float
) -> int:
    """Swing all axes together to and fro; the first and the last swing are half as wide."""
    at, level, count = 0.0, 0.0, 0
    while at < total_s:
        span = draw.spread(half_s, cv)
        target = (0.5 if count % 2 == 0 else -0.5) * draw.spread(1.0, 0.12)
        for channel, reach in axes.items():
            out.step(channel, at, span, (target - level) * reach)
        level, at, count = target, at + span, count + 1
    for channel, reach in axes.items():
        out.step(channel, at, half_s, -level * reach)
    return (count + 1) // 2


def _conveyed(steps: Steps, true_class: str, count: int) -> Movement:
    told = mark_all(steps, Label.MOVEMENT, true_class, count=count, side="unknown")
    return Movement(told.steps, tuple(replace(mark, conveyed=True) for mark in told.marks))
