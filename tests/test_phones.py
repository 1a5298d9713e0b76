"""From the settings to a phone and back: a message with a link, a button, and everyone hears who answered."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from pathlib import Path

import msgspec
import pytest

from alerts.proof import proof_of
from lullwatch.errors import BadPush, BadSettings
from lullwatch.phones import Phones
from lullwatch.server_process import free_port
from lullwatch.settings import GatewaySettings, load
from tests.caregiving_rig import Home, alert, until
from tests.test_push import Service, service

__all__ = ["service"]

SETTINGS = """
gateway = "home"
journal_dir = "unused"
[[infants]]
id = "kid"
sensors = [{{site = "LA", address = "C0:00:00:00:00:01"}}]
[[people]]
id = "anna"
channels = ["anna-phone"]
[[push]]
name = "anna-phone"
address_file = "{address}"
[ack_page]
reachable_url = "http://127.0.0.1:{port}"
host = "127.0.0.1"
port = {port}
"""


def settings(folder: Path, address: str) -> GatewaySettings:
    file = folder / "phone"
    file.write_text(address)
    file.chmod(0o600)
    text = SETTINGS.format(address=file, port=free_port())
    return msgspec.toml.decode(text, type=GatewaySettings)


def fetch(url: str, data: bytes | None = None) -> str:
    with urllib.request.urlopen(url, data, timeout=20) as answer:
        return str(answer.read().decode())


async def test_a_link_in_a_push_message_acknowledges_for_everyone_once_its_button_is_pressed(
    tmp_path: Path, service: Service
) -> None:
    phones = Phones(settings(tmp_path, f"json://{service.at}/hook"))
    home = Home(tmp_path)
    home.phone = phones.channels["anna-phone"]  # type: ignore[assignment]
    async with home.living(), phones.page(home.care, home.clock):
        home.decide(alert())
        await until(lambda: len(service.requests) == 1)
        [link] = re.findall(r"http://127\.0\.0\.1:\d+/a/\S+", service.last["message"])
        assert "<form" in await asyncio.to_thread(fetch, link)
        assert [a.id for a in home.care.machine.open_alerts()] == ["alert-1"]
        assert "stopped for everyone" in await asyncio.to_thread(fetch, link, b"")
        assert home.care.machine.open_alerts() == []
        await until(lambda: len(service.requests) == 2)
        assert "anna has answered" in service.last["message"]
        assert "/a/" not in json.dumps(service.last)
        [step] = home.steps("acknowledged")
        assert (step.alert_id, proof_of(step).by) == ("alert-1", "anna")


async def test_without_an_ack_page_nothing_listens_and_no_link_is_sent(
    tmp_path: Path, service: Service
) -> None:
    phones = Phones(msgspec.structs.replace(settings(tmp_path, f"json://{service.at}/hook"), ack_page=None))
    home = Home(tmp_path)
    home.phone = phones.channels["anna-phone"]  # type: ignore[assignment]
    async with home.living(), phones.page(home.care, home.clock):
        home.decide(alert())
        await until(lambda: len(service.requests) == 1)
    assert "http" not in service.last["message"]


def test_a_wrong_address_ends_the_start_with_a_line_for_a_person(tmp_path: Path) -> None:
    with pytest.raises(BadPush, match=r"anna-phone .*docs/phones\.md"):
        Phones(settings(tmp_path, "nosuch://secret"))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ('channels = ["anna-phone"]', "which no [[push]] table names"),
        ('reachable_url = "http://127.0.0.1:{port}"', "reachable_url"),
    ],
)
def test_settings_that_would_reach_nobody_are_refused(tmp_path: Path, wrong: str, why: str) -> None:
    other = {"channels": 'channels = ["bens-phone"]', "reachable": 'reachable_url = "gateway.lan/x"'}
    text = SETTINGS.replace(wrong, other[wrong.split("_")[0].split(" ")[0]])
    path = tmp_path / "lullwatch.toml"
    path.write_text(text.format(address="phone", port=8090))
    with pytest.raises(BadSettings, match=re.escape(why)):
        load(path)
