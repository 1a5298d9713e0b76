"""Motion-BIDS: what is written passes the validator and comes back; other people's datasets are read."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsp.records import NS, Site
from store.bids import BidsNight, site_of
from store.bids_read import BidsRecording, motion_files, read_dataset
from store.bids_write import write_dataset
from store.errors import BadRecording, BadTable, StoreError
from store.events_tsv import event_lines, state_lines
from tests.recording_makers import recording_of, same_samples, segments_of, with_gaps

VALIDATOR = Path(sys.executable).with_name("bids-validator-deno")
LATER_NS = 3 * 86_400 * NS


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two infants: one with a night that has gaps and another night three days later, one without a gyroscope."""
    folder = tmp_path_factory.mktemp("bids") / "dataset"
    gaps = recording_of(with_gaps(130))
    later = replace(recording_of(segments_of(10)), start_utc_ns=gaps.start_utc_ns + LATER_NS, events=())
    bare = recording_of(segments_of(10, (Site.TR,), axes=3), infant="Other", start_utc_ns=None)
    nights = [BidsNight(later, 123), BidsNight(gaps, 120), BidsNight(bare)]
    write_dataset(folder, nights, consent_note="Shared\nwith consent of both parents.")
    return folder


def of(dataset: Path, session: str = "sub-01/ses-01") -> BidsRecording:
    (night,) = read_dataset(dataset / session)
    return night


