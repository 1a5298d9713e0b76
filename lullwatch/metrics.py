"""How it goes, in numbers, for Prometheus: one page of text on this computer alone.

References:
    Prometheus text exposition format 0.0.4
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dsp.clock import Clock
from dsp.records import NS, Severity, Watchfulness
from store.errors import StoreError
from store.shelf import Shelf

from .sink_lag import SinkLag, receivers_of
from .small_http import SmallHttp

if TYPE_CHECKING:
    from .gateway import Gateway
    from .settings import GatewaySettings
    from .spine import Taken

__all__ = ["CONTENT_TYPE", "Counts", "Metric", "MetricsPage", "metrics_of", "text_of"]

_log = logging.getLogger(__name__)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
HOST: Final = "127.0.0.1"
READ_TIMEOUT_S: Final = 5.0
"""A scrape is a few lines of headers."""
_TRIES: Final = 3
"""The numbers are read from another thread: one that comes to them meanwhile breaks off the reading."""
MOST_CONNECTIONS: Final = 8
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Metric:
    """One metric and its values by labels."""

    name: str
    kind: str
    """counter or gauge"""
    help: str
    values: list[tuple[Labels, float]] = field(default_factory=list)

    def add(self, value: float | None, **labels: str) -> Metric:
        """A value; None is left out."""
        if value is not None:
            self.values.append((tuple(labels.items()), float(value)))
        return self


def text_of(metrics: list[Metric]) -> str:
    """The page."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        for labels, value in metric.values:
            said = ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in labels)
            lines.append(f"{metric.name}{{{said}}} {value:.12g}" if said else f"{metric.name} {value:.12g}")
    return "\n".join(lines) + "\n"


@dataclass(slots=True)
class Counts:
    """What is counted from the start of the program on."""

    commits: int = 0
    coverage: Counter[tuple[str, str]] = field(default_factory=Counter)
    """minutes by infant and usability"""
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    """rows of events by infant and wire name"""
    alerts: Counter[str] = field(default_factory=Counter)
    """versions of alerts by severity"""

    def taken(self, taken: Taken) -> None:
        """A batch was committed."""
        self.commits += 1
        for infant, told in taken.told.items():
            self.coverage.update((infant, minute.usability.value) for minute in told.coverage)
            self.events.update((infant, event.label.wire) for event in told.events)
            self.alerts.update(alert.severity.value for alert in told.alerts)


def page_of(gateway: Gateway, behind: Mapping[str, int]) -> str:
    """Everything there is to tell of a running gateway.

    Args:
        gateway: that runs.
        behind: see `SinkLag.rows`.
    """
    return text_of([*_of_links(gateway), *_of_data(gateway), *_of_people(gateway, behind), *_of_process()])


def _of_links(gateway: Gateway) -> Iterator[Metric]:
    received = Metric("lullwatch_packets_received_total", "counter", "Packets a sensor's link received.")
    lost = Metric("lullwatch_packets_lost_total", "counter", "Packets that are missing for good.")
    late = Metric(
        "lullwatch_packets_backfilled_total", "counter", "Packets fetched later out of the sensor's memory."
    )
    state = Metric("lullwatch_link_state", "gauge", "1 for the state a link is in.")
    battery = Metric("lullwatch_battery_percent", "gauge", "Battery of a sensor.")
    rssi = Metric("lullwatch_link_rssi_dbm", "gauge", "Signal strength of a sensor.")
    residual = Metric(
        "lullwatch_clock_residual_ms", "gauge", "How far the last packet lay from the clock fit."
    )
    for infant, link in gateway.stands().links:
        labels = {"infant": infant, "site": link.site.value, "sensor": link.sensor}
        received.add(link.received, **labels)
        lost.add(link.lost, **labels)
        late.add(link.backfilled, **labels)
        state.add(1, **labels, state=link.state)
        battery.add(link.battery, **labels)
        rssi.add(link.rssi, **labels)
        residual.add(link.residual_ms, **labels)
    yield from (received, lost, late, state, battery, rssi, residual)


def _of_data(gateway: Gateway) -> Iterator[Metric]:
    stands, counts = gateway.stands(), gateway.counts
    samples = Metric("lullwatch_samples_total", "counter", "Samples handed to the journal since the start.")
    for (infant, site, sensor), n in gateway.samples.items():
        samples.add(n, infant=infant, site=site, sensor=sensor)
    yield samples
    yield Metric("lullwatch_commits_total", "counter", "Commits of the journal.").add(counts.commits)
    age_s = (stands.now_ns - stands.committed_ns) / NS
    yield Metric("lullwatch_commit_age_seconds", "gauge", "Since the last commit, data time.").add(age_s)
    free = Metric("lullwatch_disk_free_bytes", "gauge", "Room left on the disk of the journals.")
    yield free.add(_free_bytes(gateway.shelf.folder))
    yield Metric("lullwatch_queue_rows", "gauge", "Rows that wait for the next commit.").add(gateway.queued)
    behind = Metric("lullwatch_detector_lag_seconds", "gauge", "How far the detector is behind, data time.")
    for infant, watermark_ns in gateway.watermarks().items():
        behind.add((stands.now_ns - watermark_ns) / NS if watermark_ns else None, infant=infant)
    yield behind
    minutes = Metric("lullwatch_coverage_minutes_total", "counter", "Minutes by how much could be seen.")
    for (infant, usability), n in counts.coverage.items():
        minutes.add(n, infant=infant, usability=usability)
    yield minutes
    events = Metric("lullwatch_event_rows_total", "counter", "Rows of events told, by pattern.")
    for (infant, pattern), n in counts.events.items():
        events.add(n, infant=infant, pattern=pattern)
    yield events


