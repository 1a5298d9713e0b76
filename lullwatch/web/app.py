"""The application: every page's routes behind one gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from . import (
    actions,
    diary_page,
    event_page,
    events_page,
    install,
    login,
    night_page,
    nights_page,
    review_page,
    trends_page,
)
from .gate import Gate
from .login import Limiter
from .site import Site
from .troubled import HANDLERS

__all__ = ["PAGES", "STATIC", "make_app"]

STATIC = Path(__file__).with_name("static")

PAGES: tuple[Callable[[], Sequence[BaseRoute]], ...] = (
    login.routes,
    install.routes,
    night_page.routes,
    nights_page.routes,
    actions.routes,
    events_page.routes,
    event_page.routes,
    diary_page.routes,
    trends_page.routes,
    review_page.routes,
)
"""Each page module gives its routes; add yours."""


def make_app(site: Site) -> Starlette:
    """The application of a site. `routes` of the result is what a test walks."""
    found: list[BaseRoute] = [route for routes in PAGES for route in routes()]
    found.append(Mount("/static", StaticFiles(directory=STATIC)))
    app = Starlette(routes=found, middleware=[Middleware(Gate, site=site)], exception_handlers=HANDLERS)
    app.state.site = site
    app.state.limiter = Limiter()
    return app
