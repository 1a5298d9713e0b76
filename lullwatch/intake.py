"""The intake: packets and ticks become batches for the spine, one commit for all that came meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from dsp.clock import Clock
from dsp.records import LinkSample, Packet, Segment, Tick
from store.errors import JournalError
from store.rows import FedRow, LinkRow, Row, SegmentRow

from .spine import Spine, Taken
from .watch import Watch

__all__ = ["COMMIT_EVERY_S", "Intake"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

COMMIT_EVERY_S = 0.25
"""Group commit: the longest a packet waits for its commit. One packet of 16 samples at 104 Hz is 0.154 s, so
a batch holds two packets of each sensor; an SD card is written to four times a second and not twenty."""


class Intake:
    """Collects rows, hands them to the spine in a worker thread, and resolves the waiters of each batch.

    Args:
        spine: takes the rows.
        clock: data time.
        infants: who gets a tick with every batch.
        on_taken: told what each batch led to.
        commit_every_s: data time between two batches.
        on_disk: told after every batch why the journal could not take it, or "" when it could.
    """

    def __init__(
        self,
        spine: Spine,
        clock: Clock,
        infants: Sequence[str],
        *,
        on_taken: Callable[[Taken], None],
        commit_every_s: float = COMMIT_EVERY_S,
        on_disk: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._on_disk = on_disk
        self._spine = spine
        self._clock = clock
        self._infants = tuple(infants)
        self._on_taken = on_taken
        self._commit_every_s = commit_every_s
        self.samples: Counter[tuple[str, str, str]] = Counter()
        """handed over since the start, by infant, site and sensor"""
        self._queue: list[tuple[Row, asyncio.Future[None] | None]] = []
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spine")
        self._ended = False
        self._busy = asyncio.Lock()

    def sink(self, infant: str) -> _Sink:
        """The `PacketSink` for one infant's sensors."""
        return _Sink(self, infant)

    def add(self, row: Row) -> asyncio.Future[None]:
        """Queue a row; the future resolves when it is durable, or raises when it could not be kept."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((row, waiter))
        return waiter

    def add_quietly(self, row: Row) -> None:
        """Queue a row nobody waits for; it is tried again until it is durable."""
        self._queue.append((row, None))

    def add_link(self, infant: str, sample: LinkSample) -> None:
        """Queue a report about a link."""
        self.add_quietly(LinkRow(infant, sample))

    async def attend(self, watch: Watch) -> None:
        """See `Spine.attend`; that infant gets no ticks from here."""
        async with self._busy:
            await self._in_worker(lambda: self._spine.attend(watch))

    async def leave(self, infant: str) -> None:
        """See `Spine.leave`."""
        async with self._busy:
            await self._in_worker(lambda: self._spine.leave(infant))

    @property
    def queued(self) -> int:
        """Rows that wait for the next commit."""
        return len(self._queue)

    @property
    def busy(self) -> bool:
        """Whether a batch is being committed."""
        return self._busy.locked()

    async def idle(self) -> None:
        """Wait for the batch that is being committed, if there is one."""
        async with self._busy:
            pass

    async def run(self) -> None:
        """Commit again and again until cancelled."""
        while True:
            await self._clock.sleep(self._commit_every_s)
            await self.commit()

    async def commit(self) -> None:
        """One batch: everything queued, in order of arrival, closed by a tick for each infant.

        A journal that cannot take it now (full disk, busy) costs nothing: sensors keep what was not
        acknowledged and send it again, everything else waits here for the next batch.
        """
        async with self._busy:
            self._add_tick()
            batch, self._queue = self._queue, []
            if not batch:
                return
            try:
                taken = await self._in_worker(lambda: self._spine.take([row for row, _ in batch]))
            except JournalError as error:
                _log.error("a batch of %d rows was not kept: %s", len(batch), error)
                self._on_disk(str(error))
                self._queue = [(row, None) for row, waiter in batch if waiter is None] + self._queue
                _settle(batch, error)
                return
            except BaseException as error:
                _settle(batch, error)
                raise
            _settle(batch, None)
            self._on_disk("")
            self._on_taken(taken)

    async def finish(self) -> None:
        """The recording ends: let the detectors decide what is open. Time stands still afterwards."""
        self._ended = True
        self._on_taken(await self._in_worker(self._spine.finish))

    async def close(self) -> None:
        """Keep the detectors' state for the next start, unless the recording has ended, and end the worker."""
        await self.idle()
        if not self._ended:
            await self._in_worker(self._spine.pause)
        self._worker.shutdown()

    async def _in_worker(self, work: Callable[[], _T]) -> _T:
        """Run in the worker to the end, also when whoever waits is cancelled meanwhile."""
        running = asyncio.get_running_loop().run_in_executor(self._worker, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    def _add_tick(self) -> None:
        """Close the batch: what stands before the tick is decided together, live and in every replay."""
        if not self._ended:
            tick = Tick(self._clock.now_ns())
            self._queue += [(FedRow(infant, tick), None) for infant in self._infants]


def _settle(batch: Sequence[tuple[Row, asyncio.Future[None] | None]], error: BaseException | None) -> None:
    for _, waiter in batch:
        if waiter is None or waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)


class _Sink:
    """Offers one infant's packets to the intake."""

    def __init__(self, intake: Intake, infant: str) -> None:
        self._intake = intake
        self._infant = infant

    def offer(self, packet: Packet, segment: Segment) -> asyncio.Future[None]:
        """Queue a packet with its place in time; resolves when it is durable."""
        self._intake.samples[self._infant, segment.site.value, segment.sensor] += segment.n
        return self._intake.add(SegmentRow(self._infant, packet, segment))
