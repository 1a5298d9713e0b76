"""`lullwatch backup` and `lullwatch restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from store.backup import Copied

__all__ = ["backup", "restore"]

_Json = Annotated[bool, Parameter(name="--json", negative="")]


def backup(dest: Path, *, journals: Path | None = None, as_json: _Json = False) -> int:
    """Copy all nights into another folder, also while the monitor runs; each copy is looked through before it counts.

    Run again, it brings the copies up to date. A copy holds everything: also whoever is forgotten later.

    Example: lullwatch backup /media/usb/lullwatch --journals lullwatch.toml

    Parameters
    ----------
    dest
        Folder for the copies; made if missing.
    journals
        The settings file or the folder of the journals; by default lullwatch.toml here, else ~/.local/share/lullwatch.
    as_json
        Print the result as JSON.
    """
    from lullwatch.console import progress
    from lullwatch.copies import back_up
    from lullwatch.where import journal_folder

    with progress("copying", total=1.0) as bar:
        done = back_up(journal_folder(journals), dest, on_progress=bar.advance)
    _tell(done, as_json=as_json)
    return 0


def restore(
    copies: Path,
    *,
    to: Path | None = None,
    replace: Annotated[bool, Parameter(negative="")] = False,
    as_json: _Json = False,
) -> int:
    """Put the nights of a backup back; stop the monitor first. Receivers go on where the copy knew them to be.

    Example: lullwatch restore /media/usb/lullwatch --to lullwatch.toml

    Parameters
    ----------
    copies
        Folder that `lullwatch backup` wrote.
    to
        The settings file or the folder of the journals; by default lullwatch.toml here, else ~/.local/share/lullwatch.
    replace
        Put a night back also where the one that is there holds more.
    as_json
        Print the result as JSON.
    """
    from lullwatch.console import progress
    from lullwatch.copies import restore as put_back
    from lullwatch.where import journal_folder

    folder = to if to is not None and to.suffix != ".toml" else journal_folder(to)
    with progress("putting back", total=1.0) as bar:
        done = put_back(copies, folder, replace=replace, on_progress=bar.advance)
    _tell(done, as_json=as_json)
    return 0


def _tell(done: list[Copied], *, as_json: bool) -> None:
    from lullwatch.console import say, say_json

    if as_json:
        say_json([{"file": str(c.path), "rows": c.rows, "was_there": c.was_there} for c in done])
        return
    for copied in done:
        word = "unchanged" if copied.was_there else "whole"
        say(f"{word:<10} {copied.path}  {copied.rows:,} rows")
