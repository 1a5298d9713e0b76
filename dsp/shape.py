"""The shape of a movement around an anchor: how still it was before, how each site turned and came back.

Rotations are measured from the gyro, integrated over seconds about the axis that carries most of them, with
the rate before the movement as zero. Where there is no gyro the band-passed acceleration has to do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.grid import GRID_HZ
from dsp.history import History
from dsp.kernels import Kernels

__all__ = [
    "AFTER_K",
    "BEFORE_K",
    "LEG_REST_DEG",
    "Shape",
    "Turn",
    "enough_seen",
    "is_seen",
    "measure",
    "turn_of",
    "was_seen",
]

BEFORE_K = 300
AFTER_K = 180
"""Grid samples looked at before and after the anchor: 1.8 s after it is where waiting stops paying."""

LEG_REST_DEG = 0.3
"""What a leg at rest is taken to turn by: breathing and noise."""

_STILL_FROM_K = 250
_STILL_TO_K = 60
_ONSET_K = 70
"""A phasic movement has begun at most this long before the peak of its acceleration."""

_REST_K = 80
"""What comes so long before the onset is taken as rest, against which a gyro's bias is seen."""
_LATE_K = 100
_AROUND_K = 100
_LEAST_SEEN = 0.7
"""Share of the window."""

_DEAD_G = 2e-5
"""No chip is so still: its noise is more than ten times this. Counts that do not change are no measurement."""

_LEAST_SIZE_G = 0.002
_LEAST_DPS = 2.0
_STILL_DPS = 0.5

Floats = NDArray[np.float64]
Vector = tuple[float, float, float]


@dataclass(slots=True)
class Turn:
    """Rotation of one site around the anchor."""

    swing_deg: float
    """largest angle reached"""
    rise_s: float
    """from a tenth to nine tenths of it"""
    back: float
    """share of the swing that was undone by the end of the window, 0 to 1"""
    skew: float
    """natural logarithm of forward peak rate over backward peak rate; above 0 the return is slower"""
    wide_s: float
    """time spent above half the swing"""
    pure: float
    """share of rotation about one axis, 1/3 to 1"""
    turns: int
    """changes of direction of a size that counts; 1 for out and back"""
    unrest_before: float
    """natural logarithm of the fastest turning before it over its own peak rate"""
    unrest_after: float
    """the same of the middle rate from a second after the anchor on"""
    fastest_s: float
    """from the anchor to the fastest turning on the way out"""
    top_s: float
    """from the anchor to the largest angle"""
    outward: float
    """share of the way out in the work of turning, 0 to 1"""
    way: Vector
    """axis in the sensor, of length 1, pointing the way it turned first"""


@dataclass(slots=True)
class Shape:
    """One site around the anchor."""

    peak_g: float
    peak_k: int
    before_g: float
    """root mean square before it"""
    after_g: float
    """mean envelope over the last part of the window"""
    wide_s: float
    """time the envelope stood above a third of its peak"""
    turn: Turn | None
    gyro: bool = True
    """whether rotation could have been seen"""


def measure(history: History, anchor_k: int, *, reach_k: int) -> Shape | None:
    """Shape at one site; its peak is sought `reach_k` samples around the anchor.

    None if it was mostly unseen, or sent counts that do not change.
    """
    kernels = history.kernels
    if kernels is not None and history.k0 <= anchor_k - BEFORE_K and anchor_k + AFTER_K <= history.k1:
        return _measured(history, anchor_k, reach_k, kernels)
    if not is_seen(history, anchor_k):
        return None
    whole = history.part(anchor_k - BEFORE_K, anchor_k + AFTER_K)
    near = history.part(anchor_k - reach_k, anchor_k + reach_k + 1)
    values = history.envelope[near].astype(np.float64)
    top = int(np.argmax(values))
    peak_k = max(anchor_k - reach_k, history.k0) + top
    around = history.envelope[history.part(anchor_k - _AROUND_K, anchor_k + _AROUND_K)]
    still = history.envelope[history.part(anchor_k - _STILL_FROM_K, anchor_k - _STILL_TO_K)]
    late = history.envelope[history.part(anchor_k + _LATE_K, anchor_k + AFTER_K)]
    return Shape(
        peak_g=max(float(values[top]), _LEAST_SIZE_G),
        peak_k=peak_k,
        before_g=max(_rms(still), _LEAST_SIZE_G),
        after_g=max(_rms(late), _LEAST_SIZE_G),
        wide_s=float((around > values[top] / 3).sum()) / GRID_HZ,
        turn=_turn(history, anchor_k),
        gyro=bool(history.gyro[whole].all()),
    )


