"""The link of each kind of sensor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bleak import BleakClient
from bleak.backends.device import BLEDevice

from dsp.clock import Clock
from dsp.records import LinkSample, Site
from ingest.driver import Driver
from ingest.driver_link import DriverLink
from ingest.link import SockLink
from ingest.movesense import MovesenseDriver
from ingest.osd import OsdDriver
from ingest.polar import PolarDriver
from ingest.sensor_kind import Kind
from ingest.sensor_link import SensorLink
from ingest.sink import PacketSink

__all__ = ["link_of"]


_DRIVERS: dict[Kind, Callable[[Clock], Driver]] = {
    Kind.MOVESENSE: lambda _: MovesenseDriver(52),
    Kind.POLAR: lambda _: PolarDriver(),
    Kind.OSD: OsdDriver,
}


def link_of(
    kind: Kind,
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
) -> SensorLink[Any]:
    """The link to a sensor of some kind; nothing happens before its `run`. Arguments as in `SensorLink`."""
    make = SockLink if kind is Kind.SOCK else partial(DriverLink, make_driver=partial(_DRIVERS[kind], clock))
    return make(
        address=address,
        site=site,
        sensor=sensor,
        sink=sink,
        clock=clock,
        find=find,
        client=client,
        on_sample=on_sample,
        rssi=rssi,
    )
