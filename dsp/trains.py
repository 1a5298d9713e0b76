"""Rhythmic jerks become sleep jerk trains or rhythmic jerking, and long ones a long movement.

Once a second the rhythm of the last six seconds is judged. Good frames in a row open an event; the sleep
state before it, how its jerks are (`dsp.runs`) and what happens to it decide its label, always upward when
unsure: a train that goes on through an arousal, goes on without a pause, or stays on one side for a minute
is relabelled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

import numpy as np
from numpy.typing import NDArray

from dsp.bursts import Pulse
from dsp.chain import HOP, NEVER, Chain
from dsp.classify import Verdict, confidence_of, jerks_log_odds, judge_jerks, match_of
from dsp.context import BEGUN_BEFORE_NS
from dsp.events import Draft, event_id, tell
from dsp.grid import GRID_HZ, GRID_NS
from dsp.jerk_shape import jerk_shape
from dsp.records import NS, Event, EventStatus, Evidence, Label, Site, State
from dsp.rhythm import FRAME_K, Rhythm, rhythm_of
from dsp.runs import Run, both_clear, judge_own, judge_run, judge_train
from dsp.scene import Scene
from dsp.settings import Settings
from dsp.sides import balance_of, side_said

__all__ = ["Frame", "TrainTracker"]

_FRAME_HOPS = 4
_KEEP_K = 1200
_NEW_K = 160
"""A frame whose last pulse is older than this tells nothing new."""

_MOVED_HOPS = 16
"""Hops of a frame that are asked about motion from outside."""

_MOST_FOR_REST = 1.0
"""More log-odds than this the absence of motion from outside never adds: it need not be looked for below."""

_CUT_OFF = 0.5
"""Share of clipped samples; jerks beyond the range of a narrow setting clip for moments."""

_LAST_K = 15
"""What is left of an event's last jerk when it has come."""

_SAME_K = 7
"""Pulses of two sites nearer than this are one jerk."""

_KEEP_BALANCE = 100
_WHY = {
    "unbroken_s": "went on without a pause",
    "slowing_t": "slowed down",
    "growth": "grew at its beginning",
}
_OTHER_LEG = {Site.LA: Site.RA, Site.RA: Site.LA}


@dataclass(slots=True)
class Frame:
    """A frame that looked like jerks."""

    k0: int
    k1: int
    site: Site
    log_odds: float


