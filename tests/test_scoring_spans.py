from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lullwatch.scoring_night import Span, overlap_s, union
from lullwatch.scoring_spans import SZCORE, TIGHT, Profile, pair_onsets, score_spans

BARE = Profile("bare", 0.0, 0.0, 0.0, 300.0, 0.0)
SPANS = st.lists(st.tuples(st.integers(0, 35000), st.integers(1, 2000)), max_size=8).map(
    lambda rows: [Span(t / 10, (t + d) / 10) for t, d in rows]
)


def spans(*pairs: tuple[float, float]) -> list[Span]:
    return [Span(*pair) for pair in pairs]


def test_the_example_of_timescorings_readme_is_scored_as_by_hand() -> None:
    truth = spans((480, 720), (1800, 2100), (2880, 3000))
    told = spans((480, 720), (1680, 1920), (3030, 3060), (3600, 3720))
    scored = score_spans(truth, told, 66 * 60, SZCORE)
    assert (scored.truth, scored.found, scored.false) == (3, 3, (Span(3600, 3720),))
    tight = score_spans(truth, told, 66 * 60, TIGHT)
    assert (tight.truth, tight.found, len(tight.false)) == (3, 2, 2)


def test_szcores_own_unit_tests_give_their_numbers() -> None:
    # esl-epfl/timescoring, tests/test.py: "Simple events", "Split long events", "typical distribution"
    simple = score_spans(
        spans((40, 60)), spans((10, 20), (42, 65)), 3600, replace(BARE, tolerance_end_s=10.0)
    )
    assert (simple.found, simple.truth, len(simple.false)) == (1, 1, 1)
    split = score_spans(spans((40, 60)), spans((42, 425)), 3600, SZCORE)
    assert (split.found, split.truth, len(split.false)) == (1, 1, 1)
    truth = spans((8, 14), (30, 37), (48, 51))
    told = spans((8, 14), (26, 33), (51, 54), (64, 68))
    typical = score_spans(truth, told, 68, BARE)
    assert (typical.found / typical.truth, typical.found / (typical.found + len(typical.false))) == (
        2 / 3,
        0.5,
    )
    strict = score_spans(truth, told, 68, replace(BARE, min_overlap=0.5))
    assert (strict.found, len(strict.false)) == (1, 3)


def test_szcores_defaults_hide_false_alarms_that_the_tight_profile_counts() -> None:
    truth = [Span(t, t + 10) for t in range(100, 3500, 120)]
    false = [Span(t + 45, t + 50) for t in range(100, 3300, 240)]
    told = truth + false
    assert len(score_spans(truth, told, 3600, SZCORE).false) == 0
    assert len(score_spans(truth, told, 3600, TIGHT).false) == len(false)


def test_what_is_shorter_than_the_grid_does_not_vanish() -> None:
    jerk = spans((100.01, 100.05))
    scored = score_spans(jerk, jerk, 3600, BARE)
    assert (scored.truth, scored.found, scored.false) == (1, 1, ())


def test_events_out_of_order_are_put_in_order_first() -> None:
    truth = spans((500, 520), (20, 30))
    scored = score_spans(truth, truth, 3600, BARE)
    assert (scored.truth, scored.found) == (2, 2)


def test_an_alarm_all_night_scores_well_on_events_and_shows_in_time_in_alarm() -> None:
    truth = [Span(t, t + 20) for t in range(100, 3500, 200)]
    scored = score_spans(truth, spans((0, 3600)), 3600, TIGHT)
    assert (scored.found, scored.false) == (scored.truth, ())
    assert scored.told_s / 3600 == 1.0
    assert scored.shared_s / scored.told_s == pytest.approx(17 * 20 / 3600)


def test_what_lies_beyond_the_recording_is_cut_to_it() -> None:
    scored = score_spans(spans((3590, 3700)), spans((3595, 4000)), 3600, TIGHT)
    assert (scored.truth, scored.found, scored.told_s) == (1, 1, pytest.approx(5.0))


