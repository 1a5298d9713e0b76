"""Breathing: every breath of a night as a tilt of the chest.

Numbers cite table 2a of the project's clinical reference, [Fn] its sources, [M] from memory of the
literature, [E] an estimate, drawn wide.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import State
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant
from firmware_sim.sleep import Bout
from firmware_sim.steps import Channel, Steps

__all__ = ["breathing", "breathing_band_hz"]

_BAND_AGES_DAYS: Final = (15.0, 280.0)
"""First month, and above nine months [F57]; in between a straight line [E]."""
_BANDS_HZ: Final = {
    State.ACTIVE_SLEEP: ((25.8 / 60, 47.7 / 60), (17.8 / 60, 27.7 / 60)),
    State.QUIET_SLEEP: ((27.4 / 60, 51.5 / 60), (17.8 / 60, 29.2 / 60)),
}
_AWAKE_FACTOR: Final = 61 / 42
"""Awake over asleep below six months [F60]."""
_BREATH_CV: Final = {
    State.QUIET_SLEEP: (0.02, 0.07),
    State.ACTIVE_SLEEP: (0.14, 0.35),
    State.AWAKE: (0.15, 0.4),
}
"""Breath to breath [E]; active above quiet at every age [F58,F59]."""
_PAUSE_CHANCE: Final = {State.QUIET_SLEEP: 0.002, State.ACTIVE_SLEEP: 0.02, State.AWAKE: 0.005}
"""Breaths followed by a pause of 2-6 s [E]."""
_PERIODIC_UNTIL_DAYS: Final = 180.0
"""Periodic breathing is frequent in the first weeks and rare after half a year [M]."""

_Floats = NDArray[np.float64]


def breathing_band_hz(state: State, age_days: int) -> tuple[float, float]:
    """5th and 95th percentile of the breathing rate at this age, in Hz [F57]; awake scaled by [F60]."""
    asleep = State.QUIET_SLEEP if state is State.QUIET_SLEEP else State.ACTIVE_SLEEP
    young, old = _BANDS_HZ[asleep]
    factor = _AWAKE_FACTOR if state is State.AWAKE else 1.0
    low, high = (
        factor * float(np.interp(age_days, _BAND_AGES_DAYS, ends)) for ends in zip(young, old, strict=True)
    )
    return low, high


def breathing(draw: Draw, infant: Infant, bouts: tuple[Bout, ...]) -> Steps:
    """Every breath of the night as a tilt of the chest, a little of it carried to the pelvis.

    2-10 mg of tilt [E]; regular in quiet sleep, irregular with pauses in active sleep [F58,F59]; periodic
    in some young infants: three pauses or more of 4 s and more, 30 s apart at most [F43].
    """
    aslant = draw.between(0.1, 0.6) * draw.sign()
    carried = draw.between(0.02, 0.2)
    periodic = draw.aside("periodic")
    per_hour = periodic.log_between(0.02, 3.0) * max(0.0, 1.0 - infant.age_days / _PERIODIC_UNTIL_DAYS)
    return Steps.join(
        _bout_breaths(draw, infant, bout, aslant, carried, _Periodic(periodic, per_hour)) for bout in bouts
    )


class _Periodic:
    """Stretches of breathing that wanes and waxes, some an hour of sleep."""

    __slots__ = ("_draw", "_per_hour")

    def __init__(self, draw: Draw, per_hour: float) -> None:
        self._draw, self._per_hour = draw, per_hour

    def pauses_s(self, bout: Bout, n: int, period_s: float) -> _Floats:
        """Pause after each of `n` breaths; zeros when the bout has no such stretch."""
        pauses = np.zeros(n)
        if not bout.state.is_sleep:
            return pauses
        draw = self._draw
        for _ in range(int(draw.rng.poisson(self._per_hour * bout.duration_s / 3600.0))):
            at = draw.whole(0, max(n - 2, 1))
            breaths, pause_s = draw.between(6.0, 20.0) / period_s, draw.between(4.2, 8.0)
            for _ in range(draw.log_whole(3, 14)):
                if at >= n:
                    break
                pauses[at] = max(draw.spread(pause_s, 0.15), 4.0)
                at += max(int(draw.spread(breaths, 0.15)), 3)
        return pauses


def _bout_breaths(
    draw: Draw, infant: Infant, bout: Bout, aslant: float, carried: float, periodic: _Periodic
) -> Steps:
    low, high = breathing_band_hz(bout.state, infant.age_days)
    rate = float(np.exp(np.log(low * high) / 2 + infant.breath_rank * np.log(high / low) / 3.29))
    rate *= draw.spread(1.0, 0.06)
    start, period = _breath_times(draw, bout, rate, periodic)
    tilt = infant.breath_tilt_g * np.exp(
        0.5 * draw.between(*_BREATH_CV[bout.state]) * _normal(draw, period.size)
    )
    tilt = np.where(draw.rng.random(period.size) < 0.006, 2.2, 1.0) * tilt
    return Steps.join(
        _breaths(channel, start, period, -share * tilt)
        for channel, share in (
            (Channel.SPINE_FLEX, 1.0),
            (Channel.SPINE_BEND, aslant),
            (Channel.ROOT_PITCH, carried),
        )
    )


def _breath_times(draw: Draw, bout: Bout, rate_hz: float, periodic: _Periodic) -> tuple[_Floats, _Floats]:
    cv = draw.between(*_BREATH_CV[bout.state])
    n = int(bout.duration_s * rate_hz * 2.0) + 8
    wander = np.convolve(_normal(draw, n + 19), np.full(20, 20**-0.5), mode="valid")
    about_s = bout.start_s + np.arange(n) / rate_hz
    spread, slower = _passing(draw, bout, about_s, cv)
    period = slower * np.exp(spread * (0.8 * _normal(draw, n) + 0.6 * wander)) / rate_hz
    pause = draw.rng.uniform(2.0, 6.0, n) * (draw.rng.random(n) < _PAUSE_CHANCE[bout.state])
    pause = np.maximum(pause, periodic.pauses_s(bout, n, 1.0 / rate_hz))
    start = bout.start_s + np.concatenate([[0.0], np.cumsum(period + pause)[:-1]])
    inside = start + period < bout.end_s
    return start[inside], period[inside]


def _passing(draw: Draw, bout: Bout, about_s: _Floats, cv: float) -> tuple[_Floats, _Floats]:
    """Breath-to-breath variation and slowing through a bout: quiet sleep comes slowly, sleep is near in drowsiness."""
    other = draw.between(*_BREATH_CV[State.ACTIVE_SLEEP])
    if bout.settling_s > 0.0:
        settled = np.clip((about_s - bout.start_s) / bout.settling_s, 0.0, 1.0)
        return cv * settled + other * (1.0 - settled), np.ones_like(about_s)
    if bout.drowsy_s > 0.0:
        drowsy = np.clip(1.0 - (bout.end_s - about_s) / bout.drowsy_s, 0.0, 1.0)
        return cv * (1.0 - drowsy) + other * drowsy, 1.0 + drowsy * (_AWAKE_FACTOR - 1.0)
    return np.full_like(about_s, cv), np.ones_like(about_s)


def _breaths(
    channel: Channel,
    start: NDArray[np.float64],
    period: NDArray[np.float64],
    tilt: NDArray[np.float64],
) -> Steps:
    """In over 42 % of a breath, out over 50 %, then a rest [E]."""
    return Steps(
        np.full(2 * start.size, int(channel), np.int8),
        np.concatenate([start, start + 0.42 * period]),
        np.concatenate([0.42 * period, 0.50 * period]),
        np.concatenate([tilt, -tilt]),
    )


def _normal(draw: Draw, n: int) -> NDArray[np.float64]:
    return np.clip(draw.rng.standard_normal(n), -2.5, 2.5)
