"""Times that a database packs well: consecutive packets of a sensor on one even grid.

A database stores a run of even times in a few bytes, and every field has a column of times of its own. The clock
fit corrects the step by some nanoseconds with each packet, so that the exact times of a night take four times the
room of everything else together. Points are therefore placed on the grid of the packets before them as long as
they lie near it; the exact time and step of each packet travel in the field `segment`.

What a packet's grid is follows from rows of the journal alone, from the begin of its window of rows on, so that a
sink that starts anew places the same packets at the same times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsp.records import Segment, SegmentFlag

__all__ = ["WINDOW_ROWS", "EvenTimes", "window_of"]

WINDOW_ROWS: Final = 4096
"""Rows after which every grid begins anew, some three minutes of three sensors: so much is read again at a start."""

_OFF_MOST_NS: Final = 2_000_000
"""How far a point may stand from its sample's time: sites agree within 10 ms, a chart shows no difference."""

_OFF_MOST_STEPS: Final = 0.2
"""The same in steps, so that points of a fast sensor never meet when a grid begins anew."""

_ENOUGH_SAMPLES: Final = 400
"""A run of this length tells its mean step to some nanoseconds, and the next run begins with it."""


@dataclass(slots=True)
class _Run:
    first_ns: int
    step_ns: int
    samples: int
    next_seq: int
    due_ns: int
    """place on the grid of the sample that comes next"""


_Key = tuple[str, str, str, int, bool]


def window_of(row: int) -> int:
    """The row before the first one of the window that `row` lies in."""
    return (row - 1) // WINDOW_ROWS * WINDOW_ROWS


class EvenTimes:
    """Places packets; to be shown every packet in row order."""

    def __init__(self) -> None:
        self._window = -1
        self._runs: dict[_Key, _Run] = {}

    def place(self, row: int, infant: str, segment: Segment) -> tuple[int, int]:
        """Time (data time) and step of the points of a packet, both in ns.

        Args:
            row: the packet's row of the journal.
            infant: whose it is.
            segment: the packet on the gateway's timeline.
        """
        if window_of(row) != self._window:
            self._window, self._runs = window_of(row), {}
        back = SegmentFlag.BACKFILL in segment.flags
        key = (infant, str(segment.site), segment.sensor, segment.boot, back)
        run = self._runs[key] = _joined(self._runs.get(key), segment)
        due_ns, n = run.due_ns, segment.n
        run.samples += n
        run.next_seq = segment.seq + 1
        run.due_ns += n * run.step_ns
        return due_ns, run.step_ns


def _joined(run: _Run | None, segment: Segment) -> _Run:
    """The run that a packet belongs to, with the packet's place as what is due."""
    if run is None or run.next_seq != segment.seq:
        return _Run(segment.t0_ns, segment.step_ns, 0, segment.seq, segment.t0_ns)
    limit_ns = min(_OFF_MOST_NS, _OFF_MOST_STEPS * segment.step_ns)
    ends_off_ns = run.due_ns + segment.n * run.step_ns - segment.end_ns
    if max(abs(run.due_ns - segment.t0_ns), abs(ends_off_ns)) <= limit_ns:
        return run
    learnt = run.samples >= _ENOUGH_SAMPLES
    step_ns = round((segment.t0_ns - run.first_ns) / run.samples) if learnt else segment.step_ns
    return _Run(segment.t0_ns, step_ns, 0, segment.seq, segment.t0_ns)
