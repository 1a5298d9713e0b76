"""One scanner for all who search. (Against a real stack it is used by every test of the link.)"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from ingest.finder import Finder


class Scanners:
    """Makes scanners that hear what the test says."""

    def __init__(self) -> None:
        self.made: list[Scanner] = []
        self.broken = False

    def __call__(self, *, detection_callback: Callable[..., None]) -> Any:
        self.made.append(Scanner(self, detection_callback))
        return self.made[-1]

    @property
    def running(self) -> list[Scanner]:
        return [s for s in self.made if s.running]


class Scanner:
    def __init__(self, all_of_them: Scanners, heard: Callable[..., None]) -> None:
        self.running = False
        self._all = all_of_them
        self._heard = heard

    async def start(self) -> None:
        if self._all.broken:
            raise BleakError("no adapter")
        self.running = True

    async def stop(self) -> None:
        self.running = False

    def hear(self, address: str, rssi: int = -60) -> None:
        self._heard(BLEDevice(address, None, None), SimpleNamespace(rssi=rssi))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_two_searches_share_a_scanner_that_rests_afterwards() -> None:
    scanners = Scanners()
    finder = Finder(scanners)
    first = asyncio.create_task(finder.find("AA:00"))
    second = asyncio.create_task(finder.find("BB:00"))
    await settle()
    assert len(scanners.running) == 1
    scanners.made[0].hear("aa:00", rssi=-71)
    await settle()
    assert first.done()
    assert not second.done()
    assert len(scanners.running) == 1
    scanners.running[0].hear("BB:00")
    assert (await first).address == "aa:00"
    assert (await second).address == "BB:00"
    assert scanners.running == []
    assert (finder.rssi("AA:00"), finder.rssi("CC:00")) == (-71, None)


async def test_a_device_heard_before_it_was_asked_for_is_not_used() -> None:
    scanners = Scanners()
    finder = Finder(scanners)
    other = asyncio.create_task(finder.find("BB:00"))
    await settle()
    scanners.made[0].hear("AA:00")
    late = asyncio.create_task(finder.find("AA:00"))
    await settle()
    assert not late.done()
    scanners.running[0].hear("AA:00")
    scanners.running[0].hear("BB:00")
    await asyncio.gather(late, other)


async def test_who_gives_up_gets_the_others_a_new_scanner() -> None:
    scanners = Scanners()
    finder = Finder(scanners)
    patient = asyncio.create_task(finder.find("AA:00"))
    await settle()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(finder.find("BB:00"), 0.01)
    assert [s.running for s in scanners.made] == [False, True]
    scanners.running[0].hear("AA:00")
    await patient
    assert scanners.running == []


async def test_a_scanner_that_cannot_start_is_tried_again_by_the_next_search() -> None:
    scanners = Scanners()
    finder = Finder(scanners)
    scanners.broken = True
    with pytest.raises(BleakError, match="no adapter"):
        await finder.find("AA:00")
    scanners.broken = False
    search = asyncio.create_task(finder.find("AA:00"))
    await settle()
    scanners.running[0].hear("AA:00")
    await search


async def test_what_the_system_is_linked_to_already_is_found_without_a_scan() -> None:
    scanners = Scanners()

    async def held() -> list[BLEDevice]:
        return [BLEDevice("AA:00", None, None)]

    finder = Finder(scanners, held)
    assert (await finder.find("aa:00")).address == "AA:00"
    assert scanners.made == []
    other = asyncio.create_task(finder.find("BB:00"))
    await settle()
    scanners.running[0].hear("BB:00")
    assert (await other).address == "BB:00"


async def test_signal_strengths_are_kept_of_those_that_are_searched_for_and_of_nobody_who_passes_by() -> None:
    scanners = Scanners()
    finder = Finder(scanners)
    search = asyncio.create_task(finder.find("aa:00"))
    await settle()
    scanners.made[0].hear("CC:00")
    scanners.made[0].hear("AA:00", rssi=-71)
    await search
    assert (finder.rssi("AA:00"), finder.rssi("CC:00")) == (-71, None)
