"""`lullwatch monitor`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["monitor"]


def monitor(settings: Path, *, verbose: bool = False) -> int:
    """Listen to real socks and alert until stopped with Ctrl-C or SIGTERM.

    Example: lullwatch monitor lullwatch.toml

    Parameters
    ----------
    settings
        Settings file; deploy/lullwatch.example.toml shows every setting.
    verbose
        Log every change of a link's state.
    """
    import logging

    from lullwatch.monitor import run
    from lullwatch.settings import load

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    run(load(settings))
    return 0
