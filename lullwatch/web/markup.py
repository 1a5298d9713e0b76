"""HTML put together from parts; every text is escaped unless it is markup already."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["Content", "Html", "h", "joined"]


class Html(str):
    """Text that is markup already and goes into a page as it stands."""

    __slots__ = ()


Content = str | None | Sequence["Content"]
"""What an element holds: text, markup, lists of both; None is nothing."""

_VOID = frozenset({"area", "br", "hr", "img", "input", "link", "meta", "source", "wbr"})


def h(tag: str, *children: Content, **attributes: str | int | float | bool | None) -> Html:
    """An element. `class_` and `for_` lose their underscore, other underscores become hyphens.

    True gives an attribute without a value; False and None leave it out.
    """
    given = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{given}>")
    return Html(f"<{tag}{given}>{joined(children)}</{tag}>")


def joined(content: Content) -> Html:
    """Contents one after the other."""
    if content is None:
        return Html("")
    if isinstance(content, Html):
        return content
    if isinstance(content, str):
        return Html(escape(content))
    return Html("".join(joined(part) for part in content))


def _attribute(name: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
