from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.records import State
from firmware_sim.draw import Draw
from firmware_sim.liveliness import fidgeting, with_units
from firmware_sim.sleep import Bout
from firmware_sim.steps import Channel
from tests.sim_examples import one


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_units_add_up_to_the_movement_they_are_parts_of(seed):
    steps = one("kicking", seed, count=3)[1].steps
    parts = with_units(steps, Draw(seed, "units"))
    for channel in Channel:
        whole = steps.delta[steps.channel == channel].sum()
        assert parts.delta[parts.channel == channel].sum() == pytest.approx(whole, abs=1e-9)
    assert parts.span_s.min() > 0.0
    assert len(parts) > len(steps)


def test_units_never_begin_before_the_movement():
    steps = one("spasm", 1)[1].steps
    parts = with_units(steps, Draw(1, "units"))
    assert parts.start_s.min() == steps.start_s.min()
    assert parts.end_s <= steps.end_s + 0.26 * steps.span_s.max()


@pytest.mark.parametrize("state", [State.AWAKE, State.ACTIVE_SLEEP, State.QUIET_SLEEP])
def test_fidgets_come_back_to_rest_within_their_bout(state):
    steps = fidgeting(Draw(1, "fidget"), Bout(state, 100.0, 700.0), 2000.0)
    for channel in set(steps.channel.tolist()):
        assert steps.delta[steps.channel == channel].sum() == pytest.approx(0.0, abs=1e-9)
    assert steps.start_s.min() >= 100.0
    assert steps.end_s <= 701.0


def test_an_awake_infant_fidgets_more_widely_than_a_sleeping_one():
    awake, asleep = (
        np.median(np.abs(fidgeting(Draw(1, "fidget"), Bout(s, 0.0, 3600.0), 2000.0).delta))
        for s in (State.AWAKE, State.QUIET_SLEEP)
    )
    assert awake > 2 * asleep


def test_long_even_motion_is_kept_as_it_is():
    movement = one("powered_cradle", 1, duration_s=30.0)[1]
    parts = with_units(movement.steps, Draw(1, "units"))
    assert movement.steps.splines
    assert parts.splines == movement.steps.splines


def test_arms_and_head_stir_as_often_as_legs_joint_for_joint():
    channel = fidgeting(Draw(1, "fidget"), Bout(State.AWAKE, 0.0, 36_000.0), 2000.0).channel
    each = np.bincount(channel, minlength=len(Channel))
    assert each[: Channel.ROOT_YAW].sum() == 0
    stirred = each[Channel.ROOT_YAW :]
    assert stirred.max() < 1.15 * stirred.min()
