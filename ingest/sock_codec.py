"""The lullwatch sock's GATT profile as values and bytes; both ends use this one codec.

`docs/sock-profile.md` is the contract; this module only follows it. It knows nothing of any Bluetooth
library, so that the virtual sock, a driver and a test share it. Everything public of the profile is
importable from here: data notifications are below, the rest comes from the modules beside it.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from dataclasses import dataclass
from typing import Final

import numpy as np

from dsp.records import Counts, Packet, SegmentFlag, Site
from ingest.sock_codec_control import (
    Answer,
    Command,
    Confirm,
    Fetch,
    Identify,
    Promised,
    SetRateRange,
    ShowAlarm,
    Start,
    Started,
    Stop,
    decode_answer,
    decode_command,
    encode_answer,
    encode_command,
)
from ingest.sock_codec_status import Held, SockStatus, decode_status, encode_status
from ingest.sock_codec_wire import (
    ATT_MTU_MIN,
    BATTERY_LEVEL_UUID,
    BATTERY_SERVICE_UUID,
    CLOCK_HZ,
    CLOCK_WRAP,
    CONTROL_UUID,
    DATA_MAX_BYTES,
    DATA_UUID,
    DEVICE_INFORMATION_UUID,
    FIRMWARE_REVISION_UUID,
    MANUFACTURER_NAME_UUID,
    MODEL_NUMBER_UUID,
    OPEN_END,
    PROTOCOL_VERSION,
    RATES_HZ,
    SAMPLES_MAX,
    SERVICE_UUID,
    STATUS_UUID,
    U32_MAX,
    AccRange,
    AlarmState,
    BadChecksum,
    BadField,
    BadLength,
    BadPacket,
    DataFlag,
    GyroRange,
    Opcode,
    Rate,
    ResetCause,
    Result,
    UnknownVersion,
    check_range,
    decode_enum,
    decode_ranges,
    missing_between,
    range_code,
    scale_of,
)

__all__ = [
    "ATT_MTU_MIN",
    "BATTERY_LEVEL_UUID",
    "BATTERY_SERVICE_UUID",
    "CLOCK_HZ",
    "CLOCK_WRAP",
    "CONTROL_UUID",
    "DATA_MAX_BYTES",
    "DATA_UUID",
    "DEVICE_INFORMATION_UUID",
    "FIRMWARE_REVISION_UUID",
    "MANUFACTURER_NAME_UUID",
    "MODEL_NUMBER_UUID",
    "OPEN_END",
    "PROTOCOL_VERSION",
    "RATES_HZ",
    "SAMPLES_MAX",
    "SERVICE_UUID",
    "STATUS_UUID",
    "AccRange",
    "AlarmState",
    "Answer",
    "BadChecksum",
    "BadField",
    "BadLength",
    "BadPacket",
    "Command",
    "Confirm",
    "DataFlag",
    "DataPacket",
    "Fetch",
    "GyroRange",
    "Held",
    "Identify",
    "Opcode",
    "Promised",
    "Rate",
    "ResetCause",
    "Result",
    "SetRateRange",
    "ShowAlarm",
    "SockStatus",
    "Start",
    "Started",
    "Stop",
    "UnknownVersion",
    "as_backfill",
    "decode_answer",
    "decode_command",
    "decode_data",
    "decode_status",
    "encode_answer",
    "encode_command",
    "encode_data",
    "encode_status",
    "missing_between",
    "scale_of",
    "to_packet",
]

_HEADER: Final = struct.Struct("<BBIIIBBBB")
_CRC: Final = struct.Struct("<H")
_CRC_START: Final = 0xFFFF
_COUNT_BYTES: Final = 2
_AXES: Final = {True: 6, False: 3}
_SEGMENT_FLAGS: Final = (
    (DataFlag.CLIP, SegmentFlag.CLIPPED),
    (DataFlag.RESTART, SegmentFlag.RESTART),
    (DataFlag.BACKFILL, SegmentFlag.BACKFILL),
)


@dataclass(frozen=True, slots=True, eq=False)
class DataPacket:
    """One data notification: `counts` has shape (n, 3 or 6), n from 1 to 16; `clock` is its first row's."""

    flags: DataFlag
    boot: int
    seq: int
    clock: int
    rate: Rate
    acc: AccRange
    gyro: GyroRange
    counts: Counts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DataPacket):
            return NotImplemented
        return self._head() == other._head() and np.array_equal(self.counts, other.counts)

    def __hash__(self) -> int:
        return hash(self._head())

    def _head(self) -> tuple[int, ...]:
        return (self.flags, self.boot, self.seq, self.clock, self.rate, self.acc, self.gyro)


