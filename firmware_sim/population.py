"""Infants and their nights, drawn from a seed: who they are, how they sleep, what happens to them.

A population is a declared mixture. `general` is denser in what is rare than life is, so that a few hundred nights
tell something of it. `no_clusters` holds no spasm and nothing that looks like a seizure, but every look-alike as
often as families meet it: false alarms an hour are counted on it. `shifted` is `general` with sizes, paces,
intervals, chips and wearing beyond what is usual. Rates and shares without a source are estimates [E], drawn wide;
rows and [Fn] are those of the project's clinical reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dsp.records import Site
from firmware_sim.draw import Draw
from firmware_sim.equipment import draw_chip_choice, draw_faults, draw_worn
from firmware_sim.generators import GENERATORS, Option
from firmware_sim.life import Background, Between, Habit, usual_background
from firmware_sim.scenario import Placed, Scenario

__all__ = ["MECHANISMS", "POPULATIONS", "UnknownMechanismError", "UnknownPopulationError", "draw_night"]

POPULATIONS: Final = ("general", "no_clusters", "shifted")
_KICKS: Final[Mapping[str, dict[str, Habit]]] = {
    "trunk_carrying_kicks": {"carry": Between(0.02, 0.15)},
    "two_legged_kicks": {"pattern": ("unilateral", "alternating")},
    "skewed_kicks": {"skew": 1.0},
    "held_kicks": {"held_s": Between(-0.06, 0.1)},
    "lifted_legs": {"form": ("kick", "push")},
}
"""Ways of kicking that can be left out, and what kicks are like without them."""
_WEARING: Final = ("loose", "slips", "off", "swapped")
MECHANISMS: Final = frozenset({*_KICKS, *_WEARING, *GENERATORS})
"""What can be left out: ways of kicking, ways of wearing, and every kind of movement."""
_AGES: Final = (((2, 90), 0.35), ((91, 365), 0.45), ((366, 548), 0.2))
"""Ages in days and their shares: each pattern's own age is well filled."""
_JERKS_UNTIL_DAYS: Final = 305
"""Sleep jerks are gone by ten months [F3]."""
_SPASMS_FROM_DAYS: Final = 28
"""Spasms begin from one month on, mostly later [F20]."""


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


@dataclass(frozen=True, slots=True)
class _Who:
    """Whose night is drawn. Each part of it has a stream of its own, so that leaving one out changes no other."""

    seed: int
    age_days: int
    population: str
    hours: float

    def draw(self, part: str) -> Draw:
        return Draw(self.seed, f"population/{part}")

    @property
    def shifted(self) -> bool:
        return self.population == "shifted"

    def beyond(self, part: str, low: tuple[float, float], high: tuple[float, float]) -> float:
        """A factor outside the usual: below or above."""
        draw = self.draw(part)
        return draw.between(*(low if draw.chance(0.5) else high))

    def often(self, part: str, per_night: float) -> int:
        """How many times in this night what comes so often in ten hours."""
        return int(self.draw(part).rng.poisson(per_night * self.hours / 10.0))


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
    age = Draw(seed, "population/age")
    span = age.one_of([ends for ends, _ in _AGES], [share for _, share in _AGES])
    who = _Who(seed, age.whole(*span), population, hours)
    placed = (*_look_alikes(who), *_jerks(who))
    if population != "no_clusters":
        placed += (*_spasms(who), *_benign(who), *_seizures(who))
    chip = draw_chip_choice(who.draw("chip"), shifted=who.shifted)
    worn = draw_worn(who.draw("worn"), 3600.0 * hours, shifted=who.shifted)
    return Scenario(
        name=population,
        duration_s=3600.0 * hours,
        age_days=who.age_days,
        placed=tuple(row for row in placed if row.kind not in without),
        background=_background(who, without),
        traits=_traits(who),
        chip=chip,
        sites=(Site.LA, Site.RA, Site.TR),
        worn=tuple(row for row in worn if row.kind not in without),
        faults=draw_faults(who.draw("faults"), 3600.0 * hours),
    )


def _traits(who: _Who) -> dict[str, float]:
    if not who.shifted:
        return {}
    return {
        "vigour": who.beyond("vigour", (0.45, 0.75), (1.4, 2.0)),
        "slowness": who.beyond("slowness", (0.75, 0.88), (1.15, 1.35)),
    }


def _background(who: _Who, without: frozenset[str]) -> Background:
    """The usual of the age, each kind more or less often in this infant; two thirds of it within a factor of two."""
    usual, draw = usual_background(who.age_days), who.draw("rates")
    kinds = sorted({*usual.awake, *usual.active_sleep, *usual.quiet_sleep})
    factor = {kind: draw.spread(1.0, 0.9) for kind in kinds}
    factor["kicking"] = draw.log_between(0.3, 3.0) * (
        who.beyond("kicks", (0.4, 0.6), (1.6, 2.5)) if who.shifted else 1.0
    )
    awake, active, quiet = (
        {kind: rate * factor[kind] for kind, rate in rates.items()}
        for rates in (usual.awake, usual.active_sleep, usual.quiet_sleep)
    )
    kicks = {
        name: habit for left_out in _KICKS if left_out in without for name, habit in _KICKS[left_out].items()
    }
    habits = {"kicking": kicks} if kicks else {}
    return replace(
        usual,
        awake=awake,
        active_sleep=active,
        quiet_sleep=quiet,
        newborn_startles="startle" not in without,
        habits=habits,
        without=without & frozenset(GENERATORS),
    )


