"""How well circumstances, arousals, wakings and breathing are told, on simulated nights.

    python bench/context_table.py 1400 8      eight nights from development seed 1400 on
    python bench/context_table.py 2000 8      on validation seeds: look, do not set anything by them

Time inside true conveyed motion that was told, by what it was; time told that was not true; how far onsets of arousals,
the minutes since waking and the breathing rate are off.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from dsp.kernels import compiled
from dsp.pipeline import Pipeline
from dsp.records import NS, Context, ContextKind, Output, Site, State, StateEpoch
from firmware_sim.breathing import breathing
from firmware_sim.draw import Draw
from firmware_sim.night import Night, make_night
from firmware_sim.population import draw_night
from firmware_sim.scenario import Background, Phase, Placed, Scenario
from firmware_sim.steps import Channel
from lullwatch.feeding import settled_blocks

KINDS = (
    "carrying",
    "rocking",
    "powered_cradle",
    "stroller",
    "car",
    "patting",
    "bouncing_chair",
    "handling",
    "feed",
)
BREATH_S = 60.0


def dense(seed: int) -> Scenario:
    """Two minutes of everything that moves an infant from outside, asleep, one after the other."""
    placed = tuple(Placed(kind, 30.0 + 180.0 * i, {"duration_s": 120.0}) for i, kind in enumerate(KINDS))
    length = 180.0 * len(KINDS) + 60.0
    phases = (Phase(State.QUIET_SLEEP, length / 60.0),)
    age = Draw(seed, "table").whole(20, 500)
    return Scenario("dense", length, age, phases, placed, Background(newborn_startles=False))


def outputs(night: Night, sites: Sequence[Site]) -> list[Output]:
    """Everything told of a night by some of its sensors."""
    pipeline = Pipeline("infant", sites, age_days=night.scenario.age_days, kernels=compiled())
    blocks = settled_blocks([s for s in night.segments(1024) if s.site in sites], tuple(sites))
    return [*(o for block in blocks for o in pipeline.feed_block(block)), *pipeline.finish()]


def _overlap_s(a: tuple[int, int], rows: Iterable[tuple[int, int]]) -> float:
    return sum(max(0, min(a[1], e) - max(a[0], s)) for s, e in rows) / NS


class Table:
    """Sums over nights."""

    def __init__(self) -> None:
        self.true_s: dict[str, float] = defaultdict(float)
        self.found_s: dict[str, float] = defaultdict(float)
        self.told_s = self.right_s = 0.0
        self.arousals: list[float] = []
        self.arousals_true = self.arousals_told = 0
        self.waking: list[float] = []
        self.breath: list[float] = []

    def conveyed(self, night: Night, out: Sequence[Output]) -> None:
        told = [
            (o.onset_ns, o.end_ns) for o in out if isinstance(o, Context) and o.kind is ContextKind.CONVEYED
        ]
        true = [c for c in night.truth.contexts if c.kind is ContextKind.CONVEYED]
        for c in true:
            span = (c.onset_ns, min(c.end_ns, night.end_ns))
            self.true_s[c.true_class] += (span[1] - span[0]) / NS
            self.found_s[c.true_class] += _overlap_s(span, told)
        merged = _union((c.onset_ns, c.end_ns) for c in true)
        self.told_s += sum(e - s for s, e in told) / NS
        self.right_s += sum(_overlap_s(t, merged) for t in told)

    def states(self, night: Night, out: Sequence[Output]) -> None:
        epochs = [o for o in out if isinstance(o, StateEpoch)]
        told = sorted({e.arousal_ns for e in epochs if e.arousal_ns is not None})
        true = [e.onset_ns for e in night.truth.events if e.true_class == "arousal" and e.state.is_sleep]
        self.arousals_true, self.arousals_told = (
            self.arousals_true + len(true),
            self.arousals_told + len(told),
        )
        for t in true:
            near = [(o - t) / NS for o in told if abs(o - t) < 10 * NS]
            self.arousals += [min(near, key=abs)] if near else []
        wakings = [b.start_s for a, b in pairwise(night.bouts) if a.state.is_sleep and b.state is State.AWAKE]
        woken = [b for a, b in pairwise(epochs) if a.state.is_sleep and b.state is State.AWAKE]
        for w in wakings:
            near = [(e.t_ns - night.start_ns) / NS - w for e in woken]
            self.waking += (
                [min((v for v in near if abs(v) < 300.0), key=abs)]
                if any(abs(v) < 300.0 for v in near)
                else [np.inf]
            )

    def breaths(self, night: Night, out: Sequence[Output]) -> None:
        steps = breathing(Draw(night.seed, "breathing"), night.traits, night.bouts)
        starts = np.sort(steps.start_s[steps.channel == Channel.SPINE_FLEX])[::2]
        for e in out:
            if isinstance(e, StateEpoch) and e.breathing_hz is not None:
                end = (e.t_ns + e.span_ns - night.start_ns) / NS
                true = np.count_nonzero((starts >= end - BREATH_S) & (starts < end)) / BREATH_S
                if true > 0.0:
                    self.breath.append(60.0 * (e.breathing_hz - true))

    def text(self, name: str) -> str:
        rows = [f"{name}: conveyed, share of the time found (minutes there were)"]
        rows += [
            f"  {k:22s} {self.found_s[k] / s:.2f} ({s / 60:.0f})" for k, s in sorted(self.true_s.items())
        ]
        rows.append(f"  told {self.told_s / 60:.0f} min, right {self.right_s / max(self.told_s, 1.0):.3f}")
        if self.arousals:
            q = np.percentile(self.arousals, [5, 25, 50, 75, 95]).round(1).tolist()
            rows.append(
                f"  arousals: {len(self.arousals)} of {self.arousals_true} within 10 s, told {self.arousals_told}; "
                f"onset off by s (5..95 %) {q}"
            )
        if self.waking:
            found = [v for v in self.waking if np.isfinite(v)]
            q = np.percentile(found, [5, 25, 50, 75, 95]).round(0).tolist() if found else []
            rows.append(f"  wakings: {len(found)} of {len(self.waking)} within 5 min; off by s {q}")
        if self.breath:
            q = np.percentile(self.breath, [5, 25, 50, 75, 95]).round(1).tolist()
            rows.append(f"  breathing: {len(self.breath)} epochs, off by breaths a minute {q}")
        return "\n".join(rows)


def _union(rows: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for s, e in sorted(rows):
        if out and s <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], e))
        else:
            out.append((s, e))
    return out


def main(words: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seed", type=int)
    parser.add_argument("nights", type=int)
    parser.add_argument("--hours", type=float, default=3.0)
    given = parser.parse_args(words)
    three, two = (Site.LA, Site.RA, Site.TR), (Site.LA, Site.RA)
    tables = {
        name: Table()
        for name in ("nights, three sites", "nights, LA + RA", "each kind, three sites", "each kind, LA + RA")
    }
    for seed in range(given.seed, given.seed + given.nights):
        for kind, scenario in (("nights", draw_night(seed, hours=given.hours)), ("each kind", dense(seed))):
            night = make_night(scenario, seed=seed)
            for name, sites in (("three sites", three), ("LA + RA", two)):
                out, table = outputs(night, sites), tables[f"{kind}, {name}"]
                table.conveyed(night, out)
                if kind == "nights":
                    table.states(night, out)
                    table.breaths(night, out)
    for name, table in tables.items():
        print(table.text(name), flush=True)


if __name__ == "__main__":
    main()
