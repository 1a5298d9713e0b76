"""Anchored movements become spasm-like events and, by their sum of evidence, clusters.

One movement cannot decide; three within a minute of one another can. Members are therefore not gated at even
odds: all from `member_least` on are kept and their log-odds are added up over the best run of them.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dsp.bursts import Pulse
from dsp.chain import HOP, NEVER, Chain
from dsp.classify import Verdict, confidence_of, judge_spasm, judge_startle, match_of, may_be_spasm, side_of
from dsp.events import Draft, event_id, tell
from dsp.grid import GRID_HZ, GRID_NS
from dsp.hiccups import HiccupTracker, is_trunk_alone
from dsp.likeness import trace_of
from dsp.members import Line, Member, compare, line_along, line_of_newest, path_to
from dsp.records import NS, Event, EventStatus, Evidence, Label, Site, State
from dsp.scene import Scene
from dsp.series_rows import COURSE, course_of, means_of
from dsp.settings import Settings
from dsp.shape import AFTER_K, Shape, is_seen, measure
from dsp.together import together_of

__all__ = ["SpasmTracker"]

_APART_K = 60
"""Of peaks nearer than this the highest is the anchor: a spasm's own rise and return."""

_REACH_K = 40
"""Other sites peak within this of the anchor: muscles lag by 0.2 s at most."""

_RIVALS_KEPT = 240
"""Other movements remembered: more than the longest run of members could have between them."""

_RISE_S = 0.25


