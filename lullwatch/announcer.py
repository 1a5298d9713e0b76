"""From the journal to the broker, behind a durable cursor: what is not confirmed is sent again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from alerts.mqtt import MqttPublisher, PublisherStopped
from alerts.payloads import (
    Message,
    Topics,
    UtcClock,
    alert_message,
    coverage_message,
    event_message,
    link_message,
    state_message,
)
from alerts.rules import RuleState, severity_of
from dsp.records import Alert, Coverage, Event, LinkSample, Severity, Site, StateEpoch
from store.journal import Journal
from store.rows import LinkRow, Row

__all__ = ["ALERTS", "DIARY", "Announcer"]

_log = logging.getLogger(__name__)

ALERTS = ("alert",)
"""Goes by itself, so that no alert waits behind a night's diary after the broker was away."""
DIARY = ("alert", "event", "state", "coverage", "link")
"""Alerts are only read here: an event is announced at the severity its alert stands at."""
_BATCH_ROWS = 200
"""Rows read at once; each is confirmed before the next is sent, so more would only take memory."""


class Announcer:
    """Reads rows of some tables in journal order and publishes each until the broker has confirmed it.

    Args:
        journal: is read; only its cursors are moved.
        publisher: to hand messages to.
        topics: of this gateway.
        tables: names of the journal's tables to announce.
        utc: ties data time to UTC.
    """

    def __init__(
        self,
        journal: Journal,
        publisher: MqttPublisher,
        topics: Topics,
        *,
        tables: Sequence[str],
        utc: UtcClock,
    ) -> None:
        self._journal = journal
        self._publisher = publisher
        self._topics = topics
        self._tables = tuple(tables)
        self._cursor = "mqtt-" + "-".join(tables)
        self._utc = utc
        self._severity: dict[str | None, Severity] = {}
        self._links: dict[str, dict[Site, LinkSample]] = {}
        self._news = asyncio.Event()
        self._idle = asyncio.Event()

    def wake(self) -> None:
        """There may be new rows."""
        self._idle.clear()
        self._news.set()

    async def settled(self) -> None:
        """Wait until everything in the journal has been confirmed."""
        await self._idle.wait()

    async def run(self) -> None:
        """Announce until cancelled or until the publisher stops."""
        try:
            while True:
                self._news.clear()
                while await self._batch():
                    pass
                if not self._news.is_set():
                    self._idle.set()
                await self._news.wait()
        except PublisherStopped as error:
            _log.info("%s", error)

    async def _batch(self) -> bool:
        """Publish the next rows; the cursor moves when all of them are confirmed."""
        after = await asyncio.to_thread(self._journal.cursor, self._cursor)
        rows = await asyncio.to_thread(self._journal.read, after, limit=_BATCH_ROWS, tables=self._tables)
        for _, row in rows:
            message = self._message(row)
            if message is not None:
                await self._publisher.publish(message)
        if rows:
            await asyncio.to_thread(self._journal.advance, self._cursor, rows[-1][0])
        return bool(rows)

    def _message(self, row: Row) -> Message | None:
        topics, utc = self._topics, self._utc
        if isinstance(row, Alert):
            return self._alert(row)
        if isinstance(row, Event):
            return event_message(topics, utc, row, self._standing(row))
        if isinstance(row, StateEpoch):
            return state_message(topics, utc, row)
        if isinstance(row, Coverage):
            return coverage_message(topics, utc, row)
        if isinstance(row, LinkRow):
            links = self._links.setdefault(row.infant, {})
            links[row.sample.site] = row.sample
            return link_message(topics, utc, row.infant, list(links.values()))
        return None

    def _alert(self, alert: Alert) -> Message | None:
        if self._tables == ALERTS:
            return alert_message(self._topics, self._utc, alert)
        self._severity[alert.event_id] = alert.severity
        return None

    def _standing(self, event: Event) -> Severity:
        """What an event stands at: its alert's severity, else that of the table."""
        return self._severity.get(event.id) or severity_of(RuleState(), event)
