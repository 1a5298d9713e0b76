"""Messages to an MQTT broker: QoS 1, last will, confirmed one by one, resumed after an outage.

The publisher keeps what the broker has not confirmed and sends it again after a reconnect; ids and versions make
what arrives twice recognisable. It holds no more than its callers wait for: they read the journal behind a cursor
that moves when `publish` returns. Commands are carried out one by one, apart from publishing and from listening.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

import aiomqtt

from alerts.inbound import Arrived, Inbox, OnCommand
from alerts.payloads import Message, Topics, status_payload
from dsp.clock import Clock
from dsp.records import Delivery

__all__ = ["BrokerAddress", "MqttPublisher", "PublisherStopped"]

_log = logging.getLogger(__name__)

QOS = 1
"""At least once: an alert that is doubled is recognisable, one that is lost is not."""
FIRST_PAUSE_S = 1.0
"""A broker that restarts is back within a second or two."""
LAST_PAUSE_S = 30.0
"""A broker that is away all night is asked twice a minute: an alert waits at most so long after its return."""
CONFIRM_TIMEOUT_S = 10.0
"""Confirmations take milliseconds on a home network; after ten seconds the connection is as good as dead."""
KEEPALIVE_S = 15
"""The broker says `offline` for us after one and a half of these without a sign of life. Real time."""
FAREWELL_S = 5.0
"""What a planned stop may take in all, while whoever stops us waits. Real time."""


class PublisherStopped(Exception):
    """The message was not confirmed before the publisher stopped; it is still due."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"the publisher stopped before the broker confirmed a message on {topic}; send it again"
        )


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and how to be let in."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    """None: unencrypted, for the loopback only"""


@dataclass(slots=True)
class _Waiting:
    message: Message
    confirmed: asyncio.Future[None]


class MqttPublisher:
    """One gateway's connection to its broker; `run()` keeps it up until it is stopped or cancelled.

    Args:
        broker: where to connect.
        topics: of this gateway.
        clock: times the pauses between attempts and stamps deliveries.
        on_delivery: told when the broker confirmed an alert (step `published`).
        on_connection: told True once connected and False once there is no connection.
        infants: ids of those whose commands are carried out.
        on_command: carries out commands and receipts; None listens to none.
    """

    def __init__(
        self,
        broker: BrokerAddress,
        topics: Topics,
        *,
        clock: Clock,
        on_delivery: Callable[[Delivery], None] = lambda _: None,
        on_connection: Callable[[bool], None] = lambda _: None,
        infants: Collection[str] = (),
        on_command: OnCommand | None = None,
    ) -> None:
        self._broker = broker
        self._topics = topics
        self._clock = clock
        self._on_delivery = on_delivery
        self._on_connection = on_connection
        self._inbox = None if on_command is None else Inbox(topics, infants, on_command)
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._stopping = asyncio.Event()
        self._retained: dict[str, Message] = {}
        self._told: bool | None = None
        self._last_word = "stopped"

    @property
    def connected(self) -> bool:
        """Whether the broker is there, as far as is known."""
        return self._told is True

    async def publish(self, message: Message) -> None:
        """Hand a message over and wait until the broker confirmed it, over any number of reconnects.

        Raises:
            PublisherStopped: it was not confirmed and will not be by this publisher.
        """
        if self._stopping.is_set():
            raise PublisherStopped(message.topic)
        waiting = _Waiting(message, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        await waiting.confirmed

    async def run(self) -> None:
        """Connect, publish what waits, and connect again when the connection is lost. Returns after `stop()`."""
        pause_s = FIRST_PAUSE_S
        try:
            while not self._stopping.is_set():
                try:
                    async with self._client() as client:
                        pause_s = FIRST_PAUSE_S
                        await self._session(client)
                except aiomqtt.MqttError as error:
                    self._lost(error, pause_s)
                    await self._pause(pause_s)
                    pause_s = min(2 * pause_s, LAST_PAUSE_S)
        finally:
            self._give_up()

    async def stop(self, *, planned: bool = True) -> None:
        """End `run()`: what waits is sent while the broker is there, then the status says `stopped`.

        With ``planned=False`` it says `offline`: the service ends because something in it failed.
        """
        self._last_word = "stopped" if planned else "offline"
        self._stopping.set()
        self._arrived.set()

    def _client(self) -> aiomqtt.Client:
        will = aiomqtt.Will(self._topics.status, status_payload("offline"), qos=QOS, retain=True)
        return aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            username=self._broker.username,
            password=self._broker.password,
            tls_context=self._broker.tls,
            identifier=f"lullwatch-{self._topics.gateway}",
            will=will,
            keepalive=KEEPALIVE_S,
            timeout=CONFIRM_TIMEOUT_S,
            logger=_log,
        )

    async def _session(self, client: aiomqtt.Client) -> None:
        await self._send(client, Message(self._topics.status, status_payload("online"), retain=True))
        # a broker that lost its memory gets the retained ones back
        for message in self._retained.values():
            await self._send(client, message)
        self._tell(connected=True)
        work = [asyncio.create_task(self._drain(client)), asyncio.create_task(self._listen(client))]
        if self._inbox is not None:
            work.append(asyncio.create_task(self._answer(client, self._inbox)))
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _ended(work)
            await self._farewell(client)
            raise
        failures = await _ended(work)
        if failures:
            raise failures[0]
        await self._farewell(client)

    async def _drain(self, client: aiomqtt.Client) -> None:
        """Publish in order what waits; returns once stopping and empty."""
        while True:
            while self._waiting:
                waiting = self._waiting[0]
                await self._send(client, waiting.message)
                self._waiting.popleft()
                self._confirmed(waiting)
            if self._stopping.is_set():
                return
            self._arrived.clear()
            await self._arrived.wait()

    async def _listen(self, client: aiomqtt.Client) -> None:
        """Raise `MqttError` as soon as the connection is lost, also when nothing is to be published."""
        if self._inbox is not None:
            await client.subscribe([(f, QOS) for f in self._inbox.filters])
        async for message in client.messages:
            if self._inbox is not None:
                payload = message.payload if isinstance(message.payload, bytes) else b""
                self._inbox.put(Arrived(str(message.topic), payload, message.retain))

    async def _answer(self, client: aiomqtt.Client, inbox: Inbox) -> None:
        """Carry out commands one after the other and say what became of each."""
        while True:
            if (said := await inbox.answer()) is not None:
                await self._send(client, said)

    async def _send(self, client: aiomqtt.Client, message: Message) -> None:
        await client.publish(message.topic, message.payload, qos=QOS, retain=message.retain)

    def _confirmed(self, waiting: _Waiting) -> None:
        message = waiting.message
        if message.retain:
            self._retained[message.topic] = message
        if message.alert is not None:
            alert_id, version = message.alert
            step = Delivery(alert_id, version, self._clock.now_ns(), "mqtt", "published", message.topic)
            self._on_delivery(step)
        if not waiting.confirmed.done():
            waiting.confirmed.set_result(None)

    async def _farewell(self, client: aiomqtt.Client) -> None:
        stopped = Message(self._topics.status, status_payload(self._last_word), retain=True)
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._send(client, stopped)
        except (aiomqtt.MqttError, TimeoutError) as error:
            _log.warning("the broker was not told of the planned stop: %s", error)

    def _tell(self, *, connected: bool) -> None:
        if self._told is not connected:
            self._told = connected
            self._on_connection(connected)

    def _lost(self, error: aiomqtt.MqttError, pause_s: float) -> None:
        self._tell(connected=False)
        _log.warning(
            "no connection to the broker at %s:%d (%s); next attempt in %.0f s, %d messages wait",
            self._broker.host,
            self._broker.port,
            error,
            pause_s,
            len(self._waiting),
        )

    async def _pause(self, pause_s: float) -> None:
        """Wait, but not longer than until somebody stops us."""
        work = [asyncio.create_task(self._clock.sleep(pause_s)), asyncio.create_task(self._until_stopping())]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _ended(work)

    async def _until_stopping(self) -> None:
        await self._stopping.wait()

    def _give_up(self) -> None:
        self._stopping.set()
        self._told = False
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.confirmed.done():
                waiting.confirmed.set_exception(PublisherStopped(waiting.message.topic))


async def _ended(work: list[asyncio.Task[None]]) -> list[BaseException]:
    """Cancel what still runs; the failures of what ended by itself."""
    for task in work:
        task.cancel()
    results = await asyncio.gather(*work, return_exceptions=True)
    return [r for r in results if isinstance(r, BaseException) and not isinstance(r, asyncio.CancelledError)]
