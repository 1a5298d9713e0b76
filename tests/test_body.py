from __future__ import annotations

from inspect import signature

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dsp.records import Site
from firmware_sim.background import GENERATORS
from firmware_sim.body import GRAVITY, Body, Lying, draw_body, draw_rest, motion_at
from firmware_sim.draw import Draw
from firmware_sim.movement import draw_infant
from firmware_sim.steps import Channel, StepList, Trajectory
from firmware_sim.whole_body import posture_change
from tests.sim_examples import one, seen
from tests.turning import led

DT = 1.0 / 4000.0


def restless(seed: int) -> Trajectory:
    """Every channel swings, all at once."""
    draw, out = Draw(seed, "test/restless"), StepList()
    for channel in Channel:
        reach = 0.03 if channel <= Channel.POS_Z else 0.5
        for _ in range(3):
            at, span = draw.between(0.0, 0.5), draw.between(0.3, 0.6)
            out.step(channel, at, span, draw.between(-reach, reach))
    return Trajectory(out.build(), draw_rest(draw))


def by_matrices(body: Body, trajectory: Trajectory, site: Site, n: int) -> tuple[NDArray, Rotation]:
    """Place in the room and orientation of a sensor, by plain forward kinematics: the independent way."""

    def about(channel: Channel, axis: str, sign: float = 1.0) -> Rotation:
        curve = trajectory.curve(channel, 0.0, DT, n)
        assert curve is not None
        return Rotation.from_euler(axis, sign * curve.value.astype(float)[:, None])

    def value(channel: Channel) -> NDArray:
        curve = trajectory.curve(channel, 0.0, DT, n)
        assert curve is not None
        return curve.value.astype(float)

    place = np.stack([value(c) for c in (Channel.POS_X, Channel.POS_Y, Channel.POS_Z)], axis=1)
    turn = about(Channel.CARRIER_PITCH, "y") * about(Channel.CARRIER_ROLL, "x")
    turn = (
        turn * about(Channel.ROOT_YAW, "z") * about(Channel.ROOT_PITCH, "y") * about(Channel.ROOT_ROLL, "x")
    )
    sign = -1.0 if site in (Site.RA, Site.RW) else 1.0
    name = "L_" if sign > 0 else "R_"
    if site in (Site.LA, Site.RA):
        place = place + turn.apply([-body.pelvis_to_spine_m / 2, sign * body.hip_half_width_m, 0])
        turn = turn * about(Channel[name + "HIP_ABD"], "z", -sign) * about(Channel[name + "HIP_FLEX"], "y")
        turn = turn * about(Channel[name + "HIP_ROT"], "x", sign)
        place = place + turn.apply([-body.thigh_m, 0, 0])
        turn = turn * about(Channel[name + "KNEE"], "y", -1.0)
    else:
        place = place + turn.apply([body.pelvis_to_spine_m, 0, 0])
        turn = turn * about(Channel.SPINE_TWIST, "x") * about(Channel.SPINE_BEND, "z")
        turn = turn * about(Channel.SPINE_FLEX, "y", -1.0)
    if site in (Site.LW, Site.RW):
        place = place + turn.apply([body.spine_to_shoulder_m, sign * body.shoulder_half_width_m, 0])
        turn = turn * about(Channel[name + "SHOULDER_ABD"], "z", -sign)
        turn = turn * about(Channel[name + "SHOULDER_FLEX"], "y")
        turn = turn * about(Channel[name + "SHOULDER_ROT"], "x", -sign)
        place = place + turn.apply([-body.upper_arm_m, 0, 0])
        turn = turn * about(Channel[name + "ELBOW"], "y")
    if site is Site.HD:
        place = place + turn.apply([body.spine_to_neck_m, 0, 0])
        turn = turn * about(Channel.HEAD_TURN, "x") * about(Channel.HEAD_TILT, "z")
        turn = turn * about(Channel.HEAD_NOD, "y", -1.0)
    return place + turn.apply(body.places[site]), turn * Rotation.from_matrix(body.mounts[site]).inv()


