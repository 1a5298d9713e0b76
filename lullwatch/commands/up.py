"""`lullwatch up`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["up"]

_Flag = Annotated[bool, Parameter(negative="")]


def up(
    settings: Path,
    /,
    *,
    page: bool = True,
    simulated: int | None = None,
    pace: float = 60.0,
    json_logs: _Flag = False,
    verbose: _Flag = False,
) -> int:
    """Run everything for the night: the monitor and the pages, each in its own process, started anew when one ends.

    Ctrl-C or SIGTERM ends both in order. On a computer with systemd rather install the units of deploy/systemd.

    Example: lullwatch up lullwatch.toml

    Example: lullwatch up lullwatch.toml --simulated 7 --pace 60

    Parameters
    ----------
    settings
        The settings file; `lullwatch init` makes one.
    page
        Serve the pages; the copy into the database and the sealing of nights are done beside them.
    simulated
        Virtual socks on a made-up infant of this seed instead of real ones, to try everything out. Nobody is watched.
    pace
        Simulated seconds in a real one.
    json_logs
        Log one JSON object a line.
    verbose
        Log every change of a link's state.
    """
    from lullwatch.json_logs import begin_log
    from lullwatch.service import run_up
    from lullwatch.settings import load_for

    begin_log(as_json=json_logs, verbose=verbose)
    read = load_for(settings, simulated=simulated, pace=pace)
    return run_up(settings, read, page=page)
