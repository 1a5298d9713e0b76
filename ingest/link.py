"""The link to one sock, kept up through the night: ordinary bleak code over whatever radio there is.

States: searching -> connecting -> subscribing -> streaming -> (stalled) -> backing_off -> searching ...,
and stopped at the end. All pacing is on the injected clock; only single radio calls are bounded in real time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bleak import BleakClient
from bleak.backends.device import BLEDevice

from dsp.clock import Clock
from dsp.records import NS, LinkSample, Packet, Site
from ingest.backfill import Backfill
from ingest.errors import CommandRefused, LinkLost, LinkSilent, NoTimeYet
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

SILENCE_S: Final = 5.0
"""Data time without data after which a link counts as dead though it says that it is connected: 30 packets in a
row, longer than a fade that the radio survives by itself (supervision time-out 4-6 s)."""
_UPKEEP_S: Final = 0.25
"""How often silence, confirming and fetching are looked at: silence is then noticed within 5 % of its limit."""
_CONFIRM_EVERY_S: Final = 1.0
"""One command a second beside six packets; the sock's memory holds minutes, so nothing waits for it."""
_SAMPLE_EVERY_S: Final = 60.0
"""A link sample a minute is what coverage, which counts in minutes, can use."""
_BACK_OFF_FIRST_S: Final = 0.5
"""After a link that had worked: mostly a fade, and the sock advertises again at once."""
_BACK_OFF_MAX_S: Final = 15.0
"""Longest pause: a sock that comes back into range is heard again well within the minute that coverage counts."""
_FIND_S: Final = 60.0
"""Real seconds of one search; then the scanner is started anew, for one that has got stuck hears nothing."""
_LAST_COMMIT_S: Final = 1.0
"""Longest that the end waits for outstanding commits, so that they are still confirmed. What is not
confirmed is sent again another time."""


class LinkState(StrEnum):
    """Where the link to a sensor stands."""

    SEARCHING = "searching"
    CONNECTING = "connecting"
    SUBSCRIBING = "subscribing"
    STREAMING = "streaming"
    STALLED = "stalled"
    BACKING_OFF = "backing_off"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class SockSettings:
    """What the sock is asked to measure."""

    rate: Rate = Rate.HZ_104
    acc: AccRange = AccRange.G_8
    gyro: GyroRange = GyroRange.DPS_1000
    stop_at_end: bool = True
    """end sampling when the gateway ends; else the sock goes on into its memory"""


