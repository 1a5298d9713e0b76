"""Which packets of one start of a sensor are in hand, which are missing, and how far may be confirmed."""

from __future__ import annotations

from typing import Final

__all__ = ["Ledger"]

_NEVER: Final = -1


class Ledger:
    """Packet numbers of one boot: each is not yet sent, missing, waiting for its commit, or done with.

    Done with means kept, or given up because the sensor no longer has it.
    """

    def __init__(self) -> None:
        self.base = 0
        """lowest number that is this gateway's business"""
        self.newest = _NEVER
        """highest number known to exist"""
        self.given_up = 0
        self._missing: list[tuple[int, int]] = []
        self._waiting: set[int] = set()
        self._confirmed = _NEVER

    @property
    def missing(self) -> tuple[tuple[int, int], ...]:
        """Missing spans, first and last included, ascending."""
        return tuple(self._missing)

    @property
    def missing_count(self) -> int:
        """How many packets are missing."""
        return sum(last - first + 1 for first, last in self._missing)

    def expect_from(self, oldest: int) -> int:
        """The sensor holds nothing below `oldest`; returns how many missing packets that gives up."""
        if self.newest == _NEVER:
            self.base, self.newest = oldest, oldest - 1
        self.exists_up_to(oldest - 1)
        return self.give_up(self.base, oldest - 1)

    def exists_up_to(self, newest: int) -> None:
        """Every number up to `newest` was once sent; those not seen are missing."""
        if newest > self.newest:
            self._missing.append((self.newest + 1, newest))
            self.newest = newest

    def take(self, seq: int) -> bool:
        """Note an arrival; False when it is in hand already (or was given up)."""
        self.exists_up_to(seq)
        if not self._remove(seq):
            return False
        self._waiting.add(seq)
        return True

    def committed(self, seq: int) -> None:
        """The packet is durably kept."""
        self._waiting.discard(seq)

    def reopen(self, seq: int) -> None:
        """The packet could not be kept: it is missing again."""
        self._waiting.discard(seq)
        self._missing = _joined(sorted([*self._missing, (seq, seq)]))

    def give_up(self, first: int, last: int) -> int:
        """Whatever is missing from `first` to `last` no longer exists; returns how many that are."""
        kept: list[tuple[int, int]] = []
        for low, high in self._missing:
            kept += [(low, min(high, first - 1)), (max(low, last + 1), high)]
        before = self.missing_count
        self._missing = [span for span in kept if span[0] <= span[1]]
        lost = before - self.missing_count
        self.given_up += lost
        return lost

    def confirmable(self) -> int | None:
        """Highest number up to which all is done with, if it is higher than what was confirmed."""
        limit = self.newest
        if self._missing:
            limit = min(limit, self._missing[0][0] - 1)
        if self._waiting:
            limit = min(limit, min(self._waiting) - 1)
        return limit if limit > max(self._confirmed, self.base - 1) else None

    def confirmed(self, seq: int) -> None:
        """The sensor was told up to here."""
        self._confirmed = max(self._confirmed, seq)

    def _remove(self, seq: int) -> bool:
        for i, (first, last) in enumerate(self._missing):
            if first <= seq <= last:
                rest = [(first, seq - 1), (seq + 1, last)]
                self._missing[i : i + 1] = [span for span in rest if span[0] <= span[1]]
                return True
        return False


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined
