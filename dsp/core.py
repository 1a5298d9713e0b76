"""The event-driven core: takes what the sites found in order of the hop at which it could be known."""

from __future__ import annotations

from dataclasses import dataclass, field

from dsp.bursts import Burst, Pulse, Segmenter, _Open
from dsp.chain import EPOCH_HOPS, Chain, Hops
from dsp.epochs import WearTracker, epoch_of
from dsp.filters import Bank, _Section
from dsp.floor import RunningMedian
from dsp.grid import SiteGrid, _Stretch, _Waiting
from dsp.history import History
from dsp.records import Output, Scale, Segment, SegmentFlag, Site
from dsp.settings import Settings

__all__ = ["CORE_TYPES", "Core"]

Found = dict[Site, tuple[list[Burst], list[Pulse]]]


@dataclass(slots=True)
class Core:
    """All decisions about one infant."""

    infant: str
    sites: list[Site]
    age_days: int | None
    wear: dict[Site, WearTracker] = field(default_factory=dict)

    @classmethod
    def of(cls, infant: str, sites: list[Site], *, age_days: int | None, settings: Settings) -> Core:
        """A core that has seen nothing yet."""
        needed = round(settings.not_worn_s / 30)
        wear = {s: WearTracker(settings.not_worn_rms_g, needed) for s in sites}
        return cls(infant, sites, age_days, wear)

    def run(self, h0: int, h1: int, chains: dict[Site, Chain], found: Found) -> list[Output]:
        """Decide hops h0 to h1 - 1, of which the chains already know everything."""
        out: list[Output] = []
        for h in range(h0, h1):
            if (h + 1) % EPOCH_HOPS == 0:
                out += self._epoch(h + 1 - EPOCH_HOPS, chains)
        return out

    def finish(self, hop: int, chains: dict[Site, Chain]) -> list[Output]:
        """Close what is open at the end of a recording."""
        return self._epoch(hop - hop % EPOCH_HOPS, chains) if hop % EPOCH_HOPS else []

    def _epoch(self, h0: int, chains: dict[Site, Chain]) -> list[Output]:
        return [epoch_of(c, self.wear[s], self.infant, h0) for s, c in chains.items()]


CORE_TYPES: tuple[type, ...] = (
    Bank, Burst, Chain, Core, History, Hops, Pulse, RunningMedian, Scale, Segment, SegmentFlag, Segmenter,
    Settings, Site, SiteGrid, WearTracker, _Open, _Section, _Stretch, _Waiting,
)  # fmt: skip
