"""Held postures: where each sensor's gravity points, how still it is kept there, and how fast it trembles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.chain import HOP, Chain
from dsp.records import Site
from dsp.rhythm import moved_hz

__all__ = [
    "HOLD_HOPS", "LOOK_HOPS", "UNSEEN_G", "Kept", "Looks", "Posture", "Vector", "angle_deg", "postures_of", "tremor_hz",
]  # fmt: skip

Vector = tuple[float, float, float]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LOOK_HOPS = 4
"""Postures are looked at once a second, on absolute seconds."""

HOLD_HOPS = 8
"""Two seconds: long enough to average tremor and breathing away, short against any posture worth a word."""

UNSEEN_G = 1.0
"""Counted as highest envelope where no site showed a posture: thrown about, or not seen."""

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
    kept = _kept(chain, _looks(h0, h1))
    return {h: kept.posture(i) for i, h in enumerate(kept.hops) if kept.seen[i]}


@dataclass(slots=True)
class Kept:
    """One site's postures at all looks of a block; where not `seen` the numbers mean nothing."""

    hops: range
    seen: Bools
    ways: Floats
    """shape (3, n), g"""
    sway_deg: list[float]
    rms_g: list[float]
    top_g: list[float]

    def posture(self, i: int) -> Posture:
        """The posture at look i."""
        x, y, z = self.ways[:, i].tolist()
        return Posture((x, y, z), self.sway_deg[i], self.rms_g[i], self.top_g[i])


@dataclass(slots=True)
class Looks:
    """All sites' postures at the looks of a block: most of them show nothing new and are only passed by."""

    hops: range
    kept: dict[Site, Kept]
    held: Bools
    """whether a site was seen, and every site that was kept still"""
    top_g: list[float]
    """highest envelope of any site"""
    passed: int = 0
    """looks before this one were taken in"""

    @classmethod
    def of(cls, chains: Mapping[Site, Chain], h0: int, h1: int, sway_deg: float) -> Looks:
        """The looks that end with one of the hops h0 to h1 - 1, of which all rows are there.

        Args:
            chains: all sites.
            h0: first hop.
            h1: hop behind the last.
            sway_deg: most that a held posture sways.
        """
        hops = _looks(h0, h1)
        kept = {s: _kept(c, hops) for s, c in chains.items()} if hops else {}
        held, some = np.ones(len(hops), dtype=np.bool_), np.zeros(len(hops), dtype=np.bool_)
        for k in kept.values():
            some |= k.seen
            held &= ~k.seen | (np.asarray(k.sway_deg) <= sway_deg)
        rows = [np.where(k.seen, k.top_g, 0.0) for k in kept.values()]
        top = np.maximum.reduce(rows) if rows else np.zeros(0)
        return cls(hops, kept, held & some, np.where(some, top, UNSEEN_G).tolist())

    def take(self, h: int) -> tuple[range, dict[Site, Posture]]:
        """The looks before the one at hop h that were not taken in yet, and the postures at h."""
        i = (h - self.hops.start) // LOOK_HOPS
        before, self.passed = range(self.passed, i), i + 1
        return before, {s: k.posture(i) for s, k in self.kept.items() if k.seen[i]}

    def rest(self) -> range:
        """All looks that were not taken in yet."""
        left, self.passed = range(self.passed, len(self.hops)), len(self.hops)
        return left


def _looks(h0: int, h1: int) -> range:
    return range(h0 + (-(h0 + 1)) % LOOK_HOPS, h1, LOOK_HOPS)


def _kept(chain: Chain, hops: range) -> Kept:
    n = len(hops)
    late = min(max(-(-(chain.hops.h0 + HOLD_HOPS - 1 - hops.start) // LOOK_HOPS), 0), n)
    if late == n:
        return Kept(hops, np.zeros(n, dtype=np.bool_), np.zeros((3, n)), *([0.0] * n for _ in range(3)))
    # Sums run over shifted slices, one addition after the other, so that block lengths change no bit.
    part = {name: _shifted(chain, name, hops[late:]) for name in ("settled", "square", "top", *_AXES)}
    mean = [_total(part[a]) / HOLD_HOPS for a in _AXES]
    size = np.sqrt(mean[0] * mean[0] + mean[1] * mean[1] + mean[2] * mean[2])
    whole = (_total(part["settled"]) >= HOLD_HOPS) & (size > _LEAST_G) & (size < _MOST_G)
    near = np.minimum(np.maximum(_nearness(part, mean, size), -1.0), 1.0).tolist()
    rms = np.sqrt(_total(part["square"]) / (HOLD_HOPS * HOP)).tolist()
    unseen = [0.0] * late
    return Kept(
        hops,
        np.concatenate([np.zeros(late, dtype=np.bool_), whole]),
        np.concatenate([np.zeros((3, late)), mean], axis=1),
        unseen + [math.degrees(math.acos(v)) for v in near],
        unseen + rms,
        unseen + np.maximum.reduce(part["top"]).tolist(),
    )


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
    """Mean frequency of the band-passed motion in grid samples k0 to k1 - 1, Hz; 0 when there is none."""
    return moved_hz(chain.history, k0, k1)
