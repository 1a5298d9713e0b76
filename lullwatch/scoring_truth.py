"""The truth about a simulated night as the lines and spans that scoring works on."""

from __future__ import annotations

from dsp.records import NS, ContextKind
from firmware_sim.truth import Truth, TruthEvent
from store.events_tsv import EventLine, StateLine

from .scoring_night import Span

__all__ = ["conveyed_spans", "truth_lines", "truth_state_lines", "unseen_spans"]


def truth_lines(truth: Truth, t0_ns: int) -> tuple[EventLine, ...]:
    """Every true event as a line, `t0_ns` being the recording's start."""
    return tuple(_line(event, t0_ns) for event in truth.events)


def _line(event: TruthEvent, t0_ns: int) -> EventLine:
    return EventLine(
        onset_ns=event.onset_ns - t0_ns,
        duration_ns=event.end_ns - event.onset_ns,
        label=event.label,
        count=event.count,
        side=event.side,
        state=event.state,
        event_id=event.id,
        parent=event.parent or "",
        true_class=event.true_class,
        visible=event.visible,
    )


def truth_state_lines(truth: Truth, t0_ns: int) -> tuple[StateLine, ...]:
    """The true state of every epoch."""
    return tuple(StateLine(s.t_ns - t0_ns, s.span_ns, s.state) for s in truth.states)


def conveyed_spans(truth: Truth, t0_ns: int) -> tuple[Span, ...]:
    """When the infant was moved from outside."""
    rows = (c for c in truth.contexts if c.kind is ContextKind.CONVEYED)
    return tuple(Span((c.onset_ns - t0_ns) / NS, (c.end_ns - t0_ns) / NS) for c in rows)


def unseen_spans(truth: Truth, t0_ns: int) -> tuple[Span, ...]:
    """When some sensor saw nothing of the infant."""
    return tuple(Span((u.onset_ns - t0_ns) / NS, (u.end_ns - t0_ns) / NS) for u in truth.unseen)
