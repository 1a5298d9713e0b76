"""Copying and sealing beside the monitor, and how it hears of trouble there."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dsp.records import NS, ClockRow
from lullwatch.control import Control
from lullwatch.copier import Pauses
from lullwatch.handlers import TROUBLE
from lullwatch.housekeeping import Housekeeping, Sealer, Teller
from lullwatch.settings import GatewaySettings, InfantSettings, InfluxSettings, SensorSettings, Site
from store.journal import Journal
from store.sealing import sealed_path
from tests.servers_fixtures import Influx, until
from tests.store_examples import segment, segment_row

QUICK = Pauses(idle_s=0.02, refused_s=0.1, failed_s=0.1, silent_s=3.0, end_s=10.0)
NIGHTS = ("journal-2026-03-14.sqlite", "journal-2026-03-15.sqlite")


def settings(folder: Path, influx: Influx | None) -> GatewaySettings:
    infant = InfantSettings(id="kid", sensors=[SensorSettings(site=Site.LA, address="C0:00:00:00:00:01")])
    database = None
    if influx is not None:
        os.environ["LULLWATCH_INFLUX_TOKEN"] = influx.token
        database = InfluxSettings(url=influx.url, org=influx.org, bucket=influx.bucket)
    return GatewaySettings(gateway="gw", journal_dir=str(folder), infants=[infant], influx=database)


def write(folder: Path, name: str, *, first: int = 0, packets: int = 20, begin_ns: int = 0) -> None:
    with Journal.open(folder / name) as journal:
        if not journal.clock_rows():
            journal.commit([ClockRow(begin_ns, 1_773_525_600 * NS + begin_ns, "b", "UTC")])
        journal.commit([segment_row(segment(n)) for n in range(first, first + packets)])


@asynccontextmanager
async def monitor(folder: Path, heard: list[tuple[str, str]]) -> AsyncIterator[None]:
    """What listens on the control socket of a running monitor."""

    async def trouble(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        heard.append((str(asked["kind"]), str(asked["why"])))
        return {"ok": True}

    async with Control(folder, {TROUBLE: trouble}):
        yield


@contextmanager
def listening(folder: Path, heard: list[tuple[str, str]]) -> Iterator[None]:
    """The same in a thread, for as long as the block lasts."""
    ending = threading.Event()

    async def live() -> None:
        async with monitor(folder, heard):
            await asyncio.to_thread(ending.wait)

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    try:
        until((folder / "control.sock").exists)
        yield
    finally:
        ending.set()
        thread.join()


def points(influx: Influx) -> object:
    rows = influx.query("SELECT count(ax) FROM imu")
    return rows[0]["count"] if rows else 0


def test_what_the_monitor_writes_is_copied_from_the_first_night_on(tmp_path: Path, influx: Influx) -> None:
    heard: list[tuple[str, str]] = []
    with listening(tmp_path, heard), Housekeeping(settings(tmp_path, influx), pauses=QUICK):
        time.sleep(0.2)
        write(tmp_path, NIGHTS[0])  # the very first start: the pages were up before there was any journal
        until(lambda: points(influx) == 20 * 16)
    assert heard == []


def test_a_newest_night_that_cannot_be_opened_at_the_start_ends_nothing(
    tmp_path: Path, influx: Influx, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lullwatch.housekeeping.BEGIN_AGAIN_S", 0.05)
    (tmp_path / NIGHTS[0]).mkdir()  # also root cannot open it
    with Housekeeping(settings(tmp_path, influx), pauses=QUICK):
        until(lambda: "begin again" in caplog.text)
        (tmp_path / NIGHTS[0]).rmdir()
        write(tmp_path, NIGHTS[0])
        until(lambda: points(influx) == 20 * 16)


def test_a_database_that_is_away_is_told_to_the_monitor_and_cleared_when_it_is_back(
    tmp_path: Path, own_influx: Influx
) -> None:
    heard: list[tuple[str, str]] = []
    write(tmp_path, NIGHTS[0])
    own_influx.server.kill_engine()
    with listening(tmp_path, heard), Housekeeping(settings(tmp_path, own_influx), pauses=QUICK):
        until(lambda: heard)
        assert heard[0][0] == "database"
        assert heard[0][1]
        own_influx.server.start_engine()
        until(lambda: heard[-1] == ("database", ""))
    assert points(own_influx) == 20 * 16


def test_trouble_is_told_again_until_a_monitor_that_was_away_has_heard_its_last_word(tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []
    teller = Teller(tmp_path, again_s=0.05)
    teller.start()
    teller.say("database", "away")
    teller.say("service", "stops")
    teller.say("database", "refuses the token")
    time.sleep(0.2)
    with listening(tmp_path, heard):
        until(lambda: len(heard) == 2)
        assert sorted(heard) == [("database", "refuses the token"), ("service", "stops")]
        teller.say("database", "")
        until(lambda: heard[-1] == ("database", ""))
    teller.stop()
    assert len(heard) == 3


def test_only_nights_that_are_over_are_sealed_and_each_once(tmp_path: Path) -> None:
    for number, name in enumerate(NIGHTS):
        write(tmp_path, name, begin_ns=number * 86_400 * NS)
    sealer = Sealer(tmp_path, raw_days=30, min_free_bytes=1)
    assert sealer.step() == tmp_path / NIGHTS[0]
    assert sealed_path(tmp_path / NIGHTS[0]).exists()
    assert sealer.step() is None
    assert not sealed_path(tmp_path / NIGHTS[1]).exists()


@pytest.mark.parametrize(
    ("raw_days", "free", "age_days"), [(30, 299, 0), (30, 10_000, 29.5), (1, 10_000, 0.5)]
)
def test_nothing_is_sealed_where_room_is_short_or_the_raw_data_goes_soon(
    tmp_path: Path, raw_days: float, free: int, age_days: float
) -> None:
    for number, name in enumerate(NIGHTS):
        write(tmp_path, name, begin_ns=number * 86_400 * NS)
    at = time.time() - age_days * 86_400
    os.utime(tmp_path / NIGHTS[0], (at, at))
    sealer = Sealer(tmp_path, raw_days=raw_days, min_free_bytes=100, free_bytes=lambda: free)
    assert sealer.step() is None


def test_a_night_that_cannot_be_sealed_is_left_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, NIGHTS[0], packets=0)
    write(tmp_path, NIGHTS[1], begin_ns=86_400 * NS)
    sealer = Sealer(tmp_path, raw_days=30, min_free_bytes=1)
    assert sealer.step() == tmp_path / NIGHTS[0]
    assert "could not be sealed" in caplog.text
    assert sealer.step() is None
