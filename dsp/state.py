"""Sleep state every 30 s: a forward filter over awake, active and quiet sleep.

Each epoch gives likelihoods for how much it moved and how regular the breathing was; the states' usual
lengths carry the rest. No actigraphy coefficients are used: shares of moved quarter-seconds in raw g were
calibrated on simulated nights.

References:
    Rabiner, L. R. (1989), "A tutorial on hidden Markov models": the forward recursion.
    Sokoloff 2020 and Heimann 2013 through the project's clinical tables: breathing variability, not its
    rate, tells active from quiet sleep.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsp.breathing import Breathing, breathing_of
from dsp.chain import EPOCH_HOPS, HOP, HOP_NS, Chain
from dsp.records import NS, Site, State, StateEpoch
from dsp.settings import Settings

__all__ = ["StateTracker"]

_STATES = (State.AWAKE, State.ACTIVE_SLEEP, State.QUIET_SLEEP)
_START = (0.5, 0.3, 0.2)
_STEP = ((0.970, 0.025, 0.005), (0.006, 0.980, 0.014), (0.003, 0.012, 0.985))
"""Change per 30 s: active and quiet bouts of 10 to 25 min, wakings of some minutes."""

_MOVED_G = 0.02
_STRONG_G = 0.1
_MOVED = ((0.01, 0.06, 0.15), ((0.24, 0.20, 0.20, 0.36), (0.62, 0.20, 0.13, 0.05), (0.94, 0.03, 0.02, 0.01)))
_TRUNK = ((0.005, 0.03), ((0.70, 0.12, 0.18), (0.90, 0.06, 0.04), (0.975, 0.015, 0.01)))
_REGULAR = (
    (0.4, 0.6, 0.8),
    ((0.38, 0.46, 0.12, 0.04), (0.15, 0.42, 0.32, 0.11), (0.05, 0.08, 0.17, 0.70)),
)
"""Bin edges, then likelihoods by state. Softer than the simulator's: real breathing is less clean."""

_TELL_APART = 0.7
"""Below this share of sleep's probability the two kinds of sleep are not told apart."""

_LEAST_FREE = 24
"""Hops: six seconds outside jerks are the least an epoch needs to speak about movement."""

_AROUSAL_WINDOW = 12
"""Hops: three seconds of thrashing."""

_AROUSAL_REST_S = 30.0

_Likelihood = tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]


