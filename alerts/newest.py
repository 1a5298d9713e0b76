"""Retained messages: the last of each topic, and those that wait because only the newest matters."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from alerts.payloads import Message
from dsp.records import NS

__all__ = ["FRESH_S", "Newest"]

FRESH_S = 300.0
"""What is older speaks of the past: epochs and minutes are told within seconds of their end."""


class Newest:
    """What was retained last on each topic, and what is held because something newer may follow."""

    def __init__(self) -> None:
        self._retained: dict[str, Message] = {}
        self._held: dict[str, Message] = {}
        self.something = asyncio.Event()
        """set while anything is held"""

    @property
    def retained(self) -> Sequence[Message]:
        """The last confirmed message of each retained topic."""
        return list(self._retained.values())

    def is_fresh(self, message: Message, now_ns: int) -> bool:
        """Whether it speaks of now."""
        return now_ns - message.of_ns < FRESH_S * NS

    def hold(self, message: Message) -> None:
        """Keep it for later, in place of what was held for its topic; nothing older takes the place of newer."""
        standing = [m.of_ns for m in (self._held.get(message.topic), self._retained.get(message.topic)) if m]
        if all(message.of_ns >= of_ns for of_ns in standing):
            self._held[message.topic] = message
            self.something.set()

    def hold_all(self) -> None:
        """Send everything retained once more."""
        for message in self.retained:
            self._held.setdefault(message.topic, message)
            self.something.set()

    def replaced(self, message: Message) -> None:
        """A message goes out now: what was held for its topic does not."""
        self._held.pop(message.topic, None)
        self._settle()

    def first(self) -> Message | None:
        """One that is held."""
        return next(iter(self._held.values()), None)

    def sent(self, message: Message) -> None:
        """The broker confirmed what was held; unless a newer one has taken its place it is held no longer."""
        self.confirmed(message)
        if self._held.get(message.topic) is message:
            del self._held[message.topic]
        self._settle()

    def confirmed(self, message: Message) -> None:
        """The broker has a message; remember it when it retains it."""
        if message.retain and message.payload:
            self._retained[message.topic] = message
        elif message.retain:
            self._retained.pop(message.topic, None)

    def _settle(self) -> None:
        if not self._held:
            self.something.clear()
