"""EDF+ recordings: ours come back segment by segment, other people's as truthfully as they can be read."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.records import (
    NS,
    ClockRow,
    Coverage,
    EventStatus,
    Note,
    Scale,
    Segment,
    SegmentFlag,
    Site,
    State,
    StateEpoch,
    Usability,
)
from store.edf import read_recording, write_recording
from store.errors import BadRecording, BadTable
from store.journal import Journal
from store.recording import Annotation, Gap, Recording, from_journal, gaps_of, settled
from tests.store_examples import STEP_NS, event, segment, segment_row

START = 1_773_525_600 * NS + 123_456_789  # 2026-03-14 22:00:00.123 UTC


def recording(segments: list[Segment], **changes: Any) -> Recording:
    ordered = settled(segments)
    values: dict[str, Any] = {
        "infant": "kid",
        "zone": "Europe/Kyiv",
        "start_utc_ns": START,
        "t0_ns": min(s.t0_ns for s in ordered),
        "segments": ordered,
    }
    return Recording(**{**values, **changes})


def night(seconds: int = 20, sites: tuple[Site, ...] = (Site.LA, Site.RA, Site.TR)) -> list[Segment]:
    made = []
    for number, site in enumerate(sites):
        step_ns = STEP_NS + 150 * number  # each sock's own clock
        for seq in range(int(seconds * 6.5)):
            t0_ns = 77 * NS + number * 3_000_000 + seq * 16 * step_ns + (seq % 3) * 400
            made.append(segment(seq, site=site, t0_ns=t0_ns, step_ns=step_ns + seq % 2))
    return made


def round_trip(original: Recording, folder: Path) -> Recording:
    paths = write_recording(original, folder / "night.edf")
    return read_recording(paths[0])


def test_the_same_segments_come_back(tmp_path: Path) -> None:
    original = recording(night())
    back = round_trip(original, tmp_path)
    assert back.segments == original.segments
    assert (back.infant, back.zone, back.start_utc_ns, back.t0_ns) == ("kid", "Europe/Kyiv", START, 77 * NS)


def test_a_recording_without_a_date_comes_back_without_one(tmp_path: Path) -> None:
    back = round_trip(recording(night(3), start_utc_ns=None), tmp_path)
    assert back.start_utc_ns is None
    assert len(back.segments) == 3 * 19


@settings(max_examples=25)
@given(
    rate_hz=st.floats(5.0, 500.0),
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    holes_ms=st.lists(st.integers(-3, 70_000), min_size=12, max_size=12),
    axes=st.sampled_from([3, 6]),
    t0_ns=st.integers(-(10**15), 10**15),
)
def test_no_sample_is_lost_whatever_the_rate_and_the_holes(
    tmp_path_factory: pytest.TempPathFactory,
    rate_hz: float,
    lengths: list[int],
    holes_ms: list[int],
    axes: int,
    t0_ns: int,
) -> None:
    step_ns, segments = round(NS / rate_hz), []
    for seq, (n, hole_ms) in enumerate(zip(lengths, holes_ms, strict=False)):
        segments.append(segment(seq, t0_ns=t0_ns, n=n, axes=axes, step_ns=step_ns))
        t0_ns += n * step_ns + hole_ms * 1_000_000
    original = recording(segments)
    assert round_trip(original, tmp_path_factory.mktemp("edf")).segments == original.segments


def test_a_sensor_that_runs_one_percent_fast_loses_nothing_and_is_not_seen_late(tmp_path: Path) -> None:
    step_ns = round(STEP_NS / 1.01)
    original = recording([segment(seq, step_ns=step_ns) for seq in range(4000)])
    assert round_trip(original, tmp_path).segments == original.segments
    for sidecar in tmp_path.glob("*_clock.*"):
        sidecar.unlink()
    implied = read_recording(tmp_path / "night.edf").segments[0]
    assert abs(implied.n * implied.step_ns - 4000 * 16 * step_ns) < NS  # eleven minutes, seen by others


def test_silence_of_more_than_a_minute_begins_a_new_file(tmp_path: Path) -> None:
    segments = [segment(0, t0_ns=0), segment(1, t0_ns=59 * NS), segment(2, t0_ns=180 * NS)]
    original = recording(segments)
    paths = write_recording(original, tmp_path / "night.edf")
    assert [p.name for p in paths] == ["night.edf", "night_run-2.edf"]
    assert read_recording(paths[0]).segments == original.segments
    assert read_recording(paths[1]).segments == (segments[2],)
    first, second = (edfio.read_edf(p) for p in paths)
    assert (second.startdatetime - first.startdatetime).total_seconds() == 180


def test_one_silent_site_does_not_split_the_file(tmp_path: Path) -> None:
    segments = [s for s in night(100, (Site.LA, Site.RA)) if s.site is Site.LA or not 100 < s.seq < 600]
    assert [p.name for p in write_recording(recording(segments), tmp_path / "n.edf")] == ["n.edf"]
    assert read_recording(tmp_path / "n.edf").segments == settled(segments)


def test_a_changed_range_begins_a_new_file(tmp_path: Path) -> None:
    wide = Scale(16 / 32768, 0.07)
    original = recording([segment(0), segment(1), segment(2, scale=wide), segment(3, scale=wide)])
    paths = write_recording(original, tmp_path / "night.edf")
    assert len(paths) == 2
    assert read_recording(paths[0]).segments == original.segments
    assert edfio.read_edf(paths[1]).signals[0].physical_min == -16


def test_a_gap_is_annotated_with_its_cause_and_read_back_as_missing(tmp_path: Path) -> None:
    segments = [s for s in night(30, (Site.LA,)) if not 50 <= s.seq < 120]
    onset_ns, end_ns = segments[49].end_ns, segments[50].t0_ns
    minute = Coverage("kid", 60 * NS, 60 * NS, Usability.BLIND, ("sock_charging",), ())
    original = recording(segments, coverage=(minute,))
    assert list(gaps_of(original)) == [Gap(Site.LA, onset_ns, end_ns, "sock_charging")]
    back = round_trip(original, tmp_path)
    told = next(a for a in back.annotations if "sock_charging" in a.text)
    assert told.text == "gap LA sock_charging"
    assert told.onset_ns == pytest.approx(onset_ns, abs=1000)
    assert told.duration_ns == pytest.approx(end_ns - onset_ns, abs=1000)
    for sidecar in tmp_path.glob("*_clock.*"):
        sidecar.unlink()
    alone = read_recording(tmp_path / "night.edf")
    assert len(alone.segments) == 2
    hole_ns = alone.segments[1].t0_ns - alone.segments[0].end_ns
    assert hole_ns == pytest.approx(end_ns - onset_ns, abs=3 * STEP_NS)
    assert sum(s.n for s in alone.segments) == pytest.approx(sum(s.n for s in segments), abs=6)


def test_a_gap_that_ends_with_a_restart_says_so() -> None:
    after = segment(0, t0_ns=9 * NS, boot=8, flags=SegmentFlag.RESTART)
    assert [g.cause for g in gaps_of(recording([segment(0), after]))] == ["restart"]
    assert [g.cause for g in gaps_of(recording([segment(0), replace(after, flags=SegmentFlag.NONE)]))] == [
        "not_received"
    ]


def test_what_fills_a_gap_repeats_the_last_sample_and_is_never_zero(tmp_path: Path) -> None:
    first, second = segment(0, t0_ns=0), segment(1, t0_ns=3 * NS)
    write_recording(recording([first, second], start_utc_ns=None), tmp_path / "n.edf")
    for axis, signal in enumerate(edfio.read_edf(tmp_path / "n.edf").signals):
        assert set(signal.digital[16:312]) == {first.counts[-1, axis]}
        assert set(signal.digital[328:]) == {second.counts[-1, axis]}


def test_events_states_and_notes_are_annotations(tmp_path: Path) -> None:
    segments = [segment(seq) for seq in range(650)]
    original = recording(
        segments,
        events=(
            event("a", onset_ns=5 * NS),
            event("a", 2, onset_ns=5 * NS, end_ns=15 * NS),
            event("b", status=EventStatus.WITHDRAWN),
            event("c", merged_into="a"),
        ),
        states=(StateEpoch("kid", 0, 30 * NS, State.QUIET_SLEEP, 0.9, 0.6, 0.8, None),),
        notes=(Note("kid", 7 * NS, "seen", "back\tarched", "x"),),
    )
    back = round_trip(original, tmp_path)
    told = {(round(a.onset_ns, -3), a.duration_ns, a.text) for a in back.annotations}  # kept to a microsecond
    assert {t for t in told if not t[2].startswith("gap")} == {
        (5 * NS, 10 * NS, "spasm_like_cluster"),
        (0, 30 * NS, "state quiet_sleep"),
        (7 * NS, 0, "note seen: back arched"),
    }


def test_a_long_note_is_whole_and_does_not_swell_the_file(tmp_path: Path) -> None:
    segments = [segment(seq) for seq in range(650)]
    words = " ".join(f"word{i}" for i in range(400))
    plain = write_recording(recording(segments), tmp_path / "plain.edf")[0].stat().st_size
    noted = recording(segments, notes=(Note("kid", 7 * NS, "seen", words, "x"),))
    (path,) = write_recording(noted, tmp_path / "noted.edf")
    assert path.stat().st_size < 1.1 * plain
    parts = [a.text for a in read_recording(path).annotations if a.text.startswith("note")]
    assert parts[0].startswith("note seen 01/")
    assert " ".join(text.partition(": ")[2] for text in parts) == words


def test_what_a_file_was_annotated_with_is_passed_on(tmp_path: Path) -> None:
    told = (Annotation(80 * NS, NS, "arousal"), Annotation(81 * NS, NS, "gap LA invented"))
    back = round_trip(recording(night(), annotations=told), tmp_path)
    texts = [a.text for a in back.annotations]
    assert "arousal" in texts
    assert "gap LA invented" not in texts


def test_a_date_that_was_moved_away_is_not_written(tmp_path: Path) -> None:
    moved = recording(night(3), start_utc_ns=-2_208_988_800 * NS)  # 1900-01-01
    (path,) = write_recording(moved, tmp_path / "n.edf")
    assert b"Startdate X" in path.read_bytes()[:256]
    assert read_recording(path).start_utc_ns == -2_208_988_800 * NS


@pytest.mark.parametrize("sidecar", ["_clock.json", "_clock.tsv"])
@settings(max_examples=30)
@given(noise=st.binary(max_size=30), at=st.floats(0, 1), cut=st.booleans())
def test_no_bytes_of_a_sidecar_make_the_reader_fail_otherwise_than_by_name(
    tmp_path_factory: pytest.TempPathFactory, sidecar: str, noise: bytes, at: float, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    write_recording(recording([segment(seq) for seq in range(30)]), folder / "n.edf")
    path = folder / f"n{sidecar}"
    whole = path.read_bytes()
    place = int(at * len(whole))
    path.write_bytes(whole[:place] + noise + (b"" if cut else whole[place + len(noise) :]))
    try:
        read_recording(folder / "n.edf")
    except (BadRecording, BadTable) as error:
        assert "n_clock" in str(error) or "n.edf" in str(error)  # noqa: PT017 - noise may be readable too


def test_a_journal_becomes_a_recording_and_comes_back(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "n.sqlite") as journal:
        journal.commit([ClockRow(0, START, "b", "Europe/Kyiv")])
        journal.commit([segment_row(s) for s in reversed(night(5))])
        journal.commit([event("a")])
        original = from_journal(journal, "kid")
        assert original.start_utc_ns == START + original.t0_ns
        assert original.events == (event("a"),)
        assert round_trip(original, tmp_path).segments == tuple(journal.segments("kid"))


def test_a_recording_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to write"):
        write_recording(replace(recording([segment()]), segments=()), tmp_path / "n.edf")


# recordings of others


def foreign(path: Path, signals: dict[str, tuple[np.ndarray[Any, Any], float, str]], **more: Any) -> Path:
    made = [
        edfio.EdfSignal(data, rate, label=label, physical_dimension=unit)
        for label, (data, rate, unit) in signals.items()
    ]
    edfio.Edf(made, **more).write(path)
    return path


def wave(n: int, peak: float, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(0, peak / 5, n).clip(-peak, peak)


def triple(site: str, kind: str, rate: float, seconds: float, unit: str, peak: float) -> dict[str, Any]:
    n = round(rate * seconds)
    return {f"{site}_{kind}_{axis}": (wave(n, peak, i), rate, unit) for i, axis in enumerate("xyz")}


def acc_g(made: Segment) -> np.ndarray[Any, Any]:
    return made.counts[:, :3] * made.scale.acc_g


@pytest.mark.parametrize(
    ("unit", "per_g"), [("g", 1.0), ("mg", 1000.0), ("m/s2", 9.80665), ("m/s^2", 9.80665)]
)
def test_acceleration_in_any_usual_unit_is_read_in_g(tmp_path: Path, unit: str, per_g: float) -> None:
    signals = triple("RW", "ACC", 50, 10, unit, 2 * per_g)
    (made,) = read_recording(foreign(tmp_path / "f.edf", signals)).segments
    assert (made.site, made.n, made.step_ns, made.counts.shape[1]) == (Site.RW, 500, 20_000_000, 3)
    wanted = np.column_stack([data for data, _, _ in signals.values()]) / per_g
    assert np.abs(acc_g(made) - wanted).max() < 2 * 2 / 65535 + 2e-4  # two counts, and 8 characters of range


@pytest.mark.parametrize(("unit", "per_dps"), [("deg/s", 1.0), ("rad/s", np.pi / 180), ("mdps", 1000.0)])
def test_angular_rate_in_any_usual_unit_is_read_in_degrees(tmp_path: Path, unit: str, per_dps: float) -> None:
    signals = triple("LA", "ACC", 100, 5, "g", 2) | triple("LA", "GYRO", 100, 5, unit, 300 * per_dps)
    (made,) = read_recording(foreign(tmp_path / "f.edf", signals)).segments
    wanted = np.column_stack([signals[f"LA_GYRO_{a}"][0] for a in "xyz"]) / per_dps
    assert np.abs(made.counts[:, 3:] * made.scale.gyro_dps - wanted).max() < 0.05


def test_angular_rate_at_another_rate_is_brought_to_the_acceleration_s(tmp_path: Path) -> None:
    t_s = np.arange(0, 20, 1 / 50)
    turning = {
        f"LA_GYRO_{a}": (100 * np.sin(2 * np.pi * 2 * t_s + i), 50.0, "deg/s") for i, a in enumerate("xyz")
    }
    read = read_recording(foreign(tmp_path / "f.edf", triple("LA", "ACC", 100, 20, "g", 2) | turning))
    (made,) = read.segments
    assert "resampled from 50 to 100 Hz" in read.remarks[0]
    fine_s = np.arange(0, 20, 1 / 100)
    wanted = np.column_stack([100 * np.sin(2 * np.pi * 2 * fine_s + i) for i in range(3)])
    assert np.abs(made.counts[200:-200, 3:] * made.scale.gyro_dps - wanted[200:-200]).max() < 0.5


def test_sites_may_have_rates_of_their_own_also_fractional_ones(tmp_path: Path) -> None:
    signals = triple("LA", "ACC", 204.8, 10, "g", 2) | triple("HD", "ACC", 12.5, 10, "g", 2)
    read = read_recording(foreign(tmp_path / "f.edf", signals))
    assert [(s.site, s.n, s.step_ns) for s in read.segments] == [
        (Site.HD, 125, 80_000_000),
        (Site.LA, 2048, 4_882_812),
    ]


def test_counts_with_one_scale_are_kept_bit_by_bit(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).integers(-32768, 32768, (1000, 3), dtype=np.int16)
    signals = [
        edfio.EdfSignal.from_digital(
            counts[:, i].copy(), 100, label=f"TR_ACC_{a}", physical_dimension="g", physical_range=(-8, 8)
        )
        for i, a in enumerate("xyz")
    ]
    edfio.Edf(signals).write(tmp_path / "f.edf")
    (made,) = read_recording(tmp_path / "f.edf").segments
    assert np.array_equal(made.counts, counts)
    assert made.scale.acc_g == pytest.approx(16 / 65535)


def test_a_date_is_understood_in_the_zone_that_is_given(tmp_path: Path) -> None:
    path = foreign(
        tmp_path / "f.edf",
        triple("LA", "ACC", 50, 5, "g", 2),
        recording=edfio.Recording(startdate=datetime.date(2026, 3, 15)),
        starttime=datetime.time(0, 30),
    )
    assert read_recording(path).start_utc_ns == 1_773_534_600 * NS
    assert read_recording(path, zone="Europe/Kyiv").start_utc_ns == (1_773_534_600 - 7200) * NS


def test_other_signals_are_left_out_with_a_remark(tmp_path: Path) -> None:
    signals = triple("LA", "ACC", 50, 5, "g", 2) | {"ECG": (wave(500, 1), 100.0, "mV")}
    read = read_recording(foreign(tmp_path / "f.edf", signals))
    assert read.sites == (Site.LA,)
    assert any("'ECG' was left out" in remark for remark in read.remarks)


@pytest.mark.parametrize(
    ("signals", "complaint"),
    [
        ({"ECG": (wave(500, 1), 100.0, "mV")}, "no signal that we know.*ECG.*SITE_ACC_x"),
        ({"LA_ACC_x": (wave(500, 1), 100.0, "g")}, "LA_ACC_y, LA_ACC_z is missing"),
        (triple("LA", "GYRO", 50, 5, "deg/s", 9), "LA has no acceleration"),
        (triple("LA", "ACC", 50, 5, "furlong", 2), "LA_ACC_x is in 'furlong'.*Known units"),
        (
            triple("LA", "ACC", 50, 5, "g", 2) | {"LA_ACC_z": (wave(500, 2), 100.0, "g")},
            r"unlike rates \(50, 50, 100 Hz\)",
        ),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_remedy(
    tmp_path: Path, signals: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BadRecording, match=rf"f\.edf.*{complaint}"):
        read_recording(foreign(tmp_path / "f.edf", signals))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match=r"gone\.edf: there is no such file"):
        read_recording(tmp_path / "gone.edf")


@settings(max_examples=60)
@given(noise=st.binary(max_size=600), keep=st.integers(0, 600))
def test_no_bytes_make_the_reader_fail_otherwise_than_by_name(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, keep: int
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    whole = foreign(folder / "f.edf", triple("LA", "ACC", 50, 2, "g", 2)).read_bytes()
    (folder / "f.edf").write_bytes(whole[:keep] + noise + whole[keep + len(noise) :][: len(noise) * 7])
    try:
        read_recording(folder / "f.edf")
    except BadRecording as error:
        assert "f.edf" in str(error)  # noqa: PT017 - a noise that happens to be readable is as good an answer


def test_a_file_cut_short_is_read_up_to_there_with_a_remark(tmp_path: Path) -> None:
    path = foreign(tmp_path / "f.edf", triple("LA", "ACC", 50, 10, "g", 2))
    path.write_bytes(path.read_bytes()[:-450])
    read = read_recording(path)
    assert read.segments[0].n == 400
    assert any("truncated" in remark for remark in read.remarks)


# sidecars that do not fit


def test_a_sidecar_of_another_file_is_refused(tmp_path: Path) -> None:
    write_recording(recording(night(3)), tmp_path / "short.edf")
    write_recording(recording(night(9)), tmp_path / "long.edf")
    (tmp_path / "long_clock.tsv").replace(tmp_path / "short_clock.tsv")
    with pytest.raises(BadRecording, match="not of one writing"):
        read_recording(tmp_path / "short.edf")


def test_a_bad_line_of_the_sidecar_is_named_by_its_number(tmp_path: Path) -> None:
    write_recording(recording([segment(seq) for seq in range(5)]), tmp_path / "n.edf")
    sidecar = tmp_path / "n_clock.tsv"
    lines = sidecar.read_text().splitlines()
    lines[3] = lines[3].replace("LA", "ELBOW")
    sidecar.write_text("\n".join(lines))
    with pytest.raises(BadTable, match=r"n_clock\.tsv, line 4: .*ELBOW"):
        read_recording(tmp_path / "n.edf")
    sidecar.write_text("nonsense\n")
    with pytest.raises(BadTable, match="line 1"):
        read_recording(tmp_path / "n.edf")


@pytest.mark.parametrize("content", [None, "{", "[]", '{"format": 1}', '{"format": 99}'])
def test_a_description_that_is_missing_torn_or_too_new_is_named(tmp_path: Path, content: str | None) -> None:
    write_recording(recording([segment()]), tmp_path / "n.edf")
    described = tmp_path / "n_clock.json"
    described.unlink() if content is None else described.write_text(content)
    with pytest.raises(BadRecording, match=r"n_clock\.json"):
        read_recording(tmp_path / "n.edf")


def test_the_sidecar_keeps_the_exact_scale(tmp_path: Path) -> None:
    odd = Scale(0.000061037018951994, 1 / 16.4)
    assert round_trip(recording([segment(scale=odd)]), tmp_path).segments[0].scale == odd
    assert json.loads((tmp_path / "night_clock.json").read_text())["infant"] == "kid"
