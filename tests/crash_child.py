"""The monitor as it runs at home, with two things of its surroundings made up: the radio and the pace of time.

    python -m tests.crash_child CONFIG.json

It says in a file when it detects again. Whoever started it kills it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import msgspec
from bleak import BleakClient, BleakScanner
from bumble.transport import open_transport

from firmware_sim.host import host_on
from ingest.bumble_answers import heed_awaited_answers
from ingest.bumble_backend import make_backend
from ingest.bumble_bonds import BumbleBonds
from ingest.finder import Finder
from lullwatch import monitor, system_clock
from lullwatch.gateway import Gateway, Radio
from lullwatch.housekeeping import Housekeeping
from lullwatch.settings import load
from lullwatch.spine import Taken
from lullwatch.steady_memory import give_back_what_is_freed


class ChildConfig(msgspec.Struct, frozen=True):
    """What the child is told."""

    settings: str
    hci: str
    pace: float
    base_ns: int
    """boot-time clock at which made-up time began"""
    utc_ns: int
    """what the made-up clock on the wall showed then"""
    ready: str
    """file that gets the monotonic clock at the first batch that was decided on"""


def main(path: str) -> None:
    give_back_what_is_freed()  # as the monitor does first of all; here the copy's thread would begin before it
    config = msgspec.json.decode(Path(path).read_bytes(), type=ChildConfig)
    _hurry(config)
    ready = Path(config.ready)

    def taken(taken: Taken) -> None:
        if taken.live and not ready.exists():
            part = Path(f"{config.ready}.part")
            part.write_text(str(time.monotonic_ns()))
            part.replace(ready)

    monitor.Gateway = partial(Gateway, on_taken=taken)  # type: ignore[assignment,misc] # the same class, listened to
    settings = load(Path(config.settings))
    with Housekeeping(settings, seals=False):  # dies with the monitor, so that the copy is killed as often
        monitor.run(settings, radio=partial(_radio, config.hci))


@asynccontextmanager
async def _radio(hci: str) -> AsyncIterator[Radio]:
    async with await open_transport(f"unix:{hci}") as line:
        host = await host_on(*line, before_reset=heed_awaited_answers)
        client_class, scanner_class = make_backend(host)
        finder = Finder(partial(BleakScanner, backend=scanner_class))
        assert host.keystore is not None
        bonds = BumbleBonds(host, host.keystore)
        yield Radio(finder.find, partial(BleakClient, backend=client_class), finder.rssi, bonds)
        await host.power_off()


def _hurry(config: ChildConfig) -> None:
    """Let the system's clocks run faster, alike in every child."""

    def boottime_ns() -> int:
        real_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return config.base_ns + round((real_ns - config.base_ns) * config.pace)

    def utc_ns() -> int:
        return config.utc_ns + boottime_ns() - config.base_ns

    async def sleep(_: object, seconds: float) -> None:
        await asyncio.sleep(seconds / config.pace)

    system_clock._boottime_ns = boottime_ns
    system_clock.time = SimpleNamespace(time_ns=utc_ns)  # type: ignore[assignment] # all that is asked of it there
    system_clock.SystemClock.sleep = sleep  # type: ignore[method-assign,assignment]
    monitor.time = SimpleNamespace(time_ns=utc_ns)  # type: ignore[assignment] # likewise


if __name__ == "__main__":
    main(sys.argv[1])
    sys.stdout.flush()
    os._exit(0)  # no thread of a library holds it up
