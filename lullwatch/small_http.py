"""As little HTTP as a page of the monitor takes: one head in, one answer out, no library.

The monitor imports no web framework: what it serves itself must work when `serve` does not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

__all__ = ["SmallHttp"]

_log = logging.getLogger(__name__)

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

    async def begin(self, host: str, port: int) -> int:
        """Listen; the port, also when any was asked for with 0. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=_MOST_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def end(self) -> None:
        """Listen no longer."""
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
