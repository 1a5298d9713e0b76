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
from statistics import median

import numpy as np
from numpy.typing import NDArray

from dsp.chain import HOP, HOP_NS, ROUNDING, Chain, window_sums
from dsp.records import NS, Context, ContextKind, Epoch, Site
from dsp.settings import Settings

__all__ = ["BEGUN_BEFORE_NS", "WINDOW_HOPS", "ContextTracker", "coupled_of", "couplings", "turned_of"]

WINDOW_HOPS = 16
"""Four seconds: some cycles of walking or rocking."""

_PATIENCE = 5
"""Windows without coupling before motion from outside counts as over: pats pause, prams wait at a kerb."""

_FRESH_HOPS = 240
"""A minute: how rough a ride is stays known for so long."""

_TURN_STEP = 10
"""Samples averaged into one: 10 Hz holds all turning of arms, cradles and bodies."""

_OFF_CONFIDENCE = 0.9

_PAIR = 2
_PAIR_CONFIDENCE = 0.7
"""Two limbs may move alike by themselves; a third site that does too leaves little doubt."""

BEGUN_BEFORE_NS = 10 * NS
"""Jerks of the whole body shake all sensors too: only what moved the infant before they began can explain them."""

_NOTHING = 1e-12
_KEEP_WINDOWS = 30
"""Two minutes."""

_LAGS = (-2, -1, 0, 1, 2)
"""Grid samples: two clocks agree within 20 ms, which at the wheels' 10 Hz is most of a quarter cycle."""


def couplings(rows: np.ndarray, pairs: Sequence[tuple[int, int]]) -> list[float]:
    """How far the motions of each of the pairs are rotated copies of one another, 0 to 1.

    Args:
        rows: some motions, shape (motions, 3, n).
        pairs: which are compared.
    """
    squares = (rows * rows).reshape(len(rows), -1).sum(axis=1).tolist()
    cross = np.stack([np.einsum("ik,jk->ij", rows[a], rows[b]) for a, b in pairs])
    shared = np.linalg.svd(cross, compute_uv=False).sum(axis=1).tolist()
    sizes = [math.sqrt(squares[a] * squares[b]) for a, b in pairs]
    return [k / size if size > 0.0 else 0.0 for k, size in zip(shared, sizes, strict=True)]


def coupled_of(chains: Mapping[Site, Chain], h0: int, h1: int, least_g: float, enough: float = 0.0) -> float:
    """How much of the sites' motion in hops h0 to h1 - 1 is one body's, passed on: 0 (none) to 1 (all of it).

    The least of all pairs: each limb against the trunk, where it may be smaller (a pat's impact fades on its
    way) but not larger (whoever jerks a leg carries the trunk along, less), and limbs against each other.
    0 when fewer than two sites were seen throughout, or one of them rests. Good from about two seconds on.

    Args:
        chains: All sites.
        h0: First hop; at most `HISTORY_S` before the newest.
        h1: Hop behind the last.
        least_g: Root mean square below which a site rests.
        enough: What is surely less than this may be given as 0.
    """
    whole = (h1 - h0) * HOP
    moved: dict[Site, np.ndarray] = {}
    sizes: dict[Site, float] = {}
    for site, chain in chains.items():
        if not _is_whole(chain, h0, h1):
            continue
        motion = chain.history.motion[:, chain.history.part(h0 * HOP, h1 * HOP)]
        sizes[site] = _size(chain, h0, h1)
        if motion.shape[1] < whole or sizes[site] < least_g:
            return 0.0
        moved[site] = motion.astype(np.float64)
    if len(moved) < _PAIR:
        return 0.0
    pairs = list(combinations(moved, 2))
    sized = [_sized(a, b, sizes) for a, b in pairs]
    # At best they are copies of one another, of their sizes.
    if min(sized) < enough * (1.0 - ROUNDING):
        return 0.0
    return min(s * size for size, s in zip(sized, _alike(moved, pairs), strict=True))


