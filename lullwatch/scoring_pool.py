"""Figures of many nights, each with how sure it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dsp.records import Label, State

from .scoring import LARGE, PROFILES, SPAN_LABELS, Found, LabelTally, Tally
from .scoring_confusion import Confusion
from .scoring_intervals import Rate, Share, Spread, rate, share, spread
from .scoring_spans import TIGHT, Profile
from .scoring_states import StateScore

__all__ = ["LabelScore", "ProfileScore", "Score", "SinglesScore", "StatesScore", "UrgentScore", "pool"]

COUNT_ERROR = 0.20
"""Largest relative error of a series' count that the project's target allows."""
IN_TIME_S = 30.0
"""Within this long after its onset stiffening or jerking ought to be told."""
_NOTHING = Share(0.0, 0.0, None, None, None)
_Key = TypeVar("_Key", str, State, bool)
_SLEEP_WAKE = (State.AWAKE, State.ACTIVE_SLEEP, State.QUIET_SLEEP, State.ASLEEP)


@dataclass(frozen=True, slots=True)
class ProfileScore:
    """Event scores of one label with one declared profile."""

    sensitivity: Share
    precision: Share
    f1: float | None
    false: Rate


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label over all nights."""

    truth: int
    told: int
    by_profile: dict[str, ProfileScore]
    in_alarm: Share
    """share of all time told as this label: to be read beside every precision"""
    time_found: Share
    """share of true time that was told"""
    time_right: Share
    """share of told time that was true"""
    delay: Spread
    """until told, in s: after the onset, of series after the third member's end; earlier is negative"""
    in_time: Share
    """share of all true ones told within 30 s"""
    false_by_state: dict[State, Rate]
    false_conveyed: Rate
    large: Share
    """share found of those with many visible members, see `scoring.LARGE`; of all where there is no such limit"""
    large_seen_or_not: Share
    """share found of those with many members, visible or not"""
    by_class: dict[str, Share]
    """share found by true class"""
    by_state: dict[State, Share]
    """share found by true state at the onset"""
    conveyed: Share
    """share found of those that began in conveyed motion"""
    unseen: Share
    """share found of those during which some worn sensor saw nothing"""
    count_in_20: Share
    """share of the found ones whose count is within 20 %"""
    count_error: Spread
    """(told - true) / true of the found ones"""


@dataclass(frozen=True, slots=True)
class SinglesScore:
    """Single spasm-like movements, paired one-to-one."""

    truth: int
    told: int
    recall: Share
    recall_in_found: Share
    precision: Share
    false_alone: Rate
    """told alone, outside a told series"""


@dataclass(frozen=True, slots=True)
class StatesScore:
    """Agreement of 30 s epochs. Told unknown counts as wrong in all but `decided`."""

    sleep_wake: Share
    sleep_wake_decided: Share
    """of the epochs that were told as anything but unknown"""
    sleep_wake_conveyed: Share
    three_states: Share
    kappa: float | None
    """Cohen's, of sleep against awake, where something was told"""
    epochs: list[tuple[State, State, int]]
    """true, told, number"""


@dataclass(frozen=True, slots=True)
class UrgentScore:
    """What would have rung."""

    all: Rate
    false: Rate
    false_by_pattern: dict[str, Rate]
    false_sources: list[tuple[str, str, int]]
    """wire name, true class that lay under it (or nothing), number of alerts without a reason"""
    false_lesser: Rate
    """of those without a reason: on a true pattern that was held, or too short, to ring by the table"""
    rung: Share
    """of the true movements that ought to ring"""
    delay: Spread
    """from their onset to the ring, in s"""


@dataclass(frozen=True, slots=True)
class Score:
    """Everything that is said about a set of nights."""

    nights: int
    infants: int
    hours: float
    hours_by_state: dict[State, float]
    conveyed_hours: float | None
    """None: not known of any night"""
    unseen_hours: float | None
    """in which some worn sensor saw nothing; None: not known of any night"""
    delays_known: int
    """nights of which it is known when things were told"""
    window_s: float
    profiles: tuple[Profile, ...]
    labels: dict[Label, LabelScore]
    singles: SinglesScore
    confusion: list[tuple[str, str, int]]
    """true label, told label, number of events"""
    false_sources: list[tuple[str, str, int]]
    """told label, true class that lay there (or nothing), number of false events"""
    states: StatesScore | None
    urgent: UrgentScore


def pool(tallies: Iterable[Tally], *, window_s: float) -> Score:
    """Add nights up.

    Args:
        tallies: at least one night, as `scoring.tally` counts it.
        window_s: the window they were counted with.
    """
    rows = list(tallies)
    table: Counter[tuple[str, str]] = Counter()
    sources: Counter[tuple[str, str]] = Counter()
    for row in rows:
        table.update(row.confusion)
        sources.update(row.sources)
    return Score(
        nights=len(rows),
        infants=len({t.infant for t in rows}),
        hours=sum(t.hours for t in rows),
        hours_by_state=_hours_by_state(rows),
        conveyed_hours=_known_sum(t.times.conveyed_hours for t in rows),
        unseen_hours=_known_sum(t.times.unseen_hours for t in rows),
        delays_known=sum(t.delays_known for t in rows),
        window_s=window_s,
        profiles=PROFILES,
        labels={label: _label_score(rows, label) for label in SPAN_LABELS},
        singles=_singles_score(rows),
        confusion=_sorted(table),
        false_sources=_sorted(sources),
        states=_states_score(rows),
        urgent=_urgent_score(rows),
    )


