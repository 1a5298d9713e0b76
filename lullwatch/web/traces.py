"""The last minute of every sensor as small as a phone can show it: the strongest movement of each 50 ms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Segment, Site

__all__ = ["BUCKET_NS", "SHOWN_NS", "Trace", "Traces"]

BUCKET_NS = 50_000_000
"""1200 points in a minute: a phone is about as many dots wide."""
SHOWN_NS = 60 * NS
_SETTLES_S = 1.0
"""How fast the middle follows the sensor's attitude: a turn is seen as a movement and then forgotten."""
_LATE_NS = 2 * NS
"""What is older than the newest sample by more is fetched from a sensor's store: it moves no middle."""
_MG = 1000.0

Changed = tuple[int, list[int | None]]
"""Number of the first bucket, and thousandths of g from there on; None where there is no sample."""


class Trace:
    """One sensor's last minute."""

    def __init__(self) -> None:
        self._peaks: dict[int, int] = {}
        self._changed: set[int] = set()
        self._middle: NDArray[np.float64] | None = None
        self.newest_ns = 0
        """end of the newest sample, data time"""

    def add(self, segment: Segment) -> None:
        """Take a segment; the size of acceleration about its moving middle is what is kept."""
        if segment.n == 0:
            return
        acc = segment.counts[:, :3] * segment.scale.acc_g
        own = acc.mean(axis=0)
        late = segment.end_ns < self.newest_ns - _LATE_NS
        if segment.t0_ns > self.newest_ns + _LATE_NS:
            self._middle = None  # who knows how it lies after a hole
        middle = own if late or self._middle is None else self._middle
        size = np.linalg.norm(acc - middle, axis=1) * _MG
        if not late:
            share = 1.0 - np.exp(-segment.n * segment.step_ns / NS / _SETTLES_S)
            self._middle = middle + share * (own - middle)
        buckets = (segment.t0_ns + np.arange(segment.n, dtype=np.int64) * segment.step_ns) // BUCKET_NS
        firsts = np.flatnonzero(np.diff(buckets, prepend=buckets[0] - 1))
        for bucket, peak in zip(
            buckets[firsts].tolist(), np.maximum.reduceat(size, firsts).tolist(), strict=True
        ):
            self._peaks[bucket] = max(round(peak), self._peaks.get(bucket, 0))
            self._changed.add(bucket)
        self.newest_ns = max(self.newest_ns, segment.end_ns)
        self._forget()

    def whole(self) -> Changed | None:
        """Everything that is known of the last minute."""
        return self._from(set(self._peaks))

    def news(self) -> Changed | None:
        """What has changed since this was asked last; None when nothing has."""
        changed, self._changed = self._changed, set()
        return self._from(changed & self._peaks.keys())

    def strongest_mg(self, since_ns: int) -> int | None:
        """The strongest movement from a data time on; None without samples."""
        found = [peak for bucket, peak in self._peaks.items() if bucket >= since_ns // BUCKET_NS]
        return max(found, default=None)

    def _from(self, buckets: set[int]) -> Changed | None:
        if not buckets:
            return None
        first = min(buckets)
        return first, [self._peaks.get(b) for b in range(first, max(buckets) + 1)]

    def _forget(self) -> None:
        oldest = (self.newest_ns - SHOWN_NS) // BUCKET_NS
        if len(self._peaks) > 2 * SHOWN_NS // BUCKET_NS:
            self._peaks = {b: p for b, p in self._peaks.items() if b >= oldest}
            self._changed &= self._peaks.keys()


class Traces:
    """Every sensor of one infant."""

    def __init__(self) -> None:
        self.by_site: dict[Site, Trace] = {}

    @property
    def newest_ns(self) -> int:
        """End of the newest sample of any sensor; 0 without one."""
        return max((trace.newest_ns for trace in self.by_site.values()), default=0)

    def add(self, segment: Segment) -> None:
        """Take a segment of any sensor."""
        self.by_site.setdefault(segment.site, Trace()).add(segment)

    def whole(self) -> dict[str, Changed]:
        """The whole minute, by site."""
        oldest = (self.newest_ns - SHOWN_NS) // BUCKET_NS
        found = {site.value: trace.whole() for site, trace in self.by_site.items()}
        return {site: _cut(changed, oldest) for site, changed in found.items() if changed is not None}

    def news(self) -> dict[str, Changed]:
        """What has changed since this was asked last, by site."""
        found = {site.value: trace.news() for site, trace in self.by_site.items()}
        return {site: changed for site, changed in found.items() if changed is not None}


def _cut(changed: Changed, oldest: int) -> Changed:
    first, values = changed
    skip = max(0, oldest - first)
    return first + skip, values[skip:]
