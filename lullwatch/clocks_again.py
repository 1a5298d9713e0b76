"""What a gateway that starts again knows of its socks' clocks: the fit, from the last packets in the journal.

A sock that went on by itself while the gateway was away keeps its clock, and one that restarted meanwhile still
holds packets of before, on a clock that nobody hears any more. With the fit of that time they can be placed.
"""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import Final

from dsp.records import ClockRow, Packet, SegmentFlag
from ingest.clock_fit import ClockFit
from store.errors import JournalError
from store.journal import Journal
from store.shelf import Shelf

__all__ = ["fit_again"]

_log = logging.getLogger(__name__)

_PACKETS: Final = 3_600
"""Of each start, nine minutes at 104 Hz: what a clock fit looks back upon. More would make the start longer."""
_STARTS: Final = 2
"""The one heard last, and the one before it: packets of that may still be in the sock."""
_NIGHTS: Final = 2
"""A sock that is worn across noon has packets in two files."""


def fit_again(shelf: Shelf, infant: str, sensor: str, now: ClockRow) -> ClockFit | None:
    """The fit of a sock's clock as it stood when its last packet was kept; None where it was never heard.

    Where the computer was started anew, its timeline may be cut; the next packet heard may then move the fit.
    """
    starts: dict[int, list[Packet]] = {}
    rows: list[ClockRow] = []
    for path in shelf.nights()[-_NIGHTS:]:
        try:
            with shelf.opened(path.name) as journal:
                _collect(journal, infant, sensor, starts)
                rows += journal.clock_rows()
        except JournalError as error:
            _log.warning("%s: what is known of its clock cannot be read: %s", sensor, error)
    if not starts:
        return None
    fit = ClockFit(sensor)
    cuts = [row.t_ns for before, row in pairwise(rows) if row.boot != before.boot]
    for packets in list(starts.values())[-_STARTS:]:
        for packet in packets[-_PACKETS:]:
            while cuts and cuts[0] <= packet.arrived_ns:
                fit.doubt(cuts.pop(0))
            fit.place(packet)
    if not rows or rows[-1].boot != now.boot:
        cuts.append(now.t_ns)
    for cut_ns in cuts:
        fit.doubt(cut_ns)
    return fit


def _collect(journal: Journal, infant: str, sensor: str, starts: dict[int, list[Packet]]) -> None:
    """Add the live packets of a night: what was fetched came long after it was measured, which tells no delay."""
    for boot in journal.starts(infant, sensor)[-_STARTS:]:
        packets = journal.newest_packets(sensor, boot, _PACKETS)
        live = [packet for packet in packets if SegmentFlag.BACKFILL not in packet.flags]
        if live:
            starts[boot] = starts.pop(boot, []) + live
