"""Keeping and deciding in a thread each: neither loses what the other holds when one of them is stopped or fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dsp.records import NS, LinkSample, Segment, Site, Tick, Watchfulness, Watching
from firmware_sim.sim_clock import SimClock
from lullwatch.batches import Kept, Taken
from lullwatch.caregiving import Caregiving
from lullwatch.detector import Detector
from lullwatch.intake import Intake
from lullwatch.nights import load
from lullwatch.past import JournalPast
from lullwatch.replay import replay, told_lines
from lullwatch.rollover import Rollover
from lullwatch.spine import Spine
from store.errors import JournalFailing, JournalFull, JournalReadOnly
from store.journal import CommitResult, Journal
from store.rows import Fed, LinkRow, Row, SegmentRow
from store.shelf import Shelf
from store.utc import UtcMap
from tests.caregiving_rig import ANNA, HandClock, Phone, alert, until
from tests.spine_examples import KID, Batch, five_minutes
from tests.test_rollover import FIRST, SECOND, TURN_S, clock_at
from tests.test_spine import CLOCK, watch


@pytest.fixture(scope="module")
def seconds() -> list[Batch]:
    return five_minutes()[:40]


LINK = LinkRow(KID, LinkSample(Site.LA, "LA", NS, "streaming", 3, 0, 0, None, None, None))


class HeldUp(Spine):
    """A spine whose journal takes as long as the test wants, and that says what it decided on."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal, [watch()])
        self.begun, self.let_on = threading.Event(), threading.Event()
        self.decided: list[int] = []

    def keep(self, rows: Sequence[Row]) -> Kept:
        self.begun.set()
        assert self.let_on.wait(10)
        return super().keep(rows)

    def decide(self, kept: Kept) -> object:  # type: ignore[override]
        self.decided += [number for number, _ in kept.rows(self.journal)]
        return super().decide(kept)


async def test_a_batch_that_is_being_kept_when_the_service_stops_is_confirmed_and_decided_on(
    seconds: list[Batch], tmp_path: Path
) -> None:
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = HeldUp(journal)
        spine.begin(CLOCK)
        intake = Intake(spine, SimClock(5 * NS), [KID], on_taken=lambda _: None)
        (row, *_) = (r for r in seconds[3] if isinstance(r, SegmentRow))
        offered = intake.sink(KID).offer(row.packet, row.segment)
        committing = asyncio.create_task(intake.commit())
        await asyncio.to_thread(spine.begun.wait, 10)
        committing.cancel()
        await asyncio.sleep(0)
        spine.let_on.set()
        with pytest.raises(asyncio.CancelledError):
            await committing
        await asyncio.wait_for(offered, 5)
        await intake.commit()
        await intake.close()
        assert spine.decided == [number for number, _ in journal.items(KID)]


async def test_the_service_ends_of_a_decision_that_failed_though_a_self_test_heard_of_it_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        intake = Intake(spine, SimClock(5 * NS), [KID], on_taken=lambda _: None, commit_every_s=0.0)
        monkeypatch.setattr(Detector, "feed_block", _fail)
        with pytest.raises(ZeroDivisionError):
            await intake.commit()  # as the self-test does
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(intake.run(), 5)
        await intake.commit()
        with pytest.raises(ZeroDivisionError):
            await intake.close()  # the end of the process says it, too


