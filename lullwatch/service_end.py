"""What systemd runs whenever the monitor has ended: of one that keeps ending people are told, as under `lullwatch up`.

    python -m lullwatch.service_end SETTINGS

The unit's runtime directory keeps what is to be known of earlier ends until the computer starts anew, and the settings
with which the monitor was last up: a file that can no longer be used names nobody.

References:
    systemd.service(5) ExecStopPost, systemd.exec(5) SERVICE_RESULT, RUNTIME_DIRECTORY
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from .service_ends import LOOP_ENDS, WELL_S, Ends

__all__ = ["CAME_UP", "is_told", "main", "noted"]

# it stands in the supervisor's place, and what is to be done about its lines is the same
_log = logging.getLogger("lullwatch.supervisor")

CAME_UP: Final = "came-up.toml"
"""A copy of the settings, which the unit makes as soon as the monitor is up."""
_LAST_UP: Final = "last-up.toml"
_ENDS: Final = "ends.json"
_AGAIN_S: Final = 60.0
"""What nobody took is tried again at an end so much later: the next start waits for each try."""


@dataclass(slots=True)
class _Row:
    """Ends in a row, and what came of telling of them."""

    ends: Ends = field(default_factory=Ends)
    is_told: bool = False
    tried_s: float | None = None


def noted(folder: Path, environ: Mapping[str, str], now_s: float) -> str:
    """Take note of an end.

    Args:
        folder: what earlier ends left.
        environ: SERVICE_RESULT and EXIT_STATUS are looked at.
        now_s: of a clock that nobody sets and that every process reads alike.

    Returns:
        Why people are to be told; empty when they are not. They are once somebody says so by `is_told`.
    """
    was_up = (folder / CAME_UP).exists()
    if was_up:
        (folder / CAME_UP).replace(folder / _LAST_UP)
    if environ.get("SERVICE_RESULT") == "success":
        (folder / _ENDS).unlink(missing_ok=True)
        return ""
    row = _earlier(folder)
    was_well = was_up and now_s - row.ends.last_s >= WELL_S  # a start and a pause are shorter
    row.ends.add(now_s, was_well=was_well)
    if was_well:
        row.is_told, row.tried_s = False, None
    is_due = not row.is_told and (row.tried_s is None or now_s - row.tried_s >= _AGAIN_S)
    why = _trouble(row.ends, environ, was_up=was_up) if is_due else ""
    if why:
        row.tried_s = now_s
    _keep(folder, row)
    return why


def is_told(folder: Path) -> None:
    """Somebody was told of the ends so far: nobody is told of the next one in the row."""
    row = _earlier(folder)
    row.is_told = True
    _keep(folder, row)


def _trouble(ends: Ends, environ: Mapping[str, str], *, was_up: bool) -> str:
    result = environ.get("SERVICE_RESULT", "")
    if result == "timeout" and not was_up:
        return "it did not come up within the time that its unit gives it"
    if ends.count >= LOOP_ENDS:
        return ends.why(f"{result} {environ.get('EXIT_STATUS', '')}".strip())
    return ""


def _earlier(folder: Path) -> _Row:
    try:
        return msgspec.json.decode((folder / _ENDS).read_bytes(), type=_Row)
    except (OSError, msgspec.MsgspecError):
        return _Row()  # there was none, or writing it was cut short


def _keep(folder: Path, row: _Row) -> None:
    (folder / _ENDS).write_bytes(msgspec.json.encode(row))


def _tell(path: Path, last_up: Path, why: str) -> bool:
    """Whether somebody was told."""
    # an end that is not told should cost the next start nothing: what is heavy is loaded only here
    import asyncio

    from .alarm import cry
    from .errors import BadSettings
    from .settings import load

    for source in (path, last_up):
        try:
            settings = load(source)
        except BadSettings as error:
            _log.error("%s", error)
        else:
            return asyncio.run(cry(settings, why))
    _log.error("nobody can be told that the monitor does not run: no settings can be used")
    return False


def main(words: list[str]) -> int:
    """Take note of an end, and tell of it where it is one too many."""
    from .json_logs import begin_log

    begin_log(as_json=True)
    folder = os.environ.get("RUNTIME_DIRECTORY")
    if folder is None or len(words) != 1:
        _log.error("systemd runs this, with the settings file: see deploy/systemd")
        return 2
    if why := noted(Path(folder), os.environ, time.monotonic()):
        _log.error("the monitor does not run: %s", why)
        if _tell(Path(words[0]), Path(folder) / _LAST_UP, why):
            is_told(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
