"""Words of the sock profile that every record of it uses: numbers, codes, errors, field checks.

`docs/sock-profile.md` is the contract; read it before this file. All numbers are little-endian.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final, TypeVar

from dsp.records import Scale

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
    "U8_MAX",
    "U32_MAX",
    "AccRange",
    "AlarmState",
    "BadChecksum",
    "BadField",
    "BadLength",
    "BadPacket",
    "DataFlag",
    "GyroRange",
    "Opcode",
    "Rate",
    "ResetCause",
    "Result",
    "UnknownVersion",
    "check_boot_seq",
    "check_range",
    "decode_enum",
    "decode_ranges",
    "missing_between",
    "range_code",
    "scale_of",
]

PROTOCOL_VERSION: Final = 1
SERVICE_UUID: Final = "5f280001-4fa0-43e1-b1d9-c09d3113c698"
DATA_UUID: Final = "5f280002-4fa0-43e1-b1d9-c09d3113c698"
CONTROL_UUID: Final = "5f280003-4fa0-43e1-b1d9-c09d3113c698"
STATUS_UUID: Final = "5f280004-4fa0-43e1-b1d9-c09d3113c698"
BATTERY_SERVICE_UUID: Final = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL_UUID: Final = "00002a19-0000-1000-8000-00805f9b34fb"
DEVICE_INFORMATION_UUID: Final = "0000180a-0000-1000-8000-00805f9b34fb"
MANUFACTURER_NAME_UUID: Final = "00002a29-0000-1000-8000-00805f9b34fb"
MODEL_NUMBER_UUID: Final = "00002a24-0000-1000-8000-00805f9b34fb"
FIRMWARE_REVISION_UUID: Final = "00002a26-0000-1000-8000-00805f9b34fb"

ATT_MTU_MIN: Final = 247
"""Bytes. One link-layer packet of 251 bytes holds an ATT packet of 247, so a notification is never split."""
DATA_MAX_BYTES: Final = ATT_MTU_MIN - 3
"""Bytes of one notification's value: the ATT header (opcode, handle) takes three."""
SAMPLES_MAX: Final = 16
"""Samples in a notification: 154 ms at 104 Hz, the most that leaves the alert its time."""
CLOCK_HZ: Final = 32_768
"""Ticks a second of the sensor clock: the watch crystal every BLE chip carries."""
CLOCK_WRAP: Final = 1 << 32
"""The sensor clock starts again at zero after this many ticks (36.4 h)."""
U32_MAX: Final = 0xFFFF_FFFF
U8_MAX: Final = 0xFF
OPEN_END: Final = 0xFFFF_FFFF
"""As the end of a fetch: everything held when it is asked for. Never a packet's number."""


class BadPacket(ValueError):
    """Bytes that are not what the sock profile says; `what`, `field` and `offset` say where."""

    def __init__(self, what: str, field: str, offset: int, problem: str) -> None:
        super().__init__(f"{what}, {field} at byte {offset}: {problem}")
        self.what = what
        self.field = field
        self.offset = offset


class BadLength(BadPacket):
    """More or fewer bytes than the record has."""

    def __init__(self, what: str, got: int, expected: str) -> None:
        super().__init__(what, "length", got, f"{got} bytes, expected {expected}")


class BadField(BadPacket):
    """A field holds a value that the profile does not know."""

    def __init__(self, what: str, field: str, offset: int, got: int, expected: str) -> None:
        super().__init__(what, field, offset, f"{got:#x}, expected {expected}")


class BadChecksum(BadPacket):
    """The CRC does not fit the bytes before it: damaged in the sock's memory or on the way."""

    def __init__(self, what: str, offset: int, got: int, expected: int) -> None:
        super().__init__(what, "crc", offset, f"{got:#06x}, expected {expected:#06x}")


class UnknownVersion(BadPacket):
    """The sock speaks another version of the profile."""

    def __init__(self, what: str, got: int) -> None:
        remedy = "update the sock's firmware or lullwatch so that both speak the same version"
        super().__init__(what, "version", 0, f"{got}, expected {PROTOCOL_VERSION}: {remedy}")
        self.version = got


class DataFlag(IntFlag):
    """Flags byte of a data notification."""

    NONE = 0
    CLIP = 1
    RESTART = 2
    BACKFILL = 4


