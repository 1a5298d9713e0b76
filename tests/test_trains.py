"""Jerk trains: what their rows say, from the first to the last, and when they come."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from alerts.rules import RuleState, decide
from dsp.bursts import Pulse
from dsp.pipeline import Pipeline
from dsp.records import NS, Event, EventStatus, Evidence, Label, Site
from dsp.runs import Run, judge_own, judge_run
from dsp.settings import Settings
from dsp.state import StateTracker
from dsp.trains import Frame, TrainTracker
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


FROM_TRUNK = {
    "trunk_to_lead", "mean_trunk_to_lead", "mean_trunk_alike", "mean_trunk_leads", "mean_trunk_turned",
}  # fmt: skip
FROM_BOTH_LEGS = {"legs_together", "mean_legs_alike", "one_sided_young"}


def without(gone: Site, since_s: float, placed: Placed, *, seed: int, age_days: int) -> list[Event]:
    """Rows of what is placed in quiet sleep, with all three sites set up and one of them silent from a second on."""
    scenario = Scenario("lost", 110.0, 60, (Phase(State.QUIET_SLEEP, 3),), (placed,), Background.none())
    parts = make_night(scenario, seed=seed).segments(50)
    silent_ns = min(s.t0_ns for s in parts) + round(since_s * NS)
    pipeline = Pipeline("infant", SITES, age_days=age_days)
    out = pipeline.feed_block(s for s in parts if s.site is not gone or s.t0_ns < silent_ns)
    return [e for e in out + pipeline.finish() if isinstance(e, Event) and e.label in JERKS]


def test_trains_with_short_pauses_are_one_episode_and_one_after_a_long_pause_begins_another() -> None:
    placed = tuple(
        Placed("sleep_jerk_train", at_s, {"trains": 1, "side": "both", "train_s": 12.0, "rate_hz": 2.5})
        for at_s in (60.0, 120.0, 215.0, 420.0)
    )
    scenario = Scenario("episode", 480.0, 60, (Phase(State.QUIET_SLEEP, 8),), placed, Background.none())
    pipeline = Pipeline("infant", SITES, age_days=60)
    out = pipeline.feed_block(make_night(scenario, seed=2000).segments(1024)) + pipeline.finish()
    told = [e for e in out if isinstance(e, Event) and e.label in JERKS]
    ends = list({e.id: e for e in told if e.status is EventStatus.END}.values())
    assert [e.label for e in ends] == [Label.SLEEP_JERK_TRAIN] * 4
    begun_s = [(e.end_ns - e.episode_s * NS - ends[0].onset_ns) / NS for e in ends if e.episode_s is not None]
    assert begun_s == pytest.approx([0.0, 0.0, 0.0, (ends[3].onset_ns - ends[0].onset_ns) / NS])
    assert all(e.episode_s is None for e in told if e.label is not Label.SLEEP_JERK_TRAIN)


def names(life: list[Event]) -> set[str]:
    return {_measured(row) for e in life for row in e.evidence}


def _measured(row: Evidence) -> str:
    """What was measured, whichever question it answers."""
    return row.name.rpartition(".")[2]


@pytest.mark.parametrize("seed", [2000, 2001])
def test_a_trunk_that_fell_silent_is_none_that_keeps_still_and_delays_no_clonic_run(seed: int) -> None:
    clonus = Placed("clonic", 60.0, {"side": "both", "duration_s": 30.0, "rate_hz": 2.5})
    life = without(Site.TR, 58.0, clonus, seed=seed, age_days=200)
    assert not FROM_TRUNK & names(life)
    assert {"moves_as_one", "legs_together"} <= names(life)
    first = next(e for e in life if e.label is Label.RHYTHMIC_JERKING)
    assert first.told_ns - first.onset_ns <= 14 * NS


@pytest.mark.parametrize("seed", [2000, 2001])
def test_a_leg_that_fell_silent_makes_no_one_sided_jerking_of_a_newborns_train(seed: int) -> None:
    train = Placed("sleep_jerk_train", 60.0, {"trains": 1, "side": "both", "train_s": 15.0, "rate_hz": 2.5})
    life = without(Site.RA, 58.0, train, seed=seed, age_days=30)
    assert life
    assert Label.RHYTHMIC_JERKING not in {e.label for e in life}
    assert not FROM_BOTH_LEGS & names(life)
    assert "trunk_to_lead" in names(life)


def test_what_one_leg_did_while_the_other_was_silent_is_not_held_against_it_afterwards() -> None:
    train = Placed("sleep_jerk_train", 60.0, {"trains": 1, "side": "both", "train_s": 15.0, "rate_hz": 2.5})
    life = without(Site.RA, 68.0, train, seed=2000, age_days=30)
    sides = [row.value for e in life for row in e.evidence if _measured(row) == "one_sided_young"]
    assert sides
    assert max(sides) < 1.0
    assert "one_sided_young" not in names(life[-1:])


@pytest.mark.parametrize("seed", [2000, 2001])
def test_a_trunk_that_falls_silent_amid_a_run_counts_as_far_as_it_was_seen(seed: int) -> None:
    clonus = Placed("clonic", 60.0, {"side": "both", "duration_s": 30.0, "rate_hz": 2.5})
    life = without(Site.TR, 70.0, clonus, seed=seed, age_days=200)
    last = {_measured(row): row.value for row in life[-1].evidence}
    assert "trunk_to_lead" not in last
    assert -3.0 < last["mean_trunk_to_lead"] < -1.0
    assert last["mean_trunk_turned"] < 0.0


def lifted_for(seconds: float, seed: int) -> list[Event]:
    """Rows of a convulsion awake, in the middle of which the infant is taken up for some seconds."""
    scenes = (
        (Placed("clonic", 60.0, {"side": "both", "duration_s": 50.0, "rate_hz": 2.5}),),
        (Placed("carrying", 60.0, {"duration_s": 60.0}),),
    )
    phases, quiet = (Phase(State.AWAKE, 3),), Background.none()
    jerks, taken_up = (
        make_night(Scenario("lifted", 130.0, 200, phases, placed, quiet), seed=seed).segments(50)
        for placed in scenes
    )
    t0_ns = min(s.t0_ns for s in jerks)
    at = range(t0_ns + 80 * NS, t0_ns + round((80 + seconds) * NS))
    parts = [s for s in jerks if s.t0_ns not in at] + [s for s in taken_up if s.t0_ns in at]
    pipeline = Pipeline("infant", SITES, age_days=200)
    out = pipeline.feed_block(sorted(parts, key=lambda s: (s.t0_ns, s.site))) + pipeline.finish()
    return [e for e in out if isinstance(e, Event) and e.label in JERKS]


@pytest.mark.parametrize(("seconds", "seed"), [(6.0, 2000), (6.0, 2001), (8.0, 2001), (6.0, 2002)])
def test_jerking_that_goes_on_behind_its_end_is_another_event_and_rings_again(
    monkeypatch: pytest.MonkeyPatch, seconds: float, seed: int
) -> None:
    monkeypatch.setattr(StateTracker, "at", lambda _self, _t_ns: State.AWAKE)
    told = lifted_for(seconds, seed)
    lives = {e.id: [o for o in told if o.id == e.id] for e in told}
    assert len(lives) == 2
    for life in lives.values():
        assert [e.version for e in life] == list(range(1, len(life) + 1))
        ends = [e.status is EventStatus.END for e in life]
        assert ends == sorted(ends)
        assert (
            1 <= sum(ends) <= 2
        )  # once more with the state that followed, where the scene lasts long enough
    first, second = lives.values()
    assert second[0].onset_ns >= first[-1].end_ns
    assert second[-1].label is Label.RHYTHMIC_JERKING
    state, rung = RuleState(), set[str]()
    for row in told:
        state, alerts = decide(state, row)
        rung |= {row.id for a in alerts if a.facts["announce"] == "ring"}
    assert rung == set(lives)


def jerking(seconds: float) -> TrainTracker:
    """A tracker in the middle of a run of two jerks a second, which began at 10 s and asleep."""
    ks = [1000 + 50 * i + 8 * (i % 3) for i in range(int(2 * seconds))]
    run = Run()
    pulses = [Pulse(Site.LA, k, k + 5, 0.2, 0.003) for k in ks]
    run.take(pulses, [], [Evidence("frame_log_odds", 4.0, 0.0)], Settings())
    return TrainTracker(run=run, lead_ks=ks, frames=[Frame(ks[-1] - 100, ks[-1], Site.LA, 4.0)])


def limits(tracker: TrainTracker, *, own: float, clonic: float) -> Settings:
    """Settings under which its run lies so far above the limits of the two questions."""
    settings = Settings()
    return replace(
        settings,
        own_jerking=judge_own(tracker.run, settings).log_odds - own,
        run_jerking=judge_run(tracker.run, settings).log_odds - clonic,
    )


def lifted(
    tracker: TrainTracker, settings: Settings, *, side: str = "both", aroused_s: float | None = None
) -> bool:
    first, last = tracker.lead_ks[0] * NS // 100, tracker.lead_ks[-1] * NS // 100
    train: Any = SimpleNamespace(
        label=Label.SLEEP_JERK_TRAIN, onset_ns=first, end_ns=last, side=side, count=len(tracker.lead_ks)
    )
    state = SimpleNamespace(arousal_ns=None if aroused_s is None else round(aroused_s * NS))
    scene: Any = SimpleNamespace(stiff_ns=None, state=state)
    return tracker._upward(train, scene, settings)[0] is Label.RHYTHMIC_JERKING


def test_two_explanations_that_are_both_nearly_as_likely_are_doubted_together() -> None:
    run = jerking(12.0)
    assert lifted(run, limits(run, own=3.0, clonic=0.2))
    assert lifted(run, limits(run, own=0.2, clonic=3.0))
    assert not lifted(run, limits(run, own=0.2, clonic=0.2))
    assert not lifted(run, limits(run, own=-0.1, clonic=9.0))
    assert not lifted(run, limits(run, own=9.0, clonic=-0.1))


def test_going_on_through_an_arousal_lifts_what_was_nearly_clear_and_not_what_looks_like_a_train() -> None:
    run = jerking(12.0)
    nearly, train = limits(run, own=1.0, clonic=-0.8), limits(run, own=1.0, clonic=-1.5)
    assert lifted(run, nearly, aroused_s=15.0)
    assert not lifted(run, nearly)
    assert not lifted(run, train, aroused_s=15.0)


def test_a_minute_on_one_side_lifts_jerks_of_the_infants_own_and_not_a_hand_that_pats_one_side() -> None:
    run = jerking(70.0)
    own, patted = limits(run, own=0.1, clonic=-5.0), limits(run, own=-0.1, clonic=-5.0)
    assert lifted(run, own, side="left")
    assert not lifted(run, own, side="both")
    assert not lifted(run, patted, side="left")
