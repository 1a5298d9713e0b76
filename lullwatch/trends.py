"""Nights one after the other: how much was seen in each, and what was recorded in it, counted as the summary counts."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from dsp.records import Label, Severity
from store.shelf import Shelf
from store.utc import UtcMap

from .event_index import signature
from .morning import Begun, begun_in, facts_of, files_of, rows_in
from .night_facts import NightFacts, Window

__all__ = ["NightTrend", "Trends", "Week", "weeks_of"]

_TABLES: Final = ("event", "coverage", "alert")
"""What a night's counts and their coverage are made of."""


@dataclass(frozen=True, slots=True)
class NightTrend:
    """One night, or one of which nothing is there: then nothing was watched."""

    evening: date
    watched_ns: int = 0
    seen_ns: int = 0
    events: tuple[tuple[str, int, int], ...] = ()
    """wire name, events, movements in them"""
    urgent: int = 0

    def of(self, label: Label) -> tuple[int, int]:
        """Events of a pattern, and movements in them."""
        return next(((n, m) for name, n, m in self.events if name == label.wire), (0, 0))


@dataclass(frozen=True, slots=True)
class Week:
    """Seven nights together."""

    nights: tuple[NightTrend, ...]

    @property
    def seen_ns(self) -> int:
        """How much was seen: the denominator of every count."""
        return sum(night.seen_ns for night in self.nights)

    @property
    def watched_ns(self) -> int:
        """How much was watched."""
        return sum(night.watched_ns for night in self.nights)

    @property
    def recorded(self) -> int:
        """Nights in which anything was seen."""
        return sum(1 for night in self.nights if night.seen_ns)

    def of(self, label: Label) -> tuple[int, int]:
        """Events of a pattern, and movements in them."""
        found = [night.of(label) for night in self.nights]
        return sum(n for n, _ in found), sum(m for _, m in found)


def weeks_of(nights: Sequence[NightTrend]) -> tuple[Week, ...]:
    """Nights in weeks that end with the last of them, oldest first; the first one may be short."""
    begins = range(len(nights) % 7 or 7, len(nights) + 7, 7)
    return tuple(
        Week(tuple(nights[max(end - 7, 0) : end])) for end in begins if nights[max(end - 7, 0) : end]
    )


class Trends:
    """Counts of nights; those that are over are read once. Methods may be called from any thread.

    Args:
        shelf: the nights; only read.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = threading.Lock()
        self._known: dict[tuple[str, date, str], tuple[tuple[object, ...], NightTrend]] = {}
        self._begun: tuple[tuple[object, ...], list[Begun]] = ((), [])

    def nights(self, infant: str, zone: str, last: date, count: int) -> tuple[NightTrend, ...]:
        """So many nights up to the evening `last`, oldest first. Raises JournalError."""
        with self._lock:
            signatures = {path.name: signature(path) for path in self._shelf.nights()}
            begun = self._begun_now(signatures)
            evenings = (last - timedelta(days=back) for back in range(count - 1, -1, -1))
            return tuple(
                self._night(infant, Window(evening, zone), begun, signatures) for evening in evenings
            )

    def newest(self, zone: str) -> date | None:
        """Evening of the newest night; None where there is none. Raises JournalError."""
        with self._lock:
            begun = self._begun_now({path.name: signature(path) for path in self._shelf.nights()})
        return Window.at(begun[-1][1], zone).night if begun else None

    def _begun_now(self, signatures: dict[str, tuple[int, ...]]) -> list[Begun]:
        """When each file begins; that is read again only when there are others."""
        key = tuple((name, seen[0]) for name, seen in signatures.items())
        if self._begun[0] != key:
            self._begun = key, begun_in(self._shelf)
        return self._begun[1]

    def _night(
        self, infant: str, window: Window, begun: Sequence[Begun], signatures: dict[str, tuple[int, ...]]
    ) -> NightTrend:
        names = files_of(begun, window)
        key = (infant, window.night, window.zone)
        state = tuple((name, signatures.get(name)) for name in names)
        if key not in self._known or self._known[key][0] != state:
            self._known[key] = state, _counted(self._shelf, names, infant, window)
        return self._known[key][1]


def _counted(shelf: Shelf, names: Sequence[str], infant: str, window: Window) -> NightTrend:
    utc = UtcMap()
    rows = []
    for name in names:
        with shelf.opened(name) as journal:
            for clock in journal.clock_rows():
                utc.add(clock)
        rows += rows_in(shelf, name, _TABLES)
    if not utc:
        return NightTrend(window.night)
    return _trend(facts_of(rows, infant, window, utc))


def _trend(facts: NightFacts) -> NightTrend:
    return NightTrend(
        evening=facts.window.night,
        watched_ns=facts.watched_ns,
        seen_ns=facts.seen_ns,
        events=tuple((c.pattern, c.events, c.movements) for c in facts.events),
        urgent=sum(1 for alert in facts.alerts if alert.severity is Severity.URGENT),
    )
