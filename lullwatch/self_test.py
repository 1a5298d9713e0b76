"""The self-test: a made series goes the way of a real one and must come out at every person's channel, as a test.

Intake, journal, detector, rules, escalation and channels are those of the running service. The reserved infant keeps
it apart from every child: rows, counts, noise floors and summaries are kept by infant. An urgent alert of a child
ends a test at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from alerts.commands import Result, Test
from alerts.payloads import UtcClock
from alerts.people import ANYONE, Person
from alerts.proof import FAILED, PUBLISHED, proof_of
from alerts.telling import Kind
from alerts.words import SELF_TEST, Wording
from dsp.clock import Clock
from dsp.records import NS, Alert, Delivery, Note, Severity
from store.errors import StoreError
from store.rows import Row
from store.shelf import Shelf

from .self_test_signal import AGE_DAYS, SITES, portions
from .spine import Taken
from .watch import Watch

__all__ = ["NOTE", "Line", "Outcome", "SelfTest", "Way", "last_outcome", "local_moment"]

_log = logging.getLogger(__name__)

NOTE = "self_test"
"""Kind of the note, of the reserved infant, that keeps an outcome."""
WAIT_S = 60.0
"""For the last channel; a push service that needs more is one to know about before the night."""
LOOK_EVERY_S = 0.25
LOOK_AT_TIME_S = 30.0
EVENING_S = 300.0
"""A test that is due is begun within these, else not that day: at three in the night it would wake people."""
EVERY_EVENING = "every-evening"
"""Who asked for a test that the settings ask for."""
_KIND = "self_test"
"""Kind of technical trouble."""


class Line(Protocol):
    """The way into the journal and to the detectors; `lullwatch.intake.Intake` is one."""

    def add(self, row: Row) -> asyncio.Future[None]:
        """Queue a row; the future resolves when it is durable."""
        ...

    def add_quietly(self, row: Row) -> None:
        """Queue a row that is tried again until it is durable."""
        ...

    async def commit(self) -> None:
        """Commit what is queued now."""
        ...

    async def attend(self, watch: Watch) -> None:
        """Detect on one more infant, until `leave`."""
        ...

    async def leave(self, infant: str) -> None:
        """Let go of an infant that was attended."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """One person's channel, and what became of the test there."""

    person: str
    channel: str
    ok: bool = False
    after_s: float | None = None
    """from the beginning of the test to the channel's answer; None when there was none"""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test led to."""

    result: str
    """`passed`, `failed`, `preempted` by an urgent alert, or `interrupted` by the end of the service"""
    at: str
    """when it began, ISO 8601 in UTC"""
    by: str
    why: str = ""
    ways: tuple[Way, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it came out everywhere."""
        return self.result == "passed"


