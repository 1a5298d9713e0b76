"""A night: one seed gives one infant, its movements, what its sensors count, and the truth about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Counts, Scale, Segment, SegmentFlag, Site, State
from firmware_sim.background import live_through, place_all
from firmware_sim.body import Body, draw_rest, motion_at
from firmware_sim.draw import Draw
from firmware_sim.imu import Chip, draw_chip
from firmware_sim.movement import Infant, draw_infant, merged
from firmware_sim.scenario import Phase, Scenario, named_scenario
from firmware_sim.sleep import Bout, breathing, draw_hypnogram
from firmware_sim.steps import Steps, Trajectory
from firmware_sim.truth import Truth, tell_truth

__all__ = ["Night", "SensorTrack", "UnknownSiteError", "make_night"]

_DEFAULT_SITES: Final = (Site.LA, Site.RA, Site.TR)
_STRETCH: Final = 16_384
"""Samples evaluated at once: small enough to stay in a processor's cache."""


class UnknownSiteError(ValueError):
    """The simulated body has no sensor there."""

    def __init__(self, site: Site) -> None:
        super().__init__(
            f"the simulated body carries no sensor at {site}; it has {', '.join(_DEFAULT_SITES)}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class SensorTrack:
    """What one sensor counted all night. Sample i was truly taken at ``t0_ns + i * step_ns``."""

    site: Site
    sensor: str
    boot: int
    rate_hz: float
    """nominal; the true rate is ``1e9 / step_ns``"""
    t0_ns: int
    step_ns: float
    scale: Scale
    counts: Counts
    clipped: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.counts.shape[0])

    def time_ns(self, index: int) -> int:
        """True time of a sample."""
        return self.t0_ns + round(index * self.step_ns)

    def segments(self, samples_per_segment: int = 16) -> Iterator[Segment]:
        """The track in pieces, on an ideal clock; the last piece may be shorter."""
        step_ns = round(self.step_ns)
        for seq, first in enumerate(range(0, self.n, samples_per_segment)):
            stop = first + samples_per_segment
            flag = SegmentFlag.CLIPPED if self.clipped[first:stop].any() else SegmentFlag.NONE
            yield Segment(
                self.site,
                self.sensor,
                self.boot,
                seq,
                self.time_ns(first),
                step_ns,
                self.counts[first:stop],
                self.scale,
                flag,
            )


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
    sites: Sequence[Site] = _DEFAULT_SITES,
    rate_hz: float = 104.0,
) -> Night:
    """Simulate a night; the same arguments give the same night, bit for bit.

    Args:
        scenario: What is to happen, or the name of a scenario that comes with the program.
        seed: Everything drawn comes from it.
        infant: Id written into the truth.
        start_ns: Data time of the night's start.
        sites: Sensors worn, out of LA, RA and TR.
        rate_hz: Nominal sampling rate.

    Raises:
        UnknownScenarioError: no scenario of that name.
        UnknownMovementError: the scenario places a movement without a generator.
        UnknownSiteError: a site the simulated body has no sensor at.
    """
    plan = named_scenario(scenario) if isinstance(scenario, str) else scenario
    traits = draw_infant(Draw(seed, "infant"), plan.age_days)
    bouts = _bouts(plan, seed)
    rest = draw_rest(Draw(seed, "rest"))
    placed = place_all(plan, traits, bouts, seed)
    lived = merged([*placed, *live_through(plan, traits, bouts, rest, placed, seed)])
    breaths = breathing(Draw(seed, "breathing"), traits, bouts)
    trajectory = Trajectory(Steps.join([breaths, lived.steps]), rest)
    tracks = {site: _track(site, traits.body, trajectory, plan, seed, start_ns, rate_hz) for site in sites}
    truth = tell_truth(
        lived.marks,
        bouts,
        infant=infant,
        sites=tuple(sites),
        start_ns=start_ns,
        duration_s=plan.duration_s,
    )
    return Night(plan, seed, infant, start_ns, traits, bouts, tracks, truth)


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


def _track(
    site: Site,
    body: Body,
    trajectory: Trajectory,
    plan: Scenario,
    seed: int,
    start_ns: int,
    rate_hz: float,
) -> SensorTrack:
    if site not in body.places:
        raise UnknownSiteError(site)
    draw = Draw(seed, f"sensor/{site}")
    chip = draw_chip(draw, rate_hz=rate_hz)
    offset_ns = draw.whole(0, 50_000_000)  # sensors do not start together; within 50 ms they nearly do
    n = int((plan.duration_s - offset_ns / NS) * chip.true_rate_hz)
    counts, clipped = _counted(site, body, trajectory, chip, offset_ns / NS, n, draw.rng)
    return SensorTrack(
        site=site,
        sensor=f"sim-{site.lower()}",
        boot=int(draw.rng.integers(1, 2**32)),
        rate_hz=rate_hz,
        t0_ns=start_ns + offset_ns,
        step_ns=NS / chip.true_rate_hz,
        scale=chip.scale,
        counts=counts,
        clipped=clipped,
    )


def _counted(
    site: Site,
    body: Body,
    trajectory: Trajectory,
    chip: Chip,
    offset_s: float,
    n: int,
    rng: np.random.Generator,
) -> tuple[Counts, NDArray[np.bool_]]:
    counts, clipped = np.empty((n, 6), np.int16), np.empty(n, np.bool_)
    dt_s = 1.0 / chip.true_rate_hz
    for first in range(0, n, _STRETCH):
        stop = min(first + _STRETCH, n)
        acc, gyro = motion_at(body, trajectory, site, t0_s=offset_s + first * dt_s, dt_s=dt_s, n=stop - first)
        counts[first:stop], clipped[first:stop] = chip.measure(acc, gyro, rng)
    return counts, clipped
