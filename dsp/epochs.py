"""30 s epochs of one site: what it measured and whether the sensor could be used and was worn."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.chain import EPOCH_HOPS, HOP, HOP_NS, ROW, Chain
from dsp.records import Epoch, Site
from dsp.settings import Settings

__all__ = ["EPOCH_NS", "Stir", "Sums", "WearTracker", "epoch_of", "stir_of", "sums_of"]

EPOCH_NS = EPOCH_HOPS * HOP_NS


@dataclass(slots=True)
class Stir:
    """How a site stirred in an epoch."""

    site: Site
    present: float
    top_g: float
    """highest envelope"""
    sway_dps: float | None
    """how far quarter-seconds' mean rates scatter: what a chip's own noise hardly does; None without a gyro"""
    sway_g: float
    """the same of acceleration, about its trend"""
    rms_g: float


@dataclass(slots=True)
class Sums:
    """What the rows of an epoch of one site add up to; counts are of hops."""

    site: Site
    hops: int
    present: float
    bridged: float
    """of those present, but not measured"""
    settled: float
    square: float
    gyro: float
    clipped: float
    rate_square: float
    top_g: float
    floor_g: float
    """the last one"""
    all_gyro: bool
    acc: tuple[float, float, float]
    rate: tuple[float, float, float]
    """sums of the means, weighed by what was present"""
    acc_scatter: float
    rate_scatter: float
    """how far the means scatter about their trend, root mean square"""


def sums_of(chain: Chain, h0: int, count: int) -> list[Sums]:
    """The sums of some epochs that follow one another.

    Args:
        chain: the site.
        h0: first hop of the first epoch; all hops must have been processed. Where not all of them are kept, one
            epoch must be asked for, and has fewer hops.
        count: how many epochs.
    """
    kept = chain.hops.rows[max(h0 - chain.hops.h0, 0) : max(h0 + count * EPOCH_HOPS - chain.hops.h0, 0)]
    n = kept.shape[0] // count
    # One row behind the other: sums over them are the same bytes however many epochs there are.
    rows = np.ascontiguousarray(kept.reshape(count, n, len(ROW)).transpose(0, 2, 1))
    total = rows.sum(axis=2)
    weighed = (rows[:, _ACC_TO_RATE] * rows[:, :1]).sum(axis=2)
    scatter = [_scatter(rows[:, part], rows[:, _PRESENT] > 0.0) for part in (_ACC, _RATE)]
    top, all_gyro = rows[:, _TOP].max(axis=1, initial=0.0), rows[:, _GYRO].all(axis=1)
    floor = rows[:, _FLOOR, -1] if h0 + count * EPOCH_HOPS <= chain.hops.h1 and n else np.zeros(count)
    columns = (total.tolist(), weighed.tolist(), top.tolist(), floor.tolist(), all_gyro.tolist(), *scatter)
    return [
        Sums(
            chain.site, n, t[_PRESENT], t[_BRIDGED], t[_SETTLED], t[_SQUARE], t[_GYRO], t[_CLIPPED], t[_RATE_SQUARE],
            g, f, gyro, (w[0], w[1], w[2]), (w[3], w[4], w[5]), acc, rate,
        )
        for t, w, g, f, gyro, acc, rate in zip(*columns, strict=True)
    ]  # fmt: skip


_PRESENT, _BRIDGED, _SETTLED, _SQUARE, _TOP, _RATE_SQUARE, _GYRO, _CLIPPED, _FLOOR = (
    ROW.index(name)
    for name in ("present", "bridged", "settled", "square", "top", "rate_square", "gyro", "clipped", "floor")
)
_ACC = slice(ROW.index("acc_x"), ROW.index("acc_z") + 1)
_RATE = slice(ROW.index("rate_x"), ROW.index("rate_z") + 1)
_ACC_TO_RATE = slice(_ACC.start, _RATE.stop)


def _scatter(x: NDArray[np.float64], seen: NDArray[np.bool_]) -> list[float]:
    """Of each epoch, about its line.

    Args:
        x: shape (epochs, 3, hops).
        seen: shape (epochs, hops); where nothing was seen there is no sample, which is not a sample of zero.
    """
    count, _, n = x.shape
    if n < EPOCH_HOPS:
        return [math.inf] * count
    there = seen[:, None, :]
    level = np.where(there, x, 0.0).sum(axis=2, keepdims=True) / np.maximum(
        there.sum(axis=2, keepdims=True), 1
    )
    x = np.where(there, x, level)
    x = x - x.mean(axis=2, keepdims=True)
    x = x - (x * _RAMP).sum(axis=2, keepdims=True) / float((_RAMP * _RAMP).sum()) * _RAMP
    squares = (x * x).reshape(count, 3 * n).sum(axis=1).tolist()
    return [math.sqrt(square / n) for square in squares]


_RAMP = np.linspace(-1.0, 1.0, EPOCH_HOPS)


def stir_of(sums: Sums) -> Stir:
    """What wearing is judged by."""
    present = sums.present / EPOCH_HOPS
    return Stir(
        site=sums.site,
        present=present,
        top_g=sums.top_g,
        sway_dps=sums.rate_scatter if sums.all_gyro and present >= 1.0 else None,
        sway_g=sums.acc_scatter,
        rms_g=math.sqrt(sums.square / max(sums.settled * HOP, 1.0)),
    )


@dataclass(slots=True)
class WearTracker:
    """Decides worn or not. Doubt grows with every epoch that only a sensor off the body shows; own movement ends it."""

    settings: Settings
    doubt: float = 0.0
    """1 and more: not worn"""
    since_ns: int | None = None
    """since when nothing of the infant was seen"""
    handled: bool = False
    """whether this site alone was moved just before it fell silent"""
    shown: float = 0.0
    """how much of the doubt was shown by more than stillness, which an infant that sleeps soundly shows as well"""

    @property
    def worn(self) -> bool:
        """Whether it is taken for worn."""
        return self.doubt < 1.0

    @property
    def surely_off(self) -> bool:
        """Whether it lay still where no worn sensor does: no breath, while the others moved, or put away by a hand."""
        return not self.worn and self.shown >= _SHOWN_LEAST

    def push(self, own: Stir, others: Iterable[Stir], t_ns: int) -> bool:
        """Take one epoch in and say whether the sensor is worn.

        Args:
            own: What this site did.
            others: What the other sites did.
            t_ns: Start of the epoch.
        """
        if own.present < _LEAST_SEEN:
            return self.worn
        seen = sorted(o.top_g for o in others if o.present >= _LEAST_SEEN)
        if own.top_g > self.settings.off_top_g or not self._is_still(own):
            self.handled = bool(seen) and own.top_g > _HANDLED_G and seen[-1] < _HANDLED_ALONE * own.top_g
            self.doubt, self.shown, self.since_ns = 0.0, 0.0, None
            return True
        if self.since_ns is None:
            self.since_ns = t_ns
        shown, left_out = self._put_away(own), self._left_out(seen)
        self.doubt += max(EPOCH_NS / 1e9 / self.settings.off_still_s, shown) + left_out
        self.shown += shown + left_out
        return self.worn

    def _is_still(self, own: Stir) -> bool:
        """Whether it shows no more than a chip's own noise: an infant breathes, and its limbs are never quite still."""
        if own.sway_dps is not None:
            return own.sway_dps < self.settings.off_sway_dps[0 if own.site is Site.TR else 1]
        return own.sway_g < _WHITE * own.rms_g

    def _put_away(self, own: Stir) -> float:
        """Doubt by where it was left: a hand moved it last, or no breath moves it."""
        s = self.settings
        handled = EPOCH_NS / 1e9 / s.off_handled_s if self.handled else 0.0
        return max(handled, EPOCH_NS / 1e9 / s.off_breathless_s) if own.site is Site.TR else handled

    def _left_out(self, others: list[float]) -> float:
        """Doubt by what the others did meanwhile."""
        s = self.settings
        strong = [g for g in others if g >= s.off_others_g]
        if len(strong) > 1:
            return 2.0 * s.off_left_out
        return s.off_left_out if strong and strong[0] >= 2.0 * s.off_others_g else 0.0


