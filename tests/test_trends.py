"""Nights and weeks are counted as the summary counts, each beside how much was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from dsp.records import NS, Label, Opinion
from lullwatch.morning import night_facts
from lullwatch.night_facts import Window
from lullwatch.trends import NightTrend, Trends, weeks_of
from store.journal import Journal
from store.shelf import Shelf
from tests.alert_makers import event
from tests.archive_maker import BEGIN_NS, KID, NIGHT, ZONE, make_archive

EVENING = date(2026, 3, 14)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_archive(tmp_path)
    return tmp_path


def test_a_night_is_what_the_summary_says_of_it(folder: Path) -> None:
    [night] = Trends(Shelf(folder)).nights(KID, ZONE, EVENING, 1)
    facts = night_facts(folder, KID, Window(EVENING, ZONE))
    assert (night.watched_ns, night.seen_ns) == (facts.watched_ns, facts.seen_ns) == (240 * NS, 240 * NS)
    assert night.events == tuple((c.pattern, c.events, c.movements) for c in facts.events)
    assert night.of(Label.SPASM_LIKE_CLUSTER) == (1, 6)
    assert night.urgent == 1


def test_a_night_of_which_nothing_is_there_was_not_seen_and_is_no_zero(folder: Path) -> None:
    nights = Trends(Shelf(folder)).nights(KID, ZONE, EVENING, 3)
    assert [n.evening.day for n in nights] == [12, 13, 14]
    assert [n.seen_ns for n in nights] == [0, 0, 240 * NS]
    assert [n.watched_ns for n in nights[:2]] == [0, 0]


def test_a_night_that_is_over_is_read_once_and_one_that_changed_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(folder)
    trends = Trends(shelf)
    before = trends.nights(KID, ZONE, EVENING, 1)
    read: list[str] = []
    plain = Journal.read
    monkeypatch.setattr(Journal, "read", lambda self, *a, **k: read.append("") or plain(self, *a, **k))
    assert trends.nights(KID, ZONE, EVENING, 1) == before
    assert read == []
    rocking = event(Label.ROCKING, id="e-new", infant=KID, onset_ns=BEGIN_NS, end_ns=BEGIN_NS + NS)
    with Journal.amend(folder / NIGHT) as journal:
        journal.commit([rocking, Opinion(KID, "e-new", BEGIN_NS, "anna", "caregiver", "rocking")])
    assert trends.nights(KID, ZONE, EVENING, 1)[0].of(Label.ROCKING) == (1, rocking.count)
    assert trends.newest(ZONE) == EVENING


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
