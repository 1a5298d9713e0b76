"""Samples as one table, CSV or Parquet: a row for each sample, nothing where there is none.

Columns: `time_ns`, `site`, `acc_x_g acc_y_g acc_z_g`, `gyro_x_dps gyro_y_dps gyro_z_dps`; sorted by site, then time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Scale, Site, Stretch
from store.errors import BadRecording
from store.frames import polars_for, read_frame, readable
from store.quantities import counted
from store.recording import AtRest
from store.samples import implied_stretch, times_of

__all__ = ["read_table", "write_samples"]

_FORMAT = 1
"""version of the sidecar"""

_ACC = ("acc_x_g", "acc_y_g", "acc_z_g")
_GYRO = ("gyro_x_dps", "gyro_y_dps", "gyro_z_dps")

_COLUMNS = {
    "time_ns": "time of the sample in ns: UTC since 1970, or on the recording's own clock where no date is known",
    "site": f"where on the body the sensor sat: {', '.join(Site)}",
    **{name: f"acceleration along {name[4]} in g, gravity included" for name in _ACC},
    **{
        name: f"angular rate about {name[5]} in degrees per second; empty without a gyroscope"
        for name in _GYRO
    },
}

_TIMES = ("time_ns", "time_s", "time")
"""Names of a column of time that are understood: nanoseconds, seconds, a date with time (ISO 8601)."""

_DATE_FROM_NS = 10**17
"""Nanoseconds from which a time is one of the calendar (March 1973) and not one from a recording's start."""

_FAR_NS = 2**62
"""Nanoseconds beyond which a number is no time: the year 2116."""

_FAR_S = _FAR_NS / NS

_SEPARATORS = ("\t", ";", ",")

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _About:
    """What the sidecar says."""

    infant: str
    zone: str
    start_ns: int
    """`time_ns` at the recording's start"""
    t0_ns: int
    """data time at the recording's start"""
    is_utc: bool
    scales: dict[Site, list[tuple[int, Scale]]]
    """g and deg/s of a count by site, each with the `time_ns` it holds from"""


def write_samples(
    recording: AtRest, path: Path, *, on_progress: Callable[[float], None] = lambda _: None
) -> list[Path]:
    """Write every sample as CSV or Parquet, by the name's ending, with a JSON file of the same name beside it.

    Raises:
        ExtraMissing: when polars is not installed.
        ValueError: for a recording without samples.
    """
    if not recording.stretches:
        message = "a recording without samples has nothing to write"
        raise ValueError(message)
    pl = polars_for(path)
    start_ns = recording.t0_ns if recording.start_utc_ns is None else recording.start_utc_ns
    frames = _frames(pl, recording, start_ns - recording.t0_ns)
    seconds = (recording.end_ns - recording.t0_ns) / NS / len(recording.sites)
    if path.suffix == ".parquet":
        parts = []
        for frame in frames:
            parts.append(frame)
            on_progress(seconds)
        pl.concat(parts).write_parquet(path, compression="zstd")
    else:
        with path.open("wb") as file:
            for number, frame in enumerate(frames):
                frame.write_csv(file, include_header=number == 0)
                on_progress(seconds)
    described = path.with_suffix(".json")
    described.write_text(json.dumps(_document(recording, start_ns), indent=2) + "\n", encoding="utf-8")
    return [path, described]


def _frames(pl: Any, recording: AtRest, to_time_ns: int) -> Iterator[Any]:  # noqa: ANN401 - polars
    for site in recording.sites:
        parts = []
        for stretch in (s for s in recording.stretches if s.site is site):
            times_ns, places = times_of(stretch)
            values = _values(stretch, places)
            columns = {"time_ns": times_ns + to_time_ns, **dict(zip((*_ACC, *_GYRO), values.T, strict=False))}
            frame = pl.DataFrame(columns).with_columns(
                pl.lit(str(site)).alias("site"),
                *(pl.lit(None, dtype=pl.Float32).alias(name) for name in (*_ACC, *_GYRO)[values.shape[1] :]),
            )
            parts.append(frame.select(list(_COLUMNS)))
        yield pl.concat(parts).sort("time_ns", maintain_order=True)


