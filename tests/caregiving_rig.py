"""A gateway's caregiving without its radio: a real journal, a real broker, a phone that can be broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alerts.commands import Result, Test
from alerts.escalation import ChannelFailed, Notification, Person
from alerts.mqtt import BrokerAddress, MqttPublisher
from alerts.payloads import Topics
from dsp.records import NS, Alert, ClockRow, Delivery, Severity
from lullwatch.announcer import ALERTS, Announcer
from lullwatch.caregiving import Caregiving, recent_rows
from lullwatch.known_events import KnownEvents
from lullwatch.mqtt_channel import MqttChannel
from store.journal import Journal
from store.rows import Row
from store.shelf import Shelf
from store.utc import UtcMap
from tests.servers_fixtures import Broker

UTC_0_NS = 1_773_525_600 * NS
CLOCK = ClockRow(0, UTC_0_NS, "b", "UTC")
ANNA = Person("anna", ("ntfy",))
BEN = Person("ben", ("ntfy",), order=1, after_s=120)


class HandClock:
    """Data time moved by hand; sleepers sleep until it is moved far enough."""

    def __init__(self, now_ns: int = 1000 * NS) -> None:
        self._now_ns = now_ns
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def now_ns(self) -> int:
        return self._now_ns

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now_ns + int(seconds * NS), future))
        await future

    def move(self, seconds: float) -> None:
        self._now_ns += int(seconds * NS)
        due = [f for t_ns, f in self._sleepers if t_ns <= self._now_ns]
        self._sleepers = [(t_ns, f) for t_ns, f in self._sleepers if t_ns > self._now_ns]
        for future in due:
            if not future.done():
                future.set_result(None)


class Desk:
    """Commits rows to a journal at once; can be told that the disk is full."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.full: Exception | None = None
        self._later: list[Row] = []

    def add(self, row: Row) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.full is None:
            self.journal.commit([row])
            waiter.set_result(None)
        else:
            waiter.set_exception(self.full)
        return waiter

    def add_quietly(self, row: Row) -> None:
        self._later.append(row)
        self._flush()

    async def keep(self) -> None:
        self._flush()

    def _flush(self) -> None:
        if self.full is None:
            self.journal.commit(self._later)
            self._later = []


@dataclass
class Phone:
    """A channel that keeps what it was given."""

    got: list[Notification] = field(default_factory=list)
    broken: bool = False

    async def send(self, message: Notification) -> None:
        if self.broken:
            raise ChannelFailed("ntfy", "the service does not answer")
        self.got.append(message)

    def kinds(self, person: str | None = None) -> list[str]:
        return [n.send.kind.value for n in self.got if person in (None, n.send.person)]


def alert(
    number: int = 1, severity: Severity = Severity.URGENT, announce: str = "ring", **more: Any
) -> Alert:
    fields: dict[str, Any] = {
        "id": f"alert-{number}", "version": 1, "severity": severity, "infant": "kid", "t_ns": 1000 * NS,
        "pattern": "repeated_brief_movements", "event_id": f"e{number}", "onset_ns": 970 * NS, "end_ns": 1000 * NS,
        "count": 5, "rule": "series-clear@1", "text": "Repeated brief movements recorded\nLook at your baby now.",
        "facts": {"announce": announce, "status": "update"},
    }  # fmt: skip
    return Alert(**{**fields, **more})


class Home:
    """Caregiving on a journal in a folder, and what is around it."""

    def __init__(
        self, folder: Path, people: Sequence[Person] = (ANNA, BEN), broker: Broker | None = None
    ) -> None:
        self.folder = folder
        self.people = tuple(people)
        self.broker = broker
        self.clock = HandClock()
        self.phone = Phone()
        self.tests: list[Test] = []
        self.path = folder / "journal-2026-03-14.sqlite"

    async def tested(self, command: Test) -> Result:
        self.tests.append(command)
        return Result(command="test", ok=True)

    @asynccontextmanager
    async def living(self) -> AsyncIterator[Home]:
        """From a start of the program to its end, which is as sudden as a kill."""
        with Journal.open(self.path) as self.journal, Shelf.around(self.path) as shelf:
            if not self.journal.clock_rows():
                self.journal.commit([CLOCK])
            self.desk = Desk(self.journal)
            utc = UtcMap(self.journal.clock_rows())
            publisher, mqtt = None, None
            if self.broker is not None:
                topics = Topics(self.broker.topic)
                publisher = MqttPublisher(
                    BrokerAddress(self.broker.host, self.broker.port), topics, clock=self.clock,
                    on_delivery=self._delivered, infants=["kid"], on_command=self._asked,
                )  # fmt: skip
                mqtt = MqttChannel(publisher, topics, clock=self.clock, utc=utc)
            self.mqtt, self.publisher = mqtt, publisher
            self.care = Caregiving(
                people=self.people, sources=("home-assistant",), infants=["kid", "sib"], clock=self.clock, utc=utc,
                zone="UTC", intake=self.desk, channels={"ntfy": self.phone}, mqtt=mqtt, on_test=self.tested,
                events=KnownEvents(self.folder),
            )  # fmt: skip
            tasks = [asyncio.create_task(self.care.run())]
            self.announcer: Announcer | None = None
            if publisher is not None:
                self.announcer = Announcer(
                    shelf,
                    publisher,
                    topics,
                    tables=ALERTS,
                    utc=utc,
                    clock=self.clock,
                    record=self.care.record,
                )
                tasks += [asyncio.create_task(publisher.run()), asyncio.create_task(self.announcer.run())]
                await until(lambda: self.connected)
            self.care.begin(list(recent_rows(shelf)))
            try:
                yield self
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _asked(self, infant: str, name: str, payload: bytes) -> bytes:
        return await self.care.on_command(infant, name, payload)

    def _delivered(self, step: Delivery) -> None:
        self.desk.add_quietly(step)
        if self.mqtt is not None:
            self.mqtt.confirmed(step)

    def decide(self, *alerts: Alert) -> None:
        """The rules decide on alerts."""
        self.journal.commit(list(alerts))
        self.care.told(alerts)
        if self.announcer is not None:
            self.announcer.wake()

    async def pass_time(self, seconds: float, step_s: float = 5.0) -> None:
        """Let data time go on, and everything that follows from it happen."""
        for _ in range(max(1, int(seconds / step_s))):
            self.clock.move(step_s)
            for _ in range(20):
                await asyncio.sleep(0)

    async def ask(
        self, name: str, body: str, infant: str = "kid", *, channel: str = "mqtt"
    ) -> dict[str, Any]:
        """Ask for something as a phone would, and give the answer."""
        import json

        answer = await self.care.on_command(infant, name, body.encode(), channel=channel)
        return json.loads(answer) if answer else {}

    @property
    def connected(self) -> bool:
        return self.publisher is not None and self.publisher.connected

    def steps(self, step: str) -> list[Delivery]:
        return [row for row in self.journal.deliveries() if row.step == step]


async def until(condition: Callable[[], bool], *, limit_s: float = 10.0) -> None:
    """Real time until something holds."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.01)
