"""From the nights to the broker, behind a durable cursor: what is not confirmed is sent again."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from alerts.catalogue import Catalogue
from alerts.mqtt import MqttPublisher, PublisherStopped
from alerts.payloads import (
    Message,
    Topics,
    UtcClock,
    alert_message,
    coverage_message,
    event_message,
    link_message,
    notification_message,
    state_message,
)
from alerts.rules import RuleState, severity_of
from alerts.severity import TABLE, Table
from alerts.telling import Notification
from dsp.clock import Clock
from dsp.records import NS, Alert, Coverage, Event, LinkSample, Severity, Site, StateEpoch
from store.errors import JournalError
from store.rows import LinkRow, Row
from store.shelf import Place, Shelf

__all__ = ["ALERTS", "ANNOUNCED", "DIARY", "Announcer", "cursor_of"]

_log = logging.getLogger(__name__)

ALERTS = ("alert",)
"""Goes by itself, so that no alert waits behind a night's diary after the broker was away."""
DIARY = ("alert", "event", "state", "coverage", "link")
"""Alerts are only read here: an event is announced at the severity its alert stands at."""
ANNOUNCED = (ALERTS, DIARY)
_BATCH_ROWS = 200
"""Rows read at once; each is confirmed before the next is sent, so more would only take memory."""
_TOLD_AFTER_S = 60.0
"""Standing still for so long is told: what the broker retains looks well meanwhile; most passes in seconds."""


def cursor_of(tables: Sequence[str]) -> str:
    """Name of the cursor behind which rows of some tables are announced."""
    return "mqtt-" + "-".join(tables)


