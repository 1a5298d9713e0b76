"""From the journals to the facts of a night: coverage, alerts and who answered, events by kind, mutes, trouble."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise
from pathlib import Path

from alerts.payloads import UtcClock
from alerts.proof import ACKNOWLEDGED, COMMAND, MUTED, proof_of
from alerts.telling_words import WHILE_MUTED
from dsp.records import (
    NS,
    Alert,
    ClockRow,
    Coverage,
    Delivery,
    Event,
    Label,
    Severity,
    Site,
    Usability,
)
from store.errors import JournalError
from store.recording import newest_of, standing_events
from store.rows import LinkRow, Row
from store.shelf import Shelf
from store.utc import UtcMap

from .errors import NoSuchNight
from .link_causes import NOT_RUNNING
from .night_facts import Counted, NightFacts, SensorFacts, Span, ToldFacts, Window

__all__ = [
    "Begun",
    "begun_in",
    "events_in",
    "facts_of",
    "files_of",
    "night_facts",
    "rows_before",
    "rows_in",
    "worn_ns",
]

_log = logging.getLogger(__name__)

Begun = tuple[str, int]
"""Name of a night's file, and UTC at which it begins."""

_BEFORE = ("alert", "delivery", "clock")
TABLES = ("event", "alert", "coverage", "delivery", "link", "clock")
"""What of a journal a summary reads: no samples, so that a night takes well under a second."""
_LOST_NS = 60 * NS
"""By so much and more UTC went on while data time stood still: a computer without a battery clock was off meanwhile.
Less is a clock that was set a little, and whole minutes follow each other as they were counted."""
_HELD_ROWS = 64
"""Read at once: events come with all their evidence."""


class _Standing:
    """What still stands of an infant's rows when all were taken, without the evidence of events.

    A night tells its events many times over, each time with all that spoke for them: held at once they took 10 MB of a
    night of 13 h, and part of that stayed taken.
    """

    def __init__(self, infant: str) -> None:
        self._infant = infant
        self._few: list[Row] = []
        self._newest: dict[tuple[type, object], Row] = {}

    @property
    def rows(self) -> list[Row]:
        """Those that change one another in the order they were taken."""
        return [*self._few, *self._newest.values()]

    def take(self, row: Row) -> None:
        """One more row of the night, in the order they were committed."""
        match row:
            case Event() | Coverage() | LinkRow() if row.infant != self._infant:
                pass
            case Event():
                before = self._newest.get((Event, row.id))
                if not isinstance(before, Event) or row.version >= before.version:
                    self._newest[Event, row.id] = replace(row, evidence=())
            case Coverage():
                self._newest[Coverage, row.t_ns] = row
            case LinkRow():
                if row.sample.battery is not None:
                    self._newest[LinkRow, row.sample.site] = row
            case _:
                self._few.append(row)


@dataclass(slots=True)
class _Rows:
    """One infant's rows of a night, sorted out."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    """the last version of each"""
    rang: dict[str, int] = field(default_factory=dict)
    """by alert, the newest version that was to ring"""
    coverage: list[Coverage] = field(default_factory=list)
    deliveries: dict[str, list[Delivery]] = field(default_factory=dict)
    commands: list[Delivery] = field(default_factory=list)
    battery: dict[Site, int] = field(default_factory=dict)


def night_facts(folder: Path, infant: str, window: Window) -> NightFacts:
    """What the journals of a folder (or one journal file) hold of an infant's night.

    Raises:
        NoSuchNight: nothing of it is there.
        store.errors.JournalError: a journal cannot be read.
    """
    utc, standing = UtcMap(), _Standing(infant)
    with Shelf(folder) if folder.is_dir() else Shelf.around(folder) as shelf:
        begun = begun_in(shelf)
        files = files_of(begun, window)
        told = chain.from_iterable(_each_row(shelf, name, TABLES) for name in files)
        for row in chain(rows_before(shelf, begun, files), told):
            if isinstance(row, ClockRow):
                utc.add(row)
            standing.take(row)
    facts = facts_of(standing.rows, infant, window, utc)
    if not facts.watched_ns and not facts.alerts:
        raise NoSuchNight(folder, infant, str(window.night))
    return facts


def begun_in(shelf: Shelf) -> list[Begun]:
    """Every file of the shelf that has begun, oldest first."""
    begun: list[Begun] = []
    for path in shelf.nights():
        with shelf.opened(path.name) as journal:
            clocks = journal.clock_rows()
        if clocks:
            begun.append((path.name, clocks[0].utc_ns))
    return begun


def files_of(begun: Sequence[Begun], window: Window) -> list[str]:
    """Names of the files that may hold something of the night: begun before its end, not followed before its begin."""
    nexts = [utc_ns for _, utc_ns in begun[1:]]
    return [
        name
        for (name, begin_ns), next_ns in zip(begun, [*nexts, None], strict=True)
        if begin_ns < window.end_ns and (next_ns is None or next_ns > window.begin_ns)
    ]


def rows_before(shelf: Shelf, begun: Sequence[Begun], files: Sequence[str]) -> Iterator[Row]:
    """What still matters in a night of the file before its own: trouble that had not ended, and mutes.

    Where that cannot be read the night is told without it.
    """
    names = [name for name, _ in begun]
    first = names.index(files[0]) if files else 0
    for name in names[max(0, first - 1) : first]:
        try:
            yield from _each_row(shelf, name, _BEFORE)
        except JournalError as error:
            _log.error("what the night before says of this one is passed over: %s", error)


def rows_in(shelf: Shelf, night: str, tables: Sequence[str] = TABLES) -> list[Row]:
    """All rows of some tables of a file, in the order they were committed."""
    return list(_each_row(shelf, night, tables))


def _each_row(shelf: Shelf, night: str, tables: Sequence[str]) -> Iterator[Row]:
    with shelf.opened(night) as journal:
        yield from (row for _, row in journal.rows(tables, at_once=_HELD_ROWS))


def events_in(rows: Iterable[Row], infant: str, window: Window, utc: UtcClock) -> tuple[Event, ...]:
    """The infant's events that stand and began in the night, by onset; members of series are among them."""
    own = (row for row in rows if isinstance(row, Event) and row.infant == infant)
    return standing_events(e for e in own if window.begin_ns <= utc.utc_ns(e.onset_ns) < window.end_ns)


