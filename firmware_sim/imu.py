"""The measuring chip: noise, bias, scale error, quantisation, clipping and a rate that is not nominal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import Counts, Scale
from firmware_sim.draw import Draw

__all__ = ["LSM6DSO", "Chip", "ChipPart", "draw_chip"]

_FULL_SCALE_COUNTS: Final = 32_768
_COUNT_MAX: Final = 32_767


@dataclass(frozen=True, slots=True)
class ChipPart:
    """Figures of a data sheet, one standard deviation or typical unless said otherwise."""

    name: str
    acc_noise_g_rthz: float
    gyro_noise_dps_rthz: float
    acc_bias_g: float
    gyro_bias_dps: float
    sensitivity_error: float
    rate_error_max: float


LSM6DSO: Final = ChipPart(
    name="LSM6DSO",
    acc_noise_g_rthz=80e-6,
    gyro_noise_dps_rthz=3.8e-3,
    acc_bias_g=0.020,
    gyro_bias_dps=1.0,
    sensitivity_error=0.01,
    rate_error_max=0.02,
)
"""ST LSM6DSO, data sheet DS12140 table 2, high-performance mode at +-8 g.

80 ug/rtHz, 3.8 mdps/rtHz, zero levels +-20 mg and +-1 dps, sensitivity +-1 %. Noise densities, zero levels and
sensitivity [M]: written from memory of the sheet and not re-read; check them before they are cited.

The rate error is the range asked of a simulated sock; the chip's own oscillator stays inside it.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Chip:
    """One piece of a part: its own bias, scale and rate."""

    part: ChipPart
    rate_hz: float
    true_rate_hz: float
    scale: Scale
    gain: NDArray[np.float32]
    bias: NDArray[np.float32]
    noise: NDArray[np.float32]

    def measure(
        self, acc_g: NDArray[np.float32], gyro_dps: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[Counts, NDArray[np.bool_]]:
        """Turn what is there into counts.

        Args:
            acc_g: Specific force, shape (n, 3), g.
            gyro_dps: Angular rate, shape (n, 3), deg/s.
            rng: Stream of the noise.

        Returns:
            Counts of shape (n, 6), and for each sample whether any axis stood at its end.
        """
        seen = np.concatenate([acc_g, gyro_dps], axis=1) * self.gain + self.bias
        seen += rng.standard_normal(seen.shape, dtype=np.float32) * self.noise
        units = np.repeat(np.array([self.scale.acc_g, self.scale.gyro_dps], np.float32), 3)
        raw = np.rint(seen / units)
        counts = np.clip(raw, -_FULL_SCALE_COUNTS, _COUNT_MAX)
        clipped = (counts >= _COUNT_MAX) | (counts <= -_FULL_SCALE_COUNTS)
        return counts.astype(np.int16), clipped.any(axis=1)


def draw_chip(
    draw: Draw,
    *,
    part: ChipPart = LSM6DSO,
    rate_hz: float = 104.0,
    acc_range_g: float = 8.0,
    gyro_range_dps: float = 500.0,
) -> Chip:
    """One chip of the part, measuring at these ranges; noise is white up to half the rate."""
    band_rthz = float(np.sqrt(rate_hz / 2.0))
    each = np.repeat(np.array([1.0, 0.0]), 3)
    bias = np.where(each > 0, part.acc_bias_g, part.gyro_bias_dps) * draw.rng.uniform(-1.0, 1.0, 6)
    noise = np.where(each > 0, part.acc_noise_g_rthz, part.gyro_noise_dps_rthz) * band_rthz
    return Chip(
        part=part,
        rate_hz=rate_hz,
        true_rate_hz=rate_hz * (1.0 + draw.between(-part.rate_error_max, part.rate_error_max)),
        scale=Scale(acc_range_g / _FULL_SCALE_COUNTS, gyro_range_dps / _FULL_SCALE_COUNTS),
        gain=(1.0 + part.sensitivity_error * draw.rng.uniform(-1.0, 1.0, 6)).astype(np.float32),
        bias=bias.astype(np.float32),
        noise=noise.astype(np.float32),
    )
