"""One night as scoring sees it: what really happened beside what was told, on one time line from 0."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dsp.records import NS, Event, EventStatus, Label, State
from store.events_tsv import EventLine, StateLine, event_lines

__all__ = ["NightTables", "Span", "as_events", "from_rows", "overlap_s", "span_of", "spans_of", "union"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time in seconds from the recording's start."""

    onset_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.onset_s

    def touches(self, other: Span, *, before_s: float = 0.0, after_s: float = 0.0) -> bool:
        """Whether `other` reaches into this span, drawn out by so much before and after."""
        return other.onset_s <= self.end_s + after_s and other.end_s >= self.onset_s - before_s


@dataclass(frozen=True, slots=True, kw_only=True)
class NightTables:
    """Truth and what was told of one infant's night; every time counts from the recording's start."""

    name: str
    infant: str
    """nights of one infant are resampled together"""
    duration_s: float
    truth: tuple[EventLine, ...]
    truth_states: tuple[StateLine, ...] = ()
    """empty: not known"""
    conveyed: tuple[Span, ...] | None = None
    """when the infant was moved from outside; None: not known"""
    unseen: tuple[Span, ...] | None = None
    """when some worn sensor saw nothing of the infant; None: not known"""
    told: tuple[EventLine, ...] = ()
    """the standing events"""
    told_states: tuple[StateLine, ...] = ()
    rows: tuple[Event, ...] | None = None
    """every row as it was told; None: only the final table is known, and with it nothing about delays"""
    age_days: int | None = None


def from_rows(rows: Iterable[Event], t0_ns: int) -> tuple[tuple[EventLine, ...], tuple[Event, ...]]:
    """The final lines and the rows of a night, both from time 0; evidence is left out, scoring has no use for it.

    Args:
        rows: every row of every event, in the order of telling.
        t0_ns: data time of the recording's start.
    """
    shifted = tuple(
        replace(
            row,
            onset_ns=row.onset_ns - t0_ns,
            end_ns=row.end_ns - t0_ns,
            told_ns=row.told_ns - t0_ns,
            evidence=(),
        )
        for row in rows
    )
    return tuple(event_lines(shifted, 0)), shifted


def spans_of(lines: Iterable[EventLine], *labels: Label) -> list[Span]:
    """Where the events with one of these labels lie (all of them when none is given), by onset."""
    return sorted(span_of(line) for line in lines if not labels or line.label in labels)


def span_of(line: EventLine) -> Span:
    """Where one event lies."""
    return Span(line.onset_ns / NS, (line.onset_ns + line.duration_ns) / NS)


def union(spans: Iterable[Span], *, within_s: float = 0.0) -> list[Span]:
    """Spans that overlap, touch, or lie less than `within_s` apart made one, by onset."""
    joined: list[Span] = []
    for span in sorted(spans):
        gap_s = span.onset_s - joined[-1].end_s if joined else float("inf")
        if gap_s <= 0.0 or gap_s < within_s:
            joined[-1] = Span(joined[-1].onset_s, max(joined[-1].end_s, span.end_s))
        else:
            joined.append(span)
    return joined


def overlap_s(a: Sequence[Span], b: Sequence[Span]) -> float:
    """Seconds that lie in both; each sequence as `union` gives it."""
    total, i, j = 0.0, 0, 0
    while i < len(a) and j < len(b):
        total += max(0.0, min(a[i].end_s, b[j].end_s) - max(a[i].onset_s, b[j].onset_s))
        if a[i].end_s < b[j].end_s:
            i += 1
        else:
            j += 1
    return total


def as_events(lines: Iterable[EventLine], *, conveyed: Sequence[Span] | None = None) -> tuple[Event, ...]:
    """Lines of a table as rows of finished events, each told at its end, in that order: what rules can be asked about.

    A line without a match (a line of truth) matches fully; its share of conveyed motion comes from `conveyed`.
    """
    moved = union(conveyed or ())
    events = [_as_event(line, n, moved) for n, line in enumerate(lines)]
    return tuple(sorted(events, key=lambda e: (e.told_ns, e.onset_ns, e.id)))


def _as_event(line: EventLine, number: int, moved: Sequence[Span]) -> Event:
    span, state = span_of(line), line.state or State.UNKNOWN
    share = overlap_s([span], moved) / span.duration_s if span.duration_s > 0 else 0.0
    return Event(
        id=line.event_id or f"line-{number}",
        version=1,
        status=EventStatus.END,
        label=line.label,
        infant="",
        onset_ns=line.onset_ns,
        end_ns=line.onset_ns + line.duration_ns,
        told_ns=line.onset_ns + line.duration_ns,
        count=line.count or 1,
        sites=line.sites,
        side=line.side or "unknown",
        state_before=line.state_before or state,
        state_during=state,
        state_after=line.state_after or state,
        since_waking_s=line.since_waking_s,
        interval_mean_s=line.interval_mean_s,
        interval_cv=line.interval_cv,
        match=1.0 if line.match is None else line.match,
        confidence=1.0 if line.confidence is None else line.confidence,
        conveyed=share if line.conveyed is None else line.conveyed,
        evidence=(),
        settings="",
        parent=line.parent or None,
        late=line.late,
    )
