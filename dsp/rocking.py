"""Rocking: a smooth sway of the body at one rate, made by the infant or by whoever holds it.

Every four seconds the last ten of angular rate are looked at. When all sites turn as one body, the motion
comes from outside, and the look also speaks for conveyed motion.

References:
    Share of power in the strongest line, as in spectral purity; coupling as in `dsp.context`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dsp.chain import HOP, HOP_NS, ROUNDING, Chain, window_sums
from dsp.classify import confidence_of, match_of
from dsp.context import couplings
from dsp.events import Draft, event_id, tell
from dsp.grid import GRID_HZ
from dsp.records import NS, Event, EventStatus, Evidence, Label, Site, State
from dsp.scene import Scene
from dsp.settings import Settings

__all__ = ["RockingTracker", "Sway", "sway_of"]

SWAY_HOPS = 40
"""Ten seconds: ten cycles of usual rocking."""

_STEP = 10
"""Samples averaged into one: 10 Hz holds all of 0.5 to 2 Hz."""

_LOW_HZ = 0.4
_HIGH_HZ = 2.2
_PATIENCE = 1

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Sway:
    """Ten seconds of turning to and fro."""

    rate_hz: float
    line: float
    """share of power in the strongest line, 0 to 1"""
    size_dps: float
    together: float
    """smallest coupling between two sites, 0 to 1; 0 when fewer than two were seen"""
    sites: list[Site]


def _turnings(chains: Mapping[Site, Chain], h1: int) -> dict[Site, Floats]:
    """Angular rate about its mean at 10 Hz, of the sites that were seen throughout."""
    whole, k1 = SWAY_HOPS * HOP, h1 * HOP
    tenths = {}
    for site, chain in chains.items():
        history = chain.history
        part = history.part(k1 - whole, k1)
        if np.count_nonzero(history.present[part]) == whole and history.gyro[part].all():
            tenths[site] = history.rate_tenths(k1 - whole, k1)
    if not tenths:
        return {}
    turning = np.stack(list(tenths.values())) / _STEP
    return dict(zip(tenths, turning - turning.mean(axis=2, keepdims=True), strict=True))


def _size(x: Floats) -> float:
    return math.sqrt(float(np.sum(x * x)) / x.shape[1])


@lru_cache(maxsize=2)
def _tools(n: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """A window, the frequencies of n values' spectrum, and which of them are looked at."""
    frequency = np.asarray(np.fft.rfftfreq(n, _STEP / GRID_HZ), dtype=np.float64)
    return np.hanning(n), frequency, (frequency >= _LOW_HZ) & (frequency <= _HIGH_HZ)


def sway_of(chains: dict[Site, Chain], h1: int, least_dps: float, least_line: float = 0.0) -> Sway | None:
    """The sway in the ten seconds before hop h1.

    None when less than two sites turn to and fro, or less of the power than `least_line` lies in one line.
    """
    gate = HOP * SWAY_HOPS * least_dps * least_dps
    loud = {
        s: c for s, c in chains.items()
        if float(c.hops.column("rate_square", h1 - SWAY_HOPS, h1).sum()) >= gate
    }  # fmt: skip
    if len(loud) < 2:
        return None
    turned = _turnings(loud, h1)
    sizes = {s: size for s, x in turned.items() if (size := _size(x)) >= least_dps}
    turning = {s: turned[s] for s in sizes}
    if len(turning) < 2:
        return None
    lead = Site.TR if Site.TR in turning else max(turning, key=lambda s: (sizes[s], s))
    x = turning[lead]
    window, frequency, inside = _tools(x.shape[1])
    power = np.sum(np.abs(np.fft.rfft(x * window, axis=1)) ** 2, axis=0)
    top = int(np.argmax(np.where(inside, power, 0.0)))
    line = float(power[top - 1 : top + 2].sum()) / max(float(power[1:].sum()), 1e-12)
    if line < least_line:
        return None
    whole = len(turning) == len(chains)
    pairs = list(combinations(range(len(turning)), 2))
    together = min(couplings(np.stack(list(turning.values())), pairs)) if whole else 0.0
    return Sway(float(frequency[top]), line, sizes[lead], together, [s for s in Site if s in turning])


