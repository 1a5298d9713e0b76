"""How the jerks of a frame are made (dsp/jerk_shape.py), on waveforms that say it themselves."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from dsp.chain import HOP, ROW, Chain
from dsp.history import History
from dsp.jerk_shape import jerk_shape
from dsp.records import Site
from dsp.rhythm import Rhythm
from dsp.settings import Settings

Floats = NDArray[np.float64]
N = 600
T = np.arange(N) / 100.0
NOISE = np.random.default_rng(5).normal(size=(3, N))
JERKS = np.maximum(np.sin(2.0 * np.pi * 2.0 * T), 0.0) ** 6
UNEVEN = np.interp(T, np.sort(np.random.default_rng(7).uniform(0.0, 6.0, 24)), np.tile([0.0, 1.0], 12))


def chain_of(site: Site, envelope: Floats, rate: Floats, tilt_deg: float, *, gyro: bool) -> Chain:
    chain = Chain.of(site, Settings())
    history = History()
    history.motion = np.zeros((3, N), dtype=np.float32)
    history.gravity = np.zeros((3, N), dtype=np.float32)
    history.rate = rate.astype(np.float32)
    history.envelope = envelope.astype(np.float32)
    history.present = np.ones(N, dtype=np.bool_)
    history.gyro = np.full(N, gyro)
    chain.history = history
    rows = np.zeros((N // HOP, len(ROW)))
    angle = np.radians(np.linspace(0.0, tilt_deg, N // HOP))
    rows[:, ROW.index("present")] = 1.0
    rows[:, ROW.index("acc_x")], rows[:, ROW.index("acc_z")] = np.sin(angle), np.cos(angle)
    chain.hops.extend(0, rows)
    return chain


def shape(
    lead: Floats, *, right: Floats = JERKS, trunk: Floats = JERKS, rate: Floats = NOISE, tilt_deg: float = 0.0,
    gyro: bool = True, sites: tuple[Site, ...] = (Site.LA, Site.RA, Site.TR), k1: int = N - 1,
) -> dict[str, float]:  # fmt: skip
    envelopes = {Site.LA: lead, Site.RA: right, Site.TR: trunk}
    chains = {s: chain_of(s, envelopes[s], rate, tilt_deg, gyro=gyro) for s in sites}
    return {e.name: e.value for e in jerk_shape(frame(sites, k1), chains)}


def frame(sites: tuple[Site, ...], k1: int = N - 1) -> Rhythm:
    none: dict[str, float] = {
        f.name: 0.0 for f in fields(Rhythm) if f.name not in ("site", "seen", "k0", "k1", "count")
    }
    return Rhythm(site=Site.LA, seen=sites, k0=0, k1=k1, count=12, **none)


def test_jerks_at_one_rate_repeat_and_uneven_ones_less() -> None:
    assert shape(JERKS)["rhythm_repeats"] == pytest.approx(1.0, abs=0.05)
    assert shape(UNEVEN)["rhythm_repeats"] < 0.6


def test_a_turning_that_comes_again_repeats_and_noise_does_not() -> None:
    again = np.stack([JERKS, 0.5 * JERKS, 0.0 * JERKS])
    assert shape(JERKS, rate=again)["swing_repeats"] == pytest.approx(1.0, abs=0.05)
    assert shape(JERKS)["swing_repeats"] < 0.4


def test_rest_between_strokes_makes_them_peaked_and_a_sine_is_flat() -> None:
    sine = np.stack([np.sin(2.0 * np.pi * 2.0 * T)] * 3)
    strokes = np.stack([np.gradient(JERKS)] * 3)
    assert shape(JERKS, rate=sine)["swing_peaked"] == pytest.approx(1.5, abs=0.05)
    assert shape(JERKS, rate=strokes)["swing_peaked"] > 3.0


def test_limbs_that_rise_and_fall_together_are_alike_whatever_their_strength() -> None:
    found = shape(JERKS, right=0.2 * JERKS, trunk=1.0 - JERKS)
    assert found["legs_alike"] == pytest.approx(1.0, abs=1e-3)
    assert found["trunk_alike"] == pytest.approx(-1.0, abs=1e-3)


def test_how_far_the_trunk_turned_is_told_in_logarithms_of_degrees() -> None:
    found = shape(JERKS, tilt_deg=12.0)["trunk_turned"]
    assert 2.0 < math.exp(found) < 7.0
    assert shape(JERKS)["trunk_turned"] < -4.0


def test_what_is_not_worn_or_not_measured_is_left_out() -> None:
    assert set(shape(JERKS, sites=(Site.LA,), gyro=False)) == {"rhythm_repeats"}
    assert "legs_alike" not in shape(JERKS, sites=(Site.LA, Site.TR))


def test_a_site_that_was_mostly_silent_is_left_out_and_a_short_gap_turns_no_trunk() -> None:
    def with_gap(a: int, b: int) -> dict[str, float]:
        chains = {s: chain_of(s, JERKS, NOISE, 0.0, gyro=True) for s in (Site.LA, Site.TR)}
        trunk = chains[Site.TR]
        trunk.history.present[a:b], trunk.history.envelope[a:b] = False, 0.0
        trunk.hops.rows[a // HOP : b // HOP] = 0.0
        return {e.name: e.value for e in jerk_shape(frame((Site.LA, Site.TR)), chains)}

    assert not {"trunk_alike", "trunk_turned", "trunk_leads"} & with_gap(400, 600).keys()
    assert with_gap(500, 550)["trunk_turned"] < -4.0


def test_less_than_a_second_says_nothing() -> None:
    assert shape(JERKS, k1=80) == {}


def test_a_motionless_sensor_repeats_nothing() -> None:
    assert "rhythm_repeats" not in shape(np.zeros(N))
