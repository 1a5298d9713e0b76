from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import welch
from scipy.spatial.transform import Rotation

from dsp.records import NS, ContextKind, Site
from firmware_sim.body import GRAVITY, Lying, draw_body, draw_rest, motion_at, segment_at
from firmware_sim.draw import Draw
from firmware_sim.ringing import draw_ring
from firmware_sim.slipping import draw_slip
from firmware_sim.steps import Channel, Path, StepList, Trajectory
from firmware_sim.wearing import BadWornError, Seen, Worn, worn_contexts
from tests.turning import led

BODY = draw_body(Draw(1, "body"), 100)
REST = draw_rest(Draw(1, "rest"), lying=Lying.SUPINE)
MOVING = tuple(c for c in Channel if c >= Channel.ROOT_YAW)


def jerking(seed: int, *, until_s: float, every_s: float = 1.0, size: float = 0.3) -> Trajectory:
    """All joints twitch together now and then, from the first second on."""
    draw, out, at = Draw(seed, "test/jerking"), StepList(), 1.0
    while at < until_s - 1.0:
        for channel in MOVING:
            turn = draw.between(-size, size)
            out.pulse(channel, at + draw.between(0.0, 0.1), turn, rise_s=0.15, fall_s=0.3)
        at += every_s * draw.between(0.8, 1.3)
    return Trajectory(out.build(), REST)


def firm(trajectory: Trajectory, site: Site, dt_s: float, n: int) -> tuple[NDArray, NDArray]:
    return motion_at(BODY, trajectory, site, t0_s=0.0, dt_s=dt_s, n=n)


def seen_as(
    trajectory: Trajectory, site: Site, worn: tuple[Worn, ...], dt_s: float, n: int, *, seed: int = 3
) -> tuple[NDArray, NDArray]:
    sight = Seen(BODY, trajectory, site, duration_s=n * dt_s, seed=seed, worn=worn)
    return sight.at(t0_s=0.0, dt_s=dt_s, n=n)


@pytest.mark.parametrize("site", Site)
def test_gyro_and_gravity_agree_while_jerking_slipping_and_ringing(site):
    dt_s, n = 1e-3, 12_000
    trajectory = jerking(7, until_s=10.0, every_s=1.6, size=0.6)
    worn = (Worn("loose", site), Worn("slips", site))
    acc, gyro = seen_as(trajectory, site, worn, dt_s, n, seed=1)
    assert np.linalg.norm(led(gyro, acc[0], dt_s) - acc[-1]) < 2e-3
    plain_acc, plain_gyro = firm(trajectory, site, dt_s, n)
    assert np.abs(gyro - plain_gyro).max() > 20.0
    assert np.degrees(np.arccos(np.clip(acc[-1] @ plain_acc[-1], -1.0, 1.0))) > 0.4


@pytest.mark.parametrize("site", Site)
def test_gyro_and_gravity_agree_through_the_hands_that_take_a_sensor_off_and_put_it_on(site):
    dt_s, n = 2e-3, 12_000
    trajectory = jerking(8, until_s=22.0, every_s=2.0)
    acc, gyro = seen_as(trajectory, site, (Worn("off", site, 2.0, 21.0),), dt_s, n)
    middle = n // 2
    assert np.linalg.norm(led(gyro[:middle], acc[0], dt_s) - acc[middle]) < 3e-3
    assert np.linalg.norm(led(gyro, acc[0], dt_s) - acc[-1]) < 5e-3
    assert np.allclose(acc[-1], firm(trajectory, site, dt_s, n)[0][-1], atol=1e-4)


def numbers(path: Path, dt_s: float, n: int) -> NDArray:
    curve = path.curve(0.0, dt_s, n)
    return np.full(n, path.level(0.0)) if curve is None else curve.value.astype(float)


