"""Armed by the schedule or by hand, paused for minutes, resumed by itself; kept over a restart."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.people import Person
from dsp.records import NS, ClockRow, Watchfulness
from lullwatch.armed_hours import WEEKDAYS, ArmedHours, Weekday, armed_at
from lullwatch.arming import Armer, NotPaused
from store.journal import Journal
from store.rows import Row
from store.utc import UtcMap
from tests.caregiving_rig import Desk, HandClock

MONDAY_NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)
NIGHT = ArmedHours(time(19), time(7))
ARMED, PAUSED, DISARMED = Watchfulness.ARMED, Watchfulness.PAUSED, Watchfulness.DISARMED


UTC_OF_MONDAY = UtcMap([ClockRow(0, round(MONDAY_NOON.timestamp()) * NS, "b", "UTC")])


class Bed:
    """One gateway's arming on a clock moved by hand."""

    def __init__(self, journal: Journal, hours: Sequence[ArmedHours], clock: HandClock, **more: Any) -> None:
        self.clock, self.journal = clock, journal
        more = {"utc": UTC_OF_MONDAY, **more}
        self.armer = Armer(
            infants=["kid", "sib"], hours=hours, clock=clock, zone="UTC", keep=Desk(journal), **more
        )
        self.armer.begin(journal.watchings())

    def at(self, hours: float) -> Watchfulness:
        """How the infant is watched so many hours after noon."""
        self.clock.move(hours * 3600 - self.clock.now_ns() / NS)
        self.armer.look()
        return self.armer.state("kid").state

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(row.infant, row.state.value) for row in self.journal.watchings()]


class Nights:
    """Rows of Monday night and those that follow, as they would stand in files."""

    def __init__(self) -> None:
        self.files: list[list[Row]] = [[]]

    def add(self, row: Row) -> asyncio.Future[None]:
        self.add_quietly(row)
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        taken.set_result(None)
        return taken

    def add_quietly(self, row: Row) -> None:
        self.files[-1].append(row)


class Gateways:
    """One gateway after the other: each goes on from what the last two nights say."""

    def __init__(self, hours: Sequence[ArmedHours]) -> None:
        self.clock, self._hours, self._nights = HandClock(NS), hours, Nights()
        self.restart()

    def restart(self) -> None:
        self.armer = Armer(
            infants=["kid"], hours=self._hours, clock=self.clock, utc=UTC_OF_MONDAY, zone="UTC", keep=self._nights
        )  # fmt: skip
        self.armer.begin(row for file in self._nights.files[-2:] for row in file)

    def move(self, minutes: float) -> Watchfulness:
        self.clock.move(minutes * 60)
        self.armer.look()
        return self.armer.state("kid").state

    async def do(self, action: str) -> None:
        match action:
            case "pause" | "resume":
                await self.armer.pause("kid", 30 if action == "pause" else 0, reason="bath", by="a1")
            case "restart":
                self.restart()
            case "noon":
                self._nights.files.append([])
                self.armer.turned()
            case "arm" | "disarm":
                await self.armer.arm("kid", armed=action == "arm", by="a1")

    def minutes_to_noon(self) -> float:
        day_ns = 24 * 3600 * NS
        return (day_ns - self.clock.now_ns() % day_ns) / (60 * NS)


@contextmanager
def bed(
    folder: Path, hours: Sequence[ArmedHours] = (), clock: HandClock | None = None, **more: Any
) -> Iterator[Bed]:
    with Journal.open(folder / "journal-2026-03-16.sqlite") as journal:
        yield Bed(journal, hours, clock or HandClock(NS), **more)


def test_without_a_schedule_somebody_always_relies_on_it_and_nothing_is_written(tmp_path: Path) -> None:
    with bed(tmp_path) as home:
        assert home.at(3) is ARMED
        assert home.at(30) is ARMED
        assert home.said == []


def test_the_schedule_arms_at_bedtime_and_disarms_in_the_morning(tmp_path: Path) -> None:
    with bed(tmp_path, [NIGHT]) as home:
        stands = [home.at(h) for h in (1, 6.99, 7.01, 18.9, 19.1, 31.1)]
        assert stands == [DISARMED, DISARMED, ARMED, ARMED, DISARMED, ARMED]
        assert [state for infant, state in home.said if infant == "kid"] == [
            "disarmed", "armed", "disarmed", "armed",
        ]  # fmt: skip


