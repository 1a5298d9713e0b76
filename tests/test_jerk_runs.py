"""Runs of jerks (dsp/runs.py): what counts towards rhythmic jerking, each by itself."""

from __future__ import annotations

import math

import pytest

from dsp.bursts import Pulse
from dsp.records import Evidence, Site
from dsp.runs import Run, judge_own, judge_run, judge_train
from dsp.settings import Settings

SETTINGS = Settings()
DAY_S = 24 * 3600.0


def pulses(at_s: list[float], height_g: float = 0.2) -> list[Pulse]:
    return [Pulse(Site.LA, round(t * 100), round(t * 100) + 5, height_g, 0.003) for t in at_s]


def steady(seconds: float, *, begin_s: float = 10.0, rate_hz: float = 2.0) -> list[float]:
    return [begin_s + i / rate_hz for i in range(int(seconds * rate_hz) + 1)]


def run_of(at_s: list[float], **frame: float) -> Run:
    run = Run()
    run.take(pulses(at_s), [], [Evidence(name, value, 0.0) for name, value in frame.items()], SETTINGS)
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


def after(run: Run, *, age_days: int | None = None, at_s: float = 2000.0) -> Run:
    following = run.following(0.0, age_days, SETTINGS)
    following.take(pulses(steady(5.0, begin_s=at_s)), [], [], SETTINGS)
    return following


def eight_trains() -> Run:
    """Of five seconds each; they end at 15 s, 35 s and so on to 155 s."""
    return run_of([t for number in range(8) for t in steady(5.0, begin_s=10.0 + 20.0 * number)])


def test_a_pause_begins_a_new_run_and_leaves_a_train_behind() -> None:
    run = run_of([*steady(12.0), *steady(6.0, begin_s=27.0)])
    assert run.values(SETTINGS)["unbroken_s"] == pytest.approx(6.0)
    assert len(run.trains) == 1


def test_what_went_on_for_longer_than_a_train_leaves_none_behind() -> None:
    assert not run_of([*steady(40.0), *steady(6.0, begin_s=60.0)]).trains


def test_what_was_told_as_rhythmic_jerking_or_is_not_the_infants_own_leaves_no_train_behind() -> None:
    lifted, passed_on = run_of(steady(12.0)), run_of(steady(12.0), frame_log_odds=-0.5, swing_repeats=0.0)
    lifted.lifted = True
    assert not after(lifted).trains
    assert not after(passed_on).trains
    assert len(after(run_of(steady(12.0))).trains) == 1


def test_trains_of_this_night_speak_for_one_more_and_those_of_the_last_one_do_not() -> None:
    first = run_of([*steady(5.0), *steady(5.0, begin_s=20.0), *steady(5.0, begin_s=30.0)])
    said = [contribution(run, "trains_tonight") for run in (run_of(steady(5.0)), after(first))]
    assert said[1] < said[0]
    nobody, tonight, tomorrow = run_of(steady(5.0)), after(eight_trains()), after(eight_trains(), at_s=DAY_S)
    assert tonight.trains_before == 8
    assert tomorrow.trains_before == 0
    assert contribution(tomorrow, "trains_tonight") == contribution(nobody, "trains_tonight")


def test_of_the_trains_those_count_that_ended_within_twelve_hours_before_the_run_began() -> None:
    for ago_s, count in ((DAY_S / 2 + 15.0, 8), (DAY_S / 2 + 75.0, 5), (DAY_S / 2 + 155.0, 1)):
        run = after(eight_trains(), at_s=ago_s)
        assert run.trains_before == count, ago_s
        run.take(pulses(steady(5.0, begin_s=ago_s + 10.0)), [], [], SETTINGS)
        assert (run.trains_before, len(run.trains)) == (count, count + 1)


def test_both_sides_at_once_speak_against_clonic_jerks_of_a_newborn_and_say_nothing_later() -> None:
    def sided(age_days: int, other_g: float) -> Run:
        run = Run(lead=Site.LA, age_days=age_days)
        right = [Pulse(Site.RA, p.k, p.known_k, other_g, 0.003) for p in pulses(steady(8.0))]
        run.take(pulses(steady(8.0)), right, [], SETTINGS)
        return run

    assert contribution(sided(20, 0.2), "one_sided_young") < 0.0
    assert contribution(sided(20, 0.02), "one_sided_young") > 0.0
    assert "one_sided_young" not in sided(200, 0.2).values(SETTINGS)


def test_the_age_at_which_benign_jerks_are_rare_speaks_for_clonic_ones_softly() -> None:
    said = [contribution(after(Run(), age_days=days), "age") for days in (3, 30, 120, 300, 700)]
    assert said == sorted(said)
    assert -2.0 < said[0] < 0.0 < said[-1] <= 2.0


