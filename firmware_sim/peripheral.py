"""A virtual sensor of another maker: a GATT server on the virtual air that measures a recording."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from bumble import att, core, gatt, hci
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import Host

from dsp.clock import Clock
from dsp.records import NS
from firmware_sim.air_controller import AirController
from firmware_sim.runs import time_ns
from firmware_sim.sock_samples import SampleSource

__all__ = ["Characteristic", "Peripheral", "Properties", "no_read", "written"]

Characteristic = gatt.Characteristic[bytes]
Properties = gatt.Characteristic.Properties
_ADVERTISING_MS: Final = 250


class Peripheral:
    """One sensor: `await power_on()` and it can be found and connected; end with `power_off()`.

    Args:
        controller: made by `Air.controller`.
        clock: data time.
        source: what there is to be measured, at the rate it measures at.
        address: static random address.
        name: as it advertises itself.
        services: its GATT services.
        drops: says of each notification, by its number, whether the air loses it.
    """

    def __init__(
        self,
        controller: AirController,
        *,
        clock: Clock,
        source: SampleSource,
        address: str,
        name: str,
        services: Sequence[gatt.Service],
        drops: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self.source = source
        self._clock, self._drops = clock, drops
        self._connection: Connection | None = None
        self._notified = 0
        self._sampler: asyncio.Task[None] | None = None
        self._work: set[asyncio.Task[None]] = set()
        self.device = Device(config=_configuration(address, name), host=Host(controller, controller))
        self.device.add_services(list(services))
        self.device.on(self.device.EVENT_CONNECTION, self._on_connection)

    @property
    def rate_hz(self) -> float:
        """Rate at which it measures, as its maker would call it."""
        return float(round(NS / self.source.runs[0].step_ns))

    async def power_on(self) -> None:
        """Advertise and measure."""
        await self.device.power_on()
        await self.device.start_advertising(auto_restart=True)
        self._sampler = asyncio.create_task(self._sample())

    async def power_off(self) -> None:
        """End everything."""
        for task in (self._sampler, *self._work):
            if task is not None:
                task.cancel()
        await self.device.stop_advertising()
        await self.disconnect()
        await self.device.stop_advertising()  # the end of the connection started it anew
        await self.device.power_off()

    async def disconnect(self) -> None:
        """End the connection from the sensor's side."""
        if self._connection is not None:
            await self._connection.disconnect()

    # For the kinds of sensors

    async def _sample(self) -> None:
        """Measure from now to the end of the source."""
        raise NotImplementedError

    def _forget(self) -> None:
        """The connection has ended; nothing by itself."""

    async def _until(self, index: int) -> None:
        """Wait until a sample has been taken."""
        left_ns = time_ns(self.source.runs, index) - self._clock.now_ns()
        await self._clock.sleep(max(0.0, left_ns / NS))

    async def _notify(self, characteristic: Characteristic, payload: bytes) -> None:
        self._notified += 1
        if self._connection is not None and not self._drops(self._notified):
            await self.device.notify_subscriber(self._connection, characteristic, payload)

    async def _indicate(self, characteristic: Characteristic, payload: bytes) -> None:
        if self._connection is not None:
            await self.device.indicate_subscriber(self._connection, characteristic, payload)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _on_connection(self, connection: Connection) -> None:
        self._connection = connection
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = None
        self._forget()


def written(
    take: Callable[[bytes], None], read: Callable[[], bytes] | None = None
) -> att.AttributeValue[bytes]:
    """A value that hands on what is written to it, and can be read if `read` is given."""
    reader = no_read if read is None else lambda _: read()
    return att.AttributeValue(read=reader, write=lambda _, raw: take(bytes(raw)))


def no_read(_: Connection) -> bytes:
    """Refuse. Bumble does not look at permissions and would leave the request without an answer."""
    raise att.ATT_Error(att.ATT_READ_NOT_PERMITTED_ERROR)


def _configuration(address: str, name: str) -> DeviceConfiguration:
    """Flags and name only: makers' 128-bit services mostly do not fit into 31 bytes beside it."""
    kinds = core.AdvertisingData.Type
    flags = core.AdvertisingData.Flags
    shown = bytes((flags.LE_GENERAL_DISCOVERABLE_MODE | flags.BR_EDR_NOT_SUPPORTED,))
    structures = [(kinds.FLAGS, shown), (kinds.COMPLETE_LOCAL_NAME, name.encode())]
    return DeviceConfiguration(
        name=name,
        address=hci.Address(address),
        advertising_data=bytes(core.AdvertisingData(structures)),
        advertising_interval_min=_ADVERTISING_MS,
        advertising_interval_max=_ADVERTISING_MS,
    )