def encode_data(packet: DataPacket) -> bytes:
    """Bytes of a data notification, at most 212. Raises `BadField` on a value that has no place."""
    what = "data packet"
    n, axes = packet.counts.shape
    check_range(what, "boot", 2, packet.boot, 1, U32_MAX)
    check_range(what, "seq", 6, packet.seq, 0, OPEN_END - 1)
    check_range(what, "clock", 10, packet.clock, 0, U32_MAX)
    check_range(what, "n", 16, n, 1, SAMPLES_MAX)
    _check_axes(axes, packet.gyro)
    ranges = range_code(packet.acc, packet.gyro)
    head = _HEADER.pack(
        PROTOCOL_VERSION, packet.flags, packet.boot, packet.seq, packet.clock, packet.rate, ranges, n, axes
    )
    body = head + packet.counts.astype("<i2").tobytes()
    return body + _CRC.pack(crc_hqx(body, _CRC_START))


def as_backfill(encoded: bytes) -> bytes:
    """The same data notification with the back-fill flag set."""
    body = encoded[:1] + bytes((encoded[1] | DataFlag.BACKFILL,)) + encoded[2 : -_CRC.size]
    return body + _CRC.pack(crc_hqx(body, _CRC_START))


def decode_data(raw: bytes | bytearray | memoryview) -> DataPacket:
    """Read a data notification. Raises `BadPacket` (or a kind of it) on any other bytes."""
    what = "data packet"
    data = bytes(raw)
    _check_head(what, data, _HEADER.size + _CRC.size)
    _, flags, boot, seq, clock, rate, ranges, n, axes = _HEADER.unpack_from(data)
    _check_crc(what, data)
    check_range(what, "flags", 1, flags, 0, int(DataFlag.CLIP | DataFlag.RESTART | DataFlag.BACKFILL))
    check_range(what, "boot", 2, boot, 1, U32_MAX)
    check_range(what, "seq", 6, seq, 0, OPEN_END - 1)
    acc, gyro = decode_ranges(what, 15, ranges)
    check_range(what, "n", 16, n, 1, SAMPLES_MAX)
    _check_axes(axes, gyro)
    size = _HEADER.size + n * axes * _COUNT_BYTES + _CRC.size
    if len(data) != size:
        raise BadLength(what, len(data), f"{size} for {n} samples of {axes} axes")
    counts = np.frombuffer(data, "<i2", n * axes, _HEADER.size).reshape(n, axes).astype(np.int16, copy=False)
    return DataPacket(
        DataFlag(flags), boot, seq, clock, decode_enum(Rate, what, "rate", 14, rate), acc, gyro, counts
    )


def to_packet(data: DataPacket, *, site: Site, sensor: str, arrived_ns: int) -> Packet:
    """The record that leaves the driver: the same samples with site, sensor and arrival (ns of data time)."""
    flags = SegmentFlag.NONE
    for wire, flag in _SEGMENT_FLAGS:
        if data.flags & wire:
            flags |= flag
    return Packet(
        site=site,
        sensor=sensor,
        boot=data.boot,
        seq=data.seq,
        clock=data.clock,
        rate_hz=RATES_HZ[data.rate],
        scale=scale_of(data.acc, data.gyro),
        counts=data.counts,
        flags=flags,
        arrived_ns=arrived_ns,
    )


def _check_head(what: str, data: bytes, least: int) -> None:
    if not data:
        raise BadLength(what, 0, f"at least {least}")
    if data[0] != PROTOCOL_VERSION:
        raise UnknownVersion(what, data[0])
    if len(data) < least:
        raise BadLength(what, len(data), f"at least {least}")


def _check_crc(what: str, data: bytes) -> None:
    end = len(data) - _CRC.size
    (got,) = _CRC.unpack_from(data, end)
    expected = crc_hqx(data[:end], _CRC_START)
    if got != expected:
        raise BadChecksum(what, end, got, expected)


def _check_axes(axes: int, gyro: GyroRange) -> None:
    expected = _AXES[gyro is not GyroRange.OFF]
    if axes != expected:
        raise BadField("data packet", "axes", 17, axes, f"{expected} with gyro range {gyro.name}")