def facts_of(rows: Iterable[Row], infant: str, window: Window, utc: UtcClock) -> NightFacts:
    """The facts of one infant's night, from the rows of everybody's in the order they were committed."""
    rows = list(rows)
    sorted_out = _sorted_out(rows, infant, window, utc)
    minutes = _in_utc(newest_of(sorted_out.coverage, key=lambda c: c.t_ns), utc)
    blind, seen = tuple(_blind(minutes)), tuple(_seen(minutes))
    return NightFacts(
        infant=infant,
        window=window,
        watched_ns=sum(span.length_ns for span in (*blind, *seen)),
        blind=blind,
        seen=seen,
        degraded_ns=sum(c.span_ns for c in minutes if c.usability is Usability.DEGRADED),
        alerts=tuple(
            sorted(
                (
                    _told(
                        alert,
                        sorted_out.deliveries.get(alert.id, []),
                        utc,
                        rang=sorted_out.rang.get(alert.id, 0),
                    )
                    for alert in sorted_out.alerts.values()
                    # what a mute kept silent has alerts of its own
                    if alert.severity in (Severity.URGENT, Severity.NOTICE) and alert.pattern != WHILE_MUTED
                ),
                key=lambda a: (a.onset_ns, a.id),
            )
        ),
        events=_counted(events_in(rows, infant, window, utc)),
        sensors=_sensors(minutes, sorted_out.battery),
        technical=tuple(_overlapping(_technical(sorted_out.alerts.values(), utc), window)),
        mutes=tuple(_overlapping(_mutes(sorted_out.commands, infant, utc), window)),
    )


def _sorted_out(rows: Iterable[Row], infant: str, window: Window, utc: UtcClock) -> _Rows:
    out = _Rows()

    def inside(t_ns: int) -> bool:
        return window.begin_ns <= utc.utc_ns(t_ns) < window.end_ns

    def begun(row: Alert) -> bool:
        """Whether it is of the night; trouble may have begun before it."""
        technical = row.severity is Severity.TECHNICAL
        return utc.utc_ns(row.onset_ns) < window.end_ns if technical else inside(row.onset_ns)

    for row in rows:
        if isinstance(row, Delivery) and row.step == COMMAND:
            out.commands += [row] if utc.utc_ns(row.t_ns) < window.end_ns else []
        elif isinstance(row, Delivery):
            out.deliveries.setdefault(row.alert_id, []).append(row)
        elif isinstance(row, Alert) and row.infant in (infant, "") and begun(row):
            out.alerts[row.id] = row
            if row.facts.get("announce") == "ring":
                out.rang[row.id] = max(row.version, out.rang.get(row.id, 0))
        elif isinstance(row, Coverage) and row.infant == infant and inside(row.t_ns):
            out.coverage.append(row)
        elif isinstance(row, LinkRow) and row.infant == infant and row.sample.battery is not None:
            out.battery[row.sample.site] = row.sample.battery
    return out


def _in_utc(minutes: Sequence[Coverage], utc: UtcClock) -> list[Coverage]:
    """Minutes with their times in UTC: what followed without a break does so still, if the clock was set a little.

    Data time stands still while a computer without a battery clock is off; the hours it was off for lie between two
    minutes that follow each other, and are found here.
    """
    placed = [replace(minute, t_ns=utc.utc_ns(minute.t_ns)) for minute in minutes[:1]]
    for before, minute in pairwise(minutes):
        at_ns, apart_ns = utc.utc_ns(minute.t_ns), minute.t_ns - before.t_ns
        if abs(at_ns - utc.utc_ns(before.t_ns) - apart_ns) < _LOST_NS:
            at_ns = placed[-1].t_ns + apart_ns
        placed.append(replace(minute, t_ns=at_ns))
    return placed


