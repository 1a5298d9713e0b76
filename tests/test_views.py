"""What fewer sensors show: each view has weights of its own, and a visible series is found through it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from dsp.records import NS, Label, Site, State
from dsp.settings import CLEAR_MATCH, Settings
from dsp.views import VIEWS, view_name
from firmware_sim.night import Night, make_night
from firmware_sim.scenario import Phase, Placed, Scenario
from tests.told_nights import detect

SEEN: dict[str, tuple[Site, ...]] = {
    "trunk_and_legs": (Site.LA, Site.RA, Site.TR),
    "trunk": (Site.TR,),
    "legs": (Site.LA, Site.RA),
    "leg": (Site.LA,),
    "arm": (Site.RW,),
}
WAYS = [f"{name}{acc}" for name in SEEN for acc in ("", "_acc")][1:]
SEEDS = (2310, 2311, 2312)
AT_S = 240.0


@cache
def scene(seed: int) -> Night:
    """A series of well visible movements in a quiet quarter of an hour."""
    series = Placed(
        "spasm_cluster", AT_S, {"count": 10, "gap_s": 9.0, "subtle": False, "busy": 0.0, "cries": False}
    )
    quiet = Scenario("series", 840.0, 180, phases=(Phase(State.AWAKE, 14.0),), placed=(series,))
    return make_night(quiet, seed=seed, sites=(Site.LA, Site.RA, Site.TR, Site.RW))


def told_through(way: str, seed: int) -> list[float]:
    """Pattern matches of the series told where one was."""
    night, sites = scene(seed), SEEN[way.removesuffix("_acc")]
    segments = [s for s in night.segments(1024) if s.site in sites]
    if way.endswith("_acc"):
        segments = [replace(s, counts=s.counts[:, :3].copy()) for s in segments]
    told = detect(segments, sites, 180)
    (true,) = [e for e in night.truth.events if e.label is Label.SPASM_LIKE_CLUSTER]
    series = [e for e in told.final_events if e.label is Label.SPASM_LIKE_CLUSTER]
    return [e.match for e in series if e.onset_ns < true.end_ns and e.end_ns > true.onset_ns - 5 * NS]


@pytest.mark.parametrize("way", WAYS)
def test_a_visible_series_is_found_however_few_see_it(way: str) -> None:
    assert all(told_through(way, seed) for seed in SEEDS)


@pytest.mark.parametrize("way", [w for w in WAYS if len(SEEN[w.removesuffix("_acc")]) == 1])
def test_from_one_site_a_series_is_never_clear(way: str) -> None:
    assert all(match < CLEAR_MATCH for seed in SEEDS for match in told_through(way, seed))


def test_every_view_has_weights_but_the_full_one_whose_stand_apart() -> None:
    assert {v.name for v in VIEWS} == set(WAYS)
    assert all(v.tables and v.member_cost > 0.0 for v in VIEWS)
    assert Settings().spasm_views == VIEWS


def test_a_view_is_named_by_what_speaks_for_the_body() -> None:
    assert view_name((Site.LA, Site.RA, Site.TR), Site.TR, gyro=True) == "trunk_and_legs"
    assert view_name((Site.LA, Site.TR), Site.TR, gyro=False) == "trunk_and_legs_acc"
    assert view_name((Site.TR, Site.LW), Site.TR, gyro=True) == "trunk"
    assert view_name((Site.LA, Site.RA), Site.RA, gyro=True) == "legs"
    assert view_name((Site.RA,), Site.RA, gyro=False) == "leg_acc"
    assert view_name((Site.LW, Site.HD), Site.LW, gyro=True) == "arm"
