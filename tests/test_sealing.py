"""A sealed night is the journal's samples, bit for bit, in a file that is read at once."""

from __future__ import annotations

import json
import sqlite3
import time
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dsp.records import NS, Scale, Segment, SegmentFlag, Site, Stretch
from lullwatch.nights import load
from store import sealing
from store.errors import BadRecording, NotSealed, StoreError
from store.journal import Journal
from store.recording import AtRest, from_journal
from store.samples import times_of
from store.sealing import read_sealed, seal, sealed_night, sealed_path, unseal
from tests.recording_makers import journal_of, recording_of, segments_of, with_gaps
from tests.store_examples import segment_row


def same(one: Stretch, other: Stretch) -> bool:
    """Whether all is equal but where in the counts, of which there may be more, the samples stand."""
    plain = [f.name for f in fields(one) if f.name not in ("firsts", "counts")]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in plain) and np.array_equal(
        one.counts[times_of(one)[1]], other.counts[times_of(other)[1]]
    )


def equal(one: AtRest, other: AtRest) -> bool:
    return (one.infant, one.zone, one.start_utc_ns, one.t0_ns) == (
        other.infant,
        other.zone,
        other.start_utc_ns,
        other.t0_ns,
    ) and all(same(a, b) for a, b in zip(one.stretches, other.stretches, strict=True))


def by_rows(path: Path, infant: str = "kid") -> AtRest:
    with Journal.read_only(path) as journal:
        return from_journal(journal, infant).at_rest()


def by_seal(path: Path, infant: str = "kid") -> AtRest | None:
    with Journal.read_only(path) as journal:
        return sealed_night(journal, infant)


def add(path: Path, *made: Segment, infant: str = "kid") -> None:
    with Journal.open(path) as journal:
        journal.commit([segment_row(s, infant) for s in made])


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return journal_of(tmp_path / "journal-2026-03-14.sqlite", recording_of(with_gaps(100)))


def test_a_sealed_night_is_the_journal_s_night_in_every_field(journal: Path) -> None:
    sealed = seal(journal)
    assert sealed.path == sealed_path(journal)
    assert sealed.segments == len(recording_of(with_gaps(100)).segments)
    night = by_seal(journal)
    assert night is not None
    assert equal(night, by_rows(journal))
    assert equal(read_sealed(sealed.path)[0], night)


def test_nothing_but_the_journal_and_its_seal_is_left_in_the_folder(journal: Path) -> None:
    seal(journal)
    assert not list(journal.parent.glob("*.partial"))


def test_late_packets_other_sensors_and_other_ranges_stand_where_they_were_taken(tmp_path: Path) -> None:
    path = tmp_path / "n.sqlite"
    made = segments_of(30, (Site.LA,))
    other = [replace(s, sensor="spare", boot=9, scale=Scale(16 / 32768, 0.07)) for s in made[60:90]]
    bare = [replace(s, site=Site.TR, sensor="bare", counts=s.counts[:, :3]) for s in made[:40]]
    late = [replace(s, flags=SegmentFlag.BACKFILL) for s in made[20:40]]
    add(path, *bare, *made[:20], *made[40:60], *reversed(late), *other, *made[90:])
    seal(path)
    night = by_seal(path)
    assert night is not None
    assert [(s.site, s.sensor) for s in night.stretches] == [
        (Site.LA, "sock-LA"),
        (Site.TR, "bare"),
        (Site.LA, "spare"),
        (Site.LA, "sock-LA"),
    ]
    assert equal(night, by_rows(path))
    assert night.recording().segments == tuple(Journal.read_only(path).segments("kid"))


def test_each_infant_is_sealed_apart(tmp_path: Path) -> None:
    path = journal_of(tmp_path / "n.sqlite", recording_of(segments_of(5)))
    twin = [replace(s, sensor=f"twin-{s.site}") for s in segments_of(4, (Site.LA, Site.RA))]
    add(path, *twin, infant="other")
    seal(path)
    for infant in ("kid", "other"):
        night = by_seal(path, infant)
        assert night is not None
        assert equal(night, by_rows(path, infant))
    assert by_seal(path, "nobody") is None


def test_what_a_packet_was_beside_its_segment_is_kept_too(journal: Path) -> None:
    seal(journal)
    with np.load(sealed_path(journal)) as archive:
        packets, segments = archive["0/0/packets"], archive["0/0/segments"]
    with Journal.read_only(journal) as read:
        wanted = {p.seq: (p.clock, p.arrived_ns) for p in read.packets("kid") if p.site is Site.LA}
    found = dict(zip(segments[0].tolist(), zip(*packets[1:].tolist(), strict=True), strict=True))
    assert found == wanted


def test_packets_that_come_later_make_the_journal_be_read_again(journal: Path) -> None:
    seal(journal)
    add(journal, replace(segments_of(1)[0], seq=999_999, t0_ns=900 * NS))
    assert by_seal(journal) is None
    (night,) = load(journal)
    assert night.end_ns > 900 * NS
    seal(journal)
    again = by_seal(journal)
    assert again is not None
    assert equal(again, by_rows(journal))


@pytest.mark.parametrize("kept_first", [False, True])
def test_raw_data_that_is_no_longer_kept_does_not_come_back(journal: Path, kept_first: bool) -> None:
    seal(journal)
    with sqlite3.connect(journal) as db:
        (row,) = db.execute("SELECT min(row) FROM segment").fetchone()
        db.execute("DELETE FROM segment WHERE row < 500 AND row > ?", (row if kept_first else -1,))
    assert by_seal(journal) is None


