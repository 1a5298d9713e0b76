"""The summary of the night goes out by itself, at a local time of the settings, once a night.

That it is due is written into the journal before anything is sent, and so is every channel that took it: a start
in between sends what is still due and nothing twice. Only a computer that dies between a channel's answer and the
next commit sends it again, under the same id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from alerts.mqtt import PublisherStopped
from alerts.payloads import Message, Topics, summary_message
from alerts.people import MQTT, Person, chain_of
from alerts.proof import PUBLISHED, RAISED
from alerts.telling import Channel, ChannelFailed, Kind, Notification, Send, Standing
from alerts.words import PLAIN_ENGLISH, Wording
from dsp.clock import Clock
from dsp.records import NS, Alert, Delivery, Severity
from store.errors import StoreError
from store.rows import Row
from store.shelf import Shelf

from .errors import NoSuchNight
from .morning import night_facts
from .night_facts import NightFacts, Window
from .summary import morning_lines, summary_body

__all__ = ["LOOK_EVERY_S", "MorningPost", "Outlet", "summary_id"]

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
"""A minute late is early enough for a summary, and a clock that was set is noticed as soon."""
LATEST_S = 12 * 3600.0
"""A computer that starts later than this after the time of the summary is already looking at the next night."""


class Outlet(Protocol):
    """The way to the broker: `alerts.mqtt.MqttPublisher` is one."""

    async def publish(self, message: Message) -> None:
        """Returns once the broker has confirmed it."""
        ...


@dataclass(frozen=True, slots=True)
class _Ways:
    """Where the summaries of a gateway go."""

    topics: Topics
    mqtt: Outlet | None
    channels: Mapping[str, Channel]
    people: tuple[Person, ...]


class MorningPost:
    """Looks every minute whether a summary is due, for every infant of a gateway.

    Args:
        journal: a file among the journals of the gateway, or their folder.
        infants: whose nights are told.
        zone: of the nights and of `at`.
        at: local time of day at which the night is told.
        clock: times the looking and stamps the rows.
        utc_ns: UTC at a data time.
        keep: commits a row, and returns when it is durable.
        topics: of this gateway.
        mqtt: publishes; None without a broker.
        channels: by name, the ways to devices beside the broker.
        people: of the settings, whose channels get it.
        wording: language, and the emergency number.
    """

    def __init__(
        self,
        *,
        journal: Path,
        infants: Sequence[str],
        zone: str,
        at: time,
        clock: Clock,
        utc_ns: Callable[[int], int],
        keep: Callable[[Row], Awaitable[None]],
        topics: Topics,
        mqtt: Outlet | None = None,
        channels: Mapping[str, Channel] | None = None,
        people: Sequence[Person] = (),
        wording: Wording = PLAIN_ENGLISH,
    ) -> None:
        self._journal = journal
        self._infants = tuple(infants)
        self._zone = zone
        self._at = at
        self._clock = clock
        self._utc_ns = utc_ns
        self._keep = keep
        self._ways = _Ways(topics, mqtt, dict(channels or {}), tuple(people))
        self._words = wording.catalogue
        self._done: set[tuple[str, date]] = set()
        """sent whole by this process, or nothing to send"""
        self._publishing: dict[tuple[str, date], asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Send every night's summaries when they are due, until cancelled."""
        try:
            while True:
                try:
                    await self.look()
                except StoreError as error:
                    _log.warning("the summary of the night waits: %s", error)
                await self._clock.sleep(LOOK_EVERY_S)
        finally:
            for task in self._publishing.values():
                task.cancel()

    async def look(self) -> None:
        """Send what is due now and was not sent before."""
        night = self._due_night()
        for infant in self._infants if night is not None else ():
            if night is not None and (infant, night) not in self._done:
                await self._tell(infant, night)

    def _due_night(self) -> date | None:
        """The night whose summary time was within the last hours, if any."""
        now_ns = self._utc_ns(self._clock.now_ns())
        zone = ZoneInfo(self._zone)
        today = datetime.fromtimestamp(now_ns // NS, tz=UTC).astimezone(zone).date()
        for morning in (today, today - timedelta(days=1)):
            due_s = datetime.combine(morning, self._at, tzinfo=zone).timestamp()
            if due_s <= now_ns / NS < due_s + LATEST_S:
                return morning - timedelta(days=1)
        return None

    async def _tell(self, infant: str, night: date) -> None:
        steps = await asyncio.to_thread(self._steps, summary_id(infant, night))
        had = {step.channel for step in steps if step.step == PUBLISHED}
        if self._only_waits_for_the_broker(infant, night, had):
            return
        try:
            facts = await asyncio.to_thread(night_facts, self._journal, infant, Window(night, self._zone))
        except NoSuchNight:
            self._done.add((infant, night))
            return
        if not any(step.step == RAISED for step in steps):
            await self._keep(self._step(infant, night, "", RAISED))
        whole = self._is_published(facts, had)
        for person, channel, place in self._ways_of(infant):
            if place not in had:
                whole = await self._push(facts, person, channel, place) and whole
        if whole:
            self._done.add((infant, night))

    def _only_waits_for_the_broker(self, infant: str, night: date, had: set[str]) -> bool:
        """Whether all that is left is under way: then the night need not be read again."""
        places = {place for *_, place in self._ways_of(infant)}
        return (infant, night) in self._publishing and places <= had

    def _is_published(self, facts: NightFacts, had: set[str]) -> bool:
        """Whether the broker has it; else it is on its way, for as long as the broker may be away."""
        if self._ways.mqtt is None or MQTT in had:
            return True
        key = (facts.infant, facts.window.night)
        if key not in self._publishing:
            self._publishing[key] = asyncio.create_task(self._publish(self._ways.mqtt, facts))
        return False

    async def _publish(self, mqtt: Outlet, facts: NightFacts) -> None:
        infant, night = facts.infant, facts.window.night
        try:
            await mqtt.publish(summary_message(self._ways.topics, summary_body(facts, self._words)))
            await self._keep(self._step(infant, night, MQTT, PUBLISHED))
        except (PublisherStopped, StoreError) as error:
            _log.warning("the summary of the night waits: %s", error)
        finally:
            del self._publishing[infant, night]

    def _ways_of(self, infant: str) -> Iterator[tuple[Person, str, str]]:
        """Who is told beside the broker, by which channel, and the name under which that is kept."""
        for person in chain_of(self._ways.people, infant):
            for channel in person.channels:
                if channel != MQTT and channel in self._ways.channels:
                    yield person, channel, f"{channel}/{person.id}"

    async def _push(self, facts: NightFacts, person: Person, channel: str, place: str) -> bool:
        """Hand it to one person's channel; False when that is to be tried again."""
        try:
            await self._ways.channels[channel].send(self._notification(facts, person, channel))
        except ChannelFailed as error:
            _log.warning("the summary of the night waits: %s", error)
            return False
        await self._keep(self._step(facts.infant, facts.window.night, place, PUBLISHED))
        return True

    def _notification(self, facts: NightFacts, person: Person, channel: str) -> Notification:
        about = summary_id(facts.infant, facts.window.night)
        now_ns = self._clock.now_ns()
        title, text = self._words.text("summary.title"), "\n".join(morning_lines(facts, self._words))
        alert = Alert(
            about, 1, Severity.DIARY, facts.infant, now_ns, "summary", None, now_ns, now_ns, 0, "summary", text
        )  # fmt: skip
        send = Send(person.id, channel, about, 1, Kind.SUMMARY, 1, rings=False)
        return Notification(send=send, alert=alert, title=title, text=text, standing=Standing(open=False))

    def _step(self, infant: str, night: date, channel: str, step: str) -> Delivery:
        return Delivery(summary_id(infant, night), 1, self._clock.now_ns(), channel, step, night.isoformat())

    def _steps(self, about: str) -> list[Delivery]:
        """What the journals say of one summary so far."""
        path = self._journal
        with Shelf(path) if path.is_dir() else Shelf.around(path) as shelf:
            found: list[Delivery] = []
            for night in shelf.nights()[-2:]:
                with shelf.opened(night.name) as journal:
                    found += [step for step in journal.deliveries() if step.alert_id == about]
        return found


def summary_id(infant: str, night: date) -> str:
    """Id of a summary on its way; receivers know by it what they have already."""
    return f"summary-{infant}-{night.isoformat()}"
