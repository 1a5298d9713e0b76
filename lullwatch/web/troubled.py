"""What is shown where nothing else can be: an address of nothing or of another role, a journal that cannot be read."""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from store.errors import StoreError

from .layout import page
from .markup import h
from .site import words_of

__all__ = ["HANDLERS", "old_page"]

_NOT_YOURS = 403

_log = logging.getLogger(__name__)


async def _nowhere(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type; it is registered for nothing else
    return _told(
        request, "page.not_yours" if error.status_code == _NOT_YOURS else "page.nowhere", error.status_code
    )


def old_page(request: Request) -> Response:
    """To a form of a session that has ended since it was loaded."""
    return _told(request, "page.old", 403)


def _told(request: Request, key: str, status: int) -> Response:
    words = words_of(request)
    said, back = words.text(key), h("p", h("a", words.text("page.back"), href="/"))
    return page(request, said, h("div", h("p", said, role="alert"), back), status=status)


async def _unreadable(request: Request, error: Exception) -> Response:
    _log.error("a page cannot be shown: %s", error)
    words = words_of(request)
    said = words.text("page.unreadable")
    body = h("div", h("p", said, role="alert", class_="trouble"), h("p", str(error), class_="more"))
    return page(request, words.text("page.failed"), body, status=503)


HANDLERS = {HTTPException: _nowhere, StoreError: _unreadable}
"""By what was raised."""
