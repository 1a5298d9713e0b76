"""Hours of the day in which somebody relies on being called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from typing import Literal

__all__ = ["WEEKDAYS", "ArmedHours", "Weekday", "armed_at"]

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class ArmedHours:
    """A span of the local day that is armed; it may run over midnight and belongs to the day it begins on."""

    begin: time
    end: time
    days: tuple[Weekday, ...] = WEEKDAYS
    infants: tuple[str, ...] = ()
    """only these; empty: all"""

    def hold(self, local: datetime) -> bool:
        """Whether the moment lies inside."""
        at, overnight = local.time(), self.end <= self.begin
        today, yesterday = (WEEKDAYS[(local.weekday() - back) % 7] for back in (0, 1))
        if not overnight:
            return today in self.days and self.begin <= at < self.end
        return (today in self.days and at >= self.begin) or (yesterday in self.days and at < self.end)


def armed_at(hours: Iterable[ArmedHours], infant: str, local: datetime) -> bool:
    """Whether the schedule arms an infant at a local time; without any hours of the infant's it always does."""
    mine = [h for h in hours if not h.infants or infant in h.infants]
    return not mine or any(h.hold(local) for h in mine)
