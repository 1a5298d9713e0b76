"""What an event lists as its evidence is what decided it: rows of one question add up to the figure it hangs on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from dsp.classify import match_of
from dsp.pipeline import Pipeline
from dsp.records import BIAS, Event, EventStatus, Label, State
from dsp.settings import Settings
from firmware_sim.life import Background
from firmware_sim.night import make_night
from firmware_sim.scenario import Phase, Placed, Scenario

SETTINGS = Settings()
SCENE = Scenario(
    "evidence",
    1500.0,
    150,
    (Phase(State.QUIET_SLEEP, 10), Phase(State.AWAKE, 15)),
    (
        Placed("sleep_jerk_train", 180.0, {"trains": 2, "side": "both", "train_s": 12.0, "rate_hz": 2.5}),
        Placed("spasm_cluster", 720.0, {"count": 12, "gap_s": 10.0, "subtle": False, "busy": 0.0}),
        Placed("clonic", 1000.0, {"duration_s": 60.0, "side": "both"}),
        Placed("stiffening", 1250.0, {"duration_s": 20.0}),
    ),
    Background.none(),
)
Sums = dict[str, float]


@cache
def told() -> tuple[Event, ...]:
    out: list[Event] = []
    for seed in (2000, 2001):
        night = make_night(SCENE, seed=seed)
        pipeline = Pipeline(f"infant-{seed}", tuple(night.sensors), age_days=SCENE.age_days)
        rows = pipeline.feed_block(night.segments(6000)) + pipeline.finish()
        out += [row for row in rows if isinstance(row, Event)]
    return tuple(out)


def begun(label: Label) -> list[Event]:
    """Rows that gave events their label."""
    given = (EventStatus.NEW, EventStatus.RELABEL)
    rows = [e for e in told() if e.label is label and e.status in given]
    assert rows, label
    return rows


def sums(event: Event) -> Sums:
    found: Sums = {}
    for row in event.evidence:
        about = row.name.rpartition(".")[0]
        found[about] = found.get(about, 0.0) + row.contribution
    return found


@pytest.mark.parametrize(
    ("label", "match"),
    [
        (Label.SPASM_LIKE, lambda x: match_of(x, SETTINGS.single_least, SETTINGS.single_clear, SETTINGS)),
        (
            Label.SPASM_LIKE_CLUSTER,
            lambda x: match_of(x, SETTINGS.cluster_weak, SETTINGS.cluster_clear, SETTINGS),
        ),
        (Label.STIFFENING, lambda x: match_of(x, SETTINGS.stiff_weak, SETTINGS.stiff_clear, SETTINGS)),
    ],
)
def test_what_stands_before_no_name_adds_up_to_the_match(
    label: Label, match: Callable[[float], float]
) -> None:
    for event in begun(label):
        assert event.match == pytest.approx(match(sums(event)[""]), abs=1e-9)


def test_a_series_adds_up_from_its_members() -> None:
    for event in begun(Label.SPASM_LIKE_CLUSTER):
        own = {row.name: row for row in event.evidence}
        n = own["members"].value
        again = SETTINGS.common_cost * (n - SETTINGS.common_from)
        assert own["members"].contribution == pytest.approx(n * sums(event)["member"] - again)
        assert {"member.bias", "alike.bias"} <= own.keys()


def test_a_train_lists_the_table_that_told_it_and_what_speaks_for_going_on_speaks_against_it() -> None:
    for event in begun(Label.SLEEP_JERK_TRAIN):
        assert sums(event).keys() == {"frame", "train", "run"}
        if event.status is EventStatus.NEW:
            assert sums(event)["train"] >= SETTINGS.train_least
    [short] = {
        row.contribution for row in begun(Label.SLEEP_JERK_TRAIN)[0].evidence if row.name == "run.unbroken_s"
    }
    assert short > 0.0


def test_rhythmic_jerking_lists_both_questions_and_passes_both() -> None:
    for event in begun(Label.RHYTHMIC_JERKING):
        assert sums(event).keys() == {"frame", "own", "run"}
        assert sums(event)["own"] > SETTINGS.own_jerking
        assert sums(event)["run"] > SETTINGS.run_jerking - SETTINGS.arousal_worth


def test_no_row_is_named_twice_and_each_question_says_what_holds_before_anything_is_measured() -> None:
    for event in told():
        names = [row.name for row in event.evidence]
        assert len(names) == len(set(names)), event
        for about in {name.rpartition(".")[0] for name in names} - {""}:
            assert f"{about}.{BIAS}" in names
