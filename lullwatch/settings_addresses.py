"""What can be the name of a computer, and what the address of a page: the rule of every setting that holds one."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

__all__ = ["is_host", "wrong_with_url"]

_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
"""With the underscore that containers have in their names."""
_LONGEST_NAME: Final = 253
_VISIBLE: Final = re.compile(r"[!-~]+")
"""All that a request line may hold."""


def is_host(text: str) -> bool:
    """Whether this can be a name that is looked up, or an address of IPv4 or IPv6."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        pass
    else:
        return True
    try:
        name = text.encode("idna").decode("ascii").removesuffix(".")
    except UnicodeError:
        return False
    return len(name) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in name.split("."))


def wrong_with_url(text: str) -> str:
    """What keeps this from being the address of a page over HTTP, without repeating it; empty when nothing does."""
    if not _VISIBLE.fullmatch(text):
        return "holds spaces, control characters or letters beyond ASCII"
    try:
        address = urlsplit(text)
        port = address.port
    except ValueError:
        return "has a port or brackets that cannot be"
    if address.scheme not in ("http", "https"):
        return "begins with neither http:// nor https://"
    if address.username is not None or address.password is not None:
        return "has a user in it"
    if port == 0:
        return "has port 0"
    return "" if is_host(address.hostname or "") else "names no computer"
