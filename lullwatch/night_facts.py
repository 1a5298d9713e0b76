"""What is known of an infant's night before it is put into words: plain facts, times in UTC nanoseconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dsp.records import NS, Severity, Site

__all__ = ["Counted", "NightFacts", "SensorFacts", "Span", "ToldFacts", "Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """A night: from noon to noon, local time, named for its evening."""

    night: date
    zone: str

    @classmethod
    def at(cls, utc_ns: int, zone: str) -> Window:
        """The night that a moment belongs to."""
        moment = datetime.fromtimestamp(utc_ns // NS, tz=UTC).astimezone(ZoneInfo(zone))
        return cls((moment.replace(tzinfo=None) - timedelta(hours=12)).date(), zone)

    @property
    def begin_ns(self) -> int:
        """UTC of the noon it begins with."""
        return _noon_ns(self.night, self.zone)

    @property
    def end_ns(self) -> int:
        """UTC of the noon after it."""
        return _noon_ns(self.night + timedelta(days=1), self.zone)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, UTC."""

    begin_ns: int
    end_ns: int
    causes: tuple[str, ...] = ()
    """why, as the coverage names it; or the kind of trouble"""
    over: bool = True
    """False: it had not ended when the night was looked at"""

    @property
    def length_ns(self) -> int:
        """How long it lasted."""
        return self.end_ns - self.begin_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFacts:
    """One alert about an event, as it was last told, and whether a person answered."""

    id: str
    pattern: str
    severity: Severity
    onset_ns: int
    duration_s: float
    count: int
    answered_by: str = ""
    answered_ns: int | None = None
    false_alarm: bool = False
    muted: bool = False
    """a mute kept it silent for a while"""
    event_id: str = ""
    """what it was about"""


@dataclass(frozen=True, slots=True)
class Counted:
    """Events of one kind."""

    pattern: str
    events: int
    movements: int
    """brief movements or jerks in them"""


@dataclass(frozen=True, slots=True)
class SensorFacts:
    """One sensor's night."""

    site: Site
    worn_ns: int
    """time with data while it was worn, as far as the sensors can tell"""
    battery: int | None = None
    """last word on it, of 100"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFacts:
    """Everything a summary says, before it is put into words."""

    infant: str
    window: Window
    watched_ns: int
    """from the first minute that was counted to the last"""
    blind: tuple[Span, ...]
    degraded_ns: int
    alerts: tuple[ToldFacts, ...]
    """urgent ones and notices, by onset"""
    events: tuple[Counted, ...]
    sensors: tuple[SensorFacts, ...]
    technical: tuple[Span, ...]
    mutes: tuple[Span, ...] = ()
    """times in which something was muted; the causes name the patterns"""
    seen: tuple[Span, ...] = ()
    """stretches that could be seen; where a sensor was missing the causes say which"""

    @property
    def seen_ns(self) -> int:
        """How much could be seen: the denominator of every count."""
        return self.watched_ns - sum(span.length_ns for span in self.blind)

    @property
    def unanswered(self) -> tuple[ToldFacts, ...]:
        """Urgent alerts that no person answered."""
        return tuple(a for a in self.alerts if a.severity is Severity.URGENT and not a.answered_by)

    @property
    def answered(self) -> tuple[ToldFacts, ...]:
        """Alerts that a person answered."""
        return tuple(a for a in self.alerts if a.answered_by)

    @property
    def notices(self) -> tuple[ToldFacts, ...]:
        """Silent alerts that nobody has answered, as nobody must."""
        return tuple(a for a in self.alerts if a.severity is Severity.NOTICE and not a.answered_by)

    @property
    def muted(self) -> tuple[ToldFacts, ...]:
        """Alerts that a mute kept silent for a while."""
        return tuple(a for a in self.alerts if a.muted)


@lru_cache(maxsize=64)
def _noon_ns(day: date, zone: str) -> int:
    return round(datetime.combine(day, time(12), tzinfo=ZoneInfo(zone)).timestamp()) * NS
