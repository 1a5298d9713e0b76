"""Sleep states told beside the true ones, and how long each true state lasted."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dsp.records import NS, State
from store.events_tsv import StateLine

from .scoring_night import NightTables, Span, overlap_s, union

__all__ = ["StateScore", "StateTimes", "Whereabouts", "score_states", "state_times"]


@dataclass(frozen=True, slots=True)
class StateTimes:
    """Hours of a night by true state; those in conveyed motion or badly seen are in it and counted apart too."""

    hours: dict[State, float]
    conveyed_hours: float | None
    """None: not known"""
    unseen_hours: float | None
    """in which some worn sensor saw nothing; None: not known"""


@dataclass(frozen=True, slots=True)
class StateScore:
    """True epochs by what was told of their middle; epochs in conveyed motion are in it and counted apart too."""

    pairs: dict[tuple[State, State], int]
    """epochs by (true, told); what nothing was told of counts as told unknown"""
    conveyed: dict[tuple[State, State], int]


def score_states(night: NightTables) -> StateScore:
    """Compare states epoch by epoch, on the true epochs."""
    told = _Timeline(night.told_states)
    moved = union(night.conveyed or ())
    pairs, conveyed = Counter[tuple[State, State]](), Counter[tuple[State, State]]()
    for line in night.truth_states:
        middle_ns = line.onset_ns + line.duration_ns // 2
        pair = (line.state, told.at(middle_ns))
        pairs[pair] += 1
        if _inside(middle_ns / NS, moved):
            conveyed[pair] += 1
    return StateScore(dict(pairs), dict(conveyed))


def state_times(night: NightTables) -> StateTimes:
    """How long the infant was in each true state, and how long it was moved from outside."""
    hours: dict[State, float] = {}
    for line in night.truth_states:
        hours[line.state] = hours.get(line.state, 0.0) + line.duration_ns / NS / 3600.0
    return StateTimes(hours, _hours(night.conveyed, night), _hours(night.unseen, night))


def _hours(spans: Sequence[Span] | None, night: NightTables) -> float | None:
    """Hours of the night that lie in any of these."""
    return None if spans is None else overlap_s(union(spans), [Span(0.0, night.duration_s)]) / 3600.0


class Whereabouts:
    """In which true state a moment of a night lies, whether in conveyed motion, and whether all sensors saw it."""

    def __init__(self, night: NightTables) -> None:
        self._states = _Timeline(night.truth_states)
        self._moved = union(night.conveyed or ())
        self._unseen = union(night.unseen or ())

    def unseen(self, span: Span) -> bool:
        """Whether some worn sensor saw nothing in a part of the span."""
        return overlap_s([span], self._unseen) > 0.0

    def at(self, t_s: float) -> tuple[State, bool]:
        """The true state (unknown where truth says nothing) and whether the infant was moved from outside."""
        return self._states.at(round(t_s * NS)), _inside(t_s, self._moved)


class _Timeline:
    """States by time."""

    def __init__(self, lines: Sequence[StateLine]) -> None:
        self._lines = sorted(lines, key=lambda line: line.onset_ns)
        self._onsets = [line.onset_ns for line in self._lines]

    def at(self, t_ns: int) -> State:
        at = bisect_right(self._onsets, t_ns) - 1
        if at < 0 or t_ns >= self._lines[at].onset_ns + self._lines[at].duration_ns:
            return State.UNKNOWN
        return self._lines[at].state


def _inside(t_s: float, spans: Sequence[Span]) -> bool:
    at = bisect_right(spans, t_s, key=lambda span: span.onset_s) - 1
    return at >= 0 and t_s < spans[at].end_s
