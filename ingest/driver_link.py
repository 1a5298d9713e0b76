"""The link to a sensor of another maker, kept up through the night; see `ingest.sensor_link`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Unpack

from bleak.backends.device import BLEDevice

from dsp.records import Packet
from ingest.driver import Driver, DriverStream, Reading
from ingest.errors import IngestError
from ingest.gatt_session import RADIO_TROUBLE, GattSession
from ingest.repeats import Repeats
from ingest.sensor_link import LinkOptions, LinkState, SensorLink
from ingest.sink import PacketSink

__all__ = ["DriverLink"]

_log = logging.getLogger(__name__)


class DriverLink(SensorLink[GattSession]):
    """Keeps one sensor streaming into a sink until cancelled."""

    def __init__(
        self,
        *,
        make_driver: Callable[[], Driver],
        sink: PacketSink,
        **options: Unpack[LinkOptions],
    ) -> None:
        """Make a link; nothing happens before `run`.

        Besides `LinkOptions`: `make_driver` makes the driver of each connection, and `sink` takes
        each packet once.
        """
        super().__init__(**options)
        self._make_driver = make_driver
        self._driver = make_driver()
        self._sink = sink
        self._offered: set[asyncio.Future[None]] = set()
        self._refused = Repeats()
        self.stream = DriverStream(self._site, self._sensor, self._driver.scale)

    def _new_session(self, device: BLEDevice) -> GattSession:
        self._driver = self._make_driver()
        return GattSession(self._sensor, device, self._client, service=self._driver.service)

    async def _begin(self, session: GattSession) -> None:
        await session.connect()
        self._enter(LinkState.SUBSCRIBING)
        await self._driver.begin(session, self._take)
        self._battery = self._driver.battery

    async def _upkeep(self, session: GattSession, now_ns: int) -> None:
        del session, now_ns  # such a sensor keeps nothing: there is nothing to confirm or to fetch
        self._battery = self._driver.battery

    async def _farewell(self, session: GattSession) -> None:
        if self.state is not LinkState.STREAMING or session.lost.done():
            return
        try:
            await self._driver.end(session)
        except (*RADIO_TROUBLE, IngestError) as error:
            _log.info("%s: the sensor was not told of the end: %s", self._sensor, error)

    def _counted(self) -> tuple[int, int, int]:
        return self.stream.received, self.stream.lost, 0

    def _residual_ns(self) -> int | None:
        return self.stream.fit.residual_ns

    def _take(self, reading: Reading) -> None:
        now_ns = self._clock.now_ns()
        self._heard(now_ns)
        taken = self.stream.take(reading, now_ns)
        if taken is None:
            return
        self._arrived()
        packet, segment = taken
        offered = asyncio.ensure_future(self._sink.offer(packet, segment))
        self._offered.add(offered)
        offered.add_done_callback(lambda done: self._kept(packet, done))

    def _kept(self, packet: Packet, done: asyncio.Future[None]) -> None:
        self._offered.discard(done)
        refused = done.cancelled() or done.exception() is not None
        if refused and (times := self._refused.due(self._clock.now_ns())):
            _log.warning(
                "%s: packets that were not kept, and the sensor has them no more: %d, the last of them %d",
                self._sensor, times, packet.seq,
            )  # fmt: skip
