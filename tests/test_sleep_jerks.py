from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from dsp.records import Label, Site
from firmware_sim.body import LEFT, LEFT_ARM, RIGHT, RIGHT_ARM
from firmware_sim.steps import Channel
from tests.motion_measures import left_behind, moves, onsets, reach
from tests.sim_examples import one, peak_g, seen

_LEFT = (LEFT_ARM.elbow, LEFT_ARM.rotation, LEFT.knee, LEFT.rotation)
_RIGHT = (RIGHT_ARM.elbow, RIGHT_ARM.rotation, RIGHT.knee, RIGHT.rotation)


@cache
def drawn():
    """A thousand trains of as many infants."""
    return [one("sleep_jerk_train", seed, trains=1)[1] for seed in range(1000)]


def jerk_times(movement):
    """The slide along the cot takes part in each jerk: three steps, the first of them its onset."""
    starts = movement.steps.start_s[movement.steps.channel == Channel.POS_X]
    return np.sort(starts[::3])


def test_most_trains_jerk_one_to_five_times_a_second_and_none_more_than_fifteen():
    rates = np.array([1.0 / np.mean(np.diff(jerk_times(train))) for train in drawn()])
    assert np.mean((rates > 0.9) & (rates < 5.5)) > 0.85
    assert 0.02 < np.mean(rates > 5.5) < 0.15
    assert rates.max() <= 16.7
    assert 1.8 < np.median(rates) < 2.8


def test_intervals_within_a_train_spread_as_estimated_and_more_when_not_rhythmic():
    def spreads(*, rhythmic):
        rows = [
            np.diff(jerk_times(one("sleep_jerk_train", s, trains=1, rhythmic=rhythmic, train_s=15.0)[1]))
            for s in range(60)
        ]
        return np.array([np.std(gaps) / np.mean(gaps) for gaps in rows])

    even, uneven = spreads(rhythmic=True), spreads(rhythmic=False)
    assert 0.15 <= np.median(even) <= 0.32
    assert 0.28 <= np.median(uneven) <= 0.55
    assert np.mean(np.concatenate([even, uneven]) < 0.7) > 0.95


def test_trains_last_from_two_to_twenty_seconds():
    spans = np.array([train.duration_s for train in drawn()])
    assert np.mean((spans >= 1.8) & (spans <= 21.0)) > 0.97
    assert 4.5 < np.median(spans) < 9.0


def test_trains_of_an_episode_are_told_one_by_one_and_do_not_overlap():
    marks = one("sleep_jerk_train", 3, trains=5)[1].marks
    assert len(marks) == 5
    assert {mark.label for mark in marks} == {Label.SLEEP_JERK_TRAIN}
    assert all(a.end_s < b.onset_s for a, b in pairwise(marks))


def test_most_trains_take_both_sides_and_some_only_one_limb_or_one_at_a_time():
    rows = drawn()
    both = np.mean([moves(m, *_LEFT) and moves(m, *_RIGHT) for m in rows])
    limbs = [(LEFT_ARM.rotation,), (RIGHT_ARM.rotation,), (LEFT.rotation,), (RIGHT.rotation,)]
    lone = np.mean([sum(moves(m, *limb) for limb in limbs) == 1 for m in rows])
    assert 0.75 <= both <= 0.88
    assert 0.03 <= lone <= 0.10


def test_a_one_sided_train_says_which_side_and_leaves_the_other_still():
    for side, still in (("left", _RIGHT), ("right", _LEFT)):
        for seed in range(10):
            movement = one("sleep_jerk_train", seed, trains=1, side=side)[1]
            assert movement.marks[0].side == side
            assert not moves(movement, *still)


def test_a_left_train_moves_the_left_leg():
    infant, movement = one("sleep_jerk_train", 5, trains=1, side="left")
    left, right = (np.abs(seen(infant, movement, site)[1]).max() for site in (Site.LA, Site.RA))
    assert left > 3 * right


def test_arms_lead_in_most_trains_and_always_when_asked():
    def leads(seed, **options):
        row = one("sleep_jerk_train", seed, trains=1, side="both", train_s=3.0, **options)
        return max(peak_g(*row, Site.LW), peak_g(*row, Site.RW)) > max(
            peak_g(*row, Site.LA), peak_g(*row, Site.RA)
        )

    assert np.mean([leads(seed, arms=True) for seed in range(40)]) > 0.9
    assert 0.5 <= np.mean([leads(seed) for seed in range(80)]) <= 0.85


def test_sleep_jerks_are_weaker_than_kicks_and_hardly_reach_the_trunk():
    rows = [one("sleep_jerk_train", seed, trains=1, side="both", train_s=4.0) for seed in range(100)]
    ankle = [max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)) for row in rows]
    trunk = [peak_g(*row, Site.TR) for row in rows]
    assert 0.08 <= np.median(ankle) <= 0.6
    assert np.percentile(trunk, 95) <= 0.2


def test_the_jerks_of_a_train_pull_one_way():
    """Knee and hip keep their proportion from jerk to jerk, whatever their strength."""
    movement = one("sleep_jerk_train", 4, trains=1, side="left", train_s=20.0)[1]
    hip, knee = (movement.steps.delta[movement.steps.channel == c] for c in (LEFT.hip, LEFT.knee))
    assert abs(np.corrcoef(hip, knee)[0, 1]) > 0.9


def test_nothing_begins_after_a_waking():
    for seed in range(60):
        movement = one("sleep_jerk_train", seed, trains=8, until_s=20.0)[1]
        assert movement.steps.start_s.max() < 20.0 + 3.0
        assert movement.marks[-1].onset_s < 20.0
        assert left_behind(movement) == pytest.approx(0.0, abs=1e-9)


def test_rocked_jerks_ride_on_a_sway_that_begins_earlier_and_ends_later():
    for seed in range(12):
        movement = one("sleep_jerk_train", seed, trains=2, rocked=True)[1]
        sway, *jerks = movement.marks
        assert sway.conveyed
        assert [mark.label for mark in jerks] == [Label.SLEEP_JERK_TRAIN] * 2
        assert sway.onset_s + 10.0 < jerks[0].onset_s
        assert jerks[-1].end_s + 5.0 < sway.end_s


def test_a_multifocal_train_seldom_moves_two_limbs_at_once():
    movement = one("sleep_jerk_train", 2, trains=1, spread="multifocal", train_s=20.0, rate_hz=2.0)[1]
    limbs = (LEFT_ARM.elbow, RIGHT_ARM.elbow, LEFT.knee, RIGHT.knee)
    taking = sum(onsets(movement, limb, 0.2).size for limb in limbs if moves(movement, limb))
    assert movement.marks[0].count <= taking < 2.2 * movement.marks[0].count
    assert min(reach(movement, limb) for limb in limbs) > 0.0
