"""Times and values of samples become segments and counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.records import NS, Scale, Site, Stretch
from store.errors import BadRecording
from store.quantities import counted
from store.samples import implied_stretch, times_of


def stretch_of(times_ns: np.ndarray, *, elastic: bool = False) -> Stretch:
    counts = np.zeros((len(times_ns), 3), dtype=np.int16)
    return implied_stretch(Path("t.csv"), Site.LA, "s", times_ns, counts, Scale(1, 0), elastic=elastic)


@settings(max_examples=60)
@given(
    lengths=st.lists(st.integers(4, 30), min_size=1, max_size=20),
    steps=st.lists(st.integers(9_000_000, 11_000_000), min_size=20, max_size=20),
    holes=st.lists(st.integers(-5_000_000, 10**10), min_size=20, max_size=20),
)
def test_packets_give_back_their_times_to_the_nanosecond(
    lengths: list[int], steps: list[int], holes: list[int]
) -> None:
    times, at = [], 0
    for n, step, hole in zip(lengths, steps, holes, strict=False):
        times += [at + i * step for i in range(n)]
        at = times[-1] + step + hole
    made = np.array(times, dtype=np.int64)
    back, places = times_of(stretch_of(made))
    assert np.array_equal(back, made)
    assert np.array_equal(places, np.arange(len(made)))


@settings(max_examples=40)
@given(
    times=st.lists(st.integers(0, 10**12), min_size=1, max_size=60, unique=True).map(sorted),
    elastic=st.booleans(),
)
def test_any_times_give_every_sample_once_and_in_order(times: list[int], elastic: bool) -> None:
    made = stretch_of(np.array(times, dtype=np.int64), elastic=elastic)
    assert made.ns.sum() == len(times)
    assert np.array_equal(times_of(made)[1], np.arange(len(times)))
    assert (made.steps_ns > 0).all()
    assert (np.diff(made.t0s_ns) > 0).all()


def test_a_time_that_does_not_go_on_is_named() -> None:
    with pytest.raises(BadRecording, match=r"t\.csv: the time of sample 4 of LA is not after the one before"):
        stretch_of(np.array([0, 10, 20, 20, 30]))


def test_jitter_is_taken_out_and_gaps_stay() -> None:
    rng = np.random.default_rng(0)
    times = np.rint(np.arange(3000) * 1e7 + rng.normal(0, 5e5, 3000)).astype(np.int64)
    made = stretch_of(np.delete(times, slice(1000, 1200)))
    back = times_of(made)[0]
    assert np.abs(back - np.delete(times, slice(1000, 1200))).max() < 3e6
    assert len(made) < 35
    end_ns = made.t0s_ns + made.ns * made.steps_ns
    assert (made.t0s_ns[1:] - end_ns[:-1]).max() == pytest.approx(2 * NS, abs=5e6)


def test_blocks_of_a_device_s_own_clock_meet_and_a_lost_block_stays_lost() -> None:
    blocks = [k * 1_211_000_000 + np.arange(120) * 10_000_000 for k in (0, 1, 2, 4)]
    made = stretch_of(np.concatenate(blocks), elastic=True)
    assert made.ns.tolist() == [120] * 4
    assert made.steps_ns.tolist() == [10_091_666, 10_091_666, 10_000_000, 10_000_000]


@settings(max_examples=60)
@given(
    step=st.sampled_from([1 / 16384, 1 / 256, 8 / 32768, 0.000122, 0.00239420166, 0.061]),
    seed=st.integers(0, 99),
    digits=st.sampled_from(["f4", "f8", "text"]),
)
def test_multiples_of_one_step_are_kept_as_they_are(step: float, seed: int, digits: str) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(-32767, 32768, (4000, 3))
    values = counts * step
    if digits == "text":
        values = np.array([[float(f"{v:.7g}") for v in row] for row in values])
    found, per_count = counted(values.astype(digits if digits != "text" else "f8").astype(np.float64))
    assert np.array_equal(found, counts)
    assert per_count == pytest.approx(step, rel=1e-5)


def test_other_values_are_quantised_to_sixteen_bit() -> None:
    values = np.random.default_rng(0).normal(0, 1, (1000, 3))
    found, per_count = counted(values)
    assert np.abs(found * per_count - values).max() <= per_count / 2 * 1.001
    assert np.abs(found).max() == 32767


def test_a_known_step_is_taken_also_where_the_values_do_not_tell_it() -> None:
    found, per_count = counted(np.array([[0.5, 0.25, 0.75]]), 1 / 4096)
    assert (found.tolist(), per_count) == ([[2048, 1024, 3072]], 1 / 4096)


@pytest.mark.parametrize("values", [np.zeros((5, 3)), np.zeros((0, 3)), np.full((3, 3), -2.5)])
def test_nothing_and_standing_still_are_values_too(values: np.ndarray) -> None:
    found, per_count = counted(values)
    assert found.shape == values.shape
    assert np.allclose(found * per_count, values)
