"""What an answer of InfluxDB means for what was sent: the same codes say different things in 1.x, 2.x and 3 Core."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, Final

from influxdb_client.rest import ApiException

from store.errors import StoreError

__all__ = ["CONFIRMED", "TOO_LARGE", "Answer", "NotInflux", "judged", "left_out", "retry_after_s", "said"]

CONFIRMED: Final = 204
"""the one status by which every generation says that all of a request is stored"""

TOO_LARGE: Final = 413

_BAD_LINES: Final = frozenset({400, TOO_LARGE, 422})
_REFUSED: Final = frozenset({401, 403, 404})

_LEFT_OUT: Final = re.compile(
    r"partial write: (?:points beyond retention policy dropped=(\d+)|dropped (\d+) points outside retention policy)"
)
"""In the words of 1.x and of 2.x before and since 2.7; the others of that request are stored."""

_LONGEST_S: Final = 3600.0
"""A wait that a broken proxy asks for must not stop the copying for days."""

_SAID_MOST: Final = 500
"""Characters of an answer that are kept: 3 Core lists up to a hundred lines, a proxy sends a page."""


class Answer(Enum):
    """What to do."""

    BAD_LINE = "bad line"
    """something in the request is refused for good; the rest may or may not be stored"""
    REFUSED = "refused"
    """token, organisation or bucket: a person must look"""
    LATER = "later"
    """send the same again"""


class NotInflux(StoreError):
    """Something answered, but not as InfluxDB confirms: nothing may be taken as stored."""

    def __init__(self, status: int) -> None:
        super().__init__(
            f"the server answered {status} where InfluxDB answers {CONFIRMED}. "
            "Check that url in [influx] is InfluxDB's own address; nothing is lost meanwhile."
        )


def judged(error: ApiException) -> Answer:
    """What an answer that is no confirmation asks for."""
    if error.status in _BAD_LINES:
        return Answer.BAD_LINE
    return Answer.REFUSED if error.status in _REFUSED else Answer.LATER


def left_out(error: Exception) -> int:
    """How many lines of a request are older than the bucket keeps anything, and all others stored; else 0."""
    found = _LEFT_OUT.search(said(error))
    return 0 if found is None else int(found[1] or found[2])


def said(error: Exception) -> str:
    """The server's own words, shortened."""
    body = getattr(error, "body", None) or getattr(error, "reason", None) or error
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    return " ".join(text.split())[:_SAID_MOST] or type(error).__name__


def retry_after_s(error: Exception) -> float:
    """What the server asked for in seconds, at most an hour; 0 when it asked for nothing.

    A date is counted from the answer's own date: the two come from one clock, which need not be ours.
    """
    headers: Any = getattr(error, "headers", None) or {}
    value = str(headers.get("Retry-After", "")).strip()
    if value.isdecimal():
        return min(float(value), _LONGEST_S)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(str(headers.get("Date", "")))
    except (TypeError, ValueError):
        return 0.0
    return min(max(wait.total_seconds(), 0.0), _LONGEST_S)
