"""The inner loops of looks at a moment: windows of a site's history, for a compiler; see `dsp.kernels`.

Sums are added in the order in which numpy adds, so that these loops give the bytes of the array code beside which
they stand. What needs linear algebra or logarithms stays there: libraries differ in their last digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "envelope_sum", "numpy_sum", "seen_numbers", "squares", "tenth_sums", "turn_level", "turn_numbers",
    "window_numbers",
]  # fmt: skip

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Bools = NDArray[np.bool_]


def numpy_sum(x: Floats | Sequence[float], first: int, n: int) -> float:
    """The sum of x[first], ... x[first + n - 1] as `numpy.sum` adds: pairwise, down to parts of 128 at most."""
    if n <= 128:
        return _part_sum(x, first, n)
    # Compiled code that calls itself does not survive being kept on disk: parts to come and sums that wait for
    # their other half are kept here, with how often they were halved.
    begins, sizes, depths = np.empty(64, np.int64), np.empty(64, np.int64), np.empty(64, np.int64)
    sums, levels = np.empty(64), np.empty(64, np.int64)
    begins[0], sizes[0], depths[0] = first, n, 0
    parts, halves = 1, 0
    while parts > 0:
        parts -= 1
        begin, size, depth = begins[parts], sizes[parts], depths[parts]
        if size > 128:
            half = size // 2 - size // 2 % 8
            begins[parts], sizes[parts], depths[parts] = begin + half, size - half, depth + 1
            begins[parts + 1], sizes[parts + 1], depths[parts + 1] = begin, half, depth + 1
            parts += 2
            continue
        total = _part_sum(x, begin, size)
        while halves > 0 and levels[halves - 1] == depth:
            halves -= 1
            depth -= 1
            total = sums[halves] + total
        sums[halves], levels[halves] = total, depth
        halves += 1
    return float(sums[0])


def _part_sum(x: Floats | Sequence[float], first: int, n: int) -> float:
    """Eight sums side by side, then what is left."""
    total = 0.0
    end = first
    if n >= 8:
        a, b, c, d = x[first], x[first + 1], x[first + 2], x[first + 3]
        e, f, g, h = x[first + 4], x[first + 5], x[first + 6], x[first + 7]
        end = first + n - n % 8
        for i in range(first + 8, end, 8):
            a += x[i]
            b += x[i + 1]
            c += x[i + 2]
            d += x[i + 3]
            e += x[i + 4]
            f += x[i + 5]
            g += x[i + 6]
            h += x[i + 7]
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for i in range(end, first + n):
        total += x[i]
    return total


def _square_sum(x: Floats32, a: int, b: int, room: Floats) -> float:
    for i in range(a, b):
        v = np.float64(x[i])
        room[i - a] = v * v
    return numpy_sum(room, 0, b - a)


def window_numbers(
    envelope: Floats32,
    present: Bools,
    gyro: Bools,
    at: int,
    before: int,
    after: int,
    reach: int,
    still_from: int,
    still_to: int,
    around: int,
    late: int,
    out: Floats,
) -> None:
    """What `dsp.shape.measure` reads from the envelope around sample `at`; the whole window must be there.

    Args:
        envelope: shape (n,), g.
        present: shape (n,).
        gyro: shape (n,).
        at: index of the anchor.
        before: samples of the window before the anchor.
        after: and from it on.
        reach: the peak is sought so far to both sides.
        still_from: rest is looked at from so long before the anchor
        still_to: until so long before it.
        around: samples to both sides whose height is compared with the peak's.
        late: from so long after the anchor on it is looked how it comes to rest.
        out: shape (8,), written: samples present, highest of all, place of the peak, samples around above a third of
            it, sum of squares of the rest before, of the late part, samples with a gyro, those from the rest on.
    """
    room = np.empty(before + after)
    count = turning = late_turning = 0
    most = envelope[at - before]
    for i in range(at - before, at + after):
        count += 1 if present[i] else 0
        turning += 1 if gyro[i] else 0
        late_turning += 1 if gyro[i] and i >= at - still_from else 0
        most = max(most, envelope[i])
    top = at - reach
    for i in range(at - reach, at + reach + 1):
        if envelope[i] > envelope[top]:
            top = i
    third = np.float64(envelope[top]) / 3.0
    wide = 0
    for i in range(at - around, at + around):
        wide += 1 if np.float64(envelope[i]) > third else 0
    out[0], out[1], out[2], out[3] = count, most, top, wide
    out[4] = _square_sum(envelope, at - still_from, at - still_to, room)
    out[5] = _square_sum(envelope, at + late, at + after, room)
    out[6], out[7] = turning, late_turning


def turn_level(rate: Floats32, first: int, begin: int, rest: int, level: Floats) -> None:
    """Angular rate with the median of the rest before a movement as zero; see `dsp.shape.turn_of`.

    Args:
        rate: shape (3, n), deg/s.
        first: index of the window's first sample.
        begin: sample of the window at which the movement begins.
        rest: samples before that which are taken as rest.
        level: shape (3, m), written: the window.
    """
    low = max(begin - rest, 0)
    n = begin - low
    ordered = np.empty(n)
    for c in range(3):
        for i in range(n):
            value = np.float64(rate[c, first + low + i])
            hole = i
            while hole > 0 and ordered[hole - 1] > value:
                ordered[hole] = ordered[hole - 1]
                hole -= 1
            ordered[hole] = value
        middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
        for i in range(level.shape[1]):
            level[c, i] = np.float64(rate[c, first + i]) - middle


def turn_numbers(
    level: Floats, begin: int, late: int, x: float, y: float, z: float, least: float, out: Floats
) -> None:
    """How a site turned about an axis; see `dsp.shape.turn_of`.

    Args:
        level: shape (3, n), deg/s.
        begin: sample at which the movement begins.
        late: sample from which on it is looked how it comes to rest.
        x: first component of the axis.
        y: second.
        z: third.
        least: fastest turning below which there was none, and the least that a peak counts, deg/s.
        out: shape (16,), written: fastest turning; where that is enough, too: 1 or, where the axis has to point the
            other way, -1; largest angle in degrees; samples from the begin to a tenth and to nine tenths of it, to the
            fastest turning, to the largest angle; fastest rate forward, backward; samples above half of the angle;
            changes of direction; angle at the end; fastest turning before; sums of squares of the late turning, of
            the turning up to the largest angle, and of all of it.
    """
    n = level.shape[1] - begin
    about, angle, work = np.empty(n), np.empty(n), np.empty(n)
    out[0] = _turning(level, begin, x, y, z, about, angle, work)
    if out[0] < least:
        return
    if -np.min(angle) > np.max(angle):
        out[1] = -1.0
        about, angle = -about, -angle
    else:
        out[1] = 1.0
    top = int(np.argmax(angle))
    swing = max(angle[top], 1e-3)
    fastest = int(np.argmax(about[: top + 1]))
    forward, backward = max(about[fastest], least), max(-np.min(about[top:]), least)
    out[2] = angle[top]
    out[3], out[4] = _first_above(angle, top, 0.1 * swing), _first_above(angle, top, 0.9 * swing)
    out[5], out[6], out[7], out[8] = fastest, top, forward, backward
    out[9] = np.sum(angle > 0.5 * swing)
    out[10] = _reversals(about, 0.3 * max(forward, backward))
    out[11] = angle[n - 1]
    out[12], out[13] = _speeds(level, begin, late)
    out[14], out[15] = numpy_sum(work, 0, top + 1), numpy_sum(work, 0, n)


def _turning(
    level: Floats, begin: int, x: float, y: float, z: float, about: Floats, angle: Floats, work: Floats
) -> float:
    """Writes rates about an axis, the angles they add up to and their squares; gives the highest rate."""
    fastest = total = 0.0
    for i in range(about.shape[0]):
        v = x * level[0, begin + i] + y * level[1, begin + i] + z * level[2, begin + i]
        about[i] = v
        fastest = max(fastest, abs(v))
        total = v if i == 0 else total + v
        angle[i] = total / 100
        work[i] = v * v
    return fastest


def _first_above(angle: Floats, last: int, least: float) -> int:
    """The first of the samples up to the last one that stands above a value; 0 where none does."""
    for i in range(last + 1):
        if angle[i] > least:
            return i
    return 0


def _reversals(about: Floats, least: float) -> int:
    """Changes of direction among the rates that are high enough."""
    turns, way = 0, 0.0
    for i in range(about.shape[0]):
        if abs(about[i]) >= least:
            sign = 1.0 if about[i] > 0.0 else -1.0
            turns += 1 if sign == -way else 0
            way = sign
    return turns


def _speeds(level: Floats, begin: int, late: int) -> tuple[float, float]:
    """The highest speed of turning before a sample, and the sum of squares from another one on."""
    before = 0.0
    room = np.empty(level.shape[1] - late)
    for i in range(level.shape[1]):
        speed = math.sqrt(level[0, i] * level[0, i] + level[1, i] * level[1, i] + level[2, i] * level[2, i])
        if i < begin:
            before = max(before, speed)
        if i >= late:
            room[i - late] = speed * speed
    return before, numpy_sum(room, 0, level.shape[1] - late)


def tenth_sums(rows: Floats32, a: int, out: Floats) -> None:
    """Sums of ten samples each, from sample a on.

    Args:
        rows: shape (3, n).
        a: first sample.
        out: shape (3, m), written.
    """
    room = np.empty(10)
    for c in range(3):
        for i in range(out.shape[1]):
            for j in range(10):
                room[j] = rows[c, a + 10 * i + j]
            out[c, i] = _part_sum(room, 0, 10)


def envelope_sum(
    envelope: Floats32, present: Bools, a: int, b: int, level: float
) -> tuple[float, int, int, float]:
    """Of samples a to b - 1, one at least: the sum, how many stand above a level and are present, and the highest."""
    room = np.empty(b - a)
    above = count = 0
    least = np.float32(level)
    most = envelope[a]
    for i in range(a, b):
        room[i - a] = np.float64(envelope[i])
        above += 1 if envelope[i] > least else 0
        count += 1 if present[i] else 0
        most = max(most, envelope[i])
    return numpy_sum(room, 0, b - a), above, count, np.float64(most)


def seen_numbers(envelope: Floats32, present: Bools, a: int, b: int) -> tuple[int, float]:
    """How many of samples a to b - 1, one at least, are present, and the highest."""
    count = 0
    most = envelope[a]
    for i in range(a, b):
        count += 1 if present[i] else 0
        most = max(most, envelope[i])
    return count, np.float64(most)


def squares(rows: Floats32, a: int, b: int, centred: bool) -> tuple[float, float]:
    """Sums of squares of samples a to b - 1 and of the steps between them, all three rows taken together.

    Args:
        rows: shape (3, n).
        a: first sample.
        b: behind the last.
        centred: whether each row's own mean is taken away before.
    """
    n = b - a
    room, whole = np.empty(n), np.empty(3 * n)
    steps = np.empty(3 * max(n - 1, 0))
    for c in range(3):
        for i in range(n):
            room[i] = np.float64(rows[c, a + i])
        if centred:
            mean = numpy_sum(room, 0, n) / n
            for i in range(n):
                room[i] -= mean
        for i in range(n):
            whole[c * n + i] = room[i] * room[i]
            if i > 0:
                step = room[i] - room[i - 1]
                steps[c * (n - 1) + i - 1] = step * step
    return numpy_sum(whole, 0, 3 * n), numpy_sum(steps, 0, steps.shape[0])
