"""At noon the next night begins in a file of its own, and nobody notices but the folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dsp.chain import EPOCH_HOPS, HOP_NS
from dsp.records import NS, ClockRow, SegmentFlag, StateEpoch
from dsp.state import StateTracker
from lullwatch.nights import load
from lullwatch.replay import replay, told_lines
from lullwatch.rollover import Rollover
from lullwatch.spine import Spine
from lullwatch.watch import Watch, newest_watch
from store.errors import JournalDamaged, JournalFailing, JournalFull
from store.journal import Journal
from store.rows import FedRow, SegmentRow
from store.shelf import Shelf
from tests.spine_examples import KID, SITES, Batch, five_minutes

NOON_NS = 1_773_489_600 * NS
"""2026-03-14 12:00 UTC"""
TURN_S = 125
"""in the middle of the series of movements"""
FIRST, SECOND = "journal-2026-03-13.sqlite", "journal-2026-03-14.sqlite"


def clock_at(t_ns: int) -> ClockRow:
    return ClockRow(t_ns, NOON_NS - TURN_S * NS + t_ns, "boot", "UTC")


def live(
    folder: Path,
    batches: Sequence[Batch],
    *,
    stops: Sequence[int] = (),
    end: bool = True,
    begun: ClockRow | None = None,
) -> None:
    """Take every batch as a monitor would that is stopped and started again at `stops`."""
    done = 0
    for stop in [*stops, len(batches)]:
        with Shelf(folder) as shelf:
            path = shelf.newest() or folder / FIRST
            now = [done * NS]
            turning = Rollover(shelf, lambda now=now: clock_at(now[0]))
            with Journal.open(path) as journal:
                spine = Spine(journal, [Watch.of(KID, SITES, 200)], rollover=turning)
                spine.begin(begun if begun is not None and not done else clock_at(now[0]))
                for number, batch in enumerate(batches[done:stop], start=done):
                    now[0] = number * NS
                    spine.take(batch)
                if end and stop == len(batches):
                    spine.finish()
                spine.close()
        done = stop


def told(folder: Path, *names: str) -> bytes:
    events, alerts = [], []
    for name in names:
        with Journal.read_only(folder / name) as journal:
            events += journal.events(KID)
            alerts += journal.alerts(KID)
    return told_lines(events, alerts)


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    return five_minutes()[:230]


@pytest.fixture(scope="module")
def whole(batches: list[Batch], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What is told when no night ends meanwhile."""
    path = tmp_path_factory.mktemp("whole") / "j.sqlite"
    with Journal.open(path) as journal:
        spine = Spine(journal, [Watch.of(KID, SITES, 200)])
        spine.begin(clock_at(0))
        for batch in batches:
            spine.take(batch)
        spine.finish()
        return told_lines(journal.events(KID), journal.alerts(KID))


