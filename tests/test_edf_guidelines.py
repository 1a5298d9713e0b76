"""The clauses of the EDF and EDF+ specifications (edfplus.info) that our files keep, read from the raw bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dsp.records import NS, Note, Scale, Segment, Site, State, StateEpoch
from store.edf import write_recording
from store.recording import Recording, settled
from tests.store_examples import event, segment

UTC_NS = 1_773_525_600 * NS + 999_999_999  # 2026-03-14 22:00:00 UTC, 00:00 on the 15th in Kyiv


@dataclass(frozen=True)
class Raw:
    """A file by the byte offsets of the specification, with no library in between."""

    path: Path
    content: bytes

    def field(self, start: int, length: int) -> str:
        return self.content[start : start + length].decode("ascii").rstrip()

    @property
    def n_signals(self) -> int:
        return int(self.field(252, 4))

    def signal_fields(self, offset: int, length: int) -> list[str]:
        """Fields of all signals: `offset` is where the field stands in the 256 bytes of one signal."""
        start = 256 + offset * self.n_signals
        return [self.field(start + i * length, length) for i in range(self.n_signals)]

    @property
    def samples(self) -> list[int]:
        return [int(n) for n in self.signal_fields(216, 8)]

    @property
    def records(self) -> list[bytes]:
        size = 2 * sum(self.samples)
        body = self.content[256 * (self.n_signals + 1) :]
        return [body[i : i + size] for i in range(0, len(body), size)]

    @property
    def annotations(self) -> list[bytes]:
        """The annotation signal's bytes of each data record."""
        before = 2 * sum(self.samples[:-1])
        return [record[before:] for record in self.records]


@pytest.fixture(scope="module")
def night() -> list[Segment]:
    """Two sites of unlike rates, one with three axes, a lost packet, values at both ends of the range."""
    left = [segment(seq) for seq in range(130) if seq != 50]
    right = [segment(seq, site=Site.RA, axes=3, step_ns=19_230_769) for seq in range(65)]
    return [*left, *right]


@pytest.fixture(scope="module")
def file(night: list[Segment], tmp_path_factory: pytest.TempPathFactory) -> Raw:
    recording = Recording(
        infant="kid",
        zone="Europe/Kyiv",
        start_utc_ns=UTC_NS,
        t0_ns=0,
        segments=settled(night),
        events=(event(onset_ns=3_250_000_000),),
        states=(StateEpoch("kid", 0, 30 * NS, State.AWAKE, 1.0, None, None, None),),
        notes=(Note("kid", 4 * NS, "note", "тихо\x14\x15\x00 ще", "a"),),
    )
    (path,) = write_recording(recording, tmp_path_factory.mktemp("edf") / "night.edf")
    return Raw(path, path.read_bytes())


def test_the_version_is_0(file: Raw) -> None:
    assert file.content[:8] == b"0       "


def test_header_text_is_printable_us_ascii(file: Raw) -> None:
    assert all(32 <= byte <= 126 for byte in file.content[: 256 * (file.n_signals + 1)])


def test_startdate_and_starttime_are_local_and_written_with_points(file: Raw) -> None:
    assert file.field(168, 8) == "15.03.26"
    assert file.field(176, 8) == "00.00.00"


def test_the_patient_field_has_code_sex_birthdate_and_name_all_anonymous(file: Raw) -> None:
    assert file.field(8, 80) == "X X X X"


def test_the_recording_field_starts_with_startdate_in_full(file: Raw) -> None:
    assert re.fullmatch(r"Startdate 15-MAR-2026 \S+ \S+ \S+", file.field(88, 80))


def test_the_header_says_its_own_length(file: Raw) -> None:
    assert int(file.field(184, 8)) == 256 * (file.n_signals + 1)


def test_the_reserved_field_starts_with_edf_plus_c(file: Raw) -> None:
    assert file.field(192, 44).startswith("EDF+C")


def test_the_number_of_data_records_is_known_and_right(file: Raw) -> None:
    assert int(file.field(236, 8)) == len(file.records) > 0
    assert all(len(record) == 2 * sum(file.samples) for record in file.records)


def test_the_duration_of_a_data_record_is_a_whole_number_of_seconds(file: Raw) -> None:
    assert file.field(244, 8).isdigit()


