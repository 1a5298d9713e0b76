"""What data that came late changes: events told once, and the same stretch decided again with all of the data.

An event keeps the id under which it was first told. One that was decided again is found by its id, or else by
overlap with one of the same family; what is new is told, what is gone is withdrawn or merged, never deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dsp.records import NS, Context, Event, EventStatus, Label

__all__ = [
    "LATE_REASON",
    "Accounted",
    "Difference",
    "Name",
    "ended_after_all",
    "family_of",
    "reconcile",
    "renamed",
]

LATE_REASON = "data that came late"

_SLACK_NS = NS // 2
"""Two tellings of one brief movement may lie this far apart: its onset is placed from its highest peak."""

_MOST_NAMES = 512
"""An event is over long before so many others got another name; without an end they would grow from night to night."""

_FAMILIES: Mapping[Label, str] = {
    Label.SPASM_LIKE: "spasm",
    Label.STARTLE: "spasm",
    Label.SLEEP_JERK_TRAIN: "jerks",
    Label.RHYTHMIC_JERKING: "jerks",
    Label.TWITCHES: "jerks",
}


@dataclass(frozen=True, slots=True)
class Name:
    """How rows of an event that the pipeline knows by another id or count are told."""

    id: str
    versions: int = 0
    """to be added to the pipeline's own count"""


@dataclass(frozen=True, slots=True)
class Accounted:
    """What was told behind a state, and is in the names of that state all the same.

    A state that is kept while a stretch is decided again lies before the moment at which its difference is told.
    """

    told_ns: int
    """rows told up to here are counted in the names"""
    begun: tuple[str, ...]
    """ids, as told, of events that had begun before the state, whenever they were told"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows to be told, and the names under which the pipeline's later rows go on."""

    rows: tuple[Event, ...]
    names: dict[str, Name]

    def names_at(self, before: Sequence[Event], again: Sequence[Event]) -> dict[str, Name]:
        """The same names for a state of the new decision that had told the first of its rows only.

        Args:
            before: rows of the new decision up to that state, ids as the pipeline minted them.
            again: all of its rows.
        """
        last = {e.id: e.version for e in again}
        names = dict(self.names)
        for minted, version in {e.id: e.version for e in before}.items():
            name = names.get(minted, Name(minted))
            names[minted] = Name(name.id, name.versions + last[minted] - version)
        return {minted: name for minted, name in names.items() if name != Name(minted)}


def ended_after_all(before: Iterable[object], now: Iterable[object], told_ns: int) -> Iterator[Context]:
    """The last word on circumstances that were told to begin and that the whole data does not show.

    Args:
        before: rows that were told of the stretch; those that are no contexts are passed over.
        now: rows of the same stretch decided again.
        told_ns: when this is told.
    """
    words = {(c.kind, c.sites, c.onset_ns): c for c in before if isinstance(c, Context)}
    seen = {(c.kind, c.sites, c.onset_ns) for c in now if isinstance(c, Context)}
    for key, word in words.items():
        if word.end_ns == word.onset_ns and key not in seen:
            yield replace(word, end_ns=told_ns)


def family_of(label: Label) -> str:
    """Labels between which an event may change inside its id share a family."""
    return _FAMILIES.get(label, str(label))


def renamed(event: Event, names: Mapping[str, Name]) -> Event:
    """The row as people know it: its id, its parent, what it was merged into, and its version."""
    if not names:
        return event
    name = names.get(event.id, Name(event.id))
    return replace(
        event,
        id=name.id,
        version=event.version + name.versions,
        parent=_told_id(event.parent, names),
        merged_into=_told_id(event.merged_into, names),
    )


