"""How the jerks of a frame are made: whether they repeat, how peaked they are, and who takes part in them.

What limbs do again and again in the same way repeats itself: the turning of the leading limb, and the envelope
of its motion. A clonic contraction is of the body, so that legs and trunk rise and fall with it; what shakes each
limb by itself, and what an infant does by choice, does not repeat so well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dsp.chain import HOP, Chain
from dsp.records import Evidence, Site
from dsp.rhythm import Rhythm
from dsp.shape import was_seen

__all__ = ["jerk_shape"]

_LOOK_K = 400
"""Grid samples looked at: four seconds hold several jerks of any rate, and few changes of pace."""

_LEAST_K = 100
_SHORTEST_LAG_K = 8
_LONGEST_LAG_K = 200
"""From 12 jerks a second to one in two seconds."""

_OVERLAP_K = 60
"""So many samples must be left to compare at the longest lag."""

_LEAST_DEG = 1e-3

Floats = NDArray[np.float64]


def jerk_shape(rhythm: Rhythm, chains: Mapping[Site, Chain]) -> list[Evidence]:
    """Measurements of the newest four seconds of a frame, weighed by nobody yet; what could not be seen is left out.

    Args:
        rhythm: the frame.
        chains: all sites.
    """
    k1 = rhythm.k1
    k0 = max(rhythm.k0, k1 - _LOOK_K)
    if k1 + 1 - k0 < _LEAST_K:
        return []
    lead = chains[rhythm.site].history
    part = lead.part(k0, k1 + 1)
    seen = [s for s, c in chains.items() if s is rhythm.site or was_seen(c.history, k0, k1 + 1)]
    envelopes = {s: _envelope(chains[s], k0, k1 + 1) for s in seen}
    found = {"rhythm_repeats": _repeats(envelopes[rhythm.site][None, :])}
    if lead.gyro[part].all():
        rate = _centred(lead.rate[:, part].astype(np.float64))
        found["swing_repeats"] = _repeats(rate)
        found["swing_peaked"] = _peaked(rate)
    if Site.LA in envelopes and Site.RA in envelopes:
        found["legs_alike"] = _alike(envelopes[Site.LA], envelopes[Site.RA])
    if Site.TR in envelopes and len(envelopes) > 1:
        # Jerks are of limbs; who is patted is moved by the trunk.
        found["trunk_leads"] = float(rhythm.site is Site.TR)
    if Site.TR in envelopes:
        found["trunk_turned"] = math.log(max(_wander_deg(chains[Site.TR], k0, k1), _LEAST_DEG))
        if rhythm.site is not Site.TR:
            found["trunk_alike"] = _alike(envelopes[rhythm.site], envelopes[Site.TR])
    return [Evidence(name, value, 0.0) for name, value in found.items() if value is not None]


def _envelope(chain: Chain, k0: int, k1: int) -> Floats:
    return chain.history.envelope[chain.history.part(k0, k1)].astype(np.float64)


def _centred(x: Floats) -> Floats:
    return np.asarray(x - np.mean(x, axis=1, keepdims=True))


def _repeats(x: Floats) -> float | None:
    """Highest autocorrelation of grid samples, shape (axes, n), behind its first zero: 1 repeats exactly.

    None when nothing swings back within the longest lag.
    """
    x = _centred(x)
    n = x.shape[1]
    power = np.fft.rfft(x, 2 * n, axis=1)
    own = np.fft.irfft(np.sum(np.abs(power) ** 2, axis=0))[:n]
    if own[0] <= 0.0:
        return None
    last = min(n - _OVERLAP_K, _LONGEST_LAG_K)
    below = np.flatnonzero(own[:last] < 0.0)
    first = max(int(below[0]), _SHORTEST_LAG_K) if below.size else last
    if first >= last:
        return None
    # Fewer samples overlap at longer lags.
    share = own[first:last] * (n / (n - np.arange(first, last))) / own[0]
    return float(share.max())


def _peaked(rate: Floats) -> float:
    """Kurtosis of the turning about its main axis: 3 is noise, 1.5 a sine, jerks with rest between them more."""
    _, axes = np.linalg.eigh(rate @ rate.T)
    x = axes[:, -1] @ rate
    square = float(np.mean(x * x))
    return float(np.mean(x**4)) / max(square * square, 1e-18)


def _alike(a: Floats, b: Floats) -> float | None:
    """Correlation of two envelopes; None when they were not seen alike long."""
    if a.shape != b.shape:
        return None
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 0.0 else 0.0


def _wander_deg(chain: Chain, k0: int, k1: int) -> float:
    """How far gravity pointed from its mean at most, by quarter-seconds of which anything was seen."""
    h0, h1 = k0 // HOP, k1 // HOP + 1
    there = chain.hops.column("present", h0, h1) > 0.0
    ways = np.stack([chain.hops.column(f"acc_{x}", h0, h1)[there] for x in "xyz"])
    if not ways.shape[1]:
        return 0.0
    mean = ways.mean(axis=1)
    sizes = np.sqrt(np.sum(ways * ways, axis=0) * float(mean @ mean))
    nearness = float(np.min((mean @ ways) / np.maximum(sizes, 1e-9)))
    return math.degrees(math.acos(min(max(nearness, -1.0), 1.0)))
