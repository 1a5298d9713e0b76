"""Rhythm of what came just before a moment: intervals between pulses, their evenness, and how they look.

A frame looks back over the last run of pulses that is not older than six seconds. Runs are cut where no pulse
came for longer than the slowest rhythm of the train family; what lies below 0.8 a second is another family.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from dsp.bursts import Pulse
from dsp.grid import GRID_HZ
from dsp.history import History
from dsp.records import Site

__all__ = ["FRAME_K", "Intervals", "Rhythm", "intervals_of", "last_run", "mean_hz", "rhythm_of"]

FRAME_K = 600
"""Grid samples a frame looks back."""

_PAUSE_K = 180
"""A longer pause ends a run: 1.8 s, the slowest jerks with their irregularity. Pauses between trains are longer."""

_LEAST_PULSES = 4
_LEAST_SPAN_K = 80
_LEAST_FOR_HZ = 25
_TOGETHER_K = 9
_EVEN = 0.35
"""An interval this share away from the median is still even."""


@dataclass(slots=True)
class Intervals:
    """Statistics of a sequence of onsets."""

    mean_s: float
    cv: float
    trend: float
    """relative change of the interval from its first to its last quarter; above 0 it slows down"""


def intervals_of(times_s: Sequence[float]) -> Intervals | None:
    """Interval statistics of at least three onsets in rising order; None of fewer."""
    if len(times_s) < 3:
        return None
    gaps = np.diff(np.asarray(times_s, dtype=np.float64))
    mean = float(np.mean(gaps))
    if mean <= 0.0:
        return None
    part = max(1, gaps.size // 4)
    first, last = float(np.mean(gaps[:part])), float(np.mean(gaps[-part:]))
    return Intervals(mean, float(np.std(gaps)) / mean, (last - first) / mean)


@dataclass(slots=True)
class Rhythm:
    """One frame."""

    site: Site
    k0: int
    k1: int
    """grid index of the run's first and last pulse"""
    count: int
    rate_hz: float
    even: float
    """share of intervals near their median"""
    spread: float
    """standard deviation of the natural logarithm of pulse heights"""
    peak_g: float
    duty: float
    """share of time the envelope stands above a third of the median pulse"""
    unison: float
    """share of pulses that the other leg shares; 0 with one leg"""
    trunk: float
    """natural logarithm of the trunk's motion over the leading limb's, or over the strongest limb's where the trunk
    itself leads; 0 without a trunk sensor, or with nothing else"""
    tilt_deg: float
    """how far gravity turned in the sensor from begin to end"""
    turn: float
    """natural logarithm of rotation per acceleration, deg/s per g; 0 without a gyro"""
    ride: float
    """smallest over largest envelope mean among all sites: 1 when everything moves as one"""
    swing_hz: float
    """mean frequency of the leading site's rotation: long contractions swing slowly; 0 without a gyro"""
    stroke_hz: float
    """mean frequency of its acceleration: blows are quick"""


def last_run(pulses: Sequence[Pulse], k: int) -> list[Pulse]:
    """The newest pulses of one site, back to a pause or the frame's length; empty if it is over."""
    run: list[Pulse] = []
    after = k
    for pulse in reversed(pulses):
        if after - pulse.k > _PAUSE_K or k - pulse.k > FRAME_K:
            break
        run.append(pulse)
        after = pulse.k
    return run[::-1]


