"""What is told alone: strong movements of the body, not the stirrings of an infant who lies awake."""

from __future__ import annotations

import pytest

from dsp.pipeline import Pipeline
from dsp.records import Event, Label, Site
from firmware_sim.night import make_night
from firmware_sim.scenario import Background, Phase, Placed, Scenario, State

SITES = (Site.LA, Site.RA, Site.TR)


def last(scenario: Scenario, seed: int) -> list[Event]:
    pipeline = Pipeline("infant", SITES)
    out = pipeline.feed_block(make_night(scenario, seed=seed).segments(6000)) + pipeline.finish()
    return list({e.id: e for e in out if isinstance(e, Event)}.values())


def test_stirrings_alone_are_hardly_ever_told_as_single_movements() -> None:
    stirring = Background(awake={"fidget": 2400.0}, newborn_startles=False)
    scenario = Scenario("stirring", 3600.0, 180, (Phase(State.AWAKE, 60),), (), stirring)
    assert sum(e.label is Label.SPASM_LIKE for e in last(scenario, 2000)) <= 2


@pytest.mark.parametrize("seed", [2000, 2001])
def test_jerks_awake_are_still_told_as_rhythmic_jerking(seed: int) -> None:
    placed = (
        Placed("kicking", 60.0, {"count": 10}),
        Placed("kicking", 120.0, {"count": 10}),
        Placed("fussing", 170.0),
        Placed("clonic", 200.0, {"duration_s": 30.0, "side": "both"}),
    )
    phases = (Phase(State.AWAKE, 5),)
    scenario = Scenario("awake", 260.0, 100, phases, placed, Background(newborn_startles=False))
    jerks = [e for e in last(scenario, seed) if e.label is Label.RHYTHMIC_JERKING]
    assert any(e.onset_ns < 235 * 10**9 and e.end_ns > 205 * 10**9 for e in jerks)
