"""The chip in a virtual sock: what it measures at which range, and the clock that stamps it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Counts
from firmware_sim.faults import hold_axis
from firmware_sim.imu_parts import LSM6DSO
from firmware_sim.runs import run_of, times_ns
from firmware_sim.sock_samples import ArraySource, SampleSource, SampleWindow, nominal_rate
from ingest.sock_codec import CLOCK_HZ, CLOCK_WRAP, RATES_HZ, AccRange, GyroRange, scale_of

__all__ = ["SockSensor", "swap_places"]

_STILL_RANGE_G: Final = 8.0
"""What the noise of a chip that lies still is taken at, as the densities of a part differ little by range."""


@dataclass(slots=True)
class _Stuck:
    axis: int
    from_ns: int
    to_ns: int
    value: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Off:
    """It lies about at once: gravity in one direction and nothing else.

    For a sock alone with its counts, at a test's word; where there is a body, `wearing` has hands take it off.
    """

    from_ns: int
    to_ns: int
    down: NDArray[np.float64]


class SockSensor:
    """A source seen through the range the chip is set to, with what is wrong with chip and wearing.

    Args:
        source: what is there to be measured.
        clock_ppm: how much faster than the source's crystal its clock runs.
        seed: of what is drawn.
    """

    def __init__(self, source: SampleSource, *, clock_ppm: float, seed: np.random.SeedSequence) -> None:
        self.rate, self.acc, self.gyro = nominal_rate(source), AccRange.G_8, GyroRange.DPS_1000
        self._source = source
        self._clock_ppm = clock_ppm
        self._rng = np.random.default_rng(seed)
        self._stuck: list[_Stuck] = []
        self._off: list[_Off] = []
        self._boot_ns = self._boot_ticks = 0
        self.set_range(self.acc, self.gyro)

    @property
    def n(self) -> int:
        """Samples there are."""
        return self._window.n

    def time_ns(self, index: int) -> int:
        """Data time of a sample, ns."""
        return self._window.time_ns(index)

    def first_at_or_after(self, t_ns: int) -> int:
        """Index of the first sample taken at `t_ns` or later."""
        return self._window.first_at_or_after(t_ns)

    def boot_end(self, index: int) -> int:
        """Index after the last sample before the chip next starts anew."""
        return self._window.boot_end(index)

    def boot_at(self, index: int) -> int:
        """Which start of the chip a sample belongs to."""
        return run_of(self._source.runs, index).boot

    def set_range(self, acc: AccRange, gyro: GyroRange) -> None:
        """Measure at these ranges from now on."""
        self.acc, self.gyro = acc, gyro
        self._window = SampleWindow(self._source, acc, gyro)

    def read(self, start: int, stop: int) -> tuple[Counts, bool]:
        """Counts of samples start to stop (excluded), and whether one of them clips."""
        counts, clipped = self._window.read(start, stop)
        if self._off or self._stuck:
            counts = counts.copy()
            t_ns = np.array([self.time_ns(index) for index in range(start, stop)])
            for off in self._off:
                inside = (t_ns >= off.from_ns) & (t_ns < off.to_ns)
                counts[inside] = self._lying(off, int(inside.sum()))[:, : counts.shape[1]]
                clipped = clipped and not inside.all()
            for stuck in self._stuck:
                first, end = np.searchsorted(t_ns, (stuck.from_ns, stuck.to_ns)).tolist()
                stuck.value = hold_axis(counts[first:end], stuck.axis, stuck.value)
        return counts, clipped

    # Its clock

    def begin_boot(self, now_ns: int, ticks: int = 0) -> None:
        """Its clock starts at `ticks` now."""
        self._boot_ns, self._boot_ticks = now_ns, ticks

    def ticks(self, t_ns: int) -> int:
        """Reading of its clock, wrapped."""
        true_s = (t_ns - self._boot_ns) / NS
        crystal = self._source.crystal
        gained_s = 0.0 if crystal is None else crystal.ahead(t_ns) - crystal.ahead(self._boot_ns)
        elapsed_s = (true_s + gained_s) * (1 + self._clock_ppm * 1e-6)
        return (self._boot_ticks + round(elapsed_s * CLOCK_HZ)) % CLOCK_WRAP

    def jump_clock(self, seconds: float) -> None:
        """Its clock is that much further on, or back."""
        self._boot_ticks += round(seconds * CLOCK_HZ)

    # What is wrong with it

    def stick_axis(self, axis: int, from_ns: int, to_ns: int) -> None:
        """An axis (0 to 5) repeats one value between two moments."""
        self._stuck.append(_Stuck(axis, from_ns, to_ns))

    def take_off(self, from_ns: int, to_ns: int) -> None:
        """It lies still somewhere between two moments."""
        down = self._rng.standard_normal(3)
        self._off.append(_Off(from_ns, to_ns, down / np.linalg.norm(down)))

    def _lying(self, off: _Off, n: int) -> Counts:
        units = scale_of(self.acc, self.gyro)
        root_hz = math.sqrt(RATES_HZ[self.rate] / 2.0)
        acc_g = off.down + self._rng.normal(0.0, LSM6DSO.acc_noise_g_rthz[_STILL_RANGE_G] * root_hz, (n, 3))
        gyro_dps = self._rng.normal(0.0, LSM6DSO.gyro_noise_dps_rthz * root_hz, (n, 3))
        gyro = gyro_dps / units.gyro_dps if units.gyro_dps else np.zeros((n, 3))
        seen: NDArray[np.float64] = np.hstack([acc_g / units.acc_g, gyro])
        return np.rint(seen).astype(np.int16)

    def measure_in_place_of(self, other: SampleSource, from_ns: int) -> None:
        """Measure what is there for `other` from a moment on, at its own times."""
        self._source = _moved(self._source, other, from_ns)
        self._window = SampleWindow(self._source, self.acc, self.gyro)

    @property
    def source(self) -> SampleSource:
        """What is there to be measured."""
        return self._source


def swap_places(one: SockSensor, other: SockSensor, from_ns: int) -> None:
    """Each measures from a moment on what was there for the other; chips, rates and clocks stay where they are."""
    first, second = one.source, other.source
    one.measure_in_place_of(second, from_ns)
    other.measure_in_place_of(first, from_ns)


def _moved(own: SampleSource, other: SampleSource, from_ns: int) -> ArraySource:
    """The other's samples nearest to one's own times from a moment on, in one's own units."""
    own_ns = times_ns(own.runs, own.counts.shape[0])
    first = int(np.searchsorted(own_ns, from_ns))
    other_ns = times_ns(other.runs, other.counts.shape[0])
    middles = (other_ns[1:] + other_ns[:-1]) // 2
    nearest = np.searchsorted(middles, own_ns[first:])
    gain = np.repeat([other.scale.acc_g / own.scale.acc_g, other.scale.gyro_dps / own.scale.gyro_dps], 3)
    counts, clipped = own.counts.copy(), own.clipped.copy()
    counts[first:] = np.clip(np.rint(other.counts[nearest] * gain), -32_768, 32_767).astype(np.int16)
    clipped[first:] = other.clipped[nearest]
    return ArraySource(counts, clipped, own.scale, own.runs, own.crystal)
