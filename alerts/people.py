"""Who is told, over what, in which order: the chain of people as the settings name them. Ids, never names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time

__all__ = ["ANYONE", "MQTT", "NEXT_AFTER_S", "REPEAT_S", "Person", "QuietHours", "chain_of", "due_after_s"]

MQTT = "mqtt"
"""The channel that is always there where a broker is: one topic that everyone of the household can read."""
NEXT_AFTER_S = 120.0
"""Time for the one before to wake, look and press before the next person is told too, seconds of data time."""

REPEAT_S = 60.0
"""A phone rings for about half a minute; a pause of the same length lets one hear the room."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A span of the local day in which silent messages wait; it may run over midnight. Never stops what rings."""

    begin: time
    end: time

    def hold(self, at: time) -> bool:
        """Whether the moment lies inside. Equal ends mean no quiet hours."""
        if self.begin <= self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


@dataclass(frozen=True, slots=True)
class Person:
    """One who is told, and may answer."""

    id: str
    channels: tuple[str, ...] = (MQTT,)
    """names of the channels: `mqtt`, or one of the push services of the settings"""
    order: int = 0
    """place in the chain; equal ones stand in the order of their ids"""
    after_s: float | None = None
    """how long after the one before was told, unanswered, this one is told too; 0: at the same time.
    None: 0 for the first, `NEXT_AFTER_S` for the others"""
    repeat_s: float = REPEAT_S
    """an urgent message nobody answers comes again so often"""
    quiet: QuietHours | None = None
    infants: tuple[str, ...] = ()
    """only these are this person's business: told of, and may answer for; empty: all"""

    def minds(self, infant: str) -> bool:
        """Whether messages about the infant (empty: the gateway) are for this person."""
        return not self.infants or not infant or infant in self.infants


ANYONE = Person("anyone")
"""Stands in the chain where the settings name nobody: whoever reads the topic."""


def chain_of(people: Iterable[Person], infant: str) -> tuple[Person, ...]:
    """Those who mind the infant and can be told, in the order they are told; never empty."""
    chain = sorted((p for p in people if p.channels and p.minds(infant)), key=lambda p: (p.order, p.id))
    return tuple(chain) or (ANYONE,)


def due_after_s(chain: tuple[Person, ...]) -> tuple[float, ...]:
    """When each is told, seconds after the alert rang first; the first at once, whatever was set."""
    due, total = [], 0.0
    for place, person in enumerate(chain):
        if place:
            total += NEXT_AFTER_S if person.after_s is None else person.after_s
        due.append(total)
    return tuple(due)
