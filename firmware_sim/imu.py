"""The measuring chip: noise, bias, scale error, quantisation, clipping, and a rate that is not nominal.

Bias, scale and rate follow the chip's temperature.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import Counts, Scale
from firmware_sim.draw import Draw
from firmware_sim.imu_parts import PARTS, ChipPart

__all__ = ["Chip", "ChipChoice", "UnknownChipError", "draw_chip"]

_FULL_SCALE_COUNTS: Final = 32_768
_COUNT_MAX: Final = 32_767
_RATES_HZ: Final = (26.0, 52.0, 104.0, 208.0)
_ACC_RANGES_G: Final = (4.0, 8.0, 16.0)
_GYRO_RANGES_DPS: Final = (250.0, 500.0, 1000.0, 2000.0)


class UnknownChipError(ValueError):
    """A part, rate or range that no simulated chip has."""

    def __init__(self, field: str, got: object, known: Collection[object]) -> None:
        super().__init__(f"chip, {field}: {got!r} is not known; use one of {', '.join(map(str, known))}")


@dataclass(frozen=True, slots=True)
class ChipChoice:
    """Which part measures, and how it is set. Raises `UnknownChipError` when made of what there is not."""

    part: str = "LSM6DSO"
    rate_hz: float = 104.0
    acc_range_g: float = 8.0
    gyro_range_dps: float = 500.0

    def __post_init__(self) -> None:
        """Refuse what no chip has."""
        known: Mapping[str, Collection[object]] = {
            "part": PARTS,
            "rate_hz": _RATES_HZ,
            "acc_range_g": _ACC_RANGES_G,
            "gyro_range_dps": _GYRO_RANGES_DPS,
        }
        for field, values in known.items():
            if getattr(self, field) not in values:
                raise UnknownChipError(field, getattr(self, field), values)


@dataclass(frozen=True, slots=True, eq=False)
class Chip:
    """One piece of a part: its own bias, scale and rate at 25 deg C, and how these change per kelvin.

    Arrays have shape (6,): acceleration x y z in g, angular rate x y z in deg/s.
    """

    part: ChipPart
    rate_hz: float
    true_rate_hz: float
    scale: Scale
    gain: NDArray[np.float32]
    bias: NDArray[np.float32]
    noise: NDArray[np.float32]
    gain_per_k: NDArray[np.float32]
    bias_per_k: NDArray[np.float32]
    rate_per_k: float

    def measure(
        self,
        acc_g: NDArray[np.float32],
        gyro_dps: NDArray[np.float32],
        rng: np.random.Generator,
        *,
        warmer_k: NDArray[np.float32] | None = None,
    ) -> tuple[Counts, NDArray[np.bool_]]:
        """Turn what is there into counts.

        Args:
            acc_g: Specific force, shape (n, 3), g.
            gyro_dps: Angular rate, shape (n, 3), deg/s.
            rng: Stream of the noise.
            warmer_k: How much warmer than 25 deg C the chip is at each sample, shape (n,); None for not at all.

        Returns:
            Counts of shape (n, 6), and for each sample whether any axis stood at its end.
        """
        seen: NDArray[np.float32] = np.concatenate([acc_g, gyro_dps], axis=1)
        if warmer_k is None:
            seen = seen * self.gain + self.bias
        else:
            warmer = warmer_k[:, None]
            seen = seen * (self.gain + self.gain_per_k * warmer) + (self.bias + self.bias_per_k * warmer)
        seen += rng.standard_normal(seen.shape, dtype=np.float32) * self.noise
        units = np.repeat(np.array([self.scale.acc_g, self.scale.gyro_dps], np.float32), 3)
        raw = np.rint(seen / units)
        counts: NDArray[np.float32] = np.clip(raw, -_FULL_SCALE_COUNTS, _COUNT_MAX)
        at_end: NDArray[np.bool_] = (counts >= _COUNT_MAX) | (counts <= -_FULL_SCALE_COUNTS)
        clipped: NDArray[np.bool_] = np.any(at_end, axis=1)
        return counts.astype(np.int16), clipped

    def rate_at(self, warmer_k: float) -> float:
        """True sampling rate of a chip that much warmer than 25 deg C, Hz."""
        return self.true_rate_hz * (1.0 + self.rate_per_k * warmer_k)


def draw_chip(draw: Draw, drift: Draw, choice: ChipChoice | None = None) -> Chip:
    """One chip of the chosen part; noise is white up to half the rate.

    Args:
        draw: Stream of what it is at 25 deg C.
        drift: Stream of what temperature does to it.
        choice: Part and settings; the default ones when None.
    """
    chosen = ChipChoice() if choice is None else choice
    part = PARTS[chosen.part]
    noise = (part.acc_noise_g_rthz[chosen.acc_range_g],) * 3 + (part.gyro_noise_dps_rthz,) * 3
    return Chip(
        part=part,
        rate_hz=chosen.rate_hz,
        bias=_each(draw, part.acc_bias_g, part.gyro_bias_dps).astype(np.float32),
        true_rate_hz=chosen.rate_hz * (1.0 + draw.between(-part.rate_error_max, part.rate_error_max)),
        scale=Scale(chosen.acc_range_g / _FULL_SCALE_COUNTS, chosen.gyro_range_dps / _FULL_SCALE_COUNTS),
        gain=(1.0 + _each(draw, (part.acc_gain_error,) * 3, part.gyro_gain_error)).astype(np.float32),
        noise=(np.array(noise) * np.sqrt(chosen.rate_hz / 2.0)).astype(np.float32),
        gain_per_k=_each(drift, (part.acc_gain_per_k,) * 3, part.gyro_gain_per_k).astype(np.float32),
        bias_per_k=_each(drift, part.acc_bias_g_per_k, part.gyro_bias_dps_per_k).astype(np.float32),
        rate_per_k=drift.between(-part.rate_per_k, part.rate_per_k),
    )


def _each(draw: Draw, acc: tuple[float, float, float], gyro: float) -> NDArray[np.float64]:
    """An error of each axis, evenly within what the data sheet allows."""
    limits = np.array([*acc, gyro, gyro, gyro])
    return limits * draw.rng.uniform(-1.0, 1.0, 6)
