"""Runs of jerks (dsp/runs.py): what counts towards rhythmic jerking, each by itself."""

from __future__ import annotations

import math

import pytest

from dsp.bursts import Pulse
from dsp.records import Evidence, Site
from dsp.runs import Run, judge_own, judge_run
from dsp.settings import Settings

SETTINGS = Settings()


def pulses(at_s: list[float], height_g: float = 0.2) -> list[Pulse]:
    return [Pulse(Site.LA, round(t * 100), round(t * 100) + 5, height_g, 0.003) for t in at_s]


def steady(seconds: float, *, begin_s: float = 10.0, rate_hz: float = 2.0) -> list[float]:
    return [begin_s + i / rate_hz for i in range(int(seconds * rate_hz) + 1)]


def run_of(at_s: list[float], **frame: float) -> Run:
    run = Run()
    run.take(pulses(at_s), [Evidence(name, value, 0.0) for name, value in frame.items()], SETTINGS)
    return run


def contribution(run: Run, name: str) -> float:
    return next(e.contribution for e in judge_run(run, SETTINGS).evidence if e.name == name)


def test_what_is_added_up_is_the_bias_and_the_evidence() -> None:
    verdict = judge_run(run_of(steady(8.0), trunk_to_lead=-2.0), SETTINGS)
    assert verdict.log_odds == pytest.approx(
        SETTINGS.run_bias + sum(e.contribution for e in verdict.evidence)
    )


def test_the_longer_it_goes_on_without_a_pause_the_more_it_counts_until_that_says_nothing_new() -> None:
    said = [contribution(run_of(steady(s)), "unbroken_s") for s in (3.0, 8.0, 14.0, 19.0, 26.0, 60.0)]
    assert said == sorted(said)
    assert said[0] < 0.0 < said[-1]
    assert said[-1] == said[-2]


def test_going_on_past_the_length_of_any_described_train_is_enough_by_itself() -> None:
    assert judge_run(run_of(steady(26.0)), SETTINGS).log_odds >= SETTINGS.run_jerking
    assert judge_run(run_of(steady(8.0)), SETTINGS).log_odds < SETTINGS.run_jerking


def test_a_pause_begins_a_new_run_and_leaves_a_train_behind() -> None:
    run = run_of([*steady(12.0), *steady(6.0, begin_s=27.0)])
    values = run.values(SETTINGS)
    assert values["unbroken_s"] == pytest.approx(6.0)
    assert values["trains_before"] == 1.0


def test_what_went_on_for_longer_than_a_train_leaves_none_behind() -> None:
    run = run_of([*steady(40.0), *steady(6.0, begin_s=60.0)])
    assert run.values(SETTINGS)["trains_before"] == 0.0


def test_trains_of_the_same_episode_speak_for_one_more_until_they_are_long_ago() -> None:
    run = run_of([*steady(5.0), *steady(5.0, begin_s=20.0), *steady(5.0, begin_s=30.0)]).following(0.0)
    run.take(pulses(steady(5.0, begin_s=40.0)), [], SETTINGS)
    assert run.values(SETTINGS)["trains_before"] == 3.0
    assert contribution(run, "trains_before") < contribution(run_of(steady(5.0)), "trains_before")
    late = run.following(0.0)
    late.take(pulses(steady(5.0, begin_s=1200.0)), [], SETTINGS)
    assert late.values(SETTINGS)["trains_before"] == 0.0


def test_jerks_that_turn_the_trunk_and_show_two_strokes_count_distal_even_ones_against() -> None:
    axial = run_of(steady(8.0), trunk_turned=0.6, even_intervals=0.4)
    distal = run_of(steady(8.0), trunk_turned=-2.0, even_intervals=0.9)
    for name in ("mean_trunk_turned", "mean_even_intervals"):
        assert contribution(axial, name) > 0.0 > contribution(distal, name)


def test_what_repeats_and_moves_legs_and_trunk_together_is_the_infants_own() -> None:
    shape = {"frame_log_odds": 2.5, "swing_repeats": 0.7, "trunk_alike": 0.9, "legs_alike": 0.9}
    road = {"frame_log_odds": 0.0, "swing_repeats": 0.1, "trunk_alike": 0.2, "legs_alike": 0.2}
    assert judge_own(run_of(steady(8.0), **shape), SETTINGS).log_odds >= SETTINGS.own_sure
    assert judge_own(run_of(steady(8.0), **road), SETTINGS).log_odds < SETTINGS.own_train


def test_what_is_passed_on_to_all_sensors_alike_counts_against_the_infants_own() -> None:
    runs = [run_of(steady(8.0), frame_log_odds=1.0, coupled=c) for c in (0.2, 0.6, 0.9, 0.99)]
    said = [judge_own(run, SETTINGS).log_odds for run in runs]
    assert said == sorted(said, reverse=True)
    assert said[0] - said[-1] > 2.0


def test_intervals_that_grow_beyond_doubt_are_enough_by_themselves() -> None:
    at, gap = [10.0], 0.35
    while at[-1] < 24.0:
        at.append(at[-1] + gap)
        gap *= 1.03
    assert contribution(run_of(at), "slowing_t") == 3.0
    assert contribution(run_of(steady(14.0)), "slowing_t") == pytest.approx(0.0, abs=0.05)


def test_growing_at_the_beginning_counts_a_little() -> None:
    run = Run()
    for t, height in zip(steady(6.0), [0.08, 0.1, 0.12, 0.15, *[0.3] * 9], strict=True):
        run.take(pulses([t], height), [], SETTINGS)
    assert 0.0 < contribution(run, "growth") < 1.0
    assert run.values(SETTINGS)["growth"] == pytest.approx(
        math.log(0.3) - math.log(0.08 * 0.1 * 0.12 * 0.15) / 4
    )


def test_who_was_awake_before_needs_less_and_an_unknown_state_lies_between() -> None:
    sums = []
    for awake in (0.0, 0.5, 1.0):
        run = Run().following(awake)
        run.take(pulses(steady(6.0)), [], SETTINGS)
        sums.append(judge_run(run, SETTINGS).log_odds)
    assert sums == sorted(sums)
    assert sums[0] < SETTINGS.run_jerking


def test_a_run_without_jerks_says_nothing_it_cannot_know() -> None:
    assert judge_run(Run(), SETTINGS).log_odds < SETTINGS.run_jerking
