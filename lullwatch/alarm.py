"""The last resort: people are told past the monitor when it is the monitor that keeps ending."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import aiomqtt

from alerts import words
from alerts.payloads import Topics, alert_message
from alerts.people import MQTT
from alerts.telling import Channel, ChannelFailed, Kind, Notification, Send, Standing
from dsp.records import Alert, Severity

from .control import TROUBLE, ask
from .errors import LullwatchError, NoMonitor
from .mqtt_access import broker_address
from .phones import Phones
from .settings import GatewaySettings

__all__ = ["SERVICE", "cry", "tell_of"]

_log = logging.getLogger(__name__)

SERVICE = "service"
"""Kind of the trouble."""
TELL_FOR_S = 60.0
"""So long it is tried to tell the monitor itself, which keeps it and clears it later."""
SEND_TIMEOUT_S = 20.0


class _Now:
    """Times of this message are UTC already."""

    def utc_ns(self, t_ns: int) -> int:
        return t_ns


def tell_of(settings: GatewaySettings, part: str, why: str) -> None:
    """Tell of a part that keeps ending (`why`) or is well again (empty). Blocks until it is told, a minute at most.

    The monitor tells people; where it is the monitor itself that keeps ending, they are told past it.
    """
    if part == "monitor" and why:
        asyncio.run(cry(settings, why))
    asyncio.run(_tell_monitor(Path(settings.journal_dir).expanduser(), f"{part}: {why}" if why else ""))


async def _tell_monitor(folder: Path, why: str) -> None:
    until_s = time.monotonic() + TELL_FOR_S
    while time.monotonic() < until_s:
        try:
            await ask(folder, TROUBLE, timeout_s=5.0, kind=SERVICE, why=why)
        except NoMonitor:
            await asyncio.sleep(1.0)
        else:
            return
    _log.error("the monitor could not be told: %s", why or "well again")


async def cry(settings: GatewaySettings, why: str) -> None:
    """Tell everybody over every way that needs no monitor: it rings, for nobody watches."""
    alert = _alert(settings, why)
    ways = [
        _publish(settings, alert),
        *(_hand_over(channel, told) for channel, told in _pushed(settings, alert)),
    ]
    for error in await asyncio.gather(*ways, return_exceptions=True):
        if isinstance(error, BaseException):
            _log.error("a message that nobody watches was not sent: %s", error or type(error).__name__)


def _alert(settings: GatewaySettings, why: str) -> Alert:
    now_ns = time.time_ns()
    text = words.about_trouble(settings.wording.catalogue, SERVICE, cleared=False)
    digest = hashlib.sha256(f"{SERVICE}|{now_ns}".encode()).hexdigest()[:12]
    return Alert(
        id=f"alert-{digest}", version=1, severity=Severity.TECHNICAL, infant="", t_ns=now_ns, pattern=SERVICE,
        event_id=None, onset_ns=now_ns, end_ns=now_ns, count=0, rule=f"technical-{SERVICE}",
        text="\n".join((text.title, *text.lines)),
        facts={"title": text.title, "announce": "ring", "detail": "monitor", "why": why, "unwritten": 1},
    )  # fmt: skip


async def _publish(settings: GatewaySettings, alert: Alert) -> None:
    if settings.mqtt is None:
        return
    broker = broker_address(settings.mqtt)
    message = alert_message(Topics(settings.gateway), _Now(), alert)
    async with asyncio.timeout(SEND_TIMEOUT_S):
        async with aiomqtt.Client(
            broker.host, broker.port, username=broker.username, password=broker.password, tls_context=broker.tls,
            identifier=f"lullwatch-{settings.gateway}-supervisor",
        ) as client:  # fmt: skip
            await client.publish(message.topic, message.at(alert.t_ns), qos=1)


def _pushed(settings: GatewaySettings, alert: Alert) -> Iterator[tuple[Channel, Notification]]:
    try:
        channels = Phones(settings).channels
    except LullwatchError as error:
        _log.error("no phone can be told: %s", error)
        return
    for person in (p.person for p in settings.people):
        for name in person.channels:
            if name != MQTT and name in channels:
                send = Send(person.id, name, alert.id, 1, Kind.ALERT, 1, rings=True)
                title = str(alert.facts["title"])
                yield (
                    channels[name],
                    Notification(send=send, alert=alert, title=title, text=alert.text, standing=Standing()),
                )


async def _hand_over(channel: Channel, told: Notification) -> None:
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await channel.send(told)
    except (ChannelFailed, TimeoutError) as error:
        _log.error("%s could not be told that nobody watches: %s", told.send.person, error)
