"""The shape of rotations that are known: rise, return, reversals, hold."""

from __future__ import annotations

import numpy as np
import pytest

from dsp.shape import turn_of


def rate_of(angle_deg: np.ndarray, axis: tuple[float, float, float] = (0.0, 0.6, 0.8)) -> np.ndarray:
    rate = np.gradient(angle_deg) * 100
    return np.asarray(axis)[:, None] * rate[None, :] + 1.5


def smooth(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def test_a_quick_rise_with_slow_return_is_skewed_and_goes_out_and_back_once() -> None:
    t = np.arange(330) / 100
    angle = 20 * (smooth((t - 1.3) / 0.3) - smooth((t - 1.8) / 1.0))
    turn = turn_of(rate_of(angle), 150)
    assert turn is not None
    assert turn.swing_deg == pytest.approx(20.0, rel=0.05)
    assert turn.rise_s == pytest.approx(0.2, abs=0.05)
    assert turn.back == pytest.approx(1.0, abs=0.05)
    assert turn.skew == pytest.approx(np.log(1.0 / 0.3), abs=0.15)
    assert turn.turns == 0 or turn.turns == 1
    assert turn.pure > 0.99


def test_an_oscillation_reverses_often() -> None:
    t = np.arange(330) / 100
    angle = 10 * np.sin(2 * np.pi * 2.0 * (t - 1.0)) * (t > 1.0)
    turn = turn_of(rate_of(angle), 150)
    assert turn is not None
    assert turn.turns >= 4
    assert abs(turn.skew) < 0.4


def test_the_axis_and_the_gyros_bias_do_not_matter() -> None:
    t = np.arange(330) / 100
    angle = 20 * (smooth((t - 1.3) / 0.3) - smooth((t - 1.8) / 1.0))
    one, other = turn_of(rate_of(angle), 150), turn_of(rate_of(-angle, (1.0, 0.0, 0.0)) - 4.0, 150)
    assert one is not None
    assert other is not None
    assert one.swing_deg == pytest.approx(other.swing_deg, rel=1e-3)
    assert one.skew == pytest.approx(other.skew, rel=1e-3)


def test_no_rotation_is_no_turn() -> None:
    assert turn_of(np.full((3, 330), 0.7), 150) is None
