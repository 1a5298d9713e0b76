from __future__ import annotations

import numpy as np
import pytest

from dsp.records import State
from firmware_sim.breathing import breathing, breathing_band_hz
from firmware_sim.draw import Draw
from firmware_sim.movement import draw_infant
from firmware_sim.sleep import Bout
from firmware_sim.steps import Channel

LONG_PAUSE_S = 4.0


def breath_starts(seed: int, bout: Bout, age_days: int) -> np.ndarray:
    infant = draw_infant(Draw(seed, "infant"), age_days)
    steps = breathing(Draw(seed, "breathing"), infant, (bout,))
    return np.sort(steps.start_s[steps.channel == Channel.SPINE_FLEX])[::2]


def breath_periods(seed: int, state: State, age_days: int) -> np.ndarray:
    """Time from breath to breath of one infant in one bout of five minutes."""
    return np.diff(breath_starts(seed, Bout(state, 0.0, 300.0), age_days))


def variability(periods: np.ndarray) -> float:
    """Robust against pauses: half the spread of the middle of the periods over their median."""
    low, middle, high = np.percentile(periods, [16, 50, 84])
    return float((high - low) / (2.0 * middle))


@pytest.mark.parametrize("state", [State.ACTIVE_SLEEP, State.QUIET_SLEEP])
@pytest.mark.parametrize(("age_days", "low_hz", "high_hz"), [(15, 0.43, 0.86), (300, 0.29, 0.49)])
def test_breathing_rates_fill_the_published_band_of_the_age(state, age_days, low_hz, high_hz):
    low, high = breathing_band_hz(state, age_days)
    assert low_hz <= low < high <= high_hz
    rates = np.array([1.0 / np.median(breath_periods(seed, state, age_days)) for seed in range(250)])
    assert np.mean((rates >= low) & (rates <= high)) >= 0.85
    assert np.ptp(rates) > 0.5 * (high - low)


@pytest.mark.parametrize("age_days", [10, 90, 400])
def test_breathing_is_more_regular_in_quiet_than_in_active_sleep(age_days):
    for seed in range(60):
        quiet, active = (
            variability(breath_periods(seed, s, age_days)) for s in (State.QUIET_SLEEP, State.ACTIVE_SLEEP)
        )
        assert quiet < active


def test_breathing_calms_down_while_quiet_sleep_comes():
    early, late = [], []
    for seed in range(60):
        starts = breath_starts(seed, Bout(State.QUIET_SLEEP, 0.0, 900.0, settling_s=300.0), 120)
        periods, times = np.diff(starts), starts[1:]
        early.append(variability(periods[times < 100.0]))
        late.append(variability(periods[times > 400.0]))
    assert np.mean(np.array(early) > np.array(late)) > 0.95


def test_breathing_slows_down_before_sleep():
    slower = 0
    for seed in range(60):
        starts = breath_starts(seed, Bout(State.AWAKE, 0.0, 900.0, drowsy_s=300.0), 120)
        periods, times = np.diff(starts), starts[1:]
        slower += np.median(periods[times > 800.0]) > np.median(periods[times < 500.0])
    assert slower > 55


def test_young_infants_breathe_periodically_now_and_then_and_older_ones_never():
    """Three pauses of four seconds or more, thirty seconds apart at most."""

    def series(age_days: int) -> int:
        found = 0
        for seed in range(60):
            starts = breath_starts(seed, Bout(State.QUIET_SLEEP, 0.0, 3600.0), age_days)
            paused = starts[1:][np.diff(starts) > LONG_PAUSE_S + 1.0]
            found += bool(np.any(paused[2:] - paused[:-2] < 60.0))
        return found

    assert series(14) > 8
    assert series(14) < 55
    assert series(300) <= 3


def test_quiet_breaths_tilt_the_chest_by_a_few_thousandths():
    tilts = [draw_infant(Draw(seed, "infant"), 90).breath_tilt_g for seed in range(1000)]
    assert min(tilts) >= 0.002
    assert max(tilts) <= 0.010
