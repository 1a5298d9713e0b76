"""The diary: notes by time, quick ones to be written, and corrections, each a further row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from alerts.catalogue import Catalogue
from lullwatch.diary import KINDS, BadNote, Entry, Field, checked, checked_text, facts_of
from lullwatch.plain_words import shown
from lullwatch.report.saying import entry_said
from store.notes import STRUCK_OUT

from .gate import form_of
from .layout import add_link, csrf_field
from .markup import Content, Html, h
from .records import (
    address,
    answered,
    day_of,
    infants_of,
    moment,
    note_book,
    records_page,
    say,
    select,
    zone_of,
)
from .session import Role, only, session_of
from .site import words_of
from .troubled import trouble_page

__all__ = ["routes"]

_PAGE: Final = 100
"""Notes on one page."""

add_link("/diary", "diary.title")


async def _show(request: Request) -> Response:
    words, zone = words_of(request), zone_of(request)
    infants = infants_of(request)
    infant = request.query_params.get("infant") or (infants[0] if infants else "")
    book = await note_book(request)
    entries = [entry for entry in reversed(book.entries(infant)) if not entry.struck_out]
    begin = _whole(request.query_params.get("skip", "0"))
    shown = entries[begin : begin + _PAGE]
    older = address("/diary", infant=infant, skip=begin + _PAGE) if len(entries) > begin + _PAGE else None
    body: list[Content] = [
        h("h2", words.text("diary.title")),
        _whose(request, infants, infant),
        _write(request, infant) if session_of(request).role is Role.CAREGIVER else None,
        h("p", words.text("diary.says")),
        _days(request, shown, zone) if shown else h("p", words.text("diary.empty")),
        h("p", h("a", words.text("event.older"), href=older, class_="button")) if older else None,
    ]
    return records_page(request, words.text("diary.title"), body)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _whose(request: Request, infants: tuple[str, ...], infant: str) -> Html | None:
    if len(infants) < 2:
        return None
    words = words_of(request)
    control = select("infant", [(one, one) for one in infants], infant)
    return h(
        "form", h("label", h("span", words.text("event.infant")), control), h("button", words.text("event.show")),
        method="get", action="/diary", class_="filter",
    )  # fmt: skip


def _write(request: Request, infant: str) -> Html:
    """The kinds as ways to their forms; the one that is chosen open below."""
    words = words_of(request)
    chosen = request.query_params.get("kind", "")
    ways = [
        h(
            "a", words.text(f"diary.kind_{kind}"), href=address("/diary", infant=infant, kind=kind) + "#write",
            class_="button", aria_current="true" if kind == chosen else None,
        )
        for kind in KINDS
    ]  # fmt: skip
    form = _form(request, infant, chosen) if chosen in KINDS else None
    return h(
        "section", h("h3", words.text("diary.write"), id="write"), h("nav", *ways, aria_label=words.text("diary.write"),
        class_="kinds"), form, class_="card",
    )  # fmt: skip


def _form(request: Request, infant: str, kind: str, entry: Entry | None = None) -> Html:
    """The form of a kind, filled in with what is to be corrected."""
    words, zone = words_of(request), zone_of(request)
    facts = facts_of(entry.note) if entry is not None else {}
    at_ns = entry.utc_ns if entry is not None else round(datetime.now(UTC).timestamp()) * 1_000_000_000
    fields: list[Content] = [_control(words, kind, field, facts.get(field.name)) for field in KINDS[kind]]
    return h(
        "form",
        csrf_field(session_of(request)),
        h("input", type="hidden", name="kind", value=kind),
        h("input", type="hidden", name="infant", value=infant),
        h("input", type="hidden", name="corrects", value=entry.note.id) if entry is not None else None,
        # in the hour that comes twice: which of the two
        h("input", type="hidden", name="fold", value=str(day_of(at_ns, zone).fold)),
        h("p", words.text("diary.seen_only")) if kind == "movement_seen" else None,
        h("p", words.film) if kind == "movement_seen" else None,
        _labelled(
            words.text("diary.at"),
            h("input", type="datetime-local", name="at", id="at", step=1, required=True,
              value=f"{day_of(at_ns, zone):%Y-%m-%dT%H:%M:%S}"),
        ),
        *fields,
        _labelled(
            words.text("diary.text"),
            h("textarea", shown(entry.note.text) if entry else "", name="text", id="text", rows=2, maxlength=1000,
              required=not KINDS[kind]),
        ),
        h("button", words.text("diary.save")),
        method="post",
        action="/diary",
        class_="stacked",
    )  # fmt: skip


def _control(words: Catalogue, kind: str, field: Field, value: object) -> Html:
    name = words.text(f"diary.{kind}_{field.name}")
    given = "" if value is None else shown(str(value))
    control: Html
    if field.choices:
        options = [(c, words.text(f"diary.{kind}_{field.name}_{c}")) for c in field.choices]
        control = select(
            field.name, [("", words.text("diary.not_said")), *options], given, required=field.required
        )
    elif field.is_number:
        control = h(
            "input", type="number", name=field.name, id=field.name, min=field.least, max=field.most, step="any",
            value=given, required=field.required, inputmode="decimal",
        )  # fmt: skip
    else:
        control = h(
            "input", type="text", name=field.name, id=field.name, maxlength=field.longest, value=given,
            required=field.required,
        )  # fmt: skip
    return _labelled(name, control)


def _labelled(name: str, control: Html) -> Html:
    return h("label", h("span", name), control)


def _days(request: Request, entries: list[Entry], zone: str) -> list[Content]:
    """Notes by day, the newest first."""
    days: dict[str, list[Entry]] = {}
    for entry in entries:
        days.setdefault(f"{day_of(entry.utc_ns, zone):%Y-%m-%d}", []).append(entry)
    return [
        h("section", h("h3", day), h("ul", *(_entry(request, e, zone) for e in of_day), class_="notes"))
        for day, of_day in days.items()
    ]


def _entry(request: Request, entry: Entry, zone: str) -> Html:
    words, note = words_of(request), entry.note
    said = entry_said(entry, words)
    by = h("small", note.author)
    earlier = [
        h("li", entry_said(Entry(old, entry.utc_ns), words), " ", h("small", old.author))
        for old in entry.earlier
    ]
    corrected = (
        h("details", h("summary", words.text("diary.corrected")), h("ul", *earlier)) if earlier else None
    )
    when = h("time", f"{day_of(entry.utc_ns, zone):%H:%M}", datetime=moment(entry.utc_ns, zone))
    return h("li", when, " ", said, " ", by, corrected, _mend(request, entry), id=note.id or None)


def _mend(request: Request, entry: Entry) -> Html | None:
    """Ways to correct a note and to take it back; notes of older programs have no id to do it by."""
    if not entry.note.id or session_of(request).role is not Role.CAREGIVER:
        return None
    words = words_of(request)
    correct = h("a", words.text("diary.correct"), href=f"/diary/{entry.note.id}")
    strike = h(
        "form",
        csrf_field(session_of(request)),
        h("button", words.text("diary.strike"), class_="quiet"),
        method="post",
        action=f"/diary/{entry.note.id}/strike",
    )
    return h("div", correct, strike, class_="mend")


async def _correct(request: Request) -> Response:
    """The form of one note, filled in."""
    words = words_of(request)
    entry = await _found(request)
    if entry is None:
        return trouble_page(request, "diary.unknown", 404)
    kind = entry.note.kind if entry.note.kind in KINDS else "note"
    body: list[Content] = [
        h("h2", words.text("diary.correct_title")),
        h("p", words.text("diary.correct_says")),
        _form(request, entry.note.infant, kind, entry),
    ]
    return records_page(request, words.text("diary.correct_title"), body)


async def _found(request: Request) -> Entry | None:
    book = await note_book(request)
    wanted = request.path_params["note"]
    return next((e for one in infants_of(request) for e in book.entries(one) if e.note.id == wanted), None)


@only(Role.CAREGIVER)
async def _save(request: Request) -> Response:
    form = form_of(request)
    words, infant, kind = words_of(request), form.get("infant", ""), form.get("kind", "")
    payload: dict[str, Any] = {
        "kind": kind,
        "text": form.get("text", "").strip(),
        "facts": _facts(kind, form),
        "at": _at(form.get("at", ""), zone_of(request), fold=form.get("fold") == "1"),
    }
    if form.get("corrects"):
        payload["corrects"] = form["corrects"]
    answer = _fault(words, kind, payload) or await say(request, infant, "note", payload)
    return answered(request, words.text("diary.title"), answer, address("/diary", infant=infant))


def _fault(words: Catalogue, kind: str, payload: dict[str, Any]) -> dict[str, Any] | None:
    """What the diary's rules say against it, in the reader's language; None where they say nothing."""
    try:
        checked(kind, payload["facts"])
        checked_text(kind, payload["text"])
    except BadNote as error:
        if not error.fault or error.field is None:
            return None  # no form leads to it; whoever is asked says why
        field = error.field
        name = words.text("diary.text" if field.name == "text" else f"diary.{kind}_{field.name}")
        limits = {"least": f"{field.least or 0:g}", "most": f"{field.most or 0:g}", "letters": field.longest}
        return {"ok": False, "why": words.text(f"diary.fault_{error.fault}", name=name, **limits)}
    return None


def _facts(kind: str, form: Any) -> dict[str, str | float]:  # noqa: ANN401 - a mapping of the form's fields
    """The facts of a form as a note carries them; what was left empty was not said."""
    found: dict[str, str | float] = {}
    for field in KINDS.get(kind, ()):
        text = str(form.get(field.name, "")).strip()
        if text:
            found[field.name] = _number(text) if field.is_number else text
    return found


def _number(text: str) -> str | float:
    """A number as people write it; what is none is refused by the rules of the diary, with its reason."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


