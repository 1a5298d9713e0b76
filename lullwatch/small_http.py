"""As little HTTP as a page of the monitor takes: one head in, one answer out, no library.

The monitor imports no web framework: what it serves itself must work when `serve` does not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from dsp.clock import Clock

__all__ = ["SmallHttp"]

_log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 5.0
"""A process that ends, or a network that comes up at the start of the computer, takes a second or two."""
LAST_PAUSE_S: Final = 30.0
"""An address that was taken or gone is back within this after it is free."""
_MOST_BYTES: Final = 8192
"""Request line and headers of a browser take under two thousand."""


class SmallHttp:
    """Answers requests by their head alone, so many at once, and none that dawdles.

    Args:
        answer: from the bytes of a head to those of an answer.
        what: is served, for the log.
        read_timeout_s: a request and its answer take no longer.
        most: connections at once; who comes when all are taken is let go.
    """

    def __init__(
        self, answer: Callable[[bytes], Awaitable[bytes]], *, what: str, read_timeout_s: float, most: int
    ) -> None:
        self._answer = answer
        self._what = what
        self._read_timeout_s = read_timeout_s
        self._most = most
        self._open = 0
        self._server: asyncio.Server | None = None
        self._trying: asyncio.Task[None] | None = None
        self._why_not = ""
        self.port = 0
        """on which it listens"""

    async def begin(self, host: str, port: int, *, clock: Clock, say: Callable[[str], None]) -> None:
        """Listen, on any free port for 0. Where nobody can, it is tried again and again until `end`.

        Args:
            host: interface to listen on.
            port: on it.
            clock: times the attempts.
            say: told why it cannot listen from the second attempt on, and "" once it does.
        """
        self.port = port
        if not await self._listens(host, port):
            self._trying = asyncio.create_task(self._keep_trying(host, port, clock, say))

    async def _keep_trying(self, host: str, port: int, clock: Clock, say: Callable[[str], None]) -> None:
        pause_s = FIRST_PAUSE_S
        await clock.sleep(pause_s)
        while not await self._listens(host, port):
            say(f"{self._what} cannot listen on {host}:{port}")
            pause_s = min(2 * pause_s, LAST_PAUSE_S)
            await clock.sleep(pause_s)
        _log.info("%s listens on %s:%d", self._what, host, self.port)
        say("")

    async def _listens(self, host: str, port: int) -> bool:
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=_MOST_BYTES)
        except (OSError, ValueError) as error:  # ValueError: of a name that can be none
            why = str(getattr(error, "strerror", None) or error)
            if why != self._why_not:  # said once, not at each attempt of a night
                _log.warning("%s cannot be served on %s:%d: %s", self._what, host, port, why)
            self._why_not = why
            return False
        self.port = int(self._server.sockets[0].getsockname()[1])
        return True

    async def end(self) -> None:
        """Listen no longer."""
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.gather(self._trying, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= self._most:
                async with asyncio.timeout(self._read_timeout_s):
                    writer.write(await self._answer(await reader.readuntil(b"\r\n\r\n")))
                    await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            _log.info("a request for %s was not finished: %s", self._what, type(error).__name__)
        finally:
            self._open -= 1
            writer.close()
