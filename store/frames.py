"""Large tables of numbers, read with polars and with errors that name the line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from store.errors import BadRecording, BadTable, ExtraMissing
from store.tables import NOT_KNOWN

__all__ = ["polars_for", "read_frame", "read_numbers", "readable"]

_EXTRA = "tables"


def polars_for(path: Path) -> Any:  # noqa: ANN401 - the module itself, imported only when such a file is met
    """The module polars; ExtraMissing naming the file and the extra where it is not installed."""
    try:
        import polars as pl
    except ImportError as error:
        raise ExtraMissing(path, "polars", _EXTRA) from error
    return pl


def read_numbers(path: Path, width: int, columns: Sequence[int]) -> NDArray[np.float64]:
    """Some columns of a table of `width` columns of numbers without a header, shape (rows, columns).

    Separated by tabs; NaN for what is `n/a`. Raises BadTable for a line with anything else, BadRecording for a
    file that cannot be read, ExtraMissing without polars.
    """
    pl = polars_for(path)
    names = [f"column_{i + 1}" for i in range(width)]
    frame = read_frame(path, dict.fromkeys(names, pl.Float64), separator="\t", has_header=False)
    return np.column_stack([frame[names[i]].to_numpy() for i in columns]).astype(np.float64)


def read_frame(
    path: Path, schema: Mapping[str, Any], *, separator: str = ",", has_header: bool = True
) -> Any:  # noqa: ANN401 - a polars.DataFrame
    """A table whose columns have the types of `schema`; null for cells that are empty or `n/a`.

    Raises BadTable naming the line, BadRecording, or ExtraMissing without polars.
    """
    pl = polars_for(path)
    options: dict[str, Any] = {
        "separator": separator,
        "has_header": has_header,
        "null_values": [NOT_KNOWN, ""],
        "quote_char": None,
    }
    with readable(path):
        if not path.read_bytes()[:1]:
            raise BadRecording(path, "is empty", "Fetch it again from its source.")
        try:
            return pl.read_csv(path, schema=dict(schema), **options)
        except (pl.exceptions.PolarsError, ValueError, OverflowError):
            _name_the_line(path, schema, has_header, separator)
            raise


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What reading a file can raise as BadRecording naming it."""
    pl = polars_for(path)
    try:
        yield
    except FileNotFoundError as error:
        raise BadRecording(path, "there is no such file", "Check the name.") from error
    except (pl.exceptions.PolarsError, OSError, ValueError, OverflowError) as error:
        remedy = "Fetch the file again from its source, or export it anew."
        raise BadRecording(path, f"cannot be read ({_first_line(error)})", remedy) from error
    except BaseException as error:
        # polars is Rust: what it did not expect of a file comes as this one, which is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        remedy = "Fetch the file again from its source, or export it anew."
        raise BadRecording(path, "is damaged; the library that reads it gave up", remedy) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _name_the_line(path: Path, schema: Mapping[str, Any], has_header: bool, separator: str) -> None:
    """Raise BadTable for the first line that is not of the schema; slow, and only asked after a failure."""
    pl = polars_for(path)
    texts = {pl.String, pl.Categorical}
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if number == 1 and has_header:
                continue
            cells = line.rstrip("\r\n").split(separator)
            if len(cells) != len(schema):
                raise BadTable(path, number, f"{len(cells)} cells, not {len(schema)}")
            for (name, kind), cell in zip(schema.items(), cells, strict=True):
                if kind not in texts and cell not in ("", NOT_KNOWN):
                    _check_number(path, number, name, cell, whole=kind == pl.Int64)


def _check_number(path: Path, line: int, name: str, cell: str, *, whole: bool) -> None:
    try:
        if whole and abs(int(cell)) < 2**63:
            return
        if not whole:
            float(cell)
            return
    except ValueError:
        pass
    raise BadTable(path, line, f"{name} is {cell[:40]!r}, no {'whole ' if whole else ''}number")
