"""Which sites a movement was seen from, and the weights for each: one sock does not look like three sensors.

The full view (a trunk sensor with angular rate, and a leg) has its tables in `dsp.weights`; here are those of a
movement that fewer sites, or acceleration alone, show. They are fitted in the same way to the same nights, seen with
those sensors only (`bench/views.py`), so that their log-odds mean the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dsp.records import Site
from dsp.weights import Table

__all__ = ["VIEWS", "View", "view_name"]

_LEGS = (Site.LA, Site.RA)


@dataclass(frozen=True, slots=True)
class View:
    """Weights of single movements seen from some kind of sites."""

    name: str
    tables: tuple[Table, ...]
    bias: float
    member_cost: float
    """what each member of a series counts less: limbs' errands resemble one another more than chance would have it"""


def view_name(sites: Collection[Site], anchor: Site, *, gyro: bool) -> str:
    """The view of a movement: `trunk_and_legs`, `trunk`, `legs`, `leg` or `arm`, and `_acc` without angular rate.

    Args:
        sites: that were seen.
        anchor: the site that speaks for the body.
        gyro: whether its rotation could be seen.
    """
    legs = sum(s in _LEGS for s in sites)
    if anchor is Site.TR:
        name = "trunk_and_legs" if legs else "trunk"
    elif anchor in _LEGS:
        name = "legs" if legs > 1 else "leg"
    else:
        name = "arm"
    return name if gyro else f"{name}_acc"


