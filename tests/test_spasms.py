from __future__ import annotations

import numpy as np

from dsp.records import Label, Site
from firmware_sim.draw import Draw
from firmware_sim.spasms import draw_spasm_s, draw_style
from firmware_sim.steps import Channel
from tests.sim_examples import one, peak_g, seen


def test_86_percent_of_spasms_last_from_0_4_to_3_seconds_and_none_longer_than_7():
    draw = Draw(1, "test")
    spans = np.array([draw_spasm_s(draw) for _ in range(3000)])
    assert 0.83 <= np.mean((spans >= 0.4) & (spans <= 3.0)) <= 0.885
    assert spans.min() >= 0.4
    assert spans.max() <= 7.0


def test_written_out_spasms_keep_to_those_lengths():
    spans = np.array([one("spasm", seed)[1].duration_s for seed in range(1000)])
    assert 0.80 <= np.mean((spans >= 0.4) & (spans <= 3.0)) <= 0.90
    assert spans.max() <= 7.4


def test_flexor_extensor_and_mixed_forms_have_the_published_shares():
    draw = Draw(2, "test")
    forms = [draw_style(draw).form for _ in range(2000)]
    shares = [forms.count(form) / 2000 * 0.984 for form in ("flexor", "extensor", "mixed")]
    assert np.allclose(shares, [0.339, 0.225, 0.420], atol=0.03)


def test_about_one_infant_in_six_has_only_subtle_spasms():
    draw = Draw(3, "test")
    legs = np.array([draw_style(draw).leg_g for _ in range(2000)])
    assert 0.12 <= np.mean([draw_style(draw).leg_g < 0.3 for _ in range(2000)]) <= 0.25
    assert legs.max() <= 1.5


def test_peaks_lie_in_the_estimated_range_for_most_spasms():
    rows = [one("spasm", seed, subtle=False) for seed in range(150)]
    ankle = np.array([max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)) for row in rows])
    trunk = np.array([peak_g(*row, Site.TR) for row in rows])
    assert 0.3 <= np.median(ankle) <= 1.0
    assert 0.1 <= np.median(trunk) <= 0.6
    assert np.mean(ankle < 2.0) > 0.95


def test_letting_go_is_never_more_violent_than_contracting():
    for seed in range(150):
        infant, movement = one("spasm", seed, subtle=False)
        force = np.linalg.norm(seen(infant, movement, Site.LA)[0], axis=1)
        assert np.abs(force - 1.0).max() < 3.0


def test_spasms_of_one_infant_differ_from_one_another():
    movement = one("spasm_cluster", 4, count=8, busy=0.0)[1]
    spans = {round(m.end_s - m.onset_s, 3) for m in movement.marks[0].members}
    assert len(spans) == 8


def test_a_cluster_knows_its_members_and_no_gap_exceeds_a_minute():
    for seed in range(40):
        whole = one("spasm_cluster", seed)[1].marks[0]
        onsets = np.array([m.onset_s for m in whole.members])
        assert whole.label is Label.SPASM_LIKE_CLUSTER
        assert whole.count == len(whole.members) >= 3
        assert all(m.label is Label.SPASM_LIKE for m in whole.members)
        assert np.diff(onsets).max() <= 60.0
        assert np.diff(onsets).min() >= 3.0
        assert (whole.onset_s, whole.end_s) == (whole.members[0].onset_s, whole.members[-1].end_s)


def test_most_gaps_lie_between_5_and_30_seconds_and_vary():
    gaps, cvs = [], []
    for seed in range(60):
        onsets = [m.onset_s for m in one("spasm_cluster", seed, count=20)[1].marks[0].members]
        gaps += np.diff(onsets).tolist()
        cvs.append(float(np.std(np.diff(onsets)) / np.mean(np.diff(onsets))))
    assert np.mean((np.array(gaps) >= 5.0) & (np.array(gaps) <= 30.0)) > 0.75
    assert 0.25 <= np.median(cvs) <= 0.65


def test_a_crescendo_is_strongest_in_the_middle():
    def tilt(movement, member):
        steps = movement.steps
        mine = (steps.channel == Channel.SPINE_FLEX) & (steps.start_s >= member.onset_s)
        return np.abs(steps.delta[mine & (steps.start_s < member.onset_s + 0.15)]).max()

    ratios = []
    for seed in range(30):
        movement = one("spasm_cluster", seed, count=15, crescendo=True, busy=0.0)[1]
        sizes = [tilt(movement, m) for m in movement.marks[0].members]
        ratios.append(np.mean(sizes[5:10]) / np.mean(sizes[:2] + sizes[-2:]))
    assert np.median(ratios) > 1.15


def test_a_busy_infant_moves_between_its_spasms():
    quiet = one("spasm_cluster", 5, count=20, busy=0.0)[1]
    busy = one("spasm_cluster", 5, count=20, busy=1.0)[1]
    assert len(quiet.marks) == 1
    assert len(busy.marks) > 8
    assert {mark.label for mark in busy.marks[1:]} == {Label.MOVEMENT}


def test_both_legs_and_the_trunk_take_part():
    for seed in range(30):
        channels = set(one("spasm", seed)[1].steps.channel.tolist())
        assert {Channel.L_HIP_FLEX, Channel.R_HIP_FLEX, Channel.SPINE_FLEX} <= channels
