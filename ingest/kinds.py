"""The link of each kind of sensor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

from dsp.clock import Clock
from ingest.driver import Driver
from ingest.driver_link import DriverLink
from ingest.link import SockLink
from ingest.movesense import MovesenseDriver
from ingest.osd import OsdDriver
from ingest.polar import PolarDriver
from ingest.sensor_kind import Kind
from ingest.sensor_link import LinkOptions, SensorLink
from ingest.sink import PacketSink

__all__ = ["link_of"]


_DRIVERS: dict[Kind, Callable[[Clock], Driver]] = {
    Kind.MOVESENSE: lambda _: MovesenseDriver(52),
    Kind.POLAR: lambda _: PolarDriver(),
    Kind.OSD: OsdDriver,
}


def link_of(kind: Kind, *, sink: PacketSink, **options: Unpack[LinkOptions]) -> SensorLink[Any]:
    """The link to a sensor of some kind, which hands its packets to `sink`; nothing happens before its `run`."""
    if kind is Kind.SOCK:
        return SockLink(sink=sink, **options)
    return DriverLink(make_driver=partial(_DRIVERS[kind], options["clock"]), sink=sink, **options)