@pytest.mark.parametrize("site", Site)
def test_force_and_rate_are_those_of_plain_forward_kinematics(site):
    body, trajectory, n = draw_body(Draw(5, "body"), 100), restless(9), 4400
    acc, gyro = motion_at(body, trajectory, site, t0_s=0.0, dt_s=DT, n=n)
    place, turn = by_matrices(body, trajectory, site, n)
    # float32 angles leave rounding in a second difference, so that it is taken over 20 samples
    k = 20
    pushed = (place[2 * k :] - 2 * place[k:-k] + place[: -2 * k]) / (k * DT) ** 2
    force = turn[k:-k].inv().apply(pushed + GRAVITY * np.array([0.0, 0.0, 1.0])) / GRAVITY
    turned = (turn[: -2 * k].inv() * turn[2 * k :]).as_rotvec() / (2 * k * DT)
    assert np.max(np.abs(force - acc[k:-k])) < 0.02
    assert np.max(np.abs(np.rad2deg(turned) - gyro[k:-k])) < 2.0
    assert np.ptp(np.linalg.norm(acc, axis=1)) > 0.1


@pytest.mark.parametrize("site", Site)
def test_integrating_the_gyro_leads_gravity_to_where_the_accelerometer_sees_it(site):
    draw = Draw(3, "test/turn")
    infant = draw_infant(draw, 200)
    now = draw_rest(draw, lying=Lying.SUPINE)
    to = draw_rest(draw, lying=Lying.RIGHT_SIDE)
    movement = posture_change(draw, now, to)
    trajectory = Trajectory(movement.steps.shifted(0.2), now)
    n = int((movement.duration_s + 0.5) / DT)
    acc, gyro = motion_at(infant.body, trajectory, site, t0_s=0.0, dt_s=DT, n=n)
    assert np.degrees(np.arccos(np.clip(acc[0] @ acc[-1], -1, 1))) > 30
    assert np.linalg.norm(led(gyro, acc[0], DT) - acc[-1]) < 2e-3


@pytest.mark.parametrize("kind", sorted(GENERATORS))
def test_no_movement_jumps_and_each_ends_where_it_began(kind):
    short = {"duration_s": 15.0} if "duration_s" in signature(GENERATORS[kind]).parameters else {}
    infant, movement = one(kind, 11, **short)
    for site in (Site.LA, Site.RA, Site.TR):
        acc, gyro = seen(infant, movement, site, rate_hz=2000.0)
        assert np.allclose(acc[0], acc[-1], atol=2e-3)
        assert np.allclose(gyro[-1], 0.0, atol=0.05)
        swing = np.ptp(acc, axis=0).max()
        assert np.abs(np.diff(acc, axis=0)).max() <= 0.25 * swing + 1e-4


def test_a_knee_does_not_move_the_chest():
    out = StepList()
    out.pulse(Channel.L_KNEE, 0.0, 0.8, rise_s=0.3, fall_s=0.3)
    body = draw_body(Draw(1, "body"), 100)
    trajectory = Trajectory(out.build(), draw_rest(Draw(1, "rest")))
    _, chest = motion_at(body, trajectory, Site.TR, t0_s=0.0, dt_s=0.01, n=60)
    _, left = motion_at(body, trajectory, Site.LA, t0_s=0.0, dt_s=0.01, n=60)
    assert not chest.any()
    assert np.abs(left).max() > 50.0


def test_turning_the_pelvis_turns_all_sensors_by_the_same_rate():
    out = StepList()
    out.step(Channel.ROOT_ROLL, 0.0, 1.0, 0.9)
    body = draw_body(Draw(1, "body"), 100)
    trajectory = Trajectory(out.build(), draw_rest(Draw(1, "rest")))
    sizes = [
        np.linalg.norm(motion_at(body, trajectory, site, t0_s=0.0, dt_s=0.01, n=100)[1], axis=1)
        for site in Site
    ]
    for size in sizes[1:]:
        assert np.allclose(sizes[0], size, atol=1e-3)


def reach(site: Site, channel: Channel, angle: float, bent: dict[Channel, float] | None = None) -> NDArray:
    """Where a joint's turn alone carries a sensor, from a body stretched out flat on its back but for `bent`."""
    body, n = draw_body(Draw(1, "body"), 100), 4
    level = dict.fromkeys(Channel, 0.0) | (bent or {})
    places = []
    for value in (0.0, angle):
        out = StepList()
        for c in Channel:  # the forward kinematics wants every channel to move, if only by nothing
            out.step(c, -1.0, 5.0, 0.0)
        trajectory = Trajectory(out.build(), level | {channel: value})
        places.append(by_matrices(body, trajectory, site, n)[0][0])
    return places[1] - places[0]


