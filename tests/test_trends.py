"""Nights and weeks are counted as the summary counts, each beside how much was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from dsp.records import NS, Label
from lullwatch.morning import night_facts
from lullwatch.night_facts import Window
from lullwatch.trends import NightTrend, trend_of, weeks_of
from tests.archive_maker import KID, ZONE, make_archive

EVENING = date(2026, 3, 14)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_archive(tmp_path)
    return tmp_path


def test_a_night_is_what_the_summary_says_of_it(folder: Path) -> None:
    facts = night_facts(folder, KID, Window(EVENING, ZONE))
    night = trend_of(facts)
    assert (night.evening, night.watched_ns, night.seen_ns) == (EVENING, 240 * NS, 240 * NS)
    assert night.events == tuple((c.pattern, c.events, c.movements) for c in facts.events)
    assert night.of(Label.SPASM_LIKE_CLUSTER) == (1, 6)
    assert night.of(Label.TREMOR) == (0, 0)


def test_weeks_end_with_the_last_night_and_add_up_with_their_coverage() -> None:
    nights = [
        NightTrend(date.fromordinal(EVENING.toordinal() + i), 10 * NS, 9 * NS, (("rocking", 1, 3),))
        for i in range(10)
    ]
    nights[9] = replace(nights[9], watched_ns=0, seen_ns=0, events=())
    first, last = weeks_of(nights)
    assert (len(first.nights), len(last.nights)) == (3, 7)
    assert last.nights[-1] is nights[-1]
    assert (last.of(Label.ROCKING), last.seen_ns, last.recorded) == ((6, 18), 54 * NS, 6)
    assert sum(len(week.nights) for week in weeks_of(nights[:7])) == 7
