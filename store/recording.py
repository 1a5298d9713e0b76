"""A night as a value: what every archive format is written from and read back to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

import numpy as np

from dsp.records import (
    ClockRow,
    Coverage,
    Event,
    EventStatus,
    Note,
    Segment,
    SegmentFlag,
    Site,
    StateEpoch,
    Stretch,
)
from store.journal import Journal
from store.notes import standing_notes
from store.utc import UtcMap

_T = TypeVar("_T")

__all__ = [
    "FILLING",
    "GAP_STEPS",
    "NOT_RECEIVED",
    "RESTART",
    "Annotation",
    "AtRest",
    "Gap",
    "Recording",
    "at_rest",
    "from_journal",
    "gaps_of",
    "newest_of",
    "order_of",
    "place_in_time",
    "settled",
    "standing_events",
]

NOT_RECEIVED = "not_received"
"""cause of a gap nobody can explain"""

RESTART = "restart"
"""cause of a gap at whose end the sensor started anew"""

FILLING = "filling"
"""cause of what stands in a file before a site's first sample and after its last"""

GAP_STEPS = 1.5
"""Hole between two segments, in steps, from which it is a gap: a lost sample is one step, the clock fit's
corrections from packet to packet stay well under half of one."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """Something a recording says about a stretch of time, in the recording's own words."""

    onset_ns: int
    """data time"""
    duration_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of which a site has no samples."""

    site: Site
    onset_ns: int
    end_ns: int
    cause: str


@dataclass(frozen=True, slots=True)
class Recording:
    """Segments of one infant in time order, and what is known beside them."""

    infant: str
    zone: str
    """IANA name of the time zone of the night"""
    start_utc_ns: int | None
    """UTC at `t0_ns`; None when the recording does not say"""
    t0_ns: int
    """data time of the recording's start: onsets in tables are seconds from here"""
    segments: tuple[Segment, ...]
    events: tuple[Event, ...] = ()
    states: tuple[StateEpoch, ...] = ()
    notes: tuple[Note, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    """what a file that was read carried as annotations"""
    remarks: tuple[str, ...] = ()
    """what a reader had to do to make segments of a file: conversions, resampling, signals left out"""

    @property
    def end_ns(self) -> int:
        """Data time after the last sample; the start when there is none."""
        return max((s.end_ns for s in self.segments), default=self.t0_ns)

    @property
    def sites(self) -> tuple[Site, ...]:
        """Sites with samples, in the order of `Site`."""
        worn = {s.site for s in self.segments}
        return tuple(site for site in Site if site in worn)

    def at_rest(self) -> AtRest:
        """The same with its segments in stretches, and without what was told."""
        return AtRest(
            self.infant, self.zone, self.start_utc_ns, self.t0_ns, tuple(at_rest(self.segments)),
            self.annotations, self.remarks,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AtRest:
    """A recording as a file holds it: stretches instead of segments, for whoever wants all of it at once."""

    infant: str
    zone: str
    start_utc_ns: int | None
    t0_ns: int
    stretches: tuple[Stretch, ...]
    annotations: tuple[Annotation, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def end_ns(self) -> int:
        """Data time after the last sample; the start when there is none."""
        return max((s.end_ns for s in self.stretches), default=self.t0_ns)

    @property
    def sites(self) -> tuple[Site, ...]:
        """Sites with samples, in the order of `Site`."""
        worn = {s.site for s in self.stretches}
        return tuple(site for site in Site if site in worn)

    def recording(self) -> Recording:
        """The same with a record for each segment."""
        return Recording(
            infant=self.infant,
            zone=self.zone,
            start_utc_ns=self.start_utc_ns,
            t0_ns=self.t0_ns,
            segments=settled(s for stretch in self.stretches for s in stretch.segments()),
            annotations=self.annotations,
            remarks=self.remarks,
        )


def settled(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Segments in the one order that does not depend on how they arrived."""
    return tuple(sorted(segments, key=order_of))


def at_rest(recorded: Iterable[Segment | Stretch]) -> list[Stretch]:
    """The same segments as stretches: those that follow each other at a site, of one start and scale, are joined."""
    rows = list(recorded)
    stretches = [row for row in rows if isinstance(row, Stretch)]
    singles: dict[Site, list[Segment]] = {}
    for segment in settled(row for row in rows if isinstance(row, Segment) and row.n):
        singles.setdefault(segment.site, []).append(segment)
    for of_site in singles.values():
        stretches += [_joined(list(run)) for _, run in groupby(of_site, key=_kind)]
    return sorted(stretches, key=lambda s: (s.t0_ns, s.site, s.sensor, s.boot, int(s.seqs[0])))


def _kind(segment: Segment) -> tuple[str, int, float, float, int]:
    scale = segment.scale
    return (segment.sensor, segment.boot, scale.acc_g, scale.gyro_dps, segment.counts.shape[1])


def _joined(run: Sequence[Segment]) -> Stretch:
    first = run[0]
    ns = np.array([s.n for s in run], dtype=np.int64)
    return Stretch(
        first.site, first.sensor, first.boot, first.scale,
        seqs=np.array([s.seq for s in run], dtype=np.int64),
        t0s_ns=np.array([s.t0_ns for s in run], dtype=np.int64),
        steps_ns=np.array([s.step_ns for s in run], dtype=np.int64),
        ns=ns,
        firsts=np.cumsum(ns) - ns,
        flags=np.array([int(s.flags) for s in run], dtype=np.int64),
        counts=first.counts if len(run) == 1 else np.concatenate([s.counts for s in run]),
    )  # fmt: skip


def order_of(segment: Segment) -> tuple[int, str, str, int, int]:
    """What segments are settled by."""
    return (segment.t0_ns, segment.site, segment.sensor, segment.boot, segment.seq)


def from_journal(journal: Journal, infant: str) -> Recording:
    """Everything a journal holds of one infant; the recording starts at the first sample."""
    segments = tuple(journal.segments(infant))
    t0_ns = min((s.t0_ns for s in segments), default=0)
    zone, start_utc_ns = place_in_time(journal.clock_rows(), t0_ns)
    return Recording(
        infant=infant,
        zone=zone,
        start_utc_ns=start_utc_ns,
        t0_ns=t0_ns,
        segments=segments,
        events=tuple(journal.events(infant)),
        states=tuple(newest_of(journal.states(infant), key=lambda s: s.t_ns)),
        notes=standing_notes(journal.notes(infant)),
        coverage=tuple(newest_of(journal.coverage(infant), key=lambda c: c.t_ns)),
    )


def standing_events(events: Iterable[Event]) -> tuple[Event, ...]:
    """The newest version of each event by onset, without those that were withdrawn or merged into another.

    Of those that begin at one moment a series stands before its members, and the shorter first: what was told late
    keeps a name that a replay does not give, so that names may not decide.
    """
    latest: dict[str, Event] = {}
    for event in events:
        if event.id not in latest or event.version >= latest[event.id].version:
            latest[event.id] = event
    standing = (e for e in latest.values() if e.status is not EventStatus.WITHDRAWN and e.merged_into is None)
    return tuple(sorted(standing, key=lambda e: (e.onset_ns, e.parent is not None, e.end_ns, e.label, e.id)))


def newest_of(rows: Iterable[_T], *, key: Callable[[_T], Any]) -> list[_T]:
    """One row for each key, the last one told, in the order of the keys: data that came late changes earlier rows."""
    newest = {key(row): row for row in rows}
    return [newest[k] for k in sorted(newest)]


def gaps_of(recording: Recording) -> Iterator[Gap]:
    """Holes between the samples of each site, from its first sample to its last."""
    for site in recording.sites:
        end_ns: int | None = None
        for segment in (s for s in recording.segments if s.site is site):
            if end_ns is not None and segment.t0_ns - end_ns > GAP_STEPS * segment.step_ns:
                cause = _cause(recording.coverage, segment, end_ns)
                yield Gap(site, end_ns, segment.t0_ns, cause)
            end_ns = segment.end_ns if end_ns is None else max(end_ns, segment.end_ns)


def _cause(coverage: Iterable[Coverage], after: Segment, onset_ns: int) -> str:
    if after.flags & SegmentFlag.RESTART:
        return RESTART
    overlapping = (c for c in coverage if c.t_ns < after.t0_ns and onset_ns < c.t_ns + c.span_ns)
    return next((cause for c in overlapping for cause in c.causes), NOT_RECEIVED)


def place_in_time(clock: list[ClockRow], t_ns: int) -> tuple[str, int | None]:
    """The time zone of a night and UTC at data time `t_ns`, None where no clock row tells it."""
    return (clock[-1].zone, UtcMap(clock).utc_ns(t_ns)) if clock else ("UTC", None)
