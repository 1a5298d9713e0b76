"""The spine of the monitor: commit what arrived, detect on it, commit what was told.

It is synchronous and owns the journal's only writing connection; the monitor runs it in one worker thread.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dsp.records import Alert, ClockRow, Config, Coverage, Item, Output, Tick
from dsp.value import BadSnapshot
from store.errors import JournalError
from store.journal import Journal
from store.rows import FedRow, Row, SegmentRow, fed_item

from .detector import Detector, Told
from .past import SNAPSHOT_EVERY_NS, JournalPast
from .watch import Watch, config_of, watch_of

__all__ = ["Spine", "Taken"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Taken:
    """What one batch led to; everything in it is durable."""

    told: dict[str, Told] = field(default_factory=dict)


class Spine:
    """One journal, one detector for each infant. Call `begin` first."""

    def __init__(self, journal: Journal, watches: Sequence[Watch]) -> None:
        self._journal = journal
        self._watches = {watch.infant: watch for watch in watches}
        self._detectors: dict[str, Detector] = {}
        self._pasts: dict[str, JournalPast] = {}
        self._snapshot_ns: dict[str, int] = {}
        self._due: dict[str, Told] = {}
        """told, but not committed yet because the journal could not take it"""
        self._fed_row = 0
        self._blocks: dict[str, list[Item]] = {}
        """fed since the last tick of each infant"""

    def begin(self, clock: ClockRow) -> Taken:
        """Commit the clock row and bring every detector to where the journal ends.

        A detector goes on from its newest snapshot and the rows after it; where the settings have changed
        since, or the last recording was ended, it begins anew from here.
        """
        self._journal.commit([clock])
        first_clock = self._journal.clock_rows()[0]
        earlier = self._earlier()
        taken = Taken()
        for infant, watch in self._watches.items():
            row, last = earlier.get(infant, (0, None))
            if watch.continues(last):
                self._watches[infant] = watch = replace(watch, age_days=last.age_days if last else None)
            else:
                row = self._journal.commit([config_of(watch, clock.t_ns)]).last_row
            self._pasts[infant] = JournalPast(self._journal, infant, row)
            self._detectors[infant] = self._detector(watch, first_clock)
            self._catch_up(taken, infant, row)
        self._commit_told(taken)
        self._fed_row = self._journal.last_row
        return taken

    def take(self, rows: Sequence[Row]) -> Taken:
        """Commit `rows`, feed what the pipelines want of them in row order, commit what they tell.

        When this returns, the rows are durable (acknowledged). What was told is durable too, unless the journal
        could not take it any more; then it is committed, and returned, by a later call.

        Raises:
            JournalError: nothing of `rows` was committed.
        """
        result = self._journal.commit(rows)
        taken = Taken()
        for number, row in zip(result.rows, rows, strict=True):
            if number is not None and isinstance(row, SegmentRow | FedRow):
                self._feed(taken, row.infant, fed_item(row), number)
        self._fed_row = result.last_row
        self._commit_told(taken)
        self._snapshots(SNAPSHOT_EVERY_NS)
        return taken

    def pause(self) -> None:
        """The program stops, the recording does not end: keep every detector's state for the next start."""
        self._snapshots(1)

    def finish(self) -> Taken:
        """End of the recording: decide and commit what is still open, and that it ended."""
        taken = Taken()
        for infant, detector in self._detectors.items():
            told = taken.told.setdefault(infant, Told())
            told.extend(detector.feed_block(self._blocks.pop(infant, [])))
            told.extend(detector.finish())
        self._commit_told(taken)
        ends = [
            config_of(replace(self._watches[infant], ended=True), detector.watermark_ns)
            for infant, detector in self._detectors.items()
        ]
        self._journal.commit(ends)
        return taken

    def _earlier(self) -> dict[str, tuple[int, Watch]]:
        """The newest watch of each infant in the journal, with its row."""
        found: dict[str, tuple[int, Watch]] = {}
        after = 0
        while page := self._journal.read(after, tables=("config",)):
            for row, record in page:
                if isinstance(record, Config):
                    watch = watch_of(record)
                    found[watch.infant] = (row, watch)
            after = page[-1][0]
        return found

    def _detector(self, watch: Watch, clock: ClockRow) -> Detector:
        past = self._pasts[watch.infant]
        return Detector(
            watch.infant, watch.sites, age_days=watch.age_days, clock=clock, past=past, wording=watch.wording
        )

    def _catch_up(self, taken: Taken, infant: str, since_row: int) -> None:
        snapshot = self._journal.newest_snapshot(infant)
        row = since_row
        if snapshot is not None and snapshot.row > since_row:
            try:
                self._detectors[infant].restore(snapshot.state)
                row = snapshot.row
            except BadSnapshot as error:
                _log.warning("infant %s: %s; every row of the night is fed again", infant, error)
        for number, item in self._journal.items(infant, after_row=row):
            self._feed(taken, infant, item, number)

    def _feed(self, taken: Taken, infant: str, item: Item, row: int) -> None:
        """Collect what a tick closes, and let the detector decide on it together."""
        detector = self._detectors.get(infant)
        if detector is None:
            return
        block = self._blocks.setdefault(infant, [])
        block.append(item)
        if isinstance(item, Tick):
            self._blocks[infant] = []
            self._pasts[infant].upto_row = row
            told = detector.feed_block(block)
            self._pasts[infant].told(told)
            taken.told.setdefault(infant, Told()).extend(told)

    def _commit_told(self, taken: Taken) -> None:
        """Commit what was told; what the journal had already (after a restart) is not told again.

        Alerts go first: whoever reads the journal in order then knows at what severity an event stands.
        """
        for infant, told in taken.told.items():
            self._due.setdefault(infant, Told()).extend(told)
        taken.told = {}
        for infant, told in list(self._due.items()):
            records: list[Output | Coverage | Alert] = [*told.alerts, *told.outputs, *told.coverage]
            try:
                placed = self._journal.commit(records).rows if records else ()
            except JournalError as error:
                _log.error("what was told of infant %s waits: %s", infant, error)
                return
            del self._due[infant]
            self._pasts[infant].committed()
            fresh = [r for r, row in zip(records, placed, strict=True) if row is not None]
            taken.told[infant] = Told(
                outputs=[r for r in fresh if not isinstance(r, Alert | Coverage)],
                coverage=[r for r in fresh if isinstance(r, Coverage)],
                alerts=[r for r in fresh if isinstance(r, Alert)],
            )

    def _snapshots(self, every_ns: int) -> None:
        if self._due or any(self._blocks.values()):
            return  # words that are not committed, or rows that are not decided on, would be missing after a restart
        for infant, detector in self._detectors.items():
            t_ns = detector.watermark_ns
            if t_ns < self._snapshot_ns.setdefault(infant, t_ns) + every_ns:
                continue
            try:
                self._journal.put_snapshot(infant, self._fed_row, t_ns, detector.snapshot())
                self._snapshot_ns[infant] = t_ns
            except JournalError as error:
                _log.warning("no snapshot of infant %s was kept: %s", infant, error)