def test_after_deciding_failed_nothing_more_is_told_before_the_next_start(
    seconds: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        for batch in seconds[:20]:
            spine.take(batch)
        with monkeypatch.context() as failing:
            failing.setattr(Detector, "feed_block", _fail)
            with pytest.raises(ZeroDivisionError):
                spine.take(seconds[20])
        spine.let_go()  # as the service does when it ends
        decided = spine.watermarks()
        for batch in seconds[21:]:
            assert not spine.take(batch).told
        assert spine.watermarks() == decided


def test_what_waits_long_to_be_decided_on_is_left_to_the_journal_and_told_as_ever(
    seconds: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(name: str, most: int) -> tuple[list[Taken], list[Kept]]:
        monkeypatch.setattr("lullwatch.spine._HELD_ROWS", most)
        with Journal.open(tmp_path / name) as journal:
            spine = Spine(journal, [watch()])
            spine.begin(CLOCK)
            waiting = [spine.keep([*batch, LINK]) for batch in seconds]
            taken = [spine.decide(kept) for kept in waiting]
            assert spine.take(seconds[-1]).live, "nothing is left behind"
            return taken, waiting

    at_once, held = told("held.sqlite", 10**6)
    later, left = told("left.sqlite", 50)
    assert later == at_once
    assert any(taken.told for taken in later)
    assert not any(kept.left for kept in held)
    assert sum(len(kept.held) for kept in left) < 100
    assert sum(kept.left > 0 for kept in left) > 30
    assert [len(kept.held) + kept.left for kept in left] == [len(kept.held) for kept in held]


def test_every_row_that_was_left_is_read_as_it_was_page_by_page(
    seconds: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept(name: str, most: int) -> list[Kept]:
        monkeypatch.setattr("lullwatch.spine._HELD_ROWS", most)
        with Journal.open(tmp_path / name) as journal:
            spine = Spine(journal, [watch()])
            spine.begin(CLOCK)
            waiting = [spine.keep([*batch, LINK]) for batch in seconds]
            return [spine.at_hand(kept) for kept in waiting]

    monkeypatch.setattr("store.journal_reading._PAGE_ROWS", 5)
    for left, held in zip(kept("left.sqlite", 0), kept("held.sqlite", 10**6), strict=True):
        assert [(number, type(row)) for number, row in left.held] == [(n, type(row)) for n, row in held.held]
        assert LINK in dict(left.held).values()


def test_rows_that_are_gone_when_their_turn_comes_are_said_and_no_others_taken_for_them(
    seconds: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lullwatch.spine._HELD_ROWS", 0)
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        first, second = (spine.keep(batch) for batch in seconds[5:7])
        with journal.amending() as db:
            db.execute("DELETE FROM segment WHERE row = ?", (first.left_from,))
        assert len(spine.at_hand(first).held) == first.left - 1
        assert "1 rows that waited are gone" in caplog.text
        assert len(spine.at_hand(second).held) == second.left


async def test_what_waits_is_read_again_when_the_disk_does_not_give_it_at_once(
    seconds: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lullwatch.spine._HELD_ROWS", 0)
    clock = EachSecond(3600, lambda _: None)
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        read, refusals = journal.rows, iter([True, True])

        def stumbling(*args: int, **more: Any) -> object:
            if next(refusals, False):
                raise JournalFailing(journal.path, "disk I/O error")
            return read(*args, **more)

        monkeypatch.setattr(journal, "rows", stumbling)
        intake = Intake(spine, clock, [KID], on_taken=lambda _: None)
        (row, *_) = (r for r in seconds[3] if isinstance(r, SegmentRow))
        offered = intake.sink(KID).offer(row.packet, row.segment)
        await intake.commit()
        await offered
        assert next(refusals, None) is None
        assert clock.now_ns() == 2 * NS, "a second after each"
        await intake.close()
        assert spine.finish().told, "and it was decided on"


def test_what_is_left_to_the_journal_is_held_again_once_deciding_has_caught_up(
    seconds: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lullwatch.spine._HELD_ROWS", 50)
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        for _ in range(3):
            waiting = [spine.keep(batch) for batch in seconds[:10]]
            assert not waiting[0].left
            assert waiting[-1].left
            for kept in waiting:
                spine.decide(kept)
            seconds = seconds[10:]


class EachSecond:
    """Time that runs as fast as batches are kept, and says when a second is over; it stands still at the end."""

    def __init__(self, seconds: int, say: Callable[[int], None]) -> None:
        self._ns, self._end_ns, self._say = 0, seconds * NS, say
        self.over = asyncio.Event()

    def now_ns(self) -> int:
        return self._ns

    async def sleep(self, seconds: float) -> None:
        before, self._ns = self._ns // NS, self._ns + round(seconds * NS)
        if self._ns > self._end_ns:
            self.over.set()
            await asyncio.Event().wait()
        if self._ns // NS > before:
            self._say(before)
        await asyncio.sleep(0)


async def test_while_deciding_is_behind_no_more_than_some_seconds_are_decided_together(
    seconds: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, together = Detector.feed_block, []
    let_on = threading.Event()

    def held_up(detector: Detector, items: Sequence[Fed]) -> object:
        assert let_on.wait(10)
        together.append(sum(isinstance(item, Segment) for item in items))
        return feed(detector, items)

    def offer(second: int) -> None:
        for row in seconds[second]:
            if isinstance(row, SegmentRow):
                intake.sink(KID).offer(row.packet, row.segment)

    monkeypatch.setattr(Detector, "feed_block", held_up)
    clock = EachSecond(30, offer)
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        intake = Intake(spine, clock, [KID], on_taken=lambda _: None)
        keeping = asyncio.create_task(intake.run())
        await asyncio.wait_for(clock.over.wait(), 10)
        keeping.cancel()
        let_on.set()
        await intake.commit()
        await intake.close()
        ticks = [item.t_ns for _, item in journal.items(KID) if isinstance(item, Tick)]
        offered = sum(isinstance(row, SegmentRow) for batch in seconds[:30] for row in batch)
    assert max(later - tick for tick, later in pairwise(ticks)) == 5 * NS
    assert len(ticks) < 12, "time waits while deciding is behind"
    assert sum(together) == offered > 4 * max(together)


OUTAGE_S = 600


async def test_a_disk_that_takes_nothing_for_long_leaves_few_ticks_few_lines_and_short_steps(
    seconds: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    feed, commit = Detector.feed_block, Journal.commit
    ticked: list[int] = []
    together: list[int] = []
    tried: list[int] = []
    end_s = len(seconds) + OUTAGE_S

    def counted(detector: Detector, items: Sequence[Fed]) -> object:
        ticks = [item.t_ns for item in items if isinstance(item, Tick)]
        together.append(ticks[-1] - ticked[-1] if ticked else 0)
        ticked.extend(ticks)
        return feed(detector, items)

    def in_trouble(journal: Journal, rows: Sequence[Row]) -> CommitResult:
        tried.append(len(rows))
        if len(seconds) * NS < clock.now_ns() < end_s * NS:
            raise JournalReadOnly(journal.path, "attempt to write a readonly database")
        return commit(journal, rows)

    def offer(second: int) -> None:
        intake.add_quietly(LINK)
        for row in seconds[second % len(seconds)]:
            if isinstance(row, SegmentRow):
                offered = intake.sink(KID).offer(row.packet, row.segment)
                offered.add_done_callback(lambda done: done.exception())

    clock = EachSecond(end_s + 5, offer)
    monkeypatch.setattr(Detector, "feed_block", counted)
    path = tmp_path / "j.sqlite"
    with Journal.open(path) as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        monkeypatch.setattr(Journal, "commit", in_trouble)
        intake = Intake(spine, clock, [KID], on_taken=lambda _: None)
        keeping = asyncio.create_task(intake.run())
        await asyncio.wait_for(clock.over.wait(), 60)
        keeping.cancel()
        await intake.commit()
        await intake.close()
        ticks = [item.t_ns for _, item in journal.items(KID) if isinstance(item, Tick)]
        links = len(journal.links(KID))
        live = told_lines(journal.events(KID), journal.alerts(KID))
        assert [alert.pattern for alert in journal.alerts(KID)] == ["blind"]
        assert max(a.t_ns - b.t_ns for b, a in pairwise(journal.coverage(KID))) == 60 * NS, (
            "no minute is left out"
        )
    lost = [t_ns for t_ns in ticks if len(seconds) * NS < t_ns < end_s * NS]
    assert len(lost) <= OUTAGE_S // 60 + 2
    assert max(together) <= 120 * NS, "each step decides on little"
    assert links == end_s + 5, "what else nobody waits for is all there"
    assert max(tried) <= 200
    refused = [
        record
        for record in caplog.records
        if "were not kept" in record.message and record.levelname == "ERROR"
    ]
    assert OUTAGE_S // 60 - 1 <= len(refused) <= OUTAGE_S // 60 + 1
    (night,) = load(path, as_arrived=True)
    again = replay(night).told
    assert told_lines(again.events, again.alerts) == live


async def test_what_came_before_somebody_was_watched_is_decided_before_it_though_the_disk_took_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        intake = Intake(spine, clock, [KID], on_taken=lambda _: None)
        with monkeypatch.context() as failing:
            failing.setattr(Journal, "commit", _full)
            for second in range(10):
                if second == 5:
                    intake.add_quietly(Watching(KID, clock.now_ns(), Watchfulness.ARMED, None, "", "anna"))
                clock.move(1.0)
                await intake.commit()
        await intake.commit()
        await intake.close()
        kinds = [type(item).__name__ for _, item in journal.items(KID)]
    assert kinds == ["Tick", "Watching", "Tick", "Tick"], "the last is of the batch that was kept"


def caregiving(intake: Intake, clock: HandClock, phone: Phone) -> Caregiving:
    return Caregiving(
        people=[ANNA], infants=[KID], clock=clock, utc=UtcMap([CLOCK]), zone="UTC", intake=intake,
        channels={"ntfy": phone},
    )  # fmt: skip


async def test_people_are_told_while_deciding_is_held_up(
    seconds: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, let_on = Detector.feed_block, threading.Event()

    def held_up(detector: Detector, items: Sequence[Fed]) -> object:
        assert let_on.wait(10)
        return feed(detector, items)

    monkeypatch.setattr(Detector, "feed_block", held_up)
    clock, phone = HandClock(), Phone()
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        intake = Intake(spine, clock, [KID], on_taken=lambda _: None)
        care = caregiving(intake, clock, phone)
        (row, *_) = (r for r in seconds[3] if isinstance(r, SegmentRow))
        intake.sink(KID).offer(row.packet, row.segment)
        await intake.keep()
        care.told([alert()])
        assert await asyncio.wait_for(care.turn(), 5)
        await until(lambda: bool(phone.got))
        assert intake.busy
        let_on.set()
        await intake.close()
        assert [step.step for step in journal.deliveries()] == ["raised"]


async def test_people_are_told_though_it_cannot_be_written_down_and_the_service_ends_of_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, phone = HandClock(), Phone()
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = Spine(journal, [watch()])
        spine.begin(CLOCK)
        intake = Intake(spine, clock, [KID], on_taken=lambda _: None)
        care = caregiving(intake, clock, phone)
        care.told([alert()])
        with monkeypatch.context() as failing:
            failing.setattr(spine, "keep", _fail)
            assert await asyncio.wait_for(care.turn(), 5)
        await until(lambda: bool(phone.got))
        running = asyncio.create_task(intake.run())
        await asyncio.sleep(0)
        clock.move(1.0)
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(running, 5)


def test_what_is_kept_and_not_decided_on_is_no_past_yet(seconds: list[Batch], tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j.sqlite") as journal:
        early, later = (next(r for r in seconds[i] if isinstance(r, SegmentRow)) for i in (3, 9))
        past = JournalPast(journal, KID, 0)
        past.upto_row = journal.commit([later]).last_row
        journal.commit([early])
        assert past.begins_ns == later.segment.t0_ns


def test_a_night_that_began_is_said_though_its_first_batch_was_refused(
    seconds: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, commit = [0], Journal.commit
    refuse = iter([True])

    def full_at_noon(journal: Journal, rows: Sequence[Row]) -> CommitResult:
        if journal.path.name == SECOND and next(refuse, False):
            raise JournalFull(journal.path)
        return commit(journal, rows)

    monkeypatch.setattr(Journal, "commit", full_at_noon)
    with Shelf(tmp_path) as shelf, Journal.open(tmp_path / FIRST) as journal:
        turning = Rollover(shelf, lambda: clock_at(now[0]))
        spine = Spine(journal, [watch()], rollover=turning)
        spine.begin(clock_at(0))
        spine.take(seconds[0])
        now[0] = TURN_S * NS
        with pytest.raises(JournalFull):
            spine.take(seconds[1])
        assert spine.journal.path.name == SECOND
        assert spine.take(seconds[1]).turned == clock_at(TURN_S * NS)
        assert spine.take(seconds[2]).turned is None
        spine.close()


def _full(journal: Journal, _: Sequence[Row]) -> CommitResult:
    raise JournalFull(journal.path)


def _fail(*_: object) -> None:
    raise ZeroDivisionError
