"""What the sensors measured about an event, ready to be drawn: physical units, gaps left open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Segment, Site
from store.recording import GAP_STEPS, settled
from store.shelf import Shelf

__all__ = ["Waveform", "heard_ns", "waveforms", "waveforms_of"]

_LONGEST_SEGMENT_NS: Final = 5 * NS
"""How long before the span a packet may begin that still reaches into it: a sock sends about five in a second,
other people's recorders up to one in a few seconds."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """One site's samples in a span. Where there was a gap one row of NaN stands in it, so that a line breaks there."""

    site: Site
    times_ns: NDArray[np.int64]
    """data time of each row, increasing; shape (rows,)"""
    acc_g: _Floats
    """acceleration, shape (rows, 3)"""
    gyro_dps: _Floats | None
    """angular rate in degrees per second, shape (rows, 3); None for a sensor without a gyro"""

    def seconds(self, since_ns: int) -> _Floats:
        """Time of each row in seconds since a moment; shape (rows,)."""
        return (self.times_ns - since_ns) / NS

    @property
    def moved_g(self) -> _Floats:
        """Size of the acceleration about its own middle, so that gravity does not hide a movement; shape (rows,)."""
        known = self.acc_g[~np.isnan(self.acc_g[:, 0])]
        size: _Floats = np.linalg.norm(self.acc_g - np.median(known, axis=0), axis=1)
        return size


def waveforms(shelf: Shelf, infant: str, onset_ns: int, end_ns: int) -> dict[Site, Waveform]:
    """The infant's samples from `onset_ns` to before `end_ns` (data time), by site in the order of `Site`.

    Samples that came late are looked for in the night after, too. A site without any sample in the span is left out,
    and so is everything where the raw data is not kept any more.

    Raises:
        store.errors.JournalError: a night cannot be read.
    """
    found: list[Segment] = []
    for path in shelf.nights_of(onset_ns, end_ns):
        with shelf.opened(path.name) as journal:
            found += journal.segments_between(infant, onset_ns - _LONGEST_SEGMENT_NS, end_ns)
    return waveforms_of(found, onset_ns, end_ns)


def waveforms_of(segments: Iterable[Segment], onset_ns: int, end_ns: int) -> dict[Site, Waveform]:
    """The same of segments that are at hand; they may come in any order."""
    by_site: dict[Site, list[Segment]] = {}
    for segment in settled(segments):
        by_site.setdefault(segment.site, []).append(segment)
    made = ((site, _waveform(site, by_site[site], onset_ns, end_ns)) for site in Site if site in by_site)
    return {site: wave for site, wave in made if wave is not None}


def heard_ns(wave: Waveform, onset_ns: int, end_ns: int) -> int:
    """How much of a span a site's samples cover."""
    times = wave.times_ns
    if times.size < 2:
        return 0
    steps = np.diff(times)
    lasts = np.append(steps, np.median(steps).astype(np.int64))  # a row of NaN ends the sample before it
    begins, ends = np.clip(times, onset_ns, end_ns), np.clip(times + lasts, onset_ns, end_ns)
    return int((ends - begins)[~np.isnan(wave.acc_g[:, 0])].sum())


def _waveform(site: Site, segments: Sequence[Segment], onset_ns: int, end_ns: int) -> Waveform | None:
    """One site's rows; None where none lies in the span."""
    has_gyro = all(s.counts.shape[1] > 3 for s in segments)
    times: list[NDArray[np.int64]] = []
    values: list[_Floats] = []
    known_ns: int | None = None
    for segment in segments:
        own_ns = segment.t0_ns + np.arange(segment.n, dtype=np.int64) * segment.step_ns
        inside = (own_ns >= onset_ns) & (own_ns < end_ns)
        if known_ns is not None:
            inside &= own_ns >= known_ns  # a sensor that starts anew may tell a moment twice
        if not inside.any():
            continue
        first_ns = int(own_ns[inside][0])
        if known_ns is not None and first_ns - known_ns > GAP_STEPS * segment.step_ns:
            times.append(np.array([known_ns], dtype=np.int64))
            values.append(np.full((1, 6 if has_gyro else 3), np.nan))
        times.append(own_ns[inside])
        values.append(_physical(segment, has_gyro=has_gyro)[inside])
        known_ns = int(own_ns[inside][-1]) + segment.step_ns
    if not times:
        return None
    rows = np.concatenate(values)
    return Waveform(site, np.concatenate(times), rows[:, :3], rows[:, 3:] if has_gyro else None)


def _physical(segment: Segment, *, has_gyro: bool) -> _Floats:
    acc = segment.counts[:, :3] * segment.scale.acc_g
    if not has_gyro:
        return np.asarray(acc, dtype=np.float64)
    return np.hstack((acc, segment.counts[:, 3:6] * segment.scale.gyro_dps))
