"""From the journals to the facts of a report: every night of a span, read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from alerts.severity import TABLE
from alerts.words import match_word
from dsp.records import NS, ClockRow, Config, Event, Note, Opinion, Site, StateEpoch
from lullwatch.asking import FALSE_ALARM
from lullwatch.diary import Entry, entries
from lullwatch.errors import NoSuchSpan, NothingRecorded
from lullwatch.morning import TABLES, Begun, begun_in, events_in, facts_of, files_of, rows_before, rows_in
from lullwatch.night_facts import NightFacts, Window
from lullwatch.opinions import standing_opinions
from lullwatch.watch import Watch, watch_of
from store.recording import newest_of
from store.rows import Row
from store.shelf import Shelf
from store.utc import UtcMap

from .facts import MOVEMENT_SEEN, SHOWN_LABELS, NightReport, ReportFacts, Series, StateSpan

__all__ = ["gather", "recorded_nights"]

_READ = (*TABLES, "state", "config")
"""What of a night a report reads: no samples."""
_WRITTEN = ("note", "opinion", "clock")
"""What people write of a night may stand in any later file, too: they come to it the day after."""
_BESIDE_NS = 300 * NS
"""What a person wrote at most so long before or after an event is shown beside it: times by hand are no nearer."""

_Advance = Callable[[float], None]


@dataclass(slots=True)
class _Seen:
    """What is known of the whole span while nights are read one after the other."""

    diary: tuple[Entry, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    watches: list[Watch] = field(default_factory=list)
    settings: set[str] = field(default_factory=set)
    newest_ns: int = 0


def recorded_nights(shelf: Shelf, zone: str | None = None) -> list[date]:
    """Evenings of the nights that files of the shelf begin in, oldest first.

    Raises:
        store.errors.JournalError: a night cannot be read.
    """
    found: list[date] = []
    for path in shelf.nights():
        with shelf.opened(path.name) as journal:
            clocks = journal.clock_rows()
        if clocks:
            found.append(Window.at(clocks[0].utc_ns, zone or clocks[0].zone).night)
    return list(dict.fromkeys(found))


def gather(
    shelf: Shelf, infant: str, first: date, last: date, *, on_night: _Advance = lambda _: None
) -> ReportFacts:
    """The facts of an infant's nights from `first` to `last`, dates of their evenings, both included.

    Raises:
        NothingRecorded: there is no journal.
        NoSuchSpan: nothing of the infant in these nights.
        store.errors.JournalError: a night cannot be read.
    """
    begun = begun_in(shelf)
    if not begun:
        raise NothingRecorded(shelf.folder)
    with shelf.opened(begun[-1][0]) as journal:
        zone = journal.clock_rows()[-1].zone
    seen = _Seen(*_written(shelf, begun, infant, Window(first, zone)))
    nights: list[NightReport] = []
    evening = first
    while evening <= last:
        night = _night(shelf, begun, infant, Window(evening, zone), seen)
        nights += [night] if night is not None else []
        on_night(1.0)
        evening += timedelta(days=1)
    if not nights:
        raise NoSuchSpan(shelf.folder, infant, first, last, recorded_nights(shelf, zone))
    sensors = {s.site for n in nights for s in n.facts.sensors}
    return ReportFacts(
        infant=infant,
        first=first,
        last=last,
        zone=zone,
        nights=tuple(nights),
        age_days=seen.watches[0].age_days if seen.watches else None,
        sites=tuple(site for site in Site if site in sensors),
        settings=tuple(sorted(seen.settings)),
        newest_ns=seen.newest_ns,
    )


def _night(
    shelf: Shelf, begun: Sequence[Begun], infant: str, window: Window, seen: _Seen
) -> NightReport | None:
    rows: list[Row] = []
    utc = UtcMap()
    files = files_of(begun, window)
    for name in files:
        with shelf.opened(name) as journal:
            for clock in journal.clock_rows():
                utc.add(clock)
        rows += rows_in(shelf, name, _READ)
    if not utc:
        return None
    earlier = list(rows_before(shelf, begun, files))
    for row in earlier:
        if isinstance(row, ClockRow):
            utc.add(row)
    rows = [*earlier, *rows]
    facts = facts_of(rows, infant, window, utc)
    diary = tuple(e for e in seen.diary if window.begin_ns <= e.utc_ns < window.end_ns)
    if not facts.watched_ns and not facts.alerts and not diary:
        return None
    events = events_in(rows, infant, window, utc)
    shown = _shown(events, seen.opinions, facts, diary, utc)
    _remember(seen, rows, infant, events, window, facts)
    return NightReport(facts=facts, shown=shown, states=_states(rows, infant, window, utc), entries=diary)


def _remember(
    seen: _Seen, rows: Sequence[Row], infant: str, events: Sequence[Event], window: Window, facts: NightFacts
) -> None:
    watches = (watch_of(row) for row in rows if isinstance(row, Config))
    seen.watches += [watch for watch in watches if watch.infant == infant]
    seen.settings |= {event.settings for event in events}
    ends = [*(span.end_ns for span in facts.seen), window.begin_ns]
    seen.newest_ns = max(seen.newest_ns, *ends)


def _written(
    shelf: Shelf, begun: Sequence[Begun], infant: str, first: Window
) -> tuple[tuple[Entry, ...], tuple[Opinion, ...]]:
    """The diary and what people said of events, from the first night on; nothing that was struck out.

    That an alert was called a false alarm stands with the alert.
    """
    utc, rows = UtcMap(), list[Row]()
    names = [name for name, _ in begun]
    earliest = files_of(begun, first)
    for name in names[names.index(earliest[0]) if earliest else 0 :]:
        rows += rows_in(shelf, name, _WRITTEN)
    for row in rows:
        if isinstance(row, ClockRow):
            utc.add(row)
    own = (row for row in rows if isinstance(row, Note) and row.infant == infant and row.kind != FALSE_ALARM)
    diary = (
        entry for entry in entries({note: utc.utc_ns(note.t_ns) for note in own}) if not entry.struck_out
    )
    opinions = (row for row in rows if isinstance(row, Opinion) and row.infant == infant)
    return tuple(diary), standing_opinions(opinions)


def _shown(
    events: Sequence[Event],
    opinions: Sequence[Opinion],
    facts: NightFacts,
    diary: Sequence[Entry],
    utc: UtcMap,
) -> tuple[Series, ...]:
    told = {alert.event_id: alert for alert in facts.alerts}
    members: dict[str, list[Event]] = {}
    for event in events:
        if event.parent is not None:
            members.setdefault(event.parent, []).append(event)
    return tuple(
        Series(
            event=event,
            members=tuple(members.get(event.id, ())),
            onset_ns=utc.utc_ns(event.onset_ns),
            match=match_word(event.match, TABLE.clear_match),
            told=told.get(event.id),
            opinions=tuple(o for o in opinions if o.event_id == event.id),
            beside=_beside(event, diary, utc),
        )
        for event in events
        if event.parent is None and event.label in SHOWN_LABELS
    )


def _beside(event: Event, diary: Sequence[Entry], utc: UtcMap) -> tuple[Entry, ...]:
    begin_ns, end_ns = utc.utc_ns(event.onset_ns) - _BESIDE_NS, utc.utc_ns(event.end_ns) + _BESIDE_NS
    return tuple(e for e in diary if e.note.kind == MOVEMENT_SEEN and begin_ns <= e.utc_ns <= end_ns)


def _states(rows: Iterable[Row], infant: str, window: Window, utc: UtcMap) -> tuple[StateSpan, ...]:
    """Epochs that follow each other in the same state, joined."""
    own = (row for row in rows if isinstance(row, StateEpoch) and row.infant == infant)
    spans: list[StateSpan] = []
    for epoch in newest_of(own, key=lambda s: s.t_ns):
        begin_ns = utc.utc_ns(epoch.t_ns)
        if not window.begin_ns <= begin_ns < window.end_ns:
            continue
        last = spans[-1] if spans else None
        if last is not None and last.state is epoch.state and last.end_ns == begin_ns:
            spans[-1] = StateSpan(last.begin_ns, begin_ns + epoch.span_ns, epoch.state)
        else:
            spans.append(StateSpan(begin_ns, begin_ns + epoch.span_ns, epoch.state))
    return tuple(spans)
