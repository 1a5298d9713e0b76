from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.records import Site
from firmware_sim.body import LEFT, LEFT_ARM
from firmware_sim.draw import Draw
from firmware_sim.movement import Movement, draw_infant
from firmware_sim.steps import StepList
from firmware_sim.synergy import limb_synergy, trunk_synergy
from tests.motion_measures import left_behind
from tests.sim_examples import peak_g, seen


def pulled(seed, limb, *, peak=0.5, back=0.0, hold_s=0.0):
    draw, out = Draw(seed, "test"), StepList()
    infant = draw_infant(draw, 120)
    synergy = limb_synergy(draw, infant, limb, back=back)
    synergy.pull(out, draw, 0.0, peak_g=peak, rise_s=0.12, fall_s=0.25, hold_s=hold_s)
    return infant, Movement(out.build())


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.01, 20.0), st.sampled_from([0.0, 0.3]))
def test_a_pull_returns_to_rest_and_never_turns_a_joint_beyond_its_range(seed, peak, back):
    _, movement = pulled(seed, LEFT, peak=peak, back=back)
    assert left_behind(movement) == pytest.approx(0.0, abs=1e-9)
    assert np.abs(movement.steps.delta).max() <= 1.2 * 1.3 * (1.0 + back) * (1.0 + 1e-12)


@pytest.mark.parametrize(("limb", "site"), [(LEFT, Site.LA), (LEFT_ARM, Site.LW)])
def test_the_limbs_end_feels_about_the_asked_peak(limb, site):
    forces = [seen(*pulled(seed, limb), site)[0] for seed in range(80)]
    peaks = [np.linalg.norm(force - force[0], axis=1).max() for force in forces]
    assert 0.3 < np.median(peaks) < 0.75


def test_pulls_of_one_synergy_are_alike_and_of_two_are_not():
    def way(synergy, draw):
        out = StepList()
        synergy.pull(out, draw, 0.0, peak_g=0.3, rise_s=0.1, fall_s=0.2)
        delta = out.build().delta[::2]
        return delta / np.linalg.norm(delta)

    draw = Draw(1, "test")
    infant = draw_infant(draw, 120)
    one, other = limb_synergy(draw, infant, LEFT), limb_synergy(draw, infant, LEFT, flex=-1.0)
    same = [way(one, draw) @ way(one, draw) for _ in range(50)]
    different = [way(one, draw) @ way(other, draw) for _ in range(50)]
    assert min(same) > 0.85
    assert max(different) < min(same)


def test_what_the_pelvis_is_spared_the_legs_do_not_feel():
    def ankle(pelvis):
        draw, out = Draw(3, "test"), StepList()
        infant = draw_infant(draw, 120)
        trunk_synergy(draw, infant, pelvis=pelvis).pull(out, draw, 0.0, peak_g=0.3, rise_s=0.1, fall_s=0.2)
        return peak_g(infant, Movement(out.build()), Site.LA)

    assert ankle(0.05) < 0.25 * ankle(1.0)
