"""Points of a database put together again: packets as the journal has them, in stretches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Counts, Scale, Site, Stretch
from store.errors import StoreError
from store.influx_frames import Frame

__all__ = ["Assembled", "MoreThanOne", "Shelves"]


_ONE_TIMELINE_NS: Final = 60 * NS
"""How far UTC and data time may move against each other in one recording: clocks are set by seconds; data time that
begins anew differs by the length of the recording before."""


class MoreThanOne(StoreError):
    """A span holds recordings whose data time is not one line."""

    def __init__(self, database: str, site: str) -> None:
        super().__init__(
            f"database {database!r}: the span holds more than one recording (the gateway's time of site {site} begins "
            "anew in it). Choose one with --from and --to."
        )


_Number = TypeVar("_Number", np.int64, np.int16, np.float64)


@dataclass(frozen=True, slots=True)
class Assembled:
    """Everything that was put together."""

    stretches: tuple[Stretch, ...]
    t0_ns: int
    start_utc_ns: int | None
    remarks: tuple[str, ...]


@dataclass(slots=True)
class _Shelf:
    """One sensor's points so far."""

    counts: list[Counts] = field(default_factory=list)
    heads: list[NDArray[np.int64]] = field(default_factory=list)
    utc_ns: list[NDArray[np.int64]] = field(default_factory=list)
    whole: list[NDArray[np.int64]] = field(default_factory=list)
    """boot, seq, n, step, flags and time of each packet"""
    scales: list[NDArray[np.float64]] = field(default_factory=list)
    points: int = 0


class Shelves:
    """Collects points window by window.

    Args:
        database: named in errors.
        end_utc_ns: packets that begin from here on are not wanted, only the ends of those before.
    """

    def __init__(self, database: str, end_utc_ns: int) -> None:
        self._database = database
        self._end_utc_ns = end_utc_ns
        self._shelves: dict[tuple[str, str], _Shelf] = {}
        self._made: list[Stretch] = []
        self._starts: list[tuple[int, int]] = []
        self._left_out = 0

    def add(self, frame: Frame) -> None:
        """Take further points, later than all before of the same sensor."""
        shelf = self._shelves.setdefault((frame.site, frame.sensor), _Shelf())
        shelf.heads.append(frame.heads + shelf.points)
        shelf.utc_ns.append(frame.first_utc_ns)
        shelf.counts.append(frame.counts)
        shelf.points += len(frame.counts)
        words = np.array(" ".join(frame.described).split(), dtype="S32").reshape(-1, 8)
        shelf.whole.append(words[:, [0, 1, 2, 3, 6, 7]].astype(np.int64))
        shelf.scales.append(words[:, 4:6].astype(np.float64))

    def finish(self) -> None:
        """Make stretches of the points so far, and let the points go."""
        while self._shelves:
            (site, sensor), shelf = self._shelves.popitem()
            packets = self._packets(site, shelf)
            if packets is not None:
                self._made += packets.stretches(Site(site), sensor)

    def stretches(self) -> Assembled:
        """What the points make."""
        self.finish()
        made = sorted(self._made, key=lambda s: (s.t0_ns, s.site, s.sensor, s.boot, int(s.seqs[0])))
        t0_ns, start_utc_ns = min(self._starts, default=(0, None))
        remark = f"{self._left_out} packets are left out: not all of their samples are in the database"
        return Assembled(tuple(made), t0_ns, start_utc_ns, (remark,) if self._left_out else ())

    def _packets(self, site: str, shelf: _Shelf) -> _Packets | None:
        """Packets of which every sample is there, in the order of time; None when there are none."""
        heads, utc_ns = _joined(shelf.heads), _joined(shelf.utc_ns)
        whole, scales = _joined(shelf.whole), _joined(shelf.scales)
        complete = np.diff(heads, append=shelf.points) == whole[:, 2]
        wanted = utc_ns < self._end_utc_ns
        self._left_out += int(np.count_nonzero(wanted & ~complete))
        if _spread(utc_ns[wanted] - whole[wanted, 5]) > _ONE_TIMELINE_NS:
            raise MoreThanOne(self._database, site)
        keep = np.flatnonzero(complete & wanted)
        if not keep.size:
            return None
        keep = keep[np.argsort(whole[keep, 5], kind="stable")]
        self._starts.append((int(whole[keep[0], 5]), int(utc_ns[keep[0]])))
        return _Packets(heads[keep], whole[keep], scales[keep], _joined(shelf.counts))


def _joined(parts: list[NDArray[_Number]]) -> NDArray[_Number]:
    """The parts as one; they are let go."""
    joined = np.concatenate(parts)
    parts.clear()
    return joined


def _spread(values: NDArray[np.int64]) -> int:
    return int(np.ptp(values)) if values.size else 0


@dataclass(frozen=True, slots=True)
class _Packets:
    """Columns of one sensor's packets."""

    firsts: NDArray[np.int64]
    whole: NDArray[np.int64]
    scales: NDArray[np.float64]
    counts: Counts

    @property
    def t0s_ns(self) -> NDArray[np.int64]:
        return self.whole[:, 5]

    def stretches(self, site: Site, sensor: str) -> Sequence[Stretch]:
        """Packets of one start and scale that follow each other are one stretch."""
        changed = np.any(np.diff(self.scales, axis=0) != 0, axis=1) | (np.diff(self.whole[:, 0]) != 0)
        edges = [0, *(np.flatnonzero(changed) + 1).tolist(), len(self.whole)]
        return [self._stretch(site, sensor, slice(a, b)) for a, b in pairwise(edges)]

    def _stretch(self, site: Site, sensor: str, part: slice) -> Stretch:
        boots, seqs, ns, steps, flags, times = self.whole[part].T
        acc_g, gyro_dps = self.scales[part][0].tolist()
        return Stretch(
            site, sensor, int(boots[0]), Scale(acc_g, gyro_dps),
            seqs=seqs.copy(), t0s_ns=times.copy(), steps_ns=steps.copy(), ns=ns.copy(),
            firsts=self.firsts[part], flags=flags.copy(), counts=self.counts,
        )  # fmt: skip
