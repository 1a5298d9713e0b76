from __future__ import annotations

import numpy as np
import pytest

from dsp.records import NS
from firmware_sim.crystal import Crystal, draw_crystal
from firmware_sim.draw import Draw
from firmware_sim.warmth import Warmth


def drawn(seed: int, chip_c: float, **options) -> Crystal:
    warmth = Warmth(10.0, np.full(361, chip_c))
    return draw_crystal(Draw(seed, "crystal"), warmth, start_ns=5 * NS, **options)


def ppm(crystal: Crystal) -> float:
    return (crystal.ahead(3605 * NS) - crystal.ahead(5 * NS)) / 3600 * 1e6


def test_at_room_temperature_crystals_are_within_twenty_ppm_and_some_come_near():
    off = [ppm(drawn(seed, 25.0)) for seed in range(300)]
    assert max(map(abs, off)) < 20.0 + 0.040 * 5**2
    assert min(off) < -15.0
    assert max(off) > 15.0


@pytest.mark.parametrize("chip_c", [5.0, 45.0])
def test_away_from_25_degrees_they_are_slower_by_the_data_sheets_parabola(chip_c):
    slower = [ppm(drawn(seed, chip_c)) - ppm(drawn(seed, 25.0)) for seed in range(300)]
    assert np.mean(slower) == pytest.approx(-0.030 * 20**2, rel=0.15)
    assert max(slower) < 0


def test_a_jump_stays_and_several_add_up():
    crystal = drawn(1, 25.0, jumps=[(200.0, -1.0), (100.0, 3.0)])
    plain = drawn(1, 25.0)
    gained = [crystal.ahead(t * NS) - plain.ahead(t * NS) for t in (104, 106, 204, 206, 3000)]
    assert gained == pytest.approx([0.0, 3.0, 3.0, 2.0, 2.0])
