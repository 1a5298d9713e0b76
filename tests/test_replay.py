"""A night from wherever it was kept, at any pace: the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow, Label, Segment, Site, Tick
from firmware_sim.night import make_night
from firmware_sim.scenario import scenario_from_toml
from lullwatch.__main__ import main
from lullwatch.detector import Told
from lullwatch.nights import Night, load, settled_night
from lullwatch.replay import Pace, replay, told_lines, write_results
from lullwatch.replaying import BadPace, pace_of
from lullwatch.sources import from_influx
from lullwatch.watch import Watch, config_of
from store.bids_write import BidsNight, write_dataset
from store.edf import write_recording
from store.influx import InfluxSink, SinkState
from store.influx_read import InfluxSource
from store.journal import Journal
from store.recording import from_journal
from store.rows import FedRow
from tests.servers_fixtures import Influx
from tests.store_examples import segment_row

KID = "kid"
EVENING_UTC_NS = 1_767_290_400 * NS
SCENARIO = """
name = "series"
duration_min = 14
age_days = 200
[[phase]]
state = "awake"
minutes = 14
[[movement]]
kind = "spasm_cluster"
at_min = 10.2
count = 8
gap_s = 9.0
subtle = false
"""


@pytest.fixture(scope="module")
def segments() -> list[Segment]:
    return make_night(scenario_from_toml(SCENARIO), seed=1001, infant=KID).segments()


@pytest.fixture(scope="module")
def journal_file(segments: list[Segment], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "journal-2026-01-01.sqlite"
    watch = Watch.of(KID, (Site.LA, Site.RA, Site.TR, Site.LW), 200)
    with Journal.open(path) as journal:
        journal.commit([ClockRow(0, EVENING_UTC_NS, "boot", "Europe/Berlin"), config_of(watch, 0)])
        for start in range(0, len(segments), 500):
            part = segments[start : start + 500]
            journal.commit([*(segment_row(s, KID) for s in part), FedRow(KID, Tick(part[-1].end_ns))])
    return path


@pytest.fixture
def copied(journal_file: Path, influx: Influx) -> Iterator[Influx]:
    place = {"url": influx.url, "token": influx.token, "org": influx.org, "bucket": influx.bucket}
    with Journal.read_only(journal_file) as journal, InfluxSink(journal, gateway="gw", **place) as sink:
        while sink.step().state is SinkState.SENT:
            pass
    yield influx
    for beside in journal_file.parent.glob("*.cursors.sqlite*"):
        beside.unlink()


def test_a_night_from_the_database_tells_byte_for_byte_what_the_journal_tells(
    journal_file: Path, copied: Influx, tmp_path: Path
) -> None:
    (kept,) = load(journal_file)
    (read,) = from_influx(InfluxSource(copied.url, copied.bucket, token=copied.token))
    assert (read.sites, read.age_days, read.clock, read.end_ns) == (
        kept.sites,
        kept.age_days,
        kept.clock,
        kept.end_ns,
    )
    ours, theirs = replay(kept), replay(read)
    assert any(e.label == "spasm_like_cluster" for e in ours.told.final_events)
    assert told_lines(theirs.told.events, theirs.told.alerts) == told_lines(
        ours.told.events, ours.told.alerts
    )
    write_results(replace(theirs, night=kept), tmp_path / "a", picture=False)
    write_results(ours, tmp_path / "b", picture=False)
    for path in (tmp_path / "b").iterdir():
        assert (tmp_path / "a" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_command_reads_a_database_with_a_secret_from_a_file(
    copied: Influx, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LULLWATCH_INFLUX_TOKEN", raising=False)
    secret = tmp_path / "token"
    secret.write_text(copied.token)
    words = ["replay", "--influx", copied.url, "--database", copied.bucket, "--token-file", str(secret)]
    words += ["--infant", KID, "--night", "2026-01-01", "--out", str(tmp_path / "out"), "--no-picture"]
    secret.chmod(0o644)
    assert main(words) == 2
    secret.chmod(0o600)
    assert main(words) == 0
    assert (tmp_path / "out" / "influx-2026-01-01_kid_events.tsv").exists()
    assert main([*words[:-4], "2026-01-02", *words[-3:]]) == 2
    said = capsys.readouterr()
    assert "no raw samples" in said.err
    assert copied.token not in said.out + said.err


def test_a_token_is_not_sent_to_another_computer_in_the_clear(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LULLWATCH_INFLUX_TOKEN", "s3cret")
    assert main(["replay", "--influx", "http://influx.invalid:8086"]) == 2
    said = capsys.readouterr().err
    assert "--allow-unencrypted" in said
    assert "s3cret" not in said


def test_recordings_of_every_kind_tell_the_same_events(journal_file: Path, tmp_path: Path) -> None:
    with Journal.read_only(journal_file) as journal:
        recording = from_journal(journal, KID)
    write_recording(recording, tmp_path / "night.edf")
    write_dataset(tmp_path / "bids", [BidsNight(recording)])
    kept = settled_night("kept", recording.at_rest(), None)
    told = spans(kept)
    for path in (tmp_path / "night.edf", tmp_path / "bids"):
        (night,) = load(path)
        again = spans(night)
        assert [label for label, _, _ in again] == [label for label, _, _ in told]
        away_ns = [
            abs(x - y) for a, b in zip(again, told, strict=True) for x, y in zip(a[1:], b[1:], strict=True)
        ]
        assert max(away_ns) <= NS / 104


def spans(night: Night) -> list[tuple[str, int, int]]:
    """Label, onset and end of every event, from the first on; of one onset by label, because ids may differ."""
    events = replay(night, age_days=200).told.final_events
    first_ns = events[0].onset_ns
    return sorted(
        ((e.label.value, e.onset_ns - first_ns, e.end_ns - first_ns) for e in events),
        key=lambda e: (round(e[1] / NS, 1), e[0]),
    )


@pytest.mark.parametrize("as_arrived", [False, True])
def test_the_pace_changes_when_things_are_told_and_nothing_else(journal_file: Path, as_arrived: bool) -> None:
    now_s = 0.0
    told_at: list[float] = []

    def tell(told: Told) -> None:
        if any(e.label is Label.SPASM_LIKE_CLUSTER for e in told.events):
            told_at.append(now_s)

    def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    (night,) = load(journal_file, as_arrived=as_arrived)
    fast = replay(night).told
    (night,) = load(journal_file, as_arrived=as_arrived)
    pace = Pace(10.0, sleep=sleep, monotonic=lambda: now_s)
    slow = replay(night, pace=pace, on_told=tell).told
    assert told_lines(slow.events, slow.alerts) == told_lines(fast.events, fast.alerts)
    assert now_s == pytest.approx(night.duration_s / 10, rel=0.05)
    assert 62 < told_at[0] < 75


@pytest.mark.parametrize(("text", "times"), [("1x", 1.0), ("10x", 10.0), ("0.5x", 0.5), ("60", 60.0)])
def test_a_pace_is_seconds_of_data_in_a_second(text: str, times: float) -> None:
    pace = pace_of(text)
    assert pace is not None
    assert pace.times == times


def test_a_pace_that_cannot_be_meant_is_refused() -> None:
    assert pace_of("max") is None
    for text in ("fast", "0x", "-1x", "nan", "inf"):
        with pytest.raises(BadPace):
            pace_of(text)


def test_nothing_given_and_an_empty_folder_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay"]) == 2
    assert main(["replay", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "--influx" in said
    assert "no recording" in said
