from __future__ import annotations

import numpy as np
import pytest

from dsp.records import Label, Site
from firmware_sim.draw import Draw
from firmware_sim.movement import Movement
from firmware_sim.steps import Channel, StepList
from firmware_sim.tremors import tremble, tremor_angle
from tests.motion_measures import left_behind, path, swings
from tests.sim_examples import one, peak_g, seen


def rate_of(movement, channel=Channel.HEAD_NOD):
    return 1.0 / np.median(np.diff(swings(movement, channel)))


def bursts(times, apart_s):
    return np.split(times, np.flatnonzero(np.diff(times) > apart_s) + 1)


def test_a_tremor_is_nearly_a_sine_of_the_asked_rate_and_size():
    out = StepList()
    tremble(out, Draw(1, "t"), {Channel.L_KNEE: 0.01}, 0.0, 20.0, rate_hz=5.0, cv=0.0)
    accel = path(Movement(out.build()), Channel.L_KNEE).accel[208 * 8 : 208 * 12]
    power = np.abs(np.fft.rfft(accel * np.hanning(accel.size))) ** 2
    hz = np.fft.rfftfreq(accel.size, 1 / 208)
    assert hz[np.argmax(power)] == pytest.approx(5.0, abs=0.3)
    assert power[(hz > 13) & (hz < 17)].sum() < 0.06 * power.sum()


def test_a_tremor_of_so_many_g_is_seen_as_such():
    out, lever, rate = StepList(), 0.1, 6.0
    tremble(
        out, Draw(1, "t"), {Channel.L_KNEE: tremor_angle(0.1, rate, lever)}, 0.0, 20.0, rate_hz=rate, cv=0.0
    )
    accel = path(Movement(out.build()), Channel.L_KNEE).accel[208 * 6 : 208 * 12]
    assert np.sqrt(2) * np.std(accel) * lever / 9.80665 == pytest.approx(0.1, rel=0.2)


def test_shudders_last_five_to_fifteen_seconds_at_four_to_twelve_hertz():
    spans, rates = [], []
    for seed in range(1000):
        movement = one("shuddering", seed, age_days=300, count=1)[1]
        spans.append(movement.duration_s)
        if seed < 150:
            rates.append(rate_of(movement))
    assert np.mean((np.array(spans) >= 5.0) & (np.array(spans) <= 15.5)) > 0.98
    assert 0.35 < np.mean(np.array(spans) < 7.5) < 0.75
    assert np.mean((np.array(rates) >= 3.5) & (np.array(rates) <= 12.5)) > 0.97
    assert np.ptp(rates) > 5.0


def test_shudders_are_of_head_and_arms_more_than_of_legs():
    rows = [one("shuddering", seed, age_days=300, count=1) for seed in range(40)]
    above, below, trunk = (np.array([peak_g(*row, s) for row in rows]) for s in (Site.HD, Site.LA, Site.TR))
    assert np.mean(above > below) > 0.8
    assert np.percentile(below, 90) < 0.2
    assert 0.03 < np.median(trunk) < 0.25


def test_shudders_come_several_in_a_row_each_told_alone():
    movement = one("shuddering", 2, count=4)[1]
    assert len(movement.marks) == 4
    assert {m.label for m in movement.marks} == {Label.TREMOR}


def test_jitteriness_is_fast_when_fine_and_slower_when_coarse():
    fine = np.array([rate_of(one("jitteriness", s, age_days=3, coarse=False)[1]) for s in range(120)])
    coarse = np.array([rate_of(one("jitteriness", s, age_days=3, coarse=True)[1]) for s in range(60)])
    assert np.mean((fine > 5.7) & (fine < 12.5)) > 0.97
    assert np.mean((coarse > 2.7) & (coarse < 6.3)) > 0.97


def test_jitteriness_lasts_seconds_is_even_and_leaves_the_trunk_alone():
    rows = [one("jitteriness", seed, age_days=3) for seed in range(1000)]
    spans = np.array([row[1].duration_s for row in rows])
    assert np.mean((spans >= 0.7) & (spans <= 20.6)) > 0.99
    gaps = [np.diff(swings(row[1], Channel.HEAD_NOD)) for row in rows[:100]]
    assert np.median([np.std(g) / np.mean(g) for g in gaps if g.size > 5]) < 0.15
    assert max(peak_g(*row, Site.TR) for row in rows[:40]) < 0.06
    ankle = [peak_g(*row, Site.LA) for row in rows[:40]]
    assert 0.005 < np.median(ankle) < 0.15


@pytest.mark.parametrize(
    ("age_days", "sucks", "burst_s", "a_minute"), [(91, 9.6, 4.74, 4.5), (365, 3.75, 1.67, 2.5)]
)
def test_comfort_sucking_has_the_published_bursts_at_three_and_twelve_months(
    age_days, sucks, burst_s, a_minute
):
    rates, sizes, spans, counts = [], [], [], []
    for seed in range(60):
        movement = one("sucking", seed, age_days=age_days, nutritive=False, duration_s=240.0)[1]
        parts = bursts(swings(movement, Channel.HEAD_NOD), 0.95)
        rates += [1.0 / np.median(np.diff(part)) for part in parts if part.size > 2]
        sizes += [part.size for part in parts]
        spans += [float(np.ptp(part)) + 0.24 for part in parts]
        counts.append(len(parts) / 4.0)
    assert np.median(rates) == pytest.approx(2.1, abs=0.15)
    assert np.mean(sizes) == pytest.approx(sucks, rel=0.2)
    assert np.mean(spans) == pytest.approx(burst_s, rel=0.25)
    assert np.mean(counts) == pytest.approx(a_minute, rel=0.2)


def test_feeding_sucks_once_a_second_first_without_pause_and_then_in_bursts():
    for seed in range(20):
        movement = one("sucking", seed, nutritive=True, duration_s=600.0)[1]
        times = swings(movement, Channel.HEAD_NOD)
        assert 0.75 < 1.0 / np.median(np.diff(times)) < 1.35
        early, late = (bursts(times[w], 2.5) for w in (times < 100.0, times > 450.0))
        assert np.mean([b.size for b in early]) > 25
        assert 6 < np.mean([b.size for b in late]) < 32


def test_sucking_is_hardly_seen_at_the_trunk():
    rows = [one("sucking", seed, duration_s=30.0) for seed in range(40)]
    assert max(np.ptp(seen(*row, Site.TR)[0], axis=0).max() for row in rows) < 0.05
    assert {row[1].marks[0].label for row in rows} == {Label.MOVEMENT}


@pytest.mark.parametrize("kind", ["jitteriness", "shuddering", "sucking"])
def test_a_tremor_comes_back_to_rest(kind):
    for seed in range(10):
        assert left_behind(one(kind, seed)[1]) == pytest.approx(0.0, abs=1e-9)
