"""What Home Assistant is told: the device form with the keys each platform requires, and the shipped blueprint."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts import commands
from alerts.discovery import MUTE_MIN, config_topic, gateway_device, infant_device, is_ours, removal
from alerts.payloads import Topics
from alerts.words import catalogue
from dsp.records import Label, Site
from lullwatch.home_assistant import Devices
from tests.test_words import faults

TOPICS = Topics("home")
WORDS = catalogue("en")
BLUEPRINT = Path(__file__).resolve().parents[1] / "deploy" / "homeassistant" / "lullwatch_phone.yaml"
REQUIRED = {
    "sensor": {"state_topic"},
    "binary_sensor": {"state_topic"},
    "event": {"state_topic", "event_types"},
    "button": {"command_topic"},
}
"""by Home Assistant's own schemas; all platforms need `platform` and `unique_id`"""


def infant(language: str = "en") -> dict[str, Any]:
    sites = [Site.LA, Site.RA, Site.TR]
    return dict(json.loads(infant_device(TOPICS, "a", sites, catalogue(language)).payload))


def gateway() -> dict[str, Any]:
    return dict(json.loads(gateway_device(TOPICS, WORDS).payload))


@pytest.mark.parametrize(
    "device", [infant(), infant("de"), gateway()], ids=["infant", "infant-de", "gateway"]
)
def test_a_device_has_every_key_that_its_platforms_require(device: dict[str, Any]) -> None:
    assert device["device"]["identifiers"]
    assert device["origin"]["name"] == "lullwatch"
    for part in device["components"].values():
        assert {"platform", "unique_id", "name"} | REQUIRED[part["platform"]] <= set(part)
        assert part.get("device_class") == "enum" or "options" not in part
    ids = [part["unique_id"] for part in device["components"].values()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", one) for one in ids)


def test_an_infant_has_all_that_is_promised() -> None:
    parts = infant()["components"]
    promised = {
        "state",
        "last_event",
        "series",
        "coverage",
        "seen",
        "problem",
        "open",
        "alert",
        "ack",
        "mute",
        "unmute",
    }
    worn = {f"{what}_{site}" for what in ("battery", "link") for site in ("la", "ra", "tr")}
    assert set(parts) == promised | worn


def test_a_device_is_retained_under_its_own_topic_and_removed_by_nothing_retained() -> None:
    message = infant_device(TOPICS, "a", [], WORDS)
    assert (message.topic, message.retain) == ("homeassistant/device/lullwatch_home_a/config", True)
    gone = removal(config_topic(TOPICS, "a"))
    assert (gone.topic, gone.payload, gone.retain) == (message.topic, b"", True)


def test_it_is_unavailable_unless_the_gateway_says_that_it_is_online() -> None:
    [availability] = infant()["availability"]
    assert availability["topic"] == "lullwatch/home/status"
    assert "'online' if value_json.state == 'online' else 'offline'" in availability["value_template"]


def test_what_can_go_stale_expires() -> None:
    parts = infant()["components"]
    assert all(parts[name]["expire_after"] == 300 for name in ("state", "coverage", "battery_la", "link_la"))


def test_the_buttons_send_commands_that_the_gateway_understands() -> None:
    parts = {**infant()["components"], "test": gateway()["components"]["test"]}
    for name, command in (("ack", "ack"), ("mute", "mute"), ("unmute", "mute"), ("test", "test")):
        assert parts[name]["command_topic"].endswith(f"/set/{command}")
        made = commands.decode(command, parts[name]["payload_press"].encode())
        assert getattr(made, "by", "") == "home-assistant"
    mute = commands.decode("mute", parts["mute"]["payload_press"].encode())
    assert isinstance(mute, commands.Mute)
    assert mute.minutes == MUTE_MIN <= commands.LONGEST_MUTE_MIN
    assert set(mute.patterns) < {label.wire for label in Label}
    assert Label.LONG_MOVEMENT.wire not in mute.patterns


@pytest.mark.parametrize("device", [infant(), gateway()], ids=["infant", "gateway"])
def test_no_name_in_it_is_a_word_that_people_may_not_see(device: dict[str, Any]) -> None:
    names = [device["device"]["name"], *(part["name"] for part in device["components"].values())]
    assert [faults(name) for name in names if faults(name)] == []


def test_a_device_of_this_gateway_is_known_again_and_others_are_not() -> None:
    own = infant_device(TOPICS, "a", [], WORDS).payload
    assert is_ours(TOPICS, own)
    assert not is_ours(Topics("other"), own)
    assert not any(
        is_ours(TOPICS, other)
        for other in (b"", b"[]", b"{", b'{"origin":{"name":"x"},"device":{}}', b"\xff")
    )


def test_devices_are_announced_again_at_a_birth_and_a_device_that_is_no_longer_here_is_taken_away() -> None:
    said: list[tuple[str, bytes]] = []
    again: list[bool] = []
    devices = Devices(
        TOPICS,
        {"a": [Site.LA]},
        WORDS,
        publish=lambda m: said.append((m.topic, m.payload)),
        again=lambda: again.append(True),
    )
    birth, found = devices.heard["homeassistant/status"], devices.heard["homeassistant/device/+/config"]
    devices.announce()
    birth("homeassistant/status", b"offline")
    assert (len(said), again) == (2, [])
    birth("homeassistant/status", b"online")
    assert (len(said), again) == (4, [True])
    old = infant_device(TOPICS, "b", [], WORDS)
    for message in (
        old,
        infant_device(TOPICS, "a", [], WORDS),
        infant_device(Topics("other"), "b", [], WORDS),
    ):
        found(message.topic, message.payload)
    assert said[4:] == [(old.topic, b"")]


def test_turned_off_every_device_is_taken_away() -> None:
    said: list[str] = []
    devices = Devices(TOPICS, None, WORDS, publish=lambda m: said.append(m.topic), again=lambda: None)
    devices.announce()
    own = gateway_device(TOPICS, WORDS)
    devices.heard["homeassistant/device/+/config"](own.topic, own.payload)
    assert said == [own.topic]


class _Loader(yaml.SafeLoader):
    """Reads `!input`."""


_Loader.add_constructor("!input", lambda loader, node: f"INPUT {loader.construct_scalar(node)}")  # type: ignore[no-untyped-call]


def blueprint() -> dict[str, Any]:
    return dict(yaml.load(BLUEPRINT.read_text(), _Loader))


def test_the_blueprint_has_an_input_for_everything_it_uses() -> None:
    text = BLUEPRINT.read_text()
    assert set(re.findall(r"!input (\w+)", text)) == set(blueprint()["blueprint"]["input"])
    assert blueprint()["blueprint"]["domain"] == "automation"


def test_the_blueprint_rings_through_silent_mode_only_for_what_rings_now() -> None:
    told, _ = blueprint()["actions"][0]["choose"]
    rings = told["sequence"][0]["variables"]["rings"]
    assert rings == "{{ told.rings and told.open and not told.past }}"
    data = told["sequence"][1]["data"]["data"]
    loud, silent = data.split("if rings else")
    assert all(word in loud for word in ("alarm_stream", "'critical': 1", "'priority': 'high'", "'ttl': 0"))
    assert "alarm_stream" not in silent
    assert "'passive'" in silent


def test_its_buttons_publish_our_commands() -> None:
    text = BLUEPRINT.read_text()
    assert "'lullwatch|ack'" in text
    assert "'lullwatch|film'" in text
    assert "'lullwatch|false'" in text
    _, pressed = blueprint()["actions"][0]["choose"]
    choice = pressed["sequence"][1]
    note = choice["choose"][0]["sequence"][0]["data"]
    ack = choice["default"][0]["data"]
    assert (note["topic"], ack["topic"]) == ("{{ set_topic ~ 'note' }}", "{{ set_topic ~ 'ack' }}")
    for kind, payload in (("note", note["payload"]), ("ack", ack["payload"])):
        used = set(re.findall(r"'(\w+)':", payload))
        assert used <= set(commands.COMMANDS[kind].__struct_fields__)
        assert "by" in used
