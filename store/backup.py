"""Copies of nights that are whole, taken while the monitor writes on, and the way back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from store.cursors import Cursors
from store.database import (
    BUSY_TIMEOUT_S,
    check_whole,
    claimed_for,
    connect,
    flush_folder,
    prepare,
    transaction,
    translated,
)
from store.errors import (
    CopyIsAnother,
    CopyIsNewer,
    JournalBusy,
    JournalDamaged,
    NightIsAnother,
    NightIsNewer,
)
from store.kinship import last_row, lost_since, one_night
from store.private_files import made_private
from store.rows import TABLES
from store.salvage import STATES
from store.sealing import sealed_path

__all__ = ["Copied", "copy_night", "restore_night"]

_PAGES_AT_ONCE: Final = 256
"""A megabyte between two words on how far it is."""

_PATIENT_S: Final = 3600.0
"""A copy is looked through to its end, however long that takes."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of one night."""

    path: Path
    rows: int
    """number of the newest row in the copy"""
    was_there: bool
    """the same was there already; nothing was done"""


def copy_night(night: Path, folder: Path, *, on_progress: Callable[[float], None] = lambda _: None) -> Copied:
    """Copy a night as it stands at this moment into another folder, with its cursors, and look through the copy.

    The writer is never held up. What was in the folder under this name stays until the copy is whole, and rows that an
    earlier copy holds and the night no more (raw data that was too old, or what its disk has lost) are in the new one.

    Args:
        night: the journal.
        folder: exists.
        on_progress: told the share that was done since the last call; the shares add up to 1.

    Raises:
        CopyIsAnother: the folder holds the copy of another night under this name.
        CopyIsNewer: the copy there holds rows that the night does not.
        JournalError: the night cannot be read, or the copy cannot be written.
    """
    target = folder / night.name
    if target.exists():
        here, there = last_row(night), last_row(target)
        if not one_night(night, target):
            raise CopyIsAnother(target)
        if there > here:
            raise CopyIsNewer(target, there - here)
        if there == here:
            return _unchanged(night, target, on_progress)
    return _replaced(night, target, on_progress, keep=target.exists())


def restore_night(
    copy: Path, folder: Path, *, replace: bool = False, on_progress: Callable[[float], None] = lambda _: None
) -> Copied:
    """Put a night back from a copy; the copy is looked through first.

    Raises:
        NightIsAnother: there is a night of this name, and it is not the one that was copied; `replace` overrides.
        NightIsNewer: there is such a night, and it holds rows that the copy does not; `replace` overrides.
        JournalInUse: the monitor writes it.
        JournalError: the copy is damaged, or the night cannot be written.
    """
    target = folder / copy.name
    with translated(copy), closing(connect(copy, "ro")) as source:
        check_whole(copy, source, limit_s=_PATIENT_S)
    with claimed_for(target):
        if target.exists():
            here = last_row(copy)
            there, same = _standing(copy, target, replace=replace)
            if not same and not replace:
                raise NightIsAnother(target)
            if there > here and not replace:
                raise NightIsNewer(target, there - here)
            if there == here and same:
                return _unchanged(copy, target, on_progress)
        return _replaced(copy, target, on_progress, keep=target.exists() and not replace)


def _standing(copy: Path, target: Path, *, replace: bool) -> tuple[int, bool]:
    """Number of the newest row of the night that is there, and whether it is the night that was copied.

    Raises JournalDamaged, unless what is there is to be replaced whatever it is.
    """
    try:
        return last_row(target), one_night(copy, target)
    except JournalDamaged:
        if not replace:
            raise
        return 0, False


def _unchanged(night: Path, target: Path, on_progress: Callable[[float], None]) -> Copied:
    """Leave what is there, but for cursors that an earlier copying was ended before."""
    cursors = Cursors.path_beside(target)
    if not cursors.exists():
        part = cursors.with_suffix(".part")
        _drop_parts(part)
        _copy_cursors(Cursors.path_beside(night), part)
        if part.exists():
            part.replace(cursors)
    on_progress(1.0)
    return Copied(target, last_row(target), was_there=True)


