"""Trembling: small fast oscillation of a limb or the trunk, without pauses, while the posture is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from dsp.chain import HOP, HOP_NS, NEVER, Chain
from dsp.classify import confidence_of, match_of
from dsp.events import Draft, event_id, tell
from dsp.grid import GRID_HZ
from dsp.holds import HOLD_HOPS, LOOK_HOPS, Looks, Posture
from dsp.records import NS, Event, EventStatus, Evidence, Label, Site, State
from dsp.scene import Scene
from dsp.settings import Settings

__all__ = ["TremorTracker", "oscillation_of"]

_LINE_HZ = 1.5
"""Half-width of what still counts as one rhythm."""

_LEAST_HZ = 4.0
_MOST_HZ = 12.0


def oscillation_of(chain: Chain, h1: int) -> tuple[float, float]:
    """Rate in Hz and share of power near it, of the motion in the two seconds before hop h1."""
    motion = chain.history.motion[:, chain.history.part((h1 - HOLD_HOPS) * HOP, h1 * HOP)].astype(np.float64)
    n = motion.shape[1]
    if n < HOLD_HOPS * HOP:
        return 0.0, 0.0
    power = np.sum(np.abs(np.fft.rfft(motion * np.hanning(n), axis=1)) ** 2, axis=0)
    frequency = np.fft.rfftfreq(n, 1.0 / GRID_HZ)
    top = float(frequency[int(np.argmax(power))])
    near = np.abs(frequency - top) <= _LINE_HZ
    return top, float(power[near].sum()) / max(float(power.sum()), 1e-18)


@dataclass(slots=True)
class TremorTracker:
    """Looks in a row in which a site trembled, and the event told of the first such site."""

    runs: dict[Site, int] = field(default_factory=dict)
    open: Draft | None = None
    last_h: int = 0

    def stirs(self, looks: Looks, chains: dict[Site, Chain], settings: Settings) -> list[int]:
        """Hops of the looks at which a site moved as much, and as little, as trembling does."""
        found = np.zeros(len(looks.hops), dtype=np.bool_)
        for site, kept in looks.kept.items():
            floor = chains[site].hops.column("floor", looks.hops[0], looks.hops[-1] + 1)[::LOOK_HOPS]
            rms = np.asarray(kept.rms_g)
            loud = (settings.tremor_ratio * floor <= rms) & (rms <= settings.tremor_most_g)
            found |= kept.seen & loud & (np.asarray(kept.sway_deg) <= settings.tremor_sway_deg)
        return [looks.hops[i] for i in np.flatnonzero(found).tolist()]

    def wake(self, h: int) -> int:
        """The first hop from h on at which it must be asked to look, if nothing stirs before."""
        return h + (-(h + 1)) % LOOK_HOPS if self.runs or self.open is not None else NEVER

    def look(
        self,
        h: int,
        postures: dict[Site, Posture],
        chains: dict[Site, Chain],
        scene: Scene,
        settings: Settings,
    ) -> list[Event]:
        """Decide at the look at the end of hop h."""
        found = {s: o for s, p in postures.items() if (o := _trembles(chains[s], h, p, settings)) is not None}
        self.runs = {s: self.runs.get(s, 0) + 1 for s in found}
        ready = [s for s in found if self.runs[s] >= settings.tremor_looks]
        if not ready:
            late = self.open is not None and h - self.last_h > 2 * LOOK_HOPS
            return self.finish(h, scene, settings) if late else []
        self.last_h = h
        status = EventStatus.NEW if self.open is None else EventStatus.UPDATE
        longest = max(self.runs[s] for s in ready)
        now = self.open or self._draft(h - (longest - 1) * LOOK_HOPS, chains, scene)
        self.open = now
        self._fill(now, h, {s: found[s] for s in ready}, postures, scene, settings)
        if status is EventStatus.UPDATE:
            return []
        return [tell(now, status, h, infant=scene.infant, settings=settings.tag)]

    def finish(self, h: int, scene: Scene, settings: Settings) -> list[Event]:
        """End what is open."""
        draft, self.open = self.open, None
        self.runs = {}
        if draft is None:
            return []
        scene.end(draft)
        return [tell(draft, EventStatus.END, h, infant=scene.infant, settings=settings.tag)]

    def _draft(self, h: int, chains: dict[Site, Chain], scene: Scene) -> Draft:
        onset = (h + 1 - HOLD_HOPS) * HOP_NS
        state = scene.state.at(onset)
        confidence = confidence_of(
            len(chains), trunk=Site.TR in chains, conveyed=scene.context.share(onset, (h + 1) * HOP_NS),
            gyro=any(c.hops.at("gyro", h) > 0 for c in chains.values()),
            state_known=state is not State.UNKNOWN,
        )  # fmt: skip
        return Draft(
            event_id(scene.infant, "tremor", onset), Label.TREMOR, onset, onset, [], "unknown",
            state, state, scene.state.since_waking_s(onset), 0.0, confidence,
        )  # fmt: skip

    def _fill(
        self,
        now: Draft,
        h: int,
        ready: dict[Site, tuple[float, float]],
        postures: dict[Site, Posture],
        scene: Scene,
        settings: Settings,
    ) -> None:
        now.end_ns = (h + 1) * HOP_NS
        now.sites = [s for s in Site if s in ready or s in now.sites]
        now.conveyed = scene.context.share(now.onset_ns, now.end_ns)
        lead = max(ready, key=lambda s: (postures[s].rms_g, s))
        rate, line = ready[lead]
        now.count = max(round(rate * (now.end_ns - now.onset_ns) / NS), 1)
        clear = (1.0 + settings.tremor_line) / 2
        match = match_of(line, settings.tremor_line, clear, settings)
        if match > now.match:
            now.match = match
            now.evidence = [
                Evidence("rate_hz", rate, 0.0),
                Evidence("share_in_one_line", line, 0.0),
                Evidence("rms_g", postures[lead].rms_g, 0.0),
            ]


def _trembles(chain: Chain, h: int, posture: Posture, settings: Settings) -> tuple[float, float] | None:
    """Rate and purity when this look shows tremor."""
    floor = chain.hops.at("floor", h)
    if not settings.tremor_ratio * floor <= posture.rms_g <= settings.tremor_most_g:
        return None
    if posture.sway_deg > settings.tremor_sway_deg:
        return None
    squares = chain.hops.column("square", h + 1 - HOLD_HOPS, h + 1).tolist()
    if math.sqrt(min(squares) * HOLD_HOPS / sum(squares)) < settings.tremor_steady:
        return None
    rate, line = oscillation_of(chain, h + 1)
    return (rate, line) if _LEAST_HZ <= rate <= _MOST_HZ and line >= settings.tremor_line else None
