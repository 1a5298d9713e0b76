from __future__ import annotations

import pytest

from dsp.records import State
from firmware_sim.life import usual_background
from firmware_sim.scenario import Background, Phase, Placed, scenario_from_toml
from firmware_sim.scenarios import SCENARIOS, UnknownScenarioError, named_scenario

TEXT = """
name = "mine"
duration_min = 20
age_days = 70

[[phase]]
state = "awake"
minutes = 5

[[phase]]
state = "quiet_sleep"
minutes = 15

[[movement]]
kind = "sleep_jerk_train"
at_min = 9.5
trains = 2
side = "left"

[[movement]]
kind = "startle"

[background]
awake = { kicking = 90.0 }
newborn_startles = false
"""


def test_a_scenario_is_read_from_toml():
    scenario = scenario_from_toml(TEXT)
    assert (scenario.name, scenario.duration_s, scenario.age_days) == ("mine", 1200.0, 70)
    assert scenario.phases == (Phase(State.AWAKE, 5.0), Phase(State.QUIET_SLEEP, 15.0))
    assert scenario.placed == (
        Placed("sleep_jerk_train", 570.0, {"trains": 2, "side": "left"}),
        Placed("startle", None, {}),
    )
    assert scenario.background.rates(State.AWAKE) == {"kicking": 90.0}
    assert not scenario.background.newborn_startles


def test_a_scenario_without_a_background_gets_the_usual_one():
    scenario = scenario_from_toml('name = "a"\nduration_min = 1\nage_days = 3')
    assert scenario.background is None
    assert scenario.life == usual_background(3)


def test_a_wrong_state_is_refused():
    with pytest.raises(ValueError, match="dreaming"):
        scenario_from_toml(TEXT.replace("quiet_sleep", "dreaming"))


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(UnknownScenarioError, match=r"'noisy_night'.*demo_hour.*quiet_night"):
        named_scenario("noisy_night")


def test_the_named_scenarios_are_there():
    assert {"demo_hour", "quiet_night", "kicking_hour", "jerk_night"} <= set(SCENARIOS)
    assert all(name == scenario.name for name, scenario in SCENARIOS.items())
    assert named_scenario("demo_hour").duration_s >= 62 * 60


def test_arousals_are_six_times_as_frequent_in_active_as_in_quiet_sleep():
    usual = Background()
    assert usual.active_sleep["arousal"] == 6 * usual.quiet_sleep["arousal"]
