"""What goes through the spine: a batch that is durable, what it led to, and what a start has to feed again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dsp.records import ClockRow, Watching
from store.journal import Journal
from store.rows import FED, Fed, FedRow, LinkRow, SegmentRow

from .detector import Told

__all__ = ["Behind", "Deciding", "Kept", "Taken"]

Deciding = LinkRow | SegmentRow | FedRow | Watching
"""A row that bears on decisions."""
_DECIDED_ON = (*FED, "link")
"""Where such rows are."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One batch that is durable, and not decided on yet."""

    held: tuple[tuple[int, Deciding], ...]
    """its rows that bear on decisions; none when so much waited already that they were left to the journal"""
    last_row: int
    left: int = 0
    """how many were left to the journal"""
    left_from: int = 0
    """number of the first of them"""
    turned: ClockRow | None = None

    def rows(self, journal: Journal) -> Iterator[tuple[int, Deciding]]:
        """Its rows that bear on decisions, in the order in which they were committed."""
        yield from self.held
        if self.left:
            for number, row in journal.rows(
                _DECIDED_ON, after_row=self.left_from - 1, upto_row=self.last_row
            ):
                if isinstance(row, Deciding):
                    yield number, row


@dataclass(slots=True)
class Behind:
    """What a detector still has to be fed from the journal before anything that comes now."""

    infant: str
    after_row: int
    upto_row: int
    items: Iterator[tuple[int, Fed]]


@dataclass(slots=True)
class Taken:
    """What one batch led to; everything in it is durable."""

    told: dict[str, Told] = field(default_factory=dict)
    turned: ClockRow | None = None
    """the next night has begun, with this tie between data time and UTC"""
    live: bool = False
    """whether it was led to by what came in this life, and not by what the start found"""

    def tell(self, infant: str, told: Told) -> None:
        """Append what was told of an infant."""
        self.told.setdefault(infant, Told()).extend(told)
