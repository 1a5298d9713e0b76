from __future__ import annotations

import numpy as np
import pytest

from dsp.records import Label, Site
from firmware_sim.draw import Draw
from firmware_sim.kicks import FORMS, PATTERNS, draw_pattern, kicking
from firmware_sim.movement import draw_infant
from firmware_sim.steps import Channel
from tests.sim_examples import one, peak_g, seen

HIPS = {Channel.L_HIP_FLEX: "left", Channel.R_HIP_FLEX: "right"}


@pytest.fixture(scope="module")
def single_kicks():
    """The kicking ankle's force and rate in a thousand kicks of a thousand infants, one leg each."""
    rows = []
    for seed in range(1000):
        infant, movement = one("kicking", seed, count=1, form="kick", pattern="unilateral")
        site = Site.LA if movement.marks[0].side == "left" else Site.RA
        rows.append(seen(infant, movement, site))
    return rows


def test_kick_peaks_lie_where_they_were_published(single_kicks):
    """Infants' peaks were 0.32-0.90 g, sampled at 20 Hz: so is this."""
    peaks = [np.abs(np.linalg.norm(acc[::5], axis=1) - 1.0).max() for acc, _ in single_kicks]
    assert 0.32 <= np.median(peaks) <= 0.90
    assert np.mean([0.16 <= p <= 1.6 for p in peaks]) > 0.85


def test_true_kick_peaks_stay_within_twice_to_thrice_what_was_published(single_kicks):
    """One kick in a thousand reaches 2.5 g at 104 Hz [E]; published peaks 0.32-0.90 g were seen at 20 Hz."""
    peaks = [np.abs(np.linalg.norm(acc, axis=1) - 1.0).max() for acc, _ in single_kicks]
    low, high, most = np.percentile(peaks, [5, 95, 99.9])
    assert 0.12 < low < high < 1.6
    assert most < 2.6


def test_whole_bouts_of_any_form_are_bounded_as_well():
    peaks = [
        max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)) for row in (one("kicking", s) for s in range(150))
    ]
    assert np.percentile(peaks, 99) < 2.6


def test_true_kick_peaks_are_higher_than_those_seen_at_20_hz(single_kicks):
    size = [np.abs(np.linalg.norm(acc, axis=1) - 1.0) for acc, _ in single_kicks]
    ratio = [s.max() / s[::5].max() for s in size]
    assert min(ratio) >= 1.0
    assert np.median(ratio) > 1.05


def test_a_movement_unit_lasts_a_quarter_to_a_third_of_a_second(single_kicks):
    """From a tenth of the outward swing's peak rate to the turn, or to a tenth again when the leg is held."""
    spans = []
    for _, gyro in single_kicks:
        rate = np.linalg.norm(gyro, axis=1)
        begin = int(np.argmax(rate > 0.1 * rate.max()))
        peak = begin + int(np.argmax(rate[begin : begin + 40]))
        low = np.flatnonzero((rate[peak:-1] < 0.1 * rate[peak]) | (np.diff(rate[peak:]) > 0.0))
        spans.append((peak + low[0] - begin) / 104.0)
    assert 0.20 <= np.median(spans) <= 0.33
    assert np.mean([0.12 <= s <= 0.45 for s in spans]) > 0.9


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


def test_a_trunk_that_is_carried_along_stays_bent_while_the_leg_is_held():
    bent = []
    for seed in range(40):
        row = one("kicking", seed, count=1, carry=0.7, held_s=1.5, pattern="synchronous")
        acc, _ = seen(*row, Site.TR)
        held = acc[int(1.4 * 104) : int(1.7 * 104)].mean(axis=0)
        bent.append(np.degrees(np.arccos(np.clip(held @ acc[0] / np.linalg.norm(held), -1.0, 1.0))))
    assert np.percentile(bent, 60) > 3.0
    assert min(bent) < 1.0


def test_a_skewed_kick_comes_back_slower_than_it_went():
    ratios = []
    for seed in range(60):
        row = one("kicking", seed, count=1, skew=2.5, held_s=0.4, carry=0.0, pattern="unilateral")
        site = Site.LA if row[1].marks[0].side == "left" else Site.RA
        rate = np.linalg.norm(seen(*row, site)[1], axis=1)
        turn = int((0.5 + 0.28 + 0.2) * 104)
        ratios.append(rate[:turn].max() / rate[turn:].max())
    assert 1.8 < np.median(ratios) < 3.5


