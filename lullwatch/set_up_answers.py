"""What a first settings file is made of, and what is typed for it read into values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from dsp.records import Site
from ingest.sensor_kind import Kind

from .errors import LullwatchError

__all__ = [
    "Answers", "BadAnswer", "BrokerAnswer", "GoesWith", "InfluxAnswer", "NoSensors", "PersonAnswer", "SensorAnswer",
    "broker_answer", "local_zone", "person_answer", "push_answer", "require", "sensor_answer",
]  # fmt: skip

_WHERE_OF_ZONES: Final = "/zoneinfo/"
_PLAIN_PORT: Final = 1883
"""Registered for MQTT without TLS; the settings refuse that for another computer."""
_MADE_UP: Final = (Site.LA, Site.RA, Site.TR)


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


class GoesWith(LullwatchError):
    """An option that says something of what another one names, without that."""

    def __init__(self, option: str, *, of: str, such_as: str) -> None:
        super().__init__(
            f"{option} says nothing without {of}: give {of} {such_as} too, or leave {option} out"
        )


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


def from_root(answers: Answers) -> Answers:
    """The same with paths that mean the same wherever the settings are read from later; `~` stays as it is."""
    broker, influx = answers.broker, answers.influx
    if broker is not None:
        files = (_from_root(broker.password_file), _from_root(broker.ca_file))
        broker = replace(broker, password_file=files[0], ca_file=files[1])
    if influx is not None:
        influx = replace(influx, token_file=_from_root(influx.token_file))
    scenario = answers.scenario
    return replace(
        answers,
        scenario=_from_root(scenario) if scenario and scenario.endswith(".toml") else scenario,
        journal_dir=_from_root(answers.journal_dir) or answers.journal_dir,
        push=tuple((name, _from_root(file) or file) for name, file in answers.push),
        broker=broker,
        influx=influx,
    )


def _from_root(path: str | None) -> str | None:
    return path if not path or path.startswith("~") else str(Path(path).absolute())


def require(option: str, given: str | None, details: Mapping[str, object], *, such_as: str) -> None:
    """Refuse `details` of what `option` names where that was not given.

    Raises:
        GoesWith: naming the first of them.
    """
    if given is not None:
        return
    for name, value in details.items():
        if value:
            raise GoesWith(name, of=option, such_as=such_as)


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
        raise BadAnswer("the sensor (--sensor)", given, such_as) from None


def person_answer(given: str) -> PersonAnswer:
    """`a1`, or with channels `a1:mqtt,a1-phone`. Raises BadAnswer."""
    name, _, channels = given.partition(":")
    if not name.strip():
        raise BadAnswer("the person (--person)", given, "a1, or a1:mqtt,a1-phone")
    return PersonAnswer(name.strip(), tuple(c.strip() for c in channels.split(",") if c.strip()) or ("mqtt",))


def push_answer(given: str) -> tuple[str, str]:
    """`a1-phone=FILE`: a phone service and the file that holds its address. Raises BadAnswer."""
    name, equals, file = given.partition("=")
    if not equals or not name.strip() or not file.strip():
        raise BadAnswer("the phone service (--push)", given, "a1-phone=~/.config/lullwatch/a1-phone")
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
        raise BadAnswer("the broker (--broker)", given, "broker.lan or broker.lan:8883")
    tls = not plain and int(port) != _PLAIN_PORT
    return BrokerAnswer(host.strip("[]"), int(port), tls, username, password_file, ca_file)
