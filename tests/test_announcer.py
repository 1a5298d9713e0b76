"""From the journal to a real broker: nothing below its alert, no sensor missing, no row that stops the others."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts.mqtt import BrokerAddress, MqttPublisher
from alerts.payloads import Topics
from alerts.telling import Kind, Notification, Send, Standing
from alerts.words import catalogue
from dsp.records import NS, Alert, ClockRow, Label, LinkSample, Severity, Site
from firmware_sim.sim_clock import ScaledClock
from lullwatch.announcer import ALERTS, DIARY, Announcer
from store.errors import JournalDamaged, JournalFull
from store.journal import Journal
from store.rows import LinkRow
from store.shelf import Shelf
from store.utc import UtcMap
from tests.alert_makers import event, later
from tests.caregiving_rig import HandClock, until
from tests.servers_fixtures import PATIENCE_S, Broker

CLOCK = ClockRow(0, 1_773_525_600 * NS, "b", "UTC")
WEAK = event(match=0.5)
"""a first weak series: a notice by the table alone"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "n.sqlite") as opened:
        opened.commit([CLOCK])
        yield opened


def alert(number: int = 1, severity: Severity = Severity.URGENT, **facts: Any) -> Alert:
    return Alert(
        f"alert-{number}", 1, severity, "inf1", NS, "p", WEAK.id, 0, NS, 3, "r@1", "Look.", {"a": 1, **facts}
    )


def link(site: Site, state: str = "streaming") -> LinkRow:
    return LinkRow("inf1", LinkSample(site, site.value.lower(), NS, state, 5, 1, 0, 80, -71, 0.5))


@asynccontextmanager
async def announcing(
    journal: Journal, broker: Broker, tables: tuple[str, ...] = DIARY, **options: Any
) -> AsyncIterator[Announcer]:
    """A publisher and one announcer, from a start to an end."""
    topics = Topics(broker.topic)
    clock = ScaledClock(pace=20.0)
    publisher = MqttPublisher(BrokerAddress(broker.host, broker.port), topics, clock=clock)
    options.setdefault("clock", clock)
    shelf = Shelf.around(journal.path)
    utc = UtcMap(journal.clock_rows())
    announcer = Announcer(shelf, publisher, topics, tables=tables, utc=utc, **options)
    tasks = [asyncio.create_task(publisher.run()), asyncio.create_task(announcer.run())]
    try:
        yield announcer
    finally:
        await publisher.stop()
        await asyncio.wait_for(tasks[0], PATIENCE_S)
        tasks[1].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        shelf.close()
        assert not [r for r in results if isinstance(r, Exception)]


async def announce(journal: Journal, broker: Broker, tables: tuple[str, ...] = DIARY, **options: Any) -> None:
    async with announcing(journal, broker, tables, **options) as announcer, asyncio.timeout(PATIENCE_S):
        await announcer.settled()


def messages(broker: Broker, kind: str, work: Any, n: int) -> list[dict[str, Any]]:
    """What `mosquitto_sub` receives while `work` runs."""
    with broker.sub(f"lullwatch/{broker.topic}/+/{kind}") as phone:
        asyncio.run(work)
        return [json.loads(message.payload) for message in phone.take(n)]


def test_after_a_restart_an_event_stands_at_its_alert(journal: Journal, mosquitto: Broker) -> None:
    journal.commit([WEAK, alert()])
    asyncio.run(announce(journal, mosquitto))
    journal.commit([later(WEAK, 40.0)])
    [said] = messages(mosquitto, "event", announce(journal, mosquitto), 1)
    assert (said["version"], said["severity"]) == (2, "urgent")


def test_an_alert_behind_the_cursor_is_not_announced_again(journal: Journal, mosquitto: Broker) -> None:
    journal.commit([alert(1)])
    asyncio.run(announce(journal, mosquitto, ALERTS))
    journal.commit([alert(2)])
    [said] = messages(mosquitto, "alert", announce(journal, mosquitto, ALERTS), 1)
    assert said["id"] == "alert-2"


def test_after_a_restart_the_link_message_holds_every_sensor(journal: Journal, mosquitto: Broker) -> None:
    journal.commit([link(Site.LA, "searching"), link(Site.RA), link(Site.LA), link(Site.TR)])
    asyncio.run(announce(journal, mosquitto))
    journal.commit([link(Site.TR, "stalled")])
    # the retained one of before the restart comes first
    before, said = messages(mosquitto, "link", announce(journal, mosquitto), 2)
    assert set(before["sensors"]) == {"LA", "RA", "TR"}
    assert {site: sensor["state"] for site, sensor in said["sensors"].items()} == {
        "LA": "streaming",
        "RA": "streaming",
        "TR": "stalled",
    }


