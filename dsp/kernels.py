"""The inner loops of the stages, for a compiler: sample by sample what the stages do array by array.

The stages have their own vectorised way, which needs no compiler and serves live use; these loops give the same
bytes (additions and products in the same order, no fused or reordered arithmetic) and serve replay, where numba
is installed (extra `fast`). They are plain functions: run undecorated they are slow and say what is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp import look_kernels
from dsp.look_kernels import envelope_sum, squares, turn_level, turn_numbers, window_numbers

__all__ = ["PLAIN", "Kernels", "compiled"]

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Bools = NDArray[np.bool_]


def resample(
    times: Times,
    values: Floats,
    table: Floats,
    first: int,
    grid_ns: int,
    ahead_ns: int,
    out: Floats,
    lefts: Times,
) -> None:
    """Windowed-sinc sums at grid samples first, first + 1, ...; see `dsp.grid`.

    Args:
        times: shape (n,), of the inputs, rising.
        values: shape (n, axes).
        table: kernel by phase, shape (phases + 1, taps).
        first: index of the first grid sample, not before the first input.
        grid_ns: step of the grid.
        ahead_ns: how far before and behind a grid sample inputs are looked at.
        out: shape (6, m), written: rows of the axes there are.
        lefts: shape (m,), written: index of the input at or before each grid sample.
    """
    n, axes = values.shape
    phases = table.shape[0] - 1
    half = table.shape[1] // 2
    left = low = high = 0
    sums = np.zeros(6)
    for j in range(out.shape[1]):
        at = (first + j) * grid_ns
        while left + 1 < n and times[left + 1] <= at:
            left += 1
        while times[low] < at - ahead_ns:
            low += 1
        while high + 1 < n and times[high + 1] <= at + ahead_ns:
            high += 1
        right = min(left + 1, n - 1)
        span = max(times[right] - times[left], 1)
        phase = int((at - times[left]) / span * phases + 0.5)
        lefts[j] = left
        base = left + 1 - half
        if axes == 6 and base >= low and base + 2 * half - 1 <= high:
            # The usual case written out, so that a compiler keeps six sums in registers.
            a = b = c = d = e = f = 0.0
            for tap in range(2 * half):
                weight = table[phase, tap]
                place = base + tap
                a += values[place, 0] * weight
                b += values[place, 1] * weight
                c += values[place, 2] * weight
                d += values[place, 3] * weight
                e += values[place, 4] * weight
                f += values[place, 5] * weight
            out[0, j], out[1, j], out[2, j], out[3, j], out[4, j], out[5, j] = a, b, c, d, e, f
            continue
        sums[:] = 0.0
        for tap in range(2 * half):
            place = min(max(base + tap, low), high)
            weight = table[phase, tap]
            for axis in range(axes):
                sums[axis] += values[place, axis] * weight
        for axis in range(axes):
            out[axis, j] = sums[axis]


def filter_block(
    x: Floats,
    sos: Floats,
    states: Floats,
    unit: Floats,
    fresh: bool,
    gravity: Floats,
    motion: Floats,
    rate: Floats,
    envelope: Floats,
) -> None:
    """All filters of one site over a block without a gap: second-order sections, transposed direct form II.

    Args:
        x: shape (6, n), acceleration then angular rate.
        sos: shape (5, 6), sections: gravity, first and second of the band, rate, envelope.
        states: shape (5, 3, 2), by section and channel, carried on; the envelope has one channel.
        unit: shape (2,), the envelope filter's steady state for an input of one.
        fresh: whether the envelope starts from its first sample.
        gravity: shape (3, n), written.
        motion: shape (3, n), written.
        rate: shape (3, n), written.
        envelope: shape (n,), written: of the motion's size.
    """
    z = states.copy()
    for i in range(x.shape[1]):
        for c in range(3):
            v = x[c, i]
            y = sos[0, 0] * v + z[0, c, 0]
            z[0, c, 0] = sos[0, 1] * v - sos[0, 4] * y + z[0, c, 1]
            z[0, c, 1] = sos[0, 2] * v - sos[0, 5] * y
            gravity[c, i] = y
            y = sos[1, 0] * v + z[1, c, 0]
            z[1, c, 0] = sos[1, 1] * v - sos[1, 4] * y + z[1, c, 1]
            z[1, c, 1] = sos[1, 2] * v - sos[1, 5] * y
            v = y
            y = sos[2, 0] * v + z[2, c, 0]
            z[2, c, 0] = sos[2, 1] * v - sos[2, 4] * y + z[2, c, 1]
            z[2, c, 1] = sos[2, 2] * v - sos[2, 5] * y
            motion[c, i] = y
            v = x[3 + c, i]
            y = sos[3, 0] * v + z[3, c, 0]
            z[3, c, 0] = sos[3, 1] * v - sos[3, 4] * y + z[3, c, 1]
            z[3, c, 1] = sos[3, 2] * v - sos[3, 5] * y
            rate[c, i] = y
        v = math.sqrt(motion[0, i] * motion[0, i] + motion[1, i] * motion[1, i] + motion[2, i] * motion[2, i])
        if fresh and i == 0:
            z[4, 0, 0] = unit[0] * v
            z[4, 0, 1] = unit[1] * v
        y = sos[4, 0] * v + z[4, 0, 0]
        z[4, 0, 0] = sos[4, 1] * v - sos[4, 4] * y + z[4, 0, 1]
        z[4, 0, 1] = sos[4, 2] * v - sos[4, 5] * y
        envelope[i] = max(y, 0.0)
    states[:] = z


def hop_sums(
    values: Floats,
    motion: Floats,
    flags: Bools,
    envelope: Floats,
    hop: int,
    total: Floats,
    top: Floats,
    flat: Floats,
) -> None:
    """Sums over each hop, one sample after the other.

    Args:
        values: shape (6, n).
        motion: shape (3, n).
        flags: shape (4, n): present, settled, gyro, clipped.
        envelope: shape (n,).
        hop: samples in a hop.
        total: shape (12, n / hop), written: the flags, squared motion where settled, values, squared rate.
        top: shape (n / hop,), written: highest envelope.
        flat: shape (n / hop,), written: axes of acceleration that did not move.
    """
    for h in range(top.shape[0]):
        a = h * hop
        for i in range(a, a + hop):
            mx, my, mz = motion[0, i], motion[1, i], motion[2, i]
            settled = 1.0 if flags[1, i] else 0.0
            rx, ry, rz = values[3, i], values[4, i], values[5, i]
            square = (mx * mx + my * my + mz * mz) * settled
            turning = rx * rx + ry * ry + rz * rz
            if i == a:
                total[4, h], total[11, h], top[h] = square, turning, envelope[i]
            else:
                total[4, h] += square
                total[11, h] += turning
                top[h] = max(top[h], envelope[i])
        for row in range(4):
            count = 0.0
            for i in range(a, a + hop):
                count += 1.0 if flags[row, i] else 0.0
            total[row, h] = count
        still = 0.0
        for row in range(6):
            sums = least = most = values[row, a]
            for i in range(a + 1, a + hop):
                v = values[row, i]
                sums += v
                least = min(least, v)
                most = max(most, v)
            total[5 + row, h] = sums
            if row < 3 and most - least == 0.0:
                still += 1.0
        flat[h] = still


def running_medians(
    values: Floats,
    counted: Bools,
    ring: Floats,
    ordered: Floats,
    size: int,
    place: int,
    needed: int,
    default: float,
    out: Floats,
) -> tuple[int, int]:
    """The median before each value, then the value taken in where it is counted; see `dsp.floor`.

    Args:
        values: shape (n,).
        counted: shape (n,): values that are not are only looked at.
        ring: shape (window,), the newest values, the first `size` of them filled.
        ordered: shape (window,), the same in rising order.
        size: values held.
        place: of the oldest one in the ring once that is full.
        needed: values to be held before a median is given.
        default: given until then.
        out: shape (n,), written.

    Returns:
        `size` and `place` afterwards.
    """
    window = ring.shape[0]
    for i in range(values.shape[0]):
        if size < needed:
            out[i] = default
        elif size % 2:
            out[i] = ordered[size // 2]
        else:
            out[i] = (ordered[size // 2 - 1] + ordered[size // 2]) / 2
        if not counted[i]:
            continue
        value = values[i]
        if size < window:
            ring[size] = value
            hole = size
            size += 1
        else:
            hole = np.searchsorted(ordered, ring[place])
            ring[place] = value
            place = (place + 1) % window
        while hole > 0 and ordered[hole - 1] > value:
            ordered[hole] = ordered[hole - 1]
            hole -= 1
        while hole + 1 < size and ordered[hole + 1] <= value:
            ordered[hole] = ordered[hole + 1]
            hole += 1
        ordered[hole] = value
    return size, place


def pulse_peaks(
    whole: Floats,
    strong: Bools,
    floors: Floats,
    k0: int,
    drop: float,
    state: Floats,
    ks: Times,
    found: Floats,
) -> int:
    """Walk the envelope's extremes; see `dsp.bursts`.

    Args:
        whole: shape (n + 2,), the two samples before the block, then the block.
        strong: shape (n + 1,), whether each sample from the one before the block on stands high above the floor.
        floors: shape (n + 1,), g.
        k0: grid index of the block's first sample.
        drop: share of its height to which a peak must fall before the next one counts.
        state: shape (4,), carried on: rising (1 or 0), the extreme's height, grid index and floor.
        ks: written, (peak, known) grid indices, shape (most, 2).
        found: written, (height, floor), shape (most, 2).

    Returns:
        How many pulses were found.
    """
    rising, extreme, extreme_k, extreme_floor = state[0] > 0.0, state[1], state[2], state[3]
    n = 0
    for i in range(whole.shape[0] - 2):
        before, value, after = whole[i], whole[i + 1], whole[i + 2]
        if value > before and after <= value:
            starts = not rising and strong[i] and value * drop >= extreme
            if starts or (rising and value > extreme):
                rising, extreme, extreme_k, extreme_floor = True, value, float(k0 + i - 1), floors[i]
        elif value < before and after >= value:
            if rising and value <= drop * extreme:
                ks[n, 0], ks[n, 1] = int(extreme_k), k0 + i + 1
                found[n, 0], found[n, 1] = extreme, extreme_floor
                n += 1
                rising, extreme = False, value
            elif not rising:
                extreme = min(extreme, value)
    state[0], state[1], state[2], state[3] = 1.0 if rising else 0.0, extreme, extreme_k, extreme_floor
    return n


@dataclass(frozen=True, slots=True)
class Kernels:
    """The loops in one form: plain, or compiled."""

    resample: Callable[..., None] = resample
    filter_block: Callable[..., None] = filter_block
    hop_sums: Callable[..., None] = hop_sums
    running_medians: Callable[..., tuple[int, int]] = running_medians
    pulse_peaks: Callable[..., int] = pulse_peaks
    window_numbers: Callable[..., None] = window_numbers
    turn_level: Callable[..., None] = turn_level
    turn_numbers: Callable[..., None] = turn_numbers
    envelope_sum: Callable[..., tuple[float, int]] = envelope_sum
    squares: Callable[..., tuple[float, float]] = squares


PLAIN = Kernels()
"""Undecorated: to compare with."""


@lru_cache(maxsize=1)
def compiled() -> Kernels | None:
    """The loops compiled, or None where numba is not installed; the first call on a machine takes some seconds."""
    try:
        from numba import njit
    except ImportError:
        return None
    # Neither fastmath nor contraction: the bytes must be those of the vectorised stages.
    jit: Any = njit(cache=True, error_model="numpy", nogil=True)
    looks = _calling_one_another(jit)
    return Kernels(
        jit(resample), jit(filter_block), jit(hop_sums), jit(running_medians), jit(pulse_peaks),
        looks["window_numbers"], looks["turn_level"], looks["turn_numbers"], looks["envelope_sum"], looks["squares"],
    )  # fmt: skip


def _calling_one_another(jit: Any) -> dict[str, Any]:
    """The functions of `dsp.look_kernels` compiled, by name: each finds the compiled others where it looks for them."""
    names: dict[str, Any] = dict(vars(look_kernels))
    for name, function in vars(look_kernels).items():
        if isinstance(function, FunctionType) and function.__module__ == look_kernels.__name__:
            names[name] = jit(FunctionType(function.__code__, names, name))
    return names
