"""Tables of events and of states, told or true, as people and other programs read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsp.records import Event, Evidence, Label, Site, State, StateEpoch
from store.recording import standing_events
from store.tables import number, parse_seconds, read_rows, seconds, write_table

__all__ = [
    "EVENT_COLUMNS",
    "STATE_COLUMNS",
    "EventLine",
    "StateLine",
    "event_line",
    "event_lines",
    "event_row",
    "read_events",
    "read_states",
    "state_line",
    "state_lines",
    "write_events",
    "write_states",
]


@dataclass(frozen=True, slots=True)
class EventLine:
    """One row of a table of events; `onset_ns` counts from the recording's start."""

    onset_ns: int
    duration_ns: int
    label: Label
    count: int | None = None
    side: str = ""
    state: State | None = None
    confidence: float | None = None
    sites: tuple[Site, ...] = ()
    event_id: str = ""
    match: float | None = None
    conveyed: float | None = None
    state_before: State | None = None
    state_after: State | None = None
    since_waking_s: float | None = None
    interval_mean_s: float | None = None
    interval_cv: float | None = None
    parent: str = ""
    late: bool = False
    evidence: tuple[Evidence, ...] = ()
    true_class: str = ""
    """what it really was, in tables of truth only"""
    visible: int | None = None
    """how many spasms of it the sensors can show, in tables of truth only"""


@dataclass(frozen=True, slots=True)
class StateLine:
    """One row of a table of states; `onset_ns` counts from the recording's start."""

    onset_ns: int
    duration_ns: int
    state: State
    probability: float | None = None
    breathing_hz: float | None = None
    breathing_regularity: float | None = None


