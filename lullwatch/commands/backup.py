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
    """Copy all nights to another disk, also while the monitor runs; each copy is read through before it counts.

    Run again, it brings the copies up to date; where something fails, the earlier copy of a night stays. So does what
    another gateway, or a disk before this, left there for the same date: use a folder for each. In it is
    everything that was recorded and written down, and what is forgotten later is still in it. Not in it: the settings
    file and the passwords beside it, and who may look at the pages. Keep a copy of the settings yourself.

    Example: lullwatch backup /media/usb/lullwatch --journals lullwatch.toml

    Parameters
    ----------
    dest
        Folder for the copies, best on another disk; made for you alone if missing.
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
    _tell(done, "copied", as_json=as_json)
    if not as_json:
        _say_backed_up(done, dest)
    return 0


def restore(
    copies: Path,
    *,
    to: Path | None = None,
    replace: Annotated[bool, Parameter(negative="")] = False,
    as_json: _Json = False,
) -> int:
    """Put the nights of a backup back; stop the monitor first. A night that is there and holds more is left as it is.

    The database and the broker go on where they were when the backup was made. Then start as always: lullwatch up.

    Example: lullwatch restore /media/usb/lullwatch --to lullwatch.toml

    Parameters
    ----------
    copies
        Folder that `lullwatch backup` wrote.
    to
        The settings file or the folder of the journals; by default lullwatch.toml here, else ~/.local/share/lullwatch.
    replace
        Put a night back also where the one that is there holds more, or is another: what is only there is lost.
    as_json
        Print the result as JSON.
    """
    from lullwatch.console import progress
    from lullwatch.copies import restore as put_back
    from lullwatch.where import journal_folder, meant_folder

    folder = journal_folder(None) if to is None else meant_folder(to)
    with progress("putting back", total=1.0) as bar:
        done = put_back(copies, folder, replace=replace, on_progress=bar.advance)
    _tell(done, "put back", as_json=as_json)
    if not as_json:
        _say_put_back(done, folder)
    return 0


def _say_backed_up(done: list[Copied], dest: Path) -> None:
    from lullwatch.console import say

    new = sum(not c.was_there for c in done)
    say(
        f"Backed up: {_nights(len(done))} in {dest}, each read through; {new} copied now, {len(done) - new} unchanged."
    )
    say("Not in it: the settings file, passwords, and who may look at the pages.")


def _say_put_back(done: list[Copied], folder: Path) -> None:
    from lullwatch.console import say

    new = sum(not c.was_there for c in done)
    say(f"Put back: {_nights(new)} into {folder}; {len(done) - new} were there already.")


def _nights(count: int) -> str:
    return "1 night" if count == 1 else f"{count} nights"


def _tell(done: list[Copied], word: str, *, as_json: bool) -> None:
    from lullwatch.console import say, say_json

    if as_json:
        say_json([{"file": str(c.path), "rows": c.rows, "was_there": c.was_there} for c in done])
        return
    for copied in done:
        what = "unchanged" if copied.was_there else word
        say(f"{what:<10} {copied.path}  {copied.rows:,} rows")
