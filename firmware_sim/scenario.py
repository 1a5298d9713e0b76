"""What a simulated night is to contain: an immutable description, readable from TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from dsp.records import State

__all__ = [
    "SCENARIOS",
    "Background",
    "Between",
    "Habit",
    "Option",
    "Phase",
    "Placed",
    "Scenario",
    "UnknownScenarioError",
    "named_scenario",
    "scenario_from_toml",
]

Option = float | int | str | bool


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


class UnknownScenarioError(LookupError):
    """No scenario has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no scenario is called {name!r}; there are {', '.join(sorted(SCENARIOS))}")


@dataclass(frozen=True, slots=True)
class Phase:
    """The infant is in one state for so many minutes."""

    state: State
    minutes: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A movement that must happen: at a time, or (None) at a drawn one in a state that suits it."""

    kind: str
    at_s: float | None = None
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Background:
    """Movements an hour that happen by themselves, by state and kind.

    All rates [E], but: six times more arousals in active than in quiet sleep [F54]. Newborn startles are
    added by age.
    """

    awake: Mapping[str, float] = field(default_factory=lambda: dict(_AWAKE))
    active_sleep: Mapping[str, float] = field(default_factory=lambda: dict(_ACTIVE))
    quiet_sleep: Mapping[str, float] = field(default_factory=lambda: dict(_QUIET))
    newborn_startles: bool = True
    habits: Mapping[str, Mapping[str, Habit]] = field(default_factory=dict)
    """options that movements of a kind get when they happen by themselves"""

    @staticmethod
    def none() -> Background:
        """Nothing happens by itself: for looking at one movement alone."""
        return Background({}, {}, {}, newborn_startles=False)

    def rates(self, state: State) -> Mapping[str, float]:
        """Kinds and rates an hour in this state."""
        rows = {State.AWAKE: self.awake, State.ACTIVE_SLEEP: self.active_sleep}
        return rows.get(state, self.quiet_sleep)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One night (or hour) to be simulated; with phases given, they decide its length."""

    name: str
    duration_s: float
    age_days: int
    phases: tuple[Phase, ...] = ()
    """drawn from the age when empty; the last one lasts to the end"""
    placed: tuple[Placed, ...] = ()
    background: Background = field(default_factory=Background)

    def lasting(self, duration_s: float) -> Scenario:
        """The same scenario cut or drawn out to another length."""
        return replace(self, duration_s=duration_s)


def named_scenario(name: str) -> Scenario:
    """A scenario that comes with the program.

    Raises:
        UnknownScenarioError: no such name.
    """
    if name not in SCENARIOS:
        raise UnknownScenarioError(name)
    return SCENARIOS[name]


def scenario_from_toml(text: str) -> Scenario:
    """Read a scenario.

    Keys: ``name duration_min age_days``, tables ``[[phase]]`` (state, minutes), ``[[movement]]`` (kind,
    at_min, and the kind's own options), ``[background.awake]`` and so on (kind = times an hour).

    Raises:
        tomllib.TOMLDecodeError: not TOML.
        KeyError: a key that must be there is missing.
        ValueError: a state that does not exist.
    """
    table = tomllib.loads(text)
    return Scenario(
        name=str(table["name"]),
        duration_s=60.0 * float(table["duration_min"]),
        age_days=int(table["age_days"]),
        phases=tuple(Phase(State(p["state"]), float(p["minutes"])) for p in table.get("phase", ())),
        placed=tuple(_placed(row) for row in table.get("movement", ())),
        background=Background(**table["background"]) if "background" in table else Background(),
    )


def _placed(row: Mapping[str, Option]) -> Placed:
    options = {key: value for key, value in row.items() if key not in ("kind", "at_min")}
    at_s = 60.0 * float(row["at_min"]) if "at_min" in row else None
    return Placed(str(row["kind"]), at_s, options)


_DEMO: Final = Scenario(
    name="demo_hour",
    duration_s=64 * 60.0,
    age_days=80,
    phases=(
        Phase(State.AWAKE, 3),
        Phase(State.ACTIVE_SLEEP, 14),
        Phase(State.QUIET_SLEEP, 20),
        Phase(State.ACTIVE_SLEEP, 13),
        Phase(State.AWAKE, 14),
    ),
    placed=(
        Placed("sleep_jerk_train", 20.5 * 60, {"trains": 1, "side": "both", "train_s": 9.0, "rate_hz": 2.6}),
        Placed("sleep_jerk_train", 31.2 * 60, {"trains": 1, "side": "both", "train_s": 12.0, "rate_hz": 3.4}),
        Placed("stretch", 50.4 * 60),
        Placed("kicking", 52.5 * 60, {"count": 12}),
        Placed(
            "spasm_cluster",
            56.5 * 60,
            {"count": 13, "gap_s": 11.0, "crescendo": True, "subtle": False, "busy": 0.25},
        ),
        Placed("crying", 60.6 * 60, {"duration_s": 25.0}),
        Placed("kicking", 62.0 * 60, {"count": 10}),
    ),
    background=Background(
        awake={"kicking": 25.0, "fussing": 6.0, "stretch": 3.0, "posture_change": 5.0, "fidget": 1500.0},
        newborn_startles=False,
    ),
)
"""A whole sleep cycle, both patterns that matter, and what looks like them, in just over an hour."""

SCENARIOS: Final[Mapping[str, Scenario]] = {
    scenario.name: scenario
    for scenario in (
        _DEMO,
        Scenario(name="quiet_night", duration_s=8 * 3600.0, age_days=120),
        Scenario(
            name="kicking_hour",
            duration_s=3600.0,
            age_days=180,
            phases=(Phase(State.AWAKE, 60),),
            background=Background(
                awake={
                    "kicking": 110.0,
                    "fussing": 20.0,
                    "stretch": 6.0,
                    "posture_change": 10.0,
                    "fidget": 2400.0,
                }
            ),
        ),
        Scenario(
            name="jerk_night",
            duration_s=8 * 3600.0,
            age_days=45,
            placed=tuple(Placed("sleep_jerk_train") for _ in range(14)),
        ),
    )
}
