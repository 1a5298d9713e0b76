"""The settings file of a gateway: one commented TOML file, read once at the start."""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from alerts.limits import DEFAULT_LIMITS, Limits
from alerts.people import MQTT, REPEAT_S, Person, QuietHours
from alerts.words import Wording
from dsp.records import Site
from ingest.sensor_kind import Kind

from .armed_hours import WEEKDAYS, ArmedHours, Weekday
from .errors import BadSettings
from .private import require_private

__all__ = [
    "BYTE_ORDER_MARK",
    "AckPageSettings",
    "BrokerSettings",
    "CommandSettings",
    "GatewaySettings",
    "InfantSettings",
    "InfluxSettings",
    "JournalSettings",
    "MetricsSettings",
    "PageSettings",
    "PersonSettings",
    "PushSettings",
    "RadioSettings",
    "ScheduleSettings",
    "SensorSettings",
    "SimulatedSettings",
    "WatchSettings",
    "is_address",
    "load",
    "load_for",
    "parse",
    "with_simulated",
]

BYTE_ORDER_MARK = "\ufeff"
"""Some editors write it at the beginning of a file in UTF-8; it says nothing."""
# the look-ahead refuses the line break that `$` lets pass
_Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$(?!\n)")]
_Address = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$(?!\n)|^[0-9A-Fa-f-]{36}$(?!\n)")
]
_Number = Annotated[str, msgspec.Meta(pattern=r"^(\+?[0-9][0-9 ]{1,14})?$(?!\n)")]
_TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")]
_Hours = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$(?!\n)")]
_Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class SensorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One sensor and where it is worn."""

    site: Site
    address: _Address
    sensor: _Id = ""
    """short id used in the journal; by default the site in lower case"""
    kind: Kind = Kind.SOCK
    """whose sensor it is"""

    @property
    def name(self) -> str:
        """Id of the sensor in the journal."""
        return self.sensor or self.site.value.lower()


_WEEK_DAYS = 7
"""Any day of the week of birth is told, also one that is still to come."""


class InfantSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One infant: an id (never a name), the sensors, and the week of birth if it may be used."""

    id: _Id
    sensors: list[SensorSettings]
    birth_week: date | None = None
    """any day of the week of birth; only the age in days goes further"""

    def age_days(self, today: date) -> int | None:
        """Age in days on `today`; None when the week of birth is not told, or lies ahead: `today` is wrong then."""
        days = -_WEEK_DAYS if self.birth_week is None else (today - self.birth_week).days
        return max(0, days) if days > -_WEEK_DAYS else None


class BrokerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The MQTT broker that alerts go to."""

    host: str
    port: _Port = 8883
    tls: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    """the gateway's own certificate, for a broker that asks for one"""
    key_file: str | None = None
    """its key, mode 0600; None when it is in the same file"""
    username: str | None = None
    password_file: str | None = None
    """file with mode 0600; or the environment variable LULLWATCH_MQTT_PASSWORD"""
    allow_unencrypted: bool = False
    """lets `tls = false` stand for a broker on another computer"""
    home_assistant: bool = True
    """announce every infant as a device to Home Assistant on this broker; false takes the devices away"""

    @property
    def exposed(self) -> bool:
        """Whether password and messages would cross a network for anyone on it to read or change."""
        return not (self.tls or self.allow_unencrypted or _is_loopback(self.host))


class PersonSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One who is told and may answer: an id (never a name), and a place in the chain."""

    id: _Id
    channels: Annotated[tuple[_Id, ...], msgspec.Meta(min_length=1)] = (MQTT,)
    """`mqtt`, or names of push services; all of them are used"""
    order: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    after_s: Annotated[float, msgspec.Meta(ge=0, le=1800)] | None = None
    """told this long after the one before, unanswered; half an hour at most, for an urgent message is for now"""
    repeat_s: Annotated[float, msgspec.Meta(ge=20, le=600)] = REPEAT_S
    """an urgent message nobody answers comes again so often"""
    quiet: _Hours | None = None
    """`22:00-07:00` in the gateway's zone: silent messages wait; what rings never does"""
    infants: tuple[_Id, ...] = ()
    """only these; empty: all"""

    @property
    def person(self) -> Person:
        """As the rules of telling know it."""
        quiet = None
        if self.quiet is not None:
            quiet = QuietHours(*(time.fromisoformat(t) for t in self.quiet.split("-")))
        return Person(self.id, self.channels, self.order, self.after_s, self.repeat_s, quiet, self.infants)


class CommandSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who may command beside the people: things with a button."""

    sources: tuple[_Id, ...] = ("home-assistant", "page")
    """ids that a command may give as `by`"""


class WatchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who watches the watcher."""

    ping_url: str | None = None
    """asked every minute while everything runs; a service that is no longer asked tells somebody"""


class PushSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A push service of phones. Its address holds a password or a token, so it never stands in this file."""

    name: _Id
    """what people's `channels` call it"""
    address_file: str | None = None
    """file with mode 0600 that holds apprise's URL; or the environment variable LULLWATCH_PUSH_<NAME>"""


class AckPageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The small page that acknowledge links in push messages lead to."""

    reachable_url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/?#]+$")]
    """how the phones reach this computer, `http://192.168.1.20:8090` or what a reverse proxy offers"""
    host: str = "0.0.0.0"  # noqa: S104 - phones are on other computers; the page is only there when it is asked for
    port: _Port = 8090


class PageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The pages of `lullwatch serve`. Without this table: on this computer alone."""

    host: str = "127.0.0.1"
    """interface to listen on; any but this computer's own needs a certificate"""
    port: _Port = 8080
    cert_file: str | None = None
    """certificate chain, PEM"""
    key_file: str | None = None
    """its key, mode 0600; None when it is in the same file"""
    names: tuple[Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")], ...] = ()
    """names that browsers call this computer by; addresses and localhost need none"""
    access_file: str | None = None
    """who may look, mode 0600; None: page-access.json beside the journals"""

    @property
    def exposed(self) -> bool:
        """Whether tokens would cross a network for anyone on it to read."""
        return self.cert_file is None and not _is_loopback(self.host)


class InfluxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The InfluxDB that the journal is copied to."""

    url: str
    org: str = "lullwatch"
    bucket: str = "lullwatch"
    feature_bucket: str = ""
    """for epochs, states and links; empty: `bucket`"""
    raw_bucket: str = ""
    """for samples; empty: `bucket`"""
    raw: Literal["full", "thinned", "off"] = "full"
    """how much of the samples is written"""
    raw_hz: Annotated[float, msgspec.Meta(ge=1, le=25)] = 10.0
    """points a second of thinned samples"""
    token_file: str | None = None
    """file with mode 0600; or the environment variable LULLWATCH_INFLUX_TOKEN"""
    allow_unencrypted: bool = False
    """lets an `http:` url stand for a database on another computer"""

    @property
    def exposed(self) -> bool:
        """Whether the token would cross a network for anyone on it to read."""
        return exposes_token(self.url) and not self.allow_unencrypted


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long raw data stays on this computer; events, alerts, coverage and notes stay for ever."""

    raw_days: Annotated[float, msgspec.Meta(ge=1, le=36500)] = 30.0
    """raw data older than this goes, unless it is pinned"""
    min_free_mb: Annotated[int, msgspec.Meta(ge=10)] = 500
    """below this the oldest raw data goes whatever its age"""


class ScheduleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Hours in which somebody relies on being called. Outside of them everything is recorded all the same."""

    armed: _Hours
    """`18:30-08:00` in the gateway's zone; over midnight it belongs to the day it begins on"""
    days: Annotated[tuple[Weekday, ...], msgspec.Meta(min_length=1)] = WEEKDAYS
    infants: tuple[_Id, ...] = ()
    """only these; empty: all"""

    @property
    def hours(self) -> ArmedHours:
        """As arming knows it."""
        begin, end = (time.fromisoformat(t) for t in self.armed.split("-"))
        return ArmedHours(begin, end, self.days, self.infants)


class MetricsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How it goes, for Prometheus, on this computer alone."""

    port: _Port = 9464


class SimulatedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Instead of real sensors: a simulated infant with virtual socks, to try everything out. Nobody is watched."""

    scenario: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] = "demo_hour"
    """a name of `lullwatch simulate --list`, or a TOML file"""
    seed: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 1
    pace: Annotated[float, msgspec.Meta(ge=1, le=240)] = 1.0
    """simulated seconds in a real one"""


class RadioSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The Bluetooth adapter."""

    connections: Annotated[int, msgspec.Meta(ge=1, le=64)] = 7
    """how many connections it holds at once: cheap ones five, most seven, some more"""


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a gateway needs to know."""

    gateway: _Id
    journal_dir: str
    zone: str = "UTC"
    language: Literal["en", "de"] = "en"
    """of every text that people read"""
    emergency_number: _Number = ""
    """of the country; urgent texts name it"""
    summary_at: _TimeOfDay = "07:00"
    """local time at which the summary of the night is sent"""
    self_test_at: _TimeOfDay | None = None
    """local time at which the service tests itself every evening; it rings at everybody"""
    infants: list[InfantSettings]
    radio: RadioSettings = RadioSettings()
    journal: JournalSettings = JournalSettings()
    mqtt: BrokerSettings | None = None
    influx: InfluxSettings | None = None
    people: list[PersonSettings] = []
    push: list[PushSettings] = []
    ack_page: AckPageSettings | None = None
    page: PageSettings = PageSettings()
    rules: Limits = DEFAULT_LIMITS
    """limits of the severity table"""
    watch: WatchSettings = WatchSettings()
    commands: CommandSettings = CommandSettings()
    schedule: list[ScheduleSettings] = []
    """empty: always armed"""
    metrics: MetricsSettings | None = None
    simulated: SimulatedSettings | None = None

    @property
    def wording(self) -> Wording:
        """How people are spoken to."""
        return Wording(self.language, self.emergency_number)


