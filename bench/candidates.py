"""What the detector measures of every candidate, beside what it truly was: the material that weights are fitted to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from unittest import mock

import dsp.spasms
import dsp.trains
from dsp.classify import Verdict
from dsp.kernels import compiled
from dsp.pipeline import Pipeline
from dsp.records import NS, Label, Site
from dsp.rhythm import Rhythm
from dsp.settings import Settings
from dsp.shape import Shape
from firmware_sim.night import Night, make_night
from firmware_sim.population import draw_night
from firmware_sim.truth import TruthEvent
from lullwatch.feeding import settled_blocks

__all__ = ["Candidate", "collect"]

_JERKS = frozenset({Label.SLEEP_JERK_TRAIN, Label.RHYTHMIC_JERKING})


@dataclass(slots=True)
class Candidate:
    """One judged movement or frame."""

    seed: int
    kind: str
    """spasm or jerks"""
    t_ns: int
    values: dict[str, float]
    truth: str
    """true class, empty when nothing was going on"""
    positive: bool
    age_days: int
    state: str = ""
    extra: dict[str, float] = field(default_factory=dict)


def collect(
    seed: int,
    *,
    hours: float,
    population: str,
    without: frozenset[str] = frozenset(),
    settings: Settings | None = None,
    sites: Sequence[Site] | None = None,
) -> list[Candidate]:
    """Run one night of the population and note everything that was judged in it."""
    scenario = draw_night(seed, hours=hours, population=population, without=without)
    night = make_night(scenario, seed=seed)
    worn = tuple(sites or night.sensors)
    # Nothing may be left unjudged for coming soon after something else.
    wide = replace(settings or Settings(), cluster_refractory_s=0.0)
    pipeline = Pipeline("infant", worn, age_days=scenario.age_days, settings=wide, kernels=compiled())
    noted: list[tuple[str, int, dict[str, float]]] = []
    with _noting(noted):
        segments = [s for s in night.segments(1024) if s.site in worn]
        for block in settled_blocks(segments, worn):
            pipeline.feed_block(block)
    return list(_labelled(noted, night, seed, scenario.age_days))


def _noting(noted: list[tuple[str, int, dict[str, float]]]) -> _Both:
    judge_spasm, judge_jerks = dsp.spasms.judge_spasm, dsp.trains.judge_jerks

    def spasm(
        shapes: dict[Site, Shape], together: dict[str, float], anchor: Site, settings: Settings
    ) -> Verdict:
        verdict = judge_spasm(shapes, together, anchor, settings)
        noted.append(("spasm", shapes[anchor].peak_k, {e.name: e.value for e in verdict.evidence}))
        return verdict

    def jerks(rhythm: Rhythm, *args: object, **more: object) -> Verdict:
        verdict = judge_jerks(rhythm, *args, **more)
        noted.append(("jerks", rhythm.k1, {e.name: e.value for e in verdict.evidence}))
        return verdict

    return _Both(
        mock.patch.object(dsp.spasms, "judge_spasm", spasm),
        mock.patch.object(dsp.trains, "judge_jerks", jerks),
    )


class _Both:
    def __init__(self, *patches: mock._patch) -> None:
        self._patches = patches

    def __enter__(self) -> None:
        for patch in self._patches:
            patch.start()

    def __exit__(self, *_: object) -> None:
        for patch in self._patches:
            patch.stop()


def _labelled(
    noted: list[tuple[str, int, dict[str, float]]], night: Night, seed: int, age_days: int
) -> Iterator[Candidate]:
    events = sorted(night.truth.events, key=lambda e: e.onset_ns)
    onsets = [e.onset_ns for e in events]
    states = [s.t_ns for s in night.truth.states]
    used: set[str] = set()
    for kind, k, values in noted:
        t_ns = k * (NS // 100)
        live = [e for e in events[: bisect_right(onsets, t_ns + NS // 4)][-60:] if e.end_ns >= t_ns - NS // 4]
        wanted = Label.SPASM_LIKE if kind == "spasm" else None
        hits = [e for e in live if (e.label is wanted if wanted else e.label in _JERKS)]
        # A spasm's own swings back are neither right nor wrong.
        if kind == "spasm" and hits and all(h.id in used for h in hits):
            continue
        used |= {h.id for h in hits} if kind == "spasm" else set()
        at = bisect_right(states, t_ns) - 1
        yield Candidate(
            seed, kind, t_ns, values, _name(hits or live), bool(hits), age_days,
            str(night.truth.states[at].state) if at >= 0 else "",
        )  # fmt: skip


def _name(live: Sequence[TruthEvent]) -> str:
    parts = [e for e in live if e.label is not Label.SPASM_LIKE_CLUSTER] or list(live)
    return min(parts, key=lambda e: e.end_ns - e.onset_ns).true_class if parts else ""
