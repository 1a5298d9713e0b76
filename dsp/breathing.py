"""Breathing seen by the trunk: rate and regularity over the last minute.

References:
    Rate band 0.25 to 1.1 Hz and a tilt of a few mg: the project's clinical tables (Heimann 2013 for rates).
    Regularity is the share of band power in the strongest narrow line, as in spectral purity indices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dsp.chain import HOP_S, Hops

__all__ = ["BREATH_HOPS", "Breathing", "breathing_of", "line_of"]

BREATH_HOPS = 240
"""One minute: 15 to 60 breaths."""

_LOW_HZ = 0.25
_HIGH_HZ = 1.1
_LINE_HZ = 0.05
"""Half-width of a line; the window's own line is 0.03 Hz wide."""

_LEAST_SEEN = 0.9
_MOVED_G = 0.03
"""Hops whose acceleration moves more than this are body movement and are held at the last quiet value."""

_LEAST_STILL = 0.6

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Breathing:
    """One minute of breathing."""

    rate_hz: float
    regularity: float
    """0 (none) to 1 (a pure tone)"""


def breathing_of(hops: Hops, h1: int) -> Breathing | None:
    """Breathing in the minute that ends with hop h1 - 1; None when it moved or was unseen."""
    h0 = h1 - BREATH_HOPS
    if hops.h0 > h0 or float(hops.column("present", h0, h1).sum()) < _LEAST_SEEN * BREATH_HOPS:
        return None
    still = hops.column("top", h0, h1) < _MOVED_G
    if np.count_nonzero(still) < _LEAST_STILL * BREATH_HOPS:
        return None
    channels = np.stack([hops.column(f"{kind}_{a}", h0, h1) for kind in ("acc", "rate") for a in "xyz"])
    if not float(hops.column("gyro", h0, h1).min()) > 0.0:
        channels = channels[:3]
    return line_of(_held(channels, still))


def _held(x: Floats, still: NDArray[np.bool_]) -> Floats:
    """Replace moved hops by the last still one before them and take each stretch's own level away."""
    index = np.where(still, np.arange(still.size), -1)
    last = np.maximum.accumulate(index)
    first = int(np.argmax(still))
    step = np.diff(x, axis=1, prepend=x[:, :1])
    step[:, ~still] = 0.0
    step[:, 1:][:, ~still[:-1]] = 0.0
    return np.asarray(np.cumsum(step, axis=1)) if last[-1] >= first else x


@lru_cache(maxsize=4)
def _tools(n: int) -> tuple[Floats, Floats, Floats]:
    """A ramp, a window, and the frequencies of n values' spectrum."""
    frequency = np.asarray(np.fft.rfftfreq(n, HOP_S), dtype=np.float64)
    return np.linspace(-1.0, 1.0, n), np.hanning(n), frequency


def line_of(x: Floats) -> Breathing | None:
    """The strongest line in the breathing band over all channels.

    Args:
        x: shape (channels, n), one value a hop; accelerations first, then rates if there are.
    """
    n = x.shape[1]
    ramp, window, frequency = _tools(n)
    flat = x - x.mean(axis=1, keepdims=True)
    flat = flat - (flat * ramp).sum(axis=1, keepdims=True) / float((ramp * ramp).sum()) * ramp
    power = np.abs(np.fft.rfft(flat * window, axis=1)) ** 2
    band = (frequency >= _LOW_HZ) & (frequency <= _HIGH_HZ)
    best: Breathing | None = None
    for row in power:
        inside = np.where(band, row, 0.0)
        total = float(inside.sum())
        if total <= 0.0:
            continue
        top = int(np.argmax(inside))
        near = band & (np.abs(frequency - frequency[top]) <= _LINE_HZ)
        share = float(inside[near].sum()) / total
        if best is None or share > best.regularity:
            best = Breathing(float(frequency[top]), share)
    return best
