"""The doctor's report: what stands on paper is what the journals hold, coverage first, in words that claim nothing."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path

import pypdf
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.words import LANGUAGES, catalogue
from dsp.records import NS, ClockRow, Label, Note
from lullwatch.__main__ import main
from lullwatch.errors import NoSuchSpan, ReportExtraMissing
from lullwatch.night_facts import Span
from lullwatch.report.content import document
from lullwatch.report.document import Document
from lullwatch.report.facts import by_clock_hour
from lullwatch.report.gathering import gather
from lullwatch.report.html import as_html
from lullwatch.report.job import Asked, collected, written
from store.edf import read_recording
from store.journal import Journal
from store.notes import STRUCK_OUT
from store.shelf import Shelf
from tests.report_nights import FIRST, INFANT, ZONE, Made, data_ns, make_nights
from tests.wording import faults

NIGHTS = 8
WORDS = {language: catalogue(language) for language in LANGUAGES}
IN_BOTH = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_nights(tmp_path_factory.mktemp("nights"), nights=NIGHTS, missing=(4,), raw_nights=3)


@pytest.fixture(scope="module")
def documents(home: Made) -> dict[str, Document]:
    with Shelf(home.folder) as shelf:
        facts, shown = collected(shelf, Asked())
    return {language: document(facts, shown, words) for language, words in WORDS.items()}


@pytest.fixture(scope="module")
def pdfs(
    home: Made, documents: dict[str, Document], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The report in every language; the English one as the command writes it."""
    made = {language: tmp_path_factory.mktemp("reports") / "report.pdf" for language in LANGUAGES}
    assert main(["report", str(home.folder), "-o", str(made["en"])]) == 0
    written(documents["de"], made["de"])
    return made


@pytest.fixture(scope="module")
def html(documents: dict[str, Document]) -> dict[str, str]:
    return {language: as_html(one) for language, one in documents.items()}


def pages(path: Path) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(path).pages]


def plain(text: str) -> str:
    """Text without the breaks of its lines."""
    return " ".join(text.split())


def told_in(folder: Path) -> Iterator[dict[str, object]]:
    """The last word on every event, straight from the files."""
    for path in sorted(folder.glob("journal-*.sqlite")):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            yield from (json.loads(body) for (body,) in db.execute("SELECT body FROM event"))


def seen_minutes(folder: Path, name: str = "journal-*.sqlite") -> int:
    count = 0
    for path in folder.glob(name):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            count += sum(
                json.loads(body)["usability"] != "blind"
                for (body,) in db.execute("SELECT body FROM coverage")
            )
    return count


# what stands there is what the journals hold


def test_counts_on_the_first_page_are_those_of_the_journals(home: Made, pdfs: dict[str, Path]) -> None:
    first = plain(pages(pdfs["en"])[0])
    series = [e for e in told_in(home.folder) if e["label"] == "spasm_like_cluster"]
    movements = sum(int(str(e["count"])) for e in series)
    minutes = seen_minutes(home.folder)
    assert (len(series), movements) == (len(home.series), home.movements)
    assert f"Series: {len(series)}, with {movements} brief movements in them" in first
    assert f"in {minutes // 60} h {minutes % 60} min seen" in first
    trains = [e for e in told_in(home.folder) if e["label"] == "sleep_jerk_train"]
    jerks = sum(int(str(e["count"])) for e in trains)
    assert re.search(rf"rhythmic jerks asleep {len(trains)} {jerks} jerks", first)


def test_every_night_asked_for_has_a_row_with_its_own_counts_and_coverage(
    home: Made, pdfs: dict[str, Path]
) -> None:
    first = plain(pages(pdfs["en"])[0])
    series = list(home.series)
    for number in range(NIGHTS):
        evening = FIRST + timedelta(days=number)
        if evening not in home.nights:
            assert re.search(rf"{evening}/\d\d nothing was recorded", first)
            continue
        own = [e for e in series if data_ns(evening) <= e.onset_ns < data_ns(evening, 12)]
        minutes = seen_minutes(home.folder, f"journal-{evening}.sqlite")
        counts = f"{minutes // 60} h {minutes % 60} min {len(own)} {sum(e.count for e in own)}"
        assert re.search(rf"{evening}/\d\d (?:[MVF] )*{counts} \d", first)
    assert first.count("nothing was recorded") == 1


def test_coverage_stands_before_any_count(pdfs: dict[str, Path]) -> None:
    first = plain(pages(pdfs["en"])[0])
    assert 0 < first.index("What could be seen") < first.index("Worn and heard") < first.index("Series:")
    assert "no data" in first