def test_slip_and_ring_are_those_of_plain_forward_kinematics():
    dt_s, n, site = 2.5e-4, 12_000, Site.LA
    out = StepList()
    for channel, turn in ((Channel.ROOT_ROLL, 0.8), (Channel.POS_Z, 0.05), (Channel.ROOT_PITCH, -0.5)):
        out.pulse(channel, 0.5, turn, rise_s=0.5, fall_s=0.7)
    out.pulse(Channel.ROOT_ROLL, 1.6, 0.2, rise_s=0.06, fall_s=0.1)
    trajectory = Trajectory(out.build(), {})

    def force(t0_s: float, step_s: float, count: int) -> NDArray:
        chain = segment_at(BODY, trajectory, site, t0_s=t0_s, dt_s=step_s, n=count)
        chain.offset(BODY.places[site])
        return chain.force

    def struck(t0_s: float, step_s: float, count: int) -> tuple[NDArray, NDArray]:
        strong = (t0_s + step_s * np.arange(count)) % 0.8 < 0.3
        return np.where(strong, 2.0, 1.0)[:, None] * np.array([0.0, 0.0, 1.0]), np.zeros((count, 3))

    slip = draw_slip(Draw(4, "slip"), struck, 0.0, 3.0)
    ring = draw_ring(Draw(2, "ring"), force, (0.0, 0.6, 0.8), 0.0, math.inf, 3.0)
    chain = segment_at(BODY, trajectory, site, t0_s=0.0, dt_s=dt_s, n=n)
    slip.pass_on(chain)
    chain.offset(BODY.places[site])
    ring.pass_on(chain)
    acc, gyro = chain.seen(np.eye(3))

    def about(axis: str, angle: NDArray) -> Rotation:
        return Rotation.from_euler(axis, angle[:, None])

    def value(channel: Channel) -> NDArray:
        curve = trajectory.curve(channel, 0.0, dt_s, n)
        assert curve is not None
        return curve.value.astype(float)

    place = np.zeros((n, 3))
    place[:, 2] = value(Channel.POS_Z)
    turn = about("y", value(Channel.ROOT_PITCH)) * about("x", value(Channel.ROOT_ROLL))
    place += turn.apply([-BODY.pelvis_to_spine_m / 2 - BODY.thigh_m, BODY.hip_half_width_m, 0.0])
    turn = turn * about("x", numbers(slip.turned, dt_s, n))
    along = numbers(slip.slid, dt_s, n)[:, None] * np.array([1.0, 0.0, 0.0])
    place += turn.apply(along + np.array(BODY.places[site]))
    for axis, path in zip("xyz", ring.turned, strict=True):
        turn = turn * about(axis, numbers(path, dt_s, n))
    shift = np.stack([numbers(path, dt_s, n) for path in ring.shifted], axis=1)
    place += turn.apply(shift + np.array(ring.lever_m))
    k = 4
    pushed = (place[2 * k :] - 2 * place[k:-k] + place[: -2 * k]) / (k * dt_s) ** 2
    expected = turn[k:-k].inv().apply(pushed + GRAVITY * np.array([0.0, 0.0, 1.0])) / GRAVITY
    rate = np.rad2deg((turn[: -2 * k].inv() * turn[2 * k :]).as_rotvec() / (2 * k * dt_s))
    away = slice(100, -100)
    assert np.abs(expected - acc[k:-k])[away].max() < 0.03 * np.ptp(acc, axis=0).max()
    assert np.abs(rate - gyro[k:-k])[away].max() < 0.03 * np.ptp(gyro, axis=0).max()
    assert np.ptp(numbers(slip.turned, dt_s, n)) > 0.01
    assert np.ptp(shift, axis=0).max() > 5e-4


@settings(max_examples=8)
@given(st.integers(0, 999), st.integers(150, 1500), st.sampled_from(list(Site)))
def test_no_stretch_changes_what_a_badly_worn_sensor_sees(seed, block, site):
    trajectory, n, dt_s = jerking(seed, until_s=25.0, every_s=3.0), 2600, 1.0 / 101.3
    worn = [Worn("loose", site, 5.0, 20.0), Worn("slips", site), Worn("off", site, 9.0, 24.0)]
    if site in (Site.LA, Site.RA, Site.LW, Site.RW):
        worn.append(Worn("swapped", site, 3.0, 19.0))
    whole = seen_as(trajectory, site, tuple(worn), dt_s, n)
    again = Seen(BODY, trajectory, site, duration_s=n * dt_s, seed=3, worn=worn)
    begins = list(range(0, n, block))
    parts = {
        first: again.at(t0_s=0.0, dt_s=dt_s, n=min(block, n - first), first=first) for first in begins[::-1]
    }
    for k in (0, 1):
        assert np.array_equal(whole[k], np.concatenate([parts[first][k] for first in begins]))


