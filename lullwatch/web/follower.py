"""Follows the newest night's journal row by row: what stands of the night, and the last minute of every sensor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from alerts.people import Person
from dsp.records import NS, Alert, Delivery, Watching
from store.journal import Journal
from store.rows import FedRow, Row, SegmentRow
from store.shelf import Shelf

from .tonight import TABLES, House, Tonight
from .traces import SHOWN_NS, Traces

__all__ = ["Follower", "Moment", "News"]

_RECENT_TICKS = 256
"""Rows looked through for the newest tick when a file is opened."""
_PAGE_ROWS = 1024
"""Rows of a night taken in at a time, for the same memory serves page after page."""
_BEFORE = ("alert", "delivery", "clock", "watching")
"""What still matters of the night before."""
_NIGHT_EVERY_S = 2.0
"""A new night is noticed so late; once a day."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a page is drawn from."""

    tonight: Tonight
    traces: Traces
    age_s: float | None
    """age of the newest sample; None before the first"""
    running_s: float | None
    """age of the monitor's last word, which it gives every second, samples or not; None before the first"""


@dataclass(slots=True)
class News:
    """What a look has brought."""

    rows: bool = False
    """something beyond samples and the passing of time"""
    urgent: bool = False
    """an alert, or an answer of a person"""
    anew: bool = False
    """a file was written anew, as when an infant is forgotten, or taken away: nothing that was read before holds"""