def test_a_span_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    mondays = ArmedHours(time(19), time(7), ("mon",))
    midnight = MONDAY_NOON + timedelta(hours=12)
    assert armed_at([mondays], "kid", midnight + timedelta(hours=3))
    assert not armed_at([mondays], "kid", MONDAY_NOON - timedelta(hours=9))
    assert not armed_at([mondays], "kid", midnight + timedelta(hours=20))


@given(
    st.integers(0, 7 * 24 * 60 - 1), st.times(), st.times(), st.sets(st.sampled_from(WEEKDAYS), min_size=1)
)
def test_over_a_week_an_hour_of_the_schedule_is_armed_as_often_as_its_days(
    minute: int, begin: time, end: time, days: set[Weekday]
) -> None:
    begin, end = begin.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)
    hours = ArmedHours(begin, end, tuple(days))
    at = MONDAY_NOON + timedelta(minutes=minute)
    week = [armed_at([hours], "kid", at + timedelta(days=d)) for d in range(7)]
    at_all = armed_at([ArmedHours(begin, end)], "kid", at)
    assert sum(week) == (len(days) if at_all else 0)


def test_hours_for_one_infant_leave_the_other_always_armed(tmp_path: Path) -> None:
    with bed(tmp_path, [ArmedHours(time(19), time(7), infants=("kid",))]) as home:
        assert home.at(1) is DISARMED
        assert home.armer.is_armed("sib")


async def test_a_pause_ends_by_itself_and_both_are_journalled(tmp_path: Path) -> None:
    with bed(tmp_path) as home:
        (row,) = await home.armer.pause("kid", 20, reason="bath", by="a1")
        assert row.until_ns == home.clock.now_ns() + 1200 * NS
        assert home.at(0.33) is PAUSED
        assert home.at(0.34) is ARMED
        assert home.said == [("kid", "paused"), ("kid", "armed")]
        assert (row.reason, row.by) == ("bath", "a1")


async def test_a_pause_is_ended_before_its_time(tmp_path: Path) -> None:
    with bed(tmp_path) as home:
        await home.armer.pause("", 60)
        assert not any(home.armer.is_armed(infant) for infant in ("kid", "sib"))
        await home.armer.pause("", 0)
        assert home.at(0.1) is ARMED


async def test_after_a_pause_in_the_day_the_schedule_holds_again(tmp_path: Path) -> None:
    with bed(tmp_path, [NIGHT]) as home:
        assert home.at(1) is DISARMED
        await home.armer.pause("kid", 10)
        assert home.at(1.5) is DISARMED


async def test_a_nap_that_was_armed_by_hand_is_armed_again_after_a_bath(tmp_path: Path) -> None:
    with bed(tmp_path, [NIGHT]) as home:
        assert home.at(3) is DISARMED
        await home.armer.arm("kid", armed=True, by="a1")
        await home.armer.pause("kid", 10, reason="bath", by="a1")
        assert home.at(3.5) is ARMED
        await home.armer.pause("kid", 10, reason="bath", by="a1")
        (row,) = await home.armer.pause("kid", 0, by="a2")
        assert (row.state, row.reason, row.by) == (ARMED, "resumed", "a2")
        (row,) = await home.armer.pause("kid", 0, by="a2")  # of no pause
        assert row.state is ARMED
        assert [home.at(h) for h in (6.9, 7.1, 18.9, 19.1)] == [ARMED, ARMED, ARMED, DISARMED]


async def test_who_was_disarmed_by_hand_is_so_again_after_a_pause(tmp_path: Path) -> None:
    with bed(tmp_path) as home:
        await home.armer.arm("kid", armed=False, by="a1")
        await home.armer.pause("kid", 10, by="a1")
        assert home.at(0.5) is DISARMED


async def test_after_a_pause_over_the_change_of_the_schedule_the_schedule_holds(tmp_path: Path) -> None:
    with bed(tmp_path, [NIGHT]) as home:
        home.at(6.5)
        await home.armer.arm("kid", armed=False, by="a1")
        home.at(6.9)
        await home.armer.pause("kid", 30, by="a1")
        assert [home.at(7.1), home.at(7.5)] == [PAUSED, ARMED]


