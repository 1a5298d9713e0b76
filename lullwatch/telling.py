"""What detectors tell goes into the journal before anybody hears of it, and waits where the journal cannot take it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from dsp.records import Alert, Coverage, Output
from store.errors import JournalDamaged, JournalError, JournalFull
from store.journal import Journal

from .batches import Taken
from .detector import Told
from .link_causes import LinkBook
from .past import JournalPast

__all__ = ["Telling"]

_log = logging.getLogger(__name__)

_WAITS_S = 30.0
"""Real time. A file that takes what comes, and for so long not what is told of it, does not mend itself."""


class Telling:
    """Commits what was told; what the journal had already (after a restart) is not told again."""

    def __init__(self) -> None:
        self._due: dict[str, Told] = {}
        """told, but not committed yet because the journal could not take it"""
        self._since_s: float | None = None
        """since when it waits while the disk has room"""
        self.damaged = False
        """the file has to be mended before it takes what waits"""

    @property
    def waits(self) -> bool:
        """Whether words wait for a journal that takes them."""
        return bool(self._due)

    def commit(
        self, journal: Journal, links: LinkBook, pasts: Mapping[str, JournalPast], taken: Taken
    ) -> None:
        """Commit what `taken` and earlier ones hold; what is durable and new is left in `taken`.

        Alerts go first: whoever reads the journal in order then knows at what severity an event stands.

        Raises:
            JournalError: what was told has waited too long; nobody would hear of it while all seems well.
        """
        self.hold(taken)
        failure: JournalError | None = None
        for infant, told in list(self._due.items()):
            minutes = [links.explained(minute) for minute in told.coverage]
            records: list[Output | Coverage | Alert] = [*told.alerts, *told.outputs, *minutes]
            try:
                placed = journal.commit(records).rows if records else ()
            except JournalError as error:
                _log.error("what was told of infant %s waits: %s", infant, error)
                failure = error
                continue
            del self._due[infant]
            if infant in pasts:
                pasts[infant].committed()
            fresh = [r for r, row in zip(records, placed, strict=True) if row is not None]
            taken.told[infant] = Told(
                outputs=[r for r in fresh if not isinstance(r, Alert | Coverage)],
                coverage=[r for r in fresh if isinstance(r, Coverage)],
                alerts=[r for r in fresh if isinstance(r, Alert)],
            )
        self._heed(failure)

    def hold(self, taken: Taken) -> None:
        """Keep what `taken` holds for a later commit."""
        for infant, told in taken.told.items():
            self._due.setdefault(infant, Told()).extend(told)
        taken.told = {}

    def _heed(self, failure: JournalError | None) -> None:
        self.damaged = isinstance(failure, JournalDamaged)
        if failure is None or isinstance(failure, JournalFull):  # room is made elsewhere
            self._since_s = None
            return
        now_s = time.monotonic()
        self._since_s = now_s if self._since_s is None else self._since_s
        if now_s - self._since_s > _WAITS_S:
            raise failure
