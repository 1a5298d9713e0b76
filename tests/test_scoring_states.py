from __future__ import annotations

import pytest

from dsp.records import State
from lullwatch.scoring import tally
from lullwatch.scoring_night import Span
from lullwatch.scoring_pool import StatesScore, pool
from lullwatch.scoring_states import Whereabouts, state_times
from tests.scoring_makers import night, states

AWAKE, ACTIVE, QUIET, ASLEEP = State.AWAKE, State.ACTIVE_SLEEP, State.QUIET_SLEEP, State.ASLEEP


def agreement(truth: object, told: object, **more: object) -> StatesScore:
    found = pool([tally(night([], [], truth_states=truth, told_states=told, **more))], window_s=0.5).states
    assert found is not None
    return found


def test_the_same_states_agree_fully() -> None:
    same = states((AWAKE, 20), (ACTIVE, 20), (QUIET, 20))
    found = agreement(same, same)
    assert found.sleep_wake.value == found.three_states.value == found.kappa == 1.0


def test_sleep_of_any_kind_is_sleep_but_not_the_same_state() -> None:
    found = agreement(states((AWAKE, 30), (QUIET, 30)), states((AWAKE, 30), (ACTIVE, 15), (ASLEEP, 15)))
    assert found.sleep_wake.value == 1.0
    assert found.three_states.value == 0.5


def test_what_nothing_was_told_of_is_wrong_but_not_decided() -> None:
    found = agreement(states((AWAKE, 30), (QUIET, 30)), states((AWAKE, 30), (State.UNKNOWN, 15)))
    assert found.sleep_wake.value == 0.5
    assert found.sleep_wake_decided.value == 1.0


def test_kappa_is_that_of_cohens_formula() -> None:
    # 60 epochs each: of those awake 40 told awake, of those asleep 50 told asleep; p = 0.75, chance = 0.5
    truth = states((AWAKE, 30), (QUIET, 30))
    told = states((AWAKE, 20), (QUIET, 10), (QUIET, 25), (AWAKE, 5))
    assert agreement(truth, told).kappa == pytest.approx((0.75 - 0.5) / 0.5)


def test_epochs_in_conveyed_motion_are_reported_apart() -> None:
    truth = states((QUIET, 60))
    told = states((QUIET, 30), (AWAKE, 30))
    found = agreement(truth, told, conveyed=(Span(1800, 3600),))
    assert (found.sleep_wake.value, found.sleep_wake_conveyed.value) == (0.5, 0.0)


def test_told_epochs_may_begin_anywhere() -> None:
    truth = states((QUIET, 60))
    found = agreement(truth, states((QUIET, 60), at_s=11.0))
    assert found.sleep_wake.value == 1.0


def test_hours_of_each_state_and_of_conveyed_motion_are_counted_once() -> None:
    facts = {"truth_states": states((AWAKE, 15), (QUIET, 45)), "conveyed": (Span(0, 600), Span(300, 900))}
    times = state_times(night([], [], **facts))
    assert times.hours == {AWAKE: pytest.approx(0.25), QUIET: pytest.approx(0.75)}
    assert times.conveyed_hours == pytest.approx(0.25)
    assert Whereabouts(night([], [], **facts)).at(899.9) == (AWAKE, True)
    assert Whereabouts(night([], [], **facts)).at(900.1) == (QUIET, False)


def test_without_contexts_conveyed_hours_are_not_known() -> None:
    assert state_times(night([], [])).conveyed_hours is None
