"""Tables made up for the tests of scoring."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from dsp.records import NS, Event, EventStatus, Label, State
from lullwatch.scoring_night import NightTables, as_events
from store.events_tsv import EventLine, StateLine

CLUSTER, SINGLE, TRAIN = Label.SPASM_LIKE_CLUSTER, Label.SPASM_LIKE, Label.SLEEP_JERK_TRAIN
HOUR_S = 3600.0


def line(label: Label, onset_s: float, duration_s: float, name: str = "", **more: Any) -> EventLine:
    """One row of a table, times in s."""
    return EventLine(round(onset_s * NS), round(duration_s * NS), label, event_id=name, **more)


def series(
    onset_s: float, name: str, *, n: int = 5, gap_s: float = 10.0, count: int | None = None
) -> list[EventLine]:
    """A cluster and its members, each 1 s long, so many seconds apart."""
    members = [line(SINGLE, onset_s + i * gap_s, 1.0, f"{name}-{i}", count=1, parent=name) for i in range(n)]
    whole = line(CLUSTER, onset_s, (n - 1) * gap_s + 1.0, name, count=n if count is None else count)
    return [whole, *members]


def states(*spans: tuple[State, float], at_s: float = 0.0) -> tuple[StateLine, ...]:
    """Epochs of 30 s: so many minutes of each state, in order."""
    rows, t_s = [], at_s
    for state, minutes in spans:
        for _ in range(round(2 * minutes)):
            rows.append(StateLine(round(t_s * NS), 30 * NS, state))
            t_s += 30.0
    return tuple(rows)


def night(truth: list[EventLine], told: list[EventLine], **more: Any) -> NightTables:
    """One hour."""
    facts = {"name": "n", "infant": "i", "duration_s": HOUR_S, "truth": tuple(truth), "told": tuple(told)}
    return NightTables(**{**facts, **more})


def row(
    event: EventLine, told_s: float, *, status: EventStatus = EventStatus.NEW, version: int = 1, **more: Any
) -> Event:
    """The line as a row that was told at a time."""
    made = replace(as_events([event])[0], status=status, version=version, told_ns=round(told_s * NS))
    return replace(made, **more)


def _tables() -> st.SearchStrategy[list[EventLine]]:
    """Any table of up to six events of two labels in an hour, in whole tenths of seconds."""
    one = st.tuples(st.sampled_from([CLUSTER, TRAIN]), st.integers(100, 34000), st.integers(1, 1500))
    return st.lists(one, max_size=6).map(
        lambda rows: [line(a, t / 10, d / 10, f"e{i}", count=5) for i, (a, t, d) in enumerate(rows)]
    )


TABLES = _tables()
