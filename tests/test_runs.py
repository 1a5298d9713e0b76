from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.runs import Run, boot_end, index_at_or_after, run_of, time_ns, times_ns

RUNS = (Run(0, 1_000, 10.0, 1), Run(50, 1_500, 11.0, 1), Run(80, 9_000, 10.0, 2))
N = 100


def test_samples_of_a_boot_follow_one_another_and_a_new_boot_comes_after_a_hole():
    assert [time_ns(RUNS, i) for i in (0, 1, 49, 50, 51, 79, 80)] == [
        1_000, 1_010, 1_490, 1_500, 1_511, 1_819, 9_000,
    ]  # fmt: skip
    assert times_ns(RUNS, N).tolist() == [time_ns(RUNS, i) for i in range(N)]


def test_a_boot_ends_where_another_begins():
    assert [boot_end(RUNS, i, N) for i in (0, 60, 79, 80, 99)] == [80, 80, 80, N, N]
    assert run_of(RUNS, 79).boot == 1


def test_in_a_hole_the_next_sample_is_the_first_of_the_new_boot():
    assert index_at_or_after(RUNS, 5_000) == 80
    assert index_at_or_after(RUNS, 0) == 0


@given(st.integers(0, 12_000))
def test_the_first_sample_at_or_after_an_instant_is_the_first_that_is_not_earlier(t_ns):
    index = index_at_or_after(RUNS, t_ns)
    assert index == 0 or time_ns(RUNS, index - 1) < t_ns
    assert time_ns(RUNS, index) >= t_ns
