"""What a catalogue of texts holds: one value per language, every field a text or a template."""

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
    titles: Mapping[str, str]
    """by wire name"""
    nouns: Mapping[str, Noun]
    """what is counted in an event, by wire name"""
    any_noun: Noun
    look: str
    emergency: str
    film: str
    recorded: str
    happened: str
    happened_ago: str
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
    states: Mapping[State, str]
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