def pattern_of(movement):
    """What the hips do in a bout of unheld kicks: which of them start, and how soon after one another."""
    steps = movement.steps
    hips = np.isin(steps.channel, list(HIPS))
    rows = sorted(zip(steps.start_s[hips].tolist(), steps.channel[hips].tolist(), strict=True))
    sides = [HIPS[Channel(channel)] for _, channel in rows]
    if len(set(sides)) == 1:
        return "unilateral"
    together = rows[1][0] - rows[0][0] < 0.12 and sides[0] != sides[1]
    return "synchronous" if together else "alternating"


def test_both_legs_together_becomes_the_commonest_pattern_from_five_months():
    def commonest(age_days):
        told = [
            pattern_of(
                one("kicking", seed, age_days=age_days, count=2, form="kick", held_s=0.0, carry=0.0)[1]
            )
            for seed in range(400)
        ]
        return max(PATTERNS, key=told.count)

    assert [commonest(age) for age in (10, 90, 180)] == ["alternating", "unilateral", "synchronous"]


def test_an_infant_may_have_the_habit_of_kicking_with_both_legs():
    draw = Draw(1, "test")
    often = [draw_pattern(draw, 180, together=3.0) for _ in range(1000)].count("synchronous")
    seldom = [draw_pattern(draw, 180, together=0.3) for _ in range(1000)].count("synchronous")
    assert often > 650
    assert seldom < 350


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_pattern_that_was_asked_for_is_the_one_that_is_made(pattern):
    for seed in range(20):
        movement = one("kicking", seed, count=4, pattern=pattern, form="kick", held_s=0.0, carry=0.0)[1]
        assert pattern_of(movement) == pattern


def test_a_unilateral_bout_leaves_the_other_leg_to_the_trunk():
    infant, movement = one("kicking", 3, pattern="unilateral", count=6, carry=0.0, form="kick")
    sizes = {s: np.abs(seen(infant, movement, s)[1]).max() for s in (Site.LA, Site.RA)}
    assert min(sizes.values()) < 0.01
    assert movement.marks[0].side == max(sizes, key=lambda s: sizes[s]).replace("LA", "left").replace(
        "RA", "right"
    )


def test_pauses_between_kicks_are_irregular():
    """The movement is constrained, the pause is not: CV 0.5-1.5 of the intervals, wide [E]."""
    cvs = []
    for seed in range(1000):
        steps = one("kicking", seed, count=12, pattern="unilateral", carry=0.0, form="kick")[1].steps
        hips = np.sort(steps.start_s[np.isin(steps.channel, list(HIPS))])[::2]
        cvs.append(np.std(np.diff(hips)) / np.mean(np.diff(hips)))
    assert 0.3 < np.median(cvs) < 1.0
    assert np.percentile(cvs, 5) > 0.1


def test_dropped_legs_land_harder_than_any_that_are_kicked_or_let_down():
    def peaks(form):
        rows = [one("kicking", seed, count=1, form=form, pattern="synchronous") for seed in range(40)]
        return np.median([peak_g(*row, Site.LA) for row in rows])

    assert peaks("thump") > 2.0 * max(peaks("kick"), peaks("lift"))


def test_who_pushes_off_moves_the_trunk_more_than_the_heel_compared_with_a_kick():
    def shares(form):
        rows = [one("kicking", s, count=1, form=form, pattern="synchronous", carry=0.1) for s in range(80)]
        ankles = [max(peak_g(*row, Site.LA), peak_g(*row, Site.RA)) for row in rows]
        return np.array([peak_g(*row, Site.TR) for row in rows]) / ankles

    assert np.median(shares("push")) > 0.4 > 2.0 * np.median(shares("kick"))


def test_a_lifted_leg_stays_up_for_seconds():
    lasted = [one("kicking", seed, count=1, form="lift")[1].duration_s for seed in range(100)]
    assert 2.5 < np.median(lasted) < 6.5
    assert max(lasted) < 13.0


@pytest.mark.parametrize("form", FORMS)
def test_legs_come_back_to_where_they_were(form):
    steps = one("kicking", 5, count=3, form=form)[1].steps
    for channel in set(steps.channel.tolist()):
        assert steps.delta[steps.channel == channel].sum() == pytest.approx(0.0, abs=1e-9)


def test_a_kick_that_is_described_is_a_kick():
    """Options that speak of kicks are not lost on an infant who likes to lift its legs."""
    for seed in range(40):
        assert one("kicking", seed, skew=1.0)[1].marks[0].true_class.startswith("kicking_")


def test_a_bout_is_one_movement_with_its_count():
    draw = Draw(7, "test")
    mark = kicking(draw, draw_infant(draw, 120), count=9, form="kick").marks[0]
    assert (mark.label, mark.count, mark.true_class[:8]) == (Label.MOVEMENT, 9, "kicking_")
