"""Reviewing for researchers: a queue of events, labelled one by one with a key, and how far two reviewers agree."""

from __future__ import annotations

import asyncio
import io
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from alerts.catalogue import Catalogue
from dsp.records import Label
from lullwatch.errors import NothingReviewed
from lullwatch.event_index import EventIndex, Listed, Query, Said
from lullwatch.opinions import BASES, CLINICAL, FURTHER, REVIEWER
from lullwatch.plain_words import shown
from lullwatch.reviewing import Pair, export_review, pairs
from store.shelf import Shelf

from .event_drawing import Around, interval_chart, waveform_chart
from .event_page import around_event
from .events_page import filter_form, query_of
from .gate import form_of
from .layout import add_link, csrf_field
from .markup import Content, Html, h
from .records import (
    address,
    answered,
    fresh_index,
    label_name,
    lasting,
    moment,
    newest_version,
    records_page,
    say,
    select,
    zone_of,
)
from .session import Role, only, session_of
from .site import nights, words_of
from .troubled import trouble_page

__all__ = ["KEYS", "routes"]

KEYS: Final[dict[str, str]] = dict(zip([*Label, *FURTHER], "1234567890qwertu", strict=True))
"""The key of each word: digits and the row of letters below them, in the order of the vocabulary."""

_ASKED: Final = ("infant", "label", "from", "to", "blind")
"""What of an address goes on from one event to the next."""

add_link("/review", "review.title", frozenset({Role.RESEARCHER}))


def _is_blind(request: Request) -> bool:
    """Whether the machine's label is hidden: it is, unless somebody asks for it."""
    return request.query_params.get("blind", "1") != "0"


def _query(request: Request, *, unlabelled: bool) -> Query:
    by = session_of(request).person if unlabelled else None
    query = query_of(request, zone_of(request), unlabelled_by=by)
    # a queue of one pattern would tell the machine's word
    return replace(query, labels=()) if _is_blind(request) else query


def _onward(request: Request, path: str, **more: str | int) -> str:
    """An address that goes on with the same filter."""
    asked = {key: request.query_params.get(key, "") for key in _ASKED}
    return address(path, **{**asked, **more})


@only(Role.RESEARCHER)
async def _overview(request: Request) -> Response:
    index, words = await fresh_index(request), words_of(request)
    left = index.total(_query(request, unlabelled=True))
    whole = index.total(_query(request, unlabelled=False))
    blind = select("blind", [("1", words.text("review.blind_yes")), ("0", words.text("review.blind_no"))],
                   request.query_params.get("blind", "1"))  # fmt: skip
    body: list[Content] = [
        h("h2", words.text("review.title")),
        h("p", words.text("review.says")),
        filter_form(request, index, h("label", h("span", words.text("review.blind")), blind)),
        h(
            "p",
            words.text("review.progress", done=whole - left, whole=whole, person=session_of(request).person),
        ),
        h("p", h("a", words.text("review.begin"), href=_onward(request, "/review/next"), class_="button")),
        _agreements(words, await asyncio.to_thread(lambda: pairs(index.reviewed()))),
        h("p", h("a", words.text("review.export"), href="/review/export.zip", class_="button")),
        h("p", words.text("review.export_says")),
    ]
    return records_page(request, words.text("review.title"), body)


def _agreements(words: Catalogue, found: tuple[Pair, ...]) -> list[Content]:
    parts: list[Content] = [h("h3", words.text("review.agreement"))]
    if not found:
        return [*parts, h("p", words.text("review.no_pair"))]
    for pair in found:
        a = pair.agreement
        figure = words.text("review.kappa_none")
        if a.kappa is not None and a.low is not None and a.high is not None:
            figure = words.text(
                "review.kappa", kappa=f"{a.kappa:.2f}", low=f"{a.low:.2f}", high=f"{a.high:.2f}"
            )
        same = round(a.observed * a.events)
        parts.append(
            h(
                "section",
                h("h4", f"{pair.first} · {pair.second}"),
                h("p", figure),
                h("p", words.text("review.same", same=same, events=a.events)),
                _confusion(words, pair),
                class_="card",
            )
        )
    return parts


def _confusion(words: Catalogue, pair: Pair) -> Html:
    """What the first reviewer (rows) and the second (columns) said."""
    a = pair.agreement
    names = [label_name(words, label, research=True) for label in a.labels]
    rows = [
        h(
            "tr",
            h("th", name, scope="row"),
            *(h("td", str(n), class_=_same(i == j)) for j, n in enumerate(row)),
        )
        for i, (name, row) in enumerate(zip(names, a.confusion, strict=True))
    ]
    caption = words.text("review.confusion", first=pair.first, second=pair.second)
    head = h("tr", h("td"), *(h("th", name, scope="col") for name in names))
    table = h("table", h("caption", caption), h("thead", head), h("tbody", *rows))
    return h("div", table, class_="wide", tabindex="0", role="region", aria_label=caption)


def _same(is_same: bool) -> str | None:
    return "same" if is_same else None


@only(Role.RESEARCHER)
async def _next(request: Request) -> Response:
    """To the next event that this reviewer has not labelled, behind the one that is named."""
    index = await fresh_index(request)
    after = index.find(request.query_params.get("after", ""))
    query = _query(request, unlabelled=True)
    found = index.page(query, limit=1, after=after)
    if not found and after is not None:
        found = index.page(query, limit=1)  # what was passed over on the way
    if not found:
        return RedirectResponse(_onward(request, "/review"), status_code=303)
    return RedirectResponse(_onward(request, f"/review/{found[0].id}"), status_code=303)


