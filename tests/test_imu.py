from __future__ import annotations

import numpy as np
import pytest

from firmware_sim.draw import Draw
from firmware_sim.imu import Chip, ChipChoice, draw_chip
from firmware_sim.imu_parts import LSM6DSO


def piece(seed: int = 1, choice: ChipChoice | None = None) -> Chip:
    return draw_chip(Draw(seed, "chip"), Draw(seed, "drift"), choice)


def still(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.tile(np.float32([0.0, 0.0, 1.0]), (n, 1)), np.zeros((n, 3), np.float32)


def test_the_noise_has_the_density_of_the_data_sheet():
    chip = piece()
    counts, _ = chip.measure(*still(40_000), np.random.default_rng(2))
    band_rthz = np.sqrt(104.0 / 2)
    acc_g = counts[:, :3].std(axis=0) * chip.scale.acc_g
    gyro_dps = counts[:, 3:].std(axis=0) * chip.scale.gyro_dps
    assert acc_g == pytest.approx(np.full(3, 80e-6 * band_rthz), rel=0.05)
    assert gyro_dps == pytest.approx(np.full(3, 3.8e-3 * band_rthz), rel=0.05)


def test_bias_gain_and_rate_differ_from_chip_to_chip_within_the_part():
    chips = [piece(seed) for seed in range(300)]
    bias = np.array([chip.bias for chip in chips])
    gain = np.array([chip.gain for chip in chips]) - 1.0
    off = np.array([chip.true_rate_hz for chip in chips]) / 104.0 - 1.0
    assert np.abs(bias[:, :3]).max() <= LSM6DSO.acc_bias_g[0] + 1e-6
    assert np.abs(bias[:, 3:]).max() <= LSM6DSO.gyro_bias_dps + 1e-6
    assert np.abs(gain).max() <= LSM6DSO.acc_gain_error + 1e-6
    assert -0.02 <= off.min() < -0.015
    assert 0.015 < off.max() <= 0.02


def test_a_sample_beyond_the_range_stands_at_its_end_and_is_flagged():
    chip = piece()
    acc, gyro = still(4)
    acc[1, 0], acc[2, 1], gyro[3, 2] = 9.0, -9.0, 600.0
    counts, clipped = chip.measure(acc, gyro, np.random.default_rng(2))
    assert clipped.tolist() == [False, True, True, True]
    assert (counts[1, 0], counts[2, 1], counts[3, 5]) == (32_767, -32_768, 32_767)


def test_one_count_is_the_range_over_32768():
    chip = piece(choice=ChipChoice(acc_range_g=16.0, gyro_range_dps=1000.0))
    assert chip.scale.acc_g == 16.0 / 32_768
    assert chip.scale.gyro_dps == 1000.0 / 32_768


def test_gravity_is_measured_within_the_chips_errors():
    chip = piece(4)
    counts, _ = chip.measure(*still(2000), np.random.default_rng(2))
    assert counts[:, 2].mean() * chip.scale.acc_g == pytest.approx(1.0, abs=0.031)
