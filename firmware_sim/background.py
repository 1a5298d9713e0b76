"""What happens by itself: movements placed at random into the states they belong to, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from dsp.records import State
from firmware_sim.body import Lying, draw_lying, draw_rest, turned_least
from firmware_sim.care import cared_for
from firmware_sim.draw import Draw
from firmware_sim.generators import GENERATORS, Option, UnknownMovementError, make_movement
from firmware_sim.life import Background, Between, Habit
from firmware_sim.liveliness import enliven, fidgeting
from firmware_sim.moments import Diary, fitting_time
from firmware_sim.movement import Infant, Movement
from firmware_sim.scenario import Placed, Scenario
from firmware_sim.sleep import Bout
from firmware_sim.steps import Channel, Steps
from firmware_sim.whole_body import posture_change

__all__ = ["GENERATORS", "UnknownMovementError", "live_through", "place_all"]

_POSTURE: Final = "posture_change"
_FIDGET: Final = "fidget"
_FROM_OUTSIDE: Final = frozenset(
    {
        "bouncing_chair",
        "car",
        "carrying",
        "feed",
        "handling",
        "patting",
        "powered_cradle",
        "rocking",
        "stroller",
    }
)
"""Kinds that move the infant, one of them at a time; it goes on living its own life meanwhile."""
_SPARSE: Final = frozenset({"hiccups", "spindle_twitches", "sucking"})
"""Kinds that go on for minutes and leave room for everything else."""
_MACHINES: Final = frozenset({"car", "door_slam", "powered_cradle", "stroller"})
"""Nothing in them is alive, so that their motion is not made of units."""
_ROUSING: Final[Mapping[str, float]] = {"sleep_jerk_train": 6 / 38, "clonic": 0.4}
"""Episodes in sleep during which the infant rouses: 6 of 38 jerk episodes do not end by themselves [F3]; [E]."""
_DROWSY_SHARE: Final = 0.25
"""How much of waking movement is left on the brink of sleep [E]."""


def place_all(scenario: Scenario, infant: Infant, bouts: tuple[Bout, ...], seed: int) -> list[Movement]:
    """The movements that the scenario asks for, each from a random stream of its own.

    Raises:
        UnknownMovementError: a kind without a generator.
        BadOptionError: an option that the kind does not take.
    """
    seen: dict[str, int] = {}
    placed: list[Movement] = []
    diary = Diary()
    for row in scenario.placed:
        ordinal = seen[row.kind] = seen.get(row.kind, -1) + 1
        draw = Draw(seed, f"placed/{row.kind}/{ordinal}")
        placed += _place(row, infant, bouts, draw, diary)
    return placed


def _place(row: Placed, infant: Infant, bouts: tuple[Bout, ...], draw: Draw, diary: Diary) -> list[Movement]:
    movement = _made(row.kind, draw, infant, row.options)
    span_s = movement.duration_s
    if row.at_s is not None:
        diary.take(row.at_s, row.at_s + span_s)
        return [movement.shifted(row.at_s)]
    at_s = fitting_time(draw, row.kind, bouts, span_s, diary)
    diary.take(at_s, at_s + span_s)
    placed = [movement.shifted(at_s)]
    if draw.chance(_ROUSING.get(row.kind, 0.0)):
        rousing = _made("arousal", draw, infant, {})
        placed.append(rousing.shifted(at_s + draw.between(0.3, 0.9) * span_s))
    return placed


def _made(kind: str, draw: Draw, infant: Infant, options: Mapping[str, Option]) -> Movement:
    movement = make_movement(kind, draw, infant, options)
    return movement if kind in _MACHINES else enliven(movement, draw)


@dataclass(frozen=True, slots=True, eq=False)
class _Life:
    """One night's background while it is being written."""

    background: Background
    infant: Infant
    bouts: tuple[Bout, ...]
    seed: int
    own: Diary
    """of movements that exclude one another"""
    outside: Diary
    sparse: Diary

    def tried(self, kind: str, movement: Movement, start_s: float) -> list[Movement]:
        """The movement, if nothing else happens there."""
        diary = self.own
        if kind in _FROM_OUTSIDE:
            diary = self.outside
        elif kind in _SPARSE:
            diary = self.sparse
        if not diary.is_free(start_s, movement.duration_s):
            return []
        diary.take(start_s, movement.duration_s)
        return [movement]


def live_through(
    scenario: Scenario,
    infant: Infant,
    bouts: tuple[Bout, ...],
    rest: dict[Channel, float],
    placed: list[Movement],
    seed: int,
) -> list[Movement]:
    """The movements of the background; none lies over another or over a placed one."""
    life = _Life(scenario.life, infant, bouts, seed, Diary(), Diary(), Diary())
    for movement in placed:
        conveyed = all(mark.conveyed for mark in movement.marks)
        for diary in (life.outside,) if conveyed else (life.own, life.sparse):
            diary.take(movement.steps.begin_s, movement.duration_s)
    lived = _wakings(life) + _care(life)
    for state in (State.QUIET_SLEEP, State.ACTIVE_SLEEP, State.AWAKE):
        for kind, per_hour in sorted(_rates(life.background, state, infant.age_days).items()):
            if kind not in (_POSTURE, _FIDGET) and life.background.may(kind):
                lived += _sprinkle(life, kind, per_hour, state)
    return [*lived, *_postures(life, rest), _fidgets(life)]


