"""The night before this one, as far as a detector that went on from it looks back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dsp.records import Context, Coverage, Epoch, Event, Output, Segment, StateEpoch
from store.journal import Journal

from .watch import newest_watch

__all__ = ["NightBefore", "told_between", "within"]


class NightBefore:
    """What an infant's detector was fed and told in the file it came from. It is opened when it is first asked.

    A night that is gone, or whose raw data is, has nothing to give: what reaches back into it is decided from
    where this night begins.
    """

    def __init__(self, path: Path, infant: str, upto_row: int) -> None:
        self._path = path
        self._infant = infant
        self._upto_row = upto_row
        self._since_row = 0
        self._journal: Journal | None = None
        self._good_ns = 2**63 - 1
        """states behind this had decided what came late"""

    @classmethod
    def of(cls, journal: Journal, infant: str, since_row: int) -> NightBefore | None:
        """The night that the detector set in row `since_row` of `journal` goes on from.

        None where it began anew, or where that night's file is gone.
        """
        carried = journal.carried(infant)
        if carried is None or carried.row < since_row:
            return None
        path = journal.path.with_name(carried.night)
        return cls(path, infant, carried.upto_row) if path.exists() else None

    @property
    def begins_ns(self) -> int | None:
        """Time of its earliest sample."""
        journal = self._opened()
        return journal.first_sample_ns(self._infant, after_row=self._since_row)

    @property
    def age_days(self) -> int | None:
        """How old the infant was taken to be in it."""
        _, watch = newest_watch(self._opened(), self._infant)
        return None if watch is None else watch.age_days

    def state_before(self, t_ns: int) -> bytes | None:
        """The newest snapshot that had decided nothing behind `t_ns`."""
        found = self._opened().newest_snapshot(self._infant, before_ns=min(t_ns + 1, self._good_ns))
        return found.state if found is not None and found.row >= self._since_row else None

    def segments(self, onset_ns: int, end_ns: int) -> list[Segment]:
        """Segments that begin in the span, in the order of time."""
        return self._opened().segments_between(
            self._infant, onset_ns, end_ns, after_row=self._since_row, upto_row=self._upto_row
        )

    def told_between(self, after_ns: int, until_ns: int) -> list[Output | Coverage]:
        """What was told of times behind `after_ns` and not behind `until_ns`, in the order it was told."""
        return told_between(self._opened(), self._infant, after_ns, until_ns)

    def spoil(self, t_ns: int, *, on_disk: bool) -> None:
        """States that had decided anything behind `t_ns` are not gone back to any more."""
        self._good_ns = min(self._good_ns, t_ns + 1)
        if on_disk:
            with Journal.amend(self._path) as journal:
                journal.drop_snapshots(self._infant, behind_ns=t_ns)

    def close(self) -> None:
        """Close the file."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

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
