"""Faults between the gateway and a real Mosquitto: no alert lost, none unrecognisably doubled, trouble told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from alerts.mqtt import BrokerAddress
from alerts.people import Person
from alerts.telling import Notification
from dsp.records import NS, Alert, ClockRow, Severity
from firmware_sim.sim_clock import ScaledClock
from lullwatch.caregiving import Household
from lullwatch.gateway import Gateway, Radio
from lullwatch.local_brokers import LocalMosquitto
from lullwatch.programs import Found
from store.journal import Journal
from tests.cut_wire import CutWire
from tests.servers_fixtures import PATIENCE_S, Broker, Received, Subscriber
from tests.shipped_broker import ShippedMosquitto, issued, written
from tests.test_mosquitto_deploy import UNCLOSED, address

UTC_NS = 1_767_290_400 * NS
PACE = 10.0
"""Pauses between attempts, and the time after which a person is told, take a tenth."""
BACKLOG = 1000
NAME = "home"


@dataclass
class Bell:
    """A phone that does not hang on the broker."""

    notes: list[Notification] = field(default_factory=list)

    async def send(self, message: Notification) -> None:
        self.notes.append(message)

    def troubles(self) -> list[bool]:
        """Whether the broker's trouble was raised (True) or over (False), as this phone heard it."""
        return [not n.alert.cleared for n in self.notes if n.alert.pattern == "broker"]


@dataclass
class House:
    """A gateway without sensors whose alerts a test writes."""

    gateway: Gateway
    clock: ScaledClock
    journal: Journal
    bell: Bell

    def raise_alerts(
        self,
        numbers: Iterable[int],
        severity: Severity = Severity.NOTICE,
        *,
        size: int = 100,
        told: bool = True,
    ) -> None:
        for n in numbers:
            now_ns = self.clock.now_ns()
            announce = "ring" if severity is Severity.URGENT else "push"
            made = Alert(
                f"alert-{n:04d}", 1, severity, "kid", now_ns, "repeated_brief_movements", f"e{n}", now_ns - 60 * NS,
                now_ns - NS, 5, "series-clear@1", f"Title {n}\n" + "x" * size, {"announce": announce},
            )  # fmt: skip
            self.gateway._intake.add_quietly(made)
            if told:
                self.gateway.outreach.decided([made])

    def technical(self) -> list[Alert]:
        return [a for a in self.journal.alerts() if a.pattern == "broker"]


@asynccontextmanager
async def house(folder: Path, broker: BrokerAddress, **more: Any) -> AsyncIterator[House]:
    clock, bell = ScaledClock(pace=PACE), Bell()

    async def nobody(_: str) -> Any:
        raise NotImplementedError

    with Journal.open(folder / "journal.sqlite") as journal:
        gateway = Gateway(
            name=NAME,
            journal=journal,
            clock=clock,
            clock_row=ClockRow(0, UTC_NS, "boot", "UTC"),
            wearers=[],
            radio=Radio(nobody),
            broker=broker,
            household=Household(people=(Person("anna", ("mqtt", "bell")),), channels={"bell": bell}),
            **more,
        )
        async with gateway:
            yield House(gateway, clock, journal, bell)


async def so(condition: Callable[[], bool], why: str = "", *, patience_s: float = PATIENCE_S) -> None:
    """Wait until it is so."""
    give_up = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < give_up, f"still not so: {why}"
        await asyncio.sleep(0.02)


async def connected(it: House) -> None:
    publisher = it.gateway.outreach.publisher
    assert publisher is not None
    await so(lambda: publisher.connected, "connected")


async def heard(phone: Subscriber, expected: Iterable[str]) -> list[dict[str, Any]]:
    """Everything that comes until each alert was there at least once."""
    missing, bodies = set(expected), []
    while missing:
        message: Received = await asyncio.to_thread(phone.next)
        body = json.loads(message.payload)
        bodies.append(body)
        missing.discard(body["id"])
    return bodies


