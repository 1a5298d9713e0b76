"""What one worn sensor counts: the body's motion at its place, through its chip, at the chip's own times.

The motion is sampled as it is: a real part filters at about half its output rate, here what lies above that
(a road at a low rate; bodies hardly reach it) is folded back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Counts, Scale, Segment, SegmentFlag, Site
from firmware_sim.body import Body
from firmware_sim.crystal import Crystal, draw_crystal
from firmware_sim.draw import Draw
from firmware_sim.faults import ChipFault, hold_axis
from firmware_sim.imu import Chip, ChipChoice, draw_chip
from firmware_sim.runs import Run, index_at_or_after, time_ns
from firmware_sim.steps import Trajectory
from firmware_sim.warmth import REFERENCE_C, Warmth, draw_warmth
from firmware_sim.wearing import Seen, Worn

__all__ = ["SensorTrack", "UnknownSiteError", "measure"]

_STRETCH: Final = 16_384
"""Samples evaluated at once: small enough to stay in a processor's cache."""

_STEADY_SAMPLES: Final = 6_240
"""Samples between two looks at an oscillator that follows temperature: a minute at 104 Hz, in which a chip in
a sock warms by less than 1 K; a multiple of a packet's 16, so that packets never lie across two runs."""


class UnknownSiteError(ValueError):
    """The simulated body has no sensor there."""

    def __init__(self, site: Site, known: Iterable[Site]) -> None:
        super().__init__(f"the simulated body carries no sensor at {site}; it has {', '.join(sorted(known))}")


@dataclass(frozen=True, slots=True, eq=False)
class SensorTrack:
    """What one sensor counted all night, and when: a `SampleSource` of a virtual sock."""

    site: Site
    sensor: str
    rate_hz: float
    """nominal; the true rate is ``1e9 / step_ns``"""
    runs: tuple[Run, ...]
    """when samples were taken, and under which boot; one run unless the chip restarts or changes its rate"""
    crystal: Crystal
    """the sensor's own clock; samples do not follow it"""
    scale: Scale
    counts: Counts
    clipped: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.counts.shape[0])

    @property
    def boot(self) -> int:
        """Boot id at the start."""
        return self.runs[0].boot

    @property
    def t0_ns(self) -> int:
        """True time of the first sample."""
        return self.runs[0].t0_ns

    @property
    def step_ns(self) -> float:
        """True time between two samples at the start."""
        return self.runs[0].step_ns

    def time_ns(self, index: int) -> int:
        """True time of a sample."""
        return time_ns(self.runs, index)

    def segments(self, samples_per_segment: int = 16) -> Iterator[Segment]:
        """The track in pieces, on an ideal clock; the last piece of a run may be shorter.

        Numbers begin anew with each boot, and the first segment of every later boot says that it restarted.
        """
        ends = [*(run.first for run in self.runs[1:]), self.n]
        for boot, group in groupby(zip(self.runs, ends, strict=True), key=lambda pair: pair[0].boot):
            starts = [
                (run, first, min(first + samples_per_segment, end))
                for run, end in group
                for first in range(run.first, end, samples_per_segment)
            ]
            for seq, (run, first, stop) in enumerate(starts):
                begins = seq == 0 and boot != self.boot
                yield self._segment(run, seq, first, stop, begins=begins)

    def _segment(self, run: Run, seq: int, first: int, stop: int, *, begins: bool) -> Segment:
        flags = SegmentFlag.CLIPPED if self.clipped[first:stop].any() else SegmentFlag.NONE
        return Segment(
            self.site,
            self.sensor,
            run.boot,
            seq,
            run.t0_ns + round((first - run.first) * run.step_ns),
            round(run.step_ns),
            self.counts[first:stop],
            self.scale,
            flags | SegmentFlag.RESTART if begins else flags,
        )


