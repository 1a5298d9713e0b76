"""Recordings of other programs become ones that replay takes; what cannot be read is named and leaves nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dsp.records import NS, Event, Label, Segment, Site
from lullwatch.__main__ import main
from lullwatch.export import Kind, export, export_dataset
from lullwatch.importing import ReadAs, import_files, recordings_in
from lullwatch.nights import load
from lullwatch.replay import replay
from store.edf import read_at_rest
from store.events_tsv import read_events
from store.recording import AtRest
from store.sealing import seal
from tests.recording_makers import START_UTC_NS, journal_of, recording_of, same_samples, segments_of
from tests.store_examples import segment

WEARABLES = Path(__file__).parent / "data" / "wearables"


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journal")
    return journal_of(folder / "n.sqlite", recording_of(segments_of(60)), age_days=None)


@pytest.fixture(scope="module")
def exported(journal: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exported")
    export_dataset([journal], folder / "bids")
    files = {str(kind): export(journal, folder, kind=kind)[0] for kind in (Kind.EDF, Kind.CSV, Kind.PARQUET)}
    return files | {"bids": folder / "bids", "sealed": seal(journal).path}


def from_first(recording: AtRest) -> AtRest:
    """With times from the first sample: a file may begin a little earlier."""
    return replace(recording, t0_ns=min(s.t0_ns for s in recording.stretches))


@pytest.mark.parametrize("kind", ["edf", "csv", "parquet", "bids", "sealed"])
def test_what_was_exported_is_imported_sample_by_sample(
    exported: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    made, remarks = import_files([exported[kind]], tmp_path, name="back")
    assert remarks == []
    assert same_samples(from_first(read_at_rest(made[0])), recording_of(segments_of(60)).at_rest())


def test_events_of_a_dataset_come_along(exported: dict[str, Path], tmp_path: Path) -> None:
    made, _ = import_files([exported["bids"]], tmp_path)
    assert [line.label for line in read_events(made[1])] == [Label.SPASM_LIKE_CLUSTER]
    back = read_at_rest(made[0])
    (cluster,) = [a for a in back.annotations if a.text == "spasm_like_cluster"]
    first_ns = min(s.t0_ns for s in back.stretches)
    assert cluster.onset_ns - first_ns == pytest.approx(13 * NS, abs=10_000)


def moving() -> list[Segment]:
    """Three sensors that lie still, and are thrown about for a second every eight."""
    rng = np.random.default_rng(5)
    made = []
    for s in segments_of(120):
        busy = (s.t0_ns // NS) % 8 == 0
        counts = rng.normal(0, 1500 if busy else 4, s.counts.shape)
        counts[:, 2] += 4096
        made.append(replace(s, counts=counts.astype(np.int16)))
    return made


def told(path: Path) -> list[Event]:
    (night,) = load(path)
    return replay(night).told.final_events


def test_every_format_is_replayed_into_the_same_events_within_one_sample(tmp_path: Path) -> None:
    source = journal_of(tmp_path / "n.sqlite", recording_of(moving(), events=()), age_days=None)
    wanted = told(source)
    assert len(wanted) > 3
    begin_ns = recording_of(moving()).t0_ns
    export_dataset([source], tmp_path / "bids")
    files = [export(source, tmp_path / "x", kind=kind)[0] for kind in (Kind.EDF, Kind.CSV, Kind.PARQUET)]
    files += [
        import_files([path], tmp_path / "i", name=path.suffix[1:] or "bids")[0][0]
        for path in (tmp_path / "bids",)
    ]
    for path in (*files, tmp_path / "bids", seal(source).path):
        found = told(path)
        first_ns = min(s.t0_ns for one in recordings_in(path) for s in one.recording.stretches)
        assert [e.label for e in found] == [e.label for e in wanted], path
        for mine, original in zip(found, wanted, strict=True):
            assert abs((mine.onset_ns - first_ns) - (original.onset_ns - begin_ns)) <= NS // 104, path
            assert abs(mine.end_ns - mine.onset_ns - (original.end_ns - original.onset_ns)) <= NS // 104, path


def test_single_sensors_with_their_sites_become_one_recording(tmp_path: Path) -> None:
    for name, delay_s in (("left", 0), ("right", 2)):
        rows = [f"{START_UTC_NS + delay_s * NS + i * 10**7},{i % 9 / 8},0,1" for i in range(500)]
        (tmp_path / f"{name}.csv").write_text("time_ns,acc_x_g,acc_y_g,acc_z_g\n" + "\n".join(rows))
    made, _ = import_files(
        [tmp_path / "left.csv", tmp_path / "right.csv"],
        tmp_path / "out",
        sites=[Site.LA, Site.RA],
        read_as=ReadAs(infant="p1"),
    )
    back = read_at_rest(made[0])
    assert (back.infant, back.sites, back.start_utc_ns) == ("p1", (Site.LA, Site.RA), START_UTC_NS)
    assert [s.t0_ns for s in back.stretches] == [0, 2 * NS]


def test_sensors_that_were_not_worn_together_are_not_joined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(WEARABLES / name) for name in ("axivity_ax3.cwa", "actigraph.gt3x")]
    assert main(["import", *words, "--site", "LA", "--site", "RA", "--out", str(tmp_path / "out")]) == 2
    assert "between one and the next lie 1890 days" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_wearable_s_file_is_replayed_after_import(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        str(WEARABLES / "geneactiv.bin"),
        "--site",
        "LA",
        "--zone",
        "Europe/Berlin",
        "--out",
        str(tmp_path),
    ]
    assert main(["import", *words]) == 0
    assert f"written: {tmp_path}/geneactiv.edf" in capsys.readouterr().out
    assert main(["replay", str(tmp_path / "geneactiv.edf"), "--out", str(tmp_path), "--no-picture"]) == 0
    assert (tmp_path / "geneactiv_summary.txt").exists()


def test_an_imported_recording_is_not_written_over(exported: dict[str, Path], tmp_path: Path) -> None:
    import_files([exported["csv"]], tmp_path, name="n")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert main(["import", str(exported["csv"]), "--out", str(tmp_path), "--name", "n"]) == 2
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_nothing_is_written_unless_all_of_it_was_read(exported: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("time_ns,site,acc_x_g,acc_y_g,acc_z_g\n0,LA,1,2,x\n")
    words = [str(exported["csv"]), str(tmp_path / "bad.csv"), "--out", str(tmp_path / "out")]
    assert main(["import", *words]) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["gone.cwa", "--site", "LA"], "gone.cwa: there is no such file"),
        (["gone.csv"], "gone.csv: there is no such file"),
        (["gone.edf"], "gone.edf: there is no such file"),
        (["gone.npz"], "gone.npz: cannot be opened"),
        (["notes.docx"], "notes.docx: there is no such file"),
        (["kept.txt"], "kept.txt: no recording we know by its name. Known are EDF+"),
        (["empty"], "*_motion.tsv"),
        (["a.csv", "b.csv", "--site", "LA"], "2 files, but sites LA"),
        (["a.csv", "b.csv", "--site", "LA", "--site", "LA"], "2 files, but sites LA, LA"),
        (["a.csv", "--zone", "Mars/Olympus"], "no time zone 'Mars/Olympus'"),
    ],
)
def test_what_cannot_be_imported_is_a_line_with_place_and_remedy(
    words: list[str],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.txt").write_text("words")
    (tmp_path / "empty").mkdir()
    assert main(["import", *words]) == 2
    said = capsys.readouterr().err
    assert named in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "lullwatch-import").exists()


def test_a_recording_without_movement_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("time_ns,site,acc_x_g,acc_y_g,acc_z_g\n0,LA,n/a,n/a,n/a\n")
    assert main(["import", str(tmp_path / "n.csv"), "--out", str(tmp_path / "out")]) == 2


def test_a_gyroscope_is_kept_and_its_absence_too(tmp_path: Path) -> None:
    made = [*(segment(i) for i in range(30)), *(segment(i, site=Site.TR, axes=3) for i in range(30))]
    source = journal_of(tmp_path / "n.sqlite", recording_of(made))
    path = export(source, tmp_path / "x", kind=Kind.PARQUET)[0]
    back = read_at_rest(import_files([path], tmp_path / "i")[0][0])
    assert {s.site: s.counts.shape[1] for s in back.stretches} == {Site.LA: 6, Site.TR: 3}


def test_a_dataset_folder_is_copied_nowhere_else(exported: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(exported["bids"], tmp_path / "d")
    before = sorted(p for p in (tmp_path / "d").rglob("*"))
    import_files([tmp_path / "d"], tmp_path / "out")
    assert sorted(p for p in (tmp_path / "d").rglob("*")) == before
    assert not list(tmp_path.glob(".*"))
