"""A score as text: one screen, every figure with how sure it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dsp.records import Label, State

from .scoring import LARGE
from .scoring_intervals import Rate, Share, Spread
from .scoring_pool import LabelScore, Score

__all__ = ["report", "said_rate", "said_share", "said_spread", "wider"]

_NONE = "-"


def said_share(value: Share) -> str:
    """`0.91 [0.84-0.96] 41/45`: infants resampled where that says something, else exact."""
    if value.value is None:
        return _NONE
    whole = value.exact is not None
    counted = f" {value.hits:.0f}/{value.of:.0f}" if whole else ""
    return f"{value.value:.3f}{_between(wider(value), 3)}{counted}"


def wider(value: Share) -> tuple[float, float] | None:
    """The interval that promises less, exact or resampled: where all infants are alike, resampling says nothing."""
    both = [bounds for bounds in (value.exact, value.infants) if bounds is not None]
    return (min(b[0] for b in both), max(b[1] for b in both)) if both else None


def said_rate(value: Rate) -> str:
    """`0.10 [0.01-0.35] per 24 h (2 in 480 h)`, with exact Poisson bounds."""
    if value.per_24h is None:
        return _NONE
    return f"{value.per_24h:.3g}{_between(value.exact, 3)} ({value.count} in {value.hours:.4g} h)"


def said_spread(value: Spread, unit: str = " s") -> str:
    """`1.2 [1.1-1.4] s, p95 3.0 (n 45)`."""
    if value.median is None or value.p95 is None:
        return _NONE
    middle = f"{value.median:.2f}{_between(value.infants, 2)}{unit}"
    return f"{middle}, p95 {value.p95:.2f} (n {value.n})"


def _between(bounds: tuple[float, float] | None, digits: int) -> str:
    return f" [{bounds[0]:.{digits}g}-{bounds[1]:.{digits}g}]" if bounds else ""


def report(score: Score, profiles: Sequence[str]) -> str:
    """The whole score, with the event scores of the profiles that are named."""
    parts = [
        _head(score),
        *(_spans(score, name) for name in profiles),
        _details(score),
        _classes(score),
        _where(score),
        _urgent(score),
        _states(score),
        _confusion(score),
        _sources(score),
    ]
    return "\n".join(part for part in parts if part)


def _head(score: Score) -> str:
    states = ", ".join(f"{state.value} {h:.4g}" for state, h in score.hours_by_state.items())
    moved, blind = (
        "not known" if hours is None else f"{hours:.4g}"
        for hours in (score.conveyed_hours, score.unseen_hours)
    )
    return (
        f"{score.nights} night(s) of {score.infants} infant(s), {score.hours:.4g} h"
        f" (true hours: {states or 'states not known'}; conveyed {moved}; some sensor blind {blind})\n"
        "Brackets: 95 %. Shares: the wider of exact and infants resampled. Rates: exact Poisson.\n"
    )


def _spans(score: Score, name: str) -> str:
    profile = next(p for p in score.profiles if p.name == name)
    head = (
        f"Events, profile {name}: tolerance {profile.tolerance_start_s:g} s before and"
        f" {profile.tolerance_end_s:g} s after, overlap > {profile.min_overlap:g},"
        f" merged within {profile.merge_s:g} s, "
        + ("never split" if math.isinf(profile.longest_s) else f"split at {profile.longest_s:g} s")
    )
    rows = [
        (
            label.value,
            said_share(s.by_profile[name].sensitivity),
            said_share(s.by_profile[name].precision),
            said_rate(s.by_profile[name].false),
            _NONE if s.in_alarm.value is None else f"{100 * s.in_alarm.value:.3g} %",
        )
        for label, s in _seen(score)
    ]
    return _table(head, ("label", "found", "precision", "false per 24 h", "time in alarm"), rows)


def _seen(score: Score) -> Iterable[tuple[Label, LabelScore]]:
    return ((label, s) for label, s in score.labels.items() if s.truth or s.told)


def _details(score: Score) -> str:
    singles, series = score.singles, score.labels[Label.SPASM_LIKE_CLUSTER]
    least = LARGE[Label.SPASM_LIKE_CLUSTER]
    rows: list[tuple[str, str]] = []
    if series.truth or series.told:
        rows += [
            (f"series of {least} or more visible spasms found", said_share(series.large)),
            (f"series of {least} or more, visible or not, found", said_share(series.large_seen_or_not)),
            ("series: count within 20 %", said_share(series.count_in_20)),
            ("series: (told - true) / true", said_spread(series.count_error, "")),
            ("series: told after the third ended", said_spread(series.delay)),
        ]
    if singles.truth or singles.told:
        rows += [
            (f"single movements found (onset within {score.window_s:g} s)", said_share(singles.recall)),
            ("  of those in found series", said_share(singles.recall_in_found)),
            ("  precision", said_share(singles.precision)),
            ("  false, told outside a series, per 24 h", said_rate(singles.false_alone)),
        ]
    rows += [
        (f"{label.value}: told after onset", f"{said_spread(s.delay)}; in 30 s: {said_share(s.in_time)}")
        for label, s in _seen(score)
        if s.delay.n and label is not Label.SPASM_LIKE_CLUSTER
    ]
    rows += [
        (f"{label.value} of {LARGE[label]} or more found", said_share(s.large))
        for label, s in _seen(score)
        if label in LARGE and label is not Label.SPASM_LIKE_CLUSTER and s.truth
    ]
    if score.delays_known < score.nights:
        missing = score.nights - score.delays_known
        rows.append(("delays", f"not known of {missing} night(s): no NAME_told.jsonl beside the events"))
    return _table("Inside and around", ("", ""), rows)


def _classes(score: Score) -> str:
    rows = [
        (label.value, _listed(s.by_class.items()), _listed((k.value, v) for k, v in s.by_state.items()))
        for label, s in _seen(score)
        if s.truth
    ]
    return _table("Found, by true class and by true state", ("label", "class", "state"), rows)


def _where(score: Score) -> str:
    """False alarms over the hours of each state and of conveyed motion, and what was found in such motion."""
    states = list(score.hours_by_state)
    rows = [
        (
            label.value,
            *(_short(s.false_by_state[state]) for state in states),
            _short(s.false_conveyed),
            said_share(s.conveyed),
            said_share(s.unseen),
        )
        for label, s in _seen(score)
    ]
    columns = (
        "label",
        *(state.value for state in states),
        "conveyed",
        "found where conveyed",
        "found where a sensor was blind",
    )
    return _table("False per 24 h of each true state, and of conveyed motion (number)", columns, rows)


def _short(value: Rate) -> str:
    return _NONE if value.per_24h is None else f"{value.per_24h:.3g} ({value.count})"


def _listed(shares: Iterable[tuple[str, Share]]) -> str:
    return ", ".join(f"{name} {value.hits:.0f}/{value.of:.0f}" for name, value in shares)


def _urgent(score: Score) -> str:
    urgent = score.urgent
    under = {wire: _sources_of(urgent.false_sources, wire) for wire in urgent.false_by_pattern}
    rows = [
        ("all, per 24 h", said_rate(urgent.all)),
        ("without a reason, per 24 h", said_rate(urgent.false)),
        *((f"  {wire}", f"{said_rate(r)}: {under[wire]}") for wire, r in urgent.false_by_pattern.items()),
        ("  of these on a true pattern, held or too short to ring", said_rate(urgent.false_lesser)),
        ("reasons that rang", said_share(urgent.rung)),
        ("rang after onset", said_spread(urgent.delay)),
    ]
    return _table("Urgent: what would ring", ("", ""), rows)


def _states(score: Score) -> str:
    if score.states is None:
        return "States: not known\n"
    states = score.states
    told = [s for s in State if any(row[1] is s for row in states.epochs)]
    counts = {(true, said): n for true, said, n in states.epochs}
    rows = [
        (true.value, *(str(counts.get((true, said), 0)) for said in told))
        for true in State
        if any(row[0] is true for row in states.epochs)
    ]
    kappa = _NONE if states.kappa is None else f"{states.kappa:.3f}"
    head = (
        f"States, 30 s epochs: sleep or awake {said_share(states.sleep_wake)};"
        f" where told {said_share(states.sleep_wake_decided)}, kappa {kappa};"
        f" conveyed {said_share(states.sleep_wake_conveyed)}; three states {said_share(states.three_states)}"
    )
    return _table(head, ("true \\ told", *(s.value for s in told)), rows)


def _confusion(score: Score) -> str:
    names = [label.value for label in Label]
    told = _used(names, (row[1] for row in score.confusion))
    true = _used(names, (row[0] for row in score.confusion))
    counts = {(t, s): n for t, s, n in score.confusion}
    rows = [(t, *(str(counts.get((t, s), 0) or ".") for s in told)) for t in true]
    return _table("What true events were told as", ("true \\ told", *told), rows)


def _sources(score: Score) -> str:
    told = [label.value for label in Label if any(row[0] == label.value for row in score.false_sources)]
    rows = [(name, _sources_of(score.false_sources, name)) for name in told]
    return _table("What lay under false ones (true class)", ("", ""), rows)


def _sources_of(sources: Sequence[tuple[str, str, int]], name: str) -> str:
    return ", ".join(f"{under} {n}" for said, under, n in sources if said == name)


def _used(order: list[str], names: Iterable[str]) -> list[str]:
    def place(name: str) -> tuple[int, str]:
        return order.index(name) if name in order else len(order), name

    return sorted(set(names), key=place)


def _table(head: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    every = [columns, *rows] if any(columns) else list(rows)
    widths = [max(len(row[i]) for row in every) for i in range(len(columns))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in every]
    return "\n".join([head, *(f"  {line}" for line in lines), ""])
