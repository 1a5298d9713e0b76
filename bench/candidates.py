"""What the detector measures of every candidate, beside what it truly was: the material that weights are fitted to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from unittest import mock

import dsp.members
import dsp.spasms
from dsp.chain import Chain
from dsp.classify import Verdict, judge_spasm
from dsp.grid import GRID_NS
from dsp.kernels import compiled
from dsp.likeness import Trace, likeness_of
from dsp.pipeline import Pipeline
from dsp.records import NS, Label, Site
from dsp.settings import Settings
from dsp.shape import Shape
from firmware_sim.night import Night, make_night
from firmware_sim.population import draw_night
from firmware_sim.truth import TruthEvent
from lullwatch.feeding import settled_blocks

__all__ = ["Candidate", "Collected", "Follower", "collect", "labelled"]


_NEAR_NS = NS // 4
"""An anchor may lie so far outside of the movement it belongs to."""


@dataclass(slots=True)
class Candidate:
    """One movement that was judged."""

    t_ns: int
    values: dict[str, float]
    truth: str
    """true class, empty when nothing was going on"""
    positive: bool


@dataclass(slots=True)
class Follower:
    """A movement taken for a member of a series that had begun: how it follows those before it."""

    values: dict[str, float]
    truth: str
    """true class, empty when nothing was going on"""
    positive: bool
    """it and the one before it are spasms; else neither is. Mixed pairs are left out"""


@dataclass(slots=True)
class Collected:
    """What one night gave."""

    candidates: list[Candidate]
    followers: list[Follower]


def collect(seed: int, *, hours: float, population: str, without: frozenset[str] = frozenset()) -> Collected:
    """Run one night of the population and note every movement that was judged in it, and every member of a series.

    Which movements are members is decided by the tables as they stand.
    """
    scenario = draw_night(seed, hours=hours, population=population, without=without)
    night = make_night(scenario, seed=seed)
    worn = tuple(night.sensors)
    pipeline = Pipeline("infant", worn, age_days=scenario.age_days, kernels=compiled())
    noted: list[tuple[int, dict[str, float]]] = []
    followed: list[tuple[int, int, dict[str, float]]] = []

    def judging(
        shapes: Mapping[Site, Shape], together: Mapping[str, float], anchor: Site, settings: Settings
    ) -> Verdict:
        verdict = judge_spasm(shapes, together, anchor, settings)
        noted.append((shapes[anchor].peak_k, {e.name: e.value for e in verdict.evidence}))
        return verdict

    def comparing(own: Trace, before: Sequence[Trace], chains: Mapping[Site, Chain]) -> dict[str, float]:
        values = likeness_of(own, before, chains)
        if not followed or followed[-1][1] != own.k:  # those after it ask for others that it might follow
            followed.append((before[-1].k, own.k, values))
        return values

    with (
        mock.patch.object(dsp.spasms, "may_be_spasm", return_value=True),
        mock.patch.object(dsp.spasms, "judge_spasm", judging),
        mock.patch.object(dsp.members, "likeness_of", comparing),
    ):
        for block in settled_blocks(night.segments(1024), worn):
            pipeline.feed_block(block)
    return Collected(list(labelled(noted, night)), list(_paired(followed, night)))


def _paired(followed: list[tuple[int, int, dict[str, float]]], night: Night) -> Iterator[Follower]:
    live = _Live(night)
    for before, own, values in followed:
        near = live.at(own * GRID_NS)
        both = _is_spasm(live.at(before * GRID_NS)), _is_spasm(near)
        if both[0] == both[1]:
            yield Follower(values, _name(near), both[1])


def _is_spasm(near: Sequence[TruthEvent]) -> bool:
    return any(e.label is Label.SPASM_LIKE for e in near)


def labelled(noted: list[tuple[int, dict[str, float]]], night: Night) -> Iterator[Candidate]:
    """What each movement that was judged truly was; a spasm counts once."""
    live = _Live(night)
    used: set[str] = set()
    for k, values in noted:
        near = live.at(k * GRID_NS)
        hits = [e for e in near if e.label is Label.SPASM_LIKE]
        # A spasm's own swings back are neither right nor wrong.
        if hits and all(h.id in used for h in hits):
            continue
        used |= {h.id for h in hits}
        yield Candidate(k * GRID_NS, values, _name(hits or near), bool(hits))


class _Live:
    """What truly went on at a moment."""

    def __init__(self, night: Night) -> None:
        self._events = sorted(night.truth.events, key=lambda e: e.onset_ns)
        self._onsets = [e.onset_ns for e in self._events]

    def at(self, t_ns: int) -> list[TruthEvent]:
        begun = self._events[: bisect_right(self._onsets, t_ns + _NEAR_NS)]
        return [e for e in begun[-60:] if e.end_ns >= t_ns - _NEAR_NS]


def _name(near: Sequence[TruthEvent]) -> str:
    parts = [e for e in near if e.label is not Label.SPASM_LIKE_CLUSTER] or list(near)
    return min(parts, key=lambda e: e.end_ns - e.onset_ns).true_class if parts else ""
