"""Rocking and trembling on simulated and constructed motion."""

from __future__ import annotations

import numpy as np
import pytest

from dsp.pipeline import Pipeline
from dsp.records import NS, Context, ContextKind, Event, EventStatus, Label, Output, Scale, Segment, Site
from firmware_sim.night import make_night
from firmware_sim.scenario import Background, Phase, Placed, Scenario, State

SITES = (Site.LA, Site.RA, Site.TR)
SCALE = Scale(8 / 32768, 500 / 32768)


def rows(*placed: Placed, seed: int) -> list[Output]:
    scenario = Scenario("sway", 240.0, 100, (Phase(State.AWAKE, 4),), placed, Background.none())
    night = make_night(scenario, seed=seed)
    pipeline = Pipeline("infant", SITES)
    return pipeline.feed_block(night.segments(6000)) + pipeline.finish()


def of(out: list[Output], label: Label) -> list[Event]:
    return [e for e in out if isinstance(e, Event) and e.label is label]


def constructed(site: Site, acc_g: np.ndarray, rate_dps: np.ndarray) -> Segment:
    """Six axes at 100 Hz: gravity along z, acceleration along x, rotation about y, a little noise."""
    noise = np.random.default_rng(list(Site).index(site)).normal(0.0, 0.6e-3, (acc_g.size, 3))
    counts = np.zeros((acc_g.size, 6), dtype=np.int16)
    counts[:, 2] = round(1.0 / SCALE.acc_g)
    counts[:, :3] += np.round(noise / SCALE.acc_g).astype(np.int16)
    counts[:, 0] += np.round(acc_g / SCALE.acc_g).astype(np.int16)
    counts[:, 4] = np.round(rate_dps / SCALE.gyro_dps)
    return Segment(site, "s", 1, 0, 0, NS // 100, counts, SCALE)


def at(seconds: float = 120.0) -> np.ndarray:
    return np.arange(round(seconds * 100)) / 100


@pytest.mark.parametrize("rate_hz", [0.6, 1.0, 1.4])
def test_rocking_by_a_caregiver_is_rocking_and_conveyed(rate_hz: float) -> None:
    found = 0
    for seed in (2000, 2001, 2002):
        out = rows(Placed("rocking", 60.0, {"duration_s": 100.0, "rate_hz": rate_hz}), seed=seed)
        life = of(out, Label.ROCKING)
        found += bool(life)
        for e in life[-1:]:
            assert e.status is EventStatus.END
            assert e.conveyed > 0.5
            assert e.count == pytest.approx(rate_hz * e.duration_s, rel=0.15)
            assert any(isinstance(o, Context) and o.kind is ContextKind.CONVEYED for o in out)
    assert found >= 2


def test_a_trunk_that_rocks_while_one_leg_sways_otherwise_is_rocking_and_not_conveyed() -> None:
    t = at()
    on = (t > 40.0) & (t < 80.0)
    trunk = np.where(on, 12.0 * np.sin(2 * np.pi * 0.8 * t), 0.0)
    leg = np.where(on, 12.0 * np.sin(2 * np.pi * 1.3 * t), 0.0)
    pipeline = Pipeline("i", [Site.LA, Site.TR])
    parts = [constructed(Site.LA, np.zeros(t.size), leg), constructed(Site.TR, np.zeros(t.size), trunk)]
    out = pipeline.feed_block(parts) + pipeline.finish()
    (last,) = {e.id: e for e in of(out, Label.ROCKING)}.values()
    assert last.conveyed == 0.0
    assert next(e.value for e in last.evidence if e.name == "rate_hz") == pytest.approx(0.8, abs=0.05)
    assert not any(isinstance(o, Context) for o in out)


def test_kicking_crying_and_jerks_are_no_rocking() -> None:
    placed = (
        Placed("crying", 30.0, {"duration_s": 40.0}),
        Placed("kicking", 90.0, {"count": 10}),
        Placed("clonic", 150.0, {"duration_s": 40.0}),
    )
    assert [e for seed in (2000, 2001) for e in of(rows(*placed, seed=seed), Label.ROCKING)] == []


@pytest.mark.parametrize("rate_hz", [5.0, 8.0, 11.0])
def test_small_fast_oscillation_without_pauses_is_trembling(rate_hz: float) -> None:
    t = at(60.0)
    shake = np.where((t > 30.0) & (t < 40.0), 0.04 * np.sin(2 * np.pi * rate_hz * t), 0.0)
    pipeline = Pipeline("i", [Site.LA])
    out = pipeline.feed(constructed(Site.LA, shake, 0.0 * t)) + pipeline.finish()
    life = of(out, Label.TREMOR)
    assert [e.status for e in life] == [EventStatus.NEW, EventStatus.END]
    assert life[0].told_ns < 36 * NS
    assert life[-1].duration_s == pytest.approx(10.0, abs=2.1)
    assert next(e.value for e in life[-1].evidence if e.name == "rate_hz") == pytest.approx(rate_hz, abs=0.3)


@pytest.mark.parametrize("kind", ["slow", "noise", "broken"])
def test_slow_irregular_or_interrupted_shaking_is_not_trembling(kind: str) -> None:
    t = at(60.0)
    shakes = {
        "slow": 0.04 * np.sin(2 * np.pi * 2.5 * t),
        "noise": np.random.default_rng(7).normal(0.0, 0.04, t.size),
        "broken": np.where(t % 1.0 < 0.4, 0.04, 0.0) * np.sin(2 * np.pi * 8.0 * t),
    }
    shake = np.where((t > 30.0) & (t < 40.0), shakes[kind], 0.0)
    pipeline = Pipeline("i", [Site.LA])
    assert of(pipeline.feed(constructed(Site.LA, shake, 0.0 * t)) + pipeline.finish(), Label.TREMOR) == []
