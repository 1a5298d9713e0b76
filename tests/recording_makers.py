"""Recordings made up for the tests of what they are written as and read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, ClockRow, Note, Segment, Site, State, StateEpoch, Tick
from lullwatch.watch import Watch, config_of
from store.journal import Journal
from store.recording import AtRest, Recording, settled
from store.rows import FedRow
from store.samples import times_of
from tests.store_examples import STEP_NS, event, segment, segment_row

START_UTC_NS = 1_773_525_600 * NS + 123_456_789
"""2026-03-14 22:00:00.123 UTC"""

T0_NS = 77 * NS + 421
"""data time of the first sample"""


def segments_of(
    seconds: float, sites: Sequence[Site] = (Site.LA, Site.RA, Site.TR), *, axes: int = 6
) -> list[Segment]:
    """Packets of 16 samples, each sock by its own clock with its own corrections from packet to packet."""
    made = []
    for number, site in enumerate(sites):
        step_ns = STEP_NS + 150 * number
        for seq in range(int(seconds * 6.5)):
            t0_ns = T0_NS + number * 3_000_000 + seq * 16 * step_ns + (seq % 3) * 400
            made.append(segment(seq, site=site, t0_ns=t0_ns, step_ns=step_ns + seq % 2, axes=axes))
    return made


def with_gaps(seconds: float = 200) -> list[Segment]:
    """Three sites: the left ankle away for half a minute, then all of them for six minutes."""
    first = [s for s in segments_of(seconds) if not (s.site is Site.LA and 100 < s.seq < 300)]
    last_ns = max(s.end_ns for s in first)
    later = [
        replace(s, seq=s.seq + 100_000, t0_ns=s.t0_ns - T0_NS + last_ns + 360 * NS) for s in segments_of(20)
    ]
    return [*first, *later]


def recording_of(segments: Sequence[Segment], **changes: Any) -> Recording:
    ordered = settled(segments)
    t0_ns = min(s.t0_ns for s in ordered)
    values: dict[str, Any] = {
        "infant": "kid",
        "zone": "Europe/Kyiv",
        "start_utc_ns": START_UTC_NS,
        "t0_ns": t0_ns,
        "segments": ordered,
        "events": (event(onset_ns=t0_ns + 13 * NS), event("e2", onset_ns=t0_ns + 100 * NS)),
        "states": (StateEpoch("kid", t0_ns + 30 * NS, 30 * NS, State.QUIET_SLEEP, 0.75, 0.5, 0.25, None),),
        "notes": (Note("kid", t0_ns + 20 * NS, "seen", "Emma was awake", "Emma's mother"),),
    }
    return Recording(**{**values, **changes})


def journal_of(path: Path, recording: Recording, *, age_days: int | None = 120) -> Path:
    """A journal that holds a recording."""
    rows: list[Any] = [
        ClockRow(recording.t0_ns, recording.start_utc_ns or 0, "boot", recording.zone),
        config_of(Watch.of(recording.infant, recording.sites, age_days), recording.t0_ns),
        *(segment_row(s, recording.infant, clock=7 * s.seq, arrived_ns=s.end_ns) for s in recording.segments),
        FedRow(recording.infant, Tick(recording.end_ns)),
        *recording.events,
        *recording.states,
        *recording.notes,
    ]
    with Journal.open(path) as journal:
        journal.commit(rows)
    return path


def samples_of(recording: AtRest, site: Site) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Time from the recording's start and g and deg/s of every sample of a site, by time."""
    times, values = [], []
    for stretch in (s for s in recording.stretches if s.site is site):
        t_ns, places = times_of(stretch)
        axes = stretch.counts.shape[1]
        factors = np.array([stretch.scale.acc_g] * 3 + [stretch.scale.gyro_dps] * (axes - 3))
        times.append(t_ns - recording.t0_ns)
        values.append(stretch.counts[places] * factors)
    return np.concatenate(times), np.concatenate(values)


def same_samples(one: AtRest, other: AtRest) -> bool:
    """Whether two recordings have the same samples at the same times, whatever packets they came in."""
    if one.sites != other.sites:
        return False
    pairs = [(samples_of(one, site), samples_of(other, site)) for site in one.sites]
    return all(np.array_equal(a[0], b[0]) and np.allclose(a[1], b[1], rtol=1e-7, atol=0) for a, b in pairs)
