"""What a report says, before it is drawn: nights, series, everything people wrote, each count with its coverage.

Counts come from `lullwatch.morning`, which the summaries use, too. Times are UTC nanoseconds; data time is kept only
where samples are to be looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dsp.records import NS, Event, Label, Opinion, Site, State
from lullwatch.diary import Entry, Mark, facts_of, marks
from lullwatch.night_facts import NightFacts, Span, ToldFacts

__all__ = [
    "SHOWN_LABELS",
    "NightReport",
    "ReportFacts",
    "Series",
    "StateSpan",
    "by_clock_hour",
    "local",
]

SHOWN_LABELS = tuple(label for label in Label if label not in (Label.MOVEMENT, Label.TWITCHES))
"""Patterns that a report lists; other movement is most of any night."""
MOVEMENT_SEEN = "movement_seen"
_FEVER = "fever"
_HOURS = 24


@dataclass(frozen=True, slots=True)
class StateSpan:
    """What the sensors suggest of sleep, over a stretch of time."""

    begin_ns: int
    end_ns: int
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One event that a report names, and what people said of it."""

    event: Event
    """as it stands; its times are data time"""
    members: tuple[Event, ...]
    onset_ns: int
    """UTC"""
    match: str
    """`clear` or `weak`"""
    told: ToldFacts | None
    """the alert about it, if it was told"""
    opinions: tuple[Opinion, ...]
    """the last word of each person"""
    beside: tuple[Entry, ...]
    """what people wrote about the minutes around it"""

    @property
    def duration_s(self) -> float:
        """Seconds from its onset to its end."""
        return self.event.duration_s


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """One night."""

    facts: NightFacts
    shown: tuple[Series, ...]
    """every event of `SHOWN_LABELS` that is not a member of another, by onset"""
    states: tuple[StateSpan, ...]
    entries: tuple[Entry, ...]
    """the diary, by time"""

    @property
    def night(self) -> date:
        """The date of its evening."""
        return self.facts.window.night

    @property
    def series(self) -> tuple[Series, ...]:
        """The repeated brief movements."""
        return self.of(Label.SPASM_LIKE_CLUSTER)

    def of(self, *labels: Label) -> tuple[Series, ...]:
        """Events of some labels."""
        return tuple(s for s in self.shown if s.event.label in labels)

    @property
    def observed(self) -> tuple[Entry, ...]:
        """Movements that a person saw."""
        return tuple(e for e in self.entries if e.note.kind == MOVEMENT_SEEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """Everything a report says."""

    infant: str
    first: date
    last: date
    """evenings of the first and the last night asked for"""
    zone: str
    nights: tuple[NightReport, ...]
    """those of which anything was recorded"""
    age_days: int | None
    """on the first evening; None where the week of birth is not told"""
    sites: tuple[Site, ...]
    settings: tuple[str, ...]
    """versions of the settings that the patterns were told with"""
    newest_ns: int
    """UTC of the newest row it was made from"""

    @property
    def watched_ns(self) -> int:
        """How long somebody was watched for."""
        return sum(n.facts.watched_ns for n in self.nights)

    @property
    def seen_ns(self) -> int:
        """How long could be seen: the denominator of every count."""
        return sum(n.facts.seen_ns for n in self.nights)

    @property
    def degraded_ns(self) -> int:
        """How long a sensor was missing of it."""
        return sum(n.facts.degraded_ns for n in self.nights)

    @property
    def shown(self) -> tuple[Series, ...]:
        """Everything shown, by onset."""
        return tuple(s for n in self.nights for s in n.shown)

    @property
    def series(self) -> tuple[Series, ...]:
        """The repeated brief movements of all nights."""
        return tuple(s for n in self.nights for s in n.series)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The diary of all nights."""
        return tuple(e for n in self.nights for e in n.entries)

    @property
    def observed(self) -> tuple[Entry, ...]:
        """Movements that a person saw."""
        return tuple(e for n in self.nights for e in n.observed)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What may change how an infant moves: medicines that began, changed or ended, vaccinations, fever."""
        fevers = (
            Mark(e.utc_ns, _FEVER, f"{facts_of(e.note).get('celsius', '')} °C", "")
            for e in self.entries
            if e.note.kind == _FEVER
        )
        return tuple(sorted((*marks(self.entries), *fevers), key=lambda m: m.utc_ns))

    def evenings(self) -> tuple[date, ...]:
        """Every night asked for, those included of which nothing was recorded."""
        return tuple(self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))

    def night(self, evening: date) -> NightReport | None:
        """One night; None where nothing was recorded."""
        return next((n for n in self.nights if n.night == evening), None)

    def worn_ns(self, site: Site) -> int:
        """How long one sensor gave data while it was worn."""
        return sum(s.worn_ns for n in self.nights for s in n.facts.sensors if s.site is site)


def by_clock_hour(spans: Iterable[Span], zone: str) -> list[float]:
    """Hours that spans cover, for each hour of the local day; 24 of them."""
    covered = [0.0] * _HOURS
    for span in spans:
        at_ns = span.begin_ns
        while at_ns < span.end_ns:
            moment = local(at_ns, zone)
            into_ns = (moment.minute * 60 + moment.second) * NS + at_ns % NS
            until_ns = min(span.end_ns, at_ns + 3600 * NS - into_ns)
            covered[moment.hour] += (until_ns - at_ns) / (3600 * NS)
            at_ns = until_ns
    return covered


def local(utc_ns: int, zone: str) -> datetime:
    """A moment as a clock on the wall showed it, to the second."""
    return datetime.fromtimestamp(utc_ns // NS, tz=UTC).astimezone(ZoneInfo(zone))
