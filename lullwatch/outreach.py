"""What goes out to people and comes back: one gateway's alerts, trouble, self-test and devices, wired together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from alerts.limits import table_of
from alerts.mqtt import BrokerAddress, MqttPublisher, PublisherStopped
from alerts.payloads import Message, Topics, tested_message
from alerts.state import OpenTrouble
from alerts.wire import SelfTestBody
from alerts.words import Wording
from dsp.clock import Clock
from dsp.records import SELF_TEST, Alert, Delivery, LinkSample, Site
from store.rows import Row
from store.shelf import Shelf
from store.utc import UtcMap

from .announcer import ANNOUNCED, Announcer, cursor_of
from .arming import Armer
from .caregiving import Caregiving, Household, hours_left
from .home_assistant import LOOK_EVERY_S, Devices, NightBoard, night_rows
from .intake import Intake
from .json_logs import to_do_about
from .known_events import KnownEvents
from .mqtt_channel import MqttChannel
from .self_test import Outcome, SelfTest, last_outcome, local_moment
from .spine import Taken
from .troubles import SensorTroubles, Troubles

__all__ = ["STOP_S", "Outreach"]

_log = logging.getLogger(__name__)

SERVICE = "service"
"""Kind of the trouble of a part that keeps failing; without a detail the supervisor tells it."""
STOP_S = 10.0
"""What the end of one part may take, real seconds, before it is left behind."""


class Outreach:
    """The side of a gateway that faces people; whoever makes it starts and ends its work, in order.

    Args:
        name: id of the gateway, used in topics.
        shelf: the nights.
        clock: data time.
        utc: ties it to UTC.
        zone: IANA name.
        intake: the only way into the journal.
        infants: ids of those who are here.
        sites: what each wears, for Home Assistant; None announces no devices.
        broker: where alerts go; None keeps them in the journal.
        wording: how people are spoken to.
        household: who is told, over what, and may answer.
        armer: knows who is watched and who is not.
    """

    def __init__(
        self,
        *,
        name: str,
        shelf: Shelf,
        clock: Clock,
        utc: UtcMap,
        zone: str,
        intake: Intake,
        infants: Sequence[str],
        sites: Mapping[str, Sequence[Site]] | None,
        broker: BrokerAddress | None,
        wording: Wording,
        household: Household,
        armer: Armer,
    ) -> None:
        self._armer = armer
        self._topics = Topics(name)
        self._shelf = shelf
        self._clock = clock
        self._utc = utc
        self._zone = zone
        self._intake = intake
        self._infants = list(infants)
        self._wording = wording
        self._household = household
        self._table = table_of(household.limits)
        self._devices = Devices(self._topics, sites, wording.catalogue, publish=self._post, again=self._again)
        self.publisher = None if broker is None else self._make_publisher(broker)
        self._mqtt = None if self.publisher is None else self._make_channel(self.publisher)
        self.self_test = self._make_self_test()
        self.care = self._caregiving()
        self._troubles = Troubles(
            clock=clock, intake=intake, told=self.decided, wording=wording, table=self._table
        )
        self._sensors = SensorTroubles(self._say_of_sensors, hours_left(utc, zone, household.night_ends))
        self._board = NightBoard(
            self._topics,
            self._infants,
            clock=clock,
            utc=utc,
            zone=zone,
            open_alerts=self._open_alerts,
            troubles=lambda: self._troubles.open,
        )
        self._announcers = [] if self.publisher is None else self._make_announcers(self.publisher)

    def begin(self, recent: Sequence[Row]) -> None:
        """Go on from what the journal says, see `caregiving.recent_rows`."""
        self._troubles.begin(recent)
        for trouble in self._troubles.open:
            if trouble.kind == SERVICE and trouble.detail:  # of a part of the process before this one
                self.say(SERVICE, "", infant=trouble.infant, detail=trouble.detail)
        self._sensors.begin(recent)
        self.care.begin(recent)

    async def to_broker(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """What is to run while there is a broker, by name, the connection first; nothing without one."""
        if self.publisher is None:
            return {}
        self._show(await asyncio.to_thread(lambda: list(night_rows(self._shelf))))
        self._devices.announce()
        return {"broker": self.publisher.run} | {a.name: a.run for a in self._announcers}

    async def show(self) -> None:
        """Keep what stands of the night published, until cancelled."""
        while True:
            for message in self._board.news():
                self._post(message)
            await self._clock.sleep(LOOK_EVERY_S)

    async def tell_last_test(self) -> None:
        """The status says what became of the last self-test, also of an earlier run."""
        if (tested := await asyncio.to_thread(last_outcome, self._shelf)) is not None:
            await self._tested(tested)  # held until there is a connection

    def say(self, kind: str, why: str, *, infant: str = "", detail: str = "") -> None:
        """See `Troubles.say`."""
        self._troubles.say(kind, why, infant=infant, detail=detail)

    def on_trouble(self, kind: str, why: str) -> None:
        """A part is in technical trouble, or well again when `why` is empty. May be called from any thread."""
        if why:
            _log.warning("%s: %s", kind, why, extra={"do": to_do_about(kind)})
        else:
            _log.info("%s: well again", kind)
        self.say(kind, why)

    def failing(self, part: str, why: str, *, infant: str = "") -> None:
        """A part of this service fails and is begun again, or is well when `why` is empty.

        Args:
            part: what stands in the trouble's detail.
            why: in English.
            infant: whose it is; empty for what is everybody's.
        """
        self.say(SERVICE, why, infant=infant, detail=part)

    def look(self, committed_ns: int, decided_ns: Mapping[str, int]) -> None:
        """Time goes on; the journal took something at `committed_ns` last, each infant is decided on up to then."""
        now_ns = self._clock.now_ns()
        self._sensors.look(now_ns)
        watched = [i for i in self._infants if self._armer.is_armed(i)]
        self._troubles.look(
            committed_ns if watched else now_ns,
            min((decided_ns[i] for i in watched if decided_ns.get(i)), default=now_ns),
        )

    @property
    def troubles(self) -> tuple[OpenTrouble, ...]:
        """What was told and has not ended."""
        return self._troubles.open

    def linked(self, infant: str, sample: LinkSample) -> None:
        """A report about a link."""
        self._sensors.link(infant, sample)

    def taken(self, taken: Taken) -> None:
        """What a batch led to."""
        for infant, told in taken.told.items():
            self.decided(told.alerts)
            self._show([*told.events, *told.coverage])
            if infant != SELF_TEST:
                self._sensors.told(told.outputs)
                for minute in told.coverage:
                    self._sensors.minute(minute)
        self.self_test.taken(taken)
        for announcer in self._announcers:
            announcer.wake()

    def decided(self, alerts: Iterable[Alert]) -> None:
        """Alerts that were decided, in order."""
        self.care.told(alerts)

    async def announced(self) -> None:
        """Wait until the broker has confirmed everything that is in the journal."""
        for announcer in self._announcers:
            announcer.wake()
            await announcer.settled()

    async def last_words(self) -> None:
        """Tell people what was decided last, as far as they can be reached now; the rest is told at the next start."""
        try:
            async with asyncio.timeout(STOP_S):
                await self.care.settled()
        except TimeoutError:
            _log.warning("not everybody could be told; the rest is told at the next start")

    async def farewell(self, *, planned: bool) -> None:
        """Hand over what the broker has not confirmed, and say that the service ends; its work then ends by itself."""
        if self.publisher is None:
            return
        try:
            async with asyncio.timeout(STOP_S):
                await self.announced()
        except TimeoutError:
            _log.warning("the broker has not confirmed everything; the rest is sent at the next start")
        await self.publisher.stop(planned=planned)

    # inside

    def _show(self, rows: Sequence[Row]) -> None:
        """What is only shown may not keep anything from being decided, nor anybody from being told."""
        try:
            self._board.feed(rows)
        except Exception as error:  # noqa: BLE001 - whatever the board makes of a row
            _log.exception("the night's picture for Home Assistant is not whole")
            self.failing("board", type(error).__name__)

    def _say_of_sensors(self, kind: str, why: str, *, infant: str = "", detail: str = "") -> None:
        """Nobody is told of a sensor that is off while nobody relies on it; a battery is charged by day."""
        off = kind != "battery" and not self._armer.is_armed(infant)
        self._troubles.say(kind, "" if off else why, infant=infant, detail=detail)

    def _make_publisher(self, broker: BrokerAddress) -> MqttPublisher:
        return MqttPublisher(
            broker,
            self._topics,
            clock=self._clock,
            on_delivery=self._delivered,
            on_trouble=self.on_trouble,
            infants=self._infants,
            on_command=self._asked,
            heard=self._devices.heard,
        )

    def _make_channel(self, publisher: MqttPublisher) -> MqttChannel:
        words = self._wording.catalogue
        return MqttChannel(
            publisher, self._topics, clock=self._clock, utc=self._utc, words=words, table=self._table
        )

    def _make_announcers(self, publisher: MqttPublisher) -> list[Announcer]:
        return [
            Announcer(
                self._shelf,
                publisher,
                self._topics,
                tables=tables,
                utc=self._utc,
                clock=self._clock,
                say=partial(self.failing, cursor_of(tables)),
                record=self.care.record,
                words=self._wording.catalogue,
                table=self._table,
            )
            for tables in ANNOUNCED
        ]

    def _caregiving(self) -> Caregiving:
        household = self._household
        return Caregiving(
            people=household.people,
            sources=household.sources,
            infants=self._infants,
            clock=self._clock,
            utc=self._utc,
            zone=self._zone,
            intake=self._intake,
            channels=household.channels,
            mqtt=self._mqtt,
            table=self._table,
            wording=self._wording,
            on_test=self.self_test.on_test,
            events=KnownEvents(self._shelf.folder),
        )

    def _make_self_test(self) -> SelfTest:
        return SelfTest(
            clock=self._clock,
            line=self._intake,
            shelf=self._shelf,
            people=self._household.people,
            local=partial(local_moment, self._utc, self._zone),
            on_trouble=self.on_trouble,
            on_outcome=self._tested,
            wording=self._wording,
        )

    async def _tested(self, outcome: Outcome) -> None:
        """The status says what became of the last self-test."""
        if self.publisher is not None:
            body = msgspec.convert(msgspec.to_builtins(outcome), SelfTestBody)
            message = tested_message(self._topics, body, self._clock.now_ns())
            with suppress(PublisherStopped):
                await self.publisher.publish(message)

    def _post(self, message: Message) -> None:
        if self.publisher is not None:
            self.publisher.post(message)

    def _again(self) -> None:
        if self.publisher is not None:
            self.publisher.publish_again()

    def _open_alerts(self, infant: str) -> list[Alert]:
        return self.care.machine.open_alerts(infant)

    async def _asked(self, infant: str, name: str, payload: bytes) -> bytes:
        """What came over MQTT for an infant, or for the gateway."""
        return await self.care.on_command(infant, name, payload)

    def _delivered(self, step: Delivery) -> None:
        self._intake.add_quietly(step)
        if self._mqtt is not None:
            self._mqtt.confirmed(step)
