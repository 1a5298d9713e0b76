from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import find_peaks

from dsp.records import Label, Site
from firmware_sim.body import draw_rest
from firmware_sim.draw import Draw
from firmware_sim.steps import Channel, Trajectory
from firmware_sim.whole_body import posture_change
from tests.sim_examples import one, peak_g, seen

KINDS = ("stretch", "waking_stretch", "arousal", "fussing", "crying")


def test_a_stretch_is_ramped_and_lasts_two_to_eight_seconds():
    """The legs need longer than a spasm's 0.2-0.5 s to get there, in nine of ten stretches."""
    spans, risen = [], []
    for seed in range(300):
        movement = one("stretch", seed)[1]
        spans.append(movement.duration_s)
        knees = [Trajectory(movement.steps, {}).curve(c, 0.0, 0.02, 450) for c in (14, 18)]
        bend = max((np.abs(k.value) for k in knees if k is not None), key=np.max)
        risen.append(0.02 * (np.argmax(bend > 0.9 * bend.max()) - np.argmax(bend > 0.1 * bend.max())))
    assert min(spans) >= 1.9
    assert max(spans) <= 10.0
    assert np.percentile(risen, 10) > 0.3
    assert np.median(risen) > 0.6


@pytest.mark.parametrize("site", [Site.LA, Site.RA, Site.TR])
def test_no_sensor_lies_flat_while_an_infant_stretches(site):
    """Muscle at work gives and takes: half a second about the middle spans more than 4 mg, in nine of ten."""
    spans = []
    for seed in range(60):
        infant, movement = one("stretch", seed)
        acc, _ = seen(infant, movement, site)
        middle = int((0.5 + 0.5 * movement.duration_s) * 104)
        spans.append(np.ptp(acc[middle - 26 : middle + 26], axis=0).max())
    assert np.percentile(spans, 10) > 0.004


def test_stretches_and_thrashing_are_as_strong_as_estimated():
    """Median ankle peaks within the rows' ranges: stretch 0.1-0.4, arousal and crying 0.3-1.5 g [E]."""
    for kind, low, high in (("stretch", 0.1, 0.4), ("arousal", 0.3, 1.5), ("crying", 0.3, 1.7)):
        options = {"duration_s": 15.0} if kind == "crying" else {}
        rows = [one(kind, seed, **options) for seed in range(40)]
        ankle = [max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)) for row in rows]
        assert low <= np.median(ankle) <= high


def test_an_arousal_sighs_then_thrashes():
    for seed in range(40):
        infant, movement = one("arousal", seed)
        assert 2.5 <= movement.duration_s <= 9.5
        early = np.abs(seen(infant, movement, Site.LA)[1][52 : 52 + 70]).max()
        assert early < 0.5 * np.abs(seen(infant, movement, Site.LA)[1]).max()


def test_an_arousals_thrashing_lasts_two_to_four_seconds():
    """From the first limb to move to the last, the small startle before it taken in: 2-6 s."""
    spans = []
    for seed in range(300):
        steps = one("arousal", seed)[1].steps
        limbs = np.isin(steps.channel, [c for c in Channel if Channel.L_HIP_FLEX <= c <= Channel.R_KNEE])
        spans.append(np.max((steps.start_s + steps.span_s)[limbs]) - np.min(steps.start_s[limbs]))
    assert np.percentile(spans, 5) > 2.0
    assert np.percentile(spans, 95) < 6.5


def cries_of(movement):
    """Seconds from cry to cry within runs, and the pauses between runs, from the head's nodding with each of them."""
    n = int(movement.duration_s * 50)
    bend = Trajectory(movement.steps, {}).curve(Channel.HEAD_NOD, 0.0, 0.02, n).value.astype(np.float64)
    at, _ = find_peaks(-bend, prominence=0.003, distance=20)
    gaps = np.diff(at) * 0.02
    return gaps[gaps < 1.6 * np.median(gaps)], gaps[gaps >= 1.6 * np.median(gaps)]


def test_an_infant_cries_at_its_rate():
    """0.7-1.5 Hz [E, row Crying], in a thousand bouts; thrown heads hide some cries."""
    rates = np.array([1.0 / np.median(cries_of(one("crying", s, duration_s=7.0)[1])[0]) for s in range(1000)])
    assert np.mean((rates > 0.6) & (rates < 1.7)) > 0.88
    assert 0.85 < np.median(rates) < 1.25
    assert np.percentile(rates, 90) - np.percentile(rates, 10) > 0.4


def test_an_infant_pauses_for_breath_between_runs_of_cries():
    paused = [bool(np.any(cries_of(one("crying", s, duration_s=25.0)[1])[1] > 1.8)) for s in range(60)]
    assert sum(paused) > 36


def test_waking_up_is_a_sequence_without_a_fixed_interval():
    """Stretches with kicks or squirming between them, asynchronous and irregular."""
    gaps, kinds = [], set()
    for seed in range(80):
        marks = one("waking_stretch", seed)[1].marks
        stretches = [m.onset_s for m in marks if m.true_class == "stretch"]
        assert 2 <= len(stretches) <= 5
        assert all(m.label is Label.MOVEMENT for m in marks)
        gaps += np.diff(stretches).tolist()
        kinds |= {m.true_class.split("_")[0] for m in marks}
    assert {"stretch", "kicking", "fussing"} <= kinds
    assert np.std(gaps) / np.mean(gaps) > 0.35


@pytest.mark.parametrize("kind", KINDS)
def test_arms_and_head_take_part(kind):
    moved = set(one(kind, 4)[1].steps.channel.tolist())
    assert moved & {Channel.L_SHOULDER_FLEX, Channel.R_SHOULDER_FLEX}
    assert moved & {Channel.HEAD_NOD, Channel.HEAD_TURN}


@pytest.mark.parametrize("kind", KINDS)
def test_the_body_comes_back_to_rest_without_a_step(kind):
    for seed in range(5):
        steps = one(kind, seed)[1].steps
        trajectory = Trajectory(steps, {})
        for channel in Channel:
            assert trajectory.level(channel, steps.end_s + 1.0) == pytest.approx(0.0, abs=1e-9)
            head = trajectory.curve(channel, steps.begin_s, 1e-5, 2)
            assert head is None or np.abs(head.accel).max() < 0.5


def test_a_new_posture_is_reached_exactly():
    draw = Draw(1, "test")
    now, to = draw_rest(draw), draw_rest(draw)
    movement = posture_change(draw, now, to)
    trajectory = Trajectory(movement.steps, now)
    for channel in now:
        assert trajectory.level(channel, movement.duration_s + 1.0) == pytest.approx(to[channel])
