"""One event: what every sensor measured, why it was told, and what people say of it, side by side."""

from __future__ import annotations

import asyncio
import io
import tempfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from alerts.catalogue import Catalogue
from dsp.records import NS, Event, Label, StateEpoch
from lullwatch.burst_marks import burst_marks_of, raw_around
from lullwatch.diary import MARK_LETTERS, TREATMENTS, Entry, Mark, given_at, marks
from lullwatch.errors import NothingToReplay
from lullwatch.event_index import EventIndex, Listed, Said
from lullwatch.opinions import CAREGIVER, FURTHER, REVIEWER
from lullwatch.plain_words import shown
from lullwatch.report.saying import entry_said
from lullwatch.waveforms import heard_ns, waveforms_of
from store.recording import newest_of
from store.shelf import Shelf

from .event_drawing import Around, Given, evidence_chart, interval_chart, interval_table, waveform_chart
from .event_words import by_question, evidence_name, facts_said, match_said, remarks, stands_no_more
from .gate import form_of
from .layout import csrf_field
from .markup import Content, Html, h
from .records import (
    answered,
    day_of,
    fresh_index,
    label_name,
    lasting,
    moment,
    newest_version,
    note_book,
    records_page,
    say,
    select,
    zone_of,
)  # fmt: skip
from .session import Role, only, session_of
from .site import nights, words_of
from .troubled import trouble_page

__all__ = ["around_event", "routes"]

_MARGIN_NS: Final = 30 * NS
"""Drawn before and after an event."""
_NEAR_NS: Final = 600 * NS
"""What was written of so long before or after an event is shown beside it: people write times down from memory."""
_LONGEST_NS: Final = 900 * NS
"""Of an event that is longer its first quarter of an hour is drawn."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Everything that is read of one event."""

    event: Event
    listed: Listed
    members: tuple[Event, ...]
    around: Around
    alerts: frozenset[str]
    pinned: bool


def around_event(
    shelf: Shelf, event: Event, members: tuple[Event, ...], *, with_members: bool = True
) -> Around:
    """What is drawn of an event; without its members where the machine's word stays hidden. Raises JournalError."""
    begin_ns = event.onset_ns - _MARGIN_NS
    end_ns = min(event.end_ns, event.onset_ns + _LONGEST_NS) + _MARGIN_NS
    states: list[StateEpoch] = []
    for path in shelf.nights_of(begin_ns, end_ns):
        with shelf.opened(path.name) as journal:
            states += journal.states_between(event.infant, begin_ns - 60 * NS, end_ns)
    raw = raw_around(shelf, event.infant, begin_ns, end_ns)
    marked = [(m.onset_ns, m.end_ns) for m in members] or [(event.onset_ns, event.end_ns)]
    return Around(
        begin_ns, end_ns, event.onset_ns,
        waves=waveforms_of(raw, begin_ns, end_ns),
        bursts=burst_marks_of(raw, begin_ns, end_ns),
        members=marked if with_members else (),
        states=newest_of(states, key=lambda s: s.t_ns),
    )  # fmt: skip


def _treated(request: Request, standing: list[Entry], listed: Listed) -> list[Given]:
    """Every dose and vaccination that was written down, in data time of the event."""
    words, zone = words_of(request), zone_of(request)
    return [
        Given(
            listed.onset_ns + e.utc_ns - listed.utc_ns,
            MARK_LETTERS[e.note.kind],
            f"{MARK_LETTERS[e.note.kind]} {moment(e.utc_ns, zone)} {entry_said(e, words)}",
        )
        for e in standing
        if e.note.kind in TREATMENTS
    ]


