from __future__ import annotations

import numpy as np

from firmware_sim.draw import Draw
from firmware_sim.warmth import Warmth, draw_warmth


def warmth(seed: int, hours: float = 8.0, **options) -> Warmth:
    return draw_warmth(Draw(seed, "room"), Draw(seed, "sock"), 3600 * hours, **options)


def test_a_sock_warms_up_when_it_is_put_on_and_then_wanders_slowly():
    rises, nights = [], []
    for seed in range(200):
        chip_c = warmth(seed).chip_c
        rises.append(chip_c[360] - chip_c[0])
        nights.append(chip_c[720:])
    assert np.median(rises) > 1.0
    assert max(np.abs(np.diff(night)).max() for night in nights) < 0.2  # per 10 s
    assert all(0.1 < np.ptp(night) < 12.0 for night in nights)


def test_every_temperature_is_one_a_sock_can_have():
    all_c = np.concatenate([warmth(seed).chip_c for seed in range(200)])
    assert all_c.min() > 10.0
    assert all_c.max() < 39.0


def test_taken_off_it_cools_towards_the_room_and_warms_again():
    on, off = warmth(4), warmth(4, off=[(7200.0, 14_400.0)])
    assert np.array_equal(on.at(np.array([7000.0])), off.at(np.array([7000.0])))
    assert off.at(np.array([14_000.0]))[0] < on.at(np.array([14_000.0]))[0] - 2.0
    assert abs(off.at(np.array([25_000.0])) - on.at(np.array([25_000.0])))[0] < 0.1


def test_socks_of_one_night_share_the_room():
    room = [
        draw_warmth(Draw(1, "room"), Draw(i, "sock"), 7200, off=[(0, 7200.0)]).chip_c[-1] for i in range(5)
    ]
    assert np.ptp(room) < 0.5
