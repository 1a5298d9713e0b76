"""What is shown where nothing else can be: an address of nothing or of another role, a journal that cannot be read.

Whoever is logged in is told on a page like every other, in their language; everybody else gets the login page.
"""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from store.errors import StoreError

from .layout import page
from .login import login_page
from .markup import h
from .session import is_known
from .site import words_of

__all__ = ["HANDLERS", "failed_page", "trouble_page"]

_NOT_YOURS = 403

_log = logging.getLogger(__name__)


def trouble_page(request: Request, key: str, status: int) -> Response:
    """A sentence of the catalogue instead of a page, with a way back; to a stranger the login page."""
    words = words_of(request)
    said = words.text(key)
    if not is_known(request):
        return login_page(request, status=status, wrong=said)
    back = h("p", h("a", words.text("page.back"), href="/"))
    return page(request, said, h("div", h("p", said, role="alert"), back), status=status)


def failed_page(request: Request) -> Response:
    """Where a page could not be made for a reason that nobody thought of."""
    return trouble_page(request, "page.broken", 500)


async def _nowhere(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type; it is registered for nothing else
    key = "page.not_yours" if error.status_code == _NOT_YOURS else "page.nowhere"
    answer = trouble_page(request, key, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _unreadable(request: Request, error: Exception) -> Response:
    _log.error("a page cannot be shown: %s", error)
    if not is_known(request):
        return trouble_page(request, "page.unreadable", 503)
    words = words_of(request)
    said = words.text("page.unreadable")
    body = h("div", h("p", said, role="alert", class_="trouble"), h("p", str(error), class_="more"))
    return page(request, words.text("page.failed"), body, status=503)


HANDLERS = {HTTPException: _nowhere, StoreError: _unreadable}
"""By what was raised."""
