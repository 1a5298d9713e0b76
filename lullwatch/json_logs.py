"""Log lines that say what, where and what to do: for people, or one JSON object a line for programs."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime

__all__ = ["begin_log", "to_do"]

_DO = {
    "lullwatch.copier": "look at [influx] in the settings and at the database; docs/influxdb.md",
    "lullwatch.housekeeping": "nothing is lost; see the disk and the journal: docs/journal.md",
    "lullwatch.keeper": "make room on the disk, or keep raw data for fewer days: [journal] raw_days",
    "lullwatch.intake": "look at the disk of journal_dir: is it full, or failing?",
    "lullwatch.spine": "look at the disk of journal_dir; docs/journal.md",
    "store": "look at the disk of journal_dir; docs/journal.md",
    "alerts.mqtt": "look at [mqtt] in the settings and at the broker; docs/mqtt.md",
    "alerts.push": "look at [[push]] in the settings and at the service; docs/phones.md",
    "lullwatch.caregiving": "look at the person's channels: lullwatch check SETTINGS --send-test",
    "lullwatch.dead_man": "look at [watch] ping_url and the line to the internet",
    "lullwatch.control": "is another monitor running on this folder?",
    "lullwatch.metrics": "give another port: [metrics] port",
    "lullwatch.supervisor": "read the lines before this one; lullwatch check SETTINGS",
    "lullwatch.web": "lullwatch check SETTINGS",
    "ingest": "is the sensor near, charged and worn? lullwatch sensors --settings SETTINGS; docs/sensors.md",
    "bleak": "is the Bluetooth adapter plugged in and switched on?",
}
"""What to do about a warning, by the part that gives it; the longest name that fits counts."""


def to_do(record: logging.LogRecord) -> str:
    """What to do about a line; empty for one that only informs."""
    given = getattr(record, "do", None)
    if given or record.levelno < logging.WARNING:
        return str(given or "")
    name = record.name
    while name:
        if name in _DO:
            return _DO[name]
        name = name.rpartition(".")[0]
    return ""


def begin_log(*, as_json: bool = False, verbose: bool = False) -> None:
    """Log to standard error from here on, instead of wherever it went.

    Args:
        as_json: one object a line, with `at` (UTC), `level`, `where`, `what` and, where there is something, `do`.
        verbose: every change of a link's state, too.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if as_json else _Plain())
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)


class _Plain(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        line, do = super().formatMessage(record), to_do(record)
        return f"{line}. To do: {do}" if do else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds")
        line: dict[str, str | int] = {
            "at": at.replace("+00:00", "Z"), "level": record.levelname.lower(), "where": record.name,
            "what": record.getMessage(), "pid": record.process or 0,
        }  # fmt: skip
        if do := to_do(record):
            line["do"] = do
        if record.exc_info:
            line["trace"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, ensure_ascii=False)
