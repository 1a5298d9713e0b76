"""A night in words: what was recorded, and out of how much."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from alerts.words import catalogue, duration
from dsp.records import NS, Alert, Coverage, Event, Severity, Site, State

from .coverage import seen_hours, sentence
from .detector import Told

__all__ = ["summary"]

_WORDS = catalogue("en")
_REACHED = {Severity.URGENT: "urgent", Severity.NOTICE: "silent", Severity.TECHNICAL: "technical"}
"""How an alert reached a person; what is only in the diary makes no alert."""
_LIMITS = (
    "Small, short or arm- and face-only movements cannot be seen. "
    "That a pattern was not recorded does not rule anything out."
)
_HEADER = "Unvalidated research data; sensor labels are pattern names, not diagnoses."


def summary(name: str, sites: Sequence[Site], told: Told) -> str:
    """A night in a few lines, coverage first. No count stands there without it."""
    events = told.final_events
    lines = [
        f"{name}: {sentence(told.minutes)}",
        _worn_line(sites, told.minutes),
        _state_line(told),
        *_event_lines(events, told.minutes),
        _alert_line(told.alerts),
        "",
        *_general_lines(events),
        _WORDS.always,
        _LIMITS,
        _WORDS.emergency,
        f"{_HEADER} lullwatch {version('lullwatch')}",
    ]
    return "\n".join(lines) + "\n"


def _worn_line(sites: Sequence[Site], coverage: Sequence[Coverage]) -> str:
    """How long each sensor gave data while it was worn, as far as the sensors can tell."""
    parts = [f"{_WORDS.sites[s]} {duration(_WORDS, _worn_ns(s, coverage))}" for s in sites]
    return f"worn and heard: {', '.join(parts) or 'no sensor'}"


def _worn_ns(site: Site, coverage: Sequence[Coverage]) -> int:
    worn = (c for c in coverage if f"not_worn:{site}" not in c.causes)
    return round(sum(dict(c.seen).get(site, 0.0) * c.span_ns for c in worn))


def _state_line(told: Told) -> str:
    spans = {state: sum(s.span_ns for s in told.states if s.state is state) for state in State}
    shares = ", ".join(f"{_in_words(s)} {duration(_WORDS, ns)}" for s, ns in spans.items() if ns)
    return f"the sensors suggest: {shares or 'nothing about sleep'}"


def _event_lines(events: Sequence[Event], coverage: Sequence[Coverage]) -> list[str]:
    seen = duration(_WORDS, round(seen_hours(coverage) * 3600 * NS))
    lines = []
    for wire in sorted({e.label.wire for e in events}):
        own = [e for e in events if e.label.wire == wire]
        members = sum(e.count for e in own)
        counted = f" ({members} movements)" if members > len(own) else ""
        lines.append(f"  {_in_words(wire)}: {len(own)}{counted} in {seen} seen")
    return lines or [f"  no pattern was matched in {seen} seen"]


def _alert_line(alerts: Sequence[Alert]) -> str:
    stands = list({a.id: a.severity for a in alerts}.values())
    return "alerts: " + ", ".join(f"{stands.count(severity)} {said}" for severity, said in _REACHED.items())


def _general_lines(events: Sequence[Event]) -> list[str]:
    """The general information that belongs to the patterns shown, each once."""
    shown = {e.label.wire for e in events}
    return [text for wire, text in _WORDS.same_day.items() if wire in shown]


def _in_words(name: str) -> str:
    return name.replace("_", " ")
