"""Before the night: who was disarmed by hand, which holds over nights, so that the next start goes on with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from dsp.records import Watchfulness, Watching
from store.errors import StoreError
from store.rows import Row
from store.shelf import Shelf
from store.utc import UtcMap

from .arming import Armer
from .findings import WARN, Finding
from .rollover import recent_clock_rows
from .settings import GatewaySettings
from .system_clock import resume

__all__ = ["starting_disarmed"]

_NIGHTS = 2
"""As many as a start reads."""


def starting_disarmed(settings: GatewaySettings, folder: Path) -> list[Finding]:
    """A line for everyone who would be disarmed by hand if the monitor began now; nothing is written."""
    watched: Sequence[Watching] = ()
    if settings.simulated is None:
        with contextlib.suppress(StoreError, OSError):  # what is wrong with the nights is the journal's line
            watched = _begun_now(settings, folder)
    remedy = "lullwatch arm SETTINGS, once it runs"
    return [
        Finding("monitor", WARN, f"infant {one.infant} will start disarmed, by hand ({one.by})", remedy)
        for one in watched
        if one.state is Watchfulness.DISARMED and one.by
    ]


def _begun_now(settings: GatewaySettings, folder: Path) -> Sequence[Watching]:
    """How everybody would be watched: the monitor's own rule, on what the journal says and this moment."""
    with Shelf(folder) as shelf:
        ties = recent_clock_rows(shelf)
        rows = list(shelf.newest_rows(("watching",), nights=_NIGHTS))
    if not ties:
        return ()
    clock, infants = resume(ties[-1]), [infant.id for infant in settings.infants]
    armer = Armer(
        infants=infants,
        hours=[span.hours for span in settings.schedule],
        clock=clock,
        utc=UtcMap([*ties, clock.row(settings.zone)]),
        zone=settings.zone,
        keep=_Nothing(),
    )
    armer.begin(rows)
    return [armer.state(infant) for infant in infants]


class _Nothing:
    """Keeps no row: whoever only looks writes nothing."""

    def add(self, row: Row) -> asyncio.Future[None]:
        del row
        raise NotImplementedError

    def add_quietly(self, row: Row) -> None:
        del row
