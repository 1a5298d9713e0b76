"""The spine of the monitor: commit what arrived, detect on it, commit what was told.

It is synchronous and owns the journal's only writing connection; the monitor runs it in one worker thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dsp.records import NS, Alert, Coverage, Item, Output
from store.journal import Journal
from store.rows import FedRow, Row, SegmentRow

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

    def resume(self) -> Taken:
        """Bring every detector to where the journal ends: its newest snapshot, then the rows after it."""
        taken = Taken()
        for infant, detector in self._detectors.items():
            snapshot = self._journal.newest_snapshot(infant)
            if snapshot is not None:
                detector.restore(snapshot.state)
            for _, item in self._journal.items(infant, after_row=snapshot.row if snapshot else 0):
                self._feed(taken, infant, item)
        self._commit_told(taken)
        return taken

    def take(self, rows: Sequence[Row]) -> Taken:
        """Commit `rows`, feed what the pipelines want of them in row order, commit what they tell.

        When this returns, the rows are durable (acknowledged) and so is everything told about them.
        """
        result = self._journal.commit(rows)
        taken = Taken(ignored=result.ignored)
        for number, row in zip(result.rows, rows, strict=True):
            if number is None:
                continue
            if isinstance(row, SegmentRow):
                self._feed(taken, row.infant, row.segment)
            elif isinstance(row, FedRow):
                self._feed(taken, row.infant, row.item)
        self._commit_told(taken)
        self._snapshot(result.last_row)
        return taken

    def finish(self) -> Taken:
        """End of the recording: decide and commit what is still open."""
        taken = Taken(told={name: detector.finish() for name, detector in self._detectors.items()})
        self._commit_told(taken)
        return taken

    def _feed(self, taken: Taken, infant: str, item: Item) -> None:
        detector = self._detectors.get(infant)
        if detector is not None:
            taken.told.setdefault(infant, Told()).extend(detector.feed(item))

    def _commit_told(self, taken: Taken) -> None:
        """Commit what was told; what the journal had already (after a restart) is not told again.

        Alerts go first: whoever reads the journal in order then knows at what severity an event stands.
        """
        for told in taken.told.values():
            records: list[Output | Coverage | Alert] = [*told.alerts, *told.outputs, *told.coverage]
            if not records:
                continue
            placed = self._journal.commit(records).rows
            fresh = [r for r, row in zip(records, placed, strict=True) if row is not None]
            told.alerts = [r for r in fresh if isinstance(r, Alert)]
            told.coverage = [r for r in fresh if isinstance(r, Coverage)]
            told.outputs = [r for r in fresh if not isinstance(r, Alert | Coverage)]

    def _snapshot(self, row: int) -> None:
        for infant, detector in self._detectors.items():
            t_ns = detector.watermark_ns
            due_ns = self._snapshot_ns.setdefault(infant, t_ns) + SNAPSHOT_EVERY_NS
            if t_ns >= due_ns:
                self._journal.put_snapshot(infant, row, t_ns, detector.snapshot())
                self._snapshot_ns[infant] = t_ns
