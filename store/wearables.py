"""Files of research wearables: Axivity AX3 and AX6 (.cwa), ActiGraph (.gt3x), GENEActiv (.bin), by `actfast`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Counts, Scale, Site
from store.errors import BadRecording, ExtraMissing
from store.quantities import counted
from store.recording import AtRest
from store.samples import implied_stretch
from store.wearables_child import REFUSED

__all__ = ["SUFFIXES", "read_wearable"]

SUFFIXES = (".cwa", ".gt3x", ".bin")

_TIMEOUT_S = 900.0
"""A file of weeks is read in under a minute; a quarter of an hour outlasts the slowest card."""

_REMEDY = "Fetch the file again from the device, or open it in its maker's own program."

_WARNINGS_SHOWN = 3

_EARLIEST_NS, _LATEST_NS = 946_684_800 * NS, 4_102_444_800 * NS
"""2000 and 2100: no device of these recorded outside of them, so such a time is a damaged one."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What the library gave: local time in ns, acceleration in g and angular rate in deg/s, each (samples, 3)."""

    times_ns: NDArray[np.int64]
    triples: tuple[NDArray[np.float64], ...]
    remarks: tuple[str, ...]


def read_wearable(
    path: Path | str, *, site: Site | None, infant: str = "infant", zone: str = "UTC"
) -> AtRest:
    """Read the movement signals of a device's file; names, serial numbers and birth dates in it are left behind.

    Damaged blocks of a file are left out with a remark, as gaps. Steps within a block are those of the device's
    own clock: they lead to the next block where that is at most 3 % away.

    Args:
        path: `.cwa`, `.gt3x` or `.bin`.
        site: where the device was worn; no such file says it.
        infant: id to read it under.
        zone: time zone the device's clock was set in; it keeps local time.

    Raises:
        BadRecording: naming the file, what is wrong with it and the remedy.
        ExtraMissing: when actfast is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise BadRecording(path, "there is no such file", "Check the name.")
    if site is None:
        remedy = f"Say where the device was worn with --site, one of {', '.join(Site)}."
        raise BadRecording(path, "the file of a wearable does not say where it was worn", remedy)
    if importlib.util.find_spec("actfast") is None:
        raise ExtraMissing(path, "actfast", "wearables")
    read = _read(path)
    counts, scale = _counted(read.triples)
    start_ns = int(read.times_ns[0])
    stretch = implied_stretch(
        path, site, f"wearable-{site}", read.times_ns - start_ns, counts, scale, elastic=True
    )
    return AtRest(infant, zone, _utc_ns(start_ns, zone), 0, (stretch,), remarks=read.remarks)


def _read(path: Path) -> _Read:
    with tempfile.TemporaryDirectory(prefix="lullwatch-") as folder:
        target = Path(folder) / "samples.npz"
        line = [sys.executable, "-m", "store.wearables_child", str(path), str(target)]
        try:
            done = subprocess.run(line, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - this very interpreter, no shell
        except subprocess.TimeoutExpired as error:
            raise BadRecording(path, f"not read within {_TIMEOUT_S:g} s", _REMEDY) from error
        if done.returncode == REFUSED:
            raise BadRecording(path, f"cannot be read ({' '.join(done.stderr.split())})", _REMEDY)
        if done.returncode:
            raise BadRecording(path, "is damaged; the library that reads it gave up", _REMEDY)
        with np.load(target, allow_pickle=False) as arrays:
            return _usable(path, dict(arrays))


def _usable(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> _Read:
    """The samples whose values are numbers and whose time goes on."""
    times_ns = np.asarray(arrays["datetime"], dtype=np.int64)
    kinds = [name for name in ("acceleration", "gyroscope") if name in arrays]
    if not len(times_ns) or any(arrays[name].shape != (len(times_ns), 3) for name in kinds):
        raise BadRecording(path, "no movement signals in it", _REMEDY)
    triples = tuple(np.asarray(arrays[name], dtype=np.float64) for name in kinds)
    good: NDArray[np.bool_] = np.asarray(np.isfinite(np.hstack(triples)).all(axis=1))
    good &= (times_ns >= _EARLIEST_NS) & (times_ns < _LATEST_NS)
    latest = np.maximum.accumulate(np.where(good, times_ns, np.iinfo(np.int64).min))
    good[1:] &= times_ns[1:] > latest[:-1]
    if not good.any():
        raise BadRecording(path, "no movement signals in it", _REMEDY)
    warnings = [str(text) for text in arrays["warnings"]]
    remarks = warnings[:_WARNINGS_SHOWN]
    if len(warnings) > _WARNINGS_SHOWN:
        remarks.append(f"and {len(warnings) - _WARNINGS_SHOWN} more damaged blocks were left out")
    if left_out := int((~good).sum()):
        remarks.append(f"{left_out} samples were left out: their time does not go on, or they are no numbers")
    return _Read(times_ns[good], tuple(t[good] for t in triples), tuple(remarks))


def _counted(triples: tuple[NDArray[np.float64], ...]) -> tuple[Counts, Scale]:
    found = [counted(triple) for triple in triples]
    return np.hstack([c for c, _ in found]), Scale(found[0][1], found[1][1] if len(found) > 1 else 0.0)


def _utc_ns(local_ns: int, zone: str) -> int:
    """UTC of a local time that is given as nanoseconds since 1970 as if it were UTC."""
    local = datetime(1970, 1, 1) + timedelta(seconds=local_ns // NS)  # noqa: DTZ001 - the device's clock knows no zone
    utc = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (utc.days * 86_400 + utc.seconds) * NS + local_ns % NS
