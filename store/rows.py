"""How each record becomes a row of the journal and comes back as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from dsp.records import (
    Alert,
    ClockRow,
    Config,
    Context,
    Counts,
    Coverage,
    Cutoff,
    Delivery,
    Epoch,
    Event,
    Item,
    LinkSample,
    Note,
    Opinion,
    Packet,
    Pin,
    Scale,
    Segment,
    SegmentFlag,
    Site,
    StateEpoch,
    Tick,
    Watching,
)

__all__ = [
    "FED",
    "TABLES",
    "Fed",
    "FedRow",
    "LinkRow",
    "Row",
    "SegmentRow",
    "Table",
    "body_of",
    "fed_item",
    "segment_of",
    "table_of",
]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A packet as it came and the segment the clock fit made of it; counts and flags are the segment's."""

    infant: str
    packet: Packet
    segment: Segment


@dataclass(frozen=True, slots=True)
class FedRow:
    """A tick or a cut-off that the pipeline of this infant was fed."""

    infant: str
    item: Tick | Cutoff


Fed = Item | Watching
"""What a detector is fed: the pipeline gets the items, the rules hear who relies on them."""


def fed_item(row: SegmentRow | FedRow | Watching) -> Fed:
    """What the detector is fed of a row."""
    if isinstance(row, Watching):
        return row
    return row.segment if isinstance(row, SegmentRow) else row.item


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link sample of one of this infant's sensors."""

    infant: str
    sample: LinkSample


Row = (
    SegmentRow
    | FedRow
    | LinkRow
    | Event
    | Epoch
    | StateEpoch
    | Context
    | Alert
    | Delivery
    | Note
    | Opinion
    | Pin
    | Watching
    | Coverage
    | ClockRow
    | Config
)
"""What can be committed to a journal."""

Values = tuple[Any, ...]
"""One row of SQLite, without its row number."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns after `row`, and the way there and back."""

    name: str
    columns: tuple[str, ...]
    pack: Callable[[Any], Values]
    unpack: Callable[[Values], Row]
    unique: tuple[str, ...] = ()
    """columns by which a row that is already there is recognised"""
    since: int = 1
    """schema in which it came; older files that are only read do not have it"""

    @property
    def insert(self) -> str:
        """Statement that adds a row, or nothing when it is there already."""
        marks = ", ".join("?" * (len(self.columns) + 1))
        conflict = f" ON CONFLICT ({', '.join(self.unique)}) DO NOTHING" if self.unique else ""
        return f"INSERT INTO {self.name} (row, {', '.join(self.columns)}) VALUES ({marks}){conflict}"  # noqa: S608 - names are constants of this module

    @property
    def has_infant(self) -> bool:
        """Whether its rows belong to one infant each."""
        return "infant" in self.columns


_SITES: Final = {str(site): site for site in Site}
_flags: dict[int, SegmentFlag] = {}
_scales: dict[tuple[float, float], Scale] = {}


def _flag(value: int) -> SegmentFlag:
    # Building an IntFlag takes longer than the rest of a row together; a night has a handful of values.
    if value not in _flags:
        _flags[value] = SegmentFlag(value)
    return _flags[value]


def _scale(acc_g: float, gyro_dps: float) -> Scale:
    if (acc_g, gyro_dps) not in _scales:
        _scales[acc_g, gyro_dps] = Scale(acc_g, gyro_dps)
    return _scales[acc_g, gyro_dps]


_SEGMENT_COLUMNS = (
    "infant",
    "site",
    "sensor",
    "boot",
    "seq",
    "clock",
    "arrived_ns",
    "rate_hz",
    "t0_ns",
    "step_ns",
    "n",
    "axes",
    "acc_g",
    "gyro_dps",
    "flags",
    "counts",
)


def _pack_segment(row: SegmentRow) -> Values:
    p, s = row.packet, row.segment
    counts = np.ascontiguousarray(s.counts, dtype="<i2")
    names = (row.infant, str(s.site), s.sensor, s.boot, s.seq)
    times = (p.clock, p.arrived_ns, p.rate_hz, s.t0_ns, s.step_ns)
    shape = (*counts.shape, s.scale.acc_g, s.scale.gyro_dps, int(s.flags))
    return (*names, *times, *shape, counts.tobytes())


def _counts(blob: bytes, n: int, axes: int) -> Counts:
    return np.frombuffer(blob, dtype="<i2").reshape(n, axes)


def _unpack_segment(values: Values) -> SegmentRow:
    s = segment_of(values)
    clock, arrived_ns, rate_hz = values[5:8]
    packet = Packet(s.site, s.sensor, s.boot, s.seq, clock, rate_hz, s.scale, s.counts, s.flags, arrived_ns)
    return SegmentRow(values[0], packet, s)


