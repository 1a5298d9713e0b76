"""The folder of the journals, made where there is none, and its owner's alone."""

from __future__ import annotations

import logging
import stat
from pathlib import Path
from typing import Final

from store.errors import JournalReadOnly
from store.private_files import OWN_FOLDER, closed

__all__ = ["make_journal_folder", "open_to_others"]

_log = logging.getLogger(__name__)

_OURS: Final = ("journal-*", "reserve")
"""Names of what lies in the folder and is ours: nights, their logs, cursors, copies, and what was set aside."""


def make_journal_folder(folder: Path, *, mend: bool = True) -> None:
    """Make the folder if it is missing, for its owner alone: what lies in it is about a child's health.

    Args:
        folder: of the journals.
        mend: close also what an earlier version, or somebody by hand, left open to others.

    Raises:
        JournalReadOnly: it cannot be made.
    """
    try:
        folder.mkdir(mode=OWN_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalReadOnly(folder, error.strerror or str(error)) from error
    if mend:
        _mend(folder)


def open_to_others(folder: Path) -> list[Path]:
    """What is ours in the folder, and the folder itself, where others may do anything with it. Raises OSError."""
    others = stat.S_IRWXG | stat.S_IRWXO
    return [path for path in _ours(folder) if path.stat().st_mode & others]


def _ours(folder: Path) -> list[Path]:
    found = sorted(
        {path for name in _OURS for path in folder.glob(name) if path.is_file() and not path.is_symlink()}
    )
    return found if _is_shared(folder) else [folder, *found]


def _is_shared(folder: Path) -> bool:
    """Whether the folder is there for others, too, and must stay open: a home, a place for everybody's files."""
    return bool(folder.stat().st_mode & stat.S_ISVTX) or folder.resolve() in (Path.home(), Path("/"))


def _mend(folder: Path) -> None:
    try:
        mended = [path for path in _ours(folder) if closed(path)]
    except OSError as error:
        _log.warning("%s: who may read it cannot be changed: %s", folder, error.strerror or error)
        return
    if mended:
        _log.info(
            "%s: %d files or folders that others could read are the owner's alone now", folder, len(mended)
        )
