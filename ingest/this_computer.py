"""The radio of the computer this runs on: who keeps the keys there, and what links it still has."""

from __future__ import annotations

import platform
from typing import Final

from bleak import BleakAdapter
from bleak.backends.device import BLEDevice

from ingest.bonds import Bonds, SystemBonds

__all__ = ["held", "own_bonds"]

GENERIC_ACCESS_UUID: Final = "1800"
"""Every GATT server has it (Core 5.4, Vol 3 Part C 12); systems want to be told a service to look for."""


def own_bonds() -> Bonds:
    """Keys as this system keeps them."""
    if platform.system() == "Linux":
        from ingest.bluez_agent import BlueZBonds

        return BlueZBonds()
    return SystemBonds()


async def held() -> list[BLEDevice]:
    """Devices that the system has a link to, though this process may never have connected to them.

    A process that was killed leaves its links behind; what is linked does not advertise, and no scan finds it.

    Raises:
        BleakError, OSError, EOFError.
    """
    adapter = await BleakAdapter.get()
    return await adapter.get_connected_devices([GENERIC_ACCESS_UUID])
