"""Rows of evidence of a whole series: what its members have on average, and how it went on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from dsp.grid import GRID_HZ
from dsp.records import Evidence
from dsp.rhythm import intervals_of

__all__ = ["COURSE", "course_of", "means_of"]

COURSE: Final = ("interval_trend", "middle_to_ends")
"""Names of the rows of a whole series' course; they follow it to its end."""

_LEAST_IN_A_THIRD: Final = 2
"""Movements, below which a series has no course."""


def course_of(ks: Sequence[int], heights_g: Sequence[float]) -> list[Evidence]:
    """Whether the pauses of a series grew, and whether it rose and fell; measured and not weighed.

    Series that rise and fall are a bonus, never a requirement.

    Args:
        ks: grid indices of its members, rising.
        heights_g: the peak of each, above 0.
    """
    intervals = intervals_of([(k - ks[0]) / GRID_HZ for k in ks])
    said = [] if intervals is None else [Evidence("interval_trend", intervals.trend, 0.0)]
    third = len(heights_g) // 3
    if third >= _LEAST_IN_A_THIRD:
        ends, middle = (*heights_g[:third], *heights_g[-third:]), heights_g[third:-third]
        ratio = sum(middle) / len(middle) / (sum(ends) / len(ends))
        said.append(Evidence("middle_to_ends", math.log(ratio), 0.0))
    return said


def means_of(about: str, lists: Sequence[Sequence[Evidence]]) -> list[Evidence]:
    """Mean evidence of the members, by name; it adds up to the log-odds of one of them.

    Args:
        about: the question that their rows answer; it stands before the names.
        lists: the rows of each member.
    """
    rows: dict[str, list[Evidence]] = {}
    for evidence in lists:
        for e in evidence:
            rows.setdefault(e.name, []).append(e)
    n = max(len(lists), 1)
    return [
        Evidence(f"{about}.{name}", sum(e.value for e in es) / len(es), sum(e.contribution for e in es) / n)
        for name, es in rows.items()
    ]
