"""The filter bank against scipy on the whole array, block by block, and over gaps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from dsp.filters import Bank
from dsp.grid import GridBlock
from dsp.sections import design
from dsp.settings import Settings

SETTINGS = Settings()


def block_of(values: np.ndarray, present: np.ndarray | None = None, k0: int = 0) -> GridBlock:
    n = values.shape[1]
    there = np.ones(n, dtype=np.bool_) if present is None else present
    return GridBlock(k0, values, there, there.copy(), *np.zeros((2, n), dtype=np.bool_))


def noise(n: int = 3000) -> np.ndarray:
    rng = np.random.default_rng(7)
    return rng.normal(0.0, 0.1, (6, n)) + np.array([0.0, 0.5, 0.8, 1.0, 2.0, 3.0])[:, None]


def test_motion_is_scipys_band_pass_from_rest() -> None:
    values = noise()
    sos = butter(2, (SETTINGS.band_low_hz, SETTINGS.band_high_hz), btype="bandpass", fs=100, output="sos")
    _, unit = design("bandpass", SETTINGS.band_low_hz, SETTINGS.band_high_hz)
    truth, _ = sosfilt(sos, values[:3], axis=-1, zi=unit[:, None, :] * values[None, :3, :1])
    assert np.array_equal(Bank.of(SETTINGS).run(block_of(values)).motion, truth)


@pytest.mark.parametrize("length", [25, 100, 777])
def test_blocks_give_the_bits_of_the_whole(length: int) -> None:
    values = noise()
    whole = Bank.of(SETTINGS).run(block_of(values))
    bank = Bank.of(SETTINGS)
    parts = [bank.run(block_of(values[:, a : a + length], k0=a)) for a in range(0, 3000, length)]
    for name in ("gravity", "motion", "rate"):
        assert np.array_equal(np.concatenate([getattr(p, name) for p in parts], axis=1), getattr(whole, name))
    assert np.array_equal(np.concatenate([p.envelope for p in parts]), whole.envelope)
    assert np.array_equal(np.concatenate([p.settled for p in parts]), whole.settled)


def test_behind_a_gap_the_filters_start_anew_and_say_so() -> None:
    values = noise()
    present = np.ones(3000, dtype=np.bool_)
    present[1000:1500] = False
    out = Bank.of(SETTINGS).run(block_of(values, present))
    alone = Bank.of(SETTINGS).run(block_of(values[:, 1500:]))
    assert np.array_equal(out.motion[:, 1500:], alone.motion)
    assert not out.motion[:, 1000:1500].any()
    settle = round(SETTINGS.settle_s * 100)
    assert not out.settled[1500 : 1500 + settle].any()
    assert out.settled[1500 + settle :].all()


def test_a_resting_sensor_shows_its_gravity_and_no_motion() -> None:
    values = np.zeros((6, 500))
    values[2] = 1.0
    out = Bank.of(SETTINGS).run(block_of(values))
    assert np.allclose(out.gravity[2], 1.0)
    assert np.abs(out.motion).max() < 1e-9
