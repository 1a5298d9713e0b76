"""Where the samples of segments stand on an even grid, as files want them that know one rate for each signal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Segment, Site
from store.recording import Recording

__all__ = ["Track", "file_start", "runs_of", "track_of"]

_NEW_FILE_GAP_NS = 60 * NS
"""Silence of all sites from which a new file is begun: filling it would only make the file longer."""

_RATE_GRID_HZ = 0.1
"""Rates in the header are multiples of this, so that ten seconds hold a whole number of samples."""

_MAX_LAG_S = 0.25
"""How far a reader without our sidecar may see a sample late: about one packet. A sensor faster than the
header's rate falls behind; then the next rate of the grid is taken and a few samples are filling."""

_MAX_RATE_STEPS = 10
"""A sensor's rate is a few per mille off its segments' median at most; ten steps are one hertz."""


@dataclass(frozen=True, slots=True)
class Track:
    """The signals of one site in one file."""

    site: Site
    rate_hz: float
    segments: tuple[Segment, ...]
    places: NDArray[np.int64]
    """sample index of each segment's first sample"""

    @property
    def end_s(self) -> float:
        """Seconds from the grid's start to after the last sample."""
        return float(self.places[-1] + self.segments[-1].n) / self.rate_hz

    def slots(self) -> NDArray[np.int64]:
        """Place of every sample on the grid, shape (samples,), increasing."""
        lengths = np.array([s.n for s in self.segments])
        first = np.cumsum(lengths) - lengths
        return np.repeat(self.places - first, lengths) + np.arange(lengths.sum())


def runs_of(segments: Sequence[Segment]) -> Iterator[tuple[Segment, ...]]:
    """Settled segments in the parts that one file each can hold.

    A part ends at more than 60 s without any sample, and where the range or the axes of a site change.
    """
    run: list[Segment] = []
    kinds: dict[Site, tuple[object, ...]] = {}
    end_ns = segments[0].t0_ns
    for segment in segments:
        kind = (segment.scale, segment.counts.shape[1])
        changed = kinds.get(segment.site, kind) != kind
        if changed or segment.t0_ns - end_ns > _NEW_FILE_GAP_NS:
            yield tuple(run)
            run, kinds = [], {}
        kinds[segment.site] = kind
        run.append(segment)
        end_ns = max(end_ns, segment.end_ns)
    yield tuple(run)


def file_start(run: Recording) -> int:
    """Data time of sample 0: the last whole second of UTC, which is all that an EDF header can say."""
    first_ns = min(s.t0_ns for s in run.segments)
    offset_ns = 0 if run.start_utc_ns is None else run.start_utc_ns - run.t0_ns
    return (first_ns + offset_ns) // NS * NS - offset_ns


def track_of(run: Recording, site: Site, file_t0_ns: int) -> Track:
    """The signals of a site on a grid that begins at `file_t0_ns`, at the sensor's own rate to 0.1 Hz."""
    segments = tuple(s for s in run.segments if s.site is site)
    rate_hz = _grid_rate(float(np.median([s.step_ns for s in segments])))
    for _ in range(_MAX_RATE_STEPS):
        places, lag_s = _place(segments, rate_hz, file_t0_ns)
        if lag_s <= _MAX_LAG_S:
            break
        rate_hz = round(rate_hz + _RATE_GRID_HZ, 1)
    return Track(site, rate_hz, segments, places)


def _grid_rate(step_ns: float) -> float:
    return max(round(round(NS / step_ns / _RATE_GRID_HZ) * _RATE_GRID_HZ, 1), _RATE_GRID_HZ)


def _place(segments: Sequence[Segment], rate_hz: float, file_t0_ns: int) -> tuple[NDArray[np.int64], float]:
    """Index of each segment's first sample by its time, pushed back where the one before is still going on.

    Also returns the largest push in seconds.
    """
    wanted = np.array([round((s.t0_ns - file_t0_ns) * rate_hz / NS) for s in segments], dtype=np.int64)
    before = np.concatenate(([0], np.cumsum([s.n for s in segments])[:-1])).astype(np.int64)
    places = before + np.maximum.accumulate(wanted - before)
    return places, float((places - wanted).max()) / rate_hz
