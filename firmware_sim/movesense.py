"""A virtual Movesense sensor: six axes over the GATT SensorData Protocol, as the maker's firmware behaves.

It is written from the maker's description, not from our driver. What hardware does besides is done here too: no
service in its advertisement, subscriptions gone with the connection, four of them at most, packets in two parts
where one does not hold them, notifications that nobody acknowledges.

References:
    https://movesense.com/docs/esw/gatt_sensordata_protocol
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Final

import numpy as np
from bumble import att, core, gatt, hci
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import Host

from dsp.clock import Clock
from dsp.records import NS
from firmware_sim.air_controller import AirController
from firmware_sim.runs import time_ns
from firmware_sim.sock_samples import SampleSource

__all__ = ["VirtualMovesense"]

_SERVICE: Final = "34802252-7185-4d5d-b431-630e7050e8f0"
_COMMAND: Final = "34800001-7185-4d5d-b431-630e7050e8f0"
_DATA: Final = "34800002-7185-4d5d-b431-630e7050e8f0"
_GRAVITY: Final = 9.80665
_MTU: Final = 161
"""What the firmware's path buffer assumes; what is longer comes in parts."""
_SUBSCRIPTIONS_MAX: Final = 4
_HELLO, _SUBSCRIBE, _UNSUBSCRIBE, _GET = 0, 1, 2, 4
_RESULT, _FIRST, _SECOND = 1, 2, 3
_OK, _BAD, _MISSING, _FULL = 200, 400, 404, 507
_MS: Final = NS // 1000
_WRAP: Final = 1 << 32

_Characteristic = gatt.Characteristic[bytes]
_Properties = gatt.Characteristic.Properties


class VirtualMovesense:
    """One sensor: `await power_on()` and it can be found and subscribed; end with `power_off()`.

    Args:
        controller: made by `Air.controller`.
        clock: data time.
        source: what there is to be measured, at the rate it measures at.
        address: static random address.
        serial: the end of its name.
        start_ms: what its clock shows at data time 0.
        battery: charge in per cent.
        drops: says of each notification, by its number, whether the air loses it.
        old: firmware before the data-logger commands.
    """

    def __init__(
        self,
        controller: AirController,
        *,
        clock: Clock,
        source: SampleSource,
        address: str,
        serial: str = "174630000192",
        start_ms: int = 5000,
        battery: int = 80,
        drops: Callable[[int], bool] = lambda _: False,
        old: bool = False,
    ) -> None:
        self.sent: list[int] = []
        """index of the first sample of every packet that was handed to the radio"""
        self._clock, self._source, self._start_ms, self._battery = clock, source, start_ms, battery
        self._drops, self._old, self._serial = drops, old, serial
        self._rate_hz = round(NS / source.runs[0].step_ns)
        self._samples = 8 if self._rate_hz >= 104 else 4
        self._subscribed: dict[int, str] = {}
        self._connection: Connection | None = None
        self._notified = 0
        self._sampler: asyncio.Task[None] | None = None
        self._work: set[asyncio.Task[None]] = set()
        write = att.AttributeValue(read=_no_read, write=lambda _, raw: self._on_command(bytes(raw)))
        self._command = _Characteristic(_COMMAND, _Properties.WRITE, att.Attribute.WRITEABLE, write)
        self._data = _Characteristic(_DATA, _Properties.NOTIFY, att.Attribute.READABLE, b"")
        name = f"Movesense {serial}"
        self.device = Device(config=_configuration(address, name), host=Host(controller, controller))
        self.device.add_services([gatt.Service(_SERVICE, [self._command, self._data])])
        self.device.on(self.device.EVENT_CONNECTION, self._on_connection)

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

    def restart(self) -> None:
        """As after a change of battery: the clock begins anew and the link is lost without a word."""
        self._start_ms = -(self._clock.now_ns() // _MS)
        if self._connection is not None:
            self._keep(self.disconnect())

    # Commands

    def _on_command(self, raw: bytes) -> None:
        if len(raw) < 2:
            return
        number, ref, text = raw[0], raw[1], raw[2:].rstrip(b"\0").decode("ascii", "replace")
        if number == _HELLO:
            self._keep(self._notify(bytes((_RESULT, ref)) + self._hello()))
        elif number == _SUBSCRIBE:
            self._answer(ref, self._subscribe(ref, text))
        elif number == _UNSUBSCRIBE:
            self._subscribed.pop(ref, None)
            self._answer(ref, _OK)
        elif number == _GET and text == "/System/Energy/Level":
            self._answer(ref, _OK, bytes((self._battery,)))
        else:
            self._answer(ref, _MISSING if number == _GET else _BAD)

    def _hello(self) -> bytes:
        if self._old:
            return b"Hello"
        words = (self._serial, "MD", "00-00-00-00-00-00", "lullwatch-sim", "2.2.0")
        return b"\x01" + b"\0".join(w.encode() for w in words) + b"\0"

    def _subscribe(self, ref: int, path: str) -> int:
        if path != f"/Meas/IMU6/{self._rate_hz}":
            return _MISSING
        if len(self._subscribed) >= _SUBSCRIPTIONS_MAX:
            return _FULL
        self._subscribed[ref] = path
        return _OK

    def _answer(self, ref: int, status: int, data: bytes = b"") -> None:
        self._keep(self._notify(struct.pack("<BBH", _RESULT, ref, status) + data))

    # Data

    async def _sample(self) -> None:
        n = self._source.counts.shape[0]
        for first in range(0, n - self._samples + 1, self._samples):
            end_ns = time_ns(self._source.runs, first + self._samples)
            await self._clock.sleep(max(0.0, (end_ns - self._clock.now_ns()) / NS))
            for ref in tuple(self._subscribed):
                await self._send(ref, first)

    async def _send(self, ref: int, first: int) -> None:
        part = self._source.counts[first : first + self._samples].astype(np.float64)
        scale = self._source.scale
        values = np.stack([part[:, :3] * (scale.acc_g * _GRAVITY), part[:, 3:] * scale.gyro_dps])
        ms = (self._start_ms + time_ns(self._source.runs, first) // _MS) % _WRAP
        data = struct.pack("<I", ms) + values.astype("<f4").tobytes()
        room = _MTU - 3 - 2
        self.sent.append(first)
        await self._notify(bytes((_FIRST, ref)) + data[:room])
        if len(data) > room:
            await self._notify(bytes((_SECOND, ref)) + data[room:])

    async def _notify(self, payload: bytes) -> None:
        self._notified += 1
        if self._connection is not None and not self._drops(self._notified):
            await self.device.notify_subscriber(self._connection, self._data, payload)

    def _keep(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]  # coroutines of this class only
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _on_connection(self, connection: Connection) -> None:
        self._connection = connection
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = None
        self._subscribed.clear()


def _no_read(_: Connection) -> bytes:
    # Bumble does not look at permissions and would leave the request without an answer.
    raise att.ATT_Error(att.ATT_READ_NOT_PERMITTED_ERROR)


def _configuration(address: str, name: str) -> DeviceConfiguration:
    kinds = core.AdvertisingData.Type
    flags = core.AdvertisingData.Flags
    shown = bytes((flags.LE_GENERAL_DISCOVERABLE_MODE | flags.BR_EDR_NOT_SUPPORTED,))
    return DeviceConfiguration(
        name=name,
        address=hci.Address(address),
        advertising_data=bytes(
            core.AdvertisingData([(kinds.FLAGS, shown), (kinds.COMPLETE_LOCAL_NAME, name.encode())])
        ),
        advertising_interval_min=250,
        advertising_interval_max=250,
    )
