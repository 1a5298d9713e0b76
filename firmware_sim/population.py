"""Infants and their nights, drawn from a seed: who they are, how they sleep, what happens to them.

A population is a declared mixture, denser in what is rare than life is, so that a few hundred nights tell something of
it; `no_clusters` nights are mixtures as in life, because false alarms an hour are counted on them.
Rates and shares without a source are estimates [E], drawn from wide ranges.
"""

from __future__ import annotations

from typing import Final

from firmware_sim.draw import Draw
from firmware_sim.generators import GENERATORS
from firmware_sim.life import Background, Between, Habit
from firmware_sim.scenario import Placed, Scenario

__all__ = ["MECHANISMS", "POPULATIONS", "UnknownMechanismError", "UnknownPopulationError", "draw_night"]

POPULATIONS: Final = ("general", "no_clusters", "shifted")
_KICKS: Final = ("trunk_carrying_kicks", "two_legged_kicks", "skewed_kicks", "held_kicks")
MECHANISMS: Final = frozenset({*_KICKS, *GENERATORS})
"""What can be left out: ways of kicking, and every kind of movement."""


class UnknownPopulationError(LookupError):
    """No population has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no population is called {name!r}; there are {', '.join(POPULATIONS)}")


class UnknownMechanismError(LookupError):
    """No mechanism has this name."""

    def __init__(self, names: frozenset[str]) -> None:
        wrong = ", ".join(repr(name) for name in sorted(names - MECHANISMS))
        super().__init__(
            f"nothing is called {wrong} that could be left out; there are {', '.join(sorted(MECHANISMS))}"
        )


def draw_night(
    seed: int,
    *,
    hours: float = 10.0,
    population: str = "general",
    without: frozenset[str] = frozenset(),
) -> Scenario:
    """One infant's night; ``make_night(draw_night(seed, ...), seed=seed)`` simulates it.

    Leaving out a mechanism changes nothing else in the scenario.

    Args:
        seed: Decides age, habits and everything that happens.
        hours: Length of the night.
        population: One of POPULATIONS.
        without: Mechanisms that do not occur, out of MECHANISMS.

    Raises:
        UnknownPopulationError: no population of that name.
        UnknownMechanismError: nothing of that name to leave out.
    """
    if population not in POPULATIONS:
        raise UnknownPopulationError(population)
    if without - MECHANISMS:
        raise UnknownMechanismError(without)
    who = Draw(seed, "population/who")
    age_days = who.whole(2, 548)
    placed = [row for row in _placed(seed, age_days, population) if row.kind not in without]
    return Scenario(
        name=population,
        duration_s=3600.0 * hours,
        age_days=age_days,
        placed=tuple(placed),
        background=Background(habits={"kicking": _kicks(without)}),
    )


def _kicks(without: frozenset[str]) -> dict[str, Habit]:
    habits: dict[str, Habit] = {}
    if "trunk_carrying_kicks" in without:
        habits["carry"] = Between(0.02, 0.15)
    if "two_legged_kicks" in without:
        habits["pattern"] = ("unilateral", "alternating")
    if "skewed_kicks" in without:
        habits["skew"] = 1.0
    if "held_kicks" in without:
        habits["held_s"] = Between(-0.06, 0.1)
    return habits


def _placed(seed: int, age_days: int, population: str) -> list[Placed]:
    draw = Draw(seed, "population/events")
    rows = [Placed("hiccups")] * int(draw.rng.poisson(1.0))
    if population != "no_clusters" and age_days > 28:
        rows += [Placed("spasm_cluster")] * draw.whole(0, 3)
    if age_days < 300:
        rows += [Placed("sleep_jerk_train")] * draw.whole(0, 8)
    return rows
