"""The control point of a virtual sock: one request at a time, each answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ingest.sock_codec import (
    Answer,
    BadField,
    BadLength,
    Command,
    Promised,
    Result,
    Started,
    decode_command,
    encode_answer,
)

__all__ = ["ControlPoint", "Work", "end_tasks"]

Work = tuple[Result, Started | Promised | None]
"""Outcome of a command: its result and the payload of the answer."""

_ANSWER_BIT = 0x80


class ControlPoint:
    """Decodes requests, has them carried out and sends the answers.

    Args:
        send: indicates the bytes of an answer and waits for their confirmation.
        do: carries out a command.
        after: called with a command that was carried out and answered with OK.
    """

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        do: Callable[[Command], Awaitable[Work]],
        after: Callable[[Command], None],
    ) -> None:
        self._send = send
        self._do = do
        self._after = after
        self._busy = False
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, raw: bytes) -> None:
        """Take one write; a request of no bytes is not answered."""
        if raw:
            task = asyncio.create_task(self._answer(raw))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def link_ended(self) -> None:
        """Forget requests whose gateway is gone."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Forget all requests and wait until their tasks are over."""
        await end_tasks(*self._tasks)

    async def _answer(self, raw: bytes) -> None:
        opcode, token = raw[0] & ~_ANSWER_BIT, raw[1] if len(raw) > 1 else 0
        if self._busy:
            await self._send(encode_answer(Answer(opcode, token, Result.BUSY)))
            return
        self._busy = True
        try:
            command, (result, payload) = await self._carry_out(raw)
            await self._send(encode_answer(Answer(opcode, token, result, payload)))
        finally:
            self._busy = False
        if command is not None and result is Result.OK:
            self._after(command)

    async def _carry_out(self, raw: bytes) -> tuple[Command | None, Work]:
        try:
            command, _ = decode_command(raw)
        except BadLength:
            return None, (Result.BAD_LENGTH, None)
        except BadField as error:
            unknown = error.field == "opcode"
            return None, (Result.UNKNOWN_OPCODE if unknown else Result.BAD_VALUE, None)
        return command, await self._do(command)


async def end_tasks(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they are over; what failed before is raised here."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    for outcome in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
