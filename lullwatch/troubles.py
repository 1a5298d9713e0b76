"""Technical trouble: what is wrong becomes one silent alert, said once, and cleared when it is well.

Blindness of the sensors is not here: the rules see it in the coverage, live and in replay alike, and it rings.
Everything here is about this computer and its surroundings. While the journal takes nothing there is no coverage
either: that nobody watches then is said here, and rings all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from alerts import rules
from alerts.severity import TABLE, Table
from alerts.state import OpenTrouble
from alerts.words import PLAIN_ENGLISH, Wording
from dsp.clock import Clock
from dsp.records import NS, Alert, Context, ContextKind, Coverage, LinkSample, Output, Severity
from store.rows import Row

__all__ = ["HoursLeft", "SensorTroubles", "Troubles"]

LINK_LOST_S = 60.0
"""A baby that turns hides a sock for seconds, and a link heals itself within half a minute."""
REPORT_LATE_S = 30.0
"""A link that streams reports once a minute: whether data flows is known only then, and a little later."""
OFF_MINUTES = 5
"""A change of nappy takes less."""
LOOSE_S = 300.0
"""One firm sock in twelve is taken for loose for a minute: that tells nobody."""
BATTERY_FLOOR = 15
"""Per cent, where no trend is known yet: small cells fall fast at the end."""
_TREND_NS = 1800 * NS
_TREND_DROP = 3
"""A trend is trusted after half an hour and three points: gauges move in steps of one."""
_CHARGED = 5
"""So many points up mean that it was charged or changed."""
_LOOSE = "loose"
_ENOUGH = 1.25
"""Well again when a quarter more than is needed is left, so that it does not come and go."""
BEHIND_FOR_S = 60.0
"""After a start the detectors catch up with the journal, mostly within seconds: that tells nobody."""
IN_TIME_S = 60.0
"""Deciding that was behind is in time again below this, so that it does not come and go."""

HoursLeft = Callable[[int], float]
"""Hours of the night that are left at a data time; 0 by day."""


class Adder(Protocol):
    """Takes rows that are tried again until they are durable."""

    def add_quietly(self, row: Row) -> None:
        """Queue a row."""
        ...


class Troubles:
    """Open troubles of one gateway, and the alerts that tell them. Use `say` from any thread.

    Args:
        clock: data time.
        intake: takes the alerts.
        told: told every alert that was raised or cleared.
        wording: how people are spoken to.
        table: the severity table in force.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        intake: Adder,
        told: Callable[[list[Alert]], None],
        wording: Wording = PLAIN_ENGLISH,
        table: Table = TABLE,
    ) -> None:
        self._clock = clock
        self._intake = intake
        self._told = told
        self._wording = wording
        self._table = table
        self._state = rules.RuleState()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._early: list[tuple[str, str, str, str]] = []
        """said before the start"""
        self._behind_since_ns: int | None = None

    def begin(self, rows: Iterable[Row]) -> None:
        """What was told before this start and not cleared is still told: it is cleared when it is well."""
        self._loop = asyncio.get_running_loop()
        standing: dict[str, Alert] = {}
        for row in rows:
            if isinstance(row, Alert) and row.severity is Severity.TECHNICAL and not _is_of_the_rules(row):
                standing[row.id] = row
        self._state = rules.RuleState(
            troubles=tuple(_open_trouble(a) for a in standing.values() if not a.cleared)
        )
        while self._early:
            self._say(*self._early.pop(0))

    def say(self, kind: str, why: str, *, infant: str = "", detail: str = "") -> None:
        """`kind` of the severity table is wrong because of `why`, or well when it is empty.

        Args:
            kind: a kind of the severity table.
            why: for the facts of the alert; it is not part of the text that people read.
            infant: whose; empty: the gateway's.
            detail: which sensor or part, in ids; each is a trouble of its own.
        """
        if self._loop is None:
            self._early.append((kind, why, infant, detail))
            return
        try:
            inside = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            inside = False
        if inside:
            self._say(kind, why, infant, detail)
        else:
            self._loop.call_soon_threadsafe(self._say, kind, why, infant, detail)

    def look(self, committed_ns: int, decided_ns: int) -> None:
        """Nothing is decided on what cannot be kept: after the time that sensors may be blind it rings.

        What is kept and decided on later than that rings as well.

        Args:
            committed_ns: when the journal took something last.
            decided_ns: data time up to which every infant that is watched has been decided on.
        """
        now_ns, limit_ns = self._clock.now_ns(), int(self._table.blind_s * NS)
        blind = now_ns - committed_ns > limit_ns
        self.say("blind", "nothing can be recorded" if blind else "", detail="journal")
        if not blind:  # else it is said that nothing comes at all
            self._look_at_deciding(now_ns, now_ns - decided_ns, limit_ns)

    def _look_at_deciding(self, now_ns: int, behind_ns: int, limit_ns: int) -> None:
        if behind_ns <= limit_ns:
            self._behind_since_ns = None
        elif self._behind_since_ns is None:
            self._behind_since_ns = now_ns
        if behind_ns <= int(IN_TIME_S * NS):
            self.say("behind", "")
        elif self._behind_since_ns is not None and now_ns - self._behind_since_ns >= int(BEHIND_FOR_S * NS):
            self.say("behind", f"decided on {behind_ns / (60 * NS):.0f} min late")

    @property
    def open(self) -> tuple[OpenTrouble, ...]:
        """What was told and has not ended."""
        return self._state.troubles

    def _say(self, kind: str, why: str, infant: str, detail: str) -> None:
        trouble = rules.Trouble(kind, self._clock.now_ns(), not why, infant, detail, why)
        self._state, alerts = rules.decide(self._state, trouble, self._table, wording=self._wording)
        for alert in alerts:
            self._intake.add_quietly(alert)
        if alerts:
            self._told(list(alerts))


