"""Faults from outside the process: one JSON object a line over a unix socket, each answered by a line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec

from firmware_sim.sock import VirtualSock
from firmware_sim.sock_script import NoSuchSockError, SockFault, cause

__all__ = ["FaultRefusedError", "FaultServer", "send_fault"]


class FaultRefusedError(RuntimeError):
    """The process did not let a fault happen."""

    def __init__(self, fault: SockFault, why: str) -> None:
        super().__init__(f"fault {fault.kind!r} for sock {fault.sock!r}: {why or 'the process went away'}")


class _Answer(msgspec.Struct, frozen=True):
    problem: str = ""


class FaultServer:
    """Lets each `SockFault` that comes in happen at once; its `at_s` is not looked at."""

    def __init__(self, socks: Mapping[str, VirtualSock], path: Path) -> None:
        self._socks = socks
        self._path = path

    async def __aenter__(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(msgspec.json.encode(await self._obey(line)) + b"\n")
            await writer.drain()
        writer.close()

    async def _obey(self, line: bytes) -> _Answer:
        try:
            await cause(msgspec.json.decode(line, type=SockFault), self._socks)
        except (msgspec.DecodeError, NoSuchSockError) as error:
            return _Answer(str(error))
        return _Answer()


async def send_fault(path: Path, fault: SockFault) -> None:
    """Let a fault happen in the process that listens at `path`; returns when it has.

    Raises:
        FaultRefusedError: with what the process said.
        OSError: nothing listens there.
    """
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(msgspec.json.encode(fault) + b"\n")
        line = await reader.readline()
    finally:
        writer.close()
    answer = msgspec.json.decode(line, type=_Answer) if line else None
    if answer is None or answer.problem:
        raise FaultRefusedError(fault, answer.problem if answer else "")
