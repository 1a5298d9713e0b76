from __future__ import annotations

import pytest

from dsp.records import NS, ContextKind, Site, State
from firmware_sim.generators import GENERATORS, options_of
from firmware_sim.imu import ChipChoice
from firmware_sim.life import Between, usual_background
from firmware_sim.night import make_night
from firmware_sim.scenario import Background, Phase, Placed, scenario_from_toml
from firmware_sim.scenarios import SCENARIOS, UnknownScenarioError, named_scenario
from firmware_sim.toml_tables import BadTableError
from firmware_sim.wearing import Worn

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


FULL = """
name = "full"
about = "all keys"
duration_min = 30
age_days = 100

[sensors]
chip = "LSM6DSO"
rate_hz = 52
acc_range_g = 16
gyro_range_dps = 1000
sites = ["LA", "TR", "RW"]

[traits]
kick_g = 0.5

[[wearing]]
kind = "loose"
site = "LA"
from_min = 5
to_s = 600

[[wearing]]
kind = "off"
site = "TR"
from_min = 20

[[fault]]
kind = "restart"
site = "TR"
at_min = 10

[[fault]]
kind = "stuck_axis"
site = "LA"
at_s = 90
for_s = 30
axis = 2

[[movement]]
kind = "handling"
at_s = 60
what = "nappy_change"

[background]
care = false

[background.habits.kicking]
pattern = ["unilateral", "alternating"]
carry = { from = 0.1, to = 0.2 }
count = 4
"""


def test_sensors_wearing_faults_and_habits_are_read():
    scenario = scenario_from_toml(FULL)
    assert scenario.chip == ChipChoice("LSM6DSO", 52.0, 16.0, 1000.0)
    assert scenario.sites == (Site.LA, Site.TR, Site.RW)
    assert scenario.worn == (Worn("loose", Site.LA, 300.0, 600.0), Worn("off", Site.TR, 1200.0))
    assert scenario.faults[0].kind == "restart"
    assert (scenario.faults[1].at_s, scenario.faults[1].for_s, scenario.faults[1].axis) == (90.0, 30.0, 2)
    assert scenario.traits == {"kick_g": 0.5}
    assert scenario.placed == (Placed("handling", 60.0, {"what": "nappy_change"}),)
    assert not scenario.life.care
    assert scenario.life.rates(State.AWAKE) == usual_background(100).rates(State.AWAKE)
    assert scenario.life.habits == {
        "kicking": {"pattern": ("unilateral", "alternating"), "carry": Between(0.1, 0.2), "count": 4}
    }