def _is_of_the_rules(alert: Alert) -> bool:
    return alert.pattern == "blind" and not alert.facts.get("detail")


def _open_trouble(alert: Alert) -> OpenTrouble:
    detail = str(alert.facts.get("detail") or "")
    return OpenTrouble(alert.pattern, alert.infant, detail, alert.id, alert.version, alert.onset_ns)


@dataclass(slots=True)
class _Sensor:
    """What is known of one sensor's link and battery."""

    infant: str
    place: str
    """site and id"""
    away_ns: int | None = None
    """since when it does not stream"""
    received: int = -1
    streams: bool = False
    """it said so last"""
    first: tuple[int, int] | None = None
    """first battery reading since it was charged: when, per cent"""
    newest: tuple[int, int] | None = None
    low: bool = False

    def needs(self, hours_left: float) -> bool:
        """Whether the battery is for less than what is left of the night."""
        if self.newest is None or self.first is None:
            return False
        (t0_ns, level0), (t_ns, level) = self.first, self.newest
        if level0 - level < _TREND_DROP or t_ns - t0_ns < _TREND_NS:
            return level < BATTERY_FLOOR + (_CHARGED if self.low else 0)
        lasts_h = level / ((level0 - level) / ((t_ns - t0_ns) / (3600 * NS)))
        return level < BATTERY_FLOOR or lasts_h < hours_left * (_ENOUGH if self.low else 1.0)


class SensorTroubles:
    """Links that are lost, batteries that will not last, sensors that are off: from what they report.

    Args:
        say: `Troubles.say`.
        hours_left: of the night, at a data time.
    """

    def __init__(self, say: Callable[..., None], hours_left: HoursLeft) -> None:
        self._say = say
        self._hours_left = hours_left
        self._sensors: dict[tuple[str, str], _Sensor] = {}
        self._off: dict[tuple[str, str], int] = {}
        """minutes in a row, by infant and site"""
        self._loose: dict[tuple[str, str], int] = {}
        """since when, by infant and site"""

    def begin(self, rows: Iterable[Row]) -> None:
        """What was told before this start is not well only because it is not told again."""
        newest = {row.id: row for row in rows if isinstance(row, Alert) and row.pattern == "sensor"}
        for alert in newest.values():
            if not alert.cleared and alert.facts.get("why") == _LOOSE:
                self._loose[alert.infant, str(alert.facts.get("detail"))] = alert.onset_ns

    def told(self, outputs: Iterable[Output]) -> None:
        """What a detector told: a loose sensor is told when it begins, and again when it ends."""
        for row in outputs:
            if not isinstance(row, Context) or row.kind is not ContextKind.LOOSE:
                continue
            for site in row.sites:
                key = (row.infant, site.value)
                if row.end_ns == row.onset_ns:
                    self._loose.setdefault(key, row.onset_ns)
                else:
                    self._loose.pop(key, None)

    def link(self, infant: str, sample: LinkSample) -> None:
        """A report about a link."""
        key = (infant, sample.sensor)
        sensor = self._sensors.setdefault(key, _Sensor(infant, f"{sample.site.value} {sample.sensor}"))
        if sample.state == "stopped":
            sensor.away_ns = None  # a planned stop is no trouble
            return
        sensor.streams = sample.state == "streaming"
        flows = sensor.streams and sample.received != sensor.received
        sensor.received = sample.received
        if flows:
            sensor.away_ns = None
        elif sensor.away_ns is None:
            sensor.away_ns = sample.t_ns
        self._look_at_link(sensor, sample.t_ns, sample.state)
        if sample.battery is not None:
            self._battery(sensor, sample.t_ns, sample.battery)

    def look(self, now_ns: int) -> None:
        """Time goes on, also while nobody reports anything."""
        for sensor in self._sensors.values():
            grace_ns = int(REPORT_LATE_S * NS) if sensor.streams else 0
            self._look_at_link(sensor, now_ns - grace_ns, "")

    def minute(self, minute: Coverage) -> None:
        """A minute of coverage."""
        for site, _ in minute.seen:
            key = (minute.infant, site.value)
            if f"not_worn:{site}" in minute.causes:
                self._off[key] = self._off.get(key, 0) + 1
                if self._off[key] >= OFF_MINUTES:
                    self._say("sensor", "not worn", infant=minute.infant, detail=site.value)
            elif f"no_data:{site}" not in minute.causes:
                self._off[key] = 0
                since_ns = self._loose.get(key, minute.t_ns + minute.span_ns)
                loose = minute.t_ns + minute.span_ns - since_ns >= int(LOOSE_S * NS)
                self._say("sensor", _LOOSE if loose else "", infant=minute.infant, detail=site.value)

    def _look_at_link(self, sensor: _Sensor, now_ns: int, state: str) -> None:
        if sensor.away_ns is None:
            self._say("link", "", infant=sensor.infant, detail=sensor.place)
        elif now_ns - sensor.away_ns >= int(LINK_LOST_S * NS):
            why = "connected, but no data" if state == "streaming" else "no data"
            self._say("link", why, infant=sensor.infant, detail=sensor.place)

    def _battery(self, sensor: _Sensor, t_ns: int, level: int) -> None:
        if sensor.newest is None or level >= sensor.newest[1] + _CHARGED:
            sensor.first = (t_ns, level)
        sensor.newest = (t_ns, level)
        sensor.low = sensor.needs(self._hours_left(t_ns))
        why = f"{level} per cent" if sensor.low else ""
        self._say("battery", why, infant=sensor.infant, detail=sensor.place)