@pytest.fixture(scope="module")
def two(batches: list[Batch], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose monitor ran through noon."""
    folder = tmp_path_factory.mktemp("two")
    live(folder, batches)
    return folder


def test_a_series_that_spans_noon_is_one_event_and_rings_once(two: Path, whole: bytes) -> None:
    with Journal.read_only(two / FIRST) as first, Journal.read_only(two / SECOND) as second:
        ids = {e.id for e in first.events(KID)} & {e.id for e in second.events(KID)}
        rings = [a for j in (first, second) for a in j.alerts(KID) if a.facts["announce"] == "ring"]
        assert ids
        assert len({a.id for a in rings}) == len(rings) == 1
    assert told(two, FIRST, SECOND) == whole


def test_what_comes_after_noon_stands_in_the_new_file_alone(two: Path) -> None:
    with Journal.read_only(two / FIRST) as first, Journal.read_only(two / SECOND) as second:
        last, begun = list(first.items(KID))[-1][1], list(second.items(KID))
        assert last.t_ns == TURN_S * NS
        assert begun[-1][1].t_ns > 220 * NS
        assert newest_watch(first, KID)[1].ended is False
        assert second.clock_rows()[0] == clock_at(TURN_S * NS)


@pytest.mark.parametrize("stops", [[60], [124, 125, 126], [200]])
def test_a_stop_before_at_or_after_noon_changes_no_word(
    batches: list[Batch],
    whole: bytes,
    tmp_path: Path,
    stops: list[int],
) -> None:
    live(tmp_path, batches, stops=stops)
    assert told(tmp_path, FIRST, SECOND) == whole


@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_as_arrived_of_one_night_tells_what_was_told_live_in_it(two: Path, name: str) -> None:
    (night,) = load(two / name, as_arrived=True)
    now = replay(night).told
    assert told_lines(now.events, now.alerts) == told(two, name)


def late(batches: list[Batch], *, from_s: int, until_s: int, at_s: int) -> list[Batch]:
    """The same, with what one ankle sent in a span arriving later."""
    held: Batch = []
    out: list[Batch] = []
    for second, batch in enumerate(batches):
        kept = []
        for row in batch:
            if isinstance(row, SegmentRow) and row.segment.site is SITES[0] and from_s <= second < until_s:
                flags = row.segment.flags | SegmentFlag.BACKFILL
                held.append(replace(row, segment=replace(row.segment, flags=flags)))
            else:
                kept.append(row)
        out.append([*held, *kept] if second == at_s else kept)
    return out


def test_data_of_the_night_before_that_comes_after_noon_is_decided_with_what_stands_there(
    batches: list[Batch],
    tmp_path: Path,
) -> None:
    arrived = late(batches, from_s=80, until_s=140, at_s=150)
    live(tmp_path, arrived, end=False)
    with Journal.open(tmp_path / "one.sqlite") as journal:
        spine = Spine(journal, [Watch.of(KID, SITES, 200)])
        spine.begin(clock_at(0))
        for batch in arrived:
            spine.take(batch)
        one = told_lines(journal.events(KID), journal.alerts(KID))
        assert any(e.late and e.onset_ns < TURN_S * NS for e in journal.events(KID))
    assert told(tmp_path, FIRST, SECOND) == one
    (night,) = load(tmp_path / SECOND, as_arrived=True)
    again = replay(night).told
    assert told_lines(again.events, again.alerts) == told(tmp_path, SECOND)


def test_a_stop_right_after_late_data_spoiled_the_carried_state_changes_no_word(
    batches: list[Batch],
    tmp_path: Path,
) -> None:
    arrived = late(batches, from_s=80, until_s=120, at_s=128)
    for name, stops in (("a", ()), ("b", (129, 133, 140))):
        (tmp_path / name).mkdir()
        live(tmp_path / name, arrived, stops=stops, end=False)
    assert told(tmp_path / "a", FIRST, SECOND) == told(tmp_path / "b", FIRST, SECOND)


def test_after_a_pause_of_days_what_was_open_is_ended_and_the_detector_begins_anew(
    batches: list[Batch],
    tmp_path: Path,
) -> None:
    live(tmp_path, batches[:120], end=False)
    later_ns = 3 * 24 * 3600 * NS
    with Shelf(tmp_path) as shelf, Journal.open(tmp_path / FIRST) as journal:
        turning = Rollover(shelf, lambda: clock_at(later_ns))
        spine = Spine(journal, [Watch.of(KID, SITES, 200)], rollover=turning)
        spine.begin(clock_at(later_ns))
        spine.take([FedRow(KID, replace(batches[0][-1].item, t_ns=later_ns))])
        spine.close()
    with Journal.read_only(tmp_path / FIRST) as first:
        by_id = {e.id: e for e in first.events(KID)}
        assert {str(e.status) for e in by_id.values()} <= {"end", "withdrawn", "relabel"}
        assert any(watch_ended(first))
    assert [p.name for p in sorted(tmp_path.glob("journal-*[0-9].sqlite"))] == [
        FIRST,
        "journal-2026-03-16.sqlite",
    ]
    with Journal.read_only(tmp_path / "journal-2026-03-16.sqlite") as second:
        assert second.coverage(KID) == []


def watch_ended(journal: Journal) -> list[bool]:
    return ['"ended":true' in config.text for config in journal.configs()]


def test_the_infant_is_a_day_older_in_the_next_night(two: Path) -> None:
    watches = [
        Watch.of(KID, SITES, 200).aged(clock_at(0).utc_ns, clock_at(hours * 3600 * NS).utc_ns)
        for hours in (9, 16, 24, 23, 72)
    ]
    assert [watch.age_days for watch in watches] == [200, 201, 201, 201, 203]


EVENING = replace(clock_at(0), utc_ns=NOON_NS - 16 * 3600 * NS)
"""A midnight lies between this and noon."""


def ages_said(folder: Path, name: str) -> list[float]:
    """How old the infant was in the words of each row about a series."""
    with Journal.read_only(folder / name) as journal:
        return [said.value for e in journal.events(KID) for said in e.evidence if said.name == "age_days"]


@pytest.mark.parametrize("stops", [[], [124, 125, 126], [60, 140, 200]])
def test_from_noon_on_the_detector_takes_the_infant_for_a_day_older_also_after_a_stop(
    batches: list[Batch], tmp_path: Path, stops: list[int]
) -> None:
    live(tmp_path, batches, stops=stops, begun=EVENING)
    assert set(ages_said(tmp_path, FIRST)) == {200.0}
    assert set(ages_said(tmp_path, SECOND)) == {201.0}
    for name in (FIRST, SECOND):
        (night,) = load(tmp_path / name, as_arrived=True)
        now = replay(night).told
        assert told_lines(now.events, now.alerts) == told(tmp_path, name)


@pytest.mark.parametrize("what", ["segments_between", "told_since", "newest_snapshot", "amend"])
def test_a_night_before_that_cannot_be_read_keeps_nobody_from_watching_tonight(
    batches: list[Batch],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    what: str,
) -> None:
    real = getattr(Journal, what)

    def failing(journal: Journal | Path, *args: Any, **more: Any) -> object:
        path = journal if isinstance(journal, Path) else journal.path
        if path.name == FIRST and (tmp_path / SECOND).exists():
            raise JournalDamaged(path, "malformed")
        return real(path) if what == "amend" else real(journal, *args, **more)

    monkeypatch.setattr(Journal, what, staticmethod(failing) if what == "amend" else failing)
    live(tmp_path, late(batches, from_s=80, until_s=140, at_s=150), end=False)
    with Journal.read_only(tmp_path / SECOND) as second:
        assert list(second.items(KID))[-1][1].t_ns >= 229 * NS
    said = "stay in it for now" if what == "amend" else "without the night before"
    assert said in caplog.text


@pytest.mark.parametrize("from_s", [2, 80], ids=["from the beginning", "from a state"])
@pytest.mark.parametrize("stops", [[], [129, 133, 140]])
def test_what_came_late_is_decided_with_the_age_of_its_time_before_noon_and_after(
    batches: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_s: int, stops: list[int]
) -> None:
    ages: list[tuple[int, int | None]] = []
    epoch = StateTracker.epoch

    def noted(tracker: StateTracker, h0: int, *rest: Any) -> StateEpoch:
        ages.append(((h0 + EPOCH_HOPS) * HOP_NS, tracker.age_days))
        return epoch(tracker, h0, *rest)

    monkeypatch.setattr(StateTracker, "epoch", noted)
    arrived = late(batches, from_s=from_s, until_s=120, at_s=128)
    live(tmp_path, arrived, stops=stops, end=False, begun=EVENING)
    (night,) = load(tmp_path / SECOND, as_arrived=True)
    now = replay(night).told
    assert told_lines(now.events, now.alerts) == told(tmp_path, SECOND)
    assert any(e.late for e in now.events)
    assert night.carried is not None
    assert {(t_ns <= night.carried.t_ns, age) for t_ns, age in ages} == {(True, 200), (False, 201)}
    ends = [t_ns for t_ns, _ in ages]
    assert ends != sorted(ends), "spans were decided again"


@pytest.mark.parametrize(
    ("moment", "night"),
    [
        ("2026-03-29 09:59", "2026-03-28"), ("2026-03-29 10:00", "2026-03-29"),  # summer time began: 23 hours
        ("2026-10-25 10:59", "2026-10-24"), ("2026-10-25 11:00", "2026-10-25"),  # it ended: 25 hours
    ],
)  # fmt: skip
def test_a_night_ends_at_noon_of_its_zone_also_when_the_clocks_are_changed(
    tmp_path: Path, moment: str, night: str
) -> None:
    utc_ns = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * NS
    before = tmp_path / "journal-2026-01-01.sqlite"
    following = Shelf(tmp_path).following(before, utc_ns, "Europe/Berlin")
    assert following == tmp_path / f"journal-{night}.sqlite"


def test_a_clock_slewed_about_noon_turns_nothing_back_but_one_set_back_by_a_day_does(tmp_path: Path) -> None:
    shelf, now = Shelf(tmp_path), tmp_path / SECOND
    assert shelf.following(now, NOON_NS - NS, "UTC") is None
    (tmp_path / FIRST).touch()
    assert shelf.following(
        now, NOON_NS - 24 * 3600 * NS, "UTC"
    ) == tmp_path / "journal-2026-03-13.sqlite".replace(".sqlite", "-2.sqlite")
    assert shelf.following(tmp_path / "journal-2026-03-13-2.sqlite", NOON_NS - NS, "UTC") is None


def test_a_night_that_cannot_be_begun_is_written_on_in_the_old_file(
    batches: list[Batch],
    whole: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(path: Path, *_: object) -> None:
        raise JournalFull(path)

    monkeypatch.setattr(Journal, "begin", full)
    live(tmp_path, batches)
    assert told(tmp_path, FIRST) == whole


def test_packets_that_are_in_the_night_before_are_not_there_twice_when_a_sock_sends_them_again(
    batches: list[Batch], tmp_path: Path
) -> None:
    again = [row for batch in batches[100:120] for row in batch if isinstance(row, SegmentRow)]
    doubled = [[*again, *batch] if second == 140 else batch for second, batch in enumerate(batches[:160])]
    live(tmp_path, doubled, stops=[139], end=False)
    live_once = tmp_path / "once"
    live_once.mkdir()
    live(live_once, batches[:160], stops=[139], end=False)
    assert told(tmp_path, FIRST, SECOND) == told(live_once, FIRST, SECOND)
    with Journal.read_only(tmp_path / FIRST) as first, Journal.read_only(tmp_path / SECOND) as second:
        packets = [(p.site, p.boot, p.seq) for j in (first, second) for p in j.packets(KID)]
    assert len(packets) == len(set(packets))


def test_a_read_error_in_the_night_before_refuses_no_batch_when_a_sock_sends_again(
    batches: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(journal: Journal, *_: object) -> bool:
        raise JournalFailing(journal.path, "disk I/O error")

    live(tmp_path, batches[: TURN_S + 10], end=False)
    (again, *_) = [r for r in batches[TURN_S - 5] if isinstance(r, SegmentRow)]
    monkeypatch.setattr(Journal, "has_packet", failing)
    with Journal.open(tmp_path / SECOND) as journal:
        spine = Spine(journal, [Watch.of(KID, SITES, 200)])
        spine.begin(clock_at((TURN_S + 10) * NS))
        for second in range(TURN_S + 10, TURN_S + 13):
            spine.take([again, *batches[second]])
        spine.close()
        there = [
            s.seq
            for s in journal.segments(KID)
            if (s.sensor, s.boot) == (again.segment.sensor, again.segment.boot)
        ]
    assert there.count(again.segment.seq) == 1, "the running night knows it"
    assert caplog.text.count("not looked for in this night any more") == 1
