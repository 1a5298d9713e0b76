"""Files of research wearables: real ones of three makers, and damaged ones."""

from __future__ import annotations

import shutil
import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from dsp.records import NS, Site
from store import wearables
from store.edf import write_recording
from store.errors import BadRecording, ExtraMissing
from store.wearables import read_wearable
from tests.recording_makers import samples_of

FILES = Path(__file__).parent / "data" / "wearables"


def utc(*words: int) -> int:
    return int(datetime(*words, tzinfo=UTC).timestamp()) * NS  # type: ignore[arg-type]


def test_an_axivity_ax3_is_read_as_its_published_layout_says() -> None:
    made = read_wearable(FILES / "axivity_ax3.cwa", site=Site.LA, zone="Europe/Berlin")
    (stretch,) = made.stretches
    raw = (FILES / "axivity_ax3.cwa").read_bytes()
    wanted = []
    for sector in range(2, 32):
        words = struct.unpack("<120I", raw[sector * 512 + 30 : sector * 512 + 510])
        for word in words:  # two bits of exponent, then z, y, x of ten bits with a sign
            axes = [(word >> shift) & 0x3FF for shift in (0, 10, 20)]
            wanted.append([((a - 1024 if a > 511 else a) << (word >> 30)) / 256 for a in axes])
    assert np.array_equal(stretch.counts * stretch.scale.acc_g, np.array(wanted))
    assert stretch.counts.shape == (3600, 3)
    assert made.start_utc_ns == utc(2019, 2, 26, 9, 55, 6) + 488_281


def test_an_axivity_s_blocks_meet_at_the_pace_of_its_own_clock() -> None:
    (stretch,) = read_wearable(FILES / "axivity_ax3.cwa", site=Site.LA).stretches
    assert stretch.ns.tolist() == [120] * 30
    holes = stretch.t0s_ns[1:] - (stretch.t0s_ns + stretch.ns * stretch.steps_ns)[:-1]
    assert np.abs(holes).max() < 200
    assert stretch.steps_ns[:-1].mean() == pytest.approx(10_115_000, rel=0.002)  # it ran at 98.9 Hz, not 100


def test_an_axivity_ax6_has_angular_rate_too() -> None:
    (stretch,) = read_wearable(FILES / "axivity_ax6.cwa", site=Site.TR).stretches
    raw = (FILES / "axivity_ax6.cwa").read_bytes()
    first = np.frombuffer(raw[1024 + 30 : 1024 + 510], dtype="<i2").reshape(40, 6)
    assert np.array_equal(stretch.counts[:40], first[:, [3, 4, 5, 0, 1, 2]])
    assert (stretch.scale.acc_g, stretch.scale.gyro_dps) == (1 / 2048, 250 / 32768)
    assert stretch.counts.shape == (1200, 6)


def test_an_actigraph_is_read_and_its_subject_s_name_left_behind(tmp_path: Path) -> None:
    made = read_wearable(FILES / "actigraph.gt3x", site=Site.RW, zone="America/New_York")
    (stretch,) = made.stretches
    assert (stretch.counts.shape, stretch.scale.acc_g) == ((4860, 3), 1 / 256)
    assert made.start_utc_ns == utc(2024, 4, 30, 18, 53)
    norm = np.linalg.norm(stretch.counts * stretch.scale.acc_g, axis=1)
    assert np.median(norm) == pytest.approx(1.0, abs=0.05)
    write_recording(made.recording(), tmp_path / "n.edf")
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert b"Adam" not in content
        assert b"MOS2E17210537" not in content


def test_a_geneactiv_is_read() -> None:
    made = read_wearable(FILES / "geneactiv.bin", site=Site.LW)
    times_ns, values = samples_of(made, Site.LW)
    assert len(times_ns) == 6000
    assert times_ns[-1] / NS == pytest.approx(100, abs=0.05)
    assert made.start_utc_ns == utc(2024, 4, 30, 15, 13, 30)
    lines = (FILES / "geneactiv.bin").read_text().splitlines()
    page = next(line for line in lines if len(line) == 3600)
    gains, offsets = np.array([25270, 25100, 24829]), np.array([-1846, -474, 1167])
    raw = np.array([[int(page[i + 3 * a : i + 3 * a + 3], 16) for a in range(3)] for i in range(0, 3600, 12)])
    wanted = (np.where(raw > 2047, raw - 4096, raw) * 100 - offsets) / gains
    assert np.abs(values[:300] - wanted).max() < 8 / 32767


def test_where_it_was_worn_must_be_said() -> None:
    with pytest.raises(BadRecording, match=r"axivity_ax3\.cwa.*does not say where it was worn.*--site"):
        read_wearable(FILES / "axivity_ax3.cwa", site=None)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match=r"gone\.cwa: there is no such file"):
        read_wearable(tmp_path / "gone.cwa", site=None)


def test_without_actfast_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wearables.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ExtraMissing, match=r"actfast.*pip install 'lullwatch\[wearables\]'"):
        read_wearable(FILES / "axivity_ax3.cwa", site=Site.LA)


def test_a_damaged_block_is_left_out_with_a_remark_and_is_a_gap(tmp_path: Path) -> None:
    raw = bytearray((FILES / "axivity_ax3.cwa").read_bytes())
    raw[1024 + 5 * 512 + 100] ^= 0xFF
    path = tmp_path / "spoilt.cwa"
    path.write_bytes(raw)
    made = read_wearable(path, site=Site.LA)
    assert made.stretches[0].ns.tolist() == [120] * 29
    assert any("sector 5" in remark for remark in made.remarks)
    holes = np.diff(made.stretches[0].t0s_ns)
    assert holes.max() == pytest.approx(2 * np.median(holes), rel=0.01)


@pytest.mark.parametrize("name", ["axivity_ax3.cwa", "axivity_ax6.cwa", "actigraph.gt3x", "geneactiv.bin"])
@pytest.mark.parametrize(
    "how", ["cut short", "cut to nothing", "garbled", "not of this kind", "huge numbers"]
)
def test_no_bytes_end_otherwise_than_by_name(tmp_path: Path, name: str, how: str) -> None:
    raw = bytearray((FILES / name).read_bytes())
    rng = np.random.default_rng(len(name))
    if how == "cut short":
        raw = raw[: int(len(raw) * 0.37)]
    elif how == "cut to nothing":
        raw = raw[:0]
    elif how == "garbled":
        for place in rng.integers(0, len(raw), 400):
            raw[place] = int(rng.integers(256))
    elif how == "not of this kind":
        raw = bytearray(rng.bytes(5000))
    else:
        raw = bytearray(bytes(raw).replace(b"Number of Pages:20", b"Number of Pages:99999999999999"))
        raw[1024 + 24 : 1024 + 30] = b"\xff" * 6
    path = tmp_path / f"spoilt{Path(name).suffix}"
    path.write_bytes(raw)
    try:
        made = read_wearable(path, site=Site.LA)
    except BadRecording as error:
        said = str(error)
    else:  # what can still be read of it is as good an answer
        said = path.name if made.stretches[0].ns.sum() else ""
    assert path.name in said
    assert len(said.splitlines()) == 1


def test_a_reader_that_ends_its_process_is_an_error_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(FILES / "axivity_ax3.cwa", tmp_path / "n.cwa")
    (tmp_path / "actfast.py").write_text("import os\nos.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(BadRecording, match=r"n\.cwa is damaged|n\.cwa: is damaged"):
        read_wearable(tmp_path / "n.cwa", site=Site.LA)
