"""The night page: one tile that says how it stands, tonight's timeline, the last minute, and what can be done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from alerts.catalogue import Catalogue
from alerts.muting import MUTABLE
from dsp.records import Label, Site
from lullwatch.arming import LONGEST_PAUSE_MIN, PAUSE_REASONS

from .forms import button_form, choice, with_csrf
from .layout import page
from .live import Live, Moment, Viewer
from .markup import Content, Html, h
from .night_view import film_button, parts, site_name, with_age
from .session import Role, Session, session_of
from .site import Site as Pages
from .site import cookie_name, site_of, words_of
from .uplot.fetch import is_here

__all__ = ["live_of", "routes"]

ASK_AGAIN_S = 30.0
"""A person who was shut out stops seeing an open page so soon."""
UNKNOWN = 4401
"""Close code: the session is over."""
RESTART = 1012
"""Close code: the service starts anew; the page comes back by itself."""
_MUTES_MIN = (15, 30, 60, 120, 240)
_PAUSES_MIN = (10, 20, 30, LONGEST_PAUSE_MIN)
_OFFERED = (
    Label.SPASM_LIKE_CLUSTER,
    Label.SPASM_LIKE,
    Label.RHYTHMIC_JERKING,
    Label.STIFFENING,
    Label.SLEEP_JERK_TRAIN,
)
"""What people are told of by themselves, and may be muted."""


def live_of(site: Pages) -> Live:
    """What follows the journals for this site; made when it is first asked for."""
    if Live not in site.more:
        site.more[Live] = Live(site, partial(parts, told_in=site.wording.language))
    live: Live = site.more[Live]
    return live


async def _night(request: Request) -> Response:
    site, words, session = site_of(request), words_of(request), session_of(request)
    live = live_of(site)
    infants = await live.infants()
    infant = request.path_params.get("infant") or next(iter(infants), "")
    if infants and infant not in infants:
        return RedirectResponse("/", status_code=303)
    if not infant:
        return page(
            request, words.text("page.tonight"), h("p", words.text("page.nothing_yet"), class_="empty")
        )

    def drawn(moment: Moment) -> _Shown:
        markup = parts(moment, words, session.role, told_in=site.wording.language)
        tile = with_age(markup["tile"], moment.age_s, words)
        return _Shown(infant, markup | {"tile": tile}, moment.tonight.sites, moment.age_s)

    body = _body(await live.look(infant, drawn), infants, words, session)
    libraries = ("vendor/uPlot.iife.min.js",) if is_here() else ()
    return page(request, words.text("page.tonight"), body, (*libraries, "traces.js", "night.js"))


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was drawn of one infant's night."""

    infant: str
    markup: Mapping[str, str]
    sites: tuple[Site, ...]
    age_s: float | None


def _body(shown: _Shown, infants: Sequence[str], words: Catalogue, session: Session) -> Html:
    infant = shown.infant

    def part(name: str, tag: str = "div", **more: str) -> Html:
        return h(tag, with_csrf(shown.markup[name], session), id=name, **more)

    others = [
        h("a", words.text("page.infant", id=name), href=f"/night/{name}")
        for name in infants
        if name != infant
    ]
    may = session.role is Role.CAREGIVER
    return h(
        "div",
        h("p", id="said", role="status", class_="visually-hidden"),
        part("tile"),
        h("p", id="answer", role="status", class_="answer"),
        part("alerts", "section", role="alert"),
        part("care"),
        with_csrf(_doing(infant, words), session) if may else None,
        h("section", h("h2", words.text("page.timeline")), part("timeline")),
        h(
            "section",
            h("h2", words.text("page.last_minute")),
            *(_sensor(site, with_csrf(shown.markup[f"sensor-{site.value}"], session), words) for site in shown.sites),
        ),
        h("section", h("h2", words.text("page.recorded")), part("counts"), part("events")),
        h("nav", *others, aria_label=words.text("page.others")) if others else None,
        h("link", rel="stylesheet", href="/static/vendor/uPlot.min.css") if is_here() else None,
        id="night",
        data_infant=infant,
        data_age=None if shown.age_s is None else f"{shown.age_s:.1f}",
        data_done=words.text("page.done"),
        data_failed=". ".join(words.text(key) for key in ("page.no_answer", "page.no_answer_do")),
        data_film_note=words.text("page.film_reference"),
        data_film_done=words.text("page.film_done"),
        data_trace=words.text("page.trace_of"),
    )  # fmt: skip


