"""Driver of watches that speak OpenSeizureDetector's BLE data source: three axes at 25 Hz.

Bytes are read in `ingest.osd_ble`. The samples carry no time: the count of samples is the clock, set on whenever
arrivals say that some were lost. Angular rate there is none, and 25 Hz see no jerk above some 8 Hz.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from dsp.clock import Clock
from dsp.records import NS, Scale
from ingest.driver import Reading
from ingest.errors import BadNotification
from ingest.gatt_session import GattSession
from ingest.osd_ble import (
    BATTERY_UUID,
    DATA_UUID,
    FORMAT_UUID,
    RATE_HZ,
    SERVICE_UUID,
    decode_acceleration,
    decode_format,
)

__all__ = ["OsdDriver"]

_log = logging.getLogger(__name__)

_RANGE_G: Final = 16.0
_LOST_S: Final = 1.0
"""Arrivals that fall so far behind the count of samples mean that some were lost: a radio is late by tenths."""


class OsdDriver:
    """One connection to a watch.

    Args:
        clock: data time: arrivals are all the time there is.
    """

    service = SERVICE_UUID
    scale = Scale(_RANGE_G / 32_768, 1.0)

    def __init__(self, clock: Clock) -> None:
        self.battery: int | None = None
        self._clock = clock
        self._take: Callable[[Reading], None] = lambda _: None
        self._next_s: float | None = None

    async def begin(self, session: GattSession, take: Callable[[Reading], None]) -> None:
        """Start the stream; see `ingest.driver.Driver.begin`."""
        self._take = take
        decode_format(bytes(await session.read(FORMAT_UUID)))
        charge = bytes(await session.read(BATTERY_UUID))
        self.battery = charge[0] if charge and charge[0] <= 100 else None
        await session.notify(DATA_UUID, self._heard)

    async def end(self, session: GattSession) -> None:
        """Nothing to do: a watch goes on by itself."""

    def _heard(self, raw: bytes) -> None:
        try:
            acc_g = decode_acceleration(raw)
        except BadNotification as error:
            _log.warning("%s", error)
            return
        arrived_s = self._clock.now_ns() / NS
        length_s = len(acc_g) / RATE_HZ
        first_s = arrived_s - length_s if self._next_s is None else self._next_s
        if arrived_s - (first_s + length_s) > _LOST_S:
            first_s = arrived_s - length_s
        self._next_s = first_s + length_s
        self._take(Reading(first_s, RATE_HZ, acc_g))
