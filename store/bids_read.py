"""Motion-BIDS datasets, ours and other people's, as recordings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Counts, Scale, Site, Stretch
from store.bids import LATENCY, OURS, PHASE_NS, TYPES, entities_of, site_of
from store.errors import BadRecording
from store.events_tsv import EventLine, StateLine, event_line, state_line
from store.frames import read_numbers
from store.quantities import UNITS, counted
from store.recording import AtRest
from store.samples import implied_stretch
from store.tables import read_rows

__all__ = ["BidsRecording", "motion_files", "read_dataset", "read_night"]

_SUFFIX = "_motion.tsv"

_TOO_BIG_S = 10_000 * 3600.0
"""No recording is longer than a year: a time beyond it is no time in seconds."""


@dataclass(frozen=True, slots=True)
class BidsRecording:
    """A night of a dataset: its samples and what it tells of them, onsets from the recording's start."""

    name: str
    recording: AtRest
    events: tuple[EventLine, ...] = ()
    states: tuple[StateLine, ...] = ()


@dataclass(frozen=True, slots=True)
class _Channel:
    column: int
    kind: str
    """ACC, GYRO or LATENCY"""
    axis: str
    point: str
    factor: float
    """g or deg/s in one unit"""


@dataclass(slots=True)
class _Part:
    """One motion file: a tracking system in a run."""

    path: Path
    info: dict[str, Any]
    channels: list[_Channel]
    acquired: datetime | None
    remarks: list[str] = field(default_factory=list)

    @property
    def ours(self) -> dict[str, Any]:
        found = self.info.get(OURS)
        return found if isinstance(found, dict) else {}


def motion_files(path: Path) -> list[list[Path]]:
    """The motion files of each night under a folder, or of the night a motion file belongs to.

    Raises:
        BadRecording: when there are none.
    """
    single = path.is_file()
    folder = path.parent if single else path
    found = sorted(p for p in folder.rglob(f"*{_SUFFIX}") if "derivatives" not in p.parts)
    if single and path not in found:
        raise BadRecording(
            path, "not a motion file", f"Give one whose name ends with {_SUFFIX}, or its folder."
        )
    nights = [list(group) for _, group in groupby(sorted(found, key=_night_of), key=_night_of)]
    if not nights:
        raise BadRecording(path, f"no file *{_SUFFIX} in it", "Give the folder of a Motion-BIDS dataset.")
    return [night for night in nights if not single or path in night]


def _night_of(path: Path) -> tuple[str, str]:
    kept = [
        part
        for part in path.name.removesuffix(_SUFFIX).split("_")
        if not part.startswith(("tracksys-", "run-"))
    ]
    return str(path.parent), "_".join(kept)


def read_dataset(
    path: Path | str,
    *,
    site: Site | None = None,
    zone: str = "UTC",
    on_progress: Callable[[float], None] = lambda _: None,
) -> list[BidsRecording]:
    """Every night of a dataset, of a folder in it, or the one that a motion file belongs to; see `read_night`."""
    nights = motion_files(Path(path))
    return [read_night(night, site=site, zone=zone, on_progress=on_progress) for night in nights]


def read_night(
    paths: Sequence[Path],
    *,
    site: Site | None = None,
    zone: str = "UTC",
    on_progress: Callable[[float], None] = lambda _: None,
) -> BidsRecording:
    """The motion files of one night as one recording that begins with its earliest file.

    Samples stand at their LATENCY where a file has that channel, else at the sampling frequency. Rows where any
    axis of a site is n/a are no samples. Sites are told from the tracked points (`left ankle`, `LeftFoot`, `LA`).

    Args:
        paths: tracking systems and runs of one night, as `motion_files` groups them.
        site: where the sensor sat, for a night with a single tracked point of another name.
        zone: time zone of acquisition times that name none.
        on_progress: called with the bytes read since the last call.

    Raises:
        BadRecording: naming the file, what is wrong with it and the remedy.
        BadTable: for a line of a table.
        ExtraMissing: when polars is not installed.
    """
    parts = [_part(path, zone) for path in paths]
    begin = min((p.acquired for p in parts if p.acquired), default=None)
    t0_ns = next((phase for p in parts if isinstance(phase := p.ours.get("phase_ns"), int)), 0) % PHASE_NS
    stretches: list[Stretch] = []
    remarks: list[str] = []
    for part in parts:
        stretches += _stretches(part, t0_ns + _offset_ns(part, begin), site)
        remarks += part.remarks
        on_progress(part.path.stat().st_size)
    first = paths[0]
    events, states = _told(parts, begin)
    recording = AtRest(
        infant=entities_of(first.name).get("sub", "infant"),
        zone=zone,
        start_utc_ns=None if begin is None else round(begin.timestamp()) * NS + begin.microsecond * 1000,
        t0_ns=t0_ns,
        stretches=tuple(sorted(stretches, key=lambda s: (s.t0_ns, s.site, s.sensor))),
        remarks=tuple(dict.fromkeys(remarks)),
    )
    return BidsRecording(_night_of(first)[1], recording, events, states)


