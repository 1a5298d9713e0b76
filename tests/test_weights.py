"""Log-odds by one value, and by two together: what they say, whom it is put down to, and how pairs are found."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from dsp.settings import Settings
from dsp.weights import Pair, Table, weigh

BENCH = Path(__file__).resolve().parents[1] / "bench"
ODDS = st.floats(-5.0, 5.0)


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    knots = [draw(st.lists(st.integers(-40, 40), min_size=2, max_size=5, unique=True)) for _ in "ab"]
    first, second = (tuple(k / 10 for k in sorted(some)) for some in knots)
    row = st.lists(ODDS, min_size=len(second), max_size=len(second)).map(tuple)
    rows = draw(st.lists(row, min_size=len(first), max_size=len(first)))
    return Pair(("a", "b"), (first, second), tuple(rows))


@given(pairs(), st.floats(-6.0, 6.0), st.floats(-6.0, 6.0))
def test_a_pair_is_bilinear_between_its_knots_and_constant_beyond_them(
    pair: Pair, a: float, b: float
) -> None:
    whole = RegularGridInterpolator(pair.knots, np.array(pair.log_odds))
    inside = [np.clip(v, k[0], k[-1]) for v, k in zip((a, b), pair.knots, strict=True)]
    assert pair.at(a, b) == pytest.approx(whole(inside)[0], abs=1e-9)
    assert pair.at(a, b) <= pair.most + 1e-9


@given(pairs(), st.floats(-6.0, 6.0), st.floats(-6.0, 6.0))
def test_what_two_say_together_is_half_each_ones(pair: Pair, a: float, b: float) -> None:
    tables = tuple(Table(name, (0.0, 1.0), (-1.0, 1.0)) for name in "abc")
    values = {"a": a, "b": b, "c": 0.5}
    alone, both = weigh(tables, values), weigh(tables, values, [pair])
    more = [y.contribution - x.contribution for x, y in zip(alone, both, strict=True)]
    half = pytest.approx(pair.at(a, b) / 2, abs=1e-9)
    assert more == [half, half, 0.0]
    assert [(e.name, e.value) for e in both] == list(values.items())


def test_a_pair_of_which_one_could_not_be_measured_says_nothing() -> None:
    tables = tuple(Table(name, (0.0, 1.0), (-1.0, 1.0)) for name in "ab")
    pair = Pair(("a", "b"), ((0.0, 1.0), (0.0, 1.0)), ((3.0, 3.0), (3.0, 3.0)))
    for values in ({"a": 0.3}, {"b": 0.3}, {}):
        assert weigh(tables, values, [pair]) == weigh(tables, values)


def test_the_pairs_to_be_tried_are_of_measurements_that_have_a_table(settings: Settings) -> None:
    names = {t.name for t in settings.spasm_tables}
    told = [frozenset(p.names) for p in settings.spasm_pairs]
    assert told
    assert all(two <= names and len(two) == 2 for two in told)
    assert len(set(told)) == len(told)
    for pair in settings.spasm_pairs:
        first, second = pair.knots
        assert all(list(k) == sorted(set(k)) for k in (first, second))
        assert [len(row) for row in pair.log_odds] == [len(second)] * len(first)


def test_the_digest_changes_with_a_pair(settings: Settings) -> None:
    assert replace(settings, spasm_pairs=settings.spasm_pairs[1:]).digest != settings.digest


@pytest.fixture
def settings() -> Settings:
    given = msgspec.json.decode((BENCH / "pairs.json").read_bytes())
    return msgspec.convert({**asdict(Settings()), **given}, Settings)


@pytest.fixture
def fitting(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """bench/ is a folder of scripts that find each other there."""
    monkeypatch.syspath_prepend(str(BENCH))
    import tables

    yield tables
    sys.modules.pop("tables", None)


def test_a_pair_that_no_table_can_see_is_found_and_fitted(fitting: ModuleType) -> None:
    rng = np.random.default_rng(5)
    values = rng.uniform(-1.0, 1.0, (4000, 4))
    positive = (values[:, 1] * values[:, 3] > 0) & (rng.uniform(size=4000) < 0.5)
    rows = [dict(zip("abcd", map(float, row), strict=True)) for row in values]
    for row in rows[::50]:
        del row["b"]
    material = (dict.fromkeys("abcd", (-1.0, 0.0, 1.0)), rows, positive, np.ones(4000))
    how = {"curvature": 0.1, "pair_curvature": 0.1}
    names = fitting.find_pairs(*material, **how, most=1)
    assert names == [("b", "d")]
    assert len(fitting.find_pairs(*material, **how, most=99)) == 6, "all that there are, and no more"

    def apart(fit: ModuleType) -> float:
        odds = np.array([sum(e.contribution for e in weigh(fit.tables, row, fit.pairs)) for row in rows])
        return float(np.mean(odds[positive] > np.quantile(odds[~positive], 0.6)))

    alone = fitting.fit_tables(*material, curvature=0.1)
    together = fitting.fit_tables(*material, **how, pairs=names)
    assert alone.pairs == ()
    assert apart(alone) < 0.5 < 0.9 < apart(together)
    # Both are centred: what cannot be measured is neutral.
    (pair,) = together.pairs
    mean = np.mean([pair.at(row["b"], row["d"]) for row in rows if "b" in row])
    assert abs(mean) < 0.02
