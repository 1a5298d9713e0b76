"""Copies of the nights, taken while the monitor runs, and put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from store.backup import Copied, copy_night, restore_night
from store.errors import JournalFull, NightStays
from store.private_files import OWN_FOLDER
from store.shelf import Shelf

from .errors import LullwatchError, NothingRecorded, SameFolder

__all__ = ["CannotKeep", "NightsStay", "NoBackup", "NoRoomLeft", "back_up", "restore"]


class CannotKeep(LullwatchError):
    """The folder that nights are to be copied into cannot be made."""

    def __init__(self, folder: Path, error: OSError) -> None:
        what = error.strerror or str(error)
        super().__init__(
            f"{folder}: no folder can be made there ({what}). Nothing was copied. See that the disk is plugged "
            "in and may be written to, or give another folder"
        )


class NoRoomLeft(LullwatchError):
    """A night does not fit into the folder that it is copied into."""

    def __init__(self, night: Path, folder: Path, *, done: int, of: int) -> None:
        super().__init__(
            f"{folder}: no room left for {night.name}; what was there of it before stays. {done} of {of} nights are "
            "done. Make room there and run it again, or give another folder"
        )


class NightsStay(LullwatchError):
    """Some nights were not copied, for what is there holds something else; all others were."""

    def __init__(self, folder: Path, stay: Sequence[NightStays], *, done: int) -> None:
        self.stay = tuple(stay)
        said = "\n".join(str(error) for error in stay)
        super().__init__(f"{said}\n{folder}: the other nights are done, {done} of {done + len(stay)}.")


class NoBackup(LullwatchError):
    """Nothing can be put back from a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder}: there is no backup in it. Nothing was changed. Give the folder that `lullwatch backup` wrote; "
            "see that its disk is plugged in"
        )


def back_up(
    folder: Path, dest: Path, *, on_progress: Callable[[float, str], None] = lambda _share, _what: None
) -> list[Copied]:
    """Copy every night of a folder that the destination does not hold yet, the oldest first.

    Args:
        folder: of the journals.
        dest: made for its owner alone when it is missing; an earlier backup there is brought up to date.
        on_progress: told shares of the work done and the night under way; they add up to 1.

    Raises:
        NothingRecorded: no journal in the folder.
        SameFolder: the destination is the folder itself.
        CannotKeep: the destination cannot be made.
        NoRoomLeft: a night does not fit into it.
        NightsStay: some copies there hold something that the nights do not, and stay; the others were made.
        store.errors.NightStays: the same of the only night.
        store.errors.JournalError: a night cannot be read, or a copy not be written.
    """
    return _each(folder, dest, copy_night, on_progress)


def restore(
    copies: Path,
    folder: Path,
    *,
    replace: bool = False,
    on_progress: Callable[[float, str], None] = lambda _share, _what: None,
) -> list[Copied]:
    """Put every night of a backup back into a folder.

    Args:
        copies: the backup.
        folder: of the journals; made when it is missing.
        replace: also over a night that holds more than the copy.
        on_progress: as for `back_up`.

    Raises: as `back_up`, but
        NoBackup: there is none.
        store.errors.JournalInUse: the monitor runs.
    """

    def put(copy: Path, to: Path, *, on_progress: Callable[[float], None]) -> Copied:
        return restore_night(copy, to, replace=replace, on_progress=on_progress)

    try:
        return _each(copies, folder, put, on_progress)
    except NothingRecorded:
        raise NoBackup(copies) from None


def _each(
    source: Path, dest: Path, work: Callable[..., Copied], on_progress: Callable[[float, str], None]
) -> list[Copied]:
    with Shelf(source) as shelf:
        nights = shelf.nights()
    if not nights:
        raise NothingRecorded(source)
    if dest.resolve() == source.resolve():
        raise SameFolder(dest)
    try:
        dest.mkdir(mode=OWN_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotKeep(dest, error) from error
    sizes = {path: path.stat().st_size for path in nights}
    whole = max(sum(sizes.values()), 1)
    done: list[Copied] = []
    stay: list[NightStays] = []
    for path in nights:
        weight = sizes[path] / whole

        def share(part: float, weight: float = weight, name: str = path.name) -> None:
            on_progress(part * weight, name)

        try:
            done.append(work(path, dest, on_progress=share))
        except NightStays as error:
            stay.append(error)
            share(1.0)
        except JournalFull as error:
            raise NoRoomLeft(path, dest, done=len(done), of=len(nights)) from error
    if len(nights) == len(stay) == 1:
        raise stay[0]
    if stay:
        raise NightsStay(dest, stay, done=len(done)) from stay[0]
    return done
