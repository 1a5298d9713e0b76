from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from dsp.records import NS, Label, Site
from firmware_sim.draw import Draw
from firmware_sim.equipment import draw_faults, draw_worn
from firmware_sim.generators import make_movement
from firmware_sim.life import usual_background
from firmware_sim.movement import draw_infant
from firmware_sim.night import Night, make_night
from firmware_sim.population import (
    MECHANISMS,
    POPULATIONS,
    UnknownMechanismError,
    UnknownPopulationError,
    draw_night,
)
from firmware_sim.scenario import Scenario

SEEDS = range(1000, 1300)
NO_SUCH_LABELS = {
    Label.SPASM_LIKE,
    Label.SPASM_LIKE_CLUSTER,
    Label.RHYTHMIC_JERKING,
    Label.LONG_MOVEMENT,
}


@cache
def plans(population: str) -> tuple[Scenario, ...]:
    return tuple(draw_night(seed, population=population) for seed in SEEDS)


def placed(population: str) -> Counter[str]:
    return Counter(row.kind for plan in plans(population) for row in plan.placed)


def truth_night(seed: int, **options: object) -> Night:
    return make_night(draw_night(seed, hours=3.0, **options), seed=seed, sites=())  # type: ignore[arg-type]


def test_one_seed_is_one_infant():
    for population in POPULATIONS:
        assert draw_night(7, population=population) == draw_night(7, population=population)
    assert draw_night(7) != draw_night(8)


def test_ages_reach_from_birth_to_eighteen_months():
    ages = np.array([plan.age_days for plan in plans("general")])
    assert ages.min() >= 2
    assert ages.max() <= 548
    assert 0.25 < np.mean(ages <= 90) < 0.45
    assert 0.1 < np.mean(ages > 365) < 0.3


def test_a_general_population_holds_every_pattern_that_matters():
    often = placed("general")
    wanted = {"spasm_cluster", "spasm", "sleep_jerk_train", "clonic", "stiffening", "tonic_clonic", "bmei"}
    look_alikes = {"stroller", "car", "powered_cradle", "rhythmic_movement", "shuddering", "door_slam"}
    assert wanted | look_alikes <= set(often)


def test_nights_without_clusters_hold_no_spasm_and_no_seizure_but_all_the_rest():
    often = placed("no_clusters")
    assert not {"spasm", "spasm_cluster", "bmei", "clonic", "stiffening", "tonic_clonic"} & set(often)
    assert {"stroller", "door_slam", "rhythmic_movement", "sleep_jerk_train"} <= set(often)
    for seed in (1001, 1002):
        assert not NO_SUCH_LABELS & {
            e.label for e in truth_night(seed, population="no_clusters").truth.events
        }


def test_each_pattern_keeps_to_its_age():
    for plan in plans("general"):
        kinds = {row.kind for row in plan.placed}
        assert plan.age_days >= 28 or not {"spasm", "spasm_cluster"} & kinds
        assert plan.age_days <= 305 or "sleep_jerk_train" not in kinds
        assert plan.age_days >= 180 or "rhythmic_movement" not in kinds
        assert plan.age_days >= 120 or "shuddering" not in kinds


def test_spasms_of_one_infant_are_led_by_the_same_side():
    for plan in plans("general"):
        manners = {
            (row.options.get("leader"), row.options.get("subtle"))
            for row in plan.placed
            if row.kind in ("spasm", "spasm_cluster")
        }
        assert len(manners) <= 1


def test_a_shifted_population_lies_beyond_the_general_one():
    assert all(plan.traits == {} for plan in plans("general"))
    sizes = np.array([plan.traits["vigour"] for plan in plans("shifted")])
    paces = np.array([plan.traits["slowness"] for plan in plans("shifted")])
    assert np.all((sizes < 0.76) | (sizes > 1.39))
    assert np.all((paces < 0.89) | (paces > 1.14))
    assert {plan.chip.acc_range_g for plan in plans("shifted")} == {16.0}
    worn = [np.mean([len(plan.worn) > 0 for plan in plans(p)]) for p in ("general", "shifted")]
    assert worn[1] > 1.5 * worn[0]


def test_a_vigorous_slow_infant_moves_further_and_longer():
    usual = draw_infant(Draw(1, "infant"), 200)
    by_name = {name: getattr(usual, name) for name in usual.__slots__}
    other = type(usual)(**{**by_name, "vigour": 0.5, "slowness": 1.2})
    small, plain = (make_movement("kicking", Draw(2, "kicks"), who, {"count": 4}) for who in (other, usual))
    assert np.allclose(small.steps.delta, 0.5 * plain.steps.delta)
    assert small.duration_s == pytest.approx(1.2 * plain.duration_s)
    assert small.marks[0].end_s == pytest.approx(1.2 * plain.marks[0].end_s)


