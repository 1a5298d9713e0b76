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

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dsp.breathing import Breathing, breathing_of
from dsp.chain import EPOCH_HOPS, HOP, HOP_NS, ROW, Chain
from dsp.holds import angle_deg
from dsp.likelihoods import Likelihood
from dsp.records import NS, Site, State, StateEpoch
from dsp.settings import Settings

__all__ = ["Measured", "StateTracker", "changes", "measured"]

_STATES = (State.AWAKE, State.ACTIVE_SLEEP, State.QUIET_SLEEP)
_START = (0.5, 0.3, 0.2)

_MOVED_G = 0.02
_RIDE = 2.5
"""Times the usual envelope of a ride: what the infant adds to it must stand out."""

_STEADY = 0.35
_STEADY_G = 0.01
"""Motion whose weakest tenth of quarter-seconds is not far below its middle one never pauses: an infant's does."""

_END_HOPS = 16
"""Four seconds at either end of an epoch show where the sensors point."""

_TELL_APART = 0.7
"""Below this share of sleep's probability the two kinds of sleep are not told apart."""

_LEAST_FREE = 24
"""Hops: six seconds outside jerks are the least an epoch needs to speak about movement."""

_AROUSAL_WINDOW = 12
"""Hops: three seconds of thrashing."""

_AROUSAL_REST_S = 30.0
_NAP_NS = 1200 * NS
"""The shortest nap that counts as one [F66]."""

_AGAIN_HOPS = 16
_BEFORE_HOPS = 16
"""Four seconds: from the sigh to the thrashing."""

_MIDDLE_DAYS = 150
_ONSET_DAYS = 91.0
_ONSET_SOFT_DAYS = 30.0
_QUIET_DAYS = (0.0, 90.0, 240.0)
_QUIET_SHARE = (0.33, 0.45, 0.55)
_FALL_ASLEEP = 0.03
_WAKE_ACTIVE = 0.007
_WAKE_QUIET = 0.004
_ACTIVE_EPOCHS = 50.0
"""Active sleep lasts some 25 min, wakings of a night last minutes to an hour."""

Bools = NDArray[np.bool_]

_ACC = slice(ROW.index("acc_x"), ROW.index("acc_z") + 1)
_NO_BREATHS: Mapping[int, Breathing | None] = MappingProxyType({})


@dataclass(slots=True)
class Measured:
    """What an epoch showed; None where it could not be measured."""

    values: dict[str, float | None]
    free: float
    """share of the epoch in which the infant's own movement could be told"""


def measured(
    chains: Mapping[Site, Chain], h0: int, free: Bools, rides: Mapping[Site, float], breath: Breathing | None
) -> Measured:
    """Measurements of the epoch of hops h0 to h0 + 119.

    Args:
        chains: Sites that were there for most of it.
        h0: First hop.
        free: Hops whose movement counts.
        rides: Usual envelope of each site in motion from outside, g; 0 at rest.
        breath: Breathing in the minute that ends with the epoch.
    """
    limbs: list[NDArray[np.bool_]] = []
    trunk: NDArray[np.bool_] | None = None
    turned: list[float] = []
    ends_free = bool(free[:_END_HOPS].all() and free[-_END_HOPS:].all())
    for site, chain in chains.items():
        top = chain.hops.column("top", h0, h0 + EPOCH_HOPS)
        if top.size < EPOCH_HOPS or _is_steady(top):
            continue
        moved = (top > max(_MOVED_G, _RIDE * rides.get(site, 0.0))) & free
        trunk, limbs = (moved, limbs) if site is Site.TR else (trunk, [*limbs, moved])
        if ends_free:
            turned.append(_turned_deg(chain, h0))
    counted = int(np.count_nonzero(free))
    heard = counted >= _LEAST_FREE
    values: dict[str, float | None] = {
        "limbs_moved": max(map(np.count_nonzero, limbs)) / counted if limbs and heard else None,
        "trunk_moved": np.count_nonzero(trunk) / counted if trunk is not None and heard else None,
        "turned_deg": max(turned) if turned else None,
        "all_turned_deg": min(turned) if len(turned) > 1 else None,
        "breath_regular": breath.regularity if breath is not None else None,
    }
    share = counted / EPOCH_HOPS if limbs or trunk is not None else 0.0
    return Measured(values, share)


def _is_mostly(shares: NDArray[np.float64]) -> bool:
    return float(shares.sum()) > 0.5 * shares.size


