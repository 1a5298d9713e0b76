from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch

from dsp.records import Label, Site
from firmware_sim.steps import Channel, Trajectory
from tests.sim_examples import one, seen

KINDS = ("patting", "rocking", "carrying")
ALL = (Site.LA, Site.RA, Site.TR)


def channel_of(movement, channel, *, from_s, span_s, rate_hz=50.0):
    curve = Trajectory(movement.steps, {}).curve(channel, from_s, 1.0 / rate_hz, int(span_s * rate_hz))
    return curve.value.astype(np.float64), curve.accel.astype(np.float64)


def cycles_of(wave, rate_hz=50.0):
    """Seconds from one upward crossing of the middle to the next, to a fraction of a sample."""
    wave = wave - wave.mean()
    rising = np.flatnonzero((wave[:-1] < 0.0) & (wave[1:] >= 0.0))
    return np.diff(rising - wave[rising] / (wave[rising + 1] - wave[rising])) / rate_hz


@pytest.mark.parametrize("kind", ["rocking", "carrying"])
def test_being_rocked_or_carried_turns_all_sensors_alike_and_at_once(kind):
    infant, movement = one(kind, 3, duration_s=20.0)
    turned = [np.linalg.norm(seen(infant, movement, s)[1], axis=1) for s in ALL]
    assert turned[0].max() > 1.0
    assert np.allclose(turned[0], turned[1], atol=0.01)
    assert np.allclose(turned[0], turned[2], atol=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_motion_from_outside_is_marked_as_conveyed(kind):
    marks = one(kind, 1, duration_s=20.0)[1].marks
    assert [(mark.conveyed, mark.label) for mark in marks] == [(True, Label.MOVEMENT)]


@pytest.mark.parametrize("kind", KINDS)
def test_motion_from_outside_ends_where_it_began(kind):
    for seed in range(10):
        movement = one(kind, seed, duration_s=20.0)[1]
        trajectory = Trajectory(movement.steps, {})
        for channel in Channel:
            assert trajectory.level(channel, movement.duration_s + 1.0) == pytest.approx(0.0, abs=1e-9)
            assert trajectory.curve(channel, movement.duration_s + 0.01, 0.01, 50) is None


def test_carrying_has_the_steps_of_someone_who_walks():
    """Steps at 1.5-2.2 Hz, from the strongest line of the vertical motion in a thousand walks."""
    found = []
    for seed in range(1000):
        _, up = channel_of(one("carrying", seed, duration_s=26.0)[1], Channel.POS_Z, from_s=2.5, span_s=21.0)
        hz, power = welch(up, 50.0, nperseg=1024)
        band = (hz > 0.8) & (hz < 2.8)
        found.append(hz[band][np.argmax(power[band])])
    assert 1.45 < np.percentile(found, 2) < 1.6
    assert 2.1 < np.percentile(found, 98) < 2.3


def test_carrying_sways_sideways_once_in_two_steps_and_lands_with_harmonics():
    for seed in range(20):
        movement = one("carrying", seed, duration_s=60.0)[1]
        _, up = channel_of(movement, Channel.POS_Z, from_s=4.0, span_s=50.0)
        _, aside = channel_of(movement, Channel.POS_Y, from_s=4.0, span_s=50.0)
        hz, power = welch(up, 50.0, nperseg=1024)
        step_hz = hz[np.argmax(np.where((hz > 0.8) & (hz < 2.8), power, 0.0))]
        near = np.abs(hz - 2.0 * step_hz) < 0.25
        assert power[near].max() > 10.0 * np.median(power[hz > 12.0])
        hz, power = welch(aside, 50.0, nperseg=1024)
        low = (hz > 0.4) & (hz < 1.4)
        assert hz[low][np.argmax(power[low])] == pytest.approx(0.5 * step_hz, abs=0.12)


def test_rocking_keeps_time_like_a_person():
    """0.25-1.5 Hz with a CV of 0.03-0.10, looser than a machine's 0.02."""
    rates, cvs = [], []
    for seed in range(1000):
        sway, _ = channel_of(one("rocking", seed, duration_s=40.0)[1], Channel.POS_X, from_s=6.0, span_s=28.0)
        cycles = cycles_of(sway)
        rates.append(1.0 / np.mean(cycles))
        cvs.append(np.std(cycles) / np.mean(cycles))
    assert 0.22 <= np.percentile(rates, 1) < 0.35
    assert 1.3 < np.percentile(rates, 99) <= 1.65
    assert np.percentile(cvs, 2) > 0.015
    assert np.percentile(cvs, 98) < 0.14


def test_rocking_stays_below_a_third_of_gravity():
    for seed in range(20):
        infant, movement = one("rocking", seed, duration_s=30.0)
        size = np.linalg.norm(seen(infant, movement, Site.TR)[0], axis=1)
        assert np.abs(size - 1.0).max() < 0.45


def pats_of(movement):
    """Times of the blows, at 500 Hz, from the mattress's downward acceleration."""
    span_s = movement.duration_s - 0.1
    down, _ = channel_of(movement, Channel.POS_Z, from_s=0.0, span_s=span_s, rate_hz=500.0)
    deep = -down
    high = deep > 0.25 * np.percentile(deep, 99.5)
    begin = np.flatnonzero(high[1:] & ~high[:-1])
    return begin / 500.0, deep, high


def test_patting_keeps_its_beat_within_a_run():
    rates, cvs = [], []
    for seed in range(300):
        at, _, _ = pats_of(one("patting", seed, duration_s=14.0)[1])
        gaps = np.diff(at)
        within = gaps[gaps < 1.6 * np.median(gaps)]
        rates.append(1.0 / np.median(within))
        cvs.append(np.std(within) / np.mean(within))
    assert np.percentile(rates, 2) > 0.9
    assert np.percentile(rates, 98) < 2.75
    assert 0.04 < np.median(cvs) < 0.17


def test_a_pat_is_an_impact_of_50_to_150_ms():
    """Measured as the time the mattress is pressed down by more than a tenth, in a thousand pattings."""
    widths = []
    for seed in range(1000):
        movement = one("patting", seed, duration_s=0.2)[1]
        down, _ = channel_of(movement, Channel.POS_Z, from_s=0.0, span_s=0.4, rate_hz=500.0)
        widths.append(np.count_nonzero(-down[: int(0.3 * 500)] > 0.1 * np.max(-down)) / 500.0)
    assert np.percentile(widths, 5) > 0.04
    assert np.percentile(widths, 95) < 0.20
    assert 0.05 < np.median(widths) < 0.15


def test_pats_strike_the_trunk_and_the_legs_follow_with_no_lag():
    lags, shares = [], []
    for seed in range(40):
        row = one("patting", seed, duration_s=10.0)
        trunk, leg = (np.linalg.norm(np.diff(seen(*row, s)[0], axis=0), axis=1) for s in (Site.TR, Site.LA))
        both = [np.dot(trunk[5:-5], leg[5 + k : leg.size - 5 + k]) for k in range(-5, 6)]
        lags.append(int(np.argmax(both)) - 5)
        shares.append(np.percentile(leg, 98) / np.percentile(trunk, 98))
    assert np.mean(np.abs(lags) <= 1) > 0.9
    assert np.median(shares) < 1.0
