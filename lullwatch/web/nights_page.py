"""The nights: a list with what could be seen of each and what was recorded, and each night's timeline."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from alerts.catalogue import Catalogue
from alerts.words import duration
from dsp.records import NS, Note
from lullwatch.morning import begun_in, facts_of, files_of
from lullwatch.night_facts import NightFacts, Window
from store.errors import StoreError
from store.rows import Row
from store.shelf import Shelf
from store.utc import UtcMap

from .follower import Moment
from .layout import page
from .markup import Content, Html, h
from .night_page import live_of
from .night_view import counts, events
from .records import note_book
from .site import Site, site_of, words_of
from .timeline import timeline
from .tonight import House
from .traces import Traces
from .troubled import trouble_page

__all__ = ["NightIndex", "index_of", "look_first", "look_now_and_then", "routes", "warm"]

A_PAGE: Final = 7
"""Nights on a page: a week."""
_DAY = timedelta(days=1)
_DRAWN: Final = ("event", "state", "coverage")
_NOW_AND_THEN_S: Final = 60.0
"""Nothing of an infant who was forgotten is in memory for longer; a look takes what a minute has brought, some rows."""
_LATER_S: Final = 3.0
"""Pages that were open come back within this after a start, and want tonight."""
_BREATH_S: Final = 0.05
"""Between two nights that nobody waits for: whoever listens goes first."""
_MARGIN_NS: Final = 6 * 3600 * NS
"""A clock that was set during a night moves what is read of it; it is cut exactly afterwards."""
_log = logging.getLogger(__name__)
Stamp = tuple[tuple[str, int, int], ...]


class NightIndex:
    """What nights there are, and the facts of each, read once and again only when a file of theirs has changed.

    May be used from any thread.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = threading.Lock()
        self._begun: dict[str, tuple[str, int]] = {}
        self._zone = "UTC"
        self._facts: dict[tuple[str, date], tuple[Stamp, NightFacts]] = {}

    def evenings(self) -> list[date]:
        """Dates of the nights that were begun, newest first. Raises JournalError."""
        with self._lock:
            self._look()
            found = {Window.at(utc_ns, self._zone).night for _, utc_ns in self._begun.values()}
        return sorted(found, reverse=True)

    def window(self, evening: date) -> Window:
        """The night of an evening, in the zone of the newest journal."""
        return Window(evening, self._zone)

    def facts(self, infant: str, evening: date) -> NightFacts:
        """Coverage and counts of an infant's night, as the summary says them; no alerts. Raises JournalError."""
        with self._lock:
            self._look()
            window = self.window(evening)
            files = files_of(list(self._begun.values()), window)
            stamp = tuple(_stamp(self._shelf.folder / name) for name in files)
            kept = self._facts.get((infant, evening))
            if kept is not None and kept[0] == stamp:
                return kept[1]
            rows, utc = self._rows(files, infant, window, ("event", "coverage"))
            facts = facts_of(rows, infant, window, utc)
            self._facts[infant, evening] = stamp, facts
            return facts

    def moment(self, infant: str, evening: date, notes: Sequence[Note] = ()) -> Moment:
        """A night that is over, to be drawn like the one that goes on, with the infant's notes. Raises JournalError."""
        with self._lock:
            self._look()
            window = self.window(evening)
            rows, _ = self._rows(files_of(list(self._begun.values()), window), infant, window, _DRAWN)
        house = House(window=window)
        house.feed([*rows, *notes])
        return Moment(house.of(infant), Traces(), None, None)

    def _look(self) -> None:
        names = [path.name for path in self._shelf.nights()]
        if names == list(self._begun):
            return
        self._begun = {name: (name, utc_ns) for name, utc_ns in begun_in(self._shelf)}
        if self._begun:
            with self._shelf.opened(next(reversed(self._begun))) as journal:
                self._zone = journal.clock_rows()[-1].zone

    def _rows(
        self, files: Sequence[str], infant: str, window: Window, tables: Sequence[str]
    ) -> tuple[list[Row], UtcMap]:
        """What was told of a night, without what it does not need: earlier versions, alerts, links."""
        rows: list[Row] = []
        utc = UtcMap()
        for name in files:
            with self._shelf.opened(name) as journal:
                clocks = journal.clock_rows()
                for clock in clocks:
                    utc.add(clock)
                ahead_ns = clocks[0].utc_ns - clocks[0].t_ns
                begin_ns, end_ns = window.begin_ns - ahead_ns, window.end_ns - ahead_ns
                rows += [
                    *clocks,
                    *journal.told_between(infant, begin_ns - _MARGIN_NS, end_ns + _MARGIN_NS, tables=tables),
                ]
        return rows, utc


def index_of(site: Site) -> NightIndex:
    """The index of a site; made when it is first asked for."""
    if NightIndex not in site.more:
        site.more[NightIndex] = NightIndex(site.shelf)
    index: NightIndex = site.more[NightIndex]
    return index


