"""Driver of watches that speak OpenSeizureDetector's BLE data source: three axes at 25 Hz.

Bytes are read in `ingest.osd_ble`. The samples carry no time: their count is the clock, steered by when they arrive,
for a watch that says 25 Hz means a rate near it, and set on where arrivals say that some were lost. Angular rate
there is none, and 25 Hz see no jerk above some 8 Hz.

References:
    F. M. Gardner, "Phaselock Techniques", 3rd ed., Wiley 2005 (second-order loop, critically damped).
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
_RATE_MAX: Final = 0.05
"""Share by which a watch's rate may differ from 25 Hz: the timers of small watches are off by some per cent."""
_STEER_FIRST_S, _STEER_S = 4.0, 60.0
"""Time constant of the steering, at first and in the long run: a wrong rate is found before it has put samples off
by a tenth of a second, and later an arrival that is 50 ms late moves the clock by a fifth of a millisecond."""


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
        self._beat = _Beat()

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
        self._take(Reading(self._beat.place(len(acc_g), self._clock.now_ns() / NS), RATE_HZ, acc_g))


class _Beat:
    """The clock that counted samples are, steered by their arrivals. Times in seconds."""

    def __init__(self) -> None:
        self._next_s: float | None = None
        """when the next sample is due"""
        self._begun_s = 0.0
        self._rate = 1.0
        """of this clock, over the nominal one"""

    def place(self, n: int, arrived_s: float) -> float:
        """When the first of so many samples was taken."""
        length_s = n / RATE_HZ * self._rate
        if self._next_s is None:
            self._next_s = self._begun_s = arrived_s - length_s
        late_s = arrived_s - self._next_s - length_s
        if late_s > _LOST_S:
            self._next_s, late_s = arrived_s - length_s, 0.0
        first_s = self._next_s
        self._next_s += length_s + self._steer(late_s, length_s, arrived_s - self._begun_s)
        return first_s

    def _steer(self, late_s: float, length_s: float, age_s: float) -> float:
        """Take a share of how late an arrival was into the rate; returns what to move on by at once."""
        pull = length_s / min(_STEER_S, max(_STEER_FIRST_S, age_s / 3, 2.0 * length_s))
        self._rate = _near(1.0, self._rate * (1.0 + pull * late_s * pull / length_s), _RATE_MAX)
        return _near(0.0, 2.0 * pull * late_s, _RATE_MAX * length_s)


def _near(middle: float, value: float, away: float) -> float:
    return min(middle + away, max(middle - away, value))
