"""What really happened in a simulated night, in the words of the events table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dsp.records import NS, Context, ContextKind, Label, Site, State
from firmware_sim.movement import Mark
from firmware_sim.sleep import Bout, state_at

__all__ = ["EPOCH_S", "Truth", "TruthEvent", "TruthState", "tell_truth"]

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


@dataclass(frozen=True, slots=True)
class TruthState:
    """The true state of one epoch."""

    t_ns: int
    span_ns: int
    state: State


@dataclass(frozen=True, slots=True)
class Truth:
    """Events by onset, states by time, intervals of motion from outside."""

    events: tuple[TruthEvent, ...]
    states: tuple[TruthState, ...]
    contexts: tuple[Context, ...]

    def of(self, label: Label) -> tuple[TruthEvent, ...]:
        """Events with this label."""
        return tuple(event for event in self.events if event.label is label)


def tell_truth(
    marks: Iterable[Mark],
    bouts: tuple[Bout, ...],
    *,
    infant: str,
    sites: tuple[Site, ...],
    start_ns: int,
    duration_s: float,
) -> Truth:
    """Bring marks and bouts onto data time; what begins after the night's end is left out."""
    rows = sorted((m for m in marks if m.onset_s < duration_s), key=lambda m: (m.onset_s, m.true_class))
    events: list[TruthEvent] = []
    for mark in rows:
        event = _event(mark, f"t{len(events):05d}", None, bouts, start_ns)
        events.append(event)
        for member in mark.members:
            events.append(_event(member, f"t{len(events):05d}", event.id, bouts, start_ns))
    contexts = tuple(_context(m, infant, sites, start_ns) for m in rows if m.conveyed)
    return Truth(tuple(events), _states(bouts, start_ns, duration_s), contexts)


def _event(mark: Mark, name: str, parent: str | None, bouts: tuple[Bout, ...], start_ns: int) -> TruthEvent:
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
    )


def _states(bouts: tuple[Bout, ...], start_ns: int, duration_s: float) -> tuple[TruthState, ...]:
    return tuple(
        TruthState(start_ns + t * NS, EPOCH_S * NS, state_at(bouts, t + EPOCH_S / 2))
        for t in range(0, int(duration_s) - EPOCH_S + 1, EPOCH_S)
    )


def _context(mark: Mark, infant: str, sites: tuple[Site, ...], start_ns: int) -> Context:
    onset, end = (start_ns + round(t * NS) for t in (mark.onset_s, mark.end_s))
    return Context(infant, ContextKind.CONVEYED, onset, end, sites, confidence=1.0)
