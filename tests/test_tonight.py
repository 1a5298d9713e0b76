"""The night so far: later versions replace earlier ones, and no count stands without its coverage."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.payloads import Topics
from alerts.tonight import Tally
from alerts.words import catalogue
from dsp.records import NS, ClockRow, Coverage, Event, EventStatus, Label, Usability
from lullwatch.picture import _Axis
from lullwatch.web.timeline import timeline
from lullwatch.web.tonight import House
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


HOUR_NS = 3600 * NS
CHANGES = pytest.mark.parametrize(
    ("evening", "hours"),
    [
        ("2026-10-24", ("20:00", "23:00", "02:00", "04:00")),  # 03:00 comes twice
        ("2026-03-28", ("20:00", "23:00", "03:00", "06:00")),  # there is no 02:00
        ("2026-06-20", ("20:00", "23:00", "02:00", "05:00")),
    ],
)
"""What a clock on the wall shows every three hours from eight in the evening on."""
ZONE = "Europe/Berlin"


def eight_ns(evening: str) -> int:
    """Eight in the evening, UTC."""
    return round(datetime.fromisoformat(f"{evening}T20:00").replace(tzinfo=ZoneInfo(ZONE)).timestamp()) * NS


@CHANGES
def test_the_hours_of_the_timeline_are_those_of_the_wall_also_when_clocks_change(
    evening: str, hours: tuple[str, ...]
) -> None:
    house = House()
    house.feed([ClockRow(0, eight_ns(evening), "boot", ZONE)])
    house.feed([Coverage("inf1", n * HOUR_NS, HOUR_NS, Usability.USABLE, (), ()) for n in range(12)])
    drawn = str(timeline(house.of("inf1"), catalogue("en")))
    marks = re.findall(r'<text x="([0-9.]+)"[^>]* class="hour"[^>]*>([0-9:]+)<', drawn)
    assert tuple(text for _, text in marks[:4]) == hours
    places = [float(x) for x, _ in marks]
    steps = [right - left for left, right in pairwise(places)]
    assert steps == pytest.approx([steps[0]] * len(steps), abs=0.2)


@CHANGES
def test_so_are_those_of_the_picture(evening: str, hours: tuple[str, ...]) -> None:
    axis = _Axis(t0_ns=0, start_utc_ns=eight_ns(evening), zone=ZONE)
    assert tuple(axis.label(n * 180) for n in range(4)) == hours
