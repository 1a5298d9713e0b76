"""How alike the sites moved around an anchor: a body that contracts, or a body that is moved.

References:
    Coupling as in `dsp.context`: the nuclear norm of a 3 x 3 cross-covariance does not ask how sensors are mounted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
    sites = list(histories)
    parts = [h.part(k - _BEFORE_K, k + _AFTER_K) for h in histories.values()]
    n = min(h.envelope[p].size for h, p in zip(histories.values(), parts, strict=True))
    parts = [slice(p.start, p.start + n) for p in parts]
    legs = [sites.index(site) for site in _LEGS if site in histories and site is not anchor]
    if legs:
        rows = _centred([h.envelope[p] for h, p in zip(histories.values(), parts, strict=True)])
        alike = _correlations(rows, [*((leg, sites.index(anchor)) for leg in legs), (legs[0], legs[-1])])
        values["legs_like_trunk"] = min(alike[:-1])
        if len(legs) == 2:
            values["legs_alike"] = alike[-1]
    if len(sites) > 1:
        gyro = all(h.gyro[h.part(k - _BEFORE_K, k)].all() for h in histories.values())
        motion = [h.motion[:, p] for h, p in zip(histories.values(), parts, strict=True)]
        rates = [h.rate[:, p] for h, p in zip(histories.values(), parts, strict=True)] if gyro else []
        pairs = list(combinations(range(len(sites)), 2))
        turns = [(a + len(sites), b + len(sites)) for a, b in pairs] if gyro else []
        found = couplings(_centred([*motion, *rates]), pairs + turns)
        values["moves_as_one"] = min(found[: len(pairs)])
        if gyro:
            values["turns_as_one"] = min(found[len(pairs) :])
    return values


def _centred(rows: list[NDArray[np.float32]]) -> Floats:
    wide = np.stack(rows).astype(np.float64)
    return np.asarray(wide - wide.mean(axis=-1, keepdims=True))


def _correlations(rows: Floats, pairs: Sequence[tuple[int, int]]) -> list[float]:
    """Of pairs among rows without a mean, shape (sites, n)."""
    squares = (rows * rows).sum(axis=1).tolist()
    shared = (rows[[a for a, _ in pairs]] * rows[[b for _, b in pairs]]).sum(axis=1).tolist()
    sizes = [math.sqrt(squares[a] * squares[b]) for a, b in pairs]
    return [s / size if size > 0.0 else 0.0 for s, size in zip(shared, sizes, strict=True)]
