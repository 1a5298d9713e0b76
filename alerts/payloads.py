"""What goes over MQTT: topics and JSON payloads, from records, with wire names and UTC times. Pure functions.

`docs/mqtt.md` explains them, `docs/schema` holds their JSON Schema, `alerts.wire` their fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import msgspec

from alerts import wire
from alerts.catalogue import Catalogue
from alerts.severity import TABLE, Table
from alerts.telling import Kind, Notification, Send, Standing
from alerts.telling_words import is_old, said_late
from alerts.wire import SCHEMA
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
    "body_of",
    "coverage_message",
    "encoded",
    "event_message",
    "link_message",
    "notification_message",
    "state_message",
    "status_payload",
    "summary_message",
    "tested_message",
    "times",
]

GATEWAY = "gateway"
"""Stands in a topic where no single infant is meant; no infant may be called so."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_STATUS_STATES = ("online", "offline", "stopped")


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

    @property
    def check(self) -> str:
        """What `lullwatch check` says to itself, to see whether the broker passes it on; nobody else reads it."""
        return f"lullwatch/{self.gateway}/check"

    def of(self, infant: str, kind: str) -> str:
        """`state`, `event`, `alert`, `coverage`, `link`, `tonight` or `summary` of an infant; `gateway` for none."""
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
    """as it is when it goes out at once"""
    retain: bool = False
    alert: tuple[str, int] | None = None
    """id and version of the alert it carries, for the proof of delivery"""
    later: Callable[[int], bytes] | None = None
    """the payload when it goes out at this data time; None: always the same"""
    newest_only: bool = False
    """only the newest of its topic matters: what an outage held up may be left out for what came after it"""
    of_ns: int = 0
    """data time it speaks of, where only the newest matters"""

    def at(self, now_ns: int) -> bytes:
        """The payload of a message that goes out now."""
        return self.payload if self.later is None else self.later(now_ns)


def status_payload(state: str, self_test: wire.SelfTestBody | None = None) -> bytes:
    """`online`, `offline` (said by the broker when the gateway is lost) or `stopped` (planned)."""
    if state not in _STATUS_STATES:
        msg = f"{state!r} is no status; known: {' '.join(_STATUS_STATES)}"
        raise ValueError(msg)
    tested = {} if self_test is None else {"self_test": self_test}
    return body_of(wire.StatusBody, {"state": state, **tested})


def tested_message(topics: Topics, self_test: wire.SelfTestBody, of_ns: int) -> Message:
    """The status with the outcome of the last self-test, retained; only the newest matters."""
    return _newest(topics.status, status_payload("online", self_test), of_ns)


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
    return Message(topics.of(event.infant, "event"), body_of(wire.EventBody, body))


def alert_message(
    topics: Topics, clock: UtcClock, alert: Alert, *, words: Catalogue | None = None, table: Table = TABLE
) -> Message:
    """One version of an alert for whoever reads the topic; not retained.

    An outage of the broker may hold it up: it is then marked as past, says when it happened (in `words`, where they
    are given), and from `table.late_limit_s` on does not ring.
    """
    first = alert.facts.get("announce") == "ring"
    send = Send("", "mqtt", alert.id, alert.version, Kind.ALERT if first else Kind.UPDATE, 0, rings=first)
    title, _, _ = alert.text.partition("\n")
    told = Notification(send=send, alert=alert, title=title, text=alert.text, standing=Standing(told=()))
    return notification_message(topics, clock, told, from_ns=alert.t_ns, words=words, table=table)


def notification_message(
    topics: Topics,
    clock: UtcClock,
    told: Notification,
    *,
    from_ns: int,
    words: Catalogue | None = None,
    table: Table = TABLE,
) -> Message:
    """A message about an alert; `from_ns` is the data time at which it was decided to send it."""
    alert = told.alert
    render = partial(_alert_payload, clock, told, from_ns, words, table)
    return Message(
        topics.of(alert.infant, "alert"), render(from_ns), alert=(alert.id, alert.version), later=render
    )


