"""Home Assistant finds each infant, and the gateway, as a device: MQTT discovery in its device form. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from alerts.catalogue import Catalogue
from alerts.payloads import GATEWAY, Message, Topics, encoded
from dsp.records import Label, Site, State, Usability

__all__ = [
    "BIRTH_TOPIC",
    "CONFIG_FILTER",
    "MUTE_MIN",
    "SOURCE",
    "config_topic",
    "gateway_device",
    "infant_device",
    "is_ours",
    "removal",
]

BIRTH_TOPIC = "homeassistant/status"
"""Home Assistant says `online` here when it has come up."""
CONFIG_FILTER = "homeassistant/device/+/config"
"""Where devices announce themselves."""
SOURCE = "home-assistant"
"""Who asks, in commands from its buttons; `[commands] sources` of the settings allows it by default."""
MUTE_MIN = 60
"""What the mute button gives: time to soothe and feed a baby; longer ones are said with a command."""
EXPIRE_S = 300
"""Epochs, minutes and links are told at least once a minute: a value that is five minutes old is not shown as live."""
_MUTED = (
    "repeated_brief_movements",
    "brief_strong_movement",
    "rhythmic_jerking",
    "rhythmic_jerks_asleep",
    "stiffening",
)
"""What the mute button keeps silent; long movements are never muted by a button."""
_SERIES = Label.SPASM_LIKE_CLUSTER.wire
_ORIGIN = "lullwatch"
_NONE = "none"

Component = Mapping[str, object]


def infant_device(topics: Topics, infant: str, sites: Sequence[Site], words: Catalogue) -> Message:
    """One infant's device: how the night goes, what is told, and buttons to answer; retained."""
    said = words.text
    tonight, link = topics.of(infant, "tonight"), topics.of(infant, "link")
    parts: dict[str, Component] = {
        "state": {
            "platform": "sensor",
            "name": said("home.state"),
            "state_topic": topics.of(infant, "state"),
            "value_template": "{{ value_json.state }}",
            "device_class": "enum",
            "options": [state.value for state in State],
            "icon": "mdi:sleep",
            "expire_after": EXPIRE_S,
        },
        "coverage": {
            "platform": "sensor",
            "name": said("home.coverage"),
            "state_topic": topics.of(infant, "coverage"),
            "value_template": "{{ value_json.usability }}",
            "device_class": "enum",
            "options": [usability.value for usability in Usability],
            "json_attributes_topic": topics.of(infant, "coverage"),
            "icon": "mdi:eye",
            "expire_after": EXPIRE_S,
        },
        "seen": {
            "platform": "sensor",
            "name": said("home.seen"),
            "state_topic": tonight,
            "value_template": "{{ (value_json.coverage.seen_s / 3600) | round(2) }}",
            "device_class": "duration",
            "unit_of_measurement": "h",
            "json_attributes_topic": tonight,
            "json_attributes_template": "{{ value_json.coverage | tojson }}",
        },
        "last_event": {
            "platform": "sensor",
            "name": said("home.last_event"),
            "state_topic": tonight,
            "value_template": f"{{{{ value_json.last_event or '{_NONE}' }}}}",
            "device_class": "enum",
            "options": [*(label.wire for label in Label), _NONE],
            "json_attributes_topic": tonight,
            "json_attributes_template": "{{ {'at': value_json.last_event_at} | tojson }}",
            "icon": "mdi:gesture",
        },
        "series": {
            "platform": "sensor",
            "name": said("home.series"),
            "state_topic": tonight,
            "value_template": f"{{{{ (value_json.counts.get('{_SERIES}') or {{}}).get('events', 0) }}}}",
            "state_class": "measurement",
            # no count without what could be seen
            "json_attributes_topic": tonight,
            "json_attributes_template": f"{{{{ dict(value_json.coverage, movements=(value_json.counts.get('{_SERIES}') "
            "or {}).get('movements', 0)) | tojson }}",
            "icon": "mdi:counter",
        },
        "alert": _alert_event(topics, infant, words),
        "open": _open_alerts(tonight, words),
        "problem": _problem(tonight, words),
        "ack": _button(topics, infant, "ack", {"by": SOURCE}, said("home.ack"), "mdi:hand-wave"),
        "mute": _button(
            topics, infant, "mute", {"by": SOURCE, "patterns": list(_MUTED), "minutes": MUTE_MIN},
            said("home.mute", minutes=MUTE_MIN), "mdi:bell-sleep",
        ),
        "unmute": _button(
            topics, infant, "mute", {"by": SOURCE, "minutes": 0}, said("home.unmute"), "mdi:bell-ring"
        ),
    }  # fmt: skip
    for site in sites:
        place = words.sites[site.value]
        parts[f"battery_{site.value.lower()}"] = _battery(link, site, said("home.battery", site=place))
        parts[f"link_{site.value.lower()}"] = _link(link, site, said("home.link", site=place))
    device = {"name": said("home.infant", infant=infant), "via_device": _unique(topics, GATEWAY)}
    return _device(topics, infant, device, parts)


