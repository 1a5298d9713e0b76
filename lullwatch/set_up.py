"""The first settings file: answers in, one commented file out, which is read again before anybody relies on it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from dsp.records import Site
from ingest.sensor_kind import Kind

from .errors import BadSettings, LullwatchError
from .settings import GatewaySettings, parse

__all__ = [
    "Answers", "BadAnswer", "BrokerAnswer", "InfluxAnswer", "NoSensors", "PersonAnswer", "SensorAnswer",
    "SettingsThere", "broker_answer", "keep_secret", "local_zone", "person_answer", "push_answer", "sensor_answer",
    "settings_text", "what_next", "write_settings",
]  # fmt: skip

_WHERE_OF_ZONES: Final = "/zoneinfo/"
_PLAIN_PORT: Final = 1883
"""Registered for MQTT without TLS; the settings refuse that for another computer."""
_MADE_UP: Final = (Site.LA, Site.RA, Site.TR)


class SettingsThere(LullwatchError):
    """A settings file would be written over."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is there already and is left as it is; give another name, or --force")


class NoSensors(LullwatchError):
    """Nobody said which sensors there are."""

    def __init__(self) -> None:
        super().__init__(
            "it is not said which sensors there are; give --sensor LA=C0:00:00:00:00:01 for each, or to try "
            "everything out --simulated 1"
        )


class BadAnswer(LullwatchError):
    """An answer that means nothing."""

    def __init__(self, what: str, given: str, such_as: str) -> None:
        super().__init__(f"{what} {given!r}: give it such as {such_as}")


@dataclass(frozen=True, slots=True)
class SensorAnswer:
    """A sensor and where it is worn."""

    site: Site
    address: str
    kind: Kind = Kind.SOCK


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """Who is told, over what."""

    id: str
    channels: tuple[str, ...] = ("mqtt",)


@dataclass(frozen=True, slots=True)
class BrokerAnswer:
    """The MQTT broker."""

    host: str
    port: int = 8883
    tls: bool = True
    username: str | None = None
    password_file: str | None = None
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class InfluxAnswer:
    """The database."""

    url: str
    org: str = "lullwatch"
    bucket: str = "lullwatch"
    token_file: str | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything a first settings file says; all but the sensors has a safe default."""

    gateway: str = "home"
    infant: str = "a"
    birth_week: date | None = None
    zone: str = "UTC"
    language: str = "en"
    emergency_number: str = "112"
    journal_dir: str = "~/.local/share/lullwatch"
    sensors: tuple[SensorAnswer, ...] = ()
    people: tuple[PersonAnswer, ...] = ()
    push: tuple[tuple[str, str], ...] = ()
    """push services: name and file with the address"""
    broker: BrokerAnswer | None = None
    influx: InfluxAnswer | None = None
    armed: str | None = None
    """`18:30-08:00`; None: always"""
    page_port: int = 8080
    metrics_port: int | None = None
    simulated: int | None = None
    """seed of a made-up infant"""
    scenario: str | None = None
    pace: float = 60.0

    @property
    def worn(self) -> tuple[SensorAnswer, ...]:
        """The sensors; of a made-up infant socks and onesie."""
        if self.sensors or self.simulated is None:
            return self.sensors
        return tuple(SensorAnswer(site, f"C0:00:00:00:00:{n:02X}") for n, site in enumerate(_MADE_UP, 1))


def local_zone(environ: dict[str, str] | None = None, link: Path = Path("/etc/localtime")) -> str:
    """The computer's time zone by its IANA name; UTC where it does not say."""
    named = (os.environ if environ is None else environ).get("TZ", "").lstrip(":")
    target = os.path.realpath(link)
    return named or (target.split(_WHERE_OF_ZONES, 1)[1] if _WHERE_OF_ZONES in target else "UTC")


def sensor_answer(given: str) -> SensorAnswer:
    """`LA=C0:00:00:00:00:01`, or with whose sensor it is `LA=C0:00:00:00:00:01=movesense`. Raises BadAnswer."""
    site, _, rest = given.partition("=")
    address, _, kind = rest.partition("=")
    try:
        return SensorAnswer(Site(site.strip().upper()), address.strip(), Kind(kind.strip().lower() or "sock"))
    except ValueError:
        such_as = (
            "LA=C0:00:00:00:00:01; sites are LA RA TR LW RW HD, and =movesense, =polar or =osd may follow"
        )
        raise BadAnswer("the sensor", given, such_as) from None


