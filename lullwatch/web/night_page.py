"""The night page: one tile that says how it stands, tonight's timeline, the last minute, and what can be done."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .layout import page
from .markup import h
from .site import words_of

__all__ = ["routes"]


async def _night(request: Request) -> Response:
    words = words_of(request)
    return page(request, words.text("page.tonight"), h("p", words.coverage_unknown))


def routes() -> list[BaseRoute]:
    """The page's addresses."""
    return [Route("/", _night)]