def _sensor(site: Site, said: Html, words: Catalogue) -> Html:
    name = site_name(words, site)
    return h(
        "div",
        h("h3", name, id=f"name-{site.value}"),
        h("p", said, id=f"sensor-{site.value}"),
        h("div", class_="trace", data_site=site.value, role="img", aria_labelledby=f"name-{site.value}"),
        class_="sensor",
    )


def _doing(infant: str, words: Catalogue) -> Html:
    """What a caregiver can always do."""
    minutes = [(str(n), words.minutes.format(m=n)) for n in _PAUSES_MIN]
    reasons = [(reason, words.text(f"page.pause_{reason}")) for reason in PAUSE_REASONS]
    pause = _form(
        "pause", infant, words.text("page.pause"),
        choice("reason", words.text("page.pause_for"), reasons),
        choice("minutes", words.text("page.for_long"), minutes, chosen="20"),
    )  # fmt: skip
    patterns = [(x.wire, words.names[x.wire]) for x in _OFFERED if x.wire in MUTABLE]
    mute = _form(
        "mute", infant, words.text("page.mute"),
        choice("pattern", words.text("page.mute_what"), patterns),
        choice("minutes", words.text("page.for_long"), [(str(n), words.minutes.format(m=n)) for n in _MUTES_MIN]),
    )  # fmt: skip
    return h(
        "section",
        h("h2", words.text("page.do"), class_="visually-hidden"),
        h("div", film_button(infant, words), h("p", words.film, class_="more"), class_="film"),
        h("details", h("summary", words.text("page.pause")), h("p", words.text("page.pause_how")), pause),
        h("details", h("summary", words.text("page.mute")), h("p", words.text("page.mute_how")), mute),
        class_="doing",
    )


def _form(what: str, infant: str, text: str, *fields: Content) -> Html:
    form = button_form(what, text, {"infant": infant})
    end = form.rindex("<button")
    return Html(form[:end] + "".join(str(field) for field in fields) + form[end:])


async def _live(socket: WebSocket) -> None:
    site = site_of(socket)
    live, session = live_of(site), session_of(socket)
    infant = socket.path_params["infant"]
    if infant not in await live.infants():
        await socket.close(code=4404)
        return
    await socket.accept()
    viewer = live.join(infant, words_of(socket), session.role)
    leaving = asyncio.create_task(_until_left(socket, viewer))
    try:
        checked_s = time.monotonic()
        while (message := await viewer.next()) is not None:
            await socket.send_text(message)
            if time.monotonic() - checked_s < ASK_AGAIN_S:
                continue
            checked_s = time.monotonic()
            if site.access.session(socket.cookies.get(cookie_name(site), "")) is None:
                await socket.close(code=UNKNOWN)
                return
        if not leaving.done():
            await socket.close(code=RESTART)
    except WebSocketDisconnect:
        pass  # a phone that was put away
    finally:
        live.leave(viewer)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)


async def _until_left(socket: WebSocket, viewer: Viewer) -> None:
    """Pages say nothing over the socket; that it closes is heard here."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    viewer.end()


def routes() -> list[BaseRoute]:
    """The page's addresses."""
    return [
        Route("/", _night),
        Route("/night/{infant}", _night),
        WebSocketRoute("/live/{infant}", _live),
    ]