@dataclass(slots=True)
class SpasmTracker:
    """Open candidates, the series they form, and the cluster told from it."""

    due: list[Pulse] = field(default_factory=list)
    """in order of time"""
    recent: list[Pulse] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    rivals: list[int] = field(default_factory=list)
    """anchors of the last minutes that were no member"""
    cluster: Draft | None = None
    hiccups: HiccupTracker = field(default_factory=HiccupTracker)
    moved_k: int = -(10**9)
    """anchor of the newest movement of any kind"""

    def pulse(self, pulse: Pulse) -> None:
        """Take a pulse that became known."""
        insort(self.due, pulse, key=_place)
        self.recent.append(pulse)
        del self.recent[:-64]

    def hop(self, h: int, chains: dict[Site, Chain], scene: Scene, settings: Settings) -> list[Event]:
        """Decide what is due at the end of hop h."""
        out: list[Event] = []
        end_k = (h + 1) * HOP
        while self.due and self.due[0].k + AFTER_K <= end_k:
            pulse = self.due.pop(0)
            if self._is_anchor(pulse, chains):
                out += self._judge(pulse, h, chains, scene, settings)
        if self.hiccups.ks:
            out += self.hiccups.hop(h, len(chains), scene, settings)
        if self.members:
            out += self._expire(h, scene, settings, gap_k=round(settings.cluster_gap_s * GRID_HZ))
        return out

    def wake(self, h: int, settings: Settings) -> int:
        """The first hop from h on at which it has something to decide if no pulse comes before."""
        end = self.due[0].k + AFTER_K if self.due else NEVER * HOP
        if self.members:
            end = min(end, self.members[-1].k + AFTER_K + round(settings.cluster_gap_s * GRID_HZ))
        # A hop decides on samples before the grid index at its end.
        return min(max(-(-end // HOP) - 1, h), self.hiccups.wake(h, settings))

    def finish(self, h: int, scene: Scene, settings: Settings) -> list[Event]:
        """End everything at the end of a recording."""
        out = self.hiccups.finish(h, scene, settings)
        return out + self._expire(h, scene, settings, gap_k=-AFTER_K * 100)

    def _is_anchor(self, pulse: Pulse, chains: dict[Site, Chain]) -> bool:
        own = pulse.site is Site.TR
        near = False
        for site in self._higher(pulse):
            # Whether the trunk was seen takes longest to ask: not where it changes nothing.
            if not own or site is Site.TR:
                return False
            near = True
        trunk = chains.get(Site.TR)
        by_trunk = trunk is not None and _seen(trunk, pulse.k)
        return own if by_trunk else not near

    def _higher(self, pulse: Pulse) -> Iterator[Site]:
        """Sites of the pulses near one that stand above it; of those as high, the earlier one does."""
        first, last, least_g = pulse.k - _APART_K, pulse.k + _APART_K, pulse.peak_g
        for o in reversed(self.recent):
            if o.known_k <= first:
                break  # they stand in the order in which they became known, which is after they came
            near_by = o.peak_g >= least_g and first <= o.k <= last
            if near_by and (o.peak_g, -o.k, o.site) > (least_g, -pulse.k, pulse.site):
                yield o.site

    def _judge(
        self, pulse: Pulse, h: int, chains: dict[Site, Chain], scene: Scene, settings: Settings
    ) -> list[Event]:
        seen = [s for s, c in chains.items() if s is pulse.site or _is_settled(c, pulse.k)]
        measured = {s: measure(chains[s].history, pulse.k, reach_k=_REACH_K) for s in seen}
        shapes = {s: m for s, m in measured.items() if m is not None}
        if pulse.site not in shapes:
            return []
        if is_trunk_alone(shapes, settings):
            self.hiccups.take(pulse.k, shapes)
            return []
        self.hiccups.other(pulse.k)
        alone = pulse.k - self.moved_k > settings.startle_alone_s * GRID_HZ
        self.moved_k = pulse.k
        verdict = _judged(pulse, shapes, chains, settings)
        startle = judge_startle(shapes, settings) if alone and not self.members else None
        if startle is not None and startle.log_odds < settings.startle_weak:
            startle = None
        other = verdict.log_odds < settings.member_least or self._too_near(pulse.k, settings)
        if other:
            self.rivals.append(pulse.k)
            del self.rivals[:-_RIVALS_KEPT]
        if other and startle is None:
            return []
        draft = _draft(pulse, shapes, verdict, scene, settings)
        if other and startle is not None:
            return _tell_startle(draft, startle, h, scene, settings, over=True)
        member = Member(
            pulse.k,
            verdict.log_odds,
            draft,
            draft.match,
            draft.evidence,
            trace_of(pulse.k, pulse.site, shapes),
            len(shapes),
        )
        compare(member, self.members, {s: chains[s] for s in shapes}, settings)
        self.members.append(member)
        out: list[Event] = []
        if verdict.log_odds >= settings.single_least and _is_strong(shapes, settings):
            out.append(self._tell_member(member, h, scene, settings))
        elif startle is not None:
            member.told = True
            out += _tell_startle(draft, startle, h, scene, settings, over=False)
        return out + self._series(member, h, scene, settings)

    def _too_near(self, k: int, settings: Settings) -> bool:
        if not self.members:
            return False
        return k - self.members[-1].k < settings.cluster_refractory_s * GRID_HZ

    def _tell_member(self, member: Member, h: int, scene: Scene, settings: Settings) -> Event:
        member.told = True
        return tell(member.draft, EventStatus.NEW, h, infant=scene.infant, settings=settings.tag)

    def _series(self, member: Member, h: int, scene: Scene, settings: Settings) -> list[Event]:
        if self.cluster is None:
            return self._found(h, scene, settings)
        self._fill(self.cluster, self.cluster.onset_ns, scene, settings)
        out = [tell(self.cluster, EventStatus.UPDATE, h, infant=scene.infant, settings=settings.tag)]
        return out + self._adopt([member], self.cluster.id, h, scene, settings)

    def _found(self, h: int, scene: Scene, settings: Settings) -> list[Event]:
        age = _age(scene, settings)
        best = self._best(self.members, age, settings)
        if best is None or self._sum(best, age, settings) < settings.cluster_weak:
            return []
        first = best.members[0].draft
        onset = first.onset_ns
        name = event_id(scene.infant, "cluster", onset)
        self.cluster = Draft(
            name, Label.SPASM_LIKE_CLUSTER, onset, onset, list(first.sites), first.side,
            first.before, first.during, first.since_waking_s, 0.0, 0.0,
        )  # fmt: skip
        self._fill(self.cluster, onset, scene, settings)
        out = [tell(self.cluster, EventStatus.NEW, h, infant=scene.infant, settings=settings.tag)]
        run = [m for m in self.members if m.k >= best.members[0].k]
        return out + self._adopt(run, name, h, scene, settings)

    def _adopt(
        self, members: Sequence[Member], parent: str, h: int, scene: Scene, settings: Settings
    ) -> list[Event]:
        out = []
        for m in members:
            m.draft.parent = parent
            if m.draft.label is Label.STARTLE:
                out.append(_relabelled(m, h, scene, settings))
            elif m.told:
                out.append(tell(m.draft, EventStatus.UPDATE, h, infant=scene.infant, settings=settings.tag))
            else:
                out.append(self._tell_member(m, h, scene, settings))
        return out

    def _best(self, members: Sequence[Member], age: float, settings: Settings) -> Line | None:
        """The newest of some members whose evidence adds up highest, long and many enough for a cluster.

        Either all of the newest, or those that lead to the newest one if others are passed over.
        A movement's end is measured early rather than late, one in twenty by a second: a span may be so much shorter.
        """
        most, best = -math.inf, None
        least_ns = round((settings.cluster_span_s - settings.cluster_span_early_s) * NS)
        path = path_to(members[-1], members)
        for run, of in ((members, line_of_newest), (path, line_along)):
            for n in range(settings.cluster_members, min(len(run), settings.cluster_run) + 1):
                if run[-1].draft.end_ns - run[-n].draft.onset_ns < least_ns:
                    continue
                line = of(run, n)
                total = self._sum(line, age, settings)
                if total > most:
                    most, best = total, line
        return best

    def _sum(self, line: Line, age: float, settings: Settings) -> float:
        """Evidence for a series: its members', how they follow one another, and the age's; rivals take from it."""
        cost = settings.rival_cost * self._rivals(line.members, settings)
        cost += settings.stranger_cost * self._strangers(line.members, settings)
        cost += settings.passed_cost * line.passed
        members = sum(m.log_odds for m in line.members)
        return members + line.alike + age - cost - _in_common(line.members, settings)

    def _rivals(self, run: Sequence[Member], settings: Settings) -> int:
        """How many other movements between its members count against a run."""
        between = sum(1 for k in self.rivals if run[0].k <= k <= run[-1].k)
        return min(between, round(settings.rivals_most * len(run)))

    def _strangers(self, run: Sequence[Member], settings: Settings) -> int:
        """How many shortly before the run looked like members but not like one another: an infant at play."""
        since_k = run[0].k - round(settings.strangers_s * GRID_HZ)
        near = [m for m in self.members if since_k < m.k < run[0].k and m.alike < 0.0]
        return min(len(near), settings.strangers_most)

    def _fill(self, cluster: Draft, onset_ns: int, scene: Scene, settings: Settings) -> None:
        run = [m for m in self.members if m.draft.onset_ns >= onset_ns]
        age = _age(scene, settings)
        top = self._best(run, age, settings)
        total = self._sum(top, age, settings) if top is not None else 0.0
        cluster.end_ns = max(m.draft.end_ns for m in run)
        cluster.times_ns = [m.draft.onset_ns for m in run]
        cluster.count = len(run)
        cluster.sites = [s for s in Site if any(s in m.draft.sites for m in run)]
        seen = match_of(total, settings.cluster_weak, settings.cluster_clear, settings)
        if max(m.sites_seen for m in run) == 1:
            # One sensor cannot tell a body's contraction from a limb's errand, however often it comes.
            seen = min(seen, settings.clear_match - 0.05)
        better, cluster.match = seen > cluster.match, max(cluster.match, seen)
        cluster.conveyed = scene.context.share(cluster.onset_ns, cluster.end_ns)
        cluster.confidence = sum(m.draft.confidence for m in run) / len(run)
        sides = {m.draft.side for m in run}
        known = sides - {"unknown"} or sides
        cluster.side = known.pop() if len(known) == 1 else "both"
        if better or not cluster.evidence:
            cluster.evidence = self._said(top, age, scene, settings)
        course = course_of([m.k for m in run], [m.trace.peak_g for m in run])
        cluster.evidence = [*(e for e in cluster.evidence if e.name not in COURSE), *course]

    def _said(self, top: Line | None, age: float, scene: Scene, settings: Settings) -> list[Evidence]:
        """What speaks for and against the series, of its best members."""
        if top is None:
            return _age_said(age, scene)
        run, count = top.members, len(top.members)
        rivals, strangers = self._rivals(run, settings), self._strangers(run, settings)
        return [
            Evidence("members", float(count), sum(m.log_odds for m in run) - _in_common(run, settings)),
            Evidence("members_alike", top.alike / max(count - 1, 1), top.alike),
            Evidence("passed_over", float(top.passed), -settings.passed_cost * top.passed),
            Evidence("other_movement", float(rivals), -settings.rival_cost * rivals),
            Evidence("strangers_before", float(strangers), -settings.stranger_cost * strangers),
            *_age_said(age, scene),
            *means_of("alike", top.rows),
            *means_of("member", [m.evidence for m in run]),
        ]

    def _expire(self, h: int, scene: Scene, settings: Settings, *, gap_k: int) -> list[Event]:
        end_k = (h + 1) * HOP
        if not self.members or end_k - self.members[-1].k - AFTER_K < gap_k:
            return []
        out: list[Event] = []
        for m in self.members:
            if m.told:
                m.draft.after = scene.follows(m.draft)
                out.append(tell(m.draft, EventStatus.END, h, infant=scene.infant, settings=settings.tag))
        if self.cluster is not None:
            self.cluster.after = scene.follows(self.cluster)
            out.append(tell(self.cluster, EventStatus.END, h, infant=scene.infant, settings=settings.tag))
        self.members, self.rivals, self.cluster = [], [], None
        return out


def _judged(
    pulse: Pulse, shapes: dict[Site, Shape], chains: dict[Site, Chain], settings: Settings
) -> Verdict:
    """How much it looks like a member of a series; without evidence where it cannot be one."""
    if not may_be_spasm(shapes, pulse.site, settings, settings.member_least):
        return Verdict(-math.inf, [])
    together = together_of({s: chains[s].history for s in shapes}, pulse.site, pulse.k)
    return judge_spasm(shapes, together, pulse.site, settings)


def _place(pulse: Pulse) -> tuple[int, Site]:
    return pulse.k, pulse.site


def _in_common(run: Sequence[Member], settings: Settings) -> float:
    """What each further member says again: movements of one infant in one mood have causes in common.

    From one site alone every member is doubted as it is.
    """
    if any(m.sites_seen == 1 for m in run):
        return 0.0
    return settings.common_cost * (len(run) - settings.common_from)


def _age(scene: Scene, settings: Settings) -> float:
    """What the infant's age says about a series, in log-odds; nothing when it is not known."""
    days = scene.state.age_days
    return 0.0 if days is None else settings.cluster_age.at(float(days))


def _age_said(age: float, scene: Scene) -> list[Evidence]:
    days = scene.state.age_days
    return [] if days is None else [Evidence("age_days", float(days), age)]


def _is_strong(shapes: dict[Site, Shape], settings: Settings) -> bool:
    """Whether a leg moved by more than riding along on a stirring trunk; true where no leg is worn.

    In a series size does not matter; what is told alone becomes a notice on a phone.
    """
    legs = [shapes[s].peak_g for s in (Site.LA, Site.RA) if s in shapes]
    return not legs or max(legs) >= settings.single_leg_g


def _seen(chain: Chain, k: int) -> bool:
    history = chain.history
    there = history.k0 <= k < history.k1 and bool(history.present[k - history.k0])
    return there and _is_settled(chain, k) and is_seen(history, k)


def _is_settled(chain: Chain, k: int) -> bool:
    """Whether its filters had swung in: for a second behind a lost packet no movement shows, however strong."""
    return chain.hops.at("settled", k // HOP) >= 1.0


def _draft(
    pulse: Pulse,
    shapes: dict[Site, Shape],
    verdict: Verdict,
    scene: Scene,
    settings: Settings,
) -> Draft:
    shape = shapes[pulse.site]
    turn_s = shape.turn.wide_s if shape.turn else 0.0
    onset = (pulse.k - round(_RISE_S * GRID_HZ)) * GRID_NS
    end = onset + round(max(shape.wide_s, turn_s, 0.3) * NS) + round(_RISE_S * NS)
    during = scene.state.at(onset)
    conveyed = scene.context.share(onset, end)
    moved = [s for s in shapes if shapes[s].peak_g > 2.0 * shapes[s].before_g or s is pulse.site]
    gyro = shape.turn is not None
    return Draft(
        id=event_id(scene.infant, "spasm", onset),
        label=Label.SPASM_LIKE,
        onset_ns=onset,
        end_ns=end,
        sites=moved,
        side=side_of({s: v.peak_g for s, v in shapes.items()}),
        before=during,
        during=during,
        since_waking_s=scene.state.since_waking_s(onset),
        match=match_of(verdict.log_odds, settings.single_least, settings.single_clear, settings),
        confidence=confidence_of(
            len(shapes),
            trunk=pulse.site is Site.TR,
            gyro=gyro,
            conveyed=conveyed,
            state_known=during is not State.UNKNOWN,
        ),
        evidence=verdict.said(),
        conveyed=conveyed,
    )


def _tell_startle(
    draft: Draft, startle: Verdict, h: int, scene: Scene, settings: Settings, *, over: bool
) -> list[Event]:
    draft.label, draft.evidence, draft.side = Label.STARTLE, startle.said(), "both"
    draft.match = match_of(startle.log_odds, settings.startle_weak, settings.startle_clear, settings)
    draft.after = draft.during
    life = (EventStatus.NEW, EventStatus.END) if over else (EventStatus.NEW,)
    return [tell(draft, status, h, infant=scene.infant, settings=settings.tag) for status in life]


def _relabelled(member: Member, h: int, scene: Scene, settings: Settings) -> Event:
    draft = member.draft
    draft.relabelled_from, draft.label = draft.label, Label.SPASM_LIKE
    draft.match, draft.evidence = member.match, member.evidence
    why = "others like it followed"
    return tell(draft, EventStatus.RELABEL, h, infant=scene.infant, settings=settings.tag, reason=why)
