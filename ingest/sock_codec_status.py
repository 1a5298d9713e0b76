"""The status characteristic of the sock profile, as a value and as bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from ingest.sock_codec_wire import (
    OPEN_END,
    PROTOCOL_VERSION,
    U8_MAX,
    U32_MAX,
    AccRange,
    BadField,
    BadLength,
    GyroRange,
    Rate,
    ResetCause,
    UnknownVersion,
    check_boot_seq,
    check_range,
    decode_enum,
    decode_ranges,
    range_code,
)

__all__ = ["Held", "SockStatus", "decode_status", "encode_status"]

_STATUS: Final = struct.Struct("<BBBBBBBBBIIIIIIIII")
_BATTERY_UNKNOWN: Final = 0xFF
_BATTERY_FULL: Final = 100
_CHARGING: Final = 1
_SAMPLING: Final = 2
_NO_BOOT: Final = 0
_NOTHING: Final = OPEN_END


@dataclass(frozen=True, slots=True)
class Held:
    """Extent of the packets held of one boot: oldest and newest, both included; there may be holes."""

    boot: int
    oldest: int
    newest: int


@dataclass(frozen=True, slots=True)
class SockStatus:
    """What the sock says about itself. `held` and `earlier` are None when nothing is held."""

    battery: int | None
    """per cent; None while not yet measured"""
    charging: bool
    sampling: bool
    reset_cause: ResetCause
    firmware: tuple[int, int, int]
    rate: Rate
    acc: AccRange
    gyro: GyroRange
    uptime_s: int
    boot: int
    next_seq: int
    held: Held | None
    dropped: int
    """packets of this boot that were overwritten before they were confirmed"""
    earlier: Held | None
    """the oldest earlier boot of which packets are still held"""


def encode_status(status: SockStatus) -> bytes:
    """The 45 bytes of the status characteristic. Raises `BadField` on a value that has no place."""
    what = "status"
    battery = _BATTERY_UNKNOWN if status.battery is None else status.battery
    if status.battery is not None:
        check_range(what, "battery", 1, battery, 0, _BATTERY_FULL)
    for offset, part in enumerate(status.firmware, start=4):
        check_range(what, "firmware", offset, part, 0, U8_MAX)
    check_range(what, "uptime", 9, status.uptime_s, 0, U32_MAX)
    check_boot_seq(what, status.boot, status.next_seq, offset=13)
    check_range(what, "dropped", 29, status.dropped, 0, U32_MAX)
    held = _encode_held(status.held, 21)
    _check_made(what, status.held, status.next_seq)
    earlier = _encode_held(status.earlier, 37)
    flags = _CHARGING * status.charging | _SAMPLING * status.sampling
    return _STATUS.pack(
        PROTOCOL_VERSION,
        battery,
        flags,
        status.reset_cause,
        *status.firmware,
        status.rate,
        range_code(status.acc, status.gyro),
        status.uptime_s,
        status.boot,
        status.next_seq,
        *held,
        status.dropped,
        _NO_BOOT if status.earlier is None else status.earlier.boot,
        *earlier,
    )


def _encode_held(held: Held | None, offset: int) -> tuple[int, int]:
    if held is None:
        return _NOTHING, _NOTHING
    _check_held("status", held, offset)
    return held.oldest, held.newest


def _check_held(what: str, held: Held, offset: int) -> None:
    check_range(what, "oldest", offset, held.oldest, 0, OPEN_END - 1)
    check_range(what, "newest", offset + 4, held.newest, held.oldest, OPEN_END - 1)


def _check_made(what: str, held: Held | None, next_seq: int) -> None:
    """That what is held was made already: believing more leaves the sock unheard until it gets there."""
    if held is not None and held.newest >= next_seq:
        raise BadField(what, "newest", 25, held.newest, f"less than next, which is {next_seq:#x}")


def decode_status(raw: bytes | bytearray | memoryview) -> SockStatus:
    """Read the status characteristic. Raises `BadPacket` or a kind of it."""
    what = "status"
    data = bytes(raw)
    if not data:
        raise BadLength(what, 0, f"{_STATUS.size}")
    if data[0] != PROTOCOL_VERSION:
        raise UnknownVersion(what, data[0])
    if len(data) != _STATUS.size:
        raise BadLength(what, len(data), f"{_STATUS.size}")
    (_, battery, flags, reset, major, minor, patch, rate, ranges, uptime_s, boot, next_seq) = _STATUS.unpack(
        data
    )[:12]
    if battery != _BATTERY_UNKNOWN:
        check_range(what, "battery", 1, battery, 0, _BATTERY_FULL)
    check_range(what, "flags", 2, flags, 0, _CHARGING | _SAMPLING)
    acc, gyro = decode_ranges(what, 8, ranges)
    check_boot_seq(what, boot, next_seq, offset=13)
    oldest, newest, dropped, earlier_boot, *earlier_span = _STATUS.unpack(data)[12:]
    held = _decode_held(what, boot, oldest, newest, 21)
    _check_made(what, held, next_seq)
    return SockStatus(
        battery=None if battery == _BATTERY_UNKNOWN else battery,
        charging=bool(flags & _CHARGING),
        sampling=bool(flags & _SAMPLING),
        reset_cause=decode_enum(ResetCause, what, "reset cause", 3, reset),
        firmware=(major, minor, patch),
        rate=decode_enum(Rate, what, "rate", 7, rate),
        acc=acc,
        gyro=gyro,
        uptime_s=uptime_s,
        boot=boot,
        next_seq=next_seq,
        held=held,
        dropped=dropped,
        earlier=_decode_earlier(what, earlier_boot, *earlier_span),
    )


def _decode_held(what: str, boot: int, oldest: int, newest: int, offset: int) -> Held | None:
    if oldest == newest == _NOTHING:
        return None
    held = Held(boot, oldest, newest)
    _check_held(what, held, offset)
    return held


def _decode_earlier(what: str, boot: int, oldest: int, newest: int) -> Held | None:
    held = _decode_held(what, boot, oldest, newest, 37)
    if (held is None) != (boot == _NO_BOOT):
        raise BadField(what, "earlier boot", 33, boot, "0 exactly when nothing of an earlier boot is held")
    return held
