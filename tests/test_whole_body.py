from __future__ import annotations

import numpy as np
import pytest

from dsp.records import Label, Site
from firmware_sim.body import draw_rest
from firmware_sim.draw import Draw
from firmware_sim.steps import Channel, Trajectory
from firmware_sim.whole_body import posture_change
from tests.sim_examples import one, peak_g, seen


def test_a_stretch_is_ramped_and_lasts_two_to_eight_seconds():
    for seed in range(100):
        movement = one("stretch", seed)[1]
        back = movement.steps.span_s[movement.steps.channel == Channel.SPINE_FLEX]
        assert 1.9 <= movement.duration_s <= 9.0
        assert back.min() >= 0.35


def test_stiffening_begins_without_a_jerk_and_holds_a_tilt():
    for seed in range(20):
        infant, movement = one("stiffening", seed, duration_s=10.0)
        acc, _ = seen(infant, movement, Site.TR)
        first = acc[52 : 52 + 104]
        assert np.abs(np.linalg.norm(first, axis=1) - 1.0).max() < 0.12
        held = acc[5 * 104 : 8 * 104].mean(axis=0)
        assert np.degrees(np.arccos(np.clip(held @ acc[0] / np.linalg.norm(held), -1, 1))) > 4.0
        assert movement.marks[0].label is Label.STIFFENING


def test_an_arousal_sighs_then_thrashes():
    for seed in range(40):
        infant, movement = one("arousal", seed)
        assert 2.5 <= movement.duration_s <= 9.0
        early = np.abs(seen(infant, movement, Site.LA)[1][52 : 52 + 70]).max()
        assert early < 0.5 * np.abs(seen(infant, movement, Site.LA)[1]).max()


@pytest.mark.parametrize("kind", ["arousal", "crying"])
def test_thrashing_peaks_lie_in_the_estimated_range(kind):
    options = {"duration_s": 15.0} if kind == "crying" else {}
    rows = [one(kind, seed, **options) for seed in range(60)]
    ankle = [max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)) for row in rows]
    assert 0.3 <= np.median(ankle) <= 1.6


def test_a_new_posture_is_reached_exactly():
    draw = Draw(1, "test")
    now, to = draw_rest(draw), draw_rest(draw)
    movement = posture_change(draw, now, to)
    trajectory = Trajectory(movement.steps, now)
    for channel in now:
        assert trajectory.level(channel, movement.duration_s + 1.0) == pytest.approx(to[channel])
