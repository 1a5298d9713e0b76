"""Our EDF+ files in two readers that are not ours: pyEDFlib and MNE."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import edfio
import mne
import numpy as np
import pyedflib
import pytest

from dsp.records import NS, Coverage, Segment, Site, Usability
from store.edf import write_recording
from tests.recording_makers import T0_NS, recording_of, segments_of

SECONDS = 60


@pytest.fixture(scope="module")
def night() -> list[Segment]:
    """A minute of two ankles of one rate, the left one away for some seconds in it."""
    return [
        s for s in segments_of(SECONDS, (Site.LA, Site.RA)) if not (s.site is Site.LA and 150 < s.seq < 200)
    ]


@pytest.fixture(scope="module")
def path(night: list[Segment], tmp_path_factory: pytest.TempPathFactory) -> Path:
    charging = Coverage("kid", T0_NS, 60 * NS, Usability.DEGRADED, ("sock_charging",), ())
    recording = recording_of(night, coverage=(charging,))
    (written,) = write_recording(recording, tmp_path_factory.mktemp("edf") / "night.edf")
    return written


def told(night: list[Segment]) -> list[tuple[float, float, str]]:
    """What the annotations must be: onset and duration in seconds from the header's start, and text."""
    start_ns = T0_NS - 123_456_789  # the header says whole seconds
    before, after = [s for s in night if s.site is Site.LA and s.seq in (150, 200)]
    wanted = [
        (T0_NS + 13 * NS, 42.5, "spasm_like_cluster"),
        (T0_NS + 20 * NS, 0.0, "note seen: Emma was awake"),
        (T0_NS + 30 * NS, 30.0, "state quiet_sleep"),
        (before.end_ns, (after.t0_ns - before.end_ns) / NS, "gap LA sock_charging"),
    ]
    return sorted(
        (round((t_ns - start_ns) / NS, 6), round(duration, 6), text) for t_ns, duration, text in wanted
    )


def without_filling(found: Iterator[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    return sorted((round(o, 6), round(max(d, 0.0), 6), t) for o, d, t in found if not t.endswith(" filling"))


def digital(path: Path) -> dict[str, np.ndarray]:
    """What stands in the file, by the writing library's own reader: the counts with filling in the gaps."""
    return {s.label: s.digital for s in edfio.read_edf(path).signals}


def test_pyedflib_reads_the_counts_as_they_are(path: Path) -> None:
    stored = digital(path)
    with pyedflib.EdfReader(str(path)) as reader:
        labels = reader.getSignalLabels()
        assert labels == list(stored)
        for number, label in enumerate(labels):
            assert np.array_equal(reader.readSignal(number, digital=True), stored[label])


def test_the_counts_in_the_file_are_the_sensor_s(path: Path, night: list[Segment]) -> None:
    stored = digital(path)
    for site in (Site.LA, Site.RA):
        axes = np.column_stack([stored[f"{site}_{kind}_{a}"] for kind in ("ACC", "GYRO") for a in "xyz"])
        whole = axes.tobytes()
        assert all(np.ascontiguousarray(s.counts).tobytes() in whole for s in night if s.site is site)


def test_pyedflib_gives_g_and_degrees_per_second(path: Path, night: list[Segment]) -> None:
    stored = digital(path)
    scale = night[0].scale
    with pyedflib.EdfReader(str(path)) as reader:
        for number, label in enumerate(reader.getSignalLabels()):
            unit, step = ("g", scale.acc_g) if "ACC" in label else ("deg/s", scale.gyro_dps)
            assert reader.getPhysicalDimension(number).strip() == unit
            assert np.abs(reader.readSignal(number) - stored[label] * step).max() < 2 * step


def test_pyedflib_sees_the_same_annotations(path: Path, night: list[Segment]) -> None:
    with pyedflib.EdfReader(str(path)) as reader:
        onsets, durations, texts = reader.readAnnotations()
    found = without_filling(zip(onsets.tolist(), map(float, durations), map(str, texts), strict=True))
    assert [text for *_, text in found] == [text for *_, text in told(night)]
    assert np.allclose([f[:2] for f in found], [w[:2] for w in told(night)], atol=1e-6)


def test_pyedflib_sees_no_person(path: Path) -> None:
    with pyedflib.EdfReader(str(path)) as reader:
        header = reader.getHeader()
        assert reader.getStartdatetime().isoformat() == "2026-03-15T00:00:00"  # local time of the night
    for field in ("patientname", "birthdate", "patientcode", "sex", "technician", "admincode"):
        assert header[field] in ("", "X")


def test_mne_gives_g_and_degrees_per_second(path: Path, night: list[Segment]) -> None:
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    stored = digital(path)
    scale = night[0].scale
    assert raw.ch_names == list(stored)
    assert raw.info["sfreq"] == pytest.approx(104.0)
    for label, values in zip(raw.ch_names, raw.get_data(), strict=True):
        step = scale.acc_g if "ACC" in label else scale.gyro_dps
        assert np.abs(values - stored[label] * step).max() < 2 * step


def test_mne_sees_the_same_annotations(path: Path, night: list[Segment]) -> None:
    raw = mne.io.read_raw_edf(path, verbose="error")
    found = without_filling((a["onset"], a["duration"], str(a["description"])) for a in raw.annotations)
    assert [text for *_, text in found] == [text for *_, text in told(night)]
    assert np.allclose([f[:2] for f in found], [w[:2] for w in told(night)], atol=1e-6)


def test_mne_sees_no_person(path: Path) -> None:
    subject = mne.io.read_raw_edf(path, verbose="error").info["subject_info"] or {}
    assert "birthday" not in subject
    assert set(map(str, subject.values())) <= {"X", "0", ""}