def segment_of(values: Values) -> Segment:
    """The segment alone of a row of its table: replay reads nothing else, and a night has 700,000 of them."""
    _, site, sensor, boot, seq, _, _, _, t0_ns, step_ns, n, axes, acc_g, gyro_dps, flags, blob = values
    counts = _counts(blob, n, axes)
    return Segment(
        _SITES[site], sensor, boot, seq, t0_ns, step_ns, counts, _scale(acc_g, gyro_dps), _flag(flags)
    )


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    msg = f"{type(value).__name__} cannot be kept in a journal"
    raise NotImplementedError(msg)


def body_of(record: object) -> str:
    """A record as the JSON text that is kept of it."""
    # json and not msgspec's own encoder: that one writes NaN as null and the row could not be read again.
    return json.dumps(msgspec.to_builtins(record, enc_hook=_plain), separators=(",", ":"))


def _record(name: str, kind: type[Any], keys: str, unique: tuple[str, ...], since: int = 1) -> Table:
    """Table of a record kept as JSON, with the attributes that are searched for beside it."""
    attributes = [key.partition("=") for key in keys.split()]
    getters = [(column, attribute or column) for column, _, attribute in attributes]

    def pack(record: object) -> Values:
        return (*(_column(getattr(record, attribute)) for _, attribute in getters), body_of(record))

    def unpack(values: Values) -> Row:
        row: Row = msgspec.convert(json.loads(values[-1]), kind)
        return row

    return Table(name, (*(column for column, _ in getters), "body"), pack, unpack, unique, since)


def _column(value: str | int) -> str | int:
    return str(value) if isinstance(value, str) else int(value)


def _pack_link(row: LinkRow) -> Values:
    return row.infant, row.sample.t_ns, body_of(row.sample)


def _unpack_link(values: Values) -> LinkRow:
    return LinkRow(values[0], msgspec.convert(json.loads(values[-1]), LinkSample))


def _pack_tick(row: FedRow) -> Values:
    return row.infant, row.item.t_ns


def _pack_cutoff(row: FedRow) -> Values:
    assert isinstance(row.item, Cutoff)  # noqa: S101 - narrows the type; table_of has chosen by it
    return row.infant, row.item.t_ns, str(row.item.site)


_TOLD = ("infant", "t_ns", "body")
_VERSIONED = ("id", "version")

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("segment", _SEGMENT_COLUMNS, _pack_segment, _unpack_segment, ("sensor", "boot", "seq")),
        Table("tick", ("infant", "t_ns"), _pack_tick, lambda v: FedRow(v[0], Tick(v[1]))),
        Table(
            "cutoff",
            ("infant", "t_ns", "site"),
            _pack_cutoff,
            lambda v: FedRow(v[0], Cutoff(_SITES[v[2]], v[1])),
        ),
        _record("event", Event, "infant t_ns=onset_ns id version label status", _VERSIONED),
        _record("epoch", Epoch, "infant t_ns", _TOLD),
        _record("state", StateEpoch, "infant t_ns", _TOLD),
        _record("context", Context, "infant t_ns=onset_ns", _TOLD),
        _record("alert", Alert, "infant t_ns id version severity", _VERSIONED),
        _record("delivery", Delivery, "t_ns id=alert_id", ("id", "t_ns", "body")),
        _record("note", Note, "infant t_ns", _TOLD),
        _record("opinion", Opinion, "infant t_ns id=event_id", _TOLD, since=3),
        _record("pin", Pin, "infant t_ns=onset_ns end_ns", _TOLD, since=2),
        _record("watching", Watching, "infant t_ns", _TOLD, since=4),
        _record("coverage", Coverage, "infant t_ns", _TOLD),
        Table("link", ("infant", "t_ns", "body"), _pack_link, _unpack_link),
        _record("clock", ClockRow, "t_ns", ()),
        _record("config", Config, "t_ns digest", ()),
    )
}
"""All tables of rows, by name."""

FED = ("segment", "tick", "cutoff", "watching")
"""The tables whose rows, taken together in row order, are what the detector is fed."""

_BY_TYPE: dict[type[Any], Table] = {
    SegmentRow: TABLES["segment"],
    LinkRow: TABLES["link"],
    Event: TABLES["event"],
    Epoch: TABLES["epoch"],
    StateEpoch: TABLES["state"],
    Context: TABLES["context"],
    Alert: TABLES["alert"],
    Delivery: TABLES["delivery"],
    Note: TABLES["note"],
    Opinion: TABLES["opinion"],
    Pin: TABLES["pin"],
    Watching: TABLES["watching"],
    Coverage: TABLES["coverage"],
    ClockRow: TABLES["clock"],
    Config: TABLES["config"],
}


def table_of(row: Row) -> Table:
    """The table a row belongs to."""
    if isinstance(row, FedRow):
        return TABLES["tick" if isinstance(row.item, Tick) else "cutoff"]
    return _BY_TYPE[type(row)]
