"""A bad night as data: which fault comes over which sock, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, Literal

from dsp.clock import Clock
from dsp.records import NS
from firmware_sim.sock import VirtualSock
from ingest.sock_codec import PROTOCOL_VERSION

__all__ = ["NoSuchSockError", "SockFault", "SockFaultKind", "cause", "check_script", "run_script"]

SockFaultKind = Literal[
    "disconnect",
    "out_of_range",
    "silent",
    "lose",
    "late",
    "duplicate",
    "corrupt",
    "overrun",
    "restart",
    "clock_jump",
    "stuck_axis",
    "off",
    "swap",
    "firmware",
    "battery",
    "forget",
]


class NoSuchSockError(LookupError):
    """A fault for a sock that is not there."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no sock named {name!r} here; there are: {', '.join(sorted(known)) or 'none'}")


@dataclass(frozen=True, slots=True)
class SockFault:
    """One fault; fields that its kind does not name are not looked at.

    * ``disconnect``
    * ``out_of_range``: `seconds`
    * ``silent``: `seconds`
    * ``lose``: `count` notifications
    * ``late``: `count` notifications, `seconds`
    * ``duplicate``: `count` notifications
    * ``corrupt``: `count` notifications
    * ``overrun``: `count` packets that memory holds from then on
    * ``restart``
    * ``clock_jump``: `seconds` on, or back
    * ``stuck_axis``: `axis` for `seconds`
    * ``off``: `seconds`
    * ``swap``: with sock `other`
    * ``firmware``: `version` and `protocol`
    * ``forget``: the bond
    * ``battery``: `percent` left; a dead sock given some comes back
    """

    sock: str
    kind: SockFaultKind
    at_s: float = 0.0
    """seconds of data time after the script's start"""
    count: int = 1
    seconds: float = 5.0
    axis: int = 0
    other: str = ""
    version: tuple[int, int, int] = (0, 9, 0)
    protocol: int = PROTOCOL_VERSION + 1
    percent: float = 0.0


async def cause(fault: SockFault, socks: Mapping[str, VirtualSock]) -> None:
    """Let a fault happen now.

    Raises:
        NoSuchSockError: naming the socks there are.
    """
    sock = _named(fault.sock, socks)
    match fault.kind:
        case "disconnect":
            await sock.disconnect()
        case "forget":
            await sock.forget_bond()
        case "restart":
            await sock.restart()
        case "firmware":
            await sock.update_firmware(fault.version, protocol=fault.protocol)
        case "battery":
            await sock.set_battery(fault.percent)
        case "swap":
            sock.swap_with(_named(fault.other, socks))
        case _:
            _IN_PLACE[fault.kind](sock, fault)


_IN_PLACE: Final[Mapping[str, Callable[[VirtualSock, SockFault], None]]] = {
    "out_of_range": lambda sock, fault: sock.leave(fault.seconds),
    "silent": lambda sock, fault: sock.go_silent(fault.seconds),
    "lose": lambda sock, fault: sock.lose_next(fault.count),
    "late": lambda sock, fault: sock.delay_next(fault.count, fault.seconds),
    "duplicate": lambda sock, fault: sock.duplicate_next(fault.count),
    "corrupt": lambda sock, fault: sock.corrupt_next(fault.count),
    "overrun": lambda sock, fault: sock.shrink_memory(fault.count),
    "clock_jump": lambda sock, fault: sock.jump_clock(fault.seconds),
    "stuck_axis": lambda sock, fault: sock.stick_axis(fault.axis, fault.seconds),
    "off": lambda sock, fault: sock.take_off(fault.seconds),
}
"""Faults that need no waiting."""


def check_script(script: Iterable[SockFault], socks: Mapping[str, VirtualSock]) -> None:
    """Raise `NoSuchSockError` when a script names a sock that is not there."""
    for fault in script:
        _named(fault.sock, socks)
        if fault.kind == "swap":
            _named(fault.other, socks)


async def run_script(
    script: Iterable[SockFault], socks: Mapping[str, VirtualSock], clock: Clock, *, start_ns: int
) -> None:
    """Let each fault happen at its time; one whose time is past happens at once.

    Raises:
        NoSuchSockError: before anything happens.
    """
    faults = sorted(script, key=attrgetter("at_s"))
    check_script(faults, socks)
    for fault in faults:
        await clock.sleep((start_ns - clock.now_ns()) / NS + fault.at_s)
        await cause(fault, socks)


def _named(name: str, socks: Mapping[str, VirtualSock]) -> VirtualSock:
    if name not in socks:
        raise NoSuchSockError(name, socks)
    return socks[name]
