"""Hiccups and startles: small kin of what matters, told by their own names where they can be told apart."""

from __future__ import annotations

import pytest

from dsp.pipeline import Pipeline
from dsp.records import Event, EventStatus, Label, Site
from firmware_sim.night import make_night
from firmware_sim.scenario import Background, Phase, Placed, Scenario, State

HICCUPS = Scenario(
    "hiccups", 330.0, 100, (Phase(State.AWAKE, 6),),
    (Placed("hiccups", 60.0, {"duration_s": 200.0}),), Background.none(),
)  # fmt: skip


def rows(scenario: Scenario, seed: int, sites: tuple[Site, ...] = (Site.LA, Site.RA, Site.TR)) -> list[Event]:
    night = make_night(scenario, seed=seed)
    pipeline = Pipeline("infant", sites)
    out = pipeline.feed_block(s for s in night.segments(6000) if s.site in sites)
    return [e for e in out + pipeline.finish() if isinstance(e, Event)]


@pytest.mark.parametrize("seed", [2000, 2001, 2002, 2003])
def test_a_bout_of_hiccups_is_one_event_with_count_and_intervals(seed: int) -> None:
    truth = make_night(HICCUPS, seed=seed).truth.of(Label.HICCUPS)[0]
    events = rows(HICCUPS, seed)
    life = [e for e in events if e.label is Label.HICCUPS]
    assert len({e.id for e in life}) == 1
    assert life[-1].status is EventStatus.END
    assert life[-1].count == pytest.approx(truth.count, rel=0.25)
    assert life[-1].interval_mean_s == pytest.approx(life[-1].duration_s / (life[-1].count - 1), rel=0.05)
    assert {"hiccups", "uneven_intervals", "leg_to_trunk"} <= {e.name for e in life[-1].evidence}


@pytest.mark.parametrize("seed", [2000, 2001, 2002, 2003])
def test_its_members_are_neither_single_movements_nor_a_series(seed: int) -> None:
    labels = {e.label for e in rows(HICCUPS, seed)}
    assert not labels & {Label.SPASM_LIKE, Label.SPASM_LIKE_CLUSTER, Label.STARTLE}


def test_without_a_leg_sensor_nothing_is_called_hiccups() -> None:
    assert not [e for e in rows(HICCUPS, 2000, (Site.TR,)) if e.label is Label.HICCUPS]


def test_lone_startles_are_told_as_startles_or_as_single_movements_but_never_as_a_series() -> None:
    placed = tuple(Placed("startle", 50.0 + 90.0 * i) for i in range(6))
    scenario = Scenario("startles", 600.0, 60, (Phase(State.QUIET_SLEEP, 10),), placed, Background.none())
    told = [e for seed in (2000, 2001) for e in rows(scenario, seed)]
    last = {(e.id, e.onset_ns): e for e in told}.values()
    startles = [e for e in last if e.label is Label.STARTLE]
    assert len(startles) >= 4
    assert all(e.status is EventStatus.END and e.side == "both" for e in startles)
    assert {e.label for e in last} <= {Label.STARTLE, Label.SPASM_LIKE, Label.MOVEMENT}


def test_a_series_takes_a_member_back_that_was_first_told_as_a_startle() -> None:
    series = {"count": 10, "gap_s": 9.0, "subtle": False, "busy": 0.0}
    phases = (Phase(State.AWAKE, 4),)
    taken = []
    for seed in range(2000, 2012):
        scenario = Scenario(
            "series", 200.0, 150, phases, (Placed("spasm_cluster", 40.0, series),), Background.none()
        )
        events = rows(scenario, seed)
        taken += [e for e in events if e.relabelled_from is Label.STARTLE]
        members = [e for e in events if e.label is Label.STARTLE and e.parent is not None]
        assert members == []
    assert all(e.label is Label.SPASM_LIKE and e.parent for e in taken)
    assert taken


def test_snapshots_and_small_blocks_change_nothing() -> None:
    segments = make_night(HICCUPS, seed=2000).segments(520)
    whole = Pipeline("infant", (Site.LA, Site.RA, Site.TR))
    expected = whole.feed_block(segments) + whole.finish()
    pipeline = Pipeline("infant", (Site.LA, Site.RA, Site.TR))
    out = []
    for i, segment in enumerate(segments):
        out += pipeline.feed(segment)
        if i % 40 == 7:
            pipeline = Pipeline.restore(pipeline.snapshot())
    assert repr(out + pipeline.finish()) == repr(expected)
    assert any(isinstance(e, Event) and e.label is Label.HICCUPS for e in expected)
