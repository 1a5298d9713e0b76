"""Motion from outside: how much of what sites do is one body's, passed on."""

from __future__ import annotations

import numpy as np
import pytest

from dsp.chain import Chain
from dsp.context import BEGUN_BEFORE_NS, ContextTracker, coupled_of
from dsp.records import NS, Site, State
from dsp.settings import Settings
from firmware_sim.night import make_night
from firmware_sim.scenario import Background, Phase, Placed, Scenario

SITES = (Site.LA, Site.RA, Site.TR)
ANKLES = (Site.LA, Site.RA)
LEAST_G = Settings().coupled_least_g
SPAN = 12
HOPS = 230


def chains(*placed: Placed, seed: int, sites: tuple[Site, ...] = SITES) -> dict[Site, Chain]:
    """A minute of quiet sleep in which nothing but what is placed happens."""
    plan = Scenario(
        name="one",
        duration_s=60.0,
        age_days=120,
        phases=(Phase(State.QUIET_SLEEP, 1.0),),
        placed=placed,
        background=Background(newborn_startles=False),
        sites=sites,
    )
    found = {}
    for site, track in make_night(plan, seed=seed).sensors.items():
        chain = Chain.of(site, Settings())
        for segment in track.segments(1024):
            chain.grid.add(segment)
        chain.grid.begin(0)
        chain.advance(0, HOPS)
        found[site] = chain
    return found


def looks(found: dict[Site, Chain]) -> list[float]:
    return [coupled_of(found, h - SPAN, h, LEAST_G) for h in range(60, HOPS, 6)]


def middle(kind: str, seed: int, sites: tuple[Site, ...] = SITES) -> float:
    """The middle of the looks at which all sites moved."""
    options = {} if kind in ("kicking", "clonic", "crying") else {"duration_s": 52.0}
    moved = [v for v in looks(chains(Placed(kind, 4.0, options), seed=seed, sites=sites)) if v > 0.0]
    return float(np.median(moved)) if moved else 0.0


@pytest.mark.parametrize("kind", ["car", "stroller", "carrying"])
def test_what_moves_the_whole_infant_is_one_bodys_motion(kind: str) -> None:
    assert min(middle(kind, seed) for seed in (2001, 2002)) > 0.8


@pytest.mark.parametrize("kind", ["kicking", "clonic", "crying"])
def test_what_the_infant_does_itself_is_not(kind: str) -> None:
    assert max(middle(kind, seed) for seed in (2001, 2002)) < 0.6


def test_rest_is_nobodys_motion() -> None:
    assert max(looks(chains(seed=2001))) == 0.0


def test_two_ankles_are_enough_to_see_it_and_one_is_not() -> None:
    assert middle("car", 2001, ANKLES) > 0.8
    alone = {Site.LA: chains(Placed("car", 4.0, {"duration_s": 52.0}), seed=2001)[Site.LA]}
    assert max(looks(alone)) == 0.0


def test_clocks_twenty_milliseconds_apart_change_little() -> None:
    found = chains(Placed("car", 4.0, {"duration_s": 52.0}), seed=2001)
    before = float(np.median(looks(found)))
    found[Site.TR].history.motion = np.roll(found[Site.TR].history.motion, 2, axis=1)
    after = float(np.median(looks(found)))
    assert after == pytest.approx(before, abs=0.05)


def test_a_site_whose_samples_are_missing_is_left_out() -> None:
    found = chains(Placed("car", 4.0, {"duration_s": 52.0}), seed=2001)
    whole = coupled_of(found, 150, 162, LEAST_G)
    found[Site.RA].hops.rows[:, 1] = 0.0
    assert coupled_of(found, 150, 162, LEAST_G) > 0.8
    assert whole > 0.8


def test_jerks_are_not_explained_by_what_shakes_the_sensors_only_since_they_began() -> None:
    tracker = ContextTracker.of("infant", Settings())
    tracker.spans = [(100 * NS, 140 * NS)]
    assert tracker.share(100 * NS, 140 * NS) == 1.0
    assert tracker.share(80 * NS, 120 * NS) == 0.5
    assert tracker.share(100 * NS, 140 * NS, before_ns=BEGUN_BEFORE_NS) == 0.0
    assert tracker.share(115 * NS, 135 * NS, before_ns=BEGUN_BEFORE_NS) == 1.0