def _values(stretch: Stretch, places: NDArray[np.int64]) -> NDArray[np.float32]:
    axes = stretch.counts.shape[1]
    factors = np.array([stretch.scale.acc_g] * 3 + [stretch.scale.gyro_dps] * (axes - 3))
    return np.asarray(stretch.counts[places] * factors, dtype=np.float32)


def _document(recording: AtRest, start_ns: int) -> dict[str, Any]:
    to_time_ns = start_ns - recording.t0_ns
    return {
        "format": _FORMAT,
        "infant": recording.infant,
        "zone": recording.zone,
        "clock": "recording" if recording.start_utc_ns is None else "utc",
        "start_ns": start_ns,
        "t0_ns": recording.t0_ns,
        "scales": [
            {
                "site": str(s.site),
                "from_ns": s.t0_ns + to_time_ns,
                "acc_g": s.scale.acc_g,
                "gyro_dps": s.scale.gyro_dps,
            }
            for s in recording.stretches
        ],
        "columns": {name: {"Description": text} for name, text in _COLUMNS.items()},
    }


def read_table(
    path: Path | str, *, site: Site | None = None, infant: str = "infant", zone: str = "UTC"
) -> AtRest:
    """Read samples from a CSV (comma, semicolon or tab) or Parquet file, ours or one with columns of these names.

    Time may also come as `time_s` (seconds) or `time` (ISO 8601, in `zone` where it names none); other columns
    are left out with a remark. Rows without acceleration are no samples.

    Args:
        path: `.parquet`, or text.
        site: where the sensor sat, for a table without the column `site`.
        infant: id to read it under, where no sidecar says it.
        zone: time zone, where no sidecar says it.

    Raises:
        BadRecording: naming the file, what is wrong with it and the remedy.
        BadTable: for a line that cannot be read.
        ExtraMissing: when polars is not installed.
    """
    path = Path(path)
    about = _sidecar(path)
    pl = polars_for(path)
    frame, remarks = _frame(path)
    times_ns, is_utc = _times(path, frame, zone if about is None else about.zone)
    start_ns = about.start_ns if about else int(times_ns.min()) if len(times_ns) else 0
    t0_ns = about.t0_ns if about else 0
    frame = _with_sites(path, pl, frame, site).with_columns(pl.Series("time_ns", times_ns))
    stretches = [
        s
        for at in Site
        if (mine := frame.filter(pl.col("site") == str(at))).height
        for s in _of_site(path, at, mine, start_ns - t0_ns, about, remarks)
    ]
    is_utc = about.is_utc if about else is_utc
    return AtRest(
        infant=about.infant if about else infant,
        zone=about.zone if about else zone,
        start_utc_ns=start_ns if is_utc else None,
        t0_ns=t0_ns,
        stretches=tuple(sorted(stretches, key=lambda s: (s.t0_ns, s.site))),
        remarks=tuple(remarks),
    )


def _frame(path: Path) -> tuple[Any, list[str]]:
    pl = polars_for(path)
    with readable(path):
        if path.suffix == ".parquet":
            names = list(pl.read_parquet_schema(path))
            frame = pl.read_parquet(path, columns=[n for n in names if n in _known()])
        else:
            header = _header(path)
            names, separator = header
            schema = {name: _type(pl, name) for name in names}
            frame = read_frame(path, schema, separator=separator)
    if missing := [name for name in _ACC if name not in names]:
        remedy = f"The columns are {', '.join(_COLUMNS)}; see docs/recordings.md."
        raise BadRecording(path, f"has no column {', '.join(missing)}", remedy)
    if any(name in names for name in _GYRO) and not all(name in names for name in _GYRO):
        raise BadRecording(path, "has not all three columns of angular rate", f"They are {', '.join(_GYRO)}.")
    remarks = [f"column {name!r} was left out" for name in names if name not in _known()]
    return _typed(path, pl, frame.select(n for n in names if n in _known())), remarks


