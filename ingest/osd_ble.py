"""The OpenSeizureDetector BLE data source as values and bytes: watches that send acceleration at 25 Hz.

The project's own description is the reference (BLE data source specification, formats 0 to 3). A notification holds
samples one after the other and no time; the receiver's clock is all there is. This module knows no Bluetooth library.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.errors import BadNotification

__all__ = [
    "BATTERY_UUID",
    "DATA_UUID",
    "FIRMWARE_UUID",
    "FORMAT_UUID",
    "ID_UUID",
    "RATE_HZ",
    "SERVICE_UUID",
    "STATUS_UUID",
    "Format",
    "Shown",
    "decode_acceleration",
    "decode_format",
    "encode_shown",
]

SERVICE_UUID: Final = "000085e9-0000-1000-8000-00805f9b34fb"
DATA_UUID: Final = "000085e9-0001-1000-8000-00805f9b34fb"
BATTERY_UUID: Final = "000085e9-0002-1000-8000-00805f9b34fb"
ID_UUID: Final = "000085e9-0003-1000-8000-00805f9b34fb"
FIRMWARE_UUID: Final = "000085e9-0004-1000-8000-00805f9b34fb"
FORMAT_UUID: Final = "000085e9-0005-1000-8000-00805f9b34fb"
STATUS_UUID: Final = "000085e9-0006-1000-8000-00805f9b34fb"
RATE_HZ: Final = 25.0

_WHO: Final = "OpenSeizureDetector"
_AXES: Final = 3
_MILLI: Final = 1e-3


class Format(IntEnum):
    """How a device sends its acceleration."""

    MAGNITUDE_8 = 0
    """one byte a sample, 64 to the g"""
    MAGNITUDE_16 = 1
    """two bytes a sample, milli-g"""
    VECTOR_16 = 3
    """x, y, z of two bytes each, milli-g"""


class Shown(IntEnum):
    """What a watch is told to show."""

    OK = 0
    WARNING = 1
    ALARM = 2
    FALL = 3
    FAULT = 4
    MANUAL = 5
    MUTE = 6
    NETWORK_FAULT = 7


def decode_format(raw: bytes) -> Format:
    """The format that a device says it sends.

    Raises:
        BadNotification: not one byte, or a format without three axes: sleep jerks and brief movements are told apart
            by how a limb turns, which a magnitude does not say.
    """
    if len(raw) != 1 or raw[0] != Format.VECTOR_16:
        what = "format 3 (x, y, z); set the watch app to send all three axes"
        raise BadNotification(_WHO, "acceleration format", raw, what)
    return Format.VECTOR_16


def decode_acceleration(raw: bytes) -> NDArray[np.float64]:
    """Samples of one notification of format 3, g, shape (n, 3).

    Raises:
        BadNotification: no whole samples.
    """
    if not raw or len(raw) % (2 * _AXES):
        raise BadNotification(_WHO, "acceleration", raw, f"samples of {2 * _AXES} bytes")
    return np.frombuffer(raw, "<i2").reshape(-1, _AXES) * _MILLI


def encode_shown(shown: Shown) -> bytes:
    """What the watch is to show."""
    return bytes((shown,))
