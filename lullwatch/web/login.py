"""The login page: one field for a person's token."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from time import monotonic

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from .access import SESSION_S
from .layout import document
from .markup import h
from .site import Site, cookie_name, site_of, words_of

__all__ = ["LOGIN", "Limiter", "login_page", "routes"]

_log = logging.getLogger(__name__)

LOGIN = "/login"
PER_MINUTE_EACH = 6
"""Tries from one address; who types a token wrong at night needs two or three."""
PER_MINUTE_ALL = 30
"""Tries of all addresses together: each costs a twentieth of a second of a small computer."""


class Limiter:
    """Counts tries of the last minute."""

    def __init__(self, now_s: Callable[[], float] = monotonic) -> None:
        self._now_s = now_s
        self._tries: deque[tuple[float, str]] = deque()
        self.turn = asyncio.Lock()
        """one token is tried after the other: the memory it takes is bounded"""

    def is_too_many(self, address: str) -> bool:
        """Count a try; whether it is one too many."""
        now_s = self._now_s()
        while self._tries and now_s - self._tries[0][0] >= 60:
            self._tries.popleft()
        own = sum(a == address for _, a in self._tries)
        if own >= PER_MINUTE_EACH or len(self._tries) >= PER_MINUTE_ALL:
            return True
        self._tries.append((now_s, address))
        return False

    def take_back(self, address: str) -> None:
        """The newest try of an address was right: all phones of a home log in from one, and none of them guesses."""
        for i in reversed(range(len(self._tries))):
            if self._tries[i][1] == address:
                del self._tries[i]
                return


def login_page(request: Request, *, status: int = 200, wrong: str = "") -> HTMLResponse:
    """The page, with a sentence about what went wrong."""
    words = words_of(request)
    nobody = not site_of(request).access.people
    form = h(
        "form",
        h("label", words.text("page.token"), for_="token"),
        h(
            "input", id="token", name="token", type="password", autocomplete="current-password", required=True,
            autofocus=True, autocapitalize="none", spellcheck="false", maxlength=200,
            aria_describedby="wrong" if wrong else None,
        ),
        h("button", words.text("page.login"), class_="big"),
        method="post",
        action=LOGIN,
    )  # fmt: skip
    body = h(
        "main",
        h("h1", "lullwatch"),
        h("p", wrong, id="wrong", role="alert", class_="trouble") if wrong else None,
        h("p", words.text("page.nobody")) if nobody else None,
        form,
        h("p", words.text("page.token_help")),
        class_="login",
    )
    title = words.text("page.login")
    return HTMLResponse(document(words.language, title, body, ("login.js",)), status_code=status)


async def _show(request: Request) -> Response:
    return login_page(request)


async def _log_in(request: Request) -> Response:
    site, limiter = site_of(request), request.app.state.limiter
    address = request.client.host if request.client else ""
    if limiter.is_too_many(address):
        _log.warning("too many tries to log in from %s", address)
        return login_page(request, status=429, wrong=words_of(request).text("page.later"))
    async with limiter.turn:
        cookie = await asyncio.to_thread(site.access.log_in, request.state.form.get("token", ""))
    if cookie is None:
        _log.warning("a token that does not count was tried from %s", address)
        return login_page(request, status=401, wrong=words_of(request).text("page.wrong_token"))
    limiter.take_back(address)
    answer = RedirectResponse("/", status_code=303)
    _set_cookie(answer, site, cookie, SESSION_S)
    return answer


async def _log_out(request: Request) -> Response:
    site = site_of(request)
    site.access.log_out(request.cookies.get(cookie_name(site), ""))
    answer = RedirectResponse(LOGIN, status_code=303)
    _set_cookie(answer, site, "", 0)
    return answer


def _set_cookie(answer: Response, site: Site, value: str, seconds: int) -> None:
    answer.set_cookie(
        cookie_name(site), value, max_age=seconds, httponly=True, samesite="strict", secure=site.secure
    )


def routes() -> list[BaseRoute]:
    """The page's addresses."""
    return [
        Route(LOGIN, _show, methods=["GET"]),
        Route(LOGIN, _log_in, methods=["POST"]),
        Route("/logout", _log_out, methods=["POST"]),
    ]