def test_the_bids_validator_finds_no_error_in_any_row(dataset: Path) -> None:
    line = [str(VALIDATOR), str(dataset), "--format", "json", "--max-rows", "-1"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [i for i in issues if i["severity"] == "error"] == []
    assert {i["code"] for i in issues} <= {
        "JSON_KEY_RECOMMENDED",
        "SIDECAR_KEY_RECOMMENDED",
        "NO_AUTHORS",
        "TOO_FEW_AUTHORS",
    }
    assert done.returncode == 0


def test_the_validator_would_have_found_a_mistake(dataset: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", dataset, copy], check=True)
    next(copy.rglob("*_channels.tsv")).unlink()
    next(copy.rglob("*_motion.json")).write_text("{}")
    done = subprocess.run([str(VALIDATOR), str(copy)], capture_output=True, text=True, check=False)
    assert done.returncode != 0


def test_every_sample_comes_back_at_its_time_with_its_counts(dataset: Path) -> None:
    original = recording_of(with_gaps(130)).at_rest()
    back = of(dataset).recording
    shifted = replace(back, t0_ns=min(s.t0_ns for s in back.stretches))  # a file begins on a whole second
    assert same_samples(shifted, original)
    assert {s.scale for s in back.stretches} == {s.scale for s in original.stretches}
    assert [len(s) for s in back.stretches if s.site is Site.RA] == [
        sum(1 for s in with_gaps(130) if s.site is Site.RA and (s.seq < 100_000) is first)
        for first in (True, False)
    ]


def test_events_and_states_come_back_within_a_microsecond(dataset: Path) -> None:
    original, back = recording_of(with_gaps(130)), of(dataset)
    begin_ns = min(s.t0_ns for s in back.recording.stretches) - back.recording.t0_ns
    wanted = event_lines(original.events, original.t0_ns)
    assert [replace(e, onset_ns=0, evidence=()) for e in back.events] == [
        replace(e, onset_ns=0, evidence=()) for e in wanted
    ]
    for told, line in zip(back.events, wanted, strict=True):
        assert told.onset_ns - begin_ns == pytest.approx(line.onset_ns, abs=1000)
    (state,) = back.states
    assert replace(state, onset_ns=0) == replace(state_lines(original.states, 0)[0], onset_ns=0)


def test_where_there_is_no_sample_every_cell_is_not_known(dataset: Path) -> None:
    path = next((dataset / "sub-01/ses-01/motion").glob("*tracksys-LA_run-1_motion.tsv"))
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    missing = [all(cell == "n/a" for cell in row) for row in rows]
    assert all(("n/a" in row) == gone for row, gone in zip(rows, missing, strict=True))
    assert (
        199 * 16 <= sum(missing) <= 199 * 16 + 104
    )  # the gap, and what the whole second before the start holds
    assert not missing[-1]


def test_a_gap_stands_in_the_events_table_too(dataset: Path) -> None:
    table = next((dataset / "sub-01/ses-01/motion").glob("*_run-1_events.tsv")).read_text().splitlines()
    rows = [dict(zip(table[0].split("\t"), line.split("\t"), strict=True)) for line in table[1:]]
    (gap,) = [row for row in rows if row["trial_type"] == "gap"]
    assert (gap["sites"], gap["text"]) == ("LA", "not_received")
    assert float(gap["duration"]) == pytest.approx(199 * 16 / 104, abs=0.02)


def test_silence_of_more_than_a_minute_begins_a_new_run(dataset: Path) -> None:
    names = [p.name for p in (dataset / "sub-01/ses-01/motion").glob("*tracksys-TR*_motion.tsv")]
    assert sorted(names) == [f"sub-01_ses-01_task-sleep_tracksys-TR_run-{n}_motion.tsv" for n in (1, 2)]


def test_nothing_names_a_person_a_device_or_a_day(dataset: Path) -> None:
    files = [p for p in dataset.rglob("*") if p.is_file()]
    text = "\n".join(p.read_text(encoding="utf-8") for p in files if not p.name.endswith("_motion.tsv"))
    names = " ".join(str(p.relative_to(dataset)) for p in files)
    for personal in ("Emma", "kid", "Other", "sock-LA", "2026", "03-14", "03-15", "Kyiv"):
        assert personal not in text
        assert personal not in names


def test_nights_keep_their_time_of_day_and_the_days_between_them(dataset: Path) -> None:
    sessions = (dataset / "sub-01/sub-01_sessions.tsv").read_text().splitlines()
    assert sessions == [
        "session_id\tacq_time\tage_days",
        "ses-01\t1900-01-01T00:00:00.123456\t120",
        "ses-02\t1900-01-04T00:00:00.123456\t123",
    ]
    assert (dataset / "participants.tsv").read_text().splitlines()[1:] == ["sub-01\t120", "sub-02\tn/a"]


def test_the_consent_note_stands_in_the_readme(dataset: Path, tmp_path: Path) -> None:
    assert "Shared with consent of both parents." in (dataset / "README").read_text()
    write_dataset(tmp_path / "d", [BidsNight(recording_of(segments_of(1)))])
    assert "not stated" in (tmp_path / "d" / "README").read_text()


def test_the_wording_of_notes_is_passed_on_only_when_asked(dataset: Path, tmp_path: Path) -> None:
    write_dataset(tmp_path / "d", [BidsNight(recording_of(segments_of(30)))], with_notes=True)
    texts = [p.read_text() for p in (tmp_path / "d").rglob("*_events.tsv")]
    assert any("seen: Emma was awake" in text for text in texts)
    assert any("\tseen\n" in p.read_text() for p in dataset.rglob("*_events.tsv"))


def test_a_sensor_without_a_gyroscope_and_without_a_date_comes_back_so(dataset: Path) -> None:
    back = of(dataset, "sub-02").recording
    assert back.start_utc_ns is None
    assert {s.counts.shape[1] for s in back.stretches} == {3}
    assert back.stretches[0].scale.gyro_dps == 0.0


def test_a_recording_without_samples_is_refused(tmp_path: Path) -> None:
    empty = replace(recording_of(segments_of(1)), segments=())
    with pytest.raises(ValueError, match="nothing to write"):
        write_dataset(tmp_path, [BidsNight(empty)])


# datasets of others


def foreign(
    folder: Path,
    values: np.ndarray[Any, Any],
    channels: list[tuple[str, str, str, str, str]],
    system: str = "imu",
    **info: Any,
) -> Path:
    motion = folder / "sub-x" / "motion"
    motion.mkdir(parents=True, exist_ok=True)
    stem = f"sub-x_task-rest_tracksys-{system}"
    path = motion / f"{stem}_motion.tsv"
    path.write_text(
        "\n".join("\t".join("n/a" if np.isnan(v) else repr(float(v)) for v in row) for row in values)
    )
    (motion / f"{stem}_motion.json").write_text(
        json.dumps({"SamplingFrequency": 50, "TaskName": "rest"} | info)
    )
    header = "name\tcomponent\ttype\ttracked_point\tunits\n"
    (motion / f"{stem}_channels.tsv").write_text(header + "".join("\t".join(c) + "\n" for c in channels))
    return path


def acceleration(point: str, unit: str = "m/s^2") -> list[tuple[str, str, str, str, str]]:
    return [(f"{point}_{axis}", axis, "ACCEL", point, unit) for axis in "xyz"]


def test_one_tracking_system_may_have_several_tracked_points(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 3, (500, 7))
    path = foreign(
        tmp_path,
        values,
        [*acceleration("LeftFoot"), *acceleration("r_wrist", "g"), ("m", "x", "MAGN", "head", "uT")],
    )
    (night,) = read_dataset(path)
    assert night.recording.sites == (Site.LA, Site.RW)
    left, right = night.recording.stretches
    assert np.abs(left.counts * left.scale.acc_g * 9.80665 - values[:, :3]).max() < 12 / 32767
    assert np.abs(right.counts * right.scale.acc_g - values[:, 3:6]).max() < 12 / 32767
    assert left.steps_ns.tolist() == [20_000_000]
    assert "channel 'm' was left out: MAGN" in night.recording.remarks


def test_rows_that_are_not_known_are_gaps(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 3, (500, 3))
    values[100:150, 1] = np.nan
    (night,) = read_dataset(foreign(tmp_path, values, acceleration("head")))
    (stretch,) = night.recording.stretches
    assert stretch.ns.tolist() == [100, 350]
    assert stretch.t0s_ns.tolist() == [0, 3 * NS]
    assert "50 rows with some axes of HD only are no samples" in night.recording.remarks[0]


def test_tracking_systems_are_placed_by_their_times_of_acquisition(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 3, (100, 3))
    paths = [
        foreign(tmp_path, values, acceleration(point), system)
        for point, system in (("left ankle", "a"), ("right ankle", "b"))
    ]
    lines = [f"motion/{p.name}\t2020-01-01T20:00:0{i}.250000" for i, p in enumerate(paths)]
    (tmp_path / "sub-x" / "sub-x_scans.tsv").write_text("filename\tacq_time\n" + "\n".join(lines))
    (night,) = read_dataset(tmp_path, zone="Europe/Berlin")
    assert [s.t0_ns for s in night.recording.stretches] == [0, NS]
    assert night.recording.start_utc_ns == 1_577_905_200 * NS + 250_000_000


@pytest.mark.parametrize(
    ("words", "site"),
    [
        ("left ankle", Site.LA),
        ("RightFoot", Site.RA),
        ("l_shank", Site.LA),
        ("foot.R", Site.RA),
        ("sternum", Site.TR),
        ("LowerBack", Site.TR),
        ("left_wrist", Site.LW),
        ("Forehead", Site.HD),
        ("TR", Site.TR),
        ("foot", None),
        ("knee", None),
        ("left", None),
    ],
)
def test_a_site_is_told_from_the_words_for_it(words: str, site: Site | None) -> None:
    assert site_of(words) is site


def test_a_point_that_is_no_site_is_asked_for(tmp_path: Path) -> None:
    path = foreign(tmp_path, np.full((60, 3), 9.8), acceleration("marker 1"))
    with pytest.raises(BadRecording, match=r"tracksys-imu_motion\.tsv.*'marker 1'.*--site"):
        read_dataset(path)
    (night,) = read_dataset(path, site=Site.RW)
    assert night.recording.sites == (Site.RW,)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"*_motion.json": None}, r"_motion\.json: cannot be read"),
        ({"*_motion.json": "{}"}, "has no SamplingFrequency"),
        ({"*_motion.json": "[]"}, "is no JSON object"),
        ({"*_channels.tsv": None}, r"_channels\.tsv, line 1"),
        ({"*_channels.tsv": "name\ttype\nx\tACCEL\n"}, "no column component, tracked_point, units"),
        ({"*_motion.tsv": "1\t2\t3\n1\tx\t3\n"}, r"_motion\.tsv, line 2: column_2 is 'x', no number"),
        ({"*_motion.tsv": "1\t2\t3\n1\t3\t2\t3\n"}, r"_motion\.tsv, line 2: 4 cells, not 3"),
        ({"*_motion.tsv": ""}, "is empty"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(
    tmp_path: Path, change: dict[str, str | None], complaint: str
) -> None:
    foreign(tmp_path, np.ones((5, 3)), acceleration("head"))
    for pattern, text in change.items():
        (path,) = tmp_path.rglob(pattern)
        path.unlink() if text is None else path.write_text(text)
    with pytest.raises((BadRecording, BadTable), match=complaint):
        read_dataset(tmp_path)


def test_a_folder_without_a_dataset_says_what_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match=r"_motion\.tsv"):
        motion_files(tmp_path)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.sampled_from(["*_motion.tsv", "*_motion.json", "*_channels.tsv", "*_scans.tsv", "*_events.tsv"]),
    noise=st.binary(max_size=40),
    at=st.floats(0, 1),
    cut=st.booleans(),
)
def test_no_bytes_make_the_reader_fail_otherwise_than_by_name(
    tmp_path_factory: pytest.TempPathFactory, which: str, noise: bytes, at: float, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    write_dataset(folder, [BidsNight(recording_of(segments_of(3, (Site.LA,))))])
    path = next(folder.rglob(which))
    whole = path.read_bytes()
    place = int(at * len(whole))
    path.write_bytes(whole[:place] + noise + (b"" if cut else whole[place + len(noise) :]))
    try:
        read_dataset(folder)
    except StoreError as error:
        assert "sub-01" in str(error)  # noqa: PT017 - noise that happens to be readable is as good an answer
