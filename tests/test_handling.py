from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dsp.records import Site
from firmware_sim.handling import HANDLINGS
from firmware_sim.steps import Channel, Trajectory
from tests.sim_examples import one, peak_g, seen


@pytest.mark.parametrize("what", HANDLINGS)
def test_handling_is_motion_from_outside_that_leaves_the_infant_where_it_was(what):
    for seed in range(10):
        movement = one("handling", seed, what=what, duration_s=40.0)[1]
        assert all(mark.conveyed for mark in movement.marks)
        trajectory = Trajectory(movement.steps, {})
        for channel in Channel:
            assert trajectory.level(channel, movement.duration_s + 1.0) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("what", HANDLINGS)
def test_no_hand_is_rough(what):
    for seed in range(20):
        row = one("handling", seed, what=what, duration_s=40.0)
        assert peak_g(*row, Site.TR) < 1.0


@pytest.mark.parametrize("what", HANDLINGS)
def test_the_length_that_was_asked_for_is_about_kept(what):
    for seed in range(20):
        assert 30.0 < one("handling", seed, what=what, duration_s=40.0)[1].duration_s < 46.0


def test_who_is_lifted_is_turned_upright_and_laid_down_again():
    for seed in range(20):
        infant, movement = one("handling", seed, what="lifted", duration_s=30.0)
        acc, _ = seen(infant, movement, Site.TR)
        up = acc[10 * 104 : 20 * 104].mean(axis=0)
        turned = np.degrees(np.arccos(np.clip(up @ acc[0] / np.linalg.norm(up), -1.0, 1.0)))
        assert 15.0 < turned < 120.0
        assert np.abs(acc[-1] - acc[0]).max() < 0.01


@pytest.mark.parametrize(
    ("what", "site"), [("lifted", Site.TR), ("lifted", Site.LA), ("nappy_change", Site.LA)]
)
def test_hands_that_hold_are_never_still(what, site):
    """No two seconds between the first and the last motion in which gravity stays within 2 mg."""
    still = []
    for seed in range(10):
        acc, _ = seen(*one("handling", seed, what=what, duration_s=30.0), site)
        middle = acc[8 * 104 : 20 * 104].reshape(6, -1, 3)
        still.append(np.mean(np.ptp(middle, axis=1).max(axis=1) < 0.002))
    assert np.mean(still) < 0.05


def test_a_nappy_change_lifts_both_legs_to_the_same_height():
    for seed in range(20):
        movement = one("handling", seed, what="nappy_change", duration_s=60.0)[1]
        trajectory = Trajectory(movement.steps, {})
        hips = [
            trajectory.curve(channel, 0.0, 0.02, 160).value
            for channel in (Channel.L_HIP_FLEX, Channel.R_HIP_FLEX)
        ]
        assert hips[0].max() > 0.4
        assert np.abs(hips[0].max() - hips[1].max()) < 0.15 * hips[0].max()


def test_a_feed_holds_the_infant_and_pats_it_at_least_once_in_most_cases():
    patted = 0
    for seed in range(60):
        marks = one("feed", seed)[1].marks
        assert marks[0].true_class == "feed"
        assert all(m.conveyed for m in marks)
        assert all(marks[0].onset_s < m.onset_s and m.end_s < marks[0].end_s for m in marks[1:])
        patted += len(marks) > 1
    assert patted > 50


def test_a_feed_lasts_five_minutes_to_half_an_hour():
    lengths = [one("feed", seed)[1].duration_s for seed in range(80)]
    assert 290.0 < min(lengths) < 420.0
    assert 1300.0 < max(lengths) < 1810.0


@pytest.mark.parametrize("site", [Site.LA, Site.RA, Site.TR])
def test_the_gyro_leads_gravity_through_the_tilting_of_the_arms_that_hold(site):
    """Steps and splines together: the turning integrated over half a minute is the turning of gravity."""
    rate_hz = 400.0
    acc, gyro = seen(*one("handling", 5, what="lifted", duration_s=30.0), site, rate_hz=rate_hz)
    turned, off_deg = Rotation.identity(), []
    for i, omega in enumerate(np.radians(0.5 * (gyro[1:] + gyro[:-1])), start=1):
        turned = turned * Rotation.from_rotvec(omega / rate_hz)
        if i % 200 == 0 and abs(np.linalg.norm(acc[i]) - 1.0) < 0.002:
            down = turned.apply(acc[0], inverse=True)
            cosine = down @ acc[i] / np.linalg.norm(acc[i]) / np.linalg.norm(down)
            off_deg.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    assert len(off_deg) > 20
    assert np.median(off_deg) < 0.3