def _replaced(night: Path, target: Path, on_progress: Callable[[float], None], *, keep: bool) -> Copied:
    """Put a copy in the place of whatever is there; until it is whole on the disk, what is there is not touched.

    With `keep`, rows that are only in what is there (the same night, earlier) are in what comes after it too.
    """
    part = target.with_suffix(".part")
    cursors, part_cursors = Cursors.path_beside(target), Cursors.path_beside(target).with_suffix(".part")
    _drop_parts(part, part_cursors)
    try:
        if keep and lost_since(target, night):
            rows = _gone_on(target, night, part, on_progress)
        else:
            rows = _copied(night, part, on_progress)
        _copy_cursors(Cursors.path_beside(night), part_cursors)
        if target.exists():
            _fold(target)
    except BaseException:
        _drop_parts(part, part_cursors)
        raise
    # Without cursors everything is sent once more; with those of other rows, new ones would be passed over. The sealed
    # copy may be of other rows, too, and is made again.
    for left in (sealed_path(target), cursors, *_logs_of(cursors), *_logs_of(target)):
        left.unlink(missing_ok=True)
    part.replace(target)
    if part_cursors.exists():
        part_cursors.replace(cursors)
    flush_folder(target.parent)
    return Copied(target, rows, was_there=False)


def _copied(night: Path, part: Path, on_progress: Callable[[float], None]) -> int:
    """Copy a night of one moment and look through the copy; the number of its newest row."""
    with translated(night), closing(connect(night, "ro")) as source:
        source.execute("BEGIN")
        # The first read fixes the moment: from here on the copy is of one state, whatever is committed meanwhile.
        (rows,) = source.execute("SELECT last_row FROM counter").fetchone()
        with translated(part), closing(connect(part, "rwc")) as copy:
            source.backup(copy, pages=_PAGES_AT_ONCE, progress=_Shares(on_progress))
            copy.execute("PRAGMA journal_mode = DELETE")
            check_whole(part, copy, limit_s=_PATIENT_S)
            (copied,) = copy.execute("SELECT last_row FROM counter").fetchone()
    if copied != rows:
        raise JournalDamaged(part, f"{copied} rows of {rows} in the copy")
    return int(rows)


def _gone_on(earlier: Path, night: Path, part: Path, on_progress: Callable[[float], None]) -> int:
    """An earlier copy with the rows that have come since, and the states of today; the number of the newest row."""
    upto = _copied(earlier, part, on_progress)
    with translated(part), closing(connect(part, "rw")) as copy:
        prepare(part, copy)
        copy.execute("ATTACH ? AS night", (f"{night.absolute().as_uri()}?mode=ro",))
        with transaction(copy):
            (rows,) = copy.execute("SELECT last_row FROM night.counter").fetchone()
            there = {name for (name,) in copy.execute("SELECT name FROM night.sqlite_schema")}
            for name, columns in ({table.name: table.columns for table in TABLES.values()} | STATES).items():
                if name in there:
                    _take_over(copy, name, columns, upto)
            copy.execute("UPDATE main.counter SET last_row = ?", (rows,))
        copy.execute("DETACH night")
        copy.execute("PRAGMA journal_mode = DELETE")
        check_whole(part, copy, limit_s=_PATIENT_S)
    return int(rows)


def _take_over(copy: sqlite3.Connection, name: str, columns: tuple[str, ...], upto: int) -> None:
    if name in STATES:
        # A state is of no use when data that came late has spoiled it: those of the night alone count.
        copy.execute(f"DELETE FROM main.{name}")  # noqa: S608 - names are constants
        upto = 0
    listed = ", ".join(("row", *columns))
    # A packet that the night had lost, and a sock has sent again, is there already.
    copy.execute(
        f"INSERT OR IGNORE INTO main.{name} ({listed}) SELECT {listed} FROM night.{name} WHERE row > ?",  # noqa: S608 - as above
        (upto,),
    )


def _copy_cursors(beside: Path, part: Path) -> None:
    if not beside.exists():
        return
    made_private(part)
    with (
        translated(part),
        closing(sqlite3.connect(beside)) as source,
        closing(sqlite3.connect(part)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def _fold(target: Path) -> None:
    """Take what a night's log holds into its file: the log goes, and would else be played into what comes after it.

    Raises JournalBusy while somebody reads what is in it.
    """
    with suppress(JournalDamaged):  # what is no journal any more has nothing to be taken in
        with translated(target), closing(connect(target, "rw")) as db:
            (busy, *_) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise JournalBusy(target, BUSY_TIMEOUT_S)


def _logs_of(path: Path) -> list[Path]:
    return [Path(f"{path}{end}") for end in ("-wal", "-shm", "-journal")]


def _drop_parts(*parts: Path) -> None:
    for part in parts:
        for left in part.parent.glob(part.name + "*"):
            left.unlink()


class _Shares:
    """What SQLite says of its progress, as shares of the whole."""

    def __init__(self, on_progress: Callable[[float], None]) -> None:
        self._on_progress = on_progress
        self._done = 0.0

    def __call__(self, _status: int, left: int, pages: int) -> None:
        done = 1.0 if not pages else 1.0 - left / pages
        self._on_progress(done - self._done)
        self._done = done
