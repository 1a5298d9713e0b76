from __future__ import annotations

import itertools

import numpy as np
import pytest

from dsp.records import State
from firmware_sim.breathing import breathing, breathing_band_hz
from firmware_sim.draw import Draw
from firmware_sim.movement import draw_infant
from firmware_sim.sleep import Bout, draw_hypnogram, state_at
from firmware_sim.steps import Channel

HOUR_S = 3600.0


def breath_periods(seed: int, state: State, age_days: int) -> np.ndarray:
    """Time from breath to breath of one infant in one bout of five minutes."""
    infant = draw_infant(Draw(seed, "infant"), age_days)
    steps = breathing(Draw(seed, "breathing"), infant, (Bout(state, 0.0, 300.0),))
    starts = np.sort(steps.start_s[steps.channel == Channel.SPINE_FLEX])[::2]
    return np.diff(starts)


@pytest.mark.parametrize("state", [State.ACTIVE_SLEEP, State.QUIET_SLEEP])
@pytest.mark.parametrize(("age_days", "low_hz", "high_hz"), [(15, 0.43, 0.86), (300, 0.29, 0.49)])
def test_breathing_rates_fill_the_published_band_of_the_age(state, age_days, low_hz, high_hz):
    low, high = breathing_band_hz(state, age_days)
    assert low_hz <= low < high <= high_hz
    rates = np.array([1.0 / np.median(breath_periods(seed, state, age_days)) for seed in range(250)])
    assert np.mean((rates >= low) & (rates <= high)) >= 0.85
    assert np.ptp(rates) > 0.5 * (high - low)


def test_breathing_is_more_regular_in_quiet_than_in_active_sleep():
    for seed in range(40):
        quiet, active = (
            float(np.std(p) / np.mean(p))
            for p in (breath_periods(seed, s, 90) for s in (State.QUIET_SLEEP, State.ACTIVE_SLEEP))
        )
        assert quiet < active


def test_quiet_breaths_tilt_the_chest_by_a_few_thousandths():
    tilts = [draw_infant(Draw(seed, "infant"), 90).breath_tilt_g for seed in range(1000)]
    assert min(tilts) >= 0.002
    assert max(tilts) <= 0.010


@pytest.mark.parametrize("age_days", [10, 80, 200])
def test_a_night_is_made_of_cycles_of_published_length(age_days):
    cycles = []
    for seed in range(300):
        bouts = draw_hypnogram(Draw(seed, "hypnogram"), age_days, 10 * HOUR_S)
        pairs = itertools.pairwise(bouts[:-1])
        first = State.ACTIVE_SLEEP if age_days < 91 else State.QUIET_SLEEP
        cycles += [(a.duration_s + b.duration_s) / 60 for a, b in pairs if a.state is first]
    assert len(cycles) >= 1000
    assert min(cycles) >= 46.9
    assert max(cycles) <= 60.1


def test_quiet_sleep_takes_a_growing_share():
    def share(age_days: int) -> float:
        total = {State.QUIET_SLEEP: 0.0, State.ACTIVE_SLEEP: 0.0, State.AWAKE: 0.0}
        for seed in range(100):
            for bout in draw_hypnogram(Draw(seed, "hypnogram"), age_days, 10 * HOUR_S):
                total[bout.state] += bout.duration_s
        return total[State.QUIET_SLEEP] / (total[State.QUIET_SLEEP] + total[State.ACTIVE_SLEEP])

    assert 0.167 <= share(14) < share(120) < share(240) <= 0.667


def test_young_infants_fall_into_active_sleep_and_older_ones_into_quiet_sleep():
    def first_sleep(age_days: int) -> State:
        return draw_hypnogram(Draw(1, "hypnogram"), age_days, HOUR_S)[1].state

    assert (first_sleep(60), first_sleep(150)) == (State.ACTIVE_SLEEP, State.QUIET_SLEEP)


def test_bouts_follow_one_another_to_the_end():
    bouts = draw_hypnogram(Draw(7, "hypnogram"), 60, 8 * HOUR_S)
    assert bouts[0].start_s == 0.0
    assert all(a.end_s == b.start_s for a, b in itertools.pairwise(bouts))
    assert bouts[-1].end_s == 8 * HOUR_S
    assert state_at(bouts, 8 * HOUR_S) is State.UNKNOWN
