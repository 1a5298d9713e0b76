"""How the night stands, folded from the journals' rows as they come; reads only, and counts as the summary counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from alerts.escalation import Escalation, Person
from alerts.muting import Mute
from alerts.telling import Standing
from dsp.records import (
    NS,
    SELF_TEST,
    Alert,
    ClockRow,
    Config,
    Coverage,
    Delivery,
    Event,
    LinkSample,
    Note,
    Severity,
    Site,
    StateEpoch,
    Tick,
    Watchfulness,
    Watching,
)
from lullwatch.diary import TREATMENTS, Entry, entries
from lullwatch.morning import events_in, facts_of
from lullwatch.night_facts import NightFacts, Window
from lullwatch.watch import watch_of
from store.recording import newest_of
from store.rows import FedRow, LinkRow, Row
from store.utc import UtcMap

__all__ = ["TABLES", "House", "Tonight"]

TABLES = ("event", "state", "coverage", "alert", "delivery", "link", "watching", "clock", "config", "note")
"""What is read of a night: no samples."""
_OPEN_NS = 24 * 3600 * NS
"""An alert that nobody answered is shown for a day; then the summary and the nights tell of it."""


_T = TypeVar("_T")


@dataclass(slots=True)
class _Kept:
    """One infant's rows of the newest night, in the order they came."""

    rows: list[Event | Alert | Coverage | LinkRow | Note] = field(default_factory=list)
    states: dict[int, StateEpoch] = field(default_factory=dict)
    links: dict[Site, LinkSample] = field(default_factory=dict)
    watching: Watching | None = None
    sites: tuple[Site, ...] = ()
    made: dict[str, tuple[int, Any]] = field(default_factory=dict)
    """what was put together of the rows, and after how many of everybody's"""


class House:
    """Everybody's night: what concerns the gateway as a whole, and each infant's part.

    Args:
        people: of the settings; only names who was told.
        window: a night that is over; None for the one that the newest row is of.
    """

    def __init__(self, people: Sequence[Person] = (), *, window: Window | None = None) -> None:
        self._window = window
        self.utc = UtcMap()
        self.zone = "UTC"
        self.now_ns = 0
        """newest data time that anything spoke of"""
        self.alerts = Escalation(people, local_time=lambda _: time(0))
        self._kept: dict[str, _Kept] = {}
        self._deliveries: list[Delivery] = []
        self._clocks: list[ClockRow] = []
        self._trouble: dict[str, Alert] = {}
        self.taken = 0
        """rows so far that count: ticks do not"""

    @property
    def infants(self) -> tuple[str, ...]:
        """Everybody the newest settings in the journal name."""
        return tuple(sorted(name for name, kept in self._kept.items() if kept.sites))

    def feed(self, rows: Iterable[Row]) -> None:
        """Take rows in the order they were committed."""
        for row in rows:
            self.taken += not isinstance(row, FedRow)
            self._take(row)

    def of(self, infant: str) -> Tonight:
        """One infant's night as it stands."""
        return Tonight(self, infant, self._of(infant))

    def begin_night(self) -> None:
        """A new file has begun: rows of the one before are no longer tonight's, what stands open is."""
        window = self.window
        for kept in self._kept.values():
            kept.rows = [row for row in kept.rows if self.utc.utc_ns(_t_ns(row)) >= window.begin_ns]
            kept.states = {t: s for t, s in kept.states.items() if self.utc.utc_ns(t) >= window.begin_ns}
        self._deliveries = [d for d in self._deliveries if d.t_ns > self.now_ns - _OPEN_NS]

    @property
    def window(self) -> Window:
        """The night that goes on, or the one that was asked for; of 1970 before the first clock row."""
        return self._window or Window.at(self.utc.utc_ns(self.now_ns) if self.utc else 0, self.zone)

    @property
    def is_going_on(self) -> bool:
        """Whether no night that is over was asked for."""
        return self._window is None

    @property
    def trouble(self) -> list[Alert]:
        """Technical trouble that has not ended."""
        return [a for a in self._trouble.values() if not a.cleared]

    def shared(self) -> list[Row]:
        """Rows that belong to no single infant."""
        return [*self._clocks, *self._deliveries]

    def _of(self, infant: str) -> _Kept:
        return self._kept.setdefault(infant, _Kept())

    def _take(self, row: Row) -> None:
        match row:
            case FedRow(item=Tick(t_ns=t_ns)):
                self.now_ns = max(self.now_ns, t_ns)
            case ClockRow():
                self.utc.add(row)
                self._clocks.append(row)
                self.zone = row.zone
                self.now_ns = max(self.now_ns, row.t_ns)
            case Config():
                watch = watch_of(row)
                self._of(watch.infant).sites = () if watch.infant == SELF_TEST else watch.sites
            case Delivery():
                self.alerts.fold(row)
                self._deliveries.append(row)
            case Alert():
                self._alert(row)
            case StateEpoch():
                self._of(row.infant).states[row.t_ns] = row
                self.now_ns = max(self.now_ns, row.t_ns + row.span_ns)
            case LinkRow():
                self._of(row.infant).links[row.sample.site] = row.sample
                self._of(row.infant).rows.append(row)
            case Watching():
                self._of(row.infant).watching = row
            case Event() | Coverage() | Note():
                self._of(row.infant).rows.append(_without_evidence(row))
            case _:
                pass

    def _alert(self, row: Alert) -> None:
        self.alerts.fold(row)
        self._of(row.infant).rows.append(row)
        if row.severity is Severity.TECHNICAL:
            self._trouble[row.id] = row


