"""Resampling against analytic sines, and what gaps, repetitions and lateness do."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.grid import GRID_NS, SiteGrid
from dsp.records import NS, Scale, Segment, Site

SCALE = Scale(8 / 32768, 500 / 32768)
SECONDS = 12.0


def sine(rate_hz: float, tone_hz: float, *, t0_ns: int = 3_333_333, seconds: float = SECONDS) -> Segment:
    n = int(seconds * rate_hz)
    step_ns = round(NS / rate_hz)
    t = (t0_ns + np.arange(n) * step_ns) / NS
    counts = np.zeros((n, 6), dtype=np.int16)
    for axis in range(6):
        counts[:, axis] = np.round(20_000 * np.sin(2 * np.pi * tone_hz * t + axis))
    return Segment(Site.LA, "s", 1, 0, t0_ns, step_ns, counts, SCALE)


def gridded(segments: list[Segment], k0: int = 100, k1: int = 1000):
    grid = SiteGrid(Site.LA)
    for segment in segments:
        grid.add(segment)
    grid.begin(0)
    return grid, grid.produce(k0, k1)


@pytest.mark.parametrize(
    ("rate_hz", "tone_hz", "tolerance"),
    [
        (20.0, 1.0, 0.005),
        (20.0, 5.0, 0.03),
        (52.0, 5.0, 0.002),
        (52.0, 12.0, 0.005),
        (104.0, 5.0, 0.001),
        (104.0, 20.0, 0.002),
        (104.0, 30.0, 0.005),
        (208.0, 20.0, 0.01),
        (102.0, 20.0, 0.002),
        (106.1, 20.0, 0.002),
        (50.9, 10.0, 0.005),
    ],
)
def test_a_sine_comes_out_as_the_same_sine(rate_hz: float, tone_hz: float, tolerance: float) -> None:
    _, block = gridded([sine(rate_hz, tone_hz)])
    t = np.arange(100, 1000) * GRID_NS / NS
    for axis in range(6):
        scale = SCALE.acc_g if axis < 3 else SCALE.gyro_dps
        truth = 20_000 * scale * np.sin(2 * np.pi * tone_hz * t + axis)
        assert np.abs(block.values[axis] - truth).max() < tolerance * 20_000 * scale
    assert block.present.all()
    assert block.gyro.all()


def test_what_the_grid_cannot_show_is_removed_before_it_can_fold_down() -> None:
    _, block = gridded([sine(208.0, 80.0)])
    assert np.abs(block.values[0]).max() < 0.02 * 20_000 * SCALE.acc_g


def test_a_gap_is_missing_and_its_edges_are_where_the_samples_end() -> None:
    whole = sine(104.0, 2.0)
    first = Segment(whole.site, "s", 1, 0, whole.t0_ns, whole.step_ns, whole.counts[:400], SCALE)
    second_t0 = whole.t0_ns + 700 * whole.step_ns
    second = Segment(whole.site, "s", 1, 1, second_t0, whole.step_ns, whole.counts[700:], SCALE)
    _, block = gridded([second, first])
    missing = np.flatnonzero(~block.present) + 100
    last_seen = whole.t0_ns + 399 * whole.step_ns
    assert missing[0] == last_seen // GRID_NS + 1
    assert missing[-1] == -(-second_t0 // GRID_NS) - 1
    assert missing.size == missing[-1] - missing[0] + 1
    assert not block.values[:, ~block.present].any()


def lost(whole: Segment, *holes: tuple[int, int]) -> list[Segment]:
    """A segment without the samples of some holes, first and one behind the last."""
    edges = [0, *(edge for hole in holes for edge in hole), whole.n]
    return [
        replace(whole, seq=i, t0_ns=whole.t0_ns + a * whole.step_ns, counts=whole.counts[a:b])
        for i, (a, b) in enumerate(zip(edges[::2], edges[1::2], strict=True))
    ]


def test_a_lost_packet_is_bridged_by_a_straight_line_and_does_not_count_as_measured() -> None:
    whole = sine(104.0, 2.0)
    _, block = gridded(lost(whole, (400, 416)))
    a, b = (whole.t0_ns + i * whole.step_ns for i in (399, 416))
    at = np.arange(100, 1000) * GRID_NS
    inside = (at > a) & (at < b)
    assert block.present.all()
    assert (block.bridged == inside).all()
    assert inside.sum() == 17
    for axis in range(6):
        ends = whole.counts[[399, 416], axis] * (SCALE.acc_g if axis < 3 else SCALE.gyro_dps)
        assert np.allclose(
            block.values[axis, inside], np.interp(at[inside], [a, b], ends), rtol=1e-12, atol=1e-12
        )
    _, unhurt = gridded([whole])
    far = (at < a - NS // 10) | (at > b + NS // 10)
    assert (block.values[:, far] == unhurt.values[:, far]).all()


@pytest.mark.parametrize(("samples", "bridged"), [(24, True), (25, False)])
def test_a_gap_is_bridged_up_to_a_quarter_of_a_second(samples: int, bridged: bool) -> None:
    # From the last sample to the next one 25 and 26 steps: 0.24 s, and 0.25 s and 10 ns.
    _, block = gridded(lost(sine(104.0, 2.0), (400, 400 + samples)))
    assert block.bridged.any() == bridged
    assert block.present.all() == bridged


def test_a_gap_between_two_starts_of_a_sensor_is_not_bridged() -> None:
    first, second = lost(sine(104.0, 2.0), (400, 416))
    _, block = gridded([first, replace(second, boot=2)])
    assert not block.bridged.any()
    assert not block.present.all()


@given(
    holes=st.lists(st.tuples(st.integers(20, 60), st.integers(1, 40)), min_size=1, max_size=8),
    hops=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    rate_hz=st.sampled_from([26.0, 52.0, 104.0, 208.0]),
)
def test_short_gaps_give_the_same_bytes_in_any_blocks(
    holes: list[tuple[int, int]], hops: list[int], rate_hz: float
) -> None:
    whole, at, spans = sine(rate_hz, 2.0), 0, []
    for kept, gone in holes:
        if at + kept + gone < whole.n:
            spans.append((at + kept, at + kept + gone))
            at += kept + gone
    _, once = gridded(lost(whole, *spans), 0, 1000)
    grid = SiteGrid(Site.LA)
    for segment in lost(whole, *spans):
        grid.add(segment)
    grid.begin(0)
    k, blocks = 0, []
    for n in cycle(hops):
        blocks.append(grid.produce(k, min(k + 25 * n, 1000)))
        k += 25 * n
        if k >= 1000:
            break
    for name in ("values", "present", "bridged", "gyro", "clipped"):
        parts = np.concatenate([getattr(b, name) for b in blocks], axis=-1)
        assert parts.tobytes() == np.ascontiguousarray(getattr(once, name)).tobytes(), name


def test_one_lost_sample_is_bridged() -> None:
    whole = sine(104.0, 2.0)
    first = Segment(whole.site, "s", 1, 0, whole.t0_ns, whole.step_ns, whole.counts[:400], SCALE)
    t0 = whole.t0_ns + 401 * whole.step_ns
    second = Segment(whole.site, "s", 1, 1, t0, whole.step_ns, whole.counts[401:], SCALE)
    _, block = gridded([first, second])
    assert block.present.all()


def test_two_starts_of_a_sensor_are_never_blended() -> None:
    whole = sine(104.0, 2.0)
    first = Segment(whole.site, "s", 1, 0, whole.t0_ns, whole.step_ns, whole.counts[:400], SCALE)
    t0 = whole.t0_ns + 400 * whole.step_ns
    other = np.full((600, 6), 9_000, dtype=np.int16)
    second = Segment(whole.site, "s", 2, 0, t0, whole.step_ns, other, SCALE)
    _, block = gridded([first, second])
    after = np.arange(100, 1000) * GRID_NS >= t0
    assert np.allclose(block.values[0, after & block.present], 9_000 * SCALE.acc_g)


def test_repetitions_are_dropped_and_counted() -> None:
    whole = sine(104.0, 2.0)
    grid, block = gridded([whole, whole])
    assert block.present.all()
    grid.produce(1000, 2000)
    assert grid.overlapped == whole.n


def test_samples_from_before_the_decided_time_are_late() -> None:
    grid, _ = gridded([sine(104.0, 2.0)])
    grid.add(sine(104.0, 2.0, t0_ns=0, seconds=1.0))
    assert grid.late == 104


def test_a_sensor_too_slow_for_a_jerk_is_not_used() -> None:
    grid, block = gridded([sine(5.0, 1.0)])
    assert grid.unusable == int(SECONDS * 5)
    assert not block.present.any()


def test_counts_at_the_end_of_the_range_are_marked_clipped() -> None:
    whole = sine(104.0, 2.0)
    whole.counts[500:520, 1] = 32767
    _, block = gridded([whole])
    at = np.flatnonzero(block.clipped) + 100
    assert at[0] == pytest.approx(500 / 1.04, abs=2)
    assert at[-1] == pytest.approx(520 / 1.04, abs=2)
