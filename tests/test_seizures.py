from __future__ import annotations

import numpy as np
import pytest

from dsp.records import Label, Site
from firmware_sim.body import LEFT, LEFT_ARM, RIGHT, RIGHT_ARM
from firmware_sim.draw import Draw
from firmware_sim.seizures import _convulsion_s
from firmware_sim.steps import Channel
from tests.motion_measures import left_behind, moves, path
from tests.sim_examples import one, peak_g, seen


def jerk_times(movement, channel=Channel.POS_X):
    """A sliding trunk takes part in each jerk: three steps, the first of them its onset."""
    starts = movement.steps.start_s[movement.steps.channel == channel]
    return np.sort(starts[::3])


def rates(movement, part):
    gaps = np.diff(jerk_times(movement))
    third = max(gaps.size // 3, 1)
    return 1.0 / np.mean(gaps[:third] if part == "first" else gaps[-third:])


def test_clonic_jerks_come_one_to_four_times_a_second_and_slow_down():
    first, last = [], []
    for seed in range(1000):
        movement = one("clonic", seed, duration_s=12.0, age_days=30)[1]
        first.append(rates(movement, "first"))
        last.append(rates(movement, "last"))
    assert np.mean((np.array(first) > 0.7) & (np.array(first) < 4.0)) > 0.98
    assert np.mean(np.array(last) < np.array(first)) > 0.9
    assert 0.45 < np.median(np.array(last) / np.array(first)) < 0.85
    assert min(last) > 0.2


def test_clonic_intervals_spread_by_a_tenth_to_a_third():
    cvs = []
    for seed in range(60):
        gaps = np.diff(jerk_times(one("clonic", seed, duration_s=40.0)[1]))
        trend = np.exp(np.polyval(np.polyfit(np.arange(gaps.size), np.log(gaps), 1), np.arange(gaps.size)))
        cvs.append(np.std(gaps / trend))
    assert 0.1 <= np.median(cvs) <= 0.3


def test_no_clonic_contraction_is_shorter_than_a_quarter_second():
    for seed in range(200):
        steps = one("clonic", seed, duration_s=10.0, side="left")[1].steps
        knee = steps.channel == LEFT.knee
        start, end = steps.start_s[knee], (steps.start_s + steps.span_s)[knee]
        assert (end[1::2] - start[::2]).min() >= 0.25 - 1e-9


def test_each_jerk_contracts_faster_than_it_lets_go():
    steps = one("clonic", 3, duration_s=20.0, side="left")[1].steps
    spans = steps.span_s[steps.channel == LEFT.knee]
    assert np.all(spans[::2] < spans[1::2])


@pytest.mark.parametrize("seed", range(3))
def test_a_clonic_run_lasts_as_long_as_asked(seed):
    mark = one("clonic", seed, duration_s=30.0)[1].marks[0]
    assert mark.end_s - mark.onset_s == pytest.approx(30.0, abs=2.5)
    assert mark.label is Label.RHYTHMIC_JERKING


def test_in_neonates_most_runs_stay_on_one_side():
    one_sided = []
    for seed in range(300):
        movement = one("clonic", seed, duration_s=4.0, age_days=15)[1]
        left, right = (
            moves(movement, arm.elbow, leg.knee) for arm, leg in ((LEFT_ARM, LEFT), (RIGHT_ARM, RIGHT))
        )
        one_sided.append(left != right)
    assert np.mean(one_sided) > 0.75


def test_a_one_sided_run_moves_that_leg_and_not_the_other():
    for seed in range(20):
        infant, movement = one("clonic", seed, duration_s=8.0, side="left", rate_hz=2.0)
        assert moves(movement, LEFT.knee)
        assert not moves(movement, RIGHT.knee, RIGHT_ARM.elbow)
        left, right = (np.abs(seen(infant, movement, s)[1]).max() for s in (Site.LA, Site.RA))
        assert left > right


def test_what_lasts_a_minute_is_long_and_keeps_its_phases():
    short, long = (one("clonic", 1, duration_s=t)[1].marks[0] for t in (40.0, 80.0))
    assert short.label is Label.RHYTHMIC_JERKING
    assert long.label is Label.LONG_MOVEMENT
    assert [m.label for m in long.members] == [Label.RHYTHMIC_JERKING]
    held = one("stiffening", 1, duration_s=90.0)[1].marks[0]
    assert held.label is Label.LONG_MOVEMENT
    assert [m.label for m in held.members] == [Label.STIFFENING]


def test_stiffening_begins_without_a_jerk_and_holds_a_tilt():
    for seed in range(20):
        infant, movement = one("stiffening", seed, duration_s=10.0)
        acc, _ = seen(infant, movement, Site.TR)
        first = acc[52 : 52 + 104]
        assert np.abs(np.linalg.norm(first, axis=1) - 1.0).max() < 0.15
        held = acc[5 * 104 : 8 * 104].mean(axis=0)
        assert np.degrees(np.arccos(np.clip(held @ acc[0] / np.linalg.norm(held), -1, 1))) > 4.0
        assert movement.marks[0].label is Label.STIFFENING


def test_stiffening_trembles_finely_and_stays_below_a_fifth_of_g():
    fine, peaks = [], []
    for seed in range(60):
        infant, movement = one("stiffening", seed, duration_s=12.0)
        acc, _ = seen(infant, movement, Site.LA)
        held = acc[4 * 104 : 9 * 104] - acc[4 * 104 : 9 * 104].mean(axis=0)
        power = (np.abs(np.fft.rfft(held * np.hanning(len(held))[:, None], axis=0)) ** 2).sum(axis=1)
        hz = np.fft.rfftfreq(len(held), 1 / 104)
        fine.append(hz[hz > 5.0][np.argmax(power[hz > 5.0])])
        peaks.append(peak_g(infant, movement, Site.LA))
    assert np.mean((np.array(fine) > 7.5) & (np.array(fine) < 26.0)) > 0.95
    assert np.percentile(peaks, 90) < 0.3


def test_the_trunk_wavers_while_it_is_held_stiff():
    """Averaged over half seconds, which leaves no tremor, its gravity moves by more than 3 mg in ten seconds."""
    moved = []
    for seed in range(40):
        acc, _ = seen(*one("stiffening", seed, duration_s=16.0), Site.TR)
        slow = acc[4 * 104 : 13 * 104].reshape(18, 52, 3).mean(axis=1)
        moved.append(np.ptp(slow, axis=0).max())
    assert np.percentile(moved, 10) > 0.003


def test_every_stiffening_lasts_longer_than_three_seconds():
    spans = [m.end_s - m.onset_s for s in range(150) for m in one("stiffening", s)[1].marks]
    assert min(spans) > 3.0


def test_convulsions_last_as_long_as_was_published():
    draw = Draw(1, "test")
    febrile = np.array([_convulsion_s(draw, febrile=True) for _ in range(2000)]) / 60.0
    other = np.array([_convulsion_s(draw, febrile=False) for _ in range(2000)])
    short = febrile < 15.0
    assert np.median(febrile) == pytest.approx(4.0, abs=0.5)
    assert np.mean(short) == pytest.approx(0.82, abs=0.03)
    assert febrile[short].mean() == pytest.approx(3.8, abs=0.3)
    assert febrile[~short].mean() == pytest.approx(39.8, abs=4.0)
    assert other.mean() == pytest.approx(89.0, abs=6.0)


def test_a_convulsion_stiffens_first_and_then_jerks_ever_more_slowly():
    for seed in range(12):
        movement = one("tonic_clonic", seed, febrile=False, duration_s=70.0)[1]
        tonic, jerks = movement.marks[0].members
        times = jerk_times(movement)
        gaps = np.diff(times)
        assert movement.duration_s == pytest.approx(70.0, abs=2.0)
        assert (tonic.label, jerks.label) == (Label.STIFFENING, Label.RHYTHMIC_JERKING)
        assert tonic.end_s == jerks.onset_s
        assert times[0] >= tonic.end_s - 1.0
        assert 4.5 < 1.0 / np.mean(gaps[:20]) < 9.5
        assert 0.8 < 1.0 / np.mean(gaps[-10:]) < 2.4


def test_a_convulsion_is_as_strong_as_estimated():
    rows = [one("tonic_clonic", seed, febrile=False, duration_s=25.0) for seed in range(20)]
    assert 0.5 < np.median([peak_g(*row, Site.LA) for row in rows]) < 3.0
    assert 0.3 < np.median([peak_g(*row, Site.TR) for row in rows]) < 2.0


def test_only_infants_from_six_months_have_febrile_ones_by_themselves():
    young = [one("tonic_clonic", s, age_days=100, duration_s=70.0)[1].marks[0].true_class for s in range(10)]
    older = [one("tonic_clonic", s, age_days=300, duration_s=70.0)[1].marks[0].true_class for s in range(20)]
    assert set(young) == {"tonic_clonic"}
    assert set(older) == {"tonic_clonic", "febrile_convulsion"}


@pytest.mark.parametrize("kind", ["clonic", "stiffening", "tonic_clonic"])
def test_everything_comes_back_to_rest_and_sets_off_smoothly(kind):
    for seed in range(6):
        movement = one(kind, seed, duration_s=15.0)[1]
        assert left_behind(movement) == pytest.approx(0.0, abs=1e-9)
        curve = path(movement, Channel.SPINE_FLEX)
        assert curve.rate[0] == pytest.approx(0.0, abs=1e-3)
        assert np.all(curve.rate[-10:] == pytest.approx(0.0, abs=1e-6))
