"""Hiccups: brief jerks of the trunk, every few seconds for a minute and more, in which the legs take no part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median, pstdev

from dsp.chain import HOP, HOP_NS, NEVER
from dsp.classify import confidence_of, match_of
from dsp.events import Draft, event_id, tell
from dsp.grid import GRID_HZ, GRID_NS
from dsp.records import NS, Event, EventStatus, Evidence, Label, Site, State
from dsp.rhythm import intervals_of
from dsp.scene import Scene
from dsp.settings import Settings
from dsp.shape import Shape
from dsp.weights import weigh

__all__ = ["HiccupTracker", "is_trunk_alone"]

_LEGS = (Site.LA, Site.RA)
_LEAST_GAP_K = 120
"""1.2 s: what comes sooner is the same hiccup swinging back."""

_BEGIN_K = 25


def is_trunk_alone(shapes: Mapping[Site, Shape], settings: Settings) -> bool:
    """Whether the trunk jerked briefly and every worn leg only rode along; never without a trunk and a leg sensor.

    A contraction that builds up more slowly than a diaphragm jerks is no hiccup, however still the legs are.
    """
    legs = [shapes[s] for s in _LEGS if s in shapes]
    if Site.TR not in shapes or not legs:
        return False
    trunk = shapes[Site.TR]
    slow = trunk.turn is not None and trunk.turn.rise_s > settings.hiccup_rise_s
    if slow and trunk.wide_s > settings.hiccup_burst_s:
        return False
    share = max(leg.peak_g for leg in legs) / shapes[Site.TR].peak_g
    if not all(leg.gyro for leg in legs):
        return share <= settings.hiccup_leg_share
    swing = max((leg.turn.swing_deg for leg in legs if leg.turn is not None), default=0.0)
    return swing <= settings.hiccup_leg_deg and share <= settings.hiccup_ride_share


@dataclass(slots=True)
class HiccupTracker:
    """The trunk's jerks of the last minutes and the event told of them."""

    ks: list[int] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    """natural logarithm of the trunk's peaks"""
    shares: list[float] = field(default_factory=list)
    """natural logarithm of the stronger leg's share"""
    wide: list[float] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    """anchors of other movements since the first"""
    open: Draft | None = None
    minutes: int = 0

    def other(self, k: int) -> None:
        """Another movement came."""
        if self.ks:
            self.others.append(k)

    def take(self, k: int, shapes: Mapping[Site, Shape]) -> None:
        """A jerk of the trunk alone came."""
        if self.ks and k - self.ks[-1] < _LEAST_GAP_K:
            return
        trunk = shapes[Site.TR]
        leg = max(shapes[s].peak_g for s in _LEGS if s in shapes)
        self.ks.append(k)
        self.heights.append(math.log(trunk.peak_g))
        self.shares.append(math.log(leg / trunk.peak_g))
        self.wide.append(trunk.wide_s)

    def wake(self, h: int, settings: Settings) -> int:
        """The first hop from h on at which the run is over if nothing comes before."""
        if not self.ks:
            return NEVER
        return max(int((self.ks[-1] + settings.hiccup_gap_s * GRID_HZ) // HOP), h)

    def hop(self, h: int, sites: int, scene: Scene, settings: Settings) -> list[Event]:
        """Decide at the end of hop h."""
        if not self.ks:
            return []
        if (h + 1) * HOP - self.ks[-1] > settings.hiccup_gap_s * GRID_HZ:
            return self.finish(h, scene, settings)
        minutes = (self.ks[-1] - self.ks[0]) // round(settings.hiccup_span_s * GRID_HZ)
        if minutes <= self.minutes:
            return []
        return self._tell(h, minutes, sites, scene, settings)

    def finish(self, h: int, scene: Scene, settings: Settings) -> list[Event]:
        """End the run and what was told of it."""
        draft = self.open
        if draft is not None:
            self._fill(draft, *self._judge(settings), scene, settings)
        self.ks, self.heights, self.shares, self.wide, self.others = [], [], [], [], []
        self.open, self.minutes = None, 0
        if draft is None:
            return []
        scene.end(draft)
        return [tell(draft, EventStatus.END, h, infant=scene.infant, settings=settings.tag)]

    def _tell(self, h: int, minutes: int, sites: int, scene: Scene, settings: Settings) -> list[Event]:
        total, evidence = self._judge(settings)
        status = EventStatus.UPDATE
        if self.open is None:
            rivals = len(self.others) > settings.hiccup_rivals * len(self.ks)
            if len(self.ks) < settings.hiccup_least or rivals or total < settings.hiccup_weak:
                return []
            self.open, status = self._draft(sites, h, scene), EventStatus.NEW
        self.minutes = minutes
        self._fill(self.open, total, evidence, scene, settings)
        return [tell(self.open, status, h, infant=scene.infant, settings=settings.tag)]

    def _judge(self, settings: Settings) -> tuple[float, list[Evidence]]:
        first = self.ks[0]
        intervals = intervals_of([(k - first) / GRID_HZ for k in self.ks])
        values = {
            "hiccups": float(len(self.ks)),
            "uneven_intervals": intervals.cv if intervals else 1.0,
            "leg_to_trunk": median(self.shares),
            "trunk_burst_s": median(self.wide),
            "height_spread": pstdev(self.heights),
            "other_movement": len(self.others) / len(self.ks),
        }
        evidence = weigh(settings.hiccup_tables, values)
        return sum(e.contribution for e in evidence), evidence

    def _draft(self, sites: int, h: int, scene: Scene) -> Draft:
        onset = (self.ks[0] - _BEGIN_K) * GRID_NS
        state = scene.state.at(onset)
        confidence = confidence_of(
            sites,
            trunk=True,
            gyro=True,
            conveyed=scene.context.share(onset, (h + 1) * HOP_NS),
            state_known=state is not State.UNKNOWN,
        )
        return Draft(
            event_id(scene.infant, "hiccups", onset), Label.HICCUPS, onset, onset, [Site.TR], "unknown",
            state, state, scene.state.since_waking_s(onset), 0.0, confidence,
        )  # fmt: skip

    def _fill(
        self, draft: Draft, total: float, evidence: list[Evidence], scene: Scene, settings: Settings
    ) -> None:
        draft.times_ns = [k * GRID_NS for k in self.ks]
        draft.count = len(self.ks)
        draft.end_ns = draft.times_ns[-1] + round(0.3 * NS)
        draft.conveyed = scene.context.share(draft.onset_ns, draft.end_ns)
        draft.match = match_of(total, settings.hiccup_weak, settings.hiccup_clear, settings)
        draft.evidence = evidence
