"""What a sensor counts through a night: true times, restarts, stuck axes, the chip's temperature."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from dsp.records import NS, SegmentFlag, Site
from firmware_sim.body import draw_rest
from firmware_sim.draw import Draw
from firmware_sim.faults import ChipFault
from firmware_sim.imu import ChipChoice
from firmware_sim.movement import draw_infant
from firmware_sim.steps import Steps, Trajectory
from firmware_sim.track import SensorTrack, measure
from firmware_sim.wearing import Worn
from store.edf import read_recording, write_recording
from store.recording import Recording, settled

START_NS = 7 * NS
SITE = Site.LA


def lying(
    seconds: float = 120.0,
    *,
    seed: int = 3,
    faults: tuple[ChipFault, ...] = (),
    worn: tuple[Worn, ...] = (),
    chip: ChipChoice | None = None,
) -> SensorTrack:
    """An infant who does not move at all."""
    infant = draw_infant(Draw(seed, "infant"), 120)
    still = Trajectory(Steps.join([]), draw_rest(Draw(seed, "rest")))
    return measure(
        SITE,
        infant.body,
        still,
        seconds,
        seed=seed,
        start_ns=START_NS,
        chip=chip,
        worn=worn,
        faults=faults,
    )


def test_without_faults_a_track_is_one_run_of_one_boot():
    track = lying()
    assert len(track.runs) == 1
    assert track.n == pytest.approx(120 * NS / track.step_ns, abs=6)
    assert START_NS <= track.t0_ns <= START_NS + NS // 20
    assert track.time_ns(1000) == track.t0_ns + round(1000 * track.step_ns)


def test_after_a_restart_there_is_a_hole_a_new_boot_and_numbers_from_zero():
    track = lying(faults=(ChipFault("restart", SITE, 50.0, for_s=2.0),))
    first, second = track.runs
    assert first.boot != second.boot
    last_ns = track.time_ns(second.first - 1)
    assert START_NS + 50 * NS - 2 * first.step_ns < last_ns <= START_NS + 50 * NS
    assert second.t0_ns == START_NS + 52 * NS
    segments = list(track.segments())
    later = [s for s in segments if s.boot == second.boot]
    assert [s.seq for s in later] == list(range(len(later)))
    assert [s.flags for s in later[:2]] == [SegmentFlag.RESTART, SegmentFlag.NONE]
    assert all(not s.flags & SegmentFlag.RESTART for s in segments if s.boot == first.boot)
    assert sum(s.n for s in segments) == track.n


def test_a_restart_is_a_gap_in_a_recording_written_to_a_file(tmp_path: Path):
    track = lying(faults=(ChipFault("restart", SITE, 30.0, for_s=3.0),))
    recording = Recording(
        infant="x",
        zone="UTC",
        start_utc_ns=1_767_290_400 * NS,
        t0_ns=START_NS,
        segments=settled(list(track.segments())),
    )
    paths = write_recording(recording, tmp_path / "x.edf")
    again = read_recording(next(p for p in paths if p.suffix == ".edf")).segments
    assert {s.boot for s in again} == {run.boot for run in track.runs}
    assert sum(s.n for s in again) == track.n
    holes = [b.t0_ns - a.end_ns for a, b in itertools.pairwise(again)]
    assert max(holes) == pytest.approx(3 * NS, rel=0.02)


def test_faults_of_another_site_change_nothing():
    track = lying(faults=(ChipFault("restart", Site.RA, 50.0), ChipFault("stuck_axis", Site.TR, 1.0)))
    assert np.array_equal(track.counts, lying().counts)
    assert track.runs == lying().runs


def test_a_stuck_axis_repeats_one_value_as_long_as_it_is_stuck_and_the_others_go_on():
    fault = ChipFault("stuck_axis", SITE, 20.0, axis=4, for_s=30.0)
    track, whole = lying(faults=(fault,)), lying()
    times_s = (np.array([track.time_ns(i) for i in range(track.n)]) - START_NS) / NS
    inside = (times_s >= 20) & (times_s < 50)
    assert len(set(track.counts[inside, 4].tolist())) == 1
    assert len(set(whole.counts[inside, 4].tolist())) > 5
    assert np.array_equal(track.counts[~inside], whole.counts[~inside])
    others = [0, 1, 2, 3, 5]
    assert np.array_equal(track.counts[:, others], whole.counts[:, others])


def test_a_clock_jump_moves_the_sensors_clock_and_no_sample():
    track = lying(faults=(ChipFault("clock_jump", SITE, 60.0, by_s=-2.5),))
    whole = lying()
    assert track.runs == whole.runs
    assert np.array_equal(track.counts, whole.counts)
    before, after = START_NS + 59 * NS, START_NS + 61 * NS
    assert track.crystal.ahead(before) == whole.crystal.ahead(before)
    assert track.crystal.ahead(after) == pytest.approx(whole.crystal.ahead(after) - 2.5)


def test_the_bias_follows_the_warming_chip_within_what_the_data_sheet_says_per_kelvin():
    moved_dps = []
    for seed in range(6):
        track = lying(1800.0, seed=seed, chip=ChipChoice(part="MPU-6050", rate_hz=26.0))
        rate = track.counts[:, 3:] * track.scale.gyro_dps
        moved_dps.append(np.abs(rate[-500:].mean(axis=0) - rate[:500].mean(axis=0)))
    assert np.max(moved_dps) > 0.2
    assert np.max(moved_dps) < 20.0 / 65.0 * 25.0


def test_an_oscillator_that_follows_temperature_runs_evenly_for_a_minute_and_without_gaps():
    track = lying(900.0, chip=ChipChoice(part="MPU-6050"))
    assert len(track.runs) > 10
    assert len({run.boot for run in track.runs}) == 1
    assert len({run.step_ns for run in track.runs}) > 10
    assert all(run.first % 16 == 0 for run in track.runs)
    for before, after in itertools.pairwise(track.runs):
        end_ns = before.t0_ns + (after.first - before.first) * before.step_ns
        assert abs(after.t0_ns - end_ns) <= 1
        assert abs(after.step_ns / before.step_ns - 1) < 1e-3
    assert [s.seq for s in track.segments()] == list(range(len(list(track.segments()))))


@pytest.mark.parametrize("rate_hz", [26.0, 52.0, 104.0, 208.0])
def test_every_rate_is_within_two_percent_of_what_it_is_called(rate_hz: float):
    track = lying(60.0, chip=ChipChoice(rate_hz=rate_hz))
    assert track.rate_hz == rate_hz
    assert abs(NS / track.step_ns / rate_hz - 1) <= 0.02
    assert track.n == pytest.approx(60 * NS / track.step_ns, abs=12)


def test_a_sensor_taken_off_cools_towards_the_room_and_its_bias_follows():
    cheap = ChipChoice(part="MPU-6050", rate_hz=26.0)
    moved_dps = []
    for seed in range(4):
        off = lying(3600.0, seed=seed, chip=cheap, worn=(Worn("off", SITE, 600.0, 3600.0),))
        on = lying(3600.0, seed=seed, chip=cheap)
        rest = slice(-5000, -1500)  # lies still: nobody handles it yet
        difference = off.counts[rest, 3:].mean(axis=0) - on.counts[rest, 3:].mean(axis=0)
        moved_dps.append(np.abs(difference).max() * on.scale.gyro_dps)
    assert min(moved_dps) > 0.1
