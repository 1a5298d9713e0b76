from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from dsp.records import Label, Site
from firmware_sim.draw import Draw
from firmware_sim.movement import Mark, draw_infant
from firmware_sim.spasm_series import draw_spasm_day, in_series
from firmware_sim.steps import Channel
from tests.motion_measures import left_behind
from tests.sim_examples import one, peak_g


@cache
def clusters():
    return [one("spasm_cluster", seed)[1] for seed in range(80)]


def test_a_cluster_knows_its_members_and_no_gap_exceeds_a_minute():
    for movement in clusters():
        whole = movement.marks[0]
        onsets = np.array([m.onset_s for m in whole.members])
        assert whole.label is Label.SPASM_LIKE_CLUSTER
        assert whole.count == len(whole.members) >= 3
        assert all(m.label is Label.SPASM_LIKE for m in whole.members)
        assert np.diff(onsets).max() <= 60.0
        assert np.diff(onsets).min() >= 2.9
        assert all(a.end_s < b.onset_s for a, b in pairwise(whole.members))
        assert whole.end_s - whole.onset_s >= 10.0
        assert (whole.onset_s, whole.end_s) == (whole.members[0].onset_s, whole.members[-1].end_s)


def test_most_clusters_have_five_to_fifty_spasms_and_none_more_than_150():
    counts = np.array([m.marks[0].count for m in clusters()])
    assert np.mean((counts >= 5) & (counts <= 50)) > 0.75
    assert counts.max() <= 150


def test_most_gaps_lie_between_5_and_30_seconds_and_vary():
    rows = [np.diff([m.onset_s for m in one.marks[0].members]) for one in clusters()]
    gaps = np.concatenate(rows)
    cvs = [np.std(row) / np.mean(row) for row in rows if row.size >= 8]
    assert gaps.size > 1000
    assert np.mean((gaps >= 5.0) & (gaps <= 30.0)) > 0.75
    assert 0.25 <= np.median(cvs) <= 0.65


def test_four_of_five_spasms_of_a_day_come_in_clusters():
    inside = alone = 0
    for seed in range(25):
        draw = Draw(seed, "test")
        day = draw_spasm_day(draw, draw_infant(draw, 180))
        for mark in (m for movement in day for m in movement.marks):
            inside += mark.count if mark.label is Label.SPASM_LIKE_CLUSTER else 0
            alone += mark.label is Label.SPASM_LIKE
    assert inside + alone > 1000
    assert inside / (inside + alone) == pytest.approx(0.783, abs=0.04)


def test_a_day_without_clusters_can_be_asked_for():
    draw = Draw(1, "test")
    day = draw_spasm_day(draw, draw_infant(draw, 180), clusters=2)
    assert sum(m.marks[0].label is Label.SPASM_LIKE_CLUSTER for m in day) == 2
    assert draw_spasm_day(draw, draw_infant(draw, 180), clusters=0) == []


def test_spasms_of_one_infant_differ_from_one_another():
    members = one("spasm_cluster", 4, count=8, busy=0.0)[1].marks[0].members
    assert len({round(m.end_s - m.onset_s, 6) for m in members}) == 8


def test_a_crescendo_is_strongest_in_the_middle():
    def tilt(movement, member):
        steps = movement.steps
        mine = (steps.channel == Channel.SPINE_FLEX) & (steps.start_s >= member.onset_s - 1e-9)
        return np.abs(steps.delta[mine & (steps.start_s < member.onset_s + 0.25)]).max()

    ratios = []
    for seed in range(40):
        movement = one("spasm_cluster", seed, count=15, crescendo=True, busy=0.0)[1]
        sizes = [tilt(movement, m) for m in movement.marks[0].members]
        ratios.append(np.mean(sizes[5:10]) / np.mean(sizes[:2] + sizes[-2:]))
    assert np.median(ratios) > 1.15


def test_a_busy_infant_moves_between_its_spasms_and_at_times_into_the_next():
    quiet = one("spasm_cluster", 5, count=20, busy=0.0, cries=False)[1]
    assert len(quiet.marks) == 1
    running_on = 0
    for seed in range(15):
        whole, *own = one("spasm_cluster", seed, count=20, busy=1.0, cries=False)[1].marks
        assert len(own) > 6
        assert {mark.label for mark in own} == {Label.MOVEMENT}
        onsets = np.array([m.onset_s for m in whole.members])
        running_on += sum(bool(np.any((onsets > o.onset_s) & (onsets < o.end_s))) for o in own)
    assert running_on > 15


