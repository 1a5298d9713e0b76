"""Where nights come from: one file, a Motion-BIDS dataset, a folder of any of them, or a database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from dsp.records import NS
from store.bids_read import motion_files
from store.cursors import Cursors
from store.influx_read import InfluxSource, NoSamples

from .errors import BadNight, NothingToReplay
from .nights import Night, settled_night
from .watch import Watch, watch_of

__all__ = ["from_influx", "sources_in", "span_of"]

_RUN: Final = re.compile(r".*_run-([2-9]|[1-9]\d+)\.edf")
"""later parts of a recording, read with the first"""

_PATTERNS: Final = ("*.edf", "*.sqlite", "*_samples.csv", "*_samples.parquet", "*.cwa", "*.gt3x")
"""files that are nights by their names; other tables may be anything, and are replayed one by one"""

_NOON: Final = time(12)


def sources_in(paths: Sequence[Path]) -> list[Path]:
    """Every file in folders (also nested) that begins a night, and files as they are given; sorted, each once.

    Raises:
        NothingToReplay: a folder holds none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = _inside(path) if path.is_dir() else [path]
        if not inside:
            raise NothingToReplay(
                path, "no recording (.edf), journal (.sqlite), Motion-BIDS or *_samples file in this folder"
            )
        found.update(dict.fromkeys(inside))
    return list(found)


def _inside(folder: Path) -> list[Path]:
    found = [p for pattern in _PATTERNS for p in folder.rglob(pattern)]
    motion = [group[0] for group in motion_files(folder)] if any(folder.rglob("*_motion.tsv")) else []
    ours = (p for p in found if not (_RUN.fullmatch(p.name) or Cursors.is_beside(p)))
    hidden = len(folder.parts)
    return sorted(p for p in (*ours, *motion) if not any(part.startswith(".") for part in p.parts[hidden:]))


def span_of(night: str, zone: str) -> tuple[int, int]:
    """UTC at which a night named for its evening begins and ends: noon to noon in its zone.

    Raises:
        BadNight: that is no date.
    """
    try:
        evening = datetime.fromisoformat(night).date()
    except ValueError:
        raise BadNight(night) from None
    noons = [datetime.combine(evening + timedelta(days=n), _NOON, ZoneInfo(zone)) for n in (0, 1)]
    first, last = (round(noon.timestamp()) * NS for noon in noons)
    return first, last


def from_influx(
    source: InfluxSource, *, infant: str | None = None, night: str | None = None, name: str = "influx"
) -> list[Night]:
    """Nights of a database: the newest of each infant, or the one asked for; detectors are set as they were live.

    Args:
        source: the database.
        infant: only this one.
        night: date of the evening, as in a journal's name; by default the newest there is.
        name: beginning of each night's name.

    Raises:
        store.influx_read.CannotRead: the database does not answer.
        store.influx_read.NoSamples: it has none of this infant.
        BadNight: that is no date.
    """
    infants = source.infants() if infant is None else [infant]
    if not infants:
        raise NoSamples(name, "any")
    return [_influx_night(source, one, night, name) for one in infants]


def _influx_night(source: InfluxSource, infant: str, night: str | None, name: str) -> Night:
    if (newest_ns := source.newest_utc_ns(infant)) is None:
        raise NoSamples(name, infant)
    _, zone = _watch(source, infant, newest_ns + 1)
    evening = night or _evening_of(newest_ns, zone)
    first_ns, last_ns = span_of(evening, zone)
    recording = source.read(infant, first_ns, last_ns, zone=zone)
    watch, _ = _watch(source, infant, last_ns)
    return settled_night(f"{name}-{evening}_{infant}", recording, watch)


def _watch(source: InfluxSource, infant: str, until_utc_ns: int) -> tuple[Watch | None, str]:
    """How the infant's detector was set last before a moment, and the time zone of its night."""
    for config, zone in source.configs(until_utc_ns):
        watch = watch_of(config)
        if watch.infant == infant and not watch.ended:
            return watch, zone
    return None, "UTC"


def _evening_of(utc_ns: int, zone: str) -> str:
    local = datetime.fromtimestamp(utc_ns // NS, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return (local - timedelta(hours=_NOON.hour)).date().isoformat()