@settings(max_examples=60)
@given(
    st.sampled_from([(), (NIGHT,), (ArmedHours(time(19), time(7), ("mon", "wed")),)]),
    st.lists(
        st.tuples(
            st.integers(0, 400), st.sampled_from(["arm", "disarm", "pause", "resume", "restart", "noon"])
        ),
        max_size=12,
    ),
)
def test_whoever_is_not_paused_is_watched_as_without_any_pause_or_restart(
    hours: tuple[ArmedHours, ...], steps: list[tuple[int, str]]
) -> None:
    async def live() -> None:
        real, plain = Gateways(hours), Gateways(hours)
        for wait, action in steps:
            minutes = real.minutes_to_noon() if action == "noon" else wait
            states = real.move(minutes), plain.move(minutes)
            assert states[0] in (states[1], PAUSED)
            await real.do(action)
            if action in ("arm", "disarm"):
                await plain.do(action)
        assert real.move(31) is plain.move(31)

    asyncio.run(live())


async def test_what_a_person_says_holds_until_the_schedule_changes_next(tmp_path: Path) -> None:
    with bed(tmp_path, [NIGHT]) as home:
        assert home.at(1) is DISARMED
        await home.armer.arm("kid", armed=True, by="a1")
        assert home.at(2) is ARMED
        await home.armer.arm("kid", armed=False, by="a1")
        assert home.at(6.9) is DISARMED
        assert home.at(7.1) is ARMED


async def test_without_a_schedule_disarmed_by_hand_stays_so(tmp_path: Path) -> None:
    with bed(tmp_path) as home:
        await home.armer.arm("kid", armed=False)
        assert home.at(100) is DISARMED
        assert home.armer.is_armed("sib")


async def test_a_restart_goes_on_with_a_pause_and_with_what_a_person_said(tmp_path: Path) -> None:
    clock = HandClock(NS)
    with bed(tmp_path, [NIGHT], clock) as home:
        home.at(1)
        await home.armer.pause("kid", 30)
        await home.armer.arm("sib", armed=True, by="a1")
    with bed(tmp_path, [NIGHT], clock) as home:
        assert home.at(1.4) is PAUSED
        assert home.armer.is_armed("sib")
        clock.move(600)
    with bed(tmp_path, [NIGHT], clock) as home:
        assert home.armer.state("kid").state is DISARMED
        home.at(7.5)
        home.at(19.5)
        assert not home.armer.is_armed("sib")


async def test_a_start_says_again_and_logs_who_is_not_watched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = HandClock(NS)
    with bed(tmp_path, clock=clock) as home:
        await home.armer.arm("kid", armed=False)
        await home.armer.pause("sib", 30, reason="bath", by="a1")
        (_, paused) = home.journal.watchings()
    clock.move(60)
    with bed(tmp_path, clock=clock) as home:
        again = home.journal.watchings()[2:]
    assert [(row.infant, row.state, row.t_ns) for row in again] == [
        ("kid", DISARMED, clock.now_ns()),
        ("sib", PAUSED, clock.now_ns()),
    ]
    assert again[1] == replace(paused, t_ns=clock.now_ns())
    assert "kid is disarmed: nobody is called when its sensors see nothing" in caplog.text
    clock.move(3600)
    with bed(tmp_path, clock=clock) as home:
        assert [row.infant for row in home.journal.watchings()[4:]] == ["kid", "sib"]
        assert home.armer.is_armed("sib")


class OwnDate:
    """A computer without a battery clock: it begins in 1970, at eight in the morning, until a network tells it."""

    def __init__(self, told_s: float, told: datetime) -> None:
        self._map = UtcMap([ClockRow(0, 8 * 3600 * NS, "b", "UTC")])
        self._map.add(ClockRow(round(told_s * NS), round(told.timestamp()) * NS, "b", "UTC"))

    def utc_ns(self, t_ns: int) -> int:
        return self._map.utc_ns(t_ns)


@pytest.mark.parametrize(("told", "then"), [(14, ARMED), (1, DISARMED)])
def test_a_computer_that_does_not_know_the_date_is_not_disarmed_by_it(
    tmp_path: Path, told: int, then: Watchfulness
) -> None:
    date = OwnDate(1800, MONDAY_NOON + timedelta(hours=told))
    with bed(tmp_path, [NIGHT], utc=date) as home:
        assert [home.at(0.01), home.at(0.49), home.at(0.51)] == [ARMED, ARMED, then]


