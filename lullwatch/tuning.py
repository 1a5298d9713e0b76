"""Settings of the detector from a file that names those that differ."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from dsp.settings import Settings

from .errors import LullwatchError

__all__ = ["BadTuning", "settings_from"]


class BadTuning(LullwatchError):
    """A file of detector settings that cannot be used."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}. The settings and their defaults stand in dsp/settings.py")


def settings_from(path: Path) -> Settings:
    """The settings of this version, with those changed that the file names (JSON, or TOML by its suffix).

    Raises:
        BadTuning: it cannot be read, names something unknown, or gives a value of another kind.
    """
    read = msgspec.toml.decode if path.suffix == ".toml" else msgspec.json.decode
    try:
        given: Any = read(path.read_bytes())
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise BadTuning(path, f"cannot be read ({error})") from error
    known = asdict(Settings())
    if not isinstance(given, dict):
        raise BadTuning(path, "is no table of settings")
    if unknown := sorted(given.keys() - known.keys()):
        raise BadTuning(path, f"no setting is called {', '.join(unknown)}")
    try:
        return msgspec.convert({**known, **given}, Settings)
    except msgspec.ValidationError as error:
        raise BadTuning(path, str(error)) from error
