"""What each true movement was told as, and what was told out of nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from dsp.records import NS
from store.events_tsv import EventLine

from .scoring_spans import TIGHT

__all__ = ["INSIDE", "NOTHING", "Confusion", "Sources", "confusion", "false_sources"]

NOTHING = "nothing"
"""no event told there, or none true"""
INSIDE = "inside"
"""only events were told there that have a true one of their own label: a kick within a series told as a series"""

Confusion = dict[tuple[str, str], int]
"""Number of events by (true label, told label)."""

Sources = dict[tuple[str, str], int]
"""Number of false told events by (told label, true class that lay there)."""


def confusion(truth: Sequence[EventLine], told: Sequence[EventLine]) -> Confusion:
    """Each true event by the told label that fits best, then the told events that lie on no true one.

    Members of a true or told series are left out: their parent stands for them. A true event counts as told
    rightly when a told event of its label touches it (within the tight profile's tolerance); else as the told
    event that shares most time with it and has no true event of its own label; else as `inside` or `nothing`.
    """
    true, said = _Rows(_parents(truth)), _Rows(_parents(told))
    explained = _explained(true, said)
    table: Counter[tuple[str, str]] = Counter()
    for i, line in enumerate(true.lines):
        table[line.label.value, _told_as(true, said, i, explained)] += 1
    for j, line in enumerate(said.lines):
        if not explained[j] and not true.touched_by(said, j, same_label=False):
            table[NOTHING, line.label.value] += 1
    return dict(table)


def false_sources(truth: Sequence[EventLine], told: Sequence[EventLine]) -> Sources:
    """What lay under told events without a true one of their label: the true class that shares most time, or nothing.

    Each false event is counted once, also where the true one beneath was told rightly too.
    """
    true, said = _Rows(_parents(truth)), _Rows(_parents(told))
    explained = _explained(true, said)
    table: Counter[tuple[str, str]] = Counter()
    for j, line in enumerate(said.lines):
        if not explained[j]:
            under = true.most_under(said, j)
            table[line.label.value, NOTHING if under is None else under.true_class or under.label.value] += 1
    return dict(table)


def _explained(true: _Rows, said: _Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which told events touch a true one of their own label."""
    return np.array([true.touched_by(said, j, same_label=True) for j in range(said.n)], np.bool_)


def _parents(lines: Sequence[EventLine]) -> list[EventLine]:
    ids = {line.event_id for line in lines if line.event_id}
    return [line for line in lines if line.parent not in ids]


class _Rows:
    """Events with their times as arrays, by onset."""

    def __init__(self, lines: Sequence[EventLine]) -> None:
        self.lines = sorted(lines, key=lambda line: (line.onset_ns, line.label))
        self.n = len(self.lines)
        self.onset_s = np.array([line.onset_ns for line in self.lines], np.float64) / NS
        self.end_s = self.onset_s + np.array([line.duration_ns for line in self.lines], np.float64) / NS
        self.labels = np.array([line.label.value for line in self.lines], np.str_)

    def touched_by(self, other: _Rows, j: int, *, same_label: bool) -> bool:
        """Whether any of these lies within the tolerance of row `j` of the other."""
        near = (other.onset_s[j] <= self.end_s + TIGHT.tolerance_end_s) & (
            other.end_s[j] >= self.onset_s - TIGHT.tolerance_start_s
        )
        return bool(np.any(near & (self.labels == other.labels[j])) if same_label else np.any(near))

    def most_under(self, other: _Rows, j: int) -> EventLine | None:
        """The row that shares most time with row `j` of the other; None when none lies within the tolerance."""
        if not self.touched_by(other, j, same_label=False):
            return None
        shared_s = np.minimum(self.end_s, other.end_s[j]) - np.maximum(self.onset_s, other.onset_s[j])
        return self.lines[int(np.argmax(shared_s))]


def _told_as(true: _Rows, said: _Rows, i: int, explained: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    shared_s = np.minimum(true.end_s[i], said.end_s) - np.maximum(true.onset_s[i], said.onset_s)
    touching = shared_s >= -TIGHT.tolerance_end_s
    if not touching.any():
        return NOTHING
    if np.any(touching & (said.labels == true.labels[i])):
        return str(true.labels[i])
    free = touching & ~explained
    return str(said.labels[np.argmax(np.where(free, shared_s, -np.inf))]) if free.any() else INSIDE
