"""Numbers, times and notes in the words of a language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from alerts.catalogue import Catalogue
from alerts.words import duration
from dsp.records import NS, Event, Label, Opinion
from lullwatch.diary import Entry
from lullwatch.opinions import CLINICAL
from lullwatch.plain_words import shown

from .facts import Series, local

__all__ = [
    "counted",
    "entry_said",
    "moment",
    "number",
    "opinion_said",
    "said_by_people",
    "seconds_said",
    "spread",
    "state_change",
]

_TO_SECONDS_S, _TO_MINUTES_S = 120, 600
"""From the first on minutes stand before the seconds, from the second on alone."""


def number(words: Catalogue, value: float, digits: int = 1) -> str:
    """A number with the decimal sign of the language."""
    return f"{value:.{digits}f}".replace(".", words.text("report.decimal"))


def seconds_said(words: Catalogue, seconds: float) -> str:
    """A length of time; a series is told to the second while it is short."""
    whole = round(seconds)
    if _TO_SECONDS_S <= whole < _TO_MINUTES_S:
        return f"{words.minutes.format(m=whole // 60)} {words.seconds.format(s=whole % 60)}"
    return duration(words, whole * NS)


def moment(utc_ns: int, zone: str, *, with_seconds: bool = False) -> str:
    """Date and time of day as a clock on the wall showed them."""
    return local(utc_ns, zone).strftime("%Y-%m-%d %H:%M:%S" if with_seconds else "%Y-%m-%d %H:%M")


def spread(values: Sequence[float], said: Callable[[float], str], words: Catalogue) -> str:
    """Median and range."""
    if len(values) == 1:
        return said(values[0])
    return words.text(
        "report.spread", middle=said(median(values)), low=said(min(values)), high=said(max(values))
    )


def counted(words: Catalogue, label: Label, n: int) -> str:
    """How many of what is counted in a pattern."""
    return words.nouns.get(label.wire, words.any_noun).counted(n)


def state_change(words: Catalogue, event: Event) -> str:
    """What the sensors suggest of the state before and after."""
    before, after = (words.text(f"report.state_{s.value}") for s in (event.state_before, event.state_after))
    return f"{before} \N{RIGHTWARDS ARROW} {after}"


def said_by_people(series: Series, words: Catalogue, zone: str) -> str:
    """What people said of an event, each by itself: nothing is merged with what the sensors counted."""
    said = []
    if series.told is not None and series.told.answered_by:
        key = "report.called_false" if series.told.false_alarm else "report.answered"
        said.append(words.text(key, person=series.told.answered_by))
    said += [opinion_said(opinion, words) for opinion in series.opinions]
    said += [
        words.text("report.saw", time=local(e.utc_ns, zone).strftime("%H:%M"), person=e.note.author)
        for e in series.beside
    ]
    return "; ".join(said)


def opinion_said(opinion: Opinion, words: Catalogue) -> str:
    """What one person says that an event looks like."""
    known = {str(label): words.names[label.wire] for label in Label}
    key = "opinion.clinical" if opinion.label in CLINICAL else f"opinion.{opinion.label}"
    label = known.get(opinion.label) or words.more.get(key) or opinion.label.replace("_", " ")
    role = words.text(f"report.role_{opinion.role}", person=opinion.by)
    return f"{role}: {label}" + (f" ({shown(opinion.text)})" if opinion.text else "")


def entry_said(entry: Entry, words: Catalogue, *, kind: bool = True) -> str:
    """A note of the diary: its kind, what it asks for, and the person's own words."""
    note = entry.note
    named = words.more.get(f"diary.kind_{note.kind}", note.kind.replace("_", " "))
    parts = [*(_fact(note.kind, name, value, words) for name, value in note.facts), note.text]
    said = shown(", ".join(part for part in parts if part))
    if not kind and said:
        return said
    return f"{named}: {said}" if said else named


def _fact(kind: str, name: str, value: str | float | int | bool, words: Catalogue) -> str:
    plain = f"{value:g}".replace(".", words.text("report.decimal")) if isinstance(value, float) else value
    said = words.more.get(f"diary.said_{kind}_{name}")
    if said is not None:
        return said.format(value=plain)
    field = words.more.get(f"diary.{kind}_{name}", name.replace("_", " "))
    choice = words.more.get(f"diary.{kind}_{name}_{value}", plain)
    return f"{field} {choice}"
