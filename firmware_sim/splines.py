"""Movement that never rests: long even motion from outside, written as one smooth curve over even knots.

A road shakes a pram some ten times a second for an hour. As steps that would be a hundred thousand rows;
as a cubic spline over even knots it is one array, evaluated at any sample time in the same few operations.
It is twice continuously differentiable, its derivatives are known in closed form, and it begins and ends
at rest whatever its coefficients are.

References:
    Unser (1999), Splines: a perfect fit for signal and image processing, IEEE Signal Proc Mag 16(6):22.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spline"]

_Floats = NDArray[np.float64]
_ORDER = 3
"""Degree: the least whose second derivative has no jumps."""


@dataclass(frozen=True, slots=True, eq=False)
class Spline:
    """One degree of freedom as a sum of cubic bells, the k-th of weight ``weights[k]`` about knot k.

    Angles in rad, displacements in m. It is zero, with both derivatives, two knots before the first and
    two knots after the last one.
    """

    channel: int
    start_s: float
    """time of the first knot"""
    knot_s: float
    weights: NDArray[np.float32]

    @property
    def begin_s(self) -> float:
        """Time from which it is not zero."""
        return self.start_s - 2.0 * self.knot_s

    @property
    def end_s(self) -> float:
        """Time from which it is zero again."""
        return self.start_s + (self.weights.size + 1) * self.knot_s

    def shifted(self, by_s: float) -> Spline:
        """The same curve, `by_s` seconds later."""
        return replace(self, start_s=self.start_s + by_s)

    def add_to(
        self, curve: tuple[_Floats, _Floats, _Floats], t0_s: float, dt_s: float, index: int = 0
    ) -> None:
        """Add value, rate and acceleration at ``t0_s + (index + i) * dt_s`` to three arrays of one length."""
        value, rate, accel = curve
        first = max(int(np.ceil((self.begin_s - t0_s) / dt_s)) - index, 0)
        last = min(int(np.ceil((self.end_s - t0_s) / dt_s)) - index, value.size)
        if last <= first:
            return
        u = (t0_s - self.begin_s) / self.knot_s + np.arange(index + first, index + last) * (
            dt_s / self.knot_s
        )
        k = u.astype(np.int64)
        f = u - k
        w0, w1, w2, w3 = self._around(k)
        g = 1.0 - f
        bend0, bend1 = w0 - 2.0 * w1 + w2, w1 - 2.0 * w2 + w3
        accel[first:last] += (g * bend0 + f * bend1) / self.knot_s**2
        slope = 0.5 * (w2 - w0) + bend0 * (f - 0.5 * f * f) + bend1 * (0.5 * f * f)
        rate[first:last] += slope / self.knot_s
        cube_g, cube_f = g * g * g, f * f * f
        line = (cube_g * w0 + cube_f * w3) / 6.0
        value[first:last] += line + (4.0 - 6.0 * f * f + 3.0 * cube_f) / 6.0 * w1
        value[first:last] += (4.0 - 6.0 * g * g + 3.0 * cube_g) / 6.0 * w2

    def _around(self, k: NDArray[np.int64]) -> tuple[_Floats, _Floats, _Floats, _Floats]:
        """The four weights that matter between two knots; those beyond the ends are zero."""
        low, high = int(k[0]), int(k[-1]) + _ORDER + 1
        padded = np.zeros(high - low, np.float64)
        a, b = max(low, _ORDER), min(high, self.weights.size + _ORDER)
        padded[a - low : b - low] = self.weights[a - _ORDER : b - _ORDER]
        j = k - low
        return padded[j], padded[j + 1], padded[j + 2], padded[j + 3]
