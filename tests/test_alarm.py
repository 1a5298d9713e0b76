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
    assert body.title == ENGLISH.technical["service"][0]
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

    async def cry(_: object, why: str) -> None:
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
