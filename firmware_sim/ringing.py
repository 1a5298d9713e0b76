"""A loose sock rings: the sensor turns and shifts against the limb, driven by the limb's own acceleration.

A damped second-order system for each way to give. Its answer is worked out once, on a raster of its own,
and kept as a cubic spline: smooth, with derivatives in closed form, and the same whatever samples it. Passed
through the chain like a joint, its angular rate appears in the gyroscope, its acceleration in the
accelerometer, and gravity turns with it; gravity also makes it sag.

References:
    Den Hartog (1956), Mechanical Vibrations, ch. 2 (motion of a sprung mass whose base is moved).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import spline_filter1d
from scipy.signal import cont2discrete, lfilter, lfilter_zi

from firmware_sim.chain import GRAVITY, Chain
from firmware_sim.draw import Draw
from firmware_sim.splines import Spline
from firmware_sim.steps import Path

__all__ = ["Ring", "draw_ring"]

_RATE_HZ: Final = (5.0, 15.0)
"""Own frequency of a sensor in a sock [E]."""
_DAMPING: Final = (0.06, 0.30)
"""Share of critical damping: textile on skin, a few swings until it is still [E]."""
_SAG_RAD: Final = (0.015, 0.10)
"""Turn under its own weight, rad in 1 g [E]."""
_LEVER_M: Final = (0.004, 0.012)
"""Height of the sensor's middle above the skin it hangs from [E]."""
_TURN_END_RAD: Final = 0.6
_SHIFT_END_M: Final = 0.02
"""Where the sock is taut [E]."""
_EASE_S: Final = (4.0, 30.0)
"""It works loose, and is pulled tight, within some seconds [E]; a sudden begin would be a jump."""
_KNOT_S: Final = 1.0 / 104.0
"""Seven knots in the fastest swing."""
_BLOCK: Final = 16_384
_BEFORE_S: Final = 1.0
"""A sock that was loose before the night rings in before its first sample."""

_Force = Callable[[float, float, int], NDArray[np.float32]]
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ring:
    """How a loose sensor has turned (rad) and shifted (m) against its limb, about and along x, y and z."""

    turned: tuple[Path, Path, Path]
    shifted: tuple[Path, Path, Path]
    lever_m: tuple[float, float, float]

    def pass_on(self, chain: Chain) -> None:
        """Carry the forward pass from the skin to the sensor."""
        for axis, path in enumerate(self.turned):
            chain.follow(path, axis)
        chain.offset(self.lever_m)
        for axis, path in enumerate(self.shifted):
            chain.slide(path, axis)


@dataclass(frozen=True, slots=True)
class _Swing:
    """One damped way to give: filter coefficients from where force alone would hold it to where it is."""

    b: _Floats
    a: _Floats

    @staticmethod
    def of(rate_hz: float, damping: float) -> _Swing:
        w = 2.0 * np.pi * rate_hz
        b, a, _ = cont2discrete(
            (np.array([w * w]), np.array([1.0, 2.0 * damping * w, w * w])), _KNOT_S, method="foh"
        )
        return _Swing(np.ravel(b), np.ravel(a))

    def answer(self, target: _Floats) -> _Floats:
        """Where it is while the target moves; it begins at rest at the first target."""
        start = lfilter_zi(self.b, self.a) * target[0]
        return np.asarray(lfilter(self.b, self.a, target, zi=start)[0], np.float64)


def draw_ring(
    draw: Draw, force: _Force, outward: tuple[float, float, float], from_s: float, to_s: float, end_s: float
) -> Ring:
    """The ringing of one loose sock.

    Args:
        draw: Random stream.
        force: Specific force where it hangs, m/s^2 in the limb's axes, for start, interval and number.
        outward: Unit vector from the limb to the sensor, in the limb's axes.
        from_s: When it comes loose, seconds; loose before the night when 0 or less.
        to_s: When it is tight again; stays loose when beyond the end.
        end_s: End of the night.
    """
    begins, ends = from_s > 0.0, to_s < end_s
    t0_s = (from_s if begins else 0.0) - _BEFORE_S
    n = int(((to_s if ends else end_s) + _BEFORE_S - t0_s) / _KNOT_S)
    ease_s = min(draw.between(*_EASE_S), 0.4 * (min(to_s, end_s) - from_s))
    rows = [(from_s, ease_s, 1.0)] * begins + [(to_s - ease_s, ease_s, -1.0)] * ends
    give = _held(Path.of(rows, rest=0.0 if begins else 1.0), t0_s, n)
    pushed = np.concatenate(
        [force(t0_s + k * _KNOT_S, _KNOT_S, min(_BLOCK, n - k)) for k in range(0, n, _BLOCK)]
    )
    sag = draw.log_between(*_SAG_RAD) / GRAVITY
    turned = []
    for axis in range(3):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        target = sag * (outward[j] * pushed[:, i].astype(np.float64) - outward[i] * pushed[:, j])
        turned.append(_path(_swing(draw).answer(target), give, _TURN_END_RAD, t0_s))
    shifted = []
    for axis in range(3):
        rate_hz = draw.between(*_RATE_HZ)
        target = -pushed[:, axis].astype(np.float64) / (2.0 * np.pi * rate_hz) ** 2
        swing = _Swing.of(rate_hz, draw.log_between(*_DAMPING))
        shifted.append(_path(swing.answer(target), give, _SHIFT_END_M, t0_s))
    lever = draw.between(*_LEVER_M)
    x, y, z = (lever * part for part in outward)
    return Ring((turned[0], turned[1], turned[2]), (shifted[0], shifted[1], shifted[2]), (x, y, z))


def _swing(draw: Draw) -> _Swing:
    return _Swing.of(draw.between(*_RATE_HZ), draw.log_between(*_DAMPING))


def _held(path: Path, t0_s: float, n: int) -> _Floats:
    curve = path.curve(t0_s, _KNOT_S, n)
    return np.full(n, path.level(t0_s)) if curve is None else curve.value.astype(np.float64)


def _path(answer: _Floats, give: _Floats, end: float, t0_s: float) -> Path:
    """The answer as a smooth path, softly stopped where the sock is taut."""
    taut = np.square(answer / end)
    taut += 1.0
    stopped = np.multiply(answer, give, out=answer)
    stopped /= np.sqrt(taut, out=taut)
    weights = spline_filter1d(stopped, order=3, mode="mirror").astype(np.float32)
    none = np.empty(0)
    return Path(none, none, none, 0.0, (Spline(0, t0_s, _KNOT_S, weights),))
