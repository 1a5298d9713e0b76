"""A broker that was away all night: nothing is lost, nothing rings as if it were now, and nobody is flooded."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from alerts.newest import Newest
from alerts.payloads import Message, alert_message, state_message
from alerts.rules import RuleState, decide
from alerts.words import catalogue
from dsp.records import NS, ClockRow, State, StateEpoch
from store.utc import UtcMap
from tests.alert_makers import T0, event
from tests.servers_fixtures import Broker, Received
from tests.test_mqtt import Running, running, subscribed, taken

CLOCK = UtcMap([ClockRow(0, 1_700_000_000 * NS, "boot", "UTC")])
EPOCHS = 960
"""eight hours of half minutes"""


def state_at(gateway: Running, t_ns: int, state: State = State.ASLEEP) -> Message:
    return state_message(
        gateway.topics, CLOCK, StateEpoch("inf1", t_ns - 30 * NS, 30 * NS, state, 0.9, None, None, None)
    )


def said_at(seconds: float) -> dict[str, Any]:
    """An urgent alert that goes out so long after it was decided."""
    from alerts.payloads import Topics

    _, [alert] = decide(RuleState(), event())
    message = alert_message(Topics("gw"), CLOCK, alert, words=catalogue("en"))
    return dict(json.loads(message.at(alert.t_ns + int(seconds * NS))))


def test_an_alert_that_goes_out_at_once_rings_and_is_of_now() -> None:
    body = said_at(0.1)
    assert (body["rings"], body["past"]) == (True, False)


def test_one_that_was_held_up_for_minutes_still_rings_and_says_that_it_is_late() -> None:
    body = said_at(600)
    assert (body["rings"], body["past"]) == (True, True)
    lines = body["text"].split("\n")
    assert lines[1] == "Look at your baby now."
    late = next(n for n, line in enumerate(lines) if "is sent late" in line)
    assert lines[late + 1].startswith("Recorded:")


def test_one_that_was_held_up_for_hours_no_longer_rings() -> None:
    body = said_at(5 * 3600)
    assert (body["rings"], body["past"]) == (False, True)
    assert "5 h" in body["text"]


async def test_after_a_night_without_a_broker_every_alert_arrives_and_of_the_states_only_the_newest(
    own_mosquitto: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a connection that the ending broker resets before it has answered is waited for as long as this
    monkeypatch.setattr("alerts.mqtt.CONFIRM_TIMEOUT_S", 2.0)
    async with running(own_mosquitto) as gateway:
        await gateway.until_connected()
        listening = asyncio.to_thread(own_mosquitto.sub, "lullwatch/+/inf1/#", session="phone")
        with await listening as phone:
            await gateway.alert(0)
            await taken(phone, 1)
            await asyncio.to_thread(own_mosquitto.server.stop)
            await gateway.until_connected(connected=False)
            alerts = [asyncio.create_task(gateway.alert(n)) for n in range(1, 51)]
            now_ns = gateway.clock.now_ns()
            for n in range(EPOCHS, 0, -1):
                await gateway.publisher.publish(state_at(gateway, now_ns - n * 30 * NS))
            await gateway.publisher.publish(state_at(gateway, now_ns, State.AWAKE))
            await asyncio.to_thread(own_mosquitto.server.start)
            await asyncio.gather(*alerts)
            got: list[Received] = []
            while len(got) < 51:
                # a receiver that comes back subscribes anew, and is given what is retained beside what it waited for
                got += [m for m in await taken(phone, 1) if not m.retained]
            await asyncio.to_thread(own_mosquitto.pub, "lullwatch/x/inf1/end", "end")
            assert [m.payload for m in await taken(phone, 1) if not m.retained] in ([], ["end"])
    told = [json.loads(m.payload)["id"] for m in got if m.topic.endswith("/alert")]
    states = [json.loads(m.payload)["state"] for m in got if m.topic.endswith("/state")]
    assert told == [f"a{n}" for n in range(1, 51)]
    assert states == ["awake"]


async def test_old_states_that_come_while_connected_are_held_back_for_the_newest(mosquitto: Broker) -> None:
    async with running(mosquitto) as gateway:
        await gateway.until_connected()
        with await subscribed(mosquitto, gateway.topics.of("inf1", "state")) as sub:
            now_ns = gateway.clock.now_ns()
            for n in range(400, 20, -1):
                await gateway.publisher.publish(state_at(gateway, now_ns - n * 30 * NS))
            await gateway.publisher.publish(state_at(gateway, now_ns, State.AWAKE))
            [only] = await taken(sub, 1)
            assert await asyncio.to_thread(sub.nothing_for, 0.3)
    assert json.loads(only.payload)["state"] == "awake"


async def test_what_is_held_goes_out_before_a_planned_stop(mosquitto: Broker) -> None:
    async with running(mosquitto) as gateway:
        await gateway.until_connected()
        with await subscribed(mosquitto, gateway.topics.of("inf1", "state")) as sub:
            await gateway.publisher.publish(state_at(gateway, T0))
            await gateway.stop()
            assert len(await taken(sub, 1)) == 1


async def test_the_last_will_of_an_earlier_connection_does_not_stand_while_we_are_here(
    mosquitto: Broker,
) -> None:
    async with running(mosquitto) as gateway:
        await gateway.until_connected()
        with await subscribed(mosquitto, gateway.topics.status) as sub:
            [online] = await taken(sub, 1)
            await asyncio.to_thread(
                mosquitto.pub, gateway.topics.status, '{"schema": 1, "state": "offline"}', "-r"
            )
            states = [json.loads(m.payload)["state"] for m in (online, *await taken(sub, 2))]
    assert states == ["online", "offline", "online"]


async def test_everything_retained_is_published_again_when_somebody_came_up(mosquitto: Broker) -> None:
    heard: list[bytes] = []

    def on_birth(_topic: str, payload: bytes) -> None:
        heard.append(payload)
        gateway.publisher.publish_again()

    birth = f"{mosquitto.topic}/ha/status"
    async with running(mosquitto, heard={birth: on_birth}) as gateway:
        await gateway.until_connected()
        topic = gateway.topics.of("inf1", "state")
        with await subscribed(mosquitto, topic) as sub:
            await gateway.publisher.publish(state_at(gateway, gateway.clock.now_ns()))
            await asyncio.to_thread(mosquitto.pub, birth, "online")
            first, again = await taken(sub, 2)
    assert heard == [b"online"]
    assert first.payload == again.payload


def test_nothing_older_takes_the_place_of_newer() -> None:
    newest = Newest()
    message = Message("t", b"new", retain=True, newest_only=True, of_ns=10)
    newest.hold(message)
    newest.hold(replace(message, payload=b"old", of_ns=5))
    assert newest.first() == message
    newest.sent(message)
    newest.hold(replace(message, payload=b"old", of_ns=5))
    assert newest.first() is None
    assert not newest.something.is_set()
