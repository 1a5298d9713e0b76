"""A sock that hangs loose rings: after each movement it swings on by itself, faster than a limb moves.

How fast each burst swings is compared between the two sides: both legs live through the same night, and what one of
them does faster at every movement is its sock's.

References:
    Hjorth, B. (1970): mobility, the ratio of a signal's derivative to itself, as a mean frequency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median

from dsp.bursts import Burst
from dsp.chain import Chain
from dsp.grid import GRID_HZ, GRID_NS
from dsp.holds import tremor_hz
from dsp.records import Context, ContextKind, Site
from dsp.settings import Settings

__all__ = ["LooseTracker"]

_PAIRS = ((Site.LA, Site.RA), (Site.LW, Site.RW))
_APART_K = 2 * GRID_HZ
"""One burst in two seconds is enough to know a sock by."""

_KEEP = 40
_KEEP_K = 1800 * GRID_HZ
_LEAST_K = 12
_CONFIDENCE = 0.6
"""A leg may well move more quickly than the other for half an hour."""


@dataclass(slots=True)
class LooseTracker:
    """Recent bursts' swing at each limb, and the socks that are taken for loose."""

    infant: str
    swings: dict[Site, list[tuple[int, float]]] = field(default_factory=dict)
    """end of the burst on the grid, and the natural logarithm of its mean frequency in Hz"""
    loose: dict[Site, int] = field(default_factory=dict)
    """since when, ns"""

    def burst(
        self, burst: Burst, chains: dict[Site, Chain], settings: Settings, *, carried: bool
    ) -> list[Context]:
        """Take a burst; gives the beginning of a sock that is loose, and the interval of one that is tight again.

        An interval is told twice: when it is first known it ends where it begins, and its last word has its end.

        Args:
            burst: One site's movement that became known.
            chains: All sites.
            settings: Thresholds.
            carried: Whether motion from outside was part of it, which says nothing about a sock.
        """
        pair = next((p for p in _PAIRS if burst.site in p and set(p) <= chains.keys()), None)
        if pair is None or carried or burst.peak_g < settings.loose_least_g or burst.k1 - burst.k0 < _LEAST_K:
            return []
        row = self.swings.setdefault(burst.site, [])
        if row and burst.k1 - row[-1][0] < _APART_K:
            return []
        hz = tremor_hz(chains[burst.site], burst.k0, burst.k1)
        if hz > 0.0:
            row.append((burst.k1, math.log(hz)))
        del row[:-_KEEP]
        return self._compare(pair, burst.k1, settings)

    def finish(self, end_ns: int) -> list[Context]:
        """End everything at the end of a recording."""
        return [self._tight(site, end_ns) for site in list(self.loose)]

    def _compare(self, pair: tuple[Site, Site], k: int, settings: Settings) -> list[Context]:
        recent = [[v for at, v in self.swings.get(s, []) if k - at <= _KEEP_K] for s in pair]
        if min(map(len, recent)) < settings.loose_bursts:
            return []
        faster = median(recent[0]) - median(recent[1])
        out = []
        for site, more in zip(pair, (faster, -faster), strict=True):
            if site not in self.loose and more >= settings.loose_faster:
                self.loose[site] = k * GRID_NS
                out.append(self._told(site, k * GRID_NS, k * GRID_NS))
            elif site in self.loose and more < settings.loose_faster / 2:
                out.append(self._tight(site, k * GRID_NS))
        return out

    def _tight(self, site: Site, end_ns: int) -> Context:
        return self._told(site, self.loose.pop(site), end_ns)

    def _told(self, site: Site, since_ns: int, end_ns: int) -> Context:
        return Context(self.infant, ContextKind.LOOSE, since_ns, end_ns, (site,), _CONFIDENCE)
