"""One event on its page, and the list of them."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.words import catalogue
from dsp import views, weights
from dsp.records import BIAS, NS, Label, Note, Opinion
from dsp.weights import Table
from lullwatch.control import Control
from lullwatch.web.event_words import evidence_name
from lullwatch.web.session import Role
from store.journal import Journal
from tests.archive_maker import BEGIN_NS, KID, NIGHT, SERIES, SINGLE, TRAIN, make_archive
from tests.caregiving_rig import Home
from tests.page_rig import House, Visitor
from tests.wording import faults


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("house")
    make_archive(folder)
    return House(folder, anna=Role.CAREGIVER, rita=Role.RESEARCHER, vera=Role.VIEWER)


@pytest.fixture
def people(house: House, tmp_path: Path) -> dict[str, Visitor]:
    return house.copied(tmp_path)


@pytest.fixture
def folder(people: dict[str, Visitor], tmp_path: Path) -> Path:
    return tmp_path


async def test_the_page_says_what_was_recorded_how_much_was_seen_and_what_to_do(
    people: dict[str, Visitor],
) -> None:
    page = await people["anna"].get(f"/events/{SERIES}")
    assert page.status == 200
    for part in (
        "Repeated brief movements recorded", "6 brief movements", "56 s", "both legs and body", "2026-03-14 23:18:20",
        "State before quiet sleep", "State after awake", "6 min after waking",
        "Seen by the sensors of these 56 s: left leg 56 s, right leg 56 s, body 56 s.",
        "General information", "Call the emergency number", catalogue("en").always,
    ):  # fmt: skip
        assert part in page.words, part


async def test_what_was_withdrawn_or_became_part_of_another_says_so_first(
    people: dict[str, Visitor], folder: Path
) -> None:
    words = catalogue("en")
    assert words.withdrawn in (await people["anna"].get("/events/e-gone")).words
    before = await people["anna"].get(f"/events/{SINGLE}")
    assert words.merged not in before.words
    with Journal.amend(folder / NIGHT) as journal:
        [*_, single] = journal.event_rows(SINGLE)
        journal.commit([replace(single, version=9, merged_into=TRAIN)])
    after = await people["anna"].get(f"/events/{SINGLE}")
    assert f"{words.merged} The other one" in after.words
    assert f'href="/events/{TRAIN}"' in after.text


async def test_every_sensor_is_drawn_with_movements_bursts_and_states_and_told_in_words(
    people: dict[str, Visitor],
) -> None:
    page = await people["anna"].get(f"/events/{SERIES}")
    assert page.text.count('class="moved"') == 4  # three sensors and the intervals
    assert page.text.count('class="member"') == 6
    assert page.text.count('class="burst"') == 18
    assert page.text.count('class="state state-') == 5
    assert (
        "Traces of both legs and body from 30 s before the onset to 86 s after it; 6 movements" in page.words
    )
    assert "5 intervals from onset to onset: the shortest 11.0 s, the longest 11.0 s" in page.words
    for chart in re.findall(r"<svg.*?</svg>", page.text, flags=re.DOTALL):
        assert re.search(r'role="img"', chart)
        assert "<title" in chart
        assert "<desc" in chart
    ids = re.findall(r' id="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))


async def test_a_gap_is_left_open_in_the_trace(people: dict[str, Visitor], folder: Path) -> None:
    page = await people["anna"].get(f"/events/{SERIES}")
    paths = re.findall(r'd="(M[^"]*)" class="moved"', page.text)
    assert paths[0].count("M") == 1  # 70 s to 186 s: nothing is missing
    with Journal.amend(folder / NIGHT) as journal:
        [*_, single] = journal.event_rows(SINGLE)
        moved = {f: getattr(single, f) for f in single.__slots__}
        moved |= {"version": 9, "onset_ns": BEGIN_NS + 52 * NS, "end_ns": BEGIN_NS + 53 * NS}
        journal.commit([single.__class__(**moved)])
    page = await people["anna"].get(f"/events/{SINGLE}")
    assert re.findall(r'd="(M[^"]*)" class="moved"', page.text)[0].count("M") == 2
    assert "left leg 0 s, right leg 1 s" in page.words


async def test_the_match_is_weak_or_clear_with_reasons_in_words_and_no_number(
    people: dict[str, Visitor],
) -> None:
    page = await people["anna"].get(f"/events/{SERIES}")
    assert "pattern match: clear" in page.words
    assert (
        "Speaks for it how many movements there are in the series how quickly the movement of the body"
        in page.words
    )
    assert "Speaks against it other movement around it another measurement" in page.words
    assert "0.95" not in page.words
    assert "spasm" not in page.text.lower()


async def test_evidence_as_bars_and_labels_of_research_are_for_researchers(
    people: dict[str, Visitor],
) -> None:
    page = await people["rita"].get(f"/events/{SERIES}")
    assert page.text.count('class="speaks-for"') == 3
    assert page.text.count('class="speaks-against"') == 2
    assert "mean_trunk_rise = -2" in page.words
    assert "spasm_like_cluster" in page.words
    for person in ("anna", "vera"):
        other = await people[person].get(f"/events/{SERIES}")
        assert "speaks-for" not in other.text
        assert "mean_trunk_rise" not in other.text


async def test_evidence_is_added_up_by_the_question_it_answers(people: dict[str, Visitor]) -> None:
    page = await people["rita"].get(f"/events/{TRAIN}")
    for about, total in (("frame", "+0.90"), ("train", "+0.40"), ("run", "+1.20")):
        [says] = re.findall(rf'<desc id="evidence{about}-d">([^<]*)', page.text)
        assert f"{total} together" in says
    assert 'id="evidence-d"' not in page.text
    assert "mean_trunk_leads = 0.2" in page.words
    assert "A train of sleep, or jerking that goes on?" in page.words


async def test_what_holds_before_anything_is_measured_is_no_reason(people: dict[str, Visitor]) -> None:
    page = await people["anna"].get(f"/events/{TRAIN}")
    assert "Speaks for it how long it went on without a pause how even the pauses are" in page.words
    assert "before anything is measured" not in page.words


async def test_what_people_say_stands_beside_the_machine_s_word_and_never_in_its_place(
    people: dict[str, Visitor], folder: Path
) -> None:
    with Journal.amend(folder / NIGHT) as journal:
        journal.commit([
            Opinion(KID, SERIES, BEGIN_NS, "rita", "reviewer", "epileptic_spasm", basis="video_eeg"),
            Opinion(KID, SERIES, BEGIN_NS, "ben", "caregiver", "rocking", "in her cot"),
        ])  # fmt: skip
    page = await people["anna"].get(f"/events/{SERIES}")
    said = page.words[page.words.index("What it is called") :]
    program, caregivers, reviewers = (said.index(w) for w in ("The program", "Who looks after", "Reviewers"))
    assert program < said.index("repeated brief movements") < caregivers < said.index("rocking") < reviewers
    assert "a medical term, shown to researchers" in said[reviewers:]
    assert "epileptic" not in page.text
    assert "epileptic spasm" in (await people["rita"].get(f"/events/{SERIES}")).words


async def test_a_caregiver_says_what_it_looked_like_without_a_monitor_and_a_viewer_does_not(
    people: dict[str, Visitor],
) -> None:
    sent = await people["anna"].post(
        f"/events/{TRAIN}/opinion", label="rocking", text="rocked <b>herself</b>"
    )
    page = await people["anna"].follow(sent)
    assert "rocking rocked &lt;b&gt;herself&lt;/b&gt; anna" in page.words
    assert (await people["vera"].post(f"/events/{TRAIN}/opinion", label="rocking")).status == 403
    refused = await people["anna"].post(f"/events/{TRAIN}/opinion", label="lovely")
    assert refused.status == 409
    assert "lovely is no word for an event" in refused.words
    assert (await people["anna"].post("/events/e-nobody/opinion", label="rocking")).status == 404


async def test_with_a_monitor_it_goes_over_its_socket_and_is_durable_when_the_page_comes_back(
    people: dict[str, Visitor],
    tmp_path: Path,
) -> None:
    home, anna = Home(tmp_path), people["anna"]
    async with home.living():

        async def command(asked):  # type: ignore[no-untyped-def]
            import json

            said = await home.care.on_command(
                asked["infant"], asked["name"], json.dumps(asked["payload"]).encode(), channel="page"
            )
            return json.loads(said)

        async with Control(tmp_path, {"command": command}):
            page = await anna.follow(await anna.post(f"/events/{SERIES}/opinion", label="startle"))
            assert "startle" in page.words[page.words.index("Who looks after") :]
            kept = await anna.follow(await anna.post(f"/events/{SERIES}/keep"))
            assert "kept for ever" in kept.words
        assert [o.label for o in home.journal.opinions_of(SERIES)] == [Label.STARTLE]
        assert [pin.event_id for pin in home.journal.pins(KID)] == [SERIES]


async def test_what_was_written_down_around_it_stands_beside_it(
    people: dict[str, Visitor], folder: Path
) -> None:
    with Journal.amend(folder / NIGHT) as journal:
        journal.commit([
            Note(KID, BEGIN_NS + 300 * NS, "video", "", "anna", (("reference", "IMG_0412"),), "n-1"),
            Note(
                KID, BEGIN_NS - 86_400 * NS, "medicine", "", "anna", (("name", "Vigabatrin"), ("dose", "2 ml")), "n-3"
            ),
            Note(KID, BEGIN_NS + 3600 * NS, "feed", "an hour later", "anna", (), "n-2"),
        ])  # fmt: skip
    page = await people["anna"].get(f"/events/{SERIES}")
    written = page.words[page.words.index("Written down around this time") :]
    assert "2026-03-14 23:21:40 Video: file or place IMG_0412 anna" in written
    assert "put to bed" in written
    assert "an hour later" not in written
    assert "Medicine at that time: Vigabatrin 2 ml, since 2026-03-13." in written


async def test_a_dose_is_marked_in_the_charts_with_a_letter_that_is_told_below(
    people: dict[str, Visitor], folder: Path
) -> None:
    dose = (("name", "Vigabatrin"), ("dose", "2 ml"))
    page = await people["anna"].get(f"/events/{SERIES}")
    assert "given" not in page.text.split("</article>")[0]
    with Journal.amend(folder / NIGHT) as journal:
        [*_, series] = journal.event_rows(SERIES)
        journal.commit([
            Note(KID, series.onset_ns + 20 * NS, "medicine", "", "anna", dose, "n-1"),
            Note(KID, series.onset_ns - 40 * NS, "medicine", "", "anna", dose, "n-2"),  # before what is drawn
            Note(KID, series.onset_ns - 20 * NS, "vaccination", "", "anna", (("name", "MMR"),), "n-3"),
        ])  # fmt: skip
    page = await people["anna"].get(f"/events/{SERIES}")
    wave, pauses = re.findall(r"<svg.*?</svg>", page.text, flags=re.DOTALL)[:2]
    assert [len(re.findall(r'class="given-line"', chart)) for chart in (wave, pauses)] == [2, 1]
    assert re.findall(r'class="label given"[^>]*><title>([MV]) [^<]*</title>([MV])<', wave) == [
        ("V", "V"),
        ("M", "M"),
    ]
    [told] = re.findall(r"<figcaption>.*?</figcaption></figure><ul>(.*?)</ul>", page.text, flags=re.DOTALL)
    assert "M 2026-03-14 23:18:40 Medicine: name Vigabatrin, dose 2 ml" in told
    assert "V 2026-03-14 23:18:00 Vaccination: against MMR" in told
    assert "M 2026-03-14 23:18:40" in wave[: wave.index("</desc>")]


async def test_the_clip_is_an_edf_with_its_sidecars(people: dict[str, Visitor]) -> None:
    answer = await people["vera"].get(f"/events/{SERIES}/clip.zip")
    assert answer.headers["content-disposition"] == f'attachment; filename="{SERIES}_clip.zip"'
    names = set(zipfile.ZipFile(io.BytesIO(answer.body)).namelist())
    assert {f"{SERIES}_clip.edf", f"{SERIES}_clip_clock.tsv", f"{SERIES}_clip_events.tsv"} <= names


async def test_an_event_whose_raw_data_is_gone_is_still_told(
    people: dict[str, Visitor], folder: Path
) -> None:
    with Journal.amend(folder / NIGHT) as journal, journal.amending() as db:
        db.execute("DELETE FROM segment")
    page = await people["anna"].get(f"/events/{SERIES}")
    assert page.status == 200
    assert "The raw data of this time is not kept any more." in page.words
    assert "Seen by the sensors of these 56 s: nothing." in page.words
    assert (await people["anna"].get(f"/events/{SERIES}/clip.zip")).status == 404


async def test_no_event_is_told_as_such_and_a_series_is_reached_from_its_member(
    people: dict[str, Visitor],
) -> None:
    assert (await people["anna"].get("/events/e-nobody")).status == 404
    assert f'href="/events/{SERIES}"' in (await people["anna"].get("/events/e-member-0")).text


async def test_the_list_leads_to_every_event_newest_first_and_asks_by_pattern(
    people: dict[str, Visitor],
) -> None:
    page = await people["anna"].get("/events")
    assert re.findall(r'href="/events/([^"?]+)"', page.text) == [SINGLE, TRAIN, SERIES]
    only = await people["anna"].get("/events?label=repeated_brief_movements&from=2026-03-14&to=2026-03-14")
    assert re.findall(r'href="/events/([^"?]+)"', only.text) == [SERIES]
    for path in ("/events?from=0001-01-01&to=9999-12-31", "/events?from=9999-12-31&to=0001-01-01"):
        assert (await people["anna"].get(path)).status == 200
    none = await people["anna"].get("/events?from=2026-03-16&to=nonsense&label=nonsense")
    assert "Nothing matches." in none.words
    assert "No series" not in none.words


@pytest.mark.parametrize("language", ["en", "de"])
async def test_no_page_says_a_forbidden_word_in_either_language(
    people: dict[str, Visitor], language: str
) -> None:
    anna = people["anna"]
    anna.language = language
    for path in (f"/events/{SERIES}", f"/events/{TRAIN}", f"/events/{SINGLE}", "/events"):
        page = await anna.get(path)
        assert f'lang="{language}"' in page.text
        assert faults(page.words, language) == []


def test_every_measurement_of_the_detector_has_words_in_both_languages() -> None:
    tables = [value for module in (weights, views) for value in vars(module).values()]
    names = {t.name for value in tables if isinstance(value, tuple) for t in value if isinstance(t, Table)}
    assert len(names) > 60
    names |= {BIAS, "legs_after_trunk_s", "interval_trend", "middle_to_ends"}
    for language in ("en", "de"):
        words = catalogue(language)
        assert [n for n in sorted(names) if evidence_name(words, n) == words.text("evidence.other")] == []
