"""`lullwatch check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["check"]

_Flag = Annotated[bool, Parameter(negative="")]


def check(settings: Path, /, *, nights: int = 7, send_test: _Flag = False, json: _Flag = False) -> int:
    """Before bed: is everything ready? One line for each thing, with what to do about it.

    Settings, radio, every sensor in range and charged, clock, disk, journal, broker, database, every person's channel,
    certificates. All are looked at side by side; nothing is changed, and nobody is told anything.
    Exit status 0: the night can begin; 1: something fails; 2: the settings cannot be used.

    Example: lullwatch check lullwatch.toml

    Example: lullwatch check lullwatch.toml --send-test

    Parameters
    ----------
    settings
        The settings file.
    nights
        Warn when the disk has room for fewer.
    send_test
        While the monitor runs: ring a test at everybody.
    json
        Print for machines.
    """
    import asyncio

    from lullwatch.before_bed import Looks, look_at_everything
    from lullwatch.console import progress, say, say_json
    from lullwatch.errors import LullwatchError
    from lullwatch.findings import FAIL, Finding, exit_status, lines_of
    from lullwatch.settings import load

    try:
        read = load(settings)
    except LullwatchError as error:
        if not json:
            raise
        say_json({"status": 2, "findings": [Finding("settings", FAIL, str(error))]})
        return 2
    looks = Looks(settings, read, nights=nights, send_test=send_test)
    with progress("looking", total=12) as bar:
        findings = asyncio.run(look_at_everything(looks, on_done=lambda what: bar.advance(1, what)))
    if json:
        say_json({"status": exit_status(findings), "findings": findings})
    else:
        for line in lines_of(findings):
            say(line)
    return exit_status(findings)
