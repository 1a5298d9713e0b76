"""Messages to an MQTT broker: QoS 1, last will, confirmed one by one, resumed after an outage.

The publisher keeps what the broker has not confirmed and sends it again after a reconnect; ids and versions make
what arrives twice recognisable. It holds no more than its callers wait for: they read the journal behind a cursor
that moves when `publish` returns. Of what only the newest matters, an outage leaves the newest.
Commands are carried out one by one, apart from publishing and from listening.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import aiomqtt

from alerts.broker_trouble import BrokerAddress, Refusal, looked_into
from alerts.inbound import Arrived, Inbox, OnCommand
from alerts.newest import Newest
from alerts.payloads import Message, Topics, status_payload
from dsp.clock import Clock
from dsp.records import NS, Delivery

__all__ = ["BrokerAddress", "MqttPublisher", "PublisherStopped", "subscribed"]

_log = logging.getLogger(__name__)

QOS = 1
"""At least once: an alert that is doubled is recognisable, one that is lost is not."""
FIRST_PAUSE_S = 1.0
"""A broker that restarts is back within a second or two."""
LAST_PAUSE_S = 30.0
"""A broker that is away all night is asked twice a minute: an alert waits at most so long after its return."""
AWAY_S = 30.0
"""A broker that restarts is no trouble to tell anyone of; one that stays away is. What only a person can mend, a
wrong password or a certificate, is told at once."""
CONFIRM_TIMEOUT_S = 10.0
"""Confirmations take milliseconds on a home network; after ten seconds the connection is as good as dead."""
KEEPALIVE_S = 15
"""The broker says `offline` for us after one and a half of these without a sign of life. Real time."""
CANCEL_AGAIN_S = 0.5
"""A job that was cancelled ends at once, unless the cancellation was lost. Real time."""
FAREWELL_S = 5.0
"""What a planned stop may take in all, while whoever stops us waits. Real time."""
HELD_S = 2.0
"""What is held back goes out so long after it was: a night's backlog of states passes through in less."""
_REFUSED_SUBSCRIPTION = 128
"""SUBACK code from which on the broker did not grant a subscription."""
_BROKER = "broker"
"""Kind of this part's technical trouble."""


