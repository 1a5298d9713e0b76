"""A night: one seed gives one infant, its movements, what its sensors count, and the truth about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import numpy as np

from dsp.records import NS, Segment, Site, State
from firmware_sim.background import live_through, place_all
from firmware_sim.body import draw_rest
from firmware_sim.breathing import breathing
from firmware_sim.draw import Draw
from firmware_sim.endings import ended_by_arousals
from firmware_sim.movement import Infant, draw_infant, merged
from firmware_sim.scenario import Phase, Scenario
from firmware_sim.scenarios import named_scenario
from firmware_sim.sleep import Bout, draw_hypnogram
from firmware_sim.steps import Steps, Trajectory
from firmware_sim.track import SensorTrack, measure
from firmware_sim.truth import Truth, tell_truth

__all__ = ["Night", "make_night"]


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """A simulated night and the truth about it."""

    scenario: Scenario
    seed: int
    infant: str
    start_ns: int
    traits: Infant
    bouts: tuple[Bout, ...]
    sensors: dict[Site, SensorTrack]
    truth: Truth

    @property
    def end_ns(self) -> int:
        """Data time at which the night is over."""
        return self.start_ns + round(self.scenario.duration_s * NS)

    def segments(self, samples_per_segment: int = 16) -> list[Segment]:
        """All sensors' segments in time order, on an ideal clock."""
        rows = [s for track in self.sensors.values() for s in track.segments(samples_per_segment)]
        return sorted(rows, key=attrgetter("t0_ns", "site"))


def make_night(
    scenario: Scenario | str = "demo_hour",
    *,
    seed: int = 1,
    infant: str = "infant-1",
    start_ns: int = 0,
    sites: Sequence[Site] | None = None,
    rate_hz: float | None = None,
) -> Night:
    """Simulate a night; the same arguments give the same night, bit for bit.

    Args:
        scenario: What is to happen, or the name of a scenario that comes with the program.
        seed: Everything drawn comes from it.
        infant: Id written into the truth.
        start_ns: Data time of the night's start.
        sites: Sensors worn; those of the scenario when None.
        rate_hz: Nominal sampling rate; that of the scenario when None.

    Raises:
        UnknownScenarioError: no scenario of that name.
        UnknownMovementError: the scenario places a movement without a generator.
        UnknownSiteError: a site the simulated body has no sensor at.
    """
    plan = named_scenario(scenario) if isinstance(scenario, str) else scenario
    worn_at = plan.sites if sites is None else tuple(sites)
    chip = plan.chip if rate_hz is None else replace(plan.chip, rate_hz=rate_hz)
    traits = _infant(plan, seed)
    bouts = _bouts(plan, seed)
    rest = draw_rest(Draw(seed, "rest"))
    placed = place_all(plan, traits, bouts, seed)
    happened = [*placed, *live_through(plan, traits, bouts, rest, placed, seed)]
    lived = merged(ended_by_arousals(happened, bouts, Draw(seed, "endings")))
    breaths = breathing(Draw(seed, "breathing"), traits, bouts)
    trajectory = Trajectory(Steps.join([breaths, lived.steps]), rest)
    tracks = {
        site: measure(
            site,
            traits.body,
            trajectory,
            plan.duration_s,
            seed=seed,
            start_ns=start_ns,
            chip=chip,
            worn=plan.worn,
            faults=plan.faults,
        )
        for site in worn_at
    }
    truth = tell_truth(
        lived.marks,
        bouts,
        infant=infant,
        body=traits.body,
        sites=worn_at,
        start_ns=start_ns,
        duration_s=plan.duration_s,
        worn=plan.worn,
        tracks=tracks.values(),
    )
    return Night(plan, seed, infant, start_ns, traits, bouts, tracks, truth)


def _infant(plan: Scenario, seed: int) -> Infant:
    drawn = draw_infant(Draw(seed, "infant"), plan.age_days)
    given: dict[str, Any] = dict(plan.traits)
    return replace(drawn, **given)


def _bouts(plan: Scenario, seed: int) -> tuple[Bout, ...]:
    if not plan.phases:
        return draw_hypnogram(Draw(seed, "hypnogram"), plan.age_days, plan.duration_s)
    ends = np.cumsum([60.0 * phase.minutes for phase in plan.phases]).tolist()
    ends[-1] = max(ends[-1], plan.duration_s)
    return tuple(
        _cut(phase, start, min(end, plan.duration_s))
        for phase, start, end in zip(plan.phases, [0.0, *ends], ends, strict=False)
        if start < plan.duration_s
    )


def _cut(phase: Phase, start_s: float, end_s: float) -> Bout:
    return Bout(State(phase.state), start_s, end_s)
