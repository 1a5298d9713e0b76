"""What people say of nights of which no monitor runs: the same commands, written straight into the newest night.

An archive is reviewed without a gateway. The rules of commands are those of `asking`; only who takes the rows differs.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import time as midnight
from pathlib import Path
from typing import Any, Final

from alerts.escalation import Escalation
from dsp.records import ClockRow
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
    """Commits each row at once beside whoever reads."""

    def __init__(self, night: Path) -> None:
        self._night = night
        with Journal.read_only(night) as journal:
            is_older = journal.schema < SCHEMA_VERSION
        if is_older:
            Journal.open(night).close()  # brings it up to date; refuses where a monitor writes it after all

    def add(self, row: Row) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            with Journal.amend(self._night) as journal:
                journal.commit([row])
        except Exception as error:  # noqa: BLE001 - whoever waits for the row is told, and raises it
            done.set_exception(error)
        else:
            done.set_result(None)
        return done

    def add_quietly(self, row: Row) -> None:
        """Once more; a disk that still refuses is told by the answer of the command."""
        with Journal.amend(self._night) as journal:
            journal.commit([row])


def _known(shelf: Shelf, infant: str) -> set[str]:
    """The infant, if any night is about them; the newest is looked at first."""
    for path in reversed(shelf.nights()):
        with shelf.opened(path.name) as journal:
            if infant in infants_in(journal):
                return {infant}
    return set()


async def command_afterwards(
    folder: Path, infant: str, name: str, payload: Mapping[str, Any]
) -> dict[str, Any]:
    """Carry out a command on nights whose monitor does not run; the answer is that of `asking`.

    Raises:
        NothingRecorded: there is no night.
        store.errors.JournalError: the newest night cannot be read or written.
    """
    with Shelf(folder) as shelf:
        newest = shelf.newest()
        if newest is None:
            raise NothingRecorded(folder)
        infants = _known(shelf, infant)
        with shelf.opened(newest.name) as journal:
            clock = journal.clock_rows()
    utc = UtcMap(clock)
    machine = Escalation((), local_time=lambda _: midnight())
    asking = Asking(
        machine, people=(), sources=(), infants=infants, clock=_Clock(clock[-1]), utc=utc, keep=_Straight(newest),
        on_done=lambda _: None, events=KnownEvents(folder),
    )  # fmt: skip
    said = await asking.on_command(infant, name, json.dumps(payload).encode(), channel=PAGE)
    return dict(json.loads(said))
