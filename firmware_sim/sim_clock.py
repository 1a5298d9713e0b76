"""Clocks for simulated nights: one that is moved by hand, one that runs at a fixed multiple of real time.

`SimClock` is for one process. Nothing happens between two due times and every due time is reached
exactly, so a busy computer makes the simulation slow but never makes it wrong.
`ScaledClock` is for two processes that cannot wait for one another.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from dsp.records import NS

__all__ = ["ClockStandsStillError", "ScaledClock", "Settle", "SimClock"]

_T = TypeVar("_T")

Settle = Callable[[], Awaitable[None]]
"""Waits until everything that follows from the present instant has happened."""

_SPINS = 5
"""Turns of the loop granted to woken tasks without a settle hook: wake-up, queue, reader, two to spare."""

_STEP_S = 0.05
"""Longest jump of simulated time, seconds: a third of a packet (0.154 s), so that pacing looks smooth."""


class ClockStandsStillError(RuntimeError):
    """Somebody waits for something that no passing of time brings."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            f"SimClock.drive: {limit_s:g} s of simulated time passed and the awaited task is still not done; "
            "give a larger limit_s, or look for what the task waits on"
        )


class SimClock:
    """Virtual data time, advanced explicitly by `run` or `drive`.

    Waiters are released in the order of their due times, each exactly at its own; between two of them
    the loop settles. No real-time timer takes part.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0
        self._running = False

    def now_ns(self) -> int:
        """Virtual data time in nanoseconds."""
        return self._now_ns

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` of virtual time have passed; zero or less only yields to the loop."""
        delay_ns = round(seconds * NS)
        if delay_ns <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._waiters, (self._now_ns + delay_ns, self._count, future))
        await future

    async def run(
        self,
        until_ns: int,
        *,
        step_s: float = _STEP_S,
        pace: float | None = None,
        settle: Settle | None = None,
    ) -> None:
        """Advance to `until_ns`.

        Args:
            until_ns: data time to stop at, ns; the past is refused with ValueError.
            step_s: longest single jump, seconds of data time.
            pace: simulated seconds per real second at most; None runs as fast as the machine can.
            settle: awaited at every instant that is reached, in addition to a few turns of the loop.
        """
        if until_ns < self._now_ns:
            raise _TimeRunsBackError(self._now_ns, until_ns)
        await self._advance(lambda: self._now_ns >= until_ns, until_ns, step_s, pace, settle)

    async def drive(
        self,
        work: Coroutine[Any, Any, _T] | asyncio.Future[_T],
        *,
        limit_s: float,
        step_s: float = _STEP_S,
        pace: float | None = None,
        settle: Settle | None = None,
    ) -> _T:
        """Advance until `work` is done and give its result.

        Raises:
            ClockStandsStillError: when `limit_s` of virtual time did not suffice; `work` is cancelled then.
        """
        task = asyncio.ensure_future(work)
        limit_ns = self._now_ns + round(limit_s * NS)
        try:
            await self._advance(task.done, limit_ns, step_s, pace, settle)
            if not task.done():
                raise ClockStandsStillError(limit_s)
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task])

    async def _advance(
        self,
        done: Callable[[], bool],
        limit_ns: int,
        step_s: float,
        pace: float | None,
        settle: Settle | None,
    ) -> None:
        if self._running:
            raise _TwoDriversError
        self._running = True
        step_ns, from_ns, since_s = round(step_s * NS), self._now_ns, time.monotonic()
        try:
            await self._settle(settle)
            while not done() and self._now_ns < limit_ns:
                self._now_ns = min(limit_ns, self._now_ns + step_ns, self._next_due_ns(limit_ns))
                self._release()
                await self._settle(settle)
                if pace is not None:
                    ahead_s = (self._now_ns - from_ns) / NS / pace - (time.monotonic() - since_s)
                    await asyncio.sleep(max(0.0, ahead_s))
        finally:
            self._running = False

    def _next_due_ns(self, default_ns: int) -> int:
        while self._waiters and self._waiters[0][2].done():
            heapq.heappop(self._waiters)  # cancelled while it waited
        return self._waiters[0][0] if self._waiters else default_ns

    def _release(self) -> None:
        while self._waiters and self._waiters[0][0] <= self._now_ns:
            future = heapq.heappop(self._waiters)[2]
            if not future.done():
                future.set_result(None)

    async def _settle(self, settle: Settle | None) -> None:
        for _ in range(_SPINS if settle is None else 1):
            await asyncio.sleep(0)
        if settle is not None:
            await settle()


class ScaledClock:
    """Data time that runs `pace` times as fast as real time from a common zero.

    Two processes of one machine share data time by sharing `origin_ns` and `m0_ns`, since the monotonic
    clock of the system is one for all processes.
    """

    def __init__(self, *, pace: float = 1.0, origin_ns: int = 0, m0_ns: int | None = None) -> None:
        self.pace = pace
        self.origin_ns = origin_ns
        self.m0_ns = time.monotonic_ns() if m0_ns is None else m0_ns
        """reading of the monotonic clock, ns, at which data time is `origin_ns`"""

    def now_ns(self) -> int:
        """Data time in nanoseconds."""
        return self.origin_ns + round((time.monotonic_ns() - self.m0_ns) * self.pace)

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` of data time have passed."""
        await asyncio.sleep(seconds / self.pace)


class _TimeRunsBackError(ValueError):
    def __init__(self, now_ns: int, until_ns: int) -> None:
        super().__init__(
            f"SimClock.run: until_ns={until_ns} lies before now ({now_ns}); data time never steps back"
        )


class _TwoDriversError(RuntimeError):
    def __init__(self) -> None:
        super().__init__("SimClock is already being advanced by another task; let one task drive it")
