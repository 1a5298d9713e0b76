"""Two tellings of the same nights beside each other: what appeared, vanished, moved, or got another label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dsp.reconcile import family_of
from dsp.records import NS, Label
from store.events_tsv import EventLine

__all__ = ["Change", "Changed", "Comparison", "LabelCount", "changes_between", "counted"]

_MOVED_S: Final = 0.1
"""An onset or end that moves by less is the same: a jerk is longer, and recordings of others move it by a sample."""


class Changed(StrEnum):
    """What became of an event from the first telling to the second."""

    APPEARED = "appeared"
    VANISHED = "vanished"
    MOVED = "moved"
    RELABELLED = "relabelled"


@dataclass(frozen=True, slots=True)
class Change:
    """One event that is told differently."""

    night: str
    kind: Changed
    before: Label | None
    after: Label | None
    onset_s: float
    """in the second telling; of what vanished in the first"""
    duration_s: float
    onset_moved_s: float | None = None
    end_moved_s: float | None = None


@dataclass(frozen=True, slots=True)
class LabelCount:
    """Events of a label in both tellings."""

    label: Label
    before: int
    after: int
    appeared: int = 0
    vanished: int = 0
    moved: int = 0
    relabelled_to: int = 0
    """came from another label"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is said of a set of nights."""

    nights: int
    hours: float | None
    same: int
    labels: tuple[LabelCount, ...]
    changes: tuple[Change, ...]


def changes_between(
    night: str, before: Sequence[EventLine], after: Sequence[EventLine]
) -> tuple[list[Change], int]:
    """Every event that is told differently, by onset, and how many are told alike.

    An event is the same when its id is, or else the one of the same family that it shares most time with, each once.
    """
    pairs = _pairs(before, after)
    matched = {b for _, b in pairs}
    changes = [change for a, b in pairs if (change := _change(night, before[a], after[b])) is not None]
    same = len(pairs) - len(changes)
    changes += [_gone(night, Changed.APPEARED, line) for i, line in enumerate(after) if i not in matched]
    kept = {a for a, _ in pairs}
    changes += [_gone(night, Changed.VANISHED, line) for i, line in enumerate(before) if i not in kept]
    return sorted(changes, key=lambda c: (c.onset_s, c.kind)), same


def counted(
    nights: Sequence[tuple[str, Sequence[EventLine], Sequence[EventLine]]], hours: float | None
) -> Comparison:
    """The comparison of nights, each with its name and both tellings."""
    changes: list[Change] = []
    same = 0
    before: Counter[Label] = Counter()
    after: Counter[Label] = Counter()
    for name, first, second in nights:
        found, alike = changes_between(name, first, second)
        changes += found
        same += alike
        before.update(line.label for line in first)
        after.update(line.label for line in second)
    labels = (label for label in Label if before[label] or after[label])
    rows = tuple(_label_count(label, before[label], after[label], changes) for label in labels)
    return Comparison(len(nights), hours, same, rows, tuple(changes))


def _label_count(label: Label, before: int, after: int, changes: Sequence[Change]) -> LabelCount:
    return LabelCount(
        label=label,
        before=before,
        after=after,
        appeared=sum(c.kind is Changed.APPEARED and c.after is label for c in changes),
        vanished=sum(c.kind is Changed.VANISHED and c.before is label for c in changes),
        moved=sum(c.kind is Changed.MOVED and c.after is label for c in changes),
        relabelled_to=sum(c.kind is Changed.RELABELLED and c.after is label for c in changes),
    )


def _pairs(before: Sequence[EventLine], after: Sequence[EventLine]) -> list[tuple[int, int]]:
    """Places of the same event in both, each used once."""
    places = {line.event_id: i for i, line in enumerate(before) if line.event_id}
    pairs = {places[line.event_id]: j for j, line in enumerate(after) if line.event_id in places}
    used = set(pairs.values())
    overlaps = sorted(_overlaps(before, after), key=lambda o: (-o[0], o[1], o[2]))
    for _, i, j in overlaps:
        if i not in pairs and j not in used:
            pairs[i] = j
            used.add(j)
    return sorted(pairs.items())


def _overlaps(before: Sequence[EventLine], after: Sequence[EventLine]) -> Iterator[tuple[int, int, int]]:
    for i, a in enumerate(before):
        for j, b in enumerate(after):
            shared = min(_end_ns(a), _end_ns(b)) - max(a.onset_ns, b.onset_ns)
            if shared > 0 and family_of(a.label) == family_of(b.label):
                yield shared, i, j


def _change(night: str, a: EventLine, b: EventLine) -> Change | None:
    onset_moved_s, end_moved_s = (b.onset_ns - a.onset_ns) / NS, (_end_ns(b) - _end_ns(a)) / NS
    relabelled = a.label is not b.label
    if not relabelled and max(abs(onset_moved_s), abs(end_moved_s)) <= _MOVED_S:
        return None
    kind = Changed.RELABELLED if relabelled else Changed.MOVED
    times = (b.onset_ns / NS, b.duration_ns / NS, onset_moved_s, end_moved_s)
    return Change(night, kind, a.label, b.label, *times)


def _gone(night: str, kind: Changed, line: EventLine) -> Change:
    before, after = (None, line.label) if kind is Changed.APPEARED else (line.label, None)
    return Change(night, kind, before, after, line.onset_ns / NS, line.duration_ns / NS)


def _end_ns(line: EventLine) -> int:
    return line.onset_ns + line.duration_ns
