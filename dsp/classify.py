"""From measurements to weighed evidence: one anchored movement, or six seconds of rhythm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from dsp.grid import GRID_HZ
from dsp.records import BIAS, Evidence, Site
from dsp.rhythm import Rhythm
from dsp.settings import Settings
from dsp.shape import LEG_REST_DEG, Shape
from dsp.views import view_name
from dsp.weights import Pair, Table, weigh

__all__ = [
    "Verdict",
    "confidence_of",
    "jerks_log_odds",
    "judge_jerks",
    "judge_spasm",
    "judge_startle",
    "match_of",
    "may_be_spasm",
    "side_of",
]

_LEGS = (Site.LA, Site.RA)
_PAIRS = ((Site.LA, Site.RA), (Site.LW, Site.RW))
_ROUNDING = 1e-6
"""Room left where a sum in another order only chooses what to look at."""

_LEGS_LATER = "legs_after_trunk_s"
"""By how much the legs' peaks come after the trunk's: measured and told, weighed by no table."""

_ONE_SIDED = 0.35
"""Below this ratio of heights the weaker side is only carried along."""


@dataclass(slots=True)
class Verdict:
    """Weighed evidence, and its sum with what holds before anything is measured."""

    bias: float
    evidence: list[Evidence]
    log_odds: float = field(init=False)

    def __post_init__(self) -> None:
        self.log_odds = self.bias + sum(e.contribution for e in self.evidence)

    def said(self, about: str = "", *, against: bool = False) -> list[Evidence]:
        """Rows that add up to the log-odds, the bias among them; none where nothing was weighed.

        Args:
            about: the question that was asked, where an event answers several: it stands before the names.
            against: whether what speaks for it speaks against the event's label.
        """
        before, sign = f"{about}." if about else "", -1.0 if against else 1.0
        rows = [Evidence(BIAS, 0.0, self.bias), *self.evidence] if self.evidence else []
        return [Evidence(before + e.name, e.value, sign * e.contribution + 0.0) for e in rows]


def judge_spasm(
    shapes: Mapping[Site, Shape], together: Mapping[str, float], anchor: Site, settings: Settings
) -> Verdict:
    """How much a movement looks like a phasic contraction of the body, in log-odds.

    Args:
        shapes: Shapes of the sites that were seen, the anchor among them.
        together: What was measured between the sites, see `dsp.together`.
        anchor: The site whose shape speaks for the body: the trunk where there is one.
        settings: Tables and costs.
    """
    values = {**_values(shapes, anchor), **together}
    of = _weights(shapes, anchor, settings)
    evidence = weigh(of.tables, values, of.pairs)
    if of.cost:
        evidence.append(Evidence("sites_not_seen", float(len(shapes)), -of.cost))
    legs = [shapes[s] for s in _LEGS if s in shapes]
    if legs and anchor is Site.TR:
        later = sum(leg.peak_k - shapes[anchor].peak_k for leg in legs) / len(legs)
        evidence.append(Evidence(_LEGS_LATER, later / GRID_HZ, 0.0))
    return Verdict(of.bias, evidence)


def may_be_spasm(shapes: Mapping[Site, Shape], anchor: Site, settings: Settings, least: float) -> bool:
    """Whether `judge_spasm` could give at least so much log-odds, whatever is measured between the sites.

    Most movements are told apart by their shapes alone, and the rest takes longer to measure.
    """
    values = _values(shapes, anchor)
    of = _weights(shapes, anchor, settings)
    pairs = _most_of(of.pairs)
    most = of.bias - of.cost + sum(pairs)
    for table in of.tables:
        value = values.get(table.name)
        most += max(0.0, *table.log_odds) if value is None else table.at(value)
    for pair, at_most in zip(of.pairs, pairs, strict=True):
        if most < least - _ROUNDING:
            return False
        first, second = values.get(pair.names[0]), values.get(pair.names[1])
        if first is not None and second is not None:
            most += pair.at(first, second) - at_most
    return most >= least - _ROUNDING


def _values(shapes: Mapping[Site, Shape], anchor: Site) -> dict[str, float]:
    values = _anchor_values(shapes[anchor])
    legs = [shapes[s] for s in _LEGS if s in shapes and s is not anchor]
    return values | _leg_values(legs, shapes[anchor], shapes) if legs else values


@lru_cache(maxsize=8)
def _most_of(pairs: tuple[Pair, ...]) -> tuple[float, ...]:
    """What each could contribute at most."""
    return tuple(p.most for p in pairs)


class _Weights(NamedTuple):
    """What a movement is weighed by."""

    tables: tuple[Table, ...]
    pairs: tuple[Pair, ...]
    bias: float
    cost: float


def _weights(shapes: Mapping[Site, Shape], anchor: Site, settings: Settings) -> _Weights:
    """Those for how the movement was seen; the full view's where there are none of its own."""
    name = view_name(shapes, anchor, gyro=shapes[anchor].gyro)
    for view in settings.spasm_views:
        if view.name == name:
            return _Weights(view.tables, (), view.bias, view.member_cost)
    return _Weights(settings.spasm_tables, settings.spasm_pairs, settings.spasm_bias, 0.0)