def test_replay_takes_the_sealed_night(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (before,) = load(journal)
    seal(journal)
    monkeypatch.setattr("lullwatch.nights.from_journal", lambda *_: pytest.fail("the rows were read"))
    (after,) = load(journal)
    assert replace(after, blocks=()) == replace(before, blocks=())
    for mine, wanted in zip(after.blocks, before.blocks, strict=True):
        for a, b in zip(mine, wanted, strict=True):
            assert same(a, b) if isinstance(a, Stretch) and isinstance(b, Stretch) else a == b


def test_a_damaged_seal_sends_replay_to_the_rows(journal: Path, caplog: pytest.LogCaptureFixture) -> None:
    (before,) = load(journal)
    path = seal(journal).path
    path.write_bytes(path.read_bytes()[:5000])
    (after,) = load(journal)
    assert replace(after, blocks=()) == replace(before, blocks=())
    assert path.name in caplog.text
    assert "row by row" in caplog.text


def test_a_sealed_file_is_replayed_without_its_journal(journal: Path) -> None:
    sealed = seal(journal).path
    (before,) = load(journal)
    journal.unlink()
    (night,) = load(sealed)
    assert (night.infant, night.t0_ns, night.sites) == ("kid", before.t0_ns, before.sites)


def test_it_counts_as_sealed_only_when_every_bit_was_read_back(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = np.savez

    def spoiling(file: object, **arrays: np.ndarray) -> None:
        counts = arrays["0/1/counts"].copy()
        counts[len(counts) // 2, 2] ^= 1
        real(file, **{**arrays, "0/1/counts": counts})

    monkeypatch.setattr(sealing.np, "savez", spoiling)
    with pytest.raises(NotSealed, match=r"does not read back bit by bit.*journal is untouched"):
        seal(journal)
    assert not sealed_path(journal).exists()
    assert by_seal(journal) is None


@pytest.mark.parametrize("name", ["segments", "packets"])
def test_a_wrong_time_or_clock_is_seen_before_it_counts_as_sealed(
    journal: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    real = np.savez

    def spoiling(file: object, **arrays: np.ndarray) -> None:
        table = arrays[f"0/2/{name}"].copy()
        table[1, 7] += 1
        real(file, **{**arrays, f"0/2/{name}": table})

    monkeypatch.setattr(sealing.np, "savez", spoiling)
    with pytest.raises(NotSealed):
        seal(journal)


def test_a_seal_that_fails_leaves_the_one_before(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seal(journal)
    before = sealed_path(journal).read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealing.np, "savez", full)
    with pytest.raises(NotSealed, match="No space left on device"):
        seal(journal)
    assert sealed_path(journal).read_bytes() == before


def test_a_journal_without_samples_is_not_sealed(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "n.sqlite"):
        pass
    with pytest.raises(NotSealed, match="no movement signals"):
        seal(tmp_path / "n.sqlite")


def test_a_seal_can_be_taken_off(journal: Path) -> None:
    assert not unseal(journal)
    seal(journal)
    assert unseal(journal)
    assert by_seal(journal) is None


def test_progress_adds_up_to_the_whole(journal: Path) -> None:
    steps: list[float] = []
    seal(journal, on_progress=steps.append)
    assert sum(steps) == pytest.approx(1.0, abs=0.02)


def test_a_sealed_file_holds_nothing_but_plain_arrays(journal: Path) -> None:
    with zipfile.ZipFile(seal(journal).path) as archive:
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        assert all(info.filename.endswith(".npy") for info in archive.infolist())
    with np.load(sealed_path(journal), allow_pickle=False) as arrays:
        assert json.loads(arrays["about"].tobytes())["format"] == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(min_size=1, max_size=60), at=st.floats(0, 1), cut=st.booleans())
@example(noise=b"[", at=0.0002, cut=False)
def test_a_damaged_seal_is_named_and_never_taken_for_data(
    journal: Path, noise: bytes, at: float, cut: bool
) -> None:
    path = sealed_path(journal)
    if not path.with_suffix(".kept").exists():
        seal(journal)
        path.rename(path.with_suffix(".kept"))
    whole = path.with_suffix(".kept").read_bytes()
    place = int(at * (len(whole) - len(noise)))
    path.write_bytes(whole[:place] + noise + (b"" if cut else whole[place + len(noise) :]))
    try:
        (read,) = read_sealed(path)
    except StoreError as error:
        assert path.name in str(error)  # noqa: PT017 - noise that changes nothing is as good an answer
    else:
        assert equal(read, by_rows(journal))


def test_a_newer_format_is_named(journal: Path) -> None:
    path = seal(journal).path
    with np.load(path) as archive:
        arrays = dict(archive)
    about = json.loads(arrays["about"].tobytes()) | {"format": 2}
    np.savez(path, **{**arrays, "about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)})
    with pytest.raises(BadRecording, match="sealed by a newer version"):
        read_sealed(path)


def test_a_sealed_night_is_read_far_faster_than_its_rows(tmp_path: Path) -> None:
    path = journal_of(tmp_path / "n.sqlite", recording_of(segments_of(300)))
    seal(path)

    def took_s(read: object) -> float:
        best = 1e9
        for _ in range(3):
            began = time.process_time()
            read(path)  # type: ignore[operator]
            best = min(best, time.process_time() - began)
        return best

    rows_s, sealed_s = took_s(by_rows), took_s(by_seal)
    assert rows_s / sealed_s > 5
