"""The intake: packets and ticks become batches for the spine, one commit for all that came meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from dsp.clock import Clock
from dsp.records import NS, LinkSample, Packet, Segment, Tick
from store.rows import FedRow, LinkRow, Row, SegmentRow

from .spine import Spine, Taken

__all__ = ["COMMIT_EVERY_S", "Intake"]

COMMIT_EVERY_S = 0.25
"""Group commit: the longest a packet waits for its commit. One packet of 16 samples at 104 Hz is 0.154 s, so
a batch holds two packets of each sensor; an SD card is written to four times a second and not twenty."""


class Intake:
    """Collects rows, hands them to the spine in a worker thread, and resolves the waiters of each batch."""

    def __init__(
        self,
        spine: Spine,
        clock: Clock,
        infants: Sequence[str],
        *,
        on_taken: Callable[[Taken], None],
        commit_every_s: float = COMMIT_EVERY_S,
    ) -> None:
        self._commit_every_s = commit_every_s
        self._spine = spine
        self._clock = clock
        self._infants = tuple(infants)
        self._on_taken = on_taken
        self._rows: list[Row] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spine")
        self._last_tick_s: int | None = None
        self._busy = asyncio.Lock()

    def sink(self, infant: str) -> _Sink:
        """The `PacketSink` for one infant's sensors."""
        return _Sink(self, infant)

    def add(self, row: Row) -> asyncio.Future[None]:
        """Queue a row; the future resolves when it is durable."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rows.append(row)
        self._waiters.append(waiter)
        return waiter

    def add_quietly(self, row: Row) -> None:
        """Queue a row nobody waits for."""
        self._rows.append(row)

    def add_link(self, infant: str, sample: LinkSample) -> None:
        """Queue a report about a link."""
        self.add_quietly(LinkRow(infant, sample))

    @property
    def busy(self) -> bool:
        """Whether a batch is being committed."""
        return self._busy.locked()

    async def idle(self) -> None:
        """Wait for the batch that is being committed, if there is one."""
        async with self._busy:
            pass

    async def run(self) -> None:
        """Commit again and again until cancelled; what is queued then is still committed."""
        try:
            while True:
                await self._clock.sleep(self._commit_every_s)
                await self.commit()
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await self.commit()

    async def commit(self) -> None:
        """One batch: ticks that are due, then everything queued, in order of arrival."""
        async with self._busy:
            self._add_ticks()
            rows, waiters = self._rows, self._waiters
            self._rows, self._waiters = [], []
            if not rows:
                return
            await self._run(rows, waiters)

    async def finish(self) -> None:
        """Commit what is queued, let the detectors decide what is open, and end the worker."""
        await self.commit()
        loop = asyncio.get_running_loop()
        self._on_taken(await loop.run_in_executor(self._worker, self._spine.finish))
        self._worker.shutdown()

    async def _run(self, rows: list[Row], waiters: list[asyncio.Future[None]]) -> None:
        loop = asyncio.get_running_loop()
        try:
            taken = await loop.run_in_executor(self._worker, self._spine.take, rows)
        except Exception as error:
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(error)
            raise
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._on_taken(taken)

    def _add_ticks(self) -> None:
        now_s = self._clock.now_ns() // NS
        first = now_s if self._last_tick_s is None else self._last_tick_s + 1
        for second in range(first, now_s + 1):
            self._rows += [FedRow(infant, Tick(second * NS)) for infant in self._infants]
        self._last_tick_s = now_s


class _Sink:
    """Offers one infant's packets to the intake."""

    def __init__(self, intake: Intake, infant: str) -> None:
        self._intake = intake
        self._infant = infant

    def offer(self, packet: Packet, segment: Segment) -> asyncio.Future[None]:
        """Queue a packet with its place in time; resolves when it is durable."""
        return self._intake.add(SegmentRow(self._infant, packet, segment))