def test_every_event_and_every_entry_of_the_diary_stands_behind(home: Made, pdfs: dict[str, Path]) -> None:
    text = plain("\n".join(pages(pdfs["en"])[2:]))
    rows = [e for e in told_in(home.folder) if e["parent"] is None and e["label"] != "movement"]
    assert len(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text)) == len(rows)
    assert "Vitamin D" in text
    assert "38.6" not in text  # a fever after these nights
    assert text.count("bent forward, arms out") >= home.observed - 1


def test_what_people_saw_stands_beside_what_the_sensors_recorded_and_is_not_merged(
    home: Made, pdfs: dict[str, Path]
) -> None:
    first = plain(pages(pdfs["en"])[0])
    assert f"Movements that people saw and wrote down: {home.observed}." in first
    assert f"Series that the sensors recorded: {len(home.series)}, in " in first
    assert re.search(r"bent forward, arms out.{0,120}repeated brief movements, \d+ brief movements", first)
    assert "no matching pattern" in first


def test_what_a_caregiver_called_it_stands_with_the_event(pdfs: dict[str, Path]) -> None:
    text = plain("\n".join(pages(pdfs["en"])[2:]))
    assert "anna answered; caregiver anna: repeated brief movements" in text


# words


@IN_BOTH
def test_every_page_says_what_this_is_not_and_the_second_when_to_act(
    pdfs: dict[str, Path], language: str
) -> None:
    words = WORDS[language]
    header = main_header(words.text("summary.header", version="@")).rstrip("@ ")
    texts = [plain(page) for page in pages(pdfs[language])]
    assert all(header in text for text in texts)
    assert words.emergency in texts[1]
    assert words.always in texts[1]
    assert words.text("summary.limits") in texts[1]
    assert words.same_day["repeated_brief_movements"] in texts[1]


def main_header(text: str) -> str:
    return plain(text)


@IN_BOTH
def test_no_text_claims_anything(pdfs: dict[str, Path], html: dict[str, str], language: str) -> None:
    for text in (
        plain("\n".join(pages(pdfs[language]))),
        re.sub(r"<style>.*?</style>", "", html[language], flags=re.DOTALL),
    ):
        assert faults(text, language) == []
        assert not [label for label in Label if "_" in label and label in text and label != label.wire]


def test_age_is_told_in_weeks_and_never_a_birth_date(pdfs: dict[str, Path]) -> None:
    assert "14 weeks old on the first evening" in plain(pages(pdfs["en"])[0])


# paper


