"""The pages as a browser meets them: a real server on a free port, a real monitor without a radio behind it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
from bleak.backends.device import BLEDevice

from alerts.people import Person
from dsp.records import NS, Alert, Coverage, Event, LinkSample, Severity, Site, State, StateEpoch, Usability
from lullwatch import system_clock
from lullwatch.caregiving import Household
from lullwatch.control import Control
from lullwatch.gateway import Gateway, Radio, Sensor, Wearer
from lullwatch.handlers import handlers_of
from lullwatch.web.access import Access
from lullwatch.web.app import make_app
from lullwatch.web.serving import Serving
from lullwatch.web.session import Role
from lullwatch.web.site import Site as Pages
from lullwatch.web.site import monitor_asker
from store.journal import Journal, night_name
from store.rows import LinkRow, Row
from store.shelf import Shelf
from tests.alert_makers import event as made_event
from tests.store_examples import segment, segment_row

INFANT = "a"
CAREGIVER, VIEWER, RESEARCHER = "anna", "vera", "rita"
ROLES = {CAREGIVER: Role.CAREGIVER, VIEWER: Role.VIEWER, RESEARCHER: Role.RESEARCHER}
SITES = (Site.LA, Site.RA)
MINUTE_NS = 60 * NS
RECORDED = re.compile(r"26 min of (29|30|31) min recorded")
"""Of an evening, while the monitor itself counts a blind minute or two."""


@dataclass(frozen=True)
class Answer:
    """What a browser was answered, read to its end."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Browser:
    """One browser with its cookies."""

    client: aiohttp.ClientSession

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        async with self.client.request(method, path, allow_redirects=False, **more) as answer:
            return Answer(answer.status, answer.headers, await answer.text(errors="replace"))

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, **more: Any) -> Answer:
        return await self.ask("POST", path, **more)

    async def act(self, what: str, **form: str) -> Answer:
        """What a button of the page does."""
        headers = {"X-CSRF": await self.csrf(), "Accept": "application/json"}
        return await self.post(f"/act/{what}", data={"infant": INFANT, **form}, headers=headers)

    @property
    def cookie(self) -> str:
        return str(next(iter(self.client.cookie_jar)).value)

    async def csrf(self) -> str:
        """What a form of this session carries."""
        return (await self.get("/nights")).text.split('name="csrf" content="')[1].split('"')[0]


@dataclass
class Rig:
    """Pages, and what is behind them."""

    site: Pages
    serving: Serving
    gateway: Gateway | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.serving.port}"

    def token(self, person: str) -> str:
        """A person's token; they are invited when it is first asked for."""
        if person not in self._tokens:
            self._tokens[person] = self.site.access.invite(person, ROLES[person])
        return self._tokens[person]

    async def browser(self, person: str | None = None, language: str = "en") -> Browser:
        """A browser; with a person, logged in."""
        jar = aiohttp.CookieJar(unsafe=True)
        client = aiohttp.ClientSession(self.url, cookie_jar=jar, headers={"Accept-Language": language})
        made = Browser(await self._stack.enter_async_context(client))
        if person is not None:
            answer = await made.post("/login", data={"token": self.token(person)})
            assert (answer.status, answer.headers["Location"]) == (303, "/")
        return made

    @asynccontextmanager
    async def live(self, browser: Browser) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The page's WebSocket."""
        async with browser.client.ws_connect(f"/live/{INFANT}", headers={"Origin": self.url}) as socket:
            yield socket

    async def tell(self, *rows: Row) -> None:
        """Rows as the monitor commits them."""
        assert self.gateway is not None
        await asyncio.gather(*[self.gateway._intake.add(row) for row in rows])

    async def ring(self, alert: Alert) -> None:
        """An alert that was decided."""
        assert self.gateway is not None
        await self.tell(alert)
        self.gateway.outreach.decided([alert])

    @property
    def now_ns(self) -> int:
        assert self.gateway is not None
        return self.gateway._clock.now_ns()


