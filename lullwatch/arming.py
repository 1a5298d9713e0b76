"""When somebody relies on being called: armed by the schedule or by hand, paused for minutes, resumed by itself.

Recording and detecting never stop. While an infant is paused or disarmed, nobody is called because the sensors see
nothing; urgent patterns that are recorded all the same still ring. Every change is a row of the journal, so that a
restart goes on with it and a replay decides alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.payloads import UtcClock
from dsp.clock import Clock
from dsp.records import NS, Watchfulness, Watching
from store.errors import StoreError
from store.rows import Row

from .armed_hours import ArmedHours, armed_at
from .asking import Keep

__all__ = ["LONGEST_PAUSE_MIN", "PAUSE_REASONS", "Armer", "NotPaused"]

LONGEST_PAUSE_MIN = 60
"""A bath and a feed take less; whoever forgets to resume is listened for again within the hour."""
PAUSE_REASONS = ("bath", "feed", "care")
LOOK_EVERY_S = 1.0
"""A pause ends, and the schedule changes, so late at most."""
_SCHEDULE = "schedule"
_RESUMED = "resumed"
_LOOK_AHEAD_MIN = 8 * 24 * 60
"""A schedule repeats every week: what does not change in eight days never does."""


class NotPaused(Exception):
    """What was asked for is not done; the message says why, `remedy` what to do instead."""

    def __init__(self, *, why: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(why)


@dataclass(slots=True)
class _Infant:
    """How one infant is watched."""

    now: Watching
    by_hand_until_ns: int | None = None
    """what a person said holds until the schedule changes next; None: the schedule alone"""


class Armer:
    """Keeps every infant armed, paused or disarmed as the schedule and people say.

    Args:
        infants: ids of those who are here.
        hours: of the schedule; empty: always armed.
        clock: data time.
        utc: ties it to UTC.
        zone: IANA name, for the schedule.
        keep: takes the rows.
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
    ) -> None:
        self._hours = tuple(hours)
        self._clock = clock
        self._utc = utc
        self._zone = ZoneInfo(zone)
        self._keep = keep
        armed = Watchfulness.ARMED
        self._infants = {infant: _Infant(Watching(infant, 0, armed)) for infant in infants}

    def begin(self, rows: Iterable[Row]) -> None:
        """Go on from what the journal says, oldest first; a pause that ran out meanwhile is over."""
        for row in rows:
            if isinstance(row, Watching) and row.infant in self._infants:
                self._infants[row.infant].now = row
        for infant in self._infants.values():
            if infant.now.by and infant.now.state is not Watchfulness.PAUSED:
                infant.by_hand_until_ns = self._next_change_ns(infant.now.infant, infant.now.t_ns)
        self.look()

    def state(self, infant: str) -> Watching:
        """How an infant is watched now; somebody unknown (the self-test) is armed."""
        known = self._infants.get(infant)
        return Watching(infant, 0, Watchfulness.ARMED) if known is None else known.now

    def is_armed(self, infant: str) -> bool:
        """Whether it is to be said that the infant's sensors see nothing."""
        return self.state(infant).state is Watchfulness.ARMED

    @property
    def any_armed(self) -> bool:
        """Whether anybody relies on this gateway."""
        return any(self.is_armed(infant) for infant in self._infants)

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
        for infant in self._infants.values():
            if infant.now.t_ns:
                infant.now = replace(infant.now, t_ns=self._clock.now_ns())
                self._keep.add_quietly(infant.now)

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
        for name in self._meant(infant):
            paused = Watching(
                name, now_ns, Watchfulness.PAUSED, now_ns + minutes * 60 * NS, reason or PAUSE_REASONS[-1], by
            )
            rows.append(paused if minutes else self._resumed(name, self._infants[name], now_ns, by))
        await self._say(rows)
        return rows

    async def arm(self, infant: str, *, armed: bool, by: str = "") -> list[Watching]:
        """Arm or disarm an infant (empty: all of them) by hand, until the schedule changes next.

        Raises:
            NotPaused: with why, and what to do instead.
        """
        now_ns = self._clock.now_ns()
        state = Watchfulness.ARMED if armed else Watchfulness.DISARMED
        rows = [Watching(name, now_ns, state, None, "", by or "hand") for name in self._meant(infant)]
        for row in rows:
            self._infants[row.infant].by_hand_until_ns = self._next_change_ns(row.infant, now_ns)
        await self._say(rows)
        return rows

    # inside

    async def _say(self, rows: Sequence[Watching]) -> None:
        for row in rows:
            self._infants[row.infant].now = row
        waiters = [self._keep.add(row) for row in rows]
        for row, outcome in zip(rows, await asyncio.gather(*waiters, return_exceptions=True), strict=True):
            if isinstance(outcome, StoreError):
                self._keep.add_quietly(row)  # it holds at once; the journal takes it as soon as it can
            elif isinstance(outcome, BaseException):
                raise outcome

    def _meant(self, infant: str) -> list[str]:
        if infant and infant not in self._infants:
            raise NotPaused(
                why=f"no infant {infant[:32]} is here", remedy=f"one of: {' '.join(self._infants)}"
            )
        return [infant] if infant else list(self._infants)

    def _changed(self, name: str, infant: _Infant) -> Watching | None:
        """The row that says how the infant is watched from now on; None while it stays so."""
        now_ns, now = self._clock.now_ns(), infant.now
        if now.state is Watchfulness.PAUSED:
            over = now.until_ns is None or now_ns >= now.until_ns
            return self._resumed(name, infant, now_ns, "") if over else None
        if now.by and (infant.by_hand_until_ns is None or now_ns < infant.by_hand_until_ns):
            return None
        wanted = self._scheduled(name, now_ns)
        return None if wanted is now.state else Watching(name, now_ns, wanted, reason=_SCHEDULE)

    def _resumed(self, name: str, infant: _Infant, now_ns: int, by: str) -> Watching:
        """After a pause: as the schedule says."""
        infant.by_hand_until_ns = self._next_change_ns(name, now_ns) if by else None
        return Watching(name, now_ns, self._scheduled(name, now_ns), None, _RESUMED, by)

    def _scheduled(self, name: str, t_ns: int) -> Watchfulness:
        armed = armed_at(self._hours, name, self._local(t_ns))
        return Watchfulness.ARMED if armed else Watchfulness.DISARMED

    def _next_change_ns(self, name: str, t_ns: int) -> int | None:
        """When the schedule says something else than at a data time; None: never."""
        if not self._hours:
            return None
        begins, minute = self._scheduled(name, t_ns), timedelta(minutes=1)
        start = self._local(t_ns).astimezone(UTC).replace(second=0, microsecond=0)
        for n in range(1, _LOOK_AHEAD_MIN):
            moment = start + n * minute
            if armed_at(self._hours, name, moment.astimezone(self._zone)) is not (
                begins is Watchfulness.ARMED
            ):
                since_ns = round(moment.timestamp()) * NS - self._utc.utc_ns(t_ns)
                return t_ns + since_ns
        return None

    def _local(self, t_ns: int) -> datetime:
        return datetime.fromtimestamp(self._utc.utc_ns(t_ns) // NS, tz=self._zone)
