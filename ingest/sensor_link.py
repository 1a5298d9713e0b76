"""What every link to a sensor does alike: search, connect, stream, notice silence, heal, say how it stands.

States: searching -> connecting -> pairing -> subscribing -> streaming -> (stalled) -> backing_off -> searching ...,
refused instead where what answers may not be talked to, and stopped at the end. All pacing is on the injected
clock; only single radio calls are bounded in real time.
"""

from __future__ import annotations

import asyncio
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Final, Generic, Protocol, Required, TypedDict, TypeVar, Unpack

from bleak import BleakClient
from bleak.backends.device import BLEDevice

from dsp.clock import Clock
from dsp.records import NS, LinkSample, Site
from ingest.bonds import Bonds, SystemBonds
from ingest.errors import IngestError, LinkLost, LinkSilent, NeedsPerson, NotHeard, PeerRefused
from ingest.session import TROUBLE

__all__ = ["SILENCE_S", "LinkOptions", "LinkState", "SensorLink", "Session"]

_log = logging.getLogger(__name__)

SILENCE_S: Final = 4.6
"""Data time without data after which a link counts as dead though it says that it is connected: 30 packets in a row,
and longer than a fade that the radio survives by itself (supervision time-out 4 s). Found within 5 s with `_UPKEEP_S`
and the longest time that a packet takes."""
_UPKEEP_S: Final = 0.25
"""How often silence, confirming and fetching are looked at: silence is then noticed within 6 % of its limit."""
_DELAYS_MAX: Final = 1024
"""Delays kept for one report: a minute at 208 Hz has 780 packets."""
_SAMPLE_EVERY_S: Final = 60.0
"""A link sample a minute is what coverage, which counts in minutes, can use."""
_BACK_OFF_FIRST_S: Final = 0.5
"""After a link that had worked: mostly a fade, and the sensor advertises again at once."""
_BACK_OFF_MAX_S: Final = 15.0
"""Longest pause: a sensor that comes back into range is heard again well within the minute that coverage counts."""
SEARCH_S: Final = 15.0
"""Data time of one search: a sensor that is there advertises sixty times meanwhile. Between searches the radio belongs
to the links that live, half of the time once the pauses have grown; and a scanner that has got stuck, which
hears nothing, is started anew."""


class LinkState(StrEnum):
    """Where the link to a sensor stands."""

    SEARCHING = "searching"
    CONNECTING = "connecting"
    PAIRING = "pairing"
    """connected; the bond's key is being proved"""
    SUBSCRIBING = "subscribing"
    STREAMING = "streaming"
    STALLED = "stalled"
    BACKING_OFF = "backing_off"
    REFUSED = "refused"
    """what is at its address is not, or cannot be shown to be, the sensor: nothing of it is taken until the next try"""
    STOPPED = "stopped"


class Session(Protocol):
    """One connection."""

    @property
    def lost(self) -> asyncio.Future[None]:
        """Done as soon as the link has ended."""
        ...

    async def close(self) -> None:
        """End the link if there is one, and pass on nothing more."""
        ...


class LinkOptions(TypedDict, total=False):
    """What every link takes."""

    address: Required[str]
    """Bluetooth address of the sensor"""
    site: Required[Site]
    """where it is worn"""
    sensor: Required[str]
    """its id in the records"""
    clock: Required[Clock]
    """data time"""
    find: Required[Callable[[str], Awaitable[BLEDevice]]]
    """gives a fresh device for an address, such as `Finder.find`; one scanner serves all links"""
    client: Callable[..., BleakClient]
    """makes a bleak client; with another radio, ``functools.partial(BleakClient, backend=...)``"""
    on_sample: Callable[[LinkSample], None] | None
    """called at each change of state and once a minute"""
    rssi: Callable[[str], int | None] | None
    """signal strength for an address, such as `Finder.rssi`"""
    bonds: Bonds
    """the stack's keys; by default the system's own business"""
    on_trouble: Callable[[str, str], None] | None
    """told a kind of trouble that only a person can mend and why in few words; why is empty once data flows"""


_S = TypeVar("_S", bound=Session)


