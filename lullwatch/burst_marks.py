"""Where single movements lie in a short span of raw data: the detector's own bursts, found again to be drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dsp.grid import GRID_NS
from dsp.records import NS, Segment, Site, Stretch
from dsp.settings import Settings
from store.recording import at_rest
from store.shelf import Shelf

__all__ = ["LEAD_NS", "BurstMark", "burst_marks_of", "load_detector", "raw_around"]

LEAD_NS: Final = 75 * NS
"""Raw data before the span that is looked at, too: the noise floor is that of a minute, and filters have to settle."""

_WARM_UP_NS: Final = 5 * NS
"""Raw data behind the span: a burst is known when it is over."""


@dataclass(frozen=True, slots=True)
class BurstMark:
    """A stretch of movement at one site; data time."""

    site: Site
    begin_ns: int
    end_ns: int


def raw_around(shelf: Shelf, infant: str, onset_ns: int, end_ns: int) -> list[Segment]:
    """The raw data that marks of a span are found in: enough for its waveforms, too. Raises JournalError."""
    found: list[Segment] = []
    for path in shelf.nights_of(onset_ns - LEAD_NS, end_ns + _WARM_UP_NS):
        with shelf.opened(path.name) as journal:
            found += journal.segments_between(infant, onset_ns - LEAD_NS, end_ns + _WARM_UP_NS)
    return found


def burst_marks_of(segments: Iterable[Segment], onset_ns: int, end_ns: int) -> tuple[BurstMark, ...]:
    """Bursts of all sites in a span, by site and time; the segments may come in any order."""
    by_site: dict[Site, list[Stretch]] = {}
    for stretch in at_rest(segments):
        by_site.setdefault(stretch.site, []).append(stretch)
    marks = [
        mark
        for site in Site
        if site in by_site
        for mark in _of_site(site, by_site[site])
        if mark.end_ns > onset_ns and mark.begin_ns < end_ns
    ]
    return tuple(marks)


def load_detector() -> None:
    """Load what the first marks would wait for: scipy's filters, 70 MB and a second of a fast processor.

    Nothing else on the pages needs them, so whoever starts does it behind everything that somebody waits for.
    """
    import dsp.chain  # noqa: F401 - only to have it loaded


def _of_site(site: Site, stretches: list[Stretch]) -> list[BurstMark]:
    from dsp.chain import HOP_NS, Chain  # see load_detector

    chain = Chain.of(site, Settings())
    for stretch in stretches:
        chain.grid.add_all(stretch)
    first = stretches[0].t0_ns // HOP_NS
    chain.grid.begin(first * HOP_NS)
    last = max(stretch.end_ns for stretch in stretches) // HOP_NS + 1
    bursts, _ = chain.advance(first, last)
    return [
        BurstMark(site, b.k0 * GRID_NS, b.k1 * GRID_NS)
        for b in (*bursts, *chain.segmenter.finish(chain.history))
    ]
