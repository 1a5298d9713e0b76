"""How much of a spasm the sensors show, and the truth that says how many can be seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dsp.records import Label, Site
from firmware_sim.background import Background
from firmware_sim.draw import Draw
from firmware_sim.liveliness import in_the_way_of
from firmware_sim.movement import Infant, Mark, Movement, draw_infant
from firmware_sim.night import make_night
from firmware_sim.scenario import Placed, Scenario
from firmware_sim.showing import VISIBLE_G, is_visible, shown_g
from firmware_sim.spasm_series import spasm_cluster
from firmware_sim.spasms import SpasmStyle, draw_style, spasm
from firmware_sim.steps import Channel, StepList, Steps
from firmware_sim.truth import Truth, tell_truth
from lullwatch.scoring_truth import truth_lines
from store.events_tsv import read_events, write_events
from tests.sim_examples import one, seen

WORN = (Site.LA, Site.RA, Site.TR)


def infant() -> Infant:
    return draw_infant(Draw(1, "showing"), 150)


def step(channel: Channel, delta: float, span_s: float) -> Steps:
    out = StepList()
    out.step(channel, 1.0, span_s, delta)
    return out.build()


def style(*, legs_and_trunk: float) -> SpasmStyle:
    """Spasms of arms and head, and of so much of legs and trunk."""
    usual = draw_style(Draw(2, "style"), subtle=False, symmetry="symmetric")
    return replace(
        usual, leg_g=usual.leg_g * legs_and_trunk, trunk_rad=usual.trunk_rad * legs_and_trunk, tonic=0.0
    )


def truth_of(movement: Movement, sites: tuple[Site, ...] = WORN) -> Truth:
    return tell_truth(
        movement.marks, (), infant="i", body=infant().body, sites=sites, start_ns=0, duration_s=3600.0
    )


def test_a_slow_turn_shows_what_gravity_departs_by() -> None:
    turned = step(Channel.ROOT_PITCH, float(np.deg2rad(2.0)), 4.0)
    for site in WORN:
        assert shown_g(infant().body, turned, site) == pytest.approx(np.sin(np.deg2rad(2.0)), rel=0.1)


def test_the_limit_is_a_degree_of_turning_or_a_push_of_four_millimetres() -> None:
    body = infant().body
    turned = step(Channel.ROOT_PITCH, float(np.deg2rad(1.15)), 4.0)
    pushed = step(Channel.POS_X, 0.004, 1 / 3)
    for steps in (turned, pushed):
        assert shown_g(body, steps, Site.TR) == pytest.approx(VISIBLE_G, rel=0.1)


@pytest.mark.parametrize("seed", range(8))
def test_it_is_about_what_perfect_sensors_see_whichever_way_the_infant_lies(seed: int) -> None:
    drawn, movement = one("spasm", seed)
    forces = [seen(drawn, movement, site, seed=seed)[0] for site in WORN]
    departed = max(float(np.linalg.norm(f - f[0], axis=1).max()) for f in forces)
    shown = max(shown_g(drawn.body, movement.steps, site) for site in WORN)
    assert 0.4 < shown / departed < 2.5


def test_spasms_of_arms_and_head_alone_are_seen_there_only() -> None:
    drawn = infant()
    limited = spasm(Draw(3, "limited"), drawn, style=style(legs_and_trunk=0.005))
    assert not is_visible(drawn.body, limited.steps, WORN)
    assert is_visible(drawn.body, limited.steps, (*WORN, Site.LW))
    assert is_visible(drawn.body, limited.steps, (Site.HD,))
    usual = spasm(Draw(3, "limited"), drawn, style=style(legs_and_trunk=1.0))
    assert is_visible(drawn.body, usual.steps, (Site.LA,))


def test_truth_counts_the_visible_ones_of_a_series_at_the_sensors_that_are_worn() -> None:
    drawn, draw = infant(), Draw(4, "series")
    parts = [spasm(draw, drawn, style=style(legs_and_trunk=part)) for part in (1.0, 0.005, 0.005, 1.0, 0.005)]
    series = [part.shifted(20.0 * i) for i, part in enumerate(parts)]
    movement = Movement(Steps.join(m.steps for m in series), tuple(k for m in series for k in m.marks))
    (whole,) = truth_of(movement).of(Label.SPASM_LIKE_CLUSTER)
    assert (whole.count, whole.visible) == (5, 2)
    assert [e.visible for e in truth_of(movement).of(Label.SPASM_LIKE)] == [1, 0, 0, 1, 0]
    (at_the_wrist,) = truth_of(movement, (*WORN, Site.RW)).of(Label.SPASM_LIKE_CLUSTER)
    assert at_the_wrist.visible == 5


def test_of_other_movements_nothing_is_said() -> None:
    kick = Movement(step(Channel.L_KNEE, 0.5, 0.3), (Mark(Label.MOVEMENT, "kick", 1.0, 1.3),))
    assert [e.visible for e in truth_of(kick).events] == [None]


def test_what_shows_is_as_large_and_as_slow_as_this_infant_moves() -> None:
    drawn = infant()
    weak = replace(drawn, vigour=0.1, slowness=1.3)
    series = spasm_cluster(Draw(5, "series"), drawn, count=6, subtle=False)
    (usual,), (faint,) = (m.marks for m in (series, in_the_way_of(weak, series)))
    for before, after in zip(usual.members, faint.members, strict=True):
        assert before.alone is not None
        assert after.alone is not None
        shown = [shown_g(drawn.body, steps, Site.TR) for steps in (before.alone, after.alone)]
        assert shown[1] == pytest.approx(0.1 * shown[0], rel=0.3)
    single = in_the_way_of(weak, spasm(Draw(5, "one"), drawn))
    (mark,) = single.marks
    assert mark.alone is not None
    assert mark.alone.end_s == single.steps.end_s
    assert np.array_equal(mark.alone.delta, single.steps.delta)


def test_a_night_says_it_and_its_table_of_truth_keeps_it(tmp_path: Path) -> None:
    options = {"count": 6, "subtle": False}
    scenario = Scenario(
        "one series", 300.0, 150, placed=(Placed("spasm_cluster", 30.0, options),), background=Background()
    )
    lines = truth_lines(make_night(scenario, seed=3).truth, 0)
    (whole,) = (line for line in lines if line.label is Label.SPASM_LIKE_CLUSTER)
    assert whole.visible == whole.count
    write_events(tmp_path / "truth.tsv", lines)
    assert [(e.label, e.visible) for e in read_events(tmp_path / "truth.tsv")] == [
        (e.label, e.visible) for e in lines
    ]