def person_answer(given: str) -> PersonAnswer:
    """`a1`, or with channels `a1:mqtt,a1-phone`. Raises BadAnswer."""
    name, _, channels = given.partition(":")
    if not name.strip():
        raise BadAnswer("the person", given, "a1, or a1:mqtt,a1-phone")
    return PersonAnswer(name.strip(), tuple(c.strip() for c in channels.split(",") if c.strip()) or ("mqtt",))


def push_answer(given: str) -> tuple[str, str]:
    """`a1-phone=FILE`: a phone service and the file that holds its address. Raises BadAnswer."""
    name, equals, file = given.partition("=")
    if not equals or not name.strip() or not file.strip():
        raise BadAnswer("the phone service", given, "a1-phone=~/.config/lullwatch/a1-phone")
    return name.strip(), file.strip()


def broker_answer(
    given: str,
    *,
    username: str | None = None,
    password_file: str | None = None,
    ca_file: str | None = None,
    plain: bool = False,
) -> BrokerAnswer:
    """`broker.lan`, `broker.lan:8883`, or without TLS on this computer `127.0.0.1:1883`. Raises BadAnswer."""
    host, colon, port = given.strip().rpartition(":")
    if not colon:
        host, port = given.strip(), "8883"
    if not host or not port.isdecimal():
        raise BadAnswer("the broker", given, "broker.lan or broker.lan:8883")
    tls = not plain and int(port) != _PLAIN_PORT
    return BrokerAnswer(host.strip("[]"), int(port), tls, username, password_file, ca_file)


def settings_text(answers: Answers) -> str:
    """The file, with a comment on every line that needs one and what was not chosen as comments."""
    parts = [_head(answers), _infant(answers), _people(answers), _broker(answers), _influx(answers)]
    parts += [_schedule(answers), _page(answers), _simulated(answers)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def write_settings(path: Path, answers: Answers, *, force: bool = False) -> GatewaySettings:
    """Write the file, which only its owner may read, and read it again.

    Raises:
        SettingsThere: there is one already, and it is not to be replaced.
        BadSettings: the answers do not make settings, or the file cannot be written; nothing was written.
    """
    text = settings_text(answers)
    parse(path, text)
    if path.exists() and not force:
        raise SettingsThere(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, text)
        return parse(path, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSettings(
            path, f"cannot be written ({error.strerror or error})", "Give another place"
        ) from error


def keep_secret(path: Path, secret: str) -> Path:
    """Put a secret into a file of its own that only its owner may read.

    Raises:
        BadSettings: it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_whole(path, secret + "\n")
    except OSError as error:
        raise BadSettings(
            path, f"cannot be written ({error.strerror or error})", "Give another place"
        ) from error
    return path


def what_next(path: Path, settings: GatewaySettings) -> list[str]:
    """What to do with a new settings file, in order."""
    first = settings.people[0].id if settings.people else "a1"
    lines = ["Next:"]
    if settings.simulated is None:
        lines.append(f"  lullwatch sensors --settings {path} --closer   # are they in range and charged?")
    lines += [
        f"  lullwatch check {path}                        # is everything ready?",
        f"  lullwatch serve {path} --invite {first}             # who may look at the pages; prints a token once",
        f"  lullwatch up {path}                           # the monitor and the pages",
    ]
    return lines


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(part, flags, stat.S_IRUSR | stat.S_IWUSR), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


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
    off, b = a.broker is None, a.broker or BrokerAnswer("broker.lan", username="lullwatch")
    lines = [
        "# The MQTT broker that messages go to; docs/mqtt.md",
        "# [mqtt]" if off else "[mqtt]",
        _line("host", _quoted(b.host), off=off),
        _line("port", str(b.port), off=off),
        _line("tls", str(b.tls).lower(), "false is refused unless the broker is on this computer", off=off),
        _line("username", _quoted(b.username or "lullwatch"), off=off or b.username is None),
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
