"""How a recording is handed to a detector: in time order (settled), whatever order its segments arrived in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from dsp.records import NS, Cutoff, Item, Segment, Site, Stretch
from store.recording import at_rest

__all__ = ["settled_blocks"]

BLOCK_NS = 600 * NS
"""Span handed over between two cut-offs: long enough to be fast, short enough for a progress bar to move."""
PIECE_NS = 60 * NS
"""Longest piece of one segment: a recording of hours may be a single segment."""


def settled_blocks(
    recorded: Iterable[Segment | Stretch], sites: Sequence[Site], *, block_ns: int = BLOCK_NS
) -> Iterator[list[Item]]:
    """What was recorded in time order, some minutes at a time, each block closed by a cut-off for every site.

    Nothing is waited for: whoever feeds these blocks has all of the data. The result does not depend on
    the order of `recorded`.

    Args:
        recorded: all segments of one infant, single or in stretches, in any order.
        sites: every site that the detector knows.
        block_ns: span of a block.
    """
    stretches = [_in_pieces(stretch) for stretch in at_rest(recorded)]
    if not stretches:
        return
    start_ns = min(s.t0_ns for s in stretches)
    places = [(s.t0s_ns - start_ns) // block_ns for s in stretches]
    blocks = np.unique(np.concatenate(places)).tolist()
    ends = [start_ns + block * block_ns for block in blocks[1:]] + [max(s.end_ns for s in stretches)]
    for block, end_ns in zip(blocks, ends, strict=True):
        parts: list[Item] = []
        for stretch, place in zip(stretches, places, strict=True):
            a, b = np.searchsorted(place, (block, block + 1)).tolist()
            parts += [stretch.part(a, b)] if b > a else []
        yield [*parts, *(Cutoff(site, end_ns) for site in sites)]


def _in_pieces(stretch: Stretch) -> Stretch:
    """The same samples, no segment longer than `PIECE_NS`."""
    sizes = np.maximum(PIECE_NS // np.maximum(stretch.steps_ns, 1), 1)
    counts = np.maximum(-(-stretch.ns // sizes), 1)
    if int(counts.max()) == 1:
        return stretch
    number = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    begins = number * np.repeat(sizes, counts)
    return Stretch(
        stretch.site, stretch.sensor, stretch.boot, stretch.scale,
        seqs=np.repeat(stretch.seqs, counts),
        t0s_ns=np.repeat(stretch.t0s_ns, counts) + begins * np.repeat(stretch.steps_ns, counts),
        steps_ns=np.repeat(stretch.steps_ns, counts),
        ns=np.minimum(np.repeat(stretch.ns, counts) - begins, np.repeat(sizes, counts)),
        firsts=np.repeat(stretch.firsts, counts) + begins,
        flags=np.repeat(stretch.flags, counts),
        counts=stretch.counts,
    )  # fmt: skip
