"""30 s epochs of one site: what it measured and whether the sensor could be used and was worn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dsp.chain import EPOCH_HOPS, HOP, HOP_NS, Chain
from dsp.records import Epoch

__all__ = ["EPOCH_NS", "WearTracker", "epoch_of"]

EPOCH_NS = EPOCH_HOPS * HOP_NS


@dataclass(slots=True)
class WearTracker:
    """Decides worn or not: no infant keeps a sensor at its own noise for longer than the longest quiet sleep."""

    limit_g: float
    epochs_needed: int
    still: int = 0

    def push(self, activity_g: float, rate_dps: float | None, present: float) -> bool:
        """Take one epoch in and say whether the sensor is worn."""
        if present < 0.5:
            return self.still < self.epochs_needed
        quiet = activity_g < self.limit_g and (rate_dps is None or rate_dps < _STILL_DPS)
        self.still = self.still + 1 if quiet else 0
        return self.still < self.epochs_needed


_STILL_DPS = 0.5
"""Breathing turns a worn sensor by more than this; gyro noise at rest stays below."""


def epoch_of(chain: Chain, wear: WearTracker, infant: str, h0: int) -> Epoch:
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
        worn=wear.push(activity, rate, present),
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
