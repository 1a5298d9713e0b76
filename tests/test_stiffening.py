"""Stiffening on simulated infants: held postures under tension, and those that are merely kept."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any

import pytest

from dsp.classify import Verdict
from dsp.pipeline import Pipeline
from dsp.records import NS, Event, EventStatus, Label, Site, Tick
from dsp.settings import Settings
from dsp.stiffening import StiffeningTracker
from firmware_sim.night import make_night
from firmware_sim.scenario import Background, Phase, Placed, Scenario, State

ALL = (Site.LA, Site.RA, Site.TR)


def minutes(*placed: Placed, state: State = State.AWAKE, background: Background | None = None) -> Scenario:
    quiet = background or Background.none()
    end = max((p.at_s or 0.0) + float(p.options.get("duration_s", 0.0)) for p in placed) + 50.0
    return Scenario("held", end, 100, (Phase(state, 60),), placed, quiet)


@lru_cache(maxsize=16)
def told(scenario_seed: tuple[float, int], sites: tuple[Site, ...] = ALL) -> tuple[Event, ...]:
    """Events of one stiffening of so many seconds that begins at 40 s."""
    length, seed = scenario_seed
    return rows(minutes(Placed("stiffening", 40.0, {"duration_s": length})), seed, sites)


def rows(scenario: Scenario, seed: int, sites: tuple[Site, ...] = ALL) -> tuple[Event, ...]:
    night = make_night(scenario, seed=seed)
    pipeline = Pipeline("infant", sites)
    out = pipeline.feed_block(s for s in night.segments(6000) if s.site in sites)
    return tuple(e for e in out + pipeline.finish() if isinstance(e, Event))


def of(events: tuple[Event, ...], label: Label) -> list[Event]:
    return [e for e in events if e.label is label]


@pytest.mark.parametrize("seed", [2000, 2001, 2002, 2003])
def test_a_held_stiff_posture_is_told_early_again_at_ten_seconds_and_at_its_end(seed: int) -> None:
    life = of(told((25.0, seed)), Label.STIFFENING)
    assert [e.version for e in life] == list(range(1, len(life) + 1))
    assert life[0].status is EventStatus.NEW
    assert life[0].told_ns < 60 * NS
    assert any(e.duration_s >= 10.0 and e.told_ns <= 62 * NS for e in life)
    assert life[-1].status is EventStatus.END
    assert life[-1].duration_s == pytest.approx(25.0, abs=4.0)
    assert life[-1].match > life[0].match or life[0].match > 0.9


@pytest.mark.parametrize("site", ALL)
@pytest.mark.parametrize("at_s", [40.5, 42.0, 45.0, 52.0, 58.0])
def test_one_packet_that_a_site_lost_hides_no_stiffening_and_ends_none(site: Site, at_s: float) -> None:
    night = make_night(minutes(Placed("stiffening", 40.0, {"duration_s": 25.0})), seed=2000)
    lost_ns = round(at_s * NS)
    segments = [s for s in night.segments(16) if s.site is not site or not s.t0_ns <= lost_ns < s.end_ns]
    rows = []
    for size in (1, 10**6):
        pipeline, out = Pipeline("infant", ALL), []
        for first in range(0, len(segments), size * 100):
            out += pipeline.feed_block(segments[first : first + size * 100])
        rows.append([e for e in out + pipeline.finish() if isinstance(e, Event)])
    assert rows[0] == rows[1]
    life = of(tuple(rows[0]), Label.STIFFENING)
    assert len({e.id for e in life}) == 1
    assert life[-1].duration_s == pytest.approx(25.0, abs=4.0)


def test_its_evidence_names_tension_tremor_and_turning() -> None:
    last = of(told((25.0, 2000)), Label.STIFFENING)[-1]
    names = {e.name: e for e in last.evidence}
    assert names["trunk_tension"].contribution > 0.5
    assert names["tremor_hz"].value > 7.0
    assert {"legs_tension", "trunk_turned_deg", "first_move_g", "held_s"} <= set(names)


@pytest.mark.parametrize("seed", [1990, 1991, 1992])
def test_stiffening_is_taken_up_within_seconds_and_turns_nobody_over(seed: int) -> None:
    looks = {e.name: e for e in of(told((25.0, seed)), Label.STIFFENING)[-1].evidence}
    assert looks["take_up_s"].value < 3.0
    assert looks["trunk_turned_deg"].value < 50.0


def test_who_took_five_seconds_to_lie_another_way_or_turned_over_needs_far_more_to_be_called_stiff() -> None:
    tables = {t.name: t for t in Settings().stiff_tables}
    assert tables["take_up_s"].at(5.0) < tables["take_up_s"].at(2.0) - 2.0
    assert tables["trunk_turned_deg"].at(90.0) < tables["trunk_turned_deg"].at(25.0) - 2.0


def test_a_minute_of_it_is_a_long_movement_told_every_minute_and_parent_of_it() -> None:
    events = told((200.0, 2001))
    life = of(events, Label.LONG_MOVEMENT)
    assert [e.status for e in life] == [
        EventStatus.NEW, EventStatus.UPDATE, EventStatus.UPDATE, EventStatus.END, EventStatus.END,
    ]  # fmt: skip
    assert life[-1].state_after is not State.UNKNOWN
    assert [e.duration_s // 60 for e in life] == [1.0, 2.0, 3.0, 3.0, 3.0]
    assert of(events, Label.STIFFENING)[-1].parent == life[0].id


@pytest.mark.parametrize("state", [State.AWAKE, State.QUIET_SLEEP])
def test_stiffening_followed_by_jerks_is_one_long_movement_also_in_sleep(state: State) -> None:
    parts = (
        Placed("stiffening", 240.0, {"duration_s": 40.0}),
        Placed("clonic", 281.0, {"duration_s": 45.0, "side": "both"}),
    )
    events = rows(minutes(*parts, state=state), 2002)
    life = of(events, Label.LONG_MOVEMENT)
    last = {e.id: e for e in events}
    children = [e for e in last.values() if e.parent == life[0].id]
    assert {e.label for e in children} == {Label.STIFFENING, Label.RHYTHMIC_JERKING}
    assert last[life[0].id].duration_s > 75.0
    assert all(e.status is EventStatus.END for e in (*children, last[life[0].id]))
    assert {"stiffening_s", "jerking_s"} <= {e.name for e in life[-1].evidence}


@pytest.mark.parametrize("seed", [2004, 2005])
def test_postures_that_are_merely_taken_up_and_stretches_are_no_long_stiffening(seed: int) -> None:
    busy = Background(
        awake={"posture_change": 60.0, "stretch": 30.0, "fidget": 1200.0}, newborn_startles=False
    )
    events = rows(minutes(Placed("kicking", 850.0, {"count": 2}), background=busy), seed)
    assert [e for e in of(events, Label.STIFFENING) if e.duration_s >= 10.0] == []
    assert of(events, Label.LONG_MOVEMENT) == []


def test_what_moves_no_more_than_at_rest_has_no_rate_of_trembling(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[dict[str, float]] = []
    judged = StiffeningTracker._judged

    def judging(self: StiffeningTracker, *what: Any) -> Verdict:
        verdict = judged(self, *what)
        looks.append({e.name: e.value for e in verdict.evidence})
        return verdict

    monkeypatch.setattr(StiffeningTracker, "_judged", judging)
    still = Background(awake={"posture_change": 60.0}, newborn_startles=False)
    rows(minutes(Placed("kicking", 850.0, {"count": 2}), background=still), 1990)
    calm = [look for look in looks if max(look["trunk_tension"], look["legs_tension"]) < 0.1]
    assert len(calm) > 20
    assert sum("tremor_hz" in look for look in calm) < 0.1 * len(calm)
    looks.clear()
    rows(minutes(Placed("stiffening", 40.0, {"duration_s": 25.0})), 1990)
    tense = [look for look in looks if look["legs_tension"] > 1.0]
    assert len(tense) > 5
    assert all("tremor_hz" in look for look in tense)


def test_a_still_infant_is_not_stiff() -> None:
    scenario = Scenario("still", 300.0, 100, (Phase(State.QUIET_SLEEP, 5),), (), Background.none())
    assert of(rows(scenario, 2006), Label.STIFFENING) == []


def test_one_sensor_alone_never_sees_it_clearly() -> None:
    for seed in (2000, 2001, 2002):
        assert all(e.match < 0.8 for e in of(told((25.0, seed), (Site.LA,)), Label.STIFFENING))


def test_while_nothing_is_seen_the_state_that_is_kept_every_minute_does_not_grow() -> None:
    """What is told of sleep is remembered for two hours: the hour that is measured comes after them."""
    pipeline = Pipeline("infant", ALL)
    pipeline.feed_block(
        make_night(minutes(Placed("stiffening", 40.0, {"duration_s": 5.0})), seed=2000).segments(6000)
    )
    sizes = []
    for hours in (3, 4):
        pipeline.feed(Tick(hours * 3600 * NS))
        sizes.append(len(zlib.decompress(pipeline.snapshot())))
    assert sizes[1] - sizes[0] < 1000
