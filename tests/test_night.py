from __future__ import annotations

import itertools
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dsp.records import NS, Label, SegmentFlag, Site, State
from firmware_sim.generators import BadOptionError, UnknownMovementError
from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Background, Phase, Placed, Scenario
from firmware_sim.scenarios import UnknownScenarioError, named_scenario
from firmware_sim.truth import Truth

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def demo() -> Night:
    return make_night("demo_hour", seed=21)


def alone(*placed: Placed, seconds: float = 120.0, state: State = State.AWAKE) -> Scenario:
    return Scenario("alone", seconds, 90, (Phase(state, seconds / 60),), placed, Background.none())


def test_one_seed_is_one_night_bit_for_bit(demo):
    again = make_night("demo_hour", seed=21)
    assert again.truth == demo.truth
    for site, track in demo.sensors.items():
        assert np.array_equal(again.sensors[site].counts, track.counts)
        assert again.sensors[site].step_ns == track.step_ns


def test_another_seed_is_another_night(demo):
    other = make_night("demo_hour", seed=22)
    assert other.truth != demo.truth
    assert other.sensors[Site.LA].step_ns != demo.sensors[Site.LA].step_ns


def test_adding_a_movement_does_not_change_what_was_there():
    first = make_night(alone(Placed("kicking", 10.0)), seed=3)
    both = make_night(alone(Placed("kicking", 10.0), Placed("startle", 100.0)), seed=3)
    before = int(99.0 * 100)
    for site in first.sensors:
        assert np.array_equal(first.sensors[site].counts[:before], both.sensors[site].counts[:before])
    assert first.truth.events == both.truth.events[:-1]


def test_two_clusters_that_nothing_but_the_plan_parts_are_one_in_the_truth():
    placed = [Placed("spasm_cluster", at, {"count": 4, "busy": 0.0, "cries": False}) for at in (5.0, 90.0)]
    night = make_night(alone(*placed, seconds=240.0), seed=3)
    spasms = night.truth.of(Label.SPASM_LIKE)
    (cluster,) = night.truth.of(Label.SPASM_LIKE_CLUSTER)
    pauses_s = [(b.onset_ns - a.end_ns) / NS for a, b in itertools.pairwise(spasms)]
    assert max(pauses_s) <= 60.0
    assert cluster.count == len(spasms) == 8
    assert {s.parent for s in spasms} == {cluster.id}


def test_leaving_a_sensor_off_does_not_change_the_others():
    scenario = alone(Placed("kicking", 10.0))
    all_three, one = make_night(scenario, seed=3), make_night(scenario, seed=3, sites=(Site.TR,))
    assert np.array_equal(all_three.sensors[Site.TR].counts, one.sensors[Site.TR].counts)


def test_the_demo_hour_holds_what_it_promises(demo):
    clusters, trains = demo.truth.of(Label.SPASM_LIKE_CLUSTER), demo.truth.of(Label.SLEEP_JERK_TRAIN)
    assert len(clusters) == 1
    assert clusters[0].count >= 8
    assert len(trains) == 2
    assert all(train.state.is_sleep for train in trains)
    states = [s.state for s in demo.truth.states]
    woke = max(i for i, s in enumerate(states) if s.is_sleep) + 1
    assert 5 * 60 <= clusters[0].onset_ns / NS - woke * 30 <= 10 * 60
    assert {State.AWAKE, State.ACTIVE_SLEEP, State.QUIET_SLEEP} == set(states)
    assert any(e.true_class.startswith("kicking") and e.state is State.AWAKE for e in demo.truth.events)


def check_truth(truth: Truth, end_ns: int) -> None:
    by_id = {event.id: event for event in truth.events}
    assert len(by_id) == len(truth.events)
    for event in truth.events:
        assert 0 <= event.onset_ns < event.end_ns
        assert event.onset_ns < end_ns
        assert event.count >= 1
        assert event.side in {"left", "right", "both", "unknown"}
        if event.parent is not None:
            parent = by_id[event.parent]
            assert parent.onset_ns <= event.onset_ns
            assert event.end_ns <= parent.end_ns
    for cluster in truth.of(Label.SPASM_LIKE_CLUSTER):
        assert sum(e.parent == cluster.id for e in truth.events) == cluster.count


@pytest.mark.parametrize("name", ["demo_hour", "quiet_night", "kicking_hour", "jerk_night"])
def test_the_truth_agrees_with_itself(name):
    night = make_night(named_scenario(name).lasting(3600.0), seed=5, sites=())
    check_truth(night.truth, night.end_ns)
    assert [s.t_ns for s in night.truth.states] == [i * 30 * NS for i in range(len(night.truth.states))]


def test_sleep_jerk_trains_of_a_jerk_night_lie_in_sleep():
    night = make_night("jerk_night", seed=2, sites=())
    trains = night.truth.of(Label.SLEEP_JERK_TRAIN)
    assert len(trains) >= 14
    assert np.mean([train.state.is_sleep for train in trains]) > 0.95
    assert all(a.end_ns < b.onset_ns for a, b in itertools.pairwise(trains))


def test_background_movements_do_not_lie_over_one_another():
    rows = sorted((e.onset_ns, e.end_ns) for e in make_night("kicking_hour", seed=4, sites=()).truth.events)
    assert len(rows) > 40
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(rows))


def test_movement_is_seen_where_the_truth_says_and_stillness_elsewhere(demo):
    track = demo.sensors[Site.LA]
    times = track.t0_ns + np.arange(track.n) * track.step_ns
    rate = np.linalg.norm(track.counts[:, 3:] * track.scale.gyro_dps, axis=1)
    moving = np.zeros(track.n, bool)
    for event in demo.truth.events:
        moving |= (times >= event.onset_ns) & (times <= event.end_ns + NS)
    offset = np.median(rate[~moving])
    still = np.percentile(np.abs(rate[~moving] - offset), 99)
    assert still < 3.0
    for event in demo.truth.of(Label.SLEEP_JERK_TRAIN):
        inside = (times >= event.onset_ns) & (times <= event.end_ns)
        assert np.max(np.abs(rate[inside] - offset)) > 2.0 * still


