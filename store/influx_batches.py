"""Rows of a journal as requests to InfluxDB: what goes into which bucket, how much at once.

Two processes that read the same rows write the same points: UTC, the grid of times and thinned points follow from
rows at or before the one they belong to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from dsp.records import SELF_TEST, ClockRow, Config, Epoch, Pin, Segment, StateEpoch
from store.influx_lines import MEASURED, config_line, imu_lines, lines_of, thinned_lines
from store.influx_thin import Thinner
from store.influx_times import EvenTimes, window_of
from store.journal import Journal
from store.rows import LinkRow, Row, SegmentRow
from store.utc import UtcMap

__all__ = ["COPIED", "CURSOR", "Batch", "Batches", "Buckets", "Piece", "Raw"]

CURSOR: Final = "influx"
"""Name of the database's cursor and of its dead letters."""
COPIED: Final = (*MEASURED, "clock", "pin")
"""Tables that are read for the database: what becomes points, and what decides on their times and buckets."""
PAGE_ROWS: Final = 512
"""Rows looked at for one batch: a packet has sixteen samples, so this fills it, and no row is read in vain."""


class Raw(StrEnum):
    """How much of the raw samples goes into the database."""

    FULL = "full"
    """every sample, so that nights can be replayed from it"""
    THINNED = "thinned"
    """fewer a second, filtered first: for charts only"""
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Buckets:
    """Where measurements go: retention is the bucket's, and raw samples ought to go sooner than events."""

    events: str
    """events, alerts, coverage, settings and clock: small, for ever"""
    features: str = ""
    """epochs, states, links; empty: with the events"""
    raw: str = ""
    """samples; empty: with the events"""

    @property
    def pins_apart(self) -> bool:
        """Whether raw data of what is pinned has to be written once more, where events stay."""
        return bool(self.raw) and self.raw != self.events

    def of(self, row: Row) -> str:
        """The bucket of a row."""
        if isinstance(row, SegmentRow):
            return self.raw or self.events
        if isinstance(row, Epoch | StateEpoch | LinkRow):
            return self.features or self.events
        return self.events


@dataclass(frozen=True, slots=True)
class Piece:
    """What one request carries: chunks of lines, each with its row of the journal."""

    bucket: str
    chunks: list[tuple[int, bytes]]

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return sum(chunk.count(b"\n") + 1 for _, chunk in self.chunks)

    @property
    def size(self) -> int:
        """Bytes of the request's body."""
        return sum(len(chunk) + 1 for _, chunk in self.chunks) - 1

    def body(self) -> bytes:
        """The request's body."""
        return b"\n".join(chunk for _, chunk in self.chunks)

    def halves(self) -> tuple[Piece, Piece] | None:
        """Two pieces with the same lines in the same order; None for a single line."""
        chunks = self.chunks
        if len(chunks) == 1:
            row, chunk = chunks[0]
            chunks = [(row, line) for line in chunk.split(b"\n")]
        if len(chunks) == 1:
            return None
        middle = len(chunks) // 2
        return Piece(self.bucket, chunks[:middle]), Piece(self.bucket, chunks[middle:])


@dataclass(slots=True)
class Batch:
    """What is on its way: pieces still to be stored, and the row that is confirmed when all are."""

    last_row: int
    pieces: deque[Piece] = field(default_factory=deque)
    full: bool = False
    """whether the journal had more than this"""