def _sorted(table: Confusion) -> list[tuple[str, str, int]]:
    return [(true, told, n) for (true, told), n in sorted(table.items(), key=lambda row: (-row[1], row[0]))]


def _known_sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _hours_by_state(rows: Sequence[Tally]) -> dict[State, float]:
    hours = {state: sum(t.times.hours.get(state, 0.0) for t in rows) for state in State}
    return {state: total for state, total in hours.items() if total}


class _Sums:
    """Shares and rates of a column of every night."""

    def __init__(self, rows: Sequence[Tally]) -> None:
        self._rows = rows
        self._infants = [t.infant for t in rows]

    def share(
        self, hits: Callable[[Tally], float], of: Callable[[Tally], float], *, counts: bool = True
    ) -> Share:
        return share(self._infants, [hits(t) for t in self._rows], [of(t) for t in self._rows], counts=counts)

    def rate(self, count: Callable[[Tally], int], hours: Callable[[Tally], float] | None = None) -> Rate:
        long = [t.hours if hours is None else hours(t) for t in self._rows]
        return rate(self._infants, [count(t) for t in self._rows], long)

    def spread(self, values: Callable[[Tally], Iterable[float]]) -> Spread:
        return spread(self._infants, [list(values(t)) for t in self._rows])


def _label_score(rows: Sequence[Tally], label: Label) -> LabelScore:
    own = _Own(rows, label)
    sums, known = _Sums(rows), _Sums([t for t in rows if t.delays_known])
    return LabelScore(
        truth=sum(len(own.events(t)) for t in rows),
        told=sum(own.tally(t).told for t in rows),
        by_profile={p.name: _profile_score(sums, label, p) for p in PROFILES},
        in_alarm=sums.share(own.told_s, lambda t: 3600.0 * t.hours, counts=False),
        time_found=sums.share(own.shared_s, own.truth_s, counts=False),
        time_right=sums.share(own.shared_s, own.told_s, counts=False),
        delay=known.spread(lambda t: (e.delay_s for e in own.events(t) if e.delay_s is not None)),
        in_time=known.share(
            lambda t: sum(e.delay_s is not None and e.delay_s <= IN_TIME_S for e in own.events(t)),
            lambda t: len(own.events(t)),
        ),
        false_by_state={state: _false_in(rows, label, state) for state in _hours_by_state(rows)},
        false_conveyed=sums.rate(
            lambda t: sum(n for (_, moved), n in own.tally(t).false_in.items() if moved),
            lambda t: t.times.conveyed_hours or 0.0,
        ),
        large=own.found_by(lambda e: e.visible >= LARGE.get(label, 0)).get(True, _NOTHING),
        large_seen_or_not=own.found_by(lambda e: e.count >= LARGE.get(label, 0)).get(True, _NOTHING),
        by_class=own.found_by(lambda e: e.true_class),
        by_state=own.found_by(lambda e: e.state),
        conveyed=own.found_by(lambda e: e.conveyed).get(True, _NOTHING),
        unseen=own.found_by(lambda e: e.unseen).get(True, _NOTHING),
        count_in_20=sums.share(
            lambda t: sum(abs(x) <= COUNT_ERROR for x in own.errors(t)), lambda t: len(own.errors(t))
        ),
        count_error=sums.spread(own.errors),
    )


class _Own:
    """What each night says of one label."""

    def __init__(self, rows: Sequence[Tally], label: Label) -> None:
        self._rows, self._label = rows, label

    def tally(self, t: Tally) -> LabelTally:
        return t.labels[self._label]

    def events(self, t: Tally) -> tuple[Found, ...]:
        return self.tally(t).events

    def told_s(self, t: Tally) -> float:
        return self.tally(t).by_profile[TIGHT.name].told_s

    def truth_s(self, t: Tally) -> float:
        return self.tally(t).by_profile[TIGHT.name].truth_s

    def shared_s(self, t: Tally) -> float:
        return self.tally(t).by_profile[TIGHT.name].shared_s

    def errors(self, t: Tally) -> list[float]:
        """Relative errors of the counts of found events."""
        return [(e.told_count - e.count) / e.count for e in self.events(t) if e.told_count and e.count]

    def found_by(self, key: Callable[[Found], _Key]) -> dict[_Key, Share]:
        """Share found of the events with each value of `key`, as the truth table has them."""
        hits = [Counter(key(e) for e in self.events(t) if e.told_count) for t in self._rows]
        of = [Counter(key(e) for e in self.events(t)) for t in self._rows]
        infants, values = [t.infant for t in self._rows], {value for night in of for value in night}
        return {
            value: share(infants, [night[value] for night in hits], [night[value] for night in of])
            for value in sorted(values)
        }