class SensorLink(ABC, Generic[_S]):
    """Keeps one sensor streaming until cancelled; nothing happens before `run`."""

    def __init__(self, **options: Unpack[LinkOptions]) -> None:
        self.state = LinkState.STOPPED
        self._address, self._site, self._sensor = options["address"], options["site"], options["sensor"]
        self._clock, self._find = options["clock"], options["find"]
        self._client = options.get("client", BleakClient)
        self._on_sample = options.get("on_sample") or _ignore
        self._rssi = options.get("rssi") or _unknown
        self._bonds = options.get("bonds") or SystemBonds()
        self._on_trouble = options.get("on_trouble") or _unheeded
        self._troubles: dict[str, str] = {}
        """what only a person can mend, by kind, until data flows"""
        self._delays_ms: list[float] = []
        self._flows = False
        self._session: _S | None = None
        self._battery: int | None = None
        self._heard_ns = self._sample_ns = 0
        self._back_off_s = _BACK_OFF_FIRST_S

    async def run(self) -> None:
        """Search, connect, stream, heal, until cancelled; then stop the sensor and disconnect."""
        try:
            while True:
                self._enter(await self._attempt())
                pause_s, self._back_off_s = self._back_off_s, min(2 * self._back_off_s, _BACK_OFF_MAX_S)
                await self._clock.sleep(pause_s)
        finally:
            self._enter(LinkState.STOPPED)

    def sample(self) -> LinkSample:
        """The link as it stands."""
        received, lost, backfilled = self._counted()
        residual_ns = self._residual_ns()
        return LinkSample(
            site=self._site,
            sensor=self._sensor,
            t_ns=self._clock.now_ns(),
            state=self.state.value,
            received=received,
            lost=lost,
            backfilled=backfilled,
            battery=self._battery,
            rssi=self._rssi(self._address),
            residual_ms=None if residual_ns is None else residual_ns / 1e6,
            latency_ms=_high(self._delays_ms),
        )

    # What each kind of sensor does its own way

    @abstractmethod
    def _new_session(self, device: BLEDevice) -> _S:
        """A session that is not connected yet."""

    @abstractmethod
    async def _begin(self, session: _S) -> None:
        """Connect and start the stream; enters `SUBSCRIBING` once connected."""

    @abstractmethod
    async def _upkeep(self, session: _S, now_ns: int) -> None:
        """What is to be done now and then while streaming."""

    @abstractmethod
    async def _farewell(self, session: _S) -> None:
        """The gateway ends: leave the sensor as it should be."""

    @abstractmethod
    def _counted(self) -> tuple[int, int, int]:
        """Packets received, lost and back-filled so far."""

    @abstractmethod
    def _residual_ns(self) -> int | None:
        """How far the newest packet's arrival lay behind the clock fit."""

    async def _permit(self) -> None:
        """Whether the sensor may be looked for at all; raises `PeerRefused` where not. Any may, by itself."""

    def _ended(self) -> None:
        """A connection is over; nothing by itself."""

    # One connection

    def _heard(self, now_ns: int) -> None:
        """Data came."""
        self._heard_ns = now_ns
        while self._troubles:
            self._on_trouble(self._troubles.popitem()[0], "")
        self._back_off_s = _BACK_OFF_FIRST_S

    def _arrived(self) -> None:
        """A live packet was placed in time."""
        delay_ns = self._residual_ns()
        if delay_ns is not None and len(self._delays_ms) < _DELAYS_MAX:
            self._delays_ms.append(delay_ns / 1e6)

    def _tell(self, error: NeedsPerson) -> None:
        if self._troubles.get(error.kind) != error.why:  # said once, not at each attempt of a night
            _log.warning("%s", error)
        self._troubles[error.kind] = error.why
        self._on_trouble(error.kind, error.why)

    def _enter(self, state: LinkState) -> None:
        _log.debug("%s: %s", self._sensor, state)
        self.state = state
        self._sample_ns = self._clock.now_ns()
        self._on_sample(self.sample())
        self._delays_ms.clear()

    async def _attempt(self) -> LinkState:
        """One connection, until it ends; in which state the next one is waited for."""
        try:
            await self._stream_once()
        except NeedsPerson as error:
            self._tell(error)
            if isinstance(error, PeerRefused):
                return LinkState.REFUSED
        except (*TROUBLE, IngestError) as error:
            _log.info("%s: %s: %s", self._sensor, type(error).__name__, error)
        return LinkState.BACKING_OFF

    async def _stream_once(self) -> None:
        await self._permit()
        self._enter(LinkState.SEARCHING)
        device = await self._search()
        self._enter(LinkState.CONNECTING)
        session = self._session = self._new_session(device)
        try:
            await self._begin(session)
            self._heard_ns = self._clock.now_ns()
            self._enter(LinkState.STREAMING)
            await self._keep(session)
        except asyncio.CancelledError:
            await self._farewell(session)
            raise
        finally:
            self._session = None
            self._ended()
            await session.close()

    async def _search(self) -> BLEDevice:
        found = asyncio.ensure_future(self._find(self._address))
        given_up = asyncio.ensure_future(self._clock.sleep(SEARCH_S))
        try:
            await asyncio.wait({found, given_up}, return_when=asyncio.FIRST_COMPLETED)
            if found.done():
                return found.result()
        finally:
            given_up.cancel()
            found.cancel()
            await asyncio.gather(found, return_exceptions=True)
        raise NotHeard(self._sensor)

    async def _keep(self, session: _S) -> None:
        """Watch a stream. What is to be done meanwhile may hang on a dead link; silence is watched all the same."""
        began_ns, self._flows = self._heard_ns, False
        work: asyncio.Task[None] | None = None
        try:
            while True:
                now_ns = await self._look(session)
                if work is None or work.done():
                    if work is not None:
                        work.result()
                    work = asyncio.create_task(self._upkeep(session, now_ns))
                self._report(now_ns, began_ns)
        finally:
            if work is not None:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

    async def _look(self, session: _S) -> int:
        """The time of the next look at a link that lives; raises once it does not."""
        await self._pause(session)
        if session.lost.done():
            raise LinkLost(self._sensor, "while streaming")
        now_ns = self._clock.now_ns()
        if now_ns - self._heard_ns >= SILENCE_S * NS:
            self._enter(LinkState.STALLED)
            raise LinkSilent(self._sensor, (now_ns - self._heard_ns) / NS)
        return now_ns

    def _report(self, now_ns: int, began_ns: int) -> None:
        """Once a minute; and when data flows first, for that it is subscribed says nothing of it."""
        first, self._flows = not self._flows and self._heard_ns > began_ns, self._heard_ns > began_ns
        if first or now_ns - self._sample_ns >= _SAMPLE_EVERY_S * NS:
            self._enter(self.state)

    async def _pause(self, session: _S) -> None:
        """Wait for the next look, or until the link ends."""
        sleep = asyncio.ensure_future(self._clock.sleep(_UPKEEP_S))
        try:
            await asyncio.wait({sleep, session.lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()


def _ignore(_sample: LinkSample) -> None:
    return


def _unheeded(_kind: str, _why: str) -> None:
    return


def _high(delays_ms: list[float]) -> float | None:
    """95th percentile; None of nothing."""
    return sorted(delays_ms)[math.ceil(0.95 * len(delays_ms)) - 1] if delays_ms else None


def _unknown(_address: str) -> int | None:
    return None
