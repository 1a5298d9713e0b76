"""What goes over MQTT: topics and JSON payloads, from records, with wire names and UTC times. Pure functions.

`docs/mqtt.md` documents them; `SCHEMA` changes when a receiver would have to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from alerts.severity import TABLE
from alerts.words import match_word
from dsp.records import NS, Alert, Coverage, Event, LinkSample, Severity, StateEpoch

__all__ = [
    "GATEWAY",
    "SCHEMA",
    "BadTopicId",
    "Message",
    "Topics",
    "UtcClock",
    "alert_message",
    "coverage_message",
    "event_message",
    "link_message",
    "refusal_payload",
    "state_message",
    "status_payload",
    "summary_message",
]

SCHEMA = 1
"""Version of every payload."""
GATEWAY = "gateway"
"""Stands in a topic where no single infant is meant; no infant may be called so."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_STATUS_STATES = ("online", "offline", "stopped")

Json = Mapping[str, object]


class BadTopicId(Exception):
    """An id that would change the meaning of a topic, or that could be a name."""

    def __init__(self, what: str, given: str) -> None:
        super().__init__(
            f"{what} {given!r} cannot stand in a topic: use 1 to 64 letters, digits, - and _, and no person's name"
        )


class UtcClock(Protocol):
    """Applies UTC at the edge; `store.utc.UtcMap` is one."""

    def utc_ns(self, t_ns: int) -> int:
        """UTC in nanoseconds since 1970 at data time `t_ns`."""
        ...


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one gateway."""

    gateway: str

    def __post_init__(self) -> None:
        _checked("gateway id", self.gateway)

    @property
    def status(self) -> str:
        """Retained; also the last will's."""
        return f"lullwatch/{self.gateway}/status"

    def of(self, infant: str, kind: str) -> str:
        """`state`, `event`, `alert`, `coverage`, `link` or `summary` of an infant; `gateway` for no infant."""
        return f"lullwatch/{self.gateway}/{_checked('infant id', infant or GATEWAY)}/{kind}"

    @property
    def inbound(self) -> tuple[str, str]:
        """Filters of the topics that this gateway listens to."""
        return f"lullwatch/{self.gateway}/+/set/+", f"lullwatch/{self.gateway}/+/receipt"

    def command(self, topic: str) -> tuple[str, str] | None:
        """Infant (or `gateway`) and name of what came on a topic, `receipt` among the names; None if it is none."""
        match topic.split("/"):
            case ["lullwatch", self.gateway, infant, "receipt"] if _ID.fullmatch(infant):
                return infant, "receipt"
            case ["lullwatch", self.gateway, infant, "set", name] if _ID.fullmatch(infant) and _ID.fullmatch(
                name
            ):
                return infant, name
        return None

    def result(self, infant: str, name: str) -> str:
        """Where the answer to a command goes."""
        return f"{self.of(infant, 'result')}/{_checked('command', name)}"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish."""

    topic: str
    payload: bytes
    retain: bool = False
    alert: tuple[str, int] | None = None
    """id and version of the alert it carries, for the proof of delivery"""


def status_payload(state: str, **more: object) -> bytes:
    """`online`, `offline` (said by the broker when the gateway is lost) or `stopped` (planned)."""
    if state not in _STATUS_STATES:
        msg = f"{state!r} is no status; known: {' '.join(_STATUS_STATES)}"
        raise ValueError(msg)
    return _encoded({"state": state, **more})


def event_message(topics: Topics, clock: UtcClock, event: Event, severity: Severity) -> Message:
    """One row of an event's life; never retained, because a retained one would happen again at every connect."""
    body = {
        "id": event.id,
        "version": event.version,
        "status": event.status.value,
        "event_type": event.label.wire,
        "severity": severity.value,
        **_span(clock, event.onset_ns, event.end_ns),
        "count": event.count,
        "sites": [site.value for site in event.sites],
        "side": event.side,
        "state_before": event.state_before.value,
        "state_during": event.state_during.value,
        "state_after": event.state_after.value,
        "since_waking_s": event.since_waking_s,
        "interval_mean_s": event.interval_mean_s,
        "interval_cv": event.interval_cv,
        # people and their systems see weak or clear, never a number that reads like a likelihood
        "match": match_word(event.match, TABLE.clear_match),
        "conveyed": round(event.conveyed, 3),
        "parent": event.parent,
        "merged_into": event.merged_into,
        "late": event.late,
    }
    return Message(topics.of(event.infant, "event"), _encoded(body))