def measure(
    site: Site,
    body: Body,
    trajectory: Trajectory,
    duration_s: float,
    *,
    seed: int,
    start_ns: int,
    chip: ChipChoice | None = None,
    worn: Sequence[Worn] = (),
    faults: Sequence[ChipFault] = (),
) -> SensorTrack:
    """What one sensor of this body counts while the trajectory runs from data time `start_ns` on.

    Args:
        site: Where it is worn.
        body: Who wears it.
        trajectory: How the body moves.
        duration_s: Length of the night, seconds.
        seed: Everything drawn comes from it.
        start_ns: Data time of the night's start.
        chip: Part, rate and ranges; the default ones when None.
        worn: How sensors sit; firmly where nothing else is said.
        faults: What goes wrong in the chips; those of other sites are left alone.

    Raises:
        UnknownSiteError: the body has no sensor there.
    """
    if site not in body.places:
        raise UnknownSiteError(site, body.places)
    draw, drift = Draw(seed, f"sensor/{site}"), Draw(seed, f"drift/{site}")
    own = sorted((fault for fault in faults if fault.site == site), key=attrgetter("at_s"))
    seen = Seen(body, trajectory, site, duration_s=duration_s, seed=seed, worn=worn)
    off = [(row.from_s, row.to_s) for row in worn if row.kind == "off" and row.touches(site)]
    warmth = draw_warmth(Draw(seed, "room"), drift, duration_s, off=off)
    piece = draw_chip(draw, drift, chip)
    offset_ns = draw.whole(0, 50_000_000)  # sensors do not start together; within 50 ms they nearly do
    up_s = _up(own, offset_ns / NS, duration_s)
    runs, n = _runs(piece, warmth, up_s)
    counts, clipped = _counted(seen, piece, warmth, runs, n, draw.rng)
    runs = _booted(runs, start_ns, draw.rng)
    _stick(counts, runs, own, start_ns)
    jumps = [(fault.at_s, fault.by_s) for fault in own if fault.kind == "clock_jump"]
    return SensorTrack(
        site=site,
        sensor=f"sim-{site.lower()}",
        rate_hz=piece.rate_hz,
        runs=runs,
        crystal=draw_crystal(drift, warmth, start_ns=start_ns, jumps=jumps),
        scale=piece.scale,
        counts=counts,
        clipped=clipped,
    )


def _up(faults: Iterable[ChipFault], from_s: float, to_s: float) -> list[tuple[float, float]]:
    """Spans in which the chip measures: cut where it restarts."""
    spans = []
    for fault in faults:
        if fault.kind == "restart" and from_s < fault.at_s < to_s:
            spans.append((from_s, fault.at_s))
            from_s = fault.end_s
    return [*spans, (from_s, to_s)] if from_s < to_s else spans


def _runs(chip: Chip, warmth: Warmth, up_s: Iterable[tuple[float, float]]) -> tuple[tuple[Run, ...], int]:
    """Runs from the night's start on, numbered instead of a boot id, and the number of samples."""
    runs, n = [], 0
    for boot, (from_s, to_s) in enumerate(up_s):
        while True:
            warmer_k = float(warmth.at(np.array([from_s]))[0]) - REFERENCE_C
            rate_hz = chip.rate_at(warmer_k)
            left = int((to_s - from_s) * rate_hz)
            if left <= 0:
                break
            length = min(left, _STEADY_SAMPLES) if chip.rate_per_k else left
            runs.append(Run(n, round(from_s * NS), NS / rate_hz, boot))
            n += length
            from_s += length / rate_hz
    return tuple(runs), n


def _booted(runs: Iterable[Run], start_ns: int, rng: np.random.Generator) -> tuple[Run, ...]:
    """The runs in data time, each boot with an id of its own."""
    boots: dict[int, int] = {}
    made = []
    for run in runs:
        if run.boot not in boots:
            boots[run.boot] = int(rng.integers(1, 2**32))
        made.append(replace(run, t0_ns=start_ns + run.t0_ns, boot=boots[run.boot]))
    return tuple(made)


def _stick(counts: Counts, runs: Sequence[Run], faults: Iterable[ChipFault], start_ns: int) -> None:
    for fault in faults:
        if fault.kind == "stuck_axis":
            first = index_at_or_after(runs, start_ns + round(fault.at_s * NS))
            stop = (
                len(counts)
                if fault.for_s is None
                else index_at_or_after(runs, start_ns + round(fault.end_s * NS))
            )
            hold_axis(counts[first:stop], fault.axis)


def _counted(
    seen: Seen,
    chip: Chip,
    warmth: Warmth,
    runs: Sequence[Run],
    n: int,
    rng: np.random.Generator,
) -> tuple[Counts, NDArray[np.bool_]]:
    counts, clipped = np.empty((n, 6), np.int16), np.empty(n, np.bool_)
    for run, end in zip(runs, [*(run.first for run in runs[1:]), n], strict=True):
        dt_s = run.step_ns / NS
        for first in range(run.first, end, _STRETCH):
            stop = min(first + _STRETCH, end)
            t0_s = run.t0_ns / NS + (first - run.first) * dt_s
            acc, gyro = seen.at(t0_s=t0_s, dt_s=dt_s, n=stop - first)
            times_s: NDArray[np.float64] = t0_s + dt_s * np.arange(stop - first, dtype=np.float64)
            warmer_k = warmth.at(times_s) - REFERENCE_C
            counts[first:stop], clipped[first:stop] = chip.measure(
                acc, gyro, rng, warmer_k=warmer_k.astype(np.float32)
            )
    return counts, clipped
