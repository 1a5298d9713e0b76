"""A radio for tests: virtual air, a gateway's host and backend, and socks, ended in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import numpy as np
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bumble.device import Device

from firmware_sim.air import Air
from firmware_sim.host import power_on_host
from firmware_sim.sim_clock import SimClock
from firmware_sim.sock import ArraySource, SockConfig, VirtualSock
from ingest.bumble_backend import BumbleClient, BumbleScanner, make_backend
from ingest.bumble_bonds import BumbleBonds
from ingest.sock_codec import (
    CONTROL_UUID,
    DATA_UUID,
    Answer,
    BadPacket,
    Command,
    DataPacket,
    decode_answer,
    decode_data,
    encode_command,
)

_T = TypeVar("_T")


def noise(seconds: float, *, seed: int = 0, rate_hz: float = 104.0, t0_ns: int = 0) -> ArraySource:
    """Random counts, every sample different, nothing at the end of the range."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(-20_000, 20_000, (round(seconds * rate_hz), 6)).astype(np.int16)
    return ArraySource.from_counts(counts, t0_ns=t0_ns, rate_hz=rate_hz)


class Rig:
    def __init__(self, clock: SimClock, air: Air, device: Device) -> None:
        self.clock, self.air, self.device = clock, air, device
        self.client_cls: type[BumbleClient]
        self.scanner_cls: type[BumbleScanner]
        self.client_cls, self.scanner_cls = make_backend(device)
        assert device.keystore is not None
        self.bonds = BumbleBonds(device, device.keystore)
        self.socks: list[VirtualSock] = []
        self.clients: list[BleakClient] = []

    async def sock(self, name: str = "LA", *, seconds: float = 60.0, **config: Any) -> VirtualSock:
        number = len(self.socks) + 1
        options = {"address": f"F0:00:00:00:01:{number:02X}", "seed": number, **config}
        sock = VirtualSock(
            self.air.controller(name),
            clock=self.clock,
            source=noise(seconds, seed=number),
            config=SockConfig(**options),
        )
        await sock.power_on()
        self.socks.append(sock)
        return sock

    async def find(self, address: str) -> BLEDevice:
        found = await self.drive(
            BleakScanner.find_device_by_address(address, timeout=20, backend=self.scanner_cls)
        )
        assert found is not None
        return found

    async def drive(self, work: Coroutine[Any, Any, _T], *, limit_s: float = 60.0) -> _T:
        """Let time pass until `work` is done: whoever waits for an advertisement needs it to."""
        return await self.clock.drive(work, limit_s=limit_s, settle=self.air.settle)

    async def client(self, sock: VirtualSock, **options: Any) -> BleakClient:
        client = BleakClient(await self.find(sock.config.address), backend=self.client_cls, **options)
        await client.connect()
        self.clients.append(client)
        if sock.security.bonded_with is not None:
            await self.bonds.secure(client, sock.name)
        return client

    async def run(self, seconds: float) -> None:
        await self.clock.run(self.clock.now_ns() + round(seconds * 1e9), settle=self.air.settle)


class Listener:
    """A thin gateway: subscribes, sends commands, keeps what arrives."""

    def __init__(self, client: BleakClient) -> None:
        self.client = client
        self.packets: list[DataPacket] = []
        self.damaged = 0
        self.answers: list[Answer] = []
        self._token = 0
        self._answered = asyncio.Event()

    async def subscribe(self) -> Listener:
        await self.client.start_notify(CONTROL_UUID, self._on_answer)
        await self.client.start_notify(DATA_UUID, self._on_data)
        return self

    async def ask(self, command: Command) -> Answer:
        self._token = (self._token + 1) % 256
        return await self.write(encode_command(command, self._token))

    async def write(self, raw: bytes) -> Answer:
        self._answered.clear()
        await self.client.write_gatt_char(CONTROL_UUID, raw, response=True)
        await asyncio.wait_for(self._answered.wait(), 20)
        return self.answers[-1]

    @property
    def seqs(self) -> list[int]:
        return [packet.seq for packet in self.packets]

    def _on_answer(self, _: object, data: bytearray) -> None:
        self.answers.append(decode_answer(data))
        self._answered.set()

    def _on_data(self, _: object, data: bytearray) -> None:
        try:
            self.packets.append(decode_data(data))
        except BadPacket:
            self.damaged += 1


@asynccontextmanager
async def radio_rig() -> AsyncIterator[Rig]:
    clock = SimClock()
    air = Air(clock)
    rig = Rig(clock, air, await power_on_host(air.controller("gateway")))
    try:
        yield rig
    finally:
        for client in rig.clients:
            await client.disconnect()
        for sock in rig.socks:
            await sock.power_off()
        await rig.device.power_off()
        air.close()
        await air.settle()
