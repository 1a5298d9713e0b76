"""30 s epochs of one site: what it measured and whether the sensor could be used and was worn."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dsp.chain import EPOCH_HOPS, HOP, HOP_NS, Chain
from dsp.records import Epoch, Site
from dsp.settings import Settings

__all__ = ["EPOCH_NS", "Stir", "WearTracker", "epoch_of", "stir_of"]

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


def stir_of(chain: Chain, h0: int) -> Stir:
    """What wearing is judged by, for hops h0 to h0 + 119 of one site; all must have been processed."""
    h1 = h0 + EPOCH_HOPS
    column = chain.hops.column
    present = float(column("present", h0, h1).sum()) / EPOCH_HOPS
    settled = float(column("settled", h0, h1).sum())
    top = column("top", h0, h1)
    gyro = bool(column("gyro", h0, h1).all()) and present >= 1.0
    return Stir(
        site=chain.site,
        present=present,
        top_g=float(top.max()) if top.size else 0.0,
        sway_dps=_scatter(chain, "rate", h0, h1) if gyro else None,
        sway_g=_scatter(chain, "acc", h0, h1),
        rms_g=math.sqrt(float(column("square", h0, h1).sum()) / max(settled * HOP, 1.0)),
    )


def _scatter(chain: Chain, kind: str, h0: int, h1: int) -> float:
    x = np.stack([chain.hops.column(f"{kind}_{a}", h0, h1) for a in "xyz"])
    if x.shape[1] < EPOCH_HOPS:
        return math.inf
    x = x - x.mean(axis=1, keepdims=True)
    x = x - (x * _RAMP).sum(axis=1, keepdims=True) / float((_RAMP * _RAMP).sum()) * _RAMP
    return math.sqrt(float((x * x).sum()) / x.shape[1])


_RAMP = np.linspace(-1.0, 1.0, EPOCH_HOPS)


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

    @property
    def worn(self) -> bool:
        """Whether it is taken for worn."""
        return self.doubt < 1.0

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
            self.doubt, self.since_ns = 0.0, None
            return True
        if self.since_ns is None:
            self.since_ns = t_ns
        self.doubt += self._doubt(own, seen)
        return self.worn

    def _is_still(self, own: Stir) -> bool:
        """Whether it shows no more than a chip's own noise: an infant breathes, and its limbs are never quite still."""
        if own.sway_dps is not None:
            return own.sway_dps < self.settings.off_sway_dps[0 if own.site is Site.TR else 1]
        return own.sway_g < _WHITE * own.rms_g

    def _doubt(self, own: Stir, others: list[float]) -> float:
        s = self.settings
        alone = EPOCH_NS / 1e9 / (s.off_handled_s if self.handled else s.off_still_s)
        if own.site is Site.TR:
            alone = max(alone, EPOCH_NS / 1e9 / s.off_breathless_s)
        strong = [g for g in others if g >= s.off_others_g]
        if len(strong) > 1:
            return alone + 2.0 * s.off_left_out
        return alone + (s.off_left_out if strong and strong[0] >= 2.0 * s.off_others_g else 0.0)


_LEAST_SEEN = 0.5

_HANDLED_G = 0.1
_HANDLED_ALONE = 0.25
"""Others move a quarter of it at most: a hand has this sensor alone."""

_WHITE = 0.45
"""White noise scatters a third as far in quarter-second means as in the band of movement; breathing adds to it."""


def epoch_of(chain: Chain, infant: str, h0: int, *, worn: bool) -> Epoch:
    """The epoch of hops h0 to h0 + 119 of one site; all must have been processed."""
    h1 = h0 + EPOCH_HOPS
    column = chain.hops.column
    seen = float(column("present", h0, h1).sum())
    present = seen / EPOCH_HOPS
    settled = float(column("settled", h0, h1).sum())
    samples = seen * HOP
    activity = math.sqrt(float(column("square", h0, h1).sum()) / max(settled * HOP, 1.0))
    gyro = float(column("gyro", h0, h1).sum())
    rate = _rate(chain, h0, h1, gyro * HOP) if gyro > 0 else None
    return Epoch(
        infant=infant,
        site=chain.site,
        t_ns=h0 * HOP_NS,
        span_ns=EPOCH_NS,
        present=present,
        worn=worn,
        clipped=float(column("clipped", h0, h1).sum()) * HOP / max(samples, 1.0),
        activity_g=activity,
        floor_g=float(column("floor", h1 - 1, h1).sum()),
        rate_dps=rate,
        posture=_posture(chain, h0, h1, seen),
    )


def _rate(chain: Chain, h0: int, h1: int, samples: float) -> float:
    """RMS angular rate about the epoch's mean: the mean of a gyro at rest is its bias."""
    square = float(chain.hops.column("rate_square", h0, h1).sum()) / samples
    weights = chain.hops.column("present", h0, h1)
    means = [float((chain.hops.column(f"rate_{a}", h0, h1) * weights).sum()) * HOP / samples for a in "xyz"]
    return math.sqrt(max(square - sum(m * m for m in means), 0.0))


def _posture(chain: Chain, h0: int, h1: int, seen: float) -> tuple[float, float, float]:
    if seen <= 0:
        return (0.0, 0.0, 0.0)
    weights = chain.hops.column("present", h0, h1)
    x, y, z = (float((chain.hops.column(f"acc_{a}", h0, h1) * weights).sum()) / seen for a in "xyz")
    return (x, y, z)
