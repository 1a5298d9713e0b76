"""The life of an event: an id minted once, rows with rising versions, what is known of it so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from dsp.chain import HOP_NS
from dsp.records import NS, Event, EventStatus, Evidence, Label, Site, State
from dsp.rhythm import intervals_of

__all__ = ["Draft", "adopt", "event_id", "tell"]

_DIGITS = 12


def event_id(infant: str, family: str, onset_ns: int) -> str:
    """Short hash of what makes an event itself; a relabel inside the family keeps it."""
    return sha256(f"{infant}|{family}|{onset_ns}".encode()).hexdigest()[:_DIGITS]


@dataclass(slots=True)
class Draft:
    """What is known of an event that may still change."""

    id: str
    label: Label
    onset_ns: int
    end_ns: int
    sites: list[Site]
    side: str
    before: State
    during: State
    since_waking_s: float | None
    match: float
    confidence: float
    evidence: list[Evidence] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)
    """onsets of its members"""
    count: int = 1
    conveyed: float = 0.0
    parent: str | None = None
    relabelled_from: Label | None = None
    version: int = 0
    after: State = State.UNKNOWN
    settled: bool = False
    """whether the states during and after it are known for good"""
    episode_ns: int | None = None
    """onset of the first train of its episode; None for all that is no train of sleep jerks"""


def tell(
    draft: Draft, status: EventStatus, hop: int, *, infant: str, settings: str, reason: str = ""
) -> Event:
    """The next row of an event's life, told when hop `hop` had been looked at."""
    draft.version += 1
    first = draft.times_ns[0] if draft.times_ns else 0
    intervals = intervals_of([(t - first) / NS for t in draft.times_ns])
    return Event(
        id=draft.id,
        version=draft.version,
        status=status,
        label=draft.label,
        infant=infant,
        onset_ns=draft.onset_ns,
        end_ns=draft.end_ns,
        told_ns=(hop + 1) * HOP_NS,
        count=draft.count,
        sites=tuple(draft.sites),
        side=draft.side,
        state_before=draft.before,
        state_during=draft.during,
        state_after=draft.after,
        since_waking_s=draft.since_waking_s,
        interval_mean_s=intervals.mean_s if intervals else None,
        interval_cv=intervals.cv if intervals else None,
        match=draft.match,
        confidence=draft.confidence,
        conveyed=draft.conveyed,
        evidence=tuple(draft.evidence),
        settings=settings,
        parent=draft.parent,
        relabelled_from=draft.relabelled_from,
        reason=reason,
        episode_s=None if draft.episode_ns is None else (draft.end_ns - draft.episode_ns) / NS,
    )


def adopt(
    parent: Event, going: Sequence[Draft], over: Sequence[Draft], hop: int, *, infant: str, settings: str
) -> list[Event]:
    """Name the parent of drafts that lie inside it and have none; those that are over are ended once more."""
    out = []
    for drafts, status in ((over, EventStatus.END), (going, EventStatus.UPDATE)):
        for draft in drafts:
            if draft.parent is None and draft.onset_ns >= parent.onset_ns:
                draft.parent = parent.id
                out.append(tell(draft, status, hop, infant=infant, settings=settings))
    return out