def reconcile(
    told: Sequence[Event],
    again: Sequence[Event],
    *,
    told_ns: int,
    names: Mapping[str, Name] | None = None,
    accounted: Accounted | None = None,
) -> Difference:
    """Compare what was told of a stretch with what the pipeline makes of it now.

    Args:
        told: rows told since the state from which the stretch was decided again, in order; ids as told.
        again: rows of the new decision, in order; ids as the pipeline minted them.
        told_ns: data time at which the difference is told.
        names: names in force in the state from which it was decided again.
        accounted: what these names take into account of `told`; None: nothing.

    Returns:
        Rows marked late, in the order of the new decision, those that are gone last.
    """
    known = names or {}
    decided = [renamed(e, known) for e in again]
    now, first = {e.id: e for e in decided}, _firsts(decided)
    before, minted = {e.id: e for e in told}, _firsts(told)
    begun = frozenset(accounted.begun) if accounted is not None else frozenset()
    same = _matched({i: e for i, e in before.items() if i in now or i not in begun}, now)
    fresh = {name: Name(same.get(name, name)) for name in now}
    rows: list[Event] = []
    for event in now.values():
        old = before.get(fresh[event.id].id) or _earlier(first[event.id])
        rows += _news(old, _as_told(event, fresh), told_ns)
    kept = {name.id for name in fresh.values()}
    for event in before.values():
        is_own = minted[event.id].status is EventStatus.NEW and event.id not in begun
        if event.id not in kept and is_own and not _is_gone(event):
            rows.append(_gone(event, now.values(), fresh, told_ns))
    counted = {e.id: e.version for e in (*before.values(), *rows)}
    since_ns = accounted.told_ns if accounted is not None else -1
    older = {i for i, e in minted.items() if e.status is not EventStatus.NEW} | begun
    after = [e for e in told if e.told_ns > since_ns and e.id in older]
    silent = _silent({e.id: e for e in after}, _firsts(after), known, kept)
    made = _names(again, known, fresh, counted) | silent
    gone = [row for row in rows if row.id not in kept]
    return Difference(tuple(rows), _newest(made | _taken(gone, made, known)))


def _newest(names: dict[str, Name]) -> dict[str, Name]:
    return dict(list(names.items())[-_MOST_NAMES:])


def _firsts(rows: Iterable[Event]) -> dict[str, Event]:
    first: dict[str, Event] = {}
    for row in rows:
        first.setdefault(row.id, row)
    return first


def _earlier(first: Event) -> Event | None:
    """Stands for the last row told before the stretch, of an event that had been told by then."""
    if first.status is EventStatus.NEW:
        return None
    return replace(first, version=first.version - 1, status=EventStatus.UPDATE, match=-1.0)


def _told_id(event_id: str | None, names: Mapping[str, Name]) -> str | None:
    return names[event_id].id if event_id is not None and event_id in names else event_id


def _matched(before: Mapping[str, Event], now: Mapping[str, Event]) -> dict[str, str]:
    """Told id by new id: the same id, else the longest overlap inside the family, each used once."""
    same = {name: name for name in now if name in before}
    free = [e for e in before.values() if e.id not in same and not _is_gone(e)]
    pairs = [
        (_overlap_ns(a, b), a, b)
        for b in now.values()
        if b.id not in same
        for a in free
        if family_of(a.label) == family_of(b.label) and _overlap_ns(a, b) > 0
    ]
    used: set[str] = set()
    for _, a, b in sorted(pairs, key=lambda p: (-p[0], p[1].onset_ns, p[1].id, p[2].onset_ns, p[2].id)):
        if a.id not in used and b.id not in same:
            same[b.id] = a.id
            used.add(a.id)
    return same


def _overlap_ns(a: Event, b: Event) -> int:
    return min(a.end_ns, b.end_ns) - max(a.onset_ns, b.onset_ns) + _SLACK_NS


def _is_gone(event: Event) -> bool:
    return event.status is EventStatus.WITHDRAWN or event.merged_into is not None


def _as_told(event: Event, fresh: Mapping[str, Name]) -> Event:
    return replace(
        event,
        id=fresh[event.id].id,
        parent=_told_id(event.parent, fresh),
        merged_into=_told_id(event.merged_into, fresh),
    )


