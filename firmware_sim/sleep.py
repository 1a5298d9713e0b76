"""Sleep of a night: which state when, and why the infant is awake in between.

Numbers cite table 2a of the project's clinical reference, [Fn] its sources, [E] an estimate, drawn wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from dsp.records import State
from firmware_sim.draw import Draw

__all__ = ["Bout", "Wake", "draw_hypnogram", "state_at"]

_ACTIVE_FIRST_BELOW_DAYS: Final = 91
"""Sleep begins with active sleep until about three months [F56]."""
_CYCLE_MIN: Final = (47.0, 60.0)
"""Mean length of an infant's cycles: 47-50 min [F36b], 50-60 min [F36]."""
_CYCLE_CV: Final = 0.12
"""From cycle to cycle [E]: the sources give means."""
_SETTLING_MIN: Final = (1.5, 6.0)
"""Active sleep turns into quiet sleep slowly, quiet into active at once [F59]; the minutes [E]."""
_AGES_DAYS: Final = (15.0, 60.0, 120.0, 240.0, 400.0)
_FEED_EVERY_H: Final = ((2.0, 3.5), (2.3, 5.0), (3.0, 7.0), (3.5, 12.0), (5.0, 20.0))
"""From feed to feed at night, by age [E]."""
_FEED_LASTS_MIN: Final = ((22.0, 50.0), (18.0, 45.0), (12.0, 35.0), (9.0, 25.0), (7.0, 20.0))
_SPELL_CHANCE: Final = (0.10, 0.07, 0.05, 0.05, 0.04)
"""Cycles after which a night's waking is long though nobody is hungry, by age [E]."""
_BRIEF_CHANCE: Final = (0.25, 0.3, 0.35, 0.4, 0.35)
"""Cycles that end in a short awakening, by age [E]."""


class Wake(StrEnum):
    """Why an infant is awake."""

    BEDTIME = "bedtime"
    FEED = "feed"
    SPELL = "spell"
    BRIEF = "brief"
    UNTOLD = ""
    """a scenario says that it is awake, not why"""


@dataclass(frozen=True, slots=True)
class Bout:
    """A stretch of one state, in seconds from the night's start."""

    state: State
    start_s: float
    end_s: float
    settling_s: float = 0.0
    """how long its beginning still resembles the state before"""
    drowsy_s: float = 0.0
    """how long its end already resembles sleep"""
    wake: Wake = Wake.UNTOLD

    @property
    def duration_s(self) -> float:
        """Seconds it lasts."""
        return self.end_s - self.start_s

    def settled(self, t_s: float) -> float:
        """How much it is itself at a time: 0 at its very beginning when it comes slowly, else 1."""
        return (
            1.0
            if self.settling_s <= 0.0
            else float(np.clip((t_s - self.start_s) / self.settling_s, 0.0, 1.0))
        )

    def drowsy(self, t_s: float) -> float:
        """How drowsy it is at a time: 0 awake, 1 on the brink of sleep."""
        return (
            0.0
            if self.drowsy_s <= 0.0
            else float(np.clip(1.0 - (self.end_s - t_s) / self.drowsy_s, 0.0, 1.0))
        )


@dataclass(slots=True)
class _Night:
    """Where the drawing of a night stands."""

    draw: Draw
    age_days: int
    cycle_min: float
    quiet_share: float
    hungry_s: float
    bouts: list[Bout]

    @property
    def end_s(self) -> float:
        return self.bouts[-1].end_s

    def append(
        self, state: State, span_s: float, *, settling_s: float = 0.0, wake: Wake = Wake.UNTOLD
    ) -> None:
        at = self.bouts[-1].end_s if self.bouts else 0.0
        drowsy = min(60.0 * self.draw.between(1.0, 8.0), 0.5 * span_s) if state is State.AWAKE else 0.0
        self.bouts.append(Bout(state, at, at + span_s, min(settling_s, 0.5 * span_s), drowsy, wake))


