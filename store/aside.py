"""Setting a damaged database aside: it is kept under another name, so that a new one can take its place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

__all__ = ["DAMAGED", "set_aside"]

DAMAGED: Final = ".damaged-"
"""Stands in the name of a file that was set aside, before its number."""


def set_aside(path: Path) -> Path:
    """Give a file and its log another name; until the new file takes its place the old name stays on it too.

    Raises OSError.
    """
    numbers = range(1, 10_000)
    names = (path.with_name(f"{path.name}{DAMAGED}{number}") for number in numbers)
    aside = next(name for name in names if not name.exists())
    log = Path(f"{path}-wal")
    if log.exists():
        # It would be played into the new file, whose pages it does not know.
        log.replace(f"{aside}-wal")
    Path(f"{path}-shm").unlink(missing_ok=True)
    try:
        os.link(path, aside)
    except OSError:  # a file system without hard links
        path.replace(aside)
    return aside