class SelfTest:
    """Runs one test at a time in the running service.

    Args:
        clock: data time.
        line: the intake.
        shelf: the nights, for what the channels answered.
        people: of the settings; without any, everyone who reads the topic is one person.
        local: a data time as a moment of the time zone here.
        on_trouble: told ("self_test", why) when a test failed, and ("self_test", "") when one passed.
        on_outcome: told every outcome, for the status.
        wording: how people are spoken to.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        line: Line,
        shelf: Shelf,
        people: Sequence[Person],
        local: Callable[[int], datetime],
        on_trouble: Callable[[str, str], None],
        on_outcome: Callable[[Outcome], Awaitable[None]],
        wording: Wording,
    ) -> None:
        self._clock = clock
        self._line = line
        self._shelf = shelf
        self._people = tuple(people) or (ANYONE,)
        self._local = local
        self._on_trouble = on_trouble
        self._on_outcome = on_outcome
        self._watch = Watch.of(SELF_TEST, SITES, AGE_DAYS, wording)
        self._alerts: list[Alert] = []
        self._preempted = asyncio.Event()
        self._urgent: set[str] = set()
        """urgent alerts of children that are known, so that a further version is no new one"""
        self._running: asyncio.Task[Outcome] | None = None

    @property
    def running(self) -> bool:
        """Whether a test is under way."""
        return self._running is not None and not self._running.done()

    def taken(self, taken: Taken) -> None:
        """What a batch led to: alerts of the test, and urgent ones of a child."""
        for infant, told in taken.told.items():
            if infant == SELF_TEST:
                self._alerts += told.alerts
                continue
            urgent = {alert.id for alert in told.alerts if alert.severity is Severity.URGENT}
            if urgent - self._urgent:
                self._preempted.set()
            self._urgent |= urgent

    async def on_test(self, command: Test) -> Result:
        """Begin a test because somebody asked for it; the outcome is in the status."""
        if self.running:
            return Result(command="test", ok=False, why="a test is under way", remedy="wait for its result")
        self.begin(command.by)
        return Result(command="test", ok=True, why="begun; the result will be in the status")

    def begin(self, by: str) -> asyncio.Task[Outcome]:
        """Begin a test, or give the one that is under way."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._whole(by), name="self-test")
        return self._running

    async def every_evening(self, at: time) -> None:
        """Begin a test each day at a local time, until cancelled; one that was missed is not made up for."""
        tested_on: date | None = None
        while True:
            now = self._local(self._clock.now_ns())
            late = (now.replace(tzinfo=None) - datetime.combine(now.date(), at)).total_seconds()
            if 0 <= late < EVENING_S and tested_on != now.date():
                tested_on = now.date()
                self.begin(EVERY_EVENING)
            await self._clock.sleep(LOOK_AT_TIME_S)

    async def close(self) -> None:
        """End a test that is under way."""
        if self._running is not None and not self._running.done():
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _whole(self, by: str) -> Outcome:
        began_ns = self._clock.now_ns()
        self._alerts, self._preempted = [], asyncio.Event()
        try:
            outcome = await self._tried(by, began_ns)
        except asyncio.CancelledError:
            outcome = Outcome("interrupted", self._iso(began_ns), by, "the service stopped")
            self._keep(outcome)
            raise
        except StoreError as error:
            outcome = Outcome("failed", self._iso(began_ns), by, f"the journal cannot be used: {error}")
        self._keep(outcome)
        if outcome.result != "preempted":
            self._on_trouble(_KIND, "" if outcome.passed else outcome.why)
        _log.info("self-test: %s %s", outcome.result, outcome.why)
        await self._on_outcome(outcome)
        return outcome

    async def _tried(self, by: str, began_ns: int) -> Outcome:
        await self._line.attend(self._watch)
        try:
            alert = await self._told(began_ns)
        finally:
            await self._line.leave(SELF_TEST)
        at = self._iso(began_ns)
        if self._preempted.is_set():
            return Outcome("preempted", at, by, "an urgent alert came meanwhile")
        if alert is None:
            return Outcome("failed", at, by, "no urgent alert was made of the movements of the test")
        ways = await self._arrived(alert.id, began_ns)
        if self._preempted.is_set():
            return Outcome("preempted", at, by, "an urgent alert came meanwhile", ways)
        lost = [way for way in ways if not way.ok]
        why = "; ".join(f"{way.person} over {way.channel}: {way.why}" for way in lost)
        return Outcome("failed" if lost else "passed", at, by, why, ways)

    async def _told(self, began_ns: int) -> Alert | None:
        """Feed the made movements until the rules ring; None when they do not, or a child needs somebody."""
        parts = await asyncio.to_thread(lambda: list(portions(began_ns)))
        for rows in parts:
            if self._preempted.is_set():
                return None
            waiters = [self._line.add(row) for row in rows]
            await self._line.commit()
            for outcome in await asyncio.gather(*waiters, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
            for alert in self._alerts:
                if alert.severity is Severity.URGENT:
                    return alert
        return None

    async def _arrived(self, alert_id: str, began_ns: int) -> tuple[Way, ...]:
        """What every channel said; waits for all of them, but not for ever."""
        due = [Way(p.id, channel) for p in self._people for channel in p.channels]
        until_ns = self._clock.now_ns() + round(WAIT_S * NS)
        while True:
            steps = await asyncio.to_thread(self._steps, alert_id)
            ways = tuple(_with_answer(way, steps, began_ns) for way in due)
            missing = [way for way in ways if way.after_s is None]
            if not missing or self._preempted.is_set() or self._clock.now_ns() >= until_ns:
                return ways
            await self._clock.sleep(LOOK_EVERY_S)

    def _steps(self, alert_id: str) -> list[Delivery]:
        with self._shelf.opened(self._shelf.nights()[-1].name) as journal:
            return [step for step in journal.deliveries() if step.alert_id == alert_id]

    def _iso(self, t_ns: int) -> str:
        return self._local(t_ns).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _keep(self, outcome: Outcome) -> None:
        text = msgspec.json.encode(outcome).decode()
        self._line.add_quietly(Note(SELF_TEST, self._clock.now_ns(), NOTE, text, outcome.by))


def local_moment(utc: UtcClock, zone: str, t_ns: int) -> datetime:
    """A data time as a moment of a time zone."""
    return datetime.fromtimestamp(utc.utc_ns(t_ns) // NS, tz=ZoneInfo(zone))


def last_outcome(shelf: Shelf) -> Outcome | None:
    """The outcome of the newest test of this night or the last; None when there was none.

    Raises JournalError.
    """
    for path in reversed(shelf.nights()[-2:]):
        with shelf.opened(path.name) as journal:
            notes = [note for note in journal.notes(SELF_TEST) if note.kind == NOTE]
        if notes:
            return msgspec.json.decode(notes[-1].text, type=Outcome)
    return None


def _with_answer(way: Way, steps: Sequence[Delivery], began_ns: int) -> Way:
    for step in steps:
        said = proof_of(step)
        if (said.to, step.channel, said.kind) != (way.person, way.channel, Kind.TEST):
            continue
        if step.step in (PUBLISHED, FAILED):
            after_s = round((step.t_ns - began_ns) / NS, 2)
            return Way(way.person, way.channel, step.step == PUBLISHED, after_s, said.why)
    return Way(way.person, way.channel, why="no answer in time")
