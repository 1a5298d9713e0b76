"""Fits piecewise linear log-odds to candidates: ridge on every table's curvature, odds freed from how many there were.

References:
    Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, 5.2 (linear splines by hat
    functions) and 4.4.1 (iteratively reweighted least squares).
    Lou, Caruana, Gehrke & Hooker (2013), Accurate intelligible models with pairwise interactions, KDD 623-631
    (which pairs are worth having: those that explain most of what is left).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from dsp.weights import Pair, Table

__all__ = ["Fit", "find_pairs", "fit_tables"]

Floats = NDArray[np.float64]
Names = tuple[str, str]
_End = tuple[tuple[float, ...], Floats]

_ROUNDS = 60
_SMALL_RIDGE = 0.02
"""Against a knot that no candidate came near."""
_AT_ONCE = 5
"""Pairs found on the same residuals: those found together may say the same."""
_IN_DOUBT = 0.003
"""Candidates whose probability is nearer to the truth than that have nothing to say about pairs."""
_PAIR_SHARES = (0.05, 0.35, 0.65, 0.95)
"""A pair's knots by the share of candidates below them, both classes counting as much."""


@dataclass(frozen=True, slots=True)
class Fit:
    tables: tuple[Table, ...]
    bias: float
    pairs: tuple[Pair, ...] = ()


@dataclass(slots=True)
class _Block:
    """Columns of one table or pair, with the penalty on what they are multiplied with."""

    hats: Floats
    penalty: Floats
    centre: Floats = field(init=False)

    def centred(self, weight: Floats) -> Floats:
        self.centre = (weight @ self.hats) / weight.sum()
        return self.hats - self.centre


def fit_tables(
    knots: Mapping[str, Sequence[float]],
    rows: Sequence[Mapping[str, float]],
    positive: NDArray[np.bool_],
    weight: Floats,
    *,
    curvature: float,
    pairs: Sequence[Names] = (),
    pair_curvature: float = 0.0,
) -> Fit:
    """Log-likelihood ratios by named measurement; what is missing in a row counts as the table's mean.

    Args:
        knots: by measurement, rising.
        rows: measurements of each candidate.
        positive: whether it is of the class.
        weight: how much it counts.
        curvature: penalty on the second difference of a table's values.
        pairs: measurements to be weighed together as well.
        pair_curvature: the same of a pair's, along either measurement.
    """
    scale = weight.sum() / 1000.0
    columns, blocks = _tables_of(knots, rows, curvature * scale)
    ends = _ends({name for names in pairs for name in names}, columns, positive)
    blocks += [_pair_block(names, ends, pair_curvature * scale) for names in pairs]
    prior = float(np.log(weight[positive].sum() / weight[~positive].sum()))
    beta = _solve(*_system(blocks, weight), positive.astype(np.float64), weight)
    tables, found, at = [], [], 1
    for name, block in zip([*knots, *pairs], blocks, strict=True):
        values = beta[at : at + block.centre.size]
        values = values - block.centre @ values
        at += values.size
        if isinstance(name, str):
            tables.append(Table(name, tuple(map(float, knots[name])), _rounded(values)))
        else:
            where, across = (ends[end][0] for end in name)
            square = values.reshape(len(where), len(across))
            found.append(Pair(name, (where, across), tuple(map(_rounded, square))))
    return Fit(tuple(tables), round(float(beta[0]) - prior, 2), tuple(found))


def find_pairs(
    knots: Mapping[str, Sequence[float]],
    rows: Sequence[Mapping[str, float]],
    positive: NDArray[np.bool_],
    weight: Floats,
    *,
    curvature: float,
    pair_curvature: float,
    most: int,
) -> list[Names]:
    """The pairs of measurements that explain most of what tables, and the pairs before them, leave; best first."""
    y = positive.astype(np.float64)
    scale = weight.sum() / 1000.0
    columns, blocks = _tables_of(knots, rows, curvature * scale)
    ends = _ends(knots, columns, positive)
    found: list[Names] = []
    while len(found) < most:
        x, penalty = _system(blocks, weight)
        p = _odds(x @ _solve(x, penalty, y, weight))
        doubt = np.abs(y - p) > _IN_DOUBT
        left, spread, heavy = (v[doubt] for v in (weight * (y - p), weight * p * (1.0 - p), weight))
        near = {name: (where, hats[doubt]) for name, (where, hats) in ends.items()}
        gains = {}
        for names in combinations(knots, 2):
            if names not in found:
                block = _pair_block(names, near, pair_curvature * scale)
                hats = block.centred(heavy)
                slope = hats.T @ left
                bend = hats.T @ (hats * spread[:, None]) + block.penalty
                gains[names] = float(slope @ np.linalg.solve(bend, slope))
        some = sorted(gains, key=gains.__getitem__, reverse=True)[: min(_AT_ONCE, most - len(found))]
        if not some:
            break
        blocks += [_pair_block(names, ends, pair_curvature * scale) for names in some]
        found += some
    return found


