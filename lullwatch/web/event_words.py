"""What is said of one event in plain words: what was recorded, and which measurements spoke for and against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from alerts.catalogue import Catalogue
from alerts.severity import TABLE
from alerts.words import match_word, sites_said
from dsp.records import BIAS, NS, Event, EventStatus, Evidence, State

from .markup import Content, Html, h
from .records import fact_list, lasting

__all__ = ["by_question", "evidence_name", "facts_said", "match_said", "reasons", "remarks", "stands_no_more"]

_REASONS: Final = 4
"""So many measurements are named each way; a person reads no more of them, a researcher has them all as bars."""

_LEAST: Final = 0.1
"""Log-odds from which a measurement is named: what counts less decides nothing."""

_CONVEYED: Final = 0.2
"""Share of an event inside motion from outside from which that is said."""


def evidence_name(words: Catalogue, name: str) -> str:
    """What was measured, in plain words; a measurement that has none yet is named as other ones."""
    return words.more.get(f"evidence.{name.removeprefix('mean_')}", words.text("evidence.other"))


def by_question(evidence: Iterable[Evidence]) -> dict[str, list[Evidence]]:
    """Rows by the question that they answer, which stands before their names; those of the label itself first.

    Only rows of one question add up.
    """
    groups: dict[str, list[Evidence]] = {"": []}
    for row in evidence:
        groups.setdefault(row.question, []).append(replace(row, name=row.measured))
    return {about: rows for about, rows in groups.items() if rows}


def reasons(words: Catalogue, evidence: Iterable[Evidence]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What spoke most for the pattern and what spoke most against it, strongest first.

    What answers several questions is named once, for what it says together.
    """
    total: dict[str, float] = {}
    for row in evidence:
        if row.measured != BIAS:
            name = evidence_name(words, row.measured)
            total[name] = total.get(name, 0.0) + row.contribution
    names = sorted(total, key=lambda name: -abs(total[name]))
    said_for = [name for name in names if total[name] >= _LEAST]
    against = [name for name in names if total[name] <= -_LEAST]
    return tuple(said_for[:_REASONS]), tuple(against[:_REASONS])


def match_said(words: Catalogue, event: Event) -> Html:
    """How well the pattern matches, weak or clear, and why."""
    said_for, against = reasons(words, event.evidence)
    lines: list[Content] = [h("p", words.match[match_word(event.match, TABLE.clear_match)], class_="match")]
    for key, names in (("event.for", said_for), ("event.against", against)):
        if names:
            lines += [h("h3", words.text(key)), h("ul", *(h("li", name) for name in names))]
    if not said_for and not against:
        lines.append(h("p", words.text("event.no_reasons")))
    return h("section", h("h2", words.text("event.match")), lines, class_="card")


def facts_said(words: Catalogue, event: Event, *, infant: str, when: str) -> Html:
    """What was recorded of an event, as a list of names and values."""
    label = event.label.wire
    pairs: list[tuple[str, Content]] = [
        (words.text("event.when"), when),
        (words.text("event.infant"), infant),
        (words.text("event.count"), words.nouns.get(label, words.any_noun).counted(event.count)),
        (words.text("event.lasted"), lasting(words, event.end_ns - event.onset_ns)),
        (words.text("event.where"), _where(words, event)),
        (words.text("event.before"), words.state_names[event.state_before]),
        (words.text("event.during"), words.state_names[event.state_during]),
        (words.text("event.after"), words.state_names[event.state_after]),
    ]
    if event.since_waking_s is not None:
        minutes = round(event.since_waking_s / 60)
        pairs.append((words.text("event.waking"), words.since_waking.format(minutes=minutes)))
    if event.episode_s is not None and event.episode_s > event.duration_s:
        pairs.append((words.text("event.episode"), lasting(words, round(event.episode_s * NS))))
    if event.interval_mean_s is not None:
        pairs.append((words.text("event.apart"), lasting(words, round(event.interval_mean_s * NS))))
    return fact_list(pairs)


def stands_no_more(words: Catalogue, event: Event) -> Html | None:
    """That later samples have taken an event back, or made it part of another one; None of one that stands."""
    if event.merged_into is not None:
        which = h("a", words.text("event.merged_into"), href=f"/events/{event.merged_into}")
        return h("p", words.merged, " ", which, class_="warning")
    if event.status is EventStatus.WITHDRAWN:
        return h("p", words.withdrawn, class_="warning")
    return None


def remarks(words: Catalogue, event: Event) -> list[str]:
    """What has to be known beside the numbers."""
    said = []
    if event.conveyed >= _CONVEYED:
        said.append(words.conveyed)
    if event.late:
        said.append(words.text("event.late"))
    if State.UNKNOWN in (event.state_before, event.state_during):
        said.append(words.text("event.state_unknown"))
    return said


def _where(words: Catalogue, event: Event) -> str:
    side = words.sides.get(event.side)
    where = sites_said(words, event.sites)
    return f"{where}, {side}" if side else where
