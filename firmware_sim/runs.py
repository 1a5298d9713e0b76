"""When samples were truly taken: runs of evenly spaced samples, with a gap where the chip stood still."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Run", "boot_end", "index_at_or_after", "run_of", "time_ns", "times_ns"]

_EARLY: Final = 1e-6
"""Share of a step by which a sample may lie before an instant and still count as at it: rounding of ns."""


@dataclass(frozen=True, slots=True)
class Run:
    """Samples from `first` to the next run's first: sample ``first + i`` was taken at ``t0_ns + i * step_ns``.

    A new boot means that the chip started anew. Two runs of one boot follow one another without a gap:
    the chip's own oscillator has become a little faster or slower.
    """

    first: int
    t0_ns: int
    step_ns: float
    boot: int = 1


def run_of(runs: Sequence[Run], index: int) -> Run:
    """The run a sample belongs to."""
    return runs[max(0, bisect_right(runs, index, key=attrgetter("first")) - 1)]


def time_ns(runs: Sequence[Run], index: int) -> int:
    """True time of a sample, ns."""
    run = run_of(runs, index)
    return run.t0_ns + round((index - run.first) * run.step_ns)


def times_ns(runs: Sequence[Run], n: int) -> NDArray[np.int64]:
    """True times of all `n` samples, shape (n,), ns."""
    out = np.empty(n, np.int64)
    for run, end in zip(runs, [*(run.first for run in runs[1:]), n], strict=True):
        steps = np.arange(end - run.first) * run.step_ns
        out[run.first : end] = run.t0_ns + np.rint(steps).astype(np.int64)
    return out


def index_at_or_after(runs: Sequence[Run], t_ns: int) -> int:
    """Index of the first sample taken at `t_ns` or later; beyond the last sample it counts on."""
    at = max(0, bisect_right(runs, t_ns, key=attrgetter("t0_ns")) - 1)
    run = runs[at]
    index = run.first + max(0, math.ceil((t_ns - run.t0_ns) / run.step_ns - _EARLY))
    return min(index, runs[at + 1].first) if at + 1 < len(runs) else index


def boot_end(runs: Sequence[Run], index: int, n: int) -> int:
    """Index after the last sample of the boot that sample `index` belongs to, `n` at most."""
    boot = run_of(runs, index).boot
    return min((run.first for run in runs if run.first > index and run.boot != boot), default=n)
