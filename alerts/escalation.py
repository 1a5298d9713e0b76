"""Who is told when: a state machine on given times. Rows of the journal in, messages to people out.

What it knows is the fold of the rows of alerts and deliveries, in the order of the journal, and nothing else:
`fold` every row, ask `due`, write down what `due` says (`alerts.proof`), fold that, and only then hand it to the
channels. Whoever dies in between folds the same rows again and goes on. It reads no clock; times are data time,
which no setting of the computer's clock moves.

* `urgent` rings at the first of the chain, again every `repeat_s`, and at the next one too where nobody has
  answered in time or nothing could be sent. One answer stops it for everyone, and everyone who was told hears who.
* Technical trouble that rings does so once; it passes to the next one only where nothing could be sent.
* Everything else goes silently to the first of the chain (and whoever is told with them); quiet hours hold it.
  Technical trouble goes to the next one where nothing could be sent.
* A mute holds what it covers; at its end, what is over is told together, what still goes on rings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import time

from alerts.cases import Case, Post
from alerts.muting import Mute, Mutes, breaks_through
from alerts.people import ANYONE, MQTT, NEXT_AFTER_S, Person, QuietHours, chain_of, due_after_s
from alerts.proof import muted_row
from alerts.severity import RANK, TABLE, Table
from alerts.telling import Channel, ChannelFailed, Kind, Notification, Send, Standing
from dsp.records import NS, SELF_TEST, Alert, Delivery, Severity

__all__ = [
    "ANYONE",
    "MQTT",
    "NEXT_AFTER_S",
    "Channel",
    "ChannelFailed",
    "Due",
    "Escalation",
    "Kind",
    "Notification",
    "Person",
    "QuietHours",
    "Send",
    "Standing",
    "WhileMuted",
    "chain_of",
    "due_after_s",
]

RINGS_ON_S = 900.0
"""So long it goes on ringing every `repeat_s` after the last of the chain was told: deep sleep takes minutes."""
SELDOM_S = 300.0
"""Then so often, until an hour after the event (`Table.late_limit_s`): what is older no longer rings."""
UPDATES_APART_S = 30.0
"""Silent updates to one person come no faster: a phone that lights up every few seconds is switched off."""
GOING_ON_S = 120.0
"""At the end of a mute an event still goes on when it has not ended and was seen so recently."""


@dataclass(frozen=True, slots=True)
class WhileMuted:
    """A mute has ended: alerts of one infant that it kept silent and that are over."""

    infant: str
    alerts: tuple[Alert, ...]

    @property
    def urgent(self) -> bool:
        """Whether one of them would have rung."""
        return any(a.severity is Severity.URGENT for a in self.alerts)


@dataclass(slots=True)
class Due:
    """What is to be written down now, and then done."""

    sends: list[Send] = field(default_factory=list)
    held: list[Delivery] = field(default_factory=list)
    """rows that say what a mute keeps silent"""
    ended: list[WhileMuted] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.sends or self.held or self.ended)


class Escalation:
    """All alerts that people are being told of, for one gateway.

    Args:
        people: of the settings; without any, everyone who reads the topic is one person.
        local_time: time of day at a data time, for quiet hours.
        table: the severity table in force, for its limits.
    """

    def __init__(
        self, people: Iterable[Person], *, local_time: Callable[[int], time], table: Table = TABLE
    ) -> None:
        self._people = tuple(people)
        self._local_time = local_time
        self._table = table
        self._cases: dict[str, Case] = {}
        self.mutes = Mutes()
        self._skipped = (0, 0)
        """(a data time, how much too far data time had gone on when it came to it)"""

    def fold(self, row: Alert | Delivery) -> None:
        """Take a row of the journal, or one that is about to be committed."""
        if isinstance(row, Alert):
            case = self._cases.get(row.id)
            if case is None:
                self._cases[row.id] = Case(row)
            else:
                case.renew(row)
            return
        self.mutes.fold(row)
        if (case := self._cases.get(row.alert_id)) is not None:
            case.fold(row)

    def resumed(self) -> None:
        """This is a new start: what was decided but perhaps never sent is to be sent again, as a repeat."""
        for case in self._cases.values():
            case.lose_pending()

    def skipped(self, t_ns: int, by_ns: int) -> None:
        """Data time went on too far at a start, to `t_ns`: that much is no part of the hour of what was before."""
        self._skipped = t_ns, by_ns

    def due(self, now_ns: int) -> Due:
        """Everything that is to happen by now; it is empty once what it said has been folded."""
        due = Due()
        at = self._local_time(now_ns)
        silent: dict[str, list[Case]] = {}
        for case in sorted(self._cases.values(), key=_most_severe_first):
            due.sends += self._news(case, now_ns)
            mute = self.mutes.over(case.alert, now_ns, self._table) if case.open else None
            if mute is not None:
                due.held += _held(case, mute, now_ns)
            elif case.was_held and not (_goes_on(case, now_ns) or breaks_through(case.alert, self._table)):
                silent.setdefault(case.alert.infant, []).append(case)
            else:
                due.sends += self._told(case, now_ns, at)
        due.ended = [WhileMuted(i, tuple(c.alert for c in cases)) for i, cases in silent.items()]
        self._forget(now_ns)
        return due

    def standing(self, alert: Alert, now_ns: int) -> Standing:
        """How an alert stands with people."""
        case = self._cases.get(alert.id) or Case(alert)
        mute = self.mutes.over(case.alert, now_ns, self._table) if case.open else None
        return Standing(
            open=case.open,
            told=case.told,
            acknowledged_by=case.answered_by,
            acknowledged_ns=case.answered_ns,
            false_alarm=case.false_alarm,
            muted_until_ns=mute.until_ns if mute else None,
            repeats=case.repeats,
            past=now_ns >= self._silent_from_ns(case),
        )

    def alert(self, alert_id: str) -> Alert | None:
        """The newest version of an alert that people are being told of."""
        case = self._cases.get(alert_id)
        return case.alert if case else None

    def open_alerts(self, infant: str | None = None) -> list[Alert]:
        """Alerts that nobody has answered yet, the most severe first."""
        cases = sorted(self._cases.values(), key=_most_severe_first)
        return [c.alert for c in cases if c.open and infant in (None, c.alert.infant)]

    def unreached(self, alert_id: str) -> tuple[str, ...]:
        """Who of the chain has not been told of an alert; nobody of one that is no longer remembered."""
        case = self._cases.get(alert_id)
        if case is None:
            return ()
        return tuple(p.id for p in self._chain(case) if not case.has_told(p.id))

    # what is due

    def _told(self, case: Case, now_ns: int, at: time) -> list[Send]:
        if case.alert.infant == SELF_TEST:
            return list(self._tested(case, now_ns))
        sends: list[Send] = []
        if case.rings and case.open:
            sends += self._ringing(case, now_ns)
        elif not case.rings and case.open:
            sends += self._silently(case, now_ns, at)
        told = {(s.person, s.channel) for s in sends}  # who hears it anew hears its newest version
        return sends + [s for s in self._updates(case, now_ns, at) if (s.person, s.channel) not in told]

    def _tested(self, case: Case, now_ns: int) -> Iterator[Send]:
        """A test that rings goes once to everybody, whoever of them minds whom, over every channel.

        Who is new since is not rung by a test of hours ago.
        """
        fresh = now_ns < case.alert.t_ns + int(RINGS_ON_S * NS)
        for person in (self._people or (ANYONE,)) if case.rings and fresh else ():
            for channel in person.channels:
                if case.post(person.id, channel) is None:
                    yield case.send(person, channel, Kind.TEST, rings=True)

    def _ringing(self, case: Case, now_ns: int) -> Iterator[Send]:
        """One step along the chain, and repeats to those who were told already."""
        rings = now_ns < self._silent_from_ns(case)
        once = case.alert.severity is Severity.TECHNICAL
        chain, before_ns, failed = self._chain(case), case.begun_ns or now_ns, False
        for place, (person, after_ns) in enumerate(zip(chain, _waits_ns(chain), strict=True)):
            first_ns = case.first_told_ns(person)
            if first_ns is None:
                wait_ns = 0 if failed or not (rings or once) else after_ns
                if now_ns < before_ns + wait_ns or (once and place and after_ns and not failed):
                    return
                yield from (case.send(person, c, Kind.ALERT, rings=rings) for c in person.channels)
                before_ns, failed = now_ns, False
            else:
                every_ns = 0 if once or not rings else self._every_ns(case, person, now_ns)
                yield from _repeats(case, person, now_ns, every_ns, rings=rings)
                before_ns, failed = first_ns, case.has_failed(person)

    def _silently(self, case: Case, now_ns: int, at: time) -> Iterator[Send]:
        everyone = case.alert.facts.get("reach") == "all"
        technical = case.alert.severity is Severity.TECHNICAL
        chain, out_of_reach = self._chain(case), True
        for person, after_s in zip(chain, due_after_s(chain), strict=True):
            # that the broker is away reaches whoever has another channel
            first = not after_s or everyone or (technical and out_of_reach)
            out_of_reach = out_of_reach and case.has_failed(person)
            if not first or _is_held(person, at):
                continue
            for channel in person.channels:
                post = case.post(person.id, channel)
                if post is None:
                    yield case.send(person, channel, Kind.ALERT, rings=False)
                elif post.lost and now_ns >= post.not_before_ns:
                    yield case.send(person, channel, Kind.REPEAT, rings=False)

    def _updates(self, case: Case, now_ns: int, at: time) -> Iterator[Send]:
        """The newest version to those who were told an older one, unless it rings at them anyway."""
        for person in self._chain(case):
            if case.alert.severity is not Severity.URGENT and _is_held(person, at):
                continue
            for channel in person.channels:
                post = case.post(person.id, channel)
                if post is None or post.version >= case.alert.version:
                    continue
                if post.pending or post.lost or case.will_ring(post) or case.needs_news(post):
                    continue
                if now_ns >= max(post.last_ns + int(UPDATES_APART_S * NS), post.not_before_ns):
                    yield case.send(person, channel, Kind.UPDATE, rings=False)

    def _news(self, case: Case, now_ns: int) -> Iterator[Send]:
        """Who has answered, to all who were told, over every channel they were told on."""
        for post in case.posts:
            if case.needs_news(post) and not post.pending and now_ns >= post.not_before_ns:
                kind = Kind.FALSE_ALARM if case.false_alarm else Kind.ANSWERED
                yield case.send_on(post, kind, rings=False)

    # times

    def _chain(self, case: Case) -> tuple[Person, ...]:
        return chain_of(self._people, case.alert.infant)

    def _silent_from_ns(self, case: Case) -> int:
        """When it no longer rings: an hour after the event, but not before the whole chain had its time."""
        seen_ns = case.alert.t_ns if case.alert.severity is Severity.TECHNICAL else case.alert.end_ns
        limit_ns = self._later(seen_ns, int(self._table.late_limit_s * NS))
        if case.begun_ns is None:
            return limit_ns
        chain_ns = sum(_waits_ns(self._chain(case))) + int(RINGS_ON_S * NS)
        return max(limit_ns, self._later(case.begun_ns, chain_ns))

    def _later(self, t_ns: int, by_ns: int) -> int:
        """When so much has passed since a time, as far as is known."""
        start_ns, skipped_ns = self._skipped
        return t_ns + by_ns + (skipped_ns if t_ns < start_ns <= t_ns + by_ns + skipped_ns else 0)

    def _every_ns(self, case: Case, person: Person, now_ns: int) -> int:
        told = [case.first_told_ns(p) for p in self._chain(case)]
        last_ns = max((t for t in told if t is not None), default=now_ns)
        worn_out = None not in told and now_ns >= last_ns + int(RINGS_ON_S * NS)
        return int((max(SELDOM_S, person.repeat_s) if worn_out else person.repeat_s) * NS)

    def _forget(self, now_ns: int) -> None:
        """What is over and old leaves the memory; what nobody answered for a day is in the summaries."""
        oldest_ns = now_ns - int(self._table.memory_s * NS)
        for alert_id in [i for i, c in self._cases.items() if c.touched_ns < oldest_ns]:
            del self._cases[alert_id]


def _most_severe_first(case: Case) -> tuple[int, int, str]:
    return -RANK[case.alert.severity], case.alert.t_ns, case.alert.id


def _waits_ns(chain: tuple[Person, ...]) -> tuple[int, ...]:
    """How long each waits after the one before."""
    due = due_after_s(chain)
    return tuple(int((b - a) * NS) for a, b in zip((0.0, *due), due, strict=False))


def _is_held(person: Person, at: time) -> bool:
    return person.quiet is not None and person.quiet.hold(at)


def _held(case: Case, mute: Mute, now_ns: int) -> list[Delivery]:
    """The row that says a mute keeps this silent: once for each version that would have been heard."""
    if not case.would_be_heard:
        return []
    return [muted_row(case.alert.id, case.alert.version, now_ns, until_ns=mute.until_ns, by=mute.by)]


def _goes_on(case: Case, now_ns: int) -> bool:
    ended = case.alert.facts.get("status") in ("end", "withdrawn") or "ended_as" in case.alert.facts
    return case.rings and not ended and now_ns - case.alert.end_ns < int(GOING_ON_S * NS)


def _repeats(case: Case, person: Person, now_ns: int, every_ns: int, *, rings: bool) -> Iterator[Send]:
    """To one who was told in this round; `every_ns` 0: no repeats but for what was lost."""
    for channel in person.channels:
        post: Post | None = case.post(person.id, channel)
        if post is None or not case.in_round(post) or post.rung_version < case.ring_version:
            yield case.send(person, channel, Kind.ALERT, rings=rings)
        elif now_ns < post.not_before_ns or post.pending:
            continue
        elif post.lost or (every_ns and now_ns >= post.rung_ns + every_ns):
            yield case.send(person, channel, Kind.REPEAT, rings=rings)
