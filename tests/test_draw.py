from __future__ import annotations

import numpy as np
import pytest

from firmware_sim.draw import Draw, Wander


def test_heavy_tails_have_the_same_middle_and_more_surprises():
    draw = Draw(1, "test")
    heavy = np.log([draw.heavy(2.0, 0.3) for _ in range(4000)])
    even = np.log([draw.spread(2.0, 0.3) for _ in range(4000)])
    assert np.median(heavy) == pytest.approx(np.log(2.0), abs=0.02)
    assert np.std(heavy) == pytest.approx(np.std(even), rel=0.2)
    assert np.abs(heavy - np.log(2.0)).max() > 1.3 * np.abs(even - np.log(2.0)).max()


def test_wandering_strengths_resemble_the_last_and_stay_about_one():
    rows = np.log(
        [
            [wander.next() for _ in range(60)]
            for seed in range(60)
            if (wander := Wander(Draw(seed, "t"), 0.3, 0.7))
        ]
    )
    follows = np.corrcoef(rows[:, :-1].ravel(), rows[:, 1:].ravel())[0, 1]
    assert follows == pytest.approx(0.7, abs=0.08)
    assert np.median(rows) == pytest.approx(0.0, abs=0.05)
    assert 0.25 < np.std(rows) < 0.5
