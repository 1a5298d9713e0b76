"""Trains of jerks in sleep.

Numbers cite the row BNSM in tables 1a, 1b and 1d of the project's clinical reference, [Fn] its sources,
[M] from memory of the literature, [E] an estimate, drawn from a wide range.
"""

from __future__ import annotations

from typing import Final, Literal

from dsp.records import Label
from firmware_sim.body import Arm
from firmware_sim.conveyance import rocking
from firmware_sim.draw import Draw, Wander
from firmware_sim.jerks import Limb, limbs_of
from firmware_sim.movement import Infant, Movement, mark_all, merged, nod
from firmware_sim.steps import StepList
from firmware_sim.synergy import Synergy, limb_synergy, trunk_synergy
from firmware_sim.vehicles import powered_cradle

__all__ = ["sleep_jerk_train"]

_Side = Literal["left", "right", "both"]
_Spread = Literal["bilateral", "unilateral", "focal", "multifocal"]

_FAST_SHARE: Final = 0.07
"""Share of trains faster than the typical 1-5 Hz, up to 15 Hz [F4]; the share itself [E]."""
_SPREADS: Final[tuple[_Spread, ...]] = ("bilateral", "unilateral", "focal", "multifocal")
_SPREAD_SHARES: Final = (0.72, 0.12, 0.06, 0.10)
"""Mostly bilateral and synchronous [F3]; focal, multifocal and one-sided ones exist [F6]; shares [E]."""
_ARM_LED_SHARE: Final = 0.6
"""Upper limbs more than lower [F6]; how often [E]."""
_RECOIL_BELOW_HZ: Final = 3.0
"""Slow enough for a limb to swing past its rest before the next jerk [E]."""
_SHORTEST_GAP_S: Final = 0.06
_LEAD_IN_S: Final = (15.0, 90.0)
"""Rocking goes on before it provokes [E]; rocking especially provokes them [F1,F8]."""


def sleep_jerk_train(
    draw: Draw,
    infant: Infant,
    *,
    trains: int | None = None,
    side: _Side | None = None,
    spread: _Spread | None = None,
    arms: bool | None = None,
    rate_hz: float | None = None,
    rhythmic: bool | None = None,
    train_s: float | None = None,
    rocked: bool = False,
    until_s: float | None = None,
) -> Movement:
    """Trains of jerks in sleep, with pauses between them.

    Typically 1-5 Hz, up to 15 [F4,F5]; rhythmic or not [F6], CV 0.15-0.5 [E]; trains of several seconds,
    2-3 or 10-20 s [F5,F7]; episodes of seconds to 20 minutes [F3]; EMG 40-300 ms [M]; ankle 0.1-0.6 g,
    trunk up to 0.15 g [E]. Habits of an episode (rate, strength, limbs) hold for all its trains.

    Args:
        draw: Random stream.
        infant: Whose body.
        trains: Number of trains; drawn when None.
        side: left, right or both.
        spread: bilateral, unilateral, focal or multifocal; follows from `side` when that is given.
        arms: Whether the arms lead.
        rate_hz: Jerks a second.
        rhythmic: Whether the interval keeps nearly the same.
        train_s: Length of each train.
        rocked: Whether a cradle or a person rocks all the while; the jerks ride on the sway.
        until_s: Nothing begins later but the first three jerks: who wakes stops abruptly [F1,F3,F43].
    """
    habit = _Habit(
        draw,
        infant,
        side=side,
        spread=spread,
        arms=arms,
        rate_hz=rate_hz,
        rhythmic=rhythmic,
        slides=not rocked,
    )
    parts: list[Movement] = []
    at = 0.0
    for _ in range(trains or draw.log_whole(1, 12)):
        left_s = float("inf") if until_s is None else until_s - at
        if parts and left_s < 4.0 / habit.rate_hz:
            break
        train = _train(draw, infant, habit, min(train_s or draw.log_between(2.0, 20.0), left_s))
        parts.append(train.shifted(at))
        at += train.duration_s + draw.log_between(2.5, 40.0)
    episode = merged(parts)
    return _rocked(draw, infant, episode) if rocked else episode


