from __future__ import annotations

import numpy as np
import pytest

from dsp.records import Label, Site
from firmware_sim.draw import Draw
from firmware_sim.rhythmic import RMD_FORMS, draw_rmd_form
from firmware_sim.steps import Channel, Trajectory
from tests.sim_examples import one, peak_g, seen

LED_BY = {
    "body_rocking": Channel.POS_X,
    "head_banging": Channel.HEAD_NOD,
    "head_rolling": Channel.HEAD_TURN,
}


def cycles_of(movement, form):
    """Seconds between upward crossings of zero in the channel that leads, the longest run alone."""
    trajectory = Trajectory(movement.steps, {})
    wave = trajectory.curve(LED_BY[form], 3.5, 0.01, int((movement.duration_s - 7.0) * 100)).value
    wave = wave.astype(np.float64)
    strong = np.abs(wave) > 0.25 * np.percentile(np.abs(wave), 99)
    rising = np.flatnonzero((wave[:-1] < 0.0) & (wave[1:] >= 0.0))
    rising = [r for r in rising if strong[max(r - 60, 0) : r + 60].any()]
    at = np.array([r - wave[r] / (wave[r + 1] - wave[r]) for r in rising]) * 0.01
    return np.diff(at)


def test_rhythmic_movement_goes_at_half_to_two_hz_and_keeps_time():
    """0.5-2 Hz with a CV below 0.15, from the sway of a thousand infants who rock or roll their heads."""
    rates, cvs = [], []
    for seed in range(1000):
        form = "body_rocking" if seed % 2 else "head_rolling"
        movement = one("rhythmic_movement", seed, age_days=270, form=form, duration_s=24.0)[1]
        cycles = cycles_of(movement, form)
        cycles = cycles[np.abs(cycles - np.median(cycles)) < 0.45 * np.median(cycles)]
        rates.append(1.0 / np.median(cycles))
        cvs.append(np.std(cycles) / np.mean(cycles))
    assert 0.42 < np.percentile(rates, 2) < 0.7
    assert 1.7 < np.percentile(rates, 98) < 2.25
    assert np.percentile(cvs, 97) < 0.18
    assert np.median(cvs) < 0.12


@pytest.mark.parametrize("form", RMD_FORMS)
def test_it_is_the_infants_own_rocking(form):
    mark = one("rhythmic_movement", 1, age_days=300, form=form, duration_s=30.0)[1].marks[0]
    assert (mark.label, mark.true_class, mark.conveyed) == (Label.ROCKING, form, False)
    assert mark.end_s - mark.onset_s == pytest.approx(30.0)


def test_it_may_last_up_to_a_quarter_of_an_hour():
    lengths = [
        (m := one("rhythmic_movement", seed, age_days=300)[1].marks[0]).end_s - m.onset_s
        for seed in range(60)
    ]
    assert max(lengths) <= 900.0
    assert min(lengths) >= 20.0


def test_heads_are_banged_from_nine_months_and_bodies_rocked_most():
    draw = Draw(1, "test")
    young = [draw_rmd_form(draw, 200) for _ in range(1000)]
    older = [draw_rmd_form(draw, 300) for _ in range(1000)]
    assert young.count("head_banging") == 0
    assert 0.20 < older.count("head_banging") / 1000 < 0.30
    assert max(RMD_FORMS, key=older.count) == "body_rocking"


def test_the_trunk_is_rocked_at_the_estimated_strength_and_ankles_less_than_twice_that():
    rows = [
        one("rhythmic_movement", s, age_days=250, form="body_rocking", duration_s=20.0) for s in range(100)
    ]
    trunk = np.array([peak_g(*row, Site.TR) for row in rows])
    ankle = np.array([peak_g(*row, Site.LA) for row in rows])
    assert 0.15 < np.median(trunk) < 1.0
    assert np.median(ankle / trunk) < 2.0


def test_who_rocks_on_its_knees_keeps_the_ankles_nearly_in_place():
    """0.05-0.3 g [E, row RMD] while it rocks, getting onto the knees left out."""
    peaks = []
    for seed in range(60):
        row = one("rhythmic_movement", seed, age_days=250, form="body_rocking", duration_s=15.0)
        size = np.abs(np.linalg.norm(seen(*row, Site.LA)[0], axis=1) - 1.0)
        peaks.append(size[int(6.5 * 104) : int(16.0 * 104)].max())
    assert 0.05 < np.median(peaks) < 0.3
    assert np.percentile(peaks, 90) < 0.4


def test_rolling_the_head_hardly_reaches_the_ankles():
    rows = [
        one("rhythmic_movement", s, age_days=250, form="head_rolling", duration_s=15.0) for s in range(40)
    ]
    assert np.median([peak_g(*row, Site.TR) for row in rows]) < 0.1


def test_a_banged_head_is_a_blow_at_the_chest():
    """Within one cycle the force rises far above its usual size for under a fifth of the cycle."""
    kurtosis = []
    for seed in range(30):
        row = one("rhythmic_movement", seed, age_days=300, form="head_banging", duration_s=20.0)
        size = np.linalg.norm(seen(*row, Site.TR)[0], axis=1)[5 * 104 : 18 * 104] - 1.0
        size = size[np.abs(size) > 0.0]
        kurtosis.append(np.mean(size**4) / np.mean(size**2) ** 2)
    assert np.median(kurtosis) > 4.0


def test_everything_is_back_in_its_place_afterwards():
    for form in RMD_FORMS:
        movement = one("rhythmic_movement", 2, age_days=300, form=form, duration_s=20.0)[1]
        trajectory = Trajectory(movement.steps, {})
        for channel in Channel:
            assert trajectory.level(channel, movement.duration_s + 1.0) == pytest.approx(0.0, abs=1e-9)


def test_reflux_arches_the_back_for_one_to_three_minutes_from_a_slow_start():
    for seed in range(60):
        infant, movement = one("sandifer", seed)
        assert 60.0 <= movement.duration_s <= 190.0
        curve = Trajectory(movement.steps, {}).curve(Channel.SPINE_FLEX, 0.0, 0.01, 1000)
        bend = curve.value.astype(np.float64)
        half_s = 0.01 * (np.argmax(bend < 0.8 * bend.min()) - np.argmax(bend < 0.1 * bend.min()))
        assert half_s > 0.35
        acc, _ = seen(infant, movement, Site.TR)
        assert np.abs(np.linalg.norm(acc, axis=1) - 1.0).max() < 0.2
        held = acc[20 * 104 : 40 * 104].mean(axis=0)
        assert np.degrees(np.arccos(np.clip(held @ acc[0] / np.linalg.norm(held), -1.0, 1.0))) > 3.0


def test_reflux_spares_the_limbs_and_is_told_as_stiffening():
    shares = []
    for seed in range(30):
        infant, movement = one("sandifer", seed)
        rate = {s: np.abs(seen(infant, movement, s)[1]).mean() for s in (Site.LA, Site.TR)}
        shares.append(rate[Site.LA] / rate[Site.TR])
    mark = movement.marks[0]
    assert np.median(shares) < 0.8
    assert (mark.label, mark.true_class) == (Label.STIFFENING, "sandifer")
