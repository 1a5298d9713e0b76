"""Reviewing: a queue with keys, blind to the machine and to each other, quick at ten thousand events."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from dsp.records import Label, Opinion
from lullwatch.opinions import CLINICAL, FURTHER
from lullwatch.web.review_page import KEYS
from lullwatch.web.session import Role
from store.journal import Journal
from tests.archive_maker import BEGIN_NS, KID, NIGHT, SERIES, SINGLE, TRAIN, make_archive
from tests.page_rig import House, Visitor
from tests.test_event_index import many
from tests.wording import faults


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("house")
    make_archive(folder)
    return House(folder, rita=Role.RESEARCHER, rolf=Role.RESEARCHER, anna=Role.CAREGIVER)


@pytest.fixture
def people(house: House, tmp_path: Path) -> dict[str, Visitor]:
    return house.copied(tmp_path)


async def label(visitor: Visitor, event: str, word: str, **more: str) -> str:
    """Label an event; where the page leads then."""
    given = {"basis": "sensors", "blind": "1", **more}
    answer = await visitor.post(f"/review/{event}", label=word, **given)
    assert answer.status == 303, answer.words
    onward = await visitor.get(answer.headers["location"])
    return onward.headers["location"]


async def test_the_queue_leads_from_event_to_event_until_none_is_left(people: dict[str, Visitor]) -> None:
    rita = people["rita"]
    overview = await rita.get("/review")
    assert "rita has labelled 0 of 3 events" in overview.words
    first = await rita.get("/review/next")
    assert first.headers["location"] == f"/review/{SERIES}"
    assert await label(rita, SERIES, "rhythmic_jerking") == f"/review/{TRAIN}"
    skipped = await rita.get(f"/review/next?after={TRAIN}")
    assert skipped.headers["location"] == f"/review/{SINGLE}"
    assert await label(rita, SINGLE, "cannot_tell") == f"/review/{TRAIN}"  # back to what was passed over
    assert await label(rita, TRAIN, "rocking") == "/review"
    assert "rita has labelled 3 of 3 events" in (await rita.get("/review")).words
    assert "rolf has labelled 0 of 3 events" in (await people["rolf"].get("/review")).words


async def test_a_blind_review_shows_nothing_of_the_machine_s_word_and_of_the_other_reviewer(
    people: dict[str, Visitor], tmp_path: Path
) -> None:
    await label(people["rita"], SERIES, "tremor", text="very fine")
    page = await people["rolf"].get(f"/review/{SERIES}")
    assert 'class="burst"' in page.text
    assert 'class="member"' not in page.text
    assert "rita" not in page.words
    assert "very fine" not in page.words
    assert "The program:" not in page.words
    assert 'aria-pressed="true"' not in page.text
    # the words that may be chosen name every pattern once; nothing else on the page names one
    outside = re.sub(r"<fieldset.*?</fieldset>", "", page.text, flags=re.DOTALL)
    assert not any(str(x) in outside or x.wire in outside for x in Label if "_" in str(x))
    queue = await people["rolf"].get("/review?label=rhythmic_jerks_asleep")
    assert "0 of 3 events" in queue.words


async def test_the_machine_s_word_is_shown_when_asked_for_and_then_written_down_as_not_blind(
    people: dict[str, Visitor], tmp_path: Path
) -> None:
    rita = people["rita"]
    page = await rita.get(f"/review/{SERIES}?blind=0")
    assert "The program: repeated brief movements (spasm_like_cluster), match 0.95" in page.words
    assert page.text.count('class="member"') == 6
    assert 'name="blind" value=""' in page.text
    await label(rita, SERIES, "spasm_like_cluster", blind="")
    await label(rita, TRAIN, "rocking", blind="1", basis="video")
    with Journal.read_only(tmp_path / NIGHT) as journal:
        said = [(o.label, o.blind, o.basis, o.role) for o in journal.opinions(KID)]
    assert said == [
        ("spasm_like_cluster", False, "sensors", "reviewer"), ("rocking", True, "video", "reviewer"),
    ]  # fmt: skip
    assert "0 of 1 events" in (await people["rolf"].get("/review?blind=0&label=rhythmic_jerks_asleep")).words


async def test_another_reviewer_s_word_is_shown_once_one_s_own_is_given_and_only_when_not_blind(
    people: dict[str, Visitor],
) -> None:
    await label(people["rita"], SERIES, "tremor")
    assert "rita" not in (await people["rolf"].get(f"/review/{SERIES}?blind=0")).words
    await label(people["rolf"], SERIES, "rocking")
    assert "rita: trembling (tremor)" in (await people["rolf"].get(f"/review/{SERIES}?blind=0")).words
    assert "rita" not in (await people["rolf"].get(f"/review/{SERIES}")).words


async def test_every_word_has_a_key_of_its_own_and_is_a_button_without_a_script(
    people: dict[str, Visitor],
) -> None:
    assert set(KEYS) == {*Label, *FURTHER}
    assert len(set(KEYS.values())) == len(KEYS)
    page = await people["rita"].get(f"/review/{SERIES}")
    buttons = dict(re.findall(r'<button name="label" value="(\w+)" data-key="(.)"', page.text))
    assert buttons == {str(word): key for word, key in KEYS.items()}
    assert '<script src="/static/review.js" defer></script>' in page.text
    assert re.findall(r"<script[^>]*>[^<]", page.text) == []


async def test_a_medical_term_needs_an_eeg(people: dict[str, Visitor], tmp_path: Path) -> None:
    page = await people["rita"].get(f"/review/{SERIES}")
    assert all(f'value="{word}"' in page.text for word in CLINICAL)
    refused = await people["rita"].post(
        f"/review/{SERIES}", label="epileptic_spasm", basis="video", blind="1"
    )
    assert refused.status == 409
    assert "needs an EEG" in refused.words
    await label(people["rita"], SERIES, "epileptic_spasm", basis="video_eeg")
    with Journal.read_only(tmp_path / NIGHT) as journal:
        assert [o.basis for o in journal.opinions(KID)] == ["video_eeg"]


async def test_agreement_of_two_is_shown_with_its_interval_and_what_was_taken_for_what(
    people: dict[str, Visitor],
) -> None:
    for event, one, other in (
        (SERIES, "tremor", "tremor"),
        (TRAIN, "rocking", "tremor"),
        (SINGLE, "rocking", "rocking"),
    ):
        await label(people["rita"], event, one)
        await label(people["rolf"], event, other)
    page = await people["rita"].get("/review")
    assert re.search(r"rita · rolf Cohen's kappa 0\.40, 95 in 100 resamples between -?0\.\d\d and 1\.00",
                     page.words.replace("&#x27;", "'"))  # fmt: skip
    assert "The same word for 2 of 3 events" in page.words
    assert page.text.count('class="same"') == 2


async def test_the_labels_can_be_downloaded_once_there_are_any(people: dict[str, Visitor]) -> None:
    assert (await people["rita"].get("/review/export.zip")).status == 404
    await label(people["rita"], SERIES, "tremor")
    answer = await people["rita"].get("/review/export.zip")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.body[:2] == b"PK"


async def test_nobody_but_a_researcher_reviews(people: dict[str, Visitor]) -> None:
    anna = people["anna"]
    for path in ("/review", "/review/next", f"/review/{SERIES}", "/review/export.zip"):
        assert (await anna.get(path)).status == 403
    assert (await anna.post(f"/review/{SERIES}", label="tremor")).status == 403
    assert "/review" not in (await anna.get("/events")).text


@pytest.mark.parametrize("language", ["en", "de"])
async def test_the_overview_says_no_forbidden_word(people: dict[str, Visitor], language: str) -> None:
    people["rita"].language = language
    assert faults((await people["rita"].get("/review")).words, language) == []


async def test_every_page_is_quick_at_ten_thousand_events(house: House, tmp_path: Path) -> None:
    rita = house.copied(tmp_path)["rita"]
    (tmp_path / NIGHT).unlink()
    many(tmp_path, 10_000)
    with Journal.amend(tmp_path / "journal-2026-03-01.sqlite") as journal:
        journal.commit([
            Opinion(KID, f"e-0-{i:05}", BEGIN_NS + i, by, "reviewer", "tremor" if i % 3 else "rocking")
            for i in range(1000) for by in ("rita", "rolf")
        ])  # fmt: skip
    await rita.get("/review")  # the index is read once
    took_s = {}
    for path in ("/review", "/events", "/events?after=e-2-01000", "/review/next", "/review/e-0-02000"):
        began = time.perf_counter()
        answer = await rita.get(path)
        took_s[path] = time.perf_counter() - began
        assert answer.status in (200, 303)
    assert max(took_s.values()) < 1.0, took_s  # seen: 0.02 to 0.1 s
