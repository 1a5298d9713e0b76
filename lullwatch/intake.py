"""The intake: packets and ticks become batches for the spine, one commit for all that came meanwhile.

Batches are kept in one thread and decided on in another: what comes is durable, and confirmed to its sensor, in time,
also while a long span is decided again or the detectors catch up with the journal after a start.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from dsp.clock import Clock
from dsp.records import NS, LinkSample, Packet, Segment, Tick, Watching
from ingest.repeats import Repeats
from store.errors import JournalError
from store.rows import FedRow, LinkRow, Row, SegmentRow

from .spine import Kept, Spine, Taken
from .watch import Watch

__all__ = ["COMMIT_EVERY_S", "Intake"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_Queued = tuple[Row, asyncio.Future[None] | None]
"""A row, and who waits until it is durable."""

COMMIT_EVERY_S = 0.25
"""Group commit: the longest a packet waits for its commit. One packet of 16 samples at 104 Hz is 0.154 s, so
a batch holds two packets of each sensor; an SD card is written to four times a second and not twenty."""
_READ_TRIES = 20
"""What waits in the journal and cannot be read is tried so often, a second apart."""
_TICKS_APART_NS = 5 * NS
"""The longest that is decided together, while deciding is behind."""
_UNKEPT_TICKS_NS = 60 * NS
"""Of ticks that were not kept one stays in each span of this length. All of them would be 115,000 an infant in a night
on a disk that takes nothing; one alone would be a night that is decided in a single step."""
_BATCH_ROWS = 200
"""In one batch: seconds of many sensors, or of what waited for a disk an hour, which is decided within seconds."""


class Intake:
    """Collects rows, hands them to the spine in worker threads, and resolves the waiters of each batch.

    Args:
        spine: takes the rows.
        clock: data time.
        infants: who gets a tick with every batch, or every five seconds while deciding is behind.
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
        self._queue: list[_Queued] = []
        self._keeping = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._deciding = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spine")
        self._kept: deque[Kept] = deque()
        self._work: asyncio.Task[None] | None = None
        """decides on what was kept, while there is something"""
        self._step: asyncio.Future[Taken] | None = None
        """what it does at this moment"""
        self._failed: BaseException | None = None
        """what deciding failed of; the service has to end of it, whoever it was told to first"""
        self._ended = False
        self._refused = 0
        """batches in a row"""
        self._repeats = Repeats()
        self._ticked_ns = clock.now_ns()
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
        await _to_its_end(self._deciding, lambda: self._spine.attend(watch))

    async def leave(self, infant: str) -> None:
        """See `Spine.leave`."""
        await _to_its_end(self._deciding, lambda: self._spine.leave(infant))

    @property
    def queued(self) -> int:
        """Rows that wait for the next commit."""
        return len(self._queue)

    @property
    def busy(self) -> bool:
        """Whether a batch is being kept or decided on."""
        return self._busy.locked() or self._has_work

    async def idle(self) -> None:
        """Wait until everything that was kept is decided on."""
        await self.kept()
        await self._decided()

    async def kept(self) -> None:
        """Wait for the batch that is being kept, if one is."""
        async with self._busy:
            pass

    async def alive(self) -> None:
        """Wait for the one step of keeping and of deciding that is under way: neither takes long."""
        await self.kept()
        if self._step is not None:
            await asyncio.wait([self._step])

    def catch_up(self) -> None:
        """Begin to decide on what the journal held at the start; rows are taken in meanwhile."""
        self._decide()

    def let_go(self) -> None:
        """The program stops: catching up that takes long is left to the next start."""
        self._spine.let_go()

    async def run(self) -> None:
        """Keep batch after batch until cancelled; raises what deciding failed of."""
        while True:
            await self._clock.sleep(self._commit_every_s)
            await self._keep()
            if self._failed is not None:  # and somebody else who waited was told
                raise self._failed

    async def keep(self) -> None:
        """Make everything queued durable; nobody waits for what is still to be decided on."""
        await self._keep()

    async def commit(self) -> None:
        """Everything queued, in order of arrival, closed by a tick for each infant; and decide on it.

        It is one batch, or some where much has waited for the disk.

        A journal that cannot take it now (full disk, busy) costs nothing: sensors keep what was not
        acknowledged and send it again, everything else waits here for the next batch.
        """
        await self._decided()
        await self._keep()
        await self._decided()

    async def finish(self) -> None:
        """The recording ends: let the detectors decide what is open. Time stands still afterwards."""
        self._ended = True
        await self._decided()
        self._on_taken(await _to_its_end(self._deciding, self._spine.finish))

    async def close(self) -> None:
        """Keep the detectors' state for the next start, unless the recording has ended, and end the workers.

        Raises what deciding failed of, if it did.
        """
        await self.idle()
        if not self._ended:
            await _to_its_end(self._deciding, self._spine.pause)
        self._keeping.shutdown()
        self._deciding.shutdown()
        if self._failed is not None:
            raise self._failed

    async def _keep(self) -> None:
        async with self._busy:
            self._raise_failed()
            self._add_tick()
            due = len(self._queue)  # what comes meanwhile waits for the next time
            while due:
                due = await self._keep_first(due)

    async def _keep_first(self, due: int) -> int:
        """Make a batch of the rows that are due durable; how many are still to be kept now."""
        batch = self._queue[: min(due, _BATCH_ROWS)]
        rows = [row for row, _ in batch]
        keeping = asyncio.get_running_loop().run_in_executor(self._keeping, self._spine.keep, rows)
        try:
            await _ended(keeping)
        finally:  # whoever waits may be cancelled; what is durable is decided on all the same
            left = self._kept_or_not(due, batch, keeping)
        return left

    def _kept_or_not(self, due: int, batch: Sequence[_Queued], keeping: asyncio.Future[Kept]) -> int:
        error = keeping.exception()
        if error is not None:
            self._not_kept(due, error)
            return 0
        del self._queue[: len(batch)]
        _settle(batch, None)
        self._kept.append(keeping.result())
        self._decide()
        self._on_disk("")
        if self._refused:
            _log.info("the journal takes rows again, after %d batches that were not kept", self._refused)
            self._refused = 0
        return due - len(batch)

    def _not_kept(self, due: int, error: BaseException) -> None:
        """Nothing of what is due: who waits is told, and what nobody waits for is due again."""
        refused, self._queue[:due] = self._queue[:due], []
        _settle(refused, error)
        if not isinstance(error, JournalError):
            self._failed = self._failed or error  # whoever asked for this batch may live on without it
            raise error
        self._queue[:0] = _still_wanted(refused)
        self._refused += 1
        if times := self._repeats.due(self._clock.now_ns()):
            _log.error("batches that were not kept: %d, the last of %d rows: %s", times, len(refused), error)
        self._on_disk(str(error))

    @property
    def _has_work(self) -> bool:
        return self._work is not None and not self._work.done()

    def _decide(self) -> None:
        if self._failed is None and not self._has_work:
            self._work = asyncio.get_running_loop().create_task(self._decide_all(), name="deciding")

    async def _decide_all(self) -> None:
        """Decide on everything that is kept, in order; what was there at the start comes first.

        While the night's file waits to be mended it is tried again for a while.
        """
        tries = _READ_TRIES
        try:
            while self._spine.behind or self._kept:
                try:
                    await self._decide_next()
                    tries = _READ_TRIES
                except JournalError:
                    if not (tries and self._spine.may_be_asked_again):
                        raise
                    tries -= 1
                    await self._clock.sleep(1.0)
        except Exception as error:
            self._failed = self._failed or error
            raise

    async def _decide_next(self) -> None:
        if self._spine.behind:
            await self._stepped(self._spine.catch_up)
            return
        # it stays the first until it is decided on: what comes after it must not be decided on before
        self._kept[0] = kept = await self._at_hand(self._kept[0])
        await self._stepped(partial(self._spine.decide, kept))
        self._kept.popleft()

    async def _stepped(self, work: Callable[[], Taken]) -> None:
        self._step = asyncio.get_running_loop().run_in_executor(self._deciding, work)
        self._on_taken(await self._step)

    async def _at_hand(self, kept: Kept) -> Kept:
        """A batch with all its rows; while the journal cannot be read, it is tried again for a while."""
        if not kept.left:
            return kept
        for _ in range(_READ_TRIES):
            try:
                return await _to_its_end(self._deciding, partial(self._spine.at_hand, kept))
            except JournalError as error:
                _log.error("what waits to be decided on cannot be read, and is tried again: %s", error)
                await self._clock.sleep(1.0)
        return kept  # deciding on it says what is wrong

    async def _decided(self) -> None:
        if self._work is not None:
            await asyncio.wait([self._work])
            self._raise_failed()

    def _raise_failed(self) -> None:
        if self._work is not None and self._work.done():
            work, self._work = self._work, None
            self._failed = self._failed or work.exception()
            work.result()

    def _add_tick(self) -> None:
        """Close the batch: what stands before the tick is decided together, live and in every replay.

        While the one before is still being decided on, time waits, though not for long: the next tick closes what came
        meanwhile, and all of that is held at once.
        """
        now_ns = self._clock.now_ns()
        waits = self._has_work and now_ns < self._ticked_ns + _TICKS_APART_NS
        if not self._ended and not waits:
            self._ticked_ns = now_ns
            self._queue += [(FedRow(infant, Tick(now_ns)), None) for infant in self._infants]


