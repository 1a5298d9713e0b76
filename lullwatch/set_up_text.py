"""The text of a first settings file: every setting with a comment, what was not chosen as a comment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from dsp.records import Site
from ingest.sensor_kind import Kind

from .set_up_answers import Answers, BrokerAnswer, InfluxAnswer, PersonAnswer

__all__ = ["settings_text"]


def settings_text(answers: Answers) -> str:
    """The file, with a comment on every line that needs one and what was not chosen as comments."""
    parts = [_head(answers), _infant(answers), _people(answers), _broker(answers), _influx(answers)]
    parts += [_schedule(answers), _page(answers), _simulated(answers)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, values))}]"


def _line(name: str, value: str, comment: str = "", *, off: bool = False) -> str:
    line = f"{'# ' if off else ''}{name} = {value}"
    return f"{line:<46}  # {comment}" if comment else line


def _head(a: Answers) -> str:
    return "\n".join([
        "# lullwatch settings. After a change: lullwatch check FILE, then start again.",
        "# Ids are short and say nothing about a person: they appear in topics, tags and file names.",
        "# This file is for its owner alone (mode 0600): it may hold the week of birth.",
        "",
        _line("gateway", _quoted(a.gateway), "this computer"),
        _line("journal_dir", _quoted(a.journal_dir), "the nights lie here"),
        _line("zone", _quoted(a.zone), "time zone of the nights"),
        _line("language", _quoted(a.language), "of every text that people read: en or de"),
        _line("emergency_number", _quoted(a.emergency_number), "of your country; urgent texts name it"),
        _line("summary_at", '"07:00"', "local time at which the summary of the night is sent"),
        _line("self_test_at", '"19:30"', "a test alert rings at everybody every evening", off=True),
    ])  # fmt: skip


def _infant(a: Answers) -> str:
    week = "2026-05-04" if a.birth_week is None else a.birth_week.isoformat()
    lines = [
        "[[infants]]",
        _line("id", _quoted(a.infant), "never a name"),
        _line(
            "birth_week",
            week,
            "any day of the week of birth; only the age in days is used",
            off=a.birth_week is None,
        ),
    ]
    for sensor in a.worn:
        lines += ["[[infants.sensors]]", _line("site", _quoted(sensor.site.value), _PLACES[sensor.site])]
        lines.append(_line("address", _quoted(sensor.address)))
        if sensor.kind is not Kind.SOCK:
            lines.append(_line("kind", _quoted(sensor.kind.value), "whose sensor it is"))
    return "\n".join(lines)


_PLACES: Final = {
    Site.LA: "left ankle", Site.RA: "right ankle", Site.TR: "trunk", Site.LW: "left wrist", Site.RW: "right wrist",
    Site.HD: "head",
}  # fmt: skip


def _people(a: Answers) -> str:
    lines = [
        "# Who is told, in this order; docs/alerts.md. Without any, whoever reads the topics is one person."
    ]
    off = not a.people
    for order, person in enumerate(a.people or (PersonAnswer("a1"),)):
        lines += [
            "# [[people]]" if off else "[[people]]",
            _line("id", _quoted(person.id), "never a name", off=off),
            _line("channels", _list(person.channels), "mqtt, and names of [[push]] services", off=off),
            _line("order", str(order), off=off),
        ]
    lines.append(_line("quiet", '"22:00-07:00"', "silent messages wait; what rings never does", off=True))
    for name, file in a.push or (("a1-phone", "~/.config/lullwatch/a1-phone"),):
        variable = f"LULLWATCH_PUSH_{name.upper().replace('-', '_')}"
        lines += [
            "[[push]]" if a.push else "# [[push]]",
            _line("name", _quoted(name), "a phone without Home Assistant; docs/phones.md", off=not a.push),
            _line("address_file", _quoted(file), f"mode 0600, or {variable}", off=not a.push),
        ]
    return "\n".join(lines)


def _broker(a: Answers) -> str:
    off, b = a.broker is None, a.broker or BrokerAnswer("broker.lan", username="gateway")
    lines = [
        "# The MQTT broker that messages go to; docs/mqtt.md",
        "# [mqtt]" if off else "[mqtt]",
        _line("host", _quoted(b.host), off=off),
        _line("port", str(b.port), off=off),
        _line("tls", str(b.tls).lower(), "false is refused unless the broker is on this computer", off=off),
        _line("username", _quoted(b.username or "gateway"), off=off or b.username is None),
        _line(
            "password_file", _quoted(b.password_file or "~/.config/lullwatch/mqtt-password"),
            "mode 0600, or LULLWATCH_MQTT_PASSWORD", off=off or b.password_file is None,
        ),
        _line("ca_file", _quoted(b.ca_file or "~/.config/lullwatch/ca.pem"), off=off or b.ca_file is None),
    ]  # fmt: skip
    return "\n".join(lines)


def _influx(a: Answers) -> str:
    off, i = a.influx is None, a.influx or InfluxAnswer("http://127.0.0.1:8086")
    return "\n".join([
        "# The InfluxDB that everything is copied to; docs/influxdb.md",
        "# [influx]" if off else "[influx]",
        _line("url", _quoted(i.url), off=off),
        _line("org", _quoted(i.org), off=off),
        _line("bucket", _quoted(i.bucket), off=off),
        _line(
            "token_file", _quoted(i.token_file or "~/.config/lullwatch/influx-token"),
            "mode 0600, or LULLWATCH_INFLUX_TOKEN", off=off or i.token_file is None,
        ),
    ])  # fmt: skip


def _schedule(a: Answers) -> str:
    off = a.armed is None
    return "\n".join([
        "# When somebody relies on being called; without any hours, always. Outside of them everything is recorded,",
        "# and what is urgent rings all the same; only that sensors are off is not told.",
        "# [[schedule]]" if off else "[[schedule]]",
        _line("armed", _quoted(a.armed or "18:30-08:00"), off=off),
        _line("days", '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]', "on which it begins", off=off),
    ])  # fmt: skip


def _page(a: Answers) -> str:
    off = a.metrics_port is None
    return "\n".join([
        "# The pages; on this computer alone unless a certificate is given: docs/pages.md",
        "[page]",
        _line("port", str(a.page_port), "the first visit needs: lullwatch serve FILE --invite a1"),
        "",
        "# Numbers for Prometheus, on this computer alone",
        "# [metrics]" if off else "[metrics]",
        _line("port", str(a.metrics_port or 9464), off=off),
        "",
        "# [radio]",
        _line("connections", "7", "sensors that the Bluetooth adapter holds at once; docs/platforms.md", off=True),
        "",
        "[journal]",
        _line("raw_days", "30", "raw data older than this goes, unless pinned; events stay"),
        _line("min_free_mb", "500", "below this the oldest raw data goes whatever its age"),
        "",
        "# [watch]",
        _line("ping_url", '"https://example.org/ping/..."', "asked every minute while everything runs", off=True),
    ])  # fmt: skip


def _simulated(a: Answers) -> str:
    if a.simulated is None:
        return ""
    return "\n".join([
        "# A MADE-UP INFANT with virtual socks. Take this table out before anybody relies on it.",
        "[simulated]",
        _line("seed", str(a.simulated)),
        _line("pace", f"{a.pace:g}", "simulated seconds in a real one"),
        _line("scenario", _quoted(a.scenario or "demo_hour"), "lullwatch simulate --list"),
    ])  # fmt: skip
