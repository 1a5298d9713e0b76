"""Reviewers' labels: agreement of two, and tables for other programs in which nothing asserts what nobody said."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from dsp.records import Label, Opinion
from lullwatch.__main__ import main
from lullwatch.errors import FolderHoldsFiles, NothingReviewed
from lullwatch.event_index import EventIndex
from lullwatch.opinions import CLINICAL
from lullwatch.reviewing import export_review, pairs
from store.journal import Journal
from store.shelf import Shelf
from tests.archive_maker import BEGIN_NS, KID, MOVEMENTS_S, NIGHT, SERIES, SINGLE, TRAIN, ZONE, make_archive


def said(event: str, by: str, label: str, basis: str = "sensors", **more: object) -> Opinion:
    return Opinion(KID, event, BEGIN_NS, by, "reviewer", label, basis=basis, **more)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    nights = tmp_path / "nights-of-one"
    nights.mkdir()
    path = make_archive(nights)
    with Journal.amend(path) as journal:
        journal.commit([
            said(SERIES, "rita", "epileptic_spasm", "video_eeg", blind=True),
            said(SERIES, "rolf", str(Label.SPASM_LIKE_CLUSTER), text="Emma, by the window"),
            said(TRAIN, "rita", str(Label.SLEEP_JERK_TRAIN)),
            said(TRAIN, "rolf", str(Label.SLEEP_JERK_TRAIN)),
            said(SINGLE, "rita", "cannot_tell"),
            Opinion(KID, SINGLE, BEGIN_NS, "anna", "caregiver", "rocking"),
        ])  # fmt: skip
    return path.parent


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_two_reviewers_are_compared_on_the_events_that_both_have_labelled(folder: Path) -> None:
    index = EventIndex(Shelf(folder))
    index.refresh()
    [pair] = pairs(index.reviewed())
    assert (pair.first, pair.second, pair.agreement.events, pair.agreement.observed) == (
        "rita",
        "rolf",
        2,
        0.5,
    )


def test_every_label_is_a_row_of_its_own_beside_the_program_s(folder: Path, tmp_path: Path) -> None:
    [path] = export_review(Shelf(folder), tmp_path / "out")
    rows = rows_of(path)
    assert [(r["event_id"], r["rater"], r["trial_type"]) for r in rows] == [
        (SERIES, "rater-1", "epileptic_spasm"), (SERIES, "rater-2", "spasm_like_cluster"),
        (TRAIN, "rater-1", "sleep_jerk_train"), (TRAIN, "rater-2", "sleep_jerk_train"),
        (SINGLE, "rater-1", "cannot_tell"),
    ]  # fmt: skip
    assert {r["program_label"] for r in rows} == {
        "repeated_brief_movements",
        "rhythmic_jerks_asleep",
        "movement",
    }
    assert float(rows[0]["onset"]) == MOVEMENTS_S[0]
    assert [r["blind"] for r in rows] == ["1", "0", "0", "0", "0"]


def test_only_what_a_reviewer_said_of_an_eeg_becomes_a_tag(folder: Path, tmp_path: Path) -> None:
    [path] = export_review(Shelf(folder), tmp_path / "out")
    tags = {(r["event_id"], r["rater"]): r["HED"] for r in rows_of(path)}
    assert tags.pop((SERIES, "rater-1")) == "Epileptic-spasm"
    assert set(tags.values()) == {"n/a"}


@pytest.mark.parametrize(
    "tag", ["Epileptic-spasm", "Benign-sleep-myoclonus", "Sleep-related-arousal", "Jactatio-capitis-nocturna",
            "Pediatric-stereotypical-behavior-episode", "Hyperekplexia", "Clonic-seizure", "Tonic-seizure",
            "Tonic-clonic-seizure", "Myoclonic-seizure"]
)  # fmt: skip
def test_every_tag_is_one_of_the_schema_and_each_has_a_word(tag: str) -> None:
    assert tag in CLINICAL.values()


def test_no_id_no_date_and_no_word_of_a_person_stands_in_the_tables(folder: Path, tmp_path: Path) -> None:
    export_review(Shelf(folder), tmp_path / "out")
    files = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert {p.name for p in files} >= {"dataset_description.json", "README"}
    for path in files:
        text = str(path.relative_to(tmp_path)) + path.read_text(encoding="utf-8")
        assert not any(
            word in text for word in ("rita", "rolf", "anna", "Emma", KID, "2026-03", ZONE, "sock-")
        )


def test_the_description_names_the_schema_and_every_column_is_described(folder: Path, tmp_path: Path) -> None:
    [path] = export_review(Shelf(folder), tmp_path / "out")
    about = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert about["HEDVersion"] == "score_2.1.0"
    assert set(rows_of(path)[0]) <= set(json.loads(path.with_suffix(".json").read_text()))


def test_nobody_s_labels_are_no_table_and_nothing_is_written_over(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingReviewed, match=r"review\.md"):
        export_review(Shelf(folder), tmp_path / "out", infant="sib")
    export_review(Shelf(folder), tmp_path / "out")
    with pytest.raises(FolderHoldsFiles):
        export_review(Shelf(folder), tmp_path / "out")


def test_the_command_says_the_agreement_and_writes_the_tables(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["review", "--journals", str(folder), "--out", str(tmp_path / "labels")]) == 0
    shown = capsys.readouterr().out
    assert "5 labels" in shown
    assert "rita, rolf: kappa 0.33" in shown
    assert "the same word for 1 of 2 events" in shown
    assert len(list((tmp_path / "labels").rglob("*_events.tsv"))) == 1
    assert main(["review", "--journals", str(folder), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["pairs"][0]["kappa"] == pytest.approx(1 / 3)


def test_without_two_reviewers_of_one_event_the_status_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_archive(tmp_path)
    assert main(["review", "--journals", str(tmp_path)]) == 1
    assert "no two reviewers" in capsys.readouterr().out
    assert NIGHT in {p.name for p in tmp_path.iterdir()}