class SockLink:
    """Keeps one sock streaming into a sink until cancelled; loses nothing that the sock still has."""

    def __init__(
        self,
        *,
        address: str,
        site: Site,
        sensor: str,
        sink: PacketSink,
        clock: Clock,
        find: Callable[[str], Awaitable[BLEDevice]],
        client: Callable[..., BleakClient] = BleakClient,
        on_sample: Callable[[LinkSample], None] | None = None,
        rssi: Callable[[str], int | None] | None = None,
        settings: SockSettings | None = None,
        stream: SockStream | None = None,
    ) -> None:
        """Make a link; nothing happens before `run`.

        Args:
            address: Bluetooth address of the sock.
            site: where it is worn.
            sensor: its id in the records.
            sink: takes each packet once; a number is confirmed to the sock when the sink has committed it.
            clock: data time.
            find: gives a fresh device for an address, such as `Finder.find`; one scanner serves all links.
            client: makes a bleak client; with another radio, ``functools.partial(BleakClient, backend=...)``.
            on_sample: called at each change of state and once a minute.
            rssi: signal strength for an address, such as `Finder.rssi`.
            settings: what the sock is asked to measure.
            stream: goes on from an earlier stream (its clock fit, what was already kept).
        """
        self.state = LinkState.STOPPED
        self.stream = stream or SockStream(site, sensor)
        self._address, self._site, self._sensor = address, site, sensor
        self._sink, self._clock, self._find, self._client = sink, clock, find, client
        self._on_sample = on_sample or _ignore
        self._rssi = rssi or _unknown
        self._settings = settings or SockSettings()
        self._backfill = Backfill(self.stream)
        self._session: SockSession | None = None
        self._commits: set[asyncio.Future[None]] = set()
        self._battery: int | None = None
        self._heard_ns = self._confirm_ns = self._sample_ns = 0
        self._back_off_s = _BACK_OFF_FIRST_S

    async def run(self) -> None:
        """Search, connect, stream, heal, until cancelled; then stop the sock and disconnect."""
        try:
            while True:
                try:
                    await self._stream_once()
                except (*TROUBLE, LinkLost, LinkSilent) as error:
                    _log.info("%s: %s: %s", self._sensor, type(error).__name__, error)
                self._enter(LinkState.BACKING_OFF)
                pause_s, self._back_off_s = self._back_off_s, min(2 * self._back_off_s, _BACK_OFF_MAX_S)
                await self._clock.sleep(pause_s)
        finally:
            self._enter(LinkState.STOPPED)

    def sample(self) -> LinkSample:
        """The link as it stands."""
        residual_ns = self.stream.fit.residual_ns
        return LinkSample(
            site=self._site,
            sensor=self._sensor,
            t_ns=self._clock.now_ns(),
            state=self.state.value,
            received=self.stream.counts.received,
            lost=self.stream.lost,
            backfilled=self.stream.counts.backfilled,
            battery=self._battery,
            rssi=self._rssi(self._address),
            residual_ms=None if residual_ns is None else residual_ns / 1e6,
        )

    def _enter(self, state: LinkState) -> None:
        _log.debug("%s: %s", self._sensor, state)
        self.state = state
        self._sample_ns = self._clock.now_ns()
        self._on_sample(self.sample())

    # One connection

    async def _stream_once(self) -> None:
        self._enter(LinkState.SEARCHING)
        async with asyncio.timeout(_FIND_S):
            device = await self._find(self._address)
        self._enter(LinkState.CONNECTING)
        session = self._session = self._new_session(device)
        try:
            await self._begin(session)
            await self._keep(session)
        except asyncio.CancelledError:
            await self._farewell(session)
            raise
        finally:
            self._session = None
            self._backfill.interrupted()
            await session.close()

    def _new_session(self, device: BLEDevice) -> SockSession:
        return SockSession(
            self._sensor, device, self._client, on_data=self._take_data, on_status=self._take_status
        )

    async def _begin(self, session: SockSession) -> None:
        status = await session.open()
        self._enter(LinkState.SUBSCRIBING)
        self._take_status(status)
        self.stream.begin(status)
        await session.subscribe()
        want = self._settings
        await session.command(SetRateRange(want.rate, want.acc, want.gyro))
        await session.command(Start())
        self._heard_ns = self._confirm_ns = self._clock.now_ns()
        self._enter(LinkState.STREAMING)

    async def _keep(self, session: SockSession) -> None:
        while True:
            await self._pause(session)
            if session.lost.done():
                raise LinkLost(self._sensor, "while streaming")
            now_ns = self._clock.now_ns()
            if now_ns - self._heard_ns >= SILENCE_S * NS:
                self._enter(LinkState.STALLED)
                raise LinkSilent(self._sensor, (now_ns - self._heard_ns) / NS)
            if now_ns - self._confirm_ns >= _CONFIRM_EVERY_S * NS:
                self._confirm_ns = now_ns
                await self._confirm(session)
            await self._fetch(session)
            if now_ns - self._sample_ns >= _SAMPLE_EVERY_S * NS:
                self._enter(self.state)

    async def _pause(self, session: SockSession) -> None:
        """Wait for the next look, or until the link ends."""
        sleep = asyncio.ensure_future(self._clock.sleep(_UPKEEP_S))
        try:
            await asyncio.wait({sleep, session.lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()

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

    def _take_data(self, raw: bytearray) -> None:
        now_ns = self._clock.now_ns()
        try:
            taken = self.stream.take(raw, now_ns)
        except (BadPacket, NoTimeYet) as error:
            _log.debug("%s", error)
            return
        self._heard_ns = now_ns
        self._back_off_s = _BACK_OFF_FIRST_S
        if taken is None:
            return
        packet, segment = taken
        self._backfill.arrived(packet)
        commit = asyncio.ensure_future(self._sink.offer(packet, segment))
        self._commits.add(commit)
        commit.add_done_callback(lambda done: self._committed(packet, done))

    def _committed(self, packet: Packet, done: asyncio.Future[None]) -> None:
        self._commits.discard(done)
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            _log.warning(
                "%s: packet %d was not kept, it will be fetched again: %r", self._sensor, packet.seq, error
            )
            self.stream.failed(packet)
            self._backfill.refused(self._clock.now_ns())
        else:
            self.stream.committed(packet)


def _ignore(_sample: LinkSample) -> None:
    return


def _unknown(_address: str) -> int | None:
    return None
