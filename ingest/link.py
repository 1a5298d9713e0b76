"""The link to one sock, kept up through the night: ordinary bleak code over whatever radio there is.

What every link does is in `ingest.sensor_link`; here is what a sock can do besides: it numbers its packets, keeps
what was not confirmed, and sends it again when asked.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final, Unpack

from bleak.backends.device import BLEDevice

from dsp.records import NS, Packet, SegmentFlag
from ingest.backfill import Backfill
from ingest.bonds import require_bond
from ingest.errors import CommandRefused, Impossible, LinkLost, NoTimeYet
from ingest.gatt_session import CALL_S, within
from ingest.repeats import Repeats
from ingest.sensor_link import SILENCE_S, LinkOptions, LinkState, SensorLink
from ingest.session import TROUBLE, SockSession
from ingest.sink import PacketSink
from ingest.sock_codec import (
    AccRange,
    BadPacket,
    Confirm,
    Fetch,
    GyroRange,
    Promised,
    Rate,
    Result,
    SetRateRange,
    SockStatus,
    Start,
    Stop,
)
from ingest.stream import SockStream

__all__ = ["SILENCE_S", "LinkState", "SockLink", "SockSettings"]

_log = logging.getLogger(__name__)

_CONFIRM_EVERY_S: Final = 1.0
"""One command a second beside six packets; the sock's memory holds minutes, so nothing waits for it."""
_LAST_COMMIT_S: Final = 1.0
"""Longest that the end waits for outstanding commits, so that they are still confirmed. What is not
confirmed is sent again another time."""


@dataclass(frozen=True, slots=True)
class SockSettings:
    """What the sock is asked to measure."""

    rate: Rate = Rate.HZ_104
    acc: AccRange = AccRange.G_8
    gyro: GyroRange = GyroRange.DPS_1000
    stop_at_end: bool = True
    """end sampling when the gateway ends; else the sock goes on into its memory"""


class SockLink(SensorLink[SockSession]):
    """Keeps one sock streaming into a sink until cancelled; loses nothing that the sock still has."""

    def __init__(
        self,
        *,
        sink: PacketSink,
        settings: SockSettings | None = None,
        stream: SockStream | None = None,
        **options: Unpack[LinkOptions],
    ) -> None:
        """Make a link; nothing happens before `run`.

        Besides `LinkOptions`: `sink` takes each packet once, and a number is confirmed to the sock
        when the sink has committed it; `settings` is what the sock is asked to measure; `stream` goes on from an
        earlier stream (its clock fit, what was already kept).
        """
        super().__init__(**options)
        self.stream = stream or SockStream(self._site, self._sensor)
        self._sink = sink
        self._settings = settings or SockSettings()
        self._backfill = Backfill(self.stream)
        self._commits: set[asyncio.Future[None]] = set()
        self._confirm_ns = 0
        self._refused = Repeats()

    def _counted(self) -> tuple[int, int, int]:
        counts = self.stream.counts
        return counts.received, self.stream.lost, counts.backfilled

    def _residual_ns(self) -> int | None:
        return self.stream.fit.residual_ns

    def _ended(self) -> None:
        self._backfill.interrupted()

    # One connection

    def _new_session(self, device: BLEDevice) -> SockSession:
        return SockSession(
            self._sensor,
            device,
            self._client,
            bonds=self._bonds,
            on_data=self._take_data,
            on_status=self._take_status,
            on_connected=lambda: self._enter(LinkState.PAIRING),
        )

    async def _permit(self) -> None:
        await within(CALL_S, require_bond(self._bonds, self._sensor, self._address.upper()))

    async def _begin(self, session: SockSession) -> None:
        status = await session.open()
        self._enter(LinkState.SUBSCRIBING)
        self._take_status(status)
        self.stream.begin(status)
        await session.subscribe()
        want = self._settings
        await session.command(SetRateRange(want.rate, want.acc, want.gyro))
        await session.command(Start())
        self._confirm_ns = self._clock.now_ns()

    async def _upkeep(self, session: SockSession, now_ns: int) -> None:
        if now_ns - self._confirm_ns >= _CONFIRM_EVERY_S * NS:
            self._confirm_ns = now_ns
            await self._confirm(session)
        await self._fetch(session)

    async def _confirm(self, session: SockSession) -> None:
        for confirm in self.stream.confirms():
            await self._confirm_one(session, confirm)

    async def _confirm_one(self, session: SockSession, confirm: Confirm) -> None:
        try:
            await session.command(confirm)
        except CommandRefused as error:
            if error.result is not Result.WRONG_BOOT:
                raise
            _log.debug("%s: boot %#010x is no longer held", self._sensor, confirm.boot)
        self.stream.confirmed(confirm)

    async def _fetch(self, session: SockSession) -> None:
        fetch = self._backfill.due(self._clock.now_ns())
        if fetch is None:
            return
        self._backfill.promised(fetch, await self._ask(session, fetch))

    async def _ask(self, session: SockSession, fetch: Fetch) -> int | None:
        """Packets that the sock will send; None when it is still busy with an earlier fetch."""
        try:
            answer = await session.command(fetch)
        except CommandRefused as error:
            if error.result is Result.BUSY:
                return None
            if error.result is Result.WRONG_BOOT:
                return 0
            raise
        return answer.payload.count if isinstance(answer.payload, Promised) else 0

    async def _farewell(self, session: SockSession) -> None:
        """Stop the sock, and confirm what is still being committed."""
        if self.state is not LinkState.STREAMING or session.lost.done():
            return
        try:
            if self._settings.stop_at_end:
                await session.command(Stop())
            await self._await_commits()
            await self._confirm(session)
        except (*TROUBLE, LinkLost) as error:
            _log.info("%s: the sock was not told of the end: %s", self._sensor, error)

    async def _await_commits(self) -> None:
        """Bounded in data time, and in real time for a clock that nobody moves any more."""
        if not self._commits:
            return
        sleep = asyncio.ensure_future(self._clock.sleep(_LAST_COMMIT_S))
        commits = asyncio.ensure_future(asyncio.wait(self._commits))
        ends: set[asyncio.Future[Any]] = {sleep, commits}
        await asyncio.wait(ends, timeout=_LAST_COMMIT_S, return_when=asyncio.FIRST_COMPLETED)
        sleep.cancel()
        commits.cancel()

    # What arrives

    def _take_status(self, status: SockStatus) -> None:
        self._battery = status.battery

    def _take_data(self, raw: bytes) -> None:
        now_ns = self._clock.now_ns()
        try:
            taken = self.stream.take(raw, now_ns)
        except (BadPacket, Impossible, NoTimeYet) as error:
            _log.debug("%s", error)
            return
        if taken is None:
            return  # nor does it count as heard: a sock of which nothing new comes is silent
        self._heard(now_ns)
        packet, segment = taken
        self._backfill.arrived(packet)
        if SegmentFlag.BACKFILL not in packet.flags:
            self._arrived()
        commit = asyncio.ensure_future(self._sink.offer(packet, segment))
        self._commits.add(commit)
        commit.add_done_callback(lambda done: self._committed(packet, done))

    def _committed(self, packet: Packet, done: asyncio.Future[None]) -> None:
        self._commits.discard(done)
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            now_ns = self._clock.now_ns()
            if times := self._refused.due(now_ns):
                _log.warning(
                    "%s: packets that were not kept and will be fetched again: %d, the last of them %d: %r",
                    self._sensor, times, packet.seq, error,
                )  # fmt: skip
            self.stream.failed(packet)
            self._backfill.refused(now_ns)
        else:
            self.stream.committed(packet)