def test_the_same_data_give_the_same_bytes_at_another_time(
    documents: dict[str, Document], pdfs: dict[str, Path], tmp_path: Path
) -> None:
    since_s = time.time() - pdfs["en"].stat().st_mtime
    time.sleep(max(0.0, 1.1 - since_s))  # a PDF's dates are whole seconds
    written(documents["en"], tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == pdfs["en"].read_bytes()


@IN_BOTH
def test_nothing_stands_outside_the_paper_and_no_two_texts_upon_each_other(
    pdfs: dict[str, Path], language: str
) -> None:
    with pypdfium2.PdfDocument(pdfs[language]) as pdf:
        assert len(pdf) <= 4
        for number in range(len(pdf)):
            page = pdf[number]
            width, height = page.get_size()
            boxes = [box for box in text_boxes(page) if box[2] - box[0] > 1]
            assert len(boxes) > 10
            for left, bottom, right, top in boxes:
                assert left > 20
                assert right < width - 20
                assert bottom > 15
                assert top < height - 20
            assert [pair for pair in combinations(boxes, 2) if overlap(*pair) > 0.05] == []


def text_boxes(page: pypdfium2.PdfPage) -> list[tuple[float, float, float, float]]:
    text = page.get_textpage()
    return [text.get_rect(n) for n in range(text.count_rects())]


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Share of the smaller box that lies in the other."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    tall = min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    return wide * tall / smaller if wide > 0 and tall > 0 else 0.0


def test_waveforms_are_drawn_with_scale_bars(pdfs: dict[str, Path]) -> None:
    second = plain(pages(pdfs["en"])[1])
    assert re.search(r"\d(\.\d+)? g\b", second)
    assert second.count("left leg") >= 2
    assert re.search(r"\b(10|20|30|60) s\b", second)


# a page


class _Seen(HTMLParser):
    """What a page names, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]


@IN_BOTH
def test_the_page_loads_nothing_and_each_figure_can_be_read_without_seeing_it(
    html: dict[str, str], language: str
) -> None:
    seen = _Seen()
    seen.feed(html[language])
    assert seen.loaded == []
    assert "script" not in seen.tags
    assert f'<html lang="{language}">' in html[language]
    figures = seen.tags.count("svg")
    assert figures >= 3
    assert seen.tags.count("title") == figures + 1
    assert seen.tags.count("desc") == figures
    assert html[language].count('scope="col"') == seen.tags.count("th")
    ids = re.findall(r' id="([^"]+)"', html[language])
    assert len(ids) == len(set(ids))


def test_the_page_and_the_paper_say_the_same(pdfs: dict[str, Path], html: dict[str, str]) -> None:
    paper = plain("\n".join(pages(pdfs["en"])))
    for text in re.findall(r'<p class="[a-z]+">([^<]+)</p>', html["en"]):
        assert text.replace("&#x27;", "'").replace("&amp;", "&") in paper


def test_what_a_person_wrote_cannot_become_markup(tmp_path: Path) -> None:
    home = make_nights(tmp_path / "nights", nights=1, missing=(), raw_nights=0)
    note = Note(INFANT, data_ns(FIRST, 1), "note", "<script>alert(1)</script> {n} ½ Ї", "anna", id="x")
    add(home.folder, FIRST, note)
    assert main(["report", str(home.folder), "-o", str(tmp_path / "r.html")]) == 0
    assert main(["report", str(home.folder), "-o", str(tmp_path / "r.pdf")]) == 0
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {n} ½ Ї" in (tmp_path / "r.html").read_text()
    assert "<script>alert(1)</script> {n} ½ Ї" in plain("\n".join(pages(tmp_path / "r.pdf")))


# nights


def add(folder: Path, evening: date, *notes: Note) -> None:
    with Journal.open(folder / f"journal-{evening}.sqlite") as journal:
        journal.commit(notes)


def test_letters_of_what_was_given_at_one_time_stand_beside_each_other(tmp_path: Path) -> None:
    home = make_nights(tmp_path / "nights", nights=1, missing=(), raw_nights=0)
    at_ns = data_ns(FIRST, 3)
    dose = (("name", "Other"), ("dose", "1 ml"))
    add(
        home.folder, FIRST,
        Note(INFANT, at_ns, "medicine", "", "anna", dose, "n-x"),
        Note(INFANT, at_ns, "vaccination", "", "anna", (("name", "MMR"),), "n-y"),
    )  # fmt: skip
    assert main(["report", str(home.folder), "-o", str(tmp_path / "r.html")]) == 0
    found = re.findall(
        r'<text x="([\d.]+)"[^>]*font-weight="bold">[MVF]</text>', (tmp_path / "r.html").read_text()
    )
    places = sorted(float(x) for x in found)
    assert len(places) >= 2
    assert all(b - a > 2 for a, b in pairwise(places))


def test_a_note_that_was_corrected_or_taken_back_the_day_after_stands_so(tmp_path: Path) -> None:
    home = make_nights(tmp_path / "nights", nights=2, missing=(), raw_nights=0)
    at_ns = data_ns(FIRST, 2)
    add(
        home.folder, FIRST,
        Note(INFANT, at_ns, "note", "first word", "anna", id="a"),
        Note(INFANT, at_ns, "note", "by mistake", "anna", id="b"),
    )  # fmt: skip
    add(
        home.folder, date(2026, 11, 9),
        Note(INFANT, at_ns, "note", "last word", "anna", id="c", corrects="a"),
        Note(INFANT, at_ns, STRUCK_OUT, "", "anna", id="d", corrects="b"),
    )  # fmt: skip
    with Shelf(home.folder) as shelf:
        facts = gather(shelf, INFANT, FIRST, FIRST)
    assert [e.note.text for e in facts.entries if e.note.kind == "note"] == ["last word"]


def test_without_any_series_the_report_says_how_long_was_looked_and_what_cannot_be_seen(
    tmp_path: Path,
) -> None:
    home = make_nights(tmp_path / "nights", nights=1, missing=(), raw_nights=0)
    assert home.series == ()
    assert main(["report", str(home.folder), "-o", str(tmp_path / "r.pdf")]) == 0
    text = plain("\n".join(pages(tmp_path / "r.pdf")))
    assert "No matching patterns of this kind in 10 h 0 min of recording." in text
    assert WORDS["en"].text("summary.limits") in text
    assert WORDS["en"].text("report.no_waves") in text
    assert "0 of 0" not in text


def test_a_month_of_nights_still_fits_the_first_page(tmp_path: Path) -> None:
    home = make_nights(tmp_path / "nights", nights=31, missing=tuple(range(3, 30)), raw_nights=0)
    assert main(["report", str(home.folder), "-o", str(tmp_path / "r.pdf")]) == 0
    first = pages(tmp_path / "r.pdf")[0]
    assert "2026-12-08/09" in first
    assert "Seen by people" in first


def test_an_hour_that_is_there_twice_is_drawn_once_and_nothing_is_lost_at_midnight() -> None:
    # from Saturday 20:00 to Sunday 08:00 in the night in which the clocks go back: 13 hours
    begin_ns = 1_792_864_800 * NS
    hours = by_clock_hour([Span(begin_ns, begin_ns + 13 * 3600 * NS)], ZONE)
    assert sum(hours) == pytest.approx(13)
    assert hours[2] == pytest.approx(2)
    assert hours[20] == hours[7] == pytest.approx(1)


@given(
    st.lists(st.integers(0, 3 * 24 * 3600), min_size=2, max_size=12).map(sorted),
    st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "UTC"]),
)
def test_hours_of_the_day_add_up_to_what_was_seen(edges: list[int], zone: str) -> None:
    start_ns = 1_792_800_000 * NS
    spans = [Span(start_ns + a * NS, start_ns + b * NS) for a, b in pairwise(edges)]
    whole_h = (edges[-1] - edges[0]) / 3600
    assert sum(by_clock_hour(spans, zone)) == pytest.approx(whole_h)


# errors and files


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["--from", "2025-01-01", "--to", "2025-02-01"],
            "Nights recorded here, named for their evening: 2026-11-08",
        ),
        (["--from", "yesterday"], "--from 'yesterday' is no date"),
        (["--from", "2026-11-10", "--to", "2026-11-09"], "is after --to 2026-11-09"),
        (["--out", "r.docx"], "a report is written as .pdf or .html"),
        (["--language", "xx"], "there are no texts in it"),
        (["--infant", "nobody"], "holds nothing of infant nobody"),
    ],
)
def test_what_cannot_be_made_says_why_and_what_would_do(
    home: Made, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    given: list[str], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(home.folder), *given]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_nights_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "r.pdf")]) == 2
    assert main(["report", str(tmp_path / "gone"), "-o", str(tmp_path / "r.pdf")]) == 2
    assert capsys.readouterr().err.count("no journal here") == 2


def test_a_night_before_anything_begun_is_nothing(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal-2026-11-08.sqlite") as journal:
        journal.commit([ClockRow(0, data_ns(FIRST), "boot", ZONE)])
    with Shelf(tmp_path) as shelf, pytest.raises(NoSuchSpan):
        gather(shelf, INFANT, FIRST, FIRST)


def test_a_report_that_cannot_be_written_leaves_what_is_there(
    documents: dict[str, Document], tmp_path: Path
) -> None:
    target = tmp_path / "taken"
    (target / "r.pdf").mkdir(parents=True)
    with pytest.raises(Exception, match="taken"):
        written(documents["en"], target / "r.pdf")
    assert [path.name for path in target.iterdir()] == ["r.pdf"]


def test_the_packet_holds_a_clip_of_every_event_whose_samples_are_kept(
    home: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packet = tmp_path / "packet"
    asked = ["report", str(home.folder), "--from", "2026-11-15", "-o", str(tmp_path / "r.html")]
    assert main([*asked, "--packet", str(packet)]) == 0
    lines = [line.split("\t") for line in (packet / "packet.tsv").read_text().splitlines()]
    clips = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
    kept = [clip for clip in clips if clip["pattern"] == "repeated_brief_movements"]
    assert len(kept) == sum(e.onset_ns >= data_ns(date(2026, 11, 15)) for e in home.series) > 0
    for clip in kept:
        recording = read_recording(packet / clip["file"])
        assert [s.value for s in recording.sites] == ["LA", "RA", "TR"]
        events = (packet / clip["file"].replace(".edf", "_events.tsv")).read_text()
        assert clip["event_id"] in events
    assert {clip["file"] for clip in clips if clip["pattern"] != "repeated_brief_movements"} <= {"n/a"}
    assert main([*asked, "--packet", str(packet)]) == 2
    assert "give an empty or a new folder with --packet" in capsys.readouterr().err


def test_one_journal_file_is_enough(home: Made, tmp_path: Path) -> None:
    shutil.copy(home.folder / "journal-2026-11-09.sqlite", tmp_path / "kept.sqlite")
    assert main(["report", str(tmp_path / "kept.sqlite"), "-o", str(tmp_path / "r.html")]) == 0
    assert "1 of 1 nights" in (tmp_path / "r.html").read_text()


def test_without_the_library_for_paper_the_extra_is_named_and_a_page_still_comes(
    documents: dict[str, Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fpdf", None)
    monkeypatch.delitem(sys.modules, "lullwatch.report.pdf", raising=False)
    with pytest.raises(ReportExtraMissing, match=r"pip install 'lullwatch\[report\]'"):
        written(documents["en"], tmp_path / "r.pdf")
    written(documents["en"], tmp_path / "r.html")
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
