"""Rhythm of what came just before a moment: intervals between pulses, their evenness, and how they look.

A frame looks back over the last run of pulses that is not older than six seconds. Runs are cut where no pulse
came for longer than the slowest rhythm of the train family; what lies below 0.8 a second is another family.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsp.bursts import Pulse
from dsp.grid import GRID_HZ
from dsp.history import History
from dsp.look_kernels import numpy_sum
from dsp.records import Site
from dsp.shape import enough_seen

__all__ = ["FRAME_K", "Intervals", "Rhythm", "intervals_of", "last_run", "moved_hz", "rhythm_of"]

FRAME_K = 600
"""Grid samples a frame looks back."""

_PAUSE_K = 180
"""A longer pause ends a run: 1.8 s, the slowest jerks with their irregularity. Pauses between trains are longer."""

_LEAST_PULSES = 4
_LEAST_SPAN_K = 80
_LEAST_FOR_HZ = 25
_TOGETHER_K = 9
_HANDFUL = 64
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
    gaps = [b - a for a, b in pairwise(times_s)]
    mean = _mean(gaps)
    if mean <= 0.0:
        return None
    part = max(1, len(gaps) // 4)
    first, last = _mean(gaps[:part]), _mean(gaps[-part:])
    return Intervals(mean, _deviation(gaps) / mean, (last - first) / mean)


def _mean(values: Sequence[float]) -> float:
    """As `numpy.mean`, which takes longer for a handful."""
    n = len(values)
    return numpy_sum(values, 0, n) / n if n <= _HANDFUL else float(np.mean(values))


def _deviation(values: Sequence[float]) -> float:
    """As `numpy.std`."""
    mean = _mean(values)
    return math.sqrt(_mean([(v - mean) * (v - mean) for v in values]))


@dataclass(slots=True)
class Rhythm:
    """One frame."""

    site: Site
    seen: tuple[Site, ...]
    """sites that measured something through most of it, the leading one among them"""
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
    """share of pulses that the other leg shares; 0 where only one leg was seen"""
    trunk: float
    """natural logarithm of the trunk's motion over the leading limb's, or over the strongest limb's where the trunk
    itself leads; 0 where no trunk was seen, or nothing else"""
    tilt_deg: float
    """how far gravity turned in the sensor from begin to end"""
    turn: float
    """natural logarithm of rotation per acceleration, deg/s per g; 0 without a gyro"""
    ride: float
    """smallest over largest envelope mean among the sites seen: 1 when everything moves as one"""
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
    pulses: Mapping[Site, Sequence[Pulse]], histories: Mapping[Site, History], k: int, new_k: int = FRAME_K
) -> Rhythm | None:
    """The frame that ends before grid index k.

    None when no site shows at least four pulses, or the last one of the site that leads is older than `new_k`.
    """
    runs = {s: last_run(p, k) for s, p in pulses.items()}
    runs = {s: r for s, r in runs.items() if _enough(r)}
    if not runs:
        return None
    lead = max(runs, key=lambda s: (median([p.peak_g for p in runs[s]]) * len(runs[s]), s))
    run = runs[lead]
    k0, k1 = run[0].k, run[-1].k
    if k - k1 > new_k:
        return None
    gaps = [b.k - a.k for a, b in pairwise(run)]
    middle = float(median(gaps))
    # Not the logarithm of math: its last digits may be others.
    heights = np.log([p.peak_g for p in run]).tolist()
    peak = math.exp(median(heights))
    # Who is silent does not keep still.
    every = {s: _looked(h, k0, k1, peak / 3) for s, h in histories.items()}
    looked = {s: look for s, look in every.items() if s is lead or look.seen}
    seen = tuple(looked)
    means = {s: look.mean_g for s, look in looked.items()}
    swing, turn, stroke = _turning(histories[lead], k0, k1)
    return Rhythm(
        site=lead,
        seen=seen,
        k0=k0,
        k1=k1,
        count=len(run),
        rate_hz=GRID_HZ / middle,
        even=sum(abs(gap - middle) <= _EVEN * middle for gap in gaps) / len(gaps),
        spread=_deviation(heights),
        peak_g=peak,
        duty=looked[lead].share,
        unison=_unison(run, pulses, lead, seen),
        trunk=_trunk(means, lead),
        tilt_deg=histories[lead].turned_deg(k0, k1),
        turn=turn,
        swing_hz=swing,
        stroke_hz=stroke,
        ride=min(means.values()) / max(*means.values(), 1e-6) if len(means) > 1 else 0.0,
    )


def _enough(run: Sequence[Pulse]) -> bool:
    return len(run) >= _LEAST_PULSES and run[-1].k - run[0].k >= _LEAST_SPAN_K


class _Look(NamedTuple):
    """A site's envelope in a frame."""

    mean_g: float
    share: float
    """of samples above a level"""
    seen: bool
    """whether it measured something in most of the frame"""