def draw_hypnogram(draw: Draw, age_days: int, duration_s: float) -> tuple[Bout, ...]:
    """States of a night: falling asleep, cycles of active and quiet sleep, now and then awake.

    An infant's cycles are 47-60 min long on average [F36,F36b]; its quiet share lies between the two
    published courses, 17-35 % over the first 24 weeks [F36] and 1:1 growing to 2:1 by 8 months [F36b].
    Young infants fall into active, older ones into quiet sleep [F56]. Hunger ends a cycle by waking; so do,
    more rarely, a short awakening or a long spell [E].
    """
    night = _Night(
        draw=draw,
        age_days=age_days,
        cycle_min=draw.between(*_CYCLE_MIN),
        quiet_share=_quiet_share(draw, age_days),
        hungry_s=0.0,
        bouts=[],
    )
    night.append(State.AWAKE, 60.0 * draw.between(2.0, 15.0), wake=Wake.BEDTIME)
    night.hungry_s = _next_feed_s(night)
    while night.end_s < duration_s:
        _sleep_a_cycle(night)
        _wake_perhaps(night)
    return tuple(_until(bout, duration_s) for bout in night.bouts if bout.start_s < duration_s)


def state_at(bouts: tuple[Bout, ...], t_s: float) -> State:
    """State at a time; unknown outside all bouts."""
    return next((b.state for b in bouts if b.start_s <= t_s < b.end_s), State.UNKNOWN)


def _sleep_a_cycle(night: _Night) -> None:
    cycle_s = 60.0 * night.draw.spread(night.cycle_min, _CYCLE_CV)
    quiet_s = cycle_s * night.quiet_share * night.draw.spread(1.0, 0.08)
    settling_s = 60.0 * night.draw.between(*_SETTLING_MIN)
    if night.age_days < _ACTIVE_FIRST_BELOW_DAYS:
        night.append(State.ACTIVE_SLEEP, cycle_s - quiet_s)
        night.append(State.QUIET_SLEEP, quiet_s, settling_s=settling_s)
    else:
        night.append(State.QUIET_SLEEP, quiet_s, settling_s=settling_s)
        night.append(State.ACTIVE_SLEEP, cycle_s - quiet_s)


def _wake_perhaps(night: _Night) -> None:
    draw, age = night.draw, night.age_days
    spell, brief = _by_age(age, _SPELL_CHANCE), _by_age(age, _BRIEF_CHANCE)
    luck, awake_min = draw.between(0.0, 1.0), draw.log_between(10.0, 60.0)
    feed_min = draw.between(*_range_by_age(age, _FEED_LASTS_MIN))
    if night.end_s >= night.hungry_s:
        night.append(State.AWAKE, 60.0 * feed_min, wake=Wake.FEED)
        night.hungry_s = _next_feed_s(night)
    elif luck < spell:
        night.append(State.AWAKE, 60.0 * awake_min, wake=Wake.SPELL)
    elif luck < spell + brief:
        night.append(State.AWAKE, 60.0 * min(0.1 * awake_min, 6.0), wake=Wake.BRIEF)


def _next_feed_s(night: _Night) -> float:
    return night.end_s + 3600.0 * night.draw.log_between(*_range_by_age(night.age_days, _FEED_EVERY_H))


def _quiet_share(draw: Draw, age_days: int) -> float:
    low = float(np.interp(age_days, [14, 168], [0.167, 0.348]))
    high = float(np.interp(age_days, [0, 240], [0.50, 0.667]))
    return draw.between(low, high)


def _by_age(age_days: int, values: tuple[float, ...]) -> float:
    return float(np.interp(age_days, _AGES_DAYS, values))


def _range_by_age(age_days: int, ranges: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    low, high = zip(*ranges, strict=True)
    return _by_age(age_days, low), _by_age(age_days, high)


def _until(bout: Bout, end_s: float) -> Bout:
    """The night's last bout ends with it; what it would have been drowsy for lies beyond."""
    if bout.end_s <= end_s:
        return bout
    return Bout(bout.state, bout.start_s, end_s, bout.settling_s, 0.0, bout.wake)
