"""Stiffening: both legs and trunk slowly turned away from rest, held there, and trembling with effort.

A posture that was taken up slowly and is kept still may be an ordinary one. What tells it from stiffening
while it lasts is the muscles' work: a fine fast tremor above this infant's own rest. A held posture without
tremor is not told, however long it is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from dsp.chain import HOP, HOP_NS, NEVER, Chain
from dsp.classify import Verdict, confidence_of, match_of
from dsp.context import BEGUN_BEFORE_NS
from dsp.events import Draft, event_id, tell
from dsp.holds import HOLD_HOPS, LOOK_HOPS, UNSEEN_G, Looks, Posture, Vector, angle_deg, tremor_hz
from dsp.records import NS, Event, EventStatus, Evidence, Label, Site, State
from dsp.scene import Scene
from dsp.settings import Settings
from dsp.tremor import oscillation_of
from dsp.weights import weigh

__all__ = ["Hold", "StiffeningTracker"]

_LEGS = (Site.LA, Site.RA)
_REST_HOPS = 24
"""A posture is compared with the last rest, and that must not be older than 6 s when the new one is reached."""

_LEAST_NOISE_G = 0.0004
_LAST_LOOKS = 5
"""Tremor swells and breaks off: the middle of the last five looks speaks for the moment."""

_LOST_LOOKS = 3
_UNSEEN_LOOKS = 5
"""So long a site may be missing from a posture that the others keep: one lost packet takes it from three looks."""
_SLACK_LOOKS = 8
"""Looks without tremor after which a told posture counts as let go, though it is kept."""

_ONE_RATE = 0.8
_RATE_SLOPE = 0.2
"""From this share of power in one line on a motion has one rate; this much below it has many."""

_FEW = 8
"""Looks in a row below which plain counting is quicker than an array's."""

_NEARLY_DEG = 1e-6
"""Room for the rounding of angles in bulk, so that no turn is passed by that a look would call one."""

Postures = dict[Site, Posture]


@dataclass(slots=True)
class Hold:
    """A posture away from rest that is being kept."""

    rest: dict[Site, Vector]
    noise: dict[Site, float]
    """motion at rest, g"""
    ways: dict[Site, Vector]
    onset_h: int
    """first hop after rest was left"""
    since_h: int
    """first hop of the kept posture"""
    first_g: float
    """highest envelope of any site while it was taken up"""
    until_h: int
    lost: int = 0
    slack: int = 0
    trunk: list[float] = field(default_factory=list)
    legs: list[float] = field(default_factory=list)
    hz: list[float] = field(default_factory=list)
    steady: list[float] = field(default_factory=list)
    shaken: list[float] = field(default_factory=list)
    unseen: int = 0
    """looks in a row that agreed as far as was seen, with a site missing"""
    now: dict[Site, Vector] = field(default_factory=dict)
    """the posture at the last look that kept it"""
    tops: list[float] = field(default_factory=list)
    """highest envelopes of the looks since then"""