@dataclass(slots=True)
class TrainTracker:
    """Recent pulses, good frames in a row, and the event open at the moment."""

    pulses: dict[Site, list[Pulse]] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    open: Draft | None = None
    over: list[Draft] = field(default_factory=list)
    """rhythmic jerking of the last minute that ended: a long movement may still become its parent"""
    last_k: int = 0
    """grid index of the newest jerk that was told, of an event open or over"""
    lead_ks: list[int] = field(default_factory=list)
    heights: dict[Site, float] = field(default_factory=dict)
    balance: list[float] = field(default_factory=list)
    """for each jerk, natural logarithm of the right limb's height over the left one's"""
    best: float = -99.0
    run: Run = field(default_factory=Run)
    told_at: int = 0
    told_s: float = 0.0
    """jerks and length that the newest row told of"""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """grid indices of recent good frames"""
    episode_ns: int = 0
    episode_end_ns: int | None = None
    """onset of the first and end of the last train of the newest episode of sleep jerks; None before any"""

    def pulse(self, pulse: Pulse) -> None:
        """Take a pulse that became known."""
        row = self.pulses.setdefault(pulse.site, [])
        row.append(pulse)
        while row[-1].k - row[0].k > _KEEP_K:
            row.pop(0)

    def hop(self, h: int, chains: dict[Site, Chain], scene: Scene, settings: Settings) -> list[Event]:
        """Decide what hop h allows."""
        if (h + 1) % _FRAME_HOPS:
            return []
        k = (h + 1) * HOP
        fresh = self._fresh(k)
        if self.open is None and not fresh:
            return []
        out = self._frame(k, h, chains, scene, settings) if fresh else []
        if self.open is not None and k - self.last_k > settings.train_pause_s * GRID_HZ:
            out += self._end(h, scene, settings)
        return out

    def wake(self, h: int) -> int:
        """The first hop from h on that ends a frame worth judging if no pulse comes before."""
        frame = h + (-(h + 1)) % _FRAME_HOPS
        return frame if self.open is not None or self._fresh((frame + 1) * HOP) else NEVER

    def finish(self, h: int, scene: Scene, settings: Settings) -> list[Event]:
        """End everything at the end of a recording."""
        return self._end(h, scene, settings) if self.open is not None else []

    def going(self) -> list[Draft]:
        """The rhythmic jerking that goes on, if any."""
        now = self.open
        return [now] if now is not None and now.label is Label.RHYTHMIC_JERKING else []

    def apart(self, h0: int, h1: int) -> NDArray[np.bool_]:
        """Hops h0 to h1 - 1 in which no jerks were seen: jerks in sleep are no sign of waking."""
        free = np.ones(h1 - h0, dtype=np.bool_)
        for a, b in self.spans:
            end = b // HOP + 2 - h0
            if end > 0:
                free[max(a // HOP - h0, 0) : end] = False
        return free

    def _fresh(self, k: int) -> bool:
        for row in self.pulses.values():  # noqa: SIM110 - asked at every hop, where a generator is most of the cost
            if row and k - row[-1].k <= _NEW_K:
                return True
        return False

    def _frame(
        self, k: int, h: int, chains: dict[Site, Chain], scene: Scene, settings: Settings
    ) -> list[Event]:
        pulses = {s: row for s, row in self.pulses.items() if s in chains}
        rhythm = rhythm_of(pulses, {s: c.history for s, c in chains.items()}, k, _NEW_K)
        if rhythm is None or _cut_off(chains[rhythm.site], rhythm):
            return []
        gyro = _has_gyro(chains[rhythm.site], rhythm.k1)
        likely = jerks_log_odds(rhythm, gyro=gyro, settings=settings)
        if likely < settings.run_frame_least - _MOST_FOR_REST and likely < settings.jerks_frame_least:
            self.frames = []
            return []
        moved = None
        if likely >= settings.run_frame_least - _MOST_FOR_REST:
            moved = scene.context.coupled(max(rhythm.k0 // HOP, h + 1 - _MOVED_HOPS), h + 1, chains)
        verdict = judge_jerks(rhythm, gyro=gyro, settings=settings, coupled=moved)
        if verdict.log_odds >= settings.run_frame_least:
            self._gather(rhythm, verdict, chains, scene, settings)
        if verdict.log_odds < settings.jerks_frame_least:
            self.frames = []
            return []
        if self.frames and rhythm.k0 > self.frames[-1].k1 + settings.train_pause_s * GRID_HZ:
            self.frames = []
        self.frames.append(Frame(rhythm.k0, rhythm.k1, rhythm.site, verdict.log_odds))
        del self.frames[:-10]
        self.spans.append((rhythm.k0, rhythm.k1))
        del self.spans[:-60]
        if self.open is None:
            return self._begin(rhythm, verdict, h, chains, scene, settings)
        return self._go_on(rhythm, verdict, h, chains, scene, settings)

    def _gather(
        self, rhythm: Rhythm, verdict: Verdict, chains: dict[Site, Chain], scene: Scene, settings: Settings
    ) -> None:
        """Take a frame into the run of jerks that it goes on, or into a new one."""
        if rhythm.k0 > self.run.until_k + settings.train_pause_s * GRID_HZ:
            before = scene.state.at(rhythm.k0 * GRID_NS - 1)
            awake = 0.0 if before.is_sleep else 0.5 if before is State.UNKNOWN else 1.0
            self.run = self.run.following(awake, scene.state.age_days, settings)
        last = self.run.ks[-1] + _SAME_K if self.run.ks else rhythm.k0 - 1
        new = [p for p in self.pulses[rhythm.site] if last < p.k <= rhythm.k1]
        pair = _OTHER_LEG.get(rhythm.site)
        self.run.lead, other = None, list[Pulse]()
        if pair in rhythm.seen:
            other = [p for p in self.pulses.get(pair, ()) if last < p.k <= rhythm.k1]
            self.run.lead = rhythm.site
        likely = Evidence("frame_log_odds", verdict.log_odds, 0.0)
        self.run.take(new, other, [likely, *verdict.evidence, *jerk_shape(rhythm, chains)], settings)
        if pair is not None and self.run.lead is None:
            # What one leg did while the other was silent is no comparison.
            self.run.legs_g = {}
        self.run.until_k = max(self.run.until_k, rhythm.k1)
        if self.run.ks:
            begun, now = self.run.ks[0] * GRID_NS, (rhythm.k1 + 1) * GRID_NS
            self.run.conveyed = scene.context.share(begun, now, before_ns=BEGUN_BEFORE_NS)

    def _lifts(self, onset_ns: int, scene: Scene, settings: Settings) -> bool:
        """Whether the run is rhythmic jerking: jerks of the infant's own, and not those of a train of sleep."""
        own = judge_own(self.run, settings).log_odds - settings.own_jerking
        if own < 0.0:
            return False
        stiff = scene.stiff_ns
        if stiff is not None and onset_ns - stiff <= settings.after_stiff_s * NS:
            return True
        clonic = judge_run(self.run, settings).log_odds - settings.run_jerking
        return self.run.unbroken_s >= settings.run_least_s and both_clear(own, clonic)

    def _is_train(self, settings: Settings, *, asleep: bool) -> bool:
        """Whether the run is a train of sleep.

        The table knows jerks whose trunk was seen. Without it the newest frames must be good: two of them, or, when
        the jerks are surely the infant's own, one passable one. Who counts as awake may have fallen asleep since
        the last epoch: then, too, they must be sure.
        """
        if self.run.trunk_seen:
            return judge_train(self.run, settings).log_odds >= settings.train_least
        own = judge_own(self.run, settings).log_odds
        sure = own >= settings.own_sure
        needed = 1 if sure and asleep else settings.jerks_frames
        least = settings.jerks_frame_least if sure and asleep else settings.jerks_weak
        recent = self.frames[-needed:]
        mean = sum(f.log_odds for f in recent) / len(recent)
        return (sure or (asleep and own >= settings.own_train)) and len(recent) == needed and mean >= least

    def _begin(
        self,
        rhythm: Rhythm,
        verdict: Verdict,
        h: int,
        chains: dict[Site, Chain],
        scene: Scene,
        settings: Settings,
    ) -> list[Event]:
        onset = self.frames[0].k0 * GRID_NS
        # A run may go on behind the end of an event; its jerks are told once.
        ks = [k for k in self.run.ks if k > self.last_k + _LAST_K]
        before = scene.state.at(onset - 1)
        asleep = before.is_sleep
        if ks and not asleep:
            # Awake, where so much looks like jerks, nothing is told before it is clear what it is.
            onset = ks[0] * GRID_NS
        lifted = self._lifts(onset, scene, settings)
        if not lifted and not self._is_train(settings, asleep=asleep):
            return []
        self.run.lifted = lifted
        label = Label.RHYTHMIC_JERKING if lifted else Label.SLEEP_JERK_TRAIN
        if not lifted and rhythm.peak_g < settings.twitch_g and rhythm.unison < settings.twitch_unison:
            label = Label.TWITCHES
        recent = self.frames[-settings.jerks_frames :]
        self.best = sum(f.log_odds for f in recent) / len(recent)
        self.heights = {}
        self.lead_ks = [] if asleep else [k for k in ks if k <= rhythm.k1]
        self.balance = balance_of([k for k in self.lead_ks if k > rhythm.k1 - FRAME_K], chains, (h + 1) * HOP)
        self.open = Draft(
            event_id(scene.infant, "jerks", onset), label, onset, onset, [], "unknown", before, before,
            scene.state.since_waking_s(onset), 0.0, 0.0,
        )  # fmt: skip
        self._fill(self.open, rhythm, verdict, h, chains, scene, settings)
        self._join_episode(self.open, settings)
        self._told(self.open)
        return [tell(self.open, EventStatus.NEW, h, infant=scene.infant, settings=settings.tag)]

    def _go_on(
        self,
        rhythm: Rhythm,
        verdict: Verdict,
        h: int,
        chains: dict[Site, Chain],
        scene: Scene,
        settings: Settings,
    ) -> list[Event]:
        now = self.open
        if now is None:
            return []
        recent = self.frames[-3:]
        self.best = max(self.best, sum(f.log_odds for f in recent) / len(recent))
        self._fill(now, rhythm, verdict, h, chains, scene, settings)
        out: list[Event] = []
        label, why = self._upward(now, scene, settings)
        if label is not now.label:
            now.relabelled_from, now.label = now.label, label
            now.evidence = self._said(label, rhythm, verdict, settings)
            self._join_episode(now, settings)
            self.run.lifted = label is Label.RHYTHMIC_JERKING
            out.append(
                tell(now, EventStatus.RELABEL, h, infant=scene.infant, settings=settings.tag, reason=why)
            )
            self._told(now)
        elif self._due(now, settings):
            self._told(now)
            out.append(tell(now, EventStatus.UPDATE, h, infant=scene.infant, settings=settings.tag))
        return out

    def _join_episode(self, now: Draft, settings: Settings) -> None:
        """Trains of sleep jerks that follow one another with short pauses are one episode."""
        now.episode_ns = None
        if now.label is Label.SLEEP_JERK_TRAIN:
            end_ns = self.episode_end_ns
            goes_on = end_ns is not None and now.onset_ns - end_ns <= settings.episode_pause_s * NS
            now.episode_ns = self.episode_ns if goes_on else now.onset_ns

    def _told(self, now: Draft) -> None:
        self.told_at, self.told_s = max(now.count, 1), (now.end_ns - now.onset_ns) / NS

    def _due(self, now: Draft, settings: Settings) -> bool:
        """Whether a row is worth telling: twice the jerks of the last one, or jerking long enough to ring."""
        length_s = (now.end_ns - now.onset_ns) / NS
        rings = now.label is Label.RHYTHMIC_JERKING and self.told_s <= settings.jerks_ring_s < length_s
        return rings or now.count >= 2 * self.told_at

    def _fill(
        self,
        now: Draft,
        rhythm: Rhythm,
        verdict: Verdict,
        h: int,
        chains: dict[Site, Chain],
        scene: Scene,
        settings: Settings,
    ) -> None:
        last = self.lead_ks[-1] + _SAME_K if self.lead_ks else now.onset_ns // GRID_NS - 1
        new = [p for p in self.pulses[rhythm.site] if last < p.k <= rhythm.k1]
        fresh = [p.k for p in new]
        self.lead_ks += fresh
        self.balance += balance_of(fresh, chains, (h + 1) * HOP)
        del self.balance[:-_KEEP_BALANCE]
        for site, row in self.pulses.items():
            heights = [p.peak_g for p in row if p.k >= rhythm.k0]
            if heights:
                self.heights[site] = max(self.heights.get(site, 0.0), median(heights))
        self.last_k = max(self.last_k, rhythm.k1)
        now.end_ns = (self.last_k + _LAST_K) * GRID_NS
        now.times_ns = [k * GRID_NS for k in self.lead_ks]
        now.count = len(self.lead_ks)
        now.sites = [s for s in Site if s in self.heights]
        now.side = side_said(self.balance, settings)
        now.match = match_of(self.best, settings.jerks_weak, settings.jerks_clear, settings)
        now.conveyed = scene.context.share(now.onset_ns, now.end_ns, before_ns=BEGUN_BEFORE_NS)
        if not now.confidence:
            seen = [site for site, c in chains.items() if c.hops.at("present", rhythm.k1 // HOP) > 0.0]
            now.confidence = confidence_of(
                len(seen),
                trunk=Site.TR in seen,
                gyro=any(_has_gyro(c, rhythm.k1) for c in chains.values()),
                conveyed=now.conveyed,
                state_known=now.before is not State.UNKNOWN,
            )
        now.evidence = self._said(now.label, rhythm, verdict, settings)

    def _said(self, label: Label, rhythm: Rhythm, verdict: Verdict, settings: Settings) -> list[Evidence]:
        """What the newest frame and the run say of the label, by the questions that decide it."""
        rows = [Evidence("frame.rate_hz", rhythm.rate_hz, 0.0), *verdict.said("frame")]
        lifted = label is Label.RHYTHMIC_JERKING
        if lifted or not self.run.trunk_seen:
            rows += judge_own(self.run, settings).said("own")
        else:
            rows += judge_train(self.run, settings).said("train")
        return [*rows, *judge_run(self.run, settings).said("run", against=not lifted)]

    def _upward(self, now: Draft, scene: Scene, settings: Settings) -> tuple[Label, str]:
        """The label that what was seen since asks for, never a lower one, and why."""
        if now.label is Label.RHYTHMIC_JERKING:
            return now.label, ""
        aroused = scene.state.arousal_ns
        through = round(settings.through_arousal_s * NS)
        likely = judge_own(self.run, settings).log_odds >= settings.own_jerking
        after = self.frames[-1].k0 * GRID_NS if self.frames else now.onset_ns
        if (
            likely
            and aroused is not None
            and now.onset_ns <= aroused
            and aroused + through <= after
            and self._goes_on(aroused + through)
            and judge_run(self.run, settings).log_odds >= settings.run_jerking - settings.arousal_worth
        ):
            return Label.RHYTHMIC_JERKING, "went on through an arousal"
        length = (now.end_ns - now.onset_ns) / NS
        if likely and length > settings.one_sided_s and now.side in ("left", "right"):
            return Label.RHYTHMIC_JERKING, "stayed on one side"
        if self._lifts(now.onset_ns, scene, settings):
            most = max(judge_run(self.run, settings).evidence, key=lambda e: e.contribution)
            return Label.RHYTHMIC_JERKING, _WHY.get(most.name, "longer, slower jerks")
        if now.label is Label.TWITCHES and now.count >= settings.twitch_most:
            return Label.SLEEP_JERK_TRAIN, "too many for twitches"
        return now.label, ""

    def _goes_on(self, since_ns: int) -> bool:
        return sum(1 for k in self.lead_ks if k * GRID_NS > since_ns) >= 3

    def _end(self, h: int, scene: Scene, settings: Settings) -> list[Event]:
        draft, self.open, self.frames = self.open, None, []
        if draft is None:
            return []
        self.over = [d for d in self.over if draft.end_ns - d.end_ns <= settings.long_s * NS]
        if draft.episode_ns is not None:
            self.episode_ns, self.episode_end_ns = draft.episode_ns, draft.end_ns
        if draft.label is Label.RHYTHMIC_JERKING:
            draft.after = scene.follows(draft)
            self.over.append(draft)
        else:
            scene.end(draft)
        return [tell(draft, EventStatus.END, h, infant=scene.infant, settings=settings.tag)]


def _cut_off(chain: Chain, rhythm: Rhythm) -> bool:
    """Whether most of a frame stands at the end of the sensor's range: a broken sensor, no limb does that."""
    clipped = chain.hops.column("clipped", rhythm.k0 // HOP, rhythm.k1 // HOP)
    return bool(clipped.any()) and float(clipped.mean()) > _CUT_OFF


def _has_gyro(chain: Chain, k: int) -> bool:
    history = chain.history
    return history.k0 <= k < history.k1 and bool(history.gyro[k - history.k0])
