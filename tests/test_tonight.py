"""The night so far: later versions replace earlier ones, and no count stands without its coverage."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerts.payloads import Topics
from alerts.tonight import Tally
from dsp.records import NS, ClockRow, Coverage, Event, EventStatus, Label, Usability
from store.utc import UtcMap
from tests.alert_makers import T0, event, later, minute

CLOCK = UtcMap([ClockRow(T0, 1_700_000_000 * NS, "boot", "UTC")])
DAY_NS = 86_400 * NS


def tally(*rows: Event | Coverage) -> dict[str, Any]:
    made = Tally("inf1", lambda t_ns: f"{t_ns // DAY_NS:06d}")
    for row in rows:
        made.feed(row)
    now_ns = max((r.end_ns if isinstance(r, Event) else r.t_ns for r in rows), default=T0)
    message = made.message(Topics("gw"), CLOCK, open_alerts=["x"], problems=["blind"], now_ns=now_ns)
    assert (message.topic, message.retain) == ("lullwatch/gw/inf1/tonight", True)
    return dict(json.loads(message.payload))


def test_a_night_without_anything_says_so() -> None:
    body = tally()
    assert (body["counts"], body["last_event"], body["coverage"]) == ({}, None, {"seen_s": 0, "watched_s": 0})


def test_a_series_counts_once_with_its_movements_and_its_coverage() -> None:
    body = tally(
        event(), later(event(), 40.0, count=17), minute(0, Usability.USABLE), minute(1, Usability.BLIND)
    )
    assert body["counts"] == {"repeated_brief_movements": {"events": 1, "movements": 17}}
    assert body["coverage"] == {"seen_s": 60, "watched_s": 120}
    assert (body["open_alerts"], body["problems"]) == (["x"], ["blind"])


def test_members_of_a_series_are_not_the_last_event() -> None:
    series = event(at_s=0)
    member = event(Label.SPASM_LIKE, at_s=20, long_s=2, parent=series.id)
    assert tally(series, member)["last_event"] == "repeated_brief_movements"


def test_what_was_withdrawn_or_became_part_of_another_is_not_counted() -> None:
    gone = later(event(), 30.0, status=EventStatus.WITHDRAWN)
    merged = event(at_s=100, merged_into="other")
    assert tally(event(), gone, merged)["counts"] == {}


def test_a_later_word_on_a_minute_replaces_the_earlier_one() -> None:
    assert tally(minute(0, Usability.BLIND), minute(0, Usability.USABLE))["coverage"] == {
        "seen_s": 60,
        "watched_s": 60,
    }


def test_a_new_night_begins_at_nothing_and_what_comes_late_from_the_last_is_not_counted_in_it() -> None:
    tomorrow = replace(event(at_s=0), id="t", onset_ns=T0 + DAY_NS, end_ns=T0 + DAY_NS + NS)
    assert tally(event(), minute(0, Usability.USABLE), tomorrow, event(at_s=5))["counts"] == {
        "repeated_brief_movements": {"events": 1, "movements": 14}
    }


def test_another_infant_s_rows_are_not_counted() -> None:
    assert tally(replace(event(), infant="other"), minute(0, Usability.USABLE, "other"))["counts"] == {}


@given(
    st.permutations(
        [event(at_s=0), event(at_s=100), later(event(at_s=200), 9.0), minute(0, Usability.USABLE)]
    )
)
def test_the_order_of_arrival_does_not_matter(rows: list[Any]) -> None:
    assert tally(*rows) == tally(*sorted(rows, key=repr))
