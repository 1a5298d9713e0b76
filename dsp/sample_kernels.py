"""The inner loops from counts to hops, for a compiler: sample by sample what arrays do; see `dsp.kernels`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["filter_block", "filter_hops", "hop_sums", "resample", "take_in"]

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Times = NDArray[np.int64]
Counts = NDArray[np.int16]
Bools = NDArray[np.bool_]


def resample(
    times: Times,
    values: Floats,
    clipped: Bools,
    table: Floats,
    first: int,
    grid_ns: int,
    ahead_ns: int,
    out: Floats,
    cut: Bools,
) -> None:
    """Windowed-sinc sums at grid samples first, first + 1, ...; see `dsp.grid`.

    Args:
        times: shape (n,), of the inputs, rising.
        values: shape (n, axes).
        clipped: shape (n,).
        table: kernel by phase, shape (phases + 1, taps).
        first: index of the first grid sample, not before the first input.
        grid_ns: step of the grid.
        ahead_ns: how far before and behind a grid sample inputs are looked at.
        out: shape (6, m), written: rows of the axes there are.
        cut: shape (m,), written: whether an input next to the grid sample was clipped.
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
        cut[j] = clipped[left] or clipped[right]
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


def take_in(
    counts: Counts,
    t0s: Times,
    steps: Times,
    ns: Times,
    firsts: Times,
    acc_g: float,
    gyro_dps: float,
    at: int,
    times: Times,
    values: Floats,
    clipped: Bools,
) -> None:
    """Segments become samples with a time, in physical units; see `dsp.grid`.

    Args:
        counts: shape (rows, axes).
        t0s: shape (segments,): time of each segment's first sample.
        steps: shape (segments,): between its samples.
        ns: shape (segments,): samples.
        firsts: shape (segments,): the row of its first one.
        acc_g: g a count, of the first three axes.
        gyro_dps: deg/s a count, of the others.
        at: place of the first sample in what is written.
        times: shape (n,), written.
        values: shape (n, axes), written.
        clipped: shape (n,), written: whether an axis stands at the end of its range.
    """
    axes = values.shape[1]
    place = at
    for s in range(ns.shape[0]):
        for i in range(ns[s]):
            times[place] = t0s[s] + i * steps[s]
            row = firsts[s] + i
            full = False
            for axis in range(axes):
                count = counts[row, axis]
                values[place, axis] = count * (acc_g if axis < 3 else gyro_dps)
                full = full or count >= 32767 or count <= -32767
            clipped[place] = full
            place += 1


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


def filter_hops(
    x: Floats,
    clipped: Bools,
    gyro: Bools,
    settled_from: int,
    sos: Floats,
    states: Floats,
    unit: Floats,
    fresh: bool,
    hop: int,
    at: int,
    gravity: Floats32,
    motion: Floats32,
    rate: Floats32,
    kept: Floats32,
    envelope: Floats,
    total: Floats,
    top: Floats,
) -> None:
    """What `filter_block` and `hop_sums` do, in one walk over a block of whole hops in which nothing is missing.

    Args:
        x: shape (6, n), acceleration then angular rate.
        clipped: shape (n,).
        gyro: shape (n,).
        settled_from: sample from which on the filters can be believed.
        sos: as for `filter_block`, like the next three.
        states: carried on.
        unit: of the envelope.
        fresh: whether it starts.
        hop: samples in a hop.
        at: place of the first sample in the four arrays of single precision.
        gravity: shape (3, more), written.
        motion: shape (3, more), written.
        rate: shape (3, more), written.
        kept: shape (more,), written: the envelope.
        envelope: shape (n,), written: the same in full.
        total: as for `hop_sums`, like the next.
        top: written.
    """
    moved = np.empty((3, hop))
    for h in range(top.shape[0]):
        a = h * hop
        for c in range(3):
            p0, p1, q0, q1 = states[0, c, 0], states[0, c, 1], states[1, c, 0], states[1, c, 1]
            r0, r1, s0, s1 = states[2, c, 0], states[2, c, 1], states[3, c, 0], states[3, c, 1]
            pulled, spun = x[c, a], x[3 + c, a]
            for i in range(hop):
                v = x[c, a + i]
                if i:
                    pulled += v
                y = sos[0, 0] * v + p0
                p0 = sos[0, 1] * v - sos[0, 4] * y + p1
                p1 = sos[0, 2] * v - sos[0, 5] * y
                gravity[c, at + a + i] = y
                y = sos[1, 0] * v + q0
                q0 = sos[1, 1] * v - sos[1, 4] * y + q1
                q1 = sos[1, 2] * v - sos[1, 5] * y
                v = y
                y = sos[2, 0] * v + r0
                r0 = sos[2, 1] * v - sos[2, 4] * y + r1
                r1 = sos[2, 2] * v - sos[2, 5] * y
                moved[c, i] = y
                motion[c, at + a + i] = y
                v = x[3 + c, a + i]
                if i:
                    spun += v
                y = sos[3, 0] * v + s0
                s0 = sos[3, 1] * v - sos[3, 4] * y + s1
                s1 = sos[3, 2] * v - sos[3, 5] * y
                rate[c, at + a + i] = y
            states[0, c, 0], states[0, c, 1], states[1, c, 0], states[1, c, 1] = p0, p1, q0, q1
            states[2, c, 0], states[2, c, 1], states[3, c, 0], states[3, c, 1] = r0, r1, s0, s1
            total[5 + c, h], total[8 + c, h] = pulled, spun
        p0, p1 = states[4, 0, 0], states[4, 0, 1]
        square = turning = highest = believed = cut = turned = 0.0
        for i in range(hop):
            power = moved[0, i] * moved[0, i] + moved[1, i] * moved[1, i] + moved[2, i] * moved[2, i]
            v = math.sqrt(power)
            if fresh and a + i == 0:
                p0, p1 = unit[0] * v, unit[1] * v
            y = sos[4, 0] * v + p0
            p0 = sos[4, 1] * v - sos[4, 4] * y + p1
            p1 = sos[4, 2] * v - sos[4, 5] * y
            y = max(y, 0.0)
            envelope[a + i] = y
            kept[at + a + i] = y
            settled = 1.0 if a + i >= settled_from else 0.0
            rx, ry, rz = x[3, a + i], x[4, a + i], x[5, a + i]
            turn = rx * rx + ry * ry + rz * rz
            square = power * settled if i == 0 else square + power * settled
            turning = turn if i == 0 else turning + turn
            highest = y if i == 0 else max(highest, y)
            believed += settled
            cut += 1.0 if clipped[a + i] else 0.0
            turned += 1.0 if gyro[a + i] else 0.0
        states[4, 0, 0], states[4, 0, 1] = p0, p1
        total[0, h], total[1, h], total[2, h], total[3, h] = hop, believed, turned, cut
        total[4, h], total[11, h], top[h] = square, turning, highest


def hop_sums(
    values: Floats,
    motion: Floats,
    flags: Bools,
    envelope: Floats,
    hop: int,
    total: Floats,
    top: Floats,
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
        for row in range(6):
            sums = values[row, a]
            for i in range(a + 1, a + hop):
                sums += values[row, i]
            total[5 + row, h] = sums