class Rate(IntEnum):
    """Sampling rate codes."""

    HZ_52 = 1
    HZ_104 = 2
    HZ_208 = 3


class AccRange(IntEnum):
    """High nibble of the range code."""

    G_4 = 1
    G_8 = 2
    G_16 = 3


class GyroRange(IntEnum):
    """Low nibble of the range code; off means that packets carry 3 axes."""

    OFF = 0
    DPS_250 = 1
    DPS_500 = 2
    DPS_1000 = 3
    DPS_2000 = 4


class AlarmState(IntEnum):
    """What the sock's own light shows."""

    NONE = 0
    NOTICE = 1
    URGENT = 2
    TECHNICAL = 3


class ResetCause(IntEnum):
    """Why the sock started last."""

    UNKNOWN = 0
    POWER_ON = 1
    WATCHDOG = 2
    BROWN_OUT = 3
    SOFTWARE = 4
    FIRMWARE_UPDATE = 5


class Opcode(IntEnum):
    """First byte of a command; its answer has the highest bit set."""

    START = 1
    STOP = 2
    SET_RATE_RANGE = 3
    CONFIRM = 4
    FETCH = 5
    SHOW_ALARM = 6
    IDENTIFY = 7


class Result(IntEnum):
    """Result byte of an answer."""

    OK = 0
    BAD_LENGTH = 1
    BAD_VALUE = 2
    BUSY = 3
    UNKNOWN_OPCODE = 4
    NOT_STARTED = 5
    WRONG_BOOT = 6
    FAULT = 7


RATES_HZ: Final = {Rate.HZ_52: 52.0, Rate.HZ_104: 104.0, Rate.HZ_208: 208.0}
_ACC_G: Final = {AccRange.G_4: 4.0, AccRange.G_8: 8.0, AccRange.G_16: 16.0}
_GYRO_DPS: Final = {
    GyroRange.OFF: 0.0,
    GyroRange.DPS_250: 250.0,
    GyroRange.DPS_500: 500.0,
    GyroRange.DPS_1000: 1000.0,
    GyroRange.DPS_2000: 2000.0,
}
_NIBBLE_BITS: Final = 4
_NIBBLE_MASK: Final = 0xF
_FULL_SCALE_COUNTS: Final = 32_768
_SCALES: Final = {
    (acc, gyro): Scale(acc_g / _FULL_SCALE_COUNTS, gyro_dps / _FULL_SCALE_COUNTS)
    for acc, acc_g in _ACC_G.items()
    for gyro, gyro_dps in _GYRO_DPS.items()
}

_E = TypeVar("_E", bound=IntEnum)


def scale_of(acc: AccRange, gyro: GyroRange) -> Scale:
    """Physical units of one count: full scale / 32768 (0 deg/s when the gyroscope is off)."""
    return _SCALES[acc, gyro]


def missing_between(last_seq: int, seq: int) -> int:
    """Packets of one boot that are missing between two numbers; negative when `seq` is not newer."""
    return seq - last_seq - 1


def check_range(what: str, field: str, offset: int, value: int, low: int, high: int) -> None:
    """Raise `BadField` unless low <= value <= high."""
    if not low <= value <= high:
        raise BadField(what, field, offset, value, f"{low:#x} to {high:#x}")


def decode_enum(kind: type[_E], what: str, field: str, offset: int, value: int) -> _E:
    """Member of `kind` with this value. Raises `BadField` naming the members that exist."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(f"{int(member)} ({member.name})" for member in kind)
        raise BadField(what, field, offset, value, known) from None


def range_code(acc: AccRange, gyro: GyroRange) -> int:
    """Both ranges in one byte: acceleration in the high nibble."""
    return acc << _NIBBLE_BITS | gyro


def decode_ranges(what: str, offset: int, code: int) -> tuple[AccRange, GyroRange]:
    """Both ranges out of one byte. Raises `BadField`."""
    acc = decode_enum(AccRange, what, "acc range", offset, code >> _NIBBLE_BITS)
    return acc, decode_enum(GyroRange, what, "gyro range", offset, code & _NIBBLE_MASK)


def check_boot_seq(what: str, boot: int, seq: int, *, offset: int = 2) -> None:
    """Raise `BadField` unless both can be a boot id and a packet number."""
    check_range(what, "boot", offset, boot, 1, U32_MAX)
    check_range(what, "seq", offset + 4, seq, 0, OPEN_END - 1)
