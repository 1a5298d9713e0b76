"""Samples as CSV and Parquet, ours and other people's."""

from __future__ import annotations

import builtins
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dsp.records import NS, Scale, Site
from store.errors import BadRecording, BadTable, ExtraMissing, StoreError
from store.tabular import read_table, write_samples
from tests.recording_makers import START_UTC_NS, recording_of, same_samples, segments_of, with_gaps
from tests.store_examples import segment

KINDS = ("csv", "parquet")
ACC = ("acc_x_g", "acc_y_g", "acc_z_g")


@pytest.mark.parametrize("kind", KINDS)
def test_every_packet_comes_back_at_its_time_with_its_counts(tmp_path: Path, kind: str) -> None:
    original = recording_of(with_gaps()).at_rest()
    path, _ = write_samples(original, tmp_path / f"n.{kind}")
    back = read_table(path)
    assert same_samples(back, original)
    assert (back.infant, back.zone, back.start_utc_ns, back.t0_ns) == (
        original.infant,
        original.zone,
        original.start_utc_ns,
        original.t0_ns,
    )
    for site in original.sites:
        packets = [s.counts[: int(s.ns.sum())] for s in back.stretches if s.site is site]
        wanted = [s.counts for s in original.stretches if s.site is site]
        assert np.array_equal(np.concatenate(packets), np.concatenate(wanted))
        assert {s.scale for s in back.stretches} == {s.scale for s in original.stretches}


