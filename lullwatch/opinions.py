"""What people say that events look like: the words they may use, and what stands of what they said.

An opinion never changes an event. The machine's label, a caregiver's and a reviewer's stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from dsp.records import Label, Opinion

from .plain_words import HiddenCharacter, plain_words

__all__ = [
    "BASES",
    "CAREGIVER",
    "CLINICAL",
    "FURTHER",
    "REVIEWER",
    "BadOpinion",
    "checked_label",
    "checked_text",
    "standing_opinions",
]

CAREGIVER: Final = "caregiver"
REVIEWER: Final = "reviewer"

FURTHER: Final = ("moved_from_outside", "not_the_baby", "nothing_seen", "cannot_tell")
"""What a person may say beside the names of patterns: somebody moved the cot, a sensor lay about, nothing was there."""

BASES: Final = ("sensors", "video", "eeg", "video_eeg")
"""What a reviewer may have looked at."""

_ASSERTING: Final = ("eeg", "video_eeg")
"""What a word that says what it is, and not what it looks like, has to rest on."""

CLINICAL: Final = MappingProxyType({
    "epileptic_spasm": "Epileptic-spasm",
    "benign_sleep_myoclonus": "Benign-sleep-myoclonus",
    "clonic_seizure": "Clonic-seizure",
    "tonic_seizure": "Tonic-seizure",
    "tonic_clonic_seizure": "Tonic-clonic-seizure",
    "myoclonic_seizure": "Myoclonic-seizure",
    "hyperekplexia": "Hyperekplexia",
    "sleep_related_arousal": "Sleep-related-arousal",
    "jactatio_capitis_nocturna": "Jactatio-capitis-nocturna",
    "stereotypical_behavior_episode": "Pediatric-stereotypical-behavior-episode",
})  # fmt: skip
"""Words that assert a diagnosis, with their tag in HED-SCORE 2.1.0: a reviewer may use them of an EEG, nobody else may,
and no program does."""

_BY_WIRE: Final = {label.wire: label for label in Label}


class BadOpinion(Exception):
    """A word that this person may not say of an event; `remedy` names those that may be said."""

    def __init__(self, *, what: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(what)


def checked_label(word: str, *, role: str, basis: str) -> str:
    """The word as it is kept: a `Label` for a pattern, whether it came as that or by its wire name.

    Raises:
        BadOpinion: no such word, or it asserts what only a reviewer of an EEG can say.
    """
    if word in _BY_WIRE:
        return str(_BY_WIRE[word])
    if word in FURTHER or (role == REVIEWER and word in set(Label)):
        return word
    if word in CLINICAL and role == REVIEWER:
        if basis in _ASSERTING:
            return word
        remedy = f"basis = one of: {' '.join(_ASSERTING)}"
        raise BadOpinion(what=f"{word} says what it is, and that needs an EEG", remedy=remedy)
    remedy = f"one of: {' '.join([*_BY_WIRE, *FURTHER])}"
    raise BadOpinion(what=f"label = {word} is no word for an event", remedy=remedy)


def checked_text(text: str) -> str:
    """A person's own words as they are kept.

    Raises:
        BadOpinion: a control character stands in them.
    """
    try:
        return plain_words("text", text)
    except HiddenCharacter as error:
        raise BadOpinion(what=str(error), remedy=error.remedy) from error


def standing_opinions(opinions: Iterable[Opinion]) -> tuple[Opinion, ...]:
    """The last word of each person in each role on each event, in the order they were first said."""
    newest = {(o.event_id, o.role, o.by): o for o in opinions}
    return tuple(newest.values())
