from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dsp.records import NS, Cutoff, Item, Scale, Segment, Site, Stretch
from lullwatch.feeding import BLOCK_NS, settled_blocks
from store.recording import at_rest

SITES = (Site.LA, Site.TR)
STEP_NS = 10_000_000


def settled_items(segments: list[Segment | Stretch], sites: tuple[Site, ...]) -> list[Item]:
    """What is handed over, every stretch as its segments."""
    items: list[Item] = []
    for block in settled_blocks(segments, sites):
        for item in block:
            items += item.segments() if isinstance(item, Stretch) else [item]
    return items


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
    items = settled_items([segment(Site.LA, 0, 100), segment(Site.LA, 90_000, 100)], SITES)
    cuts = [i for i in items if isinstance(i, Cutoff)]
    assert {c.site for c in cuts} == set(SITES)
    assert max(c.t_ns for c in cuts) == 90_100 * STEP_NS
    assert isinstance(items[-1], Cutoff)


def test_a_cut_off_never_lies_behind_a_segment_that_is_still_to_come() -> None:
    items = settled_items([segment(Site.LA, i * 100, 100) for i in range(0, 1600, 7)], SITES)
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


def test_stretches_are_handed_over_as_their_segments_would_be() -> None:
    segments = [segment(site, i * 100, 100) for i in range(900) for site in SITES]
    assert settled_items(list(at_rest(segments)), SITES) == settled_items(segments, SITES)
    assert len(list(settled_blocks(segments, SITES))) == 2


def test_what_is_recorded_far_apart_is_not_waited_for_in_between() -> None:
    blocks = list(settled_blocks([segment(Site.LA, 0, 100), segment(Site.LA, 10**8, 100)], SITES))
    assert len(blocks) == 2
