from __future__ import annotations

from collections import Counter

from dsp.records import ContextKind, State
from firmware_sim.care import cared_for
from firmware_sim.draw import Draw
from firmware_sim.life import Background, usual_background
from firmware_sim.movement import Movement, draw_infant
from firmware_sim.night import make_night
from firmware_sim.scenario import Scenario
from firmware_sim.sleep import Bout, Wake, draw_hypnogram


def cared(
    seed: int, bouts: tuple[Bout, ...], background: Background | None = None
) -> list[tuple[str, Movement]]:
    infant = draw_infant(Draw(seed, "infant"), 30)
    return cared_for(Draw(seed, "care"), infant, bouts, background or usual_background(30))


def hungry(start_s: float = 600.0, span_s: float = 2400.0) -> tuple[Bout, ...]:
    end_s = start_s + span_s
    return (
        Bout(State.QUIET_SLEEP, 0.0, start_s),
        Bout(State.AWAKE, start_s, end_s, drowsy_s=200.0, wake=Wake.FEED),
        Bout(State.ACTIVE_SLEEP, end_s, end_s + 3600.0),
    )


def test_a_hungry_infant_is_fed_while_it_is_awake():
    for seed in range(12):
        done = cared(seed, hungry())
        kinds = Counter(kind for kind, _ in done)
        assert kinds["feed"] == kinds["sucking"] == 1
        (feed,) = (row for kind, row in done if kind == "feed")
        assert feed.steps.begin_s > 600.0
        assert feed.duration_s < 3000.0


def test_what_is_done_varies_from_feed_to_feed():
    kinds = Counter(kind for seed in range(40) for kind, _ in cared(seed, hungry()))
    assert {"crying", "handling", "patting", "rocking"} <= set(kinds)
    assert kinds["crying"] < 40


def test_nobody_comes_when_the_scenario_does_not_say_why_it_is_awake():
    assert cared(1, (Bout(State.AWAKE, 0.0, 3600.0),)) == []


def test_leaving_out_a_kind_leaves_the_others_as_they_were():
    without = Background(without=frozenset({"crying"}))
    for seed in range(8):
        every = [(kind, row.steps.begin_s) for kind, row in cared(seed, hungry())]
        assert [(kind, row.steps.begin_s) for kind, row in cared(seed, hungry(), without)] == [
            (kind, at) for kind, at in every if kind != "crying"
        ]


def test_one_awakening_does_not_depend_on_another():
    bouts = draw_hypnogram(Draw(3, "hypnogram"), 30, 36_000.0)
    first = next(i for i, b in enumerate(bouts) if b.wake is Wake.FEED)
    whole, cut = cared(3, bouts), cared(3, bouts[: first + 1])
    assert [row.steps.begin_s for _, row in whole][: len(cut)] == [row.steps.begin_s for _, row in cut]


def test_feeds_are_conveyed_and_their_context_says_so():
    night = make_night(Scenario("fed", 4 * 3600.0, 10), seed=2, sites=())
    fed = [c for c in night.truth.contexts if c.true_class == "feed"]
    assert fed
    assert {c.kind for c in fed} == {ContextKind.CONVEYED}
