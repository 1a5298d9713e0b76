"""Thirty nights on a shelf for bench/page.py: twenty minutes that the detector told, laid end to end into nights.

Events, states, coverage, links, alerts and what became of them are those twenty minutes', moved in time and with ids of
their own; the raw data of the newest nights is moved inside SQLite. The newest night ends now.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from dsp.records import NS, ClockRow
from lullwatch.watch import config_of, watches_in
from store.journal import Journal, night_name
from store.rows import TABLES, LinkRow, Row

NIGHT_H = 10
HOUR_NS = 3600 * NS
PIECE_MIN = 20
PIECE_NS = PIECE_MIN * 60 * NS
PIECES = NIGHT_H * 60 // PIECE_MIN
DAY_NS = 24 * HOUR_NS
MORNING_H = 6
"""Local hour of now: nights begin at noon, and the newest must not be two of them."""
_TIMES = frozenset({"t_ns", "onset_ns", "end_ns", "told_ns", "arousal_ns"})
_IDS = frozenset({"id", "event_id", "alert_id", "parent", "merged_into"})
_TOLD = tuple(name for name in TABLES if name not in ("segment", "clock", "config"))


def zone_of_morning() -> str:
    """A zone in which it is morning now."""
    ahead = MORNING_H - time.gmtime().tm_hour
    return f"Etc/GMT{-ahead if ahead >= -12 else -(24 + ahead):+d}"


def lay(folder: Path, base: Path, *, nights: int, raw_nights: int) -> Path:
    """Write the nights; the newest one's file."""
    zone, now_ns = zone_of_morning(), time.time_ns()
    with Journal.read_only(base) as journal:
        (infant,) = journal.infants()
        watch = watches_in(journal)[infant][1]
        told = [row for _, row in _all(journal)]
    path = folder
    for n in range(nights):
        begin_ns = now_ns - NIGHT_H * HOUR_NS - (nights - 1 - n) * DAY_NS
        path = folder / night_name(begin_ns, zone)
        with Journal.open(path) as night:
            night.commit([ClockRow(begin_ns, begin_ns, "bench", zone), config_of(watch, begin_ns)])
            for piece in range(PIECES):
                shift_ns = begin_ns + piece * PIECE_NS
                night.commit([_moved(row, shift_ns, f"-{n}-{piece}") for row in told])
        if n >= nights - raw_nights:
            _copy_raw(path, base, begin_ns, n)
        with Journal.open(path) as night:
            night.commit([config_of(replace(watch, ended=True), now_ns)])
    return path


def _all(journal: Journal) -> Iterator[tuple[int, Row]]:
    after = 0
    while page := journal.read(after, tables=_TOLD):
        yield from page
        after = page[-1][0]


def _moved(record: Any, shift_ns: int, mark: str) -> Any:  # noqa: ANN401 - any record there is
    """A record at another time, with ids of its own."""
    if isinstance(record, LinkRow):
        return replace(record, sample=_moved(record.sample, shift_ns, mark))
    changes: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name in _TIMES and value is not None:
            changes[field.name] = value + shift_ns
        elif field.name in _IDS and value:
            changes[field.name] = f"{value}{mark}"
        elif field.name == "item" and is_dataclass(value):
            changes["item"] = _moved(value, shift_ns, mark)
    return replace(record, **changes)


def _copy_raw(path: Path, base: Path, begin_ns: int, n: int) -> None:
    """The samples of one piece over and over, each with a sensor start of its own."""
    columns = TABLES["segment"].columns
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("ATTACH ? AS base", (str(base),))
        for piece in range(PIECES):
            shift_ns = begin_ns + piece * PIECE_NS
            moved = {"t0_ns": f"t0_ns + {shift_ns}", "arrived_ns": f"arrived_ns + {shift_ns}"}
            moved |= {"boot": f"boot + {1 + n * PIECES + piece}"}
            picked = ", ".join(moved.get(column, column) for column in columns)
            db.execute("BEGIN")
            (last,) = db.execute("SELECT last_row FROM counter").fetchone()
            db.execute(
                f"INSERT INTO segment (row, {', '.join(columns)}) "
                f"SELECT {last} + row_number() OVER (ORDER BY row), {picked} FROM base.segment"
            )
            (most,) = db.execute("SELECT max(row) FROM segment").fetchone()
            db.execute("UPDATE counter SET last_row = ?", (most,))
            db.execute("COMMIT")
    db.close()
