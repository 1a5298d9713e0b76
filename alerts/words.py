"""Messages in words: composed here, in the order that the design lays down, from one catalogue per language."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from alerts.catalogue import Catalogue
from alerts.english import ENGLISH
from alerts.german import GERMAN
from dsp.records import NS, SELF_TEST, Event, Severity, Site

__all__ = [
    "LANGUAGES",
    "PLAIN_ENGLISH",
    "SELF_TEST",
    "Circumstances",
    "Seen",
    "Text",
    "Wording",
    "about_event",
    "about_trouble",
    "catalogue",
    "late_sentence",
    "match_word",
    "sites_said",
]

_CATALOGUES = {"en": ENGLISH, "de": GERMAN}
LANGUAGES = tuple(_CATALOGUES)
"""Codes of the languages that there are texts in."""
_TO_MINUTES_S = 120
"""Up to two minutes people read seconds more easily than a rounded minute."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How the people of a gateway are spoken to."""

    language: str = "en"
    """one of `LANGUAGES`"""
    emergency_number: str = ""
    """of the country; empty: the text names none of its own"""

    @property
    def catalogue(self) -> Catalogue:
        """The texts.

        Raises:
            LookupError: there are none in this language.
        """
        return catalogue(self.language, self.emergency_number)


PLAIN_ENGLISH = Wording()
"""How people are spoken to where no settings say otherwise."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a person reads: a title and the lines under it."""

    title: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((self.title, *self.lines))


@dataclass(frozen=True, slots=True)
class Seen:
    """How much could be seen since the infant was put to bed."""

    seen_ns: int = 0
    total_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a message says beyond its event."""

    severity: Severity
    match: str
    seen: Seen
    count: int
    late: str | None = None
    """the sentence that says when it happened; None when it is not late"""
    five_minutes: bool = False
    conveyed: bool = False
    ended_as: str = ""
    """`withdrawn` or `merged`; empty otherwise"""


@lru_cache
def catalogue(language: str, emergency_number: str = "") -> Catalogue:
    """The texts of a language, naming the emergency number of the country where it is known.

    Raises:
        LookupError: there are none.
    """
    try:
        words = _CATALOGUES[language]
    except KeyError:
        msg = f"there are no texts in language {language!r}; known: {' '.join(_CATALOGUES)}"
        raise LookupError(msg) from None
    said = words.emergency_number.format(number=emergency_number) if emergency_number else words.emergency_any
    return replace(words, emergency=words.emergency.format(number=said))


def match_word(match: float, clear_match: float) -> str:
    """`clear` or `weak`: the only two things people are told about a pattern match."""
    return "clear" if match >= clear_match else "weak"


def late_sentence(words: Catalogue, ago_ns: int, local_time: str | None) -> str:
    """When something happened that is told late: at a time of day, or so long ago where no clock is known."""
    if local_time is None:
        return words.happened_ago.format(ago=duration(words, ago_ns))
    return words.happened.format(time=local_time)


def about_event(words: Catalogue, event: Event, about: Circumstances) -> Text:
    """The message about an event.

    An urgent one in this order: look at the baby; when to call the emergency number; what was recorded; film.
    What is told of the reserved infant `SELF_TEST` says that it is a test and nothing else.
    """
    if event.infant == SELF_TEST:
        return Text(words.test_title, words.test_lines)
    recorded = _recorded(words, event, about)
    general = words.same_day.get(event.label.wire)
    info = [general] if general else []
    if about.ended_as:
        lines = [words.withdrawn if about.ended_as == "withdrawn" else words.merged, *recorded]
    elif about.severity is Severity.URGENT:
        again = [words.five_minutes, words.emergency] if about.five_minutes else []
        lines = [words.look, words.emergency, *recorded, words.film, words.if_touched, *again, *info]
    else:
        lines = [*recorded, *info]
    title = words.titles[event.label.wire]
    if about.five_minutes:
        title = words.five_minutes_title.format(title=title)
    return Text(title, (*lines, words.always))


def about_trouble(words: Catalogue, kind: str, *, cleared: bool) -> Text:
    """The message about technical trouble, or about its end."""
    title, body = words.technical.get(kind, words.technical_other)
    title, body = title.format(kind=kind), body.format(kind=kind)
    if cleared:
        title, body = words.cleared[0].format(title=title), words.cleared[1]
    return Text(title, (body,))


def duration(words: Catalogue, span_ns: int) -> str:
    """A length of time in the two units that matter."""
    seconds = round(span_ns / NS)
    if seconds < _TO_MINUTES_S:
        return words.seconds.format(s=seconds)
    minutes = round(seconds / 60)
    if minutes < 60:
        return words.minutes.format(m=minutes)
    return words.hours.format(h=minutes // 60, m=minutes % 60)


def _recorded(words: Catalogue, event: Event, about: Circumstances) -> list[str]:
    parts = [
        _how_many(words, event, about.count),
        _again(words, event),
        sites_said(words, event.sites),
        words.sides[event.side] if event.side in ("left", "right") else "",
        words.states[event.state_before],
        ""
        if event.since_waking_s is None
        else words.since_waking.format(minutes=int(event.since_waking_s // 60)),
        words.match[about.match],
    ]
    said = words.recorded.format(what=", ".join(part for part in parts if part))
    return [
        *([about.late] if about.late else []),
        said,
        *([words.conveyed] if about.conveyed else []),
        _coverage(words, about.seen),
    ]


def _how_many(words: Catalogue, event: Event, count: int) -> str:
    noun = words.nouns.get(event.label.wire, words.any_noun)
    template = words.in_time if count > 1 else words.lasting
    return template.format(
        what=noun.counted(max(1, count)), duration=duration(words, event.end_ns - event.onset_ns)
    )


def _again(words: Catalogue, event: Event) -> str:
    """How long jerks have come with pauses between them; empty for the first train, and for all that has none."""
    if event.episode_s is None or event.episode_s <= event.duration_s:
        return ""
    return words.again_for.format(duration=duration(words, round(event.episode_s * NS)))


def sites_said(words: Catalogue, sites: tuple[Site, ...]) -> str:
    """Where it was seen: both legs and body."""
    left = [site.value for site in Site if site in sites]
    for pair, both in ((("LA", "RA"), "legs"), (("LW", "RW"), "arms")):
        if set(pair) <= set(left):
            left = [both, *(s for s in left if s not in pair)]
    return words.sites_joined.join(words.sites[s] for s in left)


def _coverage(words: Catalogue, seen: Seen) -> str:
    if seen.total_ns == 0:
        return words.coverage_unknown
    return words.coverage.format(seen=duration(words, seen.seen_ns), total=duration(words, seen.total_ns))
