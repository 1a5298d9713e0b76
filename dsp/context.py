"""Circumstances: motion from outside that all sensors share, and sensors that nobody wears.

References:
    The coupling is the nuclear norm of the 3 x 3 cross-covariance of two sites' motion over the geometric
    mean of their variances: 1 when one is a rotated copy of the other, whatever way the sensors are mounted.
    Sizes are weighed as in Lin's concordance (1989): a copy of another size is less of a copy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from dsp.chain import HOP, HOP_NS, ROUNDING, Chain, window_sums
from dsp.records import Context, ContextKind, Epoch, Site
from dsp.settings import Settings

__all__ = ["WINDOW_HOPS", "ContextTracker", "coupled_of", "coupling"]

WINDOW_HOPS = 16
"""Four seconds: some cycles of walking or rocking."""

_LOUDER = 2.0
"""Motion must stand this far above the floor at every site to be called shared."""

_PATIENCE = 3
"""Windows without coupling before motion from outside counts as over."""

_NOTHING = 1e-12

_LAGS = (-2, -1, 0, 1, 2)
"""Grid samples: two clocks agree within 20 ms, which at the wheels' 10 Hz is most of a quarter cycle."""


def coupling(a: np.ndarray, b: np.ndarray) -> float:
    """How far the motions a and b, shape (3, n), are rotated copies of one another, 0 to 1."""
    cross = np.einsum("ik,jk->ij", a, b)
    size = math.sqrt(float(np.sum(a * a)) * float(np.sum(b * b)))
    if size <= 0.0:
        return 0.0
    return float(np.sum(np.linalg.svd(cross, compute_uv=False))) / size


def coupled_of(chains: Mapping[Site, Chain], h0: int, h1: int, least_g: float) -> float:
    """How much of the sites' motion in hops h0 to h1 - 1 is one body's, passed on: 0 (none) to 1 (all of it).

    The least of all pairs: each limb against the trunk, where it may be smaller (a pat's impact fades on its
    way) but not larger (whoever jerks a leg carries the trunk along, less), and limbs against each other.
    0 when fewer than two sites were seen throughout, or one of them rests. Good from about two seconds on.

    Args:
        chains: All sites.
        h0: First hop; at most `HISTORY_S` before the newest.
        h1: Hop behind the last.
        least_g: Root mean square below which a site rests.
    """
    whole = (h1 - h0) * HOP
    moved: dict[Site, np.ndarray] = {}
    sizes: dict[Site, float] = {}
    for site, chain in chains.items():
        if float(chain.hops.column("settled", h0, h1).sum()) < (h1 - h0) * (1.0 - ROUNDING):
            continue
        motion = chain.history.motion[:, chain.history.part(h0 * HOP, h1 * HOP)]
        sizes[site] = _size(chain, h0, h1)
        if motion.shape[1] < whole or sizes[site] < least_g:
            return 0.0
        moved[site] = motion.astype(np.float64)
    if len(moved) < 2:
        return 0.0
    pairs = list(combinations(moved, 2))
    return min(s * _sized(a, b, sizes) for (a, b), s in zip(pairs, _alike(moved, pairs), strict=True))


def _alike(moved: Mapping[Site, np.ndarray], pairs: Sequence[tuple[Site, Site]]) -> list[float]:
    """The coupling of each pair at the lag that suits it best."""
    most = max(_LAGS)
    n = next(iter(moved.values())).shape[1] - 2 * most
    early = {s: x[:, most : most + n] for s, x in moved.items()}
    late = {s: np.concatenate([x[:, most + i : most + i + n] for i in _LAGS]) for s, x in moved.items()}
    size = {s: math.sqrt(float(np.vdot(x, x))) for s, x in early.items()}
    cross = np.stack([(late[b] @ early[a].T).reshape(len(_LAGS), 3, 3) for a, b in pairs])
    best = np.linalg.svd(cross, compute_uv=False).sum(axis=2).max(axis=1)
    shares = [c / max(size[a] * size[b], _NOTHING) for c, (a, b) in zip(best.tolist(), pairs, strict=True)]
    return [min(share, 1.0) for share in shares]


def _sized(a: Site, b: Site, sizes: Mapping[Site, float]) -> float:
    if Site.TR in (a, b):
        limb = b if a is Site.TR else a
        ratio = max(sizes[limb] / sizes[Site.TR], 1.0)
    else:
        ratio = sizes[a] / sizes[b]
    return 2.0 / (ratio + 1.0 / ratio)


