"""Movesense's GATT SensorData Protocol (GSP) as values and bytes: six axes of a sensor used in infants' garments.

The maker's description (document GD-77 and its sample firmware) is the reference; what hardware was seen to do
besides is told where it matters. Everything is little-endian. This module knows no Bluetooth library.

References:
    https://movesense.com/docs/esw/gatt_sensordata_protocol
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.errors import BadNotification

__all__ = [
    "COMMAND_UUID",
    "DATA_UUID",
    "NAME_PREFIX",
    "RATES_HZ",
    "SERVICE_UUID",
    "STANDARD_GRAVITY",
    "Assembler",
    "Hello",
    "Part",
    "Result",
    "Samples",
    "decode_hello",
    "decode_imu6",
    "decode_notification",
    "encode_get",
    "encode_hello",
    "encode_subscribe",
    "encode_unsubscribe",
    "imu6_path",
]

SERVICE_UUID: Final = "34802252-7185-4d5d-b431-630e7050e8f0"
COMMAND_UUID: Final = "34800001-7185-4d5d-b431-630e7050e8f0"
DATA_UUID: Final = "34800002-7185-4d5d-b431-630e7050e8f0"
NAME_PREFIX: Final = "Movesense"
"""The 128-bit service is mostly not advertised: 31 bytes do not hold it beside the name."""
RATES_HZ: Final = (13, 26, 52, 104, 208, 416, 833, 1666)
STANDARD_GRAVITY: Final = 9.80665
"""m/s2 in a g: acceleration comes in m/s2."""

_WHO: Final = "Movesense"
_HELLO, _SUBSCRIBE, _UNSUBSCRIBE, _GET = 0, 1, 2, 4
_RESULT, _FIRST = 1, 2
_CONTINUED: Final = (3, 4)
_KNOWN_STATUS: Final = frozenset(
    (200, 201, 202, 400, 401, 403, 404, 405, 408, 409, 413, 423, 429, 500, 501, 503, 507)
)
_TRIPLE_BYTES: Final = 12
_BYTES_MAX: Final = 2048
"""1666 Hz packs 16 samples, 388 bytes; what grows beyond this was put together from pieces of several packets."""


@dataclass(frozen=True, slots=True)
class Result:
    """Answer to a command: an HTTP-like status, then data."""

    ref: int
    status: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a subscribed value: the first, or one that goes on from it."""

    ref: int
    first: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Hello:
    """What a sensor says of itself."""

    protocol: int
    serial: str
    product: str
    app: str
    version: str


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One packet of six axes."""

    first_ms: int
    """time of the *first* sample since the sensor started; wraps at 2^32"""
    acc_g: NDArray[np.float64]
    """shape (n, 3)"""
    gyro_dps: NDArray[np.float64]
    """shape (n, 3)"""


def imu6_path(rate_hz: int) -> str:
    """Resource of acceleration and angular rate at one of `RATES_HZ`."""
    if rate_hz not in RATES_HZ:
        msg = f"Movesense does not measure at {rate_hz} Hz; choose one of {', '.join(map(str, RATES_HZ))}"
        raise ValueError(msg)
    return f"/Meas/IMU6/{rate_hz}"


def encode_hello(ref: int) -> bytes:
    """Ask who is there. Always first: on older firmware other commands mean other things, one of them erases a log."""
    return _command(_HELLO, ref)


def encode_subscribe(ref: int, path: str) -> bytes:
    """Subscribe a resource; its values come under this reference until the link ends."""
    return _command(_SUBSCRIBE, ref, path.encode("ascii") + b"\0")


def encode_unsubscribe(ref: int) -> bytes:
    """End the subscription of a reference."""
    return _command(_UNSUBSCRIBE, ref)


def encode_get(ref: int, path: str, hello: Hello) -> bytes:
    """Read a resource, from a sensor that has said by its hello that it knows this command."""
    del hello  # asked for so that nobody reads before having asked who is there
    return _command(_GET, ref, path.encode("ascii") + b"\0")


def _command(number: int, ref: int, payload: bytes = b"") -> bytes:
    if not 1 <= ref <= 255:
        msg = f"a reference is 1 to 255, not {ref}"
        raise ValueError(msg)
    return bytes((number, ref)) + payload


def decode_notification(raw: bytes) -> Result | Part:
    """What one notification is.

    Raises:
        BadNotification: too short, or of an unknown type.
    """
    if len(raw) < 2:
        raise BadNotification(_WHO, "notification", raw, "a type and a reference")
    kind, ref, rest = raw[0], raw[1], bytes(raw[2:])
    if kind == _RESULT:
        return _result(ref, rest, raw)
    if kind == _FIRST or kind in _CONTINUED:
        return Part(ref, kind == _FIRST, rest)
    raise BadNotification(_WHO, "notification", raw, "type 1 to 4")


def _result(ref: int, rest: bytes, raw: bytes) -> Result:
    """The answer to HELLO has no status; sample firmware writes its status the other way round, or in one byte."""
    if not rest:
        raise BadNotification(_WHO, "answer", raw, "a status")
    if len(rest) == 1:
        return Result(ref, rest[0], b"")
    for order in ("little", "big"):
        status = int.from_bytes(rest[:2], order)
        if status in _KNOWN_STATUS:
            return Result(ref, status, rest[2:])
    return Result(ref, 0, rest)


def decode_hello(result: Result) -> Hello:
    """The answer to HELLO.

    Raises:
        BadNotification: the sensor's firmware is older than the data-logger commands, or something else answered.
    """
    names = result.data[1:].split(b"\0") if result.status == 0 else []
    if len(names) < 5:
        what = "serial, product, address, app and version; update the sensor's firmware"
        raise BadNotification(_WHO, "hello", result.data, what)
    serial, product, _, app, version = (n.decode("utf-8", "replace") for n in names[:5])
    return Hello(result.data[0], serial, product, app, version)


class Assembler:
    """Puts values that come in several notifications together, by reference. A lost piece drops its value whole."""

    def __init__(self) -> None:
        self.dropped = 0
        """values of which a piece was missing"""
        self._open: dict[int, tuple[bytes, int]] = {}

    def take(self, part: Part, size: int) -> bytes | None:
        """Take a piece in; the value once all its `size` bytes are there."""
        if part.first:
            self.dropped += part.ref in self._open
            data = part.data
        elif part.ref in self._open:
            data = self._open[part.ref][0] + part.data
        else:
            self.dropped += 1
            return None
        self._open.pop(part.ref, None)
        if len(data) < size <= _BYTES_MAX:
            self._open[part.ref] = (data, size)
            return None
        return data


def decode_imu6(data: bytes) -> Samples:
    """One value of an IMU6 resource: a time, then all accelerations, then all angular rates.

    Raises:
        BadNotification: bytes that are no whole samples, or numbers that are none.
    """
    n, rest = divmod(len(data) - 4, 2 * _TRIPLE_BYTES)
    if n < 1 or rest:
        raise BadNotification(_WHO, "IMU6", data, "4 bytes and samples of 24")
    (first_ms,) = struct.unpack_from("<I", data)
    values = np.frombuffer(data, "<f4", offset=4).astype(np.float64).reshape(2, n, 3)
    if not np.isfinite(values).all():
        raise BadNotification(_WHO, "IMU6", data, "finite values")
    return Samples(first_ms, values[0] / STANDARD_GRAVITY, values[1])
