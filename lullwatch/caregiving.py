"""The part that makes alerts reach people: the escalation on the live clock, channels, and what people answer.

Everything it knows is in the journal: it folds the rows of alerts and deliveries of this night and the last at its
start, and from then on every row before the row is acted on. What is to be sent is written down first; a program
that dies in between sends it once more, as a repeat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from alerts.catalogue import Catalogue
from alerts.escalation import Channel, ChannelFailed, Due, Escalation, Kind, Notification, Person, Send
from alerts.limits import DEFAULT_LIMITS, Limits
from alerts.people import MQTT
from alerts.proof import ACKNOWLEDGED, outcome_row, proof_of, raised_row, shown_row
from alerts.severity import TABLE, Table
from alerts.telling_words import is_old, said_late, text_of, while_muted
from alerts.words import PLAIN_ENGLISH, Wording
from dsp.clock import Clock
from dsp.records import NS, SELF_TEST, Alert, Delivery
from store.errors import StoreError
from store.rows import Row
from store.shelf import Shelf
from store.utc import UtcMap

from .armed_hours import ArmedHours
from .asking import Asking, Keep, OnTest
from .known_events import KnownEvents
from .mqtt_channel import MqttChannel
from .troubles import HoursLeft

__all__ = ["Caregiving", "Committer", "Household", "hours_left", "recent_rows"]

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""Between two looks at who is to be told: repeats and the next person may be so late, a new alert is not."""
SEND_TIMEOUT_S = 15.0
"""What a channel may take, real seconds, before the next person is told instead. Push services answer in one."""
_NIGHTS = 2
"""How far back a start reads: this night and the last. An alert of before then has told its last."""
_TABLES = ("alert", "delivery")
_NIGHT_H = 13.0
"""A night begins so long before it ends: with an end at 7 in the morning, at 6 in the evening."""


class Committer(Keep, Protocol):
    """The intake, which can also be asked to commit at once."""

    async def keep(self) -> None:
        """Make durable what is queued now, however much of it is still to be decided on."""
        ...


@dataclass(frozen=True, slots=True)
class Household:
    """Who is told and may answer, over what, and who watches the watcher; as the settings say."""

    people: tuple[Person, ...] = ()
    sources: tuple[str, ...] = ("home-assistant", "page")
    channels: Mapping[str, Channel] = field(default_factory=dict)
    """push services by name"""
    night_ends: time = time(7)
    """until then a battery has to last"""
    limits: Limits = DEFAULT_LIMITS
    """of the severity table"""
    ping_url: str | None = None
    """asked every minute while everything runs"""
    hours: tuple[ArmedHours, ...] = ()
    """in which somebody relies on being called; empty: always"""


