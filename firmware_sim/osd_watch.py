"""A virtual watch that speaks OpenSeizureDetector's BLE data source.

References:
    OpenSeizureDetector, BLE data source specification (formats 0, 1 and 3)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from bumble import att, gatt

from dsp.clock import Clock
from firmware_sim.air_controller import AirController
from firmware_sim.peripheral import Characteristic, Peripheral, Properties, written
from firmware_sim.sock_samples import SampleSource

__all__ = ["VirtualWatch"]

_UUID: Final = "000085e9-{:04x}-1000-8000-00805f9b34fb"
_VECTORS: Final = 3
_SAMPLES: Final = 3
"""As the reference firmware sends them: three vectors in 18 bytes fit into any link."""


class VirtualWatch(Peripheral):
    """One watch; see `Peripheral`.

    Args:
        controller: as in `Peripheral`.
        clock: as in `Peripheral`.
        source: as in `Peripheral`, at 25 Hz.
        address: as in `Peripheral`.
        drops: as in `Peripheral`.
        form: format of its acceleration; only 3 has three axes.
        battery: charge in per cent.
    """

    def __init__(
        self,
        controller: AirController,
        *,
        clock: Clock,
        source: SampleSource,
        address: str,
        drops: Callable[[int], bool] = lambda _: False,
        form: int = _VECTORS,
        battery: int = 55,
    ) -> None:
        self.shown: list[int] = []
        """what it was told to show"""
        self._data = Characteristic(_UUID.format(1), Properties.NOTIFY, att.Attribute.READABLE, b"")
        told = {2: bytes((battery,)), 3: b"virtual watch", 4: b"1.0", 5: bytes((form,))}
        facts = [
            Characteristic(_UUID.format(i), Properties.READ, att.Attribute.READABLE, value)
            for i, value in told.items()
        ]
        status = Characteristic(
            _UUID.format(6),
            Properties.WRITE,
            att.Attribute.WRITEABLE,
            written(lambda raw: self.shown.extend(raw)),
        )
        super().__init__(
            controller,
            clock=clock,
            source=source,
            address=address,
            name="OSD watch",
            services=[gatt.Service(_UUID.format(0), [self._data, *facts, status])],
            drops=drops,
        )

    async def _sample(self) -> None:
        scale_mg = self.source.scale.acc_g * 1e3
        for first in range(0, self.source.counts.shape[0] - _SAMPLES + 1, _SAMPLES):
            await self._until(first + _SAMPLES)
            part = self.source.counts[first : first + _SAMPLES, :3].astype(np.float64)
            await self._notify(self._data, np.rint(part * scale_mg).astype("<i2").tobytes())
