"""What people ask for is checked, done once, kept and answered: acknowledgements, mutes, notes, tests, receipts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Protocol

from msgspec import structs

from alerts.commands import (
    Ack,
    BadCommand,
    Command,
    KeepRaw,
    Mute,
    Opine,
    Receipt,
    Result,
    Test,
    WriteNote,
    decode,
)
from alerts.escalation import Escalation, Person
from alerts.muting import MUTABLE
from alerts.payloads import UtcClock
from alerts.proof import COMMAND, Proof, acknowledged_row, command_row, proof_of, received_row
from dsp.clock import Clock
from dsp.records import NS, Alert, Delivery, Note, Opinion
from store.errors import StoreError
from store.notes import STRUCK_OUT
from store.rows import Row

from .diary import BadNote, checked, checked_text, says_nothing
from .known_events import KnownEvents
from .opinions import REVIEWER, BadOpinion, checked_label
from .opinions import checked_text as checked_opinion_text

__all__ = ["FALSE_ALARM", "PAGE", "WHOSE", "Asking", "Keep", "OnTest"]

FALSE_ALARM = "false_alarm"
"""Kind of the note that a person's "false alarm" leaves beside the machine's record; nobody may write it by hand."""
PAGE = "page"
"""Channel of the pages: they know by themselves who is logged in, and as what."""
WHOSE = "see infants in [[people]] of the settings"
"""What to do when somebody asks for something about an infant that is not theirs."""
_OLDEST_NOTE_NS = 7 * 24 * 3600 * NS
_OLDEST_FACT_NS = 366 * 24 * 3600 * NS
_NEWEST_NOTE_NS = 300 * NS
"""A note in plain words may be about the last week, one of the diary (a vaccination, a first smile) or a correction
about the last year; a phone's clock may be some minutes ahead."""
_REFUSALS_KEPT = 200
"""So many refusals of one run are journalled; a stranger who sends more fills no disk. All are answered."""
_ANSWERS_KEPT = 1000
"""Answers remembered by the id of their command: more than a week of them."""

OnTest = Callable[[Test], Awaitable[Result]]
"""Starts the self-test and says whether it began."""


class Keep(Protocol):
    """The only way into the journal; `lullwatch.intake.Intake` is one."""

    def add(self, row: Row) -> asyncio.Future[None]:
        """Queue a row; the future resolves when it is durable."""
        ...

    def add_quietly(self, row: Row) -> None:
        """Queue a row that is tried again until it is durable."""
        ...


_NOTHING = Proof()


@dataclass(frozen=True, slots=True)
class _Done:
    """What a command led to."""

    result: Result
    rows: tuple[Row, ...] = ()
    said: Proof = _NOTHING


def _note_id(command_key: str) -> str:
    """Id of the note that a command writes: the same whenever the command is answered."""
    return f"n-{sha256(command_key.encode()).hexdigest()[:12]}"


def _named(done: _Done, note_id: str) -> _Done:
    """The same with its note named, by which it can be corrected."""
    if not done.result.ok:
        return done
    rows = tuple(replace(row, id=note_id) if isinstance(row, Note) else row for row in done.rows)
    return _Done(structs.replace(done.result, note=note_id), rows, done.said)


