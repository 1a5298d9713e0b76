"""Where a detector looks back: the journal of the night, or what a replay has fed so far."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from operator import attrgetter

from dsp.records import NS, Coverage, Output, Segment
from store.journal import SNAPSHOTS_APART_NS, Carried, Journal
from store.recording import order_of
from store.rows import Fed

from .detector import Detector, Told
from .night_before import NightBefore, told_between, within

__all__ = ["SNAPSHOT_EVERY_NS", "FedPast", "JournalPast"]

SNAPSHOT_EVERY_NS = 60 * NS
"""Data time between two snapshots of a detector: a restart feeds at most this much again."""
_NEW_STATES = 5
"""States of the last minutes are all kept; of older ones the first of every quarter of an hour."""


class JournalPast:
    """The past of one infant as its journal holds it, and the one of the night before that its detector came from.

    Attributes:
        carried_ns: data time up to which the night before had been decided; 0 where its detector began anew.
        upto_row: what lies behind this row has not happened yet: it is still to be fed.
    """

    def __init__(self, journal: Journal, infant: str, since_row: int) -> None:
        self._journal = journal
        self._infant = infant
        self._since_row = since_row
        carried = journal.carried(infant)
        own = carried if carried is not None and carried.row > since_row else None
        self._before = NightBefore.of(journal, own)
        self.carried_ns = 0 if own is None else own.t_ns
        self.upto_row = since_row
        self._uncommitted: list[Output | Coverage] = []
        self._newest_state_ns: int | None = None
        self._spoilt_ns: int | None = None
        self._base: tuple[int, bytes] | None = None
        """of the last shadow; a start has none, and its first shadow may go back further"""

    @property
    def newest_state_ns(self) -> int:
        """Data time of the newest snapshot, of an earlier start too; 0 when there is none."""
        if self._newest_state_ns is None:
            found = self._journal.newest_snapshot(self._infant)
            mine = found is not None and found.row >= self._since_row
            self._newest_state_ns = found.t_ns if found is not None and mine else 0
        return self._newest_state_ns

    def keep_state(self, row: int, t_ns: int, state: bytes) -> None:
        """Keep a snapshot of the detector after it was fed everything up to `row`.

        Only with it do the states go that are not gone back to any more: until then a start goes on from them.
        """
        self._journal.put_snapshot(self._infant, row, t_ns, state, instead_behind_ns=self._spoilt_ns)
        self._newest_state_ns, self._spoilt_ns = t_ns, None

    @property
    def has_spoilt_states(self) -> bool:
        """Whether the journal still holds states that are not gone back to any more."""
        return self._spoilt_ns is not None

    def told(self, told: Told) -> None:
        """Remember what was told until it is committed."""
        self._uncommitted += [*told.outputs, *told.coverage]

    def committed(self) -> None:
        """Everything that was told is in the journal."""
        self._uncommitted = []

    def goes_on_in(self, journal: Journal) -> None:
        """The night is written on in another file, with the same row numbers."""
        self._journal = journal
        self._newest_state_ns = None

    def close(self) -> None:
        """Close the night before."""
        if self._before is not None:
            self._before.close()

    @property
    def begins_ns(self) -> int:
        """Time of the earliest sample."""
        own = self._journal.first_sample_ns(self._infant, after_row=self._since_row, upto_row=self.upto_row)
        return _earliest(own, self._before)

    def age_before(self, age_days: int | None) -> int | None:
        """How old the infant was taken to be in the night before; `age_days` where there is none."""
        return age_days if self._before is None else self._before.age_days(age_days)

    def state_before(self, t_ns: int) -> bytes | None:
        """The newest snapshot that had decided nothing behind `t_ns`."""
        good_ns = t_ns if self._spoilt_ns is None else min(t_ns, self._spoilt_ns)
        found = self._journal.newest_snapshot(self._infant, before_row=self.upto_row, before_ns=good_ns + 1)
        own = None if found is None or found.row < self._since_row else (found.t_ns, found.state)
        base = self._base if self._base is not None and self._base[0] <= t_ns else None
        newest = max((s for s in (own, base) if s is not None), default=None)
        if newest is not None:
            return newest[1]
        return None if self._before is None else self._before.state_before(t_ns)

    def segments(self, onset_ns: int, end_ns: int) -> Sequence[Segment]:
        """Segments that begin in the span, in the order of time."""
        own = self._journal.segments_between(
            self._infant, onset_ns, end_ns, after_row=self._since_row, upto_row=self.upto_row
        )
        return (
            own
            if self._before is None
            else sorted([*self._before.segments(onset_ns, end_ns), *own], key=order_of)
        )

    def told_between(self, after_ns: int, until_ns: int) -> Sequence[Output | Coverage]:
        """What was told of times behind `after_ns` and not behind `until_ns`, in the order it was told."""
        rows = [] if self._before is None else self._before.told_between(after_ns, until_ns)
        rows += told_between(self._journal, self._infant, after_ns, until_ns)
        # After a restart the journal holds what is told again a second time.
        return list(dict.fromkeys([*rows, *within(self._uncommitted, after_ns, until_ns)]))

    def spoil(self, t_ns: int) -> None:
        """States that had decided anything behind `t_ns` are not gone back to any more."""
        self._newest_state_ns = 0
        self._spoilt_ns = t_ns if self._spoilt_ns is None else min(t_ns, self._spoilt_ns)
        if self._base is not None and self._base[0] > t_ns:
            self._base = None
        if self._before is not None:
            self._before.spoil(t_ns, on_disk=True)

    def keep_base(self, t_ns: int, state: bytes) -> None:
        """A state that knows all that came late up to now and has decided nothing behind `t_ns`."""
        self._base = (t_ns, state)


class FedPast:
    """The past of one infant as it was fed and told in this process.

    Args:
        carried: what its detector began with; None when it began anew.
        before: the night it was carried from, if that is still there.
    """

    def __init__(self, carried: Carried | None = None, before: NightBefore | None = None) -> None:
        self._before = before
        self.carried_ns = 0 if carried is None else carried.t_ns
        self._segments: list[Segment] = []
        self._told: list[Output | Coverage] = []
        self._states: list[tuple[int, bytes]] = []
        if carried is not None and carried.t_ns:
            self._states.append((carried.t_ns, carried.state))

    def fed(self, items: Sequence[Fed]) -> None:
        """Remember what is about to be fed."""
        for item in items:
            if isinstance(item, Segment):
                insort(self._segments, item, key=order_of)

    def told(self, told: Told, detector: Detector) -> None:
        """Remember what was told, and now and then the detector's state."""
        self._told += [*told.outputs, *told.coverage]
        t_ns = detector.watermark_ns
        if t_ns and (not self._states or t_ns >= self._states[-1][0] + SNAPSHOT_EVERY_NS):
            self._states.append((t_ns, detector.snapshot()))
            self._thin_out()

    @property
    def begins_ns(self) -> int:
        """Time of the earliest sample."""
        return _earliest(self._segments[0].t0_ns if self._segments else None, self._before)

    def age_before(self, age_days: int | None) -> int | None:
        """How old the infant was taken to be in the night before; `age_days` where there is none."""
        return age_days if self._before is None else self._before.age_days(age_days)

    def state_before(self, t_ns: int) -> bytes | None:
        """The newest snapshot that had decided nothing behind `t_ns`."""
        own = next((state for at_ns, state in reversed(self._states) if at_ns <= t_ns), None)
        return own if own is not None or self._before is None else self._before.state_before(t_ns)

    def segments(self, onset_ns: int, end_ns: int) -> Sequence[Segment]:
        """Segments that begin in the span, in the order of time."""
        by_time = attrgetter("t0_ns")
        first = bisect_left(self._segments, onset_ns, key=by_time)
        own = self._segments[first : bisect_left(self._segments, end_ns, key=by_time)]
        return (
            own
            if self._before is None
            else sorted([*self._before.segments(onset_ns, end_ns), *own], key=order_of)
        )

    def told_between(self, after_ns: int, until_ns: int) -> Sequence[Output | Coverage]:
        """What was told of times behind `after_ns` and not behind `until_ns`, in the order it was told."""
        rows = [] if self._before is None else self._before.told_between(after_ns, until_ns)
        return rows + within(self._told, after_ns, until_ns)

    def spoil(self, t_ns: int) -> None:
        """States that had decided anything behind `t_ns` are not gone back to any more."""
        self._states = [(at_ns, state) for at_ns, state in self._states if at_ns <= t_ns]
        if self._before is not None:
            self._before.spoil(t_ns, on_disk=False)

    def keep_base(self, t_ns: int, state: bytes) -> None:
        """A state that knows all that came late up to now and has decided nothing behind `t_ns`."""
        insort(self._states, (t_ns, state))

    def _thin_out(self) -> None:
        old, new = self._states[:-_NEW_STATES], self._states[-_NEW_STATES:]
        first: dict[int, tuple[int, bytes]] = {}
        for at_ns, state in old:
            first.setdefault(at_ns // SNAPSHOTS_APART_NS, (at_ns, state))
        self._states = [*first.values(), *new]


def _earliest(own_ns: int | None, before: NightBefore | None) -> int:
    known = [t for t in (own_ns, None if before is None else before.begins_ns) if t is not None]
    return min(known, default=0)
