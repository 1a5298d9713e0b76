"""What a look before the night finds, in a word, and how the whole ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["FAIL", "OK", "WARN", "Finding", "Word", "exit_status", "lines_of"]


class Word(StrEnum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"
    """the night can begin; somebody should look soon"""
    FAIL = "fail"
    """the night cannot begin like this"""


OK, WARN, FAIL = Word.OK, Word.WARN, Word.FAIL


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    name: str
    word: Word
    what: str
    remedy: str = ""


def lines_of(findings: Iterable[Finding]) -> list[str]:
    """For people."""
    return [f"{f.word:<5} {f.name:<13} {f.what}{f'. {f.remedy}' if f.remedy else ''}" for f in findings]


def exit_status(findings: Iterable[Finding]) -> int:
    """1 when something fails, else 0."""
    return int(any(f.word is FAIL for f in findings))
