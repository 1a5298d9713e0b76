"""One infant's detector: the pipeline and the rules behind it. Live and replay share this one path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from alerts import rules
from dsp.pipeline import Pipeline
from dsp.records import Alert, ClockRow, Coverage, Epoch, Event, Item, Output, Site, StateEpoch, Tick
from dsp.value import BadSnapshot
from store.recording import standing_events

from .coverage import CoverageLedger, LedgerState

__all__ = ["Detector", "Told"]


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
        """Sleep states, one per epoch."""
        return [o for o in self.outputs if isinstance(o, StateEpoch)]

    @property
    def epochs(self) -> list[Epoch]:
        """Activity epochs of every site."""
        return [o for o in self.outputs if isinstance(o, Epoch)]


@dataclass(frozen=True, slots=True)
class _Saved:
    pipeline: bytes
    coverage: LedgerState
    rules: rules.RuleState


class Detector:
    """Segments, ticks and cut-offs in; events, states, coverage and alerts out. Reads no clock.

    Args:
        infant: id of the infant.
        sites: where sensors are worn.
        age_days: age of the infant, if known: a soft prior.
        clock: ties data time to UTC in the words of late alerts; without it they say how long ago.
    """

    def __init__(
        self,
        infant: str,
        sites: Iterable[Site],
        *,
        age_days: int | None = None,
        clock: ClockRow | None = None,
    ) -> None:
        self._age_days = age_days
        self._clock = clock
        worn = tuple(sites)
        self._pipeline = Pipeline(infant, worn, age_days=age_days)
        self._coverage = CoverageLedger(infant, worn)
        self._rules = rules.RuleState()

    def feed_block(self, items: Sequence[Item]) -> Told:
        """Take items in, in order, and decide on them together: what a tick closed, or a minute of a recording."""
        told = Told()
        for item in items:
            if isinstance(item, Tick):
                self._count(told, self._coverage.pass_time(item.t_ns))
        told.extend(self._judge(self._pipeline.feed_block(items)))
        return told

    def finish(self) -> Told:
        """End of the recording: decide what is still open."""
        told = self._judge(self._pipeline.finish())
        self._count(told, self._coverage.finish(self._pipeline.watermark_ns))
        return told

    @property
    def watermark_ns(self) -> int:
        """Data time up to which everything has been decided."""
        return self._pipeline.watermark_ns

    def snapshot(self) -> bytes:
        """Everything the detector knows, as a value."""
        saved = _Saved(self._pipeline.snapshot(), self._coverage.state(), self._rules)
        return msgspec.msgpack.encode(saved)

    def restore(self, snapshot: bytes) -> None:
        """Continue from a snapshot of the same infant and sites.

        Raises:
            BadSnapshot: it is damaged, or of another version; the detector is as it was.
        """
        try:
            saved = msgspec.msgpack.decode(snapshot, type=_Saved)
        except msgspec.MsgspecError as error:
            raise BadSnapshot(str(error)) from error
        self._pipeline = Pipeline.restore(saved.pipeline)
        self._coverage.restore(saved.coverage)
        self._rules = saved.rules

    def _judge(self, outputs: list[Output]) -> Told:
        told = Told(outputs=outputs)
        for output in outputs:
            if isinstance(output, Epoch):
                self._count(told, self._coverage.feed(output))
            elif isinstance(output, Event):
                told.alerts += self._decide([output])
        return told

    def _count(self, told: Told, minutes: list[Coverage]) -> None:
        told.coverage += minutes
        told.alerts += self._decide(minutes)

    def _decide(self, facts: Iterable[rules.Fact]) -> list[Alert]:
        alerts: list[Alert] = []
        for fact in facts:
            self._rules, decided = rules.decide(self._rules, fact, clock=self._clock, age_days=self._age_days)
            alerts += decided
        return alerts