class Caregiving:
    """One gateway's way from alerts to people and back.

    Args:
        people: of the settings; without any, everyone who reads the topic is one person.
        sources: what else may command.
        infants: ids of those who are here.
        clock: data time.
        utc: ties it to UTC.
        zone: IANA name, for quiet hours.
        intake: the only way into the journal.
        channels: by name; `mqtt` apart.
        mqtt: the topic; None without a broker.
        wording: how people are spoken to.
        table: the severity table in force.
        on_test: starts the self-test.
        events: those of the journals, of which people say something.
    """

    def __init__(
        self,
        *,
        people: Sequence[Person] = (),
        sources: Collection[str] = (),
        infants: Collection[str],
        clock: Clock,
        utc: UtcMap,
        zone: str,
        intake: Committer,
        channels: Mapping[str, Channel] | None = None,
        mqtt: MqttChannel | None = None,
        wording: Wording = PLAIN_ENGLISH,
        table: Table = TABLE,
        on_test: OnTest | None = None,
        events: KnownEvents | None = None,
    ) -> None:
        self._clock = clock
        self._utc = utc
        self._zone: tzinfo = ZoneInfo(zone)
        self._intake = intake
        self._mqtt = mqtt
        self._channels: dict[str, Channel] = dict(channels or {}) | ({} if mqtt is None else {"mqtt": mqtt})
        self._words = wording.catalogue
        self._table = table
        self.machine = Escalation(people, local_time=self._local_time, table=table)
        self.asking = Asking(
            self.machine, people=people, sources=sources, infants=infants, clock=clock, utc=utc, keep=intake,
            on_done=self._done, on_test=on_test, events=events,
        )  # fmt: skip
        self._news = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        """messages to people"""
        self._beside: set[asyncio.Task[None]] = set()
        """how alerts stand, for whoever reads the topic: nobody waits for these"""

    def begin(self, rows: Iterable[Row]) -> None:
        """Fold what the journal says, see `recent_rows`; what was under way when the last run ended is due again."""
        for row in rows:
            if isinstance(row, Alert | Delivery):
                self.machine.fold(row)
            if isinstance(row, Delivery):
                self.asking.remember(row)
        self.machine.resumed()
        if self._mqtt is not None:
            for alert in self.machine.open_alerts():
                self._tell_all(alert, Kind.UPDATE)

    def told(self, alerts: Iterable[Alert]) -> None:
        """Alerts that were decided, in order; they are durable, or are queued to be."""
        for alert in alerts:
            self.machine.fold(alert)
        self._news.set()

    async def run(self) -> None:
        """Tell people, until cancelled."""
        while True:
            self._news.clear()
            while await self.turn():
                pass
            await self._wait()

    async def turn(self) -> bool:
        """Write down and do what is due now; False when nothing is."""
        now_ns = self._clock.now_ns()
        due = self.machine.due(now_ns)
        if not self._channels:
            due.sends = []  # neither a broker nor a phone is configured: what stands is seen on the page
        if not due:
            return False
        rows = self._rows(due, now_ns)
        for row in rows:
            self.machine.fold(row)
        kept = await self._written(rows)
        for send in due.sends:
            self._start(self._deliver(send, kept=kept), self._under_way)
        return True

    async def settled(self) -> None:
        """Do what is due, and wait until every channel has said whether it took what it was given."""
        while await self.turn() or self._under_way:
            if self._under_way:
                await asyncio.wait(self._under_way)

    async def on_command(self, infant: str, name: str, payload: bytes, *, channel: str = "mqtt") -> bytes:
        """What came over a channel; see `Asking.on_command`."""
        return await self.asking.on_command(infant, name, payload, channel=channel)

    def record(self, alert: Alert) -> Notification:
        """A version of an alert as everyone who reads the topic gets it: silent where a mute covers it."""
        now_ns = self._clock.now_ns()
        standing = self.machine.standing(alert, now_ns)
        asked = alert.facts.get("announce") == "ring"
        rings = asked and standing.open and standing.muted_until_ns is None and not standing.past
        kind = Kind.ALERT if asked or alert.version == 1 else Kind.UPDATE
        if alert.infant == SELF_TEST:
            kind = Kind.TEST  # beside it everybody gets one of their own, which rings
        send = Send("", "mqtt", alert.id, alert.version, kind, 0, rings)
        if standing.muted_until_ns is not None:
            alert = replace(alert, facts={**alert.facts, "announce": "update", "muted": 1})
        record = Notification(
            send=send, alert=alert, title=alert.text.partition("\n")[0], text=alert.text, standing=standing
        )
        if self._mqtt is not None:
            self._mqtt.made(record)
        return record

    # inside

    def _rows(self, due: Due, now_ns: int) -> list[Alert | Delivery]:
        rows: list[Alert | Delivery] = list(due.held)
        for over in due.ended:
            alert = while_muted(
                self._words, over.infant, over.alerts, now_ns, clock=self._clock_text, table=self._table
            )
            rows.append(alert)
            rows += [shown_row(a.id, a.version, now_ns, shown_in=alert.id) for a in over.alerts]
        return rows + [raised_row(send, now_ns) for send in due.sends]

    async def _written(self, rows: Sequence[Row]) -> bool:
        """Whether the rows are durable now; the journal could not take them else: a message waits for no full disk."""
        kept = True
        waiters = [self._intake.add(row) for row in rows]
        try:
            await self._intake.keep()
        except Exception:  # noqa: BLE001 - the service ends of it elsewhere, and nobody is to be told later for it
            _log.exception("what people are told now could not be written down")
            for waiter in waiters:
                waiter.cancel()
            await asyncio.gather(*waiters, return_exceptions=True)
            return False
        for row, outcome in zip(rows, await asyncio.gather(*waiters, return_exceptions=True), strict=True):
            if isinstance(outcome, StoreError):
                self._intake.add_quietly(row)
                kept = False
            elif isinstance(outcome, BaseException):
                raise outcome
        return kept

    async def _deliver(self, send: Send, *, kept: bool) -> None:
        why_not = ""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                told = self._notification(send)
                if not kept:
                    told = _past_the_journal(self._words, told)
                await self._channel(send.channel).send(told)
        except TimeoutError:
            why_not = f"no answer in {SEND_TIMEOUT_S:.0f} s"
        except Exception as error:  # noqa: BLE001 - whatever one channel does, the next person must be told
            why_not = str(error) or type(error).__name__
        if why_not:
            _log.warning("a message to %s was not sent: %s", send.person, why_not)
        row = outcome_row(send, self._clock.now_ns(), why_not)
        self.machine.fold(row)
        self._intake.add_quietly(row)
        self._news.set()

    def _channel(self, name: str) -> Channel:
        if name not in self._channels:
            raise ChannelFailed(name, "there is no such channel here: see [[people]] in the settings")
        return self._channels[name]

    def _notification(self, send: Send) -> Notification:
        alert = self.machine.alert(send.alert_id)
        if alert is None:
            raise ChannelFailed(send.channel, "the alert is no longer remembered")
        now_ns = self._clock.now_ns()
        standing = self.machine.standing(alert, now_ns)
        title, text = text_of(self._words, send.kind, alert, standing)
        # on the topic it is said at the moment the broker takes it
        if send.channel != MQTT and is_old(send.kind, alert, standing) and not alert.late:
            text = said_late(text, self._words, now_ns - alert.onset_ns)
        return Notification(send=send, alert=alert, title=title, text=text, standing=standing)

    def _done(self, rows: Sequence[Row]) -> None:
        """Somebody asked for something: it holds from now on."""
        for row in rows:
            if isinstance(row, Alert | Delivery):
                self.machine.fold(row)
        for row in rows:
            if isinstance(row, Delivery) and row.step == ACKNOWLEDGED:
                alert = self.machine.alert(row.alert_id)
                # an answer to what is over already changes nothing that anybody could be told
                answered = alert is not None and self.machine.standing(alert, row.t_ns).acknowledged_by
                if alert is not None and answered and self._mqtt is not None:
                    self._tell_all(alert, Kind.FALSE_ALARM if proof_of(row).false_alarm else Kind.ANSWERED)
        self._news.set()

    def _tell_all(self, alert: Alert, kind: Kind) -> None:
        """Whoever reads the topic learns how an alert stands, whether they were told or not."""
        send = Send("", "mqtt", alert.id, alert.version, kind, 0, rings=False)
        self._start(self._published(send), self._beside)

    async def _published(self, send: Send) -> None:
        assert self._mqtt is not None  # noqa: S101 - narrows the type; whoever calls has looked
        try:
            await self._mqtt.broadcast(self._notification(send))
        except ChannelFailed as error:
            _log.info("how alert %s stands was not published: %s", send.alert_id, error)

    @staticmethod
    def _start(work: Awaitable[None], among: set[asyncio.Task[None]]) -> None:
        task = asyncio.ensure_future(work)
        among.add(task)
        task.add_done_callback(among.discard)

    async def _wait(self) -> None:
        """Until there is news, or it is time to look again."""
        work = [
            asyncio.ensure_future(self._news.wait()),
            asyncio.ensure_future(self._clock.sleep(LOOK_EVERY_S)),
        ]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    def _local(self, t_ns: int) -> datetime:
        return datetime.fromtimestamp(self._utc.utc_ns(t_ns) // NS, tz=self._zone)

    def _local_time(self, t_ns: int) -> time:
        return self._local(t_ns).time()

    def _clock_text(self, t_ns: int) -> str:
        return f"{self._local(t_ns):%H:%M}"


def _past_the_journal(words: Catalogue, told: Notification) -> Notification:
    """The same message, which says that it could not be written down before it was sent."""
    alert = replace(told.alert, facts={**told.alert.facts, "unwritten": 1})
    return replace(told, alert=alert, text=f"{told.text}\n{words.text('telling.unwritten')}")


def hours_left(utc: UtcMap, zone: str, ends: time) -> HoursLeft:
    """How long a night still is at a data time, in hours: from the evening before `ends` on, else 0."""

    def left(t_ns: int) -> float:
        now = datetime.fromtimestamp(utc.utc_ns(t_ns) // NS, tz=ZoneInfo(zone))
        hours = (ends.hour - now.hour + (ends.minute - now.minute) / 60) % 24
        return hours if hours <= _NIGHT_H else 0.0

    return left


def recent_rows(shelf: Shelf) -> Iterator[Row]:
    """Rows of alerts and of what became of them, of this night and the last. Raises JournalError."""
    return shelf.newest_rows(_TABLES, nights=_NIGHTS)
