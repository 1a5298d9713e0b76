"""A sock that slips: it turns about the limb and slides along it, slowly all the time and suddenly at a kick.

Its own motion is smooth steps, so that it is seen by gyroscope and accelerometer like any joint's.
All numbers are estimates [E]; nobody has measured how socks wander on infants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.chain import Chain
from firmware_sim.draw import Draw
from firmware_sim.steps import Path

__all__ = ["Slip", "draw_slip"]

_LONG_AXIS: Final = 0
_TURN_LIMIT_RAD: Final = 2.5
_SLIDE_LIMIT_M: Final = 0.03
"""A sock pulled further than this comes off [E]."""
_LOOK_S: Final = 1.0 / 26.0
"""How finely strong movements are looked for: a kick lasts 0.2 s and more."""
_LOOK_BLOCK: Final = 16_384
_STRONG_G: Final = 0.4
_SHORTEST_S: Final = 4.0
"""In less than this nothing turns slowly."""
_APART_S: Final = 1.5
"""What follows within this time belongs to the same movement."""

_Sight = Callable[[float, float, int], tuple[NDArray[np.float32], NDArray[np.float32]]]
_Rows = list[tuple[float, float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Slip:
    """How far a sensor has turned about its limb (rad) and slid along it (m)."""

    turned: Path
    slid: Path

    def pass_on(self, chain: Chain) -> None:
        """Carry the forward pass from the limb to the sock."""
        chain.follow(self.turned, _LONG_AXIS)
        chain.slide(self.slid, _LONG_AXIS)


def draw_slip(draw: Draw, sight: _Sight, from_s: float, to_s: float) -> Slip:
    """All slips of one sock between two times: slow ones of minutes, small sudden ones at strong movements.

    Args:
        draw: Random stream.
        sight: What a firm sensor there sees, as (acceleration in g, angular rate), for start, interval, number.
        from_s: Begin in seconds.
        to_s: End in seconds.
    """
    begin_s = max(from_s, 0.0)
    way = draw.sign()
    turns, slides = _slow(draw, begin_s, to_s, way)
    for at_s in _strong_moments(sight, begin_s, to_s):
        start, span = at_s + draw.between(0.0, 0.3), draw.between(0.1, 0.35)
        if not draw.chance(0.4) or start + span > to_s:
            continue
        turns.append((start, span, way * draw.log_between(0.02, 0.25) * (1.0 if draw.chance(0.8) else -1.0)))
        slides.append((start, span, -draw.log_between(0.0005, 0.004)))
    return Slip(Path.of(_within(turns, _TURN_LIMIT_RAD)), Path.of(_within(slides, _SLIDE_LIMIT_M)))


def _slow(draw: Draw, from_s: float, to_s: float, way: float) -> tuple[_Rows, _Rows]:
    turns, slides, at_s = list[tuple[float, float, float]](), list[tuple[float, float, float]](), from_s
    while to_s - at_s > _SHORTEST_S:
        whole = draw.log_between(60.0, 2400.0)
        span = min(whole, to_s - at_s)
        turns.append((at_s, span, way * draw.log_between(0.05, 0.8) * span / whole))
        if draw.chance(0.6):
            slides.append((at_s, span, -draw.log_between(0.001, 0.010) * span / whole))
        at_s += span * draw.between(0.5, 1.5) + draw.log_between(10.0, 1200.0)
    return turns, slides


def _strong_moments(sight: _Sight, from_s: float, to_s: float) -> list[float]:
    """Where movements begin that would shift a sock; looked up on a raster of its own, whatever samples it."""
    hits = []
    total = int((to_s - from_s) / _LOOK_S)
    for first in range(0, total, _LOOK_BLOCK):
        n = min(_LOOK_BLOCK, total - first)
        acc, _ = sight(from_s + first * _LOOK_S, _LOOK_S, n)
        departs = np.abs(np.linalg.norm(acc, axis=1) - 1.0)
        hits.append(from_s + (first + np.flatnonzero(departs > _STRONG_G)) * _LOOK_S)
    times = np.concatenate([np.empty(0), *hits])
    return [float(t) for t in times[np.diff(times, prepend=-np.inf) > _APART_S]]


def _within(rows: _Rows, limit: float) -> _Rows:
    """The same slips, each turned round that would lead beyond the limit."""
    kept, level = [], 0.0
    for at_s, span_s, delta in sorted(rows):
        change = -delta if abs(level + delta) > limit else delta
        level += change
        kept.append((at_s, span_s, change))
    return kept