class Follower:
    """Reads what is new at each look. Not for several threads at once.

    Args:
        shelf: of the journals.
        people: of the settings.
        wall_ns: UTC now.
        now_s: a clock that never jumps.
    """

    def __init__(
        self,
        shelf: Shelf,
        people: Sequence[Person] = (),
        *,
        wall_ns: Callable[[], int] = time.time_ns,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shelf = shelf
        self._wall_ns = wall_ns
        self._now_s = now_s
        self._people = people
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.house = House(self._people)
        self._night: Path | None = None
        self._forms: dict[str, tuple[int, int]] = {}
        """of each night that was read: what changes when its file is written anew"""
        self._after = 0
        self._samples_after: int | None = None
        self._traces: dict[str, Traces] = {}
        self._moved: dict[str, tuple[int, float]] = {}
        """newest time of each infant's samples (of the ticks, under an empty name), and when it was seen to move"""
        self._looked_s = 0.0

    def look(self, *, samples: bool = False) -> News:
        """Read what was committed since the last look. Raises JournalError.

        Args:
            samples: whether the traces are wanted; they begin with the last minute when they were not before.
        """
        news = News()
        self._turn_night(news)
        if self._night is None:
            return news
        with self._shelf.opened(self._night.name) as journal:
            if not samples:
                self._samples_after, self._traces = None, {}
            elif self._samples_after is None:
                self._begin_traces(journal)
            if journal.last_row > self._after:
                self._read(journal, news, samples=samples)
            self._note("", self.house.now_ns)
            for infant in self.house.infants:
                traces = self._traces.get(infant)
                newest = traces.newest_ns if traces else journal.newest_sample_ns(infant)
                self._note(infant, newest or 0)
        return news

    def moment(self, infant: str) -> Moment:
        """How it stands, for one infant."""
        traces = self._traces.get(infant) or Traces()
        return Moment(self.house.of(infant), traces, self._age_s(infant), self._age_s(""))

    def traces(self) -> dict[str, Traces]:
        """Every infant's last minute."""
        return self._traces

    def _read(self, journal: Journal, news: News, *, samples: bool) -> None:
        tables = (*TABLES, "tick", "segment") if samples else (*TABLES, "tick")
        upto = journal.last_row
        while page := journal.read(self._after, tables=tables):
            for number, row in page:
                self._after = number
                if isinstance(row, SegmentRow):
                    if self._samples_after is not None and number > self._samples_after:
                        self._traces.setdefault(row.infant, Traces()).add(row.segment)
                    continue
                news.rows |= not isinstance(row, FedRow)
                news.urgent |= isinstance(row, Alert | Delivery | Watching)
                self.house.feed([row])
        self._after = max(self._after, upto)

    def _turn_night(self, news: News) -> None:
        """Go on in a newer file where there is one; begin with what still matters of the one before."""
        now_s = self._now_s()
        if self._night is not None and now_s - self._looked_s < _NIGHT_EVERY_S:
            return
        self._looked_s = now_s
        nights = self._shelf.nights()
        if any(self._form(name) != form for name, form in self._forms.items()):
            self._begin_anew()
            self._looked_s = now_s
            news.rows = news.urgent = news.anew = True
        if not nights or nights[-1] == self._night:
            return
        if self._night is None and len(nights) > 1:
            tables = TABLES if _evening(nights[-2]) == _evening(nights[-1]) else _BEFORE
            self._forms[nights[-2].name] = self._form(nights[-2].name)
            self.house.feed(self._rows(nights[-2], tables))
        elif self._night is not None:
            self._forms = {self._night.name: self._forms[self._night.name]}
        self._forms[nights[-1].name] = self._form(nights[-1].name)
        self._night, self._after, self._samples_after = nights[-1], 0, None
        with self._shelf.opened(self._night.name) as journal:
            upto = journal.last_row
            self.house.feed(self._rows(self._night, TABLES, upto))
            self.house.feed(row for _, row in journal.read(max(0, upto - _RECENT_TICKS), tables=("tick",)))
            self._after = upto
        self.house.begin_night()
        news.rows = news.urgent = True

    def _form(self, name: str) -> tuple[int, int]:
        try:
            inode = (self._shelf.folder / name).stat().st_ino
            with self._shelf.opened(name) as journal:
                return inode, journal.form
        except FileNotFoundError:
            return 0, 0

    def _rows(self, night: Path, tables: Sequence[str], upto: int | None = None) -> Iterator[Row]:
        after = 0
        while True:
            with self._shelf.opened(night.name) as journal:
                page = journal.read(after, limit=_PAGE_ROWS, tables=tables)
            if not page:
                return
            for number, row in page:
                if upto is not None and number > upto:
                    return
                yield row
            after = page[-1][0]

    def _begin_traces(self, journal: Journal) -> None:
        self._traces = {}
        self._samples_after = max(self._after, journal.last_row)
        for infant in self.house.infants:
            newest_ns = journal.newest_sample_ns(infant)
            if newest_ns is None:
                continue
            traces = self._traces.setdefault(infant, Traces())
            for segment in journal.segments_between(
                infant, newest_ns - SHOWN_NS, newest_ns + 1, upto_row=self._samples_after
            ):
                traces.add(segment)

    def _note(self, of: str, newest_ns: int) -> None:
        if of not in self._moved:
            self._moved[of] = (newest_ns, self._now_s() - self._untouched_s())
        elif newest_ns > self._moved[of][0]:
            self._moved[of] = (newest_ns, self._now_s())

    def _untouched_s(self) -> float:
        """How long ago the night's file was written to, for what was not seen to move yet."""
        assert self._night is not None  # noqa: S101 - narrows the type; there is a night where there is a time
        written = [p.stat().st_mtime_ns for p in (self._night, Path(f"{self._night}-wal")) if p.exists()]
        return max(0.0, (self._wall_ns() - max(written, default=0)) / NS)

    def _age_s(self, of: str) -> float | None:
        """How old the newest is: by UTC, or since it was seen to move, whichever is more.

        A simulated night that runs faster than time is ahead of UTC; that it stands still shows all the same.
        """
        newest_ns, seen_s = self._moved.get(of, (0, 0.0))
        if not newest_ns or not self.house.utc:
            return None
        by_utc_s = (self._wall_ns() - self.house.utc.utc_ns(newest_ns)) / NS
        return max(by_utc_s, self._now_s() - seen_s, 0.0)


def _evening(path: Path) -> str:
    return path.name[: len("journal-YYYY-MM-DD")]