class _RefusedError(Exception):
    """Why a command is not carried out, and what to do instead."""

    def __init__(self, *, why: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(why)


class Asking:
    """Carries out commands, one at a time; none is answered before its rows are durable.

    Args:
        machine: is told what people answered.
        people: of the settings.
        sources: what else may give itself as `by`.
        infants: ids of those who are here.
        clock: data time.
        utc: ties it to UTC.
        keep: takes the rows.
        on_done: told after a command that changed something.
        on_test: starts the self-test.
        events: those of the journals, of which people say something; None where there are none to be looked up.
    """

    def __init__(
        self,
        machine: Escalation,
        *,
        people: Sequence[Person],
        sources: Collection[str],
        infants: Collection[str],
        clock: Clock,
        utc: UtcClock,
        keep: Keep,
        on_done: Callable[[Sequence[Row]], None],
        on_test: OnTest | None = None,
        events: KnownEvents | None = None,
    ) -> None:
        self._machine = machine
        self._people = {p.id: p for p in people}
        self._sources = frozenset(sources)
        self._infants = frozenset(infants)
        self._clock = clock
        self._utc = utc
        self._keep = keep
        self._on_done = on_done
        self.on_test = on_test
        self.events = events
        self._answers: dict[str, Result] = {}
        self._receipts: set[tuple[str, int, str, str]] = set()
        self._refusals = 0
        self._one_by_one = asyncio.Lock()

    def remember(self, row: Delivery) -> None:
        """A row of the journal, at the start: what was asked and answered before is not done again."""
        said = proof_of(row)
        if row.step == COMMAND and said.ok is not None:
            note = _note_id(row.alert_id) if said.asked == "note" and said.ok else ""
            self._answers[row.alert_id] = Result(command=said.asked, ok=said.ok, why=said.why, note=note)

    async def on_command(self, infant: str, name: str, payload: bytes, *, channel: str = "mqtt") -> bytes:
        """Carry out what came for an infant (empty: the gateway), and give the answer; empty for a good receipt.

        Never raises for what the bytes say.
        """
        try:
            command = decode(name, payload)
        except BadCommand as error:
            return Result(command=name, ok=False, why=str(error), remedy=error.remedy).encoded()
        async with self._one_by_one:
            result = await self._answered(infant, name, command, payload, channel)
        return b"" if isinstance(command, Receipt) and result.ok else result.encoded()

    async def _answered(
        self, infant: str, name: str, command: Command, payload: bytes, channel: str
    ) -> Result:
        now_ns = self._clock.now_ns()
        made = command.id or sha256(payload + str(now_ns).encode()).hexdigest()[:12]
        key = command_row(made, now_ns, channel=channel, said=Proof(infant=infant)).alert_id
        if key in self._answers:
            return structs.replace(self._answers[key], id=command.id)
        done = await self._tried(infant, name, command, now_ns, channel)
        if isinstance(command, WriteNote):
            done = _named(done, _note_id(key))
        result, rows = structs.replace(done.result, id=command.id), done.rows
        if not isinstance(command, Receipt):
            said = structs.replace(
                done.said, infant=infant, asked=name, by=command.by, ok=result.ok, why=result.why
            )
            rows = (*rows, command_row(made, now_ns, channel=channel, said=said))
        self._refusals += not result.ok
        if result.ok or self._refusals <= _REFUSALS_KEPT:
            result = await self._kept(rows, result)
        if not isinstance(command, Receipt):
            self._answers[key] = result
        while len(self._answers) > _ANSWERS_KEPT:
            del self._answers[next(iter(self._answers))]
        return result

    async def _kept(self, rows: Sequence[Row], result: Result) -> Result:
        """What was answered holds at once, and is durable before anybody hears of it, if the disk lets us."""
        waiters = [self._keep.add(row) for row in rows]
        self._on_done(rows)
        for row, outcome in zip(rows, await asyncio.gather(*waiters, return_exceptions=True), strict=True):
            if isinstance(outcome, StoreError):
                self._keep.add_quietly(row)
                why = "done, but the journal could not take it yet: after a restart it may have to be said again"
                result = structs.replace(result, why=why) if result.ok else result
            elif isinstance(outcome, BaseException):
                raise outcome
        return result

    async def _tried(self, infant: str, name: str, command: Command, now_ns: int, channel: str) -> _Done:
        try:
            self._check_who(command.by, infant, channel)
            match command:
                case Ack():
                    return self._acknowledged(infant, command, now_ns, channel)
                case Mute():
                    return self._muted(infant, command, now_ns)
                case WriteNote():
                    return self._noted(infant, command, now_ns)
                case Opine():
                    return await self._opined(infant, command, now_ns, channel)
                case KeepRaw():
                    return await self._kept_raw(infant, command)
                case Receipt():
                    return self._received(infant, command, now_ns)
                case Test():
                    return await self._tested(command)
        except _RefusedError as error:
            return _Done(Result(command=name, ok=False, why=str(error), remedy=error.remedy))

    def _check_who(self, by: str, infant: str, channel: str) -> None:
        if by in self._sources or not self._people:
            return
        person = self._people.get(by)
        if person is None and channel == PAGE:
            return  # the page lets in whom its own list names, a researcher of whom no alert asks anything among them
        if person is None:
            known = " ".join([*self._people, *sorted(self._sources)])
            raise _RefusedError(why=f"by = {by} is nobody of the settings", remedy=f"give one of: {known}")
        if not person.minds(infant):
            raise _RefusedError(why=f"{by} is not asked about this infant", remedy=WHOSE)

    def _acknowledged(self, infant: str, command: Ack, now_ns: int, channel: str) -> _Done:
        alerts = self._meant(infant, command.alert)
        result = Result(command="ack", ok=True, alerts=tuple(a.id for a in alerts))
        if not alerts:
            return _Done(structs.replace(result, why="no alert was open"))
        before = [s.acknowledged_by for a in alerts if not (s := self._machine.standing(a, now_ns)).open]
        if before and before[0]:
            result = structs.replace(result, why=f"{before[0]} had answered before")
        rows: list[Row] = []
        for alert in alerts:
            rows.append(acknowledged_row(
                alert.id, alert.version, now_ns, channel=channel, by=command.by, false_alarm=command.false_alarm
            ))  # fmt: skip
            if command.false_alarm:
                rows.append(Note(alert.infant, now_ns, FALSE_ALARM, alert.id, command.by))
        return _Done(result, tuple(rows))

    def _meant(self, infant: str, alert_id: str | None) -> list[Alert]:
        if alert_id is None:
            return self._machine.open_alerts(infant)
        return [self._known(infant, alert_id)]

    def _known(self, infant: str, alert_id: str) -> Alert:
        alert = self._machine.alert(alert_id)
        if alert is None or alert.infant != infant:
            remedy = "use the topic of the alert's infant and an id of the last day, or no id for all that are open"
            raise _RefusedError(why=f"no alert {alert_id} is known here", remedy=remedy)
        return alert

    def _muted(self, infant: str, command: Mute, now_ns: int) -> _Done:
        if infant not in self._infants:
            raise _RefusedError(why="a mute is for one infant", remedy="send it on the topic of the infant")
        strange = [p for p in command.patterns if p not in MUTABLE]
        if strange:
            remedy = f"these can be muted: {' '.join(sorted(MUTABLE))}"
            raise _RefusedError(why=f"{strange[0]} is never muted", remedy=remedy)
        until_ns = now_ns + command.minutes * 60 * NS
        moment = datetime.fromtimestamp(self._utc.utc_ns(until_ns) / NS, tz=UTC)
        said = Proof(patterns=tuple(command.patterns), minutes=command.minutes)
        until = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
        return _Done(Result(command="mute", ok=True, until=until), said=said)

    def _noted(self, infant: str, command: WriteNote, now_ns: int) -> _Done:
        if infant not in self._infants:
            raise _RefusedError(why="a note is about one infant", remedy="send it on the topic of the infant")
        if command.kind == FALSE_ALARM:
            raise _RefusedError(
                why="a false alarm is said of an alert", remedy="send ack with false_alarm = true"
            )
        if command.kind == STRUCK_OUT and command.corrects is None:
            raise _RefusedError(
                why="nothing is named that is taken back", remedy="give corrects = id of the note"
            )
        if says_nothing(command.kind, command.facts, command.text):
            raise _RefusedError(
                why=f"{command.kind}: nothing is said of it", remedy="give its facts or words"
            )
        try:
            facts = checked(command.kind, command.facts)
            text = checked_text(command.kind, command.text)
        except BadNote as error:
            raise _RefusedError(why=str(error), remedy=error.remedy) from error
        at_ns = self._at_ns(command, now_ns)
        note = Note(
            infant,
            at_ns,
            command.kind,
            text,
            command.by,
            facts=facts,
            corrects=command.corrects or "",
        )
        return _Done(Result(command="note", ok=True), (note,))

    def _at_ns(self, command: WriteNote, now_ns: int) -> int:
        """Data time that a note is about."""
        at_ns = now_ns
        if command.at is not None:
            at_ns += round(command.at.timestamp() * NS) - self._utc.utc_ns(now_ns)
        lasting = bool(command.facts) or command.corrects is not None
        oldest_ns = _OLDEST_FACT_NS if lasting else _OLDEST_NOTE_NS
        if not now_ns - oldest_ns <= at_ns <= now_ns + _NEWEST_NOTE_NS:
            span = "year" if lasting else "week"
            raise _RefusedError(
                why=f"at lies more than a {span} back, or ahead", remedy="check the clock of the phone"
            )
        return at_ns

    async def _opined(self, infant: str, command: Opine, now_ns: int, channel: str) -> _Done:
        if command.role == REVIEWER and channel != PAGE:
            raise _RefusedError(why="only the page knows who reviews", remedy="log in there as a researcher")
        await self._check_event(infant, command.event)
        try:
            label = checked_label(command.label, role=command.role, basis=command.basis)
            text = checked_opinion_text(command.text)
        except BadOpinion as error:
            raise _RefusedError(why=str(error), remedy=error.remedy) from error
        is_review = command.role == REVIEWER
        said = Opinion(
            infant, command.event, now_ns, command.by, command.role, label, text,
            basis=command.basis if is_review else "", blind=command.blind and is_review,
        )  # fmt: skip
        return _Done(Result(command="opinion", ok=True), (said,))

    async def _kept_raw(self, infant: str, command: KeepRaw) -> _Done:
        events = await self._check_event(infant, command.event)
        try:
            pinned = await asyncio.to_thread(events.pin, command.event)
        except StoreError as error:
            raise _RefusedError(
                why=str(error), remedy="see the disk of the gateway, and ask again"
            ) from error
        why = "" if pinned else "the raw data of this event is gone already"
        return _Done(Result(command="pin", ok=True, why=why))

    async def _check_event(self, infant: str, event_id: str) -> KnownEvents:
        """The events, once it is sure that this one is the infant's."""
        if self.events is None:
            raise _RefusedError(
                why="there are no journals of nights here", remedy="ask the monitor of the gateway"
            )
        event = await asyncio.to_thread(self.events.find, event_id)
        if event is None or event.infant != infant:
            raise _RefusedError(
                why=f"no event {event_id} is known here", remedy="use the topic of the event's infant"
            )
        return self.events

    def _received(self, infant: str, command: Receipt, now_ns: int) -> _Done:
        self._known(infant, command.alert)
        key = (command.alert, command.version, command.channel, command.by)
        done = Result(command="receipt", ok=True)
        if key in self._receipts:
            return _Done(done)
        self._receipts.add(key)
        return _Done(done, (
            received_row(command.alert, command.version, now_ns, channel=command.channel, by=command.by),
        ))  # fmt: skip

    async def _tested(self, command: Test) -> _Done:
        if self.on_test is None:
            raise _RefusedError(why="there is no self-test here", remedy="run: lullwatch self-test")
        return _Done(await self.on_test(command))