@dataclass(slots=True)
class RockingTracker:
    """Looks in a row that showed rocking, and the event told of them."""

    hits: int = 0
    misses: int = 0
    onset_h: int = 0
    rates: list[float] = field(default_factory=list)
    open: Draft | None = None
    minutes: int = 0

    def stirs(self, windows: Sequence[int], chains: dict[Site, Chain], settings: Settings) -> list[int]:
        """Those of the ends of looks at which two sites turned enough to be looked at."""
        least = SWAY_HOPS * HOP * settings.rocking_least_dps**2 * (1.0 - ROUNDING)
        loud = [window_sums(c.hops, "rate_square", windows, SWAY_HOPS) >= least for c in chains.values()]
        return [h for h, n in zip(windows, np.sum(loud, axis=0).tolist(), strict=True) if n >= 2]

    @property
    def waits(self) -> bool:
        """Whether every look counts: something may go on, or be over."""
        return self.hits > 0 or self.open is not None

    def look(
        self,
        h1: int,
        chains: dict[Site, Chain],
        scene: Scene,
        settings: Settings,
        *,
        swaying: bool = True,
    ) -> list[Event]:
        """Look back from hop h1; an interval of conveyed motion is left to the context.

        Args:
            h1: The hop.
            chains: All sites.
            scene: State and circumstances.
            settings: Thresholds.
            swaying: Whether `stirs` found that there is something to look at.
        """
        least = min(settings.swayed_line, settings.rocking_line)
        sway = sway_of(chains, h1, settings.rocking_least_dps, least) if swaying else None
        scene.swayed = sway.together if sway is not None and sway.line >= settings.swayed_line else 0.0
        if sway is not None and sway.line >= settings.rocking_line:
            return self._hit(h1, sway, chains, scene, settings)
        self.misses += 1
        if self.misses <= _PATIENCE and self.hits:
            return []
        return self.finish(h1 - 1, scene, settings)

    def finish(self, h: int, scene: Scene, settings: Settings) -> list[Event]:
        """End what is open."""
        draft, self.open = self.open, None
        self.hits, self.misses, self.rates, self.minutes = 0, 0, [], 0
        if draft is None:
            return []
        scene.end(draft)
        return [tell(draft, EventStatus.END, h, infant=scene.infant, settings=settings.tag)]

    def _hit(
        self, h1: int, sway: Sway, chains: dict[Site, Chain], scene: Scene, settings: Settings
    ) -> list[Event]:
        self.onset_h = self.onset_h if self.hits else h1 - SWAY_HOPS
        self.hits, self.misses = self.hits + 1, 0
        self.rates.append(sway.rate_hz)
        del self.rates[:-30]
        if self.hits < settings.rocking_looks:
            return []
        status = EventStatus.UPDATE
        if self.open is None:
            self.open, status = self._draft(sway, chains, scene), EventStatus.NEW
        now = self.open
        now.end_ns = h1 * HOP_NS
        seconds = (now.end_ns - now.onset_ns) / NS
        now.count = max(round(seconds * sum(self.rates) / len(self.rates)), 1)
        now.conveyed = scene.context.share(now.onset_ns, now.end_ns)
        clear = (1.0 + settings.rocking_line) / 2
        now.match = max(now.match, match_of(sway.line, settings.rocking_line, clear, settings))
        now.evidence = [
            Evidence("rate_hz", sway.rate_hz, 0.0),
            Evidence("share_in_one_line", sway.line, 0.0),
            Evidence("sway_dps", sway.size_dps, 0.0),
            Evidence("moves_as_one", sway.together, 0.0),
        ]
        minutes = int(seconds // 60)
        if status is EventStatus.UPDATE and minutes <= self.minutes:
            return []
        self.minutes = minutes
        return [tell(now, status, h1 - 1, infant=scene.infant, settings=settings.tag)]

    def _draft(self, sway: Sway, chains: dict[Site, Chain], scene: Scene) -> Draft:
        onset = self.onset_h * HOP_NS
        state = scene.state.at(onset)
        confidence = confidence_of(
            len(chains), trunk=Site.TR in sway.sites, gyro=True, conveyed=0.0,
            state_known=state is not State.UNKNOWN,
        )  # fmt: skip
        return Draft(
            event_id(scene.infant, "rocking", onset), Label.ROCKING, onset, onset, sway.sites, "unknown",
            state, state, scene.state.since_waking_s(onset), 0.0, confidence,
        )  # fmt: skip