def test_a_row_that_cannot_be_said_is_set_aside_once_and_the_next_ones_go_out(
    journal: Journal, mosquitto: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    bad = journal.commit([replace(event(Label.STIFFENING, at_s=60), interval_mean_s=math.nan)])
    journal.commit([WEAK])
    [said] = messages(mosquitto, "event", announce(journal, mosquitto), 1)
    assert said["id"] == WEAK.id
    name = "mqtt-" + "-".join(DIARY)
    [letter] = journal.dead_letters(name)
    assert letter.row == bad.last_row
    assert "ValueError" in letter.reason
    assert b"stiffening" in letter.body
    assert journal.cursor(name) == journal.last_row
    assert f"row {bad.last_row}" in caplog.text
    caplog.clear()
    asyncio.run(announce(journal, mosquitto))
    assert "set aside" not in caplog.text


def test_an_alert_rings_even_when_one_of_its_figures_is_no_number(
    journal: Journal, mosquitto: Broker
) -> None:
    journal.commit([alert(1, announce="ring", interval_mean_s=math.nan, conveyed=math.inf)])
    [said] = messages(mosquitto, "alert", announce(journal, mosquitto, ALERTS), 1)
    assert said["facts"] == {"a": 1, "announce": "ring", "interval_mean_s": None, "conveyed": None}
    assert journal.dead_letters("mqtt-alert") == []


def test_an_alert_that_was_held_up_says_so_in_the_language_of_the_people(
    journal: Journal, mosquitto: Broker
) -> None:
    long_ago = replace(alert(), t_ns=-600 * NS, onset_ns=-610 * NS)
    journal.commit([long_ago])
    work = announce(journal, mosquitto, ALERTS, words=catalogue("de"))
    [said] = messages(mosquitto, "alert", work, 1)
    assert said["past"]
    assert "wird verspätet gesendet" in said["text"]


async def test_what_was_answered_while_the_broker_was_away_does_not_ring_when_it_is_back(
    journal: Journal, mosquitto: Broker
) -> None:
    answered, asked = False, []

    def record(told: Alert) -> Notification:
        send = Send("", "mqtt", told.id, told.version, Kind.ALERT, 0, rings=not answered)
        asked.append(told.id)
        standing = Standing(open=not answered, acknowledged_by="anna" if answered else "")
        return Notification(send=send, alert=told, title="", text=told.text, standing=standing)

    topics = Topics(mosquitto.topic)
    clock = ScaledClock(pace=20.0)
    publisher = MqttPublisher(BrokerAddress(mosquitto.host, mosquitto.port), topics, clock=clock)
    utc = UtcMap(journal.clock_rows())
    with Shelf.around(journal.path) as shelf, mosquitto.sub(f"lullwatch/{topics.gateway}/+/alert") as phone:
        announcer = Announcer(shelf, publisher, topics, tables=ALERTS, utc=utc, clock=clock, record=record)
        journal.commit([alert(1, announce="ring")])
        tasks = [asyncio.create_task(announcer.run())]
        await until(lambda: len(asked) > 0)
        answered = True
        tasks.append(asyncio.create_task(publisher.run()))
        async with asyncio.timeout(PATIENCE_S):
            await announcer.settled()
        await publisher.stop()
        await tasks[1]
        tasks[0].cancel()
        [message] = await asyncio.to_thread(phone.take, 1)
    said = json.loads(message.payload)
    assert (said["rings"], said["open"], said["acknowledged_by"]) == (False, False, "anna")


def test_after_an_outage_only_the_newest_version_is_told_but_never_silence_for_a_ring(
    journal: Journal, mosquitto: Broker
) -> None:
    versions = [alert(1, announce="push")]
    versions += [replace(versions[0], version=2, facts={"announce": "ring"})]
    versions += [replace(versions[0], version=n, facts={"announce": "update"}) for n in (3, 4, 5)]
    journal.commit([*versions, alert(2)])
    said = messages(mosquitto, "alert", announce(journal, mosquitto, ALERTS), 3)
    assert [(m["id"], m["version"]) for m in said] == [("alert-1", 2), ("alert-1", 5), ("alert-2", 1)]


def test_an_alert_of_the_last_night_is_told_before_those_of_this_one(
    tmp_path: Path, mosquitto: Broker
) -> None:
    with Journal.open(tmp_path / "journal-2026-03-14.sqlite") as last:
        last.commit([CLOCK, alert(1)])
        asyncio.run(announce(last, mosquitto, ALERTS))
        last.commit([alert(2)])
    with Journal.open(tmp_path / "journal-2026-03-15.sqlite") as journal:
        journal.commit([replace(CLOCK, t_ns=10 * NS), alert(3)])
        said = messages(mosquitto, "alert", announce(journal, mosquitto, ALERTS), 2)
    assert [m["id"] for m in said] == ["alert-2", "alert-3"]


def test_while_the_cursor_cannot_be_moved_alerts_still_go_out_and_only_once(
    journal: Journal, mosquitto: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise JournalFull(journal.path)

    async def work() -> None:
        async with announcing(journal, mosquitto, ALERTS) as announcer:
            with monkeypatch.context() as disk:
                disk.setattr(Journal, "advance", full)
                for number in (1, 2, 3):
                    journal.commit([alert(number)])
                    announcer.wake()
                    await asyncio.sleep(0.2)
                assert journal.cursor("mqtt-alert") == 0
            announcer.wake()
            async with asyncio.timeout(PATIENCE_S):
                await announcer.settled()

    said = messages(mosquitto, "alert", work(), 3)
    assert [m["id"] for m in said] == ["alert-1", "alert-2", "alert-3"]
    assert journal.cursor("mqtt-alert") == journal.last_row
    assert caplog.text.count("no room left") == 1


def test_who_stands_still_for_a_minute_says_so_and_that_it_goes_on(
    journal: Journal, mosquitto: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    clock = HandClock()

    def damaged(*_: object, **__: object) -> None:
        raise JournalDamaged(journal.path, "malformed")

    async def work() -> None:
        async with announcing(journal, mosquitto, ALERTS, clock=clock, say=said.append) as announcer:
            async with asyncio.timeout(PATIENCE_S):
                await announcer.settled()
            journal.commit([alert(1)])
            with monkeypatch.context() as disk:
                disk.setattr(Journal, "read", damaged)
                for told in ([], [], ["JournalDamaged"]):
                    announcer.wake()
                    await asyncio.sleep(0.2)
                    assert said == told
                    clock.move(30.0)
            announcer.wake()
            async with asyncio.timeout(PATIENCE_S):
                await announcer.settled()

    messages(mosquitto, "alert", work(), 1)
    assert said == ["JournalDamaged", ""]
