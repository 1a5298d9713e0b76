"""The list of events of all nights, newest first, a page at a time."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from alerts.catalogue import Catalogue
from alerts.severity import TABLE
from alerts.words import match_word
from dsp.records import NS, Label
from lullwatch.event_index import EventIndex, Listed, Query

from .layout import add_link
from .markup import Content, Html, h
from .records import (
    address,
    fresh_index,
    infants_of,
    label_name,
    lasting,
    moment,
    records_page,
    select,
    zone_of,
)
from .session import Role, session_of
from .site import words_of

__all__ = ["PAGE", "day_ns", "filter_form", "query_of", "routes"]

PAGE: Final = 50
"""Events on one page: a few screens of a phone, and some milliseconds of the server."""

_MOST_NS: Final = 2**63 - 1
"""The largest time that SQLite compares with, in 2262."""

_BY_WIRE: Final = {label.wire: label for label in Label}

add_link("/events", "event.list")


async def _list(request: Request) -> Response:
    index = await fresh_index(request)
    words, zone = words_of(request), zone_of(request)
    query = query_of(request, zone)
    after = index.find(request.query_params.get("after", ""))
    found = index.page(query, limit=PAGE + 1, after=after, newest_first=True)
    shown, more = found[:PAGE], len(found) > PAGE
    body: list[Content] = [
        h("h2", words.text("event.list")),
        filter_form(request, index),
        h("p", words.text("event.list_says")),
        _table(request, words, shown, zone) if shown else h("p", words.text("event.list_empty")),
        _onward(request, words, shown[-1]) if more else None,
    ]
    return records_page(request, words.text("event.list"), body)


def query_of(request: Request, zone: str, *, unlabelled_by: str | None = None) -> Query:
    """What the address asks for; what it says wrongly counts as not said."""
    asked = request.query_params
    label = _BY_WIRE.get(asked.get("label", ""))
    return Query(
        infant=asked.get("infant") or None,
        labels=(label,) if label else (),
        since_ns=day_ns(asked.get("from", ""), zone),
        until_ns=day_ns(asked.get("to", ""), zone, days=1),
        unlabelled_by=unlabelled_by,
    )


def day_ns(text: str, zone: str, *, days: int = 0) -> int | None:
    """UTC at which a local day begins, or the one so many days later; None for what is no day."""
    try:
        day = date.fromisoformat(text)
        begin = datetime.combine(date.fromordinal(day.toordinal() + days), time(), tzinfo=ZoneInfo(zone))
    except (ValueError, OverflowError):
        return None
    begin_ns = round(begin.timestamp()) * NS
    return min(max(begin_ns, -_MOST_NS), _MOST_NS)


def filter_form(request: Request, index: EventIndex, *more: Html) -> Html:
    """Which events are to be shown; `more` controls stand at its end."""
    words, asked = words_of(request), request.query_params
    labels = [("", words.text("event.all")), *((x.wire, words.names[x.wire]) for x in Label)]
    infants = infants_of(request, index)
    who = [("", words.text("event.everyone")), *((infant, infant) for infant in infants)]
    return h(
        "form",
        _field(words.text("event.pattern"), select("label", labels, asked.get("label", ""))),
        _field(words.text("event.infant"), select("infant", who, asked.get("infant", "")))
        if len(infants) > 1
        else None,
        _field(
            words.text("event.from"),
            h("input", type="date", name="from", id="from", value=asked.get("from", "")),
        ),
        _field(
            words.text("event.to"), h("input", type="date", name="to", id="to", value=asked.get("to", ""))
        ),
        *more,
        h("button", words.text("event.show")),
        method="get",
        action=request.url.path,
        class_="filter",
    )


def _field(name: str, control: Html) -> Html:
    return h("label", h("span", name), control)


def _table(request: Request, words: Catalogue, events: list[Listed], zone: str) -> Html:
    research = session_of(request).role is Role.RESEARCHER
    heads = ("event.when", "event.pattern", "event.count", "event.lasted", "event.match")
    head = h("tr", *(h("th", words.text(key), scope="col") for key in heads))
    return h(
        "table",
        h("caption", words.text("event.list"), class_="visually-hidden"),
        h("thead", head),
        h("tbody", *(_row(words, event, zone, research=research) for event in events)),
        class_="list",
    )


def _row(words: Catalogue, event: Listed, zone: str, *, research: bool) -> Html:
    noun = words.nouns.get(event.label.wire, words.any_noun)
    return h(
        "tr",
        h("td", h("a", moment(event.utc_ns, zone), href=f"/events/{event.id}")),
        h("td", label_name(words, event.label, research=research)),
        h("td", noun.counted(event.count)),
        h("td", lasting(words, event.end_ns - event.onset_ns)),
        h("td", words.match[match_word(event.match, TABLE.clear_match)]),
    )


def _onward(request: Request, words: Catalogue, last: Listed) -> Html:
    asked = {key: request.query_params.get(key, "") for key in ("label", "infant", "from", "to")}
    return h(
        "p",
        h("a", words.text("event.older"), href=address("/events", **asked, after=last.id), class_="button"),
    )


def routes() -> list[BaseRoute]:
    """The list's address."""
    return [Route("/events", _list)]
