"""What stands of the notes that people wrote: a correction is a further row, and the last word holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dsp.records import Note

__all__ = ["STRUCK_OUT", "chains", "standing_notes", "wording"]

STRUCK_OUT: Final = "struck_out"
"""Kind of the note that only takes another one back."""


def chains(notes: Iterable[Note]) -> list[tuple[Note, ...]]:
    """Each note with all that it was before, newest first; they come in the order they were written.

    Of two corrections of one note the later holds, and the earlier is among what it was before.
    """
    root_of: dict[str, str] = {}
    made: dict[str, list[Note]] = {}
    for number, note in enumerate(notes):
        root = root_of.get(note.corrects, note.id or f"#{number}")
        root_of[note.id or root] = root
        made.setdefault(root, []).insert(0, note)
    return [tuple(chain) for chain in made.values()]


def wording(note: Note) -> str:
    """What a note says in one line: its facts, then the person's own words."""
    facts = (f"{name}={value}" for name, value in note.facts)
    return " ".join(part for part in ("; ".join(facts), note.text) if part)


def standing_notes(notes: Iterable[Note]) -> tuple[Note, ...]:
    """The last word of each note by time, without what was struck out."""
    last = (chain[0] for chain in chains(notes))
    return tuple(sorted((note for note in last if note.kind != STRUCK_OUT), key=lambda note: note.t_ns))
