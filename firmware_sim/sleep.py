"""Sleep of a night: which state when, and the breathing that goes with it.

Numbers cite table 2a of the project's clinical reference, [Fn] its sources, [E] an estimate, drawn wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import State
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant
from firmware_sim.steps import Channel, Steps

__all__ = ["Bout", "breathing", "breathing_band_hz", "draw_hypnogram", "state_at"]

_ACTIVE_FIRST_BELOW_DAYS: Final = 91
"""Sleep begins with active sleep until about three months [F56]."""
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


@dataclass(frozen=True, slots=True)
class Bout:
    """A stretch of one state, in seconds from the night's start."""

    state: State
    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Seconds it lasts."""
        return self.end_s - self.start_s


def draw_hypnogram(draw: Draw, age_days: int, duration_s: float) -> tuple[Bout, ...]:
    """States of a night: falling asleep, cycles of active and quiet sleep, now and then awake.

    Cycles 47-60 min [F36,F36b]; the quiet share between the two published courses, 17-35 % over the first
    24 weeks [F36] and 1:1 growing to 2:1 by 8 months [F36b]; awake 3-25 min between cycles [E].
    """
    bouts: list[Bout] = []
    at = _append(bouts, State.AWAKE, 0.0, 60.0 * draw.between(2.0, 15.0))
    while at < duration_s:
        cycle = 60.0 * draw.between(47.0, 60.0)
        quiet = cycle * _quiet_share(draw, age_days)
        order = [(State.ACTIVE_SLEEP, cycle - quiet), (State.QUIET_SLEEP, quiet)]
        for state, span in order if age_days < _ACTIVE_FIRST_BELOW_DAYS else reversed(order):
            at = _append(bouts, state, at, span)
        if draw.chance(0.3):
            at = _append(bouts, State.AWAKE, at, 60.0 * draw.between(3.0, 25.0))
    return tuple(Bout(b.state, b.start_s, min(b.end_s, duration_s)) for b in bouts if b.start_s < duration_s)


def state_at(bouts: tuple[Bout, ...], t_s: float) -> State:
    """State at a time; unknown outside all bouts."""
    return next((b.state for b in bouts if b.start_s <= t_s < b.end_s), State.UNKNOWN)


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

    2-10 mg of tilt [E]; regular in quiet sleep, irregular with pauses in active sleep [F58,F59].
    """
    aslant = draw.between(0.1, 0.6) * draw.sign()
    carried = draw.between(0.02, 0.2)
    return Steps.join(_bout_breaths(draw, infant, bout, aslant, carried) for bout in bouts)


def _bout_breaths(draw: Draw, infant: Infant, bout: Bout, aslant: float, carried: float) -> Steps:
    low, high = breathing_band_hz(bout.state, infant.age_days)
    rate = float(np.exp(np.log(low * high) / 2 + infant.breath_rank * np.log(high / low) / 3.29))
    rate *= draw.spread(1.0, 0.06)
    start, period = _breath_times(draw, bout, rate)
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


def _breath_times(draw: Draw, bout: Bout, rate_hz: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    cv = draw.between(*_BREATH_CV[bout.state])
    n = int(bout.duration_s * rate_hz * 2.0) + 8
    wander = np.convolve(_normal(draw, n + 19), np.full(20, 20**-0.5), mode="valid")
    period = np.exp(cv * (0.8 * _normal(draw, n) + 0.6 * wander)) / rate_hz
    pause = draw.rng.uniform(2.0, 6.0, n) * (draw.rng.random(n) < _PAUSE_CHANCE[bout.state])
    start = bout.start_s + np.concatenate([[0.0], np.cumsum(period + pause)[:-1]])
    inside = start + period < bout.end_s
    return start[inside], period[inside]


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


def _quiet_share(draw: Draw, age_days: int) -> float:
    low = float(np.interp(age_days, [14, 168], [0.167, 0.348]))
    high = float(np.interp(age_days, [0, 240], [0.50, 0.667]))
    return draw.between(low, high)


def _append(bouts: list[Bout], state: State, at_s: float, span_s: float) -> float:
    bouts.append(Bout(state, at_s, at_s + span_s))
    return at_s + span_s
