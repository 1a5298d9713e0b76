"""Forms of the pages. A script sends them with the session's value in a header; without one it stands in the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .markup import Html, h
from .session import Session

__all__ = ["button_form", "choice", "with_csrf"]

_CSRF = '<input type="hidden" name="csrf" value="">'


def button_form(what: str, text: str, fields: Mapping[str, str], class_: str = "") -> Html:
    """A button that does one thing; its place for the session's value is filled by `with_csrf`, or by a script."""
    hidden = [h("input", type="hidden", name=name, value=value) for name, value in fields.items()]
    return h(
        "form", Html(_CSRF), *hidden, h("button", text, class_=class_ or None),
        method="post", action=f"/act/{what}", data_act=True,
    )  # fmt: skip


def choice(name: str, text: str, options: Sequence[tuple[str, str]], *, chosen: str = "") -> Html:
    """A list to choose from, with its label."""
    listed = [h("option", shown, value=value, selected=value == chosen) for value, shown in options]
    return h("label", text, h("select", *listed, name=name))


def with_csrf(markup: str, session: Session) -> Html:
    """Markup whose forms carry the session's value, for a page that is loaded whole."""
    return Html(markup.replace(_CSRF, f'<input type="hidden" name="csrf" value="{session.csrf}">'))
