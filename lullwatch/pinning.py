"""Pinning an event: its raw data stays, whatever the retention says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dsp.records import NS, Event, Pin
from store.journal import Journal
from store.shelf import Shelf

from .errors import NoSuchEvent

__all__ = ["MARGIN_NS", "Pinned", "newest_event", "pin", "pins"]

MARGIN_NS: Final = 300 * NS
"""Kept on both sides of an event: what went before and what came after is what a doctor asks for."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A span whose raw data stays, and the night it lies in."""

    night: str
    pin: Pin


def pin(folder: Path, event_id: str) -> list[Pinned]:
    """Keep the raw data of an event, five minutes more on both sides, in every night that holds any of it.

    Raises:
        NoSuchEvent: no night knows it.
        store.errors.JournalError: a night cannot be read or written.
    """
    with Shelf(folder) as shelf:
        nights = shelf.nights()
        event = newest_event(nights, event_id)
        if event is None:
            raise NoSuchEvent(folder, event_id)
        span = Pin(event.infant, event.onset_ns - MARGIN_NS, event.end_ns + MARGIN_NS, event.id)
        done = []
        for path in nights:
            if _holds(path, span):
                with Journal.amend(path) as journal:
                    journal.commit([span])
                done.append(Pinned(path.name, span))
    return done


def pins(folder: Path) -> list[Pinned]:
    """Everything that is pinned, oldest night first."""
    found: list[Pinned] = []
    with Shelf(folder) as shelf:
        for path in shelf.nights():
            with shelf.opened(path.name) as journal:
                found += [Pinned(path.name, pinned) for pinned in journal.pins()]
    return found


def newest_event(nights: Sequence[Path], event_id: str) -> Event | None:
    """The last word on an event, None where no night knows it: one that spans noon stands in two nights.

    Raises:
        store.errors.JournalError: a night cannot be read.
    """
    for path in reversed(nights):
        with Journal.read_only(path) as journal:
            rows = journal.event_rows(event_id)
        if rows:
            return max(rows, key=lambda event: event.version)
    return None


def _holds(path: Path, span: Pin) -> bool:
    with Journal.read_only(path) as journal:
        return bool(journal.segments_between(span.infant, span.onset_ns, span.end_ns))
