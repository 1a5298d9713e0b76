from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from dsp.records import Label, Site
from firmware_sim.body import LEFT, LEFT_ARM, RIGHT, RIGHT_ARM
from firmware_sim.draw import Draw
from firmware_sim.movement import draw_infant
from firmware_sim.spasms import draw_style, spasm
from firmware_sim.steps import Channel
from tests.motion_measures import first_start, left_behind, moves, path, reach
from tests.sim_examples import one, peak_g, seen

_LEFT_LEG = (LEFT.hip, LEFT.knee)
_RIGHT_LEG = (RIGHT.hip, RIGHT.knee)


@cache
def drawn():
    """One spasm each of a thousand infants."""
    return [one("spasm", seed)[1] for seed in range(1000)]


def leg_lag_s(movement):
    return first_start(movement, *_LEFT_LEG) - first_start(movement, *_RIGHT_LEG)


def leg_balance(movement):
    """What the weaker leg does of what the stronger does."""
    left, right = (reach(movement, leg[0]) for leg in (_LEFT_LEG, _RIGHT_LEG))
    return min(left, right) / max(left, right)


def test_86_percent_of_spasms_last_from_0_4_to_3_seconds_and_none_longer_than_7():
    spans = np.array([m.steps.end_s - m.steps.start_s.min() for m in drawn()])
    assert 0.82 <= np.mean((spans >= 0.4) & (spans <= 3.0)) <= 0.89
    assert spans.min() >= 0.38
    assert spans.max() <= 7.6
    assert 0.9 <= np.median(spans) <= 1.5


def test_the_contraction_takes_a_fifth_to_half_a_second_to_its_peak():
    rises = np.array(
        [
            np.argmax(np.abs(path(m, Channel.SPINE_FLEX).value)) / 208.0 - first_start(m, Channel.SPINE_FLEX)
            for m in drawn()[:300]
        ]
    )
    assert np.mean((rises > 0.12) & (rises < 0.6)) > 0.93


def test_flexor_extensor_and_mixed_forms_have_the_published_shares():
    def form(movement):
        steps = movement.steps
        leg, trunk = (steps.delta[steps.channel == c][0] for c in (LEFT.hip, Channel.SPINE_FLEX))
        return ("flexor" if leg > 0 else "mixed") if trunk > 0 else "extensor"

    forms = [form(m) for m in drawn()]
    shares = [forms.count(name) / 1000 * 0.984 for name in ("flexor", "extensor", "mixed")]
    assert np.allclose(shares, [0.339, 0.225, 0.420], atol=0.045)


def test_a_quarter_of_spasms_is_asymmetric_and_seven_percent_asynchronous():
    assert np.mean([leg_balance(m) < 0.72 for m in drawn()]) == pytest.approx(0.25, abs=0.05)
    assert np.mean([abs(leg_lag_s(m)) > 0.07 for m in drawn()]) == pytest.approx(0.07, abs=0.03)


def test_one_infant_in_five_has_mostly_uneven_spasms():
    uneven = []
    for seed in range(100):
        draw = Draw(seed, "test")
        infant, style = draw_infant(draw, 150), draw_style(draw)
        rows = [spasm(draw, infant, style=style) for _ in range(11)]
        uneven.append(np.mean([leg_balance(m) < 0.72 or abs(leg_lag_s(m)) > 0.07 for m in rows]) > 0.5)
    assert 0.1 <= np.mean(uneven) <= 0.32


def test_the_leading_side_is_earlier_and_stronger_when_asked():
    for seed in range(40):
        uneven = one("spasm", seed, symmetry="asymmetric", leader="left")[1]
        late = one("spasm", seed, symmetry="asynchronous", leader="right")[1]
        assert sum(reach(uneven, c) for c in _LEFT_LEG) > sum(reach(uneven, c) for c in _RIGHT_LEG)
        assert uneven.marks[0].side == "left"
        assert 0.06 < leg_lag_s(late) < 0.24


def test_symmetric_spasms_are_so():
    rows = [one("spasm", seed, symmetry="symmetric")[1] for seed in range(60)]
    assert np.mean([leg_balance(m) > 0.7 for m in rows]) > 0.95
    assert max(abs(leg_lag_s(m)) for m in rows) < 0.06


def test_about_one_infant_in_six_has_only_subtle_spasms():
    draw = Draw(3, "test")
    legs = np.array([draw_style(draw).leg_g for _ in range(2000)])
    assert 0.12 <= np.mean(legs < 0.3) <= 0.25
    assert legs.max() <= 1.5


def test_some_subtle_spasms_are_hardly_more_than_head_and_arms():
    shares = []
    for seed in range(200):
        row = one("spasm", seed, subtle=True)
        below = max(reach(row[1], c) for c in (*_LEFT_LEG, *_RIGHT_LEG))
        above = max(reach(row[1], c) for c in (LEFT_ARM.elbow, RIGHT_ARM.elbow, Channel.HEAD_NOD))
        shares.append(below < 0.15 * above)
    assert 0.15 < np.mean(shares) < 0.5


def test_peaks_lie_in_the_estimated_range_for_most_spasms():
    rows = [one("spasm", seed, subtle=False) for seed in range(150)]
    ankle = np.array([max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)) for row in rows])
    trunk = np.array([peak_g(*row, Site.TR) for row in rows])
    assert 0.3 <= np.median(ankle) <= 1.0
    assert 0.1 <= np.median(trunk) <= 0.6
    assert np.mean(ankle < 2.0) > 0.95


def test_the_trunk_tilts_ten_to_sixty_degrees_as_a_rule():
    tilts = []
    for seed in range(150):
        infant, movement = one("spasm", seed, subtle=False)
        turned = np.cumsum(seen(infant, movement, Site.TR)[1], axis=0) / 104.0
        tilts.append(np.linalg.norm(turned, axis=1).max())
    assert np.percentile(tilts, 95) < 70.0
    assert 8.0 < np.median(tilts) < 45.0


def test_letting_go_is_never_more_violent_than_contracting():
    for seed in range(100):
        infant, movement = one("spasm", seed, subtle=False)
        force = np.linalg.norm(seen(infant, movement, Site.LA)[0], axis=1)
        assert np.abs(force - 1.0).max() < 3.0


def test_arms_head_legs_and_trunk_take_part_and_come_back():
    for movement in drawn()[:100]:
        for part in (
            LEFT.hip,
            RIGHT.hip,
            LEFT_ARM.elbow,
            RIGHT_ARM.elbow,
            Channel.HEAD_NOD,
            Channel.SPINE_FLEX,
        ):
            assert moves(movement, part)
        assert left_behind(movement) == pytest.approx(0.0, abs=1e-9)


def test_no_part_of_the_body_always_leads():
    parts = [
        (LEFT_ARM.elbow, RIGHT_ARM.elbow),
        (LEFT.hip, RIGHT.hip),
        (Channel.SPINE_FLEX,),
        (Channel.HEAD_NOD,),
    ]
    first = [int(np.argmin([first_start(m, *p) for p in parts])) for m in drawn()]
    assert np.bincount(first, minlength=4).min() > 100


def test_a_pair_is_told_as_two_spasms_within_a_minute():
    for seed in range(60):
        first, second = one("spasm", seed, paired=True)[1].marks
        assert first.label is second.label is Label.SPASM_LIKE
        assert 2.0 < second.onset_s - first.onset_s < 60.0
        assert second.onset_s > first.end_s
