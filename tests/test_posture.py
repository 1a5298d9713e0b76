from __future__ import annotations

import numpy as np
import pytest

from dsp.records import Site
from firmware_sim.body import draw_body, motion_at
from firmware_sim.draw import Draw
from firmware_sim.limbs import LEFT, LEFT_ARM, RIGHT, RIGHT_ARM
from firmware_sim.posture import Lying, draw_lying, draw_rest, turned_least
from firmware_sim.steps import Channel, StepList, Trajectory


def up_in_the_chest(rest: dict[Channel, float]) -> np.ndarray:
    """What points up: x toward the head, y to the left, z out of the belly."""
    body = draw_body(Draw(0, "body"), 100)
    acc, _ = motion_at(body, Trajectory(StepList().build(), rest), Site.TR, t0_s=0.0, dt_s=0.1, n=1)
    return body.mounts[Site.TR].T @ acc[0]


@pytest.mark.parametrize(
    ("lying", "axis", "way"),
    [
        (Lying.SUPINE, 2, 1.0),
        (Lying.PRONE, 2, -1.0),
        (Lying.LEFT_SIDE, 1, -1.0),
        (Lying.RIGHT_SIDE, 1, 1.0),
        (Lying.UPRIGHT, 0, 1.0),
    ],
)
def test_each_posture_has_its_own_side_up(lying, axis, way):
    for seed in range(100):
        up = up_in_the_chest(draw_rest(Draw(seed, "rest"), lying=lying))
        assert way * up[axis] > 0.75
        assert np.argmax(np.abs(up)) == axis


def test_arms_and_head_keep_still_between_rests_that_name_no_posture():
    first, second = (draw_rest(Draw(seed, "rest")) for seed in (1, 2))
    above = [c for c in Channel if c >= Channel.HEAD_NOD]
    assert [first.get(c) for c in above] == [second.get(c) for c in above]
    assert first[LEFT.hip] != second[LEFT.hip]


def test_lying_supine_draws_legs_and_trunk_as_without_a_name():
    plain, named = draw_rest(Draw(7, "rest")), draw_rest(Draw(7, "rest"), lying=Lying.SUPINE)
    below = [c for c in Channel if c <= Channel.R_KNEE]
    assert [plain.get(c) for c in below] == [named.get(c) for c in below]
    assert named[LEFT_ARM.elbow] != named[RIGHT_ARM.elbow]


def test_a_head_lies_to_either_side():
    turns = [draw_rest(Draw(seed, "rest"), lying=Lying.SUPINE)[Channel.HEAD_TURN] for seed in range(200)]
    assert 0.35 < np.mean(np.array(turns) > 0.0) < 0.65


def shares(age_days: int, *, placed: bool = False) -> dict[Lying, float]:
    draw = Draw(age_days, "test/lying")
    drawn = [draw_lying(draw, age_days, placed=placed) for _ in range(2000)]
    return {lying: drawn.count(lying) / 2000 for lying in Lying}


def test_no_infant_turns_onto_its_belly_before_it_can_roll_but_may_be_laid_so():
    for age_days in (0, 60, 119):
        assert shares(age_days)[Lying.PRONE] == 0.0
        assert 0.05 < shares(age_days, placed=True)[Lying.PRONE] < 0.3
    assert shares(30)[Lying.SUPINE] > 0.7


def test_belly_and_side_become_common_once_an_infant_rolls():
    prone = [shares(age_days)[Lying.PRONE] for age_days in (100, 150, 190, 300, 540)]
    assert prone[:4] == sorted(prone[:4])
    old = shares(400)
    assert old[Lying.PRONE] > 0.2
    assert old[Lying.LEFT_SIDE] + old[Lying.RIGHT_SIDE] > 0.2
    assert old[Lying.SUPINE] > 0.1
    assert old[Lying.UPRIGHT] == 0.0


def test_an_infant_turns_the_shorter_way_and_comes_to_lie_the_same():
    for seed in range(60):
        draw = Draw(seed, "test/turn")
        now, to = (draw_rest(draw, lying=draw.one_of(list(Lying))) for _ in range(2))
        near = turned_least(now, to)
        assert abs(near[Channel.ROOT_ROLL] - now[Channel.ROOT_ROLL]) <= np.pi + 1e-9
        assert np.allclose(up_in_the_chest(near), up_in_the_chest(to), atol=1e-5)


def test_left_and_right_mirror_each_other_in_what_they_are_called():
    assert LEFT.mirror == -RIGHT.mirror
    assert LEFT_ARM.mirror == -RIGHT_ARM.mirror
    for left, right in ((LEFT, RIGHT), (LEFT_ARM, RIGHT_ARM)):
        assert left.abduction.name.removeprefix("L_") == right.abduction.name.removeprefix("R_")
