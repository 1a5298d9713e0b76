"""Which sensors are there: heard, looked at closer, made to blink, and told apart by a wiggle.

For setting up, not for the night: it uses the radio for itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from ingest import movesense_gsp, osd_ble
from ingest.bonds import Bonds, SystemBonds
from ingest.errors import IngestError
from ingest.gatt_session import RADIO_TROUBLE, GattSession
from ingest.sensor_kind import Kind
from ingest.session import SockSession
from ingest.sock_codec import (
    BATTERY_LEVEL_UUID,
    BATTERY_SERVICE_UUID,
    DEVICE_INFORMATION_UUID,
    FIRMWARE_REVISION_UUID,
    SERVICE_UUID,
    BadPacket,
    Identify,
    Start,
    Stop,
    decode_data,
)

__all__ = ["Seen", "blink", "listen", "look_closer", "moved"]

_log = logging.getLogger(__name__)
_NAMES: Final = {movesense_gsp.NAME_PREFIX: Kind.MOVESENSE, "Polar": Kind.POLAR}
_SERVICES: Final = {SERVICE_UUID.lower(): Kind.SOCK, osd_ble.SERVICE_UUID: Kind.OSD}


@dataclass(frozen=True, slots=True)
class Seen:
    """A device that advertises."""

    address: str
    name: str
    rssi: int
    """signal strength of its strongest advertisement, dBm"""
    kind: Kind | None
    """None: none of ours"""
    battery: int | None = None
    firmware: str = ""
    trouble: str = ""
    """why it could not be looked at closer"""


async def listen(
    seconds: float,
    scanner: Callable[..., BleakScanner] = BleakScanner,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> list[Seen]:
    """Everything that advertises within so many seconds of the given clock; the strongest first.

    Raises:
        BleakError, OSError, TimeoutError: when scanning is not possible.
    """
    found: dict[str, Seen] = {}

    def heard(device: BLEDevice, said: AdvertisementData) -> None:
        address, name = device.address.upper(), said.local_name or device.name or ""
        before = found.get(address)
        kind = _kind_of(name, said.service_uuids) or (before.kind if before else None)
        name = name or (before.name if before else "")
        found[address] = Seen(address, name, max(said.rssi, before.rssi if before else said.rssi), kind)

    radio = scanner(detection_callback=heard)
    await radio.start()
    try:
        await sleep(seconds)
    finally:
        await radio.stop()
    return sorted(found.values(), key=lambda s: (-s.rssi, s.address))


def _kind_of(name: str, services: Sequence[str]) -> Kind | None:
    for uuid in services:
        if uuid.lower() in _SERVICES:
            return _SERVICES[uuid.lower()]
    return next((kind for start, kind in _NAMES.items() if name.startswith(start)), None)


async def look_closer(
    seen: Seen, find: Callable[[str], Awaitable[BLEDevice]], client: Callable[..., BleakClient] = BleakClient
) -> Seen:
    """The same with battery and firmware, read over a connection; with why not, where that fails."""
    try:
        session = GattSession(seen.address, await find(seen.address), client, service=BATTERY_SERVICE_UUID)
        try:
            await session.connect()
            battery = await _one(session, BATTERY_LEVEL_UUID, BATTERY_SERVICE_UUID)
            firmware = await _one(session, FIRMWARE_REVISION_UUID, DEVICE_INFORMATION_UUID)
        finally:
            await session.close()
    except (*RADIO_TROUBLE, IngestError) as error:
        return replace(seen, trouble=str(error) or type(error).__name__)
    return replace(
        seen, battery=battery[0] if battery else None, firmware=firmware.decode("utf-8", "replace")
    )


async def _one(session: GattSession, uuid: str, service: str) -> bytes:
    """What a standard characteristic says; nothing where there is none."""
    try:
        return bytes(await session.read(uuid, service))
    except IngestError:
        return b""


async def blink(
    address: str,
    seconds: int,
    find: Callable[[str], Awaitable[BLEDevice]],
    client: Callable[..., BleakClient] = BleakClient,
    bonds: Bonds | None = None,
) -> None:
    """Make a sock blink, so that a person sees which one it is.

    Raises:
        IngestError, BleakError, OSError, TimeoutError: it could not be reached, or is no sock.
    """
    session = SockSession(
        address,
        await find(address),
        client,
        bonds=bonds or SystemBonds(),
        on_data=lambda _: None,
        on_status=lambda _: None,
    )
    try:
        await session.open()
        await session.subscribe()
        await session.command(Identify(seconds))
    finally:
        await session.close()


@dataclass(slots=True)
class _Shaken:
    """How far one sensor moved while somebody shook one of them."""

    parts: list[np.ndarray] = field(default_factory=list)

    def take(self, raw: bytes) -> None:
        try:
            data = decode_data(raw)
        except BadPacket as error:
            _log.debug("%s", error)
            return
        self.parts.append(data.counts[:, :3].astype(np.float64))

    @property
    def spread(self) -> float:
        """Standard deviation of acceleration over all axes, in counts; socks at the same range compare."""
        if not self.parts:
            return 0.0
        return float(np.sqrt(np.concatenate(self.parts).var(axis=0).sum()))


async def moved(
    addresses: Sequence[str],
    wait: Callable[[], Awaitable[None]],
    find: Callable[[str], Awaitable[BLEDevice]],
    client: Callable[..., BleakClient] = BleakClient,
    bonds: Bonds | None = None,
) -> dict[str, float]:
    """How far each of some socks moved while `wait` went on, as shares of them all.

    Raises:
        IngestError, BleakError, OSError, TimeoutError: one of them could not be reached, or is no sock.
    """
    shaken = {address: _Shaken() for address in addresses}
    sessions: list[SockSession] = []
    try:
        for address in addresses:
            session = SockSession(
                address,
                await find(address),
                client,
                bonds=bonds or SystemBonds(),
                on_data=shaken[address].take,
                on_status=lambda _: None,
            )
            sessions.append(session)
            await session.open()
            await session.subscribe()
            await session.command(Start())
        for one in shaken.values():
            one.parts.clear()
        await wait()
        for session in sessions:
            await session.command(Stop())
    finally:
        for session in sessions:
            await session.close()
    whole = sum(one.spread for one in shaken.values())
    return {address: one.spread / whole if whole else 0.0 for address, one in shaken.items()}