def test_crying_may_follow_and_then_comes_after_the_last_spasm():
    cried = [m.marks[-1] for m in clusters() if m.marks[-1].true_class == "crying"]
    assert 0.15 <= len(cried) / len(clusters()) <= 0.45
    whole, crying = one("spasm_cluster", 3, busy=0.0, cries=True)[1].marks
    assert crying.onset_s > whole.end_s


def test_what_a_healthy_infant_does_is_labelled_as_what_it_looks_like():
    rows = [one("bmei", seed, age_days=190)[1] for seed in range(200)]
    marks = [mark for row in rows for mark in row.marks]
    assert {mark.true_class for mark in marks} == {"bmei"}
    assert {mark.label for mark in marks} <= {Label.SPASM_LIKE, Label.SPASM_LIKE_CLUSTER}
    clustered = np.mean([row.marks[0].label is Label.SPASM_LIKE_CLUSTER for row in rows])
    assert 0.22 <= clustered <= 0.46


def test_benign_spasm_like_movements_last_a_tenth_to_two_seconds():
    members = [m for seed in range(120) for m in one("bmei", seed, count=10)[1].marks[0].members]
    spans = np.array([m.end_s - m.onset_s for m in members])
    assert spans.size == 1200
    assert np.mean((spans >= 0.1) & (spans <= 2.3)) > 0.99


def test_a_cluster_comes_back_to_rest():
    for movement in clusters()[:30]:
        assert left_behind(movement) == pytest.approx(0.0, abs=1e-9)


def test_the_quickest_of_them_do_not_throw_the_head_or_the_trunk():
    rows = [one("bmei", seed, count=1) for seed in range(80)]
    assert max(peak_g(*row, Site.HD) for row in rows) < 4.0
    assert max(peak_g(*row, Site.TR) for row in rows) < 2.0


def spasms(*onsets_s: float, true_class: str = "spasm") -> list[Mark]:
    return [Mark(Label.SPASM_LIKE, true_class, at, at + 1.0) for at in onsets_s]


def told(marks: list[Mark]) -> list[tuple[Label, str, int, float]]:
    return sorted(
        ((m.label, m.true_class, m.count, m.onset_s) for m in in_series(marks)), key=lambda row: row[3]
    )


def test_clusters_of_a_day_that_come_within_a_minute_of_one_another_are_one():
    first, second, far = (in_series(spasms(*at)) for at in ((0, 20, 40), (100, 120, 140), (202, 220, 240)))
    assert told([*second, *far, *first]) == [
        (Label.SPASM_LIKE_CLUSTER, "spasm_cluster", 6, 0),
        (Label.SPASM_LIKE_CLUSTER, "spasm_cluster", 3, 202),
    ]


def test_a_spasm_within_a_minute_belongs_to_the_series_and_one_that_comes_later_does_not():
    assert told([*spasms(79, 300), *in_series(spasms(0, 9, 18))]) == [
        (Label.SPASM_LIKE_CLUSTER, "spasm_cluster", 4, 0),
        (Label.SPASM_LIKE, "spasm", 1, 300),
    ]


def test_three_that_are_too_quick_or_only_two_make_no_series_and_other_marks_stay():
    kick = Mark(Label.MOVEMENT, "kicking", 2.5, 5.0)
    assert told([*spasms(0, 3, 6), kick, *spasms(100, 130)]) == [
        (Label.SPASM_LIKE, "spasm", 1, 0),
        (Label.MOVEMENT, "kicking", 1, 2.5),
        *((Label.SPASM_LIKE, "spasm", 1, at) for at in (3, 6, 100, 130)),
    ]


def test_a_series_has_the_class_of_most_of_its_members():
    mixed = [*spasms(0, 20), *spasms(40, 60, 80, true_class="bmei")]
    assert told(mixed) == [(Label.SPASM_LIKE_CLUSTER, "bmei", 5, 0)]
