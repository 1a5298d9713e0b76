"""A link through what Bluetooth stacks do to it: resets, doubled callbacks, scans that take the radio."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from bleak.backends.characteristic import BleakGATTCharacteristic

from dsp.records import NS, Site
from ingest import gatt_session
from ingest.bumble_backend import BumbleClient
from ingest.errors import AlreadyHeard
from ingest.finder import Finder
from ingest.gatt_session import GattSession
from ingest.link import LinkState
from ingest.sock_codec import BATTERY_LEVEL_UUID, BATTERY_SERVICE_UUID
from tests.test_link import Gateway, gateway, states


async def test_an_adapter_that_was_reset_under_its_hosts_feet_is_found_within_5_s_and_healed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No callback comes, and the stack believes that it is connected: as after a crash of the Bluetooth service."""
    hangs_s = 0.2
    monkeypatch.setattr(gatt_session, "_END_S", hangs_s)
    async with gateway() as home:
        sock = await home.rig.sock(seconds=60)
        link = home.listen_to(sock)
        await home.rig.run(15)
        adapter = home.rig.air._find("gateway")
        adapter.on_hci_reset_command(None)  # type: ignore[arg-type]
        reset_ns = home.rig.clock.now_ns()
        await home.rig.run(6)
        await asyncio.sleep(
            2 * hangs_s
        )  # the disconnect hangs in real time, of which a fast machine spends little
        await home.rig.run(40)
        stalled = next(s for s in home.samples if s.state == LinkState.STALLED)
        assert (stalled.t_ns - reset_ns) / NS <= 5
        assert link.state is LinkState.STREAMING or sock.finished
        assert sorted(home.shelf.numbers("LA")) == sock.sent


async def test_a_stack_that_calls_back_twice_doubles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = BumbleClient.start_notify

    async def twice(
        self: BumbleClient, characteristic: BleakGATTCharacteristic, callback: Any, **options: Any
    ) -> None:
        def both(value: bytearray) -> None:
            callback(value)
            callback(value)

        await plain(self, characteristic, both, **options)

    monkeypatch.setattr(BumbleClient, "start_notify", twice)
    async with gateway() as home:
        sock = await home.rig.sock(seconds=20)
        link = home.listen_to(sock)
        await home.rig.run(22)
        assert home.shelf.numbers("LA") == sock.sent
        assert link.stream.counts.duplicates == len(sock.sent)


async def test_a_reconnect_listens_through_the_new_connection_alone() -> None:
    heard: list[int] = []
    async with gateway() as home:
        sock = await home.rig.sock(seconds=40)
        link = home.listen_to(sock)
        take = link._take_data
        link._take_data = lambda raw: (heard.append(1), take(raw))  # type: ignore[method-assign,assignment,func-returns-value]
        await home.rig.run(10)
        for _ in range(3):
            await sock.disconnect()
            await home.rig.run(4)
        await home.rig.run(20)
        assert sorted(home.shelf.numbers("LA")) == sock.sent
        assert len(heard) == len(sock.sent)
        assert len(set(map(id, home.made))) == 4


async def test_a_connection_subscribes_once_to_each_characteristic() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=5)
        device = await home.rig.find(sock.config.address)
        session = GattSession("la", device, home.client, service=BATTERY_SERVICE_UUID)
        await session.connect()
        await session.notify(BATTERY_LEVEL_UUID, lambda _: None)
        with pytest.raises(AlreadyHeard, match="subscribed already"):
            await session.notify(BATTERY_LEVEL_UUID, lambda _: None)
        await session.close()


async def test_a_sensor_that_stays_away_leaves_the_radio_to_the_one_that_lives() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=200)
        home.listen_to(sock)
        home.listen_to_address("F0:00:00:00:09:99", "away", Site.RA)
        await home.rig.run(90)
        scanning = 0
        for _ in range(100):
            await home.rig.run(1.0)
            scanning += home.rig.device.is_scanning
        assert 20 < scanning < 65
        assert home.shelf.numbers("LA") == sock.sent[: len(home.shelf.kept)]
        assert [s.state for s in home.samples if s.sensor == "LA"].count("searching") == 1


async def test_a_system_that_cannot_scan_is_asked_again_until_it_can() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=60)
        broken = [True]

        async def find(address: str) -> object:
            if broken[0]:
                raise FileNotFoundError("no such socket")  # what bleak raises where D-Bus is not there
            return await home.finder.find(address)

        home.finder.find = Finder(home.finder._make_scanner).find  # type: ignore[method-assign]
        link = _listen(home, sock.config.address, find)
        await home.rig.run(20)
        assert link.state in (LinkState.BACKING_OFF, LinkState.SEARCHING)
        broken[0] = False
        await home.rig.run(35)
        assert "streaming" in states(home)
        assert len(home.shelf.kept) > 50


def _listen(home: Gateway, address: str, find: Any) -> Any:
    link = home.listen_to_address(address, "LA")
    link._find = partial(find)
    return link
