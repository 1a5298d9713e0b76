from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dsp.records import State
from firmware_sim.draw import Draw
from firmware_sim.generators import GENERATORS
from firmware_sim.moments import Diary, fitting_time
from firmware_sim.sleep import Bout, draw_hypnogram, state_at

NIGHT = draw_hypnogram(Draw(5, "hypnogram"), 120, 36_000.0)


def times(kind: str, n: int = 300, span_s: float = 30.0) -> list[float]:
    return [fitting_time(Draw(seed, kind), kind, NIGHT, span_s, Diary()) for seed in range(n)]


def test_sleep_jerks_belong_to_sleep_and_mostly_to_falling_asleep():
    at = times("sleep_jerk_train")
    assert np.mean([state_at(NIGHT, t).is_sleep for t in at]) == 1.0
    onsets = [b.start_s for a, b in itertools.pairwise(NIGHT) if b.state.is_sleep and not a.state.is_sleep]
    falling = np.mean([min((t - o for o in onsets if o <= t), default=1e9) <= 1200.0 for t in at])
    assert 0.5 < falling < 0.9


def test_clusters_come_awake_and_mostly_after_waking():
    at = times("spasm_cluster")
    assert 0.9 < np.mean([state_at(NIGHT, t) is State.AWAKE for t in at]) < 1.0


def test_spindle_twitches_belong_to_quiet_sleep():
    assert {state_at(NIGHT, t) for t in times("spindle_twitches")} == {State.QUIET_SLEEP}


def test_every_kind_finds_a_time_within_the_night():
    for kind in GENERATORS:
        for at_s in times(kind, n=5, span_s=120.0):
            assert 0.0 <= at_s <= 36_000.0


def test_what_is_too_long_for_any_stretch_begins_in_the_longest():
    (at_s,) = times("spasm_cluster", n=1, span_s=1e5)
    assert 0.0 <= at_s < 36_000.0


def test_a_night_of_one_state_takes_what_belongs_to_another():
    quiet = (Bout(State.QUIET_SLEEP, 0.0, 600.0),)
    assert 0.0 <= fitting_time(Draw(1, "x"), "kicking", quiet, 10.0, Diary()) <= 600.0


def test_waking_that_lasts_a_moment_is_no_stretch_to_place_anything_in():
    brief = (Bout(State.QUIET_SLEEP, 0.0, 597.0), Bout(State.AWAKE, 597.0, 600.0))
    for seed in range(20):
        assert 0.0 <= fitting_time(Draw(seed, "x"), "waking_stretch", brief, 10.0, Diary()) <= 600.0


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0.1, 30)), max_size=30))
def test_what_a_diary_calls_free_overlaps_nothing(rows):
    diary, kept = Diary(), []
    for start, span in rows:
        if diary.is_free(start, start + span):
            diary.take(start, start + span)
            kept.append((start, start + span))
    kept.sort()
    assert all(a[1] < b[0] for a, b in itertools.pairwise(kept))
