"""Breathing seen by the trunk: rate and regularity over the last minute.

References:
    Rate band 0.25 to 1.1 Hz and a tilt of a few mg: the project's clinical tables (Heimann 2013 for rates).
    Regularity is the share of band power in the strongest narrow line, as in spectral purity indices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dsp.chain import HOP_S, ROW, Hops

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
    return breathings_of(hops, [h1])[0]


def breathings_of(hops: Hops, ends: Sequence[int]) -> list[Breathing | None]:
    """Breathing in the minutes that end before some hops."""
    found: list[Breathing | None] = [None] * len(ends)
    for gyro in (True, False):
        some = {i: s for i, h1 in enumerate(ends) if (s := _still(hops, h1)) is not None and s[1] is gyro}
        if not some:
            continue
        channels = _CHANNELS if gyro else _CHANNELS[:3]
        starts = [ends[i] - BREATH_HOPS - hops.h0 for i in some]
        rows = np.stack([hops.rows[a : a + BREATH_HOPS, channels].T for a in starts])
        lines = _lines(_held(rows, np.stack([still for still, _ in some.values()])))
        for i, line in zip(some, lines, strict=True):
            found[i] = line
    return found


_CHANNELS = [ROW.index(f"{kind}_{a}") for kind in ("acc", "rate") for a in "xyz"]


def _still(hops: Hops, h1: int) -> tuple[NDArray[np.bool_], bool] | None:
    """Hops without movement of a minute, and whether there was a gyro; None where it cannot be told from them."""
    h0 = h1 - BREATH_HOPS
    if hops.h0 > h0 or float(hops.column("present", h0, h1).sum()) < _LEAST_SEEN * BREATH_HOPS:
        return None
    # a hop without a sample would step down to no gravity at all, and up again
    still = (hops.column("top", h0, h1) < _MOVED_G) & (hops.column("present", h0, h1) > 0.0)
    if still.size < BREATH_HOPS or np.count_nonzero(still) < _LEAST_STILL * BREATH_HOPS:
        return None
    return still, bool(hops.column("gyro", h0, h1).min() > 0.0)


def _held(x: Floats, still: NDArray[np.bool_]) -> Floats:
    """Replace moved hops by the last still one before them and take each stretch's own level away.

    Args:
        x: shape (minutes, channels, n).
        still: shape (minutes, n).
    """
    step = np.diff(x, axis=2, prepend=x[:, :, :1])
    kept = still.copy()
    kept[:, 1:] &= still[:, :-1]
    return np.asarray(np.cumsum(np.where(kept[:, None, :], step, 0.0), axis=2))


@lru_cache(maxsize=4)
def _tools(n: int) -> tuple[Floats, Floats, float, list[float], NDArray[np.bool_], list[tuple[int, int]]]:
    """Of n values a ramp, a window, the ramp's square, the spectrum's frequencies, the band, and each line's bins."""
    frequency = np.asarray(np.fft.rfftfreq(n, HOP_S), dtype=np.float64)
    band = (frequency >= _LOW_HZ) & (frequency <= _HIGH_HZ)
    near = [np.flatnonzero(band & (np.abs(frequency - f) <= _LINE_HZ)) for f in frequency]
    lines = [(int(bins[0]), int(bins[-1]) + 1) if bins.size else (0, 0) for bins in near]
    ramp = np.linspace(-1.0, 1.0, n)
    return ramp, np.hanning(n), float((ramp * ramp).sum()), frequency.tolist(), band, lines


def line_of(x: Floats) -> Breathing | None:
    """The strongest line in the breathing band over all channels.

    Args:
        x: shape (channels, n), one value a hop; accelerations first, then rates if there are.
    """
    return _lines(x[None])[0]


def _lines(x: Floats) -> list[Breathing | None]:
    """The same of some minutes, shape (minutes, channels, n)."""
    ramp, window, square, frequency, band, lines = _tools(x.shape[2])
    flat = x - x.mean(axis=2, keepdims=True)
    flat = flat - (flat * ramp).sum(axis=2, keepdims=True) / square * ramp
    inside = np.where(band, np.abs(np.fft.rfft(flat * window, axis=2)) ** 2, 0.0)
    total, tops = inside.sum(axis=2).tolist(), inside.argmax(axis=2).tolist()
    found: list[Breathing | None] = []
    for power, sums, places in zip(inside, total, tops, strict=True):
        best: Breathing | None = None
        for row, whole, top in zip(power, sums, places, strict=True):
            if whole <= 0.0:
                continue
            a, b = lines[top]
            share = float(row[a:b].sum()) / whole
            if best is None or share > best.regularity:
                best = Breathing(frequency[top], share)
        found.append(best)
    return found
