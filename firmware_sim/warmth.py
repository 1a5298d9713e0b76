"""How warm a chip is in its sock: cold when put on, then between skin and room, wandering slowly.

No measurement of a sock's temperature was found: every number here is [E] and drawn from a wide range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from firmware_sim.draw import Draw

__all__ = ["REFERENCE_C", "Warmth", "draw_warmth"]

REFERENCE_C: Final = 25.0
"""Temperature for which data sheets state a part's errors, deg C."""

_STEP_S: Final = 10.0
"""Chips in socks change within minutes; ten seconds is fine enough for straight lines between."""
_ROOM_C: Final = (16.0, 26.0)
_SKIN_C: Final = (29.0, 35.0)
_COUPLING: Final = (0.5, 0.95)
"""Share of the way from room to skin at which the chip settles: under a blanket or kicked free."""
_SETTLING_S: Final = (180.0, 900.0)
_PUT_ON_BEFORE_S: Final = (0.0, 900.0)
_WANDER_K: Final = (0.2, 1.5)
_ROOM_PERIOD_S: Final = (1_800.0, 30_000.0)
_SKIN_PERIOD_S: Final = (1_200.0, 10_000.0)


@dataclass(frozen=True, slots=True, eq=False)
class Warmth:
    """Temperature of one chip through a night, deg C, on an even grid from the night's start on."""

    step_s: float
    chip_c: NDArray[np.float64]

    def at(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Temperature at times in seconds after the start, deg C."""
        return np.interp(t_s, self.times_s, self.chip_c)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Times of the grid, seconds after the start."""
        return np.arange(self.chip_c.size, dtype=np.float64) * np.float64(self.step_s)


def draw_warmth(
    room: Draw, sock: Draw, duration_s: float, *, off: Sequence[tuple[float, float]] = ()
) -> Warmth:
    """One chip's temperature.

    Args:
        room: Stream of the room, the same for all sensors of a night.
        sock: Stream of this sock.
        duration_s: Length of the night, seconds.
        off: Spans (from, to) in seconds in which it lies about and not on the body.
    """
    t_s = np.arange(0.0, duration_s + 2 * _STEP_S, _STEP_S)
    room_c = room.between(*_ROOM_C) + _wander(room, t_s, _ROOM_PERIOD_S)
    skin_c = sock.between(*_SKIN_C) + _wander(sock, t_s, _SKIN_PERIOD_S)
    worn = np.ones(t_s.size)
    for from_s, to_s in off:
        worn[(t_s >= from_s) & (t_s < to_s)] = 0.0
    aim_c = room_c + worn * sock.between(*_COUPLING) * (skin_c - room_c)
    settling_s = sock.between(*_SETTLING_S)
    begun_c = aim_c[0] + (room_c[0] - aim_c[0]) * np.exp(-sock.between(*_PUT_ON_BEFORE_S) / settling_s)
    return Warmth(_STEP_S, _settle(aim_c, float(begun_c), settling_s))


def _wander(draw: Draw, t_s: NDArray[np.float64], period_s: tuple[float, float]) -> NDArray[np.float64]:
    out = np.zeros(t_s.size)
    for _ in range(2):
        phase = draw.between(0.0, 2 * np.pi)
        out += draw.between(*_WANDER_K) * np.sin(2 * np.pi * t_s / draw.log_between(*period_s) + phase)
    return out


def _settle(aim_c: NDArray[np.float64], begun_c: float, settling_s: float) -> NDArray[np.float64]:
    keep = float(np.exp(-_STEP_S / settling_s))
    followed, _ = lfilter([1.0 - keep], [1.0, -keep], aim_c, zi=np.array([keep * begun_c]))
    return np.asarray(followed, dtype=np.float64)
