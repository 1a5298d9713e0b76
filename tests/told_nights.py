"""What the program told of a simulated stretch of life, beside the truth about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dsp.kernels import compiled
from dsp.pipeline import Pipeline
from dsp.records import NS, Alert, Context, ContextKind, Event, Label, Output, Segment, Severity, Site
from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Scenario
from firmware_sim.truth import Truth, TruthContext, TruthEvent
from lullwatch.detector import Detector, Told
from lullwatch.feeding import settled_blocks

__all__ = ["Lived", "detect", "in_blocks", "live_through", "overlap_s", "touching", "urgent"]

NEAR_NS = 2 * NS
"""How far apart a told event and a true one may lie and still be the same."""
_SEGMENT_SAMPLES = 6000

Span = Event | TruthEvent | Context


@dataclass(frozen=True, slots=True, eq=False)
class Lived:
    """A simulated stretch of life: what was, and what was told."""

    truth: Truth
    events: tuple[Event, ...]
    """the last row of each event that stands"""
    contexts: tuple[Context, ...]
    rings: tuple[Alert, ...]
    """urgent alerts, the first message of each"""
    peaks_g: dict[str, float]
    """by id of a true event: how far the strongest sensor's band of jerks went in it"""

    def of(self, *labels: Label) -> list[Event]:
        """Events told with one of the labels."""
        return [e for e in self.events if e.label in labels]

    def true(self, *classes: str) -> list[TruthEvent]:
        """True events of these classes that are no members of others."""
        return [e for e in self.truth.events if e.true_class in classes and e.parent is None]

    def moved_by(self, *classes: str) -> list[TruthContext]:
        """True stretches in which something moved the infant from outside; all of them without a class."""
        rows = [c for c in self.truth.contexts if c.kind is ContextKind.CONVEYED]
        return [c for c in rows if not classes or c.true_class in classes]

    def share_told(self, context: TruthContext) -> float:
        """How much of a true context stands in the contexts told of its kind."""
        told = [c for c in self.contexts if c.kind is context.kind]
        span_s = (context.end_ns - context.onset_ns) / NS
        return overlap_s(context, told) / span_s

    def seen_members(self, cluster: TruthEvent, least_g: float) -> int:
        """How many members of a true cluster moved some sensor by at least so much."""
        members = [e for e in self.truth.events if e.parent == cluster.id]
        return sum(self.peaks_g[m.id] >= least_g for m in members)


def live_through(scenario: Scenario | str, seed: int) -> Lived:
    """Simulate a scenario and let the program watch it, as a replay would."""
    night = make_night(scenario, seed=seed)
    told = detect(night.segments(_SEGMENT_SAMPLES), tuple(night.sensors), night.scenario.age_days)
    bands = {site: _band_g(list(track.segments(_SEGMENT_SAMPLES))) for site, track in night.sensors.items()}
    return Lived(
        truth=night.truth,
        events=tuple(told.final_events),
        contexts=tuple(told.contexts),
        rings=tuple(urgent(told.alerts)),
        peaks_g={e.id: max(_peak_g(b, e) for b in bands.values()) for e in night.truth.events},
    )


def detect(segments: Sequence[Segment], sites: Sequence[Site], age_days: int | None = None) -> Told:
    """Everything the program tells of a recording, alerts included."""
    detector = Detector("infant", sites, age_days=age_days, kernels=compiled())
    told = Told()
    for block in settled_blocks(segments, sites):
        told.extend(detector.feed_block(block))
    told.extend(detector.finish())
    return told


def in_blocks(night: Night, block_s: float, *, restored: bool = False) -> list[Output]:
    """Everything the pipeline tells of a night that is fed in blocks; `restored`: with a restart now and then."""
    sites = tuple(night.sensors)
    pipeline = Pipeline("infant", sites, age_days=night.scenario.age_days, kernels=compiled())
    out: list[Output] = []
    for i, block in enumerate(settled_blocks(night.segments(64), sites, block_ns=round(block_s * NS))):
        out += pipeline.feed_block(block)
        if restored and i % 40 == 7:
            pipeline = Pipeline.restore(pipeline.snapshot(), kernels=compiled())
    return out + pipeline.finish()


def urgent(alerts: Sequence[Alert]) -> list[Alert]:
    """The first urgent message of each alert."""
    first: dict[str, Alert] = {}
    for alert in alerts:
        if alert.severity is Severity.URGENT:
            first.setdefault(alert.id, alert)
    return list(first.values())


def touching(told: Sequence[Event], true: Span) -> list[Event]:
    """Told events that share time with a true one, or nearly."""
    return [e for e in told if e.onset_ns <= true.end_ns + NEAR_NS and e.end_ns >= true.onset_ns - NEAR_NS]


def overlap_s(one: Span, others: Sequence[Span]) -> float:
    """Seconds of a span that lie inside others which do not overlap one another."""
    shared = (min(one.end_ns, o.end_ns) - max(one.onset_ns, o.onset_ns) for o in others)
    return sum(max(ns, 0) for ns in shared) / NS


def _band_g(segments: Sequence[Segment]) -> tuple[int, int, np.ndarray]:
    """Start, step and size of the acceleration's change about its middle of half a second."""
    acc = np.concatenate([s.counts[:, :3] * s.scale.acc_g for s in segments])
    half = round(0.25 * NS / segments[0].step_ns)
    sums = np.cumsum(np.vstack([np.zeros((1, 3)), acc]), axis=0)
    n = len(acc)
    a, b = np.maximum(np.arange(n) - half, 0), np.minimum(np.arange(n) + half + 1, n)
    middle = (sums[b] - sums[a]) / (b - a)[:, None]
    return segments[0].t0_ns, segments[0].step_ns, np.linalg.norm(acc - middle, axis=1)


def _peak_g(band: tuple[int, int, np.ndarray], event: TruthEvent) -> float:
    t0_ns, step_ns, size = band
    a, b = ((t - t0_ns) // step_ns for t in (event.onset_ns, event.end_ns))
    return float(size[max(a, 0) : max(b, 0) + 1].max(initial=0.0))