async def _to_its_end(worker: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
    """Run in a worker to the end, also when whoever waits is cancelled meanwhile."""
    running = asyncio.get_running_loop().run_in_executor(worker, work)
    await _ended(running)
    return running.result()


async def _ended(running: asyncio.Future[_T]) -> None:
    """Wait until it has ended, also when whoever waits is cancelled meanwhile, however often."""
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def _still_wanted(refused: Sequence[_Queued]) -> list[_Queued]:
    """What nobody waits for, without ticks that the next one makes idle.

    A tick that was not kept is in no journal, so that no replay knows it. One stays before everything else that an
    infant's detector is fed, for there what is decided may differ.
    """
    wanted: list[_Queued] = []
    following: dict[str, int] = {}
    """by infant, the span of the tick that comes next"""
    for row, waiter in reversed(refused):
        if waiter is not None:
            continue
        if isinstance(row, FedRow) and isinstance(row.item, Tick):
            span = row.item.t_ns // _UNKEPT_TICKS_NS
            if following.get(row.infant) == span:
                continue
            following[row.infant] = span
        elif isinstance(row, SegmentRow | FedRow | Watching):
            following.pop(row.infant, None)
        wanted.append((row, None))
    return wanted[::-1]


def _settle(batch: Sequence[_Queued], error: BaseException | None) -> None:
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
