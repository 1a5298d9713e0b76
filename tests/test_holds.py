"""Postures and tremor on signals whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from dsp.chain import HOP, Chain
from dsp.holds import HOLD_HOPS, angle_deg, postures_of, tremor_hz
from dsp.records import NS, Scale, Segment, Site
from dsp.settings import Settings

SCALE = Scale(8 / 32768, 500 / 32768)


def chain_of(acc_g: np.ndarray) -> Chain:
    """A trunk sensor at 100 Hz that measured this, shape (n, 3)."""
    chain = Chain.of(Site.TR, Settings())
    counts = np.zeros((acc_g.shape[0], 6), dtype=np.int16)
    counts[:, :3] = np.round(acc_g / SCALE.acc_g)
    chain.grid.add(Segment(Site.TR, "s", 1, 0, 0, NS // 100, counts, SCALE))
    chain.grid.begin(0)
    return chain


def tilted(deg: float, seconds: float) -> np.ndarray:
    turn = np.radians(deg)
    return np.tile([np.sin(turn), 0.0, np.cos(turn)], (round(seconds * 100), 1))


def test_a_turn_shows_as_its_angle_and_as_sway_only_while_it_happens() -> None:
    chain = chain_of(np.concatenate([tilted(0.0, 10.0), tilted(20.0, 10.0)]))
    chain.advance(0, 76)
    found = postures_of(chain, 0, 76)
    assert sorted(found) == list(range(11, 76, 4))
    assert angle_deg(found[35].way, found[71].way) == pytest.approx(20.0, abs=0.1)
    assert found[35].sway_deg < 0.1
    assert found[43].sway_deg > 5.0


def test_blocks_of_any_length_give_the_same_postures() -> None:
    acc = tilted(5.0, 40.0) + np.random.default_rng(1).normal(0.0, 0.01, (4000, 3))
    whole = chain_of(acc)
    whole.advance(0, 150)
    single = chain_of(acc)
    rows = {}
    for h in range(150):
        single.advance(h, h + 1)
        rows |= postures_of(single, h, h + 1)
    assert repr(rows) == repr(postures_of(whole, 0, 150))


@pytest.mark.parametrize("rate_hz", [4.0, 9.0, 15.0])
def test_tremor_has_its_frequency(rate_hz: float) -> None:
    t = np.arange(1500) / 100
    acc = tilted(0.0, 15.0)
    acc[:, 0] += 0.05 * np.sin(2 * np.pi * rate_hz * t)
    chain = chain_of(acc)
    chain.advance(0, 56)
    assert tremor_hz(chain, (56 - HOLD_HOPS) * HOP, 56 * HOP) == pytest.approx(rate_hz, rel=0.03)


def test_free_fall_and_silence_are_no_posture() -> None:
    chain = chain_of(np.zeros((1000, 3)))
    chain.advance(0, 36)
    assert postures_of(chain, 0, 36) == {}
