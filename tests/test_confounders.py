"""The named look-alikes: each holds what it promises, where it promises it."""

from __future__ import annotations

from functools import cache

import pytest

from dsp.records import ContextKind, Label, State
from firmware_sim.confounders import CONFOUNDERS
from firmware_sim.night import Night, make_night
from firmware_sim.scenarios import SCENARIOS, named_scenario
from firmware_sim.truth import TruthEvent

TEN = (
    "hiccup_bout",
    "spindle_twitches",
    "waking_stretch_kicks",
    "two_legged_kicks",
    "awake_bmei_shuddering",
    "jerks_in_rocking_cradle",
    "patted_asleep",
    "stroller_asleep",
    "subtle_single_asymmetric_spasms",
    "clonic_asleep",
)
ALSO = ("door_slam_startles", "reflux_arching", "rocking_to_sleep", "crying_thrash", "loose_sock")


@cache
def night(name: str) -> Night:
    return make_night(name, seed=1007, sites=())


def of_class(name: str, *classes: str) -> list[TruthEvent]:
    return [e for e in night(name).truth.events if e.true_class in classes]


def test_the_ten_trickiest_and_the_others_are_there():
    assert set(TEN) | set(ALSO) == {scenario.name for scenario in CONFOUNDERS}
    assert set(TEN) | set(ALSO) <= set(SCENARIOS)


@pytest.mark.parametrize("name", [*TEN, *ALSO])
def test_each_lasts_twenty_to_forty_minutes_and_says_what_it_shows(name):
    scenario = named_scenario(name)
    assert 20.0 <= scenario.duration_s / 60.0 <= 40.0
    assert len(scenario.about) > 20
    assert all(row.at_s is not None and row.at_s < scenario.duration_s for row in scenario.placed)


@pytest.mark.parametrize("name", [n for n in (*TEN, *ALSO) if "spasms" not in n and "bmei" not in n])
def test_only_scenarios_of_spasms_hold_anything_like_them(name):
    told = {Label.SPASM_LIKE, Label.SPASM_LIKE_CLUSTER}
    assert not told & {e.label for e in night(name).truth.events}


def test_hiccups_are_counted_in_bouts_of_minutes():
    bouts = of_class("hiccup_bout", "hiccups")
    assert len(bouts) == 2
    assert bouts[0].count >= 25


def test_spindle_twitches_lie_in_quiet_sleep():
    bouts = of_class("spindle_twitches", "spindle_twitches")
    assert len(bouts) == 2
    assert {e.state for e in bouts} == {State.QUIET_SLEEP}


def test_stretches_and_kicks_come_in_the_minutes_after_waking():
    early = [e for e in night("waking_stretch_kicks").truth.events if 6 * 60 <= e.onset_ns / 1e9 < 16 * 60]
    assert sum(e.true_class == "stretch" for e in early) >= 6
    assert sum(e.true_class.startswith("kicking") for e in early) >= 6


def test_both_legs_kick():
    assert len(of_class("two_legged_kicks", "kicking_synchronous")) >= 12


def test_benign_series_bear_the_label_of_what_they_look_like():
    assert {e.label for e in of_class("awake_bmei_shuddering", "bmei")} == {
        Label.SPASM_LIKE,
        Label.SPASM_LIKE_CLUSTER,
    }
    assert of_class("awake_bmei_shuddering", "shuddering")


def test_the_jerks_ride_on_the_sway():
    truth = night("jerks_in_rocking_cradle").truth
    swaying = [c for c in truth.contexts if c.kind is ContextKind.CONVEYED]
    trains = truth.of(Label.SLEEP_JERK_TRAIN)
    assert trains
    for train in trains:
        assert any(c.onset_ns <= train.onset_ns and train.end_ns <= c.end_ns for c in swaying)
        assert train.state.is_sleep


@pytest.mark.parametrize(
    ("name", "classes"),
    [("patted_asleep", {"patting"}), ("stroller_asleep", {"stroller", "car", "cargo_bike"})],
)
def test_what_moves_the_sleeper_is_named(name, classes):
    contexts = [c for c in night(name).truth.contexts if c.kind is ContextKind.CONVEYED]
    assert {c.true_class for c in contexts} == classes


def test_spasms_come_single_paired_subtle_and_uneven():
    truth = night("subtle_single_asymmetric_spasms").truth
    assert len(truth.of(Label.SPASM_LIKE_CLUSTER)) == 3
    assert sum(e.label is Label.SPASM_LIKE and e.parent is None for e in truth.events) >= 4


def test_clonic_jerking_outlasts_an_arousal():
    truth = night("clonic_asleep").truth
    runs = [e for e in truth.events if e.true_class == "clonic"]
    rousing = [e for e in truth.events if e.true_class == "arousal"]
    assert sum(any(r.onset_ns < a.onset_ns < r.end_ns - 10e9 for a in rousing) for r in runs) >= 2
    assert all(r.state.is_sleep for r in runs)


def test_doors_slam_and_infants_startle():
    assert len(of_class("door_slam_startles", "door_slam")) == 7
    assert sum(e.label is Label.STARTLE for e in night("door_slam_startles").truth.events) >= 5


def test_the_also_list_holds_what_it_names():
    assert {e.label for e in of_class("reflux_arching", "sandifer")} == {Label.STIFFENING}
    assert {
        e.label for e in of_class("rocking_to_sleep", "body_rocking", "head_banging", "head_rolling")
    } == {Label.ROCKING}
    assert len(of_class("crying_thrash", "crying")) >= 4


def test_one_sock_is_loose_in_the_truth():
    worn = make_night("loose_sock", seed=1007).truth.contexts
    assert [c.sites for c in worn if c.kind is ContextKind.LOOSE] == [("LA",)]
