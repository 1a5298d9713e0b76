"""The diary's kinds of notes, and what began, changed or ended."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.records import NS, Note
from lullwatch.diary import (
    KINDS,
    BadNote,
    Entry,
    Mark,
    checked,
    entries,
    facts_of,
    given_at,
    marks,
    says_nothing,
)
from store.notes import STRUCK_OUT

GOOD: dict[str, dict[str, str | float | int | bool]] = {
    "feed": {"how": "bottle", "amount_ml": 120},
    "medicine": {"name": "Vigabatrin", "dose": "250 mg"},
    "fever": {"celsius": 38.7, "measured": "ear"},
    "vaccination": {"name": "six in one"},
    "skill": {"name": "smiles back", "way": "lost"},
    "movement_seen": {"looked_like": "arms thrown out", "when_woken": "stopped", "when_held": "not_held"},
    "video": {"reference": "IMG_0412", "lasts_s": 90},
    "note": {},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_what_it_asks_for(kind: str) -> None:
    assert dict(checked(kind, GOOD[kind])) == GOOD[kind]


@pytest.mark.parametrize(
    ("kind", "facts", "what", "remedy"),
    [
        ("medicine", {"name": "x"}, "dose is missing", "give dose"),
        ("medicine", {"name": " ", "dose": "1"}, "name is empty", "leave it out"),
        ("medicine", {"name": "x", "dose": "1", "often": "2"}, "often is not asked for", "name dose change"),
        ("fever", {"celsius": 101.3}, "celsius is 101.3", "25 to 45"),
        ("fever", {"celsius": "38"}, "celsius is 38", "number"),
        ("fever", {"celsius": True}, "celsius is True", "number"),
        ("fever", {"celsius": float("nan")}, "celsius is nan", "number"),
        ("skill", {"name": "x", "way": "gone"}, "way cannot be gone", "new lost"),
        ("vaccination", {"name": "x" * 81}, "longer than 80", "as text"),
        ("note", {"name": "x"}, "name is not asked for", ""),
        ("film", {"name": "x"}, "no facts", "medicine"),
        (
            "vaccination",
            {"name": "MMR\x1b[2J"},
            r"name holds a hidden control character \(U\+001B\)",
            "write the words anew",
        ),
        ("vaccination", {"name": "MMR\x00"}, r"U\+0000", "anew"),
    ],
)
def test_what_a_kind_does_not_ask_for_is_refused_with_what_would_do(
    kind: str, facts: dict[str, str | float | bool], what: str, remedy: str
) -> None:
    with pytest.raises(BadNote, match=what) as refused:
        checked(kind, facts)
    assert remedy in refused.value.remedy


def test_plain_words_of_any_kind_need_no_facts() -> None:
    assert checked("film", {}) == ()
    assert checked("medicine", {}) == ()


@given(
    st.sampled_from([*KINDS, "film"]),
    st.dictionaries(st.text(max_size=8), st.text(max_size=90) | st.floats()),
)
def test_no_facts_break_the_check(kind: str, facts: dict[str, str | float]) -> None:
    with suppress(BadNote):
        assert set(dict(checked(kind, facts))) <= set(facts)


def noted(day: int, kind: str, note_id: str = "", corrects: str = "", **facts: str) -> Note:
    return Note("kid", day * 86_400 * NS, kind, "", "anna", tuple(facts.items()), note_id, corrects)


def standing(*notes: Note) -> tuple[Entry, ...]:
    return tuple(e for e in entries({note: note.t_ns for note in notes}) if not e.struck_out)


def test_a_medicine_is_marked_when_it_begins_when_its_dose_changes_and_when_it_ends() -> None:
    given_so = [
        noted(1, "medicine", name="Vigabatrin", dose="100 mg"),
        noted(2, "medicine", name="vigabatrin", dose="100 mg"),
        noted(3, "medicine", name="Vigabatrin", dose="200 mg"),
        noted(4, "medicine", name="Vigabatrin", dose="200 mg", change="stop"),
        noted(9, "medicine", name="Vigabatrin", dose="100 mg"),
        noted(5, "vaccination", name="six in one"),
        noted(6, "fever", celsius="38.5"),
    ]
    found = [(m.utc_ns // (86_400 * NS), m.kind, m.change) for m in marks(standing(*given_so))]
    assert found == [
        (1, "medicine", "start"), (3, "medicine", "dose_changed"), (4, "medicine", "stop"), (5, "vaccination", ""),
        (9, "medicine", "start"),
    ]  # fmt: skip


def test_what_was_given_at_a_moment_is_the_last_word_on_each_medicine_that_had_not_ended() -> None:
    day_ns = 86_400 * NS
    found = marks(standing(
        noted(1, "medicine", name="Vigabatrin", dose="100 mg"), noted(2, "medicine", name="Iron", dose="1 ml"),
        noted(3, "medicine", name="vigabatrin", dose="200 mg"),
        noted(4, "medicine", name="Iron", dose="", change="stop"),
        noted(5, "vaccination", name="six in one"),
    ))  # fmt: skip
    at = {day: [m.text for m in given_at(found, day * day_ns)] for day in (0, 2, 3, 9)}
    assert at == {
        0: [], 2: ["Vigabatrin 100 mg", "Iron 1 ml"], 3: ["vigabatrin 200 mg", "Iron 1 ml"], 9: ["vigabatrin 200 mg"],
    }  # fmt: skip


def test_what_was_corrected_or_struck_out_marks_nothing() -> None:
    wrong = noted(1, "medicine", "n1", name="Vigabatrin", dose="100 mg")
    right = noted(2, "medicine", "n2", "n1", name="Vigabatrin", dose="100 mg")
    struck = noted(5, "vaccination", "n3", name="x")
    gone = noted(5, STRUCK_OUT, "n4", "n3")
    rows = standing(wrong, right, struck, gone)
    assert marks(rows) == (Mark(2 * 86_400 * NS, "medicine", "Vigabatrin 100 mg", "start", "Vigabatrin"),)
    assert rows[0].earlier == (wrong,)
    assert facts_of(rows[0].note)["dose"] == "100 mg"


@pytest.mark.parametrize("kind", ["medicine", "fever", "vaccination", "skill", "movement_seen", "video"])
def test_a_note_without_facts_and_words_says_nothing(kind: str) -> None:
    assert says_nothing(kind, {}, " \n")
    assert not says_nothing(kind, {}, "something")
    assert not says_nothing(kind, GOOD[kind], "")


@pytest.mark.parametrize("kind", ["feed", "note"])
def test_that_there_was_a_feed_or_something_at_all_needs_no_words(kind: str) -> None:
    assert not says_nothing(kind, {}, "")
