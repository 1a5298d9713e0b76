"""Traffic of many gateways: what one says in an hour, by our own encoders, and clients that say it for hundreds."""

from __future__ import annotations

import asyncio
import struct
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from alerts import payloads
from alerts.rules import severity_of
from alerts.state import RuleState
from dsp.records import NS, Alert, ClockRow, Coverage, Event, LinkSample, Site, StateEpoch
from firmware_sim.night import make_night
from lullwatch.detector import Told
from lullwatch.nights import settled_night
from lullwatch.replay import replay
from store.influx_lines import imu_lines, lines_of
from store.recording import Recording
from store.rows import LinkRow
from store.utc import UtcMap

__all__ = ["Client", "Hour", "cpu_s", "influx_second", "now", "one_hour"]

UTC_NS = 1_773_511_200 * NS
_ACK_LIMIT_S = 30.0
_SITES = (Site.LA, Site.RA, Site.TR)


@dataclass(frozen=True)
class Hour:
    """One hour of one gateway with one infant and three sensors."""

    messages: list[payloads.Message]
    told: Told
    recording: Recording
    by_topic: dict[str, tuple[int, int]]
    """(messages, bytes with the topic) by kind"""

    @property
    def rate(self) -> float:
        """Messages a second."""
        return len(self.messages) / 3600.0

    @property
    def bytes_an_hour(self) -> int:
        """Payload and topic; MQTT and TCP add some 70 bytes to each."""
        return sum(n for _, n in self.by_topic.values())


def one_hour(gateway: str = "gw000") -> Hour:
    """A lively hour: a whole sleep cycle, a waking, a series; the quiet ones of a night say less."""
    night = make_night("demo_hour", seed=1, infant="a")
    segments = tuple(night.segments())
    recording = Recording("a", "UTC", UTC_NS, 0, segments)
    told = replay(settled_night("hour", recording.at_rest(), None)).told
    clock = UtcMap([ClockRow(0, UTC_NS, "boot", "UTC")])
    topics = payloads.Topics(gateway)
    messages = [m for m in _messages(topics, clock, told) if m is not None]
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for message in messages:
        kind = message.topic.rsplit("/", 1)[-1]
        counts[kind] += 1
        sizes[kind] += len(message.payload) + len(message.topic)
    return Hour(messages, told, recording, {kind: (counts[kind], sizes[kind]) for kind in counts})


def _messages(topics: payloads.Topics, clock: UtcMap, told: Told) -> Iterator[payloads.Message]:
    links = [LinkSample(site, site.lower(), 0, "streaming", 9999, 0, 0, 80, -60, 1.0) for site in _SITES]
    for row in [*told.outputs, *told.coverage, *told.alerts]:
        if isinstance(row, Event):
            yield payloads.event_message(topics, clock, row, severity_of(RuleState(), row))
        elif isinstance(row, StateEpoch):
            yield payloads.state_message(topics, clock, row)
        elif isinstance(row, Coverage):
            yield payloads.coverage_message(topics, clock, row)
            for _ in links:  # each sensor reports once a minute
                yield payloads.link_message(topics, clock, "a", links)
        elif isinstance(row, Alert):
            yield payloads.alert_message(topics, clock, row)


def influx_second(hour: Hour, gateway: str, *, raw: bool, second: int = 300) -> tuple[bytes, int]:
    """What a gateway writes into the database in one second of an hour, as line protocol; with the number of points."""
    clock = UtcMap([ClockRow(0, UTC_NS, "boot", "UTC")])
    lines: list[bytes] = []
    span = range(second * NS, (second + 1) * NS)
    if raw:
        for segment in hour.recording.segments:
            if segment.t0_ns in span:
                lines += imu_lines(segment, "a", gateway, UTC_NS + segment.t0_ns)
    rows = [*hour.told.outputs, *hour.told.coverage, *hour.told.alerts]
    rows += [
        LinkRow("a", LinkSample(s, s.lower(), n, "streaming", n, 0, 0, 80, -60, 1.0))
        for n in range(60)
        for s in _SITES
    ]
    share = max(1, round(len(rows) / 3600 * 3))  # three seconds' worth, so that every request has something
    for row in rows[second : second + share]:
        lines += lines_of(row, clock, gateway)
    body = b"\n".join(lines)
    return body, body.count(b"\n") + 1


@dataclass(slots=True)
class Client:
    """One gateway's MQTT session: a plain MQTT 3.1.1 publisher with QoS 1, as thin as hundreds must be."""

    name: str
    host: str
    port: int
    sent: int = 0
    acks_s: list[float] = field(default_factory=list)
    """from each message to its acknowledgement"""
    _reader: asyncio.StreamReader = field(init=False, repr=False)
    _writer: asyncio.StreamWriter = field(init=False, repr=False)

    async def connect(self) -> None:
        """Open the session; not part of what is measured."""
        self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        self._writer.write(_connect(self.name))
        await self._reader.readexactly(4)

    async def run(
        self, messages: Sequence[payloads.Message], rate: float, until_s: float, offset: float
    ) -> None:
        """Publish at a rate until a time of the loop's clock; acknowledgements are timed."""
        reader, writer = self._reader, self._writer
        waiting: dict[int, float] = {}
        hearing = asyncio.create_task(self._hear(reader, waiting))
        loop = asyncio.get_running_loop()
        begin = loop.time()
        try:
            for number, message in enumerate(cycle(messages)):
                at = begin + (number + offset) / rate
                if at > until_s:
                    break
                if (ahead := at - loop.time()) > 0:
                    await asyncio.sleep(ahead)
                packet_id = number % 65_000 + 1
                topic = message.topic.replace("gw000", self.name)
                waiting[packet_id] = loop.time()
                writer.write(_publish(topic, message.payload, packet_id, retain=message.retain))
                await writer.drain()
                self.sent += 1
            give_up = loop.time() + _ACK_LIMIT_S
            while waiting and loop.time() < give_up:  # noqa: ASYNC110 - looked at, not waited for: many may come
                await asyncio.sleep(0.05)
        finally:
            hearing.cancel()
            writer.close()

    async def _hear(self, reader: asyncio.StreamReader, waiting: dict[int, float]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            head = await reader.readexactly(2)
            body = await reader.readexactly(head[1])
            if head[0] == 0x40:
                self.acks_s.append(loop.time() - waiting.pop(int.from_bytes(body[:2], "big")))


def _length(n: int) -> bytes:
    out = bytearray()
    while True:
        n, digit = divmod(n, 128)
        out.append(digit | (0x80 if n else 0))
        if not n:
            return bytes(out)


def _text(word: str) -> bytes:
    raw = word.encode()
    return struct.pack("!H", len(raw)) + raw


def _connect(name: str) -> bytes:
    body = _text("MQTT") + bytes([4, 0x02]) + struct.pack("!H", 60) + _text(name)
    return b"\x10" + _length(len(body)) + body


def _publish(topic: str, payload: bytes, packet_id: int, *, retain: bool) -> bytes:
    body = _text(topic) + struct.pack("!H", packet_id) + payload
    return bytes([0x32 | int(retain)]) + _length(len(body)) + body


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used."""
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - not a file of ours
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


def now() -> float:
    """For spans."""
    return time.perf_counter()
