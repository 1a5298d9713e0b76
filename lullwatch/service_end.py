"""What systemd runs whenever the monitor has ended: of one that keeps ending people are told, as under `lullwatch up`.

    python -m lullwatch.service_end SETTINGS

The unit's runtime directory keeps what is to be known of earlier ends until the computer starts anew, and the settings
with which the monitor was last up: a file that can no longer be used names nobody.

References:
    systemd.service(5) ExecStopPost, systemd.exec(5) SERVICE_RESULT, RUNTIME_DIRECTORY
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from .service_ends import LOOP_ENDS, WELL_S, Ends

__all__ = ["CAME_UP", "main", "noted"]

# it stands in the supervisor's place, and what is to be done about its lines is the same
_log = logging.getLogger("lullwatch.supervisor")

CAME_UP: Final = "came-up.toml"
"""A copy of the settings, which the unit makes as soon as the monitor is up."""
_LAST_UP: Final = "last-up.toml"
_ENDS: Final = "ends.json"


def noted(folder: Path, environ: Mapping[str, str], now_s: float) -> str:
    """Take note of an end.

    Args:
        folder: what earlier ends left.
        environ: SERVICE_RESULT and EXIT_STATUS are looked at.
        now_s: of a clock that nobody sets and that every process reads alike.

    Returns:
        Why people are to be told; empty when they are not.
    """
    was_up = (folder / CAME_UP).exists()
    if was_up:
        (folder / CAME_UP).replace(folder / _LAST_UP)
    if environ.get("SERVICE_RESULT") == "success":
        (folder / _ENDS).unlink(missing_ok=True)
        return ""
    ends, is_told = _earlier(folder / _ENDS)
    was_well = was_up and now_s - ends.last_s >= WELL_S  # a start and a pause are shorter
    ends.add(now_s, was_well=was_well)
    why = "" if is_told and not was_well else _trouble(ends, environ, was_up=was_up)
    is_told = bool(why) or (is_told and not was_well)
    (folder / _ENDS).write_text(json.dumps({"ends": asdict(ends), "is_told": is_told}))
    return why


def _trouble(ends: Ends, environ: Mapping[str, str], *, was_up: bool) -> str:
    result = environ.get("SERVICE_RESULT", "")
    if result == "timeout" and not was_up:
        return "it did not come up within the time that its unit gives it"
    if ends.count >= LOOP_ENDS:
        return ends.why(f"{result} {environ.get('EXIT_STATUS', '')}".strip())
    return ""


def _earlier(path: Path) -> tuple[Ends, bool]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Ends(**kept["ends"]), bool(kept["is_told"])
    except (OSError, ValueError, KeyError, TypeError):
        return Ends(), False  # there was none, or writing it was cut short


def _tell(path: Path, last_up: Path, why: str) -> None:
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
            asyncio.run(cry(settings, why))
            return
    _log.error("nobody can be told that the monitor does not run: no settings can be used")


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
        _tell(Path(words[0]), Path(folder) / _LAST_UP, why)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
