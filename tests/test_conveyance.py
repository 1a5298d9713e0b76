from __future__ import annotations

import numpy as np
import pytest

from dsp.records import Site
from tests.sim_examples import one, seen

KINDS = ("patting", "rocking", "carrying")


@pytest.mark.parametrize("kind", KINDS)
def test_motion_from_outside_turns_all_sensors_alike_and_at_once(kind):
    infant, movement = one(kind, 3, duration_s=20.0)
    turned = [np.linalg.norm(seen(infant, movement, s)[1], axis=1) for s in (Site.LA, Site.RA, Site.TR)]
    assert turned[0].max() > 1.0
    assert np.allclose(turned[0], turned[1], atol=0.01)
    assert np.allclose(turned[0], turned[2], atol=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_motion_from_outside_is_marked_as_conveyed(kind):
    assert [mark.conveyed for mark in one(kind, 1, duration_s=20.0)[1].marks] == [True]


def test_patting_keeps_its_beat():
    for seed in range(30):
        steps = one("patting", seed, duration_s=40.0)[1].steps
        gaps = np.diff(np.sort(steps.start_s[(steps.channel == 2) & (steps.delta < 0)]))
        assert 1.0 / 2.6 <= np.mean(gaps) <= 1.0 / 0.95
        assert 0.03 <= np.std(gaps) / np.mean(gaps) <= 0.2


def test_rocking_stays_below_a_third_of_gravity():
    for seed in range(20):
        infant, movement = one("rocking", seed, duration_s=30.0)
        size = np.linalg.norm(seen(infant, movement, Site.TR)[0], axis=1)
        assert np.abs(size - 1.0).max() < 0.45
