"""When somebody relies on being called: armed by the schedule or by hand, paused for minutes, resumed by itself.

Recording and detecting never stop. While an infant is paused or disarmed, nobody is called because the sensors see
nothing; urgent patterns that are recorded all the same still ring. Every change is a row of the journal, so that a
restart goes on with it and a replay decides alike. While the computer does not know the date, no schedule disarms.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.payloads import UtcClock
from alerts.people import Person
from dsp.clock import Clock
from dsp.records import NS, Watchfulness, Watching
from store.errors import StoreError
from store.rows import Row

from .armed_hours import ArmedHours, armed_at
from .asking import WHOSE, Keep
from .system_clock import knows_date

__all__ = ["LONGEST_PAUSE_MIN", "PAUSE_REASONS", "Armer", "NotPaused"]

_log = logging.getLogger(__name__)

LONGEST_PAUSE_MIN = 60
"""A bath and a feed take less; whoever forgets to resume is listened for again within the hour."""
PAUSE_REASONS = ("bath", "feed", "care")
LOOK_EVERY_S = 1.0
"""A pause ends, and the schedule changes, so late at most."""
_SCHEDULE = "schedule"
_RESUMED = "resumed"
_NO_DATE = "no-date"
_LOOK_AHEAD_MIN = 8 * 24 * 60
"""A schedule repeats every week: what does not change in eight days never does."""


class NotPaused(Exception):
    """What was asked for is not done; the message says why, `remedy` what to do instead."""

    def __init__(self, *, why: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class _ByHand:
    """What a person said; it holds over any pause."""

    state: Watchfulness
    by: str
    until_utc_ns: int | None
    """when the schedule changes next; None: never"""
    is_dated: bool = True
    """False while `until_utc_ns` is still to be found out: it was said when the computer did not know the date"""


@dataclass(slots=True)
class _Infant:
    """How one infant is watched."""

    now: Watching
    by_hand: _ByHand | None = None
    """None: the schedule alone"""


class Armer:
    """Keeps every infant armed, paused or disarmed as the schedule and people say.

    Args:
        infants: ids of those who are here.
        hours: of the schedule; empty: always armed.
        clock: data time.
        utc: ties it to UTC.
        zone: IANA name, for the schedule.
        keep: takes the rows.
        people: of the settings: who says by their id what is to be done says it of those they mind alone.
    """

    def __init__(
        self,
        *,
        infants: Sequence[str],
        hours: Sequence[ArmedHours] = (),
        clock: Clock,
        utc: UtcClock,
        zone: str,
        keep: Keep,
        people: Sequence[Person] = (),
    ) -> None:
        self._people = {person.id: person for person in people}
        self._hours = tuple(hours)
        self._clock = clock
        self._utc = utc
        self._zone = ZoneInfo(zone)
        self._keep = keep
        armed = Watchfulness.ARMED
        self._infants = {infant: _Infant(Watching(infant, 0, armed)) for infant in infants}

    def begin(self, rows: Iterable[Row]) -> None:
        """Go on from what the journal says, oldest first; a pause that ran out meanwhile is over.

        Whoever is still not armed is said to be so again: a detector that begins anew has not heard of it.
        """
        for row in rows:
            if isinstance(row, Watching) and row.infant in self._infants:
                self._go_on(self._infants[row.infant], row)
        for name, infant in self._infants.items():
            if not self.is_armed(name) and self._changed(name, infant) is None:
                self._say_again(name)
        self.look()
        for name in self._infants:
            if not self.is_armed(name):
                how = self.state(name).state.value
                _log.warning("%s is %s: nobody is called when its sensors see nothing", name, how)

    def state(self, infant: str) -> Watching:
        """How an infant is watched now; somebody unknown (the self-test) is armed."""
        known = self._infants.get(infant)
        return Watching(infant, 0, Watchfulness.ARMED) if known is None else known.now

    def is_armed(self, infant: str) -> bool:
        """Whether it is to be said that the infant's sensors see nothing."""
        return self.state(infant).state is Watchfulness.ARMED

    async def run(self) -> None:
        """Resume what is over and follow the schedule, until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Say what has changed by now."""
        for name, infant in self._infants.items():
            if (row := self._changed(name, infant)) is not None:
                infant.now = row
                self._keep.add_quietly(row)

    def turned(self) -> None:
        """A new night's file has begun: it says from its beginning how everybody is watched."""
        for name, infant in self._infants.items():
            if infant.now.t_ns:
                self._say_again(name)

    async def pause(self, infant: str, minutes: int, *, reason: str = "", by: str = "") -> list[Watching]:
        """Pause an infant (empty: all of them) for minutes; 0 resumes. Returns when the rows are durable.

        Raises:
            NotPaused: with why, and what to do instead.
        """
        if not 0 <= minutes <= LONGEST_PAUSE_MIN:
            raise NotPaused(
                why=f"{minutes} minutes", remedy=f"pause for 1 to {LONGEST_PAUSE_MIN}, or 0 to resume"
            )
        if reason and reason not in PAUSE_REASONS:
            raise NotPaused(why=f"no such reason: {reason[:32]}", remedy=f"one of: {' '.join(PAUSE_REASONS)}")
        now_ns = self._clock.now_ns()
        rows = []
        for name in self._meant(infant, by):
            paused = Watching(
                name, now_ns, Watchfulness.PAUSED, now_ns + minutes * 60 * NS, reason or PAUSE_REASONS[-1], by
            )
            rows.append(paused if minutes else self._resumed(name, now_ns, by))
        await self._say(rows)
        return rows

    async def arm(self, infant: str, *, armed: bool, by: str = "") -> list[Watching]:
        """Arm or disarm an infant (empty: all of them) by hand, until the schedule changes next.

        Raises:
            NotPaused: with why, and what to do instead.
        """
        now_ns = self._clock.now_ns()
        state = Watchfulness.ARMED if armed else Watchfulness.DISARMED
        rows = [Watching(name, now_ns, state, None, "", by or "hand") for name in self._meant(infant, by)]
        for row in rows:
            self._infants[row.infant].by_hand = self._said(row)
        await self._say(rows)
        return rows

    # inside

    def _say_again(self, name: str) -> None:
        infant, now_ns = self._infants[name], self._clock.now_ns()
        paused = infant.now.state is Watchfulness.PAUSED
        infant.now = replace(infant.now, t_ns=now_ns) if paused else self._unpaused(name, now_ns)
        self._keep.add_quietly(infant.now)

    async def _say(self, rows: Sequence[Watching]) -> None:
        for row in rows:
            self._infants[row.infant].now = row
        waiters = [self._keep.add(row) for row in rows]
        for row, outcome in zip(rows, await asyncio.gather(*waiters, return_exceptions=True), strict=True):
            if isinstance(outcome, StoreError):
                self._keep.add_quietly(row)  # it holds at once; the journal takes it as soon as it can
            elif isinstance(outcome, BaseException):
                raise outcome

    def _meant(self, infant: str, by: str) -> list[str]:
        if infant and infant not in self._infants:
            raise NotPaused(
                why=f"no infant {infant[:32]} is here", remedy=f"one of: {' '.join(self._infants)}"
            )
        names, person = [infant] if infant else list(self._infants), self._people.get(by)
        theirs = names if person is None else [name for name in names if person.minds(name)]
        if theirs != names:
            whom = "this infant" if infant else "everybody here"
            remedy = f"say it of one of: {' '.join(theirs)}" if theirs else WHOSE
            raise NotPaused(why=f"{by} is not asked about {whom}", remedy=remedy)
        return names

    def _go_on(self, infant: _Infant, row: Watching) -> None:
        infant.now = row
        if row.state is not Watchfulness.PAUSED and row.reason not in (_RESUMED, _NO_DATE):
            infant.by_hand = self._said(row) if row.by else None

    def _said(self, row: Watching) -> _ByHand:
        utc_ns = self._utc.utc_ns(row.t_ns)
        if not knows_date(utc_ns):
            return _ByHand(row.state, row.by, None, is_dated=False)
        return _ByHand(row.state, row.by, self._next_change_utc_ns(row.infant, utc_ns))

    def _changed(self, name: str, infant: _Infant) -> Watching | None:
        """The row that says how the infant is watched from now on; None while it stays so."""
        now_ns, now = self._clock.now_ns(), infant.now
        if now.state is Watchfulness.PAUSED:
            over = now.until_ns is None or now_ns >= now.until_ns
            return self._resumed(name, now_ns, "") if over else None
        row = self._unpaused(name, now_ns)
        return None if row.state is now.state else row

    def _resumed(self, name: str, now_ns: int, by: str) -> Watching:
        """After a pause: as it would be without it."""
        return replace(self._unpaused(name, now_ns), reason=_RESUMED, by=by)

    def _unpaused(self, name: str, now_ns: int) -> Watching:
        """As a person said, until the schedule changes next; else as the schedule says."""
        infant, utc_ns = self._infants[name], self._utc.utc_ns(now_ns)
        if not knows_date(utc_ns):
            return self._undated(name, now_ns)
        said = infant.by_hand
        if said is not None and not said.is_dated:
            said = infant.by_hand = replace(
                said, until_utc_ns=self._next_change_utc_ns(name, utc_ns), is_dated=True
            )
        if said is not None and (said.until_utc_ns is None or utc_ns < said.until_utc_ns):
            return Watching(name, now_ns, said.state, by=said.by)
        infant.by_hand = None
        return Watching(name, now_ns, self._scheduled(name, utc_ns), reason=_SCHEDULE)

    def _undated(self, name: str, now_ns: int) -> Watching:
        """Nobody can tell whether its hour is over: what disarms counts only where it needs no hour."""
        said = self._infants[name].by_hand
        if said is not None and (not said.is_dated or said.until_utc_ns is None):
            return Watching(name, now_ns, said.state, by=said.by)
        return Watching(name, now_ns, Watchfulness.ARMED, reason=_NO_DATE)

    def _scheduled(self, name: str, utc_ns: int) -> Watchfulness:
        armed = armed_at(self._hours, name, self._local(utc_ns))
        return Watchfulness.ARMED if armed else Watchfulness.DISARMED

    def _next_change_utc_ns(self, name: str, utc_ns: int) -> int | None:
        """When the schedule says something else than at a moment; None: never."""
        if not self._hours:
            return None
        begins, minute = self._scheduled(name, utc_ns), timedelta(minutes=1)
        start = self._local(utc_ns).astimezone(UTC).replace(second=0, microsecond=0)
        for n in range(1, _LOOK_AHEAD_MIN):
            moment_ns = round((start + n * minute).timestamp()) * NS
            if self._scheduled(name, moment_ns) is not begins:
                return moment_ns
        return None

    def _local(self, utc_ns: int) -> datetime:
        return datetime.fromtimestamp(utc_ns // NS, tz=self._zone)
