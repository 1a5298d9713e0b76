"""How far receivers are behind the nights, also one that never took anything yet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from store.cursors import Cursors
from store.influx_batches import COPIED, CURSOR
from store.shelf import Shelf

from .announcer import ANNOUNCED, cursor_of

if TYPE_CHECKING:
    from .settings import GatewaySettings

__all__ = ["Receiver", "SinkLag", "receivers_of"]


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is to be sent rows of the nights."""

    name: str
    """of its cursor"""
    tables: tuple[str, ...]
    """rows of others are not for it"""
    from_first: bool = False
    """wants every night on the shelf; else those from the first on that it took something of, see `shelf.Reader`"""


def receivers_of(settings: GatewaySettings) -> tuple[Receiver, ...]:
    """Those that the settings name."""
    database = () if settings.influx is None else (Receiver(CURSOR, COPIED, from_first=True),)
    broker = () if settings.mqtt is None else tuple(Receiver(cursor_of(t), t) for t in ANNOUNCED)
    return database + broker


class SinkLag:
    """Asked again and again; a night that is over and owes nothing is not looked at any more.

    Args:
        shelf: the nights.
        receivers: who takes them.
    """

    def __init__(self, shelf: Shelf, receivers: Sequence[Receiver]) -> None:
        self._shelf = shelf
        self._receivers = tuple(receivers)
        self._begun = {r.name for r in receivers if r.from_first}
        """take every night from the one they are at"""
        self._over: set[tuple[str, str]] = set()
        """receivers and nights that owe them nothing any more"""

    def rows(self) -> dict[str, int]:
        """Rows of the journals from the last that each receiver has confirmed to the last that is for it.

        Summed over the nights; 0 where it has everything. Rows in between that are not for it count, too: an upper
        bound that takes no look at a million rows.

        Raises JournalError.
        """
        behind = {receiver.name: 0 for receiver in self._receivers}
        nights = self._shelf.nights()
        for night in nights:
            for name, rows in self._of_night(night, is_newest=night == nights[-1]).items():
                behind[name] += rows
        return behind

    def _of_night(self, night: Path, *, is_newest: bool) -> dict[str, int]:
        asked = [r for r in self._receivers if (r.name, night.name) not in self._over]
        if not asked:
            return {}
        with self._shelf.opened(night.name) as journal:
            last = {r.name: journal.last_row_of(r.tables) for r in asked}
        confirmed, behind = _confirmed(night), {}
        for receiver in asked:
            name = receiver.name
            if is_newest or confirmed.get(name):
                self._begun.add(name)
            owed = max(last[name] - confirmed.get(name, 0), 0) if name in self._begun else 0
            if not owed and not is_newest:
                self._over.add((name, night.name))
            behind[name] = owed
        return behind


def _confirmed(night: Path) -> dict[str, int]:
    beside = Cursors.path_beside(night)
    if not beside.exists():  # nobody took anything yet; a look at it shall make no file
        return {}
    with closing(Cursors(beside)) as cursors:
        return cursors.all()
