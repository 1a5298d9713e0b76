"""Technical trouble: said once, cleared when well, with thresholds that have reasons."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from http.client import BadStatusLine, InvalidURL
from typing import Any

import pytest

from alerts.words import Wording
from dsp.records import NS, Alert, Context, ContextKind, Coverage, LinkSample, Severity, Site, Usability
from lullwatch.dead_man import NO_ANSWER, DeadManPing, fetch
from lullwatch.troubles import SensorTroubles, Troubles
from store.rows import Row
from tests.caregiving_rig import HandClock

MIN = 60 * NS


class Board:
    """Keeps what is said."""

    def __init__(self, **more: Any) -> None:
        self.clock = HandClock(0)
        self.rows: list[Row] = []
        self.told: list[Alert] = []
        self.troubles = Troubles(clock=self.clock, intake=self, told=self.told.extend, **more)

    def add_quietly(self, row: Row) -> None:
        self.rows.append(row)


async def test_trouble_is_said_once_and_cleared_when_well() -> None:
    board = Board()
    board.troubles.begin([])
    for why in ("gone", "still gone", ""):
        board.troubles.say("database", why)
    assert [(a.pattern, a.version, a.cleared) for a in board.told] == [
        ("database", 1, False),
        ("database", 2, True),
    ]
    assert all(a.severity is Severity.TECHNICAL and a.facts["announce"] == "update" for a in board.told)
    assert board.told[0].facts["why"] == "gone"
    assert board.rows == board.told


async def test_what_was_open_before_a_restart_is_cleared_under_its_own_id() -> None:
    board = Board()
    board.troubles.begin([])
    board.troubles.say("link", "no data", infant="kid", detail="LA la")
    again = Board()
    again.troubles.begin(board.rows)
    again.troubles.say("link", "no data", infant="kid", detail="LA la")
    again.troubles.say("link", "", infant="kid", detail="LA la")
    [over] = again.told
    assert (over.id, over.version, over.cleared) == (board.told[0].id, 2, True)


async def test_what_is_said_before_the_start_and_from_another_thread_is_told() -> None:
    board = Board()
    board.troubles.say("disk", "full")
    board.troubles.begin([])
    await asyncio.to_thread(board.troubles.say, "database", "away")
    await asyncio.sleep(0)
    assert [a.pattern for a in board.told] == ["disk", "database"]


async def test_deciding_that_is_five_minutes_behind_for_a_minute_rings_once_and_is_over_when_it_is_in_time() -> (
    None
):
    board = Board()
    board.troubles.begin([])
    said = []
    for behind_s in (290, 301, 420, 600, 1200, 299, 61, 59):
        board.clock.move(60)
        now_ns = board.clock.now_ns()
        board.troubles.look(now_ns, now_ns - behind_s * NS)
        said.append([(a.pattern, a.cleared, a.facts["announce"]) for a in board.told])
        board.told.clear()
    rang, over = [("behind", False, "ring")], [("behind", True, "update")]
    assert said == [[], [], rang, [], [], [], [], over]


async def test_a_start_that_catches_up_within_a_minute_tells_nobody() -> None:
    board = Board()
    board.troubles.begin([])
    for behind_s in (900, 600, 301, 4, 400, 301, 4):
        board.clock.move(29)
        now_ns = board.clock.now_ns()
        board.troubles.look(now_ns, now_ns - behind_s * NS)
    assert not board.told


async def test_where_nothing_can_be_recorded_that_is_said_and_not_that_it_is_late_too() -> None:
    board = Board()
    board.troubles.begin([])
    for _ in range(20):
        board.clock.move(60)
        board.troubles.look(0, 0)
    assert [a.pattern for a in board.told] == ["blind"]


async def test_people_read_which_sensor_in_their_language() -> None:
    board = Board(wording=Wording("de"))
    board.troubles.begin([])
    board.troubles.say("battery", "12 per cent", infant="kid", detail="RA ra")
    assert "rechtes Bein" in board.told[0].text


class Sensors:
    """Reports of one sensor, and what was said of it."""

    def __init__(self, hours: float = 9.0) -> None:
        self.said: dict[tuple[str, str], str] = {}
        self.watch = SensorTroubles(self.say, lambda _: hours)

    def say(self, kind: str, why: str, *, infant: str, detail: str) -> None:
        self.said[kind, detail] = why

    def report(
        self, at_s: float, state: str = "streaming", received: int | None = None, battery: int | None = None
    ) -> None:
        n = int(at_s * 7) if received is None else received
        sample = LinkSample(Site.LA, "la", int(at_s * NS), state, n, 0, 0, battery, None, None)
        self.watch.link("kid", sample)

    def is_wrong(self, kind: str, detail: str = "LA la") -> bool:
        return bool(self.said.get((kind, detail)))


def test_a_link_is_lost_after_a_minute_and_not_before() -> None:
    sensors = Sensors()
    sensors.report(0)
    sensors.report(60, "stalled")
    sensors.report(70, "backing_off")
    sensors.report(90, "searching")
    assert not sensors.is_wrong("link")
    sensors.watch.look(119 * NS)
    assert not sensors.is_wrong("link")
    sensors.watch.look(120 * NS)
    assert sensors.is_wrong("link")
    sensors.report(200)
    assert not sensors.is_wrong("link")


def test_a_link_that_says_it_streams_but_brings_nothing_is_lost() -> None:
    sensors = Sensors()
    sensors.report(0, received=50)
    sensors.report(60, received=50)
    sensors.report(120, received=50)
    assert sensors.said["link", "LA la"] == "connected, but no data"


def test_a_link_that_has_just_begun_to_stream_is_judged_by_its_next_report() -> None:
    sensors = Sensors()
    sensors.report(0, "searching", received=0)
    sensors.report(0, received=0)
    sensors.watch.look(60 * NS)
    assert not sensors.is_wrong("link")
    sensors.report(60.2, received=400)
    assert not sensors.is_wrong("link")


def test_a_link_that_streams_and_then_reports_nothing_is_lost_all_the_same() -> None:
    sensors = Sensors()
    sensors.report(0, received=0)
    sensors.report(60, received=0)
    sensors.watch.look(149 * NS)
    assert not sensors.is_wrong("link")
    sensors.watch.look(150 * NS)
    assert sensors.is_wrong("link")


def test_a_planned_stop_is_no_trouble() -> None:
    sensors = Sensors()
    sensors.report(0)
    sensors.report(10, "stopped")
    sensors.watch.look(3600 * NS)
    assert not sensors.is_wrong("link")


def test_a_battery_that_will_not_last_the_night_is_said_by_its_trend() -> None:
    sensors = Sensors(hours=9.0)
    sensors.report(0, battery=60)
    sensors.report(1740, battery=56)
    assert not sensors.is_wrong("battery")  # too early to tell
    sensors.report(3600, battery=52)  # 8 an hour: 6.5 hours
    assert sensors.is_wrong("battery")
    sensors.report(3660, battery=95)
    assert not sensors.is_wrong("battery")


def test_a_battery_that_lasts_is_no_trouble_and_a_nearly_empty_one_always_is() -> None:
    lasting = Sensors(hours=9.0)
    lasting.report(0, battery=60)
    lasting.report(7200, battery=54)
    assert not lasting.is_wrong("battery")
    empty = Sensors(hours=0.0)
    empty.report(0, battery=14)
    assert empty.is_wrong("battery")
    empty.report(60, battery=15)
    assert empty.is_wrong("battery")  # does not come and go


def minute(n: int, *causes: str) -> Coverage:
    return Coverage("kid", n * MIN, MIN, Usability.DEGRADED, causes, ((Site.LA, 1.0), (Site.RA, 1.0)))


def test_a_sensor_that_is_off_is_said_after_five_minutes_and_cleared_when_worn() -> None:
    sensors = Sensors()
    for n in range(4):
        sensors.watch.minute(minute(n, "not_worn:LA"))
    assert not sensors.is_wrong("sensor", "LA")
    sensors.watch.minute(minute(4, "not_worn:LA"))
    assert sensors.is_wrong("sensor", "LA")
    sensors.watch.minute(minute(5, "no_data:LA"))
    assert sensors.is_wrong("sensor", "LA")  # silence says nothing about wearing
    sensors.watch.minute(minute(6))
    assert not sensors.is_wrong("sensor", "LA")
    assert not sensors.is_wrong("sensor", "RA")


def loose(onset_min: int, end_min: int) -> Context:
    return Context("kid", ContextKind.LOOSE, onset_min * MIN, end_min * MIN, (Site.LA,), 0.6)


def test_a_sensor_that_hangs_loose_is_said_after_five_minutes_and_cleared_when_it_sits() -> None:
    sensors = Sensors()
    sensors.watch.told([loose(10, 10)])
    for n in range(10, 14):
        sensors.watch.minute(minute(n))
    assert not sensors.is_wrong("sensor", "LA")
    sensors.watch.minute(minute(14))
    assert sensors.said["sensor", "LA"] == "loose"
    assert not sensors.is_wrong("sensor", "RA")
    sensors.watch.told([loose(10, 15)])
    sensors.watch.minute(minute(15))
    assert not sensors.is_wrong("sensor", "LA")


async def test_a_restart_does_not_make_a_loose_sensor_sit() -> None:
    board = Board()
    board.troubles.begin([])
    board.troubles.say("sensor", "loose", infant="kid", detail="LA")
    again = Sensors()
    again.watch.begin(board.rows)
    again.watch.minute(minute(20))
    assert again.is_wrong("sensor", "LA")
    again.watch.told([loose(0, 21)])
    again.watch.minute(minute(21))
    assert not again.is_wrong("sensor", "LA")


async def pinged(alive: Callable[[], bool], minutes: int, fail: Exception | None = None) -> list[str]:
    asked: list[str] = []
    clock = HandClock(0)

    async def get(url: str) -> None:
        asked.append(url)
        if fail:
            raise fail

    task = asyncio.create_task(DeadManPing("https://hc.example/x", clock=clock, alive=alive, get=get).run())
    for _ in range(minutes):
        for _ in range(5):
            await asyncio.sleep(0)
        clock.move(60)
    task.cancel()
    return asked


async def test_the_dead_mans_handle_is_held_every_minute_while_everything_runs() -> None:
    assert len(await pinged(lambda: True, 5)) == 5
    assert await pinged(lambda: False, 5) == []


@pytest.mark.parametrize(
    "fail",
    [
        OSError(),
        BadStatusLine("hc.example"),
        InvalidURL("hc.example"),
        UnicodeError(),
        ValueError("hc.example"),
    ],
)
async def test_an_address_that_does_not_answer_is_logged_once_without_its_secret_and_is_no_alarm(
    caplog: Any, fail: Exception
) -> None:
    assert len(await pinged(lambda: True, 5, fail=fail)) == 5
    assert caplog.text.count("did not answer") == 1
    assert "hc.example" not in caplog.text


@pytest.mark.parametrize(
    "answer",
    [b"<html>please log in to the hotel network</html>\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx",
     b"HTTP/1.1 302 Found\r\nLocation: http://a..b:xy/\r\n\r\n", b"HTTP/1.1 500 No\r\n\r\n", b"\xff" * 70_000],
)  # fmt: skip
async def test_no_answer_of_a_strange_network_is_more_than_no_answer(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        with suppress(*NO_ANSWER):
            await fetch(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ping")
