"""The shelf: the folder of nights, one journal each, read as one behind durable cursors.

A cursor is a pair (file, row). Each night keeps its own rows beside it (`store.cursors`), so a receiver that was
away goes on in the oldest night that still owes it something, and a night that is taken off the shelf takes its
cursors with it: nothing of the nights after it is skipped.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from dsp.records import NS
from store.cursors import DeadLetter
from store.errors import JournalDamaged, JournalEmpty, JournalError, JournalTooNew
from store.journal import Journal, night_name
from store.passing_over import AGAIN_S, PassedOver
from store.rows import Row

__all__ = ["NIGHT_STEM", "Place", "Reader", "Shelf", "is_night"]

_log = logging.getLogger(__name__)

NIGHT_STEM: Final = r"journal-\d{4}-\d{2}-\d{2}(?:-\d+)?"
"""How the names of a night's files begin, as a regular expression."""

_NAME: Final = re.compile(rf"{NIGHT_STEM}\.sqlite")
"""Names of nights; a second part of a night, after the computer's clock was set back, has a number."""

_BATCH_ROWS: Final = 200
"""Rows handed out at once unless asked otherwise: a receiver confirms each before it wants more."""

_SLEWED_NS: Final = 6 * 3600 * NS
"""A clock that is less than this before the night it was in is not taken for set back to an earlier one."""

_SETTLED_NS: Final = NS
"""A folder that changed less than this ago is looked at again: the kernel notes such times coarsely."""

_PARTS: Final = 1000
"""More often no clock is set back in a day."""

_OPEN_NIGHTS: Final = 2
"""Files kept open: a receiver reads the newest night, one that was away also an older one."""

_RECALLED_NIGHTS: Final = 2
"""How far back a receiver looks for what stands: this night and the one before. Older words were told their last."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: in which night's file, and its number there."""

    night: str
    """name of the file"""
    row: int


