"""Serves the application until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from lullwatch.burst_marks import load_detector
from lullwatch.service_notify import Notifier

from .app import make_app
from .ending import Ending
from .errors import AddressTaken
from .hosting import Hosting
from .live import Live
from .memory import give_back
from .nights_page import look_first, look_now_and_then, warm
from .site import Site

__all__ = ["Serving", "serve"]

_log = logging.getLogger(__name__)

STOP_S = 3.0
"""What is not answered this long after the end began is left behind; pages ask again by themselves."""
_FLUSH_S = 0.3
"""For the last word to those who are left behind."""
_BACKSTOP_S = 2
"""Later than that uvicorn itself ends what is still there."""
MOST_CONNECTIONS = 200
"""A family opens a dozen; whoever opens more at once takes no memory from them."""
_BACKLOG = 64


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it, tells when it listens, and ends in time whatever is still being answered."""

    def __init__(self, config: uvicorn.Config, ending: Ending) -> None:
        super().__init__(config)
        self._ending = ending
        self.is_up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: see `serve`."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.is_up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hear nobody new, let what is being answered be answered, and leave the rest behind."""
        self._ending.has_begun = True
        loop = asyncio.get_running_loop()
        hurries = [loop.call_later(STOP_S, self._leave), loop.call_later(STOP_S + _FLUSH_S, self._hang_up)]
        try:
            await super().shutdown(sockets)
        finally:
            for hurry in hurries:
                hurry.cancel()

    def _leave(self) -> None:
        for task in list(self.server_state.tasks):
            task.cancel()

    def _hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class Serving:
    """The pages of a site on a port, as an async context manager; `port` tells which when it was asked for as 0.

    Raises:
        AddressTaken: nobody can listen there.
    """

    def __init__(
        self, app: Starlette, host: str, port: int, certificate: ssl.SSLContext | None = None
    ) -> None:
        self._app = app
        self._socket = _listening(host, port)
        self.port: int = self._socket.getsockname()[1]
        ending = Ending(app)
        config = uvicorn.Config(
            ending, ws="websockets-sansio", http="h11", loop="asyncio", lifespan="off", log_config=None,
            access_log=False, server_header=False, proxy_headers=False, limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=round(STOP_S + _BACKSTOP_S), ws_max_size=4096,
            ssl_context_factory=None if certificate is None else lambda *_: certificate,
        )  # fmt: skip
        self._server = _Server(config, ending)
        self._task: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Serving:
        await look_first(self._app.state.site)
        self._warming = asyncio.create_task(_warm(self._app.state.site), name="warm")
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="pages")
        up = asyncio.ensure_future(self._server.is_up.wait())
        await asyncio.wait([up, self._task], return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        live = self._app.state.site.more.get(Live)
        if live is not None:
            await live.close()
        self._server.should_exit = True
        if self._task is not None:
            await self._task

    async def answers(self) -> None:
        """Returns when the loop and the server live; for the watchdog."""
        if self._task is None or self._task.done():
            await asyncio.Event().wait()


def serve(hosting: Hosting, *, began: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `began` is told the address.

    Raises:
        LullwatchError: the pages would stand open, nobody can listen there, or a secret cannot be read.
    """
    give_back()
    certificate = hosting.check()
    serving = Serving(make_app(hosting.site), hosting.page.host, hosting.page.port, certificate)
    with hosting.beside():
        asyncio.run(_run(serving, lambda: began(hosting.address)))


async def _warm(site: Site) -> None:
    """What the first page of its kind would wait for: the nights, and the library behind the marks of an event.

    Goes on with a look now and then.
    """
    await warm(site)
    await run_in_threadpool(load_detector)
    await look_now_and_then(site)


async def _run(serving: Serving, began: Callable[[], None]) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    notifier = Notifier()
    async with serving:
        began()
        notifier.say("READY=1", "STATUS=serving")
        watching = asyncio.create_task(notifier.watch(serving.answers))
        await stopping.wait()
        notifier.say("STOPPING=1")
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        # handed down to every connection: without it each answer waits 40 ms for the browser's delayed acknowledgement
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise AddressTaken(host, port, error.strerror or str(error)) from error
    return made
