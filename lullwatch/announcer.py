"""From the journal to the broker, behind a durable cursor: what is not confirmed is sent again."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import replace

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
from store.errors import JournalError
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
_RECALLED_ROWS = 2_000_000
"""How far back a start looks for what stands: the rows of a day of one infant's three sensors. What is older
has long been told its last."""


class Announcer:
    """Reads rows of some tables in journal order and publishes each until the broker has confirmed it.

    A row that cannot be made a message is set aside beside the journal, with the reason; the next ones go out.
    While the journal cannot be read or the cursor cannot be moved, it tries again at every `wake`.

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
        self._newest: dict[tuple[str, type], int] = {}
        """time of the newest state and minute announced, by infant: a topic shows what is now"""
        self._recalled = False
        self._published = 0
        self._trouble = ""
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
                _log.warning("%s: %s", self._cursor, error)
            self._trouble = str(error)
            return False
        self._trouble = ""
        return True

    def _recall(self) -> None:
        """Learn from what was announced before this start: alerts that stand, and every sensor's newest link."""
        upto = self._journal.cursor(self._cursor)
        after = max(0, upto - _RECALLED_ROWS)
        tables = [t for t in ("alert", "link") if t in self._tables and self._tables != ALERTS]
        while rows := self._journal.read(after, limit=_BATCH_ROWS, tables=tables):
            for number, row in rows:
                if number > upto:
                    return
                self._remember(row)
            after = rows[-1][0]

    def _remember(self, row: Row) -> None:
        if isinstance(row, Alert):
            self._severity[row.event_id] = row.severity
        elif isinstance(row, LinkRow):
            self._links.setdefault(row.infant, {})[row.sample.site] = row.sample

    async def _batch(self) -> bool:
        """Publish the next rows; the cursor moves when all of them are confirmed.

        What is confirmed is not sent again by this process, even while the cursor cannot be moved.
        """
        cursor = await asyncio.to_thread(self._journal.cursor, self._cursor)
        after = max(cursor, self._published)
        rows = await asyncio.to_thread(self._journal.read, after, limit=_BATCH_ROWS, tables=self._tables)
        for number, row in rows:
            await self._announce(number, row)
            self._published = number
        if self._published > cursor:
            await asyncio.to_thread(self._journal.advance, self._cursor, self._published)
        return bool(rows)

    async def _announce(self, number: int, row: Row) -> None:
        try:
            message = self._message(row)
        except Exception as error:  # noqa: BLE001 - whatever one row does, those after it must go out
            reason = f"{type(error).__name__}: {error}"
            _log.error("row %d of the journal cannot be announced and was set aside: %s", number, reason)
            await asyncio.to_thread(
                self._journal.set_aside, self._cursor, number, reason, repr(row).encode("utf-8", "replace")
            )
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
            return alert_message(self._topics, self._utc, _sendable(alert))
        self._remember(alert)
        return None

    def _standing(self, event: Event) -> Severity:
        """What an event stands at: its alert's severity, else that of the table."""
        return self._severity.get(event.id) or severity_of(RuleState(), event)


def _sendable(alert: Alert) -> Alert:
    """An alert goes out even when one of its figures is no number, which JSON cannot say."""
    bad = {k: None for k, v in alert.facts.items() if isinstance(v, float) and not math.isfinite(v)}
    return replace(alert, facts={**alert.facts, **bad}) if bad else alert