class Shelf:
    """The nights of a folder in the order they were recorded. Reads only; cursors are all that it moves.

    May be used from any thread. Nights that are added or taken away meanwhile are noticed at the next call.

    Args:
        folder: where the journals lie.
        only: name of the one file to read, whatever else is there.
    """

    def __init__(self, folder: Path | str, *, only: str | None = None) -> None:
        self.folder = Path(folder)
        self._only = only
        self._lock = threading.RLock()
        self._open: dict[str, tuple[int, Journal]] = {}
        """by name, with the inode it had when it was opened"""
        self._begun: dict[tuple[str, int], int] = {}
        """data time at which a file begins, by name and inode: files are never written anew"""
        self._listed: list[Path] = []
        self._listed_at = 0
        """when an entry of the folder had last changed; a thousand nights are not looked at again with every row"""
        self._beginning = False
        self._unreadable: dict[Path, bool] = {}
        """nights passed over, each with whether it is damaged"""
        self._again_s: dict[Path, float] = {}
        """when those that could not be opened are tried again; no entry of the folder changes when they can be"""

    @classmethod
    def around(cls, journal: Path) -> Self:
        """The shelf a journal stands on; a file that is not named as a night is a shelf of its own."""
        return cls(journal.parent, only=None if _NAME.fullmatch(journal.name) else journal.name)

    def close(self) -> None:
        """Close every file that is open."""
        with self._lock:
            while self._open:
                self._open.popitem()[1][1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def nights(self) -> list[Path]:
        """The files, oldest first: by the data time they begin at, which no clock that was set can turn round.

        A file that nobody has begun to write yet is left out, and so is one whose beginning cannot be read.

        Raises JournalError or OSError when the newest by name cannot be opened: whoever writes would go on in an
        older night, without what stands open in that one.
        """
        if self._only is not None:
            path = self.folder / self._only
            return [path] if path.exists() else []
        with self._lock:
            changed = self._changed_at()
            if changed != self._listed_at or self._beginning or self._is_again_due():
                self._listed_at = 0  # what raises is looked for again
                self._list()
                self._listed_at = changed if time.time_ns() - changed > _SETTLED_NS else 0
            return list(self._listed)

    def _list(self) -> None:
        self._beginning = False
        paths = sorted((p for p in self.folder.glob("journal-*.sqlite") if is_night(p)), key=lambda p: p.stem)
        for gone in self._unreadable.keys() - set(paths):
            self._tell_again(gone)
        begun = [(self._begun_ns(path, is_last=path == paths[-1]), path.name, path) for path in paths]
        known = [(begun_ns, name, path) for begun_ns, name, path in begun if begun_ns is not None]
        self._listed = [path for _, _, path in sorted(known)]

    def _is_again_due(self) -> bool:
        return any(at_s <= time.monotonic() for at_s in self._again_s.values())

    def _changed_at(self) -> int:
        """When an entry of the folder last changed; never 0."""
        return self.folder.stat().st_mtime_ns if self.folder.exists() else -1

    def damaged(self) -> list[Path]:
        """Nights whose beginning could not be read when they were last looked for."""
        with self._lock:
            return [path for path, damaged in self._unreadable.items() if damaged]

    def mended(self, path: Path) -> None:
        """A damaged night can be read again."""
        with self._lock:
            self._unreadable.pop(path, None)
            self._beginning = True

    def following(self, current: Path, utc_ns: int, zone: str) -> Path | None:
        """The file to go on in at a moment; None while `current` is the night of it.

        A clock that is slewed about noon turns nothing back; one that was set back by hours does, and where that
        night's file is there already, the new one is a further part of it.
        """
        night = _date_of(current)
        now = _date_of(Path(night_name(utc_ns, zone)))
        if now == night or (now < night <= _date_of(Path(night_name(utc_ns + _SLEWED_NS, zone)))):
            return None
        names = [night_name(utc_ns, zone), *(f"journal-{now}-{part}.sqlite" for part in range(2, _PARTS))]
        free = (self.folder / name for name in names)
        return next((path for path in free if not path.exists()), None)

    def newest(self) -> Path | None:
        """The file of the newest night; None where there is none."""
        nights = self.nights()
        return nights[-1] if nights else None

    def begun_ns(self, path: Path) -> int | None:
        """Data time at which a night begins; None where it cannot be read."""
        with self._lock:
            return self._begun_ns(path)

    def nights_of(self, onset_ns: int, end_ns: int) -> list[Path]:
        """The files that may hold something of a span of data time, oldest first.

        Those begun before its end and not followed by another before its onset, and the one after them: what came late
        stands there.
        """
        nights = self.nights()
        with self._lock:
            begun = [self._begun_ns(path) or 0 for path in nights]
        first = max(bisect_right(begun, onset_ns) - 1, 0)
        return nights[first : bisect_left(begun, end_ns) + 1]

    def newest_rows(self, tables: Sequence[str], *, nights: int) -> Iterator[Row]:
        """Rows of some tables in the newest nights, in the order they were written; nothing is held between pages.

        A night before the newest that cannot be read (any further) is passed over.

        Raises JournalError.
        """
        for path in (wanted := self.nights()[-nights:]):
            try:
                yield from self._rows_of(path, tables)
            except JournalError as error:
                if path == wanted[-1]:
                    raise
                _log.error("what an earlier night still says of tonight is passed over: %s", error)

    def _rows_of(self, path: Path, tables: Sequence[str]) -> Iterator[Row]:
        after = 0
        while True:
            with self.opened(path.name) as journal:
                page = journal.read(after, tables=tables)
            if not page:
                break
            yield from (row for _, row in page)
            after = page[-1][0]

    @contextmanager
    def opened(self, night: str) -> Iterator[Journal]:
        """A night by the name of its file, for a short look: others wait meanwhile. It stays open for the next one."""
        with self._lock:
            inode, journal = self._open.pop(night, (0, None))
            now = _inode(self.folder / night)
            if journal is not None and inode != now:  # it was taken off the shelf, or put there anew
                journal.close()
                journal = None
            self._open[night] = now, journal or Journal.read_only(self.folder / night)
            while len(self._open) > _OPEN_NIGHTS:
                self._open.pop(next(iter(self._open)))[1].close()
            yield self._open[night][1]

    def reader(self, name: str, *, tables: Sequence[str], from_first: bool = False) -> Reader:
        """Rows of some tables behind the durable cursor `name`; see `Reader`."""
        return Reader(self, name, tables, from_first=from_first)

    def _begun_ns(self, path: Path, *, is_last: bool = False) -> int | None:
        if self._again_s.get(path, 0.0) > time.monotonic() and not is_last:
            return None
        self._again_s.pop(path, None)
        try:
            key = (path.name, path.stat().st_ino)
            if key not in self._begun:
                self._begun[key] = _first_ns(path)
        except (FileNotFoundError, JournalEmpty):
            self._beginning = True  # no entry of the folder changes when it is begun
            return None
        except (JournalError, OSError) as error:
            if is_last and not isinstance(error, JournalDamaged | JournalTooNew):
                raise
            self._pass_over(path, error)
            return None
        self._tell_again(path)
        return self._begun[key]

    def _pass_over(self, path: Path, error: Exception) -> None:
        if path not in self._unreadable:
            _log.error("this night is passed over: %s", error)
        self._unreadable[path] = isinstance(error, JournalDamaged)
        if not isinstance(error, JournalDamaged | JournalTooNew):
            self._again_s[path] = time.monotonic() + AGAIN_S

    def _tell_again(self, path: Path) -> None:
        """A night that can be read, or is gone: should it fail once more, that is said once more."""
        self._unreadable.pop(path, None)
        self._again_s.pop(path, None)


def is_night(path: Path) -> bool:
    """Whether a file is named as a night is."""
    return _NAME.fullmatch(path.name) is not None


def _first_ns(path: Path) -> int:
    """Data time at which a night begins. Raises JournalEmpty until its writer has come to the first row."""
    with Journal.read_only(path) as journal:
        if not journal.last_row:
            raise JournalEmpty(path)
        return journal.begun_ns or 0


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _date_of(path: Path) -> str:
    return path.name.removeprefix("journal-")[: len("YYYY-MM-DD")]


class Reader:
    """One receiver's way through the nights: rows come oldest night first, and again until they are confirmed.

    An older night that cannot be read is passed over for a minute, so that it holds up nothing of those after it.

    What is confirmed is not handed out again by this object, even while the cursor cannot be moved on the disk;
    a later start hands it out once more.

    Args:
        shelf: to read from.
        name: of the cursor.
        tables: whose rows are wanted.
        from_first: a receiver that never confirmed anything begins with the oldest night on the shelf; by default
            with the newest, for what is older was never meant for it.
    """

    def __init__(self, shelf: Shelf, name: str, tables: Sequence[str], *, from_first: bool = False) -> None:
        self._shelf = shelf
        self._name = name
        self._tables = tuple(tables)
        self._from_first = from_first
        self._over: set[str] = set()
        """nights to look at no more: found empty after a newer one had begun, or never meant for this receiver"""
        self._wanted: set[str] = set()
        """nights it began with or that came after: an older one that can be opened again was not meant for it"""
        self._confirmed: dict[str, int] = {}
        self._passed = PassedOver(name)

    def rows(self, limit: int = _BATCH_ROWS) -> list[tuple[Place, Row]]:
        """The next rows that are not confirmed, at most `limit`, all of one night; empty when nothing is due.

        Raises JournalError when the newest night cannot be read.
        """
        for night, is_newest in self._due():
            found = self._read(night, limit, is_newest=is_newest)
            if found:
                return [(Place(night, row), record) for row, record in found]
            if found is not None and not is_newest:
                self._over.add(night)
        return []

    def _read(self, night: str, limit: int, *, is_newest: bool) -> list[tuple[int, Row]] | None:
        """What is due of a night; None where it is passed over."""
        found = None
        with self._passing_over(night, is_newest=is_newest), self._shelf.opened(night) as journal:
            found = journal.read(self._after(night), limit=limit, tables=self._tables)
        return found  # noqa: RET504 - the block may end without it

    def confirm(self, place: Place) -> None:
        """Everything of its night up to `place` has arrived.

        Raises JournalError when the cursor cannot be moved on the disk; the next call moves it as far.
        """
        self._confirmed[place.night] = max(place.row, self._confirmed.get(place.night, 0))
        if not (self._shelf.folder / place.night).exists():
            return  # the night was taken off the shelf meanwhile
        with self._shelf.opened(place.night) as journal:
            journal.advance(self._name, self._confirmed[place.night])

    def set_aside(self, place: Place, reason: str, body: bytes) -> None:
        """Keep what the receiver refuses for good, beside the night it comes from."""
        with self._shelf.opened(place.night) as journal:
            journal.set_aside(self._name, place.row, reason, body)

    def dead_letters(self) -> list[DeadLetter]:
        """Everything the receiver refused for good, oldest night first."""
        letters: list[DeadLetter] = []
        for path in self._shelf.nights():
            with self._shelf.opened(path.name) as journal:
                letters += journal.dead_letters(self._name)
        return letters

    def confirmed(self, tables: Sequence[str] | None = None) -> Iterator[tuple[Place, Row]]:
        """Rows of this night and the last up to the cursor: what a receiver was told before this start."""
        wanted = self._tables if tables is None else tuple(tables)
        *older, newest = [path.name for path in self._shelf.nights()[-_RECALLED_NIGHTS:]] or [""]
        for night in older:
            with self._passing_over(night):
                yield from self._confirmed_in(night, wanted)
        if newest:
            yield from self._confirmed_in(newest, wanted)

    def _confirmed_in(self, night: str, tables: Sequence[str]) -> Iterator[tuple[Place, Row]]:
        after, upto = 0, self._after(night)
        while after < upto:
            with self._shelf.opened(night) as journal:
                page = journal.read(after, tables=tables)
            yield from ((Place(night, row), record) for row, record in page if row <= upto)
            after = page[-1][0] if page else upto

    @contextmanager
    def _passing_over(self, night: str, *, is_newest: bool = False) -> Iterator[None]:
        try:
            yield
        except JournalError as error:
            if is_newest:
                raise
            self._passed.failed(night, error)
        else:
            self._passed.read(night)

    def _after(self, night: str) -> int:
        with self._shelf.opened(night) as journal:
            return max(journal.cursor(self._name), self._confirmed.get(night, 0))

    def _due(self) -> Iterator[tuple[str, bool]]:
        """Nights that may owe rows, oldest first, each with whether it is the newest."""
        names = [path.name for path in self._shelf.nights()]
        begun = self._from_first
        unread = False
        """whether an earlier night, which cannot be read now, may be the one it began with"""
        for name in names:
            begun = begun or name in self._wanted  # whoever began with a night wants every one after it
            unread = unread or (not begun and name in self._passed)
            if name in self._over or name in self._passed:
                continue
            is_newest = name == names[-1]
            if not begun:
                with self._passing_over(name, is_newest=is_newest):
                    begun = self._begins_with(name, is_newest=is_newest)
                    if not begun and not unread:
                        self._over.add(name)
                unread = unread or name in self._passed
            if not begun:
                continue
            self._wanted.add(name)
            yield name, is_newest

    def _begins_with(self, night: str, *, is_newest: bool) -> bool:
        """Whether the first night for this receiver is this one; of the newest it is kept that it was."""
        with self._shelf.opened(night) as journal:
            if is_newest:
                with suppress(JournalError):  # a disk that takes nothing holds up nobody's alert
                    journal.advance(self._name, 0)
            return is_newest or journal.begun_with(self._name)
