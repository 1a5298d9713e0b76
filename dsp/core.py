"""The event-driven core: takes what the sites found in order of the hop at which it could be known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsp.breathing import Breathing, breathings_of
from dsp.bursts import Burst, Pulse
from dsp.chain import EPOCH_HOPS, HOP, HOP_NS, NEVER, Chain
from dsp.context import WINDOW_HOPS, ContextTracker
from dsp.epochs import Sums, WearTracker, epoch_of, stir_of, sums_of
from dsp.events import Draft, adopt
from dsp.holds import LOOK_HOPS, Looks, Posture
from dsp.long import LongTracker
from dsp.looseness import LooseTracker
from dsp.movements import MovementTracker
from dsp.records import NS, Context, Event, EventStatus, Label, Output, Site
from dsp.rocking import RockingTracker
from dsp.scene import Scene
from dsp.settings import Settings
from dsp.spasms import SpasmTracker
from dsp.state import StateTracker
from dsp.stiffening import StiffeningTracker
from dsp.trains import TrainTracker
from dsp.tremor import TremorTracker
from dsp.trust import trusted
from dsp.value import PASSING

__all__ = ["Core", "Found"]

Found = dict[Site, tuple[list[Burst], list[Pulse]]]

_MEMBER_HOPS = 12
"""Three seconds: a phasic movement, and what it leaves to swing."""

_PATTERN_KEPT_NS = 300 * NS


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What is known of a block before its hops are visited: measured for all of it at once, which is cheaper."""

    looks: Looks
    stirred: frozenset[int]
    """hops of the looks that may see something new"""
    aroused: dict[int, int]
    """hops that end seconds of thrashing, with the hops at which it began"""
    swaying: frozenset[int]
    """ends of the windows in which rocking may be seen; in the others there is none"""
    shared: frozenset[int]
    """the same of motion from outside"""
    epochs: range
    """their last hops"""
    sums: dict[int, dict[Site, Sums]]
    """of the epochs by first hop"""
    breaths: dict[int, Breathing | None]
    """by the hop behind the epoch"""


