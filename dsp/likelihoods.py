"""What epochs of 30 s look like in each sleep state: softened shares by measurement.

Set by `bench/calibrate_state.py` on simulated nights of development seeds, in raw g, deg and shares: no coefficients
of any actigraph. Flat beyond the outer edges.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["STATE", "Likelihood"]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How often a measurement of an epoch falls between edges, by state: awake, active, quiet sleep."""

    name: str
    edges: tuple[float, ...]
    rows: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]
    power: float = 1.0
    """below 1: measurements that say partly the same must not count twice"""
    moves: bool = True
    """whether it speaks of movement, and so for the part only in which own movement could be told"""

    def update(self, belief: Sequence[float], value: float, share: float) -> list[float]:
        """The belief after this measurement, not normalised."""
        place = bisect_right(self.edges, value)
        return [b * row[place] ** (self.power * share) for b, row in zip(belief, self.rows, strict=True)]


STATE: tuple[Likelihood, ...] = (
    Likelihood(
        "limbs_moved",
        (0.005, 0.03, 0.08, 0.16, 0.3),
        (
            (0.268, 0.15, 0.16, 0.141, 0.123, 0.158),
            (0.628, 0.145, 0.094, 0.072, 0.039, 0.022),
            (0.825, 0.069, 0.033, 0.029, 0.023, 0.021),
        ),
        power=0.6,
    ),
    Likelihood(
        "trunk_moved",
        (0.005, 0.03, 0.08, 0.16),
        (
            (0.4, 0.125, 0.162, 0.117, 0.196),
            (0.813, 0.044, 0.054, 0.054, 0.035),
            (0.888, 0.028, 0.027, 0.03, 0.026),
        ),
        power=0.4,
    ),
    Likelihood(
        "turned_deg",
        (0.1, 0.3, 1.0, 3.0),
        (
            (0.083, 0.158, 0.3, 0.239, 0.219),
            (0.617, 0.183, 0.091, 0.049, 0.06),
            (0.779, 0.087, 0.061, 0.037, 0.036),
        ),
        power=0.5,
    ),
    Likelihood(
        "breath_regular",
        (0.45, 0.6, 0.75, 0.88),
        (
            (0.362, 0.401, 0.179, 0.035, 0.022),
            (0.223, 0.301, 0.242, 0.162, 0.072),
            (0.051, 0.054, 0.055, 0.089, 0.752),
        ),
        moves=False,
    ),
)
"""Shares of active epochs in which limbs or trunk moved by 20 mg and more, degrees a sensor turned, and how regular
breathing was."""