@pytest.mark.parametrize("kind", ["loose", "slips", "off", "swapped"])
def test_no_way_of_wearing_begins_or_ends_with_a_step(kind):
    n, dt_s = 45_000, 1e-3
    quiet = Trajectory(StepList().build(), REST)
    for seed in range(4):
        acc, gyro = seen_as(quiet, Site.LA, (Worn(kind, Site.LA, 4.0, 26.0),), dt_s, n, seed=seed)
        assert np.abs(np.diff(acc, axis=0)).max() < 0.03
        assert np.abs(np.diff(gyro, axis=0)).max() < 6.0
        assert np.abs(gyro[[0, -1]]).max() < 1e-3


def test_a_loose_sock_rings_on_between_5_and_15_hz_when_the_limb_is_still_again():
    peaks = []
    out = StepList()
    for at in np.arange(2.0, 58.0, 2.0):
        out.pulse(Channel.L_HIP_FLEX, float(at), 0.3, rise_s=0.12, fall_s=0.12)
    trajectory, dt_s, n = Trajectory(out.build(), REST), 1.0 / 208.0, 208 * 60
    after = (np.arange(n) * dt_s - 2.0) % 2.0
    rings = (after > 0.26) & (after < 0.9) & (np.arange(n) * dt_s > 2.0)
    plain = firm(trajectory, Site.LA, dt_s, n)[1]
    assert np.abs(plain[rings]).max() < 0.01
    for seed in range(20):
        gyro = seen_as(trajectory, Site.LA, (Worn("loose", Site.LA),), dt_s, n, seed=seed)[1]
        ringing = np.where(rings[:, None], gyro, 0.0)
        assert np.abs(ringing).max() > 5.0
        hz, power = welch(ringing, 208.0, nperseg=1024, axis=0)
        peaks.append(hz[np.argmax(power.sum(axis=1))])
    assert 4.0 < min(peaks) < 9.0 < max(peaks) < 16.0


def test_a_sock_slips_slowly_and_suddenly_and_stays_where_it_came_to():
    hour, dt_s = 3600.0, 0.05
    trajectory = jerking(5, until_s=hour, every_s=60.0)
    quiet = Trajectory(StepList().build(), REST)
    turned = []
    for seed in range(8):
        moved = Seen(
            BODY, trajectory, Site.RA, duration_s=hour, seed=seed, worn=[Worn("slips", Site.RA, 0, 1800)]
        )
        still = Seen(BODY, quiet, Site.RA, duration_s=hour, seed=seed, worn=[Worn("slips", Site.RA, 0, 1800)])
        acc, gyro = still.at(t0_s=0.0, dt_s=dt_s, n=int(hour / dt_s))
        assert np.abs(gyro).max() < 3.0
        assert np.array_equal(acc[-1], acc[int(2000 / dt_s)])
        ends = [s.at(t0_s=hour - 1.0, dt_s=dt_s, n=10)[0][0] for s in (still, moved)]
        turned.append([np.degrees(np.arccos(np.clip(acc[0] @ end, -1, 1))) for end in ends])
    slow, both = np.array(turned).T
    assert np.median(slow) > 5.0
    assert np.abs(slow - both).max() > 5.0


def test_a_sensor_that_is_off_sees_only_the_room():
    trajectory = jerking(6, until_s=60.0, every_s=2.0)
    dt_s, n = 0.01, 6000
    away = slice(2000, 4000)
    for site in Site:
        acc, gyro = seen_as(trajectory, site, (Worn("off", site, 10.0, 50.0),), dt_s, n)
        assert np.abs(gyro[away]).max() == 0.0
        assert np.ptp(acc[away], axis=0).max() == 0.0
        assert np.linalg.norm(acc[2000]) == pytest.approx(1.0, abs=1e-5)
        assert np.abs(gyro[1000:1900]).max() > 20.0
        assert np.abs(gyro[4100:5000]).max() > 20.0
        plain = firm(trajectory, site, dt_s, n)
        for part in (slice(0, 1000), slice(5001, n)):
            assert np.array_equal(acc[part], plain[0][part])


