"""Nights one after the other: how much was seen in each, and what was recorded in it, counted as the summary counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dsp.records import Label

from .night_facts import NightFacts

__all__ = ["NightTrend", "Week", "trend_of", "weeks_of"]


@dataclass(frozen=True, slots=True)
class NightTrend:
    """One night, or one of which nothing is there: then nothing was watched."""

    evening: date
    watched_ns: int = 0
    seen_ns: int = 0
    events: tuple[tuple[str, int, int], ...] = ()
    """wire name, events, movements in them"""

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


def trend_of(facts: NightFacts) -> NightTrend:
    """What of a night's facts goes into trends."""
    return NightTrend(
        evening=facts.window.night,
        watched_ns=facts.watched_ns,
        seen_ns=facts.seen_ns,
        events=tuple((c.pattern, c.events, c.movements) for c in facts.events),
    )
