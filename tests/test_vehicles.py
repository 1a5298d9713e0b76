from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import coherence, welch

from dsp.records import Site
from firmware_sim.body import GRAVITY, draw_rest, motion_at
from firmware_sim.draw import Draw
from firmware_sim.movement import draw_infant
from firmware_sim.steps import Channel, Trajectory
from firmware_sim.vehicles import SURFACES, stroller
from tests.sim_examples import one, peak_g

FAST_HZ = 400.0
DRAWS = 334
"""For each surface, so that there are a thousand in all."""
ALL = (Site.LA, Site.RA, Site.TR)


def force_of(row, site, *, from_s, span_s, rate_hz=FAST_HZ):
    infant, movement = row
    trajectory = Trajectory(movement.steps, draw_rest(Draw(0, "test/rest")))
    n = int(span_s * rate_hz)
    return motion_at(infant.body, trajectory, site, t0_s=from_s, dt_s=1.0 / rate_hz, n=n)[0]


def along_gravity(force):
    """m/s^2 along the mean direction, as a seat's vertical axis would see it."""
    down = force.mean(axis=0)
    return (force - down) @ (down / np.linalg.norm(down)) * GRAVITY


@pytest.fixture(scope="module")
def rides():
    """By surface: RMS, peak frequency, 80 % bandwidth and crest of short rides without a stop."""
    told = {}
    for surface in SURFACES:
        rows = []
        for seed in range(DRAWS):
            movement = one("stroller", seed, surface=surface, duration_s=11.0, stops=False)[1]
            curve = Trajectory(movement.steps, {}).curve(Channel.POS_Z, 2.5, 1.0 / FAST_HZ, int(6 * FAST_HZ))
            up = curve.accel.astype(np.float64)
            hz, power = welch(up, FAST_HZ, nperseg=512)
            below = np.cumsum(power) / np.sum(power)
            rms = np.sqrt(np.mean(up * up))
            rows.append((rms, hz[np.argmax(power)], hz[np.searchsorted(below, 0.8)], np.abs(up).max() / rms))
        told[surface] = np.array(rows)
    return told


@pytest.mark.parametrize(
    ("surface", "low", "high"), [("tarmac", 0.5, 1.1), ("pavers", 1.6, 3.6), ("cobbles", 2.4, 5.2)]
)
def test_a_stroller_shakes_as_measured_on_each_surface(rides, surface, low, high):
    rms = rides[surface][:, 0]
    assert low < np.median(rms) < high
    assert np.percentile(rms, 3) > 0.8 * low
    assert np.percentile(rms, 97) < 1.2 * high


def test_a_strollers_spectrum_peaks_at_4_to_11_hz_and_reaches_from_20_to_106_hz(rides):
    rows = np.concatenate(list(rides.values()))
    assert len(rows) >= 1000
    assert np.mean((rows[:, 1] >= 3.4) & (rows[:, 1] <= 11.7)) > 0.95
    assert np.percentile(rows[:, 2], 3) > 14.0
    assert np.percentile(rows[:, 2], 97) < 110.0
    assert np.percentile(rows[:, 2], 90) - np.percentile(rows[:, 2], 10) > 40.0


def test_a_strollers_crest_lies_between_3_and_14(rides):
    crest = np.concatenate(list(rides.values()))[:, 3]
    assert np.percentile(crest, 3) > 2.7
    assert np.percentile(crest, 97) < 13.5
    assert np.median(crest) > 3.3


def test_curbs_knock_as_hard_as_measured():
    """17-146 m/s^2 at the worst of a ride."""
    worst = []
    for seed in range(6):
        force = force_of(one("stroller", seed, duration_s=240.0), Site.TR, from_s=4.0, span_s=232.0)
        worst.append(np.abs(np.linalg.norm(force, axis=1) - 1.0).max() * GRAVITY)
    assert 10.0 < np.median(worst) < 100.0
    assert max(worst) < 160.0


@pytest.mark.parametrize("kind", ["stroller", "car"])
def test_a_seat_moves_all_sensors_alike(kind):
    told = []
    for seed in range(12):
        row = one(kind, seed, duration_s=60.0)
        up = [along_gravity(force_of(row, site, from_s=4.0, span_s=14.0)) for site in ALL]
        for other in up[:2]:
            hz, shared = coherence(up[2], other, FAST_HZ, nperseg=1024)
            told.append(shared[(hz >= 1.0) & (hz <= 12.0)].mean())
    assert np.median(told) > 0.9
    assert min(told) > 0.8


def test_a_cargo_bike_shakes_more():
    for seed in range(20):
        rms = [
            along_gravity(
                force_of(
                    one("stroller", seed, surface="pavers", bike=bike, duration_s=14.0, stops=False),
                    Site.TR,
                    from_s=3.0,
                    span_s=8.0,
                )
            ).std()
            for bike in (False, True)
        ]
        assert 4.0 < rms[1] < 14.5
        assert rms[1] > 1.3 * rms[0]


def test_a_car_sways_at_one_to_two_hz_and_its_wheels_hop_at_ten_to_fifteen():
    swaying, hopping = [], []
    for seed in range(30):
        movement = one("car", seed, duration_s=40.0)[1]
        curve = Trajectory(movement.steps, {}).curve(Channel.POS_Z, 4.0, 1.0 / FAST_HZ, int(16 * FAST_HZ))
        hz, power = welch(curve.accel, FAST_HZ, nperseg=2048)
        low, mid, high = ((hz > a) & (hz < b) for a, b in ((0.7, 2.6), (4.0, 8.0), (9.5, 16.0)))
        swaying.append(power[low].max() / np.median(power[mid]))
        hopping.append(power[high].max() / np.median(power[mid]))
    assert np.median(swaying) > 5.0
    assert np.median(hopping) > 5.0