def _look(shelf: Shelf, index: EventIndex, listed: Listed, treated: list[Given]) -> _Seen:
    event = newest_version(shelf, listed.night, listed.id)
    members = tuple(newest_version(shelf, m.night, m.id) for m in index.members(listed.id))
    alerts: set[str] = set()
    pinned = False
    for path in shelf.nights_of(event.onset_ns, event.end_ns):
        with shelf.opened(path.name) as journal:
            alerts |= {alert.id for alert in journal.alerts(event.infant) if alert.event_id == event.id}
            pinned |= any(
                p.onset_ns <= event.onset_ns and p.end_ns >= event.end_ns for p in journal.pins(event.infant)
            )
    around = around_event(shelf, event, members)
    given = [one for one in treated if around.begin_ns <= one.t_ns <= around.end_ns]
    return _Seen(event, listed, members, replace(around, given=given), frozenset(alerts), pinned)


async def _show(request: Request) -> Response:
    index = await fresh_index(request)
    listed = index.find(request.path_params["event"])
    if listed is None:
        return trouble_page(request, "event.unknown", 404)
    book = await note_book(request)
    words, session = words_of(request), session_of(request)
    standing = [e for e in book.entries(listed.infant) if not e.struck_out]
    treated = _treated(request, standing, listed)
    seen = await asyncio.to_thread(_look, nights(request), index, listed, treated)
    false = [(note.author, utc_ns) for note, utc_ns in book.called_false(set(seen.alerts))]
    given = given_at(marks(standing), listed.utc_ns)
    beside = [e for e in standing if _is_near(e.utc_ns, listed)]
    said = index.said([listed.id]).get(listed.id, ())
    title = words.titles[seen.event.label.wire]
    body: list[Content] = [
        h("article", h("h2", title), _what(request, seen), _waves(words, seen), _pauses(request, seen)),
        match_said(words, seen.event),
        _evidence(words, seen.event) if session.role is Role.RESEARCHER else None,
        _labels(request, seen, said, false),
        _beside(request, beside, given),
        _to_do(request, seen),
    ]
    return records_page(request, title, body)


def _what(request: Request, seen: _Seen) -> list[Content]:
    words, event = words_of(request), seen.event
    advice = words.same_day.get(event.label.wire)
    parent = event.parent and h("p", h("a", words.text("event.part_of"), href=f"/events/{event.parent}"))
    return [
        stands_no_more(words, event),
        facts_said(words, event, infant=event.infant, when=moment(seen.listed.utc_ns, zone_of(request))),
        _heard(words, seen),
        [h("p", remark) for remark in remarks(words, event)],
        parent or None,
        h("p", advice, class_="advice") if advice else None,
        h("details", h("summary", words.text("event.when_to_call")), h("p", words.emergency)),
    ]


def _heard(words: Catalogue, seen: _Seen) -> Html:
    """How much of the event the sensors could see: no count without it."""
    begin_ns, end_ns = seen.event.onset_ns, min(seen.event.end_ns, seen.event.onset_ns + _LONGEST_NS)
    parts = [
        f"{words.sites[site]} {lasting(words, heard_ns(wave, begin_ns, end_ns))}"
        for site, wave in seen.around.waves.items()
    ]
    which = ", ".join(parts) or words.text("event.nothing")
    return h("p", words.text("event.heard", whole=lasting(words, end_ns - begin_ns), which=which))


