"""A virtual Movesense sensor: six axes over the GATT SensorData Protocol, as the maker's firmware behaves.

It is written from the maker's description, not from our driver. What hardware does besides is done here too: no
service in its advertisement, subscriptions gone with the connection, four of them at most, packets in two parts
where one does not hold them, notifications that nobody acknowledges.

References:
    https://movesense.com/docs/esw/gatt_sensordata_protocol
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

import numpy as np
from bumble import att, gatt

from dsp.clock import Clock
from dsp.records import NS
from firmware_sim.air_controller import AirController
from firmware_sim.peripheral import Characteristic, Peripheral, Properties, written
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


class VirtualMovesense(Peripheral):
    """One sensor; see `Peripheral`.

    Args:
        controller: as in `Peripheral`.
        clock: as in `Peripheral`.
        source: as in `Peripheral`.
        address: as in `Peripheral`.
        serial: the end of its name.
        start_ms: what its clock shows at data time 0.
        battery: charge in per cent.
        drops: as in `Peripheral`.
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
        self._start_ms, self._battery, self._old, self._serial = start_ms, battery, old, serial
        self._subscribed: dict[int, str] = {}
        write = written(self._on_command)
        self._command = Characteristic(_COMMAND, Properties.WRITE, att.Attribute.WRITEABLE, write)
        self._data = Characteristic(_DATA, Properties.NOTIFY, att.Attribute.READABLE, b"")
        super().__init__(
            controller,
            clock=clock,
            source=source,
            address=address,
            name=f"Movesense {serial}",
            services=[gatt.Service(_SERVICE, [self._command, self._data])],
            drops=drops,
        )
        self._samples = 8 if self.rate_hz >= 104 else 4

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
            self._keep(self._say(bytes((_RESULT, ref)) + self._hello()))
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
        if path != f"/Meas/IMU6/{self.rate_hz:.0f}":
            return _MISSING
        if len(self._subscribed) >= _SUBSCRIPTIONS_MAX:
            return _FULL
        self._subscribed[ref] = path
        return _OK

    def _answer(self, ref: int, status: int, data: bytes = b"") -> None:
        self._keep(self._say(struct.pack("<BBH", _RESULT, ref, status) + data))

    # Data

    async def _sample(self) -> None:
        n = self.source.counts.shape[0]
        for first in range(0, n - self._samples + 1, self._samples):
            await self._until(first + self._samples)
            for ref in tuple(self._subscribed):
                await self._send(ref, first)

    async def _send(self, ref: int, first: int) -> None:
        part = self.source.counts[first : first + self._samples].astype(np.float64)
        scale = self.source.scale
        values = np.stack([part[:, :3] * (scale.acc_g * _GRAVITY), part[:, 3:] * scale.gyro_dps])
        ms = (self._start_ms + time_ns(self.source.runs, first) // _MS) % _WRAP
        data = struct.pack("<I", ms) + values.astype("<f4").tobytes()
        room = _MTU - 3 - 2
        self.sent.append(first)
        await self._say(bytes((_FIRST, ref)) + data[:room])
        if len(data) > room:
            await self._say(bytes((_SECOND, ref)) + data[room:])

    async def _say(self, payload: bytes) -> None:
        await self._notify(self._data, payload)

    def _forget(self) -> None:
        self._subscribed.clear()
