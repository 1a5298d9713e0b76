"""What a driver of another maker's sensor offers, and how its readings become packets in time.

A driver speaks one protocol over one `GattSession` and hands on readings on the sensor's own clock. Such sensors
number nothing and keep nothing: what was lost is known by the clock alone, and cannot be had again.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from dsp.records import Counts, Packet, Scale, Segment, SegmentFlag, Site
from ingest.clock_fit import ClockFit
from ingest.gatt_session import GattSession
from ingest.sock_codec import CLOCK_HZ, CLOCK_WRAP

__all__ = ["Driver", "DriverStream", "Reading"]

_FULL: Final = 32_767
_BACK_S: Final = 1.0
"""A clock that goes back by more has begun anew: the sensor restarted. Less is a packet out of order."""
_AHEAD_S: Final = 6 * 3600.0
"""A clock that goes on by more was set by somebody: no link is away so long and then goes on with the same start."""
_HOLE: Final = 0.5
"""Share of a packet's length by which the next may come late and still follow: clocks are a few per cent off, and a
lost packet makes a whole one."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Evenly spaced samples as a sensor of another maker gave them."""

    first_s: float
    """sensor clock at the first sample, seconds; it does not wrap, and goes back only where the sensor restarts"""
    rate_hz: float
    acc_g: NDArray[np.float64]
    """shape (n, 3)"""
    gyro_dps: NDArray[np.float64] | None = None
    """shape (n, 3); None without angular rate"""


class Driver(Protocol):
    """One maker's protocol over one connection; a new one is made for every connection."""

    service: str
    """UUID of the service that its sensors have"""
    scale: Scale
    """units that its readings are kept in: fine enough for the chip, wide enough for its range"""

    @property
    def battery(self) -> int | None:
        """Charge in per cent as far as it is known."""
        ...

    async def begin(self, session: GattSession, take: Callable[[Reading], None]) -> None:
        """Start the stream over a connected session; readings are handed on from then on.

        Raises:
            IngestError: the sensor cannot or will not stream; the message says what to do.
        """
        ...

    async def end(self, session: GattSession) -> None:
        """Stop the stream, so that the sensor can sleep."""
        ...


class DriverStream:
    """Numbers readings, places them in time, and counts what is missing, over any number of connections."""

    def __init__(
        self,
        site: Site,
        sensor: str,
        scale: Scale,
        *,
        draw_boot: Callable[[], int] = lambda: secrets.randbits(32),
    ) -> None:
        self.fit = ClockFit(sensor)
        self.received = 0
        self.lost = 0
        """packets' worth of samples that never came"""
        self._site, self._sensor, self._scale = site, sensor, scale
        self._draw_boot = draw_boot
        self._boot: int | None = None
        self._seq = -1
        self._due_s = 0.0

    def take(self, reading: Reading, arrived_ns: int) -> tuple[Packet, Segment] | None:
        """The packet and its place; None for a reading that was there already."""
        n = int(reading.acc_g.shape[0])
        length_s = n / reading.rate_hz
        behind_s = self._due_s - reading.first_s
        if self._boot is None or not -_AHEAD_S < behind_s <= length_s + _BACK_S:
            self._boot, self._seq, behind_s = self._draw_boot(), -1, 0.0
        elif behind_s > _HOLE * length_s:
            return None
        missing = math.floor(-behind_s / length_s + _HOLE)
        self.lost += missing
        self._seq += 1 + missing
        self._due_s = reading.first_s + length_s
        self.received += 1
        packet = self._packet(reading, arrived_ns)
        place = self.fit.place(packet)
        return packet, Segment(
            packet.site, packet.sensor, packet.boot, packet.seq, place.t0_ns, place.step_ns,
            packet.counts, packet.scale, packet.flags,
        )  # fmt: skip

    def _packet(self, reading: Reading, arrived_ns: int) -> Packet:
        counts, clipped = _counts(reading, self._scale)
        return Packet(
            site=self._site,
            sensor=self._sensor,
            boot=self._boot or 0,
            seq=self._seq,
            clock=round(reading.first_s * CLOCK_HZ) % CLOCK_WRAP,
            rate_hz=reading.rate_hz,
            scale=self._scale,
            counts=counts,
            flags=SegmentFlag.CLIPPED if clipped else SegmentFlag.NONE,
            arrived_ns=arrived_ns,
        )


def _counts(reading: Reading, scale: Scale) -> tuple[Counts, bool]:
    parts = [reading.acc_g / scale.acc_g]
    if reading.gyro_dps is not None:
        parts.append(reading.gyro_dps / scale.gyro_dps)
    values = np.rint(np.concatenate(parts, axis=1))
    clipped = bool((np.abs(values) >= _FULL).any())
    return np.clip(values, -_FULL, _FULL).astype(np.int16), clipped