class PublisherStopped(Exception):
    """The message was not confirmed before the publisher stopped; it is still due."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"the publisher stopped before the broker confirmed a message on {topic}; send it again"
        )


async def subscribed(client: aiomqtt.Client, filters: Sequence[str]) -> list[str]:
    """Subscribe; which of the filters the broker refused."""
    codes = await client.subscribe([(name, QOS) for name in filters])
    values = [code if isinstance(code, int) else code.value for code in codes]
    return [f for f, code in zip(filters, values, strict=True) if code >= _REFUSED_SUBSCRIPTION]


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
        on_trouble: told (`broker`, why) when a person has to know, and (`broker`, "") when it is well again.
        infants: ids of those whose commands are carried out.
        on_command: carries out commands and receipts; None listens to none.
        heard: further topic filters to listen to, and who is told (topic, payload).
    """

    def __init__(
        self,
        broker: BrokerAddress,
        topics: Topics,
        *,
        clock: Clock,
        on_delivery: Callable[[Delivery], None] = lambda _: None,
        on_connection: Callable[[bool], None] = lambda _: None,
        on_trouble: Callable[[str, str], None] = lambda _kind, _why: None,
        infants: Collection[str] = (),
        on_command: OnCommand | None = None,
        heard: Mapping[str, Callable[[str, bytes], None]] | None = None,
    ) -> None:
        self._broker = broker
        self._topics = topics
        self._clock = clock
        self._on_delivery = on_delivery
        self._on_connection = on_connection
        self._on_trouble = on_trouble
        self._inbox = None if on_command is None else Inbox(topics, infants, on_command)
        self._heard = dict(heard or {})
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._stopping = asyncio.Event()
        self._newest = Newest()
        self._told: bool | None = None
        self._away_since_ns: int | None = None
        self._trouble = ""
        self._came_back = asyncio.Event()
        self._last_word = "stopped"

    @property
    def connected(self) -> bool:
        """Whether the broker is there, as far as is known."""
        return self._told is True

    async def publish(self, message: Message) -> None:
        """Hand a message over and wait until the broker confirmed it, over any number of reconnects.

        Who is cancelled while it waits takes it back, unless it is on its way already.

        One of which only the newest matters is not waited for while there is no connection or it is old: it is held,
        and goes out unless a newer one of its topic comes first.

        Raises:
            PublisherStopped: it was not confirmed and will not be by this publisher.
        """
        if self._stopping.is_set():
            raise PublisherStopped(message.topic)
        if message.newest_only and not (
            self.connected and self._newest.is_fresh(message, self._clock.now_ns())
        ):
            self._newest.hold(message)
            return
        self._newest.replaced(message)
        waiting = _Waiting(message, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        await waiting.confirmed

    def post(self, message: Message) -> None:
        """Hand over a message of which only the newest matters, without waiting; a newer one takes its place."""
        self._newest.hold(message)

    def publish_again(self) -> None:
        """Send every retained message once more: somebody has come who may not have them."""
        self._newest.hold_all()

    async def run(self) -> None:
        """Connect, publish what waits, and connect again when the connection is lost. Returns after `stop()`.

        Where it fails of anything else it may be run again: what waits goes on waiting.
        """
        pause_s = FIRST_PAUSE_S
        try:
            while not self._stopping.is_set():
                try:
                    async with self._client() as client:
                        pause_s = FIRST_PAUSE_S
                        await self._session(client)
                except (
                    aiomqtt.MqttError,
                    OSError,
                    ValueError,
                ) as error:  # a host that can be none is a ValueError
                    self._lost(await looked_into(error, self._broker), pause_s)
                    await self._pause(pause_s)
                    pause_s = min(2 * pause_s, LAST_PAUSE_S)
        except asyncio.CancelledError:
            self._give_up()
            raise
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
            # a mute that the broker kept for us would begin at our return, long after it was meant: what is
            # sent while nobody listens is lost, and whoever sent it sees no answer
            clean_session=True,
            keepalive=KEEPALIVE_S,
            timeout=CONFIRM_TIMEOUT_S,
            logger=_log,
        )

    async def _session(self, client: aiomqtt.Client) -> None:
        self._came_back.clear()
        refused = await self._subscribe(client)
        await self._send(client, self._status("online"))
        # a broker that lost its memory gets the retained ones back
        for message in self._newest.retained:
            await self._send(client, message)
        self._tell(connected=True)
        if refused:
            self._say(refused)
        jobs = [self._drain(client), self._listen(client), self._release(client), self._watch_own_status()]
        if self._inbox is not None:
            jobs.append(self._answer(client, self._inbox))
        await self._work(client, [asyncio.create_task(job) for job in jobs])

    async def _work(self, client: aiomqtt.Client, work: list[asyncio.Task[None]]) -> None:
        """Until one of the jobs has ended: by itself when we stop, by failing when the connection is lost."""
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

    async def _subscribe(self, client: aiomqtt.Client) -> str:
        """Listen to commands, to our own status and to what others asked for; what the broker refused, in words."""
        filters = [self._topics.status, *self._heard, *(self._inbox.filters if self._inbox else ())]
        refused = await subscribed(client, filters)
        if not refused:
            return ""
        return f"the broker does not let this gateway read {' '.join(refused)}: mend its access list (deploy/mosquitto)"

    async def _drain(self, client: aiomqtt.Client) -> None:
        """Publish in order what waits; returns once stopping and empty."""
        while True:
            while self._waiting:
                waiting = self._waiting[0]
                if waiting.confirmed.cancelled():
                    self._waiting.popleft()
                    continue
                await self._send(client, waiting.message)
                self._waiting.popleft()
                self._confirmed(waiting)
            if self._stopping.is_set():
                await self._send_held(client)
                return
            self._arrived.clear()
            await self._arrived.wait()

    async def _release(self, client: aiomqtt.Client) -> None:
        """Send what is held, a little later: what comes meanwhile may take its place."""
        while True:
            await self._newest.something.wait()
            await self._clock.sleep(HELD_S)
            await self._send_held(client)

    async def _send_held(self, client: aiomqtt.Client) -> None:
        while (message := self._newest.first()) is not None:
            await self._send(client, message)
            self._newest.sent(message)

    async def _listen(self, client: aiomqtt.Client) -> None:
        """Take what comes in. Raises `MqttError` as soon as the connection is lost."""
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            topic = str(message.topic)
            if topic == self._topics.status:
                await self._own_status(client, payload, retained=message.retain)
            elif listener := next(
                (f for name, f in self._heard.items() if message.topic.matches(name)), None
            ):
                listener(topic, payload)
            elif self._inbox is not None:
                self._inbox.put(Arrived(topic, payload, message.retain))

    async def _own_status(self, client: aiomqtt.Client, payload: bytes, *, retained: bool) -> None:
        """Our own status as everyone sees it: proof that the broker passes on what it confirms."""
        if retained:
            return
        self._came_back.set()
        if payload == status_payload("offline") and not self._stopping.is_set():
            # the last will of an earlier connection, published after we came back
            await self._send(client, self._status("online"))

    async def _watch_own_status(self) -> None:
        """A broker whose access list forbids us to write confirms all the same and drops what we say."""
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                await self._came_back.wait()
        except TimeoutError:
            self._say(
                f"the broker confirms messages on {self._topics.status} and does not pass them on: let this gateway "
                f"write and read lullwatch/{self._topics.gateway}/# in its access list (deploy/mosquitto)"
            )
        await asyncio.Event().wait()  # the session ends when another of its jobs does

    async def _answer(self, client: aiomqtt.Client, inbox: Inbox) -> None:
        """Carry out commands one after the other and say what became of each."""
        while True:
            if (said := await inbox.answer()) is not None:
                await self._send(client, said)

    async def _send(self, client: aiomqtt.Client, message: Message) -> None:
        payload = message.at(self._clock.now_ns())
        await client.publish(message.topic, payload, qos=QOS, retain=message.retain)

    def _status(self, state: str) -> Message:
        return Message(self._topics.status, status_payload(state), retain=True)

    def _confirmed(self, waiting: _Waiting) -> None:
        message = waiting.message
        self._newest.confirmed(message)
        if message.alert is not None:
            alert_id, version = message.alert
            step = Delivery(alert_id, version, self._clock.now_ns(), "mqtt", "published", message.topic)
            self._on_delivery(step)
        if not waiting.confirmed.done():
            waiting.confirmed.set_result(None)

    async def _farewell(self, client: aiomqtt.Client) -> None:
        try:
            async with asyncio.timeout(FAREWELL_S):
                # else the last word would still be on its way back to us when we leave
                await client.unsubscribe(self._topics.status)
                await self._send(client, self._status(self._last_word))
        except (aiomqtt.MqttError, TimeoutError) as error:
            _log.warning("the broker was not told of the planned stop: %s", error)

    def _tell(self, *, connected: bool) -> None:
        if self._told is not connected:
            self._told = connected
            self._on_connection(connected)
        if connected:
            self._away_since_ns = None
            self._say("")

    def _say(self, why: str) -> None:
        """Raise or clear the technical trouble, each once."""
        if why != self._trouble:
            self._trouble = why
            self._on_trouble(_BROKER, why)

    def _lost(self, refusal: Refusal, pause_s: float) -> None:
        now_ns = self._clock.now_ns()
        self._away_since_ns = now_ns if self._away_since_ns is None else self._away_since_ns
        self._tell(connected=False)
        if refusal.lasting or now_ns - self._away_since_ns >= AWAY_S * NS:
            self._say(refusal.why)
        template = "%s; next attempt in %.0f s, %d messages wait"
        _log.warning(template, refusal.why, pause_s, len(self._waiting))

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
    while pending := [task for task in work if not task.done()]:
        for task in pending:
            task.cancel()
        # asked again: before Python 3.12 wait_for, inside aiomqtt, may swallow a cancellation that comes as it ends
        await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
    results = await asyncio.gather(*work, return_exceptions=True)
    return [r for r in results if isinstance(r, BaseException) and not isinstance(r, asyncio.CancelledError)]
