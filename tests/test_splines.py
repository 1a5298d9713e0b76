from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.splines import Spline
from firmware_sim.steps import Channel, StepList, Trajectory


def drawn(seed, n=40, knot_s=0.02, start_s=1.0):
    weights = np.random.default_rng(seed).normal(0.0, 0.01, n).astype(np.float32)
    return Spline(int(Channel.POS_Z), start_s, knot_s, weights)


def curve_of(spline, t0_s, dt_s, n):
    rows = tuple(np.zeros(n) for _ in range(3))
    spline.add_to(rows, t0_s, dt_s)
    return rows


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0.0, 1.2))
def test_rate_and_acceleration_are_the_derivatives_of_the_value(seed, t0_s):
    dt_s = 1e-5
    value, rate, accel = curve_of(drawn(seed), t0_s, dt_s, 90_000)
    assert np.abs(np.gradient(value, dt_s)[1:-1] - rate[1:-1]).max() < 1e-3 * max(np.abs(rate).max(), 1e-3)
    assert np.abs(np.gradient(rate, dt_s)[1:-1] - accel[1:-1]).max() < 2e-3 * max(np.abs(accel).max(), 1e-3)


def test_a_spline_begins_and_ends_at_rest():
    spline = drawn(3)
    value, rate, accel = curve_of(spline, spline.begin_s, 1e-6, 2)
    assert max(abs(value).max(), abs(rate).max()) < 1e-6
    assert np.abs(accel).max() < 0.01
    before = curve_of(spline, spline.begin_s - 1.0, 0.01, 99)
    after = curve_of(spline, spline.end_s + 1e-9, 0.01, 99)
    assert all(not np.any(row) for row in (*before, *after))


def test_one_bell_is_two_thirds_high_at_its_knot():
    """The cubic bell's values at its knots are 1/6, 4/6 and 1/6 (Unser 1999)."""
    spline = Spline(int(Channel.POS_Z), 1.0, 0.5, np.ones(1, np.float32))
    value, _, accel = curve_of(spline, 0.5, 0.5, 3)
    assert value == pytest.approx([1 / 6, 4 / 6, 1 / 6])
    assert accel == pytest.approx([4.0, -8.0, 4.0])


def test_a_trajectory_in_pieces_is_the_whole_one():
    out = StepList()
    out.step(Channel.POS_Z, 1.1, 0.4, 0.02)
    out.spline(Channel.POS_Z, 1.0, 0.02, np.random.default_rng(1).normal(0.0, 0.01, 60))
    trajectory = Trajectory(out.build().shifted(0.5), {})
    whole = trajectory.curve(Channel.POS_Z, 0.0, 0.01, 400)
    pieces = [trajectory.curve(Channel.POS_Z, k * 0.5, 0.01, 50) for k in range(8)]
    assert pieces[0] is None
    rows = [np.zeros(50, np.float32) if p is None else p.accel for p in pieces]
    assert np.concatenate(rows) == pytest.approx(whole.accel, abs=1e-3)
    assert trajectory.curve(Channel.POS_Y, 0.0, 0.01, 400) is None