def test_nothing_true_and_nothing_told_is_nothing() -> None:
    scored = score_spans([], [], 3600, TIGHT)
    assert (scored.truth, scored.found, scored.false, scored.told_s) == (0, 0, (), 0.0)


def test_single_movements_are_paired_one_to_one() -> None:
    assert pair_onsets([1.0, 5.0], [1.2, 1.3, 9.0], 0.5) == [(0, 0)] or pair_onsets(
        [1.0, 5.0], [1.2, 1.3, 9.0], 0.5
    ) == [(0, 1)]
    # greedy pairing of the nearest would leave one out: the matching is the largest there is
    assert len(pair_onsets([1.0, 1.6], [1.3, 0.7], 0.4)) == 2
    assert pair_onsets([], [1.0], 0.5) == []


def test_single_movements_are_paired_beyond_mir_evals_limit_for_onsets() -> None:
    onsets = np.arange(29_000.0, 36_000.0, 7.0).tolist()
    assert len(pair_onsets(onsets, [t + 0.3 for t in onsets], 0.5)) == len(onsets)


@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=20, unique=True),
    st.lists(st.integers(0, 2000), min_size=1, max_size=20, unique=True),
)
def test_pairs_are_as_many_as_mir_evals_own_onset_scores_count(truth: list[int], told: list[int]) -> None:
    from mir_eval.onset import f_measure

    a, b = np.sort(np.array(truth)) / 10, np.sort(np.array(told)) / 10
    _, precision, recall = f_measure(a, b, window=0.5)
    pairs = pair_onsets(a.tolist(), b.tolist(), 0.5)
    assert len(pairs) / len(a) == pytest.approx(recall)
    assert len(pairs) / len(b) == pytest.approx(precision)


@given(SPANS)
def test_what_is_told_exactly_is_all_found_and_nothing_false(truth: list[Span]) -> None:
    for profile in (SZCORE, TIGHT):
        scored = score_spans(truth, truth, 3700, profile)
        assert scored.found == scored.truth
        assert scored.false == ()
        assert scored.shared_s == pytest.approx(scored.truth_s)


@given(SPANS, SPANS)
def test_an_alarm_where_nothing_is_true_or_told_is_one_more_false_one(
    truth: list[Span], told: list[Span]
) -> None:
    before = score_spans(truth, told, 5000, TIGHT)
    after = score_spans(truth, [*told, Span(4800, 4810)], 5000, TIGHT)
    assert (after.truth, after.found) == (before.truth, before.found)
    assert len(after.false) == len(before.false) + 1


@given(SPANS, SPANS, st.integers(0, 500))
def test_shifting_truth_and_telling_alike_changes_nothing(
    truth: list[Span], told: list[Span], by_s: int
) -> None:
    def shifted(rows: list[Span]) -> list[Span]:
        return [Span(r.onset_s + 100 + by_s, r.end_s + 100 + by_s) for r in rows]

    for profile in (SZCORE, TIGHT):
        one = score_spans(
            [Span(r.onset_s + 100, r.end_s + 100) for r in truth],
            [Span(r.onset_s + 100, r.end_s + 100) for r in told],
            6000,
            profile,
        )
        other = score_spans(shifted(truth), shifted(told), 6000, profile)
        assert (one.truth, one.found, len(one.false)) == (other.truth, other.found, len(other.false))
        assert one.shared_s == pytest.approx(other.shared_s)


@given(SPANS, SPANS)
def test_overlap_is_what_a_fine_grid_counts(a: list[Span], b: list[Span]) -> None:
    grid = np.arange(0.05, 3800, 0.1)

    def mask(rows: list[Span]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.any([(grid > r.onset_s) & (grid < r.end_s) for r in rows], axis=0) if rows else grid < 0

    assert overlap_s(union(a), union(b)) == pytest.approx(0.1 * np.sum(mask(a) & mask(b)), abs=1e-6)
    assert math.isclose(sum(s.duration_s for s in union(a)), 0.1 * np.sum(mask(a)), abs_tol=1e-6)
