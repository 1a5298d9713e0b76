"""Polar Measurement Data (PMD) as values and bytes: control point and data frames of Verity Sense, OH1 and H10.

Polar's own SDK is the reference (technical_documentation/online_measurement.pdf and the frame parsers beside it); Polar
calls neither an official specification. Everything is little-endian. This module knows no Bluetooth library.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ingest.errors import BadNotification

__all__ = [
    "CONTROL_UUID",
    "DATA_UUID",
    "EPOCH_UNIX_S",
    "SERVICE_UUID",
    "Answer",
    "Frame",
    "Measurement",
    "Setting",
    "Status",
    "Stopped",
    "decode_control",
    "decode_data",
    "decode_features",
    "decode_settings",
    "encode_get_settings",
    "encode_start",
    "encode_stop",
    "settings_to_start",
]

SERVICE_UUID: Final = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL_UUID: Final = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA_UUID: Final = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
EPOCH_UNIX_S: Final = 946_684_800
"""Device time counts from 2000-01-01 UTC."""

_WHO: Final = "polar"
_RESPONSE: Final = 0xF0
_STOPPED: Final = 0x01
_GET_SETTINGS, _START, _STOP = 1, 2, 3
_TYPE_MASK: Final = 0x3F
"""Bits above mark an off-line recording."""
_COMPRESSED: Final = 0x80
_HEADER: Final = struct.Struct("<BQB")
_AXES: Final = 3
_MILLI: Final = 1e-3
_SAMPLES_MAX: Final = 4096
"""A notification of 512 bytes of one-bit differences holds fewer; what claims more is not from a sensor."""


class Measurement(IntEnum):
    """What is measured; the other codes of the profile are of no use here."""

    ACC = 2
    GYRO = 5


class Setting(IntEnum):
    """A setting of a stream."""

    SAMPLE_RATE = 0
    RESOLUTION = 1
    RANGE = 2
    RANGE_MILLI = 3
    CHANNELS = 4
    FACTOR = 5
    """what a count is worth; only ever received"""
    SECURITY = 6


_FORMATS: Final[Mapping[Setting, str]] = {
    Setting.SAMPLE_RATE: "<H",
    Setting.RESOLUTION: "<H",
    Setting.RANGE: "<H",
    Setting.RANGE_MILLI: "<I",
    Setting.CHANNELS: "<B",
    Setting.FACTOR: "<f",
    Setting.SECURITY: "<16s",
}


class Status(IntEnum):
    """How the sensor answered a command."""

    OK = 0
    BAD_OP = 1
    BAD_TYPE = 2
    NOT_SUPPORTED = 3
    BAD_LENGTH = 4
    BAD_PARAMETER = 5
    ALREADY_IN_STATE = 6
    BAD_RESOLUTION = 7
    BAD_SAMPLE_RATE = 8
    BAD_RANGE = 9
    BAD_MTU = 10
    BAD_CHANNELS = 11
    INVALID_STATE = 12
    IN_CHARGER = 13
    DISK_FULL = 14
    UNKNOWN = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """An indication of the control point; with `more` the parameters go on in the next one."""

    op: int
    measurement: int
    status: Status
    more: bool
    parameters: bytes


@dataclass(frozen=True, slots=True)
class Stopped:
    """The sensor ended these streams by itself."""

    measurements: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One data notification."""

    measurement: Measurement
    last_ns: int
    """time of the *last* sample on the sensor's clock"""
    values: NDArray[np.float64]
    """shape (n, 3): g of acceleration, deg/s of angular rate"""


def encode_get_settings(measurement: Measurement) -> bytes:
    """Ask which rates, ranges and resolutions there are."""
    return bytes((_GET_SETTINGS, measurement))


