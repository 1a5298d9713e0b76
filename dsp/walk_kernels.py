"""The inner loops of the noise floor and of the segmentation, for a compiler; see `dsp.kernels`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["running_medians", "walk"]

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Bools = NDArray[np.bool_]


def running_medians(
    ranks: Times,
    ranked: Floats,
    held: Times,
    present: Bools,
    size: int,
    place: int,
    counted: Bools,
    needed: int,
    default: float,
    out: Floats,
) -> tuple[int, int]:
    """The median before each value, then the value taken in where it is counted; see `dsp.floor`.

    Which values are held is kept by their ranks among all that will be, so that the middle one is found by stepping
    from the one before.

    Args:
        ranks: shape (n,): of the values.
        ranked: all values, those held before among them, by rank.
        held: shape (window,), ranks of the newest values, the first `size` of them filled; carried on.
        present: by rank, whether a value is held; carried on.
        size: values held.
        place: of the oldest one once all are filled.
        counted: shape (n,): values that are not are only looked at.
        needed: values to be held before a median is given.
        default: given until then.
        out: shape (n,), written.

    Returns:
        `size` and `place` afterwards.
    """
    window = held.shape[0]
    middle = below = 0
    for i in range(ranks.shape[0]):
        # So many are held below the middle one; it may have been let go.
        half = (size - 1) // 2
        while below > half and size > 0:
            middle -= 1
            below -= 1 if present[middle] else 0
        while size > 0 and (below < half or not present[middle]):
            below += 1 if present[middle] else 0
            middle += 1
        if size < needed:
            out[i] = default
        elif size % 2:
            out[i] = ranked[middle]
        else:
            above = middle + 1
            while not present[above]:
                above += 1
            out[i] = (ranked[middle] + ranked[above]) / 2
        if not counted[i]:
            continue
        if size < window:
            held[size] = ranks[i]
            size += 1
        else:
            old = held[place]
            present[old] = False
            below -= 1 if old < middle else 0
            held[place] = ranks[i]
            place = (place + 1) % window
        present[ranks[i]] = True
        below += 1 if ranks[i] < middle else 0
    return size, place


def walk(
    envelope: Floats,
    settled_from: int,
    floors: Floats,
    hop: int,
    on_ratio: float,
    off_ratio: float,
    gap: int,
    k0: int,
    drop: float,
    state: Floats,
    strongs: Times,
    begins: Times,
    ends: Times,
    ks: Times,
    found: Floats,
) -> tuple[int, int]:
    """Runs of movement and the envelope's pulses; see `dsp.bursts`.

    Args:
        envelope: shape (n,), g.
        settled_from: sample from which on it can be believed.
        floors: shape (n / hop,), g, by hop.
        hop: samples in a hop.
        on_ratio: a sample is strong from so many times the floor on.
        off_ratio: and moved from so many times on.
        gap: moved samples further apart than this lie in two runs.
        k0: grid index of the first sample.
        drop: share of its height to which a peak must fall before the next one counts.
        state: shape (8,), carried on: rising (1 or 0), the extreme's height, grid index and floor; the last two
            samples; whether the last one was strong; its floor.
        strongs: shape (n + 1,), written: strong samples before each sample.
        begins: written: first sample of each run.
        ends: written: last sample of each run.
        ks: written, (peak, known) grid indices, shape (most, 2).
        found: written, (height, floor), shape (most, 2).

    Returns:
        How many runs and how many pulses were found.
    """
    rising, extreme, extreme_k, extreme_floor = state[0] > 0.0, state[1], state[2], state[3]
    before, value, value_strong, value_floor = state[4], state[5], state[6] > 0.0, state[7]
    runs = pulses = 0
    strongs[0] = 0
    for i in range(envelope.shape[0]):
        after, floor = envelope[i], floors[i // hop]
        if value > before and after <= value:
            starts = not rising and value_strong and value * drop >= extreme
            if starts or (rising and value > extreme):
                rising, extreme, extreme_k, extreme_floor = True, value, float(k0 + i - 1), value_floor
        elif value < before and after >= value:
            if rising and value <= drop * extreme:
                ks[pulses, 0], ks[pulses, 1] = int(extreme_k), k0 + i + 1
                found[pulses, 0], found[pulses, 1] = extreme, extreme_floor
                pulses += 1
                rising, extreme = False, value
            elif not rising:
                extreme = min(extreme, value)
        before, value, value_floor = value, after, floor
        value_strong = i >= settled_from and after >= on_ratio * floor
        strongs[i + 1] = strongs[i] + (1 if value_strong else 0)
        if i >= settled_from and after >= off_ratio * floor:
            if runs == 0 or i - ends[runs - 1] > gap:
                begins[runs] = i
                runs += 1
            ends[runs - 1] = i
    state[0], state[1], state[2], state[3] = 1.0 if rising else 0.0, extreme, extreme_k, extreme_floor
    state[4], state[5], state[6], state[7] = before, value, 1.0 if value_strong else 0.0, value_floor
    return runs, pulses
