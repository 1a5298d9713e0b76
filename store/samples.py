"""Samples with a time each, as tables and other people's files hold them, to segments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Counts, Scale, Site, Stretch
from store.errors import BadRecording
from store.recording import GAP_STEPS

__all__ = ["implied_stretch", "times_of"]

_PACKET = 4
"""Samples that must on average share one step for the times to be those of packets; under it they jitter."""

_FIT_NS = NS
"""Span of samples with jittering times that one straight line is laid through."""

_ELASTIC = 0.03
"""How much a device's own clock may differ from the rate it was set to: the steps within a block are then those
that lead to the next block. A lost sample within a block of 25 or fewer is more than that."""

_Ints = NDArray[np.int64]


def implied_stretch(
    path: Path,
    site: Site,
    sensor: str,
    times_ns: _Ints,
    counts: Counts,
    scale: Scale,
    *,
    elastic: bool = False,
) -> Stretch:
    """Segments of samples at `times_ns`, shape (n,): one for each run of even steps, gaps left out.

    Times that jitter from sample to sample are replaced by straight lines of about a second. With `elastic` the
    steps of a block that ends a little before or after the next begins are stretched to it.

    Raises:
        BadRecording: naming the sample whose time is not after the one before.
    """
    back = np.flatnonzero(np.diff(times_ns) <= 0)
    if back.size:
        what = f"the time of sample {back[0] + 2} of {site} is not after the one before"
        raise BadRecording(path, what, "Sort the samples of each site by time and leave out doubles.")
    firsts, ns, steps_ns = _even(times_ns)
    t0s_ns = times_ns[firsts]
    if len(times_ns) > _PACKET and len(firsts) * _PACKET > len(times_ns):
        firsts, ns, t0s_ns, steps_ns = _fitted(times_ns)
    if elastic:
        steps_ns = _stretched(t0s_ns, ns, steps_ns)
    return Stretch(
        site, sensor, 0, scale, seqs=np.arange(len(firsts), dtype=np.int64), t0s_ns=t0s_ns, steps_ns=steps_ns,
        ns=ns, firsts=firsts, flags=np.zeros(len(firsts), dtype=np.int64), counts=counts,
    )  # fmt: skip


def times_of(stretch: Stretch) -> tuple[_Ints, NDArray[np.int64]]:
    """Time of every sample of a stretch, and its place in the counts; both of shape (samples,)."""
    within = np.arange(int(stretch.ns.sum())) - np.repeat(np.cumsum(stretch.ns) - stretch.ns, stretch.ns)
    times_ns = np.repeat(stretch.t0s_ns, stretch.ns) + within * np.repeat(stretch.steps_ns, stretch.ns)
    return times_ns, np.repeat(stretch.firsts, stretch.ns) + within


def _even(times_ns: _Ints) -> tuple[_Ints, _Ints, _Ints]:
    """First sample, number of samples and step of each run of even steps."""
    apart = np.diff(times_ns)
    if not apart.size:
        alone_ns = np.full(len(times_ns), NS, dtype=np.int64)
        return np.arange(len(times_ns)), np.ones(len(times_ns), dtype=np.int64), alone_ns
    usual = int(np.median(apart))
    ends: list[int] = [*(np.flatnonzero(np.diff(apart)) + 1).tolist(), len(apart)]
    first = 0
    rows: list[tuple[int, int, int]] = []
    for end in ends:
        if first >= end:
            continue  # the only step of this run led from one segment to the next
        step_ns = int(apart[first])
        if step_ns > GAP_STEPS * usual:
            rows += [(alone, 1, usual) for alone in range(first, end)]
            first = end
        else:
            rows.append((first, end - first + 1, step_ns))
            first = end + 1
    rows += [(alone, 1, usual) for alone in range(first, len(times_ns))]
    table = np.array(rows, dtype=np.int64)
    return table[:, 0], table[:, 1], table[:, 2]


def _fitted(times_ns: _Ints) -> tuple[_Ints, _Ints, _Ints, _Ints]:
    """First sample, number, start and step of straight lines through about a second of samples each."""
    apart = np.diff(times_ns)
    after_gap = np.concatenate(([0], np.cumsum(apart > GAP_STEPS * np.median(apart))))
    block = after_gap + (times_ns - times_ns[0]) // _FIT_NS
    firsts = np.flatnonzero(np.diff(block, prepend=block[0] - 1))
    ns = np.diff(firsts, append=len(times_ns))
    since = (times_ns - np.repeat(times_ns[firsts], ns)).astype(np.float64)
    place = np.arange(len(times_ns)) - np.repeat(firsts + (ns - 1) / 2, ns)
    spread = np.add.reduceat(place * place, firsts)
    steps = np.full(len(firsts), np.median(apart))
    np.divide(np.add.reduceat(place * since, firsts), spread, out=steps, where=spread > 0)
    steps_ns = np.maximum(np.rint(steps), 1).astype(np.int64)
    middle = np.rint(np.add.reduceat(since, firsts) / ns).astype(np.int64)
    return firsts, ns, times_ns[firsts] + middle - (ns - 1) * steps_ns // 2, steps_ns


def _stretched(t0s_ns: _Ints, ns: _Ints, steps_ns: _Ints) -> _Ints:
    """Steps that lead to the next block wherever it begins as late or as early as a device's clock explains."""
    wanted = np.diff(t0s_ns) // ns[:-1]
    near = np.abs(wanted - steps_ns[:-1]) <= _ELASTIC * steps_ns[:-1]
    return np.concatenate((np.where(near, wanted, steps_ns[:-1]), steps_ns[-1:]))