def _news(old: Event | None, new: Event, told_ns: int) -> list[Event]:
    """Rows that bring people from what they know to what is known now."""
    late = replace(new, late=True, told_ns=told_ns, relabelled_from=None, reason=LATE_REASON)
    over = new.status is EventStatus.END
    if old is None:
        first = replace(late, version=1, status=EventStatus.NEW)
        return [first, replace(late, version=2)] if over else [first]
    if _essence(old) == _essence(new):
        return []
    rows: list[Event] = []
    version = old.version
    if new.label is not old.label:
        version += 1
        rows.append(replace(late, version=version, status=EventStatus.RELABEL, relabelled_from=old.label))
    if over or not rows:
        rows.append(replace(late, version=version + 1, status=new.status if over else EventStatus.UPDATE))
    return rows


def _essence(event: Event) -> tuple[object, ...]:
    """What makes a row worth telling: not when it was told, nor in how many steps."""
    return (
        event.label,
        event.onset_ns,
        event.end_ns,
        event.count,
        event.episode_s,
        event.sites,
        event.side,
        event.parent,
        event.merged_into,
        event.status is EventStatus.END,
        event.match,
        event.confidence,
        event.state_before,
        event.state_during,
        event.state_after,
    )


def _gone(event: Event, now: Iterable[Event], fresh: Mapping[str, Name], told_ns: int) -> Event:
    """The last row of an event that the data no longer shows: part of another, or withdrawn."""
    family = family_of(event.label)
    wholes = [e for e in now if family_of(e.label) == family and _overlap_ns(event, e) > 0]
    late = replace(event, version=event.version + 1, late=True, told_ns=told_ns, reason=LATE_REASON)
    if not wholes:
        return replace(late, status=EventStatus.WITHDRAWN)
    whole = min(wholes, key=lambda e: (e.onset_ns, e.id))
    return replace(late, status=EventStatus.END, merged_into=fresh[whole.id].id)


def _names(
    again: Sequence[Event], names: Mapping[str, Name], fresh: Mapping[str, Name], counted: Mapping[str, int]
) -> dict[str, Name]:
    """Names in force from now on, as far as they differ from the pipeline's own."""
    made = dict(names)
    for minted, event in {e.id: e for e in again}.items():
        known = names.get(minted, Name(minted))
        told = fresh[known.id].id
        made[minted] = Name(told, counted.get(told, event.version + known.versions) - event.version)
    return {minted: name for minted, name in made.items() if name != Name(minted)}


def _silent(
    before: Mapping[str, Event], first: Mapping[str, Event], names: Mapping[str, Name], kept: set[str]
) -> dict[str, Name]:
    """Names of events that went on when told, and of which the new decision said nothing yet."""
    made: dict[str, Name] = {}
    minted = {name.id: own for own, name in names.items()}
    for event in before.values():
        ahead = event.version - first[event.id].version + 1
        if event.id not in kept and first[event.id].status is not EventStatus.NEW:
            own = minted.get(event.id, event.id)
            made[own] = Name(event.id, names.get(own, Name(own)).versions + ahead)
    return made


def _taken(gone: Iterable[Event], made: Mapping[str, Name], names: Mapping[str, Name]) -> dict[str, Name]:
    """Names for ids that were told already, should the pipeline mint them anew when it has seen more.

    An id is made of where an event begins. One that is gone only because the new decision has not come to its end
    yet goes on under its own id and count; one whose id is another event's now gets the id which that one left free.
    """
    minted = {name.id: own for own, name in names.items()}
    again = {minted.get(row.id, row.id): Name(row.id, row.version) for row in gone}
    owners = {name.id: own for own, name in made.items() if name.id != own}
    for told in owners:
        if told in made:  # two events that bear each other's ids would be followed in a circle for ever
            continue
        free = told
        while free in owners:
            free = owners[free]
        again[told] = Name(free)
    return again