def _rates(background: Background, state: State, age_days: int) -> dict[str, float]:
    rates = dict(background.rates(state))
    if background.newborn_startles and state.is_sleep:
        per_hour = 10.6 if state is State.QUIET_SLEEP else 1.9  # day 2; none at four weeks [F29]
        rates["startle"] = rates.get("startle", 0.0) + per_hour * max(0.0, 1.0 - age_days / 28.0)
    return rates


def _wakings(life: _Life) -> list[Movement]:
    """Waking shows: a thrash, and mostly a stretch soon after, with kicks in between or alone."""
    draw, lived = Draw(life.seed, "background/waking"), []
    for before, after in pairwise(life.bouts):
        if not (before.state.is_sleep and after.state is State.AWAKE):
            continue
        first = _made("arousal", draw, life.infant, {}).shifted(after.start_s)
        how = "waking_stretch" if draw.chance(0.35) else "stretch"
        second = _made(how, draw, life.infant, {}).shifted(first.duration_s + draw.between(2.0, 20.0))
        stretches = draw.chance(0.7) and second.duration_s < after.end_s
        if life.background.may("arousal"):
            lived += life.tried("arousal", first, after.start_s)
        if stretches and life.background.may(how):
            lived += life.tried(how, second, second.marks[0].onset_s)
    return lived


def _care(life: _Life) -> list[Movement]:
    if not life.background.care:
        return []
    done = cared_for(Draw(life.seed, "background/care"), life.infant, life.bouts, life.background)
    return [kept for kind, row in done for kept in life.tried(kind, row, row.steps.begin_s)]


def _sprinkle(life: _Life, kind: str, per_hour: float, state: State) -> list[Movement]:
    draw, lived = Draw(life.seed, f"background/{state}/{kind}"), []
    habits = life.background.habits.get(kind, {})
    for bout in life.bouts:
        for at_s in _moments(draw, bout, state, per_hour):
            options = {name: _settled(draw, habit) for name, habit in habits.items()}
            movement = _made(kind, draw, life.infant, options).shifted(at_s)
            if movement.duration_s < bout.end_s:
                lived += life.tried(kind, movement, at_s)
    return lived


def _settled(draw: Draw, habit: Habit) -> Option:
    if isinstance(habit, Between):
        return draw.between(habit.low, habit.high)
    return draw.one_of(habit) if isinstance(habit, tuple) else habit


def _moments(draw: Draw, bout: Bout, state: State, per_hour: float) -> list[float]:
    """Times in a bout at which something of this state happens, fewer where the state is not yet or no longer whole."""
    share = _share(bout, state)
    if share is None:
        return []
    n = int(draw.rng.poisson(per_hour * bout.duration_s / 3600.0))
    times = np.sort(draw.rng.uniform(bout.start_s, bout.end_s, n)).tolist()
    return [t for t in times if draw.chance(share(t))]


def _share(bout: Bout, state: State) -> Callable[[float], float] | None:
    """How much of a state there is in a bout over time; None when there is nothing."""
    if bout.state is State.AWAKE:
        awake = lambda t: 1.0 - (1.0 - _DROWSY_SHARE) * bout.drowsy(t)  # noqa: E731 - three small curves
        return awake if state is State.AWAKE else None
    if bout.state is State.QUIET_SLEEP and state is State.ACTIVE_SLEEP and bout.settling_s > 0.0:
        return lambda t: 1.0 - bout.settled(t)
    return bout.settled if bout.state is state else None


def _postures(life: _Life, rest: dict[Channel, float]) -> list[Movement]:
    """Changes of posture follow one another: each starts where the last one led."""
    draw, lived = Draw(life.seed, "background/posture"), []
    lying, now = Lying.SUPINE, dict(rest)
    for bout in life.bouts:
        per_hour = life.background.rates(bout.state).get(_POSTURE, 0.0)
        for at_s in _moments(draw, bout, bout.state, per_hour):
            then, to = _next_posture(draw, lying, now, life.infant.age_days)
            movement = enliven(posture_change(draw, now, to), draw).shifted(at_s)
            if kept := life.tried(_POSTURE, movement, at_s):
                lived += kept
                lying, now = then, to
    return lived


def _fidgets(life: _Life) -> Movement:
    """Too small to be an event: they bear no mark and may lie over anything."""
    draw = Draw(life.seed, "background/fidget")
    rates = [life.background.rates(bout.state).get(_FIDGET, 0.0) for bout in life.bouts]
    return Movement(
        Steps.join(fidgeting(draw, bout, r) for bout, r in zip(life.bouts, rates, strict=True) if r > 0.0)
    )


def _next_posture(
    draw: Draw, lying: Lying, now: dict[Channel, float], age_days: int
) -> tuple[Lying, dict[Channel, float]]:
    """Mostly the legs lie down anew; otherwise the infant turns as far as one of its age can [E]."""
    if draw.chance(0.6):
        fresh = draw_rest(draw, lying=lying)
        return lying, now | {
            channel: fresh[channel] for channel in fresh if Channel.L_HIP_FLEX <= channel <= Channel.R_KNEE
        }
    then = draw_lying(draw, age_days)
    return then, turned_least(now, draw_rest(draw, lying=then))
