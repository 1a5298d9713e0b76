"""The link of each kind of sensor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

from dsp.clock import Clock
from ingest.clock_fit import ClockFit
from ingest.driver import Driver
from ingest.driver_link import DriverLink
from ingest.link import SockLink
from ingest.movesense import MovesenseDriver
from ingest.osd import OsdDriver
from ingest.polar import PolarDriver
from ingest.sensor_kind import Kind
from ingest.sensor_link import LinkOptions, SensorLink
from ingest.sink import PacketSink
from ingest.stream import SockStream

__all__ = ["link_of"]


_DRIVERS: dict[Kind, Callable[[Clock], Driver]] = {
    Kind.MOVESENSE: lambda _: MovesenseDriver(52),
    Kind.POLAR: lambda _: PolarDriver(),
    Kind.OSD: OsdDriver,
}


def link_of(
    kind: Kind, *, sink: PacketSink, fit: ClockFit | None = None, **options: Unpack[LinkOptions]
) -> SensorLink[Any]:
    """The link to a sensor of some kind, which hands its packets to `sink`; nothing happens before its `run`.

    `fit` is what is known of a sock's clock from before; sensors of other makers begin anew with each connection.
    """
    if kind is Kind.SOCK:
        stream = SockStream(options["site"], options["sensor"], fit=fit)
        return SockLink(sink=sink, stream=stream, **options)
    return DriverLink(make_driver=partial(_DRIVERS[kind], options["clock"]), sink=sink, **options)
