from __future__ import annotations

import numpy as np
import pytest

from dsp.records import Site
from firmware_sim.body import LEFT_ARM, RIGHT_ARM, Lying, draw_rest, motion_at
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant, arms_of, draw_infant, nod, shake_trunk, swing_arm
from firmware_sim.steps import Channel, StepList, Steps, Trajectory


def peak(infant: Infant, steps: Steps, site: Site) -> float:
    """Largest departure from rest in g."""
    rest = draw_rest(Draw(0, "rest"), lying=Lying.SUPINE)
    acc, _ = motion_at(infant.body, Trajectory(steps, rest), site, t0_s=-0.2, dt_s=0.002, n=600)
    assert np.allclose(acc[0], acc[-1], atol=1e-3)
    return float(np.max(np.abs(np.linalg.norm(acc, axis=1) - 1.0)))


def swung(seed: int, *, peak_g: float = 0.4, **options: float) -> tuple[Infant, Steps]:
    draw, out = Draw(seed, "test/arm"), StepList()
    infant = draw_infant(draw, 90)
    swing_arm(out, draw, infant, LEFT_ARM, 0.0, peak_g=peak_g, rise_s=0.12, fall_s=0.2, **options)
    return infant, out.build()


def nodded(seed: int, *, peak_g: float = 0.4, **options: float) -> tuple[Infant, Steps]:
    draw, out = Draw(seed, "test/nod"), StepList()
    infant = draw_infant(draw, 90)
    nod(out, draw, infant, 0.0, peak_g=peak_g, rise_s=0.12, fall_s=0.2, **options)
    return infant, out.build()


def test_the_wrist_is_pushed_about_as_hard_as_asked():
    got = [peak(*swung(seed), Site.LW) for seed in range(60)]
    assert 0.2 < np.median(got) < 0.6
    assert min(got) > 0.08


def test_the_head_is_pushed_about_as_hard_as_asked():
    got = [peak(*nodded(seed), Site.HD) for seed in range(60)]
    assert 0.1 < np.median(got) < 0.6


@pytest.mark.parametrize("moved", [swung, nodded])
def test_a_jerk_shakes_the_chest_a_little_and_the_legs_hardly(moved):
    chest = [peak(*moved(seed), Site.TR) for seed in range(60)]
    legs = [peak(*moved(seed), Site.LA) for seed in range(60)]
    assert 0.001 < np.median(chest) < 0.08
    assert np.median(legs) < 0.6 * np.median(chest)


@pytest.mark.parametrize("moved", [swung, nodded])
def test_without_reaction_nothing_else_moves(moved):
    for seed in range(5):
        infant, steps = moved(seed, reaction=0.0)
        assert peak(infant, steps, Site.TR) < 1e-5
        assert peak(infant, steps, Site.RW) < 1e-5


def test_arms_and_head_ride_on_a_shaken_chest():
    draw, out = Draw(3, "test/shake"), StepList()
    infant = draw_infant(draw, 90)
    shake_trunk(out, draw, infant, 0.0, peak_g=0.3, rise_s=0.15, fall_s=0.2, pelvis=0.0)
    steps = out.build()
    assert peak(infant, steps, Site.LA) < 1e-5
    assert all(peak(infant, steps, site) > 0.05 for site in (Site.TR, Site.LW, Site.RW, Site.HD))


def test_an_arm_thrown_outwards_goes_outwards_and_a_head_nods_forward():
    _, steps = swung(1, outward=1.0)
    first = {int(c): d for c, d in zip(steps.channel[::-1], steps.delta[::-1], strict=True)}
    assert first[LEFT_ARM.abduction] > 0.0
    assert abs(first[LEFT_ARM.flexion]) < 1e-9
    _, steps = nodded(1, turn=0.0)
    first = {int(c): d for c, d in zip(steps.channel[::-1], steps.delta[::-1], strict=True)}
    assert first[Channel.HEAD_NOD] > 0.0
    assert first[Channel.HEAD_TURN] == 0.0


def test_sides_name_their_arms():
    assert arms_of("both") == (LEFT_ARM, RIGHT_ARM)
    assert arms_of("right") == (RIGHT_ARM,)


def test_a_stream_aside_moves_nothing_and_differs_from_place_to_place():
    draw, other = Draw(1, "test/aside"), Draw(1, "test/aside")
    first = draw.aside("arms").normal()
    assert draw.aside("arms").normal() == first
    assert draw.aside("head").normal() != first
    assert draw.normal() == other.normal()
    assert draw.aside("arms").normal() != first
