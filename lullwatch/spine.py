"""The spine of the monitor: commit what arrived, detect on it, commit what was told.

It is synchronous and owns the journal's only writing connection. Keeping and deciding are two steps, which the
monitor runs in a thread each: what arrives is durable at once, however long it takes to decide on it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from alerts.limits import table_of
from dsp.records import ClockRow, Tick
from dsp.value import BadSnapshot
from store.earlier import EarlierPackets
from store.errors import JournalDamaged, JournalError, JournalFailing
from store.journal import Carried, Journal
from store.rows import Fed, LinkRow, Row, fed_item
from store.salvage import salvage
from store.utc import UtcMap

from .batches import Behind, Deciding, Kept, Taken
from .detector import Detector
from .link_causes import LONGEST_PAUSE_NS, LinkBook, gap_after
from .past import SNAPSHOT_EVERY_NS, JournalPast
from .rollover import Rollover, Turn
from .states import States
from .telling import Telling
from .watch import Watch, config_of, set_at_ns, watches_in

__all__ = ["Kept", "Spine", "Taken"]

_log = logging.getLogger(__name__)

_STEP_S = 0.25
"""Catching up comes up for air so often: for whoever asks whether the detectors live, and for a stop."""
_MEND_AGAIN_S = 5.0
"""Real time between two tries to mend a file: each reads all of it, and wants room for a second one."""
_HELD_ROWS = 400
"""Held in memory until they are decided on, some 1 MB: twenty seconds of three sensors. What waits beyond that is read
from the journal when its turn comes, so that memory stays flat however far deciding is behind."""


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
        self._aged_at: dict[str, int] = {}
        """UTC at which each infant was as old as its watch says"""
        self._detectors: dict[str, Detector] = {}
        self._pasts: dict[str, JournalPast] = {}
        self._telling = Telling()
        self._states = States()
        self._behind: deque[Behind] = deque()
        self._undecided = 0
        self._held = 0
        """rows of batches that wait to be decided on and are held in memory"""
        self._let_go = False
        """no more is decided, the next start does it"""
        self._broken = False
        """deciding ended half way: states are not to be kept any more"""
        self._mend_again_s: float | None = None
        """a mending of the night's file failed and is not tried again before this; the file is closed meanwhile"""
        self._is_salvaged = False
        """it only waits to be opened again"""
        self._turned: ClockRow | None = None
        """the next night has begun, and no batch that was kept has said so"""
        self._deciding = threading.RLock()
        self._counting = threading.Lock()
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

    @property
    def is_unmended(self) -> bool:
        """Whether the night's file is damaged and could not be mended yet: it is tried again with later batches."""
        return self._mend_again_s is not None

    @property
    def may_be_asked_again(self) -> bool:
        """Whether deciding was refused only because the file waits to be mended: nothing has changed then."""
        return self.is_unmended and not self._broken

    @property
    def behind(self) -> bool:
        """Whether a detector has not come to where the journal ended at the start; see `catch_up`."""
        return bool(self._behind) and not self._let_go

    def begin(self, clock: ClockRow, *, wait: bool = True) -> Taken:
        """Commit the clock row and bring every detector to where the journal ends.

        A detector goes on from its newest snapshot and the rows after it; where the settings have changed
        since, the last recording was ended, or it stood still for too long, it begins anew from here.

        Without `wait` the rows after the snapshots are still to be fed, by `catch_up`, before `decide` is called.
        """
        taken = Taken()
        newest_ns = self._journal.newest_ns
        self._links = LinkBook.of(self._journal)
        self._note([] if newest_ns is None else self._links.silence(newest_ns))
        self._journal.commit([clock])
        first_clock = self._journal.clock_rows()[0]
        earlier = watches_in(self._journal)
        utc = UtcMap(self._journal.clock_rows())
        self._aged_at = {infant: utc.utc_ns(t_ns) for infant, t_ns in set_at_ns(self._journal).items()}
        if newest_ns is not None and clock.t_ns - newest_ns > LONGEST_PAUSE_NS:
            self._end_earlier(taken, first_clock, earlier)
        for infant, watch in self._watches.items():
            row, last = earlier.get(infant, (0, None))
            if last is not None:
                self._watches[infant] = watch = watch.of_age_after(last, self._aged_at[infant], clock)
            if watch != last:
                self._aged_at[infant] = clock.utc_ns
                if last is not None and not last.ended:
                    self._journal.commit(gap_after(self._journal, watch.infant, watch.sites, clock.t_ns))
                row = self._journal.commit([config_of(watch, clock.t_ns)]).last_row
            self._set_up(watch, row, first_clock)
            self._remember(infant, row)
            self._restore(infant, row)
        while wait and self._behind:
            for infant, told in self.catch_up().told.items():
                taken.tell(infant, told)
        return taken

    def catch_up(self) -> Taken:
        """Feed the detectors a part of what they have to be fed before anything that comes now.

        Raises:
            JournalError: see `at_hand`; elsewhere deciding has failed for good.
        """
        with self._deciding:
            if self.is_unmended:
                raise _unmended(self._journal.path)
            return self._catch_up()

    def _catch_up(self) -> Taken:
        with self._all_or_broken():
            taken, until_s = Taken(), time.thread_time() + _STEP_S
            while self.behind and time.thread_time() < until_s:
                behind = self._behind[0]
                if (following := next(behind.items, None)) is None:
                    self._behind.popleft()
                    continue
                behind.after_row, item = following
                self._feed(taken, behind.infant, item, behind.after_row)
                if self._states.much_was_spent(behind.infant):
                    self._commit_told(taken)
                    self._snapshots()
            self._commit_told(taken)
            return taken

    def let_go(self) -> None:
        """The program stops while detectors are behind: decide on nothing more, the next start does."""
        self._let_go = self._let_go or bool(self._behind)

    def take(self, rows: Sequence[Row]) -> Taken:
        """Commit `rows`, feed what the pipelines want of them in row order, commit what they tell.

        When this returns, the rows are durable (acknowledged). What was told is durable too, unless the journal
        could not take it any more; then it is committed, and returned, by a later call.

        When the next night has begun, they go into its file.

        Raises:
            JournalError: nothing of `rows` was committed.
        """
        return self.decide(self.keep(rows))

    def keep(self, rows: Sequence[Row]) -> Kept:
        """The first half of `take`: when this returns, the rows are durable (acknowledged).

        Raises:
            JournalError: nothing of `rows` was committed.
        """
        if self._telling.damaged:
            self._mend()
        self._turned = self._turn_over() or self._turned
        rows = self._packets_before.new_among(rows)
        try:
            result = self._journal.commit(rows)
        except JournalDamaged:
            self._mend()
            raise
        numbered = tuple(
            (number, row)
            for number, row in zip(result.rows, rows, strict=True)
            if number is not None and isinstance(row, Deciding)
        )
        turned, self._turned = self._turned, None
        if self._held < _HELD_ROWS or not numbered:
            kept = Kept(numbered, result.last_row, turned=turned)
        else:
            kept = Kept((), result.last_row, len(numbered), numbered[0][0], turned)
        self._count(1, len(kept.held))
        return kept

    def decide(self, kept: Kept) -> Taken:
        """The second half of `take`. Batches are decided on in the order in which they were kept.

        Raises:
            JournalError: see `at_hand`, when the journal holds its rows; elsewhere deciding has failed for good.
        """
        with self._deciding:  # nothing is mended between reading and deciding
            return self._decide(self.at_hand(kept))

    def _decide(self, kept: Kept) -> Taken:
        taken = Taken(turned=kept.turned, live=True)
        with self._all_or_broken():
            if not self._let_go:
                for number, row in kept.held:
                    if isinstance(row, LinkRow):
                        self._links.note(row)
                    else:
                        self._feed(taken, row.infant, fed_item(row), number)
                self._states.fed_rows |= {i: kept.last_row for i in self._watches if not self._blocks.get(i)}
                self._commit_told(taken)
                self._snapshots()
            self._count(-1, -len(kept.held))
        return taken

    def at_hand(self, kept: Kept) -> Kept:
        """The batch with the rows that were left to the journal.

        Raises:
            JournalError: they cannot be read now; nothing has changed, and it may be asked again.
        """
        if self._let_go:
            return kept  # nothing is decided on any more
        with self._deciding:  # a mending is waited for
            if self.is_unmended:
                raise _unmended(self._journal.path)
            if not kept.left:
                return kept
            held = tuple(kept.rows(self._journal))
        if len(held) < kept.left:
            gone = kept.left - len(held)
            _log.warning("%d rows that waited are gone from the journal and are not decided on", gone)
        self._count(0, len(held))
        return Kept(held, kept.last_row, turned=kept.turned)

    def pause(self) -> None:
        """The program stops, the recording does not end: keep every detector's state for the next start."""
        with self._deciding:
            self._snapshots(1)

    def finish(self) -> Taken:
        """End of the recording: decide and commit what is still open, and that it ended."""
        taken = Taken()
        for infant in self._watches:
            detector = self._detectors[infant]
            taken.tell(infant, detector.feed_block(self._blocks.pop(infant, [])))
            taken.tell(infant, detector.finish())
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
        with self._deciding:
            self._detectors[watch.infant] = Detector(
                watch.infant, watch.sites, age_days=watch.age_days, clock=self._journal.clock_rows()[0],
                wording=watch.wording, table=table_of(watch.limits),
            )  # fmt: skip

    def leave(self, infant: str) -> None:
        """Let go of an infant that was attended; what was open is forgotten."""
        with self._deciding:
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
            self._restore(infant, row)
            for number, item in self._behind.pop().items:
                self._feed(taken, infant, item, number)
            detector = self._detectors[infant]
            taken.tell(infant, detector.feed_block(self._blocks.pop(infant, [])))
            taken.tell(infant, detector.finish())
            self._commit_told(taken)
            ended = replace(last, ended=True)
            earlier[infant] = (
                self._journal.commit([config_of(ended, detector.watermark_ns)]).last_row,
                ended,
            )

    def _remember(self, infant: str, since_row: int) -> None:
        """Let a detector that begins anew within a night know what was told before it, and a replay as well."""
        before = self._journal.newest_snapshot(infant)
        if before is None or before.row >= since_row:
            return
        try:
            self._detectors[infant].remember(before.state)
        except BadSnapshot as error:
            _log.warning("infant %s: %s; what was told before this start is not known to it", infant, error)
        else:
            self._journal.carry([Carried(infant, 0, "", 0, self._detectors[infant].snapshot())])

    def _restore(self, infant: str, since_row: int) -> None:
        """Bring a detector to its newest snapshot; what it has to be fed from there is noted as behind."""
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
        self._states.fed_rows[infant] = row
        upto_row = self._journal.last_row
        items = self._journal.items(infant, after_row=row, upto_row=upto_row)
        self._behind.append(Behind(infant, row, upto_row, items))

    def _turn_over(self) -> ClockRow | None:
        """Go on in the file of the next night, when it is its time and nothing is half done; its first clock row."""
        # Rest comes first: a night that is due is not named again for a minute.
        if self._rollover is None or not self._is_at_rest():
            return None
        turn = self._rollover.due(self._journal.path)
        if turn is None or not self._states_are_sound():
            return None
        with self._deciding:
            return self._turn(turn)

    def _turn(self, turn: Turn) -> ClockRow | None:
        now_utc_ns = turn.clock.utc_ns
        older = {i: watch.aged(self._aged_at[i], now_utc_ns) for i, watch in self._watches.items()}
        rows: list[Row] = [turn.clock, *(config_of(watch, turn.clock.t_ns) for watch in older.values())]
        rows += self._links.standing()
        carried = [self._carried(infant) for infant in self._watches]
        try:
            packets_before = EarlierPackets(turn.path)
            following = Journal.begin(turn.path, rows, carried)
        except (JournalError, OSError) as error:
            _log.error("the night's new file cannot be begun, the old one is written on: %s", error)
            return None
        self._journal.close()
        self._journal = following
        self._watches, self._aged_at = older, dict.fromkeys(older, now_utc_ns)
        self._packets_before.close()
        self._packets_before = packets_before
        for state, (row, watch) in zip(carried, watches_in(following).values(), strict=True):
            self._set_up(watch, row, turn.clock)
            self._detectors[watch.infant].restore(state.state)
        self._states.fed_rows = dict.fromkeys(self._watches, following.last_row)
        _log.info("journal %s", following.path)
        return turn.clock

    def _is_at_rest(self) -> bool:
        """Whether everything that was kept is decided on, and what was told of it is durable."""
        if self._undecided or self._behind or self._let_go:
            return False
        return not self._telling.waits and not any(self._blocks.values())

    def _states_are_sound(self) -> bool:
        """Whether no state is left that the next night must not look back to."""
        if any(past.has_spoilt_states for past in self._pasts.values()):
            self._snapshots(1)
        return not any(past.has_spoilt_states for past in self._pasts.values())

    @contextmanager
    def _all_or_broken(self) -> Iterator[None]:
        with self._deciding:
            try:
                yield
            except BaseException:
                self._let_go = self._broken = True
                raise

    def _count(self, kept: int, held: int) -> None:
        with self._counting:
            self._undecided += kept
            self._held += held

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
        with self._deciding:
            if self._mend_again_s is not None and time.monotonic() < self._mend_again_s:
                raise _unmended(path)
            # until it is open again: where that fails, a later batch comes here first
            self._telling.damaged, self._mend_again_s = True, time.monotonic() + _MEND_AGAIN_S
            self._journal.close()
            try:
                if not self._is_salvaged:
                    salvage(path)
                    self._is_salvaged = True
                self._journal = Journal.open(path)
            except OSError as error:
                raise JournalFailing(path, error.strerror or str(error)) from error
            self._telling.damaged, self._mend_again_s, self._is_salvaged = False, None, False
            for past in self._pasts.values():
                past.goes_on_in(self._journal)
            for behind in self._behind:
                behind.items = self._journal.items(behind.infant, behind.after_row, behind.upto_row)

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
            costly = self.behind or detector.looks_back
            with self._states.spending(infant) if costly else nullcontext():
                told = detector.feed_block(block)
            if past is not None:
                past.told(told)
                self._states.fed_rows[infant] = row
            taken.tell(infant, told)

    def _commit_told(self, taken: Taken) -> None:
        if self.is_unmended:
            self._telling.hold(taken)
        else:
            self._telling.commit(self._journal, self._links, self._pasts, taken)

    def _snapshots(self, every_ns: int = SNAPSHOT_EVERY_NS) -> None:
        if self._telling.waits or self._broken or self.is_unmended:
            return  # words that are not committed would be missing after a restart
        for infant, past in self._pasts.items():
            if not self._blocks.get(infant):  # nor would rows be fed again that stand in a block
                self._states.keep(infant, self._detectors[infant], past, every_ns)


def _unmended(path: Path) -> JournalFailing:
    return JournalFailing(path, "it is damaged, and could not be mended yet")