async def test_who_was_disarmed_until_the_evening_is_armed_after_a_power_cut_without_a_date(
    tmp_path: Path,
) -> None:
    clock = HandClock(NS)
    with bed(tmp_path, [NIGHT], clock) as home:
        home.at(3)
        await home.armer.arm("kid", armed=False, by="a1")
    back = UtcMap([ClockRow(0, round(MONDAY_NOON.timestamp()) * NS, "b", "UTC")])
    back.add(ClockRow(clock.now_ns() + NS, 8 * 3600 * NS, "c", "UTC"))
    clock.move(2)
    with bed(tmp_path, [NIGHT], clock, utc=back) as home:
        assert home.at(3.1) is ARMED
        assert home.armer.state("kid").reason == "no-date"
        await home.armer.pause("kid", 10, by="a1")
        assert home.at(3.5) is ARMED
    with bed(tmp_path, [NIGHT], clock, utc=back) as home:
        back.add(ClockRow(clock.now_ns() + NS, round(MONDAY_NOON.timestamp() + 5 * 3600) * NS, "c", "UTC"))
        assert home.at(3.6) is DISARMED  # it is five in the afternoon: what was said holds still
        assert home.armer.state("kid").by == "a1"
        assert home.at(5.7) is ARMED  # ten past seven


async def test_what_is_said_while_there_is_no_date_holds_until_the_schedule_changes_next(
    tmp_path: Path,
) -> None:
    date = OwnDate(1800, MONDAY_NOON + timedelta(hours=9))
    with bed(tmp_path, [NIGHT], utc=date) as home:
        await home.armer.arm("kid", armed=False, by="a1")
        assert [home.at(0.4), home.at(0.6), home.at(10.4)] == [DISARMED] * 3
        assert [home.at(22.4), home.at(22.6)] == [DISARMED, ARMED]  # 21:00 was half an hour in


async def test_a_new_night_says_from_its_beginning_who_is_not_watched(tmp_path: Path) -> None:
    with bed(tmp_path) as home:
        await home.armer.arm("kid", armed=False)
        home.clock.move(60)
        home.armer.turned()
        assert home.said == [("kid", "disarmed"), ("kid", "disarmed")]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"infant": "kid", "minutes": 61}, "61 minutes"),
        ({"infant": "kid", "minutes": -1}, "-1 minutes"),
        ({"infant": "nobody", "minutes": 5}, "no infant nobody"),
        ({"infant": "kid", "minutes": 5, "reason": "party"}, "no such reason"),
    ],
)
async def test_what_cannot_be_is_refused_with_what_to_do(
    tmp_path: Path, asked: dict[str, Any], why: str
) -> None:
    with bed(tmp_path) as home:
        with pytest.raises(NotPaused, match=why) as refused:
            await home.armer.pause(asked.pop("infant"), asked.pop("minutes"), **{"by": "a1", **asked})
        assert refused.value.remedy
        assert home.said == []


async def test_a_person_pauses_and_arms_the_infants_that_are_theirs_alone(tmp_path: Path) -> None:
    with bed(tmp_path, people=[Person("a1", infants=("sib",)), Person("a2")]) as home:
        for infant, whom, remedy in (
            ("kid", "this infant", r"\[\[people\]\]"),
            ("", "everybody here", "sib"),
        ):
            for asked in (
                home.armer.pause(infant, 60, by="a1"),
                home.armer.pause(infant, 0, by="a1"),
                home.armer.arm(infant, armed=False, by="a1"),
            ):
                with pytest.raises(NotPaused, match=f"a1 is not asked about {whom}") as refused:
                    await asked
                assert re.search(remedy, refused.value.remedy)
        assert home.said == []
        await home.armer.pause("sib", 60, by="a1")
        await home.armer.pause("", 60, by="a2")
        await home.armer.pause("", 0, by="command-line")  # whoever sits at this computer
        assert home.armer.is_armed("kid")


async def test_the_look_goes_on_by_itself(tmp_path: Path) -> None:
    with bed(tmp_path) as home:
        await home.armer.pause("kid", 1)
        running = asyncio.create_task(home.armer.run())
        for _ in range(62):
            await asyncio.sleep(0)
            home.clock.move(1)
            await asyncio.sleep(0)
        running.cancel()
        assert home.said == [("kid", "paused"), ("kid", "armed")]