def _waves(words: Catalogue, seen: _Seen) -> list[Content]:
    if not seen.around.waves:
        return [h("p", words.text("event.no_raw"), class_="warning")]
    cut = seen.event.end_ns - seen.event.onset_ns > _LONGEST_NS
    return [
        h("h2", words.text("event.wave")),
        h(
            "figure",
            waveform_chart(words, seen.around),
            h("figcaption", words.text("event.wave_key")),
            tabindex="0",
        ),
        h("ul", *(h("li", given.says) for given in seen.around.given)) if seen.around.given else None,
        h("p", words.text("event.cut", minutes=_LONGEST_NS // (60 * NS))) if cut else None,
    ]


def _pauses(request: Request, seen: _Seen) -> list[Content]:
    words, zone = words_of(request), zone_of(request)
    chart = interval_chart(words, seen.members, seen.around.given)
    if not seen.members:
        return []
    offset_ns = seen.listed.utc_ns - seen.event.onset_ns
    when = [moment(m.onset_ns + offset_ns, zone) for m in seen.members]
    return [
        h("h2", words.text("event.intervals")),
        h("figure", chart, tabindex="0") if chart else None,
        h("details", h("summary", words.text("event.one_by_one")), interval_table(words, seen.members, when)),
    ]


def _evidence(words: Catalogue, event: Event) -> Html:
    """The evidence as numbers, for researchers."""
    charts: list[Content] = []
    for about, group in by_question(event.evidence).items():
        rows = sorted(group, key=lambda e: -e.contribution)
        asked = words.more.get(f"event.asked.{about}", "")
        drawn = evidence_chart(words, rows, [evidence_name(words, e.name) for e in rows], about, asked)
        charts += [h("h3", asked) if asked else None, h("figure", drawn, class_="narrow")]
    return h(
        "section",
        h("h2", words.text("event.evidence")),
        charts,
        h("p", words.text("event.research", label=event.label, match=f"{event.match:.3f}",
                          confidence=f"{event.confidence:.2f}", settings=event.settings, version=event.version)),
        class_="card",
    )  # fmt: skip


def _labels(request: Request, seen: _Seen, said: tuple[Said, ...], false: list[tuple[str, int]]) -> Html:
    """The machine's word, the caregivers' and the reviewers', each by itself."""
    words, zone = words_of(request), zone_of(request)
    research = session_of(request).role is Role.RESEARCHER
    machine = h("li", label_name(words, seen.event.label, research=research))
    columns = {CAREGIVER: [_one(words, s, zone, research=research) for s in said if s.role == CAREGIVER],
               REVIEWER: [_one(words, s, zone, research=research) for s in said if s.role == REVIEWER]}  # fmt: skip
    columns[CAREGIVER] += [
        h("li", words.text("event.called_false", person=by, when=moment(utc_ns, zone)))
        for by, utc_ns in false
    ]
    none = h("li", words.text("event.nobody"), class_="quiet")
    return h(
        "section",
        h("h2", words.text("event.labels")),
        h("p", words.text("event.labels_apart")),
        h(
            "div",
            h("div", h("h3", words.text("event.machine")), h("ul", machine)),
            h("div", h("h3", words.text("event.caregivers")), h("ul", columns[CAREGIVER] or none)),
            h("div", h("h3", words.text("event.reviewers")), h("ul", columns[REVIEWER] or none)),
            class_="columns",
        ),
        _opinion_form(request, seen.event) if session_of(request).role is Role.CAREGIVER else None,
        class_="card",
    )


def _is_near(utc_ns: int, listed: Listed) -> bool:
    lasts_ns = listed.end_ns - listed.onset_ns
    return listed.utc_ns - _NEAR_NS <= utc_ns <= listed.utc_ns + lasts_ns + _NEAR_NS


def _beside(request: Request, entries: list[Entry], given: tuple[Mark, ...]) -> Html:
    """What people wrote down around that time, a video among it, and the medicines of that time."""
    words, zone = words_of(request), zone_of(request)
    rows = [
        h("li", moment(e.utc_ns, zone), " ", entry_said(e, words), " ", h("small", e.note.author))
        for e in entries
    ]
    none = h("p", words.text("event.nothing_written"), class_="quiet")
    medicines = [
        h("p", words.text("event.given", what=m.text, since=f"{day_of(m.utc_ns, zone):%Y-%m-%d}"))
        for m in given
    ]
    listed = h("ul", *rows) if rows else none
    return h("section", h("h2", words.text("event.written")), listed, medicines, class_="card")


def _one(words: Catalogue, said: Said, zone: str, *, research: bool) -> Html:
    name = label_name(words, said.label, research=research)
    basis = words.text(f"review.basis_{said.basis}") if said.basis else ""
    more = ", ".join(part for part in (said.by, basis, moment(said.utc_ns, zone)) if part)
    return h(
        "li",
        h("strong", name),
        h("br"),
        shown(said.text) or None,
        h("br") if said.text else None,
        h("small", more),
    )


def _opinion_form(request: Request, event: Event) -> Html:
    words = words_of(request)
    options = [("", words.text("event.choose")), *((x.wire, words.names[x.wire]) for x in Label)]
    options += [(word, words.text(f"opinion.{word}")) for word in FURTHER]
    return h(
        "form",
        csrf_field(session_of(request)),
        h("label", words.text("event.your_word"), for_="label"),
        select("label", options, required=True),
        h("label", words.text("event.your_text"), for_="text"),
        h("textarea", name="text", id="text", rows=2, maxlength=1000),
        h("p", words.if_touched),
        h("button", words.text("event.say")),
        method="post",
        action=f"/events/{event.id}/opinion",
    )


def _to_do(request: Request, seen: _Seen) -> Html:
    words, event = words_of(request), seen.event
    keep: Content = h("p", words.text("event.is_kept")) if seen.pinned else None
    if not seen.pinned and seen.around.waves and session_of(request).role is not Role.VIEWER:
        keep = h(
            "form", csrf_field(session_of(request)), h("button", words.text("event.keep")),
            method="post", action=f"/events/{event.id}/keep",
        )  # fmt: skip
    clip = h("p", h("a", words.text("event.clip"), href=f"/events/{event.id}/clip.zip", class_="button"))
    return h(
        "section", h("h2", words.text("event.raw")), keep, clip if seen.around.waves else None, class_="card"
    )


@only(Role.CAREGIVER)
async def _opine(request: Request) -> Response:
    form = form_of(request)
    said = {
        "event": request.path_params["event"],
        "label": form.get("label", ""),
        "text": form.get("text", ""),
    }
    return await _asked(request, "opinion", {**said, "role": CAREGIVER})


@only(Role.CAREGIVER, Role.RESEARCHER)
async def _keep(request: Request) -> Response:
    return await _asked(request, "pin", {"event": request.path_params["event"]})


async def _asked(request: Request, name: str, payload: dict[str, str]) -> Response:
    listed = (await fresh_index(request)).find(payload["event"])
    words = words_of(request)
    if listed is None:
        return trouble_page(request, "event.unknown", 404)
    answer = await say(request, listed.infant, name, payload)
    return answered(request, words.text("event.one"), answer, f"/events/{listed.id}")


async def _clip(request: Request) -> Response:
    listed = (await fresh_index(request)).find(request.path_params["event"])
    if listed is None:
        return trouble_page(request, "event.unknown", 404)
    try:
        packed = await asyncio.to_thread(_packed, nights(request), listed)
    except NothingToReplay:
        return trouble_page(request, "event.no_raw", 404)
    name = f"{listed.id}_clip.zip"
    return Response(
        packed,
        media_type="application/zip",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _packed(shelf: Shelf, listed: Listed) -> bytes:
    """The clip's files in one: EDF+ with its sidecars and tables."""
    from lullwatch.clips import (
        write_clip,
    )  # brings scipy: 70 MB and a second, which the night page does without

    event = newest_version(shelf, listed.night, listed.id)
    made = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packet:
        for path in sorted(write_clip(shelf, event, Path(folder))):
            packet.write(path, path.name)
        for path in sorted(Path(folder).iterdir()):
            if path.name not in packet.namelist():
                packet.write(path, path.name)
    return made.getvalue()


def routes() -> list[BaseRoute]:
    """The addresses of one event."""
    return [
        Route("/events/{event}", _show),
        Route("/events/{event}/opinion", _opine, methods=["POST"]),
        Route("/events/{event}/keep", _keep, methods=["POST"]),
        Route("/events/{event}/clip.zip", _clip),
    ]