def is_address(text: str) -> bool:
    """Whether this can be a sensor's address."""
    try:
        msgspec.convert(text, _Address)
    except msgspec.ValidationError:
        return False
    return True


def load(path: Path) -> GatewaySettings:
    """Read and check a settings file.

    Raises:
        BadSettings: naming the file and the line, what was expected there, and how to mend it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadSettings(path, "there is no such file", "Make one with: lullwatch init") from None
    except UnicodeDecodeError as error:
        raise BadSettings(path, f"is no text in UTF-8 ({error.reason})", "Save it as UTF-8") from error
    except (OSError, ValueError) as error:
        raise BadSettings(path, f"cannot be read ({error})", "Check the path and its permissions") from error
    return parse(path, text)


def parse(path: Path, text: str) -> GatewaySettings:
    """Check what a settings file says, or would say; `path` is for messages.

    Raises:
        BadSettings: as `load` does.
    """
    from .settings_check import WrongSetting, check, check_births
    from .settings_words import line_of, said_of

    text = text.removeprefix(BYTE_ORDER_MARK)
    try:
        settings = msgspec.toml.decode(text, type=GatewaySettings)
        check(settings)
        check_births(settings, _at_least(path))
    except WrongSetting as error:
        raise BadSettings(path, str(error), error.remedy, line=line_of(text, error.place)) from error
    except RecursionError:
        raise BadSettings(path, "lists stand in lists without end", "Look for [[[[ in it") from None
    except (msgspec.MsgspecError, ValueError) as error:
        said = said_of(text, str(error), _names())
        raise BadSettings(path, said.what, said.remedy, line=said.line, column=said.column) from error
    return settings


def load_for(path: Path, *, simulated: int | None, pace: float) -> GatewaySettings:
    """The settings of a command that may be told to run on a made-up infant of a seed. Raises as `load` does."""
    settings = load(path)
    return settings if simulated is None else with_simulated(path, settings, seed=simulated, pace=pace)


def with_simulated(path: Path, settings: GatewaySettings, *, seed: int, pace: float) -> GatewaySettings:
    """The same with virtual socks on a made-up infant; a scenario of the settings stays.

    Raises:
        BadSettings: nobody can be made up with these.
    """
    known = settings.simulated or SimulatedSettings()
    asked = {"scenario": known.scenario, "seed": seed, "pace": pace}
    try:
        made_up = msgspec.convert(asked, SimulatedSettings)
    except msgspec.ValidationError as error:
        raise BadSettings(path, f"--simulated: {error}", "Such as --simulated 7 --pace 60") from None
    if len(settings.infants) != 1:
        raise BadSettings(path, "one infant is made up, but there are more", "Leave one [[infants]] table")
    return msgspec.structs.replace(settings, simulated=made_up)


def _names() -> set[str]:
    """Every name of a setting, at whatever depth."""
    structs = [v for v in globals().values() if isinstance(v, type) and issubclass(v, msgspec.Struct)]
    return {name for struct in structs for name in struct.__struct_fields__}


def exposes_token(url: str) -> bool:
    """Whether whoever sends a token to this address sends it in the clear to another computer."""
    address = urlsplit(url)
    return address.scheme != "https" and not _is_loopback(address.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def read_secret(variable: str, file: str | None) -> str | None:
    """A secret from the environment, else from a file that only its owner may read; None when neither is set.

    Raises:
        SecretTooOpen: when group or others may read the file.
        BadSettings: when the file cannot be read.
    """
    if variable in os.environ:
        return os.environ[variable]
    if file is None:
        return None
    path = Path(file).expanduser()
    try:
        require_private(path)
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        remedy = f"Create it with mode 0600, or set {variable}"
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise BadSettings(path, f"the secret cannot be read ({why})", remedy) from None


def _at_least(path: Path) -> date:
    """It is this day or later: the computer's, unless the file was written later than its clock says it is now."""
    try:
        written = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).date()
    except (OSError, ValueError, OverflowError):
        return today()
    return max(written, today())


def today() -> date:
    """The date of today in UTC, for ages in days."""
    return datetime.now(tz=UTC).date()
