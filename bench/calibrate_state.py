"""Sets the tables of sleep states from simulated nights, and says how well they do on others.

    python bench/calibrate_state.py                     print the tables set on development seeds, and their agreement
    python bench/calibrate_state.py --check 2000 24     agreement of the tables in use on 24 nights from seed 2000 on

Nights are run through the whole pipeline, so that jerks, series and motion from outside are left out of the
measurements as they are in use. Shares are softened: a tenth of each row is spread evenly, as real infants are less
alike than simulated ones. How often a table may speak for itself (its power) is not fitted: measurements of the same
movement say partly the same, and the powers were chosen so that together they say no more than one would.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from unittest import mock

import numpy as np

import dsp.state
from dsp.kernels import compiled
from dsp.likelihoods import STATE, Likelihood
from dsp.pipeline import Pipeline
from dsp.records import Site, State, StateEpoch
from dsp.settings import Settings
from dsp.state import Measured
from firmware_sim.night import Night, make_night
from firmware_sim.population import draw_night
from lullwatch.feeding import settled_blocks

SITES = {
    "three sites": (Site.LA, Site.RA, Site.TR),
    "LA + RA": (Site.LA, Site.RA),
    "TR": (Site.TR,),
    "LA": (Site.LA,),
}
STATES = (State.AWAKE, State.ACTIVE_SLEEP, State.QUIET_SLEEP)
BANDS = ((0, 42), (43, 90), (91, 180), (181, 365), (366, 999))
SPREAD = 0.1
"""Share of each row that is spread evenly over its places."""
HOURS = 3.0


@dataclass(slots=True)
class Told:
    """One epoch: what was measured, told and true."""

    age_days: int
    measured: Measured
    epoch: StateEpoch
    true: State
    conveyed: bool


@dataclass(slots=True)
class Share:
    """Counts of agreement."""

    n: int = 0
    sleep_wake: int = 0
    three: int = 0
    missed_sleep: int = 0
    missed_waking: int = 0
    lines: list[str] = field(default_factory=list)

    def add(self, told: Told) -> None:
        state, true = told.epoch.state, told.true
        self.n += 1
        self.sleep_wake += state is not State.UNKNOWN and state.is_sleep == true.is_sleep
        self.three += state is true
        self.missed_sleep += true.is_sleep and state is State.AWAKE
        self.missed_waking += true is State.AWAKE and state.is_sleep

    def text(self) -> str:
        n = max(self.n, 1)
        return (
            f"{self.n:6d} epochs: sleep/wake {self.sleep_wake / n:.3f}, three states {self.three / n:.3f}, "
            f"asleep told awake {self.missed_sleep / n:.3f}, awake told asleep {self.missed_waking / n:.3f}"
        )


def told_of(night: Night, sites: Sequence[Site]) -> Iterator[Told]:
    """Run one night with some of its sensors and pair every epoch with the truth."""
    noted: list[Measured] = []
    inner = dsp.state.measured

    def noting(*args: object, **more: object) -> Measured:
        noted.append(inner(*args, **more))  # type: ignore[arg-type]  # handed through as it came
        return noted[-1]

    worn = tuple(s for s in night.sensors if s in sites)
    pipeline = Pipeline("infant", worn, age_days=night.scenario.age_days, kernels=compiled())
    segments = [s for s in night.segments(1024) if s.site in worn]
    with mock.patch.object(dsp.state, "measured", noting):
        outputs = [o for block in settled_blocks(segments, worn) for o in pipeline.feed_block(block)]
    truth = {s.t_ns: s.state for s in night.truth.states}
    carried = [(c.onset_ns, c.end_ns) for c in night.truth.contexts if c.kind == "conveyed"]
    epochs = [o for o in outputs if isinstance(o, StateEpoch)]
    for found, epoch in zip(noted, epochs, strict=True):
        if epoch.t_ns in truth:
            inside = any(a < epoch.t_ns + epoch.span_ns and b > epoch.t_ns for a, b in carried)
            yield Told(night.scenario.age_days, found, epoch, truth[epoch.t_ns], inside)


def fitted(rows: Sequence[Told], like: Likelihood) -> Likelihood:
    """The table with its shares set from rows at rest."""
    shares = []
    for state in STATES:
        values = [
            v
            for r in rows
            if r.true is state and not r.conveyed and (v := r.measured.values.get(like.name)) is not None
        ]
        counts = np.bincount(
            np.searchsorted(like.edges, np.asarray(values, dtype=float), side="right"),
            minlength=len(like.edges) + 1,
        )
        share = (counts + 1.0) / (counts + 1.0).sum()
        even = 1.0 / share.size
        shares.append(tuple(round(float((1.0 - SPREAD) * v + SPREAD * even), 3) for v in share))
    return replace(like, rows=(shares[0], shares[1], shares[2]))


def report(name: str, rows: Sequence[Told]) -> None:
    """Agreement of all ages, by age, and in conveyed motion."""
    parts = {"all": Share(), "conveyed": Share(), **{f"{a}-{b} days": Share() for a, b in BANDS}}
    for row in rows:
        parts["all"].add(row)
        if row.conveyed:
            parts["conveyed"].add(row)
        band = next(b for b in BANDS if b[0] <= row.age_days <= b[1])
        parts[f"{band[0]}-{band[1]} days"].add(row)
    for part, share in parts.items():
        print(f"{name:12s} {part:13s} {share.text()}", flush=True)


def main(words: Sequence[str] | None = None) -> None:
    """Set, or check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", nargs=2, type=int, metavar=("SEED", "NIGHTS"))
    parser.add_argument("--nights", type=int, default=40, help="development nights from seed 1400 on")
    arguments = parser.parse_args(words)
    first, count = arguments.check or (1400, arguments.nights)
    found: dict[str, list[Told]] = {name: [] for name in SITES}
    for seed in range(first, first + count):
        night = make_night(draw_night(seed, hours=HOURS), seed=seed)
        for name, sites in SITES.items():
            found[name] += told_of(night, sites)
    if not arguments.check:
        for table in STATE:
            print(fitted(found["three sites"], table))
    for name, rows in found.items():
        report(name, rows)
    print("settings", Settings().tag)


if __name__ == "__main__":
    main()
