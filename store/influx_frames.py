"""Answers of `GET /query` as columns: CSV by header name, through polars where it is installed, or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import Counts

__all__ = ["AXES", "Frame", "frames_of", "rows_of"]

AXES: Final = ("ax", "ay", "az", "gx", "gy", "gz")
_TAGS: Final = ("site", "sensor")


@dataclass(frozen=True, slots=True)
class Frame:
    """Points of one sensor in the order of time."""

    site: str
    sensor: str
    first_utc_ns: NDArray[np.int64]
    """time of each point that begins a packet"""
    heads: NDArray[np.int64]
    """place of those points"""
    described: Sequence[str]
    """what each of them says about its packet"""
    counts: Counts


def frames_of(body: bytes, kind: str) -> list[Frame]:
    """Sensors of an answer to a query for samples.

    Args:
        body: the answer.
        kind: its content type.
    """
    if "json" not in kind and find_spec("polars") is not None:
        return _fast_frames(body)
    sensors: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows_of(body, kind):
        sensors.setdefault((str(row["site"]), str(row["sensor"])), []).append(row)
    return [_frame(*sensor, rows) for sensor, rows in sensors.items()]


def rows_of(body: bytes, kind: str) -> Iterator[dict[str, Any]]:
    """Rows of an answer with their tags as further columns; what is not known is left out."""
    if "json" in kind:
        for result in json.loads(body).get("results", []):
            for series in result.get("series", []):
                tags = series.get("tags", {})
                for values in series.get("values", []):
                    row = zip(series["columns"], values, strict=True)
                    yield {**tags, **{name: value for name, value in row if value is not None}}
        return
    for cells in csv.DictReader(io.StringIO(body.decode())):
        known = {name: cell for name, cell in cells.items() if cell}
        yield {**_tags(known.pop("tags", "")), **known}


def _tags(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)


def _frame(site: str, sensor: str, rows: Sequence[dict[str, Any]]) -> Frame:
    axes = AXES if any("gx" in row for row in rows) else AXES[:3]
    heads = [i for i, row in enumerate(rows) if row.get("segment")]
    return Frame(
        site=site,
        sensor=sensor,
        first_utc_ns=np.array([int(rows[i]["time"]) for i in heads], dtype=np.int64),
        heads=np.array(heads, dtype=np.int64),
        described=[str(rows[i]["segment"]) for i in heads],
        counts=np.array([[int(row[name]) for name in axes] for row in rows], dtype=np.int16),
    )


def _fast_frames(body: bytes) -> list[Frame]:
    import polars as pl

    if not body.strip():
        return []
    header = body[: body.index(b"\n")].decode().split(",")
    numbers = dict.fromkeys(AXES, pl.Int16) | {"time": pl.Int64}
    wanted = [name for name in header if name in numbers or name in ("segment", "tags", *_TAGS)]
    table = pl.read_csv(
        body,
        columns=wanted,
        schema_overrides={name: numbers.get(name, pl.String) for name in wanted},
    )
    keys = ["tags"] if "tags" in wanted else [name for name in _TAGS if name in wanted]
    frames = []
    for key, part in table.partition_by(keys, as_dict=True, maintain_order=True).items():
        texts = [str(word) for word in key]
        tags = _tags(texts[0]) if keys == ["tags"] else dict(zip(keys, texts, strict=True))
        frames.append(_fast_frame(tags, part))
    return frames


def _fast_frame(tags: dict[str, str], part: Any) -> Frame:  # noqa: ANN401 - polars is imported only when needed
    described = part["segment"].fill_null("")
    heads = np.flatnonzero((described != "").to_numpy())
    axes = [name for name in AXES if name in part.columns and part[name].null_count() < part.height]
    return Frame(
        site=tags["site"],
        sensor=tags["sensor"],
        first_utc_ns=part["time"].to_numpy()[heads],
        heads=heads.astype(np.int64),
        described=described.gather(heads).to_list(),
        counts=np.column_stack([part[name].to_numpy() for name in axes]).astype(np.int16, copy=False),
    )
