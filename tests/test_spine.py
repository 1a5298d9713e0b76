"""The spine: what is told live is the same whether or not the program was stopped, killed or could not write."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from alerts.words import Wording
from dsp.records import NS, ClockRow, Scale, Segment, Severity, Site, Tick, Watchfulness, Watching
from firmware_sim.sim_clock import SimClock
from lullwatch.intake import Intake
from lullwatch.nights import load
from lullwatch.past import SNAPSHOT_EVERY_NS
from lullwatch.replay import replay, told_lines
from lullwatch.spine import Spine, Taken
from lullwatch.watch import Watch
from store.errors import JournalFull
from store.journal import Journal
from store.rows import FedRow, Row, SegmentRow
from tests.spine_examples import KID, SITES, Batch, five_minutes

CLOCK = ClockRow(0, 1_767_290_400 * NS, "boot", "UTC")


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    return five_minutes()


def watch(sites: Sequence[Site] = SITES, age_days: int | None = 200) -> Watch:
    return Watch.of(KID, sites, age_days)


def run(
    path: Path,
    batches: Sequence[Batch],
    *,
    stops: Sequence[int] = (),
    planned: bool = True,
    end: bool = False,
) -> bytes:
    """Take every batch, beginning anew at `stops`; returns what was told."""
    done = 0
    for stop in [*sorted(stops), len(batches)]:
        with Journal.open(path) as journal:
            spine = Spine(journal, [watch(age_days=200 + (done > 0))])  # stopped over midnight
            spine.begin(CLOCK)
            for batch in batches[done:stop]:
                spine.take(batch)
            if planned:
                spine.pause()
            done = stop
            if end and stop == len(batches):
                spine.finish()
    with Journal.read_only(path) as journal:
        return told_lines(journal.events(KID), journal.alerts(KID))


@pytest.fixture(scope="module")
def uninterrupted(batches: list[Batch], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    told = run(tmp_path_factory.mktemp("whole") / "j.sqlite", batches, end=True)
    assert b'"urgent"' in told
    return told


@pytest.mark.parametrize("planned", [True, False])
def test_a_night_with_stops_tells_the_same_rows_as_one_without(
    batches: list[Batch], uninterrupted: bytes, tmp_path: Path, planned: bool
) -> None:
    rng = np.random.default_rng(7)
    for number in range(3):
        stops = [int(s) for s in rng.integers(5, len(batches) - 5, size=3)]
        path = tmp_path / f"{number}.sqlite"
        assert run(path, batches, stops=stops, planned=planned, end=True) == uninterrupted, stops


def test_a_stop_in_the_middle_of_a_series_swallows_no_ring(batches: list[Batch], tmp_path: Path) -> None:
    for stop in (100, 110, 120, 130):
        path = tmp_path / f"{stop}.sqlite"
        run(path, batches, stops=[stop])
        with Journal.read_only(path) as journal:
            rings = [a for a in journal.alerts(KID) if a.facts["announce"] == "ring"]
        assert len(rings) == 1, stop


@pytest.mark.parametrize("end", [True, False])
def test_as_arrived_tells_what_was_told_live_whether_the_recording_ended_or_only_paused(
    batches: list[Batch], tmp_path: Path, end: bool
) -> None:
    path = tmp_path / "j.sqlite"
    live = run(path, batches, stops=[150], end=end)
    (night,) = load(path, as_arrived=True)
    assert night.age_days == 200
    told = replay(night).told
    assert told_lines(told.events, told.alerts) == live


def test_as_arrived_knows_a_configured_sensor_that_was_never_heard(
    batches: list[Batch], tmp_path: Path
) -> None:
    path = tmp_path / "j.sqlite"
    silent = [
        [r for r in b if not (isinstance(r, SegmentRow) and r.segment.site is Site.TR)] for b in batches
    ]
    live = run(path, silent)
    (night,) = load(path, as_arrived=True)
    assert Site.TR in night.sites
    told = replay(night).told
    assert told_lines(told.events, told.alerts) == live


def test_a_sensor_that_is_added_in_the_night_begins_a_new_watch_and_breaks_nothing(
    batches: list[Batch], tmp_path: Path
) -> None:
    path = tmp_path / "j.sqlite"
    with Journal.open(path) as journal:
        legs = Spine(journal, [watch((Site.LA, Site.RA))])
        legs.begin(CLOCK)
        for batch in batches[:90]:
            legs.take([r for r in batch if isinstance(r, FedRow) or r.segment.site is not Site.TR])
        legs.pause()
    with Journal.open(path) as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        for batch in batches[90:]:
            spine.take(batch)
    assert [n.sites for n in load(path, as_arrived=True)] == [SITES, SITES]
    with Journal.read_only(path) as journal:
        assert any(a.severity is Severity.URGENT for a in journal.alerts(KID))


@pytest.mark.parametrize("kills", [False, True])
def test_new_settings_forget_nothing_that_was_told_and_a_replay_knows_it_too(
    batches: list[Batch], tmp_path: Path, kills: bool
) -> None:
    path = tmp_path / "j.sqlite"
    silence: list[Batch] = [[FedRow(KID, Tick(s * NS))] for s in range(303, 303 + 10 * 60)]
    run(path, [*batches, *silence])
    german = Watch.of(KID, SITES, 200, Wording("de"))
    after: list[Batch] = [[FedRow(KID, Tick(s * NS))] for s in range(903, 963)]
    for part in (after[:20], after[20:]):
        with Journal.open(path) as journal:
            spine = Spine(journal, [german])
            spine.begin(CLOCK)
            for batch in part:
                spine.take(batch)
            if not kills:
                spine.pause()
    with Journal.open(path) as journal:
        spine = Spine(journal, [german])
        spine.begin(CLOCK)
        spine.take([Watching(KID, 963 * NS, Watchfulness.DISARMED), FedRow(KID, Tick(964 * NS))])
        blind = [(a.id, a.version, a.cleared) for a in journal.alerts(KID) if a.pattern == "blind"]
        live = told_lines(journal.events(KID), journal.alerts(KID))
    assert [(version, cleared) for _, version, cleared in blind] == [(1, False), (2, True)]
    assert len({alert for alert, _, _ in blind}) == 1
    first, second = [replay(night).told for night in load(path, as_arrived=True)]
    assert told_lines([*first.events, *second.events], [*first.alerts, *second.alerts]) == live


def test_starts_in_a_row_do_not_grow_longer_though_none_lives_for_a_minute(
    batches: list[Batch], tmp_path: Path
) -> None:
    path = tmp_path / "j.sqlite"
    run(path, batches, stops=range(10, len(batches), 10), planned=False)
    with Journal.open(path) as journal:
        newest = journal.newest_snapshot(KID)
        told_ns = max(tick.t_ns for _, tick in journal.items(KID) if isinstance(tick, Tick))
    assert newest is not None
    assert told_ns - newest.t_ns < 2 * SNAPSHOT_EVERY_NS


def test_a_damaged_snapshot_costs_time_and_not_a_word(
    batches: list[Batch], uninterrupted: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "j.sqlite"
    run(path, batches[:150])
    with Journal.open(path) as journal:
        snapshot = journal.newest_snapshot(KID)
        assert snapshot is not None
        journal.put_snapshot(KID, snapshot.row, snapshot.t_ns + 1, snapshot.state[: len(snapshot.state) // 2])
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        for batch in batches[150:]:
            spine.take(batch)
        spine.finish()
        assert told_lines(journal.events(KID), journal.alerts(KID)) == uninterrupted


def test_blind_from_the_start_rings_once_though_no_sensor_was_ever_heard(tmp_path: Path) -> None:
    ticks: list[Batch] = [[FedRow(KID, Tick(s * NS))] for s in range(1, 20 * 60)]
    path = tmp_path / "j.sqlite"
    run(path, ticks)
    with Journal.read_only(path) as journal:
        minutes = journal.coverage(KID)
        alerts = journal.alerts(KID)
    assert [m.t_ns // (60 * NS) for m in minutes] == list(range(19))
    assert {str(m.usability) for m in minutes} == {"blind"}
    assert [(a.pattern, a.severity) for a in alerts] == [("blind", Severity.TECHNICAL)]
    assert alerts[0].t_ns <= 7 * 60 * NS


class Stumbling:
    """Makes a journal refuse some commits, as a full disk does."""

    def __init__(self, journal: Journal, refuse: Iterator[bool]) -> None:
        self._commit = journal.commit
        self._path = journal.path
        self._refuse = refuse

    def __call__(self, rows: Sequence[Row]) -> object:
        if next(self._refuse, False):
            raise JournalFull(self._path)
        return self._commit(rows)


def test_a_disk_that_is_full_for_a_while_costs_no_packet_and_no_word(
    batches: list[Batch], uninterrupted: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j.sqlite"
    rng = np.random.default_rng(3)
    with Journal.open(path) as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        monkeypatch.setattr(journal, "commit", Stumbling(journal, iter(rng.random(400) < 0.3)))
        refused = 0
        for batch in batches:
            for _ in range(100):
                try:
                    spine.take(batch)
                    break
                except JournalFull:
                    refused += 1
        monkeypatch.undo()
        spine.take([])
        spine.finish()
        assert refused > 10
        assert told_lines(journal.events(KID), journal.alerts(KID)) == uninterrupted


async def test_the_intake_goes_on_after_a_refused_commit_and_says_so_to_the_sensor(
    batches: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Taken] = []
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        intake = Intake(spine, SimClock(5 * NS), [KID], on_taken=taken.append)
        monkeypatch.setattr(journal, "commit", Stumbling(journal, iter([True])))
        (row,) = [r for r in batches[3] if isinstance(r, SegmentRow)][:1]
        first = intake.sink(KID).offer(row.packet, row.segment)
        await intake.commit()
        with pytest.raises(JournalFull):
            await first
        second = intake.sink(KID).offer(row.packet, row.segment)
        await intake.commit()
        await asyncio.wait_for(second, 5)
        await intake.close()
        fed = [item for _, item in journal.items(KID)]
        assert [type(item) for item in fed] == [Tick, Segment, Tick]
    assert len(taken) == 1


def test_scales_of_a_row_are_kept_exactly(batches: list[Batch], tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    run(path, batches[:20])
    with Journal.read_only(path) as journal:
        kept = list(journal.segments(KID))
    sent = [r.segment for b in batches[:20] for r in b if isinstance(r, SegmentRow)]
    assert sorted(kept, key=lambda s: (s.site, s.seq)) == sorted(sent, key=lambda s: (s.site, s.seq))
    assert isinstance(kept[0].scale, Scale)
