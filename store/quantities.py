"""Physical values of files to the counts and scales that segments are made of."""

from __future__ import annotations

from math import degrees

import numpy as np
from numpy.typing import NDArray

from dsp.records import Counts

__all__ = ["COUNT_MAX", "STANDARD_GRAVITY", "UNITS", "counted", "quantised"]

COUNT_MAX = 32767

STANDARD_GRAVITY = 9.80665
"""m/s2 in one g, by definition"""

UNITS: dict[str, dict[str, float]] = {
    "ACC": {
        "g": 1.0,
        "mg": 1e-3,
        "m/s2": 1 / STANDARD_GRAVITY,
        "m/s^2": 1 / STANDARD_GRAVITY,
        "m/s**2": 1 / STANDARD_GRAVITY,
    },
    "GYRO": {"deg/s": 1.0, "dps": 1.0, "mdps": 1e-3, "rad/s": degrees(1.0)},
}
"""g or deg/s in one of each unit, by kind of signal; the names are in small letters"""

_LOOKED_AT = 200_000
"""Values a step is looked for in: some minutes, in which every step of a sensor at rest occurs."""

_OFF_STEP = 0.05
"""How far a value may lie off its multiple, in steps: rounding to a tenth of a step is still told from noise."""

_ROUNDING = 2e-7
"""Values nearer to each other than this share of the largest are one value, written with few digits."""


def counted(values: NDArray[np.float64], per_count: float | None = None) -> tuple[Counts, float]:
    """Counts and their unit, so that counts * unit are the values.

    Values that are multiples of one step within 16 bit are kept as those multiples; `per_count` is a step that
    is known. Others are quantised anew, the largest to full scale.
    """
    known = () if per_count is None else (per_count,)
    for step in (*known, *_steps(values)):
        multiples = values / step
        whole = np.rint(multiples)
        if np.abs(whole).max(initial=0.0) <= COUNT_MAX + 1 and np.abs(multiples - whole).max(initial=0.0) <= (
            _OFF_STEP
        ):
            return quantised(whole), float(step)
    step = (float(np.abs(values).max(initial=0.0)) or 1.0) / COUNT_MAX
    return quantised(values / step), step


def quantised(values: NDArray[np.float64]) -> Counts:
    """The nearest 16-bit integers."""
    return np.clip(np.rint(values), -COUNT_MAX - 1, COUNT_MAX).astype(np.int16)


def _steps(values: NDArray[np.float64]) -> list[float]:
    """The step the values may be multiples of, or nothing."""
    some = np.unique(np.abs(values.reshape(-1)[:_LOOKED_AT]))
    apart = np.diff(some)
    apart = apart[apart > _ROUNDING * some[-1]] if some.size else apart
    if not apart.size:
        return []
    step = float(apart.min())
    # The smallest distance is known to few digits only; larger and larger multiples tell it more exactly.
    for reach in (8, 64, 512, COUNT_MAX + 1):
        whole = np.rint(some / step)
        near = whole[(whole > 0) & (whole <= reach)]
        if near.size:
            step = float((some[(whole > 0) & (whole <= reach)] @ near) / (near @ near))
    return [step]
