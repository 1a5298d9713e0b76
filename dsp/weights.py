"""The weights of the detector's two models: piecewise linear log-odds of named measurements.

Fitted by ridge regression with a smoothness penalty to simulated nights of seeds 1000 to 1059, then centred,
so that a measurement that cannot be made counts as neutral. `docs/detector.md` says what each one means.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dsp.records import Evidence

__all__ = [
    "AGE",
    "HICCUPS",
    "JERKS",
    "JERKS_BIAS",
    "OWN",
    "OWN_BIAS",
    "RUN",
    "RUN_BIAS",
    "SERIES",
    "SERIES_BIAS",
    "SPASM",
    "SPASM_BIAS",
    "SPASM_PAIRS",
    "STARTLE",
    "STARTLE_BIAS",
    "STIFF",
    "STIFF_BIAS",
    "TRAIN",
    "TRAIN_BIAS",
    "Pair",
    "Table",
    "weigh",
]


@dataclass(frozen=True, slots=True)
class Table:
    """Log-odds by value: linear between the knots, constant beyond them (nothing decides alone)."""

    name: str
    knots: tuple[float, ...]
    log_odds: tuple[float, ...]

    def at(self, value: float) -> float:
        """The contribution of a value."""
        knots, odds = self.knots, self.log_odds
        if value <= knots[0]:
            return odds[0]
        if not value <= knots[-1]:
            return odds[-1]
        i = bisect_left(knots, value)
        share = (value - knots[i - 1]) / (knots[i] - knots[i - 1])
        return odds[i - 1] + share * (odds[i] - odds[i - 1])


@dataclass(frozen=True, slots=True)
class Pair:
    """Log-odds by two values together, beside what each says alone: bilinear between knots, constant beyond them.

    Lou, Caruana, Gehrke & Hooker (2013), Accurate intelligible models with pairwise interactions, KDD 623-631.
    """

    names: tuple[str, str]
    knots: tuple[tuple[float, ...], tuple[float, ...]]
    log_odds: tuple[tuple[float, ...], ...]
    """rows by the first value, columns by the second"""

    def at(self, first: float, second: float) -> float:
        """The contribution of two values."""
        i, down = _place(self.knots[0], first)
        j, across = _place(self.knots[1], second)
        above, below = self.log_odds[i - 1], self.log_odds[i]
        left = above[j - 1] + down * (below[j - 1] - above[j - 1])
        right = above[j] + down * (below[j] - above[j])
        return left + across * (right - left)

    @property
    def most(self) -> float:
        """The highest contribution of any two values; what cannot be measured contributes nothing."""
        return max(0.0, *(v for row in self.log_odds for v in row))

    def __hash__(self) -> int:
        """Of the names: what is kept by pairs is asked for with each movement."""
        return hash(self.names)


def _place(knots: tuple[float, ...], value: float) -> tuple[int, float]:
    """The knot at or above a value, from the second on, and how far it lies on the way to it, 0 to 1."""
    i = min(max(bisect_left(knots, value), 1), len(knots) - 1)
    share = (value - knots[i - 1]) / (knots[i] - knots[i - 1])
    return i, min(max(share, 0.0), 1.0)


def weigh(tables: Sequence[Table], values: Mapping[str, float], pairs: Sequence[Pair] = ()) -> list[Evidence]:
    """Evidence of every measurement that could be made, in the tables' order.

    What two measurements say together is half each one's: the Shapley value of a pair.
    """
    found = {t.name: t.at(value) for t in tables if (value := values.get(t.name)) is not None}
    for pair in pairs:
        first, second = pair.names
        if first in found and second in found:
            half = 0.5 * pair.at(values[first], values[second])
            found[first] += half
            found[second] += half
    return [Evidence(name, values[name], contribution) for name, contribution in found.items()]


SPASM: tuple[Table, ...] = (
    Table("trunk_still_before", (0.0, 1.0, 2.0, 3.0, 4.5), (-0.17, 0.02, 0.16, 0.49, 0.26)),
    Table("trunk_still_after", (0.0, 1.0, 2.0, 3.0, 4.0), (-0.22, 0.11, 0.04, 0.07, 0.1)),
    Table("trunk_burst_s", (0.15, 0.4, 0.8, 1.3), (-0.7, -0.09, -0.21, 0.14)),
    Table("trunk_rise", (-2.8, -2.0, -1.4, -0.7, 0.2), (-1.42, -0.32, 0.15, -0.12, 0.06)),
    Table("trunk_slow_return", (-0.5, 0.0, 0.5, 1.2, 2.5), (-0.97, -0.03, 0.22, 0.08, 0.08)),
    Table("trunk_one_axis", (0.6, 0.8, 0.9, 0.96, 0.985, 0.997), (-0.59, -0.72, -0.68, 0.03, 0.98, 1.55)),
    Table("trunk_reversals", (0.0, 1.0, 2.0, 4.0), (-0.24, 0.17, -0.31, 0.11)),
    Table("trunk_hold_s", (0.2, 0.4, 0.8, 1.6), (1.34, 0.75, 0.13, -0.67)),
    Table("weaker_leg_to_trunk", (-1.5, -0.5, 0.3, 1.0, 2.0), (-0.66, 0.01, 0.07, 0.04, -0.43)),
    Table("stronger_leg_to_trunk", (-0.5, 0.3, 0.8, 1.5, 2.5), (0.32, -0.1, -0.16, 0.11, -0.21)),
    Table("legs_still_before", (0.0, 1.0, 2.5, 4.0), (-0.12, 0.02, 0.25, 0.56)),
    Table("legs_lag_s", (0.0, 0.08, 0.2, 0.4), (-0.08, 0.37, 0.21, -0.26)),
    Table("legs_one_axis", (0.65, 0.8, 0.9, 0.97, 0.995), (0.3, 0.13, 0.18, 0.08, -0.59)),
    Table("legs_reversals", (0.0, 1.0, 2.0, 4.0), (0.03, 0.62, 0.27, -0.3)),
    Table("legs_rise", (-2.8, -2.0, -1.4, -0.5, 0.4), (-0.52, -0.23, 0.0, -0.08, 0.07)),
    Table("posture_change", (-1.5, 0.0, 1.0, 2.5), (-0.73, 0.18, 0.71, 0.54)),
    Table("legs_like_trunk", (0.0, 0.5, 0.8, 0.95, 0.99), (-0.78, 0.07, 0.51, 0.24, -0.19)),
    Table("legs_alike", (0.0, 0.5, 0.8, 0.95, 0.99), (-0.77, -0.25, 0.2, 0.31, -0.01)),
    Table("moves_as_one", (0.15, 0.35, 0.55, 0.75, 0.9, 0.97), (0.61, 0.43, 0.41, 0.32, -0.01, -0.44)),
    Table("turns_as_one", (0.15, 0.35, 0.55, 0.75, 0.9, 0.97), (0.42, 0.52, 0.39, 0.26, 0.07, -0.72)),
    Table("trunk_turning_before", (-4.0, -2.3, -1.0, 0.0, 0.8), (0.34, 0.36, 0.32, -0.06, -0.33)),
    Table("trunk_turning_after", (-4.0, -2.6, -1.3, -0.7, 0.3), (0.89, 0.68, 0.49, -0.16, -1.41)),
    Table("trunk_fastest_s", (-0.4, -0.1, 0.05, 0.3, 1.2), (-0.6, 0.6, 1.05, 0.85, -0.59)),
    Table("trunk_top_s", (-0.1, 0.1, 0.3, 0.8, 1.6), (1.72, 1.32, 0.55, -0.3, -0.42)),
    Table("trunk_outward", (0.3, 0.6, 0.8, 0.95, 0.995), (-2.36, -0.4, 0.36, 0.58, 0.64)),
    Table("legs_turning_before", (-3.5, -1.7, -0.5, 0.2, 1.2), (0.71, 0.69, 0.24, -0.2, -0.19)),
    Table("legs_top_s", (-0.1, 0.15, 0.5, 1.2, 1.7), (0.53, 0.6, 0.15, -0.24, -0.04)),
    Table("legs_turn_differs", (0.0, 0.3, 0.8, 1.6, 2.6), (0.3, 0.14, -0.22, -0.66, -1.21)),
    Table("weaker_leg_turn", (-2.0, -1.0, -0.3, 0.3, 1.3), (0.38, 0.25, 0.04, -0.0, -0.46)),
)
"""For one spasm-like movement against everything else that anchors on the trunk."""

SPASM_BIAS = -3.01

SPASM_PAIRS: tuple[Pair, ...] = ()
"""What two measurements of one movement say together, beside their tables."""

SERIES: tuple[Table, ...] = (
    Table("trunk_axis_kept", (0.2, 0.5, 0.75, 0.9, 0.97), (-2.95, -1.67, -0.62, 0.42, 1.4)),
    Table("trunk_way_kept", (-0.8, 0.0, 0.6, 0.95), (-1.09, -0.85, -0.01, 0.88)),
    Table("legs_way_kept", (-0.5, -0.1, 0.2, 0.6), (-0.18, -0.09, 0.21, -0.06)),
    Table("rise_differs", (0.1, 0.4, 0.8, 1.6), (0.06, 0.61, -0.26, -1.08)),
    Table("turn_differs", (0.1, 0.5, 1.0, 1.8), (0.08, 0.41, -0.19, -1.04)),
    Table("trunk_moved_between", (-4.5, -3.0, -1.5, -0.3), (1.44, 0.8, -0.88, -1.58)),
    Table("legs_moved_between", (-4.5, -3.0, -1.5, 0.5), (0.12, 0.13, -0.4, 0.28)),
    Table("pause", (1.1, 1.5, 2.0, 2.7, 3.6), (-1.83, -0.74, 0.16, 0.84, -0.42)),
    Table("side_differs", (0.1, 0.5, 1.2, 2.4), (-0.3, 0.41, -0.14, -1.62)),
)
"""For a movement that follows others of a spasm-like series against one that follows other movements."""

SERIES_BIAS = -0.79

JERKS: tuple[Table, ...] = (
    Table("jerks_in_6_s", (4.0, 8.0, 14.0, 22.0), (-2.38, -1.12, 0.25, 2.19)),
    Table("even_intervals", (0.2, 0.5, 0.8, 1.0), (0.04, 0.22, 0.02, -0.73)),
    Table("height_spread", (0.2, 0.5, 0.9, 1.4), (0.09, 0.42, -0.36, -2.06)),
    Table("time_in_jerks", (0.25, 0.45, 0.65, 0.85), (1.42, 0.83, -0.43, -1.65)),
    Table("legs_together", (0.0, 0.3, 0.6, 0.9), (-1.3, -0.9, -0.2, 0.7)),
    Table("trunk_to_lead", (-3.0, -2.0, -1.0, -0.3, 0.2, 0.8), (0.5, 0.8, 0.37, -0.29, -1.03, -2.17)),
    Table("posture_change", (-3.0, -1.5, 0.0, 1.5, 3.0), (0.68, 0.85, 0.33, -0.94, -2.36)),
    Table(
        "rotation_to_acceleration", (2.8, 3.6, 4.2, 4.8, 5.5, 6.2), (-1.55, -0.06, 0.55, 0.42, -0.2, -0.41)
    ),
    Table("moves_as_one", (0.05, 0.2, 0.45, 0.7, 0.9), (1.0, 0.79, 0.02, -0.69, -1.55)),
    Table("swing_hz", (2.0, 3.5, 5.0, 7.0), (-1.16, 0.2, 0.99, 1.61)),
    Table("coupled", (0.2, 0.5, 0.7, 0.85, 0.95), (0.5, 0.5, 0.1, -1.2, -3.0)),
)
"""For six seconds of rhythmic jerks against everything else that makes pulses."""

JERKS_BIAS = 0.02

RUN: tuple[Table, ...] = (
    Table("awake_before", (0.0, 0.5, 1.0), (0.0, 0.2, 0.4)),
    Table(
        "unbroken_s",
        (2.0, 5.0, 8.0, 11.0, 13.0, 16.0, 20.0, 25.0),
        (-3.3, -2.9, -2.4, -1.9, -0.6, 0.0, 1.0, 2.4),
    ),
    Table("mean_trunk_turned", (-2.0, -0.7, 0.5, 2.0), (-0.7, 0.3, 0.6, 0.3)),
    Table("mean_even_intervals", (0.3, 0.5, 0.7, 0.9), (1.1, 0.5, -0.3, -0.8)),
    Table("trains_tonight", (0.0, 0.7, 1.4, 2.3, 3.2), (1.6, 1.2, 0.3, -1.0, -2.5)),
    Table("growth", (-0.4, 0.0, 0.4, 0.8), (-1.2, -0.2, 0.3, 0.4)),
    Table("slowing_t", (-1.0, 0.0, 2.0, 4.0, 6.0), (0.0, 0.0, 0.1, 0.8, 3.0)),
    Table("age", (2.3, 4.1, 4.6, 5.3, 5.9), (-1.5, -0.8, -0.2, 1.0, 2.0)),
    Table("one_sided_young", (-0.4, 0.3, 1.0, 2.5), (-1.6, -0.6, 0.5, 2.4)),
    Table("mean_trunk_to_lead", (-3.0, -2.0, -1.0, -0.3, 0.5), (-2.6, -0.6, 1.1, 1.6, 1.8)),
    Table("mean_trunk_alike", (-0.1, 0.3, 0.6, 0.9), (-3.9, -2.6, -1.4, 0.5)),
)
"""For clonic jerks against a train of sleep, over a run without a pause. Fitted, but for `slowing_t`, `unbroken_s`
drawn one lower below 13 s (what is not clear yet may wait), and `age` and `trains_tonight` drawn flatter than fitted:
age in ln days [F1,F3,F42], trains as ln(1 + how many)."""

RUN_BIAS = 0.3

OWN: tuple[Table, ...] = (
    Table("mean_frame_log_odds", (-0.5, 1.0, 2.5, 4.0, 6.0), (-2.7, -1.3, 0.8, 2.3, 3.8)),
    Table("mean_swing_repeats", (0.0, 0.2, 0.4, 0.7), (-1.7, -0.9, 0.1, 0.3)),
    Table("mean_rhythm_repeats", (0.0, 0.15, 0.3, 0.5, 0.65, 0.8), (-3.0, -1.3, 0.1, 1.1, -0.1, -2.4)),
    Table("mean_swing_peaked", (1.5, 3.0, 5.0, 9.0, 16.0), (-0.1, 0.7, 0.8, -1.4, -5.3)),
    Table("mean_trunk_alike", (-0.1, 0.3, 0.6, 0.9), (-4.8, -2.8, -1.0, 0.9)),
    Table("mean_legs_alike", (-0.2, 0.2, 0.6, 0.9), (-2.4, -1.7, -0.7, 0.6)),
    Table("mean_height_spread", (0.2, 0.4, 0.7, 1.1), (-0.9, -0.1, 0.7, 1.1)),
    Table(
        "mean_rotation_to_acceleration",
        (3.0, 3.8, 4.4, 5.0, 5.8, 6.4),
        (-0.1, 0.4, 0.6, 0.1, -0.8, -1.6),
    ),
    Table("mean_coupled", (0.2, 0.5, 0.7, 0.85, 0.95), (0.5, -0.5, -0.8, -0.8, -1.8)),
    Table("mean_trunk_leads", (0.0, 0.5, 1.0), (0.3, -0.6, -1.6)),
    Table("beat_strays", (0.03, 0.06, 0.1, 0.14), (-1.8, -1.4, -0.6, 0.1)),
    Table("conveyed_before", (0.0, 1.0), (0.0, -0.8)),
)
"""For clonic jerks against all that is neither these nor a train of sleep, over a run without a pause. Fitted, with
what is easily mistaken for them counting most; motion of which nearly all is passed on counts more against them than
the few nights of it would have it. `beat_strays` and `conveyed_before` are drawn by hand, flatter than they would fit:
how evenly convulsions beat is an estimate, and those in arms or prams are to be told too."""

OWN_BIAS = 0.4

TRAIN: tuple[Table, ...] = (
    Table("mean_frame_log_odds", (-0.5, 1.0, 2.5, 4.0, 6.0), (-2.4, -1.2, 0.4, 2.1, 4.3)),
    Table("mean_swing_repeats", (0.0, 0.2, 0.4, 0.7), (-1.0, -0.5, 0.3, 0.4)),
    Table("mean_rhythm_repeats", (0.0, 0.15, 0.3, 0.5, 0.65, 0.8), (-1.8, -0.5, 0.3, 0.6, 0.3, -0.3)),
    Table("mean_swing_peaked", (1.5, 3.0, 5.0, 9.0, 16.0), (0.7, 0.5, 0.2, -0.4, -0.8)),
    Table("mean_trunk_alike", (-0.1, 0.3, 0.6, 0.9), (-3.5, -1.5, -0.1, 1.1)),
    Table("mean_legs_alike", (-0.2, 0.2, 0.6, 0.9), (-2.6, -1.4, -0.3, 0.8)),
    Table(
        "mean_rotation_to_acceleration",
        (3.0, 3.8, 4.4, 5.0, 5.8, 6.4),
        (-2.9, -0.8, -0.1, 0.1, 0.5, 0.5),
    ),
    Table("mean_coupled", (0.2, 0.5, 0.7, 0.85, 0.95), (0.6, -1.5, -2.2, -2.4, -2.6)),
    Table("awake_before", (0.0, 0.5, 1.0), (0.1, -0.2, -0.7)),
    Table("trains_tonight", (0.0, 0.7, 1.4, 2.3, 3.2), (-0.9, -0.8, -0.3, 0.5, 0.6)),
    Table("mean_trunk_to_lead", (-3.0, -2.0, -1.0, -0.3, 0.5, 1.2), (-0.6, -0.2, 0.2, 0.9, 1.5, 2.1)),
    Table("mean_trunk_leads", (0.0, 0.5, 1.0), (0.0, -0.2, -0.7)),
    Table("mean_trunk_turned", (-2.0, -0.7, 0.5, 1.3, 2.2), (2.0, 0.3, -1.4, -2.4, -3.0)),
    Table("mean_swing_hz", (1.5, 2.2, 3.0, 4.5, 6.0, 10.0), (-0.4, 0.4, 0.6, 0.3, -0.2, -1.8)),
    Table("mean_time_in_jerks", (0.2, 0.4, 0.6, 0.75, 0.9), (-0.8, -0.4, 0.5, 1.1, 1.2)),
)
"""For a train of sleep against all that is no jerks of the infant's own. Fitted; `awake_before` drawn a little
steeper, because these jerks are of sleep."""

TRAIN_BIAS = 0.72

AGE = Table("age_days", (0.0, 28.0, 60.0, 90.0, 365.0, 730.0), (-3.0, -2.0, -0.5, 0.0, 0.0, -0.5))
"""A series at this age, softly: 1 to 24 months, watchful from one to two [F20], most at 3 to 12 [S2]; never a limit."""

STIFF: tuple[Table, ...] = (
    Table("trunk_tension", (0.0, 0.3, 0.8, 1.5, 2.5), (-3.3, -1.1, 0.5, 1.5, 2.1)),
    Table("legs_tension", (0.0, 0.4, 1.0, 2.0, 3.0), (-0.8, 0.7, 1.0, 0.4, -0.4)),
    Table("tremor_hz", (4.0, 6.5, 8.0, 10.0, 13.0), (-5.5, -2.9, -1.6, 0.0, 2.5)),
    Table("first_move_g", (0.04, 0.1, 0.2, 0.4), (0.8, -1.2, -4.2, -8.0)),
    Table(
        "trunk_turned_deg", (1.5, 4.0, 8.0, 16.0, 30.0, 50.0, 80.0), (-2.5, -1.4, 0.0, 1.1, 1.1, -0.3, -2.5)
    ),
    Table("take_up_s", (2.3, 3.3, 4.3, 6.0), (0.0, -1.3, -2.5, -3.5)),
    Table("held_s", (2.0, 3.0, 5.0, 8.0), (-0.7, -0.3, 0.3, 0.4)),
    Table("steady_work", (0.005, 0.03, 0.08, 0.25), (-1.8, -1.0, -0.5, 0.1)),
    Table("shaken_broadly", (0.0, 0.4, 0.65, 0.9), (1.4, 0.0, -2.0, -5.0)),
)
"""For a held posture under tension against one that is merely kept. Fitted, with `first_move_g`, `take_up_s`,
`steady_work` and the far ends of `legs_tension` and `trunk_turned_deg` drawn by hand: tension is the natural logarithm
of motion in the hold over motion at rest."""

STIFF_BIAS = -0.74

STARTLE: tuple[Table, ...] = (
    Table("trunk_rise", (-2.6, -2.2, -1.9, -1.5), (0.9, 0.7, 0.0, -1.2)),
    Table("legs_rise", (-2.6, -2.2, -1.9, -1.5), (0.9, 0.7, 0.0, -1.2)),
    Table("trunk_burst_s", (0.15, 0.3, 0.5, 0.8), (0.5, 0.4, -0.5, -1.2)),
    Table("weaker_leg_g", (0.05, 0.2, 0.4), (-2.0, 0.0, 0.7)),
    Table("legs_lag_s", (0.05, 0.15, 0.3), (0.3, -0.5, -1.5)),
    Table("leg_ratio", (-1.5, -0.7, 0.0), (-1.0, 0.1, 0.3)),
    Table("stillness_before", (1.0, 2.0, 3.0), (-1.5, 0.0, 0.5)),
    Table("legs_reversals", (1.0, 2.0, 4.0), (0.3, 0.0, -1.0)),
)
"""For a startle against every other brief movement of the whole body. Set by hand; the one table with an amplitude."""

STARTLE_BIAS = -1.0

HICCUPS: tuple[Table, ...] = (
    Table("hiccups", (5.0, 10.0), (0.0, 0.5)),
    Table("uneven_intervals", (0.2, 0.5, 0.9), (1.0, 0.2, -1.5)),
    Table("leg_to_trunk", (-2.5, -1.2, -0.5), (0.8, 0.3, -0.5)),
    Table("trunk_burst_s", (0.2, 0.4, 0.7), (0.5, 0.0, -1.0)),
    Table("height_spread", (0.2, 0.6, 1.0), (0.5, 0.0, -1.5)),
    Table("other_movement", (0.0, 0.25, 0.5), (0.4, -0.2, -1.0)),
)
"""For a run of jerks of the trunk alone. Set by hand."""