def _of_people(gateway: Gateway, behind: Mapping[str, int]) -> Iterator[Metric]:
    stands = gateway.stands()
    unanswered = Metric("lullwatch_alerts_open", "gauge", "Alerts nobody has answered.")
    for severity in Severity:
        unanswered.add(sum(a.severity is severity for a in stands.alerts), severity=severity.value)
    yield unanswered
    told = Metric("lullwatch_alert_versions_total", "counter", "Versions of alerts decided since the start.")
    for name, n in gateway.counts.alerts.items():
        told.add(n, severity=name)
    yield told
    troubles = Metric("lullwatch_troubles_open", "gauge", "Technical trouble that stands.")
    for kind, n in Counter(t.kind for t in stands.troubles).items():
        troubles.add(n, kind=kind)
    yield troubles
    armed = Metric("lullwatch_armed", "gauge", "1 while somebody relies on being called.")
    watched = Metric("lullwatch_watched", "gauge", "1 for the state an infant is watched in, else 0.")
    for infant in stands.infants:
        armed.add(gateway.armer.is_armed(infant), infant=infant)
        for state in Watchfulness:
            watched.add(gateway.armer.state(infant).state is state, infant=infant, state=state.value)
    yield from (armed, watched)
    if stands.broker:
        connected = stands.broker == "connected"
        yield Metric("lullwatch_broker_connected", "gauge", "1 while the broker answers.").add(connected)
    sinks = Metric("lullwatch_sink_lag_rows", "gauge", "Rows of all nights a receiver has yet to confirm.")
    for sink, rows in behind.items():
        sinks.add(rows, sink=sink)
    yield sinks


def _of_process() -> Iterator[Metric]:
    yield Metric("lullwatch_info", "gauge", "Version of the program.").add(1, version=_version())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = usage.ru_utime + usage.ru_stime
    yield Metric("process_cpu_seconds_total", "counter", "Processor time taken.").add(cpu_s)
    yield Metric("process_resident_memory_bytes", "gauge", "Memory in use.").add(_resident_bytes())
    yield Metric("process_start_time_seconds", "gauge", "When it started, seconds of Unix time.").add(
        _started_s()
    )


def _started_s() -> float:
    """When this process began, whenever its program was loaded."""
    ticks = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(") ")[2].split()[19])
    up_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - up_s


@lru_cache
def _version() -> str:
    return version("lullwatch")


def _free_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:  # the disk is gone: no number says it better than none
        return None


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class MetricsPage:
    """Serves one page of text at /metrics on the loopback; an async context manager.

    Where nobody can listen on the port it is said and tried again, and everything else goes on.

    Args:
        port: 0 for a free one; `port` tells which.
        render: makes the page, in a thread.
        clock: times the attempts to listen.
        say: told why nobody can listen, and "" once somebody does.
    """

    def __init__(
        self,
        port: int,
        render: Callable[[], str],
        *,
        clock: Clock,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._port = port
        self._clock = clock
        self._say = say
        self._render = render
        self._http = SmallHttp(
            self._answer, what="metrics", read_timeout_s=READ_TIMEOUT_S, most=MOST_CONNECTIONS
        )

    @property
    def port(self) -> int:
        """On which it listens."""
        return self._http.port

    async def __aenter__(self) -> MetricsPage:
        await self._http.begin(HOST, self._port, clock=self._clock, say=self._say)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.end()

    async def _answer(self, head: bytes) -> bytes:
        request = head.split(b"\r\n", 1)[0].split(b" ")
        if request[:1] != [b"GET"] or len(request) != 3:
            return _response("405 Method Not Allowed", "GET /metrics\n")
        if request[1].partition(b"?")[0] != b"/metrics":
            return _response("404 Not Found", "look at /metrics\n")
        try:
            for _ in range(_TRIES):
                with contextlib.suppress(RuntimeError):
                    return _response("200 OK", await asyncio.to_thread(self._render))
            return _response("200 OK", self._render())
        except StoreError as error:
            _log.warning("metrics: the journal cannot be looked at: %s", error)
            return _response("503 Service Unavailable", "the journal cannot be looked at\n")


def _response(status: str, body: str) -> bytes:
    data = body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(data)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + data


@asynccontextmanager
async def metrics_of(
    gateway: Gateway, settings: GatewaySettings, clock: Clock
) -> AsyncIterator[MetricsPage | None]:
    """The metrics of a gateway, where the settings ask for them."""
    if settings.metrics is None:
        yield None
        return
    with Shelf(gateway.shelf.folder) as shelf:
        lag = SinkLag(shelf, receivers_of(settings))
        say = partial(gateway.outreach.failing, "metrics")

        def render() -> str:
            return page_of(gateway, _behind(lag))

        async with MetricsPage(settings.metrics.port, render, clock=clock, say=say) as page:
            yield page


def _behind(lag: SinkLag) -> dict[str, int]:
    """One night that cannot be read must not take everything else off the page."""
    try:
        return lag.rows()
    except StoreError as error:
        _log.warning("metrics: how far receivers are behind cannot be told: %s", error)
        return {}
