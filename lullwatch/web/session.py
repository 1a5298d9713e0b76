"""Who looks at a page: a person, a role, and what it lets them do."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from hashlib import sha256

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

__all__ = ["Role", "Session", "csrf_of", "is_known", "only", "session_of"]

Endpoint = Callable[[Request], Awaitable[Response]]


class Role(StrEnum):
    """What a person may do on the pages. Everybody may look at the nights."""

    CAREGIVER = "caregiver"
    """answers alerts, mutes, pauses, writes notes"""
    VIEWER = "viewer"
    """looks, and changes nothing"""
    RESEARCHER = "researcher"
    """sees research labels and evidence, and labels events"""


@dataclass(frozen=True, slots=True)
class Session:
    """One person's visit; `request.state.session` of every request but those for the login page."""

    person: str
    role: Role
    csrf: str
    """goes with every form as `csrf`, or with a script's request as the header X-CSRF"""


def csrf_of(token: str) -> str:
    """The value that a form of a session must carry; the session's own token cannot be told from it."""
    return hmac.new(token.encode(), b"csrf", sha256).hexdigest()


def session_of(connection: HTTPConnection) -> Session:
    """The session of a request or WebSocket that the gate let through."""
    session = connection.state.session
    assert isinstance(session, Session)  # noqa: S101 - narrows the type; the gate lets nothing through without one
    return session


def is_known(connection: HTTPConnection) -> bool:
    """Whether somebody is logged in; on every page but those for the login, somebody is."""
    return isinstance(getattr(connection.state, "session", None), Session)


def only(*roles: Role) -> Callable[[Endpoint], Endpoint]:
    """Lets only these roles reach an endpoint; the others are told that it is not theirs."""

    def guarded(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def wrapper(request: Request) -> Response:
            if session_of(request).role not in roles:
                raise HTTPException(403)
            return await endpoint(request)

        return wrapper

    return guarded
