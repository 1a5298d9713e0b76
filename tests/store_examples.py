"""Records made up for the tests of `store`."""

from __future__ import annotations

import enum
import types
import typing
from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import strategies as st

from dsp.records import (
    Event,
    EventStatus,
    Evidence,
    Label,
    Packet,
    Scale,
    Segment,
    SegmentFlag,
    Site,
    State,
)
from store.rows import SegmentRow

SCALE = Scale(acc_g=8 / 32768, gyro_dps=2000 / 32768)
STEP_NS = 9_615_385
"""one sample at 104 Hz"""

_INT64 = st.integers(-(2**63), 2**63 - 1)


def strategy_for(hint: Any) -> st.SearchStrategy[Any]:
    """Values of an annotation as the records use them: finite floats, 64-bit integers."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return st.lists(strategy_for(args[0]), max_size=3).map(tuple)
        return st.tuples(*map(strategy_for, args))
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*map(strategy_for, args))
    if origin is dict:
        return st.dictionaries(*map(strategy_for, args), max_size=3)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(list(hint))
    if hasattr(hint, "__dataclass_fields__"):
        return records(hint)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        int: _INT64,
        float: st.floats(allow_nan=False, allow_infinity=False),
        str: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        bool: st.booleans(),
        types.NoneType: st.none(),
    }
    return simple[hint]


def records(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Any value of a record."""
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{f.name: strategy_for(hints[f.name]) for f in fields(kind)})


def segment(
    seq: int = 0,
    *,
    site: Site = Site.LA,
    t0_ns: int | None = None,
    n: int = 16,
    axes: int = 6,
    boot: int = 7,
    step_ns: int = STEP_NS,
    sensor: str | None = None,
    flags: SegmentFlag = SegmentFlag.NONE,
    scale: Scale = SCALE,
) -> Segment:
    rng = np.random.default_rng(seq + 1000 * list(Site).index(site))
    counts = rng.integers(-32768, 32768, (n, axes), dtype=np.int16)
    return Segment(
        site=site,
        sensor=sensor or f"sock-{site}",
        boot=boot,
        seq=seq,
        t0_ns=seq * n * step_ns if t0_ns is None else t0_ns,
        step_ns=step_ns,
        counts=counts,
        scale=scale,
        flags=flags,
    )


def segment_row(made: Segment, infant: str = "kid", *, clock: int = 0, arrived_ns: int = 0) -> SegmentRow:
    packet = Packet(
        made.site,
        made.sensor,
        made.boot,
        made.seq,
        clock,
        104.0,
        made.scale,
        made.counts,
        made.flags,
        arrived_ns,
    )
    return SegmentRow(infant, packet, made)


def event(event_id: str = "e1", version: int = 1, onset_ns: int = 5 * 10**9, **changes: Any) -> Event:
    values: dict[str, Any] = {
        "id": event_id,
        "version": version,
        "status": EventStatus.NEW,
        "label": Label.SPASM_LIKE_CLUSTER,
        "infant": "kid",
        "onset_ns": onset_ns,
        "end_ns": onset_ns + 42_500_000_000,
        "told_ns": onset_ns + 43 * 10**9,
        "count": 5,
        "sites": (Site.LA, Site.RA),
        "side": "both",
        "state_before": State.ACTIVE_SLEEP,
        "state_during": State.AWAKE,
        "state_after": State.UNKNOWN,
        "since_waking_s": 61.25,
        "interval_mean_s": 8.5,
        "interval_cv": None,
        "match": 0.8125,
        "confidence": 0.7,
        "conveyed": 0.0,
        "evidence": (Evidence("interval_cv", 0.21, 0.9), Evidence("both_sides", 1.0, -0.25)),
        "settings": "1:abc",
    }
    return Event(**{**values, **changes})