async def look_first(site: Site) -> None:
    """Read the night that goes on before anybody asks."""
    try:
        await live_of(site).look("", lambda _: None)
    except StoreError as error:
        _log.warning("the journal cannot be read for the pages: %s", error)


async def look_now_and_then(site: Site) -> None:
    """Notice also while no page is open that a night was written anew: what was read of it before is let go."""
    while True:
        await asyncio.sleep(_NOW_AND_THEN_S)
        await look_first(site)


async def warm(site: Site) -> None:
    """Read what the first page of nights shows before anybody asks, one night at a time, once those who wait are in."""
    try:
        await asyncio.sleep(_LATER_S)
        infants = await live_of(site).infants()
        index = index_of(site)
        for evening in (await run_in_threadpool(index.evenings))[:A_PAGE]:
            for infant in infants:
                await run_in_threadpool(index.facts, infant, evening)
                await asyncio.sleep(_BREATH_S)
    except StoreError as error:
        _log.warning("the nights could not be looked at: %s", error)  # whoever opens the page is told


def _stamp(path: Path) -> tuple[str, int, int]:
    """Changes whenever a row is committed to the file."""
    parts = [p.stat() for p in (path, path.with_name(f"{path.name}-wal")) if p.exists()]
    return path.name, sum(p.st_size for p in parts), max((p.st_mtime_ns for p in parts), default=0)


@dataclass(frozen=True, slots=True)
class _Week:
    """The nights of one page."""

    evenings: list[date]
    older: date | None
    newer: date | None
    facts: list[list[NightFacts]]


async def _nights(request: Request) -> Response:
    site, words = site_of(request), words_of(request)
    infants = await live_of(site).infants()
    first = _date(request.query_params.get("from", ""))
    week = await run_in_threadpool(_week, index_of(site), infants, first)
    title = words.text("page.nights")
    if not week.evenings:
        return page(request, title, h("p", words.text("page.night_none")))
    listed = [_night(evening, facts, words) for evening, facts in zip(week.evenings, week.facts, strict=True)]
    ways = [_way(week.newer, "page.newer", words), _way(week.older, "page.older", words)]
    body = h("div", h("h2", title), h("ol", *listed, class_="nights"), h("nav", *ways, aria_label=title))
    return page(request, title, body)


def _week(index: NightIndex, infants: Sequence[str], first: date | None) -> _Week:
    evenings = index.evenings()
    place = next((n for n, e in enumerate(evenings) if first is None or e <= first), 0)
    shown = evenings[place : place + A_PAGE]
    older = evenings[place + A_PAGE] if place + A_PAGE < len(evenings) else None
    newer = evenings[max(0, place - A_PAGE)] if place else None
    return _Week(shown, older, newer, [[index.facts(infant, e) for infant in infants] for e in shown])


def _night(evening: date, facts: Sequence[NightFacts], words: Catalogue) -> Html:
    several = len(facts) > 1
    return h("li", [_one(evening, night, words, several=several) for night in facts])


def _one(evening: date, night: NightFacts, words: Catalogue, *, several: bool) -> Html:
    """One infant's night in three lines: when, how much could be seen, what was recorded in it."""
    seen = duration(words, night.seen_ns)
    name = _span_of(evening, words) + (f" · {words.text('page.infant', id=night.infant)}" if several else "")
    counted = ", ".join(
        words.text("summary.counted", name=words.names[c.pattern], n=c.events) for c in night.events
    )
    recorded = "summary.events" if counted else "summary.none_events"
    return h(
        "div",
        h("a", name, href=f"/nights/{evening.isoformat()}/{night.infant}", class_="night"),
        h("p", words.text("coverage.sentence", seen=seen, whole=duration(words, night.watched_ns))),
        h("p", words.text(recorded, seen=seen, which=counted), class_="more"),
    )


def _span_of(evening: date, words: Catalogue) -> str:
    return words.text("page.evening", evening=evening.isoformat(), morning=(evening + _DAY).isoformat())


def _way(evening: date | None, key: str, words: Catalogue) -> Content:
    return None if evening is None else h("a", words.text(key), href=f"/nights?from={evening.isoformat()}")


async def _one_night(request: Request) -> Response:
    site, words = site_of(request), words_of(request)
    evening, infant = _date(request.path_params["evening"]), request.path_params["infant"]
    index = index_of(site)
    known = evening in await run_in_threadpool(index.evenings) and infant in await live_of(site).infants()
    if evening is None or not known:
        return trouble_page(request, "page.nowhere", 404)

    notes = (await note_book(request)).written(infant)

    def drawn() -> Content:
        moment = index.moment(infant, evening, notes)
        return [timeline(moment.tonight, words), counts(moment, words), events(moment, words)]

    title = _span_of(evening, words)
    return page(request, title, h("section", h("h2", title), await run_in_threadpool(drawn)))


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def routes() -> list[BaseRoute]:
    """The page's addresses."""
    return [Route("/nights", _nights), Route("/nights/{evening}/{infant}", _one_night)]
