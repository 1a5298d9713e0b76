"""Pairing: a person reads six digits off a sock's label, and gateway and sock draw a key from them for good."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from bleak import BleakClient
from bleak.backends.device import BLEDevice

from ingest.bonds import Bonds
from ingest.errors import IngestError, PairingFailed
from ingest.session import SockSession

__all__ = ["PAIR_S", "PASSKEY_MAX", "BadPasskey", "check_passkey", "pair"]

_log = logging.getLogger(__name__)

PASSKEY_MAX: Final = 999_999
"""A passkey has six decimal digits (Core 5.4, Vol 3 Part H 2.3.5.6)."""
PAIR_S: Final = 40.0
"""Real seconds for one pairing: the Security Manager itself gives up after 30 (Vol 3 Part H 3.4)."""


class BadPasskey(IngestError):
    """Not a passkey."""

    def __init__(self) -> None:
        super().__init__("a passkey is the six digits on the sock's label, such as 042137")


def check_passkey(text: str) -> int:
    """The passkey that a person typed. Raises `BadPasskey`."""
    digits = text.replace(" ", "").replace("-", "")
    if len(digits) != len(str(PASSKEY_MAX)) or not (digits.isascii() and digits.isdigit()):
        raise BadPasskey
    return int(digits)


async def pair(
    device: BLEDevice,
    passkey: int,
    *,
    bonds: Bonds,
    client: Callable[..., BleakClient] = BleakClient,
    sensor: str | None = None,
) -> str:
    """Bond with a sock, then prove it: connect anew under the key and read what is protected.

    Args:
        device: freshly heard.
        passkey: the number on its label.
        bonds: the stack that will keep the key. An earlier bond with this address is forgotten first.
        client: makes a bleak client.
        sensor: what to call it in messages; by default its address.

    Returns:
        Version of its firmware.

    Raises:
        BadPasskey, WrongPasskey, PairingFailed, IngestError, BleakError, OSError, EOFError, TimeoutError.
    """
    if not 0 <= passkey <= PASSKEY_MAX:
        raise BadPasskey
    name = sensor or device.address
    if await bonds.bond(device.address.upper()) is not None:
        await _forget(bonds, device.address.upper())
    async with asyncio.timeout(PAIR_S):
        await bonds.pair(device, passkey)
    session = SockSession(name, device, client, bonds=bonds, on_data=_unheard, on_status=_unheard)
    try:
        status = await session.open()
    finally:
        await session.close()
    return ".".join(map(str, status.firmware))


async def _forget(bonds: Bonds, address: str) -> None:
    try:
        await bonds.forget(address)
    except PairingFailed as error:
        _log.debug("%s", error)


def _unheard(_: object) -> None:
    return