class Announcer:
    """Reads rows of some tables in the order of the nights and publishes each until the broker has confirmed it.

    A row that cannot be made a message is set aside beside its night, with the reason; the next ones go out.
    While a night cannot be read or the cursor cannot be moved, it tries again at every `wake`.

    Args:
        shelf: the nights; only cursors are moved.
        publisher: to hand messages to.
        topics: of this gateway.
        tables: names of the tables to announce.
        utc: ties data time to UTC.
        record: how a version of an alert goes out; without it, as it was decided.
        words: say of an alert that was held up that it is late; None leaves the text as it was.
        table: the severity table in force, for when something is late.
        clock: times how long it stands still.
        say: told why it has stood still for a minute (the kind of failure alone), and "" once it goes on.
    """

    def __init__(
        self,
        shelf: Shelf,
        publisher: MqttPublisher,
        topics: Topics,
        *,
        tables: Sequence[str],
        utc: UtcClock,
        clock: Clock,
        say: Callable[[str], None] = lambda _: None,
        record: Callable[[Alert], Notification] | None = None,
        words: Catalogue | None = None,
        table: Table = TABLE,
    ) -> None:
        self._words = words
        self._table = table
        self.name = cursor_of(tables)
        """of its cursor"""
        self._rows = shelf.reader(self.name, tables=tables)
        self._publisher = publisher
        self._topics = topics
        self._tables = tuple(tables)
        self._utc = utc
        self._record = record
        self._severity: dict[str | None, Severity] = {}
        self._links: dict[str, dict[Site, LinkSample]] = {}
        self._newest: dict[tuple[str, type], int] = {}
        """time of the newest state and minute announced, by infant: a topic shows what is now"""
        self._done: Place | None = None
        """confirmed by the broker, but the cursor could not be moved behind it yet"""
        self._recalled = False
        self._clock = clock
        self._say = say
        self._trouble = ""
        self._stands_since_ns: int | None = None
        self._told = False
        """that it stands still"""
        self._news = asyncio.Event()
        self._idle = asyncio.Event()

    def wake(self) -> None:
        """There may be new rows."""
        self._idle.clear()
        self._news.set()

    async def settled(self) -> None:
        """Wait until everything in the nights has been confirmed."""
        await self._idle.wait()

    async def run(self) -> None:
        """Announce until cancelled or until the publisher stops."""
        try:
            while True:
                self._news.clear()
                whole = await self._all()
                if whole and not self._news.is_set():
                    self._idle.set()
                await self._news.wait()
        except PublisherStopped as error:
            _log.info("%s", error)

    async def _all(self) -> bool:
        """Publish what is there; False when the journal did not let us."""
        try:
            if not self._recalled:
                await asyncio.to_thread(self._recall)
                self._recalled = True
            while await self._batch():
                pass
        except JournalError as error:
            if str(error) != self._trouble:
                _log.warning("%s: %s", self.name, error)
            self._trouble = str(error)
            self._stands_still(type(error).__name__)
            return False
        self._goes_on()
        return True

    def _stands_still(self, why: str) -> None:
        now_ns = self._clock.now_ns()
        if self._stands_since_ns is None:
            self._stands_since_ns = now_ns
        if now_ns - self._stands_since_ns >= _TOLD_AFTER_S * NS:
            self._told = True
            self._say(why)

    def _goes_on(self) -> None:
        self._trouble, self._stands_since_ns = "", None
        if self._told:
            self._told = False
            self._say("")

    def _recall(self) -> None:
        """Learn from what was announced before this start: alerts that stand, and every sensor's newest link."""
        if self._tables != ALERTS:
            for _, row in self._rows.confirmed(tables=("alert", "link")):
                self._remember(row)

    def _remember(self, row: Row) -> None:
        if isinstance(row, Alert):
            self._severity[row.event_id] = row.severity
        elif isinstance(row, LinkRow):
            self._links.setdefault(row.infant, {})[row.sample.site] = row.sample

    async def _batch(self) -> bool:
        """Publish the next rows; the cursor moves behind the last that is confirmed."""
        rows = await asyncio.to_thread(self._rows.rows, _BATCH_ROWS)
        outdated = _outdated([row for _, row in rows]) if self._tables == ALERTS else set()
        try:
            for number, (place, row) in enumerate(rows):
                if number not in outdated:
                    await self._announce(place, row)
                self._done = place
        finally:
            if self._done is not None:
                await asyncio.to_thread(self._rows.confirm, self._done)
                self._done = None
        return bool(rows)

    async def _announce(self, place: Place, row: Row) -> None:
        try:
            message = self._message(row)
        except Exception as error:  # noqa: BLE001 - whatever one row does, those after it must go out
            reason = f"{type(error).__name__}: {error}"
            _log.error(
                "row %d of %s cannot be announced and was set aside: %s", place.row, place.night, reason
            )
            body = repr(row).encode("utf-8", "replace")
            await asyncio.to_thread(self._rows.set_aside, place, reason, body)
        else:
            if message is not None:
                await self._publisher.publish(message)

    def _message(self, row: Row) -> Message | None:
        topics, utc = self._topics, self._utc
        if isinstance(row, Alert):
            return self._alert(row)
        if isinstance(row, Event):
            return event_message(topics, utc, row, self._standing(row))
        if isinstance(row, StateEpoch):
            return state_message(topics, utc, row) if self._is_newest(row) else None
        if isinstance(row, Coverage):
            return coverage_message(topics, utc, row) if self._is_newest(row) else None
        if isinstance(row, LinkRow):
            self._remember(row)
            return link_message(topics, utc, row.infant, list(self._links[row.infant].values()))
        return None

    def _is_newest(self, row: StateEpoch | Coverage) -> bool:
        """Whether the row is not a later word on an earlier time, told again because of data that came late."""
        key = (row.infant, type(row))
        newest = self._newest.get(key)
        if newest is not None and row.t_ns < newest:
            return False
        self._newest[key] = row.t_ns
        return True

    def _alert(self, alert: Alert) -> Message | None:
        if self._tables == ALERTS:
            alert = _sendable(alert)
            # a broker that was away may get it hours later: who has answered by then is said, and does not ring
            message = self._said(alert)
            return replace(message, later=lambda now_ns: self._said_again(alert, message).at(now_ns))
        self._remember(alert)
        return None

    def _said_again(self, alert: Alert, before: Message) -> Message:
        try:
            return self._said(alert)
        except Exception:  # noqa: BLE001 - it would hold up every message behind it
            _log.exception("alert %s goes out as it stood when it was decided", alert.id)
            return before

    def _said(self, alert: Alert) -> Message:
        """How a version of an alert is told at this moment."""
        if self._record is None:
            return alert_message(self._topics, self._utc, alert, words=self._words, table=self._table)
        told = self._record(alert)
        return notification_message(
            self._topics, self._utc, told, from_ns=alert.t_ns, words=self._words, table=self._table
        )

    def _standing(self, event: Event) -> Severity:
        """What an event stands at: its alert's severity, else that of the table."""
        return self._severity.get(event.id) or severity_of(RuleState(), event, self._table)


def _outdated(rows: Sequence[Row]) -> set[int]:
    """Places of alerts that a newer version among the rows replaces: an outage is not told version by version.

    One that rings is never left out for one that does not.
    """
    newest: dict[str, int] = {}
    found: set[int] = set()
    for number, row in enumerate(rows):
        if not isinstance(row, Alert):
            continue
        before = newest.get(row.id)
        if before is not None and (_rings(row) or not _rings(rows[before])):
            found.add(before)
        newest[row.id] = number
    return found


def _rings(row: Row) -> bool:
    return isinstance(row, Alert) and row.facts.get("announce") == "ring"


def _sendable(alert: Alert) -> Alert:
    """An alert goes out even when one of its figures is no number, which JSON cannot say."""
    bad = {k: None for k, v in alert.facts.items() if isinstance(v, float) and not math.isfinite(v)}
    return replace(alert, facts={**alert.facts, **bad}) if bad else alert
