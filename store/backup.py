"""Copies of nights that are whole, taken while the monitor writes on, and the way back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from store.cursors import Cursors
from store.database import BUSY_TIMEOUT_S, check_whole, claimed_for, connect, flush_folder, translated
from store.errors import JournalBusy, JournalDamaged, NightIsNewer
from store.journal import Journal
from store.private_files import made_private
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

    The writer is never held up. What was in the folder under this name stays until the copy is whole.

    Args:
        night: the journal.
        folder: exists.
        on_progress: told the share that was done since the last call; the shares add up to 1.

    Raises:
        JournalError: the night cannot be read, or the copy cannot be written.
    """
    target = folder / night.name
    last_row = _last_row(night)
    if target.exists() and _last_row(target) == last_row:
        on_progress(1.0)
        return Copied(target, last_row, was_there=True)
    return _replaced(night, target, on_progress)


def restore_night(
    copy: Path, folder: Path, *, replace: bool = False, on_progress: Callable[[float], None] = lambda _: None
) -> Copied:
    """Put a night back from a copy; the copy is looked through first.

    Raises:
        NightIsNewer: there is such a night, and it holds rows that the copy does not; `replace` overrides.
        JournalInUse: the monitor writes it.
        JournalError: the copy is damaged, or the night cannot be written.
    """
    target = folder / copy.name
    with translated(copy), closing(connect(copy, "ro")) as source:
        check_whole(copy, source, limit_s=_PATIENT_S)
    rows = _last_row(copy)
    with claimed_for(target):
        if target.exists():
            there = _last_row(target)
            if there == rows:
                on_progress(1.0)
                return Copied(target, rows, was_there=True)
            if there > rows and not replace:
                raise NightIsNewer(target, there - rows)
        return _replaced(copy, target, on_progress)


def _last_row(path: Path) -> int:
    with Journal.read_only(path) as journal:
        return journal.last_row


def _replaced(night: Path, target: Path, on_progress: Callable[[float], None]) -> Copied:
    """Put a copy in the place of whatever is there; until it is whole on the disk, what is there is not touched."""
    part = target.with_suffix(".part")
    cursors, part_cursors = Cursors.path_beside(target), Cursors.path_beside(target).with_suffix(".part")
    _drop_parts(part, part_cursors)
    try:
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