def test_a_data_record_is_at_most_61440_bytes(file: Raw) -> None:
    assert len(file.records[0]) <= 61440


def test_labels_are_unique_and_name_site_kind_and_axis(file: Raw) -> None:
    labels = file.signal_fields(0, 16)
    assert labels[:-1] == [
        *(f"LA_{kind}_{axis}" for kind in ("ACC", "GYRO") for axis in "xyz"),
        *(f"RA_ACC_{axis}" for axis in "xyz"),
    ]


def test_dimensions_are_g_and_degrees_per_second(file: Raw) -> None:
    assert file.signal_fields(96, 8)[:-1] == ["g"] * 3 + ["deg/s"] * 3 + ["g"] * 3


def test_digital_minimum_is_below_digital_maximum_and_both_fit_16_bit(file: Raw) -> None:
    assert set(file.signal_fields(120, 8)) == {"-32768"}
    assert set(file.signal_fields(128, 8)) == {"32767"}


def test_physical_minimum_differs_from_maximum_and_is_a_plain_decimal_number(file: Raw) -> None:
    low, high = file.signal_fields(104, 8), file.signal_fields(112, 8)
    assert all(re.fullmatch(r"-?\d+(\.\d+)?", value) for value in (*low, *high))
    assert all(float(a) < float(b) for a, b in zip(low, high, strict=True))
    assert (low[0], high[0]) == ("-8", "7.999756")


@pytest.mark.parametrize("acc_g", [1 / 16384, 1 / 3000, 0.0000123, 2.5e-7, 0.4882, 3.0])
def test_any_range_fits_into_eight_characters_without_an_exponent(tmp_path: Path, acc_g: float) -> None:
    made = segment(scale=Scale(acc_g, 0.07))
    (path,) = write_recording(Recording("kid", "UTC", None, 0, (made,)), tmp_path / "n.edf")
    raw = Raw(path, path.read_bytes())
    for offset, end in ((104, -32768), (112, 32767)):
        text = raw.signal_fields(offset, 8)[0]
        assert re.fullmatch(r"-?\d+(\.\d+)?", text)
        assert float(text) == pytest.approx(end * acc_g, rel=2e-3)


def test_samples_are_little_endian_16_bit_and_are_the_counts(file: Raw, night: list[Segment]) -> None:
    column = b"".join(record[: 2 * file.samples[0]] for record in file.records)
    written = np.frombuffer(column, dtype="<i2").tobytes()
    for made in (s for s in night if s.site is Site.LA):
        assert np.ascontiguousarray(made.counts[:, 0]).tobytes() in written


def test_there_is_one_annotation_signal_and_it_stands_last(file: Raw) -> None:
    labels = file.signal_fields(0, 16)
    assert labels.count("EDF Annotations") == 1
    assert labels[-1] == "EDF Annotations"


def test_every_data_record_begins_with_its_own_time_and_an_empty_annotation(file: Raw) -> None:
    for number, raw in enumerate(file.annotations):
        assert raw.startswith(f"+{number * int(file.field(244, 8))}\x14\x14\x00".encode())


def test_unused_bytes_of_the_annotation_signal_are_zero(file: Raw) -> None:
    for raw in file.annotations:
        used = raw.rstrip(b"\x00")
        assert used.endswith(b"\x14")
        assert b"\x00\x00" not in used


def test_annotations_are_time_stamped_lists_in_utf_8(file: Raw) -> None:
    tal = re.compile(rb"[+-]\d+(\.\d+)?(\x15\d+(\.\d+)?)?\x14([^\x14\x15\x00]*\x14)+")
    lists = [one for raw in file.annotations for one in raw.split(b"\x00") if one]
    assert all(tal.fullmatch(one) for one in lists)
    texts = b"".join(lists).decode("utf-8")
    assert "+4.25\x1542.5\x14spasm_like_cluster\x14" in texts  # the header's start is the whole second before
    assert "note note: тихо    ще" in texts


def test_gaps_are_annotated_where_the_signal_is_filled(file: Raw) -> None:
    texts = b"".join(file.annotations).decode("utf-8")
    assert re.search(r"\+\d+\.\d+\x15\d\.\d+\x14gap LA not_received\x14", texts)
    assert "gap RA not_received" not in texts
