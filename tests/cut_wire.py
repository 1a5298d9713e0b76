"""A wire between a client and a broker that a test can cut, hold or break."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

__all__ = ["CutWire"]

_READ_BYTES = 4096


class CutWire:
    """A TCP proxy on the loopback; an async context manager. What is held stays unread, as on a dead network.

    Args:
        port: of the broker.
        on_upward: told the bytes that went on to the broker.
    """

    def __init__(self, port: int, on_upward: Callable[[bytes], None] = lambda _: None) -> None:
        self._broker = port
        self._on_upward = on_upward
        self._server: asyncio.Server | None = None
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.mend()

    @property
    def port(self) -> int:
        """Where clients connect."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def hold(self, *, up: bool = True, down: bool = True) -> None:
        """Nothing passes any more, towards the broker or from it; connections stay."""
        for event, held in ((self._up, up), (self._down, down)):
            if held:
                event.clear()

    def mend(self) -> None:
        """Everything passes again, what was held first."""
        self._up.set()
        self._down.set()

    def reset(self) -> None:
        """Break every connection hard."""
        for writer in self._writers:
            if writer.is_closing():
                continue
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def __aenter__(self) -> CutWire:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._broker)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        for work in (
            self._pump(reader, far_writer, self._up, self._on_upward),
            self._pump(far_reader, writer, self._down, lambda _: None),
        ):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        open_: asyncio.Event,
        passed: Callable[[bytes], None],
    ) -> None:
        try:
            while True:
                await open_.wait()
                data = await reader.read(_READ_BYTES)
                await open_.wait()
                if not data:
                    break
                writer.write(data)
                passed(data)
                await writer.drain()
        except OSError:
            pass  # the other side broke it, as the tests mean to
        finally:
            writer.transport.abort()
