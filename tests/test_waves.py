from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.draw import Draw
from firmware_sim.splines import Spline
from firmware_sim.steps import Channel
from firmware_sim.waves import (
    ROAD_KNOT_S,
    beats,
    displacement_of,
    envelope,
    knots,
    phase_of,
    resonance,
    rough,
)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0.3, 3.0), st.floats(0.005, 0.15))
def test_beats_come_at_their_rate_and_with_their_irregularity(seed, rate_hz, cv):
    gaps = np.diff(beats(Draw(seed, "test"), 2000.0, rate_hz, cv))
    assert np.all(gaps > 0.0)
    assert 1.0 / np.mean(gaps) == pytest.approx(rate_hz, rel=0.05)
    assert np.std(gaps) / np.mean(gaps) == pytest.approx(cv, rel=0.25)


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_the_phase_turns_once_from_beat_to_beat_and_never_back(seed):
    beat = beats(Draw(seed, "test"), 30.0, 1.3, 0.1)
    assert phase_of(beat, beat) == pytest.approx(2.0 * np.pi * np.arange(beat.size))
    assert np.all(np.diff(phase_of(knots(30.0, 0.01), beat)) > 0.0)


@settings(max_examples=20)
@given(st.floats(1.0, 100.0), st.floats(0.1, 0.5))
def test_an_envelope_begins_and_ends_at_nothing(total_s, share):
    t = knots(total_s, total_s / 1000.0)
    gate = envelope(t, float(t[-1]), share * total_s)
    assert gate[0] == gate[-1] == 0.0
    assert 0.0 <= gate.min() <= gate.max() <= 1.0 + 1e-12


def test_a_displacement_has_the_acceleration_it_was_made_of():
    """At the knots and above the high-pass, sample for sample."""
    t = knots(20.0, ROAD_KNOT_S)
    accel = np.sin(2.0 * np.pi * 9.0 * t) * envelope(t, 20.0, 2.0)
    spline = Spline(
        int(Channel.POS_Z), 0.0, ROAD_KNOT_S, displacement_of(accel, ROAD_KNOT_S).astype(np.float32)
    )
    rows = tuple(np.zeros(accel.size) for _ in range(3))
    spline.add_to(rows, 0.0, ROAD_KNOT_S)
    middle = slice(1600, 6400)
    assert np.corrcoef(rows[2][middle], accel[middle])[0, 1] > 0.97
    assert rows[2][middle].std() == pytest.approx(accel[middle].std(), rel=0.02)


def test_a_displacement_does_not_wander():
    draw = Draw(1, "test")
    accel = rough(draw, 200_000, 6.0, 0.15, 60.0, 0.6)
    weights = displacement_of(accel, ROAD_KNOT_S)
    assert np.abs(weights).max() < 0.1
    assert weights[0] == weights[-1] == 0.0


def test_a_rough_road_has_unit_strength_and_its_peak():
    draw = Draw(2, "test")
    road = rough(draw, 200_000, 7.0, 0.1, 50.0, 0.5)
    assert np.sqrt(np.mean(road**2)) == pytest.approx(1.0, rel=0.05)
    power = np.abs(np.fft.rfft(road)) ** 2
    hz = np.fft.rfftfreq(road.size, ROAD_KNOT_S)
    bins = [power[(hz >= f - 0.5) & (hz < f + 0.5)].mean() for f in np.arange(1.0, 60.0)]
    assert 6.0 <= 1.0 + np.argmax(bins) <= 8.0


def test_what_rings_does_so_at_its_rate_and_rests_at_the_pushs_size():
    """A steady push ends at one: the stiffness is taken out."""
    moved = resonance(np.ones(8000), 5.0, 0.2)
    assert moved[-1] == pytest.approx(1.0, rel=0.02)
    over = moved.max() - 1.0
    assert over == pytest.approx(np.exp(-np.pi * 0.2 / np.sqrt(1.0 - 0.2**2)), rel=0.1)
    assert np.argmax(moved) * ROAD_KNOT_S == pytest.approx(0.5 / (5.0 * np.sqrt(1.0 - 0.2**2)), rel=0.05)
