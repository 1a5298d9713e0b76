"""Data that comes late: what stands in the end is what would have been told had nothing been late."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow, Event, EventStatus, Label, Packet, Segment, Severity, Site, Tick
from firmware_sim.night import make_night
from firmware_sim.scenario import scenario_from_toml
from lullwatch.nights import load
from lullwatch.replay import replay, told_lines
from lullwatch.rerun import Past, Shadow
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.journal import Journal
from store.recording import newest_of, standing_events
from store.rows import FedRow, Row, SegmentRow

KID = "kid"
SITES = (Site.LA, Site.RA, Site.TR)
CLOCK = ClockRow(0, 1_767_290_400 * NS, "boot", "UTC")
SCENARIO = """
name = "series"
duration_min = 12
age_days = 200
[[phase]]
state = "awake"
minutes = 12
[[movement]]
kind = "spasm_cluster"
at_min = 3.5
count = 8
gap_s = 9.0
subtle = false
"""
BACK_S = 400
"""Second at which the sock's memory begins to arrive."""
Batch = list[Row]


@pytest.fixture(scope="module")
def segments() -> list[Segment]:
    return make_night(scenario_from_toml(SCENARIO), seed=1001, infant=KID).segments()


def row_of(segment: Segment) -> SegmentRow:
    names = (segment.site, segment.sensor, segment.boot, segment.seq)
    packet = Packet(*names, 0, 104.0, segment.scale, segment.counts, segment.flags, segment.end_ns)
    return SegmentRow(KID, packet, segment)


