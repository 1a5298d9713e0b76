"""The folder of the journals, made where there is none."""

from __future__ import annotations

import stat
from pathlib import Path

from store.errors import JournalReadOnly

__all__ = ["make_journal_folder"]


def make_journal_folder(folder: Path) -> None:
    """Make the folder if it is missing, for its owner alone: what lies in it is about a child's health.

    Raises:
        JournalReadOnly: it cannot be made.
    """
    try:
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalReadOnly(folder, error.strerror or str(error)) from error