def _at(text: str, zone: str, *, fold: bool) -> str:
    """Local time of a form in ISO 8601 with its offset; what is no time is handed on, to be refused.

    In the hour that comes twice when summer time ends it is the second one with `fold`.
    """
    try:
        moment_said = datetime.fromisoformat(text)
    except ValueError:
        return text
    first, second = (moment_said.replace(tzinfo=ZoneInfo(zone), fold=which) for which in (0, 1))
    ahead, later = first.utcoffset(), second.utcoffset()
    comes_twice = ahead is not None and later is not None and later < ahead
    return (second if fold and comes_twice else first).isoformat()


@only(Role.CAREGIVER)
async def _strike(request: Request) -> Response:
    words = words_of(request)
    entry = await _found(request)
    if entry is None:
        return trouble_page(request, "diary.unknown", 404)
    payload = {"kind": STRUCK_OUT, "corrects": entry.note.id, "text": ""}
    answer = await say(request, entry.note.infant, "note", payload)
    return answered(request, words.text("diary.title"), answer, address("/diary", infant=entry.note.infant))


def routes() -> list[BaseRoute]:
    """The diary's addresses."""
    return [
        Route("/diary", _show),
        Route("/diary", _save, methods=["POST"]),
        Route("/diary/{note}", only(Role.CAREGIVER)(_correct)),
        Route("/diary/{note}/strike", _strike, methods=["POST"]),
    ]