def gateway_device(topics: Topics, words: Catalogue) -> Message:
    """The gateway's device: whether it is there, what is wrong with it, and the self-test; retained."""
    tonight = topics.of("", "tonight")
    parts: dict[str, Component] = {
        "running": {
            "platform": "binary_sensor",
            "name": words.text("home.running"),
            "state_topic": topics.status,
            "value_template": "{{ 'ON' if value_json.state == 'online' else 'OFF' }}",
            "device_class": "running",
            # this one says that the gateway is gone; it must not go with it
            "availability": [],
        },
        "alert": _alert_event(topics, "", words),
        "open": _open_alerts(tonight, words),
        "problem": _problem(tonight, words),
        "ack": _button(topics, "", "ack", {"by": SOURCE}, words.text("home.ack"), "mdi:hand-wave"),
        "test": {
            **_button(topics, "", "test", {"by": SOURCE}, words.text("home.test"), "mdi:test-tube"),
            "entity_category": "diagnostic",
        },
    }
    device = {"name": words.text("home.gateway", gateway=topics.gateway)}
    return _device(topics, GATEWAY, device, parts)


def config_topic(topics: Topics, infant: str) -> str:
    """Where the device of an infant (empty: of the gateway) is announced."""
    return f"homeassistant/device/{_unique(topics, infant or GATEWAY)}/config"


def removal(topic: str) -> Message:
    """Takes a device away: nothing, retained."""
    return Message(topic, b"", retain=True, newest_only=True)


def is_ours(topics: Topics, payload: bytes) -> bool:
    """Whether what is retained on a topic of `CONFIG_FILTER` is a device that this gateway announced at some time."""
    try:
        body = json.loads(payload)
        origin, device = body["origin"]["name"], body["device"]
        return bool(origin == _ORIGIN and topics.gateway in device["serial_number"].split("/")[:1])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _device(
    topics: Topics, infant: str, device: Mapping[str, object], parts: Mapping[str, Component]
) -> Message:
    own = _unique(topics, infant)
    body = {
        "device": {
            "identifiers": [own],
            "manufacturer": _ORIGIN,
            "model": "gateway" if infant == GATEWAY else "infant",
            "serial_number": f"{topics.gateway}/{infant}",
            "sw_version": version("lullwatch"),
            **device,
        },
        "origin": {"name": _ORIGIN, "sw_version": version("lullwatch")},
        "availability": [
            {
                "topic": topics.status,
                "value_template": "{{ 'online' if value_json.state == 'online' else 'offline' }}",
            }
        ],
        "qos": 1,
        "components": {name: {**part, "unique_id": f"{own}_{name}"} for name, part in parts.items()},
    }
    topic = config_topic(topics, "" if infant == GATEWAY else infant)
    return Message(topic, encoded(body), retain=True, newest_only=True)


def _alert_event(topics: Topics, infant: str, words: Catalogue) -> Component:
    fields = (
        "id",
        "version",
        "kind",
        "to",
        "rings",
        "past",
        "open",
        "title",
        "text",
        "pattern",
        "onset",
        "count",
    )
    picked = ", ".join(f"'{name}': value_json.{name}" for name in fields)
    return {
        "platform": "event",
        "name": words.text("home.alert"),
        "state_topic": topics.of(infant, "alert"),
        "event_types": ["urgent", "notice", "technical"],
        "value_template": f"{{{{ {{'event_type': value_json.severity, {picked}}} | tojson }}}}",
    }


def _open_alerts(tonight: str, words: Catalogue) -> Component:
    return {
        "platform": "sensor",
        "name": words.text("home.open"),
        "state_topic": tonight,
        "value_template": "{{ value_json.open_alerts | length }}",
        "json_attributes_topic": tonight,
        "json_attributes_template": "{{ {'alerts': value_json.open_alerts} | tojson }}",
        "icon": "mdi:bell-alert",
    }


def _problem(tonight: str, words: Catalogue) -> Component:
    return {
        "platform": "binary_sensor",
        "name": words.text("home.problem"),
        "state_topic": tonight,
        "value_template": "{{ 'ON' if value_json.problems else 'OFF' }}",
        "device_class": "problem",
        "json_attributes_topic": tonight,
        "json_attributes_template": "{{ {'problems': value_json.problems} | tojson }}",
    }


def _battery(link: str, site: Site, name: str) -> Component:
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": link,
        "value_template": f"{{{{ (value_json.sensors.get('{site.value}') or {{}}).get('battery') }}}}",
        "device_class": "battery",
        "unit_of_measurement": "%",
        "state_class": "measurement",
        "entity_category": "diagnostic",
        "expire_after": EXPIRE_S,
    }


def _link(link: str, site: Site, name: str) -> Component:
    up = f"(value_json.sensors.get('{site.value}') or {{}}).get('state') == 'streaming'"
    return {
        "platform": "binary_sensor",
        "name": name,
        "state_topic": link,
        "value_template": f"{{{{ 'ON' if {up} else 'OFF' }}}}",
        "device_class": "connectivity",
        "entity_category": "diagnostic",
        "expire_after": EXPIRE_S,
    }


def _button(
    topics: Topics, infant: str, command: str, payload: Mapping[str, object], name: str, icon: str
) -> dict[str, object]:
    return {
        "platform": "button",
        "name": name,
        "command_topic": f"{topics.of(infant, 'set')}/{command}",
        "payload_press": json.dumps(payload),
        "icon": icon,
    }


def _unique(topics: Topics, infant: str) -> str:
    return f"lullwatch_{topics.gateway}_{infant}"
