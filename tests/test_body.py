from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dsp.records import Site
from firmware_sim.background import GENERATORS
from firmware_sim.body import GRAVITY, Body, draw_body, draw_rest, motion_at
from firmware_sim.draw import Draw
from firmware_sim.movement import draw_infant
from firmware_sim.steps import Channel, StepList, Trajectory
from firmware_sim.whole_body import posture_change
from tests.sim_examples import one, seen

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
    if site is Site.TR:
        place = place + turn.apply([body.pelvis_to_spine_m, 0, 0])
        turn = turn * about(Channel.SPINE_TWIST, "x") * about(Channel.SPINE_BEND, "z")
        turn = turn * about(Channel.SPINE_FLEX, "y", -1.0)
    else:
        left = site is Site.LA
        side = 1.0 if left else -1.0
        flex, abd, rot, knee = (
            (Channel.L_HIP_FLEX, Channel.L_HIP_ABD, Channel.L_HIP_ROT, Channel.L_KNEE)
            if left
            else (Channel.R_HIP_FLEX, Channel.R_HIP_ABD, Channel.R_HIP_ROT, Channel.R_KNEE)
        )
        place = place + turn.apply([-body.pelvis_to_spine_m / 2, side * body.hip_half_width_m, 0])
        turn = turn * about(abd, "z", -side) * about(flex, "y") * about(rot, "x", side)
        place = place + turn.apply([-body.thigh_m, 0, 0])
        turn = turn * about(knee, "y", -1.0)
    return place + turn.apply(body.places[site]), turn * Rotation.from_matrix(body.mounts[site]).inv()


@pytest.mark.parametrize("site", [Site.LA, Site.RA, Site.TR])
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


@pytest.mark.parametrize("site", [Site.LA, Site.TR])
def test_integrating_the_gyro_leads_gravity_to_where_the_accelerometer_sees_it(site):
    draw = Draw(3, "test/turn")
    infant = draw_infant(draw, 200)
    now = draw_rest(draw)
    to = draw_rest(draw) | {Channel.ROOT_ROLL: 1.4}
    movement = posture_change(draw, now, to)
    trajectory = Trajectory(movement.steps.shifted(0.2), now)
    n = int((movement.duration_s + 0.5) / DT)
    acc, gyro = motion_at(infant.body, trajectory, site, t0_s=0.0, dt_s=DT, n=n)
    middle = 0.5 * (gyro[1:] + gyro[:-1]).astype(float)
    attitude = Rotation.identity()
    for turn in Rotation.from_rotvec(np.deg2rad(middle) * DT):
        attitude = attitude * turn
    led = attitude.inv().apply(acc[0])
    assert np.degrees(np.arccos(np.clip(acc[0] @ acc[-1], -1, 1))) > 30
    assert np.linalg.norm(led - acc[-1]) < 2e-3


@pytest.mark.parametrize("kind", sorted(set(GENERATORS) - {"carrying", "rocking", "hiccups"}))
def test_no_movement_jumps_and_each_ends_where_it_began(kind):
    infant, movement = one(kind, 11)
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
        for site in (Site.LA, Site.RA, Site.TR)
    ]
    assert np.allclose(sizes[0], sizes[1], atol=1e-3)
    assert np.allclose(sizes[0], sizes[2], atol=1e-3)
