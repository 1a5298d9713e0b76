"""Cohen's kappa: published examples, the interval, the confusion."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lullwatch.agreement import agreement, kappa

LABELS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=60)


def labels(table: list[list[int]]) -> tuple[list[str], list[str]]:
    pairs = [(f"l{i}", f"l{j}") for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return [a for a, _ in pairs], [b for _, b in pairs]


@pytest.mark.parametrize(
    ("table", "published"),
    [
        # the worked examples of the encyclopaedia's article on the figure
        ([[20, 5], [10, 15]], 0.40),
        ([[45, 15], [25, 15]], 0.1304),
        ([[25, 35], [5, 35]], 0.2593),
        # Fleiss, Cohen & Everitt 1969, two raters of 100 (as shares): kappa 0.429
        ([[53, 5, 2], [11, 14, 5], [1, 6, 3]], 0.4286),
    ],
)
def test_kappa_is_that_of_published_examples(table: list[list[int]], published: float) -> None:
    found = agreement(*labels(table))
    assert found.kappa == pytest.approx(published, abs=5e-5)
    assert found.confusion == tuple(tuple(row) for row in table)


def test_the_interval_is_that_of_the_standard_error_for_many_events() -> None:
    """Fleiss, Cohen & Everitt 1969, equation 13: the large-sample standard error of kappa."""
    table = np.array([[200, 50], [100, 150]], dtype=float)
    p = table / table.sum()
    rows, cols, k = p.sum(axis=1), p.sum(axis=0), float(kappa(table))
    chance = float(rows @ cols)
    a = sum(p[i, i] * (1 - (rows[i] + cols[i]) * (1 - k)) ** 2 for i in range(2))
    b = (1 - k) ** 2 * sum(p[i, j] * (cols[i] + rows[j]) ** 2 for i in range(2) for j in range(2) if i != j)
    c = (k - chance * (1 - k)) ** 2
    error = math.sqrt((a + b - c) / table.sum()) / (1 - chance)
    found = agreement(*labels([[200, 50], [100, 150]]))
    assert found.low == pytest.approx(k - 1.96 * error, abs=0.01)
    assert found.high == pytest.approx(k + 1.96 * error, abs=0.01)


def test_with_more_events_the_interval_is_narrower_and_the_same_labels_give_the_same_figure() -> None:
    few, many = agreement(*labels([[8, 2], [3, 7]])), agreement(*labels([[80, 20], [30, 70]]))
    assert few.kappa == pytest.approx(many.kappa)
    assert few.low < many.low < many.kappa < many.high < few.high
    assert few == agreement(*labels([[8, 2], [3, 7]]))


def test_one_word_for_everything_by_both_has_no_kappa() -> None:
    found = agreement(["a"] * 5, ["a"] * 5)
    assert (found.kappa, found.low, found.high, found.observed) == (None, None, None, 1.0)


def test_no_event_in_common_has_no_figure() -> None:
    found = agreement([], [])
    assert (found.events, found.kappa, found.confusion) == (0, None, ())


@given(LABELS)
def test_who_is_first_does_not_matter_and_no_kappa_is_above_one(pairs: list[tuple[str, str]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    one, other = agreement(first, second), agreement(second, first)
    assert (
        one.kappa == pytest.approx(other.kappa, nan_ok=True) if one.kappa is not None else other.kappa is None
    )
    assert one.kappa is None or one.kappa <= 1.0 + 1e-12
    assert sum(map(sum, one.confusion)) == len(pairs)