class Batches:
    """Makes batches of one journal, each behind the last.

    Args:
        journal: what is read.
        gateway: id of this computer, a tag of every point.
        buckets: where measurements go.
        raw: how much of the samples.
        raw_hz: points a second of thinned samples.
        after_row: what was confirmed when the reading begins.
    """

    def __init__(
        self, journal: Journal, *, gateway: str, buckets: Buckets, raw: Raw, raw_hz: float, after_row: int
    ) -> None:
        self._journal = journal
        self._gateway = gateway
        self._buckets = buckets
        self._raw = raw
        self._thinner = Thinner(journal, raw_hz)
        self._times = EvenTimes()
        self._utc = UtcMap()
        self._zone = ""
        self._pins: list[Pin] = []
        self._keeps_pins = buckets.pins_apart or raw is not Raw.FULL
        self._clock_upto = 0
        self._after_row = after_row
        self._begun = False

    def next(self, after_row: int, most_bytes: int) -> Batch | None:
        """The next rows as lines, or None when there are none or nobody knows the time of day yet.

        A row's UTC comes from clock rows before it in the journal only (or the very first), so that it is the same
        when it is sent again after a restart.
        """
        if not self._begun and not self._begin():
            return None
        batch, filling, size = Batch(after_row), _Filling(), 0
        rows = self._journal.read(after_row, limit=PAGE_ROWS, tables=COPIED)
        batch.full = len(rows) == PAGE_ROWS
        for number, row in rows:
            for bucket, chunk in self._placed(number, row):
                filling.add(bucket, number, chunk)
                size += len(chunk) + 1
            batch.last_row = number
            if size >= most_bytes:
                batch.full = True
                break
        batch.pieces.extend(filling.pieces(most_bytes))
        return batch if batch.last_row > after_row else None

    def _placed(self, number: int, row: Row) -> Iterator[tuple[str, bytes]]:
        """A row's lines, each with its bucket."""
        if getattr(row, "infant", "") == SELF_TEST:
            return  # a test is nobody's data
        if isinstance(row, Pin):
            yield from ((self._buckets.events, chunk) for chunk in self._pinned(number, row))
            return
        for chunk in self._lines(number, row):
            yield self._buckets.of(row), chunk
        if isinstance(row, SegmentRow) and any(_holds(pin, row) for pin in self._pins):
            for chunk in self._exact(row.infant, row.segment):
                yield self._buckets.events, chunk

    def _pinned(self, number: int, pin: Pin) -> Iterator[bytes]:
        """Raw data that came before it was pinned; what comes later is written as it comes."""
        if not self._keeps_pins:
            return
        self._pins.append(pin)
        for segment in self._journal.segments_between(pin.infant, pin.onset_ns, pin.end_ns, upto_row=number):
            yield from self._exact(pin.infant, segment)

    def _exact(self, infant: str, segment: Segment) -> Iterator[bytes]:
        return imu_lines(segment, infant, self._gateway, self._utc.utc_ns(segment.t0_ns))

    def _lines(self, number: int, row: Row) -> Iterator[bytes]:
        if isinstance(row, ClockRow) and number > self._clock_upto:
            self._learn(number, row)
        if isinstance(row, Config):
            yield config_line(row, self._utc, self._zone, self._gateway)
        elif not isinstance(row, SegmentRow):
            yield from lines_of(row, self._utc, self._gateway)
        elif self._raw is Raw.FULL:
            segment = row.segment
            t0_ns, step_ns = self._times.place(number, row.infant, segment)
            utc_ns = self._utc.utc_ns(segment.t0_ns) - segment.t0_ns + t0_ns
            yield from imu_lines(segment, row.infant, self._gateway, utc_ns, step_ns)
        elif self._raw is Raw.THINNED:
            points = self._thinner.points(number, row)
            yield from thinned_lines(row, points.times_ns, points.values, self._utc, self._gateway)

    def _begin(self) -> bool:
        """Learn what rows before the reading's begin say: the time of day, and the grids of their window."""
        for number, row in self._rows_of("clock"):
            if number <= self._after_row or not self._utc:
                self._learn(number, row)
        self._pins = [
            pin for number, pin in self._rows_of("pin") if number <= self._after_row and self._keeps_pins
        ]
        after = window_of(self._after_row)
        while self._raw is Raw.FULL and after < self._after_row:
            page = self._journal.read(after, tables=("segment",))
            for number, packet in page:
                if number <= self._after_row and isinstance(packet, SegmentRow):
                    self._times.place(number, packet.infant, packet.segment)
            after = page[-1][0] if page else self._after_row
        self._begun = bool(self._utc)
        return self._begun

    def _learn(self, number: int, row: ClockRow) -> None:
        self._utc.add(row)
        self._zone = row.zone
        self._clock_upto = number

    def _rows_of(self, table: str) -> Iterator[tuple[int, Any]]:
        after = 0
        while page := self._journal.read(after, tables=(table,)):
            yield from page
            after = page[-1][0]


def _holds(pin: Pin, row: SegmentRow) -> bool:
    return pin.infant == row.infant and pin.onset_ns <= row.segment.t0_ns < pin.end_ns


class _Filling:
    """Chunks on their way into pieces, by bucket."""

    def __init__(self) -> None:
        self._chunks: dict[str, list[tuple[int, bytes]]] = {}

    def add(self, bucket: str, row: int, chunk: bytes) -> None:
        self._chunks.setdefault(bucket, []).append((row, chunk))

    def pieces(self, most_bytes: int) -> Iterator[Piece]:
        """One request for each bucket, more where a request would grow too large."""
        for bucket, chunks in self._chunks.items():
            piece, size = Piece(bucket, []), 0
            for row, chunk in chunks:
                if piece.chunks and size + len(chunk) > most_bytes:
                    yield piece
                    piece, size = Piece(bucket, []), 0
                piece.chunks.append((row, chunk))
                size += len(chunk) + 1
            yield piece
