"""What the open pages are told: one look at the journal for all of them, and to each what changed.

While a page is open the journal is looked at twenty times a second, which costs one look-up as long as nothing was
committed. While no page is open somebody looks once a minute, so that nothing is kept of an infant who was forgotten.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from alerts.catalogue import Catalogue
from lullwatch.json_logs import REPORT
from store.errors import StoreError

from .follower import Follower, Moment, News
from .session import Role
from .site import Site

__all__ = ["Live", "Moment", "Parts", "Viewer"]

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.05
"""A commit is noticed so late; the monitor commits four times a second."""
SEND_EVERY_S = 0.2
"""No phone is sent more than five updates a second, whatever the pace of a demo."""
DRAW_EVERY_S = 1.0
"""What stands in words is put together no oftener, but for alerts and answers, which are shown at once."""
AGAIN_EVERY_S = 5.0
"""Times that pass by themselves, such as the end of a pause, are put together anew so often."""
BEAT_S = 2.0
"""A page that hears nothing for longer than a few of these says so."""
WAITING = 8
"""Messages kept for a phone that does not take them; then it gets everything anew."""

_T = TypeVar("_T")
_Key = tuple[str, str, Role]

Parts = Callable[[Moment, Catalogue, Role], Mapping[str, str]]
"""Draws the parts of a page that change: markup by the id of the element it goes into."""


@dataclass(slots=True, eq=False)
class Viewer:
    """One open page."""

    infant: str
    words: Catalogue
    role: Role
    is_new: bool = True
    """it is sent everything next"""
    _waiting: deque[str] = field(default_factory=deque)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _over: bool = False

    @property
    def key(self) -> _Key:
        """Pages of the same key show the same."""
        return self.infant, self.words.language, self.role

    async def next(self) -> str | None:
        """The next message, as soon as there is one; None once it is over."""
        while not self._waiting:
            if self._over:
                return None
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    def end(self) -> None:
        """The page has been closed, or the service ends."""
        self._over = True
        self._news.set()

    def offer(self, message: str) -> None:
        """Hand a message over; a page that takes none gets everything anew later."""
        if len(self._waiting) >= WAITING:
            self._waiting.clear()
            self.is_new = True
            return
        self._waiting.append(message)
        self._news.set()


@dataclass(slots=True)
class _Drawn:
    """The parts of pages of one key."""

    parts: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)
    """since they were sent last"""


class Live:
    """Follows the journals for every open page.

    Args:
        site: what is shown.
        parts: draws.
        follower: reads; by default the site's journals on the computer's clocks.
        now_s: a clock that never jumps.
    """

    def __init__(
        self,
        site: Site,
        parts: Parts,
        *,
        follower: Follower | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._site = site
        self._parts = parts
        self._follower = follower or Follower(site.shelf, site.people)
        self._now_s = now_s
        self._drawn: dict[_Key, _Drawn] = {}
        self._viewers: set[Viewer] = set()
        self._due = True
        """something in words has changed"""
        self._anew = False
        """what the other pages keep does not hold any more"""
        self._drawn_s = self._sent_s = float("-inf")
        self._busy = threading.Lock()
        self._following: asyncio.Task[None] | None = None
        self._failed = ""
        """why the last look failed; empty after one that did not"""

    @property
    def viewers(self) -> int:
        """How many pages are open."""
        return len(self._viewers)

    async def look(self, infant: str, shown: Callable[[Moment], _T]) -> _T:
        """Read what is new, and draw something from how it stands; `shown` runs in a thread.

        Raises:
            store.errors.JournalError: the journal cannot be read.
        """

        def done() -> _T:
            with self._busy:
                self._read(samples=bool(self._viewers))
                return shown(self._follower.moment(infant or self._first()))

        try:
            return await asyncio.to_thread(done)
        finally:
            self._let_go()

    async def infants(self) -> tuple[str, ...]:
        """Who is watched: by the settings, else by the newest journal."""
        return self._site.infants or await self.look("", lambda moment: moment.tonight.house.infants)

    def join(self, infant: str, words: Catalogue, role: Role) -> Viewer:
        """A page has been opened; it is told everything first."""
        viewer = Viewer(infant, words, role)
        self._viewers.add(viewer)
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(), name="live pages")
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """It has been closed."""
        self._viewers.discard(viewer)

    async def close(self) -> None:
        """Stop following; open pages are told that it is over."""
        for viewer in self._viewers:
            viewer.end()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def _follow(self) -> None:
        while self._viewers:
            try:
                messages = await asyncio.to_thread(self._turn, list(self._viewers))
            except Exception as error:  # noqa: BLE001 - whatever it was, open pages are to hear again once it is over
                self._say(error)
                for viewer in self._viewers:
                    viewer.is_new = True  # some of what it was to be sent may be lost
                await asyncio.sleep(BEAT_S)
                continue
            self._failed = ""
            self._let_go()
            for viewer, message in messages.items():
                viewer.offer(message)
            await asyncio.sleep(LOOK_EVERY_S)

    def _say(self, error: Exception) -> None:
        """Log what keeps the pages from being told anything: once, however long it lasts."""
        why = f"{type(error).__name__}: {error}"
        if why == self._failed:
            return
        self._failed = why
        if isinstance(error, StoreError | OSError):
            _log.warning("the journal cannot be read for the pages: %s", error)
        else:
            _log.error("open pages are told nothing", exc_info=error, extra={"do": REPORT})

    def _let_go(self) -> None:
        """What other pages keep of the nights goes, too, once a file was written anew; they read it again."""
        if self._anew:
            self._anew = False
            for kind in [kind for kind in self._site.more if kind is not Live]:
                del self._site.more[kind]

    # in a thread

    def _read(self, *, samples: bool) -> News:
        news = self._follower.look(samples=samples)
        self._due |= news.rows
        if news.anew:
            self._anew = True
            self._drawn = {}
            for viewer in self._viewers:
                viewer.is_new = True
        return news

    def _first(self) -> str:
        return next(iter(self._site.infants or self._follower.house.infants), "")

    def _turn(self, viewers: list[Viewer]) -> dict[Viewer, str]:
        """Read what is new, and put together what each page is sent now."""
        with self._busy:
            news = self._read(samples=True)
            now_s = self._now_s()
            new = any(viewer.is_new for viewer in viewers)
            if now_s - self._sent_s < SEND_EVERY_S and not (new or news.urgent):
                return {}
            since_s = now_s - self._drawn_s
            if new or news.urgent or (self._due and since_s >= DRAW_EVERY_S) or since_s >= AGAIN_EVERY_S:
                self._draw({viewer.key: viewer for viewer in viewers})
                self._drawn_s, self._due = now_s, False
            messages = self._messages(viewers, beat=now_s - self._sent_s >= BEAT_S)
            self._sent_s = now_s if messages else self._sent_s
            return messages

    def _draw(self, viewers: Mapping[_Key, Viewer]) -> None:
        self._drawn = {key: self._drawn.get(key, _Drawn()) for key in viewers}
        for key, viewer in viewers.items():
            drawn = self._drawn[key]
            parts = dict(self._parts(self._follower.moment(viewer.infant), viewer.words, viewer.role))
            drawn.changed |= {name: text for name, text in parts.items() if drawn.parts.get(name) != text}
            drawn.parts = parts

    def _messages(self, viewers: list[Viewer], *, beat: bool) -> dict[Viewer, str]:
        news = {infant: traces.news() for infant, traces in self._follower.traces().items()}
        made: dict[tuple[_Key, bool], str] = {}
        messages: dict[Viewer, str] = {}
        for viewer in viewers:
            which = viewer.key, viewer.is_new
            if which not in made:
                made[which] = self._message(viewer, news.get(viewer.infant, {}), beat=beat)
            viewer.is_new = False
            if made[which]:
                messages[viewer] = made[which]
        for drawn in self._drawn.values():
            drawn.changed = {}
        return messages

    def _message(self, viewer: Viewer, news: Mapping[str, object], *, beat: bool) -> str:
        """One message; empty when there is nothing to say."""
        moment, drawn = self._follower.moment(viewer.infant), self._drawn[viewer.key]
        parts = drawn.parts if viewer.is_new else drawn.changed
        traces: Mapping[str, object] = moment.traces.whole() if viewer.is_new else news
        if not (parts or traces or beat):
            return ""
        said: dict[str, Any] = {"age": None if moment.age_s is None else round(moment.age_s, 2)}
        if viewer.is_new:
            said["whole"] = True
        if traces:
            said["traces"] = traces
        if parts:
            said["parts"] = parts
        return json.dumps(said, separators=(",", ":"), ensure_ascii=False)
