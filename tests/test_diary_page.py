"""The diary and the trends on their pages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dsp.records import NS, Label, Note
from lullwatch.diary import KINDS
from lullwatch.web import diary_page
from lullwatch.web.session import Role
from store.journal import Journal
from tests.alert_makers import event
from tests.archive_maker import KID, NIGHT, ZONE, make_archive, night_of
from tests.page_rig import House, Visitor
from tests.test_diary import GOOD
from tests.wording import faults


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("house")
    make_archive(folder)
    return House(folder, anna=Role.CAREGIVER, vera=Role.VIEWER)


@pytest.fixture
def people(house: House, tmp_path: Path) -> dict[str, Visitor]:
    return house.copied(tmp_path)


@pytest.fixture
def anna(people: dict[str, Visitor]) -> Visitor:
    return people["anna"]


def some_time_ago(minutes: int = 5) -> datetime:
    return datetime.now(ZoneInfo(ZONE)).replace(microsecond=0) - timedelta(minutes=minutes)


async def written(anna: Visitor, kind: str, **fields: str) -> str:
    """Write a note and give the words of the diary afterwards."""
    at = fields.pop("at", some_time_ago().strftime("%Y-%m-%dT%H:%M:%S"))
    page = await anna.follow(await anna.post("/diary", kind=kind, infant=KID, at=at, **fields))
    return page.words


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_has_a_form_that_takes_what_it_asks_for(
    anna: Visitor, tmp_path: Path, kind: str
) -> None:
    form = await anna.get(f"/diary?kind={kind}")
    names = set(re.findall(r'name="(\w+)"', form.text[form.text.index('id="write"') :]))
    assert names >= {"csrf", "kind", "infant", "at", "fold", "text", *(field.name for field in KINDS[kind])}
    fields = {name: str(value) for name, value in GOOD[kind].items()}
    await written(anna, kind, text="as it was", **fields)
    with Journal.read_only(tmp_path / NIGHT) as journal:
        note = journal.notes(KID)[-1]
    assert (note.kind, note.text, dict(note.facts), note.author) == (kind, "as it was", GOOD[kind], "anna")


async def test_a_note_is_listed_with_the_local_time_that_was_given_in_words(anna: Visitor) -> None:
    at = some_time_ago(90)
    words = await written(
        anna, "medicine", name="Vigabatrin", dose="2,5 ml", change="start", at=at.strftime("%Y-%m-%dT%H:%M")
    )
    assert f"{at:%Y-%m-%d}" in words
    assert f"{at:%H:%M} Medicine: name Vigabatrin, dose 2,5 ml, change begun anna" in words
    assert "put to bed" in words


@pytest.mark.parametrize(
    ("local", "fold", "stands"),
    [
        ("2026-10-25T02:30:00", False, "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T02:30:00", True, "2026-10-25T02:30:00+01:00"),  # it comes twice
        ("2026-10-25T03:30:00", True, "2026-10-25T03:30:00+01:00"),
        ("2026-03-29T02:30:00", True, "2026-03-29T02:30:00+01:00"),  # it never comes
        ("bedtime", True, "bedtime"),
    ],
)
def test_a_time_of_the_hour_that_comes_twice_stays_in_the_one_it_was_shown_in(
    local: str, fold: bool, stands: str
) -> None:
    assert diary_page._at(local, "Europe/Berlin", fold=fold) == stands


async def test_numbers_may_have_a_comma_and_what_does_not_fit_is_refused_with_a_way_back(
    anna: Visitor,
) -> None:
    assert "Temperature: 38.5 °C" in await written(anna, "fever", celsius="38,5")
    refused = await anna.post(
        "/diary", kind="fever", infant=KID, at=some_time_ago().isoformat(), celsius="hot <b>"
    )
    assert refused.status == 409
    assert "temperature in °C: a number from 25 to 45 is needed." in refused.words
    assert "hot <b>" not in refused.text
    assert 'href="/diary?infant=kid"' in refused.text


async def test_what_is_written_while_no_monitor_runs_is_said_to_be_in_the_journal_alone(
    anna: Visitor, tmp_path: Path
) -> None:
    form = {"kind": "note", "infant": KID, "at": some_time_ago().isoformat(), "text": "slept at last"}
    page = await anna.follow(await anna.post("/diary", **form))
    assert (
        "lullwatch does not run on the gateway: nothing is recorded, and nobody else is told." in page.words
    )
    assert "nobody else is told" not in (await anna.get("/diary")).words
    with Journal.open(tmp_path / NIGHT):  # a monitor that has just begun
        german = replace(anna, language="de")
        refused = await german.post("/diary", **{**form, "text": "and woke"})
        assert refused.status == 409
        assert "lullwatch startet gerade" in refused.words
    assert "and woke" not in (await anna.get("/diary")).words


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kind": "fever", "celsius": "99"}, "Temperatur in °C: hier gehört eine Zahl von 25 bis 45 hin."),
        ({"kind": "medicine", "name": "x"}, "Dosis: das fehlt noch."),
        ({"kind": "vaccination", "name": "x" * 81}, "gegen: höchstens 80 Buchstaben"),
        ({"kind": "note", "text": "a\x1b"}, "darin steht ein unsichtbares Steuerzeichen"),
        (
            {"kind": "note", "text": "a", "at": "2001-01-01T00:00"},
            "mehr als eine Woche zurück oder in der Zukunft.",
        ),
        (
            {"kind": "feed", "how": "bottle", "at": "2001-01-01T00:00"},
            "mehr als ein Jahr zurück oder in der Zukunft.",
        ),
    ],
)
async def test_a_form_that_is_filled_in_wrongly_is_refused_in_the_reader_s_language(
    anna: Visitor, more: dict[str, str], said: str
) -> None:
    form = {"infant": KID, "at": some_time_ago().isoformat(), "text": "", **more}
    refused = await replace(anna, language="de").post("/diary", **form)
    assert (refused.status, said in refused.words) == (409, True), refused.words


async def test_a_control_character_is_refused_in_words_and_never_shown(anna: Visitor) -> None:
    at = some_time_ago().isoformat()
    refused = await anna.post("/diary", kind="note", infant=KID, at=at, text="slept\x1b[31m well")
    assert refused.status == 409
    assert "a hidden control character stands in it. Type the words anew." in refused.words
    assert "\x1b" not in refused.text + (await anna.get("/diary")).text


async def test_a_correction_is_a_further_row_and_what_was_there_is_shown_under_it(
    anna: Visitor, tmp_path: Path
) -> None:
    await written(anna, "medicine", name="Vigabatrin", dose="100 mg")
    page = await anna.get("/diary")
    [note] = re.findall(r'href="/diary/(n-\w+)"', page.text)
    form = await anna.get(f"/diary/{note}")
    assert 'value="100 mg"' in form.text
    words = await written(anna, "medicine", name="Vigabatrin", dose="200 mg", corrects=note)
    assert "dose 200 mg anna corrected Medicine: name Vigabatrin, dose 100 mg anna" in words
    with Journal.read_only(tmp_path / NIGHT) as journal:
        assert [dict(n.facts)["dose"] for n in journal.notes(KID)[-2:]] == ["100 mg", "200 mg"]


async def test_a_note_that_is_struck_out_is_no_longer_listed_and_stays_in_the_journal(
    anna: Visitor, tmp_path: Path
) -> None:
    await written(anna, "note", text="wrong child")
    page = await anna.get("/diary")
    [note] = re.findall(r'href="/diary/(n-\w+)"', page.text)
    after = await anna.follow(await anna.post(f"/diary/{note}/strike"))
    assert "wrong child" not in after.words
    with Journal.read_only(tmp_path / NIGHT) as journal:
        assert "wrong child" in {n.text for n in journal.notes(KID)}
    assert (await anna.post("/diary/n-nobody/strike")).status == 404


@pytest.mark.parametrize(
    ("language", "said"), [("en", "This is not for your role."), ("de", "nicht für Ihre Rolle")]
)
async def test_whoever_may_not_is_told_on_a_page_with_a_way_back(
    people: dict[str, Visitor], language: str, said: str
) -> None:
    vera = replace(people["vera"], language=language)
    refused = await vera.post("/diary", kind="note", infant=KID, at="2026-03-14T23:00", text="x")
    assert refused.status == 403
    assert said in refused.words
    assert 'href="/"' in refused.text


async def test_a_form_of_an_old_page_does_nothing_and_says_so_in_the_reader_s_language(anna: Visitor) -> None:
    late = replace(anna, language="de", csrf="of yesterday")
    refused = await late.post(
        "/diary", kind="note", infant=KID, at=some_time_ago().isoformat(), text="too late"
    )
    assert refused.status == 403
    assert "Diese Seite ist alt." in refused.words
    assert "too late" not in (await anna.get("/diary")).words


async def test_a_viewer_reads_and_writes_nothing(people: dict[str, Visitor], anna: Visitor) -> None:
    await written(anna, "note", text="slept at last")
    page = await people["vera"].get("/diary")
    assert "slept at last" in page.words
    assert "<textarea" not in page.text
    sent = await people["vera"].post("/diary", kind="note", infant=KID, at="2026-03-14T23:00", text="x")
    assert sent.status == 403


async def test_whether_it_stopped_when_woken_or_held_is_asked_as_something_seen(anna: Visitor) -> None:
    form = await anna.get("/diary?kind=movement_seen")
    assert "Do not try anything to find out" in form.words
    assert "was not woken" in form.words
    assert "was not held" in form.words


@pytest.mark.parametrize("language", ["en", "de"])
async def test_no_page_says_a_forbidden_word_in_either_language(anna: Visitor, language: str) -> None:
    anna.language = language
    await written(anna, "medicine", name="Vigabatrin", dose="2 ml")
    for path in (*(f"/diary?kind={kind}" for kind in KINDS), "/trends", "/trends?weeks=13"):
        page = await anna.get(path)
        assert page.status == 200
        assert faults(page.words, language) == []


async def test_every_count_of_the_trends_stands_beside_how_much_was_seen(anna: Visitor) -> None:
    page = await anna.get("/trends")
    assert "4 min of 4 min recorded, in 1 night" in page.words
    assert "1 (6 brief movements)" in page.words
    assert page.words.count("not recorded") > 20
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", page.text, flags=re.DOTALL)
    assert len(rows) == 4 + 28
    assert all("recorded" in row for row in rows)


async def test_a_night_without_a_series_says_none_in_what_was_seen_and_one_not_recorded_says_no_number(
    anna: Visitor, tmp_path: Path
) -> None:
    begin_ns = 90_000 * NS
    rocking = event(Label.ROCKING, id="e-later", infant=KID, onset_ns=begin_ns, end_ns=begin_ns + 3 * NS)
    night_of(tmp_path, "journal-2026-03-15.sqlite", begin_ns, [rocking])
    page = await anna.get("/trends?weeks=2")
    [not_seen] = re.findall(
        r"<tr><th scope=\"row\"><span class=\"day\">2026-03-15</span></th>(.*?)</tr>", page.text
    )
    assert "not recorded" in not_seen
    assert not re.search(r"<td>\d", not_seen)
    [seen] = re.findall(
        r"<tr><th scope=\"row\"><span class=\"day\">2026-03-14</span></th>(.*?)</tr>", page.text
    )
    assert "4 min of 4 min recorded" in seen
    assert "<td>0</td>" in seen


async def test_medicines_and_vaccinations_are_marked_on_every_chart(anna: Visitor, tmp_path: Path) -> None:

    with Journal.amend(tmp_path / NIGHT) as journal:
        begun = journal.begun_ns or 0
        journal.commit([
            Note(KID, begun, "medicine", "", "anna", (("name", "Vigabatrin"), ("dose", "2 ml")), "n-1"),
            Note(KID, begun, "vaccination", "", "anna", (("name", "six in one"),), "n-2"),
        ])  # fmt: skip
    page = await anna.get("/trends")
    charts = re.findall(r"<svg.*?</svg>", page.text, flags=re.DOTALL)
    assert len(charts) >= 3
    assert all('class="mark medicine"' in c and 'class="mark vaccination"' in c for c in charts)
    assert all("2 medicines and vaccinations are marked" in c for c in charts)
    assert "2026-03-14: Medicine, Vigabatrin 2 ml, begun" in page.words
    for path in ("/", "/nights/2026-03-14/kid"):
        [timeline] = re.findall(
            r'<figure class="timeline">.*?</figure>', (await anna.get(path)).text, flags=re.DOTALL
        )
        assert len(re.findall(r'class="given"', timeline)) == 2
        assert re.search(r"<li>M \d\d:\d\d Medicine: .*Vigabatrin.*2 ml", timeline)
        assert re.search(r"<li>V \d\d:\d\d Vaccination: .*six in one", timeline)


async def test_a_medicine_that_was_struck_out_or_corrected_later_is_not_marked_as_it_was(
    anna: Visitor, tmp_path: Path
) -> None:
    with Journal.amend(tmp_path / NIGHT) as journal:
        begun = journal.begun_ns or 0
        dose = (("name", "Vigabatrin"), ("dose", "2 ml"))
        journal.commit([
            Note(KID, begun, "medicine", "", "anna", dose, "n-1"),
            Note(KID, begun, "medicine", "", "anna", (("name", "Vigabatrin"), ("dose", "3 ml")), "n-2", "n-1"),
            Note(KID, begun, "medicine", "", "anna", (("name", "Other"), ("dose", "1")), "n-3"),
            Note(KID, begun, "struck_out", "", "anna", (), "n-4", "n-3"),
        ])  # fmt: skip
    for path in ("/", "/nights/2026-03-14/kid"):
        [timeline] = re.findall(
            r'<figure class="timeline">.*?</figure>', (await anna.get(path)).text, flags=re.DOTALL
        )
        assert timeline.count('class="given"') == 1
        assert "3 ml" in timeline
        assert "2 ml" not in timeline


async def test_an_empty_form_is_refused_and_an_empty_feed_is_a_feed(anna: Visitor) -> None:
    at = some_time_ago().isoformat()
    for kind in ("medicine", "fever", "movement_seen"):
        assert (await anna.post("/diary", kind=kind, infant=KID, at=at, text=" ")).status == 409
    assert (await anna.post("/diary", kind="feed", infant=KID, at=at)).status == 303


async def test_a_time_that_is_none_is_refused_and_not_taken_for_now(anna: Visitor) -> None:
    for at in ("", "yesterday", "2026-02-30T10:00", "0001-01-01T00:00", "9999-12-31T23:59:59"):
        assert (await anna.post("/diary", kind="note", infant=KID, at=at, text="first smile")).status == 409
    assert "first smile" not in (await anna.get("/diary")).words