def test_a_powered_cradle_keeps_time_like_a_machine():
    """Its cycles, from one upward crossing of the carrier's tilt or sway to the next: CV below 0.02."""
    rates, cvs = [], []
    for seed in range(1000):
        movement = one("powered_cradle", seed, duration_s=28.0)[1]
        trajectory = Trajectory(movement.steps, {})
        sway = trajectory.curve(Channel.POS_X, 8.5, 0.02, 700).value.astype(np.float64)
        rising = np.flatnonzero((sway[:-1] < 0.0) & (sway[1:] >= 0.0))
        cycles = np.diff(rising - sway[rising] / (sway[rising + 1] - sway[rising])) * 0.02
        rates.append(1.0 / np.mean(cycles))
        cvs.append(np.std(cycles) / np.mean(cycles))
    assert 0.23 <= min(rates) < 0.4
    assert 1.7 < max(rates) <= 2.1
    assert max(cvs) < 0.02


def test_a_cradles_motor_hums():
    force = force_of(one("powered_cradle", 4, duration_s=40.0, rate_hz=0.5), Site.TR, from_s=8.0, span_s=20.0)
    hz, power = welch(along_gravity(force), FAST_HZ, nperseg=2048)
    humming = (hz > 12.0) & (hz < 130.0)
    assert power[humming].max() > 100.0 * np.median(power[humming])


def test_a_slammed_door_shakes_all_sensors_before_anyone_startles():
    for seed in range(20):
        row = one("door_slam", seed, startles=2)
        assert [m.true_class for m in row[1].marks] == ["door_slam", "startle", "startle"]
        first = row[1].marks[1].onset_s
        assert 0.1 < first < 0.5
        sizes = [force_of(row, site, from_s=0.0, span_s=first, rate_hz=1000.0).std(axis=0) for site in ALL]
        norms = [float(np.linalg.norm(size)) for size in sizes]
        assert min(norms) > 0.002
        assert max(norms) < 1.6 * min(norms)


def test_a_door_may_slam_unheard():
    assert {len(one("door_slam", seed)[1].marks) for seed in range(60)} == {1, 2, 3}
    assert len(one("door_slam", 1, startles=0)[1].marks) == 1


def test_a_bouncing_chair_goes_on_swinging_after_a_kick():
    """Driven by the infant's kicks it is a spring: the seat still moves when the legs are still."""
    kicked = [
        m for m in (one("bouncing_chair", s, duration_s=90.0)[1] for s in range(40)) if len(m.marks) > 1
    ]
    assert len(kicked) > 12
    left = []
    for movement in kicked:
        after_s = movement.marks[1].end_s
        left.append(
            np.abs(Trajectory(movement.steps, {}).curve(Channel.POS_Z, after_s, 0.02, 50).accel).max()
        )
    assert np.median(left) > 0.02


def test_a_bouncing_chair_swings_at_its_own_rate():
    rates = []
    for seed in range(200):
        movement = one("bouncing_chair", seed, duration_s=60.0)[1]
        sway = Trajectory(movement.steps, {}).curve(Channel.POS_Z, 2.0, 0.02, 2700).value.astype(np.float64)
        hz, power = welch(np.diff(sway, 2), 50.0, nperseg=512)
        rates.append(hz[np.argmax(power)])
    assert np.percentile(rates, 5) >= 0.9
    assert np.percentile(rates, 95) <= 2.2


@pytest.mark.parametrize("kind", ["stroller", "car", "powered_cradle", "door_slam", "bouncing_chair"])
def test_no_machine_begins_or_ends_with_a_step(kind):
    """The acceleration of every channel is nothing at both ends and grows from there within the motion."""
    steps = one(kind, 3, **({} if kind == "door_slam" else {"duration_s": 40.0}))[1].steps
    trajectory, end_s = Trajectory(steps, {}), steps.end_s
    for channel in Channel:
        head = trajectory.curve(channel, steps.begin_s, 0.0005, 4)
        tail = trajectory.curve(channel, end_s - 0.0015, 0.0005, 4)
        for curve in (c for c in (head, tail) if c is not None):
            assert np.abs(curve.accel).max() < 0.6
    assert trajectory.curve(Channel.POS_Z, end_s + 0.01, 0.01, 100) is None


def test_a_ride_is_told_as_conveyed_from_its_first_to_its_last_motion():
    movement = one("stroller", 1, duration_s=30.0)[1]
    mark = movement.marks[0]
    assert mark.conveyed
    assert (mark.onset_s, mark.end_s) == (movement.steps.begin_s, movement.steps.end_s)


def test_the_same_draw_gives_the_same_ride():
    twice = []
    for _ in range(2):
        draw = Draw(5, "test")
        twice.append(stroller(draw, draw_infant(draw, 100), duration_s=20.0).steps.splines)
    assert all(np.array_equal(a.weights, b.weights) for a, b in zip(*twice, strict=True))


def test_a_ride_of_forty_minutes_is_a_few_arrays_not_a_hundred_thousand_rows():
    movement = one("stroller", 1, duration_s=2400.0)[1]
    assert len(movement.steps) < 10
    assert sum(s.weights.nbytes for s in movement.steps.splines) < 60e6


def test_a_car_rides_more_softly_than_a_stroller_on_cobbles():
    soft = [peak_g(*one("car", seed, duration_s=20.0), Site.TR) for seed in range(20)]
    hard = [peak_g(*one("stroller", seed, surface="cobbles", duration_s=20.0), Site.TR) for seed in range(20)]
    assert np.median(soft) < 0.5 * np.median(hard)