def evening(now_ns: int) -> list[Row]:
    """Half an hour that is told of: sleep, coverage with a hole, a series, links, samples of the last seconds."""
    begin_ns = (now_ns // MINUTE_NS - 29) * MINUTE_NS  # the monitor goes on with the minute that is now
    uses = [Usability.USABLE] * 20 + [Usability.BLIND] * 3 + [Usability.DEGRADED] * 2 + [Usability.USABLE] * 4
    rows: list[Row] = [
        Coverage(INFANT, begin_ns + n * 60 * NS, 60 * NS, use, (), ((Site.LA, 1.0),))
        for n, use in enumerate(uses)
    ]
    states = [State.AWAKE] * 10 + [State.ACTIVE_SLEEP] * 20 + [State.QUIET_SLEEP] * 20
    rows += [
        StateEpoch(INFANT, begin_ns + n * 30 * NS, 30 * NS, state, 0.9, None, None, None)
        for n, state in enumerate(states)
    ]
    return [*rows, series(now_ns), *links(now_ns), *samples(now_ns - 2 * NS)]


def series(now_ns: int) -> Event:
    times = {"onset_ns": now_ns - 600 * NS, "end_ns": now_ns - 480 * NS, "told_ns": now_ns}
    return replace(made_event(), id="e1", infant=INFANT, **times)


def links(now_ns: int, state: str = "streaming", battery: int = 84) -> list[Row]:
    return [
        LinkRow(INFANT, LinkSample(site, site.value.lower(), now_ns, state, 10, 0, 0, battery, -60, 1.0))
        for site in SITES
    ]


def samples(t0_ns: int, seq: int = 1, n: int = 200) -> list[Row]:
    """Two sensors' samples from a moment on."""
    made = [segment(seq, site=site, t0_ns=t0_ns, n=n, sensor=site.value.lower()) for site in SITES]
    return [segment_row(one, INFANT, arrived_ns=t0_ns) for one in made]


def urgent(now_ns: int, alert_id: str = "al1") -> Alert:
    text = "Repeated brief movements recorded\nLook at your baby now.\nCall the emergency number."
    return Alert(
        id=alert_id, version=1, severity=Severity.URGENT, infant=INFANT, t_ns=now_ns,
        pattern="repeated_brief_movements", event_id="e1", onset_ns=now_ns - 60 * NS, end_ns=now_ns, count=14,
        rule="series-clear/1", text=text, facts={"announce": "ring"},
    )  # fmt: skip


def where_it_is_evening() -> str:
    """A zone in which it is about ten at night: nights begin at noon, and half an hour must not be two of them."""
    ahead = 22 - time.gmtime().tm_hour
    return f"Etc/GMT{-ahead if ahead <= 12 else 24 - ahead:+d}"


@asynccontextmanager
async def pages(
    folder: Path, *, monitor: bool = True, people: Sequence[Person] = (), secure: bool = False
) -> AsyncIterator[Rig]:
    """Pages on a free port; with a monitor that really runs, unless it is to be away."""
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running(folder, people)) if monitor else None
        shelf = stack.enter_context(Shelf(folder))
        access = Access(folder / "page-access.json")
        site = Pages(folder, shelf, access, monitor_asker(folder), people=tuple(people), secure=secure)
        serving = await stack.enter_async_context(Serving(make_app(site), "127.0.0.1", 0))
        yield Rig(site, serving, gateway, await stack.enter_async_context(AsyncExitStack()))


@asynccontextmanager
async def running(folder: Path, people: Sequence[Person] = ()) -> AsyncIterator[Gateway]:
    """A monitor in the folder, whose radio hears nothing."""
    zone = where_it_is_evening()
    with Journal.open(folder / night_name(time.time_ns(), zone)) as journal:
        rows = journal.clock_rows()
        clock = system_clock.resume(rows[-1] if rows else None, journal.newest_ns)
        sensors = tuple(
            Sensor(site, site.value.lower(), f"C0:00:00:00:00:0{n}") for n, site in enumerate(SITES)
        )
        gateway = Gateway(
            name="test", journal=journal, clock=clock, clock_row=clock.row(zone),
            wearers=[Wearer(INFANT, sensors)], radio=Radio(_nowhere),
            household=Household(people=tuple(people)),
        )  # fmt: skip
        async with gateway, Control(folder, handlers_of(gateway)):
            yield gateway


async def until(holds: Callable[[], Awaitable[bool]], timeout_s: float = 10.0) -> None:
    """Wait until something that is asked over the network holds."""
    async with asyncio.timeout(timeout_s):
        while not await holds():  # noqa: ASYNC110 - what is asked is on the other side of a socket
            await asyncio.sleep(0.05)


async def _nowhere(_: str) -> BLEDevice:
    await asyncio.Event().wait()
    raise AssertionError
