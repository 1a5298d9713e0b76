"""What goes through the spine: a batch that is durable, what it led to, and what a start has to feed again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dsp.records import ClockRow, Watching
from store.rows import Fed, FedRow, LinkRow, SegmentRow

from .detector import Told

__all__ = ["Behind", "Kept", "Taken"]


@dataclass(frozen=True, slots=True)
class Kept:
    """One batch that is durable, and not decided on yet."""

    rows: tuple[tuple[int, LinkRow | SegmentRow | FedRow | Watching], ...]
    """that bear on decisions, with their numbers"""
    last_row: int
    turned: ClockRow | None = None


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
