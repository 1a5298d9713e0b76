"""Measures taken from a movement as it was generated: what a channel did, when, how often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmware_sim.movement import Movement
from firmware_sim.steps import Channel, Curve, Path

RATE_HZ = 208.0


def path(movement: Movement, channel: Channel, *, until_s: float | None = None) -> Curve:
    """A channel from the movement's start to its end; at rest when it never moves."""
    n = int((until_s or movement.duration_s + 0.1) * RATE_HZ)
    steps = movement.steps
    mine = steps.channel == int(channel)
    own = Path(steps.start_s[mine], steps.span_s[mine], steps.delta[mine], 0.0)
    found = own.curve(0.0, 1.0 / RATE_HZ, n)
    still = np.zeros(n, np.float32)
    return found or Curve(still, still, still)


def reach(movement: Movement, channel: Channel, *, until_s: float | None = None) -> float:
    """How far a channel goes from its rest."""
    return float(np.abs(path(movement, channel, until_s=until_s).value).max())


def first_start(movement: Movement, *channels: Channel) -> float:
    """When the first of these channels sets off."""
    mine = np.isin(movement.steps.channel, channels)
    return float(movement.steps.start_s[mine].min())


def moves(movement: Movement, *channels: Channel) -> bool:
    """Whether any of these channels takes part."""
    return bool(np.isin(movement.steps.channel, channels).any())


def onsets(movement: Movement, channel: Channel, apart_s: float = 0.0) -> NDArray[np.float64]:
    """Times at which a channel sets off, those closer than `apart_s` to the last one left out."""
    times = np.unique(movement.steps.start_s[movement.steps.channel == channel])
    return times[np.concatenate([[True], np.diff(times) > apart_s])]


def swings(movement: Movement, channel: Channel) -> NDArray[np.float64]:
    """Times at which a channel that swings to and fro passes its rest upwards."""
    curve = path(movement, channel)
    value = curve.value.astype(np.float64)
    moved = value - _slow(value)
    strong = 0.02 * float(np.abs(moved).max())
    up = (moved[:-1] < 0.0) & (moved[1:] >= 0.0)
    near = np.array([np.ptp(moved[max(i - 60, 0) : i + 60]) > strong for i in np.flatnonzero(up)], bool)
    return np.asarray(np.flatnonzero(up)[near] / RATE_HZ, np.float64)


def _slow(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Moving mean over half a second: the posture under a tremor."""
    width = int(RATE_HZ / 2) | 1
    padded = np.pad(value, width // 2, mode="edge")
    return np.convolve(padded, np.full(width, 1.0 / width), mode="valid")


def left_behind(movement: Movement) -> float:
    """Largest departure of any channel from where it began."""
    change = np.bincount(movement.steps.channel, movement.steps.delta)
    return float(np.abs(change).max())
