"""The table of all events: what stands, what people said, kept up with the journals, quick at ten thousand."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow, Event, EventStatus, Label, Opinion, Site
from lullwatch.event_index import EventIndex, Query
from lullwatch.watch import Watch, config_of
from store.forgetting import forget
from store.journal import Journal
from store.shelf import Shelf
from tests.alert_makers import event
from tests.archive_maker import BEGIN_NS, KID, NIGHT, SERIES, SINGLE, TRAIN, UTC_0_NS, make_archive, night_of

SIB = Watch.of("sib", [Site.LA], None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_archive(tmp_path)
    return tmp_path


def index_of(folder: Path) -> EventIndex:
    index = EventIndex(Shelf(folder))
    index.refresh()
    return index


def test_the_newest_version_of_what_stands_is_listed_by_onset_and_members_with_their_series(
    folder: Path,
) -> None:
    index = index_of(folder)
    assert [e.id for e in index.page(Query(), limit=9)] == [SERIES, TRAIN, SINGLE]
    series = index.find(SERIES)
    assert series is not None
    assert (series.label, series.count, series.night) == (Label.SPASM_LIKE_CLUSTER, 6, NIGHT)
    assert series.utc_ns == UTC_0_NS + series.onset_ns
    assert len(index.members(SERIES)) == 6
    assert index.total(Query()) == 3
    assert index.total(Query(members=True)) == 9
    assert index.find("e-gone") is not None
    assert index.find("nobody") is None


def test_a_night_that_is_read_in_small_pages_is_read_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = index_of(folder).page(Query(members=True), limit=99)
    monkeypatch.setattr("lullwatch.event_index._PAGE_ROWS", 2)
    assert index_of(folder).page(Query(members=True), limit=99) == whole


def test_a_query_asks_for_an_infant_patterns_and_a_time(folder: Path) -> None:
    index = index_of(folder)
    since_ns = UTC_0_NS + BEGIN_NS + 150 * NS
    assert [e.id for e in index.page(Query(since_ns=since_ns), limit=9)] == [TRAIN, SINGLE]
    assert [e.id for e in index.page(Query(until_ns=since_ns), limit=9)] == [SERIES]
    assert [e.id for e in index.page(Query(labels=(Label.MOVEMENT,)), limit=9)] == [SINGLE]
    assert index.total(Query(infant="sib")) == 0


def test_pages_follow_each_other_both_ways(folder: Path) -> None:
    index = index_of(folder)
    for newest_first, order in ((False, [SERIES, TRAIN, SINGLE]), (True, [SINGLE, TRAIN, SERIES])):
        seen, after = [], None
        while page := index.page(Query(), limit=1, after=after, newest_first=newest_first):
            after = page[-1]
            seen.append(after.id)
        assert seen == order


def test_what_is_committed_later_changes_the_list_without_reading_the_rest_again(folder: Path) -> None:
    index = index_of(folder)
    with Journal.amend(folder / NIGHT) as journal:
        [*_, single] = journal.event_rows(SINGLE)
        relabelled = replace(single, version=9, label=Label.TREMOR, status=EventStatus.RELABEL)
        gone = replace(journal.event_rows(TRAIN)[-1], version=9, status=EventStatus.WITHDRAWN)
        journal.commit([relabelled, gone, Opinion(KID, SERIES, BEGIN_NS, "anna", "caregiver", "rocking")])
    index.refresh()
    assert [(e.id, e.label) for e in index.page(Query(), limit=9)][1:] == [(SINGLE, Label.TREMOR)]
    assert [(s.by, s.label) for s in index.said([SERIES, SINGLE])[SERIES]] == [("anna", "rocking")]


def test_an_older_version_that_comes_later_changes_nothing(folder: Path) -> None:
    with Journal.amend(folder / NIGHT) as journal:
        [*_, single] = journal.event_rows(SINGLE)
        journal.commit([replace(single, version=1, label=Label.TREMOR)])
    listed = index_of(folder).find(SINGLE)
    assert listed is not None
    assert listed.label is Label.MOVEMENT


def test_only_what_a_reviewer_has_not_said_anything_of_is_left_to_them(folder: Path) -> None:
    with Journal.amend(folder / NIGHT) as journal:
        journal.commit([
            Opinion(KID, SERIES, BEGIN_NS, "rita", "reviewer", "tremor", basis="video"),
            Opinion(KID, SERIES, BEGIN_NS + 1, "rita", "reviewer", "rocking", basis="video", blind=True),
            Opinion(KID, TRAIN, BEGIN_NS, "rita", "caregiver", "rocking"),
        ])  # fmt: skip
    index = index_of(folder)
    assert [e.id for e in index.page(Query(unlabelled_by="rita"), limit=9)] == [TRAIN, SINGLE]
    assert index.total(Query(unlabelled_by="rolf")) == 3
    assert [(s.event_id, s.by, s.label, s.blind) for s in index.reviewed()] == [
        (SERIES, "rita", "rocking", True)
    ]


def test_a_night_that_is_taken_away_takes_its_events_along_and_another_adds_its_own(folder: Path) -> None:
    index = index_of(folder)
    later = replace(event(Label.ROCKING), id="e-later", infant=KID, onset_ns=90_000 * NS, end_ns=90_003 * NS)
    night_of(folder, "journal-2026-03-15.sqlite", 89_000 * NS, [later])
    index.refresh()
    assert [e.id for e in index.page(Query(), limit=9)] == [SERIES, TRAIN, SINGLE, "e-later"]
    for path in folder.glob(NIGHT + "*"):
        path.unlink()
    index.refresh()
    assert [e.id for e in index.page(Query(), limit=9)] == ["e-later"]


def many(folder: Path, count: int) -> None:
    """Events of four nights, one every minute."""
    for night in range(4):
        begin_ns = night * 86_400 * NS
        rows: list[Event] = [
            event(
                list(Label)[i % 12], id=f"e-{night}-{i:05}", infant=KID, onset_ns=begin_ns + i * 30 * NS,
                end_ns=begin_ns + (i * 30 + 5) * NS,
            )
            for i in range(count // 4)
        ]  # fmt: skip
        path = folder / f"journal-2026-03-{night + 1:02}.sqlite"
        with Journal.begin(path, [ClockRow(begin_ns, UTC_0_NS + begin_ns, "b", "UTC")]) as journal:
            journal.commit(rows)


def test_an_infant_who_is_taken_out_of_a_night_is_listed_no_more(folder: Path) -> None:
    index = index_of(folder)
    with Journal.amend(folder / NIGHT) as journal:
        journal.commit([replace(journal.events(KID)[0], id="e-sib", infant="sib"), config_of(SIB, BEGIN_NS)])
    index.refresh()
    assert index.infants() == (KID, "sib")
    forget(folder, KID)
    index.refresh()
    assert index.infants() == ("sib",)
    assert index.find(SERIES) is None


def test_ten_thousand_events_are_read_once_and_every_page_of_them_is_quick(tmp_path: Path) -> None:
    many(tmp_path, 10_000)
    index = index_of(tmp_path)
    assert index.total(Query()) == 10_000
    began = time.perf_counter()
    index.refresh()
    first = index.page(Query(unlabelled_by="rita"), limit=50)
    last = index.find("e-3-02400")
    deep = index.page(Query(unlabelled_by="rita"), limit=50, after=last)
    took_s = time.perf_counter() - began
    assert (first[0].id, deep[0].id, len(deep)) == ("e-0-00000", "e-3-02401", 50)
    assert took_s < 0.25  # seen: 0.005 s