def _measured(history: History, anchor_k: int, reach_k: int, kernels: Kernels) -> Shape | None:
    """The same by compiled loops, for a window that is there as a whole."""
    at = anchor_k - history.k0
    out = np.empty(8)
    kernels.window_numbers(
        history.envelope, history.present, history.gyro, at, BEFORE_K, AFTER_K, reach_k,
        _STILL_FROM_K, _STILL_TO_K, _AROUND_K, _LATE_K, out,
    )  # fmt: skip
    count, most, top, wide, still, late, gyro, turning = out.tolist()
    if count < _LEAST_SEEN * (BEFORE_K + AFTER_K) or most <= _DEAD_G:
        return None
    turns = turning == _STILL_FROM_K + AFTER_K
    return Shape(
        peak_g=max(float(history.envelope[int(top)]), _LEAST_SIZE_G),
        peak_k=history.k0 + int(top),
        before_g=max(math.sqrt(still / (_STILL_FROM_K - _STILL_TO_K)), _LEAST_SIZE_G),
        after_g=max(math.sqrt(late / (AFTER_K - _LATE_K)), _LEAST_SIZE_G),
        wide_s=wide / GRID_HZ,
        turn=_turned(history, at - _STILL_FROM_K, kernels) if turns else None,
        gyro=gyro == BEFORE_K + AFTER_K,
    )


def _turned(history: History, first: int, kernels: Kernels) -> Turn | None:
    """As `turn_of` in the window that begins with a sample, which must all be there."""
    level = np.empty((3, _STILL_FROM_K + AFTER_K))
    begin = _STILL_FROM_K - _ONSET_K
    kernels.turn_level(history.rate, first, begin, _REST_K, level)
    way, pure = _main_axis(level[:, begin:])
    out = np.empty(16)
    kernels.turn_numbers(level, begin, begin + _ONSET_K + _LATE_K, *way, _LEAST_DPS, out)
    if out[0] < _LEAST_DPS:
        return None
    return _turn_from(out, way, pure, AFTER_K - _LATE_K)


def _turn_from(out: Floats, way: Vector, pure: float, late_n: int) -> Turn:
    (
        peak,
        sign,
        top_deg,
        low,
        high,
        fastest,
        top,
        forward,
        backward,
        wide,
        turns,
        end,
        before,
        late,
        out_work,
        work,
    ) = out.tolist()
    swing = max(top_deg, 1e-3)
    return Turn(
        swing_deg=swing,
        rise_s=(high - low) / GRID_HZ,
        back=min(max((swing - end) / swing, 0.0), 2.0),
        skew=math.log(forward / backward),
        wide_s=wide / GRID_HZ,
        pure=pure,
        turns=int(turns),
        unrest_before=math.log(max(before, _STILL_DPS) / peak),
        unrest_after=math.log(max(math.sqrt(late / late_n), _STILL_DPS) / peak),
        fastest_s=(fastest - _ONSET_K) / GRID_HZ,
        top_s=(top - _ONSET_K) / GRID_HZ,
        outward=out_work / max(work, 1e-9),
        way=(sign * way[0], sign * way[1], sign * way[2]),
    )


def is_seen(history: History, anchor_k: int) -> bool:
    """Whether a sensor measured something around an anchor."""
    return was_seen(history, anchor_k - BEFORE_K, anchor_k + AFTER_K)


def was_seen(history: History, k0: int, k1: int) -> bool:
    """Whether a sensor measured something in most of grid samples k0 to k1 - 1."""
    a, b = max(k0 - history.k0, 0), min(k1, history.k1) - history.k0
    if b <= a:
        return False
    if history.kernels is not None:
        return enough_seen(*history.kernels.seen_numbers(history.envelope, history.present, a, b), k1 - k0)
    count = int(np.count_nonzero(history.present[a:b]))
    return enough_seen(count, float(history.envelope[a:b].max()), k1 - k0)


