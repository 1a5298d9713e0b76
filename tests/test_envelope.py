"""The lower envelope of delays, held against lines whose truth is known and against a plain search."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.envelope import Envelope, _lower_hull, _middle_slope

points = st.lists(
    st.tuples(st.integers(0, 300), st.integers(-1000, 1000)),
    min_size=2,
    max_size=40,
    unique_by=lambda p: p[0],
).map(lambda ps: sorted((float(x), float(y)) for x, y in ps))


@given(points)
def test_the_line_lies_below_all_points_and_as_close_as_any_line_can(ps: list[tuple[float, float]]) -> None:
    slope = _middle_slope(ps)
    level = min(y - slope * x for x, y in ps)

    def distance(m: float) -> float:
        base = min(y - m * x for x, y in ps)
        return sum(y - base - m * x for x, y in ps)

    pairs = [(y1 - y0) / (x1 - x0) for x0, y0 in ps for x1, y1 in ps if x1 > x0]
    assert all(y - slope * x >= level - 1e-6 for x, y in ps)
    assert distance(slope) <= min(distance(m) for m in pairs) + 1e-6


@given(points)
def test_the_hull_turns_left_all_the_way(ps: list[tuple[float, float]]) -> None:
    hull = _lower_hull(ps)
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(hull)]
    assert slopes == sorted(slopes)
    assert hull[0] == ps[0]
    assert hull[-1] == ps[-1]


@pytest.mark.parametrize("slope", [-1e5, -2e4, 0.0, 5e4, 1e5])
def test_slope_and_level_are_found_under_one_sided_jitter(slope: float) -> None:
    rng = np.random.default_rng(7)
    envelope = Envelope()
    for x in np.arange(0, 900, 0.154):
        envelope.add(float(x), slope * x + 10e6 + rng.exponential(15e6))
    assert envelope.slope == pytest.approx(slope, abs=5e3)
    assert envelope.at(900.0) == pytest.approx(slope * 900 + 10e6, abs=2e6)


def test_an_early_point_pulls_the_line_down_at_once() -> None:
    envelope = Envelope()
    envelope.add(0.0, 40e6)
    envelope.add(1.0, 10e6)
    assert envelope.at(1.0) == 10e6


def test_a_longer_shortest_delay_is_believed_once_the_window_has_passed() -> None:
    envelope = Envelope()
    for x in range(600):
        envelope.add(float(x), 10e6)
    for x in range(600, 1300):
        envelope.add(float(x), 30e6)
    assert envelope.at(1300.0) == pytest.approx(30e6, abs=1e6)


def test_the_first_delays_after_a_hole_do_not_raise_a_line_that_is_known() -> None:
    envelope = Envelope()
    for x in range(600):
        envelope.add(float(x), 10e6)
    for late in (3000.0, 3001.0, 3009.0):
        envelope.add(late, 45e6)
    assert envelope.at(3009.0) == pytest.approx(10e6, abs=1e6)


def test_a_line_begun_anew_knows_the_slope_and_no_delay() -> None:
    envelope = Envelope()
    for x in range(600):
        envelope.add(float(x), 10e6 + 3e4 * x)
    anew = envelope.anew()
    assert anew.slope == envelope.slope
    assert not anew.ready
    for late in (700.0, 709.0, 718.0):
        anew.add(late, 90e6 + 3e4 * late + 1e6 * (late % 2))
    assert anew.slope == pytest.approx(3e4, abs=2e3)


@given(st.integers(0, 299))
def test_a_state_taken_anywhere_goes_on_the_same(cut: int) -> None:
    rng = np.random.default_rng(1)
    delays = rng.exponential(10e6, 300)
    whole, first = Envelope(slope=100.0), Envelope(slope=100.0)
    for x, y in enumerate(delays):
        whole.add(float(x), float(y))
        if x <= cut:
            first.add(float(x), float(y))
    second = Envelope.from_state(first.state())
    for x in range(cut + 1, 300):
        second.add(float(x), float(delays[x]))
    assert second.state() == whole.state()
