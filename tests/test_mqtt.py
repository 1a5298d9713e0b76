"""The publisher against a real Mosquitto, read by mosquitto_sub."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alerts.mqtt import BrokerAddress, MqttPublisher, PublisherStopped
from alerts.payloads import Message, Topics
from dsp.records import NS, Delivery
from lullwatch.local_brokers import LocalAmqtt, LocalMosquitto
from lullwatch.programs import Found
from tests.servers_fixtures import PATIENCE_S, Broker, Received, Subscriber


class RealClock:
    """A clock for the tests, with pauses a hundred times shorter than asked."""

    def __init__(self) -> None:
        self.slept_s: list[float] = []

    def now_ns(self) -> int:
        return time.monotonic_ns() + int(sum(self.slept_s) * NS)

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        await asyncio.sleep(seconds / 100)


async def so(condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - the publisher under test offers no event to wait for
            await asyncio.sleep(0.01)


def another_process(port: int, gateway: str) -> subprocess.Popen[bytes]:
    """A gateway that can be killed."""
    code = (
        "import asyncio, sys, time\nfrom alerts.mqtt import *\nfrom alerts.payloads import Topics\n"
        "class Clock:\n    now_ns = staticmethod(time.monotonic_ns)\n    sleep = staticmethod(asyncio.sleep)\n"
        "address = BrokerAddress('127.0.0.1', int(sys.argv[1]))\n"
        "asyncio.run(MqttPublisher(address, Topics(sys.argv[2]), clock=Clock()).run())\n"
    )
    root = Path(__file__).resolve().parents[1]
    return subprocess.Popen([sys.executable, "-c", code, str(port), gateway], cwd=root)


class Running:
    """A publisher that runs, and what it reported."""

    def __init__(
        self,
        broker: Broker,
        gateway: str,
        *,
        user: tuple[str, str] | None = None,
        address: BrokerAddress | None = None,
        **more: Any,
    ) -> None:
        name, password = user or (None, None)
        self.topics = Topics(gateway)
        self.clock = RealClock()
        self.deliveries: list[Delivery] = []
        self.connections: list[bool] = []
        self.publisher = MqttPublisher(
            address or BrokerAddress(broker.host, broker.port, name, password),
            self.topics,
            clock=self.clock,
            on_delivery=self.deliveries.append,
            on_connection=self.connections.append,
            **more,
        )
        self.task = asyncio.create_task(self.publisher.run())

    async def alert(self, n: int, *, infant: str = "inf1") -> None:
        payload = json.dumps({"schema": 1, "id": f"a{n}"}).encode()
        message = Message(self.topics.of(infant, "alert"), payload, alert=(f"a{n}", 1))
        async with asyncio.timeout(PATIENCE_S):
            await self.publisher.publish(message)

    async def until_connected(self, *, connected: bool = True) -> None:
        await so(lambda: self.publisher.connected is connected)

    async def stop(self) -> None:
        await self.publisher.stop()
        await asyncio.wait_for(self.task, PATIENCE_S)


@asynccontextmanager
async def running(broker: Broker, gateway: str = "", **more: Any) -> AsyncIterator[Running]:
    it = Running(broker, gateway or broker.topic, **more)
    try:
        yield it
    finally:
        it.task.cancel()
        await asyncio.gather(it.task, return_exceptions=True)


async def subscribed(broker: Broker, topic: str) -> Subscriber:
    return await asyncio.to_thread(broker.sub, topic)


async def taken(sub: Subscriber, n: int) -> list[Received]:
    return await asyncio.to_thread(sub.take, n)


def ids(received: list[Received]) -> list[str]:
    return [json.loads(r.payload)["id"] for r in received]


async def test_an_alert_arrives_at_an_independent_subscriber(mosquitto: Broker) -> None:
    with await subscribed(mosquitto, f"lullwatch/{mosquitto.topic}/+/alert") as sub:
        async with running(mosquitto) as gateway:
            await gateway.alert(1)
        [got] = await taken(sub, 1)
    assert got.topic == f"lullwatch/{mosquitto.topic}/inf1/alert"
    assert (json.loads(got.payload), got.qos, got.retained) == ({"schema": 1, "id": "a1"}, 1, False)


async def test_the_broker_s_confirmation_is_a_delivery_step(mosquitto: Broker) -> None:
    async with running(mosquitto) as gateway:
        await gateway.alert(1)
    [step] = gateway.deliveries
    assert (step.alert_id, step.version, step.channel, step.step) == ("a1", 1, "mqtt", "published")


async def test_the_status_is_retained_and_online_while_it_runs(mosquitto: Broker) -> None:
    async with running(mosquitto) as gateway:
        await gateway.until_connected()
        with await subscribed(mosquitto, gateway.topics.status) as sub:
            [got] = await taken(sub, 1)
    assert (json.loads(got.payload), got.retained) == ({"schema": 1, "state": "online"}, True)


async def test_a_planned_stop_is_said_and_is_not_offline(mosquitto: Broker) -> None:
    async with running(mosquitto) as gateway:
        await gateway.until_connected()
        with await subscribed(mosquitto, gateway.topics.status) as sub:
            await gateway.stop()
            states = [json.loads(r.payload)["state"] for r in await taken(sub, 2)]
            assert await asyncio.to_thread(sub.nothing_for, 0.3)
    assert states == ["online", "stopped"]


async def test_a_cancelled_publisher_says_stopped_too(mosquitto: Broker) -> None:
    async with running(mosquitto) as gateway:
        await gateway.until_connected()
    with await subscribed(mosquitto, gateway.topics.status) as sub:
        [got] = await taken(sub, 1)
    assert json.loads(got.payload)["state"] == "stopped"


async def test_a_killed_gateway_is_offline_by_its_last_will(mosquitto: Broker) -> None:
    topics = Topics(mosquitto.topic)
    with await subscribed(mosquitto, topics.status) as sub:
        gateway = another_process(mosquitto.port, mosquitto.topic)
        [online] = await taken(sub, 1)
        os.kill(gateway.pid, signal.SIGKILL)
        gateway.wait()
        [offline] = await taken(sub, 1)
    assert [json.loads(r.payload)["state"] for r in (online, offline)] == ["online", "offline"]


async def test_alerts_raised_while_the_broker_is_away_all_arrive_in_order_when_it_is_back(
    own_mosquitto: Broker,
) -> None:
    async with running(own_mosquitto) as gateway:
        listening = asyncio.to_thread(own_mosquitto.sub, "lullwatch/+/inf1/alert", session="listener")
        with await listening as sub:
            await gateway.alert(0)
            await asyncio.to_thread(own_mosquitto.server.stop)
            await gateway.until_connected(connected=False)
            waiting = [asyncio.create_task(gateway.alert(n)) for n in range(1, 6)]
            await asyncio.sleep(0.1)
            assert not any(task.done() for task in waiting)
            await asyncio.to_thread(own_mosquitto.server.start)
            await asyncio.gather(*waiting)
            await gateway.alert(6)
            received = ids(await taken(sub, 7))
    assert received == [f"a{n}" for n in range(7)]
    assert [d.alert_id for d in gateway.deliveries] == received
    assert gateway.connections == [True, False, True]


async def test_an_alert_is_confirmed_only_by_a_broker_that_is_there(own_mosquitto: Broker) -> None:
    async with running(own_mosquitto) as gateway:
        await gateway.alert(1)
        await asyncio.to_thread(own_mosquitto.server.kill)
        late = asyncio.create_task(gateway.alert(2))
        await gateway.until_connected(connected=False)
        assert [d.alert_id for d in gateway.deliveries] == ["a1"]
        await asyncio.to_thread(own_mosquitto.server.start)
        await late
    assert [d.alert_id for d in gateway.deliveries] == ["a1", "a2"]


async def test_retained_messages_come_back_after_the_broker_lost_them(own_mosquitto: Broker) -> None:
    async with running(own_mosquitto) as gateway:
        topic = gateway.topics.of("inf1", "state")
        await gateway.publisher.publish(Message(topic, b'{"schema":1}', retain=True))
        await asyncio.to_thread(own_mosquitto.server.kill)
        for kept in (own_mosquitto.server.folder).glob("mosquitto.db*"):
            kept.unlink()
        await gateway.until_connected(connected=False)
        await asyncio.to_thread(own_mosquitto.server.start)
        await gateway.until_connected()
        with await subscribed(own_mosquitto, topic) as sub:
            [got] = await taken(sub, 1)
    assert (got.payload, got.retained) == ('{"schema":1}', True)


async def test_a_broker_that_is_not_there_is_asked_again_with_growing_pauses(own_mosquitto: Broker) -> None:
    own_mosquitto.server.stop()
    async with running(own_mosquitto) as gateway:
        await so(lambda: len(gateway.clock.slept_s) >= 7)
    assert gateway.clock.slept_s[:7] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert gateway.connections == [False]


async def test_what_was_not_confirmed_before_the_stop_is_still_due(own_mosquitto: Broker) -> None:
    own_mosquitto.server.stop()
    async with running(own_mosquitto) as gateway:
        due = asyncio.create_task(gateway.alert(1))
        await gateway.until_connected(connected=False)
        await gateway.stop()
        with pytest.raises(PublisherStopped, match="send it again"):
            await due
        with pytest.raises(PublisherStopped):
            await gateway.alert(2)
    assert gateway.deliveries == []


async def test_what_its_sender_gave_up_while_the_broker_was_away_does_not_go_out_later(
    own_mosquitto: Broker,
) -> None:
    own_mosquitto.server.stop()
    async with running(own_mosquitto) as gateway:
        given_up = asyncio.create_task(gateway.alert(1))
        await gateway.until_connected(connected=False)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        await asyncio.to_thread(own_mosquitto.server.start)
        await gateway.alert(2)
    assert [d.alert_id for d in gateway.deliveries] == ["a2"]


async def test_a_stop_sends_what_waits_first(mosquitto: Broker) -> None:
    with await subscribed(mosquitto, f"lullwatch/{mosquitto.topic}/inf1/alert") as sub:
        async with running(mosquitto) as gateway:
            waiting = [asyncio.create_task(gateway.alert(n)) for n in range(20)]
            await asyncio.sleep(0)
            await gateway.stop()
            await asyncio.gather(*waiting)
        assert ids(await taken(sub, 20)) == [f"a{n}" for n in range(20)]


async def test_a_password_lets_the_gateway_in_and_a_wrong_one_is_told_as_no_connection(
    mosquitto_program: Found, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with LocalMosquitto(tmp_path / "m", user=("gw", "pw"), program=mosquitto_program) as server:
        broker = Broker(server, "t")
        async with running(broker, user=("gw", "pw")) as gateway:
            await gateway.alert(1)
        async with running(broker, user=("gw", "wrong")) as stranger:
            await so(lambda: stranger.connections != [])
    assert stranger.connections == [False]
    assert "wrong" not in caplog.text


async def test_the_demo_s_throw_away_broker_carries_alerts_too(
    mosquitto_program: Found, tmp_path: Path
) -> None:
    server = LocalAmqtt()
    await asyncio.to_thread(server.start)
    try:
        broker = Broker(LocalMosquitto(tmp_path, port=server.port, program=mosquitto_program), "t")
        with await subscribed(broker, "lullwatch/#") as sub:
            async with running(broker) as gateway:
                await gateway.alert(1)
                await gateway.stop()
            received = await taken(sub, 3)
    finally:
        await asyncio.to_thread(server.stop)
    assert [json.loads(r.payload).get("state", "alert") for r in received] == ["online", "alert", "stopped"]


async def test_a_command_is_carried_out_and_answered_on_its_result_topic(mosquitto: Broker) -> None:
    asked: list[tuple[str, str, bytes]] = []

    async def on_command(infant: str, name: str, payload: bytes) -> bytes:
        asked.append((infant, name, payload))
        return b'{"ok":true}'

    async with running(mosquitto, infants=["inf1"], on_command=on_command) as gateway:
        await gateway.until_connected()
        base = f"lullwatch/{mosquitto.topic}/inf1"
        with await subscribed(mosquitto, f"{base}/result/+") as sub:
            await asyncio.to_thread(mosquitto.pub, f"{base}/set/ack", '{"by":"a"}')
            [got] = await taken(sub, 1)
    assert asked == [("inf1", "ack", b'{"by":"a"}')]
    assert (got.topic, got.payload, got.retained) == (f"{base}/result/ack", '{"ok":true}', False)


@pytest.mark.parametrize("host", ["", "broker..lan", "x" * 300])
async def test_a_host_that_can_be_none_is_told_and_what_waits_goes_on_waiting(
    mosquitto: Broker, host: str
) -> None:
    told: list[tuple[str, str]] = []
    address = BrokerAddress(host, 1883)
    async with running(mosquitto, address=address, on_trouble=lambda *said: told.append(said)) as gateway:
        waiting = asyncio.create_task(gateway.alert(1))
        await so(lambda: bool(told))
        assert not gateway.task.done()
        assert not waiting.done()
        assert "mqtt.host" in told[0][1]
        await gateway.stop()
        with pytest.raises(PublisherStopped):
            await waiting


async def test_a_publisher_that_failed_of_something_else_can_be_run_again_and_loses_nothing(
    mosquitto: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: MqttPublisher) -> Any:
        raise KeyError("client")

    sub = await subscribed(mosquitto, f"lullwatch/{mosquitto.topic}/+/alert")
    with sub, monkeypatch.context() as patch:
        patch.setattr(MqttPublisher, "_client", breaks)
        async with running(mosquitto) as gateway:
            waiting = asyncio.create_task(gateway.alert(1))
            with pytest.raises(KeyError):
                await asyncio.wait_for(asyncio.shield(gateway.task), PATIENCE_S)
            patch.undo()
            gateway.task = asyncio.create_task(gateway.publisher.run())
            await waiting
            assert ids(await taken(sub, 1)) == ["a1"]
