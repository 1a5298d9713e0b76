"""What goes through the spine: a batch that is durable, what it led to, and what a start has to feed again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dsp.records import ClockRow, Watching
from store.journal import Journal
from store.rows import FED, Fed, FedRow, LinkRow, SegmentRow

from .detector import Told

__all__ = ["DECIDED_ON", "Behind", "Kept", "Numbered", "Taken"]

DECIDED_ON = (*FED, "link")
"""Tables of the rows that bear on decisions."""

Numbered = tuple[int, LinkRow | SegmentRow | FedRow | Watching]
"""Such a row and its number."""

_PAGE_ROWS = 256


@dataclass(frozen=True, slots=True)
class Kept:
    """One batch that is durable, and not decided on yet."""

    held: tuple[Numbered, ...]
    """its rows that bear on decisions; none when so much waited already that they were left to the journal"""
    last_row: int
    left: int = 0
    """how many were left to the journal"""
    left_from: int = 0
    """number of the first of them"""
    turned: ClockRow | None = None

    def rows(self, journal: Journal) -> Iterator[Numbered]:
        """Its rows that bear on decisions, in the order in which they were committed."""
        yield from self.held
        after, left = self.left_from - 1, self.left
        while left and (page := journal.read(after, limit=min(left, _PAGE_ROWS), tables=DECIDED_ON)):
            left -= len(page)
            for after, row in page:
                if after > self.last_row:  # a damaged file was mended, and some are gone
                    return
                if isinstance(row, LinkRow | SegmentRow | FedRow | Watching):
                    yield after, row


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