def _known() -> set[str]:
    return {*_COLUMNS, *_TIMES}


def _header(path: Path) -> tuple[list[str], str]:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        line = file.readline(10_000).rstrip("\r\n")
    separator = next((s for s in _SEPARATORS if s in line), ",")
    names = line.split(separator)
    if len(set(names)) != len(names):
        raise BadRecording(path, "two columns have the same name", f"The columns are {', '.join(_COLUMNS)}.")
    return names, separator


def _type(pl: Any, name: str) -> Any:  # noqa: ANN401 - polars
    if name == "time_ns":
        return pl.Int64
    return pl.Float64 if name == "time_s" or name in (*_ACC, *_GYRO) else pl.String


def _typed(path: Path, pl: Any, frame: Any) -> Any:  # noqa: ANN401 - polars
    """The frame with numbers where numbers belong, whatever a Parquet file calls them."""
    with readable(path):
        plain = (pl.Float32, pl.Float64)
        numbers = [
            pl.col(n).cast(pl.Float64)
            for n in (*_ACC, *_GYRO, "time_s")
            if n in frame.columns and frame.schema[n] not in plain
        ]
        whole = [pl.col("time_ns").cast(pl.Int64)] if "time_ns" in frame.columns else []
        texts = [pl.col("site").cast(pl.String)] if "site" in frame.columns else []
        return frame.with_columns(*numbers, *whole, *texts)


def _times(path: Path, frame: Any, zone: str) -> tuple[NDArray[np.int64], bool]:  # noqa: ANN401 - polars
    """Nanoseconds of every row, and whether they are of the calendar."""
    name = next((name for name in _TIMES if name in frame.columns), None)
    if name is None:
        raise BadRecording(path, "has no column of time", f"It is one of {', '.join(_TIMES)}.")
    column = frame[name]
    if column.null_count():
        row = int(column.is_null().arg_max() or 0) + 1
        raise BadRecording(path, f"row {row} has no time", "Leave out rows without a sample.")
    if name == "time":
        return _from_dates(path, column, zone), True
    if name == "time_s":
        seconds = column.to_numpy()
        if not np.all(np.abs(seconds) < _FAR_S):
            raise BadRecording(path, "time_s is not in seconds", "Give it in seconds, or use time_ns.")
        times_ns = np.rint(seconds * NS).astype(np.int64)
    else:
        times_ns = column.to_numpy().astype(np.int64)
        if len(times_ns) and int(np.abs(times_ns).max()) >= _FAR_NS:
            raise BadRecording(path, "time_ns is not in nanoseconds", "Give nanoseconds, or use time_s.")
    return times_ns, bool(len(times_ns)) and int(times_ns.min()) > _DATE_FROM_NS


def _from_dates(path: Path, column: Any, zone: str) -> NDArray[np.int64]:  # noqa: ANN401 - polars
    pl = polars_for(path)
    with readable(path):
        if column.dtype == pl.String:
            column = column.str.replace(" ", "T", literal=True)
            aware = bool(column.str.contains(r"(Z|[+-]\d\d:?\d\d)$").all())
            column = column.str.to_datetime(time_unit="ns", time_zone="UTC" if aware else None)
        else:
            column = column.cast(pl.Datetime("ns", getattr(column.dtype, "time_zone", None)))
        if getattr(column.dtype, "time_zone", None) is None:
            column = column.dt.replace_time_zone(
                ZoneInfo(zone).key, ambiguous="earliest", non_existent="null"
            )
        if column.null_count():
            raise BadRecording(path, "a time does not exist in the zone", "Give times in UTC.")
        return np.asarray(column.dt.timestamp("ns").to_numpy(), dtype=np.int64)


