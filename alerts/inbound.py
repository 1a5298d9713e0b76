"""What comes in over MQTT: which topics are listened to, and what of it is handed on.

Authorised by topic: a command counts for the infant whose topic it came on, whatever its payload says. What is too
large, kept by the broker from earlier, unknown, or for an infant that is not here is refused on the result topic and
never reaches the code behind the callback.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from alerts.commands import COMMANDS, MOST_BYTES, Result
from alerts.payloads import GATEWAY, Message, Topics
from alerts.words import SELF_TEST

__all__ = ["Arrived", "Inbox", "OnCommand"]

_log = logging.getLogger(__name__)

QUEUE_LIMIT = 100
"""Commands that may wait while one is committed: more than any family sends in a night."""
_RECEIPT = "receipt"
_QUIET_AFTER = 20
"""So many refusals are logged one by one, then only every hundredth, so that no stranger fills the disk."""

OnCommand = Callable[[str, str, bytes], Awaitable[bytes]]
"""Called with (infant, name, payload): the infant's id, empty for the gateway itself; `ack`, `mute`, `note`, `test`
or `receipt`; the bytes as they came. Gives the payload of the answer, empty for none."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as it came."""

    topic: str
    payload: bytes
    retained: bool


class Inbox:
    """Messages that wait for an answer, and what becomes of them.

    Args:
        topics: of this gateway.
        infants: ids of those who are here; the gateway itself and the self-test's infant may always be spoken to.
        on_command: carries a command out.
    """

    def __init__(self, topics: Topics, infants: Collection[str], on_command: OnCommand) -> None:
        self._topics = topics
        self._infants = frozenset({*infants, GATEWAY, SELF_TEST})
        self._on_command = on_command
        self._queue: asyncio.Queue[Arrived] = asyncio.Queue(QUEUE_LIMIT)
        self._refused = 0

    @property
    def filters(self) -> tuple[str, ...]:
        """Topic filters to subscribe to."""
        return self._topics.inbound

    def put(self, arrived: Arrived) -> None:
        """Let a message wait for its turn; one too many is dropped and logged."""
        try:
            self._queue.put_nowait(arrived)
        except asyncio.QueueFull:
            self._complain(arrived.topic, "more commands wait than can be carried out; send it again")

    async def answer(self) -> Message | None:
        """Carry out the next message, waiting for one; what is to be said about it."""
        return await self._taken(await self._queue.get())

    async def _taken(self, arrived: Arrived) -> Message | None:
        place = self._topics.command(arrived.topic)
        if place is None:
            self._complain(arrived.topic, "no command has this topic")
            return None
        infant, name = place
        if why := self._refusal(infant, name, arrived):
            self._complain(arrived.topic, why)
            return None if name == _RECEIPT else self._result(infant, name, _refused(name, why))
        said = await self._carried_out(infant, name, arrived.payload)
        return self._result(infant, name, said) if said else None

    def _refusal(self, infant: str, name: str, arrived: Arrived) -> str:
        if infant not in self._infants:
            return "this gateway has no such infant; check the topic"
        if name not in COMMANDS:
            return f"no such command; known: {' '.join(COMMANDS)}"
        if arrived.retained:
            return "a retained command is not carried out, it would happen again at every connect; send it unretained"
        if len(arrived.payload) > MOST_BYTES:
            return f"{len(arrived.payload)} bytes are too many; at most {MOST_BYTES}"
        return ""

    async def _carried_out(self, infant: str, name: str, payload: bytes) -> bytes:
        try:
            return await self._on_command("" if infant == GATEWAY else infant, name, payload)
        except Exception:  # noqa: BLE001 - whatever one command does, the next ones must be heard
            _log.exception("the command %s was not carried out", name)
            return _refused(name, "the gateway could not carry it out; its log says why")

    def _result(self, infant: str, name: str, payload: bytes) -> Message:
        return Message(self._topics.result(infant, name), payload)

    def _complain(self, topic: str, why: str) -> None:
        self._refused += 1
        if self._refused <= _QUIET_AFTER or self._refused % 100 == 0:
            _log.warning("refused message %d on %.200r: %s", self._refused, topic, why)


def _refused(name: str, why: str) -> bytes:
    return Result(command=name, ok=False, why=why).encoded()
