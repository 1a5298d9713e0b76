"""Jerk trains: what their rows say, from the first to the last, and when they come."""

from __future__ import annotations

from itertools import pairwise

import pytest

from dsp.pipeline import Pipeline
from dsp.records import NS, Event, EventStatus, Label, Site
from firmware_sim.night import make_night
from firmware_sim.scenario import Background, Phase, Placed, Scenario, State

SITES = (Site.LA, Site.RA, Site.TR)
JERKS = (Label.SLEEP_JERK_TRAIN, Label.TWITCHES, Label.RHYTHMIC_JERKING)


def rows(side: str, seed: int, sites: tuple[Site, ...] = SITES) -> list[Event]:
    train = Placed("sleep_jerk_train", 150.0, {"trains": 1, "side": side, "train_s": 12.0, "rate_hz": 3.0})
    scenario = Scenario("side", 200.0, 60, (Phase(State.QUIET_SLEEP, 4),), (train,), Background.none())
    night = make_night(scenario, seed=seed)
    pipeline = Pipeline("infant", sites)
    out = pipeline.feed_block(s for s in night.segments(6000) if s.site in sites)
    return [e for e in out + pipeline.finish() if isinstance(e, Event) and e.label in JERKS]


@pytest.mark.parametrize("seed", [2000, 2001, 2002, 2003])
def test_no_row_of_a_train_of_both_legs_ever_names_one_side(seed: int) -> None:
    life = rows("both", seed)
    assert life[-1].side == "both"
    assert {e.side for e in life} <= {"both", "unknown"}


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_train_of_one_leg_names_it_and_never_the_other(side: str) -> None:
    other = {"left": "right", "right": "left"}[side]
    lives = [rows(side, seed) for seed in (2000, 2001, 2002)]
    assert sum(life[-1].side == side for life in lives) >= 2
    assert all(e.side != other for life in lives for e in life)


def test_the_side_is_unknown_while_only_few_jerks_were_seen() -> None:
    for side in ("both", "left"):
        for e in (e for seed in (2000, 2001, 2002) for e in rows(side, seed)):
            if e.count < 6:
                assert e.side == "unknown"


def test_one_leg_alone_cannot_say_which_side() -> None:
    assert {e.side for e in rows("both", 2001, (Site.LA,))} <= {"unknown"}


@pytest.mark.parametrize("seed", [2000, 2001, 2002, 2003])
def test_rows_of_a_train_come_when_its_jerks_have_doubled(seed: int) -> None:
    life = [e for e in rows("both", seed) if e.status is EventStatus.UPDATE]
    assert all(b.count >= 2 * a.count for a, b in pairwise(life))


def test_jerking_that_gets_longer_than_ten_seconds_is_told_again_within_two() -> None:
    options = {"side": "both", "duration_s": 40.0, "rate_hz": 2.5}
    clonus = Placed("clonic", 150.0, options)
    scenario = Scenario("clonic", 220.0, 60, (Phase(State.QUIET_SLEEP, 4),), (clonus,), Background.none())
    for seed in (2000, 2001, 2002):
        night = make_night(scenario, seed=seed)
        pipeline = Pipeline("infant", SITES)
        out = pipeline.feed_block(night.segments(6000)) + pipeline.finish()
        jerking = [e for e in out if isinstance(e, Event) and e.label is Label.RHYTHMIC_JERKING]
        first = next(e for e in jerking if e.duration_s > 10.0)
        begun = min(e.told_ns for e in jerking)
        assert first.told_ns <= max(begun, first.onset_ns + 12 * NS)
