"""What really happened in a simulated night, in the words of the events table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dsp.records import NS, Context, ContextKind, Label, Site, State
from firmware_sim.body import Body
from firmware_sim.movement import Mark
from firmware_sim.showing import is_visible
from firmware_sim.sleep import Bout, state_at
from firmware_sim.spasm_series import in_series
from firmware_sim.track import SensorTrack
from firmware_sim.wearing import Worn, WornKind, worn_contexts

__all__ = [
    "EPOCH_S",
    "Misplaced",
    "Truth",
    "TruthContext",
    "TruthEvent",
    "TruthState",
    "Unseen",
    "tell_truth",
]

EPOCH_S = 30
"""Length of a state epoch, as in the pipeline."""


@dataclass(frozen=True, slots=True)
class TruthEvent:
    """One true movement. Members of a cluster name their parent."""

    id: str
    label: Label
    true_class: str
    onset_ns: int
    end_ns: int
    count: int
    side: str
    state: State
    parent: str | None = None
    visible: int | None = None
    """how many spasms of it a worn sensor shows, see `firmware_sim.showing`; None of other movements"""


@dataclass(frozen=True, slots=True)
class TruthState:
    """The true state of one epoch."""

    t_ns: int
    span_ns: int
    state: State


@dataclass(frozen=True, slots=True)
class TruthContext(Context):
    """A circumstance, and what it really was."""

    true_class: str = ""


@dataclass(frozen=True, slots=True)
class Misplaced:
    """While which sensors slipped, or were exchanged with one another: no context that anybody is told of."""

    kind: WornKind
    onset_ns: int
    end_ns: int
    sites: tuple[Site, ...]


@dataclass(frozen=True, slots=True)
class Unseen:
    """A stretch of time in which a sensor saw nothing of the infant, and why."""

    site: Site
    onset_ns: int
    end_ns: int
    cause: str
    """off (it was not on the body), restart, or not_started"""


@dataclass(frozen=True, slots=True)
class Truth:
    """Events by onset, states by time, circumstances by onset, and what no sensor saw."""

    events: tuple[TruthEvent, ...]
    states: tuple[TruthState, ...]
    contexts: tuple[TruthContext, ...]
    unseen: tuple[Unseen, ...] = ()
    misplaced: tuple[Misplaced, ...] = ()

    def of(self, label: Label) -> tuple[TruthEvent, ...]:
        """Events with this label."""
        return tuple(event for event in self.events if event.label is label)


def tell_truth(
    marks: Iterable[Mark],
    bouts: tuple[Bout, ...],
    *,
    infant: str,
    body: Body,
    sites: tuple[Site, ...],
    start_ns: int,
    duration_s: float,
    worn: Iterable[Worn] = (),
    tracks: Iterable[SensorTrack] = (),
) -> Truth:
    """Bring marks, bouts and wearing onto data time; what begins after the night's end is left out.

    A mark of motion from outside is a context besides being an event.
    """
    rows = sorted(
        (m for m in in_series(marks) if m.onset_s < duration_s), key=lambda m: (m.onset_s, m.true_class)
    )
    events: list[TruthEvent] = []
    for mark in rows:
        members = mark.members or (mark,)
        seen = [None if m.alone is None else is_visible(body, m.alone, sites) for m in members]
        event = _event(mark, f"t{len(events):05d}", None, bouts, start_ns, seen)
        events.append(event)
        for member, own in zip(mark.members, seen, strict=False):
            events.append(_event(member, f"t{len(events):05d}", event.id, bouts, start_ns, [own]))
    contexts = [_conveyed(m, infant, sites, start_ns) for m in rows if m.conveyed]
    contexts += [
        _sitting(row)
        for row in worn_contexts(worn, infant=infant, sites=sites, start_ns=start_ns, duration_s=duration_s)
    ]
    contexts.sort(key=lambda c: (c.onset_ns, c.kind, c.sites))
    unseen = [_off(c) for c in contexts if c.kind is ContextKind.NOT_WORN]
    unseen += [gap for track in tracks for gap in _gaps(track, start_ns)]
    unseen.sort(key=lambda u: (u.onset_ns, u.site))
    states = _states(bouts, start_ns, duration_s)
    misplaced = _misplaced(worn, sites, start_ns, duration_s)
    return Truth(tuple(events), states, tuple(contexts), tuple(unseen), misplaced)


def _event(
    mark: Mark,
    name: str,
    parent: str | None,
    bouts: tuple[Bout, ...],
    start_ns: int,
    seen: Sequence[bool | None],
) -> TruthEvent:
    return TruthEvent(
        id=name,
        label=mark.label,
        true_class=mark.true_class,
        onset_ns=start_ns + round(mark.onset_s * NS),
        end_ns=start_ns + round(mark.end_s * NS),
        count=mark.count,
        side=mark.side,
        state=state_at(bouts, mark.onset_s),
        parent=parent,
        visible=None if None in seen else sum(map(bool, seen)),
    )


def _states(bouts: tuple[Bout, ...], start_ns: int, duration_s: float) -> tuple[TruthState, ...]:
    return tuple(
        TruthState(start_ns + t * NS, EPOCH_S * NS, state_at(bouts, t + EPOCH_S / 2))
        for t in range(0, int(duration_s) - EPOCH_S + 1, EPOCH_S)
    )


def _conveyed(mark: Mark, infant: str, sites: tuple[Site, ...], start_ns: int) -> TruthContext:
    onset, end = (start_ns + round(t * NS) for t in (mark.onset_s, mark.end_s))
    return TruthContext(infant, ContextKind.CONVEYED, onset, end, sites, 1.0, mark.true_class)


def _sitting(row: Context) -> TruthContext:
    true_class = {ContextKind.LOOSE: "loose_sock", ContextKind.NOT_WORN: "sensor_off"}[row.kind]
    return TruthContext(row.infant, row.kind, row.onset_ns, row.end_ns, row.sites, row.confidence, true_class)


def _misplaced(
    worn: Iterable[Worn], sites: tuple[Site, ...], start_ns: int, duration_s: float
) -> tuple[Misplaced, ...]:
    rows = [
        Misplaced(row.kind, *span, touched)
        for row in worn
        if row.kind in ("slips", "swapped")
        and (touched := tuple(site for site in sites if row.touches(site)))
        and (span := row.span_ns(start_ns, duration_s))
    ]
    return tuple(sorted(rows, key=lambda row: (row.onset_ns, row.kind, row.sites)))


def _off(context: TruthContext) -> Unseen:
    return Unseen(context.sites[0], context.onset_ns, context.end_ns, "off")


def _gaps(track: SensorTrack, start_ns: int) -> list[Unseen]:
    """Where the chip measured nothing: between two boots, and before it started."""
    runs = track.runs
    begun = [Unseen(track.site, start_ns, runs[0].t0_ns, "not_started")] if runs[0].t0_ns > start_ns else []
    between = [
        Unseen(track.site, track.time_ns(after.first - 1) + round(before.step_ns), after.t0_ns, "restart")
        for before, after in pairwise(runs)
        if before.boot != after.boot
    ]
    return [*begun, *between]
