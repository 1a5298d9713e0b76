"""What a caregiver does on the page: each is handed to the monitor, which answers; nothing is written here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lullwatch.control import PAUSE

from .gate import form_of
from .layout import page
from .markup import h
from .night_page import live_of
from .session import Role, only, session_of
from .site import act, ask_monitor, site_of, words_of

__all__ = ["routes"]

Form = Mapping[str, str]
Answer = dict[str, Any]


async def _ack(request: Request, form: Form) -> Answer:
    return await act(request, form.get("infant", ""), "ack", _about(form))


async def _false_alarm(request: Request, form: Form) -> Answer:
    return await act(request, form.get("infant", ""), "ack", {**_about(form), "false_alarm": True})


async def _mute(request: Request, form: Form) -> Answer:
    patterns = [form["pattern"]] if form.get("pattern") else []
    minutes = _whole(form.get("minutes", ""))
    answer = await act(request, form.get("infant", ""), "mute", {"patterns": patterns, "minutes": minutes})
    return answer | {"told": await _until(request, str(answer.get("until", "")), minutes, "page.mute_done")}


async def _pause(request: Request, form: Form) -> Answer:
    infant, minutes = form.get("infant", ""), _whole(form.get("minutes", ""))
    said = {"infant": infant, "minutes": minutes, "reason": form.get("reason", "")}
    answer = await ask_monitor(request, PAUSE, {**said, "by": session_of(request).person})
    watching = answer.get("infants", {}).get(infant, {})
    return answer | {
        "told": await _until(request, str(watching.get("until") or ""), minutes, "page.pause_done")
    }


async def _film(request: Request, form: Form) -> Answer:
    """The moment at which somebody began to film, as a note; the film stays in the phone."""
    facts = {"reference": form.get("reference") or words_of(request).text("page.film_reference")}
    return await act(request, form.get("infant", ""), "note", {"kind": "video", "facts": facts})


def _about(form: Form) -> Answer:
    return {"alert": form["alert"]} if form.get("alert") else {}


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else -1


async def _until(request: Request, utc: str, minutes: int, key: str) -> str:
    """What was done, with its end as a local time."""
    words = words_of(request)
    if not minutes or not utc:
        return words.text("page.done")
    zone = await live_of(site_of(request)).look("", lambda moment: moment.tonight.house.zone)
    moment = datetime.fromisoformat(utc).astimezone(ZoneInfo(zone))
    return words.text(key, until=f"{moment:%H:%M}")


_DOING: dict[str, Callable[[Request, Form], Awaitable[Answer]]] = {
    "ack": _ack,
    "false-alarm": _false_alarm,
    "mute": _mute,
    "pause": _pause,
    "film": _film,
}


@only(Role.CAREGIVER)
async def _act(request: Request) -> Response:
    doing = _DOING.get(request.path_params["what"])
    if doing is None:
        raise HTTPException(404)
    answer = await doing(request, form_of(request))
    words = words_of(request)
    ok = bool(answer.get("ok"))
    failed = "" if answer.get("unsure") else words.text("page.failed")
    text = answer.get("told") or words.text("page.done") if ok else failed
    why = ". ".join(str(answer[key]) for key in ("why", "remedy") if answer.get(key))
    said = {"ok": ok, "text": f"{text} {why}".strip(), "until": answer.get("until", "")}
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(said, status_code=200 if ok else 409)
    body = h("div", h("p", said["text"], role="status"), h("p", h("a", words.text("page.back"), href="/")))
    return page(request, words.text("page.tonight"), body, status=200 if ok else 409)


def routes() -> list[BaseRoute]:
    """The page's addresses."""
    return [Route("/act/{what}", _act, methods=["POST"])]