@dataclass(slots=True)
class StiffeningTracker:
    """The last rest, the hold that may be stiffening, the event told of it."""

    rest: dict[Site, Vector] = field(default_factory=dict)
    noise: dict[Site, float] = field(default_factory=dict)
    rest_h: int = -1
    tops: list[float] = field(default_factory=list)
    """the highest envelope since rest was left; empty before the first look"""
    hold: Hold | None = None
    open: Draft | None = None
    long_told: bool = False
    over: list[Draft] = field(default_factory=list)
    """events of the last minute that ended: a long movement may still become their parent"""
    waits: bool = False
    """what was seen had turned from rest while a site was missing: a look with all of them decides"""

    def stirs(self, looks: Looks, settings: Settings) -> list[int]:
        """Hops of the looks that could begin a hold: the first kept posture, and those that turned.

        Who looks at these alone, and at every look while `wake` asks for it, may give the rest to `pass_by`.
        """
        at = np.flatnonzero(looks.held)
        if not at.size:
            return []
        before, now = at[:-1], at[1:]
        turned = {s: _turned(k.ways[:, before], k.ways[:, now]) for s, k in looks.kept.items()}
        trunk = turned.pop(Site.TR, None)
        maybe = np.ones(now.size, dtype=np.bool_)
        if trunk is not None:
            maybe = (trunk >= settings.hold_trunk_deg - _NEARLY_DEG) | ~looks.kept[Site.TR].seen[now]
        if turned:
            seen = np.stack([looks.kept[s].seen[now] for s in turned])
            far = np.stack(list(turned.values())) >= settings.hold_leg_deg - _NEARLY_DEG
            maybe &= (seen & far).any(axis=0) | ~seen.any(axis=0)
        # where other sites are seen than before, what they may be compared with is only known at the look
        for kept in looks.kept.values():
            maybe |= kept.seen[before] != kept.seen[now]
        return [looks.hops[i] for i in (int(at[0]), *now[maybe].tolist())]

    def wake(self, h: int) -> int:
        """The first hop from h on at which it must be asked to look, if nothing stirs before."""
        idle = self.hold is None and not self.waits
        return NEVER if idle else h + (-(h + 1)) % LOOK_HOPS

    def pass_by(self, looks: Looks, which: range) -> None:
        """Learn what rest is from looks that cannot begin a hold, while none is going on."""
        if not which:
            return
        at = (
            [i for i in which if looks.held[i]]
            if len(which) < _FEW
            else (which.start + np.flatnonzero(looks.held[which.start : which.stop])).tolist()
        )
        if len(at) >= _FEW and all(k.seen[at].all() for k in looks.kept.values()):
            self._rests_at(
                [looks.hops[i] for i in at], {s: [k.rms_g[i] for i in at] for s, k in looks.kept.items()}
            )
        else:
            for i in at:
                self._rest_at(looks.hops[i], {s: k.rms_g[i] for s, k in looks.kept.items() if k.seen[i]})
        if at:
            self.rest = {s: k.posture(at[-1]).way for s, k in looks.kept.items() if k.seen[at[-1]]}
        after = at[-1] + 1 if at else which.start
        self._rise(looks.top_g[after : which.stop])

    def look(
        self, h: int, postures: Postures, chains: dict[Site, Chain], scene: Scene, settings: Settings
    ) -> list[Event]:
        """Decide what the look at the end of hop h allows."""
        held = bool(postures) and all(p.sway_deg <= settings.hold_sway_deg for p in postures.values())
        if self.hold is None:
            self._wait(h, postures, held=held, settings=settings)
            return []
        if held and self._stays(self.hold, postures, settings):
            own = {s: postures[s] for s in self.hold.ways if s in postures}
            if len(own) == len(self.hold.ways):
                return self._keep(self.hold, h, own, chains, scene, settings)
            self.hold.unseen += 1
            if self.hold.unseen <= _UNSEEN_LOOKS:
                return []
        self.hold.lost += 1
        self.hold.tops.append(_top(postures))
        returned = self._returned(self.hold, postures, settings)
        if not returned and self.hold.lost < _LOST_LOOKS:
            return []
        if returned or self.open is not None:
            return self._let_go(h, scene, settings)
        self._move_on(self.hold, h, postures, held=held, settings=settings)
        return []

    def finish(self, h: int, scene: Scene, settings: Settings) -> list[Event]:
        """End everything at the end of a recording."""
        return self._let_go(h, scene, settings) if self.open is not None else []

    def going(self) -> list[Draft]:
        """The stiffening that goes on, if any."""
        return [] if self.open is None else [self.open]

    def _move_on(self, hold: Hold, h: int, postures: Postures, *, held: bool, settings: Settings) -> None:
        """A posture that nobody was told of was left for another: it was the rest that stiffening may begin from."""
        self.rest, self.noise, self.rest_h = hold.now, hold.noise, hold.until_h
        self.tops, self.hold, self.waits = sorted(hold.tops[:-1])[-1:], None, True
        self._wait(h, postures, held=held, settings=settings)

    def _wait(self, h: int, postures: Postures, *, held: bool, settings: Settings) -> None:
        self._rise([_top(postures)])
        recent = self._is_recent(h)
        self.waits = self.waits and recent
        if not held:
            return
        shared = {s: p for s, p in postures.items() if s in self.rest}
        if recent and shared and _away(self.rest, shared, settings):
            if shared.keys() < self.rest.keys():
                self.waits = True
                return
            if (Site.TR in postures) == (Site.TR in shared):
                self.waits = False
                self.hold = Hold(
                    rest=self.rest, noise=self.noise, ways={s: p.way for s, p in shared.items()},
                    onset_h=self.rest_h, since_h=h - HOLD_HOPS + 1, until_h=h,
                    first_g=self.tops[0], now={s: p.way for s, p in shared.items()},
                )  # fmt: skip
                return
        self.waits = False
        self._rest_at(h, {s: p.rms_g for s, p in postures.items()})
        self.rest = {s: p.way for s, p in postures.items()}

    def _rise(self, tops: Sequence[float]) -> None:
        """Take in the highest envelopes of some looks: kept one by one, a day of silent sensors would be 86,400."""
        self.tops = sorted((*self.tops, *tops))[-1:]

    def _rest_at(self, h: int, rms_g: dict[Site, float]) -> None:
        """Rest was kept until hop h; whose posture it is, the caller notes."""
        old = self.noise if self._is_recent(h) and self.noise.keys() == rms_g.keys() else {}
        new = {}
        for site, rms in rms_g.items():
            calm = max(rms, _LEAST_NOISE_G)
            new[site] = min(calm, 1.1 * old[site]) if old else calm
        self.noise, self.rest_h, self.tops = new, h, []

    def _rests_at(self, hops: Sequence[int], rms_g: dict[Site, list[float]]) -> None:
        """The same of several looks one after the other, at all of which the same sites were seen."""
        self._rest_at(hops[0], {s: row[0] for s, row in rms_g.items()})
        recent = [b - HOLD_HOPS - a <= _REST_HOPS for a, b in pairwise(hops)]
        for site, row in rms_g.items():
            noise = self.noise[site]
            for rms, soon in zip(row[1:], recent, strict=True):
                calm = max(rms, _LEAST_NOISE_G)
                noise = min(calm, 1.1 * noise) if soon else calm
            self.noise[site] = noise
        self.rest_h = hops[-1]

    def _is_recent(self, h: int) -> bool:
        return self.rest_h >= 0 and h - HOLD_HOPS - self.rest_h <= _REST_HOPS

    def _stays(self, hold: Hold, postures: Postures, settings: Settings) -> bool:
        """Whether all of its sites that are seen point where they did; a trunk that comes back is asked anew."""
        if Site.TR in postures and Site.TR not in hold.ways:
            return False
        turned = [angle_deg(way, postures[s].way) for s, way in hold.ways.items() if s in postures]
        return bool(turned) and max(turned) <= settings.hold_drift_deg

    def _returned(self, hold: Hold, postures: Postures, settings: Settings) -> bool:
        own = {s: postures[s] for s in hold.rest if s in postures}
        return own.keys() == hold.rest.keys() and not _away(hold.rest, own, settings)

    def _keep(
        self,
        hold: Hold,
        h: int,
        postures: Postures,
        chains: dict[Site, Chain],
        scene: Scene,
        settings: Settings,
    ) -> list[Event]:
        hold.until_h, hold.lost, hold.unseen = h, 0, 0
        hold.now, hold.tops = {s: p.way for s, p in postures.items()}, []
        ratios = {s: math.log(max(p.rms_g, _LEAST_NOISE_G) / hold.noise[s]) for s, p in postures.items()}
        strongest = max(ratios, key=lambda s: (ratios[s], s))
        legs = [ratios[s] for s in _LEGS if s in ratios] or [ratios[strongest]]
        works = ratios[strongest] >= settings.stiff_work
        hold.hz.append(
            tremor_hz(chains[strongest], (h + 1 - HOLD_HOPS) * HOP, (h + 1) * HOP) if works else 0.0
        )
        hold.legs.append(sum(legs) / len(legs))
        if Site.TR in ratios:
            hold.trunk.append(ratios[Site.TR])
        hold.steady.append(max(_steady(chains[s], h) for s in postures))
        for row in (hold.hz, hold.legs, hold.trunk, hold.steady):
            del row[:-_LAST_LOOKS]
        held_s = (h + 1 - hold.since_h) * HOP_NS / NS
        if held_s < settings.stiff_least_s:
            return []
        verdict = self._judged(hold, held_s, h, postures, chains, scene, settings)
        if self.open is None:
            return self._perhaps(hold, h, verdict, postures, chains, scene, settings)
        return self._go_on(hold, self.open, h, verdict, scene, settings)

    def _judged(
        self,
        hold: Hold,
        held_s: float,
        h: int,
        postures: Postures,
        chains: dict[Site, Chain],
        scene: Scene,
        settings: Settings,
    ) -> Verdict:
        turned = {s: angle_deg(hold.rest[s], p.way) for s, p in postures.items()}
        values = {
            "legs_tension": median(hold.legs),
            "first_move_g": hold.first_g,
            "take_up_s": (hold.since_h - hold.onset_h) * HOP_NS / NS,
            "held_s": held_s,
            "steady_work": median(hold.steady),
        }
        # What hardly moves more than at rest is noise, whose rate says nothing.
        if trembled := [hz for hz in hold.hz if hz > 0.0]:
            values["tremor_hz"] = median(trembled)
        if len(postures) > 1:
            hold.shaken.append(_shaken(postures, h, chains, scene))
            del hold.shaken[:-_LAST_LOOKS]
            values["shaken_broadly"] = median(hold.shaken)
        if Site.TR in turned:
            values["trunk_tension"] = median(hold.trunk)
            values["trunk_turned_deg"] = turned[Site.TR]
        evidence = weigh(settings.stiff_tables, values)
        if Site.TR not in turned:
            evidence.append(Evidence("trunk_not_seen", 1.0, -settings.no_trunk_cost))
        if len(chains) == 1:
            evidence.append(Evidence("one_site_only", 1.0, -settings.one_site_cost))
        return Verdict(settings.stiff_bias, evidence)

    def _perhaps(
        self,
        hold: Hold,
        h: int,
        verdict: Verdict,
        postures: Postures,
        chains: dict[Site, Chain],
        scene: Scene,
        settings: Settings,
    ) -> list[Event]:
        if verdict.log_odds < settings.stiff_weak:
            if h + 1 - hold.since_h > settings.posture_s * NS / HOP_NS:
                self._new_rest(h, postures)
            return []
        onset = hold.onset_h * HOP_NS
        state = scene.state.at(onset)
        sites = sorted(postures, key=list(Site).index)
        side = "both" if all(s in postures for s in _LEGS) else "unknown"
        self.open = Draft(
            event_id(scene.infant, "stiffening", onset), Label.STIFFENING, onset, (h + 1) * HOP_NS,
            sites, side, state, state, scene.state.since_waking_s(onset), 0.0,
            confidence_of(
                len(chains), trunk=Site.TR in postures, conveyed=scene.context.share(onset, (h + 1) * HOP_NS),
                gyro=any(c.hops.at("gyro", h) > 0 for c in chains.values()),
                state_known=state is not State.UNKNOWN,
            ),
        )  # fmt: skip
        self._fill(self.open, h, verdict, scene, settings)
        out = [tell(self.open, EventStatus.NEW, h, infant=scene.infant, settings=settings.tag)]
        scene.stiff_ns = self.open.end_ns
        self.long_told = self.open.end_ns - onset >= settings.stiff_ring_s * NS
        return out

    def _go_on(
        self,
        hold: Hold,
        now: Draft,
        h: int,
        verdict: Verdict,
        scene: Scene,
        settings: Settings,
    ) -> list[Event]:
        slack = verdict.log_odds < settings.stiff_slack
        hold.slack = hold.slack + 1 if slack else 0
        if hold.slack >= _SLACK_LOOKS:
            out = self._let_go(h, scene, settings)
            self.rest, self.rest_h = {}, -1
            return out
        if slack:
            return []
        self._fill(now, h, verdict, scene, settings)
        scene.stiff_ns = now.end_ns
        if not self.long_told and now.end_ns - now.onset_ns >= settings.stiff_ring_s * NS:
            self.long_told = True
            return [tell(now, EventStatus.UPDATE, h, infant=scene.infant, settings=settings.tag)]
        return []

    def _fill(self, now: Draft, h: int, verdict: Verdict, scene: Scene, settings: Settings) -> None:
        now.end_ns = (h + 1) * HOP_NS
        now.conveyed = scene.context.share(now.onset_ns, now.end_ns, before_ns=BEGUN_BEFORE_NS)
        match = match_of(verdict.log_odds, settings.stiff_weak, settings.stiff_clear, settings)
        if len(now.sites) == 1:
            match = min(match, settings.clear_match - 0.05)
        if match > now.match:
            now.match, now.evidence = match, verdict.said()

    def _let_go(self, h: int, scene: Scene, settings: Settings) -> list[Event]:
        draft, self.open, self.hold = self.open, None, None
        self.rest_h, self.tops = -1, []
        end_ns = (h + 1) * HOP_NS
        self.over = [d for d in self.over if end_ns - d.end_ns <= settings.long_s * NS]
        if draft is None:
            return []
        scene.stiff_ns = draft.end_ns
        draft.after = scene.follows(draft)
        self.over.append(draft)
        return [tell(draft, EventStatus.END, h, infant=scene.infant, settings=settings.tag)]

    def _new_rest(self, h: int, postures: Postures) -> None:
        """It was an ordinary posture: the infant lies that way now."""
        self.hold, self.tops = None, []
        self.rest = {s: p.way for s, p in postures.items()}
        self.noise = {s: max(p.rms_g, _LEAST_NOISE_G) for s, p in postures.items()}
        self.rest_h = h


