from __future__ import annotations

import numpy as np
import pytest

from dsp.records import Label, Site
from firmware_sim.body import LEFT, LEFT_ARM, RIGHT, RIGHT_ARM
from firmware_sim.steps import Channel
from tests.motion_measures import first_start, left_behind, moves, onsets
from tests.sim_examples import one, peak_g, seen

_LIMBS = (LEFT.rotation, RIGHT.rotation, LEFT_ARM.rotation, RIGHT_ARM.rotation)


def hiccup_gaps(seed, **options):
    return np.diff(onsets(one("hiccups", seed, **options)[1], Channel.SPINE_FLEX, 0.9))


def test_hiccup_intervals_have_the_published_means_and_spread():
    rows = [hiccup_gaps(seed, duration_s=90.0) for seed in range(1000)]
    means = np.array([np.mean(gaps) for gaps in rows])
    cvs = np.array([np.std(gaps) / np.mean(gaps) for gaps in rows])
    assert means.min() >= 1.8
    assert means.max() <= 21.4
    assert 0.3 < np.mean(means < 6.3) < 0.65
    assert 9.5 < np.mean(means[means > 6.3]) < 12.5
    assert 0.18 <= np.median(cvs) <= 0.28


def test_hiccup_bouts_last_eight_minutes_on_average():
    spans = [one("hiccups", seed)[1].duration_s / 60 for seed in range(150)]
    assert abs(np.mean(spans) - 8.4) < 1.2
    assert abs(np.std(spans) - 4.2) < 1.2


def test_hiccups_are_led_by_the_trunk():
    rows = [one("hiccups", seed, duration_s=30.0) for seed in range(60)]
    trunk = np.array([peak_g(*row, Site.TR) for row in rows])
    ankle = np.array([peak_g(*row, Site.LA) for row in rows])
    assert np.mean(trunk > ankle) > 0.9
    assert np.median(ankle) < 0.05
    assert np.percentile(trunk, 98) < 0.4


def test_the_hiccups_of_a_bout_shake_the_chest_one_way():
    for seed in range(10):
        infant, movement = one("hiccups", seed, duration_s=60.0)
        rate = seen(infant, movement, Site.TR)[1]
        values = np.linalg.svd(rate, compute_uv=False)
        assert values[0] > 1.5 * values[1]


def test_twitches_are_small_and_leave_the_trunk_alone():
    rows = [one("twitches", seed) for seed in range(80)]
    ankle = [max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)) for row in rows]
    assert max(peak_g(*row, Site.TR) for row in rows) < 0.02
    assert np.percentile(ankle, 95) <= 0.2
    assert all(2 <= row[1].marks[0].count <= 10 for row in rows)


def test_twitches_take_hands_and_feet_and_mostly_end_within_ten_seconds():
    rows = [one("twitches", seed)[1] for seed in range(1000)]
    assert np.mean([m.duration_s < 12.0 for m in rows]) > 0.85
    assert all(0.5 < np.mean([moves(m, limb) for m in rows]) < 0.9 for limb in _LIMBS)


def test_a_twitch_lasts_a_tenth_to_half_a_second():
    spans = []
    for seed in range(1000):
        steps = one("twitches", seed, count=1)[1].steps
        spans.append(float(steps.end_s - steps.start_s.min()))
    assert np.mean((np.array(spans) > 0.09) & (np.array(spans) <= 0.55)) > 0.9


def test_spindle_twitches_come_about_every_ten_seconds_one_to_three_at_a_time():
    means, cvs, sizes = [], [], []
    for seed in range(1000):
        movement = one("spindle_twitches", seed, age_days=150, duration_s=150.0)[1]
        starts = np.unique(movement.steps.start_s)
        new = np.concatenate([[True], np.diff(starts) > 1.5])
        gaps = np.diff(starts[new])
        means.append(np.mean(gaps))
        cvs.append(np.std(gaps) / np.mean(gaps))
        sizes.append(movement.marks[0].count / new.sum())
    assert 8.0 <= np.median(means) <= 13.0
    assert 0.4 <= np.median(cvs) <= 0.8
    assert 1.2 <= np.mean(sizes) <= 2.2


def test_spindle_twitches_are_tiny_and_never_reach_the_trunk():
    rows = [one("spindle_twitches", seed, age_days=150, duration_s=60.0) for seed in range(40)]
    assert max(peak_g(*row, Site.TR) for row in rows) < 0.02
    assert np.percentile([peak_g(*row, Site.LA) for row in rows], 90) < 0.2
    assert {row[1].marks[0].label for row in rows} == {Label.TWITCHES}


def test_a_startle_takes_all_limbs_and_the_trunk_at_once():
    for seed in range(20):
        infant, movement = one("startle", seed)
        first = [
            np.argmax(np.abs(seen(infant, movement, s)[1]).max(axis=1) > 3.0) for s in Site if s in "LA RA TR"
        ]
        assert np.ptp(first) <= 12
        assert max(first_start(movement, limb) for limb in _LIMBS) < 0.05
        assert 0.6 <= movement.duration_s <= 3.5


def test_a_startle_is_stronger_in_the_arms():
    rows = [one("startle", seed) for seed in range(80)]
    wrist = np.array([max(peak_g(*row, Site.LW), peak_g(*row, Site.RW)) for row in rows])
    ankle = np.array([max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)) for row in rows])
    assert np.mean(wrist > ankle) > 0.7
    assert 1.1 < np.median(wrist / ankle) < 2.5


def test_startles_can_come_in_pairs():
    for seed in range(30):
        first, second = one("startle", seed, pair=True)[1].marks
        assert first.label is second.label is Label.STARTLE
        assert 0.2 < second.onset_s - first.end_s < 5.2


@pytest.mark.parametrize(
    "kind", ["hiccups", "startle", "twitches", "spindle_twitches", "sleep_jerk_train", "spasm"]
)
def test_no_movement_begins_or_ends_with_a_step(kind):
    """Each sample near the start and the end lies close to the last one: no more than the muscles' own rise."""
    for seed in range(6):
        infant, movement = one(kind, seed)
        assert left_behind(movement) == pytest.approx(0.0, abs=1e-9)
        for site in (Site.LA, Site.LW, Site.TR):
            acc, gyro = seen(infant, movement, site, rate_hz=416.0)
            rest = slice(0, int(0.49 * 416))
            assert np.ptp(acc[rest], axis=0).max() < 1e-4
            assert np.abs(gyro[rest]).max() < 1e-4
            onset = np.abs(np.diff(acc, axis=0)).max(axis=1)
            assert onset[: int(0.51 * 416)].max() <= 0.35 * max(float(np.ptp(acc, axis=0).max()), 1e-3)
            assert np.allclose(acc[-1], acc[0], atol=1e-4)
