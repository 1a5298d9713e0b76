"""Nights leave the gateway: as EDF+, tables or a dataset, whole or not at all, and without a person in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from dsp.records import Site
from lullwatch.__main__ import main
from lullwatch.errors import CannotWrite, FolderHoldsFiles, NothingToReplay
from lullwatch.export import Kind, Wishes, export, export_dataset
from store.edf import read_at_rest
from store.journal import Journal
from store.recording import from_journal
from tests.recording_makers import journal_of, recording_of, same_samples, segments_of, with_gaps


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return journal_of(tmp_path / "journal-2026-03-14.sqlite", recording_of(with_gaps(100)))


def test_an_edf_export_is_the_journal_s_night(journal: Path, tmp_path: Path) -> None:
    paths = export(journal, tmp_path / "out")
    assert [p.name for p in paths] == [
        "journal-2026-03-14_kid.edf",
        "journal-2026-03-14_kid_run-2.edf",
        "journal-2026-03-14_kid_events.tsv",
        "journal-2026-03-14_kid_states.tsv",
    ]
    with Journal.read_only(journal) as source:
        assert read_at_rest(paths[0]).recording().segments == from_journal(source, "kid").segments


@pytest.mark.parametrize("kind", [Kind.CSV, Kind.PARQUET])
def test_a_table_has_every_sample(journal: Path, tmp_path: Path, kind: Kind) -> None:
    paths = export(journal, tmp_path / "out", kind=kind)
    assert paths[0].name == f"journal-2026-03-14_kid_samples.{kind}"
    frame = pl.read_csv(paths[0]) if kind is Kind.CSV else pl.read_parquet(paths[0])
    assert frame.height == sum(s.n for s in recording_of(with_gaps(100)).segments)


def test_several_nights_become_one_dataset(journal: Path, tmp_path: Path) -> None:
    first = recording_of(segments_of(10))
    second = replace(first, start_utc_ns=(first.start_utc_ns or 0) + 2 * 86_400 * 10**9)
    other = journal_of(tmp_path / "journal-2026-03-16.sqlite", second, age_days=122)
    paths = export_dataset([other, journal], tmp_path / "out")
    assert {p.parts[-3] for p in paths} == {"ses-01", "ses-02"}
    sessions = (tmp_path / "out/sub-01/sub-01_sessions.tsv").read_text().splitlines()
    assert [line.split("\t")[2] for line in sessions[1:]] == ["120", "122"]


def test_an_alias_stands_in_the_place_of_the_id(journal: Path, tmp_path: Path) -> None:
    paths = export(journal, tmp_path / "out", wishes=Wishes(alias="p7"))
    assert paths[0].name == "journal-2026-03-14_p7.edf"
    assert read_at_rest(paths[0]).infant == "p7"
    assert not any(b'"kid"' in p.read_bytes() for p in (tmp_path / "out").iterdir())


def test_no_author_and_no_birth_date_are_in_any_file(journal: Path, tmp_path: Path) -> None:
    for kind in (Kind.EDF, Kind.CSV, Kind.PARQUET):
        export(journal, tmp_path / "out", kind=kind)
    for path in (tmp_path / "out").iterdir():
        assert b"mother" not in path.read_bytes()
        assert b"age_days" not in path.read_bytes()


def test_notes_are_left_out_when_asked(journal: Path, tmp_path: Path) -> None:
    with_notes, without = (
        export(journal, tmp_path / "a"),
        export(journal, tmp_path / "b", wishes=Wishes(notes=False)),
    )
    assert b"Emma was awake" in with_notes[0].read_bytes()
    assert b"Emma" not in without[0].read_bytes()


def test_the_consent_note_stands_in_the_readme(journal: Path, tmp_path: Path) -> None:
    export(journal, tmp_path / "a", wishes=Wishes(consent_note="for research\nonly"))
    assert "Consent: for research only\n" in (tmp_path / "a" / "README.txt").read_text()
    export(journal, tmp_path / "b")
    assert "Consent: not stated." in (tmp_path / "b" / "README.txt").read_text()


def test_the_cursors_beside_a_journal_are_no_journal(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal.open(journal) as opened:
        opened.advance("influx", 1)
    named = [str(path) for path in sorted(journal.parent.glob("*.sqlite"))]
    assert len(named) == 2
    assert main(["export", *named, "--out", str(tmp_path / "out")]) == 0
    assert "written" in capsys.readouterr().out
    assert main(["export", "--help"]) == 0
    assert "may name somebody" in " ".join(capsys.readouterr().out.split())


def test_a_shorter_night_leaves_no_run_of_an_earlier_export_behind(journal: Path, tmp_path: Path) -> None:
    export(journal, tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*_run-2*"))) == 3
    journal.unlink()
    journal_of(journal, recording_of(segments_of(10)))
    paths = export(journal, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*_run-2*"))
    assert same_samples(read_at_rest(paths[0]), recording_of(segments_of(10)).at_rest())


def test_an_export_that_fails_leaves_what_was_there(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    export(journal, out)
    before = {p.name: p.read_bytes() for p in out.iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lullwatch.export.write_states", full)
    with pytest.raises(CannotWrite, match="No space left on device"):
        export(journal, out)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before


def test_a_dataset_is_not_mixed_with_other_files(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(FolderHoldsFiles, match="is not empty"):
        export_dataset([journal], tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_an_infant_who_is_not_in_the_journal_is_named(journal: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingToReplay, match="infant nobody"):
        export(journal, tmp_path / "out", wishes=Wishes(infant="nobody"))


@pytest.mark.parametrize("kind", list(Kind))
def test_the_command_writes_each_kind(
    journal: Path, tmp_path: Path, kind: Kind, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(journal), "--format", kind, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said
    assert all(Path(line.removeprefix("written: ")).exists() for line in said)


def test_the_command_seals(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--seal", str(journal)]) == 0
    said = capsys.readouterr().out
    assert "journal-2026-03-14_sealed.npz" in said
    assert "every bit as in the journal" in said
    assert journal.with_name("journal-2026-03-14_sealed.npz").exists()


def test_sites_of_a_night_are_all_exported(journal: Path, tmp_path: Path) -> None:
    assert read_at_rest(export(journal, tmp_path / "out")[0]).sites == (Site.LA, Site.RA, Site.TR)