def turned_of(chains: Mapping[Site, Chain], h0: int, h1: int, least_dps: float, enough: float = 0.0) -> float:
    """How far the sites turn as one rigid body in hops h0 to h1 - 1, 0 to 1; 0 where two sites do not turn.

    What holds the whole infant turns all of it by the same angles; an infant that turns by itself leads with
    its trunk or a limb. Arguments as in `coupled_of`; `least_dps` is a root mean square.
    """
    whole = (h1 - h0) * HOP
    rates = {}
    for site, chain in chains.items():
        part = chain.history.part(h0 * HOP, h1 * HOP)
        if np.count_nonzero(chain.history.gyro[part]) == whole and chain.history.present[part].all():
            rates[site] = chain.history.rate_tenths(h0 * HOP, h1 * HOP)
    if len(rates) < _PAIR:
        return 0.0
    rate = np.stack(list(rates.values()))
    turning = dict(zip(rates, (rate - rate.mean(axis=2, keepdims=True)) / _TURN_STEP, strict=True))
    sizes = {s: math.sqrt(float(np.vdot(x, x)) / x.shape[1]) for s, x in turning.items()}
    if min(sizes.values()) < least_dps:
        return 0.0
    pairs = list(combinations(turning, 2))
    most = min(2.0 * sizes[a] * sizes[b] / (sizes[a] ** 2 + sizes[b] ** 2) for a, b in pairs)
    if most < enough * (1.0 - ROUNDING):
        return 0.0
    cross = np.stack([turning[a] @ turning[b].T for a, b in pairs])
    steps = next(iter(turning.values())).shape[1]
    shared = (np.linalg.svd(cross, compute_uv=False).sum(axis=1) / steps).tolist()
    # Concordance: twice the shared part over both squares.
    both = [2.0 * k / (sizes[a] ** 2 + sizes[b] ** 2) for k, (a, b) in zip(shared, pairs, strict=True)]
    return float(min(*both, 1.0))


