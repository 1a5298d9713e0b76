from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from dsp.records import EventStatus, Label, State
from lullwatch.scoring import SINGLE_WINDOW_S, tally
from lullwatch.scoring_night import NightTables, Span
from lullwatch.scoring_pool import Score, pool
from store.events_tsv import EventLine
from tests.scoring_makers import CLUSTER, SINGLE, TABLES, TRAIN, line, night, row, series, states


def scored(*nights: NightTables) -> Score:
    return pool((tally(n) for n in nights), window_s=SINGLE_WINDOW_S)


def test_a_night_told_exactly_scores_one_everywhere() -> None:
    truth = [
        *series(100, "a", n=7),
        line(TRAIN, 900, 20, "t", count=40),
        line(Label.STIFFENING, 2000, 12, "s"),
    ]
    score = scored(night(truth, truth))
    for label in (CLUSTER, TRAIN, Label.STIFFENING):
        for profile in score.labels[label].by_profile.values():
            assert (profile.sensitivity.value, profile.precision.value, profile.f1) == (1.0, 1.0, 1.0)
            assert profile.false.count == 0
        assert score.labels[label].time_found.value == score.labels[label].time_right.value == 1.0
    assert score.singles.recall.value == score.singles.precision.value == 1.0
    assert score.labels[CLUSTER].large.value == score.labels[CLUSTER].count_in_20.value == 1.0
    assert score.urgent.rung.value == 1.0
    assert score.urgent.false.count == 0
    assert score.false_sources == []


def test_counts_and_members_of_a_series_that_was_half_seen() -> None:
    truth = series(100, "a", n=10)
    told = [
        line(CLUSTER, 100.2, 60, "x", count=6),
        *(replace(e, parent="x", event_id=f"x{e.event_id}") for e in truth[1:7]),
    ]
    score = scored(night(truth, told))
    assert score.labels[CLUSTER].count_error.median == pytest.approx(-0.4)
    assert score.labels[CLUSTER].count_in_20.value == 0.0
    assert score.singles.recall_in_found.value == pytest.approx(0.6)
    assert score.singles.precision.value == 1.0


def test_members_of_a_missed_series_do_not_count_against_what_is_inside_found_ones() -> None:
    truth = [*series(100, "a", n=5), *series(2000, "b", n=5)]
    told = series(100, "a", n=5)
    score = scored(night(truth, told))
    assert score.singles.recall.value == 0.5
    assert score.singles.recall_in_found.value == 1.0
    assert (score.labels[CLUSTER].large.hits, score.labels[CLUSTER].large.of) == (1.0, 2.0)


def test_a_series_of_four_is_no_large_one() -> None:
    truth = [*series(100, "a", n=4), *series(2000, "b", n=5)]
    assert scored(night(truth, truth)).labels[CLUSTER].large.of == 1.0


def test_a_series_is_large_by_what_can_be_seen_of_it_and_told_apart_from_all() -> None:
    faint, clear = series(100, "a", n=9), series(2000, "b", n=9)
    truth = [replace(faint[0], visible=4), *faint[1:], replace(clear[0], visible=5), *clear[1:]]
    found = scored(night(truth, clear)).labels[CLUSTER]
    assert (found.large.hits, found.large.of) == (1.0, 1.0)
    assert (found.large_seen_or_not.hits, found.large_seen_or_not.of) == (1.0, 2.0)


def test_a_single_told_alone_is_false_and_a_false_member_is_not_told_alone() -> None:
    told = [*series(100, "x", n=3), line(SINGLE, 3000, 1, "y")]
    score = scored(night([], told))
    assert score.singles.false_alone.count == 1
    assert score.singles.precision.value == 0.0


def test_the_delay_of_a_series_counts_from_the_end_of_its_third_member() -> None:
    truth = series(100, "a", n=5)  # the third lasts from 120 to 121
    told = line(CLUSTER, 100, 41, "x", count=5)
    rows = (row(told, 122.5), row(told, 141.0, status=EventStatus.END, version=2))
    score = scored(night(truth, [told], rows=rows))
    assert score.labels[CLUSTER].delay.median == pytest.approx(1.5)


def test_the_delay_of_jerking_counts_from_its_onset_and_from_when_it_was_called_so() -> None:
    truth = [line(Label.RHYTHMIC_JERKING, 100, 80, "a", count=99)]
    told = line(Label.RHYTHMIC_JERKING, 101, 80, "x", count=99)
    as_train = row(replace(told, label=TRAIN), 104.0)
    relabelled = row(told, 112.0, status=EventStatus.RELABEL, version=2, relabelled_from=TRAIN)
    score = scored(night(truth, [told], rows=(as_train, relabelled)))
    assert score.labels[Label.RHYTHMIC_JERKING].delay.median == pytest.approx(12.0)
    assert score.labels[Label.RHYTHMIC_JERKING].in_time.value == 1.0


def test_one_that_took_in_another_was_told_when_the_first_of_them_was() -> None:
    truth = [line(TRAIN, 100, 60, "a", count=9)]
    kept, gone = line(TRAIN, 100, 60, "x", count=9), line(TRAIN, 130, 20, "y", count=9)
    rows = (row(gone, 104.0), row(kept, 150.0), row(gone, 151.0, version=2, merged_into="x"))
    assert scored(night(truth, [kept], rows=rows)).labels[TRAIN].delay.median == pytest.approx(4.0)


