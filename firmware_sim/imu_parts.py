"""Published parts: the figures of their data sheets that matter to what a sock measures.

Typical figures; a piece is drawn evenly within them. Where a sheet gives a change over a temperature range,
the change per kelvin is that over the longest way from 25 deg C to an end of the range.
Figures without a mark were read in the sheet named. [M]: from memory, not re-read; check before citing.

The rate error is the range asked of a simulated sock; each chip's own oscillator stays inside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["LSM6DSO", "LSM6DSR", "MPU6050", "PARTS", "ChipPart"]

_RATE_ERROR_MAX: Final = 0.02
_WHOLE_RANGE_K: Final = 65.0
"""From 25 to -40 deg C, the longer way of the range -40 to +85."""
_WARM_RANGE_K: Final = 45.0
"""From 25 to 70 deg C, the longer way of the range 0 to 70."""


@dataclass(frozen=True, slots=True)
class ChipPart:
    """Figures of a data sheet; accelerations of axes x, y, z where they differ."""

    name: str
    acc_noise_g_rthz: Mapping[float, float]
    """noise density by measuring range in g"""
    gyro_noise_dps_rthz: float
    acc_bias_g: tuple[float, float, float]
    gyro_bias_dps: float
    acc_gain_error: float
    gyro_gain_error: float
    acc_bias_g_per_k: tuple[float, float, float]
    gyro_bias_dps_per_k: float
    acc_gain_per_k: float
    gyro_gain_per_k: float
    rate_per_k: float
    """0 where the sheet says nothing of how its oscillator follows temperature"""
    rate_error_max: float = _RATE_ERROR_MAX


def _all_ranges(density: float) -> Mapping[float, float]:
    return MappingProxyType(dict.fromkeys((4.0, 8.0, 16.0), density))


LSM6DSO: Final = ChipPart(
    name="LSM6DSO",
    acc_noise_g_rthz=MappingProxyType({4.0: 75e-6, 8.0: 80e-6, 16.0: 110e-6}),
    gyro_noise_dps_rthz=3.8e-3,
    acc_bias_g=(0.020, 0.020, 0.020),
    gyro_bias_dps=1.0,
    acc_gain_error=0.01,
    gyro_gain_error=0.01,
    acc_bias_g_per_k=(0.1e-3, 0.1e-3, 0.1e-3),
    gyro_bias_dps_per_k=0.010,
    acc_gain_per_k=1e-4,
    gyro_gain_per_k=0.7e-4,
    rate_per_k=0.0,
)
"""ST LSM6DSO, data sheet DS12140 table 2, high-performance mode.

Read (rev 2, pages 10 and 11): rates 26 to 208 Hz exist; in high-performance mode neither noise density depends
on the rate, the gyroscope's not on the range. Read in a comparison table by others that cites the part: 3.8 mdps/rtHz
and 0.01 dps/K. [M]: 75, 80, 110 ug/rtHz at +-4, 8, 16 g; zero levels +-20 mg and +-1 dps; sensitivity +-1 %;
0.1 mg/K; 0.01 and 0.007 %/K.
"""

LSM6DSR: Final = ChipPart(
    name="LSM6DSR",
    acc_noise_g_rthz=_all_ranges(60e-6),
    gyro_noise_dps_rthz=5e-3,
    acc_bias_g=(0.010, 0.010, 0.010),
    gyro_bias_dps=1.0,
    acc_gain_error=0.01,
    gyro_gain_error=0.01,
    acc_bias_g_per_k=(0.1e-3, 0.1e-3, 0.1e-3),
    gyro_bias_dps_per_k=0.005,
    acc_gain_per_k=1e-4,
    gyro_gain_per_k=0.7e-4,
    rate_per_k=0.0,
)
"""ST LSM6DSR, data sheet, table 2, high-performance mode: 60 ug/rtHz at every range, 5 mdps/rtHz, zero levels
+-10 mg and +-1 dps, 0.1 mg/K and 0.005 dps/K, sensitivity +-1 % (stated for angular rate; taken for
acceleration too [E]), 0.01 and 0.007 %/K.
"""

MPU6050: Final = ChipPart(
    name="MPU-6050",
    acc_noise_g_rthz=_all_ranges(400e-6),
    gyro_noise_dps_rthz=5e-3,
    acc_bias_g=(0.050, 0.050, 0.080),
    gyro_bias_dps=20.0,
    acc_gain_error=0.03,
    gyro_gain_error=0.03,
    acc_bias_g_per_k=(0.035 / _WARM_RANGE_K, 0.035 / _WARM_RANGE_K, 0.060 / _WARM_RANGE_K),
    gyro_bias_dps_per_k=20.0 / _WHOLE_RANGE_K,
    acc_gain_per_k=2e-4,
    gyro_gain_per_k=0.02 / _WHOLE_RANGE_K,
    rate_per_k=0.01 / _WHOLE_RANGE_K,
)
"""InvenSense MPU-6050, product specification PS-MPU-6000A-00 revision 3.4, 2013: what a cheap part does.

6.1 (gyroscope): 0.005 dps/rtHz at 10 Hz, zero rate +-20 dps and another +-20 dps over -40 to +85 deg C, sensitivity
+-3 % and +-2 % over temperature. 6.2 (accelerometer): 400 ug/rtHz at 10 Hz, stated for +-2 g, taken for all ranges;
zero g +-50 mg in x and y, +-80 mg in z; over 0 to 70 deg C +-35 and +-60 mg; sensitivity +-3 %, +-0.02 %/K.
7.15: paced by a gyroscope's oscillator it varies +-1 % over temperature.
"""

PARTS: Final[Mapping[str, ChipPart]] = MappingProxyType({p.name: p for p in (LSM6DSO, LSM6DSR, MPU6050)})
"""The parts by name."""
