"""Half an hour of bad radio: ten disconnects, a restart, a stall, and three per cent of everything lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dsp.records import NS, Label, Site, State
from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Phase, Placed, Scenario
from tests.bad_nights import INFANT, Held, Plan, hold, script_of, worn_of
from tests.ward import Lived, Ward

PLAN = Plan(seconds=1800.0, disconnects=10, restarts=1, stalls=1, loss=0.03, seed=4)
HALF_HOUR = Scenario(
    name="bad half hour",
    duration_s=PLAN.seconds,
    age_days=120,
    sites=(Site.LA, Site.TR),
    phases=(Phase(State.AWAKE, 6), Phase(State.ACTIVE_SLEEP, 10), Phase(State.AWAKE, 14)),
    placed=(
        Placed("sleep_jerk_train", 11.0 * 60, {"trains": 1, "side": "both", "arms": False, "train_s": 10.0}),
        Placed("spasm_cluster", 19.0 * 60, {"count": 10, "gap_s": 10.0, "subtle": False, "busy": 0.2}),
        Placed("kicking", 25.0 * 60, {"count": 10}),
    ),
)


@pytest.fixture(scope="module")
def stretch(tmp_path_factory: pytest.TempPathFactory) -> tuple[Night, Lived, Held]:
    path = tmp_path_factory.mktemp("stretch") / "night.sqlite"
    night = make_night(HALF_HOUR, seed=3, infant=INFANT)
    return (night, *_live(night, path))


def _live(night: Night, path: Path) -> tuple[Lived, Held]:
    worn = worn_of(night, PLAN)
    busy = [(e.onset_ns, e.end_ns) for e in night.truth.events]
    script = script_of(PLAN, list(night.sensors), busy)

    async def live() -> Lived:
        return await Ward(worn).live(path, PLAN.seconds + 30.0, script)

    lived = asyncio.run(live())
    return lived, hold(night, worn, lived, path)


def test_every_sample_that_reached_a_socks_flash_is_in_the_journal_once(
    stretch: tuple[Night, Lived, Held],
) -> None:
    _, lived, held = stretch
    assert held.packets > 20_000
    assert (held.missing, held.doubled) == (0, 0)
    assert len({boot for packets in lived.sent.values() for boot, _ in packets}) == 3


def test_coverage_accounts_for_every_second(stretch: tuple[Night, Lived, Held]) -> None:
    _, lived, held = stretch
    assert held.seconds_unaccounted == 0
    assert len({m.t_ns for m in lived.coverage[INFANT]}) * 60 * NS >= PLAN.seconds * NS


def test_settled_events_are_those_of_the_undisturbed_half_hour(stretch: tuple[Night, Lived, Held]) -> None:
    night, _, held = stretch
    assert held.apart == []
    assert held.told_apart == []
    assert held.events > 3
    assert Label.SPASM_LIKE_CLUSTER in {e.label for e in night.truth.events}


def test_the_night_was_bad(stretch: tuple[Night, Lived, Held]) -> None:
    _, lived, _ = stretch
    begun = sum(lived.states(INFANT, site).count("searching") for site in (Site.LA, Site.TR))
    assert begun >= PLAN.disconnects + PLAN.restarts + PLAN.stalls
    assert any(lived.states(INFANT, site).count("stalled") for site in (Site.LA, Site.TR))
