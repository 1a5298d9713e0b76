"""A ward in simulated time: infants with virtual socks on one gateway with a journal, and what comes over them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bleak import BleakClient, BleakScanner

from dsp.records import NS, Alert, ClockRow, Coverage, LinkSample, Severity, Site
from firmware_sim.air import Air
from firmware_sim.host import power_on_host
from firmware_sim.sim_clock import SimClock
from firmware_sim.sock import SampleSource, SockConfig, VirtualSock
from firmware_sim.sock_script import SockFault, run_script
from ingest.bumble_backend import make_backend
from ingest.bumble_bonds import BumbleBonds
from ingest.finder import Finder
from ingest.sensor_link import SensorLink
from lullwatch.gateway import Gateway, Radio, Sensor, Wearer
from store.journal import Journal

UTC_NS = 1_767_290_400 * NS
GATEWAY = "gateway"
COMMIT_EVERY_S = 1.0


@dataclass(frozen=True)
class Worn:
    """One sock: who wears it where, what there is to measure, and how it is built."""

    infant: str
    site: Site
    source: SampleSource
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.infant} {self.site}"


Meddle = Callable[["Ward"], Awaitable[None]]
"""What else is done to a ward while it lives."""


@dataclass
class Lived:
    """What a ward left behind."""

    sent: dict[tuple[str, Site], list[tuple[int, int]]]
    """(boot, seq) of every packet that reached the flash of a sock"""
    kept: dict[tuple[str, Site], list[tuple[int, int]]]
    """of every packet in the journal, in its order"""
    links: dict[tuple[str, Site], list[LinkSample]]
    coverage: dict[str, list[Coverage]]
    alerts: dict[str, list[Alert]]
    fits: dict[tuple[str, Site], int]
    """jumps of the sensor clock that were taken off"""
    real_s: float = 0.0
    cpu_s: float = 0.0

    def troubles(self, infant: str) -> list[str]:
        """Kinds of technical trouble that were told of an infant, each once, in order."""
        told = [a.pattern for a in self.alerts[infant] if a.severity is Severity.TECHNICAL and not a.cleared]
        return list(dict.fromkeys(told))

    def standing(self, infant: str) -> set[str]:
        """Those that were not cleared."""
        newest = {a.id: a for a in self.alerts[infant] if a.severity is Severity.TECHNICAL}
        return {a.pattern for a in newest.values() if not a.cleared}

    def states(self, infant: str, site: Site) -> list[str]:
        """States of a link, each change once."""
        states = [s.state for s in self.links[infant, site]]
        return [s for i, s in enumerate(states) if i == 0 or states[i - 1] != s]


class Ward:
    """Socks on the air and a gateway; see `live`."""

    def __init__(self, worn: Sequence[Worn], *, slots: int | None = None) -> None:
        """`slots`: how many connections the gateway's adapter holds."""
        self.clock = SimClock()
        self.air = Air(self.clock)
        self.worn = worn
        self.socks = {w.name: self._sock(number, w) for number, w in enumerate(worn, start=1)}
        self.slots = slots
        self.gateway: Gateway | None = None

    def _sock(self, number: int, worn: Worn) -> VirtualSock:
        config = SockConfig(address=address_of(number), seed=number, **worn.options)  # type: ignore[arg-type]
        return VirtualSock(
            self.air.controller(worn.name), clock=self.clock, source=worn.source, config=config
        )

    async def live(
        self, path: Path, seconds: float, script: Sequence[SockFault] = (), meddle: Meddle | None = None
    ) -> Lived:
        """Live for so many seconds of data time with a journal at `path`; faults come at their times."""
        began_s, cpu_s = time.monotonic(), time.process_time()
        adapter = self.air.controller(GATEWAY)
        adapter.slots = self.slots
        host = await power_on_host(adapter)
        for sock in self.socks.values():
            await sock.power_on()
        with Journal.open(path) as journal:
            self.gateway = self._gateway(journal, host)
            async with self.gateway:
                happening = asyncio.create_task(run_script(script, self.socks, self.clock, start_ns=0))
                meddling = asyncio.ensure_future(meddle(self)) if meddle else None
                await self.run(seconds)
                for task in (happening, meddling):
                    if task is not None:
                        await task
                self.gateway.end_recording()
            links = self.gateway.links
        spent = time.monotonic() - began_s, time.process_time() - cpu_s
        sent = {(w.infant, w.site): list(self.socks[w.name].sent) for w in self.worn}
        for sock in self.socks.values():
            await sock.power_off()
        await host.power_off()
        self.air.close()
        return self._lived(path, sent, links, *spent)

    def _gateway(self, journal: Journal, host: object) -> Gateway:
        client_class, scanner_class = make_backend(host)  # type: ignore[arg-type]
        finder = Finder(partial(BleakScanner, backend=scanner_class))
        infants = list(dict.fromkeys(w.infant for w in self.worn))
        return Gateway(
            name="ward",
            journal=journal,
            clock=self.clock,
            clock_row=ClockRow(0, UTC_NS, "simulated", "UTC"),
            wearers=[
                Wearer(
                    infant,
                    tuple(
                        Sensor(w.site, f"{infant}-{w.site.lower()}", self.socks[w.name].config.address)
                        for w in self.worn
                        if w.infant == infant
                    ),
                )
                for infant in infants
            ],
            radio=Radio(
                finder.find,
                partial(BleakClient, backend=client_class),
                finder.rssi,
                BumbleBonds(host, host.keystore),  # type: ignore[arg-type,attr-defined]
            ),
            commit_every_s=COMMIT_EVERY_S,
        )

    async def run(self, seconds: float) -> None:
        """Let time pass, as fast as radio and journal can follow."""

        async def settle() -> None:
            await self.air.settle()
            if self.gateway is not None and await self.gateway.settle():
                await self.air.settle()

        await self.clock.run(self.clock.now_ns() + round(seconds * NS), settle=settle)

    def _lived(
        self,
        path: Path,
        sent: dict[tuple[str, Site], list[tuple[int, int]]],
        links: Sequence[SensorLink],  # type: ignore[type-arg]
        real_s: float,
        cpu_s: float,
    ) -> Lived:
        keys = [(w.infant, w.site) for w in self.worn]
        kept: dict[tuple[str, Site], list[tuple[int, int]]] = {key: [] for key in keys}
        said: dict[tuple[str, Site], list[LinkSample]] = {key: [] for key in keys}
        infants = list(dict.fromkeys(w.infant for w in self.worn))
        with Journal.read_only(path) as journal:
            for infant in infants:
                for packet in journal.packets(infant):
                    kept[infant, packet.site].append((packet.boot, packet.seq))
                for sample in journal.links(infant):
                    said[infant, sample.site].append(sample)
            coverage = {infant: journal.coverage(infant) for infant in infants}
            alerts = {infant: journal.alerts(infant) for infant in infants}
        fits = {key: link.stream.fit.jumps for key, link in zip(keys, links, strict=True)}  # type: ignore[attr-defined]
        return Lived(sent, kept, said, coverage, alerts, fits, real_s, cpu_s)


def address_of(number: int) -> str:
    """Address of the sock with this number."""
    return f"F0:00:00:00:02:{number:02X}"
