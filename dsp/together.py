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

from dsp.context import couplings
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
        gyro = all(h.gyro[h.part(k - _BEFORE_K, k)].all() for h in histories.values())
        kinds = [[h.motion for h in histories.values()], [h.rate for h in histories.values()]][: 1 + gyro]
        parts = [h.part(k - _BEFORE_K, k + _AFTER_K) for h in histories.values()]
        least = _least_couplings([[r[:, p] for r, p in zip(rows, parts, strict=True)] for rows in kinds])
        values |= zip(("moves_as_one", "turns_as_one"), least, strict=False)
    return values


def _of(rows: NDArray[np.float32], history: History, k: int) -> Floats:
    return rows[:, history.part(k - _BEFORE_K, k + _AFTER_K)].astype(np.float64)


def _least_couplings(kinds: list[list[NDArray[np.float32]]]) -> list[float]:
    """For each kind of measurement the least coupling of two sites, of which each brings three rows."""
    rows = [r for sites in kinds for r in sites]
    n = min(r.shape[1] for r in rows)
    if n == max(r.shape[1] for r in rows):
        wide = np.stack(rows).astype(np.float64)
        centred = list(wide - wide.mean(axis=2, keepdims=True))
    else:
        wides = [r.astype(np.float64) for r in rows]
        centred = [(w - w.mean(axis=1, keepdims=True))[:, :n] for w in wides]
    sites = len(kinds[0])
    pairs = [(i + a, i + b) for i in range(0, len(rows), sites) for a, b in combinations(range(sites), 2)]
    found = couplings(centred, pairs)
    per = len(pairs) // len(kinds)
    return [min(found[i : i + per]) for i in range(0, len(found), per)]


def _correlation(a: Floats, b: Floats) -> float:
    n = min(a.size, b.size)
    a, b = a[:n] - a[:n].mean(), b[:n] - b[:n].mean()
    size = math.sqrt(float(np.sum(a * a)) * float(np.sum(b * b)))
    return float(np.sum(a * b)) / size if size > 0.0 else 0.0
