"""The last minute as a phone shows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dsp.records import NS, Scale, Segment, Site
from lullwatch.web.traces import BUCKET_NS, SHOWN_NS, Trace, Traces
from tests.store_examples import segment

RATE_HZ = 100
STEP_NS = NS // RATE_HZ


def still(t0_ns: int, n: int = 20, kick_at: int | None = None, site: Site = Site.LA) -> Segment:
    """A sensor at rest, 1 g on one axis; perhaps one sample in which it is kicked sideways by half a g."""
    counts = np.zeros((n, 3), np.int16)
    counts[:, 2] = 1000
    if kick_at is not None:
        counts[kick_at, 0] = 500
    made = segment(t0_ns // STEP_NS, site=site, t0_ns=t0_ns, n=n, step_ns=STEP_NS, scale=Scale(0.001, 0.1))
    return replace(made, counts=counts)


def test_rest_is_nothing_and_a_kick_is_its_size_in_thousandths_of_g() -> None:
    trace = Trace()
    trace.add(still(0))
    trace.add(still(200_000_000, kick_at=10))
    assert trace.whole() == (0, [0, 0, 0, 0, 0, 0, 500, 0])


def test_what_was_said_is_not_said_again() -> None:
    trace = Trace()
    trace.add(still(0))
    assert trace.news() is not None
    assert trace.news() is None
    trace.add(still(200_000_000))
    first, values = trace.news() or (0, [])
    assert (first * BUCKET_NS, len(values)) == (200_000_000, 4)


def test_a_hole_stays_open_and_is_filled_by_what_comes_late() -> None:
    trace = Trace()
    trace.add(still(0))
    trace.add(still(5 * NS))
    whole = trace.whole()
    assert whole is not None
    assert whole[1].count(None) == 5 * 20 - 4
    trace.news()
    trace.add(still(NS, n=50))
    assert trace.news() == (20, [0] * 10)


def test_more_than_a_minute_is_neither_sent_nor_kept() -> None:
    traces = Traces()
    for n in range(1300):
        traces.add(still(n * 200_000_000))
    first, values = traces.whole()["LA"]
    assert len(values) <= SHOWN_NS // BUCKET_NS + 1
    assert first + len(values) - 1 == (traces.newest_ns - 1) // BUCKET_NS
    assert len(traces.by_site[Site.LA]._peaks) <= 2 * SHOWN_NS // BUCKET_NS + 4


def test_the_strongest_of_the_last_seconds_is_told() -> None:
    trace = Trace()
    assert trace.strongest_mg(0) is None
    trace.add(still(0, kick_at=5))
    trace.add(still(20 * NS))
    assert (trace.strongest_mg(0) or 0) > 400
    assert trace.strongest_mg(10 * NS) == 0


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_packets_of_any_size_fill_the_same_buckets(sizes: list[int]) -> None:
    trace = Trace()
    at = 0
    for n in sizes:
        trace.add(still(at * STEP_NS, n=n))
        at += n
    first, values = trace.whole() or (0, [])
    assert (first, len(values)) == (0, -(-at * STEP_NS // BUCKET_NS))
    assert set(values) == {0}
