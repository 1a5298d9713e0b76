"""Fits piecewise linear log-odds to candidates: ridge on every table's curvature, odds freed from how many there were.

References:
    Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, 5.2 (linear splines by hat
    functions) and 4.4.1 (iteratively reweighted least squares).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.weights import Table

__all__ = ["Fit", "fit_tables"]

Floats = NDArray[np.float64]

_ROUNDS = 60
_SMALL_RIDGE = 0.02
"""Against a knot that no candidate came near."""


@dataclass(frozen=True, slots=True)
class Fit:
    tables: tuple[Table, ...]
    bias: float


def fit_tables(
    knots: Mapping[str, Sequence[float]],
    rows: Sequence[Mapping[str, float]],
    positive: NDArray[np.bool_],
    weight: Floats,
    *,
    curvature: float,
) -> Fit:
    """Log-likelihood ratios by named measurement; what is missing in a row counts as the table's mean.

    Args:
        knots: by measurement, rising.
        rows: measurements of each candidate.
        positive: whether it is of the class.
        weight: how much it counts.
        curvature: penalty on the second difference of a table's values.
    """
    design, cuts = _design(knots, rows)
    centre = (weight @ design) / weight.sum()
    x = np.concatenate([np.ones((design.shape[0], 1)), design - centre], axis=1)
    penalty = _penalty(knots, curvature * weight.sum() / 1000.0)
    prior = float(np.log(weight[positive].sum() / weight[~positive].sum()))
    beta = _solve(x, positive.astype(np.float64), weight, penalty)
    tables = []
    total = 0.0
    for (name, places), (a, b) in zip(knots.items(), cuts, strict=True):
        values = beta[1 + a : 1 + b]
        middle = float(centre[a:b] @ values)
        tables.append(
            Table(name, tuple(map(float, places)), tuple(round(float(v - middle), 2) for v in values))
        )
        total += middle
    return Fit(tuple(tables), round(float(beta[0]) - prior, 2))


def _design(
    knots: Mapping[str, Sequence[float]], rows: Sequence[Mapping[str, float]]
) -> tuple[Floats, list[tuple[int, int]]]:
    parts, cuts, at = [], [], 0
    for name, places in knots.items():
        values = np.array([row.get(name, np.nan) for row in rows])
        hats = _hats(np.asarray(places, np.float64), values)
        hats[np.isnan(values)] = np.nanmean(hats, axis=0)
        parts.append(hats)
        cuts.append((at, at + len(places)))
        at += len(places)
    return np.concatenate(parts, axis=1), cuts


def _hats(places: Floats, values: Floats) -> Floats:
    inside = np.clip(values, places[0], places[-1])
    out = np.full((values.size, places.size), np.nan)
    seen = ~np.isnan(values)
    for i in range(places.size):
        unit = np.zeros(places.size)
        unit[i] = 1.0
        out[seen, i] = np.interp(inside[seen], places, unit)
    return out


def _penalty(knots: Mapping[str, Sequence[float]], curvature: float) -> Floats:
    size = 1 + sum(len(p) for p in knots.values())
    penalty = np.zeros((size, size))
    at = 1
    for places in knots.values():
        n = len(places)
        spacing = np.diff(places)
        for i in range(n - 2):
            row = np.zeros(n)
            scale = (spacing[i] + spacing[i + 1]) / 2
            row[i], row[i + 1], row[i + 2] = (
                scale / spacing[i],
                -scale / spacing[i] - scale / spacing[i + 1],
                scale / spacing[i + 1],
            )
            penalty[at : at + n, at : at + n] += curvature * np.outer(row, row)
        penalty[at : at + n, at : at + n] += _SMALL_RIDGE * curvature * np.eye(n)
        at += n
    penalty[np.arange(1, size), np.arange(1, size)] += 1e-6
    return penalty


def _solve(x: Floats, y: Floats, weight: Floats, penalty: Floats) -> Floats:
    beta = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ beta, -30, 30)))
        w = weight * np.maximum(p * (1.0 - p), 1e-6)
        step = np.linalg.solve(x.T @ (x * w[:, None]) + penalty, x.T @ (weight * (y - p)) - penalty @ beta)
        beta += step
        if float(np.max(np.abs(step))) < 1e-8:
            break
    return beta
