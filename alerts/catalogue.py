"""What a catalogue of texts holds: one value per language, every field a text or a template.

Other parts of the project keep their sentences in `more`, under keys that begin with the part's name; so a language
is whole when its fields and keys are those of English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dsp.records import State

__all__ = ["Catalogue", "Noun"]


@dataclass(frozen=True, slots=True)
class Noun:
    """A countable word."""

    one: str
    many: str

    def counted(self, n: int) -> str:
        """The word with its number."""
        return f"{n} {self.one if n == 1 else self.many}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every text of one language. Templates name their parts in braces."""

    language: str
    """ISO 639-1 code"""
    titles: Mapping[str, str]
    """by wire name"""
    names: Mapping[str, str]
    """short names of the patterns, for lists, by wire name"""
    nouns: Mapping[str, Noun]
    """what is counted in an event, by wire name"""
    any_noun: Noun
    look: str
    emergency: str
    """when to call; `{number}` stands for one of the next two"""
    emergency_number: str
    """what follows the words "emergency number" where the settings name it"""
    emergency_any: str
    """what follows them where the settings name none"""
    film: str
    if_touched: str
    recorded: str
    happened: str
    happened_ago: str
    five_minutes_title: str
    five_minutes: str
    conveyed: str
    withdrawn: str
    merged: str
    same_day: Mapping[str, str]
    """general information to go with a pattern, by wire name"""
    always: str
    in_time: str
    lasting: str
    sites: Mapping[str, str]
    """by site, and `legs` and `arms` for both"""
    sites_joined: str
    sides: Mapping[str, str]
    since_waking: str
    again_for: str
    states: Mapping[State, str]
    """what the sensors suggest of the state before an event"""
    state_names: Mapping[State, str]
    causes: Mapping[str, str]
    """why nothing could be seen, by the cause's code before its colon"""
    match: Mapping[str, str]
    coverage: str
    coverage_unknown: str
    hours: str
    minutes: str
    seconds: str
    technical: Mapping[str, tuple[str, str]]
    """title and body, by kind of trouble"""
    technical_other: tuple[str, str]
    cleared: tuple[str, str]
    test_title: str
    test_lines: tuple[str, ...]
    """what a self-test says instead of what an alert says"""
    more: Mapping[str, str]
    """sentences of other parts, by `part.key`"""
    more_nouns: Mapping[str, Noun]
    """what they count, by `part.key`"""

    def text(self, key: str, **parts: object) -> str:
        """The sentence of a key, with its parts.

        Raises:
            LookupError: no such key, or a part of its template was not given.
        """
        return self.more[key].format(**parts)

    def counted(self, key: str, n: int) -> str:
        """How many of what the key names."""
        return self.more_nouns[key].counted(n)