def _alike(moved: Mapping[Site, np.ndarray], pairs: Sequence[tuple[Site, Site]]) -> list[float]:
    """The coupling of each pair at the lag that suits it best."""
    most = max(_LAGS)
    n = next(iter(moved.values())).shape[1] - 2 * most
    early = {s: x[:, most : most + n] for s, x in moved.items()}
    shifted = {b: moved[b] for _, b in pairs}
    late = {s: np.concatenate([x[:, most + i : most + i + n] for i in _LAGS]) for s, x in shifted.items()}
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
    coupled_enough: tuple[float, float]
    """for three sites and more, and for two"""
    turned_enough: tuple[float, float]
    windows_needed: int
    swayed_least: float
    coupled_least_g: float
    turned_least_dps: float
    hits: list[int] = field(default_factory=list)
    """hops at which windows of motion from outside began, of the interval that may be open"""
    misses: int = 0
    recent: list[int] = field(default_factory=list)
    """the same, of the last minutes, in an interval or not"""
    rides: dict[Site, list[float]] = field(default_factory=dict)
    """how far the envelope typically rose in each recent window, in g"""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """recent conveyed intervals in ns"""
    off: dict[Site, int] = field(default_factory=dict)
    strength: float = 0.0
    seen: int = 0
    """most sites that took part in the open interval"""

    @classmethod
    def of(cls, infant: str, settings: Settings) -> ContextTracker:
        """A tracker that has seen nothing yet."""
        return cls(
            infant,
            (settings.conveyed_coupling, settings.pair_coupling),
            (settings.conveyed_turning, settings.pair_turning),
            settings.conveyed_windows,
            settings.swayed_least,
            settings.coupled_least_g,
            settings.turned_least_dps,
        )

    def stirs(self, windows: Sequence[int], chains: dict[Site, Chain]) -> list[int]:
        """Those of the ends of windows in which two sites were seen, and all moved or turned."""
        seen, rested, kept = [], [], []
        for chain in chains.values():
            whole = window_sums(chain.hops, "settled", windows, WINDOW_HOPS) >= WINDOW_HOPS * (1.0 - ROUNDING)
            square = window_sums(chain.hops, "square", windows, WINDOW_HOPS)
            least = self.coupled_least_g**2 * (WINDOW_HOPS * HOP)
            seen.append(whole)
            rested.append(whole & (square < least * (1.0 - ROUNDING)))
            kept.append(whole & (_turn_square(chain, windows) < self.turned_least_dps**2 * (1.0 - ROUNDING)))
        maybe = (np.sum(seen, axis=0) >= _PAIR) & ~(np.any(rested, axis=0) & np.any(kept, axis=0))
        return [h for h, m in zip(windows, maybe.tolist(), strict=True) if m]

    @property
    def waits(self) -> bool:
        """Whether every window counts: an interval may be open."""
        return bool(self.hits)

    def window(
        self, h0: int, chains: dict[Site, Chain], swayed: float = 0.0, *, shared: bool = True
    ) -> list[Context]:
        """Look at the window of hops h0 to h0 + 15; gives an interval that ended.

        Args:
            h0: First hop.
            chains: All sites.
            swayed: How far all sites swayed as one body; at least `swayed_least` counts like coupled motion.
            shared: Whether `stirs` found that there may be motion that is shared.
        """
        found = self._shared(h0, chains, swayed) if shared or swayed >= self.swayed_least else 0.0
        if found > 0.0:
            self._hit(h0, found, chains)
            return []
        self.misses += 1
        return self.close(list(chains)) if self.misses >= _PATIENCE else []

    def close(self, sites: list[Site]) -> list[Context]:
        """End the open interval."""
        hits, self.hits = self.hits, []
        strength, self.strength = self.strength, 0.0
        seen, self.seen = self.seen, 0
        if len(hits) < self.windows_needed:
            return []
        onset, end = hits[0] * HOP_NS, (hits[-1] + WINDOW_HOPS) * HOP_NS
        sure = min(strength, 1.0) * (1.0 if seen > _PAIR else _PAIR_CONFIDENCE)
        return [Context(self.infant, ContextKind.CONVEYED, onset, end, tuple(sites), sure)]

    def share(self, onset_ns: int, end_ns: int, *, before_ns: int = 0) -> float:
        """Share of an interval that lies inside conveyed motion as far as that is known.

        Args:
            onset_ns: begin of the interval.
            end_ns: its end.
            before_ns: only motion counts that had begun so long before the interval; 0: whenever it began.
        """
        if end_ns <= onset_ns:
            return 0.0
        spans = [(a, b) for a, b in self.spans if before_ns == 0 or a <= onset_ns - before_ns]
        covered = sum(max(0, min(end_ns, b) - max(onset_ns, a)) for a, b in spans)
        return min(1.0, covered / (end_ns - onset_ns))

    def coupled(self, h0: int, h1: int, chains: Mapping[Site, Chain]) -> float:
        """How much of the sites' motion in hops h0 to h1 - 1 is one body's, passed on; see `coupled_of`."""
        return coupled_of(chains, h0, h1, self.coupled_least_g)

    def outside(self, h0: int, h1: int) -> NDArray[np.bool_]:
        """Hops h0 to h1 - 1 that the world moved; what no window has reached yet is like the last one."""
        found = np.zeros(h1 - h0, dtype=np.bool_)
        for at in self.recent:
            looked = (h1 // WINDOW_HOPS) * WINDOW_HOPS
            end = at + WINDOW_HOPS if at + WINDOW_HOPS < looked else h1
            if end > h0:
                found[max(at - h0, 0) : end - h0] = True
        return found

    def touches(self, h0: int, h1: int) -> bool:
        """Whether any of the hops h0 to h1 - 1 is one that the world moved, as `outside` has it."""
        looked = (h1 // WINDOW_HOPS) * WINDOW_HOPS
        return any(at < h1 and (at + WINDOW_HOPS >= looked or at + WINDOW_HOPS > h0) for at in self.recent)

    def ride_g(self, site: Site, h: int) -> float:
        """How far the envelope of a site typically rose while the world moved it last; 0 if not of late."""
        if not self.recent or h - self.recent[-1] > _FRESH_HOPS:
            return 0.0
        return median(self.rides.get(site, [0.0]))

    def worn(self, epoch: Epoch, since_ns: int | None) -> list[Context]:
        """Follow one site's wearing; gives the interval in which it was not worn, once it is over.

        Args:
            epoch: The newest epoch.
            since_ns: Since when nothing of the infant was seen there.
        """
        since = self.off.get(epoch.site)
        if not epoch.worn and since is None:
            self.off[epoch.site] = epoch.t_ns if since_ns is None else since_ns
        if epoch.worn and since is not None:
            return [self._put_on(epoch.site, epoch.t_ns)]
        return []

    def finish(self, sites: list[Site], end_ns: int) -> list[Context]:
        """End everything at the end of a recording."""
        return [*self.close(sites), *(self._put_on(site, end_ns) for site in list(self.off))]

    def _put_on(self, site: Site, end_ns: int) -> Context:
        since = self.off.pop(site)
        return Context(self.infant, ContextKind.NOT_WORN, since, end_ns, (site,), _OFF_CONFIDENCE)

    def _hit(self, h0: int, shared: float, chains: dict[Site, Chain]) -> None:
        self.hits.append(h0)
        self.misses = 0
        self.strength = max(self.strength, shared)
        self.seen = max(self.seen, len(_whole(chains, h0, h0 + WINDOW_HOPS)))
        self.recent.append(h0)
        del self.recent[:-_KEEP_WINDOWS]
        for site, chain in chains.items():
            top = chain.hops.column("top", h0, h0 + WINDOW_HOPS).tolist()
            row = self.rides.setdefault(site, [])
            row.append(median(top) if top else 0.0)
            del row[:-_KEEP_WINDOWS]
        if len(self.hits) >= self.windows_needed:
            self._mark()

    def _mark(self) -> None:
        span = (self.hits[0] * HOP_NS, (self.hits[-1] + WINDOW_HOPS) * HOP_NS)
        if self.spans and self.spans[-1][0] == span[0]:
            self.spans.pop()
        self.spans.append(span)
        del self.spans[:-20]

    def _shared(self, h0: int, chains: dict[Site, Chain], swayed: float) -> float:
        """How much of a window's motion came from outside; 0 when that is not enough to say so."""
        h1 = h0 + WINDOW_HOPS
        seen = _whole(chains, h0, h1)
        if len(seen) < _PAIR:
            return 0.0
        place = 0 if len(seen) > _PAIR else 1
        turned = turned_of(seen, h0, h1, self.turned_least_dps, self.turned_enough[place])
        if turned >= self.turned_enough[place]:
            return turned
        if swayed >= self.swayed_least:
            return swayed
        coupled = coupled_of(seen, h0, h1, self.coupled_least_g, self.coupled_enough[place])
        return coupled if coupled >= self.coupled_enough[place] else 0.0


def _whole(chains: Mapping[Site, Chain], h0: int, h1: int) -> dict[Site, Chain]:
    """Sites that were seen throughout."""
    return {s: c for s, c in chains.items() if _is_whole(c, h0, h1)}


def _is_whole(chain: Chain, h0: int, h1: int) -> bool:
    settled = chain.hops.column("settled", h0, h1).tolist()
    return len(settled) == h1 - h0 and min(settled) >= 1.0


def _turn_square(chain: Chain, windows: Sequence[int]) -> NDArray[np.float64]:
    """Mean square of the angular rate about each window's mean, (deg/s)2: the mean may be the gyro's bias."""
    square = window_sums(chain.hops, "rate_square", windows, WINDOW_HOPS) / (WINDOW_HOPS * HOP)
    means = [window_sums(chain.hops, f"rate_{a}", windows, WINDOW_HOPS) / WINDOW_HOPS for a in "xyz"]
    return np.asarray(square - sum(m * m for m in means))


def _size(chain: Chain, h0: int, h1: int) -> float:
    return math.sqrt(float(chain.hops.column("square", h0, h1).sum()) / ((h1 - h0) * HOP))
