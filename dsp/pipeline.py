"""The pipeline of one infant: items in, outputs out, the same whatever the feed cadence.

Items only move a watermark, the data time up to which everything is decided. All sites are processed in hops
of 0.25 s behind it, and a decision at a hop looks at data up to that hop alone; so one hop at a time (live)
and minutes at a time (replay) give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dsp.chain import HOP_NS, Chain
from dsp.core import Core, Found
from dsp.grid import LOOKAHEAD_NS
from dsp.kernels import Kernels
from dsp.parts import PARTS
from dsp.records import NS, Cutoff, Item, Output, Segment, Site, Stretch, Tick
from dsp.settings import Settings
from dsp.value import BadSnapshot, pack, unpack

__all__ = ["Pipeline", "UnknownSite"]

_CHUNK_HOPS = 240
"""Hops processed at once: one minute keeps the vectorised stages' arrays in the processor's cache."""

_COMPILED_CHUNK_HOPS = 2400
"""Ten minutes with compiled loops, which need no arrays in between: fewer beginnings and ends."""


_DEFAULTS = Settings()


class UnknownSite(ValueError):
    """A segment of a site the pipeline was not told of."""

    def __init__(self, site: Site, sites: Iterable[Site]) -> None:
        known = ", ".join(sites)
        super().__init__(f"segment of site {site}, but the pipeline was made for {known}; name it there")


@dataclass(slots=True)
class _State:
    settings: Settings
    core: Core
    chains: dict[Site, Chain]
    cutoffs: dict[Site, int] = field(default_factory=dict)
    now_ns: int | None = None
    first_ns: int | None = None
    next_hop: int | None = None
    watermark_ns: int | None = None


class Pipeline:
    """Streaming detector of one infant; see `feed`."""

    def __init__(
        self,
        infant: str,
        sites: Iterable[Site],
        *,
        age_days: int | None = None,
        settings: Settings = _DEFAULTS,
        kernels: Kernels | None = None,
    ) -> None:
        self._kernels = kernels
        self._older: tuple[int, int | None] | None = None
        """hop from which on the infant is of another age"""
        ordered = [s for s in Site if s in set(sites)]
        self._s = _State(
            settings,
            Core.of(infant, ordered, age_days=age_days, settings=settings),
            {s: Chain.of(s, settings) for s in ordered},
        )

    @property
    def watermark_ns(self) -> int:
        """Data time up to which everything has been decided; 0 before the first decision."""
        return 0 if self._s.next_hop is None else self._s.next_hop * HOP_NS

    @property
    def late_samples(self) -> int:
        """Samples that came after their time had been decided, on all sites."""
        return sum(c.grid.late for c in self._s.chains.values())

    @property
    def overlapped_samples(self) -> int:
        """Samples dropped because their time was already covered, on all sites."""
        return sum(c.grid.overlapped for c in self._s.chains.values())

    def feed(self, item: Item) -> list[Output]:
        """Take one journal row in and give what it allowed to be decided, in order of decision.

        Raises:
            UnknownSite: a segment of a site that was not named when the pipeline was made.
        """
        self._note(item)
        return self._run(self._decidable_ns())

    def feed_block(self, items: Iterable[Item]) -> list[Output]:
        """Take many items in before deciding anything: what was committed together, or a stretch of a recording.

        Gives what `feed` gives one by one, except that nothing inside the block can come too late.

        Raises:
            UnknownSite: a segment of a site that was not named when the pipeline was made.
        """
        for item in items:
            self._note(item)
        return self._run(self._decidable_ns())

    def finish(self) -> list[Output]:
        """End of a recording: decide what is buffered and close what is open. Feed nothing afterwards."""
        s = self._s
        ends = [w.segment.end_ns for c in s.chains.values() for w in c.grid.waiting]
        ends += [f for c in s.chains.values() if (f := c.grid.frontier_ns()) is not None]
        if s.first_ns is None or not ends:
            return []
        if s.next_hop is None:
            self._begin()
        last_hop = -(-max(ends) // HOP_NS)
        out = self._run(last_hop * HOP_NS + LOOKAHEAD_NS)
        rest: Found = {site: (chain.segmenter.finish(chain.history), []) for site, chain in s.chains.items()}
        return out + s.core.finish(last_hop, s.chains, rest)

    def snapshot(self) -> bytes:
        """The whole state as a value; `restore` continues exactly where it was taken."""
        return pack(self._s)

    @classmethod
    def restore(cls, blob: bytes, *, kernels: Kernels | None = None) -> Pipeline:
        """The pipeline a snapshot was taken of.

        Raises:
            BadSnapshot: the bytes are none, or of another version.
        """
        state = unpack(blob, (_State, *PARTS))
        if not isinstance(state, _State):
            raise BadSnapshot("another kind of value")
        made = cls(state.core.scene.infant, state.chains, settings=state.settings, kernels=kernels)
        made._s = state
        return made

    def of_age(self, age_days: int | None, from_ns: int = 0) -> None:
        """From data time `from_ns` on the infant is so old, whatever the state says that this goes on from.

        It is no part of the state: who restores one says it again.
        """
        self._older = (from_ns // HOP_NS, age_days)
        self._grow()

    def _grow(self) -> None:
        if self._older is None or (self._s.next_hop or 0) < self._older[0]:
            return
        core = self._s.core
        core.age_days = core.scene.state.age_days = self._older[1]
        self._older = None

    def _note(self, item: Item) -> None:
        if isinstance(item, Segment | Stretch):
            self._take(item)
        elif isinstance(item, Tick):
            if self._s.first_ns is not None:
                self._reach(item.t_ns)
        else:
            self._cut(item)

    def _take(self, segment: Segment | Stretch) -> None:
        chain = self._s.chains.get(segment.site)
        if chain is None:
            raise UnknownSite(segment.site, self._s.chains)
        if isinstance(segment, Stretch):
            chain.grid.add_all(segment)
            begins = segment.t0s_ns[segment.ns > 0]
            ends = [int(begins.min()), int(begins.max())] if begins.size else []
        else:
            chain.grid.add(segment)
            ends = [segment.t0_ns] if segment.n else []
        if ends:
            first, newest = ends[0], ends[-1]
            self._s.first_ns = first if self._s.first_ns is None else min(first, self._s.first_ns)
            # Only beginnings count as time reached: others may bring their share of a long segment yet.
            self._reach(newest)

    def _reach(self, t_ns: int) -> None:
        self._s.now_ns = t_ns if self._s.now_ns is None else max(self._s.now_ns, t_ns)

    def _cut(self, item: Cutoff) -> None:
        known = self._s.cutoffs.get(item.site, item.t_ns)
        self._s.cutoffs[item.site] = max(known, item.t_ns)

    def _begin(self) -> None:
        s = self._s
        starts = [c.grid.waiting[0].segment.t0_ns for c in s.chains.values() if c.grid.waiting]
        s.next_hop = min(starts) // HOP_NS
        for chain in s.chains.values():
            chain.grid.begin(s.next_hop * HOP_NS)

    def _decidable_ns(self) -> int | None:
        """Time before which no sample is waited for any longer."""
        s = self._s
        if s.now_ns is None or s.first_ns is None:
            return None
        waited = s.now_ns - round(s.settings.lateness_s * NS)
        if s.next_hop is None:
            if waited < s.first_ns or not any(c.grid.waiting for c in s.chains.values()):
                return None
            self._begin()
        fronts = [max(c.grid.frontier_ns() or 0, s.cutoffs.get(site, 0)) for site, c in s.chains.items()]
        return max(waited, min(fronts))

    def _run(self, until_ns: int | None) -> list[Output]:
        s = self._s
        if until_ns is None or s.next_hop is None:
            return []
        out: list[Output] = []
        end = (until_ns - LOOKAHEAD_NS) // HOP_NS
        self._grow()
        while s.next_hop < end:
            stop = min(end, s.next_hop + (_CHUNK_HOPS if self._kernels is None else _COMPILED_CHUNK_HOPS))
            stop = stop if self._older is None else min(stop, self._older[0])
            out += self._chunk(s.next_hop, stop)
            s.next_hop = stop
            self._grow()
        return out

    def _chunk(self, h0: int, h1: int) -> list[Output]:
        s = self._s
        found = {site: chain.advance(h0, h1, self._kernels) for site, chain in s.chains.items()}
        out = s.core.run(h0, h1, s.chains, found)
        for chain in s.chains.values():
            chain.trim()
        return out
