"""Tab-separated tables as BIDS wants them: one header line, `n/a` for what is not known, a JSON sidecar."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from dsp.records import NS
from store.errors import BadTable

__all__ = ["NOT_KNOWN", "cells", "number", "parse_seconds", "read_rows", "seconds", "write_table"]

NOT_KNOWN = "n/a"

_MICRO_NS = 1000
_T = TypeVar("_T")


def seconds(time_ns: int) -> str:
    """Nanoseconds as seconds with six decimals, by integers alone: the same bytes on every machine."""
    micros = (abs(time_ns) + _MICRO_NS // 2) // _MICRO_NS
    sign = "-" if time_ns < 0 and micros else ""
    return f"{sign}{micros // 1_000_000}.{micros % 1_000_000:06d}"


def parse_seconds(text: str) -> int:
    """Seconds as written in a table to nanoseconds; ValueError for anything else."""
    value = float(text)
    if not math.isfinite(value):
        message = f"{text} is no time"
        raise ValueError(message)
    return round(value * NS)


def number(value: float | None) -> str:
    """Six significant digits, or `n/a`."""
    return NOT_KNOWN if value is None else f"{value:.6g}"


def write_table(
    path: Path,
    columns: Mapping[str, Mapping[str, Any]],
    rows: Iterable[Sequence[str]],
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write the table and its sidecar (same name, `.json`): `columns` maps each name to its description.

    Raises ValueError for a cell with a tab or a line break.
    """
    lines = ["\t".join(columns)]
    for row in rows:
        if any(set(cell) & set("\t\r\n") for cell in row):
            message = f"a cell of {path.name} holds a tab or a line break: {row}"
            raise ValueError(message)
        lines.append("\t".join(cell or NOT_KNOWN for cell in row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    document = {**(facts or {}), **columns}
    path.with_suffix(".json").write_text(
        json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline=""
    )


def read_rows(path: Path, required: Iterable[str], parse: Callable[[dict[str, str]], _T]) -> list[_T]:
    """Every row through `parse`, as a dict by column without the cells that are `n/a`.

    Raises BadTable with the line's number where a column is missing, cells are too few or too many, or `parse`
    raises ValueError or KeyError.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadTable(path, 1, f"cannot be read ({error})") from error
    header = lines[0].split("\t")
    if missing := [name for name in required if name not in header]:
        raise BadTable(path, 1, f"no column {', '.join(missing)}")
    parsed = []
    for line_number, line in enumerate(lines[1:], start=2):
        try:
            parsed.append(parse(cells(header, line)))
        except KeyError as error:
            raise BadTable(path, line_number, f"{error} is n/a but must be known") from error
        except ValueError as error:
            raise BadTable(path, line_number, str(error)) from error
    return parsed


def cells(header: Sequence[str], line: str) -> dict[str, str]:
    """One line by column name, without what is not known; ValueError when their numbers differ."""
    found = line.split("\t")
    if len(found) != len(header):
        message = f"{len(found)} cells under {len(header)} columns"
        raise ValueError(message)
    return {name: cell for name, cell in zip(header, found, strict=True) if cell not in ("", NOT_KNOWN)}
