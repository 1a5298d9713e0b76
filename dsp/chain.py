"""One site from segments to hops: grid, filters, floor, bursts, and a row of measurements every 0.25 s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsp.bursts import Burst, Pulse, Segmenter
from dsp.filters import Bank, Filtered
from dsp.floor import RunningMedian
from dsp.grid import GRID_NS, GridBlock, SiteGrid
from dsp.history import History
from dsp.kernels import Kernels
from dsp.records import NS, Site
from dsp.settings import Settings

__all__ = [
    "EPOCH_HOPS",
    "HOP",
    "HOP_NS",
    "HOP_S",
    "KEEP_HOPS",
    "NEVER",
    "ROUNDING",
    "ROW",
    "Chain",
    "Hops",
    "window_sums",
]

HOP = 25
"""Grid samples in a hop."""

HOP_NS = HOP * GRID_NS
HOP_S = HOP_NS / NS
EPOCH_HOPS = 120
"""Hops in a 30 s epoch; epochs begin on absolute multiples of 30 s."""

NEVER = 1 << 62
"""A hop that never comes: nothing is waited for."""

KEEP_HOPS = 4 * EPOCH_HOPS
"""Two minutes of rows: an epoch, and the breathing window that ends with it."""

_DEFAULT_FLOOR_G = 0.004
"""Floor until a minute has been seen: that of a resting sensor on a sleeping infant, a little high."""

_FLOOR_LEAST_HOPS = 20

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ROW = ("present", "settled", "square", "top", "acc_x", "acc_y", "acc_z", "rate_x", "rate_y", "rate_z",
       "rate_square", "gyro", "clipped", "floor", "bridged")  # fmt: skip
"""Columns of a hop's row: shares of samples, sum of squares in g2, g, g, deg/s, (deg/s)2; `bridged` is the share of
those present that were not measured (`dsp.grid`)."""

_COLUMN = {name: i for i, name in enumerate(ROW)}


@dataclass(slots=True)
class Hops:
    """Rows of the last minutes, by absolute hop."""

    h0: int = 0
    rows: Floats = field(default_factory=lambda: np.zeros((0, len(ROW))))

    @property
    def h1(self) -> int:
        """Hop behind the last row."""
        return self.h0 + int(self.rows.shape[0])

    def extend(self, h0: int, rows: Floats) -> None:
        """Append rows that begin at hop `h0`."""
        if not self.rows.shape[0]:
            self.h0 = h0
        self.rows = np.concatenate([self.rows, rows])

    def trim(self) -> None:
        """Forget old rows."""
        drop = self.rows.shape[0] - KEEP_HOPS
        if drop > 0:
            self.h0 += drop
            self.rows = self.rows[drop:].copy()

    def column(self, name: str, a: int, b: int) -> Floats:
        """One measurement for hops a to b - 1, as far as they are kept."""
        return self.rows[max(a - self.h0, 0) : max(b - self.h0, 0), _COLUMN[name]]

    def sums(self, columns: slice, a: int, b: int) -> list[float]:
        """Sums of neighbouring measurements over hops a to b - 1, as far as they are kept."""
        rows = self.rows[max(a - self.h0, 0) : max(b - self.h0, 0), columns]
        total: list[float] = np.ascontiguousarray(rows.T).sum(axis=1).tolist()
        return total

    def at(self, name: str, h: int) -> float:
        """One measurement at one hop; zero where it is not kept."""
        place = h - self.h0
        return float(self.rows[place, _COLUMN[name]]) if 0 <= place < self.rows.shape[0] else 0.0


ROUNDING = 1e-9
"""Room left where sums over many windows at once, whose last digits may differ, only choose what to look at."""


def window_sums(hops: Hops, name: str, ends: Sequence[int], span: int) -> Floats:
    """Sums of a measurement over the `span` hops before each of the ends, as far as they are kept."""
    padded = np.concatenate([np.zeros(span), hops.rows[:, _COLUMN[name]]])
    starts = np.asarray(ends, dtype=np.int64) - hops.h0
    return np.asarray(padded[starts[:, None] + np.arange(span)].sum(axis=1))


@dataclass(slots=True)
class Chain:
    """The stages of one site."""

    site: Site
    grid: SiteGrid
    bank: Bank
    floor: RunningMedian
    segmenter: Segmenter
    least_g: float
    most_g: float
    history: History = field(default_factory=History)
    hops: Hops = field(default_factory=Hops)

    @classmethod
    def of(cls, site: Site, settings: Settings) -> Chain:
        """A chain that has seen nothing yet."""
        return cls(
            site=site,
            grid=SiteGrid(site),
            bank=Bank.of(settings),
            floor=RunningMedian(round(settings.floor_window_s / HOP_S)),
            segmenter=Segmenter.of(site, settings),
            least_g=settings.floor_least_g,
            most_g=settings.floor_most_g,
        )

    def advance(self, h0: int, h1: int, kernels: Kernels | None = None) -> tuple[list[Burst], list[Pulse]]:
        """Process hops h0 to h1 - 1 and give the bursts and pulses that became known in them.

        Args:
            h0: first hop, the one behind those processed before.
            h1: hop behind the last.
            kernels: compiled loops, if there are; the results are the same.
        """
        block = self.grid.produce(h0 * HOP, h1 * HOP, kernels)
        self.history.kernels = kernels
        if kernels is not None and block.present.all():
            summed = self.bank.run_hops(block, self.history.room(block), kernels, HOP)
            floors = self._extend(h0, _rows(summed.total, summed.top, block), kernels)
            return self.segmenter.run_hops(block.k0, summed, floors, HOP, self.history, kernels)
        filtered = self.bank.run(block, kernels)
        self.history.extend(filtered)
        floors = self._extend(h0, _rows(*_hop_sums(block.values, filtered, kernels), block), kernels)
        return self.segmenter.run(filtered, np.repeat(floors, HOP), self.history)

    def _extend(self, h0: int, rows: Floats, kernels: Kernels | None) -> Floats:
        """Keep rows, with the floor of their hops, which is given back."""
        floors = self._floors(rows, kernels)
        rows[:, _COLUMN["floor"]] = floors
        self.hops.extend(h0, rows)
        return floors

    def trim(self) -> None:
        """Forget what nobody will look at again."""
        self.history.trim()
        self.hops.trim()

    def _floors(self, rows: Floats, kernels: Kernels | None) -> Floats:
        """Floor for each hop from the hops before it; hops that are not settled do not count."""
        rms = np.sqrt(rows[:, _COLUMN["square"]] / HOP)
        settled = rows[:, _COLUMN["settled"]] >= 1.0
        levels = self.floor.run(
            rms, settled, least=_FLOOR_LEAST_HOPS, default=_DEFAULT_FLOOR_G, kernels=kernels
        )
        return np.minimum(np.maximum(levels, self.least_g), self.most_g)


def _rows(total: Floats, top: Floats, block: GridBlock) -> Floats:
    """Measurements per hop, shape (hops, columns)."""
    rows = np.zeros((top.shape[0], len(ROW)))
    rows[:, 0] = total[0] / HOP
    rows[:, 1] = total[1] / HOP
    rows[:, 2] = total[4]
    rows[:, 3] = top
    rows[:, 4:10] = (total[5:11] / np.maximum(total[0], 1.0)).T
    rows[:, 10] = total[11]
    rows[:, 11] = total[2] / HOP
    rows[:, 12] = total[3] / HOP
    rows[:, 14] = block.bridged.reshape(-1, HOP).sum(axis=1) / HOP
    return rows


def _hop_sums(values: Floats, filtered: Filtered, kernels: Kernels | None) -> tuple[Floats, Floats]:
    """Sums over hops and highest envelopes; every sum runs inside one hop only."""
    n = filtered.n // HOP
    flags = np.stack([filtered.present, filtered.settled, filtered.gyro, filtered.clipped])
    if kernels is not None:
        total, top = np.empty((12, n)), np.empty(n)
        kernels.hop_sums(values, filtered.motion, flags, filtered.envelope, HOP, total, top)
        return total, top
    motion, rate = filtered.motion, values[3:]
    square = (motion[0] * motion[0] + motion[1] * motion[1] + motion[2] * motion[2]) * filtered.settled
    rate_square = rate[0] * rate[0] + rate[1] * rate[1] + rate[2] * rate[2]
    sums = np.concatenate([flags.astype(np.float64), square[None], values, rate_square[None]])
    highest = filtered.envelope.reshape(n, HOP).max(axis=1)
    return _sum(sums.reshape(12, n, HOP)), highest


def _sum(x: Floats) -> Floats:
    """Sum over the last axis in a fixed order, whatever the other axes' lengths."""
    total = x[..., 0].copy()
    for i in range(1, x.shape[-1]):
        total += x[..., i]
    return np.asarray(total)