def _looked(history: History, k0: int, k1: int, level: float) -> _Look:
    """Of the samples that there are; missing ones are zeros."""
    a, b = max(k0 - history.k0, 0), min(k1, history.k1) - history.k0
    if b <= a:
        return _Look(0.0, 0.0, seen=False)
    if history.kernels is not None:
        total, above, count, most = history.kernels.envelope_sum(
            history.envelope, history.present, a, b, level
        )
    else:
        values = history.envelope[a:b]
        total, above = float(np.sum(values, dtype=np.float64)), int(np.count_nonzero(values > level))
        count, most = int(np.count_nonzero(history.present[a:b])), float(values.max())
    n = max(count, 1)
    return _Look(total / n, above / n, enough_seen(count, most, k1 - k0))


def _unison(
    run: Sequence[Pulse], pulses: Mapping[Site, Sequence[Pulse]], lead: Site, seen: Sequence[Site]
) -> float:
    pair = {Site.LA: Site.RA, Site.RA: Site.LA, Site.LW: Site.RW, Site.RW: Site.LW}.get(lead)
    others = [p.k for p in pulses.get(pair, ())] if pair is not None and pair in seen else []
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


def _turning(history: History, k0: int, k1: int) -> tuple[float, float, float]:
    """Mean frequency of rotation, its size against acceleration (both 0 without a gyro), frequency of acceleration."""
    part = history.part(k0, k1)
    moved, moved_steps, n = _squares(history, history.motion, part, centred=False)
    stroke = _hz(moved, moved_steps, n)
    if not history.gyro[part].all():
        return 0.0, 0.0, stroke
    turned, turned_steps, n = _squares(history, history.rate, part, centred=True)
    return _hz(turned, turned_steps, n), 0.5 * math.log(max(turned, 1e-6) / max(moved, 1e-9)), stroke


def _squares(
    history: History, rows: NDArray[np.float32], part: slice, *, centred: bool
) -> tuple[float, float, int]:
    """Sums of squares of samples and of the steps between them, and how many samples there are."""
    n = rows[:, part].shape[1]
    if history.kernels is not None and n:
        return *history.kernels.squares(rows, part.start, part.start + n, centred), n
    values = rows[:, part].astype(np.float64)
    if centred:
        values = values - np.mean(values, axis=1, keepdims=True)
    step = np.diff(values, axis=1)
    return float(np.sum(values * values)), float(np.sum(step * step)), n


def moved_hz(history: History, k0: int, k1: int) -> float:
    """Mean frequency of the band-passed motion in grid samples k0 to k1 - 1, Hz; 0 when there is none.

    References:
        Hjorth, B. (1970): mobility, the ratio of a signal's derivative to itself.
    """
    return _hz(*_squares(history, history.motion, history.part(k0, k1), centred=False))


def _hz(size: float, steps: float, n: int) -> float:
    if n < _LEAST_FOR_HZ or size <= 0.0:
        return 0.0
    # The difference between samples of a sine of frequency f is 2 sin(pi f / rate) times as high.
    share = min(math.sqrt(steps / size) / 2.0, 1.0)
    return math.asin(share) * GRID_HZ / math.pi
