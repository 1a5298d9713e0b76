"""What people write down of a day: kinds of notes, what each asks for, and what stands after corrections.

A note is a row of the journal. It is never edited: a correction is a further row that names the one it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from dsp.records import Note
from store.notes import STRUCK_OUT, chains

from .plain_words import HiddenCharacter, plain_words

__all__ = [
    "KINDS",
    "MARK_LETTERS",
    "TREATMENTS",
    "BadNote",
    "Entry",
    "Fact",
    "Field",
    "Mark",
    "checked",
    "checked_text",
    "entries",
    "facts_of",
    "given_at",
    "marks",
    "says_nothing",
]

Fact = str | float | int | bool


class BadNote(Exception):
    """Facts that do not fit the kind of the note; `remedy` says what would.

    `fault` and `field` say the same for whoever tells it in another language: one of `missing`, `choice`, `long`,
    `number`, `hidden`, or nothing where no form can lead to it.
    """

    def __init__(
        self, kind: str, what: str, remedy: str, *, fault: str = "", field: Field | None = None
    ) -> None:
        self.remedy = remedy
        self.fault = fault
        self.field = field
        super().__init__(f"{kind}: {what}")


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a kind of note asks for: words, a number within limits, or one of some choices."""

    name: str
    required: bool = False
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    longest: int = 80

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return self.least is not None


_WHETHER_WOKEN: Final = ("not_woken", "stopped", "went_on")
_WHETHER_HELD: Final = ("not_held", "stopped", "went_on")

KINDS: Final[Mapping[str, tuple[Field, ...]]] = MappingProxyType({
    "feed": (
        Field("how", choices=("breast", "bottle", "solid")),
        Field("amount_ml", least=0, most=1000),
    ),
    "medicine": (
        Field("name", required=True),
        Field("dose", required=True, longest=40),
        Field("change", choices=("start", "dose_changed", "stop")),
    ),
    # 25 to 45 is what a thermometer shows of a living child; a fever in Fahrenheit is noticed by it
    "fever": (
        Field("celsius", required=True, least=25, most=45),
        Field("measured", choices=("rectal", "ear", "armpit", "forehead")),
    ),
    "vaccination": (Field("name", required=True),),
    "skill": (
        Field("name", required=True),
        Field("way", required=True, choices=("new", "lost")),
    ),
    "movement_seen": (
        Field("looked_like", required=True, longest=200),
        Field("parts"),
        Field("before", choices=("asleep", "just_woken", "awake", "feeding", "crying")),
        Field("how_many", least=1, most=1000),
        Field("lasted_s", least=0, most=86_400),
        Field("when_woken", choices=_WHETHER_WOKEN),
        Field("when_held", choices=_WHETHER_HELD),
        Field("responded", choices=("yes", "no", "not_known")),
    ),
    "video": (
        Field("reference", required=True, longest=200),
        Field("lasts_s", least=0, most=86_400),
    ),
    "note": (),
})  # fmt: skip
"""What the diary asks for, by the kind of note. Whether a movement stopped when woken or held is asked as something
that was seen, never as something to be tried."""


TREATMENTS: Final = ("medicine", "vaccination")
"""Kinds of what was given: every chart over time marks it."""


MARK_LETTERS: Final = MappingProxyType({"medicine": "M", "vaccination": "V", "fever": "F"})
"""Stand in the drawing of a night; what each means is told below it."""


def checked(kind: str, facts: Mapping[str, Fact]) -> tuple[tuple[str, Fact], ...]:
    """The facts of a note in the order of its kind; plain words of any kind may come without any.

    Raises:
        BadNote: the kind asks for no such fact, for another one, or for another value.
    """
    if not facts:
        return ()
    fields = KINDS.get(kind)
    if fields is None:
        raise BadNote(
            kind, "this kind has no facts", f"kinds with facts: {' '.join(k for k in KINDS if KINDS[k])}"
        )
    known = {field.name for field in fields}
    strange = sorted(set(facts) - known)
    if strange:
        raise BadNote(
            kind, f"{strange[0]} is not asked for", f"it asks for: {' '.join(f.name for f in fields)}"
        )
    missing = [field for field in fields if field.required and field.name not in facts]
    if missing:
        name = missing[0].name
        raise BadNote(kind, f"{name} is missing", f"give {name}", fault="missing", field=missing[0])
    return tuple(
        (field.name, _value(kind, field, facts[field.name])) for field in fields if field.name in facts
    )


