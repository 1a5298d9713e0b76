"""The sleep state during and after an event is that of the epochs that hold it and follow it, once they are known."""

from __future__ import annotations

from itertools import pairwise

import pytest

from dsp.chain import EPOCH_HOPS
from dsp.context import ContextTracker
from dsp.events import Draft, tell
from dsp.records import NS, Event, EventStatus, Label, State, StateEpoch
from dsp.scene import Scene
from dsp.settings import Settings
from dsp.state import StateTracker
from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Phase, Placed, Scenario
from tests.told_nights import in_blocks

SETTINGS = Settings()
EPOCH_NS = 30 * NS


def scene(*states: State) -> Scene:
    state = StateTracker.of("kid", SETTINGS, 150)
    state.told = [(i * EPOCH_NS, s) for i, s in enumerate(states)]
    return Scene("kid", state, ContextTracker.of("kid", SETTINGS))


def train(onset_s: float, end_s: float) -> Draft:
    before = State.ACTIVE_SLEEP
    return Draft(
        "t",
        Label.SLEEP_JERK_TRAIN,
        round(onset_s * NS),
        round(end_s * NS),
        [],
        "both",
        before,
        before,
        None,
        0.9,
        0.9,
    )


def test_a_train_that_ended_by_waking_is_ended_once_more_when_that_is_known() -> None:
    now, draft = scene(State.ACTIVE_SLEEP), train(35.0, 58.0)
    now.end(draft)
    first = tell(draft, EventStatus.END, 250, infant="kid", settings="s")
    assert first.state_after is State.ACTIVE_SLEEP
    told = []
    for epochs, state in ((2, State.ACTIVE_SLEEP), (3, State.AWAKE), (4, State.AWAKE), (5, State.AWAKE)):
        now.state.told.append(((epochs - 1) * EPOCH_NS, state))
        told.append(now.afterwards(epochs * EPOCH_HOPS - 1, [], "s"))
    [again] = told[1]
    assert told[0] == told[2] == told[3] == []
    assert (again.id, again.version, again.status) == (first.id, 2, EventStatus.END)
    assert (again.state_during, again.state_after) == (State.ACTIVE_SLEEP, State.AWAKE)
    assert not now.over


def test_what_was_said_rightly_is_said_once_more_so_that_what_is_decided_again_finds_it() -> None:
    now, draft = scene(State.ACTIVE_SLEEP, State.ACTIVE_SLEEP), train(10.0, 20.0)
    now.end(draft)
    [again] = now.afterwards(2 * EPOCH_HOPS - 1, [draft], "s")
    assert (again.state_during, again.state_after) == (State.ACTIVE_SLEEP, State.ACTIVE_SLEEP)
    assert now.afterwards(3 * EPOCH_HOPS - 1, [draft], "s") == []


def test_of_an_event_so_long_that_its_middle_is_forgotten_the_state_during_it_stays() -> None:
    now, draft = scene(State.AWAKE), train(0.0, 5 * 3600.0)
    now.state.told = [(4 * 3600 * NS + i * EPOCH_NS, State.AWAKE) for i in range(240)]
    now.end(draft)
    [again] = now.afterwards(round(5.1 * 3600 * 4), [], "s")
    assert (again.state_during, again.state_after) == (State.ACTIVE_SLEEP, State.AWAKE)


@pytest.fixture(scope="module")
def waking() -> Night:
    """Trains of sleep and a convulsion, and then the infant wakes."""
    phases = (Phase(State.ACTIVE_SLEEP, 12.0), Phase(State.AWAKE, 8.0))
    placed = (
        Placed("sleep_jerk_train", 400.0, {"trains": 3, "side": "both", "arms": False, "train_s": 12.0}),
        Placed("clonic", 650.0, {"duration_s": 45.0}),
    )
    return make_night(Scenario("waking", 1200.0, 60, phases, placed), seed=2502)


def test_states_around_every_event_are_those_of_the_epochs_told(waking: Night) -> None:
    out = in_blocks(waking, 5.0)
    epochs = {e.t_ns: e.state for e in out if isinstance(e, StateEpoch)}

    def state(t_ns: int) -> State:
        return epochs[t_ns // EPOCH_NS * EPOCH_NS]

    last = {e.id: e for e in out if isinstance(e, Event)}
    jerks = [
        e
        for e in last.values()
        if e.label in (Label.SLEEP_JERK_TRAIN, Label.RHYTHMIC_JERKING, Label.LONG_MOVEMENT)
    ]
    assert len(jerks) > 2
    for event in jerks:
        assert event.state_during is state((event.onset_ns + event.end_ns) // 2)
        assert event.state_after is state(event.end_ns + 30 * NS)
    assert State.AWAKE in {e.state_after for e in jerks}
    for rows in ([e for e in out if isinstance(e, Event) and e.id == name] for name in last):
        assert all(b.version == a.version + 1 for a, b in pairwise(rows))


def test_blocks_and_restarts_change_nothing_of_it(waking: Night) -> None:
    assert in_blocks(waking, 1.3, restored=True) == in_blocks(waking, 600.0)
