"""The page behind an acknowledge link: looking shows what it is about, only pressing its button acknowledges.

Mail and chat programs open links by themselves to show a preview; that must not answer an alert. So GET shows a
button, and POST acknowledges. It is served from the monitor's own process, so that it works when `serve` does not,
by as little HTTP as it takes: one path, two methods, no library.
"""

from __future__ import annotations

import html
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self

from alerts.catalogue import Catalogue
from alerts.links import Links
from dsp.clock import Clock
from dsp.records import NS

from .small_http import SmallHttp

__all__ = ["AckPage", "OnAck"]

_log = logging.getLogger(__name__)

OnAck = Callable[[str, str, bytes], Awaitable[bytes]]
"""Carries a command out: (infant, `ack`, payload) to the payload of the answer."""

READ_TIMEOUT_S = 10.0
"""A phone on a bad network sends its few bytes within this; who sends slower holds a place that others need."""
MOST_CONNECTIONS = 20
PER_MINUTE = 30
"""Requests of all phones together; a family needs two for an alert, a guesser would need 10^50."""
_PATH = "/a/"
_HEADERS = (
    "Content-Type: text/html; charset=utf-8",
    "Cache-Control: no-store",
    "Referrer-Policy: no-referrer",
    "X-Content-Type-Options: nosniff",
    "X-Robots-Tag: noindex",
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Connection: close",
)
_PAGE = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body{{font:1.2rem/1.5 sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}}
button{{font:inherit;width:100%;padding:1.2rem;margin-top:1rem}}</style>
<h1>{title}</h1>
{body}
</html>
"""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    title: str
    body: str = ""


class AckPage:
    """Serves the links; an async context manager. Where nobody can listen it is said and tried again; all else goes on.

    Args:
        links: which count.
        on_ack: acknowledges.
        words: language of the page.
        clock: times the limit on requests.
        host: interface to listen on.
        port: 0 for a free one; `port` tells which.
        say: told why nobody can listen, and "" once somebody does.
    """

    def __init__(
        self,
        links: Links,
        on_ack: OnAck,
        words: Catalogue,
        *,
        clock: Clock,
        host: str,
        port: int,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._links = links
        self._on_ack = on_ack
        self._words = words
        self._clock = clock
        self._place = (host, port)
        self._say = say
        self._asked: deque[int] = deque()
        self._http = SmallHttp(
            self._answer, what="the acknowledge page", read_timeout_s=READ_TIMEOUT_S, most=MOST_CONNECTIONS
        )

    @property
    def port(self) -> int:
        """On which it listens."""
        return self._http.port

    async def __aenter__(self) -> Self:
        await self._http.begin(*self._place, clock=self._clock, say=self._say)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.end()

    async def _answer(self, head: bytes) -> bytes:
        bodyless = head.split(b" ", 1)[0] == b"HEAD"
        return _response(await self._answered(head), self._words, bodyless=bodyless)

    async def _answered(self, head: bytes) -> _Answer:
        if self._too_many():
            return self._said(HTTPStatus.TOO_MANY_REQUESTS, "ack_page.later")
        method, path = _request(head)
        if not path.startswith(_PATH):
            return self._said(HTTPStatus.NOT_FOUND, "ack_page.gone")
        if method not in ("GET", "HEAD", "POST"):
            return self._said(HTTPStatus.METHOD_NOT_ALLOWED, "ack_page.gone")
        token = path.removeprefix(_PATH)
        link = self._links.found(token)
        if link is None:
            return self._said(HTTPStatus.GONE, "ack_page.gone")
        if method != "POST":
            ask, press = (html.escape(self._words.text(f"ack_page.{key}")) for key in ("ask", "button"))
            form = f'<p>{ask}</p><form method="post"><button>{press}</button></form>'
            return _Answer(HTTPStatus.OK, link.title, form)
        payload = json.dumps({"by": link.person, "alert": link.alert}).encode()
        answer = json.loads(await self._on_ack(link.infant, "ack", payload))
        if not answer.get("ok"):
            _log.warning("an acknowledgement over the page was refused: %s", answer.get("why"))
            return self._said(HTTPStatus.CONFLICT, "ack_page.refused")
        self._links.used(token)
        return self._said(HTTPStatus.OK, "ack_page.done")

    def _said(self, status: HTTPStatus, key: str) -> _Answer:
        return _Answer(status, self._words.text(key))

    def _too_many(self) -> bool:
        now_ns = self._clock.now_ns()
        while self._asked and now_ns - self._asked[0] > 60 * NS:
            self._asked.popleft()
        if len(self._asked) >= PER_MINUTE:
            return True
        self._asked.append(now_ns)
        return False


def _request(head: bytes) -> tuple[str, str]:
    """Method and path of a request; empty ones when it is none."""
    match head.split(b"\r\n", 1)[0].decode("latin-1").split(" "):
        case [method, target, version] if version.startswith("HTTP/1."):
            return method, target.partition("?")[0]
    return "", ""


def _response(answer: _Answer, words: Catalogue, *, bodyless: bool) -> bytes:
    page = _PAGE.format(language=words.language, title=html.escape(answer.title), body=answer.body).encode()
    allow = ["Allow: GET, HEAD, POST"] if answer.status is HTTPStatus.METHOD_NOT_ALLOWED else []
    head = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        *_HEADERS,
        f"Content-Length: {len(page)}",
        *allow,
    ]
    return "\r\n".join([*head, "", ""]).encode() + (b"" if bodyless else page)
