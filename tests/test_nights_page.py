"""The list of nights: quick, without a look at raw data, and honest when a file is damaged."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow, Coverage, Evidence, Site, Usability
from lullwatch.watch import Watch, config_of
from lullwatch.web.follower import Follower
from lullwatch.web.live import Live
from lullwatch.web.nights_page import A_PAGE, NightIndex, look_now_and_then
from store.forgetting import forget
from store.journal import Journal, night_name
from store.journal_reading import JournalReading
from store.shelf import Shelf
from tests.browsing_rig import CAREGIVER, INFANT, pages, samples, series, until

DAY_NS = 24 * 3600 * NS
FIRST_NS = 1_790_000_000 * NS
"""an evening in UTC"""


def write_night(folder: Path, n: int, minutes: int = 30) -> Path:
    """The n-th night: some minutes of coverage, one series, and raw data."""
    begin_ns = FIRST_NS + n * DAY_NS
    path = folder / night_name(begin_ns)
    with Journal.open(path) as journal:
        rows = [
            ClockRow(begin_ns, begin_ns, "b", "UTC"),
            config_of(Watch.of(INFANT, [Site.LA], None), begin_ns),
        ]
        rows += [
            Coverage(INFANT, begin_ns + m * 60 * NS, 60 * NS, Usability.USABLE, (), ((Site.LA, 1.0),))
            for m in range(minutes)
        ]
        event = replace(series(begin_ns + 1000 * NS), id=f"event-{n}")
        journal.commit([*rows, event, *samples(begin_ns, seq=n + 1)])
    return path


def forbid_raw(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on whoever reads the samples' table is refused."""
    opened = JournalReading.__init__

    def guarded(self: JournalReading, path: Path, db: sqlite3.Connection) -> None:
        opened(self, path, db)

        def allowed(action: int, table: str | None, *_: object) -> int:
            raw = action == sqlite3.SQLITE_READ and table == "segment"
            return sqlite3.SQLITE_DENY if raw else sqlite3.SQLITE_OK

        db.set_authorizer(allowed)

    monkeypatch.setattr(JournalReading, "__init__", guarded)


def test_the_list_of_nights_and_each_night_read_no_raw_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        write_night(tmp_path, n)
    forbid_raw(monkeypatch)
    with Shelf(tmp_path) as shelf:
        index = NightIndex(shelf)
        evenings = index.evenings()
        assert len(evenings) == 3
        assert evenings == sorted(evenings, reverse=True)
        facts = [index.facts(INFANT, evening) for evening in evenings]
        assert [(f.seen_ns // (60 * NS), f.events[0].events) for f in facts] == [(30, 1)] * 3
        assert len(index.moment(INFANT, evenings[0]).tonight.events) == 1
        with pytest.raises(sqlite3.DatabaseError), shelf.opened(shelf.nights()[0].name) as journal:
            journal._db.execute("SELECT count(*) FROM segment WHERE t0_ns > 0").fetchone()


def test_the_night_in_memory_is_without_the_evidence_of_its_events(tmp_path: Path) -> None:
    begin_ns = FIRST_NS
    told = replace(series(begin_ns + 1000 * NS), evidence=(Evidence("rate_hz", 1.0, 0.5),))
    with Journal.open(tmp_path / night_name(begin_ns)) as journal:
        journal.commit([ClockRow(begin_ns, begin_ns, "b", "UTC"), told])
    with Shelf(tmp_path) as shelf:
        follower = Follower(shelf)
        follower.look()
        [event] = follower.moment(INFANT).tonight.events
    assert event == replace(told, evidence=())


def test_a_night_is_read_again_only_when_its_file_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_night(tmp_path, 0)
    asked: list[str] = []
    read = JournalReading.told_between

    def counted(self: JournalReading, *words: object, **more: object) -> object:
        asked.append(self.path.name)
        return read(self, *words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(JournalReading, "told_between", counted)
    with Shelf(tmp_path) as shelf:
        index = NightIndex(shelf)
        (evening,) = index.evenings()
        index.facts(INFANT, evening)
        assert path.name in asked
        asked.clear()
        index.facts(INFANT, evening)
        assert asked == []
        with Journal.open(path) as journal:
            begin_ns = FIRST_NS + 30 * 60 * NS
            journal.commit([Coverage(INFANT, begin_ns, 60 * NS, Usability.USABLE, (), ((Site.LA, 1.0),))])
        assert index.facts(INFANT, evening).seen_ns == 31 * 60 * NS


async def test_weeks_of_nights_are_paged(tmp_path: Path) -> None:
    for n in range(A_PAGE + 3):
        write_night(tmp_path, n, minutes=1)
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(CAREGIVER)
        first = (await browser.get("/nights")).text
        assert first.count('class="night"') == A_PAGE
        assert "Older nights" in first
        assert "Newer nights" not in first
        older = first.split('href="/nights?from=')[1].split('"')[0]
        second = (await browser.get(f"/nights?from={older}")).text
        assert second.count('class="night"') == 3
        assert "Newer nights" in second
        newest = date.fromisoformat(older) + timedelta(days=A_PAGE)
        assert (await browser.get(f"/nights/{newest.isoformat()}/{INFANT}")).status == 200
        assert (await browser.get(f"/nights/{newest.isoformat()}/nobody")).status == 404
        assert (await browser.get("/nights?from=yesterday")).status == 200


async def test_a_journal_that_cannot_be_read_is_said_on_the_page(tmp_path: Path) -> None:
    write_night(tmp_path, 0)
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(CAREGIVER)
        assert (await browser.get("/nights")).status == 200
        path = rig.site.shelf.nights()[0]
        rig.site.shelf.close()
        path.write_bytes(path.read_bytes()[:4096] + b"\0" * 8192)
        answer = await browser.get("/nights")
        assert answer.status == 503
        assert "cannot be read just now" in answer.text
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("others", [True, False])
async def test_nothing_of_an_infant_who_is_forgotten_is_kept_by_pages_that_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, others: bool
) -> None:
    monkeypatch.setattr("lullwatch.web.follower._NIGHT_EVERY_S", 0.0)
    monkeypatch.setattr("lullwatch.web.nights_page._NOW_AND_THEN_S", 0.01)
    path = write_night(tmp_path, 0)
    with Journal.open(path) as journal:
        if others:
            other = replace(series(FIRST_NS + 1000 * NS), id="e-other", infant="b")
            journal.commit([config_of(Watch.of("b", [Site.LA], None), FIRST_NS), other])
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(CAREGIVER)
        for page in ("/", "/nights", "/events", "/diary", "/trends"):
            assert (await browser.get(page)).status == 200
        kept = rig.site.more
        assert INFANT in kept[Live]._follower.house.infants
        assert len(kept) > 2
        forget(tmp_path, INFANT)
        looking = asyncio.create_task(look_now_and_then(rig.site))  # as nobody has a page open

        async def is_gone() -> bool:
            return set(kept) == {Live} and kept[Live]._follower.house.infants == (("b",) if others else ())

        await until(is_gone)
        looking.cancel()
        assert f"infant {INFANT}" not in (await browser.get("/")).text
        listed = (await browser.get("/events")).text
        assert ("/events/event-0" in listed, "/events/e-other" in listed) == (False, others)


async def test_an_address_that_leads_nowhere_is_a_page_with_a_way_back(tmp_path: Path) -> None:
    async with pages(tmp_path, monitor=False) as rig:
        browser = await rig.browser(CAREGIVER)
        answer = await browser.get("/no-such-page")
        assert answer.status == 404
        assert 'href="/"' in answer.text