def _profile_score(sums: _Sums, label: Label, profile: Profile) -> ProfileScore:
    def own(t: Tally) -> tuple[int, int, int]:
        s = t.labels[label].by_profile[profile.name]
        return s.truth, s.found, len(s.false)

    sensitivity = sums.share(lambda t: own(t)[1], lambda t: own(t)[0])
    precision = sums.share(lambda t: own(t)[1], lambda t: own(t)[1] + own(t)[2])
    missed, false = sensitivity.of - sensitivity.hits, precision.of - precision.hits
    either = 2 * sensitivity.hits + missed + false
    f1 = 2 * sensitivity.hits / either if either else None
    return ProfileScore(sensitivity, precision, f1, sums.rate(lambda t: own(t)[2]))


def _false_in(rows: Sequence[Tally], label: Label, state: State) -> Rate:
    return _Sums(rows).rate(
        lambda t: sum(n for (where, _), n in t.labels[label].false_in.items() if where is state),
        lambda t: t.times.hours.get(state, 0.0),
    )


def _singles_score(rows: Sequence[Tally]) -> SinglesScore:
    sums = _Sums(rows)
    return SinglesScore(
        truth=sum(t.singles.truth for t in rows),
        told=sum(t.singles.told for t in rows),
        recall=sums.share(lambda t: t.singles.paired, lambda t: t.singles.truth),
        recall_in_found=sums.share(lambda t: t.singles.in_found_paired, lambda t: t.singles.in_found),
        precision=sums.share(lambda t: t.singles.paired, lambda t: t.singles.told),
        false_alone=sums.rate(lambda t: t.singles.false_alone),
    )


def _states_score(rows: Sequence[Tally]) -> StatesScore | None:
    known = [t for t in rows if t.states is not None]
    if not known:
        return None
    sums = _Sums(known)
    total: Counter[tuple[State, State]] = Counter()
    for t in known:
        total.update(_of(t).pairs)
    return StatesScore(
        sleep_wake=sums.share(lambda t: _right(_of(t).pairs), lambda t: _epochs(_of(t).pairs)),
        sleep_wake_decided=sums.share(
            lambda t: _right(_of(t).pairs), lambda t: _epochs(_of(t).pairs, decided=True)
        ),
        sleep_wake_conveyed=sums.share(lambda t: _right(_of(t).conveyed), lambda t: _epochs(_of(t).conveyed)),
        three_states=sums.share(lambda t: _same(_of(t).pairs), lambda t: _epochs(_of(t).pairs)),
        kappa=_kappa(total),
        epochs=[(true, told, n) for (true, told), n in sorted(total.items())],
    )


def _of(t: Tally) -> StateScore:
    return t.states if t.states is not None else StateScore({}, {})


def _epochs(pairs: Mapping[tuple[State, State], int], *, decided: bool = False) -> int:
    return sum(
        n
        for (true, told), n in pairs.items()
        if true is not State.UNKNOWN and not (decided and told is State.UNKNOWN)
    )


def _right(pairs: Mapping[tuple[State, State], int]) -> int:
    """Epochs in which sleep and waking were told apart rightly."""
    return sum(
        n
        for (true, told), n in pairs.items()
        if true in _SLEEP_WAKE and told in _SLEEP_WAKE and true.is_sleep is told.is_sleep
    )


def _same(pairs: Mapping[tuple[State, State], int]) -> int:
    return sum(n for (true, told), n in pairs.items() if true is told and true is not State.UNKNOWN)


def _kappa(pairs: Mapping[tuple[State, State], int]) -> float | None:
    both = {k: n for k, n in pairs.items() if k[0] in _SLEEP_WAKE and k[1] in _SLEEP_WAKE}
    n = sum(both.values())
    if not n:
        return None
    asleep = [sum(m for k, m in both.items() if k[i].is_sleep) / n for i in (0, 1)]
    chance = asleep[0] * asleep[1] + (1 - asleep[0]) * (1 - asleep[1])
    return (_right(both) / n - chance) / (1 - chance) if chance < 1 else None


def _urgent_score(rows: Sequence[Tally]) -> UrgentScore:
    sums, known = _Sums(rows), _Sums([t for t in rows if t.delays_known])
    patterns = sorted({ring.wire for t in rows for ring in t.rings.false})
    rings = [(r.wire, under) for t in rows for r, under in zip(t.rings.false, t.rings.under, strict=True)]
    sources = Counter(rings)
    return UrgentScore(
        all=sums.rate(lambda t: t.rings.told),
        false=sums.rate(lambda t: len(t.rings.false)),
        false_by_pattern={wire: sums.rate(_false_rings(wire)) for wire in patterns},
        false_sources=_sorted(sources),
        false_lesser=sums.rate(lambda t: t.rings.lesser),
        rung=sums.share(lambda t: t.rings.rung, lambda t: t.rings.due),
        delay=known.spread(lambda t: t.rings.delays_s),
    )


def _false_rings(wire: str) -> Callable[[Tally], int]:
    return lambda t: sum(ring.wire == wire for ring in t.rings.false)
