"""Where the journals are, as a command is told."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from .errors import NothingRecorded
from .settings import load

__all__ = ["USUAL_FOLDER", "journal_folder"]

USUAL_FOLDER: Final = Path("~/.local/share/lullwatch")
"""What the example settings say."""


def journal_folder(source: Path | None) -> Path:
    """The folder of journals that settings (`.toml`), a folder, or nothing at all point to.

    Without a source: `lullwatch.toml` in this folder when there is one, else the usual folder.

    Raises:
        NothingRecorded: there is no such folder.
        BadSettings: the settings cannot be read.
    """
    if source is None:
        here = Path("lullwatch.toml")
        source = here if here.exists() else USUAL_FOLDER
    if source.suffix == ".toml":
        source = Path(load(source).journal_dir)
    folder = source.expanduser()
    if not folder.is_dir():
        raise NothingRecorded(folder)
    return folder
