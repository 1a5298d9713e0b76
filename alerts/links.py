"""Acknowledge links: single use, one alert and one person each, dead with the alert. Kept in memory only."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from alerts.telling import Notification

__all__ = ["Link", "Links"]

_MOST = 1000
"""Links that may be out at once: far more than an evening of repeats; the oldest dies for the newest."""
_SECRET_BYTES = 24
"""192 bits: no number of guesses that a page could answer comes near."""
_NAME_BYTES = 6


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for."""

    alert: str
    infant: str
    person: str
    title: str


class Links:
    """Makes links and knows which still count. A restart forgets them; the next repeat carries a new one.

    Args:
        base: where phones reach the page, without a slash at the end.
        is_open: whether an alert still waits for an answer.
    """

    def __init__(self, base: str, is_open: Callable[[str], bool]) -> None:
        self._base = base.rstrip("/")
        self._is_open = is_open
        self._links: OrderedDict[str, tuple[bytes, Link]] = OrderedDict()

    def made_for(self, message: Notification) -> str:
        """The address for the person the message goes to."""
        name, secret = secrets.token_hex(_NAME_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        alert = message.alert
        self._links[name] = _digest(secret), Link(alert.id, alert.infant, message.send.person, message.title)
        while len(self._links) > _MOST:
            self._links.popitem(last=False)
        return f"{self._base}/a/{name}.{secret}"

    def found(self, token: str) -> Link | None:
        """What a token is for, while it counts. Takes as long for a wrong secret as for a right one."""
        name, _, secret = token.partition(".")
        digest, link = self._links.get(name, (b"", None))
        right = hmac.compare_digest(digest, _digest(secret))
        return link if right and link is not None and self._is_open(link.alert) else None

    def used(self, token: str) -> None:
        """The link has done what it was for; so have all others of its alert."""
        _, link = self._links.get(token.partition(".")[0], (b"", None))
        if link is not None:
            gone = [name for name, (_, other) in self._links.items() if other.alert == link.alert]
            for name in gone:
                del self._links[name]


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()