IS_IT = {
    "two_legged_kicks": lambda e: e.true_class.endswith("_synchronous"),
    "startle": lambda e: e.label is Label.STARTLE,
    "hiccups": lambda e: e.label is Label.HICCUPS,
    "sucking": lambda e: e.true_class.startswith("sucking"),
    "crying": lambda e: e.true_class == "crying",
    "lifted_legs": lambda e: e.true_class.startswith(("lifting", "thumping")),
    "spasm_cluster": lambda e: e.label is Label.SPASM_LIKE_CLUSTER,
}


def test_what_is_left_out_does_not_happen():
    without = frozenset({*IS_IT, "door_slam", "bmei", "bouncing_chair"})
    there: Counter[str] = Counter()
    for seed in (1003, 1006, 1008):
        whole, less = truth_night(seed).truth.events, truth_night(seed, without=without).truth.events
        there.update(name for name, is_it in IS_IT.items() if any(map(is_it, whole)))
        assert not [name for name, is_it in IS_IT.items() if any(map(is_it, less))]
    assert set(there) == set(IS_IT)


def test_leaving_one_thing_out_leaves_the_scenario_as_it_was_otherwise():
    for seed in range(1000, 1040):
        whole, less = draw_night(seed), draw_night(seed, without=frozenset({"stroller", "loose"}))
        assert less.age_days == whole.age_days
        assert less.placed == tuple(row for row in whole.placed if row.kind != "stroller")
        assert less.worn == tuple(row for row in whole.worn if row.kind != "loose")
        assert (less.chip, less.faults, less.traits) == (whole.chip, whole.faults, whole.traits)


def test_every_mechanism_can_be_left_out():
    for mechanism in MECHANISMS:
        assert draw_night(3, hours=1.0, without=frozenset({mechanism})).duration_s == 3600.0


def test_unknown_words_are_refused_with_the_known_ones():
    with pytest.raises(UnknownPopulationError, match=r"'everyone'.*general, no_clusters, shifted"):
        draw_night(1, population="everyone")
    with pytest.raises(UnknownMechanismError, match=r"'gravity'.*two_legged_kicks"):
        draw_night(1, without=frozenset({"gravity"}))


def test_most_sensors_sit_firmly_and_few_chips_restart():
    worn = [draw_worn(Draw(seed, "worn"), 36_000.0) for seed in range(1000)]
    assert 0.5 < np.mean([len(rows) == 0 for rows in worn]) < 0.75
    assert {row.kind for rows in worn for row in rows} == {"loose", "slips", "off", "swapped"}
    restarts = np.mean([len(draw_faults(Draw(seed, "faults"), 36_000.0)) for seed in range(1000)])
    assert 0.04 < restarts < 0.10


def test_a_night_tells_when_a_chip_restarted_and_a_sensor_was_off():
    plan = next(p for p in plans("general") if p.faults)
    night = make_night(plan, seed=1, sites=(plan.faults[0].site,))
    (gap,) = (row for row in night.truth.unseen if row.cause == "restart")
    assert gap.onset_ns / NS == pytest.approx(plan.faults[0].at_s, abs=0.1)
    assert 0.2 < (gap.end_ns - gap.onset_ns) / NS < 2.0
    plan = next(p for p in plans("shifted") if any(row.kind == "off" for row in p.worn))
    off = next(row for row in plan.worn if row.kind == "off")
    told = [row for row in make_night(plan, seed=1, sites=()).truth.unseen if row.cause == "off"]
    assert told == []
    with_sensor = make_night(plan.lasting(off.from_s + 60.0), seed=1, sites=(off.site,))
    assert any(row.cause == "off" and row.site is Site(off.site) for row in with_sensor.truth.unseen)


def test_what_happens_by_itself_follows_the_age():
    newborn, half_year, toddler = (usual_background(age) for age in (5, 150, 500))
    assert newborn.awake["jitteriness"] > 0.0
    assert "jitteriness" not in half_year.awake
    assert "spindle_twitches" in half_year.quiet_sleep
    assert "spindle_twitches" not in newborn.quiet_sleep
    assert (
        newborn.active_sleep["startle"] > half_year.active_sleep["startle"] > toddler.active_sleep["startle"]
    )
    assert newborn.active_sleep["twitches"] > toddler.active_sleep["twitches"]
