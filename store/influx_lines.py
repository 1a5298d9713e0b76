"""Rows of the journal as InfluxDB line protocol.

Preformatted bytes and not the client's `Point`: one template for a whole segment formats twenty times as many
points a second, and a database that was away for a night must be caught up with beside live monitoring.

References:
    https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Alert, Config, Coverage, Epoch, Event, Segment, StateEpoch
from store.rows import LinkRow, Row, SegmentRow, body_of
from store.utc import UtcMap

__all__ = ["MEASURED", "config_line", "imu_lines", "lines_of", "thinned_lines"]

MEASURED = ("segment", "epoch", "state", "event", "alert", "coverage", "link", "config")
"""tables of the journal that become measurements; notes are a person's words and stay on the gateway"""

_CHUNK_SAMPLES = 4096
"""Samples formatted at once: an imported night may be one segment, and its text is ten times its size."""

_AXES = ("ax", "ay", "az", "gx", "gy", "gz")

_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\n": "_", "\r": "_", "\t": "_", "\\": "/"})
_FIELD = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": " ", "\r": " "})

Field = str | int | float | bool | None


def lines_of(row: Row, utc: UtcMap, gateway: str) -> Iterator[bytes]:
    """A row as chunks of lines, joined by line breaks within a chunk; nothing for rows that have no measurement.

    Raises LookupError while `utc` knows no clock row.
    """
    if isinstance(row, SegmentRow):
        yield from imu_lines(row.segment, row.infant, gateway, utc.utc_ns(row.segment.t0_ns))
    elif (make := _MAKERS.get(type(row))) is not None:
        yield make(row, utc, gateway)


def imu_lines(
    segment: Segment, infant: str, gateway: str, t0_utc_ns: int, step_ns: int | None = None
) -> Iterator[bytes]:
    """Every sample of a segment as a line of counts, in chunks.

    The first line also carries the string field `segment`: boot, seq, n, step_ns, acc_g, gyro_dps, flags and the
    data time t0_ns, so that the very segment can be read back whatever the points' own times are.

    Args:
        segment: the samples.
        infant: whose they are.
        gateway: which computer wrote them down.
        t0_utc_ns: time of the first point.
        step_ns: time from point to point; by default the segment's own.
    """
    tags = _tags("imu", gateway=gateway, infant=infant, sensor=segment.sensor, site=str(segment.site))
    axes, step_ns = segment.counts.shape[1], step_ns or segment.step_ns
    for first in range(0, segment.n, _CHUNK_SAMPLES):
        counts = segment.counts[first : first + _CHUNK_SAMPLES]
        values = np.empty((len(counts), axes + 1), dtype=np.int64)
        values[:, :axes] = counts
        values[:, axes] = np.arange(first, first + len(counts), dtype=np.int64) * step_ns + t0_utc_ns
        flat: list[int | str] = values.ravel().tolist()
        flat.insert(axes, _described(segment) if first == 0 else "")
        yield (_template(tags, axes, len(counts)) % tuple(flat)).encode()


def thinned_lines(
    row: SegmentRow, times_ns: NDArray[np.int64], values: NDArray[np.float64], utc: UtcMap, gateway: str
) -> Iterator[bytes]:
    """Thinned points of a row's sensor as one chunk: g and degrees per second; nothing where there are none."""
    if not times_ns.size:
        return
    tags = _tags(
        "imu_thinned",
        gateway=gateway,
        infant=row.infant,
        sensor=row.segment.sensor,
        site=str(row.segment.site),
    )
    lines = []
    for t_ns, point in zip(times_ns.tolist(), values.tolist(), strict=True):
        fields = ",".join(f"{name}={value:.5f}" for name, value in zip(_AXES, point, strict=False))
        lines.append(f"{tags} {fields} {utc.utc_ns(t_ns)}")
    yield "\n".join(lines).encode()


def _described(segment: Segment) -> str:
    s, scale = segment, segment.scale
    words = f"{s.boot} {s.seq} {s.n} {s.step_ns} {float(scale.acc_g)!r} {float(scale.gyro_dps)!r}"
    return f',segment="{words} {int(s.flags)} {s.t0_ns}"'


@lru_cache(maxsize=64)
def _template(tags: str, axes: int, n: int) -> str:
    """Lines of n samples; behind the fields of the first is room for the segment's description."""
    fields = ",".join(f"{name}=%di" for name in _AXES[:axes])
    line = f"{tags.replace('%', '%%')} {fields}"
    return "\n".join([f"{line}%s %d", *[f"{line} %d"] * (n - 1)])


