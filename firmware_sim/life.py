"""What happens by itself, and how often: an hour of an infant's waking, active and quiet sleep at its age.

Numbers cite the tables of the project's clinical reference: [Fn] its sources, [M] from memory of the
literature, [E] an estimate. A rate without a mark is an estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from dsp.records import State
from firmware_sim.generators import Option

__all__ = ["Background", "Between", "Habit", "usual_background"]


@dataclass(frozen=True, slots=True)
class Between:
    """Drawn anew for each movement, evenly between the ends."""

    low: float
    high: float


Habit = Option | Between | tuple[Option, ...]
"""An option of a movement: always the same, drawn from a range, or one of several."""

_AWAKE: Final = {
    "kicking": 45.0,
    "fussing": 12.0,
    "stretch": 4.0,
    "crying": 0.6,
    "posture_change": 8.0,
    "fidget": 2400.0,
}
_ACTIVE: Final = {
    "twitches": 45.0,
    "fussing": 4.0,
    "arousal": 3.0,
    "stretch": 2.0,
    "startle": 0.2,
    "posture_change": 1.5,
    "fidget": 250.0,
}
_QUIET: Final = {"arousal": 0.5, "startle": 0.3, "posture_change": 0.3, "fidget": 20.0}
_HICCUPS_AWAKE: Final = 0.25
"""Bouts an hour awake, half of that asleep: 2.5 % of the monitored time [F23] in bouts of 8.4 min [F23]."""
_HICCUPS_ASLEEP: Final = 0.12
_SPINDLES_FROM_DAYS: Final = 91
"""Quiet-sleep twitches from about three months [F27]."""


@dataclass(frozen=True, slots=True)
class Background:
    """Movements an hour that happen by themselves, by state and kind.

    All rates [E], but: six times more arousals in active than in quiet sleep [F54]. Newborn startles are
    added by age. In drowsiness everything happens less often; a beginning of quiet sleep keeps something of
    active sleep.
    """

    awake: Mapping[str, float] = field(default_factory=lambda: dict(_AWAKE))
    active_sleep: Mapping[str, float] = field(default_factory=lambda: dict(_ACTIVE))
    quiet_sleep: Mapping[str, float] = field(default_factory=lambda: dict(_QUIET))
    newborn_startles: bool = True
    care: bool = True
    """whether somebody feeds, changes, pats and rocks the infant when it is awake for a reason"""
    habits: Mapping[str, Mapping[str, Habit]] = field(default_factory=dict)
    """options that movements of a kind get when they happen by themselves"""
    without: frozenset[str] = frozenset()
    """kinds that never happen by themselves, whatever the rates say"""

    @staticmethod
    def none() -> Background:
        """Nothing happens by itself: for looking at one movement alone."""
        return Background({}, {}, {}, newborn_startles=False, care=False)

    def rates(self, state: State) -> Mapping[str, float]:
        """Kinds and rates an hour in this state."""
        rows = {State.AWAKE: self.awake, State.ACTIVE_SLEEP: self.active_sleep}
        return rows.get(state, self.quiet_sleep)

    def may(self, kind: str) -> bool:
        """Whether a kind may happen by itself."""
        return kind not in self.without


def usual_background(age_days: int) -> Background:
    """What happens to most infants of this age.

    Startles fade by 4-6 months [M, row Moro]; jitteriness lives in the first ten days [F31c]; hiccups mostly
    before six months [row Hiccup]; comfort sucking fades in the second year [E]; twitches become fewer
    [row AS twitch, declines] and from three months visit quiet sleep too [F27].
    """
    startles, hiccups = _fading(age_days, 60, 180), _fading(age_days, 120, 540)
    awake = _AWAKE | {
        "startle": 0.6 * startles,
        "hiccups": _HICCUPS_AWAKE * hiccups,
        "sucking": 0.8 * _fading(age_days, 200, 700),
        "jitteriness": 3.0 * _fading(age_days, 5, 14),
    }
    active = _ACTIVE | {
        "twitches": 20.0 + 25.0 * _fading(age_days, 30, 400),
        "startle": 0.05 + 0.3 * startles,
        "hiccups": _HICCUPS_ASLEEP * hiccups,
        "sucking": 0.8 * _fading(age_days, 200, 700),
    }
    quiet = _QUIET | {"startle": 0.05 + 0.4 * startles}
    if age_days >= _SPINDLES_FROM_DAYS:
        quiet["spindle_twitches"] = 1.0
    return Background(_some(awake), _some(active), _some(quiet))


def _fading(age_days: int, from_days: float, to_days: float) -> float:
    return float(np.interp(age_days, [from_days, to_days], [1.0, 0.0]))


def _some(rates: dict[str, float]) -> dict[str, float]:
    return {kind: rate for kind, rate in rates.items() if rate > 0.0}