def _anchor_values(shape: Shape) -> dict[str, float]:
    values = {
        "trunk_still_before": math.log(shape.peak_g / shape.before_g),
        "trunk_still_after": math.log(shape.peak_g / shape.after_g),
        "trunk_burst_s": shape.wide_s,
    }
    turn = shape.turn
    if turn is not None:
        values |= {
            "trunk_rise": math.log(max(turn.rise_s, 0.03)),
            "trunk_slow_return": turn.skew,
            "trunk_one_axis": turn.pure,
            "trunk_reversals": float(min(turn.turns, 6)),
            "trunk_hold_s": turn.wide_s,
            "trunk_turning_before": turn.unrest_before,
            "trunk_turning_after": turn.unrest_after,
            "trunk_fastest_s": turn.fastest_s,
            "trunk_top_s": turn.top_s,
            "trunk_outward": turn.outward,
        }
    return values


def _leg_values(legs: list[Shape], anchor: Shape, shapes: Mapping[Site, Shape]) -> dict[str, float]:
    heights = [leg.peak_g for leg in legs]
    values = {
        "stronger_leg_to_trunk": math.log(max(heights) / anchor.peak_g),
        "legs_still_before": min(math.log(leg.peak_g / leg.before_g) for leg in legs),
    }
    if len(legs) == 2:
        values["weaker_leg_to_trunk"] = math.log(min(heights) / anchor.peak_g)
        values["legs_lag_s"] = abs(shapes[Site.LA].peak_k - shapes[Site.RA].peak_k) / GRID_HZ
        values |= _turns_of(legs, anchor)
    turns = [leg.turn for leg in legs if leg.turn is not None]
    if turns:
        values["legs_one_axis"] = sum(t.pure for t in turns) / len(turns)
        values["legs_reversals"] = sum(float(min(t.turns, 6)) for t in turns) / len(turns)
        values["legs_turning_before"] = max(t.unrest_before for t in turns)
        values["legs_top_s"] = max(t.top_s for t in turns)
        values["legs_rise"] = sum(math.log(max(t.rise_s, 0.03)) for t in turns) / len(turns)
    return values


def _turns_of(legs: list[Shape], anchor: Shape) -> dict[str, float]:
    """How far both legs turned, against each other and against the body; nothing without their rotation."""
    if anchor.turn is None or not all(leg.gyro for leg in legs):
        return {}
    swings = sorted(math.log(max(leg.turn.swing_deg if leg.turn else 0.0, LEG_REST_DEG)) for leg in legs)
    body = math.log(max(anchor.turn.swing_deg, LEG_REST_DEG))
    return {"legs_turn_differs": swings[1] - swings[0], "weaker_leg_turn": swings[0] - body}


def judge_startle(shapes: Mapping[Site, Shape], settings: Settings) -> Verdict | None:
    """How much a movement looks like a startle; None unless trunk and both legs were seen with their rotation."""
    if not {Site.TR, *_LEGS} <= shapes.keys():
        return None
    trunk, left, right = shapes[Site.TR], shapes[Site.LA], shapes[Site.RA]
    if trunk.turn is None or left.turn is None or right.turn is None:
        return None
    legs = (left, right)
    weaker, stronger = sorted(leg.peak_g for leg in legs)
    rises = [math.log(max(t.rise_s, 0.03)) for t in (left.turn, right.turn)]
    values = {
        "trunk_rise": math.log(max(trunk.turn.rise_s, 0.03)),
        "legs_rise": sum(rises) / 2,
        "trunk_burst_s": trunk.wide_s,
        "weaker_leg_g": weaker,
        "legs_lag_s": abs(left.peak_k - right.peak_k) / GRID_HZ,
        "leg_ratio": math.log(weaker / stronger),
        "stillness_before": min(math.log(s.peak_g / s.before_g) for s in (trunk, *legs)),
        "legs_reversals": (min(left.turn.turns, 6) + min(right.turn.turns, 6)) / 2,
    }
    return Verdict(settings.startle_bias, weigh(settings.startle_tables, values))


