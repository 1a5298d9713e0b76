"""Starts after data that came late, and what goes on meanwhile: a start is short, and nothing waits for deciding."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow, Segment, Tick
from firmware_sim.sim_clock import SimClock
from lullwatch import states
from lullwatch.detector import Detector, Told
from lullwatch.intake import Intake
from lullwatch.past import JournalPast
from lullwatch.replay import told_lines
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.journal import Journal
from store.rows import Fed, SegmentRow
from tests.spine_examples import KID, SITES, Batch, five_minutes

CLOCK = ClockRow(0, 1_767_290_400 * NS, "boot", "UTC")
HEARD_S, BACK_S = 5, 150
"""Every sock is away from the first of these seconds to the second, and then hands over what it kept."""
CAUGHT_UP_S = 190
"""By then the late span has been decided again."""
END_S = 205


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    """A series of which most comes late, behind every state but the first."""
    seconds = five_minutes()[:END_S]
    held = [row for batch in seconds[HEARD_S:BACK_S] for row in batch if isinstance(row, SegmentRow)]
    quiet = [[row for row in batch if not isinstance(row, SegmentRow)] for batch in seconds[HEARD_S:BACK_S]]
    return [*seconds[:HEARD_S], *quiet, [*held, *seconds[BACK_S]], *seconds[BACK_S + 1 :]]


def begun(journal: Journal) -> Spine:
    spine = Spine(journal, [Watch.of(KID, SITES, 200)])
    spine.begin(CLOCK)
    return spine


def told_in(journal: Journal) -> bytes:
    return told_lines(journal.events(KID), journal.alerts(KID))


@pytest.fixture(scope="module")
def undisturbed(batches: list[Batch], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with Journal.open(tmp_path_factory.mktemp("whole") / "j.sqlite") as journal:
        spine = begun(journal)
        for batch in batches:
            spine.take(batch)
        told = told_in(journal)
    assert b'"late":true' in told
    return told


class Asked:
    """How much data was read again to be decided again, tick by tick."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.by_tick_s: list[float] = []
        segments, feed = JournalPast.segments, Detector.feed_block

        def counted(past: JournalPast, onset_ns: int, end_ns: int) -> Sequence[Segment]:
            self.by_tick_s[-1] += (end_ns - onset_ns) / NS
            return segments(past, onset_ns, end_ns)

        def ticked(detector: Detector, fed: Sequence[Fed]) -> Told:
            self.by_tick_s.append(0.0)
            return feed(detector, fed)

        monkeypatch.setattr(JournalPast, "segments", counted)
        monkeypatch.setattr(Detector, "feed_block", ticked)


def test_a_start_that_is_ended_while_it_catches_up_with_late_data_leaves_the_next_one_no_more_to_do(
    batches: list[Batch], undisturbed: bytes, tmp_path: Path
) -> None:
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = begun(journal)
        for batch in batches[:BACK_S]:
            spine.take(batch)
        for batch in batches[BACK_S:CAUGHT_UP_S]:
            journal.commit(batch)  # and killed before any of it was decided on
        begun(journal)  # and killed as soon as it was done
        newest = journal.newest_snapshot(KID)
        assert newest is not None
        fed = [item for _, item in journal.items(KID, after_row=newest.row) if isinstance(item, Tick)]
        assert len(fed) <= CAUGHT_UP_S - BACK_S + 61
        spine = begun(journal)
        for batch in batches[CAUGHT_UP_S:]:
            spine.take(batch)
        assert told_in(journal) == undisturbed


def test_states_that_late_data_made_useless_go_with_the_one_that_takes_their_place(
    batches: list[Batch], tmp_path: Path
) -> None:
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = begun(journal)
        for batch in batches[:CAUGHT_UP_S]:
            spine.take(batch)
        assert any(event.late for event in journal.events(KID))
        early = journal.newest_snapshot(KID, before_ns=(BACK_S + 5) * NS)
        newest = journal.newest_snapshot(KID)
        assert early is not None
        assert early.t_ns <= HEARD_S * NS
        assert newest is not None
        assert newest.t_ns > BACK_S * NS