def _described(text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - free form of a BIDS sidecar
    return {"Description": text, **more}


_STATE_LEVELS = {str(state): state.name.replace("_", " ").lower() for state in State}

EVENT_COLUMNS: dict[str, dict[str, Any]] = {
    "onset": _described("start of the movement, from the recording's start", Units="s"),
    "duration": _described("from onset to the last end that is known", Units="s"),
    "label": _described(
        "what the movement looks like, never a cause", Levels={str(label): label.wire for label in Label}
    ),
    "count": _described("brief movements or jerks in it"),
    "side": _described("left, right, both or unknown"),
    "state": _described("sleep state during the event", Levels=_STATE_LEVELS),
    "confidence": _described(
        "0 to 1: lowered by missing sites, missing angular rate, conveyed motion and unknown state"
    ),
    "sites": _described("sites at which it was seen, comma between them"),
    "event_id": _described("stable identity of the event"),
    "match": _described("pattern match, 0 to 1"),
    "conveyed": _described("share of its duration inside conveyed motion, 0 to 1"),
    "state_before": _described("sleep state before the event", Levels=_STATE_LEVELS),
    "state_after": _described("sleep state after the event", Levels=_STATE_LEVELS),
    "since_waking": _described("from the last seen waking to the onset", Units="s"),
    "interval_mean": _described("mean onset-to-onset interval of its members", Units="s"),
    "interval_cv": _described("coefficient of variation of those intervals"),
    "parent": _described("event_id of the event it is part of"),
    "late": _described("1 when it was found in data that came late"),
    "evidence": _described(
        "measurements that spoke for or against the label: question.name=value@log-odds; ..."
    ),
}
_TRUTH_COLUMNS = {
    "true_class": _described("what the movement really was, known because it was made or annotated"),
    "visible": _described("spasms in it of which a worn sensor shows 0.02 g or more, where that is known"),
}

STATE_COLUMNS: dict[str, dict[str, Any]] = {
    "onset": _described("start of the epoch, from the recording's start", Units="s"),
    "duration": _described("length of the epoch", Units="s"),
    "state": _described("sleep state", Levels=_STATE_LEVELS),
    "probability": _described("of that state, 0 to 1"),
    "breathing": _described("breathing rate", Units="Hz"),
    "breathing_regularity": _described("0 (none) to 1 (a pure tone)"),
}


def event_lines(events: Iterable[Event], t0_ns: int) -> list[EventLine]:
    """The standing events of a night (newest versions, none withdrawn or merged) by onset."""
    return [
        EventLine(
            onset_ns=e.onset_ns - t0_ns,
            duration_ns=e.end_ns - e.onset_ns,
            label=e.label,
            count=e.count,
            side=e.side,
            state=e.state_during,
            confidence=e.confidence,
            sites=e.sites,
            event_id=e.id,
            match=e.match,
            conveyed=e.conveyed,
            state_before=e.state_before,
            state_after=e.state_after,
            since_waking_s=e.since_waking_s,
            interval_mean_s=e.interval_mean_s,
            interval_cv=e.interval_cv,
            parent=e.parent or "",
            late=e.late,
            evidence=e.evidence,
        )
        for e in standing_events(events)
    ]


def state_lines(states: Iterable[StateEpoch], t0_ns: int) -> list[StateLine]:
    """Sleep states by time; of an epoch that was told more than once the last word counts."""
    latest = {(s.t_ns, s.span_ns): s for s in states}
    return [
        StateLine(s.t_ns - t0_ns, s.span_ns, s.state, s.probability, s.breathing_hz, s.breathing_regularity)
        for _, s in sorted(latest.items())
    ]


def write_events(path: Path, lines: Iterable[EventLine], facts: Mapping[str, Any] | None = None) -> None:
    """Write a table of events and its sidecar; those of truth are there when a line has a `true_class`.

    The same lines give the same bytes. `facts` go into the sidecar beside the columns' descriptions.
    """
    lines = list(lines)
    with_truth = any(line.true_class for line in lines)
    rows = [event_row(line) + (_truth_row(line) if with_truth else []) for line in lines]
    write_table(path, {**EVENT_COLUMNS, **(_TRUTH_COLUMNS if with_truth else {})}, rows, facts)


def write_states(path: Path, lines: Iterable[StateLine], facts: Mapping[str, Any] | None = None) -> None:
    """Write a table of sleep states and its sidecar."""
    rows = [
        [
            seconds(line.onset_ns),
            seconds(line.duration_ns),
            str(line.state),
            number(line.probability),
            number(line.breathing_hz),
            number(line.breathing_regularity),
        ]
        for line in lines
    ]
    write_table(path, STATE_COLUMNS, rows, facts)


def read_events(path: Path | str) -> list[EventLine]:
    """Read a table of events; only onset, duration and label must be there. Raises BadTable."""
    return read_rows(Path(path), ("onset", "duration", "label"), event_line)


def read_states(path: Path | str) -> list[StateLine]:
    """Read a table of sleep states; only onset, duration and state must be there. Raises BadTable."""
    return read_rows(Path(path), ("onset", "duration", "state"), state_line)


def event_row(line: EventLine) -> list[str]:
    """The cells of a line under `EVENT_COLUMNS`."""
    return [
        seconds(line.onset_ns),
        seconds(line.duration_ns),
        str(line.label),
        "" if line.count is None else str(line.count),
        line.side,
        str(line.state or ""),
        number(line.confidence),
        ",".join(line.sites),
        line.event_id,
        number(line.match),
        number(line.conveyed),
        str(line.state_before or ""),
        str(line.state_after or ""),
        number(line.since_waking_s),
        number(line.interval_mean_s),
        number(line.interval_cv),
        line.parent,
        str(int(line.late)),
        ";".join(f"{e.name}={number(e.value)}@{number(e.contribution)}" for e in line.evidence),
    ]


def _truth_row(line: EventLine) -> list[str]:
    return [line.true_class, "" if line.visible is None else str(line.visible)]


def event_line(row: dict[str, str]) -> EventLine:
    """A row by column name, without what is not known; ValueError or KeyError for what cannot be read."""
    return EventLine(
        onset_ns=parse_seconds(row["onset"]),
        duration_ns=_not_negative(parse_seconds(row["duration"])),
        label=Label(row["label"]),
        count=int(row["count"]) if "count" in row else None,
        side=row.get("side", ""),
        state=_state(row, "state"),
        confidence=_number(row, "confidence"),
        sites=tuple(Site(site) for site in row["sites"].split(",")) if "sites" in row else (),
        event_id=row.get("event_id", ""),
        match=_number(row, "match"),
        conveyed=_number(row, "conveyed"),
        state_before=_state(row, "state_before"),
        state_after=_state(row, "state_after"),
        since_waking_s=_number(row, "since_waking"),
        interval_mean_s=_number(row, "interval_mean"),
        interval_cv=_number(row, "interval_cv"),
        parent=row.get("parent", ""),
        late=row.get("late", "0") == "1",
        evidence=_evidence(row.get("evidence", "")),
        true_class=row.get("true_class", ""),
        visible=int(row["visible"]) if "visible" in row else None,
    )


def state_line(row: dict[str, str]) -> StateLine:
    """As `event_line`, of a state."""
    return StateLine(
        onset_ns=parse_seconds(row["onset"]),
        duration_ns=_not_negative(parse_seconds(row["duration"])),
        state=State(row["state"]),
        probability=_number(row, "probability"),
        breathing_hz=_number(row, "breathing"),
        breathing_regularity=_number(row, "breathing_regularity"),
    )


def _not_negative(duration_ns: int) -> int:
    if duration_ns < 0:
        raise ValueError("the duration is negative")
    return duration_ns


def _number(row: dict[str, str], name: str) -> float | None:
    return float(row[name]) if name in row else None


def _state(row: dict[str, str], name: str) -> State | None:
    return State(row[name]) if name in row else None


def _evidence(text: str) -> tuple[Evidence, ...]:
    parts = [part.partition("=") for part in text.split(";") if part]
    measured = [(name, *rest.partition("@")) for name, _, rest in parts]
    return tuple(Evidence(name, float(value), float(odds)) for name, value, _, odds in measured)