def arriving(segments: Sequence[Segment], *, away: Sequence[Site], from_s: int, until_s: int) -> list[Batch]:
    """Batches a quarter of a second apart; what `away` sent in the span arrives from BACK_S on, 40 packets a batch."""
    batches: list[Batch] = [[] for _ in range(4 * 722)]
    held: list[Segment] = []
    for segment in segments:
        if segment.site in away and from_s * NS <= segment.t0_ns < until_s * NS:
            held.append(segment)
        else:
            batches[4 * segment.end_ns // NS].append(row_of(segment))
    for i in range(0, len(held), 40):
        batches[4 * BACK_S + i // 40] += [row_of(s) for s in held[i : i + 40]]
    return [[*rows, FedRow(KID, Tick((i + 1) * NS // 4))] for i, rows in enumerate(batches)]


def live(path: Path, batches: Sequence[Batch], *, stops: Sequence[int] = ()) -> Journal:
    """Take the batches, killed without warning at `stops`, and end the recording."""
    done = 0
    for stop in [*stops, len(batches)]:
        with Journal.open(path) as journal:
            spine = Spine(journal, [Watch.of(KID, SITES, 200)])
            spine.begin(CLOCK)
            for batch in batches[done:stop]:
                spine.take(batch)
            if stop == len(batches):
                spine.finish()
        done = stop
    return Journal.read_only(path)


def what_stands(events: Sequence[Event]) -> list[tuple[object, ...]]:
    return [(e.label, e.onset_ns, e.end_ns, e.count, e.side, e.match) for e in standing_events(events)]


@pytest.fixture(scope="module")
def back_filled(segments: list[Segment], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("late") / "journal.sqlite"
    live(path, arriving(segments, away=SITES, from_s=190, until_s=330)).close()
    return path


def test_what_stands_after_a_back_fill_is_what_the_settled_replay_tells(back_filled: Path) -> None:
    with Journal.read_only(back_filled) as journal:
        events = journal.events(KID)
        states = newest_of(journal.states(KID), key=lambda s: s.t_ns)
        minutes = newest_of(journal.coverage(KID), key=lambda c: c.t_ns)
    (settled,) = load(back_filled)
    told = replay(settled).told
    assert what_stands(events) == what_stands(told.events)
    # Ticks go on for two seconds behind the last sample.
    assert [s for s in states if s.t_ns < settled.end_ns] == told.states
    assert [m for m in minutes if m.t_ns < settled.end_ns // NS * NS] == told.minutes


def test_a_series_that_came_late_is_told_once_marked_late_and_rings(back_filled: Path) -> None:
    with Journal.read_only(back_filled) as journal:
        rows = [e for e in journal.events(KID) if e.label is Label.SPASM_LIKE_CLUSTER]
        alerts = journal.alerts(KID)
    news = [e for e in rows if e.status is EventStatus.NEW]
    assert len(news) == 1
    assert news[0].late
    assert BACK_S * NS < news[0].told_ns < (BACK_S + 90) * NS
    urgent = [a for a in alerts if a.severity is Severity.URGENT]
    assert len({a.id for a in urgent}) == 1
    assert all(a.late for a in urgent)


def test_versions_of_an_event_rise_one_by_one(back_filled: Path) -> None:
    with Journal.read_only(back_filled) as journal:
        assert_versions_rise(journal.events(KID))


def assert_versions_rise(rows: Sequence[Event]) -> None:
    versions: dict[str, list[int]] = {}
    for event in rows:
        versions.setdefault(event.id, []).append(event.version)
    assert versions
    for seen in versions.values():
        assert seen == list(range(1, len(seen) + 1))


def test_a_replay_in_the_order_of_arrival_repeats_the_late_words_byte_for_byte(back_filled: Path) -> None:
    with Journal.read_only(back_filled) as journal:
        live_bytes = told_lines(journal.events(KID), journal.alerts(KID))
    (night,) = load(back_filled, as_arrived=True)
    told = replay(night).told
    assert told_lines(told.events, told.alerts) == live_bytes


@pytest.mark.parametrize("stop", [4 * BACK_S + 10, 4 * BACK_S + 80])
def test_a_kill_while_looking_back_changes_nothing(
    segments: list[Segment], back_filled: Path, tmp_path: Path, stop: int
) -> None:
    batches = arriving(segments, away=SITES, from_s=190, until_s=330)
    with live(tmp_path / "journal.sqlite", batches, stops=[stop]) as journal:
        again = told_lines(journal.events(KID), journal.alerts(KID))
    with Journal.read_only(back_filled) as journal:
        assert again == told_lines(journal.events(KID), journal.alerts(KID))


def test_one_site_that_comes_late_corrects_what_two_sites_told(
    segments: list[Segment], tmp_path: Path
) -> None:
    path = tmp_path / "journal.sqlite"
    with live(path, arriving(segments, away=[Site.TR], from_s=190, until_s=330)) as journal:
        rows = journal.events(KID)
    (settled,) = load(path)
    assert what_stands(rows) == what_stands(replay(settled).told.events)
    late = [e for e in rows if e.late]
    assert late
    first = {e.id: e for e in reversed(rows)}
    kept = [e for e in late if not first[e.id].late]
    assert kept, "what was told from two sites keeps its id"
    assert all(e.reason for e in late)


BEHIND_S = 70


def test_a_sensor_that_stays_behind_is_decided_again_from_where_it_is_not_from_where_it_fell_behind(
    segments: list[Segment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its link is slower than its data: all it sends for ten minutes comes more than a minute late."""
    batches: list[Batch] = [[] for _ in range(4 * (722 + BEHIND_S))]
    for segment in sorted(segments, key=lambda s: s.end_ns + BEHIND_S * NS * is_behind(s)):
        batches[4 * (segment.end_ns + BEHIND_S * NS * is_behind(segment)) // NS].append(row_of(segment))
    ticked = [[*rows, FedRow(KID, Tick((i + 1) * NS // 4))] for i, rows in enumerate(batches)]
    back_s: list[float] = []
    caught_up = Shadow.catch_up

    def noted(shadow: Shadow, past: Past, now_ns: int, until_ns: int) -> None:
        back_s.append((until_ns - shadow.started_ns) / NS)
        caught_up(shadow, past, now_ns, until_ns)

    monkeypatch.setattr(Shadow, "catch_up", noted)
    path = tmp_path / "journal.sqlite"
    with live(path, ticked) as journal:
        rows = journal.events(KID)
        live_bytes = told_lines(rows, journal.alerts(KID))
    assert len(back_s) >= 6
    assert max(back_s) < 320
    assert_versions_rise(rows)
    (settled,) = load(path)
    # What begins at the same moment may stand in another order.
    assert sorted(what_stands(rows), key=str) == sorted(what_stands(replay(settled).told.events), key=str)
    (night,) = load(path, as_arrived=True)
    told = replay(night).told
    assert told_lines(told.events, told.alerts) == live_bytes


def is_behind(segment: Segment) -> bool:
    return segment.site is Site.TR and segment.t0_ns > 60 * NS


def test_ids_go_on_under_the_name_that_was_told_first(segments: list[Segment], tmp_path: Path) -> None:
    """The series is open when its beginning arrives: the update after it carries the id people know."""
    early = [s for s in segments if s.t0_ns < 300 * NS]
    held = [s for s in early if 190 * NS <= s.t0_ns < 222 * NS]
    batches: list[Batch] = [[] for _ in range(4 * 305)]
    for segment in early:
        if segment not in held:
            batches[4 * segment.end_ns // NS].append(row_of(segment))
    batches[4 * 252] += [row_of(s) for s in held]
    ticked = [[*rows, FedRow(KID, Tick((i + 1) * NS // 4))] for i, rows in enumerate(batches)]
    path = tmp_path / "journal.sqlite"
    with live(path, ticked) as journal:
        rows = [e for e in journal.events(KID) if e.label is Label.SPASM_LIKE_CLUSTER]
    assert len({e.id for e in rows}) == 1
    assert [e.version for e in rows] == list(range(1, len(rows) + 1))
    assert any(e.late for e in rows)
    assert rows[-1].status is EventStatus.END
    (settled,) = load(path)
    (whole,) = [e for e in replay(settled).told.final_events if e.label is Label.SPASM_LIKE_CLUSTER]
    assert replace(rows[-1], id="", version=0, told_ns=0, late=False, reason="") == replace(
        whole, id="", version=0, told_ns=0, late=False, reason=""
    )


def test_a_damaged_snapshot_sends_the_looking_back_to_the_beginning(
    segments: list[Segment], back_filled: Path, tmp_path: Path
) -> None:
    path = tmp_path / "journal.sqlite"
    batches = arriving(segments, away=SITES, from_s=190, until_s=330)
    with Journal.open(path) as journal:
        spine = Spine(journal, [Watch.of(KID, SITES, 200)])
        spine.begin(CLOCK)
        for batch in batches[: 4 * BACK_S]:
            spine.take(batch)
        with sqlite3.connect(path) as beside:
            beside.execute("UPDATE snapshot SET state = x'00'")
        for batch in batches[4 * BACK_S :]:
            spine.take(batch)
        spine.finish()
        stands = what_stands(journal.events(KID))
    with Journal.read_only(back_filled) as journal:
        assert stands == what_stands(journal.events(KID))
