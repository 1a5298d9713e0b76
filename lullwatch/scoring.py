"""One night scored: everything that can be counted, so that nights add up. `scoring_pool` makes figures of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dsp.records import NS, Event, Label, State
from store.events_tsv import EventLine

from .scoring_confusion import Confusion, Sources, confusion, false_sources
from .scoring_night import NightTables, Span, span_of, spans_of
from .scoring_ringing import RingScore, score_rings
from .scoring_spans import SZCORE, TIGHT, SpanScore, pair_onsets, score_spans
from .scoring_states import StateScore, StateTimes, Whereabouts, score_states, state_times

__all__ = [
    "LARGE",
    "PROFILES",
    "SINGLE_WINDOW_S",
    "SPAN_LABELS",
    "Found",
    "LabelTally",
    "SinglesTally",
    "Tally",
    "tally",
]

PROFILES = (SZCORE, TIGHT)
"""Both are always counted; which one is shown is a matter of the report."""

SPAN_LABELS: tuple[Label, ...] = tuple(
    label for label in Label if label not in (Label.SPASM_LIKE, Label.MOVEMENT)
)
"""Scored as spans. Single spasm-like movements are paired one-to-one; what is left over is only confused."""

SINGLE_WINDOW_S = 0.5
"""Onsets at most so far apart are one movement: two of a series are never less than 2 s apart, so that no told one
can stand for two, and onsets are told up to 0.3 s late."""

LARGE = {Label.SPASM_LIKE_CLUSTER: 5, Label.SLEEP_JERK_TRAIN: 10, Label.RHYTHMIC_JERKING: 10}
"""Members from which on an event counts as large and is reported apart. The project's target for series speaks of five
visible ones; jerking is told from four seconds of it on, so that shorter trains cannot be found in time."""

_THIRD = 3
"""A series can be told once its third member has ended; delays of series count from there."""


@dataclass(frozen=True, slots=True)
class Found:
    """One true event and what was made of it; found when the tight profile says so."""

    count: int
    visible: int
    """members that the sensors can show; all where truth does not say"""
    told_count: int
    """of all told events that touch it; 0 when it was not found"""
    true_class: str
    state: State
    """true, at the onset; unknown where truth says nothing"""
    conveyed: bool
    """moved from outside at its onset"""
    unseen: bool
    """some worn sensor saw nothing while it lasted"""
    delay_s: float | None
    """until it was first told under this label: after the onset, of series after the third member's end; None when
    not found, or when this cannot be known"""


@dataclass(frozen=True, slots=True)
class LabelTally:
    """One label in one night."""

    by_profile: dict[str, SpanScore]
    events: tuple[Found, ...]
    """every true event, as the table has it"""
    told: int
    false_in: dict[tuple[State, bool], int]
    """false ones of the tight profile by true state and whether conveyed"""


@dataclass(frozen=True, slots=True)
class SinglesTally:
    """Single spasm-like movements, in series or not, paired one-to-one."""

    truth: int
    told: int
    paired: int
    in_found: int
    """true ones that are members of a found series"""
    in_found_paired: int
    false_alone: int
    """told ones that are no members of a told series and have no true one"""


@dataclass(frozen=True, slots=True)
class Tally:
    """Everything counted in one night."""

    name: str
    infant: str
    hours: float
    delays_known: bool
    times: StateTimes
    labels: dict[Label, LabelTally]
    singles: SinglesTally
    confusion: Confusion
    sources: Sources
    """what lay under false told events"""
    states: StateScore | None
    """None: truth, or telling, says nothing about states"""
    rings: RingScore


def tally(night: NightTables, *, window_s: float = SINGLE_WINDOW_S) -> Tally:
    """Count one night.

    Args:
        night: truth and what was told.
        window_s: largest distance of onsets of single movements that are the same.
    """
    where, first_told = Whereabouts(night), _first_told(night.rows)
    labels = {label: _label_tally(night, label, where, first_told) for label in SPAN_LABELS}
    knows_states = bool(night.truth_states and night.told_states)
    return Tally(
        name=night.name,
        infant=night.infant,
        hours=night.duration_s / 3600.0,
        delays_known=night.rows is not None,
        times=state_times(night),
        labels=labels,
        singles=_singles(night, window_s),
        confusion=confusion(night.truth, night.told),
        sources=false_sources(night.truth, night.told),
        states=score_states(night) if knows_states else None,
        rings=score_rings(night),
    )


def _label_tally(
    night: NightTables, label: Label, where: Whereabouts, first_told: dict[tuple[str, Label], float]
) -> LabelTally:
    truth, told = ([e for e in rows if e.label is label] for rows in (night.truth, night.told))
    said = [(span_of(e), e) for e in told]
    spans = spans_of(truth), [span for span, _ in said]
    scores = {p.name: score_spans(*spans, night.duration_s, p) for p in PROFILES}
    return LabelTally(
        by_profile=scores,
        events=tuple(_found(event, said, _members(event, night.truth), first_told, where) for event in truth),
        told=len(told),
        false_in=dict(Counter(where.at(false.onset_s) for false in scores[TIGHT.name].false)),
    )


def _found(
    event: EventLine,
    told: Sequence[tuple[Span, EventLine]],
    members: Sequence[Span],
    first_told: dict[tuple[str, Label], float],
    where: Whereabouts,
) -> Found:
    true = span_of(event)
    own = [line for span, line in told if _touches(true, span)]
    times = [t for line in own if (t := first_told.get((line.event_id, event.label))) is not None]
    from_s = _counted_from_s(event, members)
    state, conveyed = where.at(true.onset_s)
    count = event.count if event.count is not None else len(members)
    return Found(
        count=count,
        visible=count if event.visible is None else event.visible,
        told_count=sum(max(line.count or 1, 1) for line in own),
        true_class=event.true_class or event.label.value,
        state=event.state or state,
        conveyed=conveyed,
        unseen=where.unseen(true),
        delay_s=min(times) - from_s if times and from_s is not None else None,
    )


def _members(event: EventLine, truth: Sequence[EventLine]) -> list[Span]:
    if event.label is not Label.SPASM_LIKE_CLUSTER or not event.event_id:
        return []
    return spans_of(line for line in truth if line.parent == event.event_id)


def _touches(true: Span, told: Span) -> bool:
    return true.touches(told, before_s=TIGHT.tolerance_start_s, after_s=TIGHT.tolerance_end_s)


def _counted_from_s(event: EventLine, members: Sequence[Span]) -> float | None:
    """From when a delay of this event counts; None for a series whose members the table does not have."""
    if event.label is not Label.SPASM_LIKE_CLUSTER:
        return event.onset_ns / NS
    return members[_THIRD - 1].end_s if len(members) >= _THIRD else None


def _first_told(rows: Iterable[Event] | None) -> dict[tuple[str, Label], float]:
    """When each event was first told under each label; one that took in another was told when the first of them was."""
    first: dict[tuple[str, Label], float] = {}
    for row in rows or ():
        for name in {row.id, row.merged_into or row.id}:
            earlier = first.get((row.id, row.label), row.told_ns / NS)
            first[name, row.label] = min(first.get((name, row.label), earlier), earlier, row.told_ns / NS)
    return first


def _singles(night: NightTables, window_s: float) -> SinglesTally:
    truth, told = (
        sorted((e for e in rows if e.label is Label.SPASM_LIKE), key=lambda e: e.onset_ns)
        for rows in (night.truth, night.told)
    )
    pairs = pair_onsets([e.onset_ns / NS for e in truth], [e.onset_ns / NS for e in told], window_s)
    found = _found_series(night)
    inside = {i for i, e in enumerate(truth) if e.parent in found}
    paired_told = {j for _, j in pairs}
    series = {e.event_id for e in night.told if e.label is Label.SPASM_LIKE_CLUSTER}
    alone = [j for j, e in enumerate(told) if e.parent not in series and j not in paired_told]
    return SinglesTally(
        truth=len(truth),
        told=len(told),
        paired=len(pairs),
        in_found=len(inside),
        in_found_paired=sum(i in inside for i, _ in pairs),
        false_alone=len(alone),
    )


def _found_series(night: NightTables) -> set[str]:
    told = spans_of(night.told, Label.SPASM_LIKE_CLUSTER)
    true = (e for e in night.truth if e.label is Label.SPASM_LIKE_CLUSTER and e.event_id)
    return {e.event_id for e in true if any(_touches(span_of(e), span) for span in told)}
