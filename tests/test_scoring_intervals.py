from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lullwatch.scoring_intervals import binomial_bounds, poisson_bounds, rate, share, spread


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [  # Garwood 1936 as tabulated in Breslow & Day 1987, and in epitools, GraphPad
        (0, 0.0, 3.689),
        (1, 0.0253, 5.572),
        (2, 0.242, 7.225),
        (5, 1.623, 11.668),
        (10, 4.795, 18.390),
        (25, 16.18, 36.90),
    ],
)
def test_poisson_bounds_are_those_of_the_published_tables(count: int, low: float, high: float) -> None:
    assert poisson_bounds(count) == (pytest.approx(low, abs=6e-3), pytest.approx(high, abs=6e-3))


def test_90_percent_bounds_are_those_published_too() -> None:
    assert poisson_bounds(25, 0.90) == (pytest.approx(17.38, abs=6e-3), pytest.approx(34.92, abs=6e-3))


def test_binomial_bounds_are_those_of_the_published_tables() -> None:
    # Clopper & Pearson 1934: 0 of 10, 5 of 10, 10 of 10
    assert binomial_bounds(0, 10) == (0.0, pytest.approx(0.3085, abs=1e-4))
    assert binomial_bounds(5, 10) == (pytest.approx(0.1871, abs=1e-4), pytest.approx(0.8129, abs=1e-4))
    assert binomial_bounds(10, 10) == (pytest.approx(0.6915, abs=1e-4), 1.0)


def test_none_in_150_nights_of_ten_hours_shows_less_than_one_in_twenty_days() -> None:
    nights = rate([str(i) for i in range(150)], [0] * 150, [10.0] * 150)
    assert nights.per_24h == 0.0
    assert nights.at_most == pytest.approx(-math.log(0.05) / 62.5)
    assert nights.at_most is not None
    assert nights.at_most < 0.05
    assert nights.exact == (0.0, pytest.approx(3.689 / 62.5, abs=1e-4))


def test_a_rate_of_no_hours_is_not_known() -> None:
    assert rate(["a"], [0], [0.0]).per_24h is None


def test_nights_of_one_infant_are_drawn_together() -> None:
    alone = share([str(i) for i in range(20)], [1, 0] * 10, [1] * 20)
    pairs = share([str(i // 10) for i in range(20)], [1, 0] * 10, [1] * 20)
    assert alone.value == pairs.value == 0.5
    assert alone.infants is not None
    assert alone.infants[0] < 0.5 < alone.infants[1]
    assert pairs.infants is None, "two infants give no interval"


def test_the_bootstrap_agrees_with_the_normal_interval_where_that_holds() -> None:
    hits = np.random.default_rng(1).integers(0, 2, 400)
    found = share([str(i) for i in range(400)], hits.tolist(), [1] * 400)
    half = 1.96 * math.sqrt(hits.mean() * (1 - hits.mean()) / 400)
    assert found.infants is not None
    assert found.infants == (
        pytest.approx(hits.mean() - half, abs=0.01),
        pytest.approx(hits.mean() + half, abs=0.01),
    )


def test_a_median_stands_between_its_bounds() -> None:
    of = spread([str(i) for i in range(9)], [[float(i), float(i) + 1] for i in range(9)])
    assert (of.n, of.median, of.most) == (18, 4.5, 9.0)
    assert of.infants is not None
    assert of.infants[0] <= 4.5 <= of.infants[1]
    assert spread([], []).median is None


@given(st.integers(0, 500))
def test_more_counted_never_means_lower_bounds(count: int) -> None:
    low, high = poisson_bounds(count)
    more_low, more_high = poisson_bounds(count + 1)
    assert low <= count <= high
    assert low < more_low
    assert high < more_high


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=12))
def test_a_share_lies_within_its_bounds(nights: list[tuple[int, int]]) -> None:
    hits = [min(h, n) for h, n in nights]
    found = share([str(i) for i in range(len(nights))], hits, [n for _, n in nights])
    assert found.value is not None
    assert found.exact is not None
    assert found.exact[0] - 1e-12 <= found.value <= found.exact[1] + 1e-12
