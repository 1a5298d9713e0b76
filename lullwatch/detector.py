"""One infant's detector: the pipeline and the rules behind it. Live and replay share this one path."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from alerts import rules
from alerts.rules import Arming
from alerts.severity import TABLE, Table
from alerts.words import PLAIN_ENGLISH, Wording
from dsp.kernels import Kernels
from dsp.pipeline import Pipeline
from dsp.reconcile import Accounted, Difference, Name, ended_after_all, reconcile, renamed
from dsp.records import (
    Alert,
    ClockRow,
    Context,
    Coverage,
    Epoch,
    Event,
    Output,
    Segment,
    Site,
    StateEpoch,
    Tick,
    Watchfulness,
    Watching,
)
from dsp.settings import Settings
from dsp.value import BadSnapshot
from store.recording import newest_of, standing_events
from store.rows import Fed

from .coverage import CoverageLedger, LedgerState
from .link_causes import plain
from .night_before import within
from .rerun import Base, Halfway, Late, LookBack, Past, Run, Shadow, decided_ns

__all__ = ["Detector", "Told"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Told:
    """What a detector told, in the order it was told."""

    outputs: list[Output] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def extend(self, other: Told) -> None:
        """Append what was told later."""
        self.outputs += other.outputs
        self.coverage += other.coverage
        self.alerts += other.alerts

    @property
    def events(self) -> list[Event]:
        """Every row of every event."""
        return [o for o in self.outputs if isinstance(o, Event)]

    @property
    def final_events(self) -> list[Event]:
        """The last row of each event that still stands, by onset."""
        return list(standing_events(self.events))

    @property
    def states(self) -> list[StateEpoch]:
        """Sleep states, one per epoch: the last word on each."""
        return newest_of((o for o in self.outputs if isinstance(o, StateEpoch)), key=lambda s: s.t_ns)

    @property
    def epochs(self) -> list[Epoch]:
        """Activity epochs of every site: the last word on each."""
        return newest_of((o for o in self.outputs if isinstance(o, Epoch)), key=lambda e: (e.t_ns, e.site))

    @property
    def contexts(self) -> list[Context]:
        """Circumstances: the last word on each."""
        rows = (o for o in self.outputs if isinstance(o, Context))
        return newest_of(rows, key=lambda c: (c.onset_ns, c.kind, c.sites))

    @property
    def minutes(self) -> list[Coverage]:
        """Coverage, one row per minute: the last word on each."""
        return newest_of(self.coverage, key=lambda c: c.t_ns)


@dataclass(frozen=True, slots=True)
class _Saved:
    pipeline: bytes
    coverage: LedgerState
    rules: rules.RuleState
    names: dict[str, Name]
    late: Late | None
    run: Run | None
    armings: tuple[Arming, ...] = ()
    shadow: Halfway | None = None
    accounted: Accounted | None = None


class Detector:
    """Segments, ticks and cut-offs in; events, states, coverage and alerts out. Reads no clock.

    Args:
        infant: id of the infant.
        sites: where sensors are worn.
        age_days: age of the infant, if known: a soft prior. In a night that goes on from the one before it holds from
            where that one ended, whatever its states say.
        clock: ties data time to UTC in the words of late alerts; without it they say how long ago.
        past: what was fed and told before; without it samples that come late are counted, not decided on.
        kernels: compiled loops for replay; what is told is the same without them.
        wording: language of the alerts, and the emergency number they name.
        table: the severity table in force.
        settings: of the pipeline, for comparisons; by default those of this version. A snapshot brings its own.
    """

    def __init__(
        self,
        infant: str,
        sites: Iterable[Site],
        *,
        age_days: int | None = None,
        clock: ClockRow | None = None,
        past: Past | None = None,
        kernels: Kernels | None = None,
        wording: Wording = PLAIN_ENGLISH,
        table: Table = TABLE,
        settings: Settings | None = None,
    ) -> None:
        self._wording = wording
        self._table = table
        self._settings = settings or Settings()
        self._kernels = kernels
        self._infant = infant
        self._sites = tuple(sites)
        self._age_days = age_days
        self._clock = clock
        self._past = past
        self._since_ns = 0 if past is None else past.carried_ns
        """data time from which on the infant is of this age"""
        self._knows = self._beginning(age_days)
        self._rules = rules.RuleState()
        self._armings: tuple[Arming, ...] = ()
        """said, and not reached by data time yet"""
        self._back = LookBack(self._sites)

    def feed_block(self, fed: Sequence[Fed]) -> Told:
        """Take items in, in order, and decide on them together: what a tick closed, or a minute of a recording."""
        told = Told()
        for row in fed:
            if isinstance(row, Watching):
                self._watch(row)
        items = [item for item in fed if not isinstance(item, Watching)]
        ticks = [item.t_ns for item in items if isinstance(item, Tick)]
        for t_ns in ticks:
            self._count(told, self._knows.coverage.pass_time(t_ns))
        before_ns, decided = self.watermark_ns, decided_ns(self._knows.pipeline)
        told.extend(self._judge(self._knows.pipeline.feed_block(items)))
        if self._past is not None and ticks:
            begins = min((i.t0_ns for i in items if isinstance(i, Segment)), default=decided)
            late_ns = begins if begins < decided else None
            told.extend(self._look_back(self._past, late_ns, ticks[-1], before_ns, told))
        if ticks:
            told.alerts += self._arm(ticks[-1])
        return told

    def finish(self) -> Told:
        """End of the recording: decide what is still open."""
        told = Told()
        while self._past is not None and self._back.waits:
            now_ns = self.watermark_ns
            told.extend(self._look_back(self._past, None, now_ns, now_ns, told, at_once=True))
        told.extend(self._judge(self._knows.pipeline.finish()))
        self._count(told, self._knows.coverage.finish(self._knows.pipeline.watermark_ns))
        return told

    @property
    def watermark_ns(self) -> int:
        """Data time up to which everything has been decided."""
        return self._knows.pipeline.watermark_ns

    @property
    def looks_back(self) -> bool:
        """Whether a span is being decided again, which costs more than what happens now."""
        return self._back.runs

    def snapshot(self) -> bytes:
        """Everything the detector knows, as a value."""
        knows = self._knows
        late, run, shadow = self._back.state()
        saved = _Saved(
            knows.pipeline.snapshot(),
            knows.coverage.state(),
            self._rules,
            knows.names,
            late,
            run,
            self._armings,
            shadow,
        )
        return msgspec.msgpack.encode(saved)

    def restore(self, snapshot: bytes) -> None:
        """Continue from a snapshot of the same infant and sites.

        Raises:
            BadSnapshot: it is damaged, or of another version; the detector is as it was.
        """
        saved = _saved(snapshot)
        known = self._base(saved)
        half = saved.shadow
        shadow = None if half is None else Shadow.again(half, self._base(half), self._sites)
        self._knows = known
        self._rules = saved.rules
        self._armings = saved.armings
        self._back.restore(saved.late, saved.run, shadow)

    def remember(self, snapshot: bytes) -> None:
        """Know what a detector that was set otherwise told before this one: a second series stays a second one.

        Raises:
            BadSnapshot: it is damaged, or of another version; the detector is as it was.
        """
        self._rules = _saved(snapshot).rules.of_before()

    def _judge(self, outputs: list[Output]) -> Told:
        told = Told(outputs=[renamed(o, self._knows.names) if isinstance(o, Event) else o for o in outputs])
        for output in told.outputs:
            if isinstance(output, Epoch):
                self._count(told, self._knows.coverage.feed(output))
            elif isinstance(output, Event):
                told.alerts += self._decide([output])
        return told

    def _count(self, told: Told, minutes: list[Coverage]) -> None:
        told.coverage += minutes
        told.alerts += self._decide(minutes)

    def _watch(self, row: Watching) -> None:
        """Somebody says whether they rely on the alerts: it holds from its own time on, not from when it is heard."""
        self._knows.coverage.watch(row)
        armed = row.state is Watchfulness.ARMED
        before = tuple(a for a in self._armings if a.t_ns < row.t_ns)
        self._armings = (*before, Arming(row.infant, row.t_ns, armed))
        if row.until_ns is not None:
            self._armings += (Arming(row.infant, row.until_ns, armed=True),)

    def _arm(self, t_ns: int) -> list[Alert]:
        due = tuple(a for a in self._armings if a.t_ns <= t_ns)
        self._armings = self._armings[len(due) :]
        return self._ruled(due)

    def _decide(self, facts: Iterable[Event | Coverage]) -> list[Alert]:
        alerts: list[Alert] = []
        for fact in facts:
            t_ns = fact.told_ns if isinstance(fact, Event) else fact.t_ns + fact.span_ns
            alerts += self._arm(t_ns) if self._armings else []
            alerts += self._ruled([fact])
        return alerts

    def _ruled(self, facts: Iterable[rules.Fact]) -> list[Alert]:
        alerts: list[Alert] = []
        for fact in facts:
            self._rules, decided = rules.decide(
                self._rules,
                fact,
                self._table,
                clock=self._clock,
                age_days=self._age_days,
                wording=self._wording,
            )
            alerts += decided
        return alerts

    def _look_back(
        self,
        past: Past,
        late_ns: int | None,
        now_ns: int,
        before_ns: int,
        just_told: Told,
        *,
        at_once: bool = False,
    ) -> Told:
        """One tick of deciding again what samples that came late belong to.

        Args:
            past: what was fed and told before this tick.
            late_ns: where samples that came now and late begin.
            now_ns: of the tick.
            before_ns: how far had been decided before this tick.
            just_told: at this tick.
            at_once: do all of it now.
        """
        if late_ns is not None:
            self._back.notice(late_ns, now_ns)
        if self.watermark_ns == before_ns and not at_once:
            # Nothing was decided since: by its time, what was told now could not be told from it.
            return Told()
        until_ns = decided_ns(self._knows.pipeline)
        watched = self._knows.coverage
        shadow = self._back.tick(past, self._base_before, now_ns, until_ns, watched=watched, at_once=at_once)
        return Told() if shadow is None else self._taken_over(past, shadow, before_ns, just_told)

    def _base_before(self, past: Past, t_ns: int) -> Base:
        state = past.state_before(t_ns)
        try:
            if state is not None:
                return self._base(_saved(state))
        except BadSnapshot as error:
            _log.warning("infant %s: %s; late data is decided again from the beginning", self._infant, error)
        return self._beginning(past.age_before(self._age_days))

    def _taken_over(self, past: Past, shadow: Shadow, before_ns: int, just_told: Told) -> Told:
        """Go on with what the shadow knows, and tell what it sees differently."""
        told_ns = shadow.base.pipeline.watermark_ns
        # After a restart the journal may hold what was told at this tick and later, before the program ended.
        earlier = [
            row
            for row in past.told_between(shadow.started_ns, told_ns)
            if not isinstance(row, Event) or row.told_ns <= before_ns
        ]
        just = within([*just_told.outputs, *just_told.coverage], shadow.started_ns, told_ns)
        before = list(dict.fromkeys([*earlier, *just]))
        was = [row for row in before if isinstance(row, Event)]
        again = [row for row in shadow.outputs if isinstance(row, Event)]
        difference = reconcile(
            was,
            again,
            told_ns=told_ns,
            names=shadow.base.names,
            accounted=shadow.base.accounted,
        )
        self._knows = Base(shadow.base.pipeline, shadow.base.coverage, difference.names)
        past.spoil(shadow.from_ns)
        self._keep_midway(past, shadow, difference, was, again, told_ns)
        known = {row for row in before if not isinstance(row, Event)}
        told = Told(outputs=[*difference.rows])
        told.outputs += [o for o in shadow.outputs if not isinstance(o, Event) and o not in known]
        told.outputs += ended_after_all(before, shadow.outputs, told_ns)
        counted = {plain(row) for row in known if isinstance(row, Coverage)}
        told.coverage = [c for c in shadow.coverage if c not in counted]
        told.alerts = self._decide(difference.rows)
        return told

    def _keep_midway(
        self,
        past: Past,
        shadow: Shadow,
        difference: Difference,
        was: Sequence[Event],
        again: Sequence[Event],
        told_ns: int,
    ) -> None:
        """Let the next shadow begin where the late samples of this one did."""
        midway = shadow.midway
        if midway is None:
            return
        own = again[: midway.told]
        names = difference.names_at(own, again)
        earlier = () if shadow.base.accounted is None else shadow.base.accounted.begun
        begun = {names.get(row.id, Name(row.id)).id for row in own} | ({e.id for e in was} & set(earlier))
        accounted = Accounted(told_ns, tuple(sorted(begun)))
        nobody_starts_here = rules.RuleState()
        state = _Saved(
            midway.pipeline, midway.coverage, nobody_starts_here, names, None, None, accounted=accounted
        )
        past.keep_base(midway.t_ns, msgspec.msgpack.encode(state))

    def _beginning(self, age_days: int | None) -> Base:
        pipeline = Pipeline(
            self._infant, self._sites, age_days=age_days, settings=self._settings, kernels=self._kernels
        )
        pipeline.of_age(self._age_days, self._since_ns)
        return Base(pipeline, CoverageLedger(self._infant, self._sites), {})

    def _base(self, saved: _Saved | Halfway) -> Base:
        coverage = CoverageLedger(self._infant, self._sites)
        coverage.restore(saved.coverage)
        pipeline = Pipeline.restore(saved.pipeline, kernels=self._kernels)
        pipeline.of_age(self._age_days, self._since_ns)
        return Base(pipeline, coverage, saved.names, saved.accounted)


def _saved(snapshot: bytes) -> _Saved:
    try:
        return msgspec.msgpack.decode(snapshot, type=_Saved)
    except msgspec.MsgspecError as error:
        raise BadSnapshot(str(error)) from error