@pytest.mark.parametrize(
    ("site", "channel", "axis", "way"),
    [
        (Site.LA, Channel.L_HIP_FLEX, 2, 1.0),
        (Site.LA, Channel.L_HIP_ABD, 1, 1.0),
        (Site.RA, Channel.R_HIP_ABD, 1, -1.0),
        (Site.LA, Channel.L_KNEE, 2, -1.0),
        (Site.TR, Channel.SPINE_FLEX, 2, 1.0),
        (Site.HD, Channel.SPINE_FLEX, 2, 1.0),
        (Site.HD, Channel.HEAD_NOD, 2, 1.0),
        (Site.LW, Channel.L_SHOULDER_FLEX, 2, 1.0),
        (Site.LW, Channel.L_SHOULDER_ABD, 1, 1.0),
        (Site.RW, Channel.R_SHOULDER_ABD, 1, -1.0),
        (Site.RW, Channel.R_ELBOW, 2, 1.0),
        (Site.RW, Channel.SPINE_FLEX, 2, -1.0),
        (Site.HD, Channel.HEAD_TILT, 1, 1.0),
    ],
)
def test_a_joint_carries_its_sensor_the_way_its_name_says(site, channel, axis, way):
    assert way * reach(site, channel, 0.5)[axis] > 0.008


@pytest.mark.parametrize(("site", "side"), [(Site.LW, "L"), (Site.RW, "R")])
def test_turning_a_bent_arm_outwards_brings_the_hand_up_beside_the_head(site, side):
    bent = {Channel[f"{side}_SHOULDER_ABD"]: 1.5, Channel[f"{side}_ELBOW"]: 1.5}
    assert reach(site, Channel[f"{side}_SHOULDER_ROT"], 1.2, bent)[0] > 0.04


def test_arms_and_head_ride_on_the_chest_and_legs_do_not():
    out = StepList()
    out.pulse(Channel.SPINE_TWIST, 0.0, 0.6, rise_s=0.3, fall_s=0.3)
    body = draw_body(Draw(1, "body"), 100)
    trajectory = Trajectory(out.build(), draw_rest(Draw(1, "rest"), lying=Lying.SUPINE))
    turned = {
        site: np.abs(motion_at(body, trajectory, site, t0_s=0.0, dt_s=0.01, n=60)[1]).max() for site in Site
    }
    assert all(turned[site] > 50.0 for site in (Site.TR, Site.LW, Site.RW, Site.HD))
    assert turned[Site.LA] == turned[Site.RA] == 0.0


@pytest.mark.parametrize("site", Site)
def test_a_sample_is_the_same_bit_for_bit_in_whatever_stretch(site):
    body, trajectory = draw_body(Draw(5, "body"), 100), restless(4)
    at = {"t0_s": 0.0123, "dt_s": 1.0 / 103.7}
    whole = motion_at(body, trajectory, site, **at, n=200)
    for block in (1, 7, 64):
        parts = [
            motion_at(body, trajectory, site, **at, n=min(block, 200 - first), first=first)
            for first in range(0, 200, block)
        ]
        assert np.array_equal(whole[0], np.concatenate([acc for acc, _ in parts]))
        assert np.array_equal(whole[1], np.concatenate([gyro for _, gyro in parts]))


def test_bodies_grow_and_stay_in_proportion():
    for age_days, arm_m, leg_m in ((0, (0.135, 0.175), (0.16, 0.23)), (365, (0.20, 0.26), (0.25, 0.34))):
        bodies = [draw_body(Draw(seed, "body"), age_days) for seed in range(200)]
        arms = [body.upper_arm_m + body.forearm_m for body in bodies]
        legs = [body.thigh_m + body.shank_m for body in bodies]
        assert arm_m[0] <= min(arms) < max(arms) <= arm_m[1]
        assert leg_m[0] <= min(legs) < max(legs) <= leg_m[1]
        assert max(np.array(arms) / np.array(legs)) < 1.0
        assert all(body.spine_to_neck_m > body.spine_to_shoulder_m for body in bodies)
