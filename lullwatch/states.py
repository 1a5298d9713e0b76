"""When the state of a detector is kept: often enough that a start is short, however it ended the time before."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from store.errors import JournalError

from .detector import Detector
from .past import JournalPast

__all__ = ["States"]

_log = logging.getLogger(__name__)

_AGAIN_S: Final = 1.0
"""Processor time spent on deciding a span again, or on catching up, until the state is kept: so much of it a start
does a second time at most, and keeping takes less than a tenth of it."""


class States:
    """How far each infant's detector was fed, and what was spent on it since its state was kept."""

    def __init__(self) -> None:
        self.fed_rows: dict[str, int] = {}
        """last row each detector was fed and has decided on"""
        self._spent_s: dict[str, float] = {}

    @contextmanager
    def spending(self, infant: str) -> Iterator[None]:
        """Count the processor time of this thread as spent on what a start would have to do again."""
        began_s = time.thread_time()
        try:
            yield
        finally:
            self._spent_s[infant] = self._spent_s.get(infant, 0.0) + time.thread_time() - began_s

    def much_was_spent(self, infant: str) -> bool:
        """Whether a start would have so much to do again that the state is due."""
        return self._spent_s.get(infant, 0.0) >= _AGAIN_S

    def keep(self, infant: str, detector: Detector, past: JournalPast, every_ns: int) -> None:
        """Keep the state when it is due: `every_ns` of data time have passed, or much was spent."""
        t_ns = detector.watermark_ns
        # Counted from the last one of any start: a monitor that is ended every minute gets on all the same.
        is_old = not past.newest_state_ns or t_ns >= past.newest_state_ns + every_ns
        if not t_ns or not (is_old or self.much_was_spent(infant)):
            return
        try:
            past.keep_state(self.fed_rows[infant], t_ns, detector.snapshot())
        except JournalError as error:
            _log.warning("no snapshot of infant %s was kept: %s", infant, error)
        self._spent_s[infant] = 0.0
