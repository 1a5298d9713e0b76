"""Finding a configured sensor on the air: one scan at a time for the whole process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

__all__ = ["Finder", "NotSeen"]

SCAN_TIMEOUT_S = 10.0
"""A sock advertises several times a second; ten seconds cover a radio that shares its air time with live links."""


class NotSeen(BleakError):  # noqa: N818 - exceptions are named after their cause
    """A configured address did not advertise while it was looked for."""

    def __init__(self, address: str, timeout_s: float) -> None:
        super().__init__(
            f"{address} was not seen in {timeout_s:g} s of scanning; is the sensor charged, near, and not "
            "connected to something else?"
        )


class Finder:
    """Scans for one address at a time.

    BlueZ answers parallel scans with InProgress and forgets a device some 30 s after it was last seen, so every
    attempt to connect starts with a fresh scan, one after the other.

    Args:
        scanner: makes a scanner with a detection callback; `BleakScanner` itself, or one with another backend.
    """

    def __init__(self, scanner: Callable[..., BleakScanner] = BleakScanner) -> None:
        self._scanner = scanner
        self._turn = asyncio.Lock()

    async def find(self, address: str) -> BLEDevice:
        """The device with this address, seen just now.

        Raises:
            NotSeen: it did not advertise within `SCAN_TIMEOUT_S`.
            BleakError, OSError: the scan could not be run (no adapter, no Bluetooth service).
        """
        wanted = address.upper()
        loop = asyncio.get_running_loop()
        async with self._turn:
            found: asyncio.Future[BLEDevice] = loop.create_future()

            def seen(device: BLEDevice, _advertisement: AdvertisementData) -> None:
                if device.address.upper() == wanted and not found.done():
                    found.set_result(device)

            async with self._scanner(detection_callback=seen):
                try:
                    return await asyncio.wait_for(found, SCAN_TIMEOUT_S)
                except TimeoutError:
                    raise NotSeen(address, SCAN_TIMEOUT_S) from None
