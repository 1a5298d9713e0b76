"""MQTT as a channel: what the alert's own record does not say already is published for the person it is for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Protocol, TypeVar

from alerts.catalogue import Catalogue
from alerts.mqtt import PublisherStopped
from alerts.payloads import Message, Topics, UtcClock, notification_message
from alerts.severity import TABLE, Table
from alerts.telling import ChannelFailed, Kind, Notification
from dsp.clock import Clock
from dsp.records import NS, Delivery

__all__ = ["MqttChannel", "Outlet"]

RECORD_COUNTS_NS = 15 * NS
"""A record of an alert that rang so recently, or is about to, need not ring a second time for one more person."""
RECORD_WAIT_S = 3.0
"""Real seconds a record may take before its message goes out by itself: it is on its way in well under one."""
_KEPT = 1000
"""Messages remembered: far more than are ever under way."""
_K = TypeVar("_K")
_V = TypeVar("_V")
_BY_RECORD = (Kind.ALERT, Kind.UPDATE)
_BROADCAST = (Kind.ANSWERED, Kind.FALSE_ALARM)


class Outlet(Protocol):
    """Publishes and says whether the broker is there; `alerts.mqtt.MqttPublisher` is one."""

    @property
    def connected(self) -> bool:
        """Whether the broker is there, as far as is known."""
        ...

    async def publish(self, message: Message) -> None:
        """Returns once the broker has confirmed the message."""
        ...


class MqttChannel:
    """Everyone reads one topic, so one message may reach several people.

    Every version of an alert is published once as a record by the announcer; it rings for whoever is told first.
    Repeats, and the first ring of the next person, are messages of their own; who answered is told once for all.
    """

    def __init__(
        self,
        outlet: Outlet,
        topics: Topics,
        *,
        clock: Clock,
        utc: UtcClock,
        words: Catalogue | None = None,
        table: Table = TABLE,
    ) -> None:
        self._words = words
        self._table = table
        self._outlet = outlet
        self._topics = topics
        self._clock = clock
        self._utc = utc
        self._rang: dict[tuple[str, int], bool] = {}
        """records that were made: whether they ring"""
        self._recorded: dict[tuple[str, int], int] = {}
        """records that the broker has confirmed: when"""
        self._news = asyncio.Event()
        self._broadcasts: dict[tuple[str, Kind, str, int | None], asyncio.Task[None]] = {}

    def made(self, record: Notification) -> None:
        """The record of a version of an alert is about to be published."""
        send = record.send
        _make_room(self._rang)
        self._rang[send.alert_id, send.version] = send.rings

    def confirmed(self, step: Delivery) -> None:
        """The broker has confirmed the record of a version of an alert."""
        _make_room(self._recorded)
        self._recorded[step.alert_id, step.version] = step.t_ns
        self._news.set()
        self._news = asyncio.Event()

    async def send(self, message: Notification) -> None:
        """Publish it, or wait for what says the same.

        Raises:
            ChannelFailed: the broker is away; nothing of it goes out later.
        """
        if not self._outlet.connected:
            raise ChannelFailed("mqtt", "the broker is away")
        kind = message.send.kind
        if kind in _BROADCAST:
            await self.broadcast(message)
        elif kind not in _BY_RECORD or not await self._said_by_record(message):
            await self._publish(message)

    async def broadcast(self, message: Notification) -> None:
        """Tell everyone who reads the topic, once, however many are told over it."""
        standing = message.standing
        key = (message.alert.id, message.send.kind, standing.acknowledged_by, standing.acknowledged_ns)
        known = self._broadcasts.get(key)
        if known is None or (known.done() and (known.cancelled() or known.exception() is not None)):
            _make_room(self._broadcasts)
            everyone = replace(message, send=replace(message.send, person="", step=0))
            self._broadcasts[key] = asyncio.create_task(self._publish(everyone))
        await asyncio.shield(self._broadcasts[key])

    async def _said_by_record(self, message: Notification) -> bool:
        """Whether the record, which may be on its way, says it; it does not where it was made silent."""
        key = (message.send.alert_id, message.send.version)
        try:
            async with asyncio.timeout(RECORD_WAIT_S):
                while key not in self._recorded:
                    await self._news.wait()
        except TimeoutError:
            return False  # a full disk or a backlog holds the record up
        if not message.send.rings:
            return True
        age_ns = self._clock.now_ns() - self._recorded[key]
        return self._rang.get(key, False) and age_ns <= RECORD_COUNTS_NS

    async def _publish(self, message: Notification) -> None:
        made = notification_message(
            self._topics,
            self._utc,
            message,
            from_ns=self._clock.now_ns(),
            words=self._words,
            table=self._table,
        )
        try:
            # its way is journalled by the steps of its person, not as the record's
            await self._outlet.publish(replace(made, alert=None))
        except PublisherStopped as error:
            raise ChannelFailed("mqtt", str(error)) from error


def _make_room(kept: dict[_K, _V]) -> None:
    """Let the oldest go: a service runs for months."""
    while len(kept) >= _KEPT:
        del kept[next(iter(kept))]
