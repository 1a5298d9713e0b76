"""Drawn numbers: one seed gives one night, and each part of a night has a stream of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar
from zlib import crc32

import numpy as np

__all__ = ["BadSeedError", "Draw", "Wander"]

_T = TypeVar("_T")
_TRUNCATION: Final = 2.5
"""Standard deviations at which a spread is cut: further out lie bodies that do not exist."""


class BadSeedError(ValueError):
    """A seed that none can be."""

    def __init__(self, seed: int) -> None:
        super().__init__(f"the seed is {seed}; use a whole number of 0 or more")


class Draw:
    """A random stream that knows ranges. The same (seed, part) always gives the same stream."""

    __slots__ = ("rng",)

    def __init__(self, seed: int, part: str) -> None:
        """Begin the stream. Raises `BadSeedError`."""
        if seed < 0:
            raise BadSeedError(seed)
        key = np.random.SeedSequence(entropy=seed, spawn_key=(crc32(part.encode()),))
        self.rng = np.random.Generator(np.random.PCG64(key))

    def aside(self, part: str) -> Draw:
        """Another stream, decided by where this one stands; this one does not move on."""
        other = object.__new__(Draw)
        state = self.rng.bit_generator.state["state"]
        key = np.random.SeedSequence([state["state"], state["inc"]], spawn_key=(crc32(part.encode()),))
        other.rng = np.random.Generator(np.random.PCG64(key))
        return other

    def between(self, low: float, high: float) -> float:
        """Evenly between the ends."""
        return float(self.rng.uniform(low, high))

    def log_between(self, low: float, high: float) -> float:
        """Evenly on a logarithmic scale: for quantities known to an order of magnitude."""
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def spread(self, middle: float, cv: float) -> float:
        """Log-normal about a median with a coefficient of variation, tails cut."""
        sigma = float(np.sqrt(np.log1p(cv * cv)))
        z = _within(self.rng.standard_normal(), _TRUNCATION)
        return middle * float(np.exp(sigma * z))

    def heavy(self, middle: float, cv: float) -> float:
        """As `spread`, but now and then quite different: Student's t of 4 degrees on the logarithmic scale."""
        sigma = float(np.sqrt(np.log1p(cv * cv) / 2.0))
        z = _within(self.rng.standard_t(4), 2.0 * _TRUNCATION)
        return middle * float(np.exp(sigma * z))

    def normal(self) -> float:
        """Standard normal, tails cut."""
        return _within(self.rng.standard_normal(), _TRUNCATION)

    def whole(self, low: int, high: int) -> int:
        """Whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def log_whole(self, low: int, high: int) -> int:
        """Whole number, evenly on a logarithmic scale, both ends included."""
        return min(high, int(self.log_between(low, high + 1)))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    def sign(self) -> float:
        """Plus or minus one."""
        return 1.0 if self.rng.random() < 0.5 else -1.0

    def one_of(self, options: Sequence[_T], weights: Sequence[float] | None = None) -> _T:
        """One of the options; weights need not sum to one."""
        if weights is None:
            return options[int(self.rng.integers(len(options)))]
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        return options[int(np.searchsorted(edges, self.rng.random() * edges[-1], side="right"))]


def _within(z: float, limit: float) -> float:
    """Plain comparisons: numpy's clip of one number takes ten times as long, and a night draws millions."""
    return min(max(z, -limit), limit)


class Wander:
    """Strengths that drift: each resembles the last one and tends back to 1.

    A first-order autoregression on the logarithmic scale with heavy-tailed steps; `memory` is what is left
    of a departure one repetition later.
    """

    __slots__ = ("_draw", "_level", "_memory", "_step")

    def __init__(self, draw: Draw, cv: float, memory: float = 0.6) -> None:
        sigma = float(np.sqrt(np.log1p(cv * cv)))
        self._draw, self._memory = draw, memory
        self._step = sigma * float(np.sqrt(1.0 - memory * memory))
        self._level = sigma * draw.normal()

    def next(self) -> float:
        """The strength of the next repetition; 1 in the middle."""
        z = _within(self._draw.rng.standard_t(5), 4.0)
        self._level = self._memory * self._level + self._step * z
        return float(np.exp(self._level))
