"""What the detector measures of every candidate, beside what it truly was: the material that weights are fitted to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unittest import mock

import dsp.spasms
from dsp.classify import Verdict, judge_spasm
from dsp.grid import GRID_NS
from dsp.kernels import compiled
from dsp.pipeline import Pipeline
from dsp.records import NS, Label, Site
from dsp.settings import Settings
from dsp.shape import Shape
from firmware_sim.night import Night, make_night
from firmware_sim.population import draw_night
from firmware_sim.truth import TruthEvent
from lullwatch.feeding import settled_blocks

__all__ = ["Candidate", "collect"]


@dataclass(slots=True)
class Candidate:
    """One movement that was judged."""

    t_ns: int
    values: dict[str, float]
    truth: str
    """true class, empty when nothing was going on"""
    positive: bool


def collect(
    seed: int, *, hours: float, population: str, without: frozenset[str] = frozenset()
) -> list[Candidate]:
    """Run one night of the population and note every movement that was judged in it."""
    scenario = draw_night(seed, hours=hours, population=population, without=without)
    night = make_night(scenario, seed=seed)
    worn = tuple(night.sensors)
    # Nothing may be left unjudged for coming soon after something else.
    wide = Settings(cluster_refractory_s=0.0)
    pipeline = Pipeline("infant", worn, age_days=scenario.age_days, settings=wide, kernels=compiled())
    noted: list[tuple[int, dict[str, float]]] = []

    def noting(
        shapes: dict[Site, Shape], together: dict[str, float], anchor: Site, settings: Settings
    ) -> Verdict:
        verdict = judge_spasm(shapes, together, anchor, settings)
        noted.append((shapes[anchor].peak_k, {e.name: e.value for e in verdict.evidence}))
        return verdict

    with mock.patch.object(dsp.spasms, "judge_spasm", noting):
        for block in settled_blocks(night.segments(1024), worn):
            pipeline.feed_block(block)
    return list(_labelled(noted, night))


def _labelled(noted: list[tuple[int, dict[str, float]]], night: Night) -> Iterator[Candidate]:
    events = sorted(night.truth.events, key=lambda e: e.onset_ns)
    onsets = [e.onset_ns for e in events]
    used: set[str] = set()
    for k, values in noted:
        t_ns = k * GRID_NS
        live = [e for e in events[: bisect_right(onsets, t_ns + NS // 4)][-60:] if e.end_ns >= t_ns - NS // 4]
        hits = [e for e in live if e.label is Label.SPASM_LIKE]
        # A spasm's own swings back are neither right nor wrong.
        if hits and all(h.id in used for h in hits):
            continue
        used |= {h.id for h in hits}
        yield Candidate(t_ns, values, _name(hits or live), bool(hits))


def _name(live: Sequence[TruthEvent]) -> str:
    parts = [e for e in live if e.label is not Label.SPASM_LIKE_CLUSTER] or list(live)
    return min(parts, key=lambda e: e.end_ns - e.onset_ns).true_class if parts else ""
