"""The last resort: people are told past the monitor when it is the monitor that keeps ending."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiomqtt

from alerts import words
from alerts.payloads import Topics, alert_message
from alerts.people import MQTT
from alerts.telling import Channel, ChannelFailed, Kind, Notification, Send, Standing
from dsp.records import Alert, Severity

from .control import TROUBLE, ask
from .errors import LullwatchError, NoMonitor
from .mqtt_access import broker_address
from .push_channels import push_channels
from .settings import GatewaySettings

__all__ = ["SERVICE", "cry", "tell_of"]

_log = logging.getLogger(__name__)

SERVICE = "service"
"""Kind of the trouble."""
MONITOR = "monitor"
"""Name of the part that watches, and of the words that say that it does not."""
CRY_FOR_S = 900.0
CRY_AGAIN_S = 15.0
"""A router that restarts is back within minutes; what nobody took is said again."""
TELL_FOR_S = 60.0
"""So long it is tried to tell the monitor itself, which keeps it and clears it later."""
SEND_TIMEOUT_S = 20.0


_Way = Callable[[], Coroutine[Any, Any, bool]]
"""Hands the message over once, and says whether it was taken."""


class _Now:
    """Times of this message are UTC already."""

    def utc_ns(self, t_ns: int) -> int:
        return t_ns


def tell_of(settings: GatewaySettings, part: str, why: str) -> None:
    """Tell of a part that keeps ending (`why`) or is well again (empty). Blocks until it is told, minutes at most.

    The monitor tells people; where it is the monitor itself that keeps ending, they are told past it.
    """
    ways: list[Coroutine[Any, Any, object]] = [
        _tell_monitor(Path(settings.journal_dir).expanduser(), f"{part}: {why}" if why else "")
    ]
    if part == MONITOR and why:
        ways.append(cry(settings, why, for_s=CRY_FOR_S))
    asyncio.run(_all_of(ways))


async def _all_of(ways: Sequence[Coroutine[Any, Any, object]]) -> None:
    await asyncio.gather(*ways)


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


async def cry(settings: GatewaySettings, why: str, *, for_s: float = 0.0) -> bool:
    """Tell everybody over every way that needs no monitor: it rings, for nobody watches.

    Args:
        settings: of the gateway.
        why: for the facts of the alert, in English.
        for_s: so long the ways that did not take it are tried again, unless a monitor runs meanwhile.

    Returns:
        Whether some way took it.
    """
    alert, until_s = _alert(settings, why), time.monotonic() + for_s
    folder = Path(settings.journal_dir).expanduser()  # noqa: ASYNC240 - no file is looked at
    ways: list[_Way] = [
        *([partial(_publish, settings, alert)] if settings.mqtt is not None else []),
        *(partial(_hand_over, channel, told) for channel, told in _pushed(settings, alert)),
    ]
    left = await _untaken(ways)
    while left and time.monotonic() < until_s:
        await asyncio.sleep(CRY_AGAIN_S)
        if await _watches(folder):
            break
        left = await _untaken(left)
    return len(left) < len(ways)


async def _untaken(ways: Sequence[_Way]) -> list[_Way]:
    """Those of the ways that did not take it."""
    outcomes = await asyncio.gather(*(way() for way in ways), return_exceptions=True)
    for error in outcomes:
        if isinstance(error, BaseException):
            _log.error("a message that nobody watches was not sent: %s", error or type(error).__name__)
    return [way for way, outcome in zip(ways, outcomes, strict=True) if outcome is not True]


async def _watches(folder: Path) -> bool:
    """Whether a monitor runs there again: then nothing more is to be said."""
    try:
        await ask(folder, "status", timeout_s=5.0)
    except NoMonitor:
        return False
    return True


def _alert(settings: GatewaySettings, why: str) -> Alert:
    now_ns = time.time_ns()
    text = words.about_trouble(settings.wording.catalogue, MONITOR, cleared=False)
    digest = hashlib.sha256(f"{SERVICE}|{now_ns}".encode()).hexdigest()[:12]
    return Alert(
        id=f"alert-{digest}", version=1, severity=Severity.TECHNICAL, infant="", t_ns=now_ns, pattern=SERVICE,
        event_id=None, onset_ns=now_ns, end_ns=now_ns, count=0, rule=f"technical-{SERVICE}",
        text="\n".join((text.title, *text.lines)),
        facts={"title": text.title, "announce": "ring", "detail": MONITOR, "why": why, "unwritten": 1},
    )  # fmt: skip


async def _publish(settings: GatewaySettings, alert: Alert) -> bool:
    assert settings.mqtt is not None  # noqa: S101 - narrows the type; whoever calls has looked
    broker = broker_address(settings.mqtt)
    message = alert_message(Topics(settings.gateway), _Now(), alert)
    async with asyncio.timeout(SEND_TIMEOUT_S):
        async with aiomqtt.Client(
            broker.host, broker.port, username=broker.username, password=broker.password, tls_context=broker.tls,
            identifier=f"lullwatch-{settings.gateway}-supervisor",
        ) as client:  # fmt: skip
            await client.publish(message.topic, message.at(alert.t_ns), qos=1)
    return True


def _pushed(settings: GatewaySettings, alert: Alert) -> Iterator[tuple[Channel, Notification]]:
    channels: dict[str, Channel] = {}
    for service in settings.push:
        try:  # one by one: an address that keeps the monitor from starting keeps nothing from the others
            channels |= push_channels([service])
        except LullwatchError as error:
            _log.error("over %s nobody can be told: %s", service.name, error)
    for person in (p.person for p in settings.people):
        for name in person.channels:
            if name != MQTT and name in channels:
                send = Send(person.id, name, alert.id, 1, Kind.ALERT, 1, rings=True)
                title = str(alert.facts["title"])
                yield (
                    channels[name],
                    Notification(send=send, alert=alert, title=title, text=alert.text, standing=Standing()),
                )


async def _hand_over(channel: Channel, told: Notification) -> bool:
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await channel.send(told)
    except (ChannelFailed, TimeoutError) as error:
        _log.error("%s could not be told that nobody watches: %s", told.send.person, error)
        return False
    return True
