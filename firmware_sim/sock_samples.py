"""What a sock measures: samples at true times, as its chip would give them at a chosen range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Counts, Scale
from firmware_sim.crystal import Crystal
from firmware_sim.runs import Run, boot_end, index_at_or_after, time_ns
from ingest.sock_codec import RATES_HZ, AccRange, GyroRange, Rate, scale_of

__all__ = ["ArraySource", "SampleSource", "SampleWindow", "nominal_rate"]

_FULL = 32_767
_RATE_TOLERANCE = 0.05
"""Chips run up to 2 % off their nominal rate; the nominal rates lie a factor of two apart."""


class SampleSource(Protocol):
    """A finite recording of one sensor in data time; a track of a simulated night is one."""

    @property
    def counts(self) -> Counts:
        """Shape (n, 6): acceleration x y z, angular rate x y z."""
        ...

    @property
    def clipped(self) -> NDArray[np.bool_]:
        """Shape (n,): samples that stood at the end of the range."""
        ...

    @property
    def scale(self) -> Scale:
        """Units of one count."""
        ...

    @property
    def runs(self) -> tuple[Run, ...]:
        """True times of the samples, and where the chip started anew."""
        ...

    @property
    def crystal(self) -> Crystal | None:
        """The sensor's own clock; None for one that keeps true time."""
        ...


@dataclass(frozen=True, eq=False)
class ArraySource:
    """A `SampleSource` from arrays."""

    counts: Counts
    clipped: NDArray[np.bool_]
    scale: Scale
    runs: tuple[Run, ...]
    crystal: Crystal | None = None

    @classmethod
    def from_counts(
        cls, counts: Counts, *, t0_ns: int = 0, rate_hz: float = 104.0, scale: Scale | None = None
    ) -> ArraySource:
        """Counts at `rate_hz` (true) from `t0_ns` on; ±8 g and ±1000 deg/s unless `scale` says otherwise."""
        clipped = np.any(np.abs(counts.astype(np.int32)) >= _FULL, axis=1)
        units = scale or scale_of(AccRange.G_8, GyroRange.DPS_1000)
        return cls(counts, clipped, units, (Run(0, t0_ns, NS / rate_hz),))


class NoNominalRateError(ValueError):
    """A source whose rate no rate code comes near."""

    def __init__(self, rate_hz: float) -> None:
        known = ", ".join(f"{hz:g}" for hz in RATES_HZ.values())
        super().__init__(
            f"{rate_hz:g} Hz is no rate of the sock profile; use a source near one of {known} Hz"
        )


def nominal_rate(source: SampleSource) -> Rate:
    """Rate code of a source. Raises `NoNominalRateError`."""
    rate_hz = NS / source.runs[0].step_ns
    for code, nominal_hz in RATES_HZ.items():
        if abs(rate_hz / nominal_hz - 1) < _RATE_TOLERANCE:
            return code
    raise NoNominalRateError(rate_hz)


class SampleWindow:
    """A source seen through the range the chip is set to."""

    def __init__(self, source: SampleSource, acc: AccRange, gyro: GyroRange) -> None:
        self._source = source
        self.n = int(source.counts.shape[0])
        units = scale_of(acc, gyro)
        self._axes = 3 if gyro is GyroRange.OFF else 6
        self._gain = np.ones(self._axes)
        self._gain[:3] = source.scale.acc_g / units.acc_g
        if gyro is not GyroRange.OFF:
            self._gain[3:] = source.scale.gyro_dps / units.gyro_dps
        self._as_is = bool(np.allclose(self._gain, 1.0, rtol=1e-9))

    def time_ns(self, index: int) -> int:
        """Data time of a sample, ns."""
        return time_ns(self._source.runs, index)

    def first_at_or_after(self, t_ns: int) -> int:
        """Index of the first sample taken at `t_ns` or later."""
        return index_at_or_after(self._source.runs, t_ns)

    def boot_end(self, index: int) -> int:
        """Index after the last sample before the chip next starts anew."""
        return boot_end(self._source.runs, index, self.n)

    def read(self, start: int, stop: int) -> tuple[Counts, bool]:
        """Counts of samples start to stop (excluded), and whether one of them clips."""
        counts = self._source.counts[start:stop, : self._axes]
        clipped = bool(self._source.clipped[start:stop].any())
        if self._as_is:
            return counts, clipped
        scaled = np.rint(counts * self._gain)
        clipped = clipped or bool((np.abs(scaled) >= _FULL).any())
        return np.clip(scaled, -_FULL - 1, _FULL).astype(np.int16), clipped
