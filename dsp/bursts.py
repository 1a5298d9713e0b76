"""Per-site segmentation: bursts (envelope above the noise floor, with hysteresis) and pulses (its peaks).

A burst says how long there was movement; inside a long one the pulses still show single jerks, because they
are local peaks that must fall to a share of their height before the next one counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsp.filters import Filtered, Summed
from dsp.grid import GRID_HZ
from dsp.history import History
from dsp.kernels import Kernels
from dsp.records import Site
from dsp.settings import Settings

__all__ = ["Burst", "OpenBurst", "Pulse", "Segmenter"]

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Pulse:
    """A peak of one site's envelope."""

    site: Site
    k: int
    known_k: int
    """all samples before this grid index were needed to know it"""
    peak_g: float
    floor_g: float


@dataclass(slots=True)
class Burst:
    """A stretch of movement at one site, grid indices k0 to k1 - 1."""

    site: Site
    k0: int
    k1: int
    known_k: int
    """all samples before this grid index were needed to know it"""
    peak_k: int
    peak_g: float
    area_gs: float
    floor_g: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return (self.k1 - self.k0) / GRID_HZ


@dataclass(slots=True)
class OpenBurst:
    """A burst that still goes on."""

    k0: int
    last: int
    strong: bool
    floor_g: float


