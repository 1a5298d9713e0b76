"""What the Bumble backend's client and scanner share: the host, its errors, UUIDs as bleak writes them."""

from __future__ import annotations

import asyncio

from bleak.exc import BleakError
from bleak.uuids import normalize_uuid_str
from bumble import core
from bumble.device import Device

from ingest.bumble_answers import heed_awaited_answers

__all__ = [
    "AlreadyConnectedError",
    "AlreadyScanningError",
    "AlreadySubscribedError",
    "FailedError",
    "LinkDroppedError",
    "NotConnectedError",
    "Radio",
    "TooLongError",
    "uuid_text",
]


class Radio:
    """A Bumble host and what all clients on it must share."""

    def __init__(self, device: Device) -> None:
        heed_awaited_answers(device.host)
        self.device = device
        self.connecting = asyncio.Lock()
        """a controller can have one Create Connection at a time"""


class NotConnectedError(BleakError):
    """An operation was asked of a client without a link."""

    def __init__(self, address: str, what: str) -> None:
        super().__init__(f"{what}: {address} is not connected; connect a new BleakClient first")


class LinkDroppedError(BleakError):
    """The link ended while an operation was under way."""

    def __init__(self, address: str, what: str) -> None:
        super().__init__(f"{what}: the link to {address} dropped; connect again with a new BleakClient")


class FailedError(BleakError):
    """Bumble or the controller refused an operation."""

    def __init__(self, address: str, what: str, cause: Exception) -> None:
        super().__init__(f"{what} of {address} failed: {type(cause).__name__}: {cause}")


class TooLongError(BleakError):
    """A write without response that does not fit in one PDU."""

    def __init__(self, given: int, allowed: int) -> None:
        super().__init__(
            f"write without response: {given} bytes given, {allowed} fit; write with response, or less"
        )


class AlreadyConnectedError(BleakError):
    """`connect` on a client that has a link."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is already connected; disconnect first, or use a new BleakClient")


class AlreadySubscribedError(BleakError):
    """A second subscription to one characteristic."""

    def __init__(self, uuid: str) -> None:
        super().__init__(f"{uuid} is already subscribed; stop_notify first")


class AlreadyScanningError(BleakError):
    """A second scanner on one radio."""

    def __init__(self) -> None:
        super().__init__("this host is already scanning; use one scanner for the whole process")


def uuid_text(uuid: core.UUID) -> str:
    """A UUID as bleak writes it: 128 bit, lower case."""
    return normalize_uuid_str(uuid.to_hex_str("-"))