_LEAST_SEEN = 0.5

_SHOWN_LEAST = 0.5

_HANDLED_G = 0.1
_HANDLED_ALONE = 0.25
"""Others move a quarter of it at most: a hand has this sensor alone."""

_WHITE = 0.45
"""White noise scatters a third as far in quarter-second means as in the band of movement; breathing adds to it."""


def epoch_of(sums: Sums, infant: str, h0: int, *, worn: bool) -> Epoch:
    """The epoch of hops h0 to h0 + 119 of one site."""
    return Epoch(
        infant=infant,
        site=sums.site,
        t_ns=h0 * HOP_NS,
        span_ns=EPOCH_NS,
        present=(sums.present - sums.bridged) / EPOCH_HOPS,
        worn=worn,
        clipped=sums.clipped * HOP / max(sums.present * HOP, 1.0),
        activity_g=math.sqrt(sums.square / max(sums.settled * HOP, 1.0)),
        floor_g=sums.floor_g,
        rate_dps=_rate(sums, sums.gyro * HOP) if sums.gyro > 0 else None,
        posture=_posture(sums),
    )


def _rate(sums: Sums, samples: float) -> float:
    """RMS angular rate about the epoch's mean: the mean of a gyro at rest is its bias."""
    x, y, z = (total * HOP / samples for total in sums.rate)
    return math.sqrt(max(sums.rate_square / samples - (x * x + y * y + z * z), 0.0))


def _posture(sums: Sums) -> tuple[float, float, float]:
    if sums.present <= 0:
        return (0.0, 0.0, 0.0)
    x, y, z = (total / sums.present for total in sums.acc)
    return (x, y, z)
