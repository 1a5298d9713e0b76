"""What happens by itself: movements placed at random into the states they belong to, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

import numpy as np

from dsp.records import State
from firmware_sim.body import draw_rest
from firmware_sim.conveyance import carrying, patting, rocking
from firmware_sim.draw import Draw
from firmware_sim.handling import feed, handling
from firmware_sim.jerks import hiccups, spindle_twitches, startle, twitches
from firmware_sim.kicks import kicking
from firmware_sim.liveliness import enliven, fidgeting
from firmware_sim.moments import Diary, fitting_time
from firmware_sim.movement import Infant, Movement
from firmware_sim.rhythmic import rhythmic_movement, sandifer
from firmware_sim.scenario import Between, Habit, Option, Placed, Scenario
from firmware_sim.seizures import clonic, stiffening, tonic_clonic
from firmware_sim.sleep import Bout
from firmware_sim.sleep_jerks import sleep_jerk_train
from firmware_sim.spasms import bmei, spasm, spasm_cluster
from firmware_sim.steps import Channel, Steps
from firmware_sim.tremors import jitteriness, shuddering, sucking
from firmware_sim.vehicles import bouncing_chair, car, door_slam, powered_cradle, stroller
from firmware_sim.whole_body import arousal, crying, fussing, posture_change, stretch

__all__ = ["GENERATORS", "UnknownMovementError", "live_through", "place_all"]

GENERATORS: Final[Mapping[str, Callable[..., Movement]]] = {
    "arousal": arousal,
    "bmei": bmei,
    "bouncing_chair": bouncing_chair,
    "car": car,
    "carrying": carrying,
    "clonic": clonic,
    "crying": crying,
    "door_slam": door_slam,
    "feed": feed,
    "fussing": fussing,
    "handling": handling,
    "hiccups": hiccups,
    "jitteriness": jitteriness,
    "kicking": kicking,
    "patting": patting,
    "powered_cradle": powered_cradle,
    "rhythmic_movement": rhythmic_movement,
    "rocking": rocking,
    "sandifer": sandifer,
    "shuddering": shuddering,
    "sleep_jerk_train": sleep_jerk_train,
    "spasm": spasm,
    "spasm_cluster": spasm_cluster,
    "spindle_twitches": spindle_twitches,
    "startle": startle,
    "stiffening": stiffening,
    "stretch": stretch,
    "stroller": stroller,
    "sucking": sucking,
    "tonic_clonic": tonic_clonic,
    "twitches": twitches,
}
"""Every kind a scenario may place. A new generator is known once it stands here."""

_POSTURE: Final = "posture_change"
_FIDGET: Final = "fidget"


class UnknownMovementError(LookupError):
    """No generator has this name."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"no movement is called {kind!r}; there are {', '.join(sorted(GENERATORS))}")


def place_all(scenario: Scenario, infant: Infant, bouts: tuple[Bout, ...], seed: int) -> list[Movement]:
    """The movements that the scenario asks for, each from a random stream of its own.

    Raises:
        UnknownMovementError: a kind without a generator.
    """
    seen: dict[str, int] = {}
    placed: list[Movement] = []
    diary = Diary()
    for row in scenario.placed:
        ordinal = seen[row.kind] = seen.get(row.kind, -1) + 1
        draw = Draw(seed, f"placed/{row.kind}/{ordinal}")
        placed.append(_place(row, infant, bouts, draw, diary))
    return placed


def _place(row: Placed, infant: Infant, bouts: tuple[Bout, ...], draw: Draw, diary: Diary) -> Movement:
    if row.kind not in GENERATORS:
        raise UnknownMovementError(row.kind)
    movement = enliven(GENERATORS[row.kind](draw, infant, **row.options), draw)
    span_s = movement.duration_s
    at_s = row.at_s if row.at_s is not None else fitting_time(draw, row.kind, bouts, span_s, diary)
    diary.take(at_s, at_s + span_s)
    return movement.shifted(at_s)


def live_through(
    scenario: Scenario,
    infant: Infant,
    bouts: tuple[Bout, ...],
    rest: dict[Channel, float],
    placed: list[Movement],
    seed: int,
) -> list[Movement]:
    """The movements of the background; none lies over another or over a placed one."""
    diary = Diary()
    for movement in placed:
        diary.take(movement.steps.begin_s, movement.duration_s)
    lived = _wakings(infant, bouts, diary, seed)
    for state in (State.QUIET_SLEEP, State.ACTIVE_SLEEP, State.AWAKE):
        for kind, per_hour in sorted(_rates(scenario, state, infant.age_days).items()):
            if kind not in (_POSTURE, _FIDGET):
                habits = scenario.background.habits.get(kind, {})
                lived += _sprinkle(kind, per_hour, state, infant, bouts, diary, seed, habits)
    return [*lived, *_postures(scenario, bouts, rest, diary, seed), _fidgets(scenario, bouts, seed)]


