"""Whatever tells of a child's nights is its owner's alone from the moment it is made."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["OWN_FILE", "OWN_FOLDER", "closed", "made_private", "opened_private"]

OWN_FILE: Final = stat.S_IRUSR | stat.S_IWUSR
OWN_FOLDER: Final = stat.S_IRWXU
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def made_private(path: Path) -> None:
    """Make an empty file for its owner alone where there is none; SQLite gives its logs the mode of the file.

    A file that is there is not touched: to open and close it would drop the locks that SQLite has on it. Where none
    can be made nothing is said: whoever opens it next says why.
    """
    with suppress(OSError):
        path.touch(mode=OWN_FILE, exist_ok=False)


def opened_private(path: str, flags: int) -> int:
    """As `opener` of `open`: what is made is its owner's alone."""
    return os.open(path, flags, OWN_FILE)


def closed(path: Path) -> bool:
    """Take away what others may do with a file or folder of ours; whether there was anything. Links are left alone.

    Raises OSError.
    """
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or not found.st_mode & _OTHERS or found.st_uid != os.geteuid():
        return False
    path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
    return True
