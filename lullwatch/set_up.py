"""The first settings file: answers in, one commented file out, which is read again before anybody relies on it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ingest.sensor_kind import Kind

from .errors import BadSettings, LullwatchError
from .set_up_answers import Answers
from .set_up_wrong import checked
from .settings import GatewaySettings, parse
from .settings_check import can_tell

__all__ = ["SettingsThere", "keep_secret", "what_next", "write_settings"]


class SettingsThere(LullwatchError):
    """A settings file would be written over."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is there already and is left as it is; give another name, or --force")


def write_settings(path: Path, answers: Answers, *, force: bool = False) -> GatewaySettings:
    """Write the file, which only its owner may read, and read it again.

    Raises:
        SettingsThere: there is one already, and it is not to be replaced.
        WrongAnswer: the answers do not make settings; nothing was written.
        BadSettings: the file cannot be written.
    """
    if path.name in ("", "..") or path.is_dir():
        raise BadSettings(
            path, "is a folder", "Name the file that is to be written in it, such as lullwatch.toml"
        )
    text, _ = checked(path, answers)
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
    if not can_tell(settings):
        lines.append(
            f"  nobody can be told yet: add [mqtt], or a phone of somebody's ([[push]]), to {path}: docs/phones.md"
        )
    if settings.simulated is None:
        lines.append(f"  lullwatch sensors --settings {path} --closer   # are they in range and charged?")
        lines += _pairings(settings)
    lines += [
        f"  lullwatch check {path}                        # is everything ready?",
        f"  lullwatch serve {path} --invite {first}             # who may look at the pages; prints a token once",
        f"  lullwatch up {path}                           # the monitor and the pages",
    ]
    return lines


def _pairings(settings: GatewaySettings) -> list[str]:
    sensors = [sensor for infant in settings.infants for sensor in infant.sensors]
    socks = [sensor.address for sensor in sensors if sensor.kind is Kind.SOCK]
    return [
        f"  lullwatch sensors --pair {sock}    # once: asks for the digits on its label" for sock in socks
    ]


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
