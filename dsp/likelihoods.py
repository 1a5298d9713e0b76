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
            (0.225, 0.111, 0.103, 0.12, 0.148, 0.293),
            (0.661, 0.113, 0.126, 0.073, 0.024, 0.003),
            (0.933, 0.034, 0.02, 0.009, 0.003, 0.001),
        ),
        0.6,
    ),
    Likelihood(
        "trunk_moved",
        (0.005, 0.03, 0.08, 0.16),
        (
            (0.313, 0.146, 0.118, 0.138, 0.285),
            (0.901, 0.025, 0.03, 0.037, 0.007),
            (0.978, 0.008, 0.005, 0.008, 0.001),
        ),
        0.4,
    ),
    Likelihood(
        "turned_deg",
        (0.1, 0.3, 1.0, 3.0),
        (
            (0.126, 0.206, 0.246, 0.243, 0.18),
            (0.655, 0.223, 0.071, 0.022, 0.028),
            (0.782, 0.144, 0.048, 0.018, 0.009),
        ),
        0.5,
    ),
    Likelihood(
        "breath_regular",
        (0.45, 0.6, 0.75, 0.88),
        ((0.39, 0.41, 0.15, 0.04, 0.01), (0.23, 0.33, 0.24, 0.14, 0.06), (0.03, 0.03, 0.04, 0.1, 0.8)),
        1.0,
        moves=False,
    ),
)
