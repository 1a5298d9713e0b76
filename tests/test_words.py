"""Every text a person can see: neutral words, no reassurance, the urgent order."""

import dataclasses
import re
from collections.abc import Iterator

import pytest

from alerts import words
from alerts.severity import TABLE
from alerts.words import Circumstances, Seen, about_event, about_trouble, catalogue
from dsp.records import NS, Label, Severity, Site, State
from tests.alert_makers import event

ENGLISH = catalogue("en")
HOUR_NS = 3600 * NS

FORBIDDEN = [
    # names of diseases and of what only a doctor can say
    r"seizures?", r"spasms?", r"spasm[- ]like", r"epilep\w*", r"myoclon\w*", r"infantile", r"\bbnsm\b", r"\biess\b",
    # reassurance and safety claims
    r"benign", r"normal\w*", r"harmless", r"healthy", r"all (is )?(well|clear|good|quiet)", r"nothing to worry",
    r"don'?t worry", r"no need to", r"low risk", r"\brisk\b", r"\bsafe(ty|ly)?\b", r"\bsids\b", r"reassur\w*",
    r"\bok(ay)?\b", r"protects?", r"prevents?",
    # claims of a diagnosis, a test or a treatment
    r"detect(s|ed|ion)?", r"diagnos(e|es|ed|ing)", r"screen(s|ed|ing)?", r"monitors?\b", r"clinically", r"proven",
    r"treatment", r"probab\w+", r"score", r"\d ?%",
    # tests on the child, and calls left to the device
    r"\bhold (the|your|a)", r"rock (the|your)", r"wake (the|your)", r"only if the app", r"no movements? recorded",
]  # fmt: skip

ALLOWED = ["is not a diagnosis"]
"""sentences that clinical advice demands although a forbidden word stands in them"""


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from texts_in(part)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from texts_in(getattr(value, field.name))


def about(**more: object) -> Circumstances:
    given: dict[str, object] = {
        "severity": Severity.NOTICE,
        "match": "weak",
        "seen": Seen(),
        "count": 3,
        **more,
    }
    return Circumstances(**given)  # type: ignore[arg-type]


def every_message() -> Iterator[str]:
    for label in Label:
        for severity in Severity:
            for state in State:
                row = event(label, state_before=state)
                yield str(
                    about_event(ENGLISH, row, about(severity=severity, late="Late.", five_minutes=True))
                )
        for ended_as in ("withdrawn", "merged"):
            yield str(about_event(ENGLISH, event(label), about(ended_as=ended_as, conveyed=True)))
    for row in TABLE.technical:
        for cleared in (False, True):
            yield str(about_trouble(ENGLISH, row.kind, cleared=cleared))


def faults(text: str) -> list[str]:
    for sentence in ALLOWED:
        text = text.replace(sentence, "")
    return [word for word in FORBIDDEN if re.search(word, text, flags=re.IGNORECASE)]


def test_no_text_of_the_catalogue_says_a_forbidden_word() -> None:
    found = list(texts_in(ENGLISH))
    assert len(found) > 60
    assert {text: faults(text) for text in found if faults(text)} == {}


def test_no_message_put_together_says_a_forbidden_word() -> None:
    messages = list(every_message())
    assert len(messages) > 200
    assert {text: faults(text) for text in messages if faults(text)} == {}


@pytest.mark.parametrize(
    "text",
    ["Seizure detected", "No spasms today", "This is benign", "Low risk", "Your baby is safe", "Match: 87 %"],
)
def test_the_guard_finds_what_it_must_not_let_through(text: str) -> None:
    assert faults(text) != []


def test_no_label_of_the_research_exports_stands_in_a_message() -> None:
    messages = list(every_message())
    for label in Label:
        if "_" in label.value and label.value != label.wire:
            assert not any(label.value in text for text in messages)


def test_every_pattern_state_side_site_and_trouble_has_its_words() -> None:
    assert set(ENGLISH.titles) == {label.wire for label in Label}
    assert set(ENGLISH.states) == set(State)
    assert {site.value for site in Site} <= set(ENGLISH.sites)
    assert {row.kind for row in TABLE.technical} <= set(ENGLISH.technical)


def test_every_urgent_message_begins_with_the_baby_then_the_emergency_number_and_ends_with_filming() -> None:
    for label in Label:
        lines = about_event(ENGLISH, event(label), about(severity=Severity.URGENT)).lines
        recorded = next(n for n, line in enumerate(lines) if line.startswith("Recorded:"))
        assert lines[:2] == (ENGLISH.look, ENGLISH.emergency)
        assert 2 <= recorded < lines.index(ENGLISH.film)


def test_the_emergency_line_names_every_criterion() -> None:
    for criterion in (
        "blue or grey", "trouble breathing", "5 minutes", "again before your baby has recovered",
        "does not respond", "first convulsion", "hurt", "younger than 28 days", "fever", "under 6 months",
        "bulging soft spot", "stiff neck", "rash", "hard to wake",
    ):  # fmt: skip
        assert criterion in ENGLISH.emergency


def test_every_message_about_an_event_says_that_the_log_cannot_tell_the_cause() -> None:
    for label in Label:
        assert about_event(ENGLISH, event(label), about()).lines[-1] == ENGLISH.always


def test_a_series_comes_with_the_same_day_advice_as_general_information() -> None:
    text = str(about_event(ENGLISH, event(), about(severity=Severity.URGENT)))
    assert "General information" in text
    assert "paediatrician the same day" in text


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        ((Site.LA, Site.RA, Site.TR), "both legs and body"),
        ((Site.TR, Site.LA), "left leg and body"),
        ((Site.LW, Site.RW, Site.HD), "both arms and head"),
        ((Site.RA,), "right leg"),
    ],
)
def test_sites_are_told_in_words(sites: tuple[Site, ...], said: str) -> None:
    row = event(sites=sites)
    [line] = [x for x in about_event(ENGLISH, row, about()).lines if x.startswith("Recorded:")]
    assert f", {said}, " in line


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3600, "1 h 0 min"),
        (33_120, "9 h 12 min"),
        (3599, "1 h 0 min"),
    ],
)
def test_a_length_of_time_is_told_in_two_units(seconds: int, said: str) -> None:
    assert words.duration(ENGLISH, seconds * NS) == said


def test_one_and_many_are_told_apart() -> None:
    one = about_event(ENGLISH, event(Label.SPASM_LIKE, long_s=1), about(count=1))
    assert "1 brief movement, 1 s" in str(one)
    assert "3 brief movements in 30 s" in str(about_event(ENGLISH, event(), about(count=3)))


def test_a_match_is_only_weak_or_clear() -> None:
    assert [words.match_word(m, 0.8) for m in (0.0, 0.79, 0.8, 1.0)] == ["weak", "weak", "clear", "clear"]


def test_a_language_without_texts_is_an_error() -> None:
    with pytest.raises(LookupError, match="'xx'"):
        catalogue("xx")
