from __future__ import annotations

import numpy as np

from dsp.records import Label, Site
from firmware_sim.draw import Draw
from firmware_sim.kicks import draw_pattern
from firmware_sim.movement import draw_infant
from tests.sim_examples import one, peak_g, seen


def leg_peak(seed: int) -> float:
    row = one("kicking", seed, count=1, form="kick")
    return max(peak_g(*row, Site.LA), peak_g(*row, Site.RA))


def test_kick_peaks_lie_where_they_were_published():
    """Infants' peaks were 0.32-0.90 g at 20 Hz, so that the true ones are higher."""
    peaks = np.array([leg_peak(seed) for seed in range(1000)])
    assert 0.32 <= np.median(peaks) <= 0.90
    assert np.mean((peaks > 0.1) & (peaks < 1.6)) > 0.9


def test_infants_kick_with_the_published_range_of_strengths():
    strengths = [draw_infant(Draw(seed, "infant"), 120).kick_g for seed in range(1000)]
    assert 0.32 <= min(strengths) < 0.36
    assert 0.86 < max(strengths) <= 0.90


def test_kicks_shake_the_trunk_from_hardly_to_as_much_as_the_leg():
    shares = []
    for seed in range(200):
        row = one("kicking", seed, count=2)
        shares.append(peak_g(*row, Site.TR) / max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)))
    low, high = np.percentile(shares, [10, 90])
    assert low < 0.1
    assert high > 0.5


def test_both_legs_together_becomes_the_commonest_pattern_from_five_months():
    def commonest(age_days):
        draw = Draw(1, f"test/{age_days}")
        drawn = [draw_pattern(draw, age_days) for _ in range(1000)]
        return max(set(drawn), key=drawn.count)

    assert [commonest(age) for age in (10, 90, 180)] == ["alternating", "unilateral", "synchronous"]


def test_a_unilateral_bout_leaves_the_other_leg_to_the_trunk():
    infant, movement = one("kicking", 3, pattern="unilateral", count=6, carry=0.0)
    sizes = {s: np.abs(seen(infant, movement, s)[1]).max() for s in (Site.LA, Site.RA)}
    assert min(sizes.values()) < 0.01
    assert movement.marks[0].side == max(sizes, key=lambda s: sizes[s]).replace("LA", "left").replace(
        "RA", "right"
    )


def test_pauses_between_kicks_are_irregular():
    cvs = []
    for seed in range(60):
        steps = one("kicking", seed, count=12, pattern="unilateral", carry=0.0)[1].steps
        hips = np.sort(steps.start_s[np.isin(steps.channel, (12, 16)) & (np.abs(steps.delta) > 0)])[::2]
        cvs.append(np.std(np.diff(hips)) / np.mean(np.diff(hips)))
    assert np.median(cvs) > 0.25


def test_a_bout_is_one_movement_with_its_count():
    mark = one("kicking", 7, count=9)[1].marks[0]
    assert (mark.label, mark.count, mark.true_class[:8]) == (Label.MOVEMENT, 9, "kicking_")