def test_breathing_shows_on_the_trunk_in_quiet_sleep_and_hardly_on_the_ankle():
    night = make_night(alone(seconds=240.0, state=State.QUIET_SLEEP), seed=6)

    def breath_mg(site: Site) -> float:
        track = night.sensors[site]
        acc = track.counts[:, :3] * track.scale.acc_g
        power = np.abs(np.fft.rfft(acc - acc.mean(axis=0), axis=0)) ** 2
        hz = np.fft.rfftfreq(track.n, track.step_ns / NS)
        band = (hz > 0.25) & (hz < 1.1)
        return float(1e3 * np.sqrt(2 * power[band].sum()) / track.n)

    assert 0.5 < breath_mg(Site.TR) < 8.0
    assert breath_mg(Site.LA) < 0.4 * breath_mg(Site.TR)


def test_segments_come_in_time_order_and_hold_every_sample(demo):
    segments = demo.segments()
    assert all(a.t0_ns <= b.t0_ns for a, b in itertools.pairwise(segments))
    for site, track in demo.sensors.items():
        own = [s for s in segments if s.site is site]
        assert [s.seq for s in own] == list(range(len(own)))
        assert np.array_equal(np.concatenate([s.counts for s in own]), track.counts)
        assert all(abs(a.end_ns - b.t0_ns) <= 16 for a, b in itertools.pairwise(own))
        assert {s.n for s in own[:-1]} == {16}


def test_true_rates_are_off_by_up_to_two_percent(demo):
    for track in demo.sensors.values():
        assert abs(1e9 / track.step_ns / 104.0 - 1.0) <= 0.02
        assert track.rate_hz == 104.0
        assert track.n == pytest.approx(demo.scenario.duration_s * 1e9 / track.step_ns, abs=8)


def test_a_clipped_sample_flags_its_segment(demo):
    track = demo.sensors[Site.LA]
    clipped = np.zeros(track.n, bool)
    clipped[33] = True
    flags = [s.flags for s in replace(track, clipped=clipped).segments()][:4]
    assert flags == [SegmentFlag.NONE, SegmentFlag.NONE, SegmentFlag.CLIPPED, SegmentFlag.NONE]


def test_the_night_begins_when_it_is_told_to():
    scenario = alone(Placed("startle", 20.0), seconds=60.0)
    early, late = make_night(scenario, seed=1), make_night(scenario, seed=1, start_ns=5 * NS)
    assert late.truth.events[0].onset_ns - early.truth.events[0].onset_ns == 5 * NS
    assert late.sensors[Site.TR].t0_ns - early.sensors[Site.TR].t0_ns == 5 * NS
    assert np.array_equal(late.sensors[Site.TR].counts, early.sensors[Site.TR].counts)


def test_motion_from_outside_is_a_context_interval():
    night = make_night(alone(Placed("rocking", 20.0, {"duration_s": 30.0})), seed=1)
    (context,) = night.truth.contexts
    assert context.onset_ns == pytest.approx(20 * NS, abs=NS // 10)
    assert context.end_ns - context.onset_ns == pytest.approx(30 * NS, abs=4 * NS)


def test_unknown_words_are_refused_with_the_known_ones():
    with pytest.raises(UnknownScenarioError):
        make_night("party")
    with pytest.raises(UnknownMovementError, match=r"'dance'.*kicking"):
        make_night(alone(Placed("dance", 1.0)))
    with pytest.raises(BadOptionError, match=r"startle: 'cout' is no option.*pair"):
        make_night(alone(Placed("startle", 1.0, {"cout": 3})))


def test_an_hour_of_three_sensors_is_made_in_three_seconds():
    began = time.process_time()
    make_night("kicking_hour", seed=9)
    assert time.process_time() - began < 3.5


def test_a_night_of_three_sensors_is_made_in_seconds_and_far_less_than_a_gigabyte():
    code = (
        "import resource, time\n"
        "from firmware_sim.night import make_night\n"
        "from firmware_sim.population import draw_night\n"
        "make_night(draw_night(1003), seed=1003)\n"
        "print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    cpu_s, peak_mb = map(float, done.stdout.split())
    assert cpu_s < 28.0
    assert peak_mb < 1000.0


@pytest.mark.parametrize("seed", [1001, 1002, 1003])
def test_no_sleep_jerks_outlast_an_arousal(seed):
    night = make_night("jerk_night", seed=seed, sites=())
    rousing = [e.onset_ns for e in night.truth.events if e.true_class == "arousal"]
    rousing += [b.start_s * NS for b in night.bouts if b.state is State.AWAKE]
    trains = night.truth.of(Label.SLEEP_JERK_TRAIN)
    assert trains
    for train in trains:
        assert not [t for t in rousing if train.onset_ns - NS < t < train.end_ns - 2 * NS]


def test_most_episodes_of_sleep_jerks_end_by_themselves_and_some_with_an_arousal():
    """32 of 38 by themselves."""
    asleep = (Phase(State.ACTIVE_SLEEP, 60),)
    plan = Scenario("jerks", 3600.0, 40, asleep, (Placed("sleep_jerk_train"),), Background.none())
    ended = [
        any(e.true_class == "arousal" for e in make_night(plan, seed=seed, sites=()).truth.events)
        for seed in range(150)
    ]
    assert 0.08 < np.mean(ended) < 0.26
