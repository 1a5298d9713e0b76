"""The frame every page stands in: head, way around, main, and the sentences that always stay on screen."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import HTMLResponse

from alerts.catalogue import Catalogue

from .markup import Content, Html, h, joined
from .session import Role, Session, session_of
from .site import words_of

__all__ = ["csrf_field", "fragment", "page"]

_LINKS: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("/", "page.tonight", frozenset(Role)),
    ("/nights", "page.nights", frozenset(Role)),
)
"""Address, key of the words, roles; modules add theirs with `add_link`."""
_added: list[tuple[str, str, frozenset[Role]]] = []


def add_link(path: str, key: str, roles: frozenset[Role] = frozenset(Role)) -> None:
    """Add a place to the way around; call it when a module is imported."""
    if (path, key, roles) not in _added:
        _added.append((path, key, roles))


def page(
    request: Request, title: str, body: Content, scripts: tuple[str, ...] = (), *, status: int = 200
) -> HTMLResponse:
    """A whole page for somebody who is logged in.

    Args:
        request: what it answers.
        title: already in the reader's language.
        body: what stands in main.
        scripts: addresses under /static; there are no scripts inside a page.
        status: of the answer.
    """
    session = session_of(request)
    words = words_of(request)
    links = [
        h("a", words.text(key), href=path, aria_current="page" if request.url.path == path else None)
        for path, key, roles in (*_LINKS, *_added)
        if session.role in roles
    ]
    leave = h(
        "form", csrf_field(session), h("button", words.text("page.logout"), class_="quiet"),
        method="post", action="/logout",
    )  # fmt: skip
    frame = [
        h("a", words.text("page.skip"), href="#main", class_="skip"),
        h("header", h("nav", *links, aria_label=words.text("page.ways")), leave),
        h("main", h("h1", title, class_="visually-hidden"), body, id="main", tabindex="-1"),
        _always(words),
    ]
    return HTMLResponse(document(words.language, title, frame, scripts, session), status_code=status)


def _always(words: Catalogue) -> Html:
    """What stands under every page: what this is not, when to call, and which version wrote it."""
    header = words.text("summary.header", version=_version())
    said = (words.always, words.text("summary.limits"), words.emergency, header)
    return h("footer", *(h("p", sentence) for sentence in said))


@cache
def _version() -> str:
    return version("lullwatch")


def document(
    language: str, title: str, body: Content, scripts: tuple[str, ...], session: Session | None = None
) -> Html:
    """The document around a body."""
    head = h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", name="viewport", content="width=device-width, initial-scale=1, viewport-fit=cover"),
        h("meta", name="color-scheme", content="dark"),
        h("meta", name="theme-color", content="#0b0d10"),
        h("meta", name="csrf", content=session.csrf) if session else None,
        h("title", f"{title} · lullwatch"),
        h("link", rel="stylesheet", href="/static/page.css"),
        h("link", rel="icon", href="/icon.svg", type="image/svg+xml"),
        h("link", rel="apple-touch-icon", href="/icon-192.png"),
        h("link", rel="manifest", href="/manifest.webmanifest", crossorigin="use-credentials"),
        *(h("script", src=f"/static/{name}", defer=True) for name in scripts),
    )
    return Html("<!doctype html>\n" + h("html", head, h("body", body), lang=language))


def csrf_field(session: Session) -> Html:
    """The hidden field that every form needs."""
    return h("input", type="hidden", name="csrf", value=session.csrf)


def fragment(content: Content) -> HTMLResponse:
    """A piece of a page, for scripts."""
    return HTMLResponse(joined(content))
