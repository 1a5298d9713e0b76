"""A virtual Polar sensor: two streams of Polar Measurement Data, compressed, each on its own beat.

It is written from the maker's SDK, not from our driver. Settings are answered over more than one indication,
streams come with their factor, frames carry the time of their last sample in ns since 2000, and a sensor in its
charger says so.

References:
    polar-ble-sdk, technical_documentation/online_measurement.pdf
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

import numpy as np
from bumble import att, gatt
from numpy.typing import NDArray

from dsp.clock import Clock
from firmware_sim.air_controller import AirController
from firmware_sim.peripheral import Characteristic, Peripheral, Properties, written
from firmware_sim.runs import time_ns
from firmware_sim.sock_samples import SampleSource

__all__ = ["VirtualPolar"]

_SERVICE: Final = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
_CONTROL: Final = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
_DATA: Final = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
_ACC, _GYRO = 2, 5
_SETTINGS, _START, _STOP = 1, 2, 3
_OK, _BAD_PARAMETER, _BUSY, _CHARGER = 0, 5, 6, 13
_COMPRESSED: Final = 0x80
_FACTORS: Final = {_ACC: 8 / 32_768, _GYRO: 2000 / 32_768}
_RANGES: Final = {_ACC: 8, _GYRO: 2000}
_FRAMES: Final = {_ACC: 24, _GYRO: 20}
"""Samples a frame: streams of other lengths never end together."""
_GYRO_LATE: Final = 0.4
"""Share of a sample by which the gyro's beat lies behind."""


class VirtualPolar(Peripheral):
    """One sensor; see `Peripheral`.

    Args:
        controller: as in `Peripheral`.
        clock: as in `Peripheral`.
        source: as in `Peripheral`, at 52 Hz.
        address: as in `Peripheral`.
        drops: as in `Peripheral`.
        start_ns: what its clock shows at data time 0.
        gyro: whether it has angular rate.
        charging: whether it lies in its charger.
    """

    def __init__(
        self,
        controller: AirController,
        *,
        clock: Clock,
        source: SampleSource,
        address: str,
        drops: Callable[[int], bool] = lambda _: False,
        start_ns: int = 599_616_000_000_000_000,
        gyro: bool = True,
        charging: bool = False,
    ) -> None:
        self.charging = charging
        self.streaming: set[int] = set()
        self.sent: list[int] = []
        """index of the first sample of every frame of acceleration that was handed to the radio"""
        self.stopped: list[int] = []
        """streams that were stopped by a command, in order"""
        self._kinds = (_ACC, _GYRO) if gyro else (_ACC,)
        self._start_ns = start_ns
        control = written(self._on_command, self._features)
        properties = Properties.WRITE | Properties.INDICATE | Properties.READ
        both = att.Attribute.READABLE | att.Attribute.WRITEABLE
        self._control = Characteristic(_CONTROL, properties, both, control)
        self._data = Characteristic(_DATA, Properties.NOTIFY, att.Attribute.READABLE, b"")
        super().__init__(
            controller,
            clock=clock,
            source=source,
            address=address,
            name="Polar Sense 12345678",
            services=[gatt.Service(_SERVICE, [self._control, self._data])],
            drops=drops,
        )

    def stop_by_itself(self) -> None:
        """As when it is put into its charger while it streams."""
        stopped, self.streaming = sorted(self.streaming), set()
        self.charging = True
        self._keep(self._indicate(self._control, bytes((0x01, *stopped))))

    # Commands

    def _features(self) -> bytes:
        return bytes((0x0F, sum(1 << kind for kind in self._kinds), 0x00))

    def _on_command(self, raw: bytes) -> None:
        op, kind = raw[0], raw[1] if len(raw) > 1 else 0
        if kind not in self._kinds:
            self._answer(op, kind, _BAD_PARAMETER)
        elif op == _SETTINGS:
            self._offer(kind)
        elif op == _START:
            self._start(kind, raw[2:])
        elif op == _STOP:
            self.streaming.discard(kind)
            self.stopped.append(kind)
            self._answer(op, kind, _OK)

    def _offer(self, kind: int) -> None:
        blocks = [
            struct.pack("<BBHH", 0, 2, 26, 52),
            struct.pack("<BBH", 1, 1, 16),
            struct.pack("<BBH", 2, 1, _RANGES[kind]),
            struct.pack("<BBB", 4, 1, 3),
        ]
        self._keep(self._offered(kind, blocks))

    async def _offered(self, kind: int, blocks: list[bytes]) -> None:
        """The answer in two indications; only the first has a header of its own."""
        head = bytes((0xF0, _SETTINGS, kind, _OK))
        await self._indicate(self._control, head + b"\x01" + b"".join(blocks[:2]))
        await self._indicate(self._control, head + b"\x00" + b"".join(blocks[2:]))

    def _start(self, kind: int, wanted: bytes) -> None:
        expected = struct.pack("<BBHBBHBBHBBB", 0, 1, 52, 1, 1, 16, 2, 1, _RANGES[kind], 4, 1, 3)
        if self.charging:
            self._answer(_START, kind, _CHARGER)
        elif kind in self.streaming:
            self._answer(_START, kind, _BUSY)
        elif wanted != expected:
            self._answer(_START, kind, _BAD_PARAMETER)
        else:
            self.streaming.add(kind)
            self._answer(_START, kind, _OK, struct.pack("<BBf", 5, 1, _FACTORS[kind]))

    def _answer(self, op: int, kind: int, status: int, parameters: bytes = b"") -> None:
        self._keep(self._indicate(self._control, bytes((0xF0, op, kind, status, 0)) + parameters))

    # Data

    async def _sample(self) -> None:
        n = self.source.counts.shape[0]
        frames = [
            (first + size, kind, first)
            for kind, size in _FRAMES.items()
            for first in range(0, n - size, size)
        ]
        for end, kind, first in sorted(frames):
            await self._until(end)
            if kind in self.streaming:
                await self._notify(self._data, self._frame(kind, first, end))

    def _frame(self, kind: int, first: int, end: int) -> bytes:
        part = self.source.counts[first:end].astype(np.float64)
        scale = self.source.scale
        if kind == _ACC:
            self.sent.append(first)
            values, late = part[:, :3] * (scale.acc_g / _FACTORS[kind]), 0.0
        else:
            values, late = part[:, 3:] * (scale.gyro_dps / _FACTORS[kind]), _GYRO_LATE
        step_ns = self.source.runs[0].step_ns
        last_ns = self._start_ns + time_ns(self.source.runs, end - 1) + round(late * step_ns)
        counts = np.clip(np.rint(values), -32_768, 32_767).astype(np.int64)
        return struct.pack("<BQB", kind, last_ns, _COMPRESSED) + _packed(counts)

    def _forget(self) -> None:
        self.streaming.clear()


def _packed(counts: NDArray[np.int64]) -> bytes:
    """A reference sample, then one block of differences, least significant bits first."""
    steps = np.diff(counts, axis=0)
    width = max(1, int(max(int(abs(s)).bit_length() for s in steps.ravel())) + 1)
    bits = 0
    for place, step in enumerate(steps.ravel().tolist()):
        bits |= (step % (1 << width)) << (place * width)
    body = bits.to_bytes(-(-steps.size * width // 8), "little")
    return struct.pack("<3h", *counts[0].tolist()) + bytes((width, len(steps))) + body