@dataclass(frozen=True, slots=True)
class Tonight:
    """One infant's night. Every answer is made anew from the rows."""

    house: House
    infant: str
    _kept: _Kept

    @property
    def sites(self) -> tuple[Site, ...]:
        """What is worn, by the settings."""
        return self._kept.sites

    @property
    def until_ns(self) -> int:
        """Data time that the night has come to; 0 for one that is over: its last minute says it."""
        return self.house.now_ns if self.house.is_going_on else 0

    @property
    def facts(self) -> NightFacts:
        """What the summary would say now."""
        return self._once("facts", self._facts)

    def _once(self, name: str, make: Callable[[], _T]) -> _T:
        """Put together anew only after further rows: one look at the page asks several times."""
        taken, made = self._kept.made.get(name, (-1, None))
        if taken != self.house.taken:
            made = make()
            self._kept.made[name] = self.house.taken, made
        return cast("_T", made)

    def _facts(self) -> NightFacts:
        own = [*self._kept.rows, *(() if not self.infant else self.house.of("")._kept.rows)]  # noqa: SLF001 - its own
        return facts_of([*self.house.shared(), *own], self.infant, self.house.window, self.house.utc)

    @property
    def events(self) -> tuple[Event, ...]:
        """Events of the night that stand, by onset; members of series are among them."""
        rows, house = self._kept.rows, self.house
        return self._once("events", lambda: events_in(rows, self.infant, house.window, house.utc))

    @property
    def minutes(self) -> list[Coverage]:
        """The last word on every minute of the night."""
        own = (r for r in self._kept.rows if isinstance(r, Coverage) and self._is_tonight(r.t_ns))
        return self._once("minutes", lambda: newest_of(own, key=lambda c: c.t_ns))

    @property
    def states(self) -> list[StateEpoch]:
        """The last word on every epoch of the night, by time."""
        kept = self._kept.states
        return self._once("states", lambda: [s for t, s in sorted(kept.items()) if self._is_tonight(t)])

    def _is_tonight(self, t_ns: int) -> bool:
        window = self.house.window
        return window.begin_ns <= self.house.utc.utc_ns(t_ns) < window.end_ns

    @property
    def treatments(self) -> tuple[Entry, ...]:
        """Medicines and vaccinations of the night as they stand in the diary, by time."""
        utc = self.house.utc
        written = {row: utc.utc_ns(row.t_ns) for row in self._kept.rows if isinstance(row, Note)}
        return tuple(
            e for e in entries(written) if e.note.kind in TREATMENTS and self._is_tonight(e.note.t_ns)
        )

    @property
    def links(self) -> dict[Site, LinkSample]:
        """The newest report of every sensor's link."""
        return self._kept.links

    @property
    def open_alerts(self) -> list[Alert]:
        """Alerts about this infant's movements that nobody has answered, the most severe first."""
        since_ns = self.house.now_ns - _OPEN_NS
        found = self.house.alerts.open_alerts(self.infant)
        return [a for a in found if a.severity is not Severity.TECHNICAL and a.t_ns > since_ns]

    @property
    def trouble(self) -> list[Alert]:
        """Technical trouble of this infant's sensors and of the gateway."""
        return [a for a in self.house.trouble if a.infant in ("", self.infant)]

    @property
    def mutes(self) -> dict[str, Mute]:
        """Mutes that have not ended, by pattern."""
        return self.house.alerts.mutes.standing(self.infant, self.house.now_ns)

    @property
    def watching(self) -> Watching | None:
        """A pause or a disarming that holds now; None while it is watched as usual."""
        row = self._kept.watching
        if row is None or row.state is Watchfulness.ARMED:
            return None
        return None if row.until_ns is not None and row.until_ns <= self.house.now_ns else row

    def standing(self, alert: Alert) -> Standing:
        """How an alert stands with people."""
        return self.house.alerts.standing(alert, self.house.now_ns)

    def clock(self, t_ns: int) -> str:
        """A data time as people read it."""
        return f"{self.local(t_ns):%H:%M}"

    def local(self, t_ns: int) -> datetime:
        """A data time in the night's zone."""
        moment = datetime.fromtimestamp(self.house.utc.utc_ns(t_ns) / NS, tz=UTC)
        return moment.astimezone(ZoneInfo(self.house.zone))


def _without_evidence(row: Event | Coverage | Note) -> Event | Coverage | Note:
    """An event's own page reads its evidence from the journal; kept here it would be most of the memory."""
    return replace(row, evidence=()) if isinstance(row, Event) else row


def _t_ns(row: Event | Alert | Coverage | LinkRow | Note) -> int:
    match row:
        case Event() | Alert():
            return row.onset_ns
        case LinkRow():
            return row.sample.t_ns
        case _:
            return row.t_ns
