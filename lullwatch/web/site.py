"""What every page needs: the nights, the monitor, the people, the language. One `Site` for the whole application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import HTTPConnection, Request

from alerts.catalogue import Catalogue
from alerts.people import Person
from alerts.words import LANGUAGES, PLAIN_ENGLISH, Wording, catalogue
from lullwatch.control import COMMAND, ask
from lullwatch.errors import NoMonitor
from store.shelf import Shelf

from .access import Access
from .session import session_of

__all__ = [
    "Asker",
    "Site",
    "act",
    "ask_monitor",
    "cookie_name",
    "monitor_asker",
    "nights",
    "not_answered",
    "site_of",
    "was_not_asked",
    "words_of",
]

ASK_TIMEOUT_S = 5.0
"""The monitor commits four times a second and answers after a commit; a disk under load takes a second or two."""

Asker = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Asks the running monitor: (what, more) to its answer. Raises NoMonitor."""


def monitor_asker(folder: Path) -> Asker:
    """Asks over the control socket beside the journals."""

    async def asked(what: str, more: Mapping[str, Any]) -> dict[str, Any]:
        return await ask(folder, what, timeout_s=ASK_TIMEOUT_S, **more)

    return asked


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that pages share."""

    folder: Path
    """of the journals, or one journal"""
    shelf: Shelf
    access: Access
    asker: Asker
    wording: Wording = PLAIN_ENGLISH
    """language where a browser asks for none of ours, and the emergency number"""
    infants: tuple[str, ...] = ()
    """of the settings; empty: those of the newest journal"""
    zone: str | None = None
    """of the settings; None: as the journal says"""
    names: tuple[str, ...] = ()
    """names besides addresses and localhost that the pages are called by"""
    people: tuple[Person, ...] = ()
    """of the settings: who is told of alerts; where there are any, nobody else looks after an infant"""
    secure: bool = False
    """whether they are served over TLS"""
    more: dict[type[Any], Any] = field(default_factory=dict)
    """what page modules keep for the life of the application, by its type"""

    def cares(self, person: str) -> bool:
        """Whether a person may look after an infant, as the settings say now: an invitation may be older."""
        return not self.people or any(known.id == person for known in self.people)


def cookie_name(site: Site) -> str:
    """The session's cookie; under TLS its name lets no other host or path set it."""
    return "__Host-lullwatch" if site.secure else "lullwatch"


def site_of(connection: HTTPConnection) -> Site:
    """The site that a request is for."""
    site = connection.app.state.site
    assert isinstance(site, Site)  # noqa: S101 - narrows the type; make_app has put it there
    return site


def nights(connection: HTTPConnection) -> Shelf:
    """Read access to the journals."""
    return site_of(connection).shelf


def words_of(connection: HTTPConnection) -> Catalogue:
    """The texts in the language that the browser asks for, else in that of the settings."""
    wording = site_of(connection).wording
    language = _asked_for(connection.headers.get("accept-language", "")) or wording.language
    return catalogue(language, wording.emergency_number)


def _asked_for(header: str) -> str | None:
    """The first of our languages in the order a browser prefers them."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")):
        tag, _, quality = part.partition(";q=")
        language = tag.strip().lower().split("-")[0]
        if language in LANGUAGES:
            wanted.append((-_number(quality), place, language))
    return min(wanted)[2] if wanted else None


def _number(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


async def ask_monitor(connection: HTTPConnection, what: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the running monitor; the answer has `ok`, and `why` and `remedy` where it is not.

    A monitor that does not run, or that does not answer, is an answer too; see `not_answered`.
    """
    try:
        return await site_of(connection).asker(what, more)
    except NoMonitor as error:
        return not_answered(connection, error)


def was_not_asked(error: NoMonitor) -> bool:
    """Whether there was nobody to ask. One that only does not answer in time may still do what it was asked."""
    return isinstance(error.__cause__, FileNotFoundError | ConnectionRefusedError)


def not_answered(connection: HTTPConnection, error: NoMonitor) -> dict[str, Any]:
    """The answer of a monitor that gave none; it is `unsure` where it may still do what it was asked."""
    words = words_of(connection)
    unsure = not was_not_asked(error)
    key = "page.no_answer" if unsure else "page.no_monitor"
    return {"ok": False, "unsure": unsure, "why": words.text(key), "remedy": words.text(f"{key}_do")}


async def act(request: Request, infant: str, name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """A command in the name of whoever is logged in; see `ask_monitor` for the answer."""
    said = {**payload, "by": session_of(request).person}
    return await ask_monitor(request, COMMAND, {"infant": infant, "name": name, "payload": said})
