"""The sensor's own clock: a watch crystal that is a little off, slower where it is not 25 deg C, and may jump.

A clock is told by how far it is ahead of true time. It is another oscillator than the one that paces the
samples, so it stamps samples but does not move them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS
from firmware_sim.draw import Draw
from firmware_sim.warmth import Warmth

__all__ = ["Crystal", "draw_crystal"]

_TOLERANCE_PPM: Final = 20.0
_CURVE_PPM_K2: Final = (-0.040, -0.020)
_TURNOVER_C: Final = (20.0, 30.0)
"""CTS TF20 series tuning-fork crystal, data sheet 008-0353-0 rev C: +-20 ppm at 25 deg C,
-0.030 +-0.01 ppm/K^2 about a turnover of 25 +-5 deg C."""


@dataclass(frozen=True, slots=True, eq=False)
class Crystal:
    """How far a sensor clock is ahead of true time: straight between knots, plus jumps.

    Attributes:
        t_ns: True times of the knots, shape (k,), data time.
        ahead_s: What it has gained since the first knot, shape (k,), seconds.
        jumps: (data time in ns, seconds it jumps on) in order of time.
    """

    t_ns: NDArray[np.int64]
    ahead_s: NDArray[np.float64]
    jumps: tuple[tuple[int, float], ...] = ()

    def ahead(self, t_ns: int) -> float:
        """Seconds that it is ahead at `t_ns`; it keeps its error of the nearest knot outside of them."""
        drift_s = float(np.interp(t_ns, self.t_ns, self.ahead_s))
        return drift_s + sum(by_s for at_ns, by_s in self.jumps if at_ns <= t_ns)


def draw_crystal(
    draw: Draw, warmth: Warmth, *, start_ns: int, jumps: Sequence[tuple[float, float]] = ()
) -> Crystal:
    """One crystal at this temperature; `jumps` are (seconds after the start, seconds it jumps on)."""
    off_ppm = draw.between(-_TOLERANCE_PPM, _TOLERANCE_PPM)
    away_k = warmth.chip_c - draw.between(*_TURNOVER_C)
    ppm = off_ppm + draw.between(*_CURVE_PPM_K2) * away_k**2
    gained_s = np.cumsum(0.5 * (ppm[1:] + ppm[:-1])) * 1e-6 * warmth.step_s
    return Crystal(
        t_ns=start_ns + np.rint(warmth.times_s * NS).astype(np.int64),
        ahead_s=np.concatenate([[0.0], gained_s]),
        jumps=tuple((start_ns + round(at_s * NS), by_s) for at_s, by_s in sorted(jumps)),
    )
