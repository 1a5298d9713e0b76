"""The pipeline's state as bytes: a tree of plain data, numpy arrays and the dataclasses it is made of.

Nothing executable is stored: a class is named by a word and looked up in the list its reader allows.
Floats keep every bit (JSON with shortest round-trip digits), so a restored state continues exactly.
What cannot change and stood in several places (the settings stand in five) is one thing again after reading, in
trees of format 3: copies took 0.5 MB of each state that was gone on from. Fields have no names there: one that is new
stands behind the others and has a default, so that a night that was begun before it can be gone on with.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any, Final

import numpy as np

__all__ = ["PASSING", "BadSnapshot", "pack", "unpack"]

_FORMAT = 3
"""Rises when a tree that is stored can no longer be read by what came before."""
_READ = (2, _FORMAT)
"""2 repeats what stands in several places."""

PASSING: Final = {"stored": False}
"""Metadata of a field that is no state: it is not stored, and has its default after reading."""


class BadSnapshot(ValueError):
    """The bytes are no snapshot of this version's pipeline."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not a snapshot of this pipeline ({why}); replay the night from its start instead")


def pack(value: object) -> bytes:
    """Bytes of a tree of plain values, enums, arrays and dataclasses."""
    text = json.dumps({"format": _FORMAT, "value": _lower(value, {})}, separators=(",", ":"))
    return zlib.compress(text.encode(), 1)


def unpack(blob: bytes, types: Iterable[type]) -> object:
    """The tree that `pack` was given; only classes among `types` are made.

    Raises:
        BadSnapshot: the bytes are damaged, of another format, or name an unknown class.
    """
    known = {t.__name__: t for t in types}
    try:
        tree = json.loads(zlib.decompress(blob))
    except (zlib.error, ValueError) as error:
        raise BadSnapshot("damaged bytes") from error
    if not isinstance(tree, dict) or tree.get("format") not in _READ:
        raise BadSnapshot("another format")
    return _Lifting(known).of(tree["value"])


def _lower(value: object, stored: dict[int, int]) -> object:
    """A value as JSON can hold it; `stored` are the unchangeable ones before it: number by identity."""
    if isinstance(value, Enum):
        return {"e": type(value).__name__, "v": value.value}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        raw = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"a": value.dtype.str, "s": list(value.shape), "b": raw}
    if isinstance(value, list):
        return [_lower(v, stored) for v in value]
    if isinstance(value, tuple):
        return {"t": [_lower(v, stored) for v in value]}
    if isinstance(value, dict):
        return {"d": [[_lower(k, stored), _lower(v, stored)] for k, v in value.items()]}
    if is_dataclass(value):
        return _lower_named(value, stored)
    raise TypeError(type(value).__name__)


def _lower_named(value: Any, stored: dict[int, int]) -> object:  # noqa: ANN401 - any dataclass
    if id(value) in stored:
        return {"r": stored[id(value)]}
    row: dict[str, object] = {
        "c": type(value).__name__,
        "f": [_lower(getattr(value, f.name), stored) for f in _fields(value)],
    }
    if value.__dataclass_params__.frozen:
        row["n"] = stored[id(value)] = len(stored)
    return row


class _Lifting:
    """Values from what JSON holds of them; those with a number may be meant again further on."""

    def __init__(self, known: dict[str, type]) -> None:
        self._known = known
        self._made: dict[object, object] = {}

    def of(self, tree: object) -> object:
        """The value of a tree.

        Raises:
            BadSnapshot: it names a class that is not known, or what was not made before.
        """
        if isinstance(tree, list):
            return [self.of(v) for v in tree]
        if not isinstance(tree, dict):
            return tree
        if "a" in tree:
            flat = np.frombuffer(base64.b64decode(tree["b"]), dtype=np.dtype(tree["a"]))
            return flat.reshape(tree["s"]).copy()
        if "t" in tree:
            return tuple(self.of(v) for v in tree["t"])
        if "d" in tree:
            return {self.of(k): self.of(v) for k, v in tree["d"]}
        if "r" in tree:
            return self._again(tree["r"])
        return self._named(tree)

    def _again(self, number: int) -> object:
        if number not in self._made:
            raise BadSnapshot("damaged tree")
        return self._made[number]

    def _named(self, tree: dict[str, Any]) -> object:
        name = tree.get("c", tree.get("e"))
        if name not in self._known:
            raise BadSnapshot("unknown class")
        kind = self._known[name]
        if "e" in tree:
            return kind(tree["v"])
        known, given = _fields(kind), tree["f"]
        if len(given) > len(known) or not all(_has_default(f) for f in known[len(given) :]):
            raise BadSnapshot("another version")
        value = kind(**{f.name: self.of(v) for f, v in zip(known, given, strict=False)})
        if "n" in tree:
            self._made[tree["n"]] = value
        return value


def _has_default(field: Field[Any]) -> bool:
    """Whether a state of before this field was there can be gone on from: it stands behind all others."""
    return field.default is not MISSING or field.default_factory is not MISSING


def _fields(kind: Any) -> list[Field[Any]]:  # noqa: ANN401 - a dataclass or a value of one, whichever
    return [f for f in fields(kind) if f.metadata.get("stored", True)]
