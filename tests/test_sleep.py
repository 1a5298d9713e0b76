from __future__ import annotations

import itertools

import numpy as np
import pytest

from dsp.records import State
from firmware_sim.draw import Draw
from firmware_sim.sleep import Bout, Wake, draw_hypnogram, state_at

HOUR_S = 3600.0
NIGHT_S = 10 * HOUR_S


def nights(age_days: int, n: int) -> list[tuple[Bout, ...]]:
    return [draw_hypnogram(Draw(seed, f"hypnogram/{age_days}"), age_days, NIGHT_S) for seed in range(n)]


def quiet_share(bouts: tuple[Bout, ...]) -> float:
    asleep = sum(b.duration_s for b in bouts if b.state.is_sleep)
    return sum(b.duration_s for b in bouts if b.state is State.QUIET_SLEEP) / asleep


@pytest.mark.parametrize("age_days", [10, 80, 200, 500])
def test_cycles_are_as_long_as_published(age_days):
    by_infant = [
        [(a.duration_s + b.duration_s) / 60 for a, b in pairs_of_one_cycle(bouts, age_days)]
        for bouts in nights(age_days, 300)
    ]
    every = np.concatenate(by_infant)
    assert every.size >= 1000
    assert 47.0 <= np.median(every) <= 60.0
    assert np.mean((every >= 40.0) & (every <= 72.0)) > 0.95
    means = np.array([np.mean(cycles) for cycles in by_infant if len(cycles) >= 4])
    assert np.mean((means >= 46.0) & (means <= 61.5)) > 0.8


def pairs_of_one_cycle(bouts: tuple[Bout, ...], age_days: int) -> list[tuple[Bout, Bout]]:
    first = State.ACTIVE_SLEEP if age_days < 91 else State.QUIET_SLEEP
    return [(a, b) for a, b in itertools.pairwise(bouts[:-1]) if a.state is first and b.state.is_sleep]


@pytest.mark.parametrize(
    ("age_days", "low", "high"), [(14, 0.167, 0.51), (84, 0.24, 0.58), (168, 0.34, 0.62), (240, 0.34, 0.67)]
)
def test_the_quiet_share_of_sleep_lies_between_the_published_courses(age_days, low, high):
    shares = np.array([quiet_share(bouts) for bouts in nights(age_days, 300)])
    assert low <= np.median(shares) <= high
    assert np.mean((shares >= 0.9 * low) & (shares <= 1.1 * high)) > 0.95


def test_quiet_sleep_takes_a_growing_share():
    shares = [np.mean([quiet_share(b) for b in nights(age, 150)]) for age in (14, 90, 170, 300)]
    assert shares == sorted(shares)


def test_young_infants_fall_into_active_sleep_and_older_ones_into_quiet_sleep():
    for bouts, first in ((nights(60, 60), State.ACTIVE_SLEEP), (nights(150, 60), State.QUIET_SLEEP)):
        for night in bouts:
            asleep = [b for a, b in itertools.pairwise(night) if not a.state.is_sleep]
            assert {b.state for b in asleep} == {first}


def test_quiet_sleep_comes_slowly_and_active_sleep_at_once():
    for bouts in nights(60, 40) + nights(200, 40):
        for bout in bouts:
            if bout.state is State.QUIET_SLEEP and bout.duration_s > 600.0:
                assert 60.0 <= bout.settling_s <= 360.0
                assert bout.settled(bout.start_s) == 0.0
                assert bout.settled(bout.start_s + bout.settling_s) == pytest.approx(1.0)
            elif bout.state is State.ACTIVE_SLEEP:
                assert bout.settled(bout.start_s) == 1.0


def test_drowsiness_comes_before_sleep():
    for bouts in nights(100, 60):
        for awake, after in itertools.pairwise(bouts):
            if awake.state is State.AWAKE:
                assert after.state.is_sleep
                assert awake.drowsy(awake.start_s) == 0.0
                assert awake.drowsy(awake.end_s) == 1.0
                assert awake.drowsy_s <= 0.5 * awake.duration_s + 1e-9


def test_the_younger_the_more_often_fed():
    def fed(age_days: int) -> float:
        return float(np.mean([sum(b.wake is Wake.FEED for b in bouts) for bouts in nights(age_days, 250)]))

    often = [fed(age) for age in (10, 60, 120, 400)]
    assert often == sorted(often, reverse=True)
    assert 2.0 <= often[0] <= 4.0
    assert often[-1] <= 1.0


def test_newborns_are_fed_every_two_to_five_hours_and_for_half_an_hour():
    gaps, lengths = [], []
    for bouts in nights(10, 1050):
        feeds = [b for b in bouts[:-1] if b.wake is Wake.FEED]
        lengths += [b.duration_s / 60 for b in feeds]
        gaps += [(b.start_s - a.end_s) / HOUR_S for a, b in itertools.pairwise(feeds)]
    assert len(gaps) >= 1000
    assert min(gaps) >= 2.0
    assert np.percentile(gaps, 95) <= 5.0
    assert min(lengths) >= 22.0
    assert max(lengths) <= 50.0


def test_infants_sleep_most_of_the_night_and_wake_now_and_then():
    for age, least, most in ((10, 0.6, 0.95), (200, 0.75, 0.99)):
        asleep = [sum(b.duration_s for b in n if b.state.is_sleep) / NIGHT_S for n in nights(age, 200)]
        assert least <= np.mean(asleep) <= most
        woken = [sum(b.state is State.AWAKE for b in bouts[1:]) for bouts in nights(age, 200)]
        assert 2.0 <= np.mean(woken) <= 8.0


def test_bouts_follow_one_another_to_the_end():
    for bouts in nights(60, 20):
        assert bouts[0].start_s == 0.0
        assert all(a.end_s == b.start_s for a, b in itertools.pairwise(bouts))
        assert bouts[-1].end_s == NIGHT_S
        assert all(b.duration_s > 0.0 for b in bouts)
        assert state_at(bouts, NIGHT_S) is State.UNKNOWN
        assert state_at(bouts, bouts[1].start_s) is bouts[1].state