@pytest.mark.parametrize("kind", KINDS)
def test_the_columns_are_what_the_documentation_says(tmp_path: Path, kind: str) -> None:
    path, described = write_samples(recording_of(segments_of(2)).at_rest(), tmp_path / f"n.{kind}")
    frame = pl.read_csv(path) if kind == "csv" else pl.read_parquet(path)
    names = ["time_ns", "site", *ACC, "gyro_x_dps", "gyro_y_dps", "gyro_z_dps"]
    assert frame.columns == names
    assert list(json.loads(described.read_text())["columns"]) == names
    assert frame["time_ns"][0] == START_UTC_NS
    assert frame["site"].unique(maintain_order=True).to_list() == ["LA", "RA", "TR"]
    assert frame.filter(pl.col("site") == "LA")["time_ns"].is_sorted()
    first = segments_of(2)[0]
    assert frame.row(0)[2] == pytest.approx(first.counts[0, 0] * first.scale.acc_g, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_counts_are_found_without_the_sidecar_too(tmp_path: Path, kind: str) -> None:
    original = recording_of(segments_of(20)).at_rest()
    path, described = write_samples(original, tmp_path / f"n.{kind}")
    described.unlink()
    back = read_table(path)
    assert back.start_utc_ns == START_UTC_NS
    for mine, wanted in zip(back.stretches, original.stretches, strict=True):
        assert np.array_equal(mine.counts, wanted.counts)
        assert mine.scale.acc_g == pytest.approx(wanted.scale.acc_g, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gap_is_the_absence_of_rows(tmp_path: Path, kind: str) -> None:
    kept = [s for s in segments_of(20, (Site.LA,)) if not 40 <= s.seq < 60]
    path, _ = write_samples(recording_of(kept).at_rest(), tmp_path / f"n.{kind}")
    frame = pl.read_csv(path) if kind == "csv" else pl.read_parquet(path)
    assert frame.height == 16 * len(kept)
    back = read_table(path).recording()
    assert [s.t0_ns for s in back.segments] == [s.t0_ns for s in kept]


def test_a_range_that_changed_in_the_night_is_kept(tmp_path: Path) -> None:
    wide = Scale(16 / 32768, 0.07)
    made = [*(segment(i) for i in range(20)), *(segment(i, scale=wide) for i in range(20, 40))]
    original = recording_of(made).at_rest()
    path, _ = write_samples(original, tmp_path / "n.parquet")
    back = read_table(path)
    assert [s.scale for s in back.stretches] == [made[0].scale, wide]
    assert same_samples(back, original)


def test_no_date_stays_no_date(tmp_path: Path) -> None:
    original = recording_of(segments_of(3), start_utc_ns=None).at_rest()
    path, _ = write_samples(original, tmp_path / "n.csv")
    back = read_table(path)
    assert back.start_utc_ns is None
    assert same_samples(back, original)


def test_a_recording_without_samples_is_refused(tmp_path: Path) -> None:
    empty = replace(recording_of(segments_of(1)), segments=()).at_rest()
    with pytest.raises(ValueError, match="nothing to write"):
        write_samples(empty, tmp_path / "n.csv")


# tables of others


def text(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_seconds_and_a_site_from_outside_are_understood(tmp_path: Path) -> None:
    rows = [f"{i / 50};{i % 7 / 64};0;1;9" for i in range(200)]
    path = text(tmp_path / "watch.csv", "time_s;acc_x_g;acc_y_g;acc_z_g;heart", rows)
    back = read_table(path, site=Site.RW, zone="Europe/Berlin")
    (stretch,) = back.stretches
    assert (stretch.site, stretch.ns.tolist(), stretch.steps_ns.tolist()) == (Site.RW, [200], [20_000_000])
    assert stretch.counts[:3].tolist() == [[0, 0, 64], [1, 0, 64], [2, 0, 64]]
    assert back.start_utc_ns is None
    assert back.remarks == ("column 'heart' was left out",)


@pytest.mark.parametrize(
    ("moment", "utc"),
    [
        ("2026-01-15T21:00:{:06.3f}", 1_768_507_200),
        ("2026-01-15 20:00:{:06.3f}Z", 1_768_507_200),
        ("2026-01-15T21:00:{:06.3f}+01:00", 1_768_507_200),
    ],
)
def test_dates_are_understood_with_and_without_a_zone(tmp_path: Path, moment: str, utc: int) -> None:
    rows = [f"{moment.format(i / 20)},LA,0.5,0.25,{1 + i % 2}" for i in range(40)]
    back = read_table(
        text(tmp_path / "d.csv", "time,site,acc_x_g,acc_y_g,acc_z_g", rows), zone="Europe/Berlin"
    )
    assert back.start_utc_ns == utc * NS
    assert back.stretches[0].steps_ns.tolist() == [50_000_000]


def test_times_that_jitter_become_straight_lines(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    times = np.sort(np.rint(np.arange(2000) * 1e7 + rng.normal(0, 1e6, 2000)).astype(np.int64))
    rows = [f"{t},LA,{rng.normal():.6f},0,1" for t in times]
    back = read_table(text(tmp_path / "p.csv", "time_ns,site,acc_x_g,acc_y_g,acc_z_g", rows))
    (stretch,) = back.stretches
    assert len(stretch) in (20, 21)
    assert stretch.steps_ns.mean() == pytest.approx(10_000_000, rel=1e-3)


def test_rows_without_acceleration_are_no_samples(tmp_path: Path) -> None:
    rows = [f"{i * 10_000_000},LA,{'n/a' if 30 <= i < 40 else i % 5},0,1" for i in range(100)]
    back = read_table(text(tmp_path / "p.csv", "time_ns,site,acc_x_g,acc_y_g,acc_z_g", rows))
    assert back.stretches[0].ns.tolist() == [30, 60]
    assert back.remarks == ("LA: 10 rows without all axes are no samples",)


def test_a_last_line_that_was_cut_off_is_left_out_with_a_remark(tmp_path: Path) -> None:
    rows = [f"{i * 10_000_000},LA,{i % 5},0,1" for i in range(100)]
    path = text(tmp_path / "p.csv", HEADER, rows)
    path.write_text(path.read_text()[:-4])
    back = read_table(path)
    assert back.stretches[0].ns.tolist() == [99]
    assert back.remarks == ("LA: 1 rows without all axes are no samples",)


HEADER = "time_ns,site,acc_x_g,acc_y_g,acc_z_g"


@pytest.mark.parametrize(
    ("header", "rows", "complaint"),
    [
        (HEADER, ["0,LA,1,2,x"], "line 2: acc_z_g is 'x', no number"),
        (HEADER, ["0,LA,1,2,3", "0.5,LA,1,2,3"], "line 3: time_ns is '0.5', no whole number"),
        (HEADER, ["0,LA,1,2,3", "1,LA,1,2,3,4"], "line 3: 6 cells, not 5"),
        (HEADER, ["0,LX,1,2,3"], "unknown site 'LX'"),
        (HEADER, ["5,LA,1,2,3", "5,LA,1,2,3"], "time of sample 2 of LA is not after the one before"),
        (HEADER, [",LA,1,2,3"], "row 1 has no time"),
        (HEADER, [f"{2**62},LA,1,2,3"], "not in nanoseconds"),
        ("time_ns,site,acc_x_g", ["0,LA,1"], "no column acc_y_g, acc_z_g"),
        ("site,acc_x_g,acc_y_g,acc_z_g", ["LA,1,2,3"], "no column of time"),
        ("time_ns,acc_x_g,acc_y_g,acc_z_g", ["0,1,2,3"], "--site"),
        (HEADER + ",gyro_x_dps", ["0,LA,1,2,3,4"], "not all three columns of angular rate"),
        ("time,site,acc_x_g,acc_y_g,acc_z_g", ["yesterday,LA,1,2,3"], "cannot be read"),
        ("time_ns,time_ns", ["1,2"], "the same name"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, header: str, rows: list[str], complaint: str
) -> None:
    path = text(tmp_path / "t.csv", header, rows)
    with pytest.raises((BadRecording, BadTable), match=rf"t\.csv.*{complaint}"):
        read_table(path)


@pytest.mark.parametrize("name", ["gone.csv", "gone.parquet"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRecording, match=f"{name}: there is no such file"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("kind", KINDS)
def test_without_polars_the_extra_is_named(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "polars":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ExtraMissing, match=r"pip install 'lullwatch\[tables\]'"):
        read_table(tmp_path / f"n.{kind}")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["csv", "parquet", "json"]),
    noise=st.binary(max_size=40),
    at=st.floats(0, 1),
    cut=st.booleans(),
)
@example(kind="parquet", noise=b"l", at=0.7109375, cut=False)  # a signalling NaN
def test_no_bytes_make_the_reader_fail_otherwise_than_by_name(
    tmp_path_factory: pytest.TempPathFactory, kind: str, noise: bytes, at: float, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    suffix = "csv" if kind == "json" else kind
    path, _ = write_samples(recording_of(segments_of(2, (Site.LA,))).at_rest(), folder / f"n.{suffix}")
    spoilt = folder / f"n.{kind}"
    whole = spoilt.read_bytes()
    place = int(at * len(whole))
    spoilt.write_bytes(whole[:place] + noise + (b"" if cut else whole[place + len(noise) :]))
    try:
        read_table(path)
    except StoreError as error:
        assert str(folder) in str(error)  # noqa: PT017 - noise that happens to be readable is as good an answer
