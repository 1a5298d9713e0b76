"""What one worn sensor counts: the body's motion at its place, through its chip, on its own clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Counts, Scale, Segment, SegmentFlag, Site
from firmware_sim.body import Body, motion_at
from firmware_sim.draw import Draw
from firmware_sim.imu import Chip, draw_chip
from firmware_sim.steps import Trajectory

__all__ = ["SensorTrack", "UnknownSiteError", "measure"]

_STRETCH: Final = 16_384
"""Samples evaluated at once: small enough to stay in a processor's cache."""


class UnknownSiteError(ValueError):
    """The simulated body has no sensor there."""

    def __init__(self, site: Site, known: Iterable[Site]) -> None:
        super().__init__(f"the simulated body carries no sensor at {site}; it has {', '.join(sorted(known))}")


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


def measure(
    site: Site,
    body: Body,
    trajectory: Trajectory,
    duration_s: float,
    *,
    seed: int,
    start_ns: int,
    rate_hz: float,
) -> SensorTrack:
    """What one sensor of this body counts while the trajectory runs from data time `start_ns` on.

    Raises:
        UnknownSiteError: the body has no sensor there.
    """
    if site not in body.places:
        raise UnknownSiteError(site, body.places)
    draw = Draw(seed, f"sensor/{site}")
    chip = draw_chip(draw, rate_hz=rate_hz)
    offset_ns = draw.whole(0, 50_000_000)  # sensors do not start together; within 50 ms they nearly do
    n = int((duration_s - offset_ns / NS) * chip.true_rate_hz)
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
