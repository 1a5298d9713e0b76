from __future__ import annotations

from dataclasses import replace

import pytest

from dsp.records import EventStatus, Label
from lullwatch.scoring_night import Span, as_events
from lullwatch.scoring_ringing import rings, score_rings
from tests.scoring_makers import CLUSTER, TRAIN, line, night, row, series


def test_a_clear_series_rings_when_it_is_told_and_only_once() -> None:
    event = line(CLUSTER, 100, 60, "x", count=6, match=0.9)
    rows = [row(event, 125.0), row(event, 160.0, status=EventStatus.END, version=2)]
    (ring,) = rings(rows)
    assert ring.at_s == pytest.approx(125.0)
    assert ring.span == Span(100, 160)
    assert ring.wire == "repeated_brief_movements"


def test_a_weak_series_rings_only_with_a_second_one() -> None:
    weak = [line(CLUSTER, t, 60, f"x{t}", count=6, match=0.6) for t in (100, 2000)]
    assert rings([row(weak[0], 125.0)]) == []
    assert len(rings([row(weak[0], 125.0), row(weak[1], 2025.0)])) == 1


def test_jerks_in_sleep_never_ring() -> None:
    truth = [line(TRAIN, t, 60, f"t{t}", count=99) for t in range(100, 3000, 200)]
    found = score_rings(night(truth, truth))
    assert (found.told, found.due) == (0, 0)


def test_an_urgent_alert_on_kicking_has_no_reason() -> None:
    truth = [line(Label.MOVEMENT, 100, 60, "k", true_class="kicking"), *series(2000, "a")]
    told = [line(CLUSTER, 100, 60, "x", count=6, match=0.9), *series(2000, "y")]
    found = score_rings(night(truth, told))
    assert (found.told, found.due, found.rung) == (2, 1, 1)
    assert [ring.span for ring in found.false] == [Span(100, 160)]
    assert found.under == ("kicking",)
    assert found.lesser == 0


def test_a_ring_on_a_true_series_that_was_held_has_no_reason_but_is_told_apart() -> None:
    truth, told = series(100, "a"), series(100, "y")
    found = score_rings(night(truth, told, conveyed=(Span(0, 3600),)))
    assert (found.told, found.due, len(found.false), found.lesser) == (1, 0, 1, 1)


def test_a_true_series_all_in_conveyed_motion_is_no_reason_to_ring() -> None:
    truth = series(100, "a")
    assert score_rings(night(truth, [], conveyed=(Span(0, 3600),))).due == 0
    assert score_rings(night(truth, [], conveyed=(Span(0, 110),))).due == 1


def test_the_ring_of_jerking_comes_after_ten_seconds() -> None:
    event = line(Label.RHYTHMIC_JERKING, 100, 9, "x", count=30, match=0.9)
    longer = replace(event, duration_ns=11 * 10**9)
    found = score_rings(night([longer], [longer], rows=(row(event, 109.0), row(longer, 111.0, version=2))))
    assert (found.told, found.due, found.delays_s) == (1, 1, (pytest.approx(11.0),))


def test_a_withdrawn_event_has_rung_all_the_same() -> None:
    event = line(CLUSTER, 100, 60, "x", count=6, match=0.9)
    rows = (row(event, 125.0), row(event, 126.0, version=2, status=EventStatus.WITHDRAWN))
    assert score_rings(night([], [], rows=rows)).told == 1


def test_lines_become_finished_events_in_the_order_of_their_ends() -> None:
    long, short = line(Label.STIFFENING, 100, 60, "a"), line(Label.STIFFENING, 110, 10, "b")
    assert [e.id for e in as_events([long, short])] == ["b", "a"]
    assert {e.status for e in as_events([long])} == {EventStatus.END}
