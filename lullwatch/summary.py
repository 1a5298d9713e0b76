"""A night in words: what was recorded, and out of how much."""

from __future__ import annotations

from collections.abc import Sequence

from dsp.records import Alert, Severity, Site, State

from .coverage import seen_hours, sentence
from .detector import Told

__all__ = ["summary"]


def summary(name: str, sites: Sequence[Site], told: Told) -> str:
    """A night in a few lines, coverage first. No count stands there without it."""
    lines = [
        f"{name}: {sentence(told.coverage)}; sites {' '.join(sites)}",
        _state_line(told),
        *_event_lines(told),
        _alert_line(told.alerts),
        "Unvalidated research data; sensor labels are pattern names, not diagnoses.",
        "Small, short or arm- and face-only movements cannot be seen. Absence of a pattern rules nothing out.",
    ]
    return "\n".join(lines) + "\n"


def _state_line(told: Told) -> str:
    minutes = {state: sum(s.state is state for s in told.states) / 2 for state in State}
    shares = ", ".join(f"{s.replace('_', ' ')} {m:g} min" for s, m in minutes.items() if m)
    return f"states: {shares or 'none'}"


def _event_lines(told: Told) -> list[str]:
    events = told.final_events
    hours = seen_hours(told.coverage)
    lines = []
    for label in sorted({e.label for e in events}, key=str):
        own = [e for e in events if e.label is label]
        members = sum(e.count for e in own)
        counted = f" ({members} movements)" if members > len(own) else ""
        lines.append(f"  {label}: {len(own)}{counted} in {hours:.2f} h seen")
    return lines or ["  no movement stood out"]


def _alert_line(alerts: Sequence[Alert]) -> str:
    ids = {severity: {a.id for a in alerts if a.severity is severity} for severity in Severity}
    return "alerts: " + ", ".join(f"{len(found)} {severity}" for severity, found in ids.items())
