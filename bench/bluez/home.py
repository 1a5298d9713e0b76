"""A home in a guest computer: its Bluetooth and lullwatch's commands, with socks on this side of the wire."""

from __future__ import annotations

import asyncio
import json
import shlex
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.bluez.image import GuestError
from bench.bluez.machine import Machine
from firmware_sim.labels import label_passkey
from firmware_sim.sock import ArraySource, SockConfig
from firmware_sim.sock_process import ProcessConfig, SockSpec, save_samples

__all__ = ["INFANT", "SOCKS", "Home", "Kept", "due", "socks_in"]

INFANT = "kid"
SOCKS = {site: f"F0:00:00:00:01:{number:02X}" for number, site in enumerate(("LA", "RA", "TR"), start=1)}
_SECONDS = 3600.0
_RATE_HZ = 104
_BACKFILL_PER_S = 50.0
"""An emulated processor takes some 500 notifications a second, and the air here has no speed limit of its own."""
_BONDS = "/night/bluetooth"
_GROWN = 13
"""packets: two seconds of new data from each"""
_POLL_S = 0.5
_CATCH_UP_S = 400.0
"""Real seconds: ten on an idle machine; on one with eight times more work than cores the emulated one crawls."""
_LOOK_S = 2.0
"""Each look into the nights takes time from what is looked at."""
SETTINGS = """# made for a test; comments must outlive pairing
gateway = "guest"
journal_dir = "{folder}"
zone = "UTC"
[[infants]]
id = "kid"   # never a name
[[infants.sensors]]
site = "LA"
address = "F0:00:00:00:01:01"
"""
Packets = dict[str, list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the nights in the guest hold."""

    packets: Packets
    """(boot, number), by site"""
    doubled: int
    """packets that are there more than once"""
    alerts: tuple[str, ...]
    whole: dict[str, str]
    """what SQLite's own check says of each night: "ok" """
    links: dict[str, str]
    """how each link stands, in words"""

    def holes(self) -> dict[str, int]:
        """How many numbers are missing below the newest, by site. For socks that never started anew."""
        return {site: self.newest(site) + 1 - len(found) for site, found in self.packets.items()}

    def newest(self, site: str) -> int:
        """Number of the newest packet; -1 when there is none."""
        return max((number for _, number in self.packets.get(site, ())), default=-1)


def socks_in(folder: Path) -> ProcessConfig:
    """Three socks out of their box that sample once they are told to: noise, for here only packets count."""
    chance = np.random.default_rng(7)
    specs = []
    for number, (site, address) in enumerate(SOCKS.items(), start=1):
        counts = chance.integers(-200, 200, (int(_SECONDS * _RATE_HZ), 6)).astype(np.int16)
        save_samples(folder / f"{site}.npz", ArraySource.from_counts(counts))
        config = SockConfig(
            address=address,
            seed=number,
            bonded_with=None,
            backfill_per_s=_BACKFILL_PER_S,
        )
        specs.append(SockSpec(name=site, samples=str(folder / f"{site}.npz"), config=config))
    return ProcessConfig(
        socket=str(folder / "hci"),
        socks=specs,
        control=str(folder / "faults"),
        ledger=str(folder / "ledger.json"),
    )


def due(made: Packets, kept: Kept) -> dict[str, list[tuple[int, int]]]:
    """Packets that must be kept: all that a sock made up to the newest that arrived."""
    ledger = {site: [(int(boot), int(number)) for boot, number in packets] for site, packets in made.items()}
    return {
        site: packets[: packets.index(max(kept.packets[site], key=packets.index)) + 1]
        for site, packets in ledger.items()
    }


@dataclass(slots=True)
class Home:
    """What is done in the guest."""

    machine: Machine
    on_disk: bool = False
    """whether what must outlive the guest lies on its third disk"""

    @property
    def folder(self) -> str:
        """Of the journals."""
        return f"{self._place}/journals"

    @property
    def settings(self) -> str:
        """Path of the settings file."""
        return f"{self._place}/lullwatch.toml"

    @property
    def _place(self) -> str:
        return "/night" if self.on_disk else "/root"

    async def switch_on(self) -> None:
        """Bluetooth adapter and service, and the process that commands come from (it becomes ready by itself)."""
        guest = self.machine
        if self.on_disk:
            await guest.sh(f"mkdir -p {_BONDS} && mount --bind {_BONDS} /var/lib/bluetooth")
        await guest.start("vhci", "exec python3 -S bench/bluez/in_guest/vhci_line.py")
        await guest.start(
            "lives", "PYTHONPATH=/lullwatch exec nice -n 5 python3 -m bench.bluez.in_guest.lives"
        )
        await self.start_bluetoothd()

    async def start_bluetoothd(self) -> None:
        """The Bluetooth service; on return its adapter is on."""
        await self.machine.start("bluetoothd", "exec /usr/libexec/bluetooth/bluetoothd -n")
        await self.until(self._adapter_is_on, 60.0, "the adapter to be on")

    async def _adapter_is_on(self) -> bool:
        _, said = await self.machine.tried("timeout 5 bluetoothctl show")
        return "Powered: yes" in said

    async def ready(self) -> None:
        """Wait until commands can be given."""
        await self.until(self._ready, 400.0, "the imports")

    async def _ready(self) -> bool:
        return (await self.machine.tried("test -e /run/lives.ready"))[0] == 0

    async def start(self, name: str, *words: str, said: str = "") -> None:
        """Start a command of lullwatch; it goes on by itself."""
        order = json.dumps({"name": name, "words": words, "said": said})
        await self.machine.sh(
            f"rm -f /tmp/{name}.status /tmp/{name}.pid; printf '%s\\n' {shlex.quote(order)} >/run/lives"
        )

    async def command(self, *words: str, said: str = "", limit_s: float = 300.0) -> tuple[int, str]:
        """Run a command of lullwatch to its end: its status and what it printed."""
        await self.machine.sh("rm -f /tmp/command.log")
        await self.start("command", *words, said=said)
        await self.ended("command", limit_s)
        said_ = await self.machine.sh("cat /tmp/command.log")
        return int(await self.machine.sh("cat /tmp/command.status")), said_

    async def ended(self, name: str, limit_s: float = 300.0) -> None:
        """Wait until a command has ended."""
        what = f"test -e /tmp/{name}.status || (test -e /tmp/{name}.pid && ! test -e /proc/$(cat /tmp/{name}.pid))"

        async def over() -> bool:
            return (await self.machine.tried(what))[0] == 0

        await self.until(over, limit_s, f"{name} to end")

    async def signal(self, name: str, number: int) -> None:
        """Send a signal to whatever was started under this name."""
        await self.machine.sh(f"kill -{number} $(cat /tmp/{name}.pid)")

    async def kept(self, *, whole: bool = False) -> Kept:
        """What is in the nights now; with `whole` everything is read, and the files are checked."""
        status, said = await self.command("kept", self.folder, INFANT, *(["whole"] if whole else []))
        if status != 0:
            msg = f"the nights cannot be read: {said[-1500:]}"
            raise GuestError(msg)
        told: dict[str, Any] = json.loads(said.splitlines()[-1])
        packets: Packets = {}
        for site, boot, runs in told["runs"]:
            packets.setdefault(site, [])
            packets[site] += [(boot, n) for first, last in runs for n in range(first, last + 1)]
        return Kept(packets, told["doubled"], tuple(told["alerts"]), told["whole"], told["links"])

    async def caught_up(self, *, limit_s: float = _CATCH_UP_S) -> Kept:
        """Wait until all socks stream and nothing is missing any more. Raises GuestError."""
        before, kept = await self.kept(), Kept({}, 0, (), {}, {})

        async def whole() -> bool:
            nonlocal kept
            kept = await self.kept()
            grown = all(kept.newest(site) >= before.newest(site) + _GROWN for site in SOCKS)
            return grown and not any(kept.holes().values())

        try:
            await self.until(whole, limit_s, "the socks to stream without a hole", every_s=_LOOK_S)
        except GuestError as error:
            links = (await self.kept(whole=True)).links
            msg = f"missing by site: {kept.holes()}; links: {links}; {error}"
            raise GuestError(msg) from error
        return kept

    async def log(self, name: str, lines: int = 40) -> str:
        """The end of what a program printed."""
        return await self.machine.sh(f"tail -n {lines} /tmp/{name}.log")

    async def until(
        self, reached: Callable[[], Awaitable[bool]], limit_s: float, what: str, *, every_s: float = _POLL_S
    ) -> float:
        """Real seconds until something is so. Raises GuestError."""
        began = time.monotonic()
        while not await reached():
            if time.monotonic() - began > limit_s:
                log = await self.log("monitor") if await self._has_log("monitor") else ""
                msg = f"waited {limit_s:g} s for {what}; {log}"
                raise GuestError(msg)
            await asyncio.sleep(every_s)
        return time.monotonic() - began

    async def _has_log(self, name: str) -> bool:
        return (await self.machine.tried(f"test -e /tmp/{name}.log"))[0] == 0

    async def write_settings(self) -> None:
        """A settings file with one sock and comments, as a person begins with."""
        await self.machine.sh(f"mkdir -p {self.folder}")
        await self.machine.put(self.settings, SETTINGS.format(folder=self.folder))

    async def pair(self, sites: Sequence[str] = tuple(SOCKS)) -> list[str]:
        """Pair socks by the digits on their labels and have them written into the settings; what was printed."""
        printed = []
        for site in sites:
            words = ("sensors", "--settings", self.settings, "--pair", SOCKS[site], "--site", site)
            status, said = await self.command(*words, said=f"{label_passkey(SOCKS[site]):06d}")
            if status != 0:
                msg = f"pairing {site} ended with {status}: {said[-1500:]}"
                raise GuestError(msg)
            printed.append(said)
        return printed
