"""The pipeline's state as bytes: a tree of plain data, numpy arrays and the dataclasses it is made of.

Nothing executable is stored: a class is named by a word and looked up in the list its reader allows.
Floats keep every bit (JSON with shortest round-trip digits), so a restored state continues exactly.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from typing import Any, Final

import numpy as np

__all__ = ["PASSING", "BadSnapshot", "pack", "unpack"]

_FORMAT = 2
"""Rises when a stored tree can no longer be read as before."""

PASSING: Final = {"stored": False}
"""Metadata of a field that is no state: it is not stored, and has its default after reading."""


class BadSnapshot(ValueError):
    """The bytes are no snapshot of this version's pipeline."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not a snapshot of this pipeline ({why}); replay the night from its start instead")


def pack(value: object) -> bytes:
    """Bytes of a tree of plain values, enums, arrays and dataclasses."""
    text = json.dumps({"format": _FORMAT, "value": _lower(value)}, separators=(",", ":"))
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
    if not isinstance(tree, dict) or tree.get("format") != _FORMAT:
        raise BadSnapshot("another format")
    return _lift(tree["value"], known)


def _lower(value: object) -> object:
    if isinstance(value, Enum):
        return {"e": type(value).__name__, "v": value.value}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        raw = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"a": value.dtype.str, "s": list(value.shape), "b": raw}
    if isinstance(value, list):
        return [_lower(v) for v in value]
    if isinstance(value, tuple):
        return {"t": [_lower(v) for v in value]}
    if isinstance(value, dict):
        return {"d": [[_lower(k), _lower(v)] for k, v in value.items()]}
    if is_dataclass(value):
        return {"c": type(value).__name__, "f": [_lower(getattr(value, f.name)) for f in _stored(value)]}
    raise TypeError(type(value).__name__)


def _lift(tree: object, known: dict[str, type]) -> object:
    if isinstance(tree, list):
        return [_lift(v, known) for v in tree]
    if not isinstance(tree, dict):
        return tree
    if "a" in tree:
        flat = np.frombuffer(base64.b64decode(tree["b"]), dtype=np.dtype(tree["a"]))
        return flat.reshape(tree["s"]).copy()
    if "t" in tree:
        return tuple(_lift(v, known) for v in tree["t"])
    if "d" in tree:
        return {_lift(k, known): _lift(v, known) for k, v in tree["d"]}
    return _lift_named(tree, known)


def _lift_named(tree: dict[str, Any], known: dict[str, type]) -> object:
    name = tree.get("c", tree.get("e"))
    if name not in known:
        raise BadSnapshot("unknown class")
    if "e" in tree:
        return known[name](tree["v"])
    names = [f.name for f in _stored(known[name])]
    if len(names) != len(tree["f"]):
        raise BadSnapshot("another version")
    return known[name](**{n: _lift(v, known) for n, v in zip(names, tree["f"], strict=True)})


def _stored(kind: Any) -> list[Field[Any]]:  # noqa: ANN401 - a dataclass or a value of one, whichever
    return [f for f in fields(kind) if f.metadata.get("stored", True)]