def test_what_a_scenario_says_of_sensors_is_what_the_night_has():
    night = make_night(scenario_from_toml(FULL).lasting(720.0), seed=4)
    assert set(night.sensors) == {Site.LA, Site.TR, Site.RW}
    track = night.sensors[Site.TR]
    assert (track.rate_hz, track.scale.acc_g) == (52.0, 16.0 / 32768)
    assert {row.cause for row in night.truth.unseen if row.site is Site.TR} == {"not_started", "restart"}
    loose = [c for c in night.truth.contexts if c.kind is ContextKind.LOOSE]
    assert [(c.onset_ns // NS, c.end_ns // NS, c.true_class) for c in loose] == [(300, 600, "loose_sock")]
    assert any(c.true_class == "nappy_change" for c in night.truth.contexts)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "full"\n', "", r"^name is missing"),
        ("age_days = 100", "age_days = 1000", r"^age_days must be a number from 0 to 730, not 1000"),
        ("age_days = 100", 'age_days = "old"', r"^age_days must be a number from 0 to 730, not 'old'"),
        (
            "age_days = 100",
            "age_days = 100\nweight = 4",
            r"^'weight' means nothing here; keys are name, about, dura",
        ),
        ("duration_min = 30", "duration_min = -1", r"^duration_min must be a number from 0.1 to 1440"),
        (
            'chip = "LSM6DSO"',
            'chip = "X1"',
            r"^\[sensors\]: chip, part: 'X1' is not known; use one of .*LSM6DSO",
        ),
        (
            "rate_hz = 52",
            "rate_hz = 50",
            r"^\[sensors\]: .*rate_hz: 50.0 is not known; use one of 26.0, 52.0",
        ),
        ("rate_hz = 52", "rate = 52", r"^\[sensors\]: 'rate' means nothing here; keys are .*rate_hz"),
        ('"LA", "TR", "RW"', '"LA", "XX"', r"^\[sensors\]: sites must be a list out of LA, RA, TR"),
        ("kick_g = 0.5", "kick_k = 0.5", r"^\[traits\]: 'kick_k' is no habit of an infant; there are kick_g"),
        (
            'kind = "loose"',
            'kind = "lose"',
            r"^\[\[wearing\]\] 1: kind is 'lose'; use one of loose, slips, off",
        ),
        (
            "to_s = 600",
            "to_s = 100",
            r"^\[\[wearing\]\] 1: wearing 'loose' at LA: it lasts from 300 to 100 s",
        ),
        ("from_min = 20", "from_min = 31", r"^\[\[wearing\]\] 2: from_min must be a number from 0 to 30"),
        (
            "from_min = 20",
            "from = 20",
            r"^\[\[wearing\]\] 2: 'from' means nothing here; keys are kind, site, from_min",
        ),
        (
            'kind = "restart"',
            'kind = "reboot"',
            r"^\[\[fault\]\] 1: kind is 'reboot'; use one of stuck_axis, restart",
        ),
        ("at_min = 10\n", "", r"^\[\[fault\]\] 1: at_min \(or at_s\) is missing"),
        ("axis = 2", "axis = 9", r"^\[\[fault\]\] 2: axis must be a number from 0 to 5, not 9"),
        (
            "at_s = 60\n",
            "at_s = -60\n",
            r"^\[\[movement\]\] 1: at_s must be a number from 0 to 1800, not -60",
        ),
        ("at_s = 60\n", "at_s = 60\nat_min = 1\n", r"^\[\[movement\]\] 1: give at_min or at_s, not both"),
        (
            'kind = "handling"',
            'kind = "dance"',
            r"^\[\[movement\]\] 1: kind is 'dance'; use one of arousal, bmei",
        ),
        (
            'what = "nappy_change"',
            'what = "nap"',
            r"^\[\[movement\]\] 1: .*'what' cannot be 'nap'.*'nappy_change'",
        ),
        (
            'what = "nappy_change"',
            "wath = 1",
            r"^\[\[movement\]\] 1: .*'wath' is no option of it; it takes what",
        ),
        ("care = false", "care = 0", r"^\[background\]: care must be true or false, not 0"),
        (
            "care = false",
            "awake = { dance = 3 }",
            r"^\[background\]\[awake\]: 'dance' is no movement; there are",
        ),
        (
            "care = false",
            "awake = { crying = -3 }",
            r"^\[background\]\[awake\]: crying must be a number of 0 or more",
        ),
        ("habits.kicking", "habits.kiking", r"^\[background\]\[habits\]\[kiking\]: 'kiking' is no movement"),
        ('"alternating"]', '"hopping"]', r"\[kicking\]: .*'pattern' cannot be 'hopping'.*'synchronous'"),
        ("to = 0.2 }", "till = 0.2 }", r"\[kicking\]\[carry\]: to is missing"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_allowed(old, new, told):
    assert old in FULL
    with pytest.raises(BadTableError, match=told):
        scenario_from_toml(FULL.replace(old, new, 1))


def test_a_wrong_state_is_refused():
    told = r"^\[\[phase\]\] 2: state is 'dreaming'; use one of awake, active_sleep, quiet_sleep"
    with pytest.raises(BadTableError, match=told):
        scenario_from_toml(TEXT.replace("quiet_sleep", "dreaming"))


def test_every_word_an_option_takes_is_known():
    """A typing error in a word must be found when the file is read, not in the middle of a night."""
    for kind in GENERATORS:
        assert str not in [one for types in options_of(kind).values() for one in types], kind


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
