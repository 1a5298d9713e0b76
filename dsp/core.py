"""The event-driven core: takes what the sites found in order of the hop at which it could be known."""

from __future__ import annotations

from dataclasses import dataclass, field

from dsp.bursts import Burst, Pulse
from dsp.chain import EPOCH_HOPS, HOP, Chain
from dsp.context import WINDOW_HOPS, ContextTracker
from dsp.epochs import EPOCH_NS, WearTracker, epoch_of
from dsp.movements import MovementTracker
from dsp.records import NS, Event, Label, Output, Site
from dsp.scene import Scene
from dsp.settings import Settings
from dsp.spasms import SpasmTracker
from dsp.state import StateTracker
from dsp.trains import TrainTracker

__all__ = ["Core", "Found"]

Found = dict[Site, tuple[list[Burst], list[Pulse]]]

_PATTERN_KEPT_NS = 300 * NS


@dataclass(slots=True)
class Core:
    """All decisions about one infant."""

    sites: list[Site]
    age_days: int | None
    settings: Settings
    scene: Scene
    wear: dict[Site, WearTracker]
    spasms: SpasmTracker = field(default_factory=SpasmTracker)
    trains: TrainTracker = field(default_factory=TrainTracker)
    movements: MovementTracker = field(default_factory=MovementTracker)
    patterns: dict[str, tuple[int, int]] = field(default_factory=dict)
    """recent events that are more than movement, by id: onset and end in ns"""

    @classmethod
    def of(cls, infant: str, sites: list[Site], *, age_days: int | None, settings: Settings) -> Core:
        """A core that has seen nothing yet."""
        needed = round(settings.not_worn_s * NS / EPOCH_NS)
        wear = {s: WearTracker(settings.not_worn_rms_g, needed) for s in sites}
        scene = Scene(infant, StateTracker.of(infant, settings), ContextTracker.of(infant, settings))
        return cls(sites, age_days, settings, scene, wear)

    def run(self, h0: int, h1: int, chains: dict[Site, Chain], found: Found) -> list[Output]:
        """Decide hops h0 to h1 - 1, of which the chains already know everything."""
        things = _by_hop(found)
        out: list[Output] = []
        for h in range(h0, h1):
            for thing in things.get(h, ()):
                self._take(thing)
            out += self._hop(h, chains)
        return out

    def finish(self, h1: int, chains: dict[Site, Chain], found: Found) -> list[Output]:
        """Close what is open at the end of a recording that reached hop h1 - 1."""
        for rest in _by_hop(found).values():
            for thing in rest:
                self._take(thing)
        h = h1 - 1
        out: list[Output] = list(self._events(h, chains, finish=True))
        if h1 % EPOCH_HOPS:
            out += self._epoch(h1 - h1 % EPOCH_HOPS, chains)
        return out + list(self.scene.context.close(self.sites))

    def _take(self, thing: Burst | Pulse) -> None:
        if isinstance(thing, Burst):
            self.movements.burst(thing)
        else:
            self.spasms.pulse(thing)
            self.trains.pulse(thing)

    def _hop(self, h: int, chains: dict[Site, Chain]) -> list[Output]:
        out: list[Output] = []
        if (h + 1) % WINDOW_HOPS == 0:
            out += self.scene.context.window(h + 1 - WINDOW_HOPS, chains)
        self.scene.state.hop(h, chains)
        out += self._events(h, chains, finish=False)
        if (h + 1) % EPOCH_HOPS == 0:
            out += self._epoch(h + 1 - EPOCH_HOPS, chains)
        return out

    def _events(self, h: int, chains: dict[Site, Chain], *, finish: bool) -> list[Event]:
        scene, settings = self.scene, self.settings
        if finish:
            out = self.trains.finish(h, scene, settings) + self.spasms.finish(h, scene, settings)
        else:
            out = self.trains.hop(h, chains, scene, settings)
            out += self.spasms.hop(h, chains, scene, settings)
        self._note(out)
        over = self.movements.finish if finish else self.movements.hop
        if self.movements.bursts:
            out += over(h, self.sites, list(self.patterns.values()), scene, settings)
        return out

    def _note(self, events: list[Event]) -> None:
        for event in events:
            if event.label is not Label.SPASM_LIKE_CLUSTER:
                self.patterns[event.id] = (event.onset_ns, event.end_ns)
                newest = event.told_ns
                old = [i for i, (_, end) in self.patterns.items() if end < newest - _PATTERN_KEPT_NS]
                for name in old:
                    del self.patterns[name]

    def _epoch(self, h0: int, chains: dict[Site, Chain]) -> list[Output]:
        out: list[Output] = []
        for site, chain in chains.items():
            epoch = epoch_of(chain, self.wear[site], self.scene.infant, h0)
            out.append(epoch)
            out += self.scene.context.worn(epoch)
        out.append(self.scene.state.epoch(h0, chains, self.trains.apart(h0, h0 + EPOCH_HOPS)))
        return out


def _by_hop(found: Found) -> dict[int, list[Burst | Pulse]]:
    """What was found, by the hop at whose end it could be known, in an order that is always the same."""
    things: list[Burst | Pulse] = []
    for bursts, pulses in found.values():
        things += bursts
        things += pulses
    things.sort(key=lambda t: (t.known_k, isinstance(t, Burst), t.site))
    rows: dict[int, list[Burst | Pulse]] = {}
    for thing in things:
        rows.setdefault((thing.known_k - 1) // HOP, []).append(thing)
    return rows