def config_line(row: Config, utc: UtcMap, zone: str, gateway: str) -> bytes:
    """The settings a detector ran with, and the time zone of its night: what a replay from the database needs."""
    tags = _tags("config", gateway=gateway, digest=row.digest)
    return _line(tags, {"t_ns": int(row.t_ns), "zone": zone, "body": row.text}, utc.utc_ns(row.t_ns))


def _epoch(row: Epoch, utc: UtcMap, gateway: str) -> bytes:
    return _line(
        _tags("epoch", gateway=gateway, infant=row.infant, site=str(row.site)),
        {
            "span_s": row.span_ns / NS,
            "present": row.present,
            "worn": row.worn,
            "clipped": row.clipped,
            "activity_g": row.activity_g,
            "floor_g": row.floor_g,
            "rate_dps": row.rate_dps,
            **{f"posture_{axis}": value for axis, value in zip("xyz", row.posture, strict=True)},
        },
        utc.utc_ns(row.t_ns),
    )


def _state(row: StateEpoch, utc: UtcMap, gateway: str) -> bytes:
    return _line(
        _tags("state", gateway=gateway, infant=row.infant),
        {
            "span_s": row.span_ns / NS,
            "state": str(row.state),
            "probability": row.probability,
            "breathing_hz": row.breathing_hz,
            "breathing_regularity": row.breathing_regularity,
            "arousal_ns": None if row.arousal_ns is None else utc.utc_ns(row.arousal_ns),
        },
        utc.utc_ns(row.t_ns),
    )


def _event(row: Event, utc: UtcMap, gateway: str) -> bytes:
    return _line(
        _tags("event", gateway=gateway, infant=row.infant, id=row.id),
        {
            "version": int(row.version),
            "status": str(row.status),
            "label": str(row.label),
            "pattern": row.label.wire,
            "duration_s": row.duration_s,
            "count": int(row.count),
            "sites": ",".join(row.sites),
            "side": row.side,
            "state_before": str(row.state_before),
            "state_during": str(row.state_during),
            "state_after": str(row.state_after),
            "match": row.match,
            "confidence": row.confidence,
            "conveyed": row.conveyed,
            "late": row.late,
            "body": body_of(row),
        },
        utc.utc_ns(row.onset_ns),
    )


def _alert(row: Alert, utc: UtcMap, gateway: str) -> bytes:
    return _line(
        _tags("alert", gateway=gateway, infant=row.infant, id=row.id),
        {
            "version": int(row.version),
            "severity": str(row.severity),
            "pattern": row.pattern,
            "event_id": row.event_id or "",
            "count": int(row.count),
            "rule": row.rule,
            "text": row.text,
            "late": row.late,
            "cleared": row.cleared,
            "body": body_of(row),
        },
        utc.utc_ns(row.t_ns),
    )


def _coverage(row: Coverage, utc: UtcMap, gateway: str) -> bytes:
    return _line(
        _tags("coverage", gateway=gateway, infant=row.infant),
        {
            "span_s": row.span_ns / NS,
            "usability": str(row.usability),
            "causes": ",".join(row.causes),
            **{f"seen_{site}": share for site, share in row.seen},
        },
        utc.utc_ns(row.t_ns),
    )


def _link(row: LinkRow, utc: UtcMap, gateway: str) -> bytes:
    sample = row.sample
    return _line(
        _tags("link", gateway=gateway, infant=row.infant, sensor=sample.sensor, site=str(sample.site)),
        {
            "state": sample.state,
            "received": int(sample.received),
            "lost": int(sample.lost),
            "backfilled": int(sample.backfilled),
            "battery": sample.battery,
            "rssi": sample.rssi,
            "residual_ms": sample.residual_ms,
            "latency_ms": sample.latency_ms,
        },
        utc.utc_ns(sample.t_ns),
    )


_MAKERS: dict[type[Any], Callable[[Any, UtcMap, str], bytes]] = {
    Epoch: _epoch,
    StateEpoch: _state,
    Event: _event,
    Alert: _alert,
    Coverage: _coverage,
    LinkRow: _link,
}


@lru_cache(maxsize=1024)
def _tags(measurement: str, **tags: str) -> str:
    """Measurement and tags sorted by name, as the server likes them; one without a value is left out."""
    pairs = [f",{name}={value.translate(_TAG)}" for name, value in sorted(tags.items()) if value]
    return measurement + "".join(pairs)


def _line(tags: str, fields: dict[str, Field], utc_ns: int) -> bytes:
    written = [f"{name}={text}" for name, value in fields.items() if (text := _field(value)) is not None]
    return f"{tags} {','.join(written)} {utc_ns}".encode()


def _field(value: Field) -> str | None:
    """A field's value, or None for what line protocol cannot say: nothing, infinity, not a number."""
    if isinstance(value, str):
        return f'"{value.translate(_FIELD)}"'
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    if value is None or not isfinite(value):
        return None
    return repr(float(value))
