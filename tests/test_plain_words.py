"""What people write, without what steers a screen."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.words import catalogue
from dsp.records import Note, Opinion
from lullwatch.diary import Entry
from lullwatch.plain_words import HiddenCharacter, plain_words, shown
from lullwatch.report.saying import entry_said, opinion_said

ENGLISH = catalogue("en")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("two\r\nlines", "two\nlines"),
        ("from\x0ba word\u2028processor\x85", "from\na word\nprocessor\n"),
        ("one\ttab", "one tab"),
        ("Größe, 体温, 👩\u200d🍼, שלום, e\u0301", "Größe, 体温, 👩\u200d🍼, שלום, e\u0301"),
    ],
)
def test_letters_of_every_script_and_line_breaks_are_kept(written: str, kept: str) -> None:
    assert plain_words("text", written) == kept


@pytest.mark.parametrize("hidden", ["\x00", "\x07", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\ud800"])
def test_what_steers_a_screen_is_refused_by_its_number_and_shown_as_a_mark_where_it_was_kept_before(
    hidden: str,
) -> None:
    with pytest.raises(
        HiddenCharacter, match=rf"text holds a hidden control character \(U\+{ord(hidden):04X}\)"
    ):
        plain_words("text", f"arms {hidden}out")
    assert shown(f"arms {hidden}out") == "arms \ufffdout"


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "L", "Zl", "Zp", "Zs"])))
def test_no_text_that_is_kept_or_shown_holds_a_control_character(text: str) -> None:
    kept = shown(text)
    assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") for c in kept)
    assert plain_words("text", kept) == kept


def test_a_row_of_an_earlier_program_is_said_without_it() -> None:
    note = Note("kid", 0, "medicine", "\x1b[2Jgone", "anna", (("name", "a\x07b"), ("dose", "1")), "n-1")
    assert entry_said(Entry(note, 0), ENGLISH) == "Medicine: name a\ufffdb, dose 1, \ufffd[2Jgone"
    said = opinion_said(Opinion("kid", "e", 0, "anna", "caregiver", "startle", "\x9bx"), ENGLISH)
    assert said.endswith("(\ufffdx)")