def encode_start(measurement: Measurement, settings: Mapping[Setting, int]) -> bytes:
    """Start a stream; name only settings that the sensor listed, each with one value."""
    parts = [bytes((_START, measurement))]
    for setting, value in settings.items():
        parts.append(bytes((setting, 1)) + struct.pack(_FORMATS[setting], value))
    return b"".join(parts)


def encode_stop(measurement: Measurement) -> bytes:
    """Stop a stream; a sensor that is left streaming stays on until its battery is empty."""
    return bytes((_STOP, measurement))


def decode_features(raw: bytes) -> frozenset[Measurement]:
    """What a sensor can measure, from a read of the control point.

    Raises:
        BadNotification: shorter than the bit map.
    """
    if len(raw) < 2:
        raise BadNotification(_WHO, "features", raw, "at least 2 bytes")
    return frozenset(m for m in Measurement if raw[1] >> m & 1)


def decode_control(raw: bytes) -> Answer | Stopped:
    """An indication of the control point.

    Raises:
        BadNotification: neither an answer nor a note that streams have ended.
    """
    if raw[:1] == bytes((_STOPPED,)):
        return Stopped(tuple(b & _TYPE_MASK for b in raw[1:]))
    if len(raw) < 4 or raw[0] != _RESPONSE:
        raise BadNotification(_WHO, "control point", raw, "F0, command, measurement, status")
    status = Status(raw[3]) if raw[3] in Status._value2member_map_ else Status.UNKNOWN
    return Answer(raw[1], raw[2] & _TYPE_MASK, status, len(raw) > 4 and raw[4] != 0, bytes(raw[5:]))


def decode_settings(parameters: bytes) -> dict[Setting, tuple[int | float | bytes, ...]]:
    """Settings with the values there are, from the parameters of an answer.

    Raises:
        BadNotification: an unknown setting, or one that ends early.
    """
    found: dict[Setting, tuple[int | float | bytes, ...]] = {}
    at = 0
    while at < len(parameters):
        head = parameters[at : at + 2]
        if len(head) < 2 or head[0] not in Setting._value2member_map_:
            raise BadNotification(_WHO, "settings", parameters, f"a known setting at byte {at}")
        setting, count = Setting(head[0]), head[1]
        one = struct.Struct(_FORMATS[setting])
        part = parameters[at + 2 : at + 2 + count * one.size]
        if len(part) < count * one.size:
            raise BadNotification(_WHO, "settings", parameters, f"{count} values of {one.size} bytes at {at}")
        found[setting] = tuple(value for (value,) in one.iter_unpack(part))
        at += 2 + count * one.size
    return found


def decode_data(raw: bytes, *, factor: float = 1.0) -> Frame:
    """A data notification of acceleration or angular rate.

    Args:
        raw: the notification.
        factor: what a count of this stream is worth, from the answer to its start; for frames that need it.

    Raises:
        BadNotification: another measurement, an unknown kind of frame, or bytes that do not add up.
    """
    if len(raw) < _HEADER.size:
        raise BadNotification(_WHO, "data", raw, f"a header of {_HEADER.size} bytes")
    code, last_ns, kind = _HEADER.unpack_from(raw)
    if code & _TYPE_MASK not in (Measurement.ACC, Measurement.GYRO) or code & ~_TYPE_MASK:
        raise BadNotification(_WHO, "data", raw, "acceleration (02) or angular rate (05)")
    measurement, content = Measurement(code), bytes(raw[_HEADER.size :])
    read = _READERS.get((measurement, kind))
    if read is None:
        raise BadNotification(_WHO, "data", raw, f"a known kind of frame, not {kind:#04x}")
    values = np.asarray(read(content, factor), dtype=np.float64)
    if not np.isfinite(values).all():
        raise BadNotification(_WHO, "data", raw, "finite values")
    return Frame(measurement, last_ns, values)