def _some(kind: str, n: int, **options: Option) -> list[Placed]:
    return [Placed(kind, None, options) for _ in range(n)]


def _look_alikes(who: _Who) -> list[Placed]:
    """What surrounds a family: doors, prams, cars, cradles; and what some infants do at some age."""
    rows = _some("door_slam", who.often("door", 0.8))
    for kind, share, span_min in (
        ("stroller", 0.25, (10.0, 60.0)),
        ("car", 0.15, (10.0, 60.0)),
        ("powered_cradle", 0.2, (8.0, 90.0)),
    ):
        draw = who.draw(kind)
        n = (1 + who.often(f"{kind}s", 0.5)) if draw.chance(share) else 0
        spans = [min(60.0 * draw.log_between(*span_min), 900.0 * who.hours) for _ in range(n)]
        rows += [Placed(kind, None, {"duration_s": span}) for span in spans]
    draw = who.draw("habits")
    rocks, shudders = draw.chance(_rocking_share(who.age_days)), draw.chance(0.08)
    rows += _some("rhythmic_movement", (1 + who.often("rocks", 1.5)) if rocks else 0)
    rows += _some("shuddering", who.often("shudders", 3.0) if shudders and who.age_days >= 120 else 0)
    return rows


def _rocking_share(age_days: int) -> float:
    """59 % at nine months, 33 % at eighteen; begins at six months [F38b]. Not every night [E]: a third of it."""
    return float(np.interp(age_days, [179, 180, 274, 548], [0.0, 0.3, 0.59, 0.33])) / 3.0


def _jerks(who: _Who) -> list[Placed]:
    """Sleep jerks: many of the youngest here, one in three who has them beyond three months [F1], none after ten."""
    draw = who.draw("jerks")
    share = float(np.interp(who.age_days, [0, 60, 120, _JERKS_UNTIL_DAYS], [0.6, 0.5, 0.2, 0.0]))
    if not draw.chance(share):
        return []
    habits: dict[str, Option] = {}
    if who.shifted:
        habits["rate_hz"] = who.beyond("jerk_rate", (0.8, 1.0), (5.0, 9.0))
    episodes = max(1, round(draw.log_between(2.0, 25.0) * who.hours / 10.0))
    rows = _some("sleep_jerk_train", episodes, **habits)
    if draw.chance(0.3):  # provoked by rocking [F1,F8]
        rows += _some("sleep_jerk_train", draw.whole(1, 2), rocked=True, **habits)
    return rows


def _spasms(who: _Who) -> list[Placed]:
    """Half of the infants of the age have clusters and single spasms, all in the manner that is theirs.

    78 % of spasms lie in clusters [F10]; 7 of 44 infants have subtle ones only [F13e]; 12 of 60 are mostly
    asymmetric or asynchronous, the same side leading [F13c,F13d].
    """
    draw = who.draw("spasms")
    if who.age_days < _SPASMS_FROM_DAYS or not draw.chance(0.5):
        return []
    manner: dict[str, Option] = {"subtle": draw.chance(7 / 44)}
    if draw.chance(12 / 60):
        manner |= {"symmetry": draw.one_of(("asymmetric", "asynchronous"), (25.0, 7.0))}
        manner |= {"leader": draw.one_of(("left", "right"))}
    paced: dict[str, Option] = {}
    if who.shifted:
        paced["gap_s"] = who.beyond("gaps", (4.0, 5.5), (27.0, 38.0))
    rows = _some("spasm_cluster", 1 + who.often("clusters", 2.5), **manner, **paced)
    return rows + _some("spasm", who.often("singles", 5.0), **manner)


def _benign(who: _Who) -> list[Placed]:
    """Spasm-like movements of healthy infants, 1-12 months [F21] or 4-24 [F22]; clusters in 33-44 % of them."""
    draw = who.draw("bmei")
    if not 30 <= who.age_days <= 548 or not draw.chance(0.07):
        return []
    return _some("bmei", 1 + who.often("bmei_times", 3.0))


def _seizures(who: _Who) -> list[Placed]:
    """Clonic, tonic and tonic-clonic ones; febrile convulsions from six months [F44]."""
    rows: list[Placed] = []
    for kind, share, per_night in (("clonic", 0.15, 2.0), ("stiffening", 0.15, 3.0)):
        if who.draw(kind).chance(share):
            rows += _some(kind, 1 + who.often(f"{kind}_times", per_night))
    if who.draw("tonic_clonic").chance(0.06):
        rows += _some("tonic_clonic", 1, febrile=who.age_days >= 183)
    return rows
