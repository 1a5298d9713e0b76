"""`lullwatch monitor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["monitor"]

_Flag = Annotated[bool, Parameter(negative="")]


def monitor(
    settings: Path,
    *,
    simulated: int | None = None,
    pace: float = 60.0,
    json_logs: _Flag = False,
    verbose: _Flag = False,
) -> int:
    """Listen to real socks and alert until stopped with Ctrl-C or SIGTERM. `lullwatch up` runs it with the pages.

    Example: lullwatch monitor lullwatch.toml

    Parameters
    ----------
    settings
        Settings file; `lullwatch init` makes one, deploy/lullwatch.example.toml shows every setting.
    simulated
        Virtual socks on a made-up infant of this seed instead of real ones. Nobody is watched.
    pace
        Simulated seconds in a real one.
    json_logs
        Log one JSON object a line.
    verbose
        Log every change of a link's state.
    """
    from lullwatch.json_logs import begin_log
    from lullwatch.monitor import run
    from lullwatch.settings import load_for

    begin_log(as_json=json_logs, verbose=verbose)
    read = load_for(settings, simulated=simulated, pace=pace)
    run(read)
    return 0
