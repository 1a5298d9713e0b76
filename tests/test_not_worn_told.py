"""A sensor that nobody wears and that goes on sending hides nothing of what the others see."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from dsp.chain import EPOCH_HOPS, ROW, Chain
from dsp.core import Core
from dsp.records import NS, Context, ContextKind, Event, Label, Site, State
from dsp.settings import Settings
from firmware_sim.life import Background
from firmware_sim.night import make_night
from firmware_sim.scenario import Phase, Placed, Scenario
from firmware_sim.wearing import Worn
from tests.told_nights import Lived, in_blocks, live_through, touching

MINUTES = 40
OFF_S = 300.0
KNOWN_S = 600.0
"""By then a trunk that does not breathe is known to be none."""
PLACED = (
    Placed("spasm_cluster", 1080.0, {"count": 12, "gap_s": 10.0, "subtle": False, "busy": 0.0}),
    Placed("clonic", 1500.0, {"duration_s": 60.0}),
    Placed("stiffening", 1800.0, {"duration_s": 20.0}),
    Placed("carrying", 2100.0, {"duration_s": 120.0}),
)
SEED = 2406
LEGS = (Site.LA, Site.RA)


def scenario(*off: Worn) -> Scenario:
    return Scenario(
        "off", MINUTES * 60.0, 150, (Phase(State.AWAKE, MINUTES),), PLACED, Background.none(), worn=off
    )


@cache
def on_a_table() -> Lived:
    """The trunk's sensor lies on the changing table while everything that is urgent happens."""
    return live_through(scenario(Worn("off", Site.TR, OFF_S, MINUTES * 60.0)), SEED)


@cache
def never_there() -> Lived:
    return live_through(replace(scenario(), sites=LEGS), SEED)


def patterns(lived: Lived) -> list[tuple[object, ...]]:
    """All that was told after the sensor was known to be off, but single movements: a hand moves that sensor."""
    return [
        (
            *(e.id, e.label, e.onset_ns, e.end_ns, e.sites, e.side, e.match, e.confidence),
            *((row.name, row.contribution) for row in e.evidence),
        )
        for e in lived.events
        if e.label is not Label.MOVEMENT and e.onset_ns > KNOWN_S * NS
    ]


def test_what_is_told_beside_a_sensor_on_a_table_is_what_the_others_tell_by_themselves() -> None:
    [off] = [c for c in on_a_table().contexts if c.kind is ContextKind.NOT_WORN and c.sites == (Site.TR,)]
    assert off.onset_ns <= (OFF_S + 60.0) * NS
    assert patterns(on_a_table()) == patterns(never_there())
    rings = [{a.pattern for a in lived.rings} for lived in (on_a_table(), never_there())]
    assert rings[0] == rings[1]
    for true_class, label in (
        ("spasm_cluster", Label.SPASM_LIKE_CLUSTER),
        ("clonic", Label.RHYTHMIC_JERKING),
        ("tonic", Label.STIFFENING),
    ):
        [true] = on_a_table().true(true_class)
        assert touching(on_a_table().of(label), true), label


def test_motion_from_outside_is_told_by_the_sensors_that_are_worn() -> None:
    [ride] = on_a_table().moved_by("carrying")
    assert on_a_table().share_told(ride) > 0.5


def test_legs_that_lie_still_for_half_an_hour_are_not_left_out_of_what_begins_then() -> None:
    still = replace(scenario(Worn("off", Site.TR, OFF_S, MINUTES * 60.0)), placed=PLACED[2:3])
    lived = live_through(still, 2404)
    doubted = {c.sites for c in lived.contexts if c.kind is ContextKind.NOT_WORN and c.onset_ns < 60 * NS}
    assert doubted == {(Site.LA,), (Site.RA,)}
    assert lived.of(Label.STIFFENING)


@pytest.mark.parametrize("moved_h", [None, 0, 60, 118, 119])
def test_a_sensor_that_is_moved_counts_as_worn_from_there_to_the_end_of_the_epoch(
    moved_h: int | None,
) -> None:
    settings = Settings()
    chain = Chain.of(Site.TR, settings)
    rows = np.zeros((EPOCH_HOPS, len(ROW)))
    if moved_h is not None:
        rows[moved_h, ROW.index("top")] = 0.5
    chain.hops.extend(0, rows)
    core = Core.of("kid", [Site.TR], age_days=150, settings=settings)
    core.wear[Site.TR].doubt = core.wear[Site.TR].shown = 1.0
    worn = [bool(core._worn(h, {Site.TR: chain})) for h in range(EPOCH_HOPS)]
    assert worn == [moved_h is not None and h >= moved_h for h in range(EPOCH_HOPS)]


def test_blocks_and_restarts_change_nothing_while_a_sensor_is_off_and_when_it_is_put_on_again() -> None:
    placed = tuple(
        replace(p, at_s=at_s) for p, at_s in zip(PLACED, (480.0, 640.0, 760.0, 840.0), strict=True)
    )
    away = Worn("off", Site.TR, 60.0, 700.0)
    night = make_night(replace(scenario(away), placed=placed, duration_s=960.0), seed=2404)
    whole = in_blocks(night, 3600.0)
    assert any(isinstance(o, Context) and o.kind is ContextKind.NOT_WORN for o in whole)
    told = {e.label for e in whole if isinstance(e, Event)}
    assert told >= {Label.SPASM_LIKE_CLUSTER, Label.RHYTHMIC_JERKING}
    assert in_blocks(night, 1.7, restored=True) == whole
    assert in_blocks(night, 41.0) == whole
