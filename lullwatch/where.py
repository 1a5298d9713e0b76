"""Where the journals are, as a command is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from .errors import FolderClosed, NothingRecorded
from .settings import load

__all__ = ["USUAL_FOLDER", "is_settings", "journal_folder", "meant_folder"]

USUAL_FOLDER: Final = Path("~/.local/share/lullwatch")
"""What the example settings say."""


_DATABASE: Final = b"SQLite format 3\0"
"""How every journal begins, also one that was set aside under another name."""


def is_settings(source: Path) -> bool:
    """Whether a settings file is meant, whatever its name ends with; else a folder of journals, or one journal."""
    if source.suffix in (".toml", ".sqlite") or not source.is_file():
        return source.suffix == ".toml"
    try:
        with source.open("rb") as file:
            return file.read(len(_DATABASE)) != _DATABASE
    except OSError:
        return True  # whoever reads the settings says why they cannot be read


def meant_folder(source: Path) -> Path:
    """The folder that settings speak of, there or not; what is no settings file is itself what is meant.

    Raises BadSettings.
    """
    return (Path(load(source).journal_dir) if is_settings(source) else source).expanduser()


def journal_folder(source: Path | None) -> Path:
    """The folder of journals that settings, a folder, or nothing at all point to.

    Without a source: `lullwatch.toml` in this folder when there is one, else the usual folder.

    Raises:
        NothingRecorded: there is no such folder.
        FolderClosed: this user may not look into it, and so cannot know what is there.
        BadSettings: the settings cannot be read.
    """
    if source is None:
        here = Path("lullwatch.toml")
        source = here if here.exists() else USUAL_FOLDER
    folder = meant_folder(source)
    if not folder.is_dir():
        raise NothingRecorded(folder)
    if not os.access(folder, os.R_OK | os.X_OK):
        raise FolderClosed(folder)
    return folder
