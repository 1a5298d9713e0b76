"""Segmentation of made-up envelopes: lengths from 0.1 to 10 s, single jerks inside a burst."""

from __future__ import annotations

import numpy as np
import pytest

from dsp.bursts import Burst, Pulse, Segmenter
from dsp.filters import Filtered
from dsp.history import History
from dsp.records import Site
from dsp.settings import Settings

FLOOR_G = 0.005


def segment(envelope: np.ndarray, *, block: int = 0) -> tuple[list[Burst], list[Pulse]]:
    segmenter, history = Segmenter.of(Site.LA, Settings()), History()
    bursts: list[Burst] = []
    pulses: list[Pulse] = []
    for a in range(0, envelope.size, block or envelope.size):
        part = envelope[a : a + (block or envelope.size)]
        n = part.size
        yes = np.ones(n, dtype=np.bool_)
        rows = np.zeros((3, n))
        filtered = Filtered(a, rows, rows, rows, part, yes, yes, yes, ~yes)
        history.extend(filtered)
        more, tops = segmenter.run(filtered, np.full(n, FLOOR_G), history)
        bursts += more
        pulses += tops
        history.trim()
    return bursts + segmenter.finish(history), pulses


def bumps(at_s: list[float], width_s: float, height_g: float, seconds: float = 30.0) -> np.ndarray:
    t = np.arange(round(seconds * 100)) / 100
    return 0.003 + sum(height_g * np.exp(-(((t - a) / width_s) ** 2)) for a in at_s)


@pytest.mark.parametrize("length_s", [0.1, 0.3, 1.0, 3.0, 9.5])
def test_a_burst_is_as_long_as_what_made_it(length_s: float) -> None:
    envelope = np.full(3000, 0.003)
    n = round(length_s * 100)
    envelope[500 : 500 + n] = 0.2
    bursts, _ = segment(envelope)
    assert [(b.k0, b.k1) for b in bursts] == [(500, 500 + n)]
    assert bursts[0].peak_g == pytest.approx(0.2)
    assert bursts[0].area_gs == pytest.approx(0.2 * length_s, rel=1e-6)


def test_movement_without_a_pause_is_cut_at_ten_seconds() -> None:
    envelope = np.full(3000, 0.003)
    envelope[100:2700] = 0.2
    bursts, _ = segment(envelope)
    assert [b.duration_s for b in bursts] == [10.0, 10.0, 6.0]


def test_what_only_touches_the_lower_threshold_is_no_burst() -> None:
    envelope = np.full(1000, 0.003)
    envelope[300:400] = 3.0 * FLOOR_G
    assert segment(envelope) == ([], [])


def test_a_short_dip_does_not_split_a_burst_and_a_long_one_does() -> None:
    envelope = np.full(1000, 0.003)
    envelope[300:600] = 0.2
    envelope[400:408] = 0.003
    envelope[500:530] = 0.003
    bursts, _ = segment(envelope)
    assert [(b.k0, b.k1) for b in bursts] == [(300, 500), (530, 600)]


@pytest.mark.parametrize("rate_hz", [1.0, 2.5, 4.0])
def test_every_jerk_of_a_train_is_a_pulse(rate_hz: float) -> None:
    at = [5 + i / rate_hz for i in range(12)]
    _, pulses = segment(bumps(at, 0.06, 0.3))
    assert [p.k / 100 for p in pulses] == pytest.approx(at, abs=0.011)


def test_ripple_on_a_pulse_is_not_counted() -> None:
    envelope = bumps([5.0, 10.0], 0.3, 0.3)
    envelope = envelope * (1 + 0.2 * np.sin(np.arange(envelope.size)))
    assert len(segment(envelope)[1]) == 2


@pytest.mark.parametrize("block", [1, 25, 333])
def test_blocks_give_the_same_bursts_and_pulses(block: int) -> None:
    rng = np.random.default_rng(2)
    envelope = bumps([3, 3.4, 3.9, 8, 15, 15.2, 22], 0.1, 0.2) * rng.uniform(0.5, 1.5, 3000)
    whole = segment(envelope)
    assert segment(envelope, block=block) == whole
    assert whole[0]
    assert whole[1]