def jerks_log_odds(rhythm: Rhythm, *, gyro: bool, settings: Settings) -> float:
    """The log-odds of `judge_jerks` without motion from outside, without the evidence that takes longer to put up."""
    values = _jerk_values(rhythm, gyro=gyro)
    tables = settings.jerks_tables
    odds = [t.at(value) for t in tables if (value := values.get(t.name)) is not None]
    unseen = (len(rhythm.seen) == 1) + (not gyro)
    return settings.jerks_bias + sum([*odds, *([-settings.jerks_unseen_cost] * unseen)])


def judge_jerks(rhythm: Rhythm, *, gyro: bool, settings: Settings, coupled: float | None = None) -> Verdict:
    """How much a frame looks like jerks of limbs, in log-odds; `coupled` is motion from outside, if asked for."""
    values = _jerk_values(rhythm, gyro=gyro)
    if coupled is not None:
        values["coupled"] = coupled
    evidence = weigh(settings.jerks_tables, values)
    if len(rhythm.seen) == 1:
        evidence.append(Evidence("one_site_only", 1.0, -settings.jerks_unseen_cost))
    if not gyro:
        evidence.append(Evidence("rotation_not_seen", 1.0, -settings.jerks_unseen_cost))
    return Verdict(settings.jerks_bias, evidence)


def _jerk_values(rhythm: Rhythm, *, gyro: bool) -> dict[str, float]:
    values = {
        "jerks_in_6_s": float(rhythm.count),
        "even_intervals": rhythm.even,
        "height_spread": rhythm.spread,
        "time_in_jerks": rhythm.duty,
        "posture_change": math.log(max(rhythm.tilt_deg, 0.03)),
    }
    if rhythm.site in _LEGS and set(_LEGS) <= set(rhythm.seen):
        values["legs_together"] = rhythm.unison
    if rhythm.trunk != 0.0:
        values["trunk_to_lead"] = rhythm.trunk
    if len(rhythm.seen) > 1:
        values["moves_as_one"] = rhythm.ride
    if gyro:
        values["rotation_to_acceleration"] = rhythm.turn
        values["swing_hz"] = rhythm.swing_hz
    return values


def match_of(log_odds: float, weak: float, clear: float, settings: Settings) -> float:
    """Pattern match: `weak_match` at `weak`, `clear_match` at `clear`, logistic between and beyond."""
    low = math.log(settings.weak_match / (1.0 - settings.weak_match))
    high = math.log(settings.clear_match / (1.0 - settings.clear_match))
    scaled = low + (log_odds - weak) / (clear - weak) * (high - low)
    return 1.0 / (1.0 + math.exp(-min(max(scaled, -30.0), 30.0)))


def confidence_of(sites: int, *, trunk: bool, gyro: bool, conveyed: float, state_known: bool) -> float:
    """What could be seen, 0 to 1: three sites with trunk and gyro, at rest, in a known state give 1."""
    seen = {1: 0.45, 2: 0.75}.get(sites, 1.0)
    factors = (1.0 if trunk else 0.8, 1.0 if gyro else 0.7, 1.0 - 0.5 * conveyed, 1.0 if state_known else 0.9)
    return seen * math.prod(factors)


def side_of(heights: Mapping[Site, float]) -> str:
    """Left, right or both by the legs' (or wrists') heights; unknown when only one side was seen."""
    for left, right in _PAIRS:
        if left in heights and right in heights:
            ratio = heights[left] / max(heights[right], 1e-6)
            if ratio < _ONE_SIDED:
                return "right"
            return "left" if ratio > 1.0 / _ONE_SIDED else "both"
    return "unknown"