def _rates(scenario: Scenario, state: State, age_days: int) -> dict[str, float]:
    rates = dict(scenario.background.rates(state))
    if scenario.background.newborn_startles and state.is_sleep:
        per_hour = 10.6 if state is State.QUIET_SLEEP else 1.9  # day 2; none at four weeks [F29]
        rates["startle"] = rates.get("startle", 0.0) + per_hour * max(0.0, 1.0 - age_days / 28.0)
    return rates


def _wakings(infant: Infant, bouts: tuple[Bout, ...], diary: Diary, seed: int) -> list[Movement]:
    """Waking shows: a thrash, and mostly a stretch soon after."""
    draw, lived = Draw(seed, "background/waking"), []
    for before, after in pairwise(bouts):
        if not (before.state.is_sleep and after.state is State.AWAKE):
            continue
        first = enliven(arousal(draw, infant), draw).shifted(after.start_s)
        second = enliven(stretch(draw, infant), draw).shifted(first.duration_s + draw.between(2.0, 20.0))
        for movement, wanted in ((first, True), (second, draw.chance(0.7))):
            start = movement.marks[0].onset_s
            if wanted and diary.is_free(start, movement.duration_s):
                diary.take(start, movement.duration_s)
                lived.append(movement)
    return lived


def _sprinkle(
    kind: str,
    per_hour: float,
    state: State,
    infant: Infant,
    bouts: tuple[Bout, ...],
    diary: Diary,
    seed: int,
    habits: Mapping[str, Habit],
) -> list[Movement]:
    if kind not in GENERATORS:
        raise UnknownMovementError(kind)
    draw, lived = Draw(seed, f"background/{state}/{kind}"), []
    for bout in (b for b in bouts if b.state is state):
        for at_s in _moments(draw, bout, per_hour):
            options = {name: _settled(draw, habit) for name, habit in habits.items()}
            movement = enliven(GENERATORS[kind](draw, infant, **options), draw).shifted(at_s)
            if movement.duration_s < bout.end_s and diary.is_free(at_s, movement.duration_s):
                diary.take(at_s, movement.duration_s)
                lived.append(movement)
    return lived


def _settled(draw: Draw, habit: Habit) -> Option:
    if isinstance(habit, Between):
        return draw.between(habit.low, habit.high)
    return draw.one_of(habit) if isinstance(habit, tuple) else habit


def _moments(draw: Draw, bout: Bout, per_hour: float) -> list[float]:
    n = int(draw.rng.poisson(per_hour * bout.duration_s / 3600.0))
    return [float(t) for t in np.sort(draw.rng.uniform(bout.start_s, bout.end_s, n))]


def _postures(
    scenario: Scenario, bouts: tuple[Bout, ...], rest: dict[Channel, float], diary: Diary, seed: int
) -> list[Movement]:
    """Changes of posture follow one another: each starts where the last one led."""
    draw, now, lived = Draw(seed, "background/posture"), dict(rest), []
    for bout in bouts:
        per_hour = scenario.background.rates(bout.state).get(_POSTURE, 0.0)
        for at_s in _moments(draw, bout, per_hour):
            to = _next_posture(draw, now, scenario.age_days)
            movement = enliven(posture_change(draw, now, to), draw).shifted(at_s)
            if diary.is_free(at_s, movement.duration_s):
                diary.take(at_s, movement.duration_s)
                lived.append(movement)
                now = to
    return lived


def _fidgets(scenario: Scenario, bouts: tuple[Bout, ...], seed: int) -> Movement:
    """Too small to be an event: they bear no mark and may lie over anything."""
    draw = Draw(seed, "background/fidget")
    rates = [scenario.background.rates(bout.state).get(_FIDGET, 0.0) for bout in bouts]
    return Movement(
        Steps.join(fidgeting(draw, bout, r) for bout, r in zip(bouts, rates, strict=True) if r > 0.0)
    )


def _next_posture(draw: Draw, now: dict[Channel, float], age_days: int) -> dict[Channel, float]:
    """Mostly the legs lie down anew; older infants also turn to a side or onto the belly [E]."""
    fresh = draw_rest(draw)
    legs = {channel: angle for channel, angle in fresh.items() if channel >= Channel.L_HIP_FLEX}
    if draw.chance(0.6):
        return now | legs
    turn = draw.one_of((0.0, 1.3, -1.3, 3.0), (3.0, 1.0, 1.0, 0.02 if age_days < 150 else 1.0))
    return fresh | {Channel.ROOT_ROLL: fresh[Channel.ROOT_ROLL] + turn}
