"""The keeper of the shelf: a thread that lets old raw data go, and makes room when the disk runs full."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dsp.records import NS, ClockRow
from store.errors import JournalDamaged, JournalInUse, StoreError
from store.journal import Journal
from store.private_files import opened_private
from store.retention import drop_raw, give_back
from store.salvage import salvage
from store.sealing import unseal
from store.shelf import Shelf

from .ages import Ages

__all__ = ["Keeper", "Keeping", "TroubleOf", "make_room", "salvaged"]

_log = logging.getLogger(__name__)

_DAY_NS: Final = 24 * 3600 * NS

_SPARED_NS: Final = 3600 * NS
"""The last hour of the running night stays whatever the disk says: late data and a restart look back into it."""

_ENOUGH: Final = 1.25
"""Room is made for a quarter more than is asked for, so that the alarm does not come and go with every packet."""

_LOOK_EVERY_S: Final = 5.0
"""Between two looks at the room that is left: three sensors write 30 kB in it."""

_SEARCHED_NS: Final = 1800 * NS
_SEARCHED_SHORT_NS: Final = 60 * NS
"""Data time before a night is searched again for what may go: half an hour, a minute while room is short."""

_FILLED_BACK_NS: Final = _DAY_NS
"""How far before its own beginning a night is taken to hold data: what a sock kept for hours is fetched after noon.
What lies farther back only goes later."""

_STEP_EVERY_S: Final = 0.2
"""Between two steps: the disk is the monitor's for nine tenths of the time. A night goes in three minutes."""

_RESERVE_BYTES: Final = 8_000_000
"""A file that only takes room. On a disk that is full it is let go first: also taking something away needs room."""