def enough_seen(count: int, most_g: float, n: int) -> bool:
    """Whether a sensor measured something in most of a stretch.

    Args:
        count: samples that are there.
        most_g: highest envelope.
        n: samples that there could be.
    """
    return count >= max(_LEAST_SEEN * n, 1) and most_g > _DEAD_G


def _rms(values: NDArray[np.float32] | Floats) -> float:
    if not values.size:
        return 0.0
    wide = values.astype(np.float64)
    return math.sqrt(float(np.sum(wide * wide)) / values.size)


def _turn(history: History, anchor_k: int) -> Turn | None:
    part = history.part(anchor_k - _STILL_FROM_K, anchor_k + AFTER_K)
    if not history.gyro[part].all():
        return None
    return turn_of(
        history.rate[:, part].astype(np.float64), anchor_k - max(history.k0, anchor_k - _STILL_FROM_K)
    )


def turn_of(rate: Floats, anchor: int) -> Turn | None:
    """Rotation in a window of angular rate.

    Args:
        rate: deg/s, shape (3, n) at 100 Hz.
        anchor: index of the anchor; what lies more than 0.7 s before it is taken as rest.

    Returns:
        None when there was hardly any rotation.
    """
    begin = max(anchor - _ONSET_K, 1)
    level = rate - _middle(rate[:, max(begin - _REST_K, 0) : begin])
    moved = level[:, begin:]
    way, pure = _main_axis(moved)
    about = way[0] * moved[0] + way[1] * moved[1] + way[2] * moved[2]
    if float(np.max(np.abs(about))) < _LEAST_DPS:
        return None
    angle = np.cumsum(about) / GRID_HZ
    if -float(angle.min()) > float(angle.max()):
        about, angle, way = -about, -angle, (-way[0], -way[1], -way[2])
    return _turn_about(level, about, angle, pure, begin, way)


def _main_axis(moved: Floats) -> tuple[Vector, float]:
    """The axis that carries most of the turning, and its share of it, 1/3 to 1."""
    sizes, axes = np.linalg.eigh(np.einsum("ik,jk->ij", moved, moved))
    x, y, z = axes[:, 2].tolist()
    a, b, c = sizes.tolist()
    return (x, y, z), c / max(a + b + c, 1e-9)


def _turn_about(level: Floats, about: Floats, angle: Floats, pure: float, begin: int, way: Vector) -> Turn:
    top = int(np.argmax(angle))
    swing = max(float(angle[top]), 1e-3)
    low = int(np.argmax(angle[: top + 1] > 0.1 * swing))
    high = int(np.argmax(angle[: top + 1] > 0.9 * swing))
    fastest = int(np.argmax(about[: top + 1]))
    forward = max(float(about[fastest]), _LEAST_DPS)
    backward = max(float(-about[top:].min()), _LEAST_DPS)
    speed = np.sqrt(level[0] * level[0] + level[1] * level[1] + level[2] * level[2])
    peak = float(np.max(np.abs(about)))
    late = speed[begin + _ONSET_K + _LATE_K :]
    work = about * about
    return Turn(
        swing_deg=swing,
        rise_s=(high - low) / GRID_HZ,
        back=min(max((swing - float(angle[-1])) / swing, 0.0), 2.0),
        skew=math.log(forward / backward),
        wide_s=float((angle > 0.5 * swing).sum()) / GRID_HZ,
        pure=pure,
        turns=_reversals(about, 0.3 * max(forward, backward)),
        unrest_before=math.log(max(float(speed[:begin].max()), _STILL_DPS) / peak),
        unrest_after=math.log(max(_rms(late), _STILL_DPS) / peak),
        fastest_s=(fastest - _ONSET_K) / GRID_HZ,
        top_s=(top - _ONSET_K) / GRID_HZ,
        outward=float(np.sum(work[: top + 1])) / max(float(np.sum(work)), 1e-9),
        way=way,
    )


def _middle(x: Floats) -> Floats:
    """Median of each row, shape (rows, 1)."""
    n = x.shape[1]
    rows = np.sort(x, axis=1)
    return np.asarray((rows[:, (n - 1) // 2] + rows[:, n // 2]) / 2)[:, None]


def _reversals(about: Floats, least: float) -> int:
    strong = np.sign(about[np.abs(about) >= least])
    return int(np.count_nonzero(np.diff(strong)))