def _part(path: Path, zone: str) -> _Part:
    info = _json(path.with_suffix(".json"))
    part = _Part(path, info, [], _acquired(path, zone))
    rows = read_rows(
        _beside(path, "_channels.tsv"),
        ("name", "component", "type", "tracked_point", "units"),
        lambda row: row,
    )
    for column, row in enumerate(rows):
        kind = row.get("type", "").upper()
        if kind == LATENCY:
            part.channels.append(_Channel(column, LATENCY, "", "", 1.0))
        elif kind in TYPES:
            part.channels.append(_channel(path, column, TYPES[kind], row))
        else:
            part.remarks.append(f"channel {row.get('name')!r} was left out: {kind or 'no type'}")
    part.channels.append(_Channel(len(rows), "", "", "", 1.0))
    return part


def _channel(path: Path, column: int, kind: str, row: dict[str, str]) -> _Channel:
    unit, axis = row.get("units", "").lower(), row.get("component", "").lower()
    if unit not in UNITS[kind]:
        raise BadRecording(
            path, f"channel {row.get('name')} is in {unit!r}", f"Known are {', '.join(UNITS[kind])}."
        )
    if axis not in ("x", "y", "z"):
        remedy = "Its component in _channels.tsv must be x, y or z."
        raise BadRecording(path, f"channel {row.get('name')} is along {axis!r}", remedy)
    return _Channel(column, kind, axis, row.get("tracked_point", ""), UNITS[kind][unit])


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name.removesuffix(_SUFFIX) + suffix)


def _json(path: Path) -> dict[str, Any]:
    remedy = "A motion file needs its _motion.json beside it, with SamplingFrequency."
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadRecording(path, f"cannot be read ({error})", remedy) from error
    if not isinstance(document, dict):
        raise BadRecording(path, "is no JSON object", remedy)
    return document


def _rate_hz(part: _Part) -> float:
    for name in ("SamplingFrequencyEffective", "SamplingFrequency"):
        rate = part.info.get(name)
        if isinstance(rate, int | float) and 0 < rate < NS:
            return float(rate)
    remedy = "Put the nominal rate in Hz under SamplingFrequency."
    raise BadRecording(part.path.with_suffix(".json"), "has no SamplingFrequency", remedy)


def _acquired(path: Path, zone: str) -> datetime | None:
    """When the file's first row was taken, from the session's (or subject's) scans.tsv."""
    folder = path.parent.parent
    tables = sorted(folder.glob("*_scans.tsv"))
    if not tables:
        return None

    def moment(row: dict[str, str]) -> tuple[str, datetime | None]:
        text = row.get("acq_time")
        found = datetime.fromisoformat(text) if text else None
        return row["filename"], found.replace(tzinfo=ZoneInfo(zone)) if found and not found.tzinfo else found

    times = dict(read_rows(tables[0], ("filename",), moment))
    return times.get(path.relative_to(folder).as_posix())