@dataclass(slots=True)
class ContextTracker:
    """Open and recent intervals of motion from outside, and of sensors not worn."""

    infant: str
    coupled_enough: float
    ride: float
    windows_needed: int
    swayed_least: float
    coupled_least_g: float
    hits: list[int] = field(default_factory=list)
    """hops at which coupled windows began, of the interval that may be open"""
    misses: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    """recent conveyed intervals in ns"""
    off: dict[Site, int] = field(default_factory=dict)
    strength: float = 0.0

    @classmethod
    def of(cls, infant: str, settings: Settings) -> ContextTracker:
        """A tracker that has seen nothing yet."""
        return cls(
            infant,
            settings.conveyed_coupling,
            settings.conveyed_ride,
            settings.conveyed_windows,
            settings.swayed_least,
            settings.coupled_least_g,
        )

    def stirs(self, windows: Sequence[int], chains: dict[Site, Chain]) -> list[int]:
        """Those of the ends of windows in which two sites were seen and none of them rested."""
        seen, rested = [], []
        for chain in chains.values():
            settled = window_sums(chain.hops, "settled", windows, WINDOW_HOPS)
            square = window_sums(chain.hops, "square", windows, WINDOW_HOPS)
            floor = np.asarray([chain.hops.at("floor", h - 1) for h in windows])
            least = (_LOUDER * floor) ** 2 * (WINDOW_HOPS * HOP)
            seen.append(settled >= WINDOW_HOPS * (1.0 - ROUNDING))
            rested.append((settled >= WINDOW_HOPS * (1.0 - ROUNDING)) & (square < least * (1.0 - ROUNDING)))
        maybe = (np.sum(seen, axis=0) >= 2) & ~np.any(rested, axis=0)
        return [h for h, m in zip(windows, maybe.tolist(), strict=True) if m]

    @property
    def waits(self) -> bool:
        """Whether every window counts: an interval may be open."""
        return bool(self.hits)

    def window(self, h0: int, chains: dict[Site, Chain], swayed: float = 0.0) -> list[Context]:
        """Look at the window of hops h0 to h0 + 15; gives an interval that ended.

        Args:
            h0: First hop.
            chains: All sites.
            swayed: How far all sites swayed as one body; at least `swayed_least` counts like coupled motion.
        """
        sway = swayed if swayed >= self.swayed_least else 0.0
        shared = max(self._shared(h0, chains), sway)
        if shared >= self.coupled_enough:
            self.hits.append(h0)
            self.misses = 0
            self.strength = max(self.strength, shared)
            if len(self.hits) >= self.windows_needed:
                self._mark()
            return []
        self.misses += 1
        return self.close(list(chains)) if self.misses >= _PATIENCE else []

    def close(self, sites: list[Site]) -> list[Context]:
        """End the open interval."""
        hits, self.hits = self.hits, []
        strength, self.strength = self.strength, 0.0
        if len(hits) < self.windows_needed:
            return []
        onset, end = hits[0] * HOP_NS, (hits[-1] + WINDOW_HOPS) * HOP_NS
        return [Context(self.infant, ContextKind.CONVEYED, onset, end, tuple(sites), min(strength, 1.0))]

    def share(self, onset_ns: int, end_ns: int) -> float:
        """Share of an interval that lies inside conveyed motion as far as that is known."""
        if end_ns <= onset_ns:
            return 0.0
        covered = sum(max(0, min(end_ns, b) - max(onset_ns, a)) for a, b in self.spans)
        return min(1.0, covered / (end_ns - onset_ns))

    def coupled(self, h0: int, h1: int, chains: Mapping[Site, Chain]) -> float:
        """How much of the sites' motion in hops h0 to h1 - 1 is one body's, passed on; see `coupled_of`."""
        return coupled_of(chains, h0, h1, self.coupled_least_g)

    def worn(self, epoch: Epoch) -> list[Context]:
        """Follow one site's wearing; gives the interval in which it was not worn, once it is over."""
        since = self.off.get(epoch.site)
        if not epoch.worn and since is None:
            self.off[epoch.site] = epoch.t_ns
        if epoch.worn and since is not None:
            del self.off[epoch.site]
            return [Context(self.infant, ContextKind.NOT_WORN, since, epoch.t_ns, (epoch.site,), 0.9)]
        return []

    def _mark(self) -> None:
        span = (self.hits[0] * HOP_NS, (self.hits[-1] + WINDOW_HOPS) * HOP_NS)
        if self.spans and self.spans[-1][0] == span[0]:
            self.spans.pop()
        self.spans.append(span)
        del self.spans[:-20]

    def _shared(self, h0: int, chains: dict[Site, Chain]) -> float:
        h1 = h0 + WINDOW_HOPS
        seen = [c for c in chains.values() if float(c.hops.column("settled", h0, h1).sum()) >= WINDOW_HOPS]
        if len(seen) < 2:
            return 0.0
        sizes = [_size(c, h0, h1) for c in seen]
        floors = [c.hops.at("floor", h1 - 1) for c in seen]
        if any(s < _LOUDER * f for s, f in zip(sizes, floors, strict=True)):
            return 0.0
        if min(sizes) < self.ride * max(sizes):
            return 0.0
        parts = [c.history.motion[:, c.history.part(h0 * HOP, h1 * HOP)].astype(np.float64) for c in seen]
        return min(coupling(a, b) for a, b in combinations(parts, 2))


def _size(chain: Chain, h0: int, h1: int) -> float:
    return math.sqrt(float(chain.hops.column("square", h0, h1).sum()) / ((h1 - h0) * HOP))
