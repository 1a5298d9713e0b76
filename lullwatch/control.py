"""A socket beside the journals over which this computer's own commands reach the running monitor; no broker needed.

One line of JSON each way. Only the user that runs the monitor can open it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from .errors import NoMonitor

__all__ = ["ARM", "COMMAND", "PAUSE", "STATUS", "TROUBLE", "Control", "ask"]

_log = logging.getLogger(__name__)

NAME = "control.sock"
COMMAND = "command"
"""`{infant, name, payload}`: what a person does on the page; answered as on MQTT's result topic"""
PAUSE = "pause"
"""`{infant, minutes, reason, by}`; minutes 0 resumes"""
ARM = "arm"
"""`{infant, armed, by}`"""
STATUS = "status"
TROUBLE = "trouble"
"""`{kind, why}` from the other process of this gateway; an empty `why` means well"""
ASK_TIMEOUT_S = 5.0
"""A request is one short line; who does not send it is no command of ours."""
MOST_BYTES = 65_536
LONGEST_ADDRESS = 100
"""Bytes of a path that fit into a socket's address everywhere: 107 on Linux, 103 elsewhere."""
Handler = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class Control:
    """Answers requests on the socket of a folder, as an async context manager.

    A socket that cannot be made is logged; everything else goes on without it.

    Args:
        folder: of the journals.
        handlers: by the request's `ask`.
    """

    def __init__(self, folder: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = folder / NAME
        self._handlers = dict(handlers)
        self._server: asyncio.Server | None = None
        self._short = ExitStack()

    async def __aenter__(self) -> Control:
        try:
            # whoever holds the folder's journals is the only monitor here: a socket left by a crash is nobody's
            self._path.unlink(missing_ok=True)
            before = os.umask(0o177)
            try:
                address = self._short.enter_context(_address_of(self._path))
                self._server = await asyncio.start_unix_server(self._serve, address, limit=MOST_BYTES)
            finally:
                os.umask(before)
        except OSError as error:
            _log.warning("%s: commands of this computer cannot reach the monitor: %s", self._path, error)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
        self._short.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                line = await reader.readline()
            writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
            await writer.drain()
        except (OSError, TimeoutError, ValueError) as error:
            _log.info("a request on %s was not answered: %s", self._path, error)
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            asked = json.loads(line)
        except ValueError:
            return {"error": "no JSON"}
        handler = self._handlers.get(str(asked.get("ask"))) if isinstance(asked, dict) else None
        if handler is None:
            return {"error": f"no such request; known: {' '.join(self._handlers)}"}
        return await handler(asked)


@contextmanager
def _address_of(path: Path) -> Iterator[Path]:
    """A name of a socket's path that fits into an address, however deep its folder lies.

    Raises:
        OSError: the folder cannot be opened, or the path is too long and the kernel offers no other name.
    """
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield path
        return
    folder = os.open(path.parent, getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{folder}", path.name)
    finally:
        os.close(folder)


async def ask(folder: Path, what: str, *, timeout_s: float, **more: object) -> dict[str, Any]:
    """Ask the monitor of a folder and wait for its answer.

    Raises:
        NoMonitor: none runs there, or it does not answer.
    """
    path = folder / NAME
    try:
        async with asyncio.timeout(timeout_s):
            with _address_of(path) as address:
                reader, writer = await asyncio.open_unix_connection(address, limit=MOST_BYTES)
            try:
                writer.write(json.dumps({"ask": what, **more}).encode() + b"\n")
                line = await reader.readline()
            finally:
                writer.close()
        answer = json.loads(line)
    except TimeoutError:
        raise NoMonitor(path, f"no answer in {timeout_s:.0f} s") from None
    except (OSError, ValueError) as error:
        raise NoMonitor(path, str(error) or "it ended") from error
    return dict(answer)
