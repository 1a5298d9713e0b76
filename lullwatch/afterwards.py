"""What people say of nights of which no monitor runs: the same commands, written straight into the newest night.

An archive is reviewed without a gateway, and a note at night is worth keeping while the monitor is away. The rules of
commands are those of `asking`; only who takes the rows differs. Rows of one command are in the file together, numbered
behind those that are there; a sealed copy of the night stays good, for it holds samples, and the next backup has them.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from datetime import time as midnight
from pathlib import Path
from typing import Any, Final

from alerts.escalation import Escalation, Person
from dsp.records import ClockRow
from store.database import is_claimed
from store.errors import JournalInUse
from store.journal import Journal
from store.rows import Row
from store.schema import SCHEMA_VERSION
from store.shelf import Shelf
from store.utc import UtcMap

from .asking import PAGE, Asking
from .errors import NothingRecorded
from .known_events import KnownEvents
from .watch import infants_in

__all__ = ["AFTERWARDS", "command_afterwards"]

AFTERWARDS: Final = ("note", "opinion", "pin")
"""Commands that need no monitor: they wait for nobody and stop nothing."""


class _Clock:
    """Data time of nights that are over, gone on with since the last time the clock was read in them."""

    def __init__(self, last: ClockRow) -> None:
        self._ahead_ns = last.utc_ns - last.t_ns

    def now_ns(self) -> int:
        return time.time_ns() - self._ahead_ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Straight:
    """Commits the rows of a command at once and together, beside whoever reads."""

    def __init__(self, night: Path) -> None:
        self._night = night
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._committing: asyncio.Task[None] | None = None
        with Journal.read_only(night) as journal:
            is_older = journal.schema < SCHEMA_VERSION
        if is_older:
            Journal.open(night).close()  # brings it up to date

    def add(self, row: Row) -> asyncio.Future[None]:
        """As an intake does; rows that are added in one go are in the journal together, or none of them is."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._waiting:
            self._committing = asyncio.create_task(
                self._commit()
            )  # begins when all that go with it are added
        self._waiting.append((row, done))
        return done

    def add_quietly(self, row: Row) -> None:
        """Once more; a disk that still refuses is told by the answer of the command."""
        self._write([row])

    async def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            # a slow disk holds up this command and no other page
            await asyncio.to_thread(self._write, [row for row, _ in waiting])
        except Exception as error:  # noqa: BLE001 - whoever waits for the rows is told, and raises it
            for _, done in waiting:
                done.set_exception(error)
        else:
            for _, done in waiting:
                done.set_result(None)

    def _write(self, rows: Sequence[Row]) -> None:
        with Journal.amend(self._night) as journal:
            journal.commit(rows)


def _known(shelf: Shelf, infant: str) -> set[str]:
    """The infant, if any night is about them; the newest is looked at first."""
    for path in reversed(shelf.nights()):
        with shelf.opened(path.name) as journal:
            if infant in infants_in(journal):
                return {infant}
    return set()


async def command_afterwards(
    folder: Path, infant: str, name: str, payload: Mapping[str, Any], *, people: Sequence[Person] = ()
) -> dict[str, Any]:
    """Carry out a command on nights whose monitor does not run; the answer is that of `asking`.

    Args:
        folder: of the journals.
        infant: whom it is about.
        name: of the command.
        payload: of the command.
        people: of the settings, who may speak of those they mind alone.

    Raises:
        NothingRecorded: there is no night.
        store.errors.JournalInUse: somebody is at the newest night after all: a monitor that has just begun or cannot
            be asked, a restore, a forgetting. Nothing was written beside them.
        store.errors.JournalError: the newest night cannot be read or written.
    """
    with Shelf(folder) as shelf:
        newest = shelf.newest()
        if newest is None:
            raise NothingRecorded(folder)
        if is_claimed(newest):
            raise JournalInUse(newest)
        infants = _known(shelf, infant)
        with shelf.opened(newest.name) as journal:
            clock = journal.clock_rows()
    utc = UtcMap(clock)
    machine = Escalation((), local_time=lambda _: midnight())
    asking = Asking(
        machine, people=people, sources=(), infants=infants, clock=_Clock(clock[-1]), utc=utc, keep=_Straight(newest),
        on_done=lambda _: None, events=KnownEvents(folder),
    )  # fmt: skip
    said = await asking.on_command(infant, name, json.dumps(payload).encode(), channel=PAGE)
    return dict(json.loads(said))
