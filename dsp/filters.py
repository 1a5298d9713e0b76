"""What is computed for every grid sample: gravity, band-passed motion, its envelope.

All filters are causal second-order sections whose state is carried between blocks. A gap ends them; behind
it they start anew from the first sample's steady state, and `settled` says from when they can be believed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsp import sections
from dsp.grid import GRID_HZ, GridBlock
from dsp.kernels import Kernels
from dsp.settings import Settings

__all__ = ["Bank", "Filtered", "Room", "Section", "Summed"]

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Bools = NDArray[np.bool_]

Room = tuple[int, Floats32, Floats32, Floats32, Floats32]
"""Where a block begins in the arrays of a history, and these: gravity, motion, rate, envelope."""

_RATE_HZ = 15.0
"""Low-pass of the gyro: limb rotation of jerks lies below, vibration of the housing above."""


@dataclass(slots=True)
class Filtered:
    """Filtered grid samples of one site; where not `present` everything is zero."""

    k0: int
    gravity: Floats
    """shape (3, n), g"""
    motion: Floats
    """shape (3, n), g: acceleration without gravity and without posture changes"""
    rate: Floats
    """shape (3, n), deg/s, low-passed"""
    envelope: Floats
    """shape (n,), g: smoothed size of `motion`"""
    present: Bools
    settled: Bools
    gyro: Bools
    clipped: Bools

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.present.shape[0])


@dataclass(slots=True)
class Summed:
    """A filtered block as far as it is not in the history: its envelope, and sums over each hop."""

    envelope: Floats
    """shape (n,), g"""
    settled_from: int
    """sample from which on it can be believed"""
    total: Floats
    """shape (12, hops): see `dsp.sample_kernels.hop_sums`, like the next"""
    top: Floats


@dataclass(slots=True)
class Section:
    """A filter over some channels with its carried state; empty state means not started."""

    kind: str
    low: float
    high: float
    state: Floats = field(default_factory=lambda: np.zeros((0, 0, 2)))

    def run(self, x: Floats, *, fresh: bool) -> Floats:
        """Filter the next block, shape (channels, n); `fresh` starts from its first sample."""
        if fresh:
            self.begin(x)
        y, self.state = sections.run(self.sos, x, self.state)
        return y

    def begin(self, x: Floats) -> None:
        """Start anew, in the steady state of the block's first sample."""
        self.state = self.unit[:, None, :] * x[None, :, :1]

    @property
    def sos(self) -> Floats:
        """Second-order sections, shape (sections, 6)."""
        return sections.design(self.kind, self.low, self.high)[0]

    @property
    def unit(self) -> Floats:
        """Steady state for an input of one, shape (sections, 2)."""
        return sections.design(self.kind, self.low, self.high)[1]


@dataclass(slots=True)
class Bank:
    """The filters of one site."""

    gravity: Section
    band: Section
    rate: Section
    envelope: Section
    settle: int
    since_start: int = -1
    """samples since the last start; -1 while there is a gap"""

    @classmethod
    def of(cls, settings: Settings) -> Bank:
        """A bank that has seen nothing yet."""
        return cls(
            gravity=Section("lowpass", 0.0, settings.gravity_hz),
            band=Section("bandpass", settings.band_low_hz, settings.band_high_hz),
            rate=Section("lowpass", 0.0, _RATE_HZ),
            envelope=Section("lowpass", 0.0, settings.envelope_hz),
            settle=round(settings.settle_s * GRID_HZ),
        )

    def run(self, block: GridBlock, kernels: Kernels | None = None) -> Filtered:
        """Filter the next block; blocks must follow each other without omission."""
        n = block.n
        out = Filtered(
            block.k0,
            np.zeros((3, n)),
            np.zeros((3, n)),
            np.zeros((3, n)),
            np.zeros(n),
            block.present,
            np.zeros(n, dtype=np.bool_),
            block.gyro,
            block.clipped,
        )
        for a, b in _stretches(block.present):
            if a > 0 or not block.present[0]:
                self.since_start = -1
            self._run_stretch(block, out, slice(a, b), kernels)
        if n and not block.present[-1]:
            self.since_start = -1
        return out

    def run_hops(self, block: GridBlock, room: Room, kernels: Kernels, hop: int) -> Summed:
        """Filter a block of whole hops in which nothing is missing, straight into the room a history made for it."""
        m = block.n // hop
        fresh = self.since_start < 0
        x = block.values
        if fresh:
            self._begin(x)
        start = max(self.since_start, 0)
        out = Summed(np.empty(block.n), max(self.settle - start, 0), np.empty((12, m)), np.empty(m))
        sos, states = self._together()
        kernels.filter_hops(
            x, block.clipped, block.gyro, out.settled_from, sos, states, self.envelope.unit[0], fresh, hop, *room,
            out.envelope, out.total, out.top,
        )  # fmt: skip
        self._carry(states)
        self.since_start = start + block.n
        return out

    def _begin(self, x: Floats) -> None:
        for section, rows in zip((self.gravity, self.band, self.rate), (x[:3], x[:3], x[3:]), strict=True):
            section.begin(rows)
        self.envelope.state = np.zeros((1, 1, 2))

    def _together(self) -> tuple[Floats, Floats]:
        """All sections and their states as the compiled loops take them."""
        sections = (self.gravity, self.band, self.rate)
        states = np.zeros((5, 3, 2))
        states[:4] = np.concatenate([s.state for s in sections])
        states[4, :1] = self.envelope.state[0]
        return np.concatenate([s.sos for s in (*sections, self.envelope)]), states

    def _carry(self, states: Floats) -> None:
        self.gravity.state, self.band.state, self.rate.state = states[:1], states[1:3], states[3:4]
        self.envelope.state = states[4:, :1]

    def _run_stretch(self, block: GridBlock, out: Filtered, part: slice, kernels: Kernels | None) -> None:
        fresh = self.since_start < 0
        if kernels is None:
            self._by_array(block, out, part, fresh=fresh)
        else:
            self._by_kernel(block, out, part, kernels, fresh=fresh)
        start = max(self.since_start, 0)
        count = part.stop - part.start
        out.settled[part] = np.arange(start, start + count) >= self.settle
        self.since_start = start + count

    def _by_array(self, block: GridBlock, out: Filtered, part: slice, *, fresh: bool) -> None:
        acc, rate = block.values[:3, part], block.values[3:, part]
        out.gravity[:, part] = self.gravity.run(acc, fresh=fresh)
        motion = self.band.run(acc, fresh=fresh)
        out.motion[:, part] = motion
        out.rate[:, part] = self.rate.run(rate, fresh=fresh)
        size = np.sqrt(motion[0] * motion[0] + motion[1] * motion[1] + motion[2] * motion[2])
        out.envelope[part] = np.maximum(self.envelope.run(size[None, :], fresh=fresh)[0], 0.0)

    def _by_kernel(
        self, block: GridBlock, out: Filtered, part: slice, kernels: Kernels, *, fresh: bool
    ) -> None:
        """The same in one walk over the samples."""
        x = block.values[:, part]
        if fresh:
            self._begin(x)
        sos, states = self._together()
        kernels.filter_block(
            x, sos, states, self.envelope.unit[0], fresh,
            out.gravity[:, part], out.motion[:, part], out.rate[:, part], out.envelope[part],
        )  # fmt: skip
        self._carry(states)


def _stretches(present: Bools) -> list[tuple[int, int]]:
    """Begin and end of every run of present samples."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], present, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
