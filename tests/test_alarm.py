"""When it is the monitor that keeps ending: people are told past it, and it hears of it when it is back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.english import ENGLISH
from alerts.telling import Notification
from alerts.wire import AlertBody
from lullwatch import alarm
from lullwatch.control import Control
from lullwatch.handlers import TROUBLE
from lullwatch.server_process import free_port
from lullwatch.settings import parse
from tests.servers_fixtures import Broker
from tests.test_before_bed import service

SETTINGS = """
gateway = "{gateway}"
journal_dir = "{folder}"
[[infants]]
id = "kid"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:01"
[[people]]
id = "a1"
channels = ["mqtt", "phone"]
[[push]]
name = "phone"
[mqtt]
host = "{host}"
port = {port}
tls = false
"""


async def test_everybody_is_rung_past_the_monitor_over_every_way(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"gateway": mosquitto.topic, "host": mosquitto.host, "port": mosquitto.port, "folder": tmp_path}
    with service() as (port, got), mosquitto.sub(f"lullwatch/{mosquitto.topic}/#") as phone:
        monkeypatch.setenv("LULLWATCH_PUSH_PHONE", f"json://127.0.0.1:{port}/")
        await alarm.cry(parse(tmp_path / "x", SETTINGS.format(**values)), "it ended 5 times in 5 min")
        told = await asyncio.to_thread(phone.next)
    body = msgspec.json.decode(told.payload, type=AlertBody)
    assert (body.pattern, body.rings, body.severity) == ("service", True, "technical")
    assert body.title == ENGLISH.technical["monitor"][0]
    assert "Look at your baby" in body.text
    assert len(got) == 1
    assert json.loads(got[0])["title"] == body.title


async def test_a_way_that_fails_stands_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"gateway": "gw", "host": "127.0.0.1", "port": free_port(), "folder": tmp_path}
    with service() as (port, got):
        monkeypatch.setenv("LULLWATCH_PUSH_PHONE", f"json://127.0.0.1:{port}/")
        await alarm.cry(parse(tmp_path / "x", SETTINGS.format(**values)), "it ended")
    assert len(got) == 1
    assert "was not sent" in caplog.text


async def test_an_address_that_keeps_the_monitor_from_starting_keeps_nothing_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"gateway": "gw", "host": "127.0.0.1", "port": free_port(), "folder": tmp_path}
    more = SETTINGS.replace('["mqtt", "phone"]', '["broken", "phone"]').replace(
        "[[push]]", '[[push]]\nname = "broken"\n[[push]]'
    )
    with service() as (port, got):
        monkeypatch.setenv("LULLWATCH_PUSH_PHONE", f"json://127.0.0.1:{port}/")
        await alarm.cry(parse(tmp_path / "x", more.format(**values)), "it ended")
    assert len(got) == 1
    assert "over broken nobody can be told" in caplog.text


async def test_over_each_way_it_is_said_until_it_is_taken_or_a_monitor_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"gateway": "gw", "host": "127.0.0.1", "port": free_port(), "folder": tmp_path}
    monkeypatch.setattr(alarm, "CRY_AGAIN_S", 0.05)
    tried: list[str] = []

    async def handed_over(_: object, told: Notification) -> bool:
        tried.append(told.send.channel)
        return told.send.channel == "quick" or tried.count("slow") == 3

    monkeypatch.setattr(alarm, "_hand_over", handed_over)
    more = SETTINGS.partition("[mqtt]")[0].replace('["mqtt", "phone"]', '["quick", "slow"]')
    more = more.replace('name = "phone"', 'name = "quick"\n[[push]]\nname = "slow"')
    for name in ("QUICK", "SLOW"):
        monkeypatch.setenv(f"LULLWATCH_PUSH_{name}", "json://127.0.0.1:9/")
    settings = parse(tmp_path / "x", more.format(**values))
    await alarm.cry(settings, "it ended", for_s=20.0)
    assert sorted(tried) == ["quick", "slow", "slow", "slow"]
    tried.clear()

    async def runs(_: object) -> dict[str, Any]:
        return {"ok": True}

    async with Control(tmp_path, {"status": runs}):
        await alarm.cry(settings, "it ended", for_s=20.0)
    assert sorted(tried) == ["quick", "slow"]


async def test_the_monitor_hears_of_the_pages_and_of_itself_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"gateway": "gw", "host": "127.0.0.1", "port": free_port(), "folder": tmp_path}
    settings = parse(tmp_path / "x", SETTINGS.format(**values))
    heard: list[tuple[str, str]] = []
    cried: list[str] = []

    async def trouble(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        heard.append((asked["kind"], asked["why"]))
        return {"ok": True}

    async def cry(_: object, why: str, *, for_s: float) -> None:
        assert for_s > 60.0
        cried.append(why)

    monkeypatch.setattr(alarm, "cry", cry)
    telling = asyncio.create_task(asyncio.to_thread(alarm.tell_of, settings, "monitor", "it ended"))
    await asyncio.sleep(0.3)
    async with Control(tmp_path, {TROUBLE: trouble}):
        await telling
        await asyncio.to_thread(alarm.tell_of, settings, "serve", "it ended")
        await asyncio.to_thread(alarm.tell_of, settings, "serve", "")
    assert heard == [("service", "monitor: it ended"), ("service", "serve: it ended"), ("service", "")]
    assert cried == ["it ended"]
