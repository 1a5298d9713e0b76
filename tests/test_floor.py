"""The running median is numpy's, whatever comes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dsp.floor import RunningMedian


@given(
    st.lists(st.floats(0.0, 10.0), min_size=1, max_size=60),
    st.integers(1, 20),
)
def test_the_median_of_the_last_values_is_numpys(values: list[float], window: int) -> None:
    floor = RunningMedian(window)
    for i, value in enumerate(values):
        assert floor.push(value) == np.median(values[max(0, i + 1 - window) : i + 1])


def test_the_floor_of_nothing_is_zero() -> None:
    assert RunningMedian(5).median == 0.0