def _is_steady(top: NDArray[np.float64]) -> bool:
    ordered = np.sort(top)
    low, middle = ordered[top.size // 10], ordered[top.size // 2]
    return bool(low > _STEADY_G and low > _STEADY * middle)


def _turned_deg(chain: Chain, h0: int) -> float:
    """How far a sensor points away, at the epoch's end, from where it pointed at its beginning."""
    ends = (h0, h0 + EPOCH_HOPS - _END_HOPS)
    ways = [chain.hops.sums(_ACC, h, h + _END_HOPS) for h in ends]
    return angle_deg((ways[0][0], ways[0][1], ways[0][2]), (ways[1][0], ways[1][1], ways[1][2]))


def changes(age_days: int | None) -> tuple[tuple[float, float, float], ...]:
    """Probabilities of change per 30 s between awake, active and quiet sleep at an age; the middle of infancy if None.

    A soft prior, bent slowly by age: young infants fall asleep into active sleep, older ones mostly into quiet
    sleep, whose share grows.
    """
    age = float(_MIDDLE_DAYS if age_days is None else age_days)
    old = 1.0 / (1.0 + math.exp(-(age - _ONSET_DAYS) / _ONSET_SOFT_DAYS))
    quiet_share = float(np.interp(age, _QUIET_DAYS, _QUIET_SHARE))
    into_quiet = _FALL_ASLEEP * (0.25 + 0.45 * old)
    calm = 1.0 / _ACTIVE_EPOCHS
    stir = calm * (1.0 - quiet_share) / quiet_share
    return (
        (1.0 - _FALL_ASLEEP, _FALL_ASLEEP - into_quiet, into_quiet),
        (_WAKE_ACTIVE, 1.0 - _WAKE_ACTIVE - calm, calm),
        (_WAKE_QUIET, stir, 1.0 - _WAKE_QUIET - stir),
    )


@dataclass(slots=True)
class StateTracker:
    """The filter's state, the arousal seen last and the waking seen last."""

    infant: str
    trunk_dps: float
    leg_dps: float
    hops_needed: int
    tables: tuple[Likelihood, ...]
    age_days: int | None
    belief: list[float] = field(default_factory=lambda: list(_START))
    seen: bool = False
    state: State = State.UNKNOWN
    told: list[tuple[int, State]] = field(default_factory=list)
    """epoch start in ns and state, the last two hours"""
    wild: list[bool] = field(default_factory=list)
    arousal_ns: int | None = None
    waking_ns: int | None = None

    @classmethod
    def of(cls, infant: str, settings: Settings, age_days: int | None = None) -> StateTracker:
        """A tracker that has seen nothing yet."""
        return cls(
            infant, settings.arousal_trunk_dps, settings.arousal_leg_dps, settings.arousal_hops,
            settings.state_tables, age_days,
        )  # fmt: skip

    def stirs(self, h0: int, h1: int, chains: dict[Site, Chain]) -> dict[int, int]:
        """Hops among h0 to h1 - 1 that end three seconds of thrashing, each with the hop at which it began."""
        wild = np.concatenate([np.asarray(self.wild, dtype=np.bool_), self._wild(h0, h1, chains)])
        first = h0 - len(self.wild)
        self.wild = wild[-_AROUSAL_WINDOW:].tolist()
        count = np.concatenate([[0], np.cumsum(wild)])
        ends = np.arange(h0 - first, wild.size + 1)
        starts = np.maximum(ends - _AROUSAL_WINDOW, 0)
        enough = count[ends] - count[starts] >= self.hops_needed
        # Where thrashing sets in, and now and then while it lasts: a ride would have every hop looked at.
        fresh = enough[1:] & (~enough[:-1] | ((ends[1:] + first) % _AGAIN_HOPS == 0))
        return {
            first + int(ends[i]) - 1: first + int(starts[i]) + int(np.argmax(wild[starts[i] : ends[i]]))
            for i in (np.flatnonzero(fresh) + 1).tolist()
        }

    def arouse(self, begun_h: int, chains: Mapping[Site, Chain]) -> None:
        """Thrashing that began at this hop is an arousal, if it comes out of sleep and is not the last one's.

        It is dated from where its movement set in: a sigh and a start come some seconds before the thrashing.
        """
        first = begun_h - _BEFORE_HOPS
        stirred = np.zeros(_BEFORE_HOPS, dtype=np.bool_)
        for chain in chains.values():
            top = chain.hops.column("top", first, begun_h)
            if top.size == _BEFORE_HOPS:
                stirred |= top > _MOVED_G
        still = np.flatnonzero(~stirred)
        onset = (first if not still.size else first + int(still[-1]) + 1) * HOP_NS
        again = self.arousal_ns is not None and onset - self.arousal_ns < _AROUSAL_REST_S * NS
        if self.state.is_sleep and not again:
            self.arousal_ns = onset

    def _wild(self, h0: int, h1: int, chains: dict[Site, Chain]) -> NDArray[np.bool_]:
        rates = {s: np.sqrt(c.hops.column("rate_square", h0, h1) / HOP) for s, c in chains.items()}
        limbs = np.sum([r > self.leg_dps for r in rates.values()], axis=0)
        turning = np.sum([c.hops.column("gyro", h0, h1) > 0.0 for c in chains.values()], axis=0)
        # Where the others are silent, one must do.
        wild = np.asarray((limbs > 0) & (limbs >= np.minimum(turning, 2)))
        return wild | (rates[Site.TR] > self.trunk_dps) if Site.TR in rates else wild

    def at(self, t_ns: int) -> State:
        """The state told for the epoch that holds t, or the newest told before it."""
        for start, state in reversed(self.told):
            if start <= t_ns:
                return state
        return State.UNKNOWN

    def remembers(self, t_ns: int) -> bool:
        """Whether the epoch that holds t is still known: those of the last two hours are."""
        return bool(self.told) and self.told[0][0] <= t_ns

    def since_waking_s(self, t_ns: int) -> float | None:
        """Seconds since the last seen waking; None when none was seen, or the next may not have been."""
        if self.waking_ns is None or t_ns < self.waking_ns:
            return None
        return (t_ns - self.waking_ns) / NS

    def epoch(
        self,
        h0: int,
        chains: dict[Site, Chain],
        free: Bools,
        rides: Mapping[Site, float],
        away: Collection[Site] = (),
        breaths: Mapping[int, Breathing | None] = _NO_BREATHS,
    ) -> StateEpoch:
        """The epoch of hops h0 to h0 + 119, which must have been processed.

        Args:
            h0: First hop.
            chains: All sites.
            free: Hops whose movement counts; inside rhythmic jerks, series and motion from outside nothing is said
                about waking.
            rides: Usual envelope of each site in motion from outside, g; 0 at rest.
            away: Sites that are not worn.
            breaths: Breathing that the trunk showed before some hops, as far as somebody has looked already.
        """
        h1 = h0 + EPOCH_HOPS
        present = {
            s: c for s, c in chains.items() if s not in away and _is_mostly(c.hops.column("present", h0, h1))
        }
        breath = None
        if Site.TR in present:
            breath = breaths[h1] if h1 in breaths else breathing_of(present[Site.TR].hops, h1)
        found = measured(present, h0, free, rides, breath)
        self._forward(found)
        state, probability = self._decide(bool(present), apart=Site.TR in present)
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

    def _forward(self, found: Measured) -> None:
        belief = list(self.belief)
        if self.seen:
            step = changes(self.age_days)
            belief = [sum(self.belief[i] * step[i][j] for i in range(3)) for j in range(3)]
        self.seen = True
        for table in self.tables:
            value = found.values.get(table.name)
            if value is not None:
                belief = table.update(belief, value, found.free if table.moves else 1.0)
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

    def _may_have_slept(self, t_ns: int) -> bool:
        """Whether no state was known for so long before t that a nap may have come and gone unseen."""
        if self.waking_ns is None:
            return False
        known = next((start for start, state in reversed(self.told) if state is not State.UNKNOWN), None)
        return known is None or t_ns - known >= _NAP_NS

    def _follow(self, state: State, t_ns: int) -> None:
        if self.state.is_sleep and state is State.AWAKE:
            fresh = self.arousal_ns is not None and t_ns - self.arousal_ns < 5 * EPOCH_HOPS * HOP_NS
            self.waking_ns = self.arousal_ns if fresh else t_ns
        elif self.state.is_sleep and state is State.UNKNOWN:
            self.waking_ns = None  # from here on the infant may wake unseen
        elif self.state is State.UNKNOWN and self._may_have_slept(t_ns):
            self.waking_ns = None
        self.state = state
        self.told.append((t_ns, state))
        del self.told[:-240]
