"""Interval statistics on sequences whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from dsp.bursts import Pulse
from dsp.history import History
from dsp.records import Site
from dsp.rhythm import intervals_of, last_run, rhythm_of


def pulses(at_s: list[float], height_g: float = 0.2, site: Site = Site.LA) -> list[Pulse]:
    return [Pulse(site, round(t * 100), round(t * 100) + 5, height_g, 0.003) for t in at_s]


def quiet(seconds: float) -> History:
    n = round(seconds * 100)
    history = History()
    history.gravity = np.tile(np.array([[0.0], [0.0], [1.0]], dtype=np.float32), n)
    history.motion = np.zeros((3, n), dtype=np.float32)
    history.rate = np.zeros((3, n), dtype=np.float32)
    history.envelope = np.full(n, 0.001, dtype=np.float32)
    history.present = np.ones(n, dtype=np.bool_)
    history.gyro = np.ones(n, dtype=np.bool_)
    return history


def test_a_metronome_has_its_mean_no_spread_and_no_trend() -> None:
    found = intervals_of([0.0, 0.5, 1.0, 1.5, 2.0])
    assert found is not None
    assert found.mean_s == pytest.approx(0.5)
    assert found.cv == pytest.approx(0.0, abs=1e-12)
    assert found.trend == pytest.approx(0.0, abs=1e-12)


def test_the_variation_is_the_standard_deviation_over_the_mean() -> None:
    found = intervals_of([0.0, 1.0, 4.0])
    assert found is not None
    assert found.cv == pytest.approx(0.5)


def test_intervals_that_grow_have_a_trend_above_zero() -> None:
    found = intervals_of(list(np.cumsum(np.linspace(0.3, 0.9, 20))))
    assert found is not None
    assert found.trend > 0.5


def test_two_onsets_are_no_sequence() -> None:
    assert intervals_of([0.0, 1.0]) is None


def test_a_run_ends_at_a_pause_and_at_the_frame() -> None:
    row = pulses([1.0, 1.5, 2.0, 5.0, 5.5, 6.0])
    assert [p.k for p in last_run(row, 650)] == [500, 550, 600]
    long = pulses([0.1 + 0.5 * i for i in range(20)])
    assert len(last_run(long, 1000)) == 12
    assert last_run(row, 900) == []


def test_a_frame_measures_rate_evenness_and_togetherness() -> None:
    at = [1.0 + 0.4 * i for i in range(10)]
    rows = {Site.LA: pulses(at), Site.RA: pulses([t + 0.03 for t in at], 0.15, Site.RA)}
    frame = rhythm_of(rows, {Site.LA: quiet(6.0), Site.RA: quiet(6.0)}, 500)
    assert frame is not None
    assert frame.site is Site.LA
    assert frame.rate_hz == pytest.approx(2.5)
    assert frame.even == 1.0
    assert frame.unison == 1.0
    assert frame.spread == pytest.approx(0.0, abs=1e-9)
    assert frame.tilt_deg == pytest.approx(0.0, abs=0.1)


def test_a_site_that_was_silent_or_whose_counts_do_not_change_has_no_part_in_a_frame() -> None:
    at = [1.0 + 0.4 * i for i in range(10)]
    silent, stuck, late = quiet(6.0), quiet(6.0), quiet(6.0)
    silent.present[:], silent.envelope[:] = False, 0.0
    stuck.envelope[:] = 0.0
    late.present[:300], late.envelope[:300] = False, 0.0
    for other in (silent, stuck, late):
        rows = {Site.LA: pulses(at), Site.RA: pulses(at, 0.15, Site.RA)}
        frame = rhythm_of(rows, {Site.LA: quiet(6.0), Site.RA: other, Site.TR: other}, 500)
        assert frame is not None
        assert frame.seen == (Site.LA,)
        assert frame.unison == frame.trunk == frame.ride == 0.0


def test_samples_that_are_missing_do_not_count_as_rest() -> None:
    gappy = quiet(6.0)
    gappy.present[200:280], gappy.envelope[200:280] = False, 0.0
    frame = rhythm_of(
        {Site.LA: pulses([1.0 + 0.4 * i for i in range(10)])}, {Site.LA: quiet(6.0), Site.TR: gappy}, 500
    )
    assert frame is not None
    assert frame.trunk == pytest.approx(0.0, abs=1e-6)
    assert frame.ride == pytest.approx(1.0)


def test_three_pulses_are_no_frame() -> None:
    assert rhythm_of({Site.LA: pulses([1.0, 1.5, 2.0])}, {Site.LA: quiet(3.0)}, 250) is None