def rhythm_of(
    pulses: Mapping[Site, Sequence[Pulse]], histories: Mapping[Site, History], k: int
) -> Rhythm | None:
    """The frame that ends before grid index k; None when no site shows at least four pulses."""
    runs = {s: last_run(p, k) for s, p in pulses.items()}
    runs = {s: r for s, r in runs.items() if _enough(r)}
    if not runs:
        return None
    lead = max(runs, key=lambda s: (median([p.peak_g for p in runs[s]]) * len(runs[s]), s))
    run = runs[lead]
    k0, k1 = run[0].k, run[-1].k
    gaps = np.diff([p.k for p in run]).astype(np.float64)
    middle = median(gaps.tolist())
    heights = np.log([p.peak_g for p in run])
    peak = math.exp(median(heights.tolist()))
    means = {s: _mean(h, k0, k1) for s, h in histories.items()}
    return Rhythm(
        site=lead,
        k0=k0,
        k1=k1,
        count=len(run),
        rate_hz=GRID_HZ / middle,
        even=float(np.mean(np.abs(gaps - middle) <= _EVEN * middle)),
        spread=float(np.std(heights)),
        peak_g=peak,
        duty=_duty(histories[lead], k0, k1, peak / 3),
        unison=_unison(run, pulses, lead),
        trunk=_trunk(means, lead),
        tilt_deg=histories[lead].turned_deg(k0, k1),
        turn=_turn(histories[lead], k0, k1),
        swing_hz=_swing_hz(histories[lead], k0, k1),
        stroke_hz=mean_hz(histories[lead].motion[:, histories[lead].part(k0, k1)].astype(np.float64)),
        ride=min(means.values()) / max(*means.values(), 1e-6) if len(means) > 1 else 0.0,
    )


def _enough(run: Sequence[Pulse]) -> bool:
    return len(run) >= _LEAST_PULSES and run[-1].k - run[0].k >= _LEAST_SPAN_K


def _mean(history: History, k0: int, k1: int) -> float:
    values = history.envelope[history.part(k0, k1)]
    return float(np.sum(values, dtype=np.float64)) / max(values.size, 1)


def _duty(history: History, k0: int, k1: int, level: float) -> float:
    values = history.envelope[history.part(k0, k1)]
    return float(np.count_nonzero(values > level)) / max(values.size, 1)


def _unison(run: Sequence[Pulse], pulses: Mapping[Site, Sequence[Pulse]], lead: Site) -> float:
    pair = {Site.LA: Site.RA, Site.RA: Site.LA, Site.LW: Site.RW, Site.RW: Site.LW}.get(lead)
    others = [p.k for p in pulses.get(pair, ())] if pair else []
    if not others:
        return 0.0
    return sum(_near(others, p.k) for p in run) / len(run)


def _near(ks: Sequence[int], k: int) -> bool:
    """Whether any of the rising grid indices lies within the time of limbs that move together."""
    place = bisect_left(ks, k - _TOGETHER_K)
    return place < len(ks) and ks[place] <= k + _TOGETHER_K


def _trunk(means: Mapping[Site, float], lead: Site) -> float:
    if Site.TR not in means or len(means) == 1:
        return 0.0
    limb = means[lead] if lead is not Site.TR else max(v for s, v in means.items() if s is not Site.TR)
    return math.log(max(means[Site.TR], 1e-4) / max(limb, 1e-4))


def _turn(history: History, k0: int, k1: int) -> float:
    part = history.part(k0, k1)
    if not history.gyro[part].all():
        return 0.0
    rate = history.rate[:, part].astype(np.float64)
    rate = rate - np.mean(rate, axis=1, keepdims=True)
    motion = history.motion[:, part].astype(np.float64)
    square, acc = float(np.sum(rate * rate)), float(np.sum(motion * motion))
    return 0.5 * math.log(max(square, 1e-6) / max(acc, 1e-9))


def _swing_hz(history: History, k0: int, k1: int) -> float:
    part = history.part(k0, k1)
    if not history.gyro[part].all():
        return 0.0
    rate = history.rate[:, part].astype(np.float64)
    return mean_hz(rate - np.mean(rate, axis=1, keepdims=True))


def mean_hz(values: NDArray[np.float64]) -> float:
    """Mean frequency of grid samples, shape (3, n), in Hz; 0 when they are few or nothing.

    References:
        Hjorth, B. (1970): mobility, the ratio of a signal's derivative to itself.
    """
    size = float(np.sum(values * values))
    if values.shape[1] < _LEAST_FOR_HZ or size <= 0.0:
        return 0.0
    step = np.diff(values, axis=1)
    # The difference between samples of a sine of frequency f is 2 sin(pi f / rate) times as high.
    share = min(math.sqrt(float(np.sum(step * step)) / size) / 2.0, 1.0)
    return math.asin(share) * GRID_HZ / math.pi