def checked_text(kind: str, text: str) -> str:
    """A person's own words as they are kept.

    Raises:
        BadNote: a control character stands in them.
    """
    return _plain(kind, _TEXT, text)


_TEXT: Final = Field("text", longest=1000)


def _plain(kind: str, field: Field, text: str) -> str:
    try:
        return plain_words(field.name, text)
    except HiddenCharacter as error:
        raise BadNote(kind, str(error), error.remedy, fault="hidden", field=field) from error


def says_nothing(kind: str, facts: Mapping[str, Fact], text: str) -> bool:
    """Whether a note tells no more than its time; of a feed that is enough, of a medicine it is not."""
    needs_more = any(field.required for field in KINDS.get(kind, ()))
    return needs_more and not facts and not text.strip()


def _value(kind: str, field: Field, value: Fact) -> Fact:
    if field.is_number:
        return _number(kind, field, value)
    text = " ".join(_plain(kind, field, value).split()) if isinstance(value, str) else ""
    if not text:
        raise BadNote(kind, f"{field.name} is empty", f"give {field.name} in words, or leave it out")
    if field.choices and text not in field.choices:
        raise BadNote(kind, f"{field.name} cannot be {text[:40]}", f"one of: {' '.join(field.choices)}")
    if len(text) > field.longest:
        what = f"{field.name} is longer than {field.longest} letters"
        raise BadNote(kind, what, "write the rest as text", fault="long", field=field)
    return text


def _number(kind: str, field: Field, value: Fact) -> Fact:
    least, most = field.least or 0.0, field.most or 0.0
    if isinstance(value, bool | str) or not least <= value <= most:
        remedy = f"a number from {least:g} to {most:g}"
        raise BadNote(kind, f"{field.name} is {str(value)[:40]}", remedy, fault="number", field=field)
    return value


def facts_of(note: Note) -> dict[str, Fact]:
    """The facts of a note by name."""
    return dict(note.facts)


@dataclass(frozen=True, slots=True)
class Entry:
    """A note as it stands now, when it was in UTC, and what it was before it was corrected."""

    note: Note
    utc_ns: int
    earlier: tuple[Note, ...] = ()
    """what it was corrected from, newest first"""

    @property
    def struck_out(self) -> bool:
        """Whether it was taken back."""
        return self.note.kind == STRUCK_OUT


def entries(notes: Mapping[Note, int]) -> tuple[Entry, ...]:
    """What stands of notes and what was struck out, by time; the notes in the order they were written, with UTC."""
    made = (Entry(chain[0], notes[chain[0]], chain[1:]) for chain in chains(notes))
    return tuple(sorted(made, key=lambda e: (e.utc_ns, e.note.id)))


@dataclass(frozen=True, slots=True)
class Mark:
    """A day on which something began or changed that every chart over time shows."""

    utc_ns: int
    kind: str
    """medicine or vaccination"""
    text: str
    """name and dose as they were written"""
    change: str
    """start, dose_changed, stop; empty for a vaccination"""
    name: str = ""
    """of the medicine, by which its marks belong together"""


def marks(standing: Iterable[Entry]) -> tuple[Mark, ...]:
    """When medicines began, changed or ended, and vaccinations: as written, or where a name or a dose is a new one."""
    found: list[Mark] = []
    doses: dict[str, str] = {}
    for entry in standing:
        facts = facts_of(entry.note)
        name = str(facts.get("name", ""))
        if entry.note.kind == "vaccination":
            found.append(Mark(entry.utc_ns, "vaccination", name or entry.note.text, ""))
        elif entry.note.kind == "medicine" and name:
            change = _change(doses, name.casefold(), str(facts.get("dose", "")), str(facts.get("change", "")))
            if change:
                text = f"{name} {facts.get('dose', '')}".strip()
                found.append(Mark(entry.utc_ns, "medicine", text, change, name))
    return tuple(found)


def given_at(given: Iterable[Mark], utc_ns: int) -> tuple[Mark, ...]:
    """The medicines that were given at a moment: of each the last mark before it, unless that ended it."""
    last = {m.name.casefold(): m for m in given if m.kind == "medicine" and m.utc_ns <= utc_ns}
    return tuple(mark for mark in last.values() if mark.change != "stop")


def _change(doses: dict[str, str], name: str, dose: str, said: str) -> str:
    """What changed with this note; `doses` remembers the last dose of each name."""
    before = doses.get(name)
    if said == "stop":
        doses.pop(name, None)
        return said
    doses[name] = dose
    if said or before is None:
        return said or "start"
    return "dose_changed" if before != dose else ""
