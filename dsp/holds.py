"""Held postures: where each sensor's gravity points, how still it is kept there, and how fast it trembles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.chain import HOP, Chain
from dsp.grid import GRID_HZ

__all__ = ["HOLD_HOPS", "LOOK_HOPS", "Posture", "Vector", "angle_deg", "postures_of", "tremor_hz"]

Vector = tuple[float, float, float]
Floats = NDArray[np.float64]

LOOK_HOPS = 4
"""Postures are looked at once a second, on absolute seconds."""

HOLD_HOPS = 8
"""Two seconds: long enough to average tremor and breathing away, short against any posture worth a word."""

_LEAST_G = 0.5
_MOST_G = 1.5
"""A mean outside these is no posture: the sensor is thrown about, or broken."""


@dataclass(slots=True)
class Posture:
    """One site over the two seconds before a look."""

    way: Vector
    """mean acceleration in g: gravity, as nothing accelerates one way for two seconds"""
    sway_deg: float
    """farthest a quarter-second's mean pointed away from `way`"""
    rms_g: float
    """root mean square of the band-passed motion"""
    top_g: float
    """highest envelope"""


def angle_deg(a: Vector, b: Vector) -> float:
    """Angle between two vectors; 0 when one of them has no length."""
    size = math.sqrt((a[0] ** 2 + a[1] ** 2 + a[2] ** 2) * (b[0] ** 2 + b[1] ** 2 + b[2] ** 2))
    if size <= 0.0:
        return 0.0
    dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return math.degrees(math.acos(min(max(dot / size, -1.0), 1.0)))


def postures_of(chain: Chain, h0: int, h1: int) -> dict[int, Posture]:
    """Postures at the looks that end with one of the hops h0 to h1 - 1, as far as all was seen."""
    first = h0 + (-(h0 + 1)) % LOOK_HOPS
    first += -(-max(chain.hops.h0 + HOLD_HOPS - 1 - first, 0) // LOOK_HOPS) * LOOK_HOPS
    looks = range(first, h1, LOOK_HOPS)
    if not looks:
        return {}
    # Sums run over shifted slices, one addition after the other, so that block lengths change no bit.
    part = {name: _shifted(chain, name, looks) for name in ("settled", "square", "top", *_AXES)}
    mean = [_total(part[a]) / HOLD_HOPS for a in _AXES]
    size = np.sqrt(mean[0] * mean[0] + mean[1] * mean[1] + mean[2] * mean[2])
    near = _nearness(part, mean, size).tolist()
    rms = np.sqrt(_total(part["square"]) / (HOLD_HOPS * HOP)).tolist()
    whole = _total(part["settled"]).tolist()
    tops = np.maximum.reduce(part["top"]).tolist()
    ways = zip(*(m.tolist() for m in mean), strict=True)
    found = {}
    for i, (h, way) in enumerate(zip(looks, ways, strict=True)):
        if whole[i] >= HOLD_HOPS and _LEAST_G < float(size[i]) < _MOST_G:
            sway = math.degrees(math.acos(min(max(near[i], -1.0), 1.0)))
            found[h] = Posture(way, sway, rms[i], tops[i])
    return found


_AXES = ("acc_x", "acc_y", "acc_z")


def _shifted(chain: Chain, name: str, looks: range) -> list[Floats]:
    return [
        chain.hops.column(name, looks[0] - i, looks[-1] - i + 1)[::LOOK_HOPS]
        for i in range(HOLD_HOPS - 1, -1, -1)
    ]


def _total(parts: list[Floats]) -> Floats:
    total = parts[0].copy()
    for p in parts[1:]:
        total += p
    return total


def _nearness(part: dict[str, list[Floats]], mean: list[Floats], size: Floats) -> Floats:
    """Smallest cosine between the mean and the single hops."""
    least = np.ones(size.shape[0])
    for x, y, z in zip(*(part[a] for a in _AXES), strict=True):
        length = np.sqrt(x * x + y * y + z * z)
        dot = x * mean[0] + y * mean[1] + z * mean[2]
        least = np.minimum(least, dot / np.maximum(length * size, 1e-9))
    return least


def tremor_hz(chain: Chain, k0: int, k1: int) -> float:
    """Mean frequency of the band-passed motion in grid samples k0 to k1 - 1, Hz; 0 when there is none.

    References:
        Hjorth, B. (1970): mobility, the ratio of a signal's derivative to itself.
    """
    motion = chain.history.motion[:, chain.history.part(k0, k1)].astype(np.float64)
    size = float(np.sum(motion * motion))
    if motion.shape[1] < HOP or size <= 0.0:
        return 0.0
    step = np.diff(motion, axis=1)
    # The difference between samples of a sine of frequency f is 2 sin(pi f / rate) times as high.
    share = min(math.sqrt(float(np.sum(step * step)) / size) / 2.0, 1.0)
    return math.asin(share) * GRID_HZ / math.pi
