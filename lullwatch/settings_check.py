"""What a settings file can say only as a whole: ids that stand twice, people nobody knows, secrets in the open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from alerts.payloads import GATEWAY
from alerts.people import MQTT
from dsp.records import SELF_TEST

from .settings import GatewaySettings, InfluxSettings
from .settings_addresses import is_host, wrong_with_url
from .settings_words import Place, such_as

__all__ = ["WrongSetting", "can_tell", "check", "check_births"]


class WrongSetting(Exception):
    """A setting that does not fit the others: what, where, and how to mend it."""

    def __init__(self, place: Place, *, what: str, remedy: str) -> None:
        self.place = place
        self.remedy = remedy
        super().__init__(what)


def check(settings: GatewaySettings) -> None:
    """Look at what no single setting shows.

    Raises:
        WrongSetting: the first that is wrong.
    """
    _check_zone(settings.zone)
    _check_folder(settings.journal_dir)
    _check_files(settings)
    _check_infants(settings)
    _check_slots(settings)
    _check_people(settings)
    _check_schedule(settings)
    _check_simulated(settings)
    _check_addresses(settings)
    if settings.mqtt is not None and settings.mqtt.exposed:
        what = f"mqtt.tls is false, but {settings.mqtt.host!r} is not this computer"
        remedy = "Set tls = true; or, on a network you trust whole, allow_unencrypted = true"
        raise WrongSetting(("mqtt", "tls"), what=what, remedy=remedy)
    if settings.influx is not None:
        _check_influx(settings.influx)
    if settings.page.exposed:
        what = f"page.host {settings.page.host!r} can be reached from other computers, but there is no certificate"
        remedy = 'Set page.cert_file and page.key_file; or host = "127.0.0.1" for this computer alone'
        raise WrongSetting(("page", "host"), what=what, remedy=remedy)


def check_births(settings: GatewaySettings, day: date) -> None:
    """Look at the weeks of birth on a day.

    Raises:
        WrongSetting: the first that lies ahead of it.
    """
    for n, infant in enumerate(settings.infants):
        if infant.birth_week is not None and infant.age_days(day) is None:
            what = f"birth_week {infant.birth_week} lies ahead of {day}"
            remedy = "Such as birth_week = 2026-05-04, any day of the week of birth; or leave it out"
            raise WrongSetting(("infants", n, "birth_week"), what=what, remedy=remedy)


def can_tell(settings: GatewaySettings) -> bool:
    """Whether there is any way to anybody; a person who is told over mqtt alone needs the broker."""
    ways = {channel for person in settings.people for channel in person.channels}
    return settings.mqtt is not None or bool(ways - {MQTT})


def _check_slots(settings: GatewaySettings) -> None:
    wanted, holds = sum(len(infant.sensors) for infant in settings.infants), settings.radio.connections
    if wanted > holds:
        what = f"{wanted} sensors are configured, but the Bluetooth adapter holds {holds} connections"
        remedy = (
            "Give some infants a gateway of their own; or, if this adapter is known to hold more, set "
            f"[radio] connections = {wanted}"
        )
        raise WrongSetting(("infants",), what=what, remedy=remedy)


def _check_simulated(settings: GatewaySettings) -> None:
    if settings.simulated is not None and len(settings.infants) != 1:
        what = "[simulated] makes up one infant, but there are more"
        raise WrongSetting(
            ("simulated",), what=what, remedy="Leave one [[infants]] table, or take [simulated] out"
        )


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        remedy = 'Use an IANA name such as "Europe/Berlin"'
        raise WrongSetting(("zone",), what=f"zone {zone!r} is not a time zone", remedy=remedy) from None


def _check_folder(folder: str) -> None:
    if not _can_be_path(folder):
        remedy = 'Such as "~/.local/share/lullwatch"'
        raise WrongSetting(("journal_dir",), what=f"journal_dir {folder!r} is no folder", remedy=remedy)


def _check_files(settings: GatewaySettings) -> None:
    tables: list[tuple[Place, msgspec.Struct | None]] = [
        (("mqtt",), settings.mqtt), (("influx",), settings.influx), (("page",), settings.page),
        *((("push", n), service) for n, service in enumerate(settings.push)),
    ]  # fmt: skip
    for place, table in tables:
        for name in table.__struct_fields__ if table is not None else ():
            file = getattr(table, name) if name.endswith("_file") else None
            if file is not None and not _can_be_path(file):
                what = f"{name} {file!r} is no file"
                raise WrongSetting((*place, name), what=what, remedy='Such as "~/.config/lullwatch/..."')


def _can_be_path(text: str) -> bool:
    try:
        return bool(text.strip()) and "\0" not in text and bool(Path(text).expanduser())
    except RuntimeError:  # the home of a user who is none
        return False


def _check_infants(settings: GatewaySettings) -> None:
    if not settings.infants:
        raise WrongSetting((), what="no infant is configured", remedy="Add an [[infants]] table")
    _once("infant id", [(("infants", n, "id"), i.id) for n, i in enumerate(settings.infants)])
    addresses: list[tuple[Place, str]] = []
    names: list[tuple[Place, str]] = []
    for n, infant in enumerate(settings.infants):
        place = ("infants", n)
        if infant.id in (SELF_TEST, GATEWAY):
            what = f"infant id {infant.id} has a meaning of its own in topics"
            raise WrongSetting((*place, "id"), what=what, remedy="Use another id")
        if not infant.sensors:
            remedy = "Add [[infants.sensors]] tables"
            raise WrongSetting(place, what=f"infant {infant.id} has no sensors", remedy=remedy)
        for m, sensor in enumerate(infant.sensors):
            if sensor.site in [s.site for s in infant.sensors[:m]]:
                what = f"infant {infant.id} wears two sensors on one site"
                raise WrongSetting((*place, "sensors", m, "site"), what=what, remedy="One sensor a site")
            addresses.append(((*place, "sensors", m, "address"), sensor.address.upper()))
            names.append(((*place, "sensors", m, "sensor"), f"{sensor.name} of infant {infant.id}"))
    _once("sensor address", addresses)
    _once("sensor", names)


def _once(what: str, values: Sequence[tuple[Place, str]]) -> None:
    seen: set[str] = set()
    for place, value in values:
        if value in seen:
            raise WrongSetting(
                place, what=f"{what} {value} stands there twice", remedy="Each may be used once"
            )
        seen.add(value)


def _check_people(settings: GatewaySettings) -> None:
    _once("person id", [(("people", n, "id"), p.id) for n, p in enumerate(settings.people)])
    _once("push service", [(("push", n, "name"), p.name) for n, p in enumerate(settings.push)])
    services = {MQTT, *(p.name for p in settings.push)}
    for n, person in enumerate(settings.people):
        if unknown := sorted(set(person.channels) - services):
            what = f"person {person.id} is to be told over {unknown[0]}, which no [[push]] table names"
            remedy = "Add a [[push]] table with this name, or use mqtt"
            raise WrongSetting(("people", n, "channels"), what=what, remedy=remedy)
        _known(settings, ("people", n, "infants"), person.infants, f"person {person.id} is to be told of")
    if (
        settings.people and settings.mqtt is None
    ):  # over a broker whoever reads the topic is told of whom nobody minds
        _check_minded(settings)


def _check_minded(settings: GatewaySettings) -> None:
    for n, infant in enumerate(settings.infants):
        if not any(person.person.minds(infant.id) for person in settings.people):
            what = f"nobody is told of infant {infant.id}"
            remedy = f'Add "{infant.id}" to the infants of a person, or leave infants out for all of them'
            raise WrongSetting(("infants", n, "id"), what=what, remedy=remedy)


def _check_schedule(settings: GatewaySettings) -> None:
    for n, hours in enumerate(settings.schedule):
        begin, _, end = hours.armed.partition("-")
        if begin == end:
            what, remedy = f"armed = {hours.armed!r} begins and ends at one time", 'Such as "18:30-08:00"'
            raise WrongSetting(("schedule", n, "armed"), what=what, remedy=remedy)
        _known(settings, ("schedule", n, "infants"), hours.infants, "the schedule is for")


def _known(settings: GatewaySettings, place: Place, infants: Iterable[str], whose: str) -> None:
    if strangers := sorted(set(infants) - {infant.id for infant in settings.infants}):
        what = f"{whose} infant {strangers[0]}, whom no [[infants]] table names"
        raise WrongSetting(place, what=what, remedy="Use the infants' ids")


def _check_addresses(settings: GatewaySettings) -> None:
    hosts: list[tuple[Place, str]] = [(("page", "host"), settings.page.host)]
    urls: list[tuple[Place, str]] = []
    if settings.mqtt is not None:
        hosts.append((("mqtt", "host"), settings.mqtt.host))
    if settings.ack_page is not None:
        hosts.append((("ack_page", "host"), settings.ack_page.host))
        urls.append((("ack_page", "reachable_url"), settings.ack_page.reachable_url))
    if settings.watch.ping_url is not None:
        urls.append((("watch", "ping_url"), settings.watch.ping_url))
    for place, host in hosts:
        if not is_host(host):
            what = f"{'.'.join(map(str, place))} {host!r} is no name or address of a computer"
            remedy = (
                'Such as "gateway.lan" or "192.168.1.20": nothing like mqtt:// before it, no port behind it'
            )
            raise WrongSetting(place, what=what, remedy=remedy)
    for place, url in urls:
        if wrong := wrong_with_url(url):
            # the address itself is not repeated: it may hold a token
            raise WrongSetting(
                place, what=f"{'.'.join(map(str, place))} {wrong}", remedy=such_as(str(place[-1]))
            )


def _check_influx(influx: InfluxSettings) -> None:
    place: Place = ("influx", "url")
    wrong = wrong_with_url(influx.url) or (
        "has something behind ? or #" if set("?#") & set(influx.url) else ""
    )
    if wrong:
        remedy = 'Such as "https://influx.lan:8086"; the token goes into token_file'
        raise WrongSetting(
            place,
            what=f"influx.url is no address of a server without a user in it: it {wrong}",
            remedy=remedy,
        )
    if influx.exposed:
        what = f"influx.url begins with http: but {urlsplit(influx.url).hostname!r} is not this computer"
        remedy = "Use https:; or, on a network you trust whole, set allow_unencrypted = true"
        raise WrongSetting(place, what=what, remedy=remedy)
