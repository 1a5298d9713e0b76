from __future__ import annotations

import numpy as np
import pytest

from firmware_sim.draw import Draw
from firmware_sim.imu import Chip, ChipChoice, UnknownChipError, draw_chip
from firmware_sim.imu_parts import LSM6DSO, MPU6050, PARTS, ChipPart


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


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("rate_hz", [26.0, 52.0, 104.0, 208.0])
def test_every_part_has_its_own_noise_at_every_rate(part: ChipPart, rate_hz: float):
    chip = piece(choice=ChipChoice(part.name, rate_hz=rate_hz, acc_range_g=4.0, gyro_range_dps=250.0))
    counts, _ = chip.measure(*still(20_000), np.random.default_rng(2))
    band_rthz = np.sqrt(rate_hz / 2)
    acc_g = counts[:, :3].std(axis=0) * chip.scale.acc_g
    gyro_dps = counts[:, 3:].std(axis=0) * chip.scale.gyro_dps
    assert acc_g == pytest.approx(np.full(3, part.acc_noise_g_rthz[4.0] * band_rthz), rel=0.05)
    assert gyro_dps == pytest.approx(np.full(3, part.gyro_noise_dps_rthz * band_rthz), rel=0.05)


@pytest.mark.parametrize("acc_range_g", [4.0, 8.0, 16.0])
@pytest.mark.parametrize("gyro_range_dps", [250.0, 500.0, 1000.0, 2000.0])
def test_what_stands_within_the_range_is_counted_and_what_is_beyond_is_flagged(
    acc_range_g: float, gyro_range_dps: float
):
    chip = piece(choice=ChipChoice(acc_range_g=acc_range_g, gyro_range_dps=gyro_range_dps))
    acc, gyro = still(3)
    acc[0, 2], gyro[0, 0] = 0.95 * acc_range_g, 0.95 * gyro_range_dps
    acc[1, 2] = 1.05 * acc_range_g
    gyro[2, 0] = -1.05 * gyro_range_dps
    counts, clipped = chip.measure(acc, gyro, np.random.default_rng(2))
    assert clipped.tolist() == [False, True, True]
    assert counts[0, 2] * chip.scale.acc_g == pytest.approx(0.95 * acc_range_g, rel=0.02)
    assert counts[0, 3] * chip.scale.gyro_dps == pytest.approx(0.95 * gyro_range_dps, rel=0.02)


def test_a_warmer_chip_has_another_bias_and_gain_within_the_data_sheet():
    gained = []
    for seed in range(100):
        chip = piece(seed, ChipChoice("MPU-6050"))
        acc, gyro = still(400)
        cold, _ = chip.measure(acc, gyro, np.random.default_rng(2))
        warm, _ = chip.measure(acc, gyro, np.random.default_rng(2), warmer_k=np.full(400, 10.0, np.float32))
        gained.append((warm - cold).mean(axis=0)[3:] * chip.scale.gyro_dps)
    assert np.abs(gained).max() <= 10 * MPU6050.gyro_bias_dps_per_k * 1.1
    assert np.std(gained) == pytest.approx(10 * MPU6050.gyro_bias_dps_per_k / np.sqrt(3), rel=0.15)


def test_at_25_degrees_temperature_changes_nothing():
    chip = piece(7)
    same = [
        chip.measure(*still(50), np.random.default_rng(2), warmer_k=warmer)[0]
        for warmer in (None, np.zeros(50, np.float32))
    ]
    assert np.array_equal(*same)


@pytest.mark.parametrize(
    ("field", "value"),
    [("part", "ABC"), ("rate_hz", 100.0), ("acc_range_g", 2.0), ("gyro_range_dps", 125.0)],
)
def test_what_no_chip_has_is_refused_with_what_there_is(field: str, value: object):
    with pytest.raises(UnknownChipError, match=rf"{field}.*LSM6DSO|{field}.*use one of \d"):
        ChipChoice(**{field: value})