class _Habit:
    """What the jerks of one episode have in common."""

    __slots__ = (
        "cv",
        "gains",
        "lags_s",
        "peak_g",
        "pulls",
        "rate_hz",
        "rise_s",
        "side",
        "spread",
        "trunk",
        "trunk_pull",
    )

    def __init__(
        self,
        draw: Draw,
        infant: Infant,
        *,
        side: _Side | None,
        spread: _Spread | None,
        arms: bool | None,
        rate_hz: float | None,
        rhythmic: bool | None,
        slides: bool,
    ) -> None:
        given: _Spread | None = None if side is None else ("bilateral" if side == "both" else "unilateral")
        self.spread = spread or given or draw.one_of(_SPREADS, _SPREAD_SHARES)
        one_sided = self.spread in ("unilateral", "focal")
        self.side: str = side or (draw.one_of(("left", "right")) if one_sided else "both")
        self.rate_hz = rate_hz or (
            draw.between(5.0, 13.0) if draw.chance(_FAST_SHARE) else draw.log_between(1.0, 5.0)
        )
        steady = draw.chance(0.55) if rhythmic is None else rhythmic
        self.cv = draw.between(0.15, 0.28) if steady else draw.between(0.28, 0.5)
        self.peak_g = draw.log_between(0.1, 0.6)
        self.rise_s = min(draw.log_between(0.05, 0.22), 0.4 / self.rate_hz)
        self.trunk = draw.log_between(0.02, 0.25)
        recoil = draw.between(0.0, 0.15) if self.rate_hz < _RECOIL_BELOW_HZ else 0.0
        self.gains = self._gains(draw, draw.chance(_ARM_LED_SHARE) if arms is None else arms)
        self.pulls: dict[Limb, Synergy] = {
            limb: limb_synergy(draw, infant, limb, flex=draw.one_of((1.0, -1.0), (0.8, 0.2)), back=recoil)
            for limb in self.gains
        }
        self.trunk_pull = trunk_synergy(draw, infant, slides=slides)
        self.lags_s = {limb: draw.between(0.0, 0.03) for limb in self.gains}

    def _gains(self, draw: Draw, arms_lead: bool) -> dict[Limb, float]:
        """How strongly each limb takes part; 1 for an ankle of the table's strength."""
        limbs = limbs_of(self.side)
        if self.spread == "focal":
            return {draw.one_of(limbs): 1.0}
        arm = draw.between(1.0, 2.4) if arms_lead else draw.between(0.0, 0.8)
        leg = draw.log_between(0.7, 1.0) if arms_lead else 1.0
        weaker, weak_side = draw.between(0.4, 1.0), draw.sign()
        return {
            limb: (arm if isinstance(limb, Arm) else leg) * (weaker if limb.mirror == weak_side else 1.0)
            for limb in limbs
        }

    def taking_part(self, draw: Draw) -> list[tuple[Limb, float, float]]:
        """Limbs of the next jerk with their strengths and delays."""
        limbs = list(self.gains)
        if self.spread == "multifocal":
            limbs = [limb for limb in limbs if draw.chance(0.25)] or [draw.one_of(limbs)]
        return [
            (limb, self.gains[limb] * draw.spread(1.0, 0.15), self.lags_s[limb] + draw.between(0.0, 0.01))
            for limb in limbs
        ]


def _train(draw: Draw, infant: Infant, habit: _Habit, train_s: float) -> Movement:
    out, at, count = StepList(), 0.0, 0
    strength, pace = Wander(draw, 0.3, memory=0.7), Wander(draw, 0.12, memory=0.9)
    attack, decay = draw.between(0.3, 1.0), draw.between(0.3, 1.0)
    while count < 3 or at < train_s:
        done = min(at / train_s, 1.0)
        swell = min(attack + 4.0 * done, decay + 4.0 * (1.0 - done), 1.0)
        _jerk(out, draw, infant, at, habit, min(habit.peak_g * swell * strength.next(), 0.7))
        gap = draw.heavy(pace.next() / habit.rate_hz, habit.cv)
        at, count = at + min(max(gap, _SHORTEST_GAP_S), 3.0 / habit.rate_hz), count + 1
    return mark_all(out.build(), Label.SLEEP_JERK_TRAIN, "bnsm", count=count, side=habit.side)


def _jerk(out: StepList, draw: Draw, infant: Infant, at: float, habit: _Habit, peak: float) -> None:
    rise = draw.spread(habit.rise_s, 0.2)
    fall = min(rise * draw.between(1.2, 3.0), max(0.9 / habit.rate_hz, rise))
    overlap = -draw.between(0.0, 0.35) * rise
    timing = {"rise_s": rise, "fall_s": fall}
    for limb, gain, lag in habit.taking_part(draw):
        habit.pulls[limb].pull(out, draw, at + lag, peak_g=peak * gain, hold_s=overlap, **timing)
    trunk = min(peak * habit.trunk, 0.15)
    habit.trunk_pull.pull(out, draw, at + draw.between(0.0, 0.02), peak_g=trunk, **timing)
    if draw.chance(0.3):
        nod(out, draw, infant, at, peak_g=0.5 * trunk, reaction=0.0, **timing)


def _rocked(draw: Draw, infant: Infant, episode: Movement) -> Movement:
    before, after = draw.between(*_LEAD_IN_S), draw.between(*_LEAD_IN_S)
    sway = draw.one_of((powered_cradle, rocking))
    under = sway(draw, infant, duration_s=before + episode.duration_s + after)
    return merged([under, episode.shifted(before)])
