"""Keeping and deciding in a thread each: neither loses what the other holds when one of them is stopped or fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from dsp.records import NS
from firmware_sim.sim_clock import SimClock
from lullwatch.batches import Kept
from lullwatch.detector import Detector
from lullwatch.intake import Intake
from lullwatch.past import JournalPast
from lullwatch.rollover import Rollover
from lullwatch.spine import Spine
from store.errors import JournalFull
from store.journal import CommitResult, Journal
from store.rows import Row, SegmentRow
from store.shelf import Shelf
from tests.spine_examples import KID, Batch, five_minutes
from tests.test_rollover import FIRST, SECOND, TURN_S, clock_at
from tests.test_spine import CLOCK, watch


@pytest.fixture(scope="module")
def seconds() -> list[Batch]:
    return five_minutes()[:40]


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
        self.decided += [number for number, _ in kept.rows]
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
        await intake.close()


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


def _fail(*_: object) -> None:
    raise ZeroDivisionError