def test_who_has_no_hand_seen_on_it_was_off_all_night():
    acc, gyro = seen_as(jerking(6, until_s=20.0), Site.TR, (Worn("off", Site.TR),), 0.01, 2000)
    assert not gyro.any()
    assert np.ptp(acc, axis=0).max() == 0.0


@pytest.mark.parametrize("named", [Site.LA, Site.RA])
def test_a_swapped_pair_sees_the_other_leg_whichever_of_them_is_named(named):
    out = StepList()
    for at in range(1, 50):
        out.pulse(Channel.L_KNEE, float(at), 0.4, rise_s=0.2, fall_s=0.2)
    trajectory, n = Trajectory(out.build(), REST), 5000
    worn = (Worn("swapped", named, 15.0),)
    sizes = {site: np.linalg.norm(seen_as(trajectory, site, worn, 0.01, n)[1], axis=1) for site in Site}
    assert sizes[Site.LA][:1500].max() > 50.0
    assert sizes[Site.LA][2800:].max() == 0.0
    assert sizes[Site.RA][:1500].max() == 0.0
    plain = np.linalg.norm(firm(trajectory, Site.LA, 0.01, n)[1], axis=1)
    assert np.allclose(sizes[Site.RA][2800:], plain[2800:], atol=1e-2)
    assert sizes[Site.TR].max() == 0.0


def test_a_firm_sensor_sees_what_the_body_does_and_nothing_is_drawn():
    trajectory = jerking(9, until_s=10.0)
    for site in Site:
        here = seen_as(
            trajectory, site, (Worn("loose", Site.HD if site is not Site.HD else Site.TR),), 0.01, 900
        )
        plain = firm(trajectory, site, 0.01, 900)
        assert np.array_equal(here[0], plain[0])
        assert np.array_equal(here[1], plain[1])


def test_seeds_decide_how_a_sock_sits():
    trajectory, worn = jerking(9, until_s=10.0), (Worn("loose", Site.LA), Worn("slips", Site.LA))
    first, again, other = (seen_as(trajectory, Site.LA, worn, 0.01, 900, seed=s) for s in (4, 4, 5))
    assert np.array_equal(first[0], again[0])
    assert not np.allclose(first[0], other[0], atol=1e-3)


def test_the_truth_tells_loose_and_missing_sensors_cut_to_the_night():
    worn = (
        Worn("off", Site.TR, 500.0),
        Worn("loose", Site.LA, -5.0, 60.0),
        Worn("slips", Site.LA, 0.0, 60.0),
        Worn("swapped", Site.LA),
        Worn("loose", Site.RA, 900.0, 1900.0),
        Worn("loose", Site.HD),
    )
    sites = (Site.LA, Site.RA, Site.TR)
    told = worn_contexts(worn, infant="i", sites=sites, start_ns=7 * NS, duration_s=800.0)
    rows = [(c.kind, c.onset_ns // NS, c.end_ns // NS, c.sites) for c in told]
    assert rows == [
        (ContextKind.LOOSE, 7, 67, (Site.LA,)),
        (ContextKind.NOT_WORN, 507, 807, (Site.TR,)),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("tight", Site.LA, 0.0, 60.0), "'tight' at LA: there is no such kind; kinds: loose, slips"),
        (("off", Site.LA, 60.0, 50.0), "'off' at LA: it lasts from 60 to 50 s"),
        (("off", Site.LA, 60.0, 62.0), "shorter than 15 s"),
        (("swapped", Site.TR, 0.0, 50.0), "'swapped' at TR: it has no other side"),
        (("loose", Site.TR, math.nan, 50.0), "it lasts from nan"),
    ],
)
def test_what_cannot_be_worn_is_refused_by_name(row, said):
    with pytest.raises(BadWornError, match=said):
        Worn(*row)
