from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from dsp.records import Label, Site
from firmware_sim.steps import Channel
from tests.sim_examples import one, peak_g, seen


def onsets(movement, channel, apart_s=0.0):
    times = np.unique(movement.steps.start_s[movement.steps.channel == channel])
    return times[np.concatenate([[True], np.diff(times) > apart_s])]


def test_most_trains_jerk_one_to_five_times_a_second():
    rates = []
    for seed in range(1000):
        mark = one("sleep_jerk_train", seed, trains=1)[1].marks[0]
        rates.append((mark.count - 1) / max(mark.end_s - mark.onset_s - 0.3, 0.3))
    assert np.mean((np.array(rates) > 0.8) & (np.array(rates) < 6.0)) > 0.85
    assert max(rates) <= 15.0


def test_trains_of_an_episode_are_told_one_by_one_and_do_not_overlap():
    marks = one("sleep_jerk_train", 3, trains=5)[1].marks
    assert len(marks) == 5
    assert {mark.label for mark in marks} == {Label.SLEEP_JERK_TRAIN}
    assert all(a.end_s < b.onset_s for a, b in pairwise(marks))


def test_sleep_jerks_are_weaker_than_kicks_and_hardly_reach_the_trunk():
    rows = [one("sleep_jerk_train", seed, trains=1, side="both") for seed in range(150)]
    ankle = [max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)) for row in rows]
    trunk = [peak_g(*row, Site.TR) for row in rows]
    assert 0.08 <= np.median(ankle) <= 0.6
    assert np.percentile(trunk, 95) <= 0.2


def test_a_left_train_moves_the_left_leg():
    infant, movement = one("sleep_jerk_train", 5, trains=1, side="left")
    left, right = (np.abs(seen(infant, movement, site)[1]).max() for site in (Site.LA, Site.RA))
    assert left > 3 * right


def test_clonic_jerking_slows_down():
    for seed in range(20):
        movement = one("clonic", seed, duration_s=40.0, side="left")[1]
        starts = np.sort(movement.steps.start_s[movement.steps.channel == Channel.L_HIP_ROT])
        gaps = np.diff(starts[::2])
        third = gaps.size // 3
        assert np.mean(gaps[-third:]) > np.mean(gaps[:third])


@pytest.mark.parametrize("seed", range(3))
def test_a_clonic_run_lasts_as_long_as_asked(seed):
    mark = one("clonic", seed, duration_s=30.0)[1].marks[0]
    assert mark.end_s - mark.onset_s == pytest.approx(30.0, abs=2.5)
    assert mark.label is Label.RHYTHMIC_JERKING


def test_hiccup_intervals_have_the_published_means_and_spread():
    means, cvs = [], []
    for seed in range(300):
        gaps = np.diff(onsets(one("hiccups", seed, duration_s=240.0)[1], Channel.SPINE_FLEX, 0.9))
        means.append(np.mean(gaps))
        cvs.append(np.std(gaps) / np.mean(gaps))
    assert min(means) >= 1.9
    assert max(means) <= 21.4
    assert 0.2 <= np.median(cvs) <= 0.3


def test_hiccup_bouts_last_eight_minutes_on_average():
    spans = [one("hiccups", seed)[1].duration_s / 60 for seed in range(150)]
    assert np.mean(spans) == pytest.approx(8.4, abs=1.2)
    assert np.std(spans) == pytest.approx(4.2, abs=1.2)


def test_hiccups_are_led_by_the_trunk():
    rows = [one("hiccups", seed, duration_s=30.0) for seed in range(40)]
    trunk = np.array([peak_g(*row, Site.TR) for row in rows])
    ankle = np.array([peak_g(*row, Site.LA) for row in rows])
    assert np.mean(trunk > ankle) > 0.9
    assert np.median(ankle) < 0.05


def test_twitches_are_small_and_leave_the_trunk_alone():
    rows = [one("twitches", seed) for seed in range(60)]
    ankle = [max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)) for row in rows]
    assert max(peak_g(*row, Site.TR) for row in rows) < 0.02
    assert np.percentile(ankle, 95) <= 0.2
    assert all(2 <= row[1].marks[0].count <= 10 for row in rows)


def test_a_startle_takes_both_legs_and_the_trunk_at_once():
    for seed in range(20):
        infant, movement = one("startle", seed)
        first = [
            np.argmax(np.abs(seen(infant, movement, s)[1]).max(axis=1) > 3.0) for s in Site if s in "LA RA TR"
        ]
        assert np.ptp(first) <= 12
        assert 0.8 <= movement.duration_s <= 3.5
