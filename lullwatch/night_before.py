"""The night before this one, as far as a detector that went on from it looks back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from dsp.records import Context, Coverage, Epoch, Event, Output, Segment, StateEpoch
from store.errors import JournalBusy, JournalError, JournalFailing
from store.journal import Carried, Journal
from store.passing_over import AGAIN_S

from .watch import newest_watch

__all__ = ["NightBefore", "told_between", "within"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_UNREADABLE = (JournalError, ValueError, TypeError, LookupError, AttributeError, msgspec.MsgspecError)
"""What a file raises that cannot be opened, a page of it that is damaged, or a row that means nothing any more."""


class NightBefore:
    """What an infant's detector was fed and told in the file it came from. It is opened when it is first asked.

    A night that is gone, or whose raw data is, or that cannot be read, has nothing to give: what reaches back into it
    is decided from where this night begins.
    """

    def __init__(self, path: Path, infant: str, upto_row: int) -> None:
        self._path = path
        self._infant = infant
        self._upto_row = upto_row
        self._since_row = 0
        self._journal: Journal | None = None
        self._is_gone = False
        """it cannot be read: nobody asks it again"""
        self._unspoilt_ns: int | None = None
        """states behind this still lie in the file, which could not be written then"""
        self._spoil_again_s = 0.0
        self._good_ns = 2**63 - 1
        """states behind this had decided what came late"""

    @classmethod
    def of(cls, journal: Journal, carried: Carried | None) -> NightBefore | None:
        """The night that the detector of `journal` goes on from that began with `carried`.

        None where it began anew, or where that night's file is gone.
        """
        if carried is None or not carried.night:
            return None
        path = journal.path.with_name(carried.night)
        return cls(path, carried.infant, carried.upto_row) if path.exists() else None

    @property
    def begins_ns(self) -> int | None:
        """Time of its earliest sample."""
        return self._asked(lambda night: night.first_sample_ns(self._infant, after_row=self._since_row), None)

    def age_days(self, otherwise: int | None) -> int | None:
        """How old the infant was taken to be in it; `otherwise` where it cannot say."""

        def age(night: Journal) -> int | None:
            _, watch = newest_watch(night, self._infant)
            return None if watch is None else watch.age_days

        return self._asked(age, otherwise)

    def state_before(self, t_ns: int) -> bytes | None:
        """The newest snapshot that had decided nothing behind `t_ns`."""
        upto_ns = min(t_ns + 1, self._good_ns)
        found = self._asked(lambda night: night.newest_snapshot(self._infant, before_ns=upto_ns), None)
        return found.state if found is not None and found.row >= self._since_row else None

    def segments(self, onset_ns: int, end_ns: int) -> list[Segment]:
        """Segments that begin in the span, in the order of time."""

        def segments(night: Journal) -> list[Segment]:
            return night.segments_between(
                self._infant, onset_ns, end_ns, after_row=self._since_row, upto_row=self._upto_row
            )

        return self._asked(segments, [])

    def told_between(self, after_ns: int, until_ns: int) -> list[Output | Coverage]:
        """What was told of times behind `after_ns` and not behind `until_ns`, in the order it was told."""
        return self._asked(lambda night: told_between(night, self._infant, after_ns, until_ns), [])

    def spoil(self, t_ns: int, *, on_disk: bool) -> None:
        """States that had decided anything behind `t_ns` are not gone back to any more."""
        self._good_ns = min(self._good_ns, t_ns + 1)
        if on_disk:
            self._unspoilt_ns = t_ns if self._unspoilt_ns is None else min(t_ns, self._unspoilt_ns)
            self._spoil_on_disk()

    def close(self) -> None:
        """Close the file."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _asked(self, question: Callable[[Journal], _T], otherwise: _T) -> _T:
        """What it answers; `otherwise` once it cannot be read: an old night keeps nobody from watching tonight."""
        self._spoil_on_disk()
        if self._is_gone:
            return otherwise
        try:
            return question(self._opened())
        except _UNREADABLE as error:
            _log.error("what came late is decided without the night before: %s", error)
            self._is_gone = not isinstance(error, JournalBusy | JournalFailing)  # these pass
            self.close()
            return otherwise

    def _spoil_on_disk(self) -> None:
        """Take the states out that a later start must not go back to; where that fails it is tried again."""
        if self._unspoilt_ns is None or self._is_gone or time.monotonic() < self._spoil_again_s:
            return
        self._spoil_again_s = time.monotonic() + AGAIN_S
        try:
            with Journal.amend(self._path) as journal:
                journal.drop_snapshots(self._infant, behind_ns=self._unspoilt_ns)
        except JournalError as error:
            _log.error("states of the night before that are outdated stay in it for now: %s", error)
        else:
            self._unspoilt_ns, self._spoil_again_s = None, 0.0

    def _opened(self) -> Journal:
        if self._journal is None:
            self._journal = Journal.read_only(self._path)
            self._since_row, _ = newest_watch(self._journal, self._infant)
        return self._journal


def told_between(journal: Journal, infant: str, after_ns: int, until_ns: int) -> list[Output | Coverage]:
    """What a journal holds of times behind `after_ns` and not behind `until_ns`, in the order it was told."""
    return within(journal.told_since(infant, after_ns, until_ns), after_ns, until_ns)


def within(rows: Iterable[Output | Coverage], after_ns: int, until_ns: int) -> list[Output | Coverage]:
    """Those that could be told behind `after_ns` and not behind `until_ns`."""
    return [row for row in rows if after_ns < _told_ns(row) <= until_ns]


def _told_ns(row: Output | Coverage) -> int:
    if isinstance(row, Event):
        return row.told_ns
    if isinstance(row, Epoch | StateEpoch | Coverage):
        return row.t_ns + row.span_ns
    assert isinstance(row, Context)  # noqa: S101 - narrows the type; nothing else is told
    return row.end_ns
