"""One scanner for the whole process: whoever looks for a sensor waits here until it is heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

__all__ = ["Finder"]

_log = logging.getLogger(__name__)

_CALL_S: Final = 10.0
"""Real seconds for a start or a stop of the scanner: either is one call to the system's Bluetooth service."""


class Finder:
    """Scans while anybody waits, and only then: scanning takes radio time from live links.

    A device is always a fresh one, heard after it was asked for; an old one cannot be connected to.
    """

    def __init__(
        self,
        scanner: Callable[..., BleakScanner] = BleakScanner,
        held: Callable[[], Awaitable[list[BLEDevice]]] | None = None,
    ) -> None:
        """`scanner` makes a bleak scanner when called with ``detection_callback=``.

        `held` tells which devices the system is linked to; they do not advertise. See `ingest.this_computer.held`.
        """
        self._make_scanner = scanner
        self._held = held
        self._waiting: dict[str, list[asyncio.Future[BLEDevice]]] = {}
        self._rssi: dict[str, int] = {}
        self._scanner: BleakScanner | None = None
        self._lock = asyncio.Lock()

    async def find(self, address: str) -> BLEDevice:
        """Wait until the device with this address is heard; one that is linked already need not be.

        Raises:
            BleakError, OSError, EOFError, TimeoutError: when scanning is not possible.
        """
        linked = await self._linked(address.upper())
        if linked is not None:
            return linked
        heard: asyncio.Future[BLEDevice] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address.upper(), []).append(heard)
        try:
            await self._scan_if_wanted()
            return await heard
        finally:
            self._leave(address.upper(), heard)
            # Who gave up may have waited on a scanner that hears nothing any more: the others get a new one.
            await self._scan_if_wanted(renew=heard.cancelled())

    def rssi(self, address: str) -> int | None:
        """Signal strength of the newest advertisement of one that was searched for, dBm; None before the first."""
        return self._rssi.get(address.upper())

    async def _linked(self, address: str) -> BLEDevice | None:
        if self._held is None:
            return None
        async with asyncio.timeout(_CALL_S):
            devices = await self._held()
        return next((device for device in devices if device.address.upper() == address), None)

    def _leave(self, address: str, heard: asyncio.Future[BLEDevice]) -> None:
        waiting = self._waiting[address]
        waiting.remove(heard)
        if not waiting:
            del self._waiting[address]

    async def _scan_if_wanted(self, *, renew: bool = False) -> None:
        async with self._lock, asyncio.timeout(_CALL_S):
            if self._scanner is not None and (renew or not self._waiting):
                scanner, self._scanner = self._scanner, None
                await scanner.stop()
            if self._scanner is None and self._waiting:
                scanner = self._make_scanner(detection_callback=self._on_heard)
                await scanner.start()
                self._scanner = scanner

    def _on_heard(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        address = device.address.upper()
        if (
            address in self._waiting or address in self._rssi
        ):  # phones that pass by change theirs all the time
            self._rssi[address] = advertisement.rssi
        for heard in self._waiting.get(address, ()):
            if not heard.done():
                _log.debug("%s: heard", address)
                heard.set_result(device)
