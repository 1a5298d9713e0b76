"""Every text of the catalogues, and what is put together of them: neutral words, no reassurance, the urgent order."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from string import Formatter

import pytest

from alerts import words
from alerts.catalogue import Catalogue, Noun
from alerts.severity import TABLE
from alerts.words import (
    LANGUAGES,
    SELF_TEST,
    Circumstances,
    Seen,
    about_event,
    about_trouble,
    catalogue,
)
from dsp.records import NS, Label, Severity, Site, State
from tests.alert_makers import event
from tests.wording import faults

ENGLISH = catalogue("en")
IN_BOTH = pytest.mark.parametrize("language", LANGUAGES)


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
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


def every_message(language: str) -> Iterator[str]:
    words = catalogue(language, "112")
    late = words.happened.format(time="03:12")
    for label in Label:
        for severity in Severity:
            for state in State:
                row = event(label, state_before=state)
                yield str(about_event(words, row, about(severity=severity, late=late, five_minutes=True)))
        for ended_as in ("withdrawn", "merged"):
            yield str(about_event(words, event(label), about(ended_as=ended_as, conveyed=True)))
    yield str(about_event(words, event(infant=SELF_TEST), about(severity=Severity.URGENT)))
    for kind in (*(row.kind for row in TABLE.technical), "unheard_of"):
        for cleared in (False, True):
            yield str(about_trouble(words, kind, cleared=cleared))


@IN_BOTH
def test_no_text_of_the_catalogue_says_a_forbidden_word(language: str) -> None:
    found = list(texts_in(catalogue(language)))
    assert len(found) > 150
    assert {text: faults(text, language) for text in found if faults(text, language)} == {}


@IN_BOTH
def test_no_message_put_together_says_a_forbidden_word(language: str) -> None:
    messages = list(every_message(language))
    assert len(messages) > 200
    assert {text: faults(text, language) for text in messages if faults(text, language)} == {}


@IN_BOTH
def test_no_template_of_a_message_is_left_unfilled(language: str) -> None:
    assert [text for text in every_message(language) if re.search(r"[{}]", text)] == []


def shape(value: object) -> object:
    """What must be the same in every language: keys, and the parts that each template names."""
    if isinstance(value, str):
        return sorted(name for _, name, _, _ in Formatter().parse(value) if name)
    if isinstance(value, Mapping):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [shape(part) for part in value]
    if isinstance(value, Noun):
        return "noun"
    assert dataclasses.is_dataclass(value)
    return {field.name: shape(getattr(value, field.name)) for field in dataclasses.fields(value)}


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_every_language_has_every_text_of_english_with_the_same_parts(language: str) -> None:
    assert shape(words._CATALOGUES[language]) == shape(words._CATALOGUES["en"])


def test_no_text_of_a_language_was_left_in_english() -> None:
    """Units and bare places for parts may be alike; sentences may not."""
    english, german = (list(texts_in(words._CATALOGUES[code])) for code in ("en", "de"))
    alike = {
        a
        for a, b in zip(english, german, strict=True)
        if a == b and re.search(r"[a-z]{3,}", re.sub(r"{\w*}", "", a))
    }
    assert alike <= {"{m} min", "{h} h {m} min", "lullwatch {gateway}"}


@IN_BOTH
def test_one_is_one_and_none_and_two_are_many(language: str) -> None:
    nouns = every_noun(catalogue(language))
    assert len(nouns) > 8
    for noun in nouns:
        assert noun.counted(1) == f"1 {noun.one}"
        assert noun.counted(0) == f"0 {noun.many}"
        assert noun.counted(21) == f"21 {noun.many}"
        assert noun.one != noun.many


def every_noun(words: Catalogue) -> list[Noun]:
    return [*words.nouns.values(), words.any_noun, *words.more_nouns.values()]


@pytest.mark.parametrize(
    "text",
    ["Seizure detected", "No spasms today", "This is benign", "Low risk", "Your baby is safe", "Match: 87 %"],
)
def test_the_guard_finds_what_it_must_not_let_through(text: str) -> None:
    assert faults(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "Anfall erkannt", "Heute keine Spasmen", "Das ist gutartig", "Geringes Risiko", "Ihr Baby ist sicher",
        "Zu 87 % passend", "Alles in Ordnung", "Wecken Sie Ihr Baby",
    ],
)  # fmt: skip
def test_the_german_guard_finds_what_it_must_not_let_through(text: str) -> None:
    assert faults(text, "de") != []


@IN_BOTH
def test_no_label_of_the_research_exports_stands_in_a_message(language: str) -> None:
    messages = list(every_message(language))
    for label in Label:
        if "_" in label.value and label.value != label.wire:
            assert not any(label.value in text for text in messages)


@IN_BOTH
def test_every_pattern_state_side_site_and_trouble_has_its_words(language: str) -> None:
    words = catalogue(language)
    assert set(words.titles) == set(words.names) == {label.wire for label in Label}
    assert set(words.states) == set(words.state_names) == set(State)
    assert {site.value for site in Site} <= set(words.sites)
    assert {row.kind for row in TABLE.technical} <= set(words.technical)


@IN_BOTH
def test_every_urgent_message_begins_with_the_baby_then_the_emergency_number_and_ends_with_filming(
    language: str,
) -> None:
    words = catalogue(language)
    begins = words.recorded.partition("{")[0]
    for label in Label:
        lines = about_event(words, event(label), about(severity=Severity.URGENT)).lines
        recorded = next(n for n, line in enumerate(lines) if line.startswith(begins))
        assert lines[:2] == (words.look, words.emergency)
        assert 2 <= recorded < lines.index(words.film)


@IN_BOTH
def test_at_five_minutes_the_title_and_a_line_say_so_and_the_second_line_stands_there_twice(
    language: str,
) -> None:
    words = catalogue(language)
    row = event(Label.LONG_MOVEMENT, long_s=301)
    text = about_event(words, row, about(severity=Severity.URGENT, five_minutes=True))
    assert list(text.lines).count(words.emergency) == 2
    assert text.lines.index(words.five_minutes) < len(text.lines) - 1
    assert text.lines[text.lines.index(words.five_minutes) + 1] == words.emergency
    assert "5 min" in text.title


@IN_BOTH
def test_the_emergency_line_names_the_number_of_the_settings(language: str) -> None:
    assert " 911 " in catalogue(language, "911").emergency.replace(",", " ")
    assert "112" not in catalogue(language, "911").emergency
    assert "112" in catalogue(language).emergency


@IN_BOTH
def test_a_message_carries_count_duration_sites_side_state_minutes_since_waking_match_and_coverage(
    language: str,
) -> None:
    words = catalogue(language)
    row = event(side="left", state_before=State.AWAKE)
    text = str(about_event(words, row, about(count=14, seen=Seen(33_120 * NS, 36_000 * NS))))
    for part in (
        words.nouns["repeated_brief_movements"].counted(14), "30 s", words.sites["legs"], words.sides["left"],
        words.states[State.AWAKE], words.since_waking.format(minutes=6), words.match["weak"],
        "9 h 12 min", "10 h 0 min",
    ):  # fmt: skip
        assert part in text


@IN_BOTH
def test_a_test_says_that_it_is_one_and_sends_nobody_to_the_baby(language: str) -> None:
    words = catalogue(language)
    text = about_event(words, event(infant=SELF_TEST), about(severity=Severity.URGENT))
    assert text.title == words.test_title
    assert words.look not in text.lines
    assert words.emergency not in str(text)


@pytest.mark.parametrize(
    "criterion",
    [
        "blau oder grau", "schlecht Luft", "5 Minuten", "bevor sich Ihr Baby erholt hat", "nicht reagiert",
        "erste Krampf", "verletzt", "jünger als 28 Tage", "Fieber", "jünger als 6 Monate", "vorgewölbte",
        "steifen Nacken", "Ausschlag", "schwer weckbar",
    ],
)  # fmt: skip
def test_the_german_emergency_line_names_every_criterion(criterion: str) -> None:
    assert criterion in catalogue("de").emergency


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