def test_told_too_late_is_found_but_not_in_time() -> None:
    truth = [line(Label.STIFFENING, 100, 60, "a")]
    score = scored(night(truth, truth, rows=(row(truth[0], 140.0),)))
    stiff = score.labels[Label.STIFFENING]
    assert stiff.by_profile["tight"].sensitivity.value == 1.0
    assert stiff.in_time.value == 0.0


def test_without_rows_delays_are_not_known_and_said_so() -> None:
    truth = series(100, "a")
    score = scored(night(truth, truth))
    assert score.delays_known == 0
    assert score.labels[CLUSTER].delay.n == 0
    assert score.labels[CLUSTER].in_time.value is None


def test_false_ones_are_counted_in_the_state_and_the_motion_they_fell_into() -> None:
    asleep, awake = (State.QUIET_SLEEP, 30.0), (State.AWAKE, 30.0)
    told = [line(CLUSTER, 600, 30, "x"), line(CLUSTER, 2000, 30, "y"), line(CLUSTER, 3000, 30, "z")]
    facts = {"truth_states": states(asleep, awake), "conveyed": (Span(2900, 3200),)}
    found = scored(night([], told, **facts)).labels[CLUSTER]
    assert found.false_by_state[State.QUIET_SLEEP].count == 1
    assert found.false_by_state[State.QUIET_SLEEP].hours == pytest.approx(0.5)
    assert found.false_by_state[State.AWAKE].per_24h == pytest.approx(2 * 48)
    assert (found.false_conveyed.count, found.false_conveyed.hours) == (1, pytest.approx(300 / 3600))


def test_nights_add_up_and_infants_are_counted() -> None:
    truth = series(100, "a")
    nights = [night(truth, truth if i % 2 else [], infant=f"i{i // 2}") for i in range(12)]
    score = scored(*nights)
    assert (score.nights, score.infants, score.hours) == (12, 6, 12.0)
    sensitivity = score.labels[CLUSTER].by_profile["tight"].sensitivity
    assert (sensitivity.hits, sensitivity.of) == (6.0, 12.0)
    assert sensitivity.infants == (0.5, 0.5), "every infant is alike"
    assert sensitivity.exact is not None
    assert sensitivity.exact[0] < 0.25


@given(TABLES, TABLES)
@settings(max_examples=40)
def test_one_more_false_event_never_raises_precision(truth: list[EventLine], told: list[EventLine]) -> None:
    worse = [*told, line(CLUSTER, 3560, 20, "worse")]
    for label in (CLUSTER, TRAIN):
        for name in ("tight", "szcore"):
            before, after = (
                scored(night(truth, rows)).labels[label].by_profile[name].precision for rows in (told, worse)
            )
            if before.value is not None and not _near_the_end(truth, name):
                assert after.value is not None
                assert after.value <= before.value


def _near_the_end(truth: list[EventLine], profile: str) -> bool:
    """Whether what is added would touch a true event."""
    after_s = {"tight": 1.0, "szcore": 60.0}[profile] + 0.2
    return any((e.onset_ns + e.duration_ns) / 1e9 + after_s >= 3560 for e in truth)


@given(TABLES, TABLES)
@settings(max_examples=25)
def test_every_true_event_is_counted_once_in_the_confusion(
    truth: list[EventLine], told: list[EventLine]
) -> None:
    counts = tally(night(truth, told))
    assert sum(n for (true, _), n in counts.confusion.items() if true != "nothing") == len(truth)
    right = sum(n for (true, said), n in counts.confusion.items() if true == said)
    found = sum(e.told_count > 0 for t in counts.labels.values() for e in t.events)
    assert right == found


def test_what_was_found_in_conveyed_motion_is_given_apart() -> None:
    truth = [line(TRAIN, 100, 20, "a"), line(TRAIN, 1000, 20, "b"), line(TRAIN, 2000, 20, "c")]
    found = scored(night(truth, truth[:2], conveyed=(Span(900, 2500),))).labels[TRAIN].conveyed
    assert (found.hits, found.of) == (1.0, 2.0)


def test_what_was_found_while_a_sensor_was_blind_is_given_apart() -> None:
    truth = [line(TRAIN, 100, 20, "a"), line(TRAIN, 1000, 20, "b")]
    score = scored(night(truth, truth[:1], unseen=(Span(1010, 2000), Span(1500, 4000))))
    assert (score.labels[TRAIN].unseen.hits, score.labels[TRAIN].unseen.of) == (0.0, 1.0)
    assert score.unseen_hours == pytest.approx((3600 - 1010) / 3600)
    assert scored(night(truth, truth)).unseen_hours is None


def test_large_ones_classes_and_states_are_given_apart() -> None:
    small = line(TRAIN, 100, 2, "a", count=4, true_class="bnsm", state=State.QUIET_SLEEP)
    large = line(TRAIN, 1000, 20, "b", count=60, true_class="bnsm", state=State.ACTIVE_SLEEP)
    other = line(TRAIN, 2000, 20, "c", count=60, true_class="clonic", state=State.ACTIVE_SLEEP)
    found = scored(night([small, large, other], [large])).labels[TRAIN]
    assert (found.large.hits, found.large.of) == (1.0, 2.0)
    assert {name: value.value for name, value in found.by_class.items()} == {"bnsm": 0.5, "clonic": 0.0}
    assert found.by_state[State.QUIET_SLEEP].value == 0.0
    assert found.by_state[State.ACTIVE_SLEEP].value == 0.5
