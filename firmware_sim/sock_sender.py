"""The way from a packet to the radio, and on demand what a bad radio does to notifications."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import numpy as np

from dsp.clock import Clock
from dsp.records import NS
from firmware_sim.sock_control import end_tasks
from firmware_sim.sock_gatt import SockGatt

__all__ = ["SockSender"]

_FLIP: Final = 0x5A


class SockSender:
    """Hands data notifications to the radio; a fault takes those that come next, one fault each."""

    def __init__(self, gatt: SockGatt, clock: Clock, *, loss: float, chance: np.random.Generator) -> None:
        self._gatt = gatt
        self._loss, self._chance = loss, chance
        self._clock = clock
        self._silent_until_ns = self._away_until_ns = 0
        self._lose = self._corrupt = self._duplicate = self._delay = 0
        self._delay_s = 0.0
        self._waiting: set[asyncio.Task[None]] = set()

    @property
    def silent(self) -> bool:
        """Whether it stays connected and sends nothing."""
        return self._clock.now_ns() < self._silent_until_ns

    def go_silent(self, seconds: float) -> None:
        """Send nothing for `seconds` of data time."""
        self._silent_until_ns = self._clock.now_ns() + round(seconds * NS)

    def leave(self, seconds: float) -> None:
        """Be out of range for `seconds` of data time."""
        self._away_until_ns = max(self._away_until_ns, self._clock.now_ns() + round(seconds * NS))
        self._gatt.set_in_range(False)
        self._later(self._come_back(seconds))

    def lose_next(self, n: int) -> None:
        """The next `n` are lost on the air."""
        self._lose += n

    def corrupt_next(self, n: int) -> None:
        """The next `n` arrive damaged."""
        self._corrupt += n

    def duplicate_next(self, n: int) -> None:
        """The next `n` arrive twice."""
        self._duplicate += n

    def delay_next(self, n: int, seconds: float) -> None:
        """The next `n` arrive `seconds` late; those after them overtake them."""
        self._delay, self._delay_s = self._delay + n, seconds

    async def send(self, encoded: bytes) -> bool:
        """Give one packet to the radio; False when it was not taken."""
        if self.silent or not self._gatt.can_stream:
            return False
        if self._lose:
            self._lose -= 1
            return True
        if self._loss and self._chance.random() < self._loss:
            return True
        if self._delay:
            self._delay -= 1
            self._later(self._send_late(encoded, self._delay_s))
            return True
        if self._corrupt:
            self._corrupt -= 1
            return await self._gatt.notify_data(encoded[:-1] + bytes((encoded[-1] ^ _FLIP,)))
        if self._duplicate:
            self._duplicate -= 1
            await self._gatt.notify_data(encoded)
        return await self._gatt.notify_data(encoded)

    async def close(self) -> None:
        """Forget what is still to come."""
        await end_tasks(*self._waiting)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _send_late(self, encoded: bytes, seconds: float) -> None:
        await self._clock.sleep(seconds)
        await self._gatt.notify_data(encoded)

    async def _come_back(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        if self._clock.now_ns() >= self._away_until_ns:
            self._gatt.set_in_range(True)
