"""The spine of the monitor: commit what arrived, detect on it, commit what was told.

It is synchronous and owns the journal's only writing connection; the monitor runs it in one worker thread.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from alerts.limits import table_of
from dsp.records import NS, Alert, ClockRow, Coverage, Output, Tick, Watching
from dsp.value import BadSnapshot
from store.earlier import EarlierPackets
from store.errors import JournalDamaged, JournalError
from store.journal import Carried, Journal
from store.rows import Fed, FedRow, LinkRow, Row, SegmentRow, fed_item
from store.salvage import salvage

from .detector import Detector, Told
from .link_causes import LinkBook, unaccounted
from .past import SNAPSHOT_EVERY_NS, JournalPast
from .rollover import Rollover
from .watch import Watch, config_of, watches_in

__all__ = ["LONGEST_PAUSE_NS", "Spine", "Taken"]

_log = logging.getLogger(__name__)

LONGEST_PAUSE_NS = 24 * 3600 * NS
"""A recording that stood still for longer has ended: what the rules remember goes back no further, and what was
open then is decided by what was seen then."""


@dataclass(slots=True)
class Taken:
    """What one batch led to; everything in it is durable."""

    told: dict[str, Told] = field(default_factory=dict)
    turned: ClockRow | None = None
    """the next night has begun, with this tie between data time and UTC"""


class Spine:
    """One journal, one detector for each infant. Call `begin` first, `close` at the end.

    Args:
        journal: open for writing; it is not closed here, but a night that follows it is.
        watches: how each infant's detector is set.
        rollover: says when the next night begins; without it everything goes into `journal`.
    """

    def __init__(
        self, journal: Journal, watches: Sequence[Watch], *, rollover: Rollover | None = None
    ) -> None:
        self._journal = journal
        self._given = journal
        self._rollover = rollover
        self._packets_before = EarlierPackets(journal.path)
        self._watches = {watch.infant: watch for watch in watches}
        self._detectors: dict[str, Detector] = {}
        self._pasts: dict[str, JournalPast] = {}
        self._due: dict[str, Told] = {}
        """told, but not committed yet because the journal could not take it"""
        self._fed_row = 0
        self._links = LinkBook()
        self._blocks: dict[str, list[Fed]] = {}
        """fed since the last tick of each infant"""

    def watermarks(self) -> dict[str, int]:
        """Data time up to which each infant's detector has decided; may be asked from any thread."""
        return {infant: detector.watermark_ns for infant, detector in list(self._detectors.items())}

    @property
    def journal(self) -> Journal:
        """The night that is being written."""
        return self._journal

    def begin(self, clock: ClockRow) -> Taken:
        """Commit the clock row and bring every detector to where the journal ends.

        A detector goes on from its newest snapshot and the rows after it; where the settings have changed
        since, the last recording was ended, or it stood still for too long, it begins anew from here.
        """
        taken = Taken()
        newest_ns = self._journal.newest_ns
        self._links = LinkBook(_link_rows(self._journal))
        self._note([] if newest_ns is None else self._links.silence(newest_ns))
        self._journal.commit([clock])
        first_clock = self._journal.clock_rows()[0]
        earlier = watches_in(self._journal)
        if newest_ns is not None and clock.t_ns - newest_ns > LONGEST_PAUSE_NS:
            self._end_earlier(taken, first_clock, earlier)
        for infant, watch in self._watches.items():
            row, last = earlier.get(infant, (0, None))
            if watch.continues(last):
                self._watches[infant] = watch = replace(watch, age_days=last.age_days if last else None)
            else:
                if last is not None and not last.ended:
                    self._journal.commit(_gap(self._journal, watch, clock.t_ns))
                row = self._journal.commit([config_of(watch, clock.t_ns)]).last_row
            self._set_up(watch, row, first_clock)
            self._catch_up(taken, infant, row)
        self._commit_told(taken)
        self._fed_row = self._journal.last_row
        return taken

    def take(self, rows: Sequence[Row]) -> Taken:
        """Commit `rows`, feed what the pipelines want of them in row order, commit what they tell.

        When this returns, the rows are durable (acknowledged). What was told is durable too, unless the journal
        could not take it any more; then it is committed, and returned, by a later call.

        When the next night has begun, they go into its file.

        Raises:
            JournalError: nothing of `rows` was committed.
        """
        taken = Taken(turned=self._turn_over())
        rows = [row for row in rows if not self._is_of_an_earlier_night(row)]
        try:
            result = self._journal.commit(rows)
        except JournalDamaged:
            self._mend()
            raise
        for number, row in zip(result.rows, rows, strict=True):
            if isinstance(row, LinkRow):
                self._links.note(row)
            elif number is not None and isinstance(row, SegmentRow | FedRow | Watching):
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
        for infant in self._watches:
            detector = self._detectors[infant]
            told = taken.told.setdefault(infant, Told())
            told.extend(detector.feed_block(self._blocks.pop(infant, [])))
            told.extend(detector.finish())
        self._commit_told(taken)
        ends = [
            config_of(replace(watch, ended=True), self._detectors[infant].watermark_ns)
            for infant, watch in self._watches.items()
        ]
        self._journal.commit(ends)
        return taken

    def attend(self, watch: Watch) -> None:
        """Detect on the rows of one more infant from here on, until `leave`: for the self-test.

        No restart goes on with it, and what comes late is not decided again.
        """
        self._detectors[watch.infant] = Detector(
            watch.infant, watch.sites, age_days=watch.age_days, clock=self._journal.clock_rows()[0],
            wording=watch.wording, table=table_of(watch.limits),
        )  # fmt: skip

    def leave(self, infant: str) -> None:
        """Let go of an infant that was attended; what was open is forgotten."""
        self._detectors.pop(infant, None)
        self._blocks.pop(infant, None)

    def close(self) -> None:
        """Close what was opened here."""
        self._packets_before.close()
        for past in self._pasts.values():
            past.close()
        if self._journal is not self._given:
            self._journal.close()

    def _set_up(self, watch: Watch, row: int, clock: ClockRow) -> None:
        """A detector that has seen nothing yet, set as row `row` of the journal says."""
        infant = watch.infant
        if infant in self._pasts:
            self._pasts[infant].close()
        self._pasts[infant] = past = JournalPast(self._journal, infant, row)
        self._detectors[infant] = Detector(
            infant, watch.sites, age_days=watch.age_days, clock=clock, past=past, wording=watch.wording,
            table=table_of(watch.limits),
        )  # fmt: skip

    def _end_earlier(self, taken: Taken, clock: ClockRow, earlier: dict[str, tuple[int, Watch]]) -> None:
        """Decide what was open when the recording stood still, and note that it ended then."""
        for infant, watch in self._watches.items():
            row, last = earlier.get(infant, (0, None))
            if last is None or not watch.continues(last):
                continue
            self._set_up(last, row, clock)
            self._catch_up(taken, infant, row)
            detector = self._detectors[infant]
            told = taken.told.setdefault(infant, Told())
            told.extend(detector.feed_block(self._blocks.pop(infant, [])))
            told.extend(detector.finish())
            self._commit_told(taken)
            ended = replace(last, ended=True)
            earlier[infant] = (
                self._journal.commit([config_of(ended, detector.watermark_ns)]).last_row,
                ended,
            )

    def _catch_up(self, taken: Taken, infant: str, since_row: int) -> None:
        snapshot = self._journal.newest_snapshot(infant)
        carried = self._journal.carried(infant)
        row, state = since_row, None
        if snapshot is not None and snapshot.row >= since_row:
            row, state = snapshot.row, snapshot.state
        elif carried is not None and carried.row > since_row:
            state = carried.state
        if state is not None:
            try:
                self._detectors[infant].restore(state)
            except BadSnapshot as error:
                row = since_row
                _log.warning("infant %s: %s; every row of the night is fed again", infant, error)
        for number, item in self._journal.items(infant, after_row=row):
            self._feed(taken, infant, item, number)

    def _is_of_an_earlier_night(self, row: Row) -> bool:
        """Whether the packet is durable already, in a file that is no longer written."""
        if not isinstance(row, SegmentRow):
            return False
        return self._packets_before.holds(row.packet.sensor, row.packet.boot, row.packet.seq)

    def _turn_over(self) -> ClockRow | None:
        """Go on in the file of the next night, when it is its time and nothing is half done; its first clock row."""
        turn = None if self._rollover is None else self._rollover.due(self._journal.path)
        if turn is None or self._due or any(self._blocks.values()):
            return None
        begun = self._journal.clock_rows()[0]
        for infant, watch in self._watches.items():
            self._watches[infant] = watch.aged(begun, turn.clock)
        rows: list[Row] = [turn.clock, *(config_of(w, turn.clock.t_ns) for w in self._watches.values())]
        rows += self._links.standing()
        carried = [self._carried(infant) for infant in self._watches]
        try:
            following = Journal.begin(turn.path, rows, carried)
        except JournalError as error:
            _log.error("the night's new file cannot be begun, the old one is written on: %s", error)
            return None
        self._journal.close()
        self._journal = following
        self._packets_before.close()
        self._packets_before = EarlierPackets(following.path)
        for state, (row, watch) in zip(carried, watches_in(following).values(), strict=True):
            self._set_up(watch, row, turn.clock)
            self._detectors[watch.infant].restore(state.state)
        self._fed_row = following.last_row
        _log.info("journal %s", following.path)
        return turn.clock

    def _carried(self, infant: str) -> Carried:
        detector, journal = self._detectors[infant], self._journal
        return Carried(
            infant, detector.watermark_ns, journal.path.name, journal.last_row, detector.snapshot()
        )

    def _note(self, rows: Sequence[LinkRow]) -> None:
        if rows:
            self._journal.commit(rows)
        for row in rows:
            self._links.note(row)

    def _mend(self) -> None:
        """Set a damaged file aside and go on in a new one that holds what can still be read of it."""
        path = self._journal.path
        self._journal.close()
        salvage(path)
        self._journal = Journal.open(path)
        for past in self._pasts.values():
            past.goes_on_in(self._journal)

    def _feed(self, taken: Taken, infant: str, item: Fed, row: int) -> None:
        """Collect what a tick closes, and let the detector decide on it together."""
        detector = self._detectors.get(infant)
        if detector is None:
            return
        block = self._blocks.setdefault(infant, [])
        block.append(item)
        if isinstance(item, Tick):
            self._blocks[infant] = []
            past = self._pasts.get(infant)
            if past is not None:
                past.upto_row = row
            told = detector.feed_block(block)
            if past is not None:
                past.told(told)
            taken.told.setdefault(infant, Told()).extend(told)

    def _commit_told(self, taken: Taken) -> None:
        """Commit what was told; what the journal had already (after a restart) is not told again.

        Alerts go first: whoever reads the journal in order then knows at what severity an event stands.
        """
        for infant, told in taken.told.items():
            self._due.setdefault(infant, Told()).extend(told)
        taken.told = {}
        for infant, told in list(self._due.items()):
            minutes = [self._links.explained(minute) for minute in told.coverage]
            records: list[Output | Coverage | Alert] = [*told.alerts, *told.outputs, *minutes]
            try:
                placed = self._journal.commit(records).rows if records else ()
            except JournalError as error:
                _log.error("what was told of infant %s waits: %s", infant, error)
                return
            del self._due[infant]
            if infant in self._pasts:
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
        for infant, past in self._pasts.items():
            t_ns = self._detectors[infant].watermark_ns
            try:
                # Counted from the last one of any start: a monitor that is ended every minute gets on all the same.
                kept_ns = past.newest_state_ns
                if not t_ns or (kept_ns and t_ns < kept_ns + every_ns):
                    continue
                self._journal.put_snapshot(infant, self._fed_row, t_ns, self._detectors[infant].snapshot())
                past.kept_state(t_ns)
            except JournalError as error:
                _log.warning("no snapshot of infant %s was kept: %s", infant, error)


def _link_rows(journal: Journal) -> Iterator[LinkRow]:
    after = 0
    while page := journal.read(after, tables=("link",)):
        yield from (row for _, row in page if isinstance(row, LinkRow))
        after = page[-1][0]


def _gap(journal: Journal, watch: Watch, now_ns: int) -> list[Coverage]:
    """Minutes between the last that an earlier detector told and a new one that begins now."""
    told = [minute.t_ns + minute.span_ns for minute in journal.coverage(watch.infant)]
    if not told or now_ns - max(told) > LONGEST_PAUSE_NS:
        return []
    return unaccounted(watch.infant, watch.sites, max(told), now_ns)