def names(numbers: Iterable[int]) -> list[str]:
    return [f"alert-{n:04d}" for n in numbers]


def assert_recognisable(bodies: list[dict[str, Any]]) -> None:
    """What came twice is the same message: it says the same, but for when it was sent and how it stands."""
    changing = {"sent", "sent_ns", "past", "rings", "told", "repeats", "open"}
    said: dict[tuple[Any, ...], dict[str, Any]] = {}
    for body in bodies:
        key = (body["id"], body["version"], body["to"], body["step"], body["kind"])
        what = {name: value for name, value in body.items() if name not in changing}
        assert said.setdefault(key, what) == what


async def saved(server: LocalMosquitto) -> None:
    """Wait until the broker has written what it keeps, from now on."""
    file, since = server.folder / "mosquitto.db", time.time()
    await so(lambda: file.exists() and file.stat().st_mtime > since, "the broker saved")


async def test_a_broker_killed_between_message_and_confirmation_loses_no_alert(
    own_mosquitto: Broker, tmp_path: Path
) -> None:
    server, killed = own_mosquitto.server, asyncio.Event()

    def on_upward(data: bytes) -> None:
        if b"/kid/alert" in data and b"alert-0001" in data and not killed.is_set():
            wire.hold(up=False)  # the broker has it, and its confirmation never comes back
            killed.set()

    async with CutWire(server.port, on_upward) as wire:
        with await asyncio.to_thread(
            own_mosquitto.sub, f"lullwatch/{NAME}/kid/alert", session="phone"
        ) as phone:
            await saved(server)
            async with house(tmp_path, BrokerAddress(server.host, wire.port)) as it:
                await connected(it)
                it.raise_alerts(range(3), Severity.URGENT)
                await asyncio.wait_for(killed.wait(), PATIENCE_S)
                await asyncio.sleep(0.1)
                server.kill()
                it.raise_alerts(range(3, 6), Severity.URGENT)
                wire.reset()
                wire.mend()
                await asyncio.to_thread(server.start)
                bodies = await heard(phone, names(range(6)))
    assert_recognisable(bodies)


async def test_a_broker_killed_again_and_again_under_load_loses_no_alert(
    own_mosquitto: Broker, tmp_path: Path
) -> None:
    server = own_mosquitto.server
    with await asyncio.to_thread(own_mosquitto.sub, f"lullwatch/{NAME}/kid/alert", session="phone") as phone:
        await saved(server)
        async with house(tmp_path, BrokerAddress(server.host, server.port)) as it:
            await connected(it)
            for kill in range(3):
                it.raise_alerts(range(kill * 30, kill * 30 + 30))
                await asyncio.sleep(0.05 * kill)
                server.kill()
                await asyncio.to_thread(server.start)
                await connected(it)
            await so(lambda: unconfirmed(it) == set(), "everything confirmed")
            arrived = {d.alert_id for d in it.journal.deliveries() if d.step == "published"}
            bodies = await until_quiet(phone)
    assert arrived >= set(names(range(90)))
    assert_recognisable(bodies)


def unconfirmed(it: House) -> set[str]:
    done = {d.alert_id for d in it.journal.deliveries() if d.step == "published"}
    return {a.id for a in it.journal.alerts() if a.infant == "kid"} - done


async def until_quiet(phone: Subscriber) -> list[dict[str, Any]]:
    bodies = []
    while not phone._messages.empty() or not await asyncio.to_thread(phone.nothing_for, 0.5):
        while not phone._messages.empty():
            bodies.append(json.loads(phone.next().payload))
    return bodies