def _with_sites(path: Path, pl: Any, frame: Any, site: Site | None) -> Any:  # noqa: ANN401 - polars
    if "site" not in frame.columns:
        if site is None:
            remedy = f"Say where the sensor sat with --site, one of {', '.join(Site)}."
            raise BadRecording(path, "has no column site", remedy)
        return frame.with_columns(pl.lit(str(site)).alias("site"))
    strange = set(frame["site"].unique().to_list()) - {str(s) for s in Site}
    if strange:
        named = ", ".join(sorted(map(repr, strange)))
        raise BadRecording(path, f"unknown site {named}", f"Sites are {', '.join(Site)}.")
    return frame


def _of_site(
    path: Path,
    site: Site,
    frame: Any,  # noqa: ANN401 - polars
    zero_ns: int,
    about: _About | None,
    remarks: list[str],
) -> Iterator[Stretch]:
    times_ns = frame["time_ns"].to_numpy()
    acc = _floats(frame, _ACC)
    gyro = _floats(frame, _GYRO) if _GYRO[0] in frame.columns else np.full_like(acc, np.nan)
    triples = [acc, gyro] if np.isfinite(gyro).any() else [acc]
    there = np.isfinite(np.hstack(triples)).all(axis=1)
    if not there.all():
        remarks.append(f"{site}: {int((~there).sum())} rows without all axes are no samples")
    known = about.scales.get(site, []) if about else []
    edges = [from_ns for from_ns, _ in known[1:]]
    part = np.searchsorted(edges, times_ns, side="right")
    for number in np.unique(part[there]).tolist():
        rows = there & (part == number)
        scale = known[number][1] if known else None
        counts, per = _counted([t[rows] for t in triples], scale)
        yield implied_stretch(path, site, f"table-{site}", times_ns[rows] - zero_ns, counts, per)


def _floats(frame: Any, names: Sequence[str]) -> _Floats:  # noqa: ANN401 - polars
    with np.errstate(invalid="ignore"):  # damaged bytes may be a signalling NaN: missing, as every other one
        return np.asarray(frame.select(names).to_numpy().astype(np.float64))


def _counted(triples: Sequence[_Floats], scale: Scale | None) -> tuple[NDArray[np.int16], Scale]:
    steps = (scale.acc_g, scale.gyro_dps) if scale else (None, None)
    found = [counted(triple, step or None) for triple, step in zip(triples, steps, strict=False)]
    counts = np.hstack([c for c, _ in found])
    return counts, Scale(found[0][1], found[1][1] if len(found) > 1 else 0.0)


def _check_times(times: Sequence[int]) -> None:
    if any(abs(t_ns) >= _FAR_NS for t_ns in times):
        message = "a time in it is none"
        raise ValueError(message)


def _sidecar(path: Path) -> _About | None:
    described = path.with_suffix(".json")
    if not described.exists():
        return None
    try:
        document = json.loads(described.read_text(encoding="utf-8"))
        if document["format"] > _FORMAT:
            raise BadRecording(
                described, "written by a newer version", "Install the newer version to read it."
            )
        scales: dict[Site, list[tuple[int, Scale]]] = {}
        for row in document["scales"]:
            scale = Scale(float(row["acc_g"]), float(row["gyro_dps"]))
            scales.setdefault(Site(row["site"]), []).append((int(row["from_ns"]), scale))
        zone = ZoneInfo(document["zone"]).key
        times = [int(document["start_ns"]), int(document["t0_ns"])]
        times += [from_ns for rows in scales.values() for from_ns, _ in rows]
        _check_times(times)
        return _About(
            str(document["infant"]),
            zone,
            int(document["start_ns"]),
            int(document["t0_ns"]),
            document["clock"] == "utc",
            scales,
        )
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        remedy = "Bring it back, or move it away to read the table without it."
        raise BadRecording(described, f"cannot be read ({error!r})", remedy) from error
