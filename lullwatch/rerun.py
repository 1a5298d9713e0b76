"""Data that comes late: the span is decided again on a shadow, and people are told the difference.

A shadow starts from the newest state that had not yet looked at the late samples, reads the span again in the
order of time, and takes the place of the detector's pipeline once it has caught up. It works a stretch at every
tick, so that a night that is back-filled does not hold up what happens now. All of it depends on segments and
ticks alone: a replay in the order of arrival tells the same rows at the same ticks. How far it has come is part of
the detector's state, so that a restart goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from dsp.grid import LOOKAHEAD_NS
from dsp.pipeline import Pipeline
from dsp.reconcile import Accounted, Name
from dsp.records import NS, Coverage, Cutoff, Epoch, Event, Item, Output, Segment, Site, Tick
from store.journal import SNAPSHOTS_APART_NS

from .coverage import CoverageLedger, LedgerState
from .told_rows import packed_rows, unpacked_rows

__all__ = ["Base", "Halfway", "Late", "LookBack", "Midway", "Past", "Run", "Shadow", "decided_ns"]

_QUIET_NS: Final = 2 * NS
"""A back-fill that pauses this long is taken as done: packets of one come many a second."""
_LONGEST_WAIT_NS: Final = 60 * NS
"""A long back-fill is looked at once a minute meanwhile, so that an urgent pattern in it is not held back."""
_STRETCH_NS: Final = 60 * NS
"""Data that is decided again at one tick: about 60 ms of work, of the quarter of a second between two ticks; four
times that on a small computer. Ten hours of data take two and a half minutes."""
_BLOCK_NS: Final = 15 * NS
"""Data that is read at once: a minute of three sensors is 1,200 segments, and what they took stayed taken in part."""
_LONGEST_SEGMENT_NS: Final = 2 * NS
"""A packet that began this long before a moment may still reach over it."""


@dataclass(frozen=True, slots=True)
class Base:
    """What a detector knew at some moment: enough to decide again from there."""

    pipeline: Pipeline
    coverage: CoverageLedger
    names: dict[str, Name]
    accounted: Accounted | None = None
    """of a state that was kept on the way: see `Midway`"""


class Past(Protocol):
    """What a detector can look back at; everything in it had been fed or told by now."""

    @property
    def begins_ns(self) -> int:
        """Time of the earliest sample."""
        ...

    @property
    def carried_ns(self) -> int:
        """Data time up to which the night before had been decided; 0 where the detector began anew in this one."""
        ...

    def age_before(self, age_days: int | None) -> int | None:
        """How old the infant was taken to be up to there; `age_days` where there is no night before."""
        ...

    def state_before(self, t_ns: int) -> bytes | None:
        """The newest snapshot of a detector that had decided nothing behind `t_ns`; None when there is none."""
        ...

    def segments(self, onset_ns: int, end_ns: int) -> Sequence[Segment]:
        """Segments that begin in the span, in the order of time."""
        ...

    def told_between(self, after_ns: int, until_ns: int) -> Sequence[Output | Coverage]:
        """What was told of times behind `after_ns` and not behind `until_ns`, in the order it was told."""
        ...

    def spoil(self, t_ns: int) -> None:
        """States that had decided anything behind `t_ns` are not to be gone back to any more."""
        ...

    def keep_base(self, t_ns: int, state: bytes) -> None:
        """A state that knows all that came late up to now and has decided nothing behind `t_ns`."""
        ...


@dataclass(frozen=True, slots=True)
class Late:
    """Samples that came after their time had been decided, not yet looked at."""

    from_ns: int
    first_ns: int
    """tick at which the first of them came"""
    last_ns: int

    @staticmethod
    def joined(known: Late | None, from_ns: int, now_ns: int) -> Late:
        """The same with samples from `from_ns` on that came now."""
        if known is None:
            return Late(from_ns, now_ns, now_ns)
        return Late(min(known.from_ns, from_ns), known.first_ns, now_ns)

    def is_due(self, now_ns: int) -> bool:
        """Whether waiting for more of them is over."""
        return now_ns - self.last_ns >= _QUIET_NS or now_ns - self.first_ns >= _LONGEST_WAIT_NS


@dataclass(frozen=True, slots=True)
class Run:
    """A span being decided again: where its late samples begin and how many ticks it still takes."""

    from_ns: int
    left: int

    @staticmethod
    def of(from_ns: int, now_ns: int) -> Run:
        """As many ticks as the longest way back could need: their number must not depend on states at hand."""
        return Run(from_ns, 1 + (now_ns - from_ns + SNAPSHOTS_APART_NS) // _STRETCH_NS)

    def ticked(self) -> Run:
        """One tick later."""
        return Run(self.from_ns, self.left - 1)


@dataclass(frozen=True, slots=True)
class Halfway:
    """How far a shadow has come, as a value."""

    pipeline: bytes
    coverage: LedgerState
    names: dict[str, Name]
    from_ns: int
    started_ns: int
    reached_ns: int
    told: bytes
    """see `packed_rows`"""
    accounted: Accounted | None = None


@dataclass(frozen=True, slots=True)
class Midway:
    """What a shadow knew where the late samples begin: the base of the next one, should their sensor stay behind."""

    pipeline: bytes
    coverage: LedgerState
    t_ns: int
    told: int
    """how many rows of events it had told"""


@dataclass(slots=True)
class Shadow:
    """A pipeline on its way from an earlier state to now.

    A sensor whose link is slower than its data stays behind for hours, and all that comes of it is late. Each shadow
    spoils the states behind the first late sample, the one it becomes among them: without one of its own from
    where that sample lies, the next would start where this one did, and each would take longer than the last.
    """

    base: Base
    from_ns: int
    """earliest sample that came late"""
    started_ns: int
    reached_ns: int
    sites: tuple[Site, ...]
    outputs: list[Output] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    midway: Midway | None = None

    @classmethod
    def of(cls, base: Base, past: Past, from_ns: int, sites: Sequence[Site]) -> Shadow:
        """A shadow that goes on from `base`."""
        watermark = base.pipeline.watermark_ns
        reached = watermark - _LONGEST_SEGMENT_NS if watermark else past.begins_ns
        return cls(base, from_ns, watermark, reached, tuple(sites))

    def halfway(self) -> Halfway:
        """What another process needs to go on with it."""
        return Halfway(
            self.base.pipeline.snapshot(),
            self.base.coverage.state(),
            self.base.names,
            self.from_ns,
            self.started_ns,
            self.reached_ns,
            packed_rows([*self.outputs, *self.coverage]),
            self.base.accounted,
        )

    @classmethod
    def again(cls, halfway: Halfway, base: Base, sites: Sequence[Site]) -> Shadow:
        """The shadow that a value was taken of, with what it knew.

        Raises:
            BadSnapshot: of another version, or damaged.
        """
        told = unpacked_rows(halfway.told)
        outputs = [row for row in told if not isinstance(row, Coverage)]
        minutes = [row for row in told if isinstance(row, Coverage)]
        times = (halfway.from_ns, halfway.started_ns, halfway.reached_ns)
        return cls(base, *times, tuple(sites), outputs, minutes)

    def advance(self, past: Past, until_ns: int) -> None:
        """Decide what can be decided from segments that begin before `until_ns`."""
        edge_ns = self.from_ns - LOOKAHEAD_NS
        if edge_ns - self.started_ns >= _STRETCH_NS and self.reached_ns < edge_ns <= until_ns:
            self._decide(past, edge_ns)
            pipeline, told = self.base.pipeline, sum(isinstance(o, Event) for o in self.outputs)
            self.midway = Midway(pipeline.snapshot(), self.base.coverage.state(), pipeline.watermark_ns, told)
        self._decide(past, until_ns)

    def _decide(self, past: Past, until_ns: int) -> None:
        for onset, end in _blocks(self.reached_ns, until_ns):
            segments = past.segments(onset, end)
            self._feed([*segments, *(Cutoff(site, end) for site in self.sites)])
            self.reached_ns = end

    def catch_up(self, past: Past, now_ns: int, until_ns: int) -> None:
        """Decide everything that the detector it replaces had decided, which was up to `until_ns`."""
        self.advance(past, until_ns)
        ahead = past.segments(self.reached_ns, now_ns + _LONGEST_SEGMENT_NS)
        self._feed([*ahead, *(Cutoff(site, until_ns) for site in self.sites), Tick(now_ns)])

    def _feed(self, items: list[Item]) -> None:
        outputs = self.base.pipeline.feed_block(items)
        self.outputs += outputs
        for output in outputs:
            if isinstance(output, Epoch):
                self.coverage += self.base.coverage.feed(output)


class LookBack:
    """Samples that came late, and the shadow that decides their span again."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self._sites = tuple(sites)
        self._late: Late | None = None
        self._run: Run | None = None
        self._shadow: Shadow | None = None

    def state(self) -> tuple[Late | None, Run | None, Halfway | None]:
        """What a restart needs."""
        return self._late, self._run, None if self._shadow is None else self._shadow.halfway()

    def restore(self, late: Late | None, run: Run | None, shadow: Shadow | None) -> None:
        """Go on from a state; without a shadow it is made again."""
        self._late, self._run, self._shadow = late, run, shadow

    @property
    def runs(self) -> bool:
        """Whether a span is being decided again."""
        return self._run is not None

    @property
    def waits(self) -> bool:
        """Whether there is anything to be decided again."""
        return self._late is not None or self._run is not None

    def notice(self, from_ns: int, now_ns: int) -> None:
        """Samples from `from_ns` on came after their time had been decided."""
        self._late = Late.joined(self._late, from_ns, now_ns)

    def tick(
        self,
        past: Past,
        base_before: Callable[[Past, int], Base],
        now_ns: int,
        until_ns: int,
        *,
        watched: CoverageLedger,
        at_once: bool = False,
    ) -> Shadow | None:
        """Decide a stretch of the span again.

        Args:
            past: where segments come from.
            base_before: gives the state to start from.
            now_ns: time of the tick.
            until_ns: how far the detector has decided.
            watched: who was watched when, as it is known by now.
            at_once: wait for nothing and do all of it now.

        Returns:
            The shadow, once it has caught up with the detector.
        """
        if self._run is None and self._late is not None and (at_once or self._late.is_due(now_ns)):
            self._run, self._late = Run.of(self._late.from_ns, now_ns), None
        if self._run is None:
            return None
        self._run = self._run.ticked()
        shadow = self._shadow
        if shadow is None:
            base = base_before(past, self._run.from_ns - LOOKAHEAD_NS)
            self._shadow = shadow = Shadow.of(base, past, self._run.from_ns, self._sites)
        shadow.base.coverage.watched_like(watched)
        if self._run.left and not at_once:
            share = 1.0 / (self._run.left + 1)
            shadow.advance(past, shadow.reached_ns + round(share * (until_ns - shadow.reached_ns)))
            return None
        shadow.catch_up(past, now_ns, until_ns)
        self._run = self._shadow = None
        return shadow


def decided_ns(pipeline: Pipeline) -> int:
    """Time before which a sample that is fed now comes too late; 0 before the first decision."""
    return pipeline.watermark_ns + LOOKAHEAD_NS if pipeline.watermark_ns else 0


def _blocks(onset_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    while onset_ns < end_ns:
        edge = min(end_ns, onset_ns + _BLOCK_NS)
        yield onset_ns, edge
        onset_ns = edge
