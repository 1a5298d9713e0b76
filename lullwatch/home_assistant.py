"""What stands of the night is published for those who come later, and Home Assistant is told of the devices."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from alerts.catalogue import Catalogue
from alerts.discovery import BIRTH_TOPIC, CONFIG_FILTER, gateway_device, infant_device, is_ours, removal
from alerts.payloads import Message, Topics
from alerts.state import OpenTrouble
from alerts.tonight import Tally
from dsp.clock import Clock
from dsp.records import Alert, Coverage, Event, Site
from store.journal import night_name
from store.rows import Row
from store.shelf import Shelf
from store.utc import UtcMap

__all__ = ["LOOK_EVERY_S", "Devices", "NightBoard", "night_rows"]

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""A count may stand for a second before it is told; alerts go their own, quicker way."""

_TABLES = ("event", "coverage")

Publish = Callable[[Message], object]


class NightBoard:
    """Keeps `.../tonight` true for every infant and for the gateway.

    Args:
        topics: of this gateway.
        infants: ids.
        clock: data time.
        utc: ties it to UTC.
        zone: of the nights.
        open_alerts: alerts of an infant (empty: of the gateway) that nobody has answered.
        troubles: technical troubles that stand.
    """

    def __init__(
        self,
        topics: Topics,
        infants: Sequence[str],
        *,
        clock: Clock,
        utc: UtcMap,
        zone: str,
        open_alerts: Callable[[str], Iterable[Alert]],
        troubles: Callable[[], Iterable[OpenTrouble]],
    ) -> None:
        self._topics = topics
        self._clock = clock
        self._utc = utc
        self._open_alerts = open_alerts
        self._troubles = troubles
        self._tallies = {i: Tally(i, lambda t_ns: night_name(utc.utc_ns(t_ns), zone)) for i in (*infants, "")}
        self._said: dict[str, bytes] = {}

    def feed(self, rows: Iterable[Row]) -> None:
        """Take rows into account, of this night or of an earlier run's."""
        for row in rows:
            if isinstance(row, Event | Coverage) and row.infant in self._tallies:
                self._tallies[row.infant].feed(row)

    def news(self) -> list[Message]:
        """What has changed since it was last asked."""
        messages = [self._message(infant) for infant in self._tallies]
        changed = [m for m in messages if self._said.get(m.topic) != m.payload]
        self._said |= {m.topic: m.payload for m in changed}
        return changed

    def _message(self, infant: str) -> Message:
        return self._tallies[infant].message(
            self._topics,
            self._utc,
            open_alerts=sorted(alert.id for alert in self._open_alerts(infant)),
            problems=sorted({t.kind for t in self._troubles() if t.infant == infant}),
            now_ns=self._clock.now_ns(),
        )


class Devices:
    """Announces the devices, again whenever Home Assistant has come up, and takes away those that are no longer here.

    Args:
        topics: of this gateway.
        infants: the sites worn, by id; none are announced when it is None, and earlier ones are taken away.
        words: language of the names.
        publish: hands a message over without waiting.
        again: publishes everything retained once more.
    """

    def __init__(
        self,
        topics: Topics,
        infants: Mapping[str, Sequence[Site]] | None,
        words: Catalogue,
        *,
        publish: Publish,
        again: Callable[[], None],
    ) -> None:
        self._topics = topics
        self._publish = publish
        self._again = again
        self._configs: list[Message] = []
        if infants is not None:
            own = [infant_device(topics, infant, sites, words) for infant, sites in infants.items()]
            self._configs = [gateway_device(topics, words), *own]

    @property
    def heard(self) -> dict[str, Callable[[str, bytes], None]]:
        """Topics to listen to."""
        return {BIRTH_TOPIC: self._came_up, CONFIG_FILTER: self._found}

    def announce(self) -> None:
        """Publish every device."""
        for config in self._configs:
            self._publish(config)

    def _came_up(self, _topic: str, payload: bytes) -> None:
        if payload == b"online":
            _log.info("Home Assistant has come up: devices and states are published again")
            self.announce()
            self._again()

    def _found(self, topic: str, payload: bytes) -> None:
        """A device that stands announced: one of ours that we no longer know is taken away."""
        known = {config.topic for config in self._configs}
        if payload and topic not in known and is_ours(self._topics, payload):
            _log.info("a device is no longer here and is taken away: %s", topic)
            self._publish(removal(topic))


def night_rows(shelf: Shelf) -> Iterator[Row]:
    """What the newest night holds of events and coverage, in the order it was written. Raises JournalError."""
    return shelf.newest_rows(_TABLES, nights=1)