def _top(postures: Postures) -> float:
    """The highest envelope of a look."""
    return max((p.top_g for p in postures.values()), default=UNSEEN_G)


def _turned(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles in degrees between vectors, shape (3, n)."""
    size = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    share = (a * b).sum(axis=0) / np.maximum(size, 1e-12)
    return np.asarray(np.degrees(np.arccos(np.minimum(np.maximum(share, -1.0), 1.0))))


def _shaken(postures: Postures, h: int, chains: dict[Site, Chain], scene: Scene) -> float:
    """How much of a look's motion is the world's, 0 to 1: shared by all sites, and of many rates at once.

    Limbs that tremble at one rate seem coupled whoever moves them; roads and wheels have no one rate.
    """
    coupled = scene.context.coupled(h + 1 - HOLD_HOPS, h + 1, chains)
    line = max(oscillation_of(chains[s], h + 1)[1] for s in postures) if coupled > 0.0 else 1.0
    return coupled * min(max((_ONE_RATE - line) / _RATE_SLOPE, 0.0), 1.0)


def _steady(chain: Chain, h: int) -> float:
    """Power of the quietest quarter-second over the mean power of a look: work goes on, blows come and go."""
    squares = chain.hops.column("square", h + 1 - HOLD_HOPS, h + 1).tolist()
    return min(squares) * len(squares) / max(sum(squares), 1e-12) if squares else 0.0


def _away(rest: dict[Site, Vector], postures: Postures, settings: Settings) -> bool:
    """Whether the trunk turned and a leg with it; a leg turning about the vertical does not show."""
    turned = {s: angle_deg(rest[s], p.way) for s, p in postures.items()}
    trunk = turned.pop(Site.TR, settings.hold_trunk_deg)
    limbs = max(turned.values(), default=settings.hold_leg_deg)
    return trunk >= settings.hold_trunk_deg and limbs >= settings.hold_leg_deg
