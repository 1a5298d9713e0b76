"""The summary goes out by itself: at its local time, once a night, over restarts, over every channel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, time
from pathlib import Path

import pytest
from bleak.backends.device import BLEDevice

import lullwatch.morning_post
from alerts.mqtt import BrokerAddress, MqttPublisher
from alerts.payloads import Message, Topics
from alerts.people import Person
from alerts.proof import PUBLISHED, RAISED
from alerts.telling import ChannelFailed, Kind, Notification
from alerts.words import Wording
from dsp.records import NS, Delivery, Site
from firmware_sim.sim_clock import SimClock
from lullwatch.gateway import Gateway, Radio, Sensor, Wearer
from lullwatch.morning import night_facts
from lullwatch.morning_post import MorningPost, summary_id
from lullwatch.night_facts import NightFacts, Window
from store.journal import Journal
from store.rows import Row
from tests.alert_makers import T0
from tests.servers_fixtures import PATIENCE_S, Broker
from tests.test_morning import BED_UTC_NS, CLOCK, NIGHT, ZONE, alert, coverage

SEVEN = T0 + 11 * 3600 * NS
"""data time of 07:00 in Berlin on the next morning"""
HOUR_NS = 3600 * NS


@dataclass
class SetClock:
    """A clock that stands where a test puts it."""

    t_ns: int = SEVEN

    def now_ns(self) -> int:
        return self.t_ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass
class Printer:
    """A channel, or a broker, that keeps what it was handed, or cannot take it."""

    broken: bool = False
    messages: list[Message] = field(default_factory=list)
    notes: list[Notification] = field(default_factory=list)

    async def publish(self, message: Message) -> None:
        if self.broken:
            await asyncio.Event().wait()
        self.messages.append(message)

    async def send(self, message: Notification) -> None:
        if self.broken:
            raise ChannelFailed("bell", "no line")
        self.notes.append(message)


ANNA = Person("anna", ("mqtt", "bell"))
BEN = Person("ben", ("bell",), order=1)


@dataclass
class House:
    """A journal with a night in it, and what a summary is sent with."""

    journal: Journal
    clock: SetClock
    mqtt: Printer = field(default_factory=Printer)
    bell: Printer = field(default_factory=Printer)

    async def keep(self, row: Row) -> None:
        self.journal.commit([row])

    def post(self, **more: object) -> MorningPost:
        given: dict[str, object] = {
            "journal": self.journal.path,
            "infants": ["inf1"],
            "zone": ZONE,
            "at": time(7),
            "clock": self.clock,
            "utc_ns": lambda t_ns: t_ns - T0 + BED_UTC_NS,
            "keep": self.keep,
            "topics": Topics("gw"),
            "mqtt": self.mqtt,
            "channels": {"bell": self.bell},
            "people": (ANNA, BEN),
            **more,
        }
        return MorningPost(**given)  # type: ignore[arg-type]

    def steps(self) -> list[Delivery]:
        return [d for d in self.journal.deliveries() if d.alert_id == summary_id("inf1", NIGHT)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Journal.open(tmp_path / "journal-2026-11-21.sqlite") as journal:
        journal.commit([CLOCK, *(coverage(n) for n in range(600)), alert("a")])
        yield House(journal, SetClock())


async def looked(post: MorningPost, times: int = 3) -> None:
    """Look, and let what was begun come to its end."""
    for _ in range(times):
        await post.look()
        for _ in range(20):
            await asyncio.sleep(0.001)


def test_at_seven_it_goes_to_the_broker_and_to_everyone_s_own_channel(house: House) -> None:
    asyncio.run(looked(house.post()))
    (message,) = house.mqtt.messages
    assert message.topic == "lullwatch/gw/inf1/summary"
    assert message.retain
    body = json.loads(message.payload)
    assert len(body["lines"]) == 10
    assert [a["id"] for a in body["unanswered"]] == ["a"]
    assert [n.send.person for n in house.bell.notes] == ["anna", "ben"]
    note = house.bell.notes[0]
    assert note.text.splitlines() == body["lines"]
    assert note.title == "Summary of the night"
    assert (note.send.kind, note.send.rings) == (Kind.SUMMARY, False)


@pytest.mark.parametrize("hours", [-12.0, -0.01, 12.1])
def test_at_other_times_nothing_goes_out(house: House, hours: float) -> None:
    house.clock.t_ns = SEVEN + round(hours * HOUR_NS)
    asyncio.run(looked(house.post()))
    assert not house.mqtt.messages
    assert not house.steps()


def test_it_goes_out_once_over_any_number_of_restarts(house: House) -> None:
    for minutes in range(5):
        house.clock.t_ns = SEVEN + minutes * 60 * NS
        asyncio.run(looked(house.post()))
    assert len(house.mqtt.messages) == 1
    assert len(house.bell.notes) == 2
    assert [s.step for s in house.steps()].count(RAISED) == 1
    assert sorted(s.channel for s in house.steps() if s.step == PUBLISHED) == [
        "bell/anna",
        "bell/ben",
        "mqtt",
    ]


def test_a_start_after_seven_sends_what_seven_missed(house: House) -> None:
    house.clock.t_ns = SEVEN + 3 * HOUR_NS
    asyncio.run(looked(house.post()))
    assert len(house.mqtt.messages) == 1


def test_that_it_is_due_is_durable_before_anything_is_sent(house: House) -> None:
    house.mqtt.broken = house.bell.broken = True
    asyncio.run(looked(house.post(), 1))
    assert [s.step for s in house.steps()] == [RAISED]


def test_a_restart_in_the_middle_sends_the_rest_and_nothing_twice(house: House) -> None:
    house.mqtt.broken = True
    asyncio.run(looked(house.post()))
    assert len(house.bell.notes) == 2
    house.mqtt.broken = False
    asyncio.run(looked(house.post()))
    assert len(house.mqtt.messages) == 1
    assert len(house.bell.notes) == 2
    assert [s.step for s in house.steps()].count(RAISED) == 1


def test_a_channel_that_fails_is_tried_again_a_minute_later(house: House) -> None:
    async def night() -> None:
        post = house.post()
        house.bell.broken = True
        await looked(post)
        house.bell.broken = False
        await looked(post)

    asyncio.run(night())
    assert len(house.mqtt.messages) == 1
    assert len(house.bell.notes) == 2


def test_a_broker_that_is_away_holds_up_nobody_s_phone(house: House) -> None:
    house.mqtt.broken = True
    asyncio.run(looked(house.post(), 1))
    assert len(house.bell.notes) == 2


def test_what_only_waits_for_the_broker_is_not_read_again_every_minute(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    def counting(folder: Path, infant: str, window: Window) -> NightFacts:
        reads.append(infant)
        return night_facts(folder, infant, window)

    monkeypatch.setattr(lullwatch.morning_post, "night_facts", counting)
    house.mqtt.broken = house.bell.broken = True
    post = house.post()

    async def minutes() -> None:
        for _ in range(2):
            await post.look()
        house.bell.broken = False
        for _ in range(3):
            await post.look()

    asyncio.run(minutes())
    assert len(house.bell.notes) == 2
    assert reads == ["inf1"] * 3


def test_a_night_of_which_nothing_was_recorded_is_not_told(house: House) -> None:
    asyncio.run(looked(house.post(infants=["nobody"])))
    assert not house.mqtt.messages
    assert not house.journal.deliveries()


def test_it_speaks_the_language_of_the_settings(house: House) -> None:
    asyncio.run(looked(house.post(wording=Wording("de", "144"))))
    text = house.bell.notes[0].text
    assert text.startswith("Nacht vom 2026-11-21")
    assert "Notrufnummer 144" in text


def test_two_nights_are_two_summaries(house: House) -> None:
    asyncio.run(looked(house.post()))
    shift_ns = 24 * HOUR_NS
    later = [replace(coverage(n), t_ns=T0 + shift_ns + n * 60 * NS) for n in range(60)]
    house.journal.commit(later)
    house.clock.t_ns = SEVEN + shift_ns
    asyncio.run(looked(house.post()))
    nights = [json.loads(m.payload)["night"] for m in house.mqtt.messages]
    assert nights == ["2026-11-21", "2026-11-22"]


def test_with_no_people_in_the_settings_it_goes_to_the_broker_alone(house: House) -> None:
    asyncio.run(looked(house.post(people=())))
    assert len(house.mqtt.messages) == 1
    assert not house.bell.notes


def test_it_comes_by_itself_while_time_goes_on(house: House) -> None:
    clock = SimClock(T0 + 10 * HOUR_NS)

    async def morning() -> None:
        post = house.post(clock=clock)
        running = asyncio.create_task(post.run())
        await clock.run(SEVEN - NS, step_s=30.0)
        assert not house.mqtt.messages
        for minute in range(1, 4):
            await clock.run(SEVEN + minute * 60 * NS, step_s=30.0)
            await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(morning())
    assert len(house.mqtt.messages) == 1
    raised = next(s for s in house.steps() if s.step == RAISED)
    assert 0 <= raised.t_ns - SEVEN <= 60 * NS


def test_who_comes_later_finds_it_at_the_broker(house: House, mosquitto: Broker) -> None:
    async def morning() -> None:
        topics = Topics(mosquitto.topic)
        publisher = MqttPublisher(BrokerAddress(mosquitto.host, mosquitto.port), topics, clock=house.clock)
        running = asyncio.create_task(publisher.run())
        confirmed = asyncio.Event()

        async def keep(row: Row) -> None:
            await house.keep(row)
            if isinstance(row, Delivery) and row.channel == "mqtt":
                confirmed.set()

        post = house.post(mqtt=publisher, topics=topics, keep=keep)
        await post.look()
        await asyncio.wait_for(confirmed.wait(), PATIENCE_S)
        await publisher.stop()
        await running

    asyncio.run(morning())
    with mosquitto.sub(f"lullwatch/{mosquitto.topic}/inf1/summary") as late:
        received = late.next()
    assert received.retained
    assert json.loads(received.payload)["night"] == date(2026, 11, 21).isoformat()


async def test_the_gateway_sends_it_at_the_time_of_its_settings(tmp_path: Path, mosquitto: Broker) -> None:
    clock = SimClock(SEVEN - 400 * NS)

    async def nobody(_: str) -> BLEDevice:
        raise NotImplementedError

    with Journal.open(tmp_path / "journal.sqlite") as journal:
        gateway = Gateway(
            name=mosquitto.topic,
            journal=journal,
            clock=clock,
            clock_row=replace(CLOCK, t_ns=clock.now_ns(), utc_ns=clock.now_ns() - T0 + BED_UTC_NS),
            wearers=[Wearer("inf1", (Sensor(Site.LA, "la", "C0:00:00:00:00:01"),))],
            radio=Radio(nobody),
            broker=BrokerAddress(mosquitto.host, mosquitto.port),
            summary_at=time(7),
            wording=Wording("de"),
        )

        async def settle() -> None:
            await asyncio.sleep(0)
            await gateway.settle()

        with await asyncio.to_thread(mosquitto.sub, f"lullwatch/{mosquitto.topic}/inf1/summary") as sub:
            async with gateway:
                await clock.run(SEVEN + 180 * NS, pace=200.0, settle=settle)
                received = await asyncio.to_thread(sub.next)
                assert await asyncio.to_thread(sub.nothing_for, 0.3)
    body = json.loads(received.payload)
    assert body["night"] == "2026-11-21"
    assert body["lines"][0].startswith("Nacht vom")
    assert body["blind"][0]["causes"] == ["no_data:LA", "stopped:LA"]  # a radio that fails so ends its link
