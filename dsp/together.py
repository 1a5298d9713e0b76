"""How alike the sites moved around an anchor: a body that contracts, or a body that is moved.

References:
    Coupling as in `dsp.context`: the nuclear norm of a 3 x 3 cross-covariance does not ask how sensors are mounted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dsp.context import coupling
from dsp.history import History
from dsp.records import Site

__all__ = ["together_of"]

_BEFORE_K = 60
_AFTER_K = 90
"""From the rise to behind the return of a movement of a second."""

_TILT_BEFORE_K = 80
_TILT_AFTER_K = 150
"""Gravity is low-passed: it has settled about a second behind a movement."""

_LEGS = (Site.LA, Site.RA)

Floats = NDArray[np.float64]


def together_of(histories: Mapping[Site, History], anchor: Site, k: int) -> dict[str, float]:
    """Measurements between sites, by name; what cannot be measured is left out.

    Args:
        histories: of the sites that were seen.
        anchor: the site that speaks for the body.
        k: grid index of the anchor.
    """
    turned_deg = histories[anchor].turned_deg(k - _TILT_BEFORE_K, k + _TILT_AFTER_K)
    values = {"posture_change": math.log(max(turned_deg, 0.1))}
    shapes = {site: _of(h.envelope[None], h, k)[0] for site, h in histories.items()}
    legs = [shapes[site] for site in _LEGS if site in shapes and site is not anchor]
    if legs:
        values["legs_like_trunk"] = min(_correlation(leg, shapes[anchor]) for leg in legs)
    if len(legs) == 2:
        values["legs_alike"] = _correlation(*legs)
    if len(histories) > 1:
        values["moves_as_one"] = _least_coupling([_of(h.motion, h, k) for h in histories.values()])
        rates = [_of(h.rate, h, k) for h in histories.values() if h.gyro[h.part(k - _BEFORE_K, k)].all()]
        if len(rates) == len(histories):
            values["turns_as_one"] = _least_coupling(rates)
    return values


def _of(rows: NDArray[np.float32], history: History, k: int) -> Floats:
    return rows[:, history.part(k - _BEFORE_K, k + _AFTER_K)].astype(np.float64)


def _least_coupling(parts: list[Floats]) -> float:
    centred = [p - p.mean(axis=1, keepdims=True) for p in parts]
    n = min(p.shape[1] for p in centred)
    return min(coupling(a[:, :n], b[:, :n]) for a, b in combinations(centred, 2))


def _correlation(a: Floats, b: Floats) -> float:
    n = min(a.size, b.size)
    a, b = a[:n] - a[:n].mean(), b[:n] - b[:n].mean()
    size = math.sqrt(float(np.sum(a * a)) * float(np.sum(b * b)))
    return float(np.sum(a * b)) / size if size > 0.0 else 0.0
