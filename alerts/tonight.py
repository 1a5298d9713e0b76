"""What stands of the night so far: counts with the coverage they belong to. Fed with rows, asked at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from alerts import wire
from alerts.payloads import Message, Topics, UtcClock, body_of, times
from dsp.records import NS, Coverage, Event, EventStatus, Label, Usability

__all__ = ["NightOf", "Tally"]

NightOf = Callable[[int], str]
"""The night that a data time belongs to, as a word that changes from one to the next."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is counted of an event: a night has a thousand of them, each with pages of evidence."""

    label: Label
    onset_ns: int
    count: int
    is_member: bool
    """of a series, whose members begin after it and say less"""
    stands: bool

    @classmethod
    def of(cls, event: Event) -> _Known:
        stands = event.status is not EventStatus.WITHDRAWN and event.merged_into is None
        return cls(event.label, event.onset_ns, event.count, event.parent is not None, stands)


class Tally:
    """One infant's night.

    Args:
        infant: whose; empty for the gateway itself, which has no events.
        night_of: tells nights apart; what belongs to another night than the newest is not counted.
    """

    def __init__(self, infant: str, night_of: NightOf) -> None:
        self._infant = infant
        self._night_of = night_of
        self._night = ""
        self._events: dict[str, _Known] = {}
        self._seen_ns = 0
        self._watched_ns = 0
        self._begun_ns: int | None = None
        self._minutes: dict[int, tuple[int, int]] = {}
        """nanoseconds watched and seen, by the minute's time"""

    def feed(self, row: Event | Coverage) -> None:
        """Take a row into account; later versions and later words on a minute replace earlier ones."""
        t_ns = row.onset_ns if isinstance(row, Event) else row.t_ns
        if row.infant != self._infant or not self._is_tonight(t_ns):
            return
        if isinstance(row, Event):
            self._events[row.id] = _Known.of(row)
            return
        watched_ns, seen_ns = self._minutes.get(row.t_ns, (0, 0))
        self._minutes[row.t_ns] = (row.span_ns, _seen_ns(row))
        self._watched_ns += row.span_ns - watched_ns
        self._seen_ns += _seen_ns(row) - seen_ns

    def message(
        self,
        topics: Topics,
        clock: UtcClock,
        *,
        open_alerts: Iterable[str],
        problems: Iterable[str],
        now_ns: int,
    ) -> Message:
        """The night as it stands, retained."""
        self._is_tonight(now_ns)
        whole = [event for event in self._standing() if not event.is_member]
        last = max(whole, key=lambda event: event.onset_ns, default=None)
        body = {
            "begun": None if self._begun_ns is None else times(clock, "at", self._begun_ns)["at"],
            "begun_ns": None if self._begun_ns is None else clock.utc_ns(self._begun_ns),
            "coverage": wire.Seen(seen_s=self._seen_ns // NS, watched_s=self._watched_ns // NS),
            "counts": self._counts(),
            "last_event": None if last is None else last.label.wire,
            "last_event_at": None if last is None else times(clock, "at", last.onset_ns)["at"],
            "open_alerts": tuple(open_alerts),
            "problems": tuple(problems),
        }
        payload = body_of(wire.TonightBody, body)
        return Message(
            topics.of(self._infant, "tonight"), payload, retain=True, newest_only=True, of_ns=now_ns
        )

    def _is_tonight(self, t_ns: int) -> bool:
        """Whether a time lies in the newest night; one in a newer night begins it."""
        night = self._night_of(t_ns)
        if night > self._night:
            self._night, self._begun_ns = night, t_ns
            self._events, self._minutes = {}, {}
            self._seen_ns = self._watched_ns = 0
        if night == self._night:
            self._begun_ns = min(t_ns, self._begun_ns if self._begun_ns is not None else t_ns)
        return night == self._night

    def _standing(self) -> list[_Known]:
        return [event for event in self._events.values() if event.stands]

    def _counts(self) -> dict[str, wire.Count]:
        counts: dict[str, wire.Count] = {}
        for label in Label:
            own = [e for e in self._standing() if e.label is label]
            if own:
                counts[label.wire] = wire.Count(events=len(own), movements=sum(e.count for e in own))
        return counts


def _seen_ns(minute: Coverage) -> int:
    """What of a minute counts as seen: all of it unless it was blind, as everywhere else."""
    return 0 if minute.usability is Usability.BLIND else minute.span_ns
