"""What would have rung: the very rules and severity table of the application, asked again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerts import rules
from dsp.records import NS, Event, Label, Severity

from .scoring_confusion import NOTHING
from .scoring_night import NightTables, Span, as_events, overlap_s, span_of
from .scoring_spans import TIGHT

__all__ = ["Ring", "RingScore", "due_rings", "rings", "score_rings"]

_DUE = frozenset(
    {
        Label.LONG_MOVEMENT,
        Label.RHYTHMIC_JERKING,
        Label.SPASM_LIKE_CLUSTER,
        Label.STIFFENING,
        Label.SPASM_LIKE,
    }
)
"""Labels with an urgent row, and the members they take over. The thousands of others a night are not asked about."""
_PATTERNS = _DUE - {Label.SPASM_LIKE}


@dataclass(frozen=True, slots=True)
class Ring:
    """One time the phone would have rung: which pattern, where it lay, and when."""

    wire: str
    span: Span
    at_s: float


@dataclass(frozen=True, slots=True)
class RingScore:
    """Urgent alerts of a night beside the true movements that ought to ring."""

    told: int
    false: tuple[Ring, ...]
    """touch no true movement that ought to ring"""
    under: tuple[str, ...]
    """the true class that lay under each of these, or nothing"""
    lesser: int
    """of these, how many touch a true pattern of those that ring which was held, or too short, to ring by the table"""
    due: int
    """true movements that ought to ring, by the same table at a full match"""
    rung: int
    """of these, how many did"""
    delays_s: tuple[float, ...]
    """from the onset of each of these to the first ring"""


def rings(rows: Iterable[Event], *, age_days: int | None = None) -> list[Ring]:
    """Urgent alerts that the rules make of these rows, each at its first ring, with where its event came to lie.

    Args:
        rows: every row of every event, in the order of telling.
        age_days: age of the infant, if known.
    """
    state, first, last = rules.RuleState(), dict[str, tuple[str, int]](), dict[str, Span]()
    for row in rows:
        if row.label not in _DUE and row.relabelled_from not in _DUE:
            continue
        state, alerts = rules.decide(state, row, age_days=age_days)
        for alert in alerts:
            if alert.severity is not Severity.URGENT:
                continue
            first.setdefault(alert.id, (alert.pattern, alert.t_ns))
            last[alert.id] = Span(alert.onset_ns / NS, alert.end_ns / NS)
    return [Ring(wire, last[name], t_ns / NS) for name, (wire, t_ns) in first.items()]


def due_rings(night: NightTables) -> list[Ring]:
    """The true movements that ought to ring: the rules, asked about the truth at a full match."""
    return rings(as_events(night.truth, conveyed=night.conveyed), age_days=night.age_days)


def score_rings(night: NightTables) -> RingScore:
    """Which urgent alerts had a reason, and which reasons rang.

    Without the rows as they were told, each event counts as told at its end.
    """
    rows = as_events(night.told) if night.rows is None else night.rows
    told = rings(rows, age_days=night.age_days)
    due = due_rings(night)
    first = [_first_ring(reason.span, told) for reason in due]
    false = tuple(r for r in told if not any(_close(reason.span, r.span) for reason in due))
    heard = [(reason, at_s) for reason, at_s in zip(due, first, strict=True) if at_s is not None]
    return RingScore(
        told=len(told),
        false=false,
        under=tuple(_under(night, ring.span) for ring in false),
        lesser=sum(any(_close(true, ring.span) for true in _patterns(night)) for ring in false),
        due=len(due),
        rung=len(heard),
        delays_s=tuple(at_s - reason.span.onset_s for reason, at_s in heard),
    )


def _first_ring(reason: Span, told: Sequence[Ring]) -> float | None:
    return min((r.at_s for r in told if _close(reason, r.span)), default=None)


def _patterns(night: NightTables) -> list[Span]:
    return [span_of(line) for line in night.truth if line.label in _PATTERNS]


def _under(night: NightTables, ring: Span) -> str:
    """The true class that shares most time with a ring."""
    near = [line for line in night.truth if _close(span_of(line), ring)]
    most = max(near, key=lambda line: overlap_s([span_of(line)], [ring]), default=None)
    return NOTHING if most is None else most.true_class or most.label.value


def _close(reason: Span, ring: Span) -> bool:
    return reason.touches(ring, before_s=TIGHT.tolerance_start_s, after_s=TIGHT.tolerance_end_s)