def _raw(content: bytes, width: int) -> NDArray[np.int64]:
    """Whole samples of three signed integers of `width` bytes."""
    if not content or len(content) % (_AXES * width):
        raise BadNotification(_WHO, "data", content, f"samples of {_AXES * width} bytes")
    parts = np.frombuffer(content, np.uint8).reshape(-1, width).astype(np.int64)
    return _signed(parts @ (1 << (8 * np.arange(width, dtype=np.int64))), 8 * width).reshape(-1, _AXES)


def _compressed(content: bytes, width: int) -> NDArray[np.int64]:
    """A reference sample of three integers of `width` bytes, then blocks of differences to the sample before."""
    size = _AXES * width
    if len(content) < size:
        raise BadNotification(_WHO, "data", content, f"a reference sample of {size} bytes")
    parts, at, total = [_raw(content[:size], width)], size, 1
    while at < len(content):
        steps, at = _block(content, at)
        parts.append(steps)
        total += len(steps)
        if total > _SAMPLES_MAX:
            raise BadNotification(_WHO, "data", content, f"at most {_SAMPLES_MAX} samples")
    return np.cumsum(np.concatenate(parts), axis=0)


def _block(content: bytes, at: int) -> tuple[NDArray[np.int64], int]:
    """Differences, shape (n, 3), of the block at a byte, and the byte behind it; least significant bits first."""
    head = content[at : at + 2]
    if len(head) < 2:
        raise BadNotification(_WHO, "data", content, f"width and count of a block at byte {at}")
    bits, count = head
    size = -(-bits * count * _AXES // 8)
    packed = content[at + 2 : at + 2 + size]
    if bits > 32 or len(packed) < size:
        raise BadNotification(_WHO, "data", content, f"{count} samples of up to 32 bits an axis at byte {at}")
    if not bits:
        return np.zeros((count, _AXES), np.int64), at + 2
    ones = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")[: bits * count * _AXES]
    values = ones.reshape(-1, bits).astype(np.int64) @ (1 << np.arange(bits, dtype=np.int64))
    return _signed(values, bits).reshape(-1, _AXES), at + 2 + size


def _signed(values: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    half = 1 << (bits - 1)
    return np.asarray((values + half) % (1 << bits) - half)


def _floats(content: bytes) -> NDArray[np.float64]:
    """Compressed bit patterns of single-precision numbers."""
    patterns = (_compressed(content, 4) & 0xFFFFFFFF).astype(np.uint32)
    return np.asarray(patterns.view(np.float32), dtype=np.float64)


_READERS: Final[Mapping[tuple[int, int], Callable[[bytes, float], NDArray[np.floating[Any]]]]] = {
    (Measurement.ACC, 0): lambda c, _: _raw(c, 1) * _MILLI,
    (Measurement.ACC, 1): lambda c, _: _raw(c, 2) * _MILLI,
    (Measurement.ACC, 2): lambda c, _: _raw(c, 3) * _MILLI,
    (Measurement.ACC, _COMPRESSED | 0): lambda c, factor: _compressed(c, 2) * factor,
    (Measurement.ACC, _COMPRESSED | 1): lambda c, factor: _compressed(c, 2) * (factor * _MILLI),
    (Measurement.GYRO, _COMPRESSED | 0): lambda c, factor: _compressed(c, 2) * factor,
    (Measurement.GYRO, _COMPRESSED | 1): lambda c, factor: _floats(c) * factor,
}
"""Readers by measurement and kind of frame, giving g or deg/s from the content and the stream's factor."""


def settings_to_start(
    offered: Mapping[Setting, Sequence[int | float | bytes]], wanted: Mapping[Setting, int]
) -> dict[Setting, int]:
    """Of every block that the sensor offers the wanted value, or the highest there is; zero is none."""
    chosen: dict[Setting, int] = {}
    for setting, values in offered.items():
        numbers = [v for v in values if isinstance(v, int) and v > 0]
        if numbers:
            want = wanted.get(setting)
            chosen[setting] = want if want in numbers and want is not None else max(numbers)
    return chosen