VIEWS: tuple[View, ...] = (
    View(
        "trunk_and_legs_acc",
        (
            Table("trunk_still_before", (0.0, 1.0, 2.0, 3.0, 4.5), (-0.32, 0.03, 0.25, 0.71, 1.26)),
            Table("trunk_still_after", (0.0, 1.0, 2.0, 3.0, 4.0), (-0.9, -0.01, 0.76, 1.63, 2.47)),
            Table("trunk_burst_s", (0.15, 0.4, 0.8, 1.3), (-1.13, -0.31, 0.0, 0.13)),
            Table("weaker_leg_to_trunk", (-1.5, -0.5, 0.3, 1.0, 2.0), (0.82, 0.17, -0.09, -0.26, -0.62)),
            Table("stronger_leg_to_trunk", (-0.5, 0.3, 0.8, 1.5, 2.5), (-0.2, 0.11, 0.16, -0.01, -0.62)),
            Table("legs_still_before", (0.0, 1.0, 2.5, 4.0), (-0.45, 0.07, 0.94, 2.06)),
            Table("legs_lag_s", (0.0, 0.08, 0.2, 0.4), (-0.15, 0.38, 0.34, 0.01)),
            Table("posture_change", (-1.5, 0.0, 1.0, 2.5), (-0.58, 0.14, 0.43, 0.13)),
            Table("legs_like_trunk", (0.0, 0.5, 0.8, 0.95), (-0.54, -0.01, 0.28, 0.0)),
            Table("legs_alike", (0.0, 0.5, 0.8, 0.95), (-1.9, -0.64, 0.09, 0.37)),
            Table("moves_as_one", (0.15, 0.35, 0.55, 0.75, 0.9), (0.61, 0.61, 0.54, 0.32, -0.37)),
        ),
        -1.76,
        0.6,
    ),
    View(
        "trunk",
        (
            Table("trunk_still_before", (0.0, 1.0, 2.0, 3.0, 4.5), (-0.7, 0.0, 0.53, 1.41, 2.82)),
            Table("trunk_still_after", (0.0, 1.0, 2.0, 3.0, 4.0), (-0.6, -0.03, 0.35, 0.99, 1.79)),
            Table("trunk_burst_s", (0.15, 0.4, 0.8, 1.3), (-1.69, -0.73, -0.1, 0.39)),
            Table("trunk_rise", (-2.8, -2.0, -1.4, -0.7, 0.2), (0.42, 1.02, 0.99, 0.41, -0.32)),
            Table("trunk_slow_return", (-0.5, 0.0, 0.5, 1.2, 2.5), (-1.81, -0.4, 0.65, 0.65, -0.29)),
            Table("trunk_one_axis", (0.6, 0.8, 0.9, 0.98), (-0.53, -0.76, -0.48, 0.74)),
            Table("trunk_reversals", (0.0, 1.0, 2.0, 4.0), (0.99, 1.28, 0.73, -0.8)),
            Table("trunk_hold_s", (0.2, 0.4, 0.8, 1.6), (0.55, 0.52, 0.2, -0.54)),
            Table("posture_change", (-1.5, 0.0, 1.0, 2.5), (-0.96, 0.14, 0.6, 0.7)),
        ),
        -2.42,
        0.5,
    ),
    View(
        "trunk_acc",
        (
            Table("trunk_still_before", (0.0, 1.0, 2.0, 3.0, 4.5), (-0.91, -0.03, 0.76, 1.91, 3.78)),
            Table("trunk_still_after", (0.0, 1.0, 2.0, 3.0, 4.0), (-0.9, -0.09, 0.67, 1.62, 2.66)),
            Table("trunk_burst_s", (0.15, 0.4, 0.8, 1.3), (-1.35, -0.36, 0.06, 0.19)),
            Table("posture_change", (-1.5, 0.0, 1.0, 2.5), (-0.81, 0.2, 0.56, 0.35)),
        ),
        -1.64,
        0.5,
    ),
    View(
        "legs",
        (
            Table("trunk_still_before", (0.0, 1.0, 2.0, 3.0, 4.5), (-0.31, -0.07, 0.07, 0.48, 1.21)),
            Table("trunk_still_after", (0.0, 1.0, 2.0, 3.0, 4.0), (-0.78, -0.21, 0.26, 0.96, 1.83)),
            Table("trunk_burst_s", (0.15, 0.4, 0.8, 1.3), (-1.0, -0.52, -0.09, 0.53)),
            Table("trunk_rise", (-2.8, -2.0, -1.4, -0.7, 0.2), (-0.11, 0.3, 0.48, 0.23, -0.14)),
            Table("trunk_slow_return", (-0.5, 0.0, 0.5, 1.2, 2.5), (-1.19, -0.39, 0.3, 0.42, 0.02)),
            Table("trunk_one_axis", (0.6, 0.8, 0.9, 0.98), (0.28, 0.16, 0.05, -0.2)),
            Table("trunk_reversals", (0.0, 1.0, 2.0, 4.0), (0.14, 0.41, 0.22, -0.33)),
            Table("trunk_hold_s", (0.2, 0.4, 0.8, 1.6), (0.4, 0.27, 0.05, -0.36)),
            Table("stronger_leg_to_trunk", (-0.5, 0.3, 0.8, 1.5, 2.5), (0.08, -0.19, -0.34, -0.52, -0.77)),
            Table("legs_still_before", (0.0, 1.0, 2.5, 4.0), (-0.37, 0.12, 0.75, 1.42)),
            Table("legs_one_axis", (0.65, 0.8, 0.95), (-0.02, 0.01, 0.0)),
            Table("legs_reversals", (0.0, 1.0, 2.0, 4.0), (0.63, 0.99, 0.53, -0.76)),
            Table("legs_rise", (-2.8, -2.0, -1.4, -0.5, 0.4), (0.33, 0.71, 0.72, 0.18, -0.24)),
            Table("posture_change", (-1.5, 0.0, 1.0, 2.5), (-0.2, 0.09, 0.19, 0.03)),
            Table("legs_like_trunk", (0.0, 0.5, 0.8, 0.95), (-1.66, -0.26, 0.47, 0.64)),
            Table("moves_as_one", (0.15, 0.35, 0.55, 0.75, 0.9), (-0.39, -0.03, 0.21, 0.26, 0.05)),
            Table("turns_as_one", (0.15, 0.35, 0.55, 0.75, 0.9), (-0.5, -0.03, 0.26, 0.23, 0.0)),
        ),
        -2.35,
        0.6,
    ),
    View(
        "legs_acc",
        (
            Table("trunk_still_before", (0.0, 1.0, 2.0, 3.0, 4.5), (-0.41, -0.09, 0.16, 0.6, 1.4)),
            Table("trunk_still_after", (0.0, 1.0, 2.0, 3.0, 4.0), (-1.12, -0.3, 0.49, 1.39, 2.37)),
            Table("trunk_burst_s", (0.15, 0.4, 0.8, 1.3), (-0.81, -0.23, 0.05, 0.26)),
            Table("stronger_leg_to_trunk", (-0.5, 0.3, 0.8, 1.5, 2.5), (0.11, -0.25, -0.45, -0.69, -1.01)),
            Table("legs_still_before", (0.0, 1.0, 2.5, 4.0), (-0.48, 0.14, 1.03, 2.01)),
            Table("posture_change", (-1.5, 0.0, 1.0, 2.5), (-0.25, 0.17, 0.27, -0.05)),
            Table("legs_like_trunk", (0.0, 0.5, 0.8, 0.95), (-1.67, -0.2, 0.53, 0.61)),
            Table("moves_as_one", (0.15, 0.35, 0.55, 0.75, 0.9), (-0.37, 0.16, 0.49, 0.43, -0.08)),
        ),
        -1.77,
        0.6,
    ),
    View(
        "leg",
        (
            Table("trunk_still_before", (0.0, 1.0, 2.0, 3.0, 4.5), (-0.66, -0.12, 0.37, 1.24, 2.92)),
            Table("trunk_still_after", (0.0, 1.0, 2.0, 3.0, 4.0), (-0.73, -0.14, 0.36, 1.09, 2.13)),
            Table("trunk_burst_s", (0.15, 0.4, 0.8, 1.3), (-1.44, -0.72, -0.12, 0.53)),
            Table("trunk_rise", (-2.8, -2.0, -1.4, -0.7, 0.2), (-0.17, 0.73, 0.95, 0.4, -0.28)),
            Table("trunk_slow_return", (-0.5, 0.0, 0.5, 1.2, 2.5), (-1.23, -0.37, 0.29, 0.42, 0.03)),
            Table("trunk_one_axis", (0.6, 0.8, 0.9, 0.98), (0.34, 0.17, 0.04, -0.23)),
            Table("trunk_reversals", (0.0, 1.0, 2.0, 4.0), (0.77, 0.92, 0.43, -0.73)),
            Table("trunk_hold_s", (0.2, 0.4, 0.8, 1.6), (0.17, 0.28, 0.1, -0.32)),
            Table("posture_change", (-1.5, 0.0, 1.0, 2.5), (-0.41, 0.27, 0.32, 0.0)),
        ),
        -1.81,
        0.6,
    ),
    View(
        "leg_acc",
        (
            Table("trunk_still_before", (0.0, 1.0, 2.0, 3.0, 4.5), (-0.83, -0.15, 0.54, 1.56, 3.48)),
            Table("trunk_still_after", (0.0, 1.0, 2.0, 3.0, 4.0), (-0.98, -0.19, 0.59, 1.48, 2.56)),
            Table("trunk_burst_s", (0.15, 0.4, 0.8, 1.3), (-1.35, -0.52, -0.0, 0.39)),
            Table("posture_change", (-1.5, 0.0, 1.0, 2.5), (-0.57, 0.32, 0.44, 0.08)),
        ),
        -1.38,
        0.6,
    ),
    View(
        "arm",
        (
            Table("trunk_still_before", (0.0, 1.0, 2.0, 3.0, 4.5), (-1.12, -0.07, 0.61, 1.47, 3.21)),
            Table("trunk_still_after", (0.0, 1.0, 2.0, 3.0, 4.0), (-0.99, -0.15, 0.39, 1.15, 2.19)),
            Table("trunk_burst_s", (0.15, 0.4, 0.8, 1.3), (-2.52, -1.22, -0.14, 1.0)),
            Table("trunk_rise", (-2.8, -2.0, -1.4, -0.7, 0.2), (0.74, 1.52, 1.45, 0.53, -0.56)),
            Table("trunk_slow_return", (-0.5, 0.0, 0.5, 1.2, 2.5), (-1.8, -0.52, 0.48, 0.56, -0.08)),
            Table("trunk_one_axis", (0.6, 0.8, 0.9, 0.98), (0.68, 0.42, 0.12, -0.45)),
            Table("trunk_reversals", (0.0, 1.0, 2.0, 4.0), (1.56, 1.39, 0.52, -1.22)),
            Table("trunk_hold_s", (0.2, 0.4, 0.8, 1.6), (0.5, 0.61, 0.26, -0.7)),
            Table("posture_change", (-1.5, 0.0, 1.0, 2.5), (-0.9, 0.26, 0.57, 0.54)),
        ),
        -3.1,
        0.3,
    ),
    View(
        "arm_acc",
        (
            Table("trunk_still_before", (0.0, 1.0, 2.0, 3.0, 4.5), (-1.42, -0.13, 0.83, 1.94, 4.11)),
            Table("trunk_still_after", (0.0, 1.0, 2.0, 3.0, 4.0), (-1.38, -0.24, 0.7, 1.72, 2.85)),
            Table("trunk_burst_s", (0.15, 0.4, 0.8, 1.3), (-2.25, -0.98, -0.04, 0.81)),
            Table("posture_change", (-1.5, 0.0, 1.0, 2.5), (-1.12, 0.35, 0.74, 0.6)),
        ),
        -1.9,
        0.4,
    ),
)
