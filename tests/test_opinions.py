"""Which words people may say of an event."""

from __future__ import annotations

import pytest

from dsp.records import Label, Opinion
from lullwatch.opinions import (
    CAREGIVER,
    CLINICAL,
    FURTHER,
    REVIEWER,
    BadOpinion,
    checked_label,
    standing_opinions,
)


@pytest.mark.parametrize("label", Label)
def test_a_pattern_is_kept_as_its_label_however_it_was_named(label: Label) -> None:
    assert checked_label(label.wire, role=CAREGIVER, basis="") == label
    assert checked_label(str(label), role=REVIEWER, basis="sensors") == label


@pytest.mark.parametrize("word", FURTHER)
def test_everybody_may_say_that_it_was_something_else(word: str) -> None:
    assert checked_label(word, role=CAREGIVER, basis="") == word


@pytest.mark.parametrize("word", CLINICAL)
def test_a_diagnosis_is_said_by_a_reviewer_of_an_eeg_and_by_nobody_else(word: str) -> None:
    assert checked_label(word, role=REVIEWER, basis="video_eeg") == word
    for role, basis in ((CAREGIVER, "video_eeg"), (REVIEWER, "video"), (REVIEWER, "sensors"), (REVIEWER, "")):
        with pytest.raises(BadOpinion):
            checked_label(word, role=role, basis=basis)


def test_a_caregiver_is_told_the_words_and_no_label_of_research() -> None:
    with pytest.raises(BadOpinion) as refused:
        checked_label("spasm_like_cluster", role=CAREGIVER, basis="")
    assert "repeated_brief_movements" in refused.value.remedy
    assert not any(str(label) in refused.value.remedy.split() for label in Label if label != label.wire)


def test_the_last_word_of_each_person_in_each_role_stands() -> None:
    def said(by: str, role: str, label: str) -> Opinion:
        return Opinion("kid", "e1", 0, by, role, label)

    rows = [said("a", CAREGIVER, "rocking"), said("b", REVIEWER, "tremor"), said("a", CAREGIVER, "startle")]
    assert [(o.by, o.label) for o in standing_opinions(rows)] == [("a", "startle"), ("b", "tremor")]
