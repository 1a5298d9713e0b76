"""Simulated movements on real recordings: in the sensor's own axes, counts and times, and nothing else touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsp.records import NS, Label, Scale, Segment, SegmentFlag, Site, State
from firmware_sim.body import motion_at
from firmware_sim.draw import Draw
from firmware_sim.generators import GENERATORS
from firmware_sim.inject import (
    DoesNotFitError,
    DoesNotReturnError,
    NoGravityError,
    gravity_near,
    inject,
    outings,
)
from firmware_sim.movement import Infant, Mark, Movement, draw_infant, mark_all
from firmware_sim.steps import Channel, StepList, Trajectory
from firmware_sim.track import UnknownSiteError
from store.edf import read_recording
from tests.test_real_recordings import FILES, recording

SCALE = Scale(8 / 32768, 1000 / 32768)
REST = {Channel.L_HIP_FLEX: 0.8, Channel.L_KNEE: 1.1, Channel.R_HIP_FLEX: 0.7, Channel.R_KNEE: 1.0}
SHORT = {
    "kicking": {"count": 3},
    "spasm": {},
    "sleep_jerk_train": {"trains": 1, "train_s": 3.0},
}
"""They fit into the shortest recording (20 s of stairs)."""


def infant(seed: int = 2000) -> Infant:
    return draw_infant(Draw(seed, "infant"), 150)


def drawn(kind: str, seed: int = 2000, **options: object) -> Movement:
    return GENERATORS[kind](Draw(seed, kind), infant(seed), **options)


def still(
    site: Site = Site.LA,
    *,
    seconds: float = 60.0,
    rate_hz: float = 104.0,
    scale: Scale = SCALE,
    axes: int = 6,
    down: tuple[float, float, float] = (0.2, -0.5, 0.84),
) -> Segment:
    """A sensor that lies still, at 1 g whatever `down` says."""
    n = int(seconds * rate_hz)
    gravity = np.array(down) / np.linalg.norm(down) / scale.acc_g
    counts = np.zeros((n, axes), np.int16)
    counts[:, :3] = np.rint(gravity)
    return Segment(site, "real", 0, 0, 5 * NS, round(NS / rate_hz), counts, scale)


def change(before: Segment, after: Segment) -> NDArray[np.float64]:
    """What was added, in g and deg/s."""
    units = np.repeat([before.scale.acc_g, before.scale.gyro_dps], 3)[: before.counts.shape[1]]
    return (after.counts.astype(np.int64) - before.counts) * units


def acc_g(segment: Segment) -> NDArray[np.float64]:
    return segment.counts[:, :3] * segment.scale.acc_g


def pitched(by_rad: float = 0.8) -> Movement:
    """The whole body turned slowly, held, and turned back."""
    out = StepList()
    out.pulse(Channel.ROOT_PITCH, 0.5, by_rad, rise_s=3.0, hold_s=4.0, fall_s=3.0)
    return mark_all(out.build(), Label.MOVEMENT, "test")


def turned_by(gyro_dps: NDArray[np.float64], start: NDArray[np.float64], dt_s: float) -> NDArray[np.float64]:
    """Where a direction that stands still in the room goes in a sensor that turns."""
    way, seen = start.copy(), [start.copy()]
    for rate in np.radians(gyro_dps):
        angle = float(np.linalg.norm(rate)) * dt_s
        axis = rate / max(float(np.linalg.norm(rate)), 1e-12)
        way = (
            way * np.cos(angle)
            - np.cross(axis, way) * np.sin(angle)
            + axis * (axis @ way) * (1 - np.cos(angle))
        )
        seen.append(way.copy())
    return np.array(seen)


def at_middle(segments: tuple[Segment, ...], movement: Movement) -> int:
    middle = (segments[0].t0_ns + max(s.end_ns for s in segments)) // 2
    return middle - round(movement.duration_s / 2 * NS)


@pytest.mark.parametrize("name", FILES)
def test_every_real_recording_takes_movements_and_keeps_all_its_other_samples(name: str) -> None:
    real = read_recording(recording(name)).segments
    for kind, options in SHORT.items():
        movement = drawn(kind, **options)
        at_ns = at_middle(real, movement)
        made = inject(real, movement, infant(), at_ns=at_ns, seed=1)
        first, last = (at_ns + round(t * NS) for t in (movement.steps.begin_s, movement.steps.end_s))
        for before, after in zip(real, made.segments, strict=True):
            t_ns = before.t0_ns + np.arange(before.n) * before.step_ns
            inside = (t_ns >= first) & (t_ns <= last)
            assert np.array_equal(before.counts[~inside], after.counts[~inside])
            assert after.counts.dtype == np.int16
            assert (before.t0_ns, before.step_ns, before.scale) == (after.t0_ns, after.step_ns, after.scale)
            assert change(before, after)[:, :3].any()
        assert [(e.true_class, e.state) for e in made.truth.events] == [
            (m.true_class, State.UNKNOWN) for mark in movement.marks for m in (mark, *mark.members)
        ]


@pytest.mark.parametrize("name", FILES)
def test_what_is_added_to_real_motion_begins_and_ends_without_a_step(name: str) -> None:
    real = read_recording(recording(name)).segments
    movement = drawn("kicking", count=3)
    made = inject(real, movement, infant(), at_ns=at_middle(real, movement), seed=2)
    for before, after in zip(real, made.segments, strict=True):
        added = change(before, after)[:, :3]
        touched = np.flatnonzero(added.any(axis=1))
        # a twentieth of a second from the border, or the border's own sample where the rate is lower
        edge = max(round(0.02 * NS / before.step_ns), 1)
        border = np.abs(np.concatenate([added[touched[:edge]], added[touched[-edge:]]]))
        assert border.max() < 0.25 * np.abs(added).max() + 2 * before.scale.acc_g


def test_a_cluster_in_a_wrist_recording_moves_the_arm() -> None:
    real = still(Site.RW, seconds=600, rate_hz=50)
    movement = drawn("spasm_cluster", count=5, gap_s=8.0)
    made = inject([real], movement, infant(), at_ns=real.t0_ns + 20 * NS, seed=1)
    (cluster,) = made.truth.of(Label.SPASM_LIKE_CLUSTER)
    for event in [e for e in made.truth.events if e.parent == cluster.id and e.label is Label.SPASM_LIKE]:
        first, last = ((t - real.t0_ns) // real.step_ns for t in (event.onset_ns, event.end_ns))
        assert np.abs(change(real, made.segments[0])[first:last]).max() > 0.01


def test_the_angular_rate_that_is_added_turns_gravity_as_the_added_acceleration_says() -> None:
    for seed, site in enumerate((Site.LA, Site.RA, Site.TR, Site.LW, Site.RW)):
        real = still(site, rate_hz=204.8, down=(0.7, 0.1 * seed, -0.3))
        made = inject([real], pitched(), infant(), at_ns=real.t0_ns + 10 * NS, seed=seed).segments[0]
        way = turned_by(change(real, made)[:, 3:], acc_g(real)[0], real.step_ns / NS)[:-1]
        held = slice(round(14.0 * 204.8), round(17.0 * 204.8))
        assert np.linalg.norm(way[held] - acc_g(made)[held], axis=1).max() < 0.01
        assert np.linalg.norm(way[-1] - acc_g(real)[0]) < 0.01
        turn = np.degrees(np.arccos(np.clip(acc_g(made)[held][0] @ acc_g(real)[0], -1, 1)))
        assert 20 < turn <= np.degrees(0.8) + 0.5


@given(
    down=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda d: np.linalg.norm(d) > 0.1),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=25)
def test_the_strength_seen_is_the_same_however_the_sensor_is_mounted(
    down: tuple[float, float, float], seed: int
) -> None:
    movement, who = drawn("kicking", count=2), infant()
    real = still(down=down, seconds=30)
    made = inject([real], movement, who, at_ns=real.t0_ns + 5 * NS, seed=seed, rest=REST).segments[0]
    t0_s = -5.0
    acc, gyro = motion_at(
        who.body, Trajectory(movement.steps, REST), Site.LA, t0_s=t0_s, dt_s=real.step_ns / NS, n=real.n
    )
    seen = acc_g(made)
    assert np.abs(np.linalg.norm(seen, axis=1) - np.linalg.norm(acc, axis=1)).max() < 4 * SCALE.acc_g
    rate = np.linalg.norm(change(real, made)[:, 3:], axis=1)
    assert np.abs(rate - np.linalg.norm(gyro, axis=1)).max() < 2 * SCALE.gyro_dps


def test_two_scales_see_the_same_movement_within_a_count() -> None:
    fine, coarse = still(), still(scale=Scale(16 / 32768, 2000 / 32768))
    movement = drawn("startle")
    a, b = (
        change(r, inject([r], movement, infant(), at_ns=r.t0_ns + 9 * NS, seed=3).segments[0])
        for r in (fine, coarse)
    )
    assert np.abs(a[:, :3] - b[:, :3]).max() < 2 * coarse.scale.acc_g
    assert np.abs(a[:, 3:] - b[:, 3:]).max() < 2 * coarse.scale.gyro_dps


def test_a_sensor_without_angular_rate_gets_the_same_acceleration() -> None:
    movement, six, three = drawn("kicking", count=4), still(), still(axes=3)
    a, b = (inject([r], movement, infant(), at_ns=r.t0_ns + 9 * NS, seed=3).segments[0] for r in (six, three))
    assert np.array_equal(a.counts[:, :3], b.counts)


def test_half_the_rate_sees_every_other_sample_of_the_movement() -> None:
    movement = drawn("kicking", count=4)
    fast, slow = still(rate_hz=100), still(rate_hz=50)
    a, b = (inject([r], movement, infant(), at_ns=r.t0_ns + 9 * NS, seed=3).segments[0] for r in (fast, slow))
    assert np.abs(a.counts[::2].astype(int) - b.counts).max() <= 1


def test_a_recording_in_packets_gets_what_the_whole_one_gets() -> None:
    whole = still(rate_hz=100)
    packets = [
        Segment(
            whole.site,
            "real",
            0,
            i,
            whole.t0_ns + at * whole.step_ns,
            whole.step_ns,
            whole.counts[at : at + 16],
            SCALE,
        )
        for i, at in enumerate(range(0, whole.n, 16))
    ]
    movement = drawn("kicking", count=4)
    a = inject([whole], movement, infant(), at_ns=whole.t0_ns + 9 * NS, seed=3).segments[0]
    b = inject(packets[::-1], movement, infant(), at_ns=whole.t0_ns + 9 * NS, seed=3).segments[::-1]
    assert [s.seq for s in b] == [s.seq for s in packets]
    assert np.abs(a.counts.astype(int) - np.concatenate([s.counts for s in b])).max() <= 1
    assert sum(s is p for s, p in zip(b, packets, strict=True)) > len(packets) / 2


def test_what_is_too_strong_for_the_range_is_clipped_and_flagged_there_only() -> None:
    small = Scale(1.2 / 32768, 60 / 32768)
    real = still(scale=small)
    before, after = (still(scale=small, seconds=3) for _ in range(2))
    after = Segment(Site.LA, "real", 0, 1, real.end_ns, real.step_ns, after.counts, small)
    before = Segment(Site.LA, "real", 0, 0, real.t0_ns - 3 * NS, real.step_ns, before.counts, small)
    movement = drawn("startle")
    made = inject([before, real, after], movement, infant(), at_ns=real.t0_ns + 9 * NS, seed=3).segments
    assert [s.flags for s in made] == [SegmentFlag.NONE, SegmentFlag.CLIPPED, SegmentFlag.NONE]
    assert np.isin(made[1].counts, (-32768, 32767)).any()
    gentle = inject([real], pitched(0.05), infant(), at_ns=real.t0_ns + 9 * NS, seed=3).segments[0]
    assert gentle.flags == SegmentFlag.NONE


def test_a_real_sample_at_the_end_of_the_range_stays_there() -> None:
    real = still()
    real.counts[1000:1040, 2] = 32767
    made = inject([real], drawn("kicking", count=8), infant(), at_ns=real.t0_ns + 9 * NS, seed=3).segments[0]
    assert (made.counts[1000:1040, 2] == 32767).all()
    assert made.flags == SegmentFlag.NONE


def test_each_burst_is_set_against_the_gravity_of_its_own_moment() -> None:
    out = StepList()
    for at_s in (5.0, 45.0):
        out.pulse(Channel.ROOT_PITCH, at_s, 0.5, rise_s=2.0, hold_s=3.0, fall_s=2.0)
    movement = mark_all(out.build(), Label.MOVEMENT, "test")
    assert outings(movement.steps) == [(5.0, pytest.approx(12.0)), (45.0, pytest.approx(52.0))]
    real = still()
    real.counts[real.n // 2 :, :3] = np.rint(np.array([0.0, 0.0, -1.0]) / SCALE.acc_g)
    made = inject([real], movement, infant(), at_ns=real.t0_ns, seed=3).segments[0]
    for at_s in (8.5, 48.5):
        held = acc_g(made)[round(at_s * 104)]
        assert np.linalg.norm(held) == pytest.approx(1.0, abs=0.002)
        assert held @ acc_g(real)[round(at_s * 104)] < 0.99


def test_gravity_is_found_between_strong_jerks() -> None:
    rng = np.random.default_rng(1)
    real = still(seconds=12)
    jerks = rng.choice(real.n, real.n // 5)
    real.counts[jerks, :3] += rng.integers(-12000, 12000, (jerks.size, 3)).astype(np.int16)
    found = gravity_near([real], real.t0_ns + 4 * NS, real.t0_ns + 6 * NS)
    way = acc_g(still())[0]
    assert np.degrees(np.linalg.norm(np.cross(found, way))) < 1.0
    assert found @ way > 0.9


def test_a_sensor_that_turns_all_ways_has_no_gravity_to_go_by() -> None:
    real = still()
    t = np.arange(real.n) / 104.0
    spin = np.stack([np.cos(9 * t), np.sin(9 * t), 0 * t], axis=1)
    real.counts[:, :3] = np.rint(spin / SCALE.acc_g)
    with pytest.raises(NoGravityError, match="LA around 9"):
        inject([real], drawn("spasm"), infant(), at_ns=real.t0_ns + 9 * NS, seed=1)


def test_a_movement_that_ends_elsewhere_is_refused() -> None:
    out = StepList()
    out.step(Channel.ROOT_ROLL, 0.0, 2.0, 1.3)
    with pytest.raises(DoesNotReturnError, match="ROOT_ROLL"):
        inject([still()], Movement(out.build()), infant(), at_ns=10 * NS, seed=1)


@pytest.mark.parametrize("at_s", [-1.0, 58.0])
def test_a_movement_that_would_be_cut_off_is_refused(at_s: float) -> None:
    real = still()
    with pytest.raises(DoesNotFitError, match="60"):
        inject([real], pitched(), infant(), at_ns=real.t0_ns + round(at_s * NS), seed=1)


def test_a_site_the_body_does_not_have_is_refused() -> None:
    who = infant()
    places = {site: place for site, place in who.body.places.items() if site is not Site.LA}
    with pytest.raises(UnknownSiteError, match="LA"):
        inject(
            [still()], pitched(), replace(who, body=replace(who.body, places=places)), at_ns=6 * NS, seed=1
        )


def test_the_same_seed_gives_the_same_recording_and_another_one_another() -> None:
    real, movement = still(), drawn("spasm")
    one, same, other = (
        inject([real], movement, infant(), at_ns=real.t0_ns + 9 * NS, seed=seed).segments[0]
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_the_truth_stands_in_the_recordings_time() -> None:
    real = still()
    mark = Mark(Label.MOVEMENT, "test", 0.5, 10.5)
    made = inject([real], pitched(), infant(), at_ns=real.t0_ns + 9 * NS, seed=1, name="x")
    (event,) = made.truth.events
    assert (event.label, event.onset_ns, event.end_ns) == (
        mark.label,
        real.t0_ns + round(9.5 * NS),
        real.t0_ns + round(19.5 * NS),
    )
