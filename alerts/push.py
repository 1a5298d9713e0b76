"""Push services of phones, through apprise: one address is one channel. The address is a secret and is never shown."""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from alerts.telling import ChannelFailed, Kind, Notification
from dsp.records import Severity

if TYPE_CHECKING:
    from apprise import NotifyBase

__all__ = ["BadPushAddress", "LinkOf", "NoPushSupport", "PushChannel"]

LinkOf = Callable[[Notification], str]
"""An address at which the person may acknowledge; empty for none."""

_RINGS: Mapping[str, Mapping[str, str]] = {
    "ntfy": {"priority": "max"},
    "ntfys": {"priority": "max"},
    # repeats on the phone by itself until it is acknowledged there, at most for an hour
    "pover": {"priority": "emergency", "interval": "60", "expire": "3600"},
    "gotify": {"priority": "emergency"},
    "gotifys": {"priority": "emergency"},
    "tgram": {"silent": "no"},
    "bark": {"level": "critical", "volume": "10"},
    "barks": {"level": "critical", "volume": "10"},
    "pushsafer": {"priority": "emergency"},
    "psafer": {"priority": "emergency"},
    "psafers": {"priority": "emergency"},
}
"""What makes a service ring through silent mode, as far as it can; by the address's scheme."""
_SILENT: Mapping[str, Mapping[str, str]] = {
    "ntfy": {"priority": "low"},
    "ntfys": {"priority": "low"},
    "pover": {"priority": "low"},
    "gotify": {"priority": "low"},
    "gotifys": {"priority": "low"},
    "tgram": {"silent": "yes"},
    "bark": {"level": "passive"},
    "barks": {"level": "passive"},
    "psafer": {"priority": "low"},
    "psafers": {"priority": "low"},
}
_FOR_ALL = {"overflow": "truncate"}
"""Several parts would ring several times; what is most urgent stands first."""
_CLICK = ("ntfy", "ntfys")
"""Services that open an address when the message is touched."""
_STATUS = re.compile(r"error[= ](\d{3})")
_LOGGERS = ("apprise", "urllib3.connectionpool")


class NoPushSupport(Exception):
    """apprise is not installed."""

    def __init__(self) -> None:
        super().__init__("push to phones needs apprise: pip install 'lullwatch[push]'")


class BadPushAddress(Exception):
    """The address of a channel is none that apprise knows; it is not shown, because it is a secret."""

    def __init__(self, channel: str) -> None:
        super().__init__(
            f"the address of the push channel {channel} is none that apprise understands: see docs/phones.md for the "
            f"form of each service (the address itself is not shown here, it is a secret)"
        )


class PushChannel:
    """A phone service of one person or several; a `Channel`.

    Args:
        name: of the channel, as in the settings.
        address: apprise's URL of the service.
        link_of: makes an acknowledge link for a message; None where no address is reachable.

    Raises:
        NoPushSupport: apprise is not installed.
        BadPushAddress: the address is none.
    """

    def __init__(self, name: str, address: str, *, link_of: LinkOf | None = None) -> None:
        self._name = name
        self._address = address.strip()
        self._scheme = urlsplit(self._address).scheme.lower()
        self._link_of = link_of
        self._service(rings=True, link="")  # a wrong address is found at the start, not at night

    def __repr__(self) -> str:
        return f"PushChannel({self._name!r}, {self._scheme})"

    async def send(self, message: Notification) -> None:
        """Hand the message to the service; returning means that it took it.

        Raises:
            ChannelFailed: it did not; says which channel and what to look at.
        """
        rings = message.send.rings
        link = self._link_of(message) if self._link_of is not None and _to_answer(message) else ""
        service = self._service(rings=rings, link=link)
        with _overheard() as said:
            took = await asyncio.to_thread(
                service.notify,
                body=_body(message, link),
                title=message.title,
                notify_type=_kind(message),
            )
        if not took:
            raise ChannelFailed(self._name, self._why("\n".join(said)))

    def _service(self, *, rings: bool, link: str) -> NotifyBase:
        asked = {**_FOR_ALL, **(_RINGS if rings else _SILENT).get(self._scheme, {})}
        if link and self._scheme in _CLICK:
            asked["click"] = link
        with _overheard():  # what it logs about a wrong address would show it
            service = _instantiated(_with(self._address, asked))
        if service is None:
            raise BadPushAddress(self._name)
        return service

    def _why(self, said: str) -> str:
        status = _STATUS.search(said)
        code = f" (HTTP {status[1]})" if status else ""
        match int(status[1]) if status else 0:
            case 401 | 403:
                remedy = (
                    "its password or token is refused: make a new one and put it into the channel's address"
                )
            case 404:
                remedy = "it knows no such topic or user: check the channel's address"
            case 429:
                remedy = "it takes no more messages for now: see its limits"
            case 0:
                remedy = "it does not answer: check the network and the host in the channel's address"
            case _:
                remedy = "see whether the service works"
        return f"the service ({self._scheme}) did not take the message{code}; {remedy}"


def _instantiated(address: str) -> NotifyBase | None:
    """The service of an address; None when it is none. apprise loads its services at the first look."""
    try:
        with warnings.catch_warnings():
            # it still looks for a module that Python 3.13 no longer has
            warnings.filterwarnings("ignore", "'imghdr' is deprecated", DeprecationWarning)
            import apprise

            made: NotifyBase | None = apprise.Apprise.instantiate(address)
    except ImportError:
        raise NoPushSupport from None
    return made


def _with(address: str, asked: Mapping[str, str]) -> str:
    """The address with parameters of ours; they replace its own, or a silent message could ring."""
    parts = urlsplit(address)
    own = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k.lower() not in asked]
    return urlunsplit(parts._replace(query=urlencode([*own, *asked.items()])))


def _to_answer(message: Notification) -> bool:
    """Whether the message asks for an answer."""
    return (
        message.standing.open
        and not message.alert.cleared
        and message.alert.severity is not Severity.TECHNICAL
    )


def _body(message: Notification, link: str) -> str:
    """What stands under the title. The link follows the first line: the end may be cut off by a service."""
    first, *more = message.text.split("\n")
    lines = more if more and first in message.title else [first, *more]
    if link:
        lines.insert(1, link)
    return "\n".join(lines)


def _kind(message: Notification) -> str:
    if message.send.kind in (Kind.ANSWERED, Kind.FALSE_ALARM) or message.alert.cleared:
        return "success"
    by_severity = {Severity.URGENT: "failure", Severity.TECHNICAL: "warning"}
    return by_severity.get(message.alert.severity, "info")


class _Hush(logging.Filter):
    """Keeps what apprise and its HTTP client log out of every log: it may hold addresses, topics and tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = _said.get()
        if said is None:
            return True
        said.append(record.getMessage())
        return False


_said: ContextVar[list[str] | None] = ContextVar("said", default=None)
_HUSH = _Hush()


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What is logged meanwhile by this task and its thread, kept to ourselves."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_HUSH)  # more than once is the same as once
    said: list[str] = []
    before = _said.set(said)
    try:
        yield said
    finally:
        _said.reset(before)
