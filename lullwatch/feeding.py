"""How recorded segments are handed to a detector: in time order (settled), whatever order they arrived in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dsp.records import NS, Cutoff, Item, Segment, Site
from store.recording import settled

__all__ = ["settled_blocks"]

BLOCK_NS = 60 * NS
"""Span handed over between two cut-offs: long enough to be fast, short enough for a progress bar to move."""
PIECE_NS = 60 * NS
"""Longest piece of one segment: a recording of hours may be a single segment."""


def settled_blocks(segments: Iterable[Segment], sites: Sequence[Site]) -> Iterator[list[Item]]:
    """Segments in time order, a minute at a time, each minute closed by a cut-off for every site.

    Nothing is waited for: whoever feeds these blocks has all of the data. The result does not depend on
    the order of `segments`.

    Args:
        segments: any segments of one infant, in any order.
        sites: every site that the detector knows.
    """
    pieces = settled(piece for segment in segments for piece in _pieces(segment))
    block: list[Item] = []
    edge_ns = pieces[0].t0_ns + BLOCK_NS if pieces else 0
    for piece in pieces:
        if piece.t0_ns >= edge_ns:
            edge_ns += (piece.t0_ns - edge_ns) // BLOCK_NS * BLOCK_NS
            yield [*block, *(Cutoff(site, edge_ns) for site in sites)]
            block = []
            edge_ns += BLOCK_NS
        block.append(piece)
    if pieces:
        end_ns = max(piece.end_ns for piece in pieces)
        yield [*block, *(Cutoff(site, end_ns) for site in sites)]


def _pieces(segment: Segment) -> Iterator[Segment]:
    size = max(1, PIECE_NS // segment.step_ns)
    if segment.n <= size:
        yield segment
        return
    for first in range(0, segment.n, size):
        t0_ns = segment.t0_ns + first * segment.step_ns
        yield replace(segment, t0_ns=t0_ns, counts=segment.counts[first : first + size])