def _alert_payload(
    clock: UtcClock, told: Notification, from_ns: int, words: Catalogue | None, table: Table, now_ns: int
) -> bytes:
    alert, send, standing = told.alert, told.send, told.standing
    held_up_s = max(0, now_ns - from_ns) / NS
    past = standing.past or held_up_s > table.late_mark_s
    text = told.text
    old = is_old(send.kind, alert, standing) if standing.past else past
    if old and words is not None and not alert.late:
        text = said_late(text, words, now_ns - alert.onset_ns)
    body = {
        "id": alert.id,
        "version": alert.version,
        "severity": alert.severity.value,
        "pattern": alert.pattern,
        "event_id": alert.event_id,
        **times(clock, "decided", alert.t_ns),
        **times(clock, "sent", now_ns),
        **_span(clock, alert.onset_ns, alert.end_ns),
        "past": past,
        "rings": send.rings and held_up_s <= table.late_limit_s,
        "kind": send.kind.value,
        "to": send.person or None,
        "step": send.step,
        "open": standing.open and not alert.cleared,
        "told": list(standing.told),
        "acknowledged_by": standing.acknowledged_by or None,
        "acknowledged": None
        if standing.acknowledged_ns is None
        else times(clock, "at", standing.acknowledged_ns)["at"],
        "false_alarm": standing.false_alarm,
        "repeats": standing.repeats,
        "count": alert.count,
        "rule": alert.rule,
        "title": told.title,
        "text": text,
        "late": alert.late,
        "cleared": alert.cleared,
        "facts": alert.facts,
    }
    return body_of(wire.AlertBody, body)


def state_message(topics: Topics, clock: UtcClock, state: StateEpoch) -> Message:
    """Sleep state of the newest epoch, retained."""
    end_ns = state.t_ns + state.span_ns
    body = {"state": state.state.value, **_span(clock, state.t_ns, end_ns)}
    return _newest(topics.of(state.infant, "state"), body_of(wire.StateBody, body), end_ns)


def coverage_message(topics: Topics, clock: UtcClock, coverage: Coverage) -> Message:
    """How much of the newest minute could be seen, retained."""
    end_ns = coverage.t_ns + coverage.span_ns
    body = {
        "usability": coverage.usability.value,
        "causes": list(coverage.causes),
        "seen": {site.value: round(share, 3) for site, share in coverage.seen},
        **_span(clock, coverage.t_ns, end_ns),
    }
    return _newest(topics.of(coverage.infant, "coverage"), body_of(wire.CoverageBody, body), end_ns)


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
            "residual_ms": link.residual_ms,
            "latency_ms": link.latency_ms,
            **times(clock, "at", link.t_ns),
        }
        for link in links
    }
    payload = body_of(wire.LinkBody, {"sensors": sensors})
    return _newest(topics.of(infant, "link"), payload, max((link.t_ns for link in links), default=0))


def summary_message(topics: Topics, summary: wire.SummaryBody) -> Message:
    """The morning summary as whoever made it gives it, retained."""
    return Message(topics.of(summary.infant, "summary"), encoded(msgspec.to_builtins(summary)), retain=True)


def encoded(body: Mapping[str, object]) -> bytes:
    """JSON in UTF-8; ValueError for a figure that is no number, which JSON cannot say."""
    return json.dumps(body, allow_nan=False, ensure_ascii=False).encode()


def times(clock: UtcClock, name: str, t_ns: int) -> dict[str, object]:
    """A data time as text and as nanoseconds of UTC, under `name` and `name_ns`."""
    utc_ns = clock.utc_ns(t_ns)
    moment = datetime.fromtimestamp(utc_ns // NS, tz=UTC)
    iso = f"{moment:%Y-%m-%dT%H:%M:%S}.{utc_ns % NS // 1_000_000:03d}Z"
    return {name: iso, f"{name}_ns": utc_ns}


def body_of(kind: type[wire.Payload], fields: Mapping[str, Any]) -> bytes:
    """A payload with exactly the fields of its kind. Their values are not judged: what is odd is still sent."""
    return encoded(msgspec.to_builtins(kind(**fields)))


def _newest(topic: str, payload: bytes, of_ns: int) -> Message:
    return Message(topic, payload, retain=True, newest_only=True, of_ns=of_ns)


def _checked(what: str, given: str) -> str:
    if not _ID.fullmatch(given):
        raise BadTopicId(what, given)
    return given


def _span(clock: UtcClock, onset_ns: int, end_ns: int) -> dict[str, object]:
    return {
        **times(clock, "onset", onset_ns),
        **times(clock, "end", end_ns),
        "duration_s": round((end_ns - onset_ns) / NS, 3),
    }
