"""The last seconds of a site's filtered samples, addressed by absolute grid index."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsp.filters import Filtered, Room
from dsp.grid import GRID_HZ, GridBlock
from dsp.kernels import Kernels
from dsp.value import PASSING

__all__ = ["HISTORY_S", "History"]

HISTORY_S = 20
"""Long enough for the longest burst with what stood before it."""

_KEEP = HISTORY_S * GRID_HZ

Floats32 = NDArray[np.float32]


def _no_floats(rows: int) -> Floats32:
    return np.zeros((rows, 0), dtype=np.float32)


@dataclass(slots=True)
class History:
    """Filtered samples from grid index `k0` on; single precision, which is finer than any sensor's noise."""

    k0: int = 0
    gravity: Floats32 = field(default_factory=lambda: _no_floats(3))
    motion: Floats32 = field(default_factory=lambda: _no_floats(3))
    rate: Floats32 = field(default_factory=lambda: _no_floats(3))
    envelope: Floats32 = field(default_factory=lambda: _no_floats(1)[0])
    present: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    gyro: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    kernels: Kernels | None = field(default=None, compare=False, metadata=PASSING)
    """compiled loops for whoever looks at it, where there are; told anew with every block, and no part of its state"""

    @property
    def k1(self) -> int:
        """Grid index behind the last sample."""
        return self.k0 + int(self.present.shape[0])

    def extend(self, block: Filtered) -> None:
        """Append the next block."""
        if not self.present.size:
            self.k0 = block.k0
        single = np.float32
        self.gravity = np.concatenate([self.gravity, block.gravity.astype(single)], axis=1)
        self.motion = np.concatenate([self.motion, block.motion.astype(single)], axis=1)
        self.rate = np.concatenate([self.rate, block.rate.astype(single)], axis=1)
        self.envelope = np.concatenate([self.envelope, block.envelope.astype(single)])
        self.present = np.concatenate([self.present, block.present])
        self.gyro = np.concatenate([self.gyro, block.gyro])

    def room(self, block: GridBlock) -> Room:
        """Make room behind the last sample for those of a block, which the caller writes there."""
        at, n = self.present.shape[0], self.present.shape[0] + block.n
        if not at:
            self.k0 = block.k0
        for name in ("gravity", "motion", "rate"):
            old, wide = getattr(self, name), np.empty((3, n), dtype=np.float32)
            wide[:, :at] = old
            setattr(self, name, wide)
        envelope = np.empty(n, dtype=np.float32)
        envelope[:at] = self.envelope
        self.envelope = envelope
        self.present = np.concatenate([self.present, block.present])
        self.gyro = np.concatenate([self.gyro, block.gyro])
        return at, self.gravity, self.motion, self.rate, self.envelope

    def trim(self) -> None:
        """Forget what is older than `HISTORY_S`."""
        drop = self.present.shape[0] - _KEEP
        if drop <= 0:
            return
        self.k0 += drop
        self.gravity = self.gravity[:, drop:].copy()
        self.motion = self.motion[:, drop:].copy()
        self.rate = self.rate[:, drop:].copy()
        self.envelope = self.envelope[drop:].copy()
        self.present = self.present[drop:].copy()
        self.gyro = self.gyro[drop:].copy()

    def part(self, a: int, b: int) -> slice:
        """Slice of grid indices a to b - 1, cut to what is kept."""
        return slice(max(a - self.k0, 0), max(b - self.k0, 0))

    def rate_tenths(self, k0: int, k1: int) -> NDArray[np.float64]:
        """Sums of the angular rate over ten samples each, shape (3, n / 10); all of them must be kept."""
        if self.kernels is None:
            rate = self.rate[:, self.part(k0, k1)].astype(np.float64)
            return np.asarray(rate.reshape(3, -1, 10).sum(axis=2))
        out = np.empty((3, (k1 - k0) // 10))
        self.kernels.tenth_sums(self.rate, k0 - self.k0, out)
        return out

    def turned_deg(self, k0: int, k1: int) -> float:
        """How far gravity turned in the sensor between two samples, in degrees; 0 where one is not kept."""
        if not (self.k0 <= k0 < self.k1 and self.k0 <= k1 < self.k1):
            return 0.0
        ax, ay, az = self.gravity[:, k0 - self.k0].tolist()
        bx, by, bz = self.gravity[:, k1 - self.k0].tolist()
        size = math.sqrt((ax * ax + ay * ay + az * az) * (bx * bx + by * by + bz * bz))
        if size <= 0.0:
            return 0.0
        return math.degrees(math.acos(min(max((ax * bx + ay * by + az * bz) / size, -1.0), 1.0)))
