"""The scenarios that come with the program, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dsp.records import State
from firmware_sim.confounders import CONFOUNDERS
from firmware_sim.life import Background
from firmware_sim.scenario import Phase, Placed, Scenario

__all__ = ["SCENARIOS", "UnknownScenarioError", "named_scenario"]


class UnknownScenarioError(LookupError):
    """No scenario has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no scenario is called {name!r}; there are {', '.join(sorted(SCENARIOS))}")


def named_scenario(name: str) -> Scenario:
    """A scenario that comes with the program.

    Raises:
        UnknownScenarioError: no such name.
    """
    if name not in SCENARIOS:
        raise UnknownScenarioError(name)
    return SCENARIOS[name]


_DEMO: Final = Scenario(
    name="demo_hour",
    about="a whole sleep cycle with jerks in it, a waking, a cluster, and kicks before and after",
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
        Placed(
            "sleep_jerk_train",
            20.5 * 60,
            {"trains": 1, "side": "both", "arms": False, "train_s": 9.0, "rate_hz": 2.6},
        ),
        Placed(
            "sleep_jerk_train",
            31.2 * 60,
            {"trains": 1, "side": "both", "arms": False, "train_s": 12.0, "rate_hz": 3.4},
        ),
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
        Scenario(
            name="quiet_night",
            duration_s=8 * 3600.0,
            age_days=120,
            about="a night like most: nothing is placed, everything usual happens",
        ),
        Scenario(
            name="kicking_hour",
            about="an hour of lively kicking",
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
            about="a young infant's night with fourteen episodes of sleep jerks",
            duration_s=8 * 3600.0,
            age_days=45,
            placed=tuple(Placed("sleep_jerk_train") for _ in range(14)),
        ),
        *CONFOUNDERS,
    )
}