async def test_a_network_that_falls_silent_is_noticed_told_and_loses_no_alert(
    own_mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.mqtt.CONFIRM_TIMEOUT_S", 0.5)
    with await asyncio.to_thread(own_mosquitto.sub, f"lullwatch/{NAME}/kid/alert") as phone:
        async with (
            CutWire(own_mosquitto.port) as wire,
            house(tmp_path, BrokerAddress(own_mosquitto.host, wire.port)) as it,
        ):
            await connected(it)
            it.raise_alerts([0], Severity.URGENT)
            await heard(phone, names([0]))
            wire.hold()
            it.raise_alerts(range(1, 4), Severity.URGENT)
            await so(lambda: it.bell.troubles() == [True], "the trouble was told past the broker")
            wire.mend()
            bodies = await heard(phone, names(range(1, 4)))
            await so(lambda: [a.cleared for a in it.technical()] == [False, True], "the trouble is over")
    assert_recognisable(bodies)


async def test_a_network_that_breaks_connections_loses_no_alert(
    own_mosquitto: Broker, tmp_path: Path
) -> None:
    with await asyncio.to_thread(own_mosquitto.sub, f"lullwatch/{NAME}/kid/alert") as phone:
        async with (
            CutWire(own_mosquitto.port) as wire,
            house(tmp_path, BrokerAddress(own_mosquitto.host, wire.port)) as it,
        ):
            await connected(it)
            for n in range(8):
                it.raise_alerts(range(n * 5, n * 5 + 5))
                await asyncio.sleep(0.03)
                wire.reset()
            bodies = await heard(phone, names(range(40)))
    assert_recognisable(bodies)


async def test_a_subscriber_that_cannot_keep_up_gets_everything_and_holds_up_nobody(
    own_mosquitto: Broker, tmp_path: Path
) -> None:
    server = own_mosquitto.server
    topic = f"lullwatch/{NAME}/kid/alert"
    async with CutWire(server.port) as wire:
        slow_door = Broker(LocalMosquitto(server.folder, port=wire.port, program=server.program), "slow")
        with (
            await asyncio.to_thread(own_mosquitto.sub, topic) as fast,
            await asyncio.to_thread(slow_door.sub, topic) as slow,
        ):
            async with house(tmp_path, BrokerAddress(server.host, server.port)) as it:
                await connected(it)
                wire.hold(up=False)
                it.raise_alerts(range(BACKLOG), size=1000, told=False)
                quick = await heard(fast, names(range(BACKLOG)))
                assert slow._messages.qsize() < BACKLOG
                wire.mend()
                late = await heard(slow, names(range(BACKLOG)))
                assert it.technical() == []
    assert [b["id"] for b in quick] == names(range(BACKLOG))
    assert [b["id"] for b in late] == names(range(BACKLOG))


async def test_a_thousand_alerts_of_an_outage_arrive_once_in_order_and_the_trouble_is_told_meanwhile(
    own_mosquitto: Broker, tmp_path: Path
) -> None:
    server = own_mosquitto.server
    own_mosquitto.sub(f"lullwatch/{NAME}/kid/alert", session="phone").close()
    server.stop()
    async with house(tmp_path, BrokerAddress(server.host, server.port)) as it:
        it.raise_alerts(range(BACKLOG), told=False)
        await so(lambda: it.bell.troubles() == [True], "the trouble was told past the broker")
        await asyncio.to_thread(server.start)
        await so(lambda: unconfirmed(it) == set(), "everything confirmed", patience_s=4 * PATIENCE_S)
        await so(lambda: [a.cleared for a in it.technical()] == [False, True], "the trouble is over")
        with await asyncio.to_thread(
            own_mosquitto.sub, f"lullwatch/{NAME}/kid/alert", session="phone"
        ) as phone:
            bodies = await heard(phone, names(range(BACKLOG)))
            assert await asyncio.to_thread(phone.nothing_for, 0.5)
    assert [b["id"] for b in bodies] == names(range(BACKLOG))


async def test_what_a_stop_left_unsent_is_sent_by_the_next_start(
    own_mosquitto: Broker, tmp_path: Path
) -> None:
    server = own_mosquitto.server
    own_mosquitto.sub(f"lullwatch/{NAME}/kid/alert", session="phone").close()
    server.stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lullwatch.gateway.STOP_S", 0.3)
        async with house(tmp_path, BrokerAddress(server.host, server.port)) as it:
            it.raise_alerts(range(20))
    await asyncio.to_thread(server.start)
    async with house(tmp_path, BrokerAddress(server.host, server.port)) as it:
        with await asyncio.to_thread(
            own_mosquitto.sub, f"lullwatch/{NAME}/kid/alert", session="phone"
        ) as phone:
            bodies = await heard(phone, names(range(20)))
    assert_recognisable(bodies)


async def test_a_broker_that_goes_is_not_said_to_refuse_a_password(
    own_mosquitto: Broker, tmp_path: Path
) -> None:
    server = own_mosquitto.server
    async with house(tmp_path, BrokerAddress(server.host, server.port)) as it:
        await connected(it)
        for _ in range(3):
            it.raise_alerts(range(50))
            server.kill()
            await so(lambda: not it.gateway.outreach.publisher.connected, "noticed")  # type: ignore[union-attr]
            await asyncio.to_thread(server.start)
            await connected(it)
    assert [a for a in broker_troubles(tmp_path) if "password" in str(a.facts.get("why", ""))] == []


def broker_troubles(folder: Path) -> list[Alert]:
    with Journal.read_only(folder / "journal.sqlite") as journal:
        return [a for a in journal.alerts() if a.pattern == "broker"]


@UNCLOSED
async def test_a_wrong_password_is_told_and_what_waited_arrives_when_it_is_mended(
    mosquitto_program: Found, tmp_path: Path
) -> None:
    server = ShippedMosquitto(tmp_path / "m", mosquitto_program)
    with server:
        phone_away(server)
        async with house(tmp_path, address(server, password="new")) as it:
            it.raise_alerts(range(10), Severity.URGENT)
            await so(lambda: it.bell.troubles() == [True], "the trouble was told past the broker")
            server._add_user("gateway", "new")
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            await so(lambda: it.bell.troubles() == [True, False], "the trouble is over")
            with await asyncio.to_thread(phone_back, server) as phone:
                assert_recognisable(await heard(phone, names(range(10))))
    (raised, _) = broker_troubles(tmp_path)
    assert raised.severity is Severity.TECHNICAL
    assert "mqtt.password_file" in str(raised.facts)
    assert "secret-" not in str(raised.facts)


@UNCLOSED
async def test_an_expired_certificate_is_told_and_what_waited_arrives_when_it_is_renewed(
    mosquitto_program: Found, tmp_path: Path
) -> None:
    server = ShippedMosquitto(tmp_path / "m", mosquitto_program)
    authority = issued("home CA")

    def certify(days: tuple[int, int]) -> None:
        server.stop()
        certificate, key = written(tmp_path, "server", issued("127.0.0.1", authority, days=days))
        (server.certs / "server.crt").write_bytes(certificate.read_bytes())
        (server.certs / "server.key").write_bytes(key.read_bytes())
        server.start()

    with server:
        (server.certs / "ca.crt").write_bytes(written(tmp_path, "ca", authority)[0].read_bytes())
        certify((-1, 30))
        phone_away(server)
        certify((-30, -1))
        async with house(tmp_path, address(server)) as it:
            it.raise_alerts(range(10), Severity.URGENT)
            await so(lambda: it.bell.troubles() == [True], "the trouble was told past the broker")
            await asyncio.to_thread(certify, (-1, 30))
            await so(lambda: it.bell.troubles() == [True, False], "the trouble is over")
            with await asyncio.to_thread(phone_back, server) as phone:
                assert_recognisable(await heard(phone, names(range(10))))
    (raised, _) = broker_troubles(tmp_path)
    assert "expired" in str(raised.facts)


def phone_away(server: ShippedMosquitto) -> None:
    """A phone that is known to the broker, and away."""
    phone_back(server).close()


def phone_back(server: ShippedMosquitto) -> Subscriber:
    topic = f"lullwatch/{NAME}/kid/alert"
    return Broker(server, NAME).sub(topic, *server.as_user("caregiver"), session="phone")
