"""What the pages about events, the diary, trends and reviewing share: the index, local time, and saying something."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alerts.catalogue import Catalogue
from alerts.words import duration
from dsp.records import Event, Label
from lullwatch.afterwards import AFTERWARDS, command_afterwards
from lullwatch.errors import LullwatchError, NoMonitor
from lullwatch.event_index import EventIndex
from lullwatch.note_book import NoteBook
from lullwatch.report.facts import local
from lullwatch.watch import infants_in
from store.errors import JournalInUse, StoreError
from store.shelf import Shelf

from .layout import page
from .markup import Content, Html, h
from .session import session_of
from .site import nights, not_answered, site_of, was_not_asked, words_of

__all__ = [
    "STYLE", "address", "answered", "day_of", "fact_list", "fresh_index", "infants_of", "kept", "label_name", "lasting",
    "moment", "newest_version", "note_book", "records_page", "say", "select", "zone_of",
]  # fmt: skip

_NIGHTS = 2
"""How far back is looked for who is here: a night that has just begun may not have heard of everybody yet."""

_ALONE: Final = "alone"
_SAID_HERE: Final = {
    "at lies more than a week back, or ahead": "records.at_week",
    "at lies more than a year back, or ahead": "records.at_year",
}
"""What whoever is asked says of a form that was filled in wrongly, by the key of the same in the reader's language."""

STYLE = Html('<link rel="stylesheet" href="/static/records.css">')


_Kept = TypeVar("_Kept", EventIndex, NoteBook)


def kept(request: Request, kind: type[_Kept]) -> _Kept:
    """What is kept in memory of the nights for the life of the application; made when it is first asked for."""
    more = site_of(request).more
    if kind not in more:
        more[kind] = kind(nights(request))
    found: _Kept = more[kind]
    return found


async def fresh_index(request: Request) -> EventIndex:
    """The events of all nights as they stand now. Raises JournalError."""
    index = kept(request, EventIndex)
    await asyncio.to_thread(index.refresh)
    return index


async def note_book(request: Request) -> NoteBook:
    """The notes of all nights as they stand now. Raises JournalError."""
    book = kept(request, NoteBook)
    await asyncio.to_thread(book.refresh)
    return book


def newest_version(shelf: Shelf, night: str, event_id: str) -> Event:
    """The last word on an event that stands in a night. Raises JournalError; IndexError where it is not there."""
    with shelf.opened(night) as journal:
        return journal.event_rows(event_id)[-1]


def zone_of(request: Request) -> str:
    """Time zone that times are shown in: of the settings, else of the newest night."""
    site = site_of(request)
    if site.zone is not None:
        return site.zone
    newest = site.shelf.newest()
    if newest is None:
        return "UTC"
    with site.shelf.opened(newest.name) as journal:
        rows = journal.clock_rows()
    return rows[-1].zone if rows else "UTC"


def infants_of(request: Request, index: EventIndex | None = None) -> tuple[str, ...]:
    """Ids of those whose nights are kept here."""
    site = site_of(request)
    if site.infants:
        return site.infants
    found = set(index.infants() if index else ())
    for path in site.shelf.nights()[-_NIGHTS:]:
        with site.shelf.opened(path.name) as journal:
            found |= infants_in(journal)
    return tuple(sorted(found))


async def say(request: Request, infant: str, name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """A command in the name of whoever is logged in; without a monitor it goes straight into the newest night.

    Only where none runs: one that does not answer in time may still do it. The answer is `alone` then.
    """
    said = {**payload, "by": session_of(request).person}
    site = site_of(request)
    try:
        return await site.asker("command", {"infant": infant, "name": name, "payload": said})
    except NoMonitor as error:
        if name in AFTERWARDS and was_not_asked(error):
            return await _afterwards(request, infant, name, said)
        return not_answered(request, error)


async def _afterwards(request: Request, infant: str, name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    site, words = site_of(request), words_of(request)
    shelf = site.shelf
    try:
        answer = await command_afterwards(shelf.folder, infant, name, said, people=site.people)
    except JournalInUse:
        return {"ok": False, "why": words.text("records.busy"), "remedy": words.text("records.busy_do")}
    except (StoreError, LullwatchError) as error:
        return {"ok": False, "why": str(error)}
    shelf.close()  # a night of an older program may have been brought up to date: what is open does not know it
    return answer | {"alone": True}


def answered(request: Request, title: str, answer: Mapping[str, Any], back: str) -> Response:
    """Back to where it was asked; or why not, with a way back, when it was refused."""
    if answer.get("ok"):
        return RedirectResponse(_with_alone(back) if answer.get("alone") else back, status_code=303)
    words = words_of(request)
    why, remedy = str(answer.get("why", "")), str(answer.get("remedy", ""))
    if why in _SAID_HERE:
        why, remedy = words.text(_SAID_HERE[why]), ""
    body = [
        None if answer.get("unsure") else h("h2", words.text("records.refused")),
        h("p", why, class_="warning", role="alert"),
        h("p", remedy) if remedy else None,
        h("p", h("a", words.text("records.back"), href=back)),
    ]
    return records_page(request, title, body, status=409)


def records_page(
    request: Request, title: str, body: Content, scripts: tuple[str, ...] = (), *, status: int = 200
) -> Response:
    """A page with the style of charts, lists and forms."""
    return page(request, title, [STYLE, _said_alone(request), body], scripts, status=status)


def _with_alone(back: str) -> str:
    """An address whose page says that the journal alone was told."""
    return f"{back}{'&' if '?' in back else '?'}{_ALONE}=1"


def _said_alone(request: Request) -> Html | None:
    """After something was written while no monitor ran: nobody else heard of it yet."""
    if request.query_params.get(_ALONE) != "1":
        return None
    return h("p", words_of(request).text("records.alone"), class_="warning", role="status")


def moment(utc_ns: int, zone: str) -> str:
    """Date and time of day, to the second."""
    return f"{local(utc_ns, zone):%Y-%m-%d %H:%M:%S}"


def day_of(utc_ns: int, zone: str) -> datetime:
    """The moment as a clock on the wall shows it."""
    return local(utc_ns, zone)


def lasting(words: Catalogue, length_ns: int) -> str:
    """A length of time in words."""
    return duration(words, length_ns)


def label_name(words: Catalogue, label: str, *, research: bool) -> str:
    """A label in words: a pattern, a further word, or a clinical one, which only researchers are shown."""
    if label in set(Label):
        name = words.names[Label(label).wire]
        return f"{name} ({label})" if research else name
    if f"opinion.{label}" in words.more:
        return words.text(f"opinion.{label}")
    return label.replace("_", " ") if research else words.text("opinion.clinical")


def fact_list(pairs: list[tuple[str, Content]]) -> Html:
    """Names and what they are."""
    return h("dl", *((h("dt", name), h("dd", value)) for name, value in pairs), class_="facts")


def select(name: str, options: list[tuple[str, str]], chosen: str = "", **more: str | bool) -> Html:
    """A choice of one; (value, words)."""
    made = [h("option", text, value=value, selected=value == chosen) for value, text in options]
    return h("select", *made, name=name, id=name, **more)


def address(path: str, **values: str | int | None) -> str:
    """An address with its query; what is None or empty is left out."""
    given = {key: value for key, value in values.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path
