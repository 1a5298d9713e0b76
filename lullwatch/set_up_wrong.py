"""Answers that make no settings, said by the option they came with: no file is written, so no line of it is named."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType
from typing import Final

from .errors import BadSettings, LullwatchError
from .set_up_answers import Answers
from .set_up_text import settings_text
from .settings import GatewaySettings, parse

__all__ = ["WrongAnswer", "checked"]

_OPTIONS: Final = MappingProxyType({
    "gateway": ("--gateway", "home: lower-case letters, digits and dashes, 32 at most"),
    "zone": ("--zone", "Europe/Berlin"),
    "language": ("--language", "en, or de"),
    "emergency_number": ("--emergency-number", "112"),
    "journal_dir": ("--journal-dir", "~/.local/share/lullwatch"),
    "infants": ("--sensor", "LA=C0:00:00:00:00:01"),
    "infants.id": ("--infant", "a: lower-case letters, digits and dashes, 32 at most, never a name"),
    "infants.birth_week": ("--birth-week", "2026-05-04, any day of it"),
    "infants.sensors": ("--sensor", "LA=C0:00:00:00:00:01"),
    "people": ("--person", "a1, or a1:mqtt,a1-phone; lower-case letters, digits and dashes, never a name"),
    "push": ("--push", "a1-phone=~/.config/lullwatch/a1-phone"),
    "mqtt": ("--broker", "broker.lan:8883"),
    "mqtt.tls": ("--broker-plain", ""),
    "mqtt.username": ("--broker-user", "gateway"),
    "mqtt.password_file": ("--broker-password-file", "~/.config/lullwatch/mqtt-password"),
    "mqtt.ca_file": ("--broker-ca", "~/.config/lullwatch/ca.pem"),
    "influx": ("--influx", "https://influx.lan:8086"),
    "influx.org": ("--influx-org", "lullwatch"),
    "influx.bucket": ("--influx-bucket", "lullwatch"),
    "influx.token_file": ("--influx-token-file", "~/.config/lullwatch/influx-token"),
    "schedule": ("--armed", "18:30-08:00"),
    "page": ("--page-port", "8080, from 1 to 65535"),
    "metrics": ("--metrics-port", "9464, from 1 to 65535"),
    "simulated": ("--simulated", "7"),
    "simulated.pace": ("--pace", "60, from 1 to 240"),
    "simulated.scenario": ("--scenario", "demo_hour; lullwatch simulate --list names the others"),
})  # fmt: skip
"""By the setting that an option becomes, or the table it stands in: the option, and an answer that can be."""
_REMEDIES: Final = MappingProxyType({
    "--broker-plain": "Leave it out, and port 1883 with it: such as --broker broker.lan:8883",
})  # fmt: skip
"""Where what would mend the file is not what would mend the command."""
_OF_THE_FILE: Final = ("Such as ", "See deploy/")
"""How remedies begin that show how it would be written into the file."""
_TABLE: Final = re.compile(r"^\[+([a-z.]+)\]+")
_KEY: Final = re.compile(r"^([a-z_]+) = ")
_PLACE: Final = re.compile(r"^[a-z_]+( \d+)?(\.[a-z_]+( \d+)?)*: ")
"""Where it would stand in the file, at the beginning of what is wrong with it."""


class WrongAnswer(LullwatchError):
    """An answer that makes no settings; `plain` is the same without the option, for whoever was asked."""

    def __init__(self, option: str, what: str, remedy: str) -> None:
        self.plain = f"{what}. {remedy}"
        super().__init__(f"{option}: {self.plain}" if option else self.plain)


def checked(path: Path, answers: Answers) -> tuple[str, GatewaySettings]:
    """The text of the settings file that the answers make, and what it says.

    Raises:
        WrongAnswer: they make none; nothing is written.
    """
    text = settings_text(answers)
    try:
        return text, parse(path, text)
    except BadSettings as error:
        option, such_as = _option_at(text, error.line)
        remedy = _REMEDIES.get(option, error.remedy)
        if option and remedy.startswith(_OF_THE_FILE):
            remedy = f"Such as {option} {such_as}"
        raise WrongAnswer(option, _PLACE.sub("", error.what) if option else error.what, remedy) from error


def _option_at(text: str, number: int) -> tuple[str, str]:
    """The option that a line of the file comes from, and an answer that can be; empty where none does."""
    table = key = ""
    for line in text.splitlines()[:number]:
        if (header := _TABLE.match(line)) is not None:
            table, key = header[1], ""
        elif (found := _KEY.match(line)) is not None:
            key = found[1]
    own = ".".join(filter(None, (table, key)))
    return _OPTIONS.get(own) or _OPTIONS.get(table, ("", ""))
