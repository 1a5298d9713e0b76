"""A pipeline's state as bytes: what stood in several places is one thing again, what is damaged is refused."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from dsp.pipeline import Pipeline
from dsp.records import Site
from dsp.value import BadSnapshot, pack, unpack

SITES = (Site.LA, Site.RA, Site.TR)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Cannot change, and holds more of its kind."""

    name: str
    parts: tuple[_Pair, ...] = ()


@dataclass(slots=True)
class _Box:
    """Can change."""

    pairs: list[_Pair] = field(default_factory=list)
    column: np.ndarray[Any, np.dtype[np.float64]] = field(default_factory=lambda: np.zeros(0))


def _again(value: object) -> object:
    return unpack(pack(value), (_Pair, _Box))


def _retold(blob: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    tree = json.loads(zlib.decompress(blob))
    change(tree)
    return zlib.compress(json.dumps(tree).encode())


def test_what_cannot_change_and_stands_in_several_places_is_one_thing_again() -> None:
    leaf = _Pair("leaf")
    tree = _Pair("tree", (leaf, _Pair("other"), leaf))
    first, second = boxes = [_Box([tree, leaf]), _Box([leaf, tree])]
    found = _again(boxes)
    assert isinstance(found, list)
    assert [box.pairs for box in found] == [first.pairs, second.pairs]
    kept = found[0].pairs[0]
    assert found[1].pairs[1] is kept
    assert found[0].pairs[1] is found[1].pairs[0] is kept.parts[0] is kept.parts[2]


def test_what_can_change_stays_several_things() -> None:
    box = _Box([_Pair("a")], np.array([1.5, -0.0]))
    found = _again([box, box])
    assert isinstance(found, list)
    assert found[0] is not found[1]
    assert found[0].column is not found[1].column
    assert found[0].column.tobytes() == found[1].column.tobytes() == box.column.tobytes()


def test_a_restored_pipeline_holds_its_settings_once() -> None:
    blob = Pipeline("i", SITES, age_days=90).snapshot()
    assert zlib.decompress(blob).count(b'"c":"Settings"') == 1
    assert Pipeline.restore(blob).snapshot() == blob


def test_the_format_before_this_one_is_read() -> None:
    rows = [{"c": "_Pair", "f": ["a", {"t": [{"c": "_Pair", "f": ["b", {"t": []}]}]}]}, 0.1]
    before = _retold(pack(0), lambda tree: tree.update(format=2, value=rows))
    assert unpack(before, (_Pair,)) == [_Pair("a", (_Pair("b"),)), 0.1]


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree.update(format=4),
        lambda tree: tree.update(value={"r": 0}),
        lambda tree: tree.update(value=[{"c": "_Pair", "f": ["a", {"t": []}], "n": 0}, {"r": 1}]),
        lambda tree: tree.update(value=[{"c": "_Pair", "f": ["a", {"t": []}], "n": 0}, {"r": -1}]),
        lambda tree: tree.update(value={"c": "_Pair", "f": []}),
        lambda tree: tree.update(value={"c": "_Pair", "f": ["a", {"t": []}, 1]}),
        lambda tree: tree.update(value={"c": "Path", "f": ["a"]}),
    ],
    ids=[
        "newer format",
        "nothing before",
        "later thing",
        "before the first",
        "a field that has no default",
        "more fields",
        "unknown class",
    ],
)
def test_a_tree_that_cannot_be_is_refused_with_the_remedy(change: Callable[[dict[str, Any]], None]) -> None:
    blob = _retold(pack(_Pair("a")), change)
    with pytest.raises(BadSnapshot, match="replay the night from its start"):
        unpack(blob, (_Pair,))


def test_a_state_of_before_a_field_was_there_is_gone_on_from_with_its_default() -> None:
    blob = _retold(pack(_Pair("a")), lambda tree: tree.update(value={"c": "_Pair", "f": ["a"]}))
    assert unpack(blob, (_Pair,)) == _Pair("a")