def test_a_kill_in_the_midst_of_looking_back_costs_no_second_look(
    batches: list[Batch], undisturbed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "_AGAIN_S", 1e-9)
    asked = Asked(monkeypatch)
    path = tmp_path / "j.sqlite"
    for begin, end in ((0, 156), (156, 160), (160, 163), (163, len(batches))):
        with Journal.open(path) as journal:
            spine = begun(journal)
            for batch in batches[begin:end]:
                spine.take(batch)
            told = told_in(journal)
    assert told == undisturbed
    assert sum(asked.by_tick_s) < CAUGHT_UP_S


def test_no_tick_decides_more_than_a_minute_again(
    batches: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(monkeypatch)
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = begun(journal)
        for batch in batches[:CAUGHT_UP_S]:
            spine.take(batch)
    assert sum(asked.by_tick_s) > BACK_S
    assert max(asked.by_tick_s) < 62


def started_behind(journal: Journal, durable: list[Batch]) -> Spine:
    """A start that finds batches which nobody has decided on, and has not caught up with them."""
    begun(journal)
    for batch in durable:
        journal.commit(batch)
    spine = Spine(journal, [Watch.of(KID, SITES, 200)])
    spine.begin(CLOCK, wait=False)
    return spine


def test_what_comes_while_a_start_catches_up_is_durable_at_once_and_decided_in_its_turn(
    batches: list[Batch], undisturbed: bytes, tmp_path: Path
) -> None:
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = started_behind(journal, batches[:100])
        assert spine.behind
        kept = [spine.keep(batch) for batch in batches[100:120]]
        assert journal.last_row == kept[-1].last_row
        while spine.behind:
            spine.catch_up()
        for one in kept:
            spine.decide(one)
        for batch in batches[120:]:
            spine.take(batch)
        assert told_in(journal) == undisturbed


def test_a_stop_while_a_start_catches_up_leaves_the_rest_to_the_next(
    batches: list[Batch], undisturbed: bytes, tmp_path: Path
) -> None:
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine = started_behind(journal, batches[:200])
        spine.catch_up()
        spine.let_go()
        assert not spine.behind
        spine.take(batches[200])
        spine.pause()
        spine = begun(journal)
        for batch in batches[201:]:
            spine.take(batch)
        assert told_in(journal) == undisturbed


class Held:
    """A detector that decides on nothing until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on, self.began = threading.Event(), threading.Event()
        feed = Detector.feed_block

        def held(detector: Detector, fed: Sequence[Fed]) -> Told:
            self.began.set()
            self.go_on.wait(30)
            return feed(detector, fed)

        monkeypatch.setattr(Detector, "feed_block", held)


async def offered(intake: Intake, rows: Sequence[object], pick: Callable[[SegmentRow], bool]) -> None:
    """Offer packets and wait until they are confirmed."""
    sink = intake.sink(KID)
    mine = [row for row in rows if isinstance(row, SegmentRow) and pick(row)]
    assert mine
    await asyncio.wait_for(asyncio.gather(*(sink.offer(row.packet, row.segment) for row in mine)), 10)


async def test_packets_are_confirmed_while_a_decision_takes_long(
    batches: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    monkeypatch.setattr("lullwatch.intake._TICKS_APART_NS", 3600 * NS)  # however long three commits take
    with Journal.open(tmp_path / "j.sqlite") as journal:
        spine, clock = begun(journal), SimClock(5 * NS)
        intake = Intake(spine, clock, [KID], on_taken=lambda _: None)
        running = asyncio.create_task(intake.run())
        try:
            for second in (1, 2, 3):
                confirmed = asyncio.create_task(offered(intake, batches[second], lambda _: True))
                while not confirmed.done():
                    await asyncio.sleep(0.001)
                    await clock.run(clock.now_ns() + NS // 4)
                await confirmed
                assert await asyncio.to_thread(held.began.wait, 10)
            assert not spine.watermarks()[KID]
        finally:
            held.go_on.set()
            running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await intake.commit()
        await intake.close()
        kinds = [type(item) for _, item in journal.items(KID)]
        assert kinds.count(Tick) == 2, "time waits for the decision, then one tick closes what came meanwhile"
        assert kinds[-1] is Tick
        assert spine.watermarks()[KID]
