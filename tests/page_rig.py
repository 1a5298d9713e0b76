"""Asks an application for pages without a network, as somebody who is logged in."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from starlette.applications import Starlette

from lullwatch.web.access import Access
from lullwatch.web.app import make_app
from lullwatch.web.session import Role
from lullwatch.web.site import Asker, Site, monitor_asker
from store.shelf import Shelf

__all__ = ["Answer", "House", "Visitor", "site_at", "visitors"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def words(self) -> str:
        """The text without its markup, in one line."""
        return " ".join(re.sub(r"<[^>]*>", " ", self.text).split())


@dataclass(slots=True)
class Visitor:
    """A browser of one person."""

    app: Starlette
    cookie: str
    csrf: str
    language: str = "en"
    seen: list[str] = field(default_factory=list)

    async def get(self, path: str) -> Answer:
        return await self._ask("GET", path, b"")

    async def post(self, path: str, **form: str) -> Answer:
        return await self._ask("POST", path, urlencode({"csrf": self.csrf, **form}).encode())

    async def follow(self, answer: Answer) -> Answer:
        """The page that an answer sends to."""
        assert answer.status == 303, answer.text
        return await self.get(answer.headers["location"])

    async def _ask(self, method: str, path: str, body: bytes) -> Answer:
        self.seen.append(path)
        parts = urlsplit(path)
        headers = {
            "host": "localhost", "cookie": self.cookie, "accept-language": self.language,
            "content-type": "application/x-www-form-urlencoded", "origin": "http://localhost",
        }  # fmt: skip
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": parts.path, "raw_path": parts.path.encode(), "query_string": parts.query.encode(), "root_path": "",
            "headers": [(k.encode(), v.encode()) for k, v in headers.items()], "client": ("127.0.0.1", 1),
            "server": ("localhost", 80), "state": {},
        }  # fmt: skip
        sent: list[dict[str, object]] = []

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start = sent[0]
        found = {k.decode(): v.decode() for k, v in start["headers"]}
        return Answer(int(str(start["status"])), found, b"".join(bytes(m.get("body", b"")) for m in sent[1:]))


def site_at(folder: Path, *, asker: Asker | None = None, zone: str | None = None) -> Site:
    """The pages over a folder of nights."""
    access = Access(folder / "access.json")
    return Site(
        folder=folder, shelf=Shelf(folder), access=access, asker=asker or monitor_asker(folder), zone=zone
    )


class House:
    """A folder made once and copied for each test: the tokens of its people cost a second each."""

    def __init__(self, folder: Path, **people: Role) -> None:
        self._template = folder
        site = site_at(folder)
        app = make_app(site)
        self._people = {name: visitor_of(site, app, name, role) for name, role in people.items()}

    def copied(self, folder: Path, *, asker: Asker | None = None) -> dict[str, Visitor]:
        """The same in another folder, with browsers that are logged in there."""
        shutil.copytree(self._template, folder, dirs_exist_ok=True)
        app = make_app(site_at(folder, asker=asker))
        return {name: replace(v, app=app, seen=[], language="en") for name, v in self._people.items()}


def visitors(site: Site, **people: Role) -> dict[str, Visitor]:
    """An application of the site, and browsers of these people, logged in."""
    app = make_app(site)
    return {name: visitor_of(site, app, name, role) for name, role in people.items()}


def visitor_of(site: Site, app: Starlette, name: str, role: Role) -> Visitor:
    cookie = site.access.log_in(site.access.invite(name, role)) or ""
    session = site.access.session(cookie)
    assert session is not None
    return Visitor(app, f"lullwatch={cookie}", session.csrf)