def _offset_ns(part: _Part, begin: datetime | None) -> int:
    """Time from the recording's start to the file's first row."""
    known = part.ours.get("offset_ns")
    if isinstance(known, int) and abs(known) < _TOO_BIG_S * NS:
        return known
    if begin is None or part.acquired is None:
        return 0
    since = part.acquired.astimezone(UTC) - begin.astimezone(UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def _stretches(part: _Part, offset_ns: int, site: Site | None) -> list[Stretch]:
    columns, end = [c for c in part.channels if c.kind], part.channels[-1].column
    values = read_numbers(part.path, end, [c.column for c in columns])
    clock = next((values[:, i] for i, c in enumerate(columns) if c.kind == LATENCY), None)
    points = dict.fromkeys(c.point for c in columns if c.kind != LATENCY)
    made = []
    for point in points:
        at = _site(part, point, site if len(points) == 1 else None)
        if at is None:
            part.remarks.append(f"tracked point {point!r} was left out: it is no site of ours")
            continue
        axes = {(c.kind, c.axis): (i, c.factor) for i, c in enumerate(columns) if c.point == point}
        stretch = _of_point(part, at, axes, values, clock, offset_ns)
        made += [stretch] if stretch is not None else []
    if not made and any(remark.startswith("tracked point") for remark in part.remarks):
        remedy = f"Say where the sensor sat with --site, one of {', '.join(Site)}."
        raise BadRecording(part.path, f"no site is meant clearly by {', '.join(map(repr, points))}", remedy)
    return made


def _site(part: _Part, point: str, given: Site | None) -> Site | None:
    system = entities_of(part.path.name).get("tracksys", "")
    return given or site_of(point) or site_of(system)


def _of_point(
    part: _Part,
    site: Site,
    axes: dict[tuple[str, str], tuple[int, float]],
    values: NDArray[np.float64],
    clock: NDArray[np.float64] | None,
    offset_ns: int,
) -> Stretch | None:
    kinds = [kind for kind in ("ACC", "GYRO") if any(kind == k for k, _ in axes)]
    if missing := [f"{kind} {a}" for kind in {"ACC", *kinds} for a in "xyz" if (kind, a) not in axes]:
        remedy = "All three axes of the acceleration are needed, and of the angular rate if there is any."
        raise BadRecording(part.path, f"{site} has no {', '.join(sorted(missing))}", remedy)
    triples = [
        np.column_stack([values[:, i] * f for i, f in (axes[kind, a] for a in "xyz")]) for kind in kinds
    ]
    known = np.isfinite(np.hstack(triples))
    there = known.all(axis=1)
    if partly := int((known.any(axis=1) & ~there).sum()):
        part.remarks.append(f"{part.path.name}: {partly} rows with some axes of {site} only are no samples")
    if clock is not None:
        there &= np.isfinite(clock) & (np.abs(clock) < _TOO_BIG_S)
    if not there.any():
        part.remarks.append(f"{site} has no samples in {part.path.name}")
        return None
    counts, scale = _counted([t[there] for t in triples], part.ours)
    if clock is None:
        times_ns = np.rint(np.flatnonzero(there) * (NS / _rate_hz(part))).astype(np.int64)
    else:
        times_ns = np.rint(clock[there] * NS).astype(np.int64)
    return implied_stretch(part.path, site, f"bids-{site}", times_ns + offset_ns, counts, scale)


def _counted(triples: Sequence[NDArray[np.float64]], known: dict[str, Any]) -> tuple[Counts, Scale]:
    found = []
    for triple, name in zip(triples, ("acc_g", "gyro_dps"), strict=False):
        step = known.get(name)
        found.append(counted(triple, step if isinstance(step, float) and step > 0 else None))
    return np.hstack([counts for counts, _ in found]), Scale(
        found[0][1], found[1][1] if len(found) > 1 else 0.0
    )


def _told(
    parts: Iterable[_Part], begin: datetime | None
) -> tuple[tuple[EventLine, ...], tuple[StateLine, ...]]:
    """What the events tables of our own datasets tell; other people's words are not ours to understand."""
    lines: list[EventLine | StateLine] = []
    tables = {_events_of(part.path): part for part in parts if part.ours}
    for path, part in tables.items():
        if path.exists():
            shift_ns = _offset_ns(part, begin)
            found = (line for line in read_rows(path, ("onset", "duration", "trial_type"), _line) if line)
            lines += [replace(line, onset_ns=line.onset_ns + shift_ns) for line in found]
    once = list(dict.fromkeys(lines))
    events = [line for line in once if isinstance(line, EventLine)]
    states = [line for line in once if isinstance(line, StateLine)]
    return tuple(sorted(events, key=_onset)), tuple(sorted(states, key=_onset))


def _onset(line: EventLine | StateLine) -> int:
    return line.onset_ns


def _line(row: dict[str, str]) -> EventLine | StateLine | None:
    kinds: dict[str, Callable[[dict[str, str]], EventLine | StateLine]] = {
        "event": event_line,
        "state": state_line,
    }
    parse = kinds.get(row.get("trial_type", ""))
    return parse(row) if parse else None


def _events_of(path: Path) -> Path:
    parts = path.name.removesuffix(_SUFFIX).split("_")
    return path.with_name("_".join(p for p in parts if not p.startswith("tracksys-")) + "_events.tsv")
