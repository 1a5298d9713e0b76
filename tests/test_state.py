"""Sleep state and breathing on constructed signals and nights."""

from __future__ import annotations

import numpy as np
import pytest

from dsp.breathing import line_of
from dsp.chain import EPOCH_HOPS, HOP, HOP_NS, ROW, Chain
from dsp.pipeline import Pipeline
from dsp.records import Site, State, StateEpoch
from dsp.settings import Settings
from dsp.state import StateTracker, changes
from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Background, Phase, Placed, Scenario

EPOCH_NS = EPOCH_HOPS * HOP_NS

NIGHT = Scenario(
    name="cycle",
    duration_s=34 * 60.0,
    age_days=120,
    phases=(Phase(State.AWAKE, 8), Phase(State.ACTIVE_SLEEP, 10), Phase(State.QUIET_SLEEP, 16)),
    background=Background(newborn_startles=False),
)


def states(night: Night, sites: tuple[Site, ...]) -> list[StateEpoch]:
    pipeline = Pipeline("infant", sites)
    out = []
    for segment in night.segments(6000):
        if segment.site in sites:
            out += pipeline.feed(segment)
    out += pipeline.finish()
    return [o for o in out if isinstance(o, StateEpoch)]


def agreement(told: list[StateEpoch], night: Night) -> float:
    truth = {s.t_ns: s.state for s in night.truth.states}
    right = [e.state.is_sleep == truth[e.t_ns].is_sleep for e in told if e.t_ns in truth]
    return sum(right) / len(right)


@pytest.mark.parametrize("rate_hz", [0.3, 0.55, 0.9])
def test_a_pure_breath_has_its_rate_and_is_regular(rate_hz: float) -> None:
    t = np.arange(240) * 0.25
    found = line_of(np.stack([0.004 * np.sin(2 * np.pi * rate_hz * t), np.zeros(240), 0.01 * t]))
    assert found is not None
    assert found.rate_hz == pytest.approx(rate_hz, abs=0.017)
    assert found.regularity > 0.95


def test_noise_is_not_regular() -> None:
    found = line_of(np.random.default_rng(1).normal(0.0, 1.0, (3, 240)))
    assert found is not None
    assert found.regularity < 0.6


def test_awake_active_and_quiet_sleep_are_told_from_three_sites() -> None:
    night = make_night(NIGHT, seed=2001)
    told = states(night, (Site.LA, Site.RA, Site.TR))
    assert agreement(told, night) > 0.8
    assert {State.AWAKE, State.QUIET_SLEEP} <= {e.state for e in told}
    quiet = [e for e in told if e.t_ns > 25 * 60 * 10**9]
    assert sum(e.state is State.QUIET_SLEEP for e in quiet) > 0.7 * len(quiet)


def test_one_ankle_alone_tells_sleep_from_waking_but_not_its_kind() -> None:
    night = make_night(NIGHT, seed=2002)
    told = states(night, (Site.LA,))
    assert agreement(told, night) > 0.7
    assert {e.state for e in told} <= {State.AWAKE, State.ASLEEP, State.UNKNOWN}
    assert all(e.breathing_hz is None for e in told)


@pytest.mark.parametrize("kind", ["stroller", "rocking", "carrying"])
def test_a_ride_wakes_nobody_in_the_book(kind: str) -> None:
    """Asleep when it began, moved from outside for four minutes: the carrier's motion is no sign of waking."""
    plan = Scenario(
        name="ride",
        duration_s=14 * 60.0,
        age_days=120,
        phases=(Phase(State.QUIET_SLEEP, 14),),
        placed=(Placed(kind, 480.0, {"duration_s": 240.0}),),
        background=Background(newborn_startles=False),
    )
    told = states(make_night(plan, seed=2003), (Site.LA, Site.RA, Site.TR))
    ridden = [e for e in told if 480 * 10**9 <= e.t_ns < 720 * 10**9]
    assert sum(e.state.is_sleep for e in ridden) >= 0.8 * len(ridden)


def thrashing(*, silent: bool, gyro: bool = True) -> bool:
    """Whether one of two ankles that thrashes for three seconds arouses, beside one that lies still or is silent."""
    chains = {s: Chain.of(s, Settings()) for s in (Site.LA, Site.RA)}
    for site, chain in chains.items():
        rows = np.zeros((24, len(ROW)))
        rows[:, ROW.index("gyro")] = 0.0 if not gyro or (silent and site is Site.RA) else 1.0
        rows[6:20, ROW.index("rate_square")] = HOP * 300.0**2 if gyro and site is Site.LA else 0.0
        chain.hops.extend(0, rows)
    return bool(StateTracker.of("infant", Settings()).stirs(0, 24, chains))


def test_one_ankle_arouses_where_the_other_is_silent_and_not_where_it_lies_still() -> None:
    assert thrashing(silent=True)
    assert not thrashing(silent=False)
    assert not thrashing(silent=False, gyro=False)


def test_age_bends_how_sleep_begins_and_never_forbids() -> None:
    young, old = changes(10), changes(300)
    assert young[0][1] > young[0][2]
    assert old[0][2] > old[0][1]
    assert min(p for table in (young, old) for row in table for p in row) > 0.0
    assert changes(None) == changes(150)


def following(*states: State) -> StateTracker:
    """A tracker that told these states, one every half minute from 0 on."""
    tracker = StateTracker.of("infant", Settings())
    for number, state in enumerate(states):
        tracker._follow(state, number * EPOCH_NS)
    return tracker


def test_who_may_have_woken_unseen_is_not_said_to_have_woken_hours_ago() -> None:
    morning = (State.QUIET_SLEEP, State.AWAKE, State.ACTIVE_SLEEP)
    assert following(*morning).since_waking_s(2 * EPOCH_NS) == 30.0
    for seen_next in (State.AWAKE, State.ASLEEP):
        tracker = following(*morning, State.UNKNOWN, seen_next)
        assert tracker.since_waking_s(4 * EPOCH_NS) is None
    tracker = following(*morning, State.UNKNOWN, State.AWAKE, State.ASLEEP, State.AWAKE)
    assert tracker.since_waking_s(7 * EPOCH_NS) == 30.0


def test_who_was_awake_before_an_unknown_stretch_has_still_woken_when_that_was_seen() -> None:
    tracker = following(State.ASLEEP, State.AWAKE, State.UNKNOWN, State.AWAKE)
    assert tracker.since_waking_s(3 * EPOCH_NS) == 60.0


def test_a_nap_may_have_come_and_gone_in_twenty_minutes_that_nobody_saw() -> None:
    for unseen, since_s in ((38, 30.0 * 39), (39, None), (400, None)):
        tracker = following(State.ASLEEP, State.AWAKE, *[State.UNKNOWN] * unseen, State.AWAKE)
        assert tracker.since_waking_s((unseen + 2) * EPOCH_NS) == since_s
    unseen = following(State.ASLEEP, State.AWAKE, *[State.UNKNOWN] * 60)
    assert unseen.since_waking_s(62 * EPOCH_NS) is None
    slept = following(State.ASLEEP, State.AWAKE, *[State.UNKNOWN] * 60, State.ASLEEP, State.AWAKE)
    assert slept.since_waking_s(64 * EPOCH_NS) == 30.0
