"""The one door to every page: nothing but the login page and what it is made of goes through without a session.

Checked here and nowhere else: the name a page is called by, the session, where a POST and a WebSocket come from,
and the value that a form of this session must carry. Every answer gets its security headers here.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .login import LOGIN, login_page
from .session import Role, Session
from .site import Site, cookie_name
from .troubled import failed_page, trouble_page

__all__ = ["Gate", "form_of"]

_log = logging.getLogger(__name__)

MOST_FORM_BYTES = 65_536
"""A note of a thousand letters takes ten thousand bytes at most."""
PUBLIC = frozenset({
    LOGIN, "/static/page.css", "/static/login.js", "/icon.svg", "/icon-192.png", "/favicon.ico",
})  # fmt: skip
"""The login page and what it is made of."""
_HEADERS = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # with "no-referrer" browsers send no Origin with a form, and where it comes from could not be checked
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex",
}
_CLOSED_UNKNOWN = 4401
"""Close code of a WebSocket without a session: the script then shows the login page."""


def form_of(request: Request) -> Mapping[str, str]:
    """The fields of the form that a POST carries; the last of each name."""
    form: Mapping[str, str] = request.state.form
    return form


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._is_called_rightly(headers.get("host", "")):
            await self._refuse(scope, receive, send, 421, "this computer has another name: see page.names")
            return
        session = self._session(scope)
        scope.setdefault("state", {})["session"] = session
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, headers, session)
        else:
            await self._http(scope, receive, _Answer(scope, send), headers, session)

    async def _websocket(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, session: Session | None
    ) -> None:
        if session is None or not _is_own_origin(headers, required=True):
            await send({"type": "websocket.close", "code": _CLOSED_UNKNOWN})
            return
        await self._app(scope, receive, send)

    async def _http(
        self, scope: Scope, receive: Receive, send: _Answer, headers: Headers, session: Session | None
    ) -> None:
        if session is None and scope["path"] not in PUBLIC:
            await login_page(Request(scope, receive), status=401)(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            answer, receive = await self._posted(scope, receive, headers, session)
            if answer is not None:
                await answer(scope, receive, send)
                return
        try:
            await self._app(scope, receive, send)
        except Exception:
            if send.has_begun:
                raise
            _log.exception("a page could not be made: %s %s", scope["method"], scope["path"])
            await failed_page(Request(scope, receive))(scope, receive, send)

    async def _posted(
        self, scope: Scope, receive: Receive, headers: Headers, session: Session | None
    ) -> tuple[Response | None, Receive]:
        """Look at what is sent before anybody else does; the way to read it once more."""
        if not _is_own_origin(headers, required=False):
            return trouble_page(Request(scope, receive), "page.elsewhere", 403), receive
        body = await _body(receive)
        if body is None:
            return trouble_page(Request(scope, receive), "page.too_long", 413), receive
        form = _fields(headers, body)
        given = headers.get("x-csrf") or form.get("csrf", "")
        # whoever logs in anew has no session of theirs yet, and shows a token no other site knows
        begun = session if scope["path"] != LOGIN else None
        if begun is not None and not hmac.compare_digest(given.encode(), begun.csrf.encode()):
            return trouble_page(Request(scope, receive), "page.old", 403), receive
        scope["state"]["form"] = form
        return None, _again(body, receive)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _CLOSED_UNKNOWN})
            return
        await PlainTextResponse(why, status_code=status)(scope, receive, _Answer(scope, send))

    def _session(self, scope: Scope) -> Session | None:
        cookie = HTTPConnection(scope).cookies.get(cookie_name(self._site))
        session = self._site.access.session(cookie) if cookie else None
        if session is None or session.role is not Role.CAREGIVER or self._site.cares(session.person):
            return session
        return replace(session, role=Role.VIEWER)

    def _is_called_rightly(self, host: str) -> bool:
        """Whether a page is called by an address or a name of ours: another site's name may lead here, too."""
        name = _hostname(host)
        if name == "localhost" or name in self._site.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class _Answer:
    """Passes an answer on with its security headers, and logs it without its query."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            static = self._scope["path"].startswith("/static/")
            headers.setdefault("cache-control", "no-cache" if static else "no-store")
            _log.debug("%s %s %d", self._scope["method"], self._scope["path"], message["status"])
        await self._send(message)


def _is_own_origin(headers: Headers, *, required: bool) -> bool:
    """Whether a request comes from one of our own pages. A browser says so with every POST and WebSocket."""
    origin = headers.get("origin")
    if origin is None:
        return not required and headers.get("sec-fetch-site", "none") in ("same-origin", "none")
    return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


async def _body(receive: Receive) -> bytes | None:
    """Everything that is sent; None when it is too much."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += bytes(message.get("body", b""))
        if len(body) > MOST_FORM_BYTES:
            return None
        if not message.get("more_body", False):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def once_more() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more


def _fields(headers: Headers, body: bytes) -> dict[str, str]:
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return {}