@dataclass(slots=True)
class Segmenter:
    """Bursts and pulses of one site, block by block."""

    site: Site
    gap: int
    least: int
    most: int
    on_ratio: float
    off_ratio: float
    drop: float
    open: OpenBurst | None = None
    tail: list[float] = field(default_factory=lambda: [0.0, 0.0])
    """the last two envelope samples, to see extremes across blocks"""
    tail_strong: bool = False
    tail_floor_g: float = 0.0
    rising: bool = False
    extreme_g: float = 0.0
    extreme_k: int = 0
    extreme_floor_g: float = 0.0

    @classmethod
    def of(cls, site: Site, settings: Settings) -> Segmenter:
        """A segmenter that has seen nothing yet."""
        return cls(
            site=site,
            gap=round(settings.burst_gap_s * GRID_HZ),
            least=round(settings.burst_least_s * GRID_HZ),
            most=round(settings.burst_most_s * GRID_HZ),
            on_ratio=settings.burst_on_ratio,
            off_ratio=settings.burst_off_ratio,
            drop=settings.pulse_drop,
        )

    def run(self, block: Filtered, floor: Floats, history: History) -> tuple[list[Burst], list[Pulse]]:
        """Bursts and pulses that became known in the block.

        Args:
            block: the next block; `history` already holds it.
            floor: noise floor in g for every sample, from before the sample's hop.
            history: the site's recent samples.
        """
        envelope = block.envelope
        strong = (envelope >= self.on_ratio * floor) & block.settled
        active = (envelope >= self.off_ratio * floor) & block.settled
        bursts = self._bursts(block.k0, active, strong, floor, history)
        return bursts, self._pulses(block.k0, envelope, strong, floor)

    def run_hops(
        self, k0: int, block: Summed, floors: Floats, hop: int, history: History, kernels: Kernels
    ) -> tuple[list[Burst], list[Pulse]]:
        """The same in one walk over a block's samples.

        Args:
            k0: grid index of the first one.
            block: the next block; `history` already holds it.
            floors: noise floor in g by hop.
            hop: samples in a hop.
            history: the site's recent samples.
            kernels: compiled loops.
        """
        n = block.envelope.shape[0]
        state = np.array([
            float(self.rising), self.extreme_g, float(self.extreme_k), self.extreme_floor_g,
            *self.tail, float(self.tail_strong), self.tail_floor_g,
        ])  # fmt: skip
        strongs, runs = (
            np.empty(n + 1, dtype=np.int64),
            np.empty((2, n // (self.gap + 1) + 1), dtype=np.int64),
        )
        ks, found = np.empty((n // 2 + 2, 2), dtype=np.int64), np.empty((n // 2 + 2, 2))
        some, pulses = kernels.walk(
            block.envelope, block.settled_from, floors, hop, self.on_ratio, self.off_ratio, self.gap, k0, self.drop,
            state, strongs, *runs, ks, found,
        )  # fmt: skip
        rising, self.extreme_g, extreme_k, self.extreme_floor_g, *self.tail, strong, self.tail_floor_g = (
            state.tolist()
        )
        self.rising, self.extreme_k, self.tail_strong = rising > 0.0, int(extreme_k), strong > 0.0
        done: list[Burst] = []
        for a, b in runs[:, :some].T.tolist():
            self._take(k0 + a, k0 + b, k0, strongs, floors, hop, history, done)
        self._close_if_over(k0 + n, history, done)
        rows = zip(ks[:pulses].tolist(), found[:pulses].tolist(), strict=True)
        return done, [Pulse(self.site, k, known, peak, floor) for (k, known), (peak, floor) in rows]

    def finish(self, history: History) -> list[Burst]:
        """The burst that the end of the recording cut short, if any."""
        done: list[Burst] = []
        if self.open is not None:
            self._close(self.open.last + 1, history, done)
        return done

    def _bursts(
        self, k0: int, active: NDArray[np.bool_], strong: NDArray[np.bool_], floor: Floats, history: History
    ) -> list[Burst]:
        done: list[Burst] = []
        places = np.flatnonzero(active)
        if places.size:
            cuts = np.flatnonzero(np.diff(places) > self.gap) + 1
            starts = places[np.concatenate(([0], cuts))]
            ends = places[np.concatenate((cuts - 1, [places.size - 1]))]
            counts = np.concatenate(([0], np.cumsum(strong)))
            for a, b in zip(starts.tolist(), ends.tolist(), strict=True):
                self._take(k0 + a, k0 + b, k0, counts, floor, 1, history, done)
        self._close_if_over(k0 + active.shape[0], history, done)
        return done

    def _take(
        self,
        a: int,
        b: int,
        k0: int,
        counts: NDArray[np.int64],
        floor: Floats,
        step: int,
        history: History,
        done: list[Burst],
    ) -> None:
        """Join an active run a..b (absolute, inclusive) to the open burst or open one with it.

        `counts` has the strong samples before each sample, `floor` the floor of every `step` of them.
        """
        self._close_if_over(a, history, done)
        while a <= b:
            if self.open is None:
                self.open = OpenBurst(a, a, False, float(floor[(a - k0) // step]))
            end = min(b, self.open.k0 + self.most - 1)
            self.open.last = end
            self.open.strong |= bool(counts[end - k0 + 1] > counts[a - k0])
            if end - self.open.k0 + 1 >= self.most:
                self._close(end + 1, history, done)
            a = end + 1

    def _close_if_over(self, k: int, history: History, done: list[Burst]) -> None:
        if self.open is not None and k - self.open.last > self.gap:
            self._close(self.open.last + self.gap + 1, history, done)

    def _close(self, known_k: int, history: History, done: list[Burst]) -> None:
        now, self.open = self.open, None
        if now is None or not now.strong or now.last + 1 - now.k0 < self.least:
            return
        values = history.envelope[history.part(now.k0, now.last + 1)]
        top = int(np.argmax(values))
        area = float(np.sum(values, dtype=np.float64)) / GRID_HZ
        done.append(
            Burst(
                self.site,
                now.k0,
                now.last + 1,
                known_k,
                now.k0 + top,
                float(values[top]),
                area,
                now.floor_g,
            )
        )

    def _pulses(
        self,
        k0: int,
        envelope: Floats,
        strong: NDArray[np.bool_],
        floor: Floats,
    ) -> list[Pulse]:
        """Walk the envelope's extremes; each is known one sample behind itself."""
        whole = np.concatenate([self.tail, envelope])
        self.tail = [float(v) for v in whole[-2:]]
        strongs = np.concatenate([[self.tail_strong], strong])
        floors = np.concatenate([[self.tail_floor_g], floor])
        self.tail_strong, self.tail_floor_g = bool(strongs[-1]), float(floors[-1])
        slope = np.diff(whole)
        top = (slope[:-1] > 0) & (slope[1:] <= 0)
        low = (slope[:-1] < 0) & (slope[1:] >= 0)
        done: list[Pulse] = []
        for i in np.flatnonzero(top | low).tolist():
            k, value = k0 + i - 1, float(whole[i + 1])
            if top[i]:
                self._top(k, value, bool(strongs[i]), float(floors[i]))
            else:
                self._low(k, value, done)
        return done

    def _top(self, k: int, value: float, strong: bool, floor: float) -> None:
        starts = not self.rising and strong and value * self.drop >= self.extreme_g
        if starts or (self.rising and value > self.extreme_g):
            self.rising = True
            self.extreme_k, self.extreme_g, self.extreme_floor_g = k, value, floor

    def _low(self, k: int, value: float, done: list[Pulse]) -> None:
        if self.rising and value <= self.drop * self.extreme_g:
            done.append(Pulse(self.site, self.extreme_k, k + 2, self.extreme_g, self.extreme_floor_g))
            self.rising, self.extreme_g = False, value
        elif not self.rising:
            self.extreme_g = min(self.extreme_g, value)