@dataclass(slots=True)
class StateTracker:
    """The filter's state, the arousal seen last and the waking seen last."""

    infant: str
    trunk_dps: float
    leg_dps: float
    hops_needed: int
    belief: list[float] = field(default_factory=lambda: list(_START))
    seen: bool = False
    state: State = State.UNKNOWN
    told: list[tuple[int, State]] = field(default_factory=list)
    """epoch start in ns and state, the last two hours"""
    wild: list[bool] = field(default_factory=list)
    arousal_ns: int | None = None
    waking_ns: int | None = None

    @classmethod
    def of(cls, infant: str, settings: Settings) -> StateTracker:
        """A tracker that has seen nothing yet."""
        return cls(infant, settings.arousal_trunk_dps, settings.arousal_leg_dps, settings.arousal_hops)

    def stirs(self, h0: int, h1: int, chains: dict[Site, Chain]) -> dict[int, int]:
        """Hops among h0 to h1 - 1 that end three seconds of thrashing, each with the hop at which it began."""
        wild = np.concatenate([np.asarray(self.wild, dtype=np.bool_), self._wild(h0, h1, chains)])
        first = h0 - len(self.wild)
        self.wild = wild[-_AROUSAL_WINDOW:].tolist()
        count = np.concatenate([[0], np.cumsum(wild)])
        ends = np.arange(h0 - first + 1, wild.size + 1)
        starts = np.maximum(ends - _AROUSAL_WINDOW, 0)
        many = np.flatnonzero(count[ends] - count[starts] >= self.hops_needed)
        return {
            first + int(ends[i]) - 1: first + int(starts[i]) + int(np.argmax(wild[starts[i] : ends[i]]))
            for i in many.tolist()
        }

    def arouse(self, begun_h: int) -> None:
        """Thrashing that began at this hop is an arousal, if it comes out of sleep and is not the last one's."""
        onset = begun_h * HOP_NS
        again = self.arousal_ns is not None and onset - self.arousal_ns < _AROUSAL_REST_S * NS
        if self.state.is_sleep and not again:
            self.arousal_ns = onset

    def _wild(self, h0: int, h1: int, chains: dict[Site, Chain]) -> NDArray[np.bool_]:
        rates = {s: np.sqrt(c.hops.column("rate_square", h0, h1) / HOP) for s, c in chains.items()}
        limbs = np.sum([r > self.leg_dps for r in rates.values()], axis=0)
        wild = np.asarray(limbs >= min(2, len(chains)))
        return wild | (rates[Site.TR] > self.trunk_dps) if Site.TR in rates else wild

    def at(self, t_ns: int) -> State:
        """The state told for the epoch that holds t, or the newest told before it."""
        for start, state in reversed(self.told):
            if start <= t_ns:
                return state
        return State.UNKNOWN

    def since_waking_s(self, t_ns: int) -> float | None:
        """Seconds since the last seen waking, None when none was seen."""
        if self.waking_ns is None or t_ns < self.waking_ns:
            return None
        return (t_ns - self.waking_ns) / NS

    def epoch(self, h0: int, chains: dict[Site, Chain], free: NDArray[np.bool_]) -> StateEpoch:
        """The epoch of hops h0 to h0 + 119, which must have been processed.

        Args:
            h0: First hop.
            chains: All sites.
            free: Hops whose movement counts; those inside rhythmic jerks say nothing about waking.
        """
        h1 = h0 + EPOCH_HOPS
        present = [s for s, c in chains.items() if float(c.hops.column("present", h0, h1).mean()) > 0.5]
        trunk = chains.get(Site.TR) if Site.TR in present else None
        breath = breathing_of(trunk.hops, h1) if trunk is not None else None
        self._forward([chains[s] for s in present], trunk, breath, h0, free)
        state, probability = self._decide(bool(present), apart=trunk is not None)
        self._follow(state, h0 * HOP_NS)
        begun = self.arousal_ns
        inside = begun is not None and h0 * HOP_NS <= begun < h1 * HOP_NS
        return StateEpoch(
            infant=self.infant,
            t_ns=h0 * HOP_NS,
            span_ns=EPOCH_HOPS * HOP_NS,
            state=state,
            probability=probability,
            breathing_hz=breath.rate_hz if breath else None,
            breathing_regularity=breath.regularity if breath else None,
            arousal_ns=begun if inside else None,
        )

    def _forward(
        self,
        present: list[Chain],
        trunk: Chain | None,
        breath: Breathing | None,
        h0: int,
        free: NDArray[np.bool_],
    ) -> None:
        steps = [sum(self.belief[i] * _STEP[i][j] for i in range(3)) for j in range(3)] if self.seen else None
        belief = steps or list(self.belief)
        self.seen = True
        heard = np.count_nonzero(free) >= _LEAST_FREE
        if present and heard:
            moved = max(_share(c, _MOVED_G, h0, free) for c in present)
            belief = _update(belief, _MOVED, moved)
        if trunk is not None and heard:
            belief = _update(belief, _TRUNK, _share(trunk, _STRONG_G, h0, free))
        if breath is not None:
            belief = _update(belief, _REGULAR, breath.regularity)
        total = sum(belief)
        self.belief = [b / total for b in belief]

    def _decide(self, seen: bool, *, apart: bool) -> tuple[State, float]:
        awake, active, quiet = self.belief
        asleep = active + quiet
        if not seen or max(awake, asleep) < 0.5:
            return State.UNKNOWN, max(awake, asleep)
        if awake >= asleep:
            return State.AWAKE, awake
        if apart and max(active, quiet) >= _TELL_APART * asleep:
            return (State.ACTIVE_SLEEP, active) if active > quiet else (State.QUIET_SLEEP, quiet)
        return State.ASLEEP, asleep

    def _follow(self, state: State, t_ns: int) -> None:
        if self.state.is_sleep and state is State.AWAKE:
            fresh = self.arousal_ns is not None and t_ns - self.arousal_ns < 5 * EPOCH_HOPS * HOP_NS
            self.waking_ns = self.arousal_ns if fresh else t_ns
        self.state = state
        self.told.append((t_ns, state))
        del self.told[:-240]


def _share(chain: Chain, level_g: float, h0: int, free: NDArray[np.bool_]) -> float:
    top = chain.hops.column("top", h0, h0 + EPOCH_HOPS)
    counted = free[-top.size :] if top.size else free[:0]
    return float(np.count_nonzero((top > level_g) & counted)) / max(int(np.count_nonzero(counted)), 1)


def _update(belief: list[float], table: _Likelihood, value: float) -> list[float]:
    edges, rows = table
    place = bisect_right(edges, value)
    return [b * row[place] for b, row in zip(belief, rows, strict=True)]
