"""The spine of the monitor: commit what arrived, detect on it, commit what was told.

It is synchronous and owns the journal's only writing connection; the monitor runs it in one worker thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dsp.records import NS, Alert, Cutoff, Item, Segment, Tick
from store.journal import Journal
from store.rows import FedRow, Row, SegmentRow, ToldRow

from .detector import Detector, Told

__all__ = ["Spine", "Taken"]

SNAPSHOT_EVERY_NS = 60 * NS
"""Data time between two snapshots of a detector: a restart feeds at most this much again."""


@dataclass(slots=True)
class Taken:
    """What one batch led to; everything in it is durable."""

    told: dict[str, Told] = field(default_factory=dict)
    ignored: int = 0
    """rows that were there already"""

    @property
    def alerts(self) -> list[Alert]:
        """Alerts of every infant."""
        return [alert for told in self.told.values() for alert in told.alerts]


class Spine:
    """One journal, one detector for each infant."""

    def __init__(self, journal: Journal, detectors: Sequence[Detector]) -> None:
        self._journal = journal
        self._detectors = {detector.infant: detector for detector in detectors}
        self._snapshot_ns: dict[str, int] = {}

    def take(self, rows: Sequence[Row]) -> Taken:
        """Commit `rows`, feed what the pipelines want of them in row order, commit what they tell.

        When this returns, the rows are durable (acknowledged) and so is everything told about them.
        """
        result = self._journal.commit(rows)
        taken = Taken(ignored=result.ignored)
        for row in result.fed:
            item = _item(row)
            told = self._detectors[row.infant].feed(item)
            taken.told.setdefault(row.infant, Told()).extend(told)
        self._commit_told(taken)
        return taken

    def finish(self) -> Taken:
        """End of the recording: decide and commit what is still open."""
        taken = Taken(told={name: detector.finish() for name, detector in self._detectors.items()})
        self._commit_told(taken)
        return taken

    def _commit_told(self, taken: Taken) -> None:
        rows: list[Row] = [
            ToldRow(infant, record)
            for infant, told in taken.told.items()
            for record in (*told.outputs, *told.coverage, *told.alerts)
        ]
        if rows:
            self._journal.commit(rows)


def _item(row: SegmentRow | FedRow) -> Item:
    item: Segment | Tick | Cutoff = row.segment if isinstance(row, SegmentRow) else row.item
    return item
