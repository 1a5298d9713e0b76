"""How alike the movements of a series are, and how still it is between them.

One infant's contractions turn the trunk about much the same axis and rise alike, with rest in between; what kicking
and handling do to the trunk goes every way. Axes are compared in each sensor's own frame, so mounting does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from dsp.chain import HOP, Chain
from dsp.grid import GRID_HZ
from dsp.records import Site
from dsp.shape import AFTER_K, LEG_REST_DEG, Shape

__all__ = ["Trace", "likeness_of", "trace_of"]

_EARLIER = 4
"""Movements looked back at: one that does not belong must not decide."""

_LEAST_HOPS = 2
_ONSET_HOPS = 3
"""0.75 s: a movement has begun at most this long before its anchor."""

_LEAST_G = 0.002
_LEAST_RISE_S = 0.03
_LEAST_SWING_DEG = 0.05

_LEGS = (Site.LA, Site.RA)

Way = tuple[float, float, float]


@dataclass(slots=True)
class Trace:
    """What a movement is compared by later on."""

    k: int
    anchor: Site
    peak_g: float
    ways: dict[Site, Way] = field(default_factory=dict)
    """axis of each site's rotation in its sensor, pointing the way it turned first; of length 1"""
    rise: float | None = None
    """natural logarithm of the anchor site's rise in s"""
    swing: float | None = None
    """natural logarithm of its rotation in degrees"""
    side: float | None = None
    """natural logarithm of the left leg's rotation over the right one's"""


def trace_of(k: int, anchor: Site, shapes: Mapping[Site, Shape]) -> Trace:
    """What is remembered of the movement anchored at grid index k."""
    turn = shapes[anchor].turn
    return Trace(
        k=k,
        anchor=anchor,
        peak_g=shapes[anchor].peak_g,
        ways={site: shape.turn.way for site, shape in shapes.items() if shape.turn is not None},
        rise=None if turn is None else math.log(max(turn.rise_s, _LEAST_RISE_S)),
        swing=None if turn is None else math.log(max(turn.swing_deg, _LEAST_SWING_DEG)),
        side=_side(anchor, shapes),
    )


def _side(anchor: Site, shapes: Mapping[Site, Shape]) -> float | None:
    legs = [shapes[s] for s in _LEGS if s in shapes and s is not anchor]
    if len(legs) < len(_LEGS) or not all(leg.gyro for leg in legs):
        return None
    left, right = (math.log(max(leg.turn.swing_deg if leg.turn else 0.0, LEG_REST_DEG)) for leg in legs)
    return left - right


def likeness_of(own: Trace, before: Sequence[Trace], chains: Mapping[Site, Chain]) -> dict[str, float]:
    """Measurements of a movement as one more of a series, by name; what cannot be measured is left out.

    Args:
        own: The movement.
        before: Those of the series so far, the newest last; at least one.
        chains: The sites that were seen.
    """
    some = before[-_EARLIER:]
    values = {"pause": math.log((own.k - before[-1].k) / GRID_HZ)}
    # A leg's hip and knee share a contraction differently each time: only the trunk's axis stays.
    turned = _cosines(own, some, Site.TR)
    if turned:
        values["trunk_axis_kept"] = sum(map(abs, turned)) / len(turned)
        values["trunk_way_kept"] = median(turned)
    legs = [_cosines(own, some, s) for s in _LEGS]
    if all(legs) and len(legs) == len(_LEGS):
        values["legs_way_kept"] = sum(sum(c) / len(c) for c in legs) / len(legs)
    # what one site's rotation is like tells nothing of another's
    like = [t for t in some if t.anchor is own.anchor]
    rises = [abs(own.rise - t.rise) for t in like if own.rise is not None and t.rise is not None]
    if rises:
        values["rise_differs"] = median(rises)
    swings = [abs(own.swing - t.swing) for t in like if own.swing is not None and t.swing is not None]
    if swings:
        values["turn_differs"] = median(swings)
    sides = [abs(own.side - t.side) for t in some if own.side is not None and t.side is not None]
    if sides:
        values["side_differs"] = sum(sides) / len(sides)
    return {**values, **_between(own, before[-1], chains)}


def _cosines(own: Trace, some: Sequence[Trace], site: Site) -> list[float]:
    a = own.ways.get(site)
    if a is None:
        return []
    return [_dot(a, t.ways[site]) for t in some if site in t.ways]


def _dot(a: Way, b: Way) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _between(own: Trace, last: Trace, chains: Mapping[Site, Chain]) -> dict[str, float]:
    """How much there was of other movement since the last one, against this one's size."""
    a, b = -(-(last.k + AFTER_K) // HOP) - 1, own.k // HOP - _ONSET_HOPS
    sizes = {s: size for s, c in chains.items() if (size := _size(c, a, b)) is not None}
    found = {}
    if own.anchor in sizes:
        found["trunk_moved_between"] = sizes[own.anchor] - math.log(own.peak_g)
    legs = [sizes[s] for s in _LEGS if s in sizes and s is not own.anchor]
    if legs:
        found["legs_moved_between"] = max(legs) - math.log(own.peak_g)
    return found


def _size(chain: Chain, a: int, b: int) -> float | None:
    """Natural logarithm of the root mean square motion in hops a to b - 1; None for too few of them."""
    square = chain.hops.column("square", a, b) if b > a else ()
    if len(square) < _LEAST_HOPS:
        return None
    total = 0.0
    for x in square:
        total += float(x)
    return math.log(max(math.sqrt(total / (len(square) * HOP)), _LEAST_G))