def alert_message(topics: Topics, clock: UtcClock, alert: Alert) -> Message:
    """One version of an alert; not retained."""
    body = {
        "id": alert.id,
        "version": alert.version,
        "severity": alert.severity.value,
        "pattern": alert.pattern,
        "event_id": alert.event_id,
        **_time(clock, "decided", alert.t_ns),
        **_span(clock, alert.onset_ns, alert.end_ns),
        "count": alert.count,
        "rule": alert.rule,
        "text": alert.text,
        "late": alert.late,
        "cleared": alert.cleared,
        "facts": alert.facts,
    }
    return Message(topics.of(alert.infant, "alert"), _encoded(body), alert=(alert.id, alert.version))


def state_message(topics: Topics, clock: UtcClock, state: StateEpoch) -> Message:
    """Sleep state of the newest epoch, retained."""
    body = {
        "state": state.state.value,
        **_span(clock, state.t_ns, state.t_ns + state.span_ns),
    }
    return Message(topics.of(state.infant, "state"), _encoded(body), retain=True)


def coverage_message(topics: Topics, clock: UtcClock, coverage: Coverage) -> Message:
    """How much of the newest minute could be seen, retained."""
    body = {
        "usability": coverage.usability.value,
        "causes": list(coverage.causes),
        "seen": {site.value: round(share, 3) for site, share in coverage.seen},
        **_span(clock, coverage.t_ns, coverage.t_ns + coverage.span_ns),
    }
    return Message(topics.of(coverage.infant, "coverage"), _encoded(body), retain=True)


def link_message(topics: Topics, clock: UtcClock, infant: str, links: Sequence[LinkSample]) -> Message:
    """State of every sensor's link of an infant, retained."""
    sensors = {
        link.site.value: {
            "sensor": link.sensor,
            "state": link.state,
            "received": link.received,
            "lost": link.lost,
            "backfilled": link.backfilled,
            "battery": link.battery,
            "rssi": link.rssi,
            **_time(clock, "at", link.t_ns),
        }
        for link in links
    }
    return Message(topics.of(infant, "link"), _encoded({"sensors": sensors}), retain=True)


def summary_message(topics: Topics, infant: str, summary: Json) -> Message:
    """The morning summary as whoever made it gives it, retained."""
    return Message(topics.of(infant, "summary"), _encoded(summary), retain=True)


def refusal_payload(command: str, why: str) -> bytes:
    """The answer to a command that is not carried out."""
    return _encoded({"command": command, "ok": False, "why": why})


def _checked(what: str, given: str) -> str:
    if not _ID.fullmatch(given):
        raise BadTopicId(what, given)
    return given


def _encoded(body: Json) -> bytes:
    return json.dumps({"schema": SCHEMA, **body}, allow_nan=False, ensure_ascii=False).encode()


def _span(clock: UtcClock, onset_ns: int, end_ns: int) -> dict[str, object]:
    return {
        **_time(clock, "onset", onset_ns),
        **_time(clock, "end", end_ns),
        "duration_s": round((end_ns - onset_ns) / NS, 3),
    }


def _time(clock: UtcClock, name: str, t_ns: int) -> dict[str, object]:
    utc_ns = clock.utc_ns(t_ns)
    moment = datetime.fromtimestamp(utc_ns // NS, tz=UTC)
    iso = f"{moment:%Y-%m-%dT%H:%M:%S}.{utc_ns % NS // 1_000_000:03d}Z"
    return {name: iso, f"{name}_ns": utc_ns}
