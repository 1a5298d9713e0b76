"""Every other movement: bursts of all sites joined across short pauses, told once they are over."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from dsp.bursts import Burst
from dsp.chain import HOP, NEVER
from dsp.classify import confidence_of, side_of
from dsp.events import Draft, event_id, tell
from dsp.grid import GRID_HZ, GRID_NS
from dsp.records import Event, EventStatus, Evidence, Label, Site, State
from dsp.scene import Scene
from dsp.settings import Settings

__all__ = ["MovementTracker"]

_LONGEST_K = 60 * GRID_HZ
"""Movement that never pauses is told by the minute, so that nobody waits an hour for a row."""


@dataclass(slots=True)
class MovementTracker:
    """Bursts of the movement that is going on."""

    bursts: list[Burst] = field(default_factory=list)
    k0: int = 0
    """first grid index of any of them"""
    k1: int = 0
    """grid index behind the last of any of them"""
    told_k: int = 0
    """grid index behind the movement told last; a site's burst that outlasts that movement began inside it"""

    def burst(self, burst: Burst) -> None:
        """Take a burst that became known."""
        self.k0 = min(self.k0, burst.k0) if self.bursts else burst.k0
        self.k1 = max(self.k1, burst.k1) if self.bursts else burst.k1
        self.bursts.append(burst)

    def wake(self, h: int, settings: Settings) -> int:
        """The first hop from h on at which the movement is over, or long enough, if no burst comes before."""
        if not self.bursts:
            return NEVER
        if self.k1 - self.k0 >= _LONGEST_K:
            return h
        return max(math.ceil((self.k1 + settings.movement_gap_s * GRID_HZ) / HOP) - 1, h)

    def hop(
        self, h: int, sites: list[Site], patterns: list[tuple[int, int]], scene: Scene, settings: Settings
    ) -> list[Event]:
        """Tell the movement if it is over at the end of hop h.

        Args:
            h: The hop.
            sites: Sites that are worn.
            patterns: Intervals in ns that were told as a pattern; movement inside them is no news.
            scene: State and circumstances.
            settings: Thresholds.
        """
        if self.wake(h, settings) > h:
            return []
        return self.finish(h, sites, patterns, scene, settings)

    def finish(
        self, h: int, sites: list[Site], patterns: list[tuple[int, int]], scene: Scene, settings: Settings
    ) -> list[Event]:
        """Tell the movement now."""
        bursts, self.bursts = self.bursts, []
        if not bursts or max(b.peak_g for b in bursts) < settings.movement_least_g:
            return []
        onset = max(min(b.k0 for b in bursts), self.told_k) * GRID_NS
        end = max(b.k1 for b in bursts) * GRID_NS
        if onset >= end or any(a <= onset + (end - onset) // 2 <= b for a, b in patterns):
            return []
        self.told_k = end // GRID_NS
        draft = _draft(bursts, onset, end, sites, scene)
        return [
            tell(draft, status, h, infant=scene.infant, settings=settings.tag)
            for status in (EventStatus.NEW, EventStatus.END)
        ]


def _draft(bursts: list[Burst], onset: int, end: int, sites: list[Site], scene: Scene) -> Draft:
    heights = dict.fromkeys(sites, 1e-3)
    for b in bursts:
        heights[b.site] = max(heights.get(b.site, 0.0), b.peak_g)  # it may be off by now
    state = scene.state.at(onset)
    conveyed = scene.context.share(onset, end)
    return Draft(
        id=event_id(scene.infant, "movement", onset),
        label=Label.MOVEMENT,
        onset_ns=onset,
        end_ns=end,
        sites=[s for s in heights if any(b.site is s for b in bursts)],
        side=side_of(heights),
        before=state,
        during=state,
        since_waking_s=scene.state.since_waking_s(onset),
        match=1.0,
        confidence=confidence_of(
            len(sites), trunk=Site.TR in sites, gyro=True, conveyed=conveyed,
            state_known=state is not State.UNKNOWN,
        ),
        evidence=[
            Evidence("peak_g", max(b.peak_g for b in bursts), 0.0),
            Evidence("area_gs", sum(b.area_gs for b in bursts), 0.0),
        ],
        times_ns=sorted({max(b.k0 * GRID_NS, onset) for b in bursts}),
        count=len(bursts),
        conveyed=conveyed,
        after=state,
    )  # fmt: skip
