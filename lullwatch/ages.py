"""How old data surely is: over a start data time goes on by what the computer's clock says, which may be years ahead.

Within one boot data time is measured. Over a start it is believed up to a day; more than that only once the clock is
set over the network, and never more than UTC then says. So a clock that comes up wrong takes no data away as old.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final

from dsp.records import NS, ClockRow
from store.errors import StoreError
from store.shelf import Shelf

from .system_clock import knows_date, set_over_network

__all__ = ["Ages"]

_log = logging.getLogger(__name__)

_BELIEVED_NS: Final = 24 * 3600 * NS
"""From one night to the next: so a gateway that is on by night and hears no network keeps what it is told to keep."""


class Ages:
    """Ages of what is on a shelf, by the clock rows of its nights.

    Args:
        shelf: the nights.
        read_clock: the tie between data time and UTC as it is now.
    """

    def __init__(self, shelf: Shelf, read_clock: Callable[[], ClockRow]) -> None:
        self._shelf = shelf
        self._read_clock = read_clock
        self._rows: dict[str, list[ClockRow]] = {}
        """of nights that are over"""
        self._is_set = self._is_said = False

    def before_ns(self, age_ns: int) -> int:
        """Data time before which everything is surely older than this."""
        now = later = self._read_clock()
        passed_ns = 0
        for row in self._back():
            passed_ns += self._between(row, later, now, passed_ns)
            later = row
            if passed_ns >= age_ns:
                break
        return later.t_ns + passed_ns - age_ns

    def _between(self, row: ClockRow, later: ClockRow, now: ClockRow, passed_ns: int) -> int:
        """Time that surely passed between two neighbouring rows; `passed_ns` is what did since the later one."""
        by_data_ns = max(0, later.t_ns - row.t_ns)
        if row.boot == later.boot or by_data_ns <= _BELIEVED_NS:
            return by_data_ns
        if not self._is_right(by_data_ns) or not knows_date(row.utc_ns):
            return _BELIEVED_NS
        by_utc_ns = now.utc_ns - row.utc_ns - passed_ns
        return min(by_data_ns, max(by_utc_ns, _BELIEVED_NS))

    def _is_right(self, jump_ns: int) -> bool:
        """Whether the computer's clock can be believed; once it can, it is not asked again."""
        self._is_set = self._is_set or set_over_network() is True
        if not self._is_set and not self._is_said:
            self._is_said = True
            _log.warning(
                "the clock went on by %.1f days over a start, and is not known to be set over the network: "
                "raw data does not go as too old for that",
                jump_ns / NS / 86_400,
            )
        return self._is_set

    def _back(self) -> Iterator[ClockRow]:
        """Clock rows, newest first."""
        nights = self._shelf.nights()
        for path in reversed(nights):
            rows = self._rows.get(path.name)
            if rows is None:
                rows = self._read(path.name)
                if path != nights[-1]:
                    self._rows[path.name] = rows
            yield from reversed(rows)

    def _read(self, night: str) -> list[ClockRow]:
        try:
            with self._shelf.opened(night) as journal:
                return journal.clock_rows()
        except (StoreError, OSError) as error:
            _log.info("%s: when it was recorded cannot be read: %s", night, error)
            return []
