"""How alike the movements of a series are: axes, sizes, and the rest between them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dsp.chain import HOP, ROW, Chain
from dsp.likeness import Trace, likeness_of, trace_of
from dsp.records import Site
from dsp.settings import Settings
from dsp.shape import AFTER_K, Shape, turn_of

UP, DOWN, ASIDE = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)


def trace(k: int, way: tuple[float, float, float] = UP, *, rise: float = -1.5, swing: float = 2.0) -> Trace:
    return Trace(k, Site.TR, 0.2, dict.fromkeys(Site, way), rise, swing)


def chains(rms_g: float) -> dict[Site, Chain]:
    """Two minutes in which every site moved by so much."""
    made = {s: Chain.of(s, Settings()) for s in (Site.LA, Site.RA, Site.TR)}
    rows = np.zeros((480, len(ROW)))
    rows[:, ROW.index("square")] = HOP * rms_g**2
    for chain in made.values():
        chain.hops.extend(0, rows)
    return made


def test_turning_about_the_same_axis_the_same_way_is_full_likeness() -> None:
    values = likeness_of(trace(3000), [trace(1000), trace(2000)], chains(0.0))
    assert values["trunk_axis_kept"] == pytest.approx(1.0)
    assert values["trunk_way_kept"] == pytest.approx(1.0)
    assert values["legs_way_kept"] == pytest.approx(1.0)
    assert values["rise_differs"] == values["turn_differs"] == 0.0
    assert values["pause"] == pytest.approx(math.log(10.0))


def test_the_other_way_about_keeps_the_axis_but_not_the_way() -> None:
    values = likeness_of(trace(2000, DOWN), [trace(1000)], chains(0.0))
    assert values["trunk_axis_kept"] == pytest.approx(1.0)
    assert values["trunk_way_kept"] == pytest.approx(-1.0)


def test_one_that_does_not_belong_among_four_leaves_the_way_as_it_is() -> None:
    before = [trace(1000), trace(2000, ASIDE), trace(3000), trace(4000)]
    assert likeness_of(trace(5000), before, chains(0.0))["trunk_way_kept"] == pytest.approx(1.0)


def test_legs_that_take_turns_differ_in_side_and_one_sided_ones_do_not() -> None:
    def differs(*sides: float) -> float:
        rows = [trace(1000 * (i + 1)) for i in range(len(sides))]
        for row, side in zip(rows, sides, strict=True):
            row.side = side
        return likeness_of(rows[-1], rows[:-1], chains(0.0))["side_differs"]

    assert differs(2.0, -2.0, 2.0) == pytest.approx(2.0)
    assert differs(2.0, 2.0, 2.0) == 0.0


def test_rest_between_is_told_from_movement_between() -> None:
    def between(rms_g: float) -> float:
        return likeness_of(trace(2000), [trace(1000)], chains(rms_g))["trunk_moved_between"]

    assert between(0.2) == pytest.approx(0.0, abs=0.01)
    assert between(0.02) == pytest.approx(-math.log(10.0), abs=0.01)


def test_what_comes_at_once_has_no_between() -> None:
    values = likeness_of(trace(1000 + AFTER_K), [trace(1000)], chains(0.02))
    assert "trunk_moved_between" not in values
    assert "legs_moved_between" not in values


def test_without_rotation_only_pause_and_rest_are_compared() -> None:
    shape = Shape(0.2, 1000, 0.01, 0.01, 0.4, None, gyro=False)
    own, before = (trace_of(k, Site.TR, {Site.TR: shape}) for k in (2000, 1000))
    assert likeness_of(own, [before], chains(0.01)).keys() == {
        "pause",
        "trunk_moved_between",
        "legs_moved_between",
    }


def test_the_way_is_the_axis_of_the_rotation_whatever_the_bias() -> None:
    t = np.arange(430) / 100
    rise = np.clip((t - 2.3) / 0.3, 0.0, 1.0)
    angle = 20 * rise * rise * (3 - 2 * rise)
    axis = np.array([0.0, -0.6, 0.8])
    turn = turn_of(axis[:, None] * np.gradient(angle)[None, :] * 100 + 3.0, 250)
    assert turn is not None
    assert turn.way == pytest.approx(tuple(axis), abs=1e-3)
    assert turn.unrest_before < -3.0
    assert 0.0 < turn.top_s < 0.3
    assert turn.outward == pytest.approx(1.0, abs=1e-6)
