"""Nights that cannot be read at the moment are passed over, so that they hold up no other."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Final

__all__ = ["AGAIN_S", "PassedOver"]

_log = logging.getLogger(__name__)

AGAIN_S: Final = 60.0
"""Before a night that could not be read is tried again: a try at one that another program holds takes ten seconds."""


class PassedOver:
    """What one receiver passes over: said once of each night, and tried again a minute later.

    Args:
        whose: of the receiver, for the log.
    """

    def __init__(self, whose: str) -> None:
        self._whose = whose
        self._again_s: dict[str, float] = {}
        """by name of the night"""

    def __contains__(self, night: str) -> bool:
        return self._again_s.get(night, 0.0) > time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether one of them is to be tried again."""
        return any(at_s <= time.monotonic() for at_s in self._again_s.values())

    def keep_to(self, nights: Iterable[str]) -> None:
        """Others than these are gone, and not tried again."""
        there = set(nights)
        self._again_s = {night: at_s for night, at_s in self._again_s.items() if night in there}

    def failed(self, night: str, error: Exception) -> None:
        """It could not be read."""
        if night not in self._again_s:
            _log.error(
                "%s: night %s is passed over, and tried again each minute: %s", self._whose, night, error
            )
        self._again_s[night] = time.monotonic() + AGAIN_S

    def read(self, night: str) -> None:
        """It could be read."""
        if self._again_s.pop(night, None) is not None:
            _log.info("%s: night %s can be read again", self._whose, night)
