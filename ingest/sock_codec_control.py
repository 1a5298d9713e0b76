"""Commands and answers of the sock profile, as values and bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from ingest.sock_codec_wire import (
    OPEN_END,
    U8_MAX,
    U32_MAX,
    AccRange,
    AlarmState,
    BadLength,
    GyroRange,
    Opcode,
    Rate,
    Result,
    check_boot_seq,
    check_range,
    decode_enum,
    decode_ranges,
    range_code,
)

__all__ = [
    "Answer",
    "Command",
    "Confirm",
    "Fetch",
    "Identify",
    "Promised",
    "SetRateRange",
    "ShowAlarm",
    "Start",
    "Started",
    "Stop",
    "decode_answer",
    "decode_command",
    "encode_answer",
    "encode_command",
]

_U32: Final = struct.Struct("<I")
_BOOT_SEQ: Final = struct.Struct("<II")
_BOOT_SPAN: Final = struct.Struct("<III")
_HEAD_BYTES: Final = 2
_ANSWER_BIT: Final = 0x80
_IDENTIFY_MAX_S: Final = 60
"""Longer blinking would wake who it should not."""


@dataclass(frozen=True, slots=True)
class Start:
    """Sample from now on, and send what is sampled."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Close the packet at hand and sample no more."""


@dataclass(frozen=True, slots=True)
class SetRateRange:
    """Sample at this rate and range."""

    rate: Rate
    acc: AccRange
    gyro: GyroRange


@dataclass(frozen=True, slots=True)
class Confirm:
    """Every packet of this boot up to and including `seq` is kept elsewhere: the sock may drop it."""

    boot: int
    seq: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Send again what is held of this boot, first and last included."""

    boot: int
    first: int
    last: int = OPEN_END


@dataclass(frozen=True, slots=True)
class ShowAlarm:
    """Show this on the sock's light."""

    state: AlarmState


@dataclass(frozen=True, slots=True)
class Identify:
    """Blink for `seconds` (1 to 60), so that a person sees which sock this is."""

    seconds: int


Command = Start | Stop | SetRateRange | Confirm | Fetch | ShowAlarm | Identify


@dataclass(frozen=True, slots=True)
class Started:
    """Payload of the answers to start and set-rate-range: the packet numbers that follow begin here."""

    boot: int
    next_seq: int


@dataclass(frozen=True, slots=True)
class Promised:
    """Payload of the answer to fetch: how many packets will be sent."""

    count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to the command with the same `token`; a payload only where `result` is OK.

    `opcode` is the request's (without the answer bit) and may be one that nobody knows.
    """

    opcode: int
    token: int
    result: Result
    payload: Started | Promised | None = None


def encode_command(command: Command, token: int) -> bytes:
    """Bytes to write to the control point. Raises `BadField` on a value that has no place."""
    check_range("command", "token", 1, token, 0, U8_MAX)
    match command:
        case Start():
            opcode, payload = Opcode.START, b""
        case Stop():
            opcode, payload = Opcode.STOP, b""
        case SetRateRange(rate, acc, gyro):
            opcode, payload = Opcode.SET_RATE_RANGE, bytes((rate, range_code(acc, gyro)))
        case Confirm(boot, seq):
            check_boot_seq("command", boot, seq)
            opcode, payload = Opcode.CONFIRM, _BOOT_SEQ.pack(boot, seq)
        case Fetch(boot, first, last):
            check_boot_seq("command", boot, first)
            check_range("command", "last", 10, last, first, OPEN_END)
            opcode, payload = Opcode.FETCH, _BOOT_SPAN.pack(boot, first, last)
        case ShowAlarm(state):
            opcode, payload = Opcode.SHOW_ALARM, bytes((state,))
        case Identify(seconds):
            check_range("command", "seconds", 2, seconds, 1, _IDENTIFY_MAX_S)
            opcode, payload = Opcode.IDENTIFY, bytes((seconds,))
    return bytes((opcode, token)) + payload


_PAYLOAD_BYTES: Final = {
    Opcode.START: 0,
    Opcode.STOP: 0,
    Opcode.SET_RATE_RANGE: 2,
    Opcode.CONFIRM: 8,
    Opcode.FETCH: 12,
    Opcode.SHOW_ALARM: 1,
    Opcode.IDENTIFY: 1,
}


def decode_command(raw: bytes | bytearray | memoryview) -> tuple[Command, int]:
    """Read a write to the control point: (command, token). Raises `BadPacket` or a kind of it.

    `BadLength` asks for the result BAD_LENGTH, a `BadField` whose field is opcode for UNKNOWN_OPCODE,
    any other for BAD_VALUE.
    """
    what = "command"
    data = bytes(raw)
    if len(data) < _HEAD_BYTES:
        raise BadLength(what, len(data), f"at least {_HEAD_BYTES}")
    opcode = decode_enum(Opcode, what, "opcode", 0, data[0])
    payload = data[_HEAD_BYTES:]
    if len(payload) != _PAYLOAD_BYTES[opcode]:
        raise BadLength(what, len(data), f"{_HEAD_BYTES + _PAYLOAD_BYTES[opcode]} for {opcode.name}")
    return _decode_command_payload(opcode, payload), data[1]


def _decode_command_payload(opcode: Opcode, payload: bytes) -> Command:
    what = "command"
    match opcode:
        case Opcode.START:
            return Start()
        case Opcode.STOP:
            return Stop()
        case Opcode.SET_RATE_RANGE:
            rate = decode_enum(Rate, what, "rate", 2, payload[0])
            return SetRateRange(rate, *decode_ranges(what, 3, payload[1]))
        case Opcode.CONFIRM:
            boot, seq = _BOOT_SEQ.unpack(payload)
            check_boot_seq(what, boot, seq)
            return Confirm(boot, seq)
        case Opcode.FETCH:
            boot, first, last = _BOOT_SPAN.unpack(payload)
            check_boot_seq(what, boot, first)
            check_range(what, "last", 10, last, first, OPEN_END)
            return Fetch(boot, first, last)
        case Opcode.SHOW_ALARM:
            return ShowAlarm(decode_enum(AlarmState, what, "state", 2, payload[0]))
        case Opcode.IDENTIFY:
            check_range(what, "seconds", 2, payload[0], 1, _IDENTIFY_MAX_S)
            return Identify(payload[0])


def encode_answer(answer: Answer) -> bytes:
    """Bytes of an indication of the control point."""
    check_range("answer", "opcode", 0, answer.opcode, 0, _ANSWER_BIT - 1)
    check_range("answer", "token", 1, answer.token, 0, U8_MAX)
    head = bytes((answer.opcode | _ANSWER_BIT, answer.token, answer.result))
    match answer.payload:
        case Started(boot, next_seq):
            check_boot_seq("answer", boot, next_seq, offset=3)
            return head + _BOOT_SEQ.pack(boot, next_seq)
        case Promised(count):
            check_range("answer", "count", 3, count, 0, U32_MAX)
            return head + _U32.pack(count)
        case None:
            return head


def decode_answer(raw: bytes | bytearray | memoryview) -> Answer:
    """Read an indication of the control point. Raises `BadPacket` or a kind of it."""
    what = "answer"
    data = bytes(raw)
    if len(data) < _HEAD_BYTES + 1:
        raise BadLength(what, len(data), f"at least {_HEAD_BYTES + 1}")
    check_range(what, "opcode", 0, data[0], _ANSWER_BIT, U8_MAX)
    opcode = data[0] & ~_ANSWER_BIT
    result = decode_enum(Result, what, "result", 2, data[2])
    payload = data[_HEAD_BYTES + 1 :]
    size = _answer_payload_bytes(opcode, result)
    if len(payload) != size:
        raise BadLength(what, len(data), f"{_HEAD_BYTES + 1 + size} for opcode {opcode}, {result.name}")
    return Answer(opcode, data[1], result, _decode_answer_payload(payload))


def _answer_payload_bytes(opcode: int, result: Result) -> int:
    if result is not Result.OK:
        return 0
    if opcode in (Opcode.START, Opcode.SET_RATE_RANGE):
        return _BOOT_SEQ.size
    return _U32.size if opcode == Opcode.FETCH else 0


def _decode_answer_payload(payload: bytes) -> Started | Promised | None:
    if len(payload) == _BOOT_SEQ.size:
        boot, next_seq = _BOOT_SEQ.unpack(payload)
        check_boot_seq("answer", boot, next_seq, offset=3)
        return Started(boot, next_seq)
    return Promised(*_U32.unpack(payload)) if payload else None