@only(Role.RESEARCHER)
async def _one(request: Request) -> Response:
    index, words = await fresh_index(request), words_of(request)
    listed = index.find(request.path_params["event"])
    if listed is None:
        return trouble_page(request, "event.unknown", 404)
    blind = _is_blind(request)
    around, chart = await asyncio.to_thread(_drawn, words, nights(request), index, listed, blind)
    said = [s for s in index.said([listed.id]).get(listed.id, ()) if s.role == REVIEWER]
    own = next((s for s in said if s.by == session_of(request).person), None)
    left = index.total(_query(request, unlabelled=True))
    body: list[Content] = [
        h(
            "h2",
            words.text("review.event", when=moment(listed.utc_ns, zone_of(request)), infant=listed.infant),
        ),
        h("p", words.text("review.left", n=left), class_="quiet"),
        h("figure", waveform_chart(words, around), tabindex="0")
        if around.waves
        else h("p", words.text("event.no_raw")),
        None if blind else _machine(words, listed, chart),
        _form(request, listed, own),
        None if blind or own is None else _others(words, [s for s in said if s is not own]),
        h("p", h("a", words.text("review.back"), href=_onward(request, "/review"))),
    ]
    return records_page(request, words.text("review.title"), body, ("review.js",))


def _drawn(
    words: Catalogue, shelf: Shelf, index: EventIndex, listed: Listed, blind: bool
) -> tuple[Around, Html | None]:
    event = newest_version(shelf, listed.night, listed.id)
    members = tuple(newest_version(shelf, m.night, m.id) for m in index.members(listed.id))
    around = around_event(shelf, event, members, with_members=not blind)
    return around, None if blind else interval_chart(words, members)


def _machine(words: Catalogue, listed: Listed, chart: Html | None) -> Html:
    name = label_name(words, listed.label, research=True)
    said = words.text("review.machine", label=name, match=f"{listed.match:.2f}", n=listed.count,
                      duration=lasting(words, listed.end_ns - listed.onset_ns))  # fmt: skip
    return h("section", h("p", said), h("figure", chart, tabindex="0") if chart else None, class_="card")


def _form(request: Request, listed: Listed, own: Said | None) -> Html:
    """A button for each word, with its key; the clinical words apart, for a reviewer of an EEG."""
    words = words_of(request)
    given = own.label if own is not None else ""
    basis = own.basis if own is not None and own.basis else request.query_params.get("basis", "sensors")
    bases = [(b, words.text(f"review.basis_{b}")) for b in BASES]
    clinical = [
        h("button", tag, name="label", value=word, aria_pressed=_pressed(given, word))
        for word, tag in CLINICAL.items()
    ]
    return h(
        "form",
        csrf_field(session_of(request)),
        h("input", type="hidden", name="blind", value="1" if _is_blind(request) else ""),
        h("fieldset", h("legend", words.text("review.ask")), [_button(words, w, k, given) for w, k in KEYS.items()],
          class_="choices"),
        h("label", h("span", words.text("review.basis")), select("basis", bases, basis)),
        h("details", h("summary", words.text("review.clinical")), h("p", words.text("review.clinical_says")),
          *clinical),
        h("label", h("span", words.text("event.your_text")),
          h("input", type="text", name="text", id="text", maxlength=1000, value=shown(own.text) if own else "")),
        h("a", words.text("review.skip"), href=_onward(request, "/review/next", after=listed.id), class_="button",
          id="skip"),
        h("p", words.text("review.keys"), class_="quiet"),
        method="post", action=_onward(request, f"/review/{listed.id}"), id="review",
    )  # fmt: skip


def _button(words: Catalogue, word: str, key: str, given: str) -> Html:
    name = label_name(words, word, research=True)
    return h(
        "button", h("kbd", key), " ", name, name="label", value=word, data_key=key, aria_pressed=_pressed(given, word),
        aria_keyshortcuts=key,
    )  # fmt: skip


def _pressed(given: str, word: str) -> str | None:
    return "true" if given == word else None


def _others(words: Catalogue, said: list[Said]) -> Html | None:
    """What other reviewers said; only once one's own word is given."""
    if not said:
        return None
    rows = [h("li", f"{s.by}: {label_name(words, s.label, research=True)}") for s in said]
    return h("section", h("h3", words.text("event.reviewers")), h("ul", *rows), class_="card")


@only(Role.RESEARCHER)
async def _label(request: Request) -> Response:
    index, words, form = await fresh_index(request), words_of(request), form_of(request)
    listed = index.find(request.path_params["event"])
    if listed is None:
        return trouble_page(request, "event.unknown", 404)
    payload = {
        "event": listed.id, "role": REVIEWER, "label": form.get("label", ""), "text": form.get("text", ""),
        "basis": form.get("basis", ""), "blind": form.get("blind") == "1",
    }  # fmt: skip
    answer = await say(request, listed.infant, "opinion", payload)
    if not answer.get("ok"):
        return answered(request, words.text("review.title"), answer, _onward(request, f"/review/{listed.id}"))
    return RedirectResponse(_onward(request, "/review/next", after=listed.id), status_code=303)


@only(Role.RESEARCHER)
async def _export(request: Request) -> Response:
    try:
        packed = await asyncio.to_thread(_packed, nights(request))
    except NothingReviewed:
        return trouble_page(request, "review.nothing", 404)
    name = 'attachment; filename="review.zip"'
    return Response(packed, media_type="application/zip", headers={"content-disposition": name})


def _packed(shelf: Shelf) -> bytes:
    made = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packet:
        root = Path(folder) / "review"
        export_review(shelf, root)
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            packet.write(path, path.relative_to(root))
    return made.getvalue()


def routes() -> list[BaseRoute]:
    """The addresses of the review."""
    return [
        Route("/review", _overview),
        Route("/review/next", _next),
        Route("/review/export.zip", _export),
        Route("/review/{event}", _one),
        Route("/review/{event}", _label, methods=["POST"]),
    ]