_RESERVE: Final = "reserve"


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept."""

    raw_days: float = 30.0
    """raw data older than this goes unless it is pinned"""
    min_free_bytes: int = 500_000_000
    """below this the oldest raw data goes whatever its age: about three nights of three sensors"""


class TroubleOf:
    """One kind of trouble that several parts can be in: told when the first is, and when the last is well.

    Args:
        kind: of the trouble.
        tell: told `(kind, why)`; an empty `why` means well.
    """

    def __init__(self, kind: str, tell: Callable[[str, str], None]) -> None:
        self._kind = kind
        self._tell = tell
        self._lock = threading.Lock()
        self._why: dict[str, str] = {}
        self._told = ""

    def say(self, part: str, why: str) -> None:
        """`part` is in trouble, or well when `why` is empty."""
        with self._lock:
            self._why[part] = why
            now = next((w for w in self._why.values() if w), "")
            if bool(now) == bool(self._told):
                return
            self._told = now
        self._tell(self._kind, now)


class Keeper:
    """Keeps a folder of nights within its bounds; use as a context manager, or call `step` yourself.

    Args:
        folder: where the nights are.
        keeping: what is kept.
        now_ns: data time now.
        on_trouble: told `why` when raw data must go before its time or nothing can be taken away; "" when well.
        free_bytes: room left on the disk.
        read_clock: the tie between data time and UTC as it is now; without it, data is as old as data time says.
    """

    def __init__(
        self,
        folder: Path,
        keeping: Keeping,
        *,
        now_ns: Callable[[], int],
        on_trouble: Callable[[str], None] = lambda _: None,
        free_bytes: Callable[[], int] | None = None,
        read_clock: Callable[[], ClockRow] | None = None,
    ) -> None:
        self._folder = folder
        self._keeping = keeping
        self._now_ns = now_ns
        self._on_trouble = on_trouble
        self._free_bytes = free_bytes or (lambda: shutil.disk_usage(folder).free)
        self._shelf = Shelf(folder)
        self._ages = None if read_clock is None else Ages(self._shelf, read_clock)
        self._searched: dict[str, int] = {}
        """by night, the data time before which nothing that may go is left, or could be taken away"""
        self._giving_back: set[str] = set()
        self._gone: dict[str, int] = {}
        """rows that went, by night, until there are no more to go"""
        self._short = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._shelf.close()

    def step(self) -> bool:
        """Take away a little of what may go; whether there may be more."""
        free = self._free_bytes()
        least = self._keeping.min_free_bytes
        self._short = free < (least * _ENOUGH if self._short else least)
        if self._short:
            return self._make_room(free)
        self._on_trouble("")
        self._hold_reserve(free)
        if self._giving_back:
            return self._give_back()
        return self._drop(self._too_old_ns(), _SEARCHED_NS)

    def _too_old_ns(self) -> int:
        """Data time before which data is older than is kept."""
        kept_ns = round(self._keeping.raw_days * _DAY_NS)
        return self._now_ns() - kept_ns if self._ages is None else self._ages.before_ns(kept_ns)

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                more = self.step()
            except Exception as error:  # noqa: BLE001 - this is the thread's top: nobody else would hear of it
                known = isinstance(error, StoreError | OSError)
                _log.warning("old raw data could not be taken away: %s", error, exc_info=not known)
                self._on_trouble(str(error) if known else f"{type(error).__name__}: {error}")
                more = False
            self._ending.wait(_STEP_EVERY_S if more else _LOOK_EVERY_S)

    def _make_room(self, free: int) -> bool:
        (self._folder / _RESERVE).unlink(missing_ok=True)
        if self._unsealed():
            return True
        if self._giving_back and self._give_back():
            return True
        gone = self._drop(self._now_ns() - _SPARED_NS, _SEARCHED_SHORT_NS)
        left = f"{free / 1e6:.0f} MB left on the disk of {self._folder}"
        self._on_trouble(
            f"{left}: the oldest raw data goes"
            if gone
            else f"{left} and no raw data that may go: free some space"
        )
        return gone

    def _unsealed(self) -> bool:
        """Whether a sealed copy was there to be deleted: it holds nothing that its night does not."""
        return any(unseal(path) for path in self._shelf.nights())

    def _drop(self, before_ns: int, slack_ns: int) -> bool:
        """Take rows from before a data time out of the oldest night that has any."""
        nights = self._shelf.nights()
        for path in self._shelf.damaged():
            if self._is_due(path, before_ns - slack_ns):
                self._searched[path.name] = before_ns
                if salvaged(path):
                    del self._searched[path.name]
                    self._shelf.mended(path)
        for path in nights:
            if not self._is_due(path, before_ns - slack_ns):
                continue
            if self._may_hold(path, before_ns) and self._drop_from(path, before_ns):
                if path != nights[-1]:
                    self._giving_back.add(path.name)
                return True
            self._searched[path.name] = before_ns
            self._say_gone(path)
        return False

    def _is_due(self, path: Path, since_ns: int) -> bool:
        return path.name not in self._searched or self._searched[path.name] < since_ns

    def _may_hold(self, path: Path, before_ns: int) -> bool:
        """Whether anything in a night may be from before a data time; the file is not opened for it again."""
        begun_ns = self._shelf.begun_ns(path)
        return begun_ns is None or begun_ns - _FILLED_BACK_NS < before_ns

    def _drop_from(self, path: Path, before_ns: int) -> bool:
        try:
            with Journal.amend(path) as journal:
                rows = drop_raw(journal, before_ns=before_ns).rows
            if rows:
                unseal(path)  # it would keep what was to go
                self._note_gone(path, rows)
        except (StoreError, OSError) as error:
            if path == self._shelf.newest():
                raise  # whoever writes it mends it
            return _mended(path, error)
        return rows > 0

    def _note_gone(self, path: Path, rows: int) -> None:
        if path.name not in self._gone:
            why = "to make room" if self._short else f"it is older than {self._keeping.raw_days:g} days"
            _log.info("raw data of %s goes: %s", path, why)
        self._gone[path.name] = self._gone.get(path.name, 0) + rows

    def _say_gone(self, path: Path) -> None:
        if rows := self._gone.pop(path.name, 0):
            _log.info("%d rows of raw data of %s went", rows, path)

    def _give_back(self) -> bool:
        path = self._folder / min(self._giving_back)
        try:
            more = path.exists() and give_back(path)
        except (StoreError, OSError) as error:
            _mended(path, error)
            more = False
        if not more:
            self._giving_back.discard(path.name)
        return True

    def _hold_reserve(self, free: int) -> None:
        path = self._folder / _RESERVE
        if free > _RESERVE_BYTES + self._keeping.min_free_bytes and not path.exists():
            with contextlib.suppress(OSError), open(path, "xb", opener=opened_private) as file:
                os.posix_fallocate(file.fileno(), 0, _RESERVE_BYTES)


def make_room(folder: Path) -> bool:
    """Let go of what only stands by for a full disk, for a start that finds no room; False where nothing does.

    Raises OSError.
    """
    reserve = folder / _RESERVE
    if reserve.exists():
        reserve.unlink()
        return True
    with Shelf(folder) as shelf:
        return any(unseal(path) for path in shelf.nights())


def _mended(path: Path, error: Exception) -> bool:
    """Whether an old night that failed can be tried again at once. One that cannot is left: it holds up no other."""
    _log.error("old raw data could not be taken away: %s", error)
    return isinstance(error, JournalDamaged) and salvaged(path)


def salvaged(path: Path) -> bool:
    """Whether a damaged night was mended; why it was not is logged."""
    try:
        salvage(path)
    except JournalInUse:
        return False  # whoever writes it mends it
    except (StoreError, OSError) as error:
        _log.error("%s is damaged and could not be salvaged: %s", path, error)
        return False
    return True
