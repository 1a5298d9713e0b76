from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.steps import PEAK_ACCELERATION, Channel, EmptyStepError, StepList, Steps, Trajectory

ROWS = st.lists(
    st.tuples(st.floats(0.0, 4.0), st.floats(0.02, 3.0), st.floats(-1.0, 1.0)), min_size=1, max_size=12
)


def written(rows: list[tuple[float, float, float]]) -> Steps:
    out = StepList()
    for at_s, span_s, delta in rows:
        out.step(Channel.L_KNEE, at_s, span_s, delta)
    return out.build()


def test_the_derivatives_are_those_of_the_value():
    trajectory = Trajectory(written([(0.2, 0.5, 1.0), (0.4, 0.7, -0.6)]), {Channel.L_KNEE: 0.3})
    dt = 1e-4
    curve = trajectory.curve(Channel.L_KNEE, 0.0, dt, 14_000)
    fine = trajectory.curve(Channel.L_KNEE, dt / 2, dt, 14_000)
    assert curve is not None
    assert fine is not None
    rate = np.diff(curve.value.astype(float)) / dt
    accel = np.diff(curve.rate.astype(float)) / dt
    assert np.max(np.abs(rate - fine.rate[:-1])) < 5e-3
    assert np.max(np.abs(accel - fine.accel[:-1])) < 5e-2


def test_a_step_begins_and_ends_without_acceleration_and_peaks_where_said():
    curve = Trajectory(written([(0.0, 1.0, 1.0)]), {}).curve(Channel.L_KNEE, 0.0, 1e-4, 10_000)
    assert curve is not None
    assert abs(curve.accel[0]) < 1e-6
    assert abs(curve.accel[-1]) < 0.01
    assert np.max(curve.accel) == pytest.approx(PEAK_ACCELERATION, rel=1e-4)


@given(ROWS, st.integers(1, 499))
def test_sampling_in_two_stretches_gives_the_same_as_in_one(rows, cut):
    trajectory = Trajectory(written(rows), {Channel.L_KNEE: 0.5})
    dt = 0.0161803
    whole = trajectory.curve(Channel.L_KNEE, 0.0, dt, 500)
    assert whole is not None
    values = []
    for first, n in ((0, cut), (cut, 500 - cut)):
        part = trajectory.curve(Channel.L_KNEE, first * dt, dt, n)
        rest = np.full(n, trajectory.level(Channel.L_KNEE, first * dt), np.float32)
        values.append(rest if part is None else part.value)
    assert np.allclose(np.concatenate(values), whole.value, atol=1e-5)


@given(ROWS)
def test_all_steps_together_lead_to_the_sum_of_their_changes(rows):
    steps = written(rows)
    trajectory = Trajectory(steps, {Channel.L_KNEE: 0.25})
    assert trajectory.level(Channel.L_KNEE, steps.end_s + 1.0) == pytest.approx(0.25 + steps.delta.sum())


def test_a_channel_at_rest_has_no_curve():
    trajectory = Trajectory(written([(1.0, 1.0, 1.0)]), {})
    assert trajectory.curve(Channel.R_KNEE, 0.0, 0.01, 500) is None
    assert trajectory.curve(Channel.L_KNEE, 3.0, 0.01, 50) is None


def test_ringing_dies_out_where_it_began():
    out = StepList()
    out.ring(Channel.L_KNEE, 0.0, 0.1, rate_hz=12.0, decay=0.5)
    steps = out.build()
    assert steps.delta.sum() == pytest.approx(0.0, abs=1e-12)
    assert np.all(np.diff(np.abs(steps.delta)[1:-1]) < 0)


def test_a_jump_is_refused_with_its_place():
    with pytest.raises(EmptyStepError, match=r"L_KNEE at 2\.0 s lasts 0\.0 s; give it a span"):
        StepList().step(Channel.L_KNEE, 2.0, 0.0, 1.0)
