"""Compiled looks at a moment, the same loops undecorated, and the array code beside them: the same bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.bursts import Pulse
from dsp.classify import judge_spasm, may_be_spasm
from dsp.context import WINDOW_HOPS, ContextTracker
from dsp.floor import RunningMedian
from dsp.history import History
from dsp.kernels import PLAIN, Kernels, compiled
from dsp.look_kernels import numpy_sum
from dsp.records import Site
from dsp.rhythm import moved_hz, rhythm_of
from dsp.settings import Settings
from dsp.shape import AFTER_K, BEFORE_K, Shape, Turn, measure
from dsp.value import pack
from dsp.weights import Pair

SETTINGS = Settings()
N = 1200


def fast() -> Kernels:
    kernels = compiled()
    assert kernels is not None, "the tests need the extra `fast`"
    return kernels


def history(seed: int, *, gyro: bool = True) -> History:
    """Twelve seconds of rest with some movement."""
    rng = np.random.default_rng(seed)
    loud = 0.01 + np.exp(-(((np.arange(N) - 600) / rng.uniform(10, 80)) ** 2))
    rows = {name: (rng.normal(0.0, 1.0, (3, N)) * loud).astype(np.float32) for name in ("motion", "rate")}
    rows["rate"] = (rows["rate"] * 40 + np.cumsum(rows["rate"], axis=1)).astype(np.float32)
    gravity = np.cumsum(rng.normal(0.0, 1e-3, (3, N)), axis=1) + np.array([[0.0], [0.6], [0.8]])
    envelope = np.abs(rng.normal(0.2, 0.1, N) * loud).astype(np.float32)
    whole = np.ones(N, dtype=np.bool_)
    return History(
        1000, gravity.astype(np.float32), rows["motion"], rows["rate"], envelope, whole, whole & gyro
    )


def by(kernels: Kernels | None, seed: int, *, gyro: bool = True) -> History:
    return replace(history(seed, gyro=gyro), kernels=kernels)


@given(st.lists(st.floats(-1e6, 1e6), max_size=700))
def test_numbers_are_added_as_numpy_adds_them(values: list[float]) -> None:
    assert numpy_sum(values, 0, len(values)) == float(np.sum(np.array(values)))


@pytest.mark.parametrize("gyro", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_a_shape_is_the_same_by_loops_and_by_arrays(seed: int, *, gyro: bool) -> None:
    shapes = [measure(by(kernels, seed, gyro=gyro), 1590, reach_k=40) for kernels in (None, fast(), PLAIN)]
    assert shapes[0] is not None
    assert (shapes[0].turn is not None) == gyro
    assert repr(shapes[0]) == repr(shapes[1]) == repr(shapes[2])


def test_a_window_that_is_not_all_there_is_measured_by_arrays_then_too() -> None:
    edges = (1000 + BEFORE_K - 20, 1000 + N - AFTER_K + 20)
    for anchor in edges:
        assert repr(measure(by(fast(), 3), anchor, reach_k=40)) == repr(
            measure(by(None, 3), anchor, reach_k=40)
        )


def test_a_sensor_whose_counts_do_not_change_has_no_shape_by_loops_either() -> None:
    dead = replace(by(fast(), 1), envelope=np.zeros(N, dtype=np.float32))
    assert measure(dead, 1590, reach_k=40) is None


@pytest.mark.parametrize("gyro", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_a_rhythm_is_the_same_by_loops_and_by_arrays(seed: int, *, gyro: bool) -> None:
    rng = np.random.default_rng(seed)
    ks = 1400 + np.cumsum(rng.integers(20, 60, 8))
    row = [Pulse(Site.LA, int(k), int(k) + 9, float(rng.uniform(0.05, 0.4)), 0.004) for k in ks]
    frames = []
    for kernels in (None, fast(), PLAIN):
        histories = {Site.LA: by(kernels, seed, gyro=gyro), Site.TR: by(kernels, seed + 50)}
        frames.append(rhythm_of({Site.LA: row}, histories, int(ks[-1]) + 20))
    assert frames[0] is not None
    assert repr(frames[0]) == repr(frames[1]) == repr(frames[2])


def test_rates_and_tenths_are_the_same_by_loops_and_by_arrays() -> None:
    plain, loops = by(None, 7), by(fast(), 7)
    assert moved_hz(plain, 1100, 1741) == moved_hz(loops, 1100, 1741)
    assert plain.rate_tenths(1200, 1600).tobytes() == loops.rate_tenths(1200, 1600).tobytes()


def test_loops_are_no_part_of_a_history_that_is_stored() -> None:
    assert pack(by(fast(), 1)) == pack(by(None, 1))


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.7, 1.1]), st.booleans()), max_size=60),
    st.integers(1, 60),
)
def test_the_running_median_is_the_same_by_ranks_however_it_is_cut(
    rows: list[tuple[float, bool]], cut: int
) -> None:
    values = np.array([v for v, _ in rows])
    counted = np.array([c for _, c in rows], dtype=np.bool_)
    one, other = RunningMedian(7), RunningMedian(7)
    whole = one.run(values, counted, least=3, default=9.0)
    parts = [
        other.run(values[a : a + cut], counted[a : a + cut], least=3, default=9.0, kernels=fast())
        for a in range(0, len(rows), cut)
    ]
    assert whole.tolist() == [v for part in parts for v in part.tolist()]
    assert one == other


@given(st.lists(st.integers(0, 40), max_size=6, unique=True), st.integers(0, 700), st.integers(1, 60))
def test_hops_touch_motion_from_outside_as_far_as_any_of_them_lies_in_it(
    windows: list[int], h0: int, length: int
) -> None:
    tracker = ContextTracker.of("infant", SETTINGS)
    tracker.recent = [WINDOW_HOPS * w for w in sorted(windows)]
    assert tracker.touches(h0, h0 + length) == bool(tracker.outside(h0, h0 + length).any())


NUMBERS = st.floats(-3.0, 3.0)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    turn = Turn(
        swing_deg=draw(st.floats(0.5, 60.0)), rise_s=draw(st.floats(0.02, 1.0)), back=0.5, skew=draw(NUMBERS),
        wide_s=draw(st.floats(0.1, 1.8)), pure=draw(st.floats(0.4, 1.0)), turns=draw(st.integers(0, 8)),
        unrest_before=draw(NUMBERS), unrest_after=draw(NUMBERS), fastest_s=draw(NUMBERS), top_s=draw(NUMBERS),
        outward=draw(st.floats(0.0, 1.0)), way=(1.0, 0.0, 0.0),
    )  # fmt: skip
    heights = st.floats(0.002, 2.0)
    return Shape(
        peak_g=draw(heights), peak_k=draw(st.integers(0, 80)), before_g=draw(heights), after_g=draw(heights),
        wide_s=draw(st.floats(0.1, 1.5)), turn=draw(st.sampled_from([turn, None])),
    )  # fmt: skip


ODDS = st.floats(-3.0, 3.0)
NAMES = st.sampled_from([t.name for t in SETTINGS.spasm_tables])


@given(
    st.dictionaries(st.sampled_from([Site.LA, Site.RA, Site.TR]), shapes(), min_size=1),
    st.dictionaries(
        st.sampled_from(["posture_change", "legs_like_trunk", "legs_alike", "moves_as_one", "turns_as_one"]),
        NUMBERS,
    ),
    st.lists(st.tuples(NAMES, NAMES, st.tuples(ODDS, ODDS), st.tuples(ODDS, ODDS)), max_size=6),
)
def test_whatever_is_judged_to_be_a_member_was_asked_about(
    seen: dict[Site, Shape],
    together: dict[str, float],
    more: list[tuple[str, str, tuple[float, float], tuple[float, float]]],
) -> None:
    anchor = Site.TR if Site.TR in seen else min(seen)
    extra = tuple(Pair((a, b), ((0.0, 1.0), (0.0, 1.0)), (low, high)) for a, b, low, high in more)
    settings = replace(SETTINGS, spasm_pairs=(*SETTINGS.spasm_pairs, *extra))
    verdict = judge_spasm(seen, together, anchor, settings)
    assert may_be_spasm(seen, anchor, settings, verdict.log_odds)
