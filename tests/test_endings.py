from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.records import Label, State
from firmware_sim.draw import Draw
from firmware_sim.endings import ended_by_arousals, until
from firmware_sim.generators import make_movement
from firmware_sim.movement import Movement, draw_infant
from firmware_sim.sleep import Bout
from firmware_sim.steps import Channel

WITHIN_S = 2.0
"""A jerk train ends within about this time of an arousal (clinical reference, section 7)."""


def made(kind: str, seed: int, **options: float | str | bool) -> Movement:
    infant = draw_infant(Draw(seed, "infant"), 40)
    return make_movement(kind, Draw(seed, kind), infant, options)


def asleep_then_awake(at_s: float) -> tuple[Bout, ...]:
    return (Bout(State.QUIET_SLEEP, 0.0, at_s), Bout(State.AWAKE, at_s, at_s + 600.0))


def trains(movement: Movement) -> list[tuple[float, float]]:
    return [(m.onset_s, m.end_s) for m in movement.marks if m.label is Label.SLEEP_JERK_TRAIN]


@pytest.mark.parametrize("seed", range(12))
def test_sleep_jerks_end_when_the_infant_wakes(seed):
    episode = made("sleep_jerk_train", seed, trains=6).shifted(10.0)
    (ended,) = ended_by_arousals([episode], asleep_then_awake(30.0), Draw(seed, "endings"))
    assert ended.duration_s <= 30.0 + WITHIN_S
    assert all(end <= 30.0 + WITHIN_S for _, end in trains(ended))
    assert [row for row in trains(episode) if row[1] < 30.0] == [
        row for row in trains(ended) if row[1] < 30.0
    ]


@pytest.mark.parametrize("seed", range(12))
def test_sleep_jerks_end_when_an_arousal_begins(seed):
    episode, arousal = made("sleep_jerk_train", seed, trains=6), made("arousal", seed).shifted(12.0)
    asleep = (Bout(State.QUIET_SLEEP, 0.0, 3600.0),)
    jerks, thrash = ended_by_arousals([episode, arousal], asleep, Draw(seed, "endings"))
    onset = arousal.marks[0].onset_s
    assert all(end <= onset + WITHIN_S for _, end in trains(jerks))
    assert thrash is arousal


def test_clonic_jerking_goes_on_through_an_arousal():
    run, arousal = made("clonic", 3, duration_s=60.0), made("arousal", 3).shifted(20.0)
    assert ended_by_arousals([run, arousal], asleep_then_awake(40.0), Draw(3, "endings"))[0] is run


def test_jerks_that_nothing_disturbs_end_by_themselves():
    episode = made("sleep_jerk_train", 5)
    asleep = (Bout(State.QUIET_SLEEP, 0.0, 7200.0),)
    assert ended_by_arousals([episode], asleep, Draw(5, "endings")) == [episode]


def test_the_cradle_goes_on_when_the_jerks_on_it_end():
    episode = made("sleep_jerk_train", 7, trains=3, rocked=True)
    stop = trains(episode)[0][1] + 0.5
    ended = until(episode, stop)
    assert [m for m in ended.marks if m.conveyed] == [m for m in episode.marks if m.conveyed]
    assert len(trains(ended)) == 1
    limbs = ended.steps.channel >= Channel.L_HIP_FLEX
    assert np.max((ended.steps.start_s + ended.steps.span_s)[limbs]) <= stop + 0.5


@settings(max_examples=25)
@given(seed=st.integers(0, 200), share=st.floats(0.0, 1.0))
def test_a_stopped_movement_leaves_the_body_where_it_would_have_been(seed, share):
    episode = made("sleep_jerk_train", seed, trains=2)
    ended = until(episode, share * episode.duration_s)
    for channel in Channel:
        whole, cut = (m.steps.delta[m.steps.channel == channel].sum() for m in (episode, ended))
        assert cut == pytest.approx(whole, abs=1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 200), share=st.floats(0.0, 1.0))
def test_no_train_is_left_with_fewer_than_three_jerks(seed, share):
    ended = until(made("sleep_jerk_train", seed, trains=3), share * 40.0)
    assert all(mark.count >= 3 and mark.end_s > mark.onset_s for mark in ended.marks)