@dataclass(slots=True)
class Core:
    """All decisions about one infant."""

    sites: list[Site]
    age_days: int | None
    settings: Settings
    scene: Scene
    wear: dict[Site, WearTracker]
    loose: LooseTracker
    spasms: SpasmTracker = field(default_factory=SpasmTracker)
    trains: TrainTracker = field(default_factory=TrainTracker)
    stiffening: StiffeningTracker = field(default_factory=StiffeningTracker)
    tremor: TremorTracker = field(default_factory=TremorTracker)
    rocking: RockingTracker = field(default_factory=RockingTracker)
    long: LongTracker = field(default_factory=LongTracker)
    movements: MovementTracker = field(default_factory=MovementTracker)
    patterns: dict[str, tuple[int, int]] = field(default_factory=dict)
    """recent events that are more than movement, by id: onset and end in ns"""
    any_off: bool = field(default=False, compare=False, metadata=PASSING)
    """whether a site is surely off; worked out anew with every block and every epoch"""

    @classmethod
    def of(cls, infant: str, sites: list[Site], *, age_days: int | None, settings: Settings) -> Core:
        """A core that has seen nothing yet."""
        wear = {s: WearTracker(settings) for s in sites}
        state = StateTracker.of(infant, settings, age_days)
        scene = Scene(infant, state, ContextTracker.of(infant, settings))
        return cls(sites, age_days, settings, scene, wear, LooseTracker(infant))

    def run(self, h0: int, h1: int, chains: dict[Site, Chain], found: Found) -> list[Output]:
        """Decide hops h0 to h1 - 1, of which the chains already know everything.

        Only hops at which something can happen are visited: what was found, what stirs, or a tracker's own time.
        """
        things = _by_hop(found)
        self.any_off = self._is_any_off()
        ahead = self._ahead(h0, h1, chains)
        known = sorted({*things, *ahead.aroused, *self._stirring(ahead)})
        out: list[Output] = []
        for h in self._visits(h0, h1, known):
            told: list[Output] = []
            for thing in things.get(h, ()):
                self._take(thing)
                if isinstance(thing, Burst):
                    told += self._swing(thing, chains)
            worn = self._worn(h, chains) if self.any_off else chains
            told += self._hop(h, worn, ahead)
            if (h + 1) % EPOCH_HOPS == 0:
                told += self._epoch(h + 1 - EPOCH_HOPS, chains, ahead)
            if told:
                out += trusted(told, h, worn, self.loose.loose)
        self.stiffening.pass_by(ahead.looks, ahead.looks.rest())
        return out

    def _ahead(self, h0: int, h1: int, chains: dict[Site, Chain]) -> _Ahead:
        looks = Looks.of(chains, h0, h1, self.settings.hold_sway_deg)
        windows = range(h0 + 1 + (-(h0 + 1)) % WINDOW_HOPS, h1 + 1, WINDOW_HOPS)
        swaying = self.rocking.stirs(windows, chains, self.settings) if windows else []
        shared = self.scene.context.stirs(windows, chains) if windows else []
        epochs = range(h0 + (-(h0 + 1)) % EPOCH_HOPS, h1, EPOCH_HOPS)
        held = self.stiffening.stirs(looks, self.settings) if looks.hops else []
        trembling = self.tremor.stirs(looks, chains, self.settings) if looks.hops else []
        return _Ahead(
            looks=looks,
            stirred=frozenset((*held, *trembling)),
            aroused=self.scene.state.stirs(h0, h1, chains),
            swaying=frozenset(swaying),
            shared=frozenset(shared),
            epochs=epochs,
            sums=_epoch_sums(epochs, chains),
            breaths=_breaths(epochs, chains),
        )

    def _stirring(self, ahead: _Ahead) -> Iterator[int]:
        """Hops of a block at which an epoch ends, or a look may see something."""
        yield from ahead.epochs
        yield from (end - 1 for end in ahead.swaying | ahead.shared)
        yield from ahead.stirred

    def _visits(self, h0: int, h1: int, known: Iterable[int]) -> Iterator[int]:
        """The hops to visit in order: those known before, and those that a tracker asks for on the way."""
        h, coming = h0, iter(known)
        ahead = next(coming, h1)
        while (h := min(ahead, self._wake(h))) < h1:
            yield h
            h += 1
            while ahead < h:
                ahead = next(coming, h1)

    def _wake(self, h: int) -> int:
        """The first hop from h on at which any tracker has something to decide though nothing new comes.

        What was measured ahead is of all sites: while one is not worn, every look and window counts.
        """
        settings = self.settings
        off = self.any_off
        waits = off or self.rocking.waits or self.scene.context.waits
        return min(
            h + (-(h + 1)) % WINDOW_HOPS if waits else NEVER,
            h + (-(h + 1)) % LOOK_HOPS if off else NEVER,
            self.trains.wake(h),
            self.spasms.wake(h, settings),
            self.stiffening.wake(h),
            self.tremor.wake(h),
            self.long.wake(h),
            self.movements.wake(h, settings),
        )

    def finish(self, h1: int, chains: dict[Site, Chain], found: Found) -> list[Output]:
        """Close what is open at the end of a recording that reached hop h1 - 1."""
        for rest in _by_hop(found).values():
            for thing in rest:
                self._take(thing)
        self.any_off = self._is_any_off()
        h = h1 - 1
        worn = self._worn(h, chains) if self.any_off else chains
        out: list[Output] = list(self._events(h, worn, finish=True))
        if h1 % EPOCH_HOPS:
            out += self._epoch(h1 - h1 % EPOCH_HOPS, chains)
        out += self.scene.context.finish(self.sites, h1 * HOP_NS)
        return trusted(out, h, worn, self.loose.loose) + self.loose.finish(h1 * HOP_NS)

    def _is_any_off(self) -> bool:
        return any(wear.surely_off for wear in self.wear.values())

    def _worn(self, h: int, chains: dict[Site, Chain]) -> dict[Site, Chain]:
        """The sites that may show the infant at hop h: what lies on a table keeps still, and no infant does.

        One that is moved is taken for worn from there on, before the epoch's end says so.
        """
        h0 = h - h % EPOCH_HOPS
        return {
            site: chain for site, chain in chains.items()
            if not self.wear[site].surely_off or _top_g(chain, h0, h + 1) > self.settings.off_top_g
        }  # fmt: skip

    def _take(self, thing: Burst | Pulse) -> None:
        if isinstance(thing, Burst):
            self.movements.burst(thing)
        else:
            self.spasms.pulse(thing)
            self.trains.pulse(thing)

    def _swing(self, burst: Burst, chains: dict[Site, Chain]) -> list[Context]:
        h0, h1 = burst.k0 // HOP, burst.k1 // HOP + 1
        carried = self.scene.context.touches(h0, h1)
        return self.loose.burst(burst, chains, self.settings, carried=carried)

    def _hop(self, h: int, chains: dict[Site, Chain], ahead: _Ahead) -> list[Output]:
        out: list[Output] = []
        if (h + 1) % WINDOW_HOPS == 0:
            out += self._window(h + 1, chains, ahead)
        aroused = ahead.aroused.get(h)
        if aroused is not None and not self.scene.context.touches(aroused, h + 1):
            self.scene.state.arouse(aroused, chains)
        # Other looks are passed by with the next one.
        asked = self.any_off and (h + 1) % LOOK_HOPS == 0
        if asked or h in ahead.stirred or min(self.stiffening.wake(h), self.tremor.wake(h)) == h:
            before, postures = ahead.looks.take(h)
            self.stiffening.pass_by(ahead.looks, before)
            held = self._look(h, {s: p for s, p in postures.items() if s in chains}, chains)
            self._note(held)
            out += held
        return out + self._events(h, chains, finish=False)

    def _window(self, h1: int, chains: dict[Site, Chain], ahead: _Ahead) -> list[Output]:
        out: list[Output] = []
        scene, swaying = self.scene, h1 in ahead.swaying
        shared = h1 in ahead.shared or self.any_off
        swayed = self.rocking.look(h1, chains, scene, self.settings, swaying=swaying)
        self._note(swayed)
        out += swayed
        return out + scene.context.window(h1 - WINDOW_HOPS, chains, scene.swayed, shared=shared)

    def _look(self, h: int, postures: dict[Site, Posture], chains: dict[Site, Chain]) -> list[Event]:
        out = self.stiffening.look(h, postures, chains, self.scene, self.settings)
        # Effort in a held posture and jerks tremble too; they have names of their own.
        named = self.stiffening.hold is not None or self.trains.open is not None
        carried = self.scene.context.share(h * HOP_NS, (h + 1) * HOP_NS) > 0.0
        free = {} if named or carried else postures
        return out + self.tremor.look(h, free, chains, self.scene, self.settings)

    def _events(self, h: int, chains: dict[Site, Chain], *, finish: bool) -> list[Event]:
        scene, settings = self.scene, self.settings
        if finish:
            out = self.stiffening.finish(h, scene, settings) + self.trains.finish(h, scene, settings)
            out += self.tremor.finish(h, scene, settings) + self.rocking.finish(h, scene, settings)
            out += self.spasms.finish(h, scene, settings) + self.long.finish(h, scene, settings)
        else:
            out = self.trains.hop(h, chains, scene, settings)
            out += self.spasms.hop(h, chains, scene, settings) + self._long(h)
        self._note(out)
        over = self.movements.finish if finish else self.movements.hop
        if finish or self.movements.wake(h, settings) <= h:
            now_ns = (h + 1) * HOP_NS
            mild = (self.spasms.hiccups.open, self.rocking.open, self.tremor.open)
            going = [*self._going(), *(d for d in mild if d is not None)]
            spans = [*self.patterns.values(), *((d.onset_ns, now_ns) for d in going)]
            out += over(h, list(chains), spans, scene, settings)
        return out

    def _going(self) -> list[Draft]:
        return [*self.trains.going(), *self.stiffening.going()]

    def _over(self) -> list[Draft]:
        return [*self.trains.over, *self.stiffening.over]

    def _long(self, h: int) -> list[Event]:
        if self.trains.open is None and self.stiffening.open is None and not self.long.parts:
            return []
        going = self._going()
        out = self.long.hop(h, going, self.scene, self.settings)
        for parent in [e for e in out if e.status is not EventStatus.END]:
            out += adopt(parent, going, self._over(), h, infant=self.scene.infant, settings=self.settings.tag)
        return out

    def _note(self, events: list[Event]) -> None:
        for event in events:
            if event.label is not Label.SPASM_LIKE_CLUSTER:
                self.patterns[event.id] = (event.onset_ns, event.end_ns)
                newest = event.told_ns
                old = [i for i, (_, end) in self.patterns.items() if end < newest - _PATTERN_KEPT_NS]
                for name in old:
                    del self.patterns[name]

    def _outside_series(self, h0: int, h1: int) -> NDArray[np.bool_]:
        """Hops h0 to h1 - 1 outside the members of a series: what comes over an infant is no sign of waking."""
        free = np.ones(h1 - h0, dtype=np.bool_)
        for t_ns in self.spasms.cluster.times_ns if self.spasms.cluster is not None else ():
            at = t_ns // HOP_NS - h0
            free[max(at - 2, 0) : max(at + _MEMBER_HOPS, 0)] = False
        return free

    def _epoch(self, h0: int, chains: dict[Site, Chain], ahead: _Ahead | None = None) -> list[Output]:
        out: list[Output] = []
        known = {} if ahead is None else ahead.sums.get(h0, {})
        sums = {site: known.get(site) or sums_of(chain, h0, 1)[0] for site, chain in chains.items()}
        stirs = {site: stir_of(s) for site, s in sums.items()}
        for site in chains:
            wear = self.wear[site]
            worn = wear.push(stirs[site], [o for s, o in stirs.items() if s is not site], h0 * HOP_NS)
            epoch = epoch_of(sums[site], self.scene.infant, h0, worn=worn)
            out.append(epoch)
            out += self.scene.context.worn(epoch, wear.since_ns)
        self.any_off = self._is_any_off()
        h1 = h0 + EPOCH_HOPS
        context = self.scene.context
        free = self.trains.apart(h0, h1) & self._outside_series(h0, h1) & ~context.outside(h0, h1)
        rides = {s: context.ride_g(s, h1) for s in chains}
        breaths = {} if ahead is None else ahead.breaths
        out.append(self.scene.state.epoch(h0, chains, free, rides, context.off, breaths))
        return out + self.scene.afterwards(h1 - 1, self._over(), self.settings.tag)


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


def _top_g(chain: Chain, h0: int, h1: int) -> float:
    return max(chain.hops.column("top", h0, h1).tolist(), default=0.0)


def _epoch_sums(epochs: range, chains: dict[Site, Chain]) -> dict[int, dict[Site, Sums]]:
    """Of the epochs that end with some hops and are kept from their beginning."""
    rows: dict[int, dict[Site, Sums]] = {}
    for site, chain in chains.items():
        begins = [h + 1 - EPOCH_HOPS for h in epochs if h + 1 - EPOCH_HOPS >= chain.hops.h0]
        for h0, sums in zip(begins, sums_of(chain, begins[0], len(begins)) if begins else (), strict=True):
            rows.setdefault(h0, {})[site] = sums
    return rows


def _breaths(epochs: range, chains: dict[Site, Chain]) -> dict[int, Breathing | None]:
    ends = [h + 1 for h in epochs]
    if Site.TR not in chains or not ends:
        return {}
    return dict(zip(ends, breathings_of(chains[Site.TR].hops, ends), strict=True))
