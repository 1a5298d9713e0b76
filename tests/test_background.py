from __future__ import annotations

import numpy as np
import pytest

from dsp.records import State
from firmware_sim.background import live_through
from firmware_sim.body import draw_rest
from firmware_sim.draw import Draw
from firmware_sim.life import Background
from firmware_sim.movement import draw_infant
from firmware_sim.scenario import Scenario
from firmware_sim.sleep import Bout
from firmware_sim.steps import Channel


@pytest.fixture(scope="module")
def turns():
    """Restless waking of an infant who can turn: every change of posture, in order."""
    return _posture_changes(seed=3, age_days=400)


def _posture_changes(seed, age_days):
    life = Background({"posture_change": 120.0}, {}, {}, newborn_startles=False, care=False)
    plan = Scenario("restless", 7200.0, age_days=age_days, background=life)
    bouts = (Bout(State.AWAKE, 0.0, 7200.0),)
    rest = draw_rest(Draw(seed, "rest"))
    lived = live_through(plan, draw_infant(Draw(seed, "infant"), age_days), bouts, rest, [], seed)
    marked = [row for row in lived if any(mark.true_class == "posture_change" for mark in row.marks)]
    return sorted(marked, key=lambda row: row.steps.begin_s)


def _sum(movement, channel):
    return movement.steps.delta[movement.steps.channel == channel].sum()


def test_nobody_turns_further_than_half_round(turns):
    rolls = np.array([abs(_sum(movement, Channel.ROOT_ROLL)) for movement in turns])
    assert (rolls > 1.0).sum() > 10
    assert rolls.max() <= np.pi + 1e-9


def test_the_trunk_stays_where_it_is_while_only_the_legs_lie_down_anew(turns):
    still = [row for row in turns if not (row.steps.channel == Channel.ROOT_ROLL).any()]
    assert 0.4 < len(still) / len(turns) < 0.8
    assert all(set(row.steps.channel) <= set(range(Channel.L_HIP_FLEX, Channel.R_KNEE + 1)) for row in still)