def test_jerks_that_turn_the_trunk_and_show_two_strokes_count_distal_even_ones_against() -> None:
    axial = run_of(steady(8.0), trunk_turned=0.6, even_intervals=0.4)
    distal = run_of(steady(8.0), trunk_turned=-2.0, even_intervals=0.9)
    for name in ("mean_trunk_turned", "mean_even_intervals"):
        assert contribution(axial, name) > 0.0 > contribution(distal, name)


def test_what_repeats_and_moves_legs_and_trunk_together_is_the_infants_own() -> None:
    shape = {"frame_log_odds": 2.5, "swing_repeats": 0.7, "trunk_alike": 0.9, "legs_alike": 0.9}
    road = {"frame_log_odds": 0.0, "swing_repeats": 0.1, "trunk_alike": 0.2, "legs_alike": 0.2}
    for judge in (judge_own, judge_train):
        own, other = (judge(run_of(steady(8.0), **how), SETTINGS).log_odds for how in (shape, road))
        assert own >= SETTINGS.train_least > -2.5 > other


def test_what_is_passed_on_to_all_sensors_alike_counts_against_the_infants_own() -> None:
    runs = [run_of(steady(8.0), frame_log_odds=1.0, coupled=c) for c in (0.2, 0.6, 0.9, 0.99)]
    said = [judge_own(run, SETTINGS).log_odds for run in runs]
    assert said == sorted(said, reverse=True)
    assert said[0] - said[-1] > 2.0


def test_a_beat_that_repeats_exactly_and_a_trunk_that_leads_speak_against_the_infants_own() -> None:
    def own(**frame: float) -> float:
        return judge_own(run_of(steady(8.0), **frame), SETTINGS).log_odds

    assert own(rhythm_repeats=0.5) - own(rhythm_repeats=0.8) > 2.0
    assert own(swing_peaked=5.0) - own(swing_peaked=16.0) > 2.0
    assert own(trunk_leads=0.0) - own(trunk_leads=1.0) > 1.0


def own_of(run: Run, name: str) -> float:
    return next(e.contribution for e in judge_own(run, SETTINGS).evidence if e.name == name)


def test_a_beat_that_never_strays_speaks_against_the_infants_own_and_one_as_uneven_as_limbs_does_not() -> (
    None
):
    uneven = [10.0 + i * 0.5 + (0.12 if i % 3 == 0 else 0.0) for i in range(24)]
    assert own_of(run_of(steady(12.0)), "beat_strays") < -1.0
    assert own_of(run_of(uneven), "beat_strays") >= 0.0


def test_being_moved_from_outside_since_before_counts_against_the_infants_own_but_never_much() -> None:
    run = run_of(steady(12.0))
    assert own_of(run, "conveyed_before") == 0.0
    run.conveyed = 1.0
    assert -1.0 < own_of(run, "conveyed_before") < 0.0


def test_the_trunk_of_a_train_of_sleep_hardly_turns() -> None:
    still, turning = (
        judge_train(run_of(steady(5.0), trunk_turned=degrees), SETTINGS).log_odds for degrees in (-2.0, 1.5)
    )
    assert still > turning + 2.0


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
        run.take(pulses([t], height), [], [], SETTINGS)
    assert 0.0 < contribution(run, "growth") < 1.0
    assert run.values(SETTINGS)["growth"] == pytest.approx(
        math.log(0.3) - math.log(0.08 * 0.1 * 0.12 * 0.15) / 4
    )


def test_who_was_awake_before_needs_less_and_an_unknown_state_lies_between() -> None:
    sums = []
    for awake in (0.0, 0.5, 1.0):
        run = Run().following(awake, None, SETTINGS)
        run.take(pulses(steady(6.0)), [], [], SETTINGS)
        sums.append(judge_run(run, SETTINGS).log_odds)
    assert sums == sorted(sums)
    assert sums[0] < SETTINGS.run_jerking


def test_a_run_without_jerks_says_nothing_it_cannot_know() -> None:
    assert judge_run(Run(), SETTINGS).log_odds < SETTINGS.run_jerking


def test_one_train_of_sleep_makes_the_next_more_likely() -> None:
    frames = {"frame_log_odds": 2.5, "trunk_alike": 0.7}
    alone = run_of(steady(5.0), **frames)
    again = run_of(steady(5.0), **frames).following(0.0, None, SETTINGS)
    again.take(
        pulses(steady(5.0, begin_s=60.0)), [], [Evidence(n, v, 0.0) for n, v in frames.items()], SETTINGS
    )
    assert judge_train(again, SETTINGS).log_odds > judge_train(alone, SETTINGS).log_odds
