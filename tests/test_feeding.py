from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dsp.records import NS, Cutoff, Item, Scale, Segment, Site
from lullwatch.feeding import BLOCK_NS, settled_blocks

SITES = (Site.LA, Site.TR)
STEP_NS = 10_000_000


def settled_items(segments: list[Segment], sites: tuple[Site, ...]) -> list[Item]:
    return [item for block in settled_blocks(segments, sites) for item in block]


def segment(site: Site, first: int, n: int) -> Segment:
    counts = (np.arange(first, first + n) % 30_000).astype(np.int16)[:, None].repeat(6, axis=1)
    return Segment(site, "s", 1, first, first * STEP_NS, STEP_NS, counts, Scale(1e-3, 0.1))


def test_a_long_segment_is_handed_over_in_pieces_that_join() -> None:
    whole = segment(Site.LA, 0, 30_000)
    pieces = [i for i in settled_items([whole], SITES) if isinstance(i, Segment)]
    assert len(pieces) == 5
    assert all(a.end_ns == b.t0_ns for a, b in pairwise(pieces))
    assert np.array_equal(np.vstack([p.counts for p in pieces]), whole.counts)


def test_every_site_is_cut_off_behind_each_block_and_at_the_end() -> None:
    items = settled_items([segment(Site.LA, 0, 100), segment(Site.LA, 9000, 100)], SITES)
    cuts = [i for i in items if isinstance(i, Cutoff)]
    assert {c.site for c in cuts} == set(SITES)
    assert max(c.t_ns for c in cuts) == 9100 * STEP_NS
    assert isinstance(items[-1], Cutoff)


def test_a_cut_off_never_lies_behind_a_segment_that_is_still_to_come() -> None:
    items = settled_items([segment(Site.LA, i * 100, 100) for i in range(0, 400, 7)], SITES)
    edge_ns = 0
    for item in items:
        if isinstance(item, Cutoff):
            edge_ns = max(edge_ns, item.t_ns)
        elif isinstance(item, Segment):
            assert item.t0_ns >= edge_ns
    assert edge_ns > BLOCK_NS > NS


@given(st.permutations(range(6)))
def test_the_order_of_arrival_does_not_matter(order: list[int]) -> None:
    segments = [segment(site, i * 100, 100) for i in range(3) for site in SITES]
    assert (settled_items([segments[i] for i in order], SITES)) == (settled_items(segments, SITES))


def test_nothing_recorded_is_nothing_fed() -> None:
    assert (settled_items([], SITES)) == []
