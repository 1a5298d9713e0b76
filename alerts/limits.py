"""The limits of the severity table that may be set, and how far: never so far that something urgent is not heard.

Any limit that differs from the table's own puts a digest into the version that stands in each alert.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from typing import Annotated

import msgspec

from alerts.severity import TABLE, Table

__all__ = ["DEFAULT_LIMITS", "Limits", "table_of"]

_STIFF, _WEAK = "stiffening-3-in-30min", "series-weak-twice"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the settings may change. The ranges are those within which a row keeps its meaning."""

    jerking_s: Annotated[float, msgspec.Meta(ge=5, le=20)] = 10.0
    """rhythmic jerking that lasts longer rings"""
    stiffening_s: Annotated[float, msgspec.Meta(ge=8, le=20)] = 10.0
    """stiffening of this length rings; stretching takes up to 8 s, and beyond 20 s waiting has no reason"""
    stiffening_times: Annotated[int, msgspec.Meta(ge=2, le=5)] = 3
    """so many stiffenings ring"""
    stiffening_within_min: Annotated[float, msgspec.Meta(ge=15, le=60)] = 30.0
    """... when they come within this time"""
    weak_series_within_h: Annotated[float, msgspec.Meta(ge=12, le=24)] = 24.0
    """a second weak series within this time rings; the rules remember a day"""
    train_min: Annotated[float, msgspec.Meta(ge=5, le=30)] = 20.0
    """jerks asleep that go on for longer, pauses of up to two minutes included, are a notice"""
    train_age_days: Annotated[int, msgspec.Meta(ge=28, le=183)] = 183
    """jerks asleep at this age or later are a notice"""
    late_min: Annotated[float, msgspec.Meta(ge=30, le=240)] = 60.0
    """what is found so late after its end no longer rings"""
    blind_min: Annotated[float, msgspec.Meta(ge=2, le=10)] = 5.0
    """blindness that lasts longer rings"""


DEFAULT_LIMITS = Limits()
"""The table as it is."""


@lru_cache
def table_of(limits: Limits) -> Table:
    """The severity table with these limits."""
    if limits == DEFAULT_LIMITS:
        return TABLE
    when = {row.id: row.when for row in TABLE.rows}
    when |= {
        "jerking-10s": replace(when["jerking-10s"], over_s=limits.jerking_s),
        "stiffening-10s": replace(when["stiffening-10s"], from_s=limits.stiffening_s),
        _STIFF: replace(
            when[_STIFF], times=limits.stiffening_times, within_s=60 * limits.stiffening_within_min
        ),
        _WEAK: replace(when[_WEAK], within_s=3600 * limits.weak_series_within_h),
        "train-long": replace(when["train-long"], episode_over_s=60 * limits.train_min),
        "train-late-for-age": replace(when["train-late-for-age"], from_age_days=limits.train_age_days),
    }
    rows = tuple(replace(row, when=when[row.id]) for row in TABLE.rows)
    digest = sha256(msgspec.json.encode(limits)).hexdigest()[:8]
    return replace(
        TABLE, rows=rows, changed=digest, late_limit_s=60.0 * limits.late_min, blind_s=60.0 * limits.blind_min
    )