def _tables_of(
    knots: Mapping[str, Sequence[float]], rows: Sequence[Mapping[str, float]], curvature: float
) -> tuple[dict[str, Floats], list[_Block]]:
    """Each measurement in all rows, NaN where it is missing, and the block of its table."""
    columns = {name: np.array([row.get(name, np.nan) for row in rows]) for name in knots}
    return columns, [_table_block(places, columns[name], curvature) for name, places in knots.items()]


def _table_block(places: Sequence[float], values: Floats, curvature: float) -> _Block:
    hats = _hats(np.asarray(places, np.float64), values)
    hats[np.isnan(values)] = np.nanmean(hats, axis=0)
    return _Block(hats, _bending(places, curvature) + _small(len(places), curvature))


def _ends(
    names: Iterable[str], columns: Mapping[str, Floats], positive: NDArray[np.bool_]
) -> dict[str, _End]:
    """Knots and hats of measurements as parts of pairs."""
    places = {name: _quantiles(columns[name], positive) for name in names}
    return {name: (where, _hats(np.asarray(where), columns[name])) for name, where in places.items()}


def _quantiles(values: Floats, positive: NDArray[np.bool_]) -> tuple[float, ...]:
    """Where a pair's knots are."""
    seen = ~np.isnan(values)
    grid = np.linspace(0.0, 1.0, 1001)
    pooled = np.concatenate([np.quantile(values[seen & of], grid) for of in (positive, ~positive)])
    cuts = sorted({round(float(np.quantile(pooled, share)), 2) for share in _PAIR_SHARES})
    return tuple(cuts) if len(cuts) > 1 else (cuts[0], cuts[0] + 1.0)


def _pair_block(names: Names, ends: Mapping[str, _End], curvature: float) -> _Block:
    (where, first), (across, second) = (ends[name] for name in names)
    hats = (first[:, :, None] * second[:, None, :]).reshape(first.shape[0], -1)
    missing = np.isnan(hats[:, 0])
    hats[missing] = hats[~missing].mean(axis=0)
    n, m = len(where), len(across)
    down, right = _bending(where, curvature), _bending(across, curvature)
    penalty = np.kron(down, np.eye(m)) + np.kron(np.eye(n), right)
    return _Block(hats, penalty + _small(n * m, curvature))


def _system(blocks: Sequence[_Block], weight: Floats) -> tuple[Floats, Floats]:
    """Centred columns, a constant before them, and the penalty on their values."""
    size = blocks[0].hats.shape[0]
    x = np.concatenate([np.ones((size, 1)), *(b.centred(weight) for b in blocks)], axis=1)
    penalty = np.zeros((x.shape[1], x.shape[1]))
    at = 1
    for block in blocks:
        n = block.centre.size
        penalty[at : at + n, at : at + n] = block.penalty + 1e-6 * np.eye(n)
        at += n
    return x, penalty


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(v), 2) for v in values)


def _hats(places: Floats, values: Floats) -> Floats:
    inside = np.clip(values, places[0], places[-1])
    out = np.full((values.size, places.size), np.nan)
    seen = ~np.isnan(values)
    for i in range(places.size):
        unit = np.zeros(places.size)
        unit[i] = 1.0
        out[seen, i] = np.interp(inside[seen], places, unit)
    return out


def _bending(places: Sequence[float], curvature: float) -> Floats:
    """Penalty on second differences."""
    n = len(places)
    penalty = np.zeros((n, n))
    spacing = np.diff(places)
    for i, (before, after) in enumerate(pairwise(spacing)):
        row = np.zeros(n)
        scale = (before + after) / 2
        row[i : i + 3] = scale / before, -scale / before - scale / after, scale / after
        penalty += curvature * np.outer(row, row)
    return penalty


def _small(n: int, curvature: float) -> Floats:
    return _SMALL_RIDGE * curvature * np.eye(n)


def _odds(log_odds: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30)))


def _solve(x: Floats, penalty: Floats, y: Floats, weight: Floats) -> Floats:
    beta = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        p = _odds(x @ beta)
        w = weight * np.maximum(p * (1.0 - p), 1e-6)
        step = np.linalg.solve(x.T @ (x * w[:, None]) + penalty, x.T @ (weight * (y - p)) - penalty @ beta)
        beta += step
        if float(np.max(np.abs(step))) < 1e-8:
            break
    return beta
