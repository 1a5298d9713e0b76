"""What stands of notes after corrections."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsp.records import NS, Note
from store.notes import STRUCK_OUT, chains, standing_notes, wording


def note(note_id: str, corrects: str = "", *, kind: str = "note", t_s: int = 0) -> Note:
    return Note("kid", t_s * NS, kind, f"text of {note_id}", "anna", id=note_id, corrects=corrects)


def test_a_correction_stands_instead_of_what_it_corrects_and_the_rest_stays_as_it_was() -> None:
    rows = [note("a"), note("b", t_s=1), note("c", "a")]
    assert [n.id for n in standing_notes(rows)] == ["c", "b"]
    assert [[n.id for n in chain] for chain in chains(rows)] == [["c", "a"], ["b"]]


def test_a_correction_of_a_correction_and_a_second_one_of_the_first_are_one_chain() -> None:
    rows = [note("a"), note("b", "a"), note("c", "b"), note("d", "a")]
    assert [[n.id for n in chain] for chain in chains(rows)] == [["d", "c", "b", "a"]]


def test_what_is_struck_out_does_not_stand_and_may_be_corrected_back() -> None:
    struck = [note("a"), note("b", "a", kind=STRUCK_OUT)]
    assert standing_notes(struck) == ()
    assert [n.id for n in standing_notes([*struck, note("c", "b")])] == ["c"]


def test_what_a_note_says_is_its_facts_and_then_the_words() -> None:
    assert wording(Note("kid", 0, "fever", "hot", "a", (("celsius", 38.5), ("measured", "ear")))) == (
        "celsius=38.5; measured=ear hot"
    )
    assert wording(Note("kid", 0, "note", "hot", "a")) == "hot"
    assert wording(Note("kid", 0, "film", "", "a")) == ""


def test_notes_without_an_id_are_each_their_own() -> None:
    assert len(standing_notes([note(""), note("", t_s=1), note("")])) == 3


def test_a_correction_of_a_note_that_is_not_here_stands_by_itself() -> None:
    assert [n.id for n in standing_notes([note("b", "taken-away")])] == ["b"]


@given(st.lists(st.integers(-1, 20), max_size=20))
def test_no_note_is_lost_and_each_stands_in_one_chain(corrected: list[int]) -> None:
    rows = [note(f"n{i}", f"n{c}" if 0 <= c < i else "") for i, c in enumerate(corrected)]
    found = [n for chain in chains(rows) for n in chain]
    assert sorted(n.id for n in found) == sorted(n.id for n in rows)
    assert len(standing_notes(rows)) == sum(1 for n in rows if not n.corrects)
