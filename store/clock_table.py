"""The exact segment table of an EDF+ file: the sidecar that gives back the segments that were written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dsp.records import Scale, Segment, Site
from store.errors import BadRecording, BadTable

__all__ = [
    "ClockFacts",
    "ClockTable",
    "Kind",
    "Placed",
    "read_clock_table",
    "sidecars_of",
    "write_clock_table",
]

_FORMAT = 1
"""version of the two sidecars"""

_ROWS_AT_ONCE = 20_000
"""Rows taken apart together: their words then need a few megabytes."""

_FAR_NS = 2**62
"""Nanoseconds beyond which a number is no time."""

_COLUMNS = {
    "site": "where on the body the sensor sat",
    "sensor": "id of the sensor",
    "boot": "random number the sensor drew at its start",
    "seq": "number of the packet since the sensor's start",
    "sample_index": "place of the segment's first sample in the site's signals of the EDF+ file",
    "n": "number of samples; every other sample of the signals is filling",
    "t0_ns": "data time of the first sample in nanoseconds",
    "step_ns": "time from sample to sample in nanoseconds",
    "flags": "1 clipped, 2 first after a restart of the sensor, 4 fetched from its backlog",
    "acc_g": "acceleration of one count in g",
    "gyro_dps": "angular rate of one count in degrees per second",
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A segment and the place of its first sample in its site's signals."""

    segment: Segment
    sample_index: int


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """What holds for a whole file."""

    infant: str
    zone: str
    start_utc_ns: int | None
    """UTC at `t0_ns`"""
    t0_ns: int
    """data time of the recording's start, the same for all runs of a recording"""
    file_t0_ns: int
    """data time of sample 0 of this file"""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a row shares with the other rows of the same start of a sensor."""

    site: Site
    sensor: str
    boot: int
    scale: Scale


@dataclass(frozen=True, slots=True, eq=False)
class ClockTable:
    """Both sidecars of one file: columns with one place for each segment, as a night has hundreds of thousands."""

    facts: ClockFacts
    kinds: tuple[Kind, ...]
    kind: NDArray[np.int64]
    """index in `kinds`"""
    seq: NDArray[np.int64]
    sample_index: NDArray[np.int64]
    n: NDArray[np.int64]
    t0_ns: NDArray[np.int64]
    step_ns: NDArray[np.int64]
    flags: NDArray[np.int64]


def sidecars_of(edf: Path) -> tuple[Path, Path]:
    """Where the table and its description of an EDF+ file lie."""
    return edf.with_name(edf.stem + "_clock.tsv"), edf.with_name(edf.stem + "_clock.json")


def write_clock_table(edf: Path, facts: ClockFacts, placed: Iterable[Placed]) -> None:
    """Write both sidecars beside `edf`."""
    tsv, described = sidecars_of(edf)
    lines = ["\t".join(_COLUMNS)] + [_line(p) for p in placed]
    tsv.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    document = {
        "format": _FORMAT,
        "infant": facts.infant,
        "zone": facts.zone,
        "start_utc_ns": facts.start_utc_ns,
        "t0_ns": facts.t0_ns,
        "file_t0_ns": facts.file_t0_ns,
        "columns": {name: {"Description": text} for name, text in _COLUMNS.items()},
    }
    described.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _line(placed: Placed) -> str:
    s = placed.segment
    values = (
        str(s.site), s.sensor, s.boot, s.seq, placed.sample_index, s.n, s.t0_ns, s.step_ns, int(s.flags),
        repr(float(s.scale.acc_g)), repr(float(s.scale.gyro_dps)),
    )  # fmt: skip
    return "\t".join(map(str, values))


def read_clock_table(edf: Path) -> ClockTable | None:
    """Both sidecars of a file, or None when the table is not there.

    Raises BadTable with the number of a line that cannot be read, BadRecording when the description is
    missing or of a newer format.
    """
    tsv, described = sidecars_of(edf)
    if not tsv.exists():
        return None
    facts = _read_facts(described)
    names: dict[tuple[str, ...], int] = {}
    columns = []
    first = 1
    try:
        with tsv.open(encoding="utf-8") as file:
            if file.readline().rstrip("\n").split("\t") != list(_COLUMNS):
                raise BadTable(tsv, 1, f"the columns are not {' '.join(_COLUMNS)}")
            first = 2
            while rows := [row.rstrip("\n") for row in islice(file, _ROWS_AT_ONCE)]:
                columns.append(_columns(tsv, rows, first, names))
                first += len(rows)
    except (OSError, UnicodeDecodeError) as error:
        raise BadTable(tsv, first, f"cannot be read from there on ({error})") from error
    whole = np.concatenate([np.zeros((7, 0), dtype=np.int64), *columns], axis=1)
    return ClockTable(facts, tuple(_kind(name) for name in names), *whole)


def _columns(path: Path, rows: list[str], first: int, names: dict[tuple[str, ...], int]) -> NDArray[np.int64]:
    """The integers of some rows, shape (7, n): the kind's number, then the columns as `ClockTable` has them."""
    try:
        cells = zip(*(row.split("\t") for row in rows), strict=True)
        site, sensor, boot, seq, index, n, t0_ns, step_ns, flags, acc_g, gyro_dps = cells
        known = len(names)
        kinds = [
            names.setdefault(name, len(names))
            for name in zip(site, sensor, boot, acc_g, gyro_dps, strict=True)
        ]
        for name in list(names)[known:]:
            _kind(name)
        integers = [[*map(int, column)] for column in (seq, index, n, t0_ns, step_ns, flags)]
        return np.array([kinds, *integers], dtype=np.int64)
    except (ValueError, OverflowError):
        for number, row in enumerate(rows, start=first):
            _check(path, number, row)
        raise


def _kind(name: tuple[str, ...]) -> Kind:
    site, sensor, boot, acc_g, gyro_dps = name
    return Kind(Site(site), sensor, int(boot), Scale(float(acc_g), float(gyro_dps)))


def _read_facts(path: Path) -> ClockFacts:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] > _FORMAT:
            raise BadRecording(path, "written by a newer version", "Install the newer version to read it.")
        return ClockFacts(
            infant=str(document["infant"]),
            zone=ZoneInfo(document["zone"]).key,
            start_utc_ns=None if document["start_utc_ns"] is None else _time(document["start_utc_ns"]),
            t0_ns=_time(document["t0_ns"]),
            file_t0_ns=_time(document["file_t0_ns"]),
        )
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        remedy = "Bring it back, or move the _clock.tsv away to read the file at its nominal rate."
        raise BadRecording(path, f"cannot be read ({error!r})", remedy) from error


def _time(value: object) -> int:
    if isinstance(value, int) and abs(value) < _FAR_NS:
        return value
    message = f"{value!r} is no time in nanoseconds"
    raise ValueError(message)


def _check(path: Path, number: int, row: str) -> None:
    """Raise BadTable for a row that cannot be read."""
    try:
        site, sensor, boot, seq, index, n, t0_ns, step_ns, flags, acc_g, gyro_dps = row.split("\t")
        np.array([int(v) for v in (seq, index, n, t0_ns, step_ns, flags)], dtype=np.int64)
        _kind((site, sensor, boot, acc_g, gyro_dps))
    except (ValueError, OverflowError) as error:
        raise BadTable(path, number, f"cannot be read ({error})") from error
