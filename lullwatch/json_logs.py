"""Log lines that say what, where and what to do: for people, or one JSON object a line for programs."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime

__all__ = ["REPORT", "begin_log", "to_do", "to_do_about"]

_JOURNAL = "look at the disk of journal_dir: is it full, or failing? docs/journal.md"
REPORT = "recording goes on; please report it with the lines below"
"""What to do about a fault of the program itself; the lines are where it came from."""
_NIGHT = "the disk may be failing: look at it, and keep a copy: lullwatch backup"

_DO = {
    "lullwatch.ack_page": "open the alert on the page or answer it in Home Assistant; the line says why",
    "lullwatch.alarm": "start lullwatch up again, and look at the ways to people: lullwatch check SETTINGS",
    "lullwatch.ages": "see that the clock is right, and set over the network: timedatectl",
    "lullwatch.announcer": "the others went out; see docs/mqtt.md, and report the row if it says nothing to you",
    "lullwatch.arming": "lullwatch arm SETTINGS, or wait for the schedule",
    "lullwatch.clocks_again": "nothing is lost: the sensor's clock is fitted anew; " + _NIGHT,
    "lullwatch.copier": "look at [influx] in the settings and at the database; docs/influxdb.md",
    "lullwatch.detector": "nothing is lost: it takes longer until what came late is decided",
    "lullwatch.gateway": "it is started anew; read the line of the failure, and report it",
    "lullwatch.housekeeping": "nothing is lost; see the disk and the journal: docs/journal.md",
    "lullwatch.keeper": "make room on the disk, or keep raw data for fewer days: [journal] raw_days",
    "lullwatch.influx_shim": "give another port, or end the program that has this one",
    "lullwatch.intake": _JOURNAL,
    "lullwatch.journal_folder": "the folder is another user's: chown it, or give another journal_dir",
    "lullwatch.local_brokers": "install mosquitto",
    "lullwatch.monitor": "add [mqtt], or a [[push]] service among a person's channels: docs/phones.md",
    "lullwatch.morning": _NIGHT,
    "lullwatch.morning_post": "it is tried again every minute; lullwatch check SETTINGS",
    "lullwatch.night_before": "nothing of tonight is lost; " + _NIGHT,
    "lullwatch.nights": "nothing is lost: replay takes longer; " + _NIGHT,
    "lullwatch.outreach": "nothing is lost; can the broker and the phones be reached? lullwatch check SETTINGS",
    "lullwatch.server_process": "nothing: it was a server of a demo or a test",
    "lullwatch.service": "mend what the line says; lullwatch check SETTINGS",
    "lullwatch.service_notify": "the service manager starts it anew; if it comes again: is the disk slow or failing?",
    "lullwatch.side_work": REPORT,
    "lullwatch.small_http": "give an address of this computer and a port nobody uses: [ack_page], [metrics]",
    "lullwatch.spine": _JOURNAL,
    "lullwatch.states": "nothing is lost: the next start takes longer; " + _JOURNAL,
    "lullwatch.surroundings": "take [simulated] out of the settings before anybody relies on it",
    "lullwatch.telling": _JOURNAL,
    "lullwatch.utc_following": "see that the clock is set over the network: timedatectl",
    "store.influx": "nothing else waits for it; see what the database says of it: docs/influxdb.md",
    "store": _JOURNAL,
    "alerts.inbound": "look who sends it: docs/alerts.md names the commands, deploy/mosquitto who may send them",
    "alerts.mqtt": "look at [mqtt] in the settings and at the broker; docs/mqtt.md",
    "alerts.push": "look at [[push]] in the settings and at the service; docs/phones.md",
    "lullwatch.caregiving": "look at the person's channels: lullwatch check SETTINGS --send-test",
    "lullwatch.dead_man": "look at [watch] ping_url and the line to the internet",
    "lullwatch.control": "put journal_dir on a disk that can hold sockets; USB and network disks often cannot",
    "lullwatch.metrics": _JOURNAL,
    "lullwatch.supervisor": "read the lines before this one; lullwatch check SETTINGS",
    "lullwatch.web": "lullwatch check SETTINGS",
    "lullwatch.web.live": _JOURNAL,
    "ingest.cadence": "nothing, unless it comes again and again: then charge or change the sensor; docs/sensors.md",
    "ingest.clock_fit": "nothing, unless it comes again and again: then bring the sensor nearer; docs/sensors.md",
    "ingest": "is the sensor near, charged and worn? lullwatch sensors --settings SETTINGS; docs/sensors.md",
    "bleak": "is the Bluetooth adapter plugged in and switched on?",
}
"""What to do about a warning, by the part that gives it; the longest name that fits counts."""
_DO_ABOUT = {
    "blind": "see that the sensors are worn, near and charged; lullwatch status SETTINGS",
    "behind": "end what else runs here, or give some infants a gateway of their own: docs/small-computer.md",
    "battery": "charge it: docs/sensors.md",
    "link": _DO["ingest"],
    "sensor": "look at the sensor: is it worn, and tight? docs/sensors.md",
    "security": "pair it anew: docs/sensors.md",
    "firmware": "update the sensor's firmware, or lullwatch: docs/sensors.md",
    "slots": "give some infants a gateway of their own: docs/platforms.md",
    "clock": _DO["lullwatch.utc_following"],
    "disk": _DO["lullwatch.keeper"],
    "broker": _DO["alerts.mqtt"],
    "database": _DO["lullwatch.copier"],
    "service": _DO["lullwatch.supervisor"],
    "self_test": "lullwatch check SETTINGS --send-test; docs/phones.md",
}
"""What to do about technical trouble, by its kind."""


def to_do_about(kind: str) -> str:
    """What to do about technical trouble of a kind of the severity table; empty for one that is none."""
    return _DO_ABOUT.get(kind, "")


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