def _blind(minutes: Sequence[Coverage]) -> Iterator[Span]:
    """Stretches without any usable data, those included in which no minute was counted: nothing ran then."""
    pieces: list[Span] = []
    reached_ns = minutes[0].t_ns if minutes else 0
    for c in minutes:
        if c.t_ns > reached_ns:
            pieces.append(Span(reached_ns, c.t_ns, (NOT_RUNNING,)))
        # a clock that came up in the past and was set later: what counts is how far the night had been counted before
        reached_ns = max(reached_ns, c.t_ns + c.span_ns)
    pieces += [Span(c.t_ns, c.t_ns + c.span_ns, c.causes) for c in minutes if c.usability is Usability.BLIND]
    whole: Span | None = None
    for piece in sorted(pieces, key=lambda p: p.begin_ns):
        if whole is not None and piece.begin_ns == whole.end_ns:
            whole = Span(whole.begin_ns, piece.end_ns, tuple(dict.fromkeys((*whole.causes, *piece.causes))))
            continue
        if whole is not None:
            yield whole
        whole = piece
    if whole is not None:
        yield whole


def _seen(minutes: Sequence[Coverage]) -> Iterator[Span]:
    """Stretches with usable data; where something was missing the causes say what."""
    whole: Span | None = None
    for c in minutes:
        if c.usability is Usability.BLIND:
            continue
        if whole is not None and c.t_ns == whole.end_ns and c.causes == whole.causes:
            whole = replace(whole, end_ns=c.t_ns + c.span_ns)
            continue
        if whole is not None:
            yield whole
        whole = Span(c.t_ns, c.t_ns + c.span_ns, c.causes)
    if whole is not None:
        yield whole


def _told(alert: Alert, steps: Sequence[Delivery], utc: UtcClock, *, rang: int) -> ToldFacts:
    """An alert and its answer; what was answered before it rang (anew) is none to what rang."""
    answers = [step for step in steps if step.step == ACKNOWLEDGED and step.version >= rang]
    false = [step for step in answers if proof_of(step).false_alarm]
    first = (*false, *answers, None)[0]
    return ToldFacts(
        id=alert.id,
        event_id=alert.event_id or "",
        pattern=alert.pattern,
        severity=alert.severity,
        onset_ns=utc.utc_ns(alert.onset_ns),
        duration_s=(alert.end_ns - alert.onset_ns) / NS,
        count=alert.count,
        answered_by="" if first is None else proof_of(first).by or first.channel,
        answered_ns=None if first is None else utc.utc_ns(first.t_ns),
        false_alarm=bool(false),
        muted=any(step.step == MUTED for step in steps),
    )


def _mutes(steps: Iterable[Delivery], infant: str, utc: UtcClock) -> tuple[Span, ...]:
    """Times in which a pattern was muted: a newer mute of the same pattern ends the older, none lasts past its end."""
    ended: list[Span] = []
    standing: dict[str, Span] = {}
    for step in steps:
        said = proof_of(step)
        if said.asked != "mute" or not said.ok or said.minutes is None or said.infant != infant:
            continue
        begin_ns = utc.utc_ns(step.t_ns)
        for pattern in said.patterns or tuple(standing):
            if (earlier := standing.pop(pattern, None)) is not None:
                ended.append(replace(earlier, end_ns=min(earlier.end_ns, begin_ns)))
            if said.minutes:
                standing[pattern] = Span(begin_ns, begin_ns + said.minutes * 60 * NS, (pattern,))
    return tuple(sorted((*ended, *standing.values()), key=lambda s: (s.begin_ns, s.causes)))


def _counted(events: Sequence[Event]) -> tuple[Counted, ...]:
    """By kind, in the order of the vocabulary, which begins with what matters most; members count in their series."""
    found = []
    for label in Label:
        own = [e for e in events if e.label is label and e.parent is None]
        if own:
            found.append(Counted(label.wire, len(own), sum(e.count for e in own)))
    return tuple(found)


def _sensors(minutes: Sequence[Coverage], battery: Mapping[Site, int]) -> tuple[SensorFacts, ...]:
    sites = {site for minute in minutes for site, _ in minute.seen} | set(battery)
    return tuple(
        SensorFacts(site, worn_ns(site, minutes), battery.get(site)) for site in Site if site in sites
    )


def worn_ns(site: Site, minutes: Iterable[Coverage]) -> int:
    """How long a sensor gave data while it was worn, as far as the sensors can tell."""
    worn = (c for c in minutes if f"not_worn:{site}" not in c.causes)
    return round(sum(dict(c.seen).get(site, 0.0) * c.span_ns for c in worn))


def _overlapping(spans: Iterable[Span], window: Window) -> Iterator[Span]:
    """Those that reach into the night: what has not ended reaches into every one after it."""
    return (s for s in spans if s.end_ns >= window.begin_ns or not s.over)


def _technical(alerts: Iterable[Alert], utc: UtcClock) -> Iterator[Span]:
    for alert in alerts:
        if alert.severity is Severity.TECHNICAL:
            begin_ns = utc.utc_ns(alert.onset_ns)
            end_ns = begin_ns + max(0, alert.end_ns - alert.onset_ns)
            yield Span(begin_ns, end_ns, (alert.pattern,), over=alert.cleared)
