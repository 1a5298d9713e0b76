"""A whole computer cut off from power again and again while three socks stream; writes docs/evidence/power-cut.json.

    python bench/power_cut.py [--cuts 10]

The computer is a QEMU guest with Debian's kernel, BlueZ and `lullwatch monitor`; its journals lie on an ext4 disk of
their own. A cut is SIGKILL to QEMU: processor, memory and page cache of the guest are gone between two instructions.
That alone would be kinder than a power cut, for what the guest had handed to its disk would stay in this computer's
page cache. So the disk is a server of our own (bench/bluez/volatile_disk.py) with a write cache that loses at every
cut what was not flushed, block by block and by chance. The socks live through all of it on this side, and forget
what was confirmed to them: a confirmed packet that a cut destroyed would be missing for ever.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import evidence

sys.path.insert(0, str(evidence.ROOT))

from bench.bluez.home import Home, Kept, due, socks_in
from bench.bluez.image import GuestError, Image, code_disk, empty_disk, image
from bench.bluez.machine import Machine, machine
from bench.bluez.volatile_disk import DiskServer, VolatileDisk
from firmware_sim.sock_process import sock_process
from lullwatch.debian import DebianError

SPEAKS_OF = ("ingest", "lullwatch", "store", "bench/bluez", "bench/power_cut.py")
CUTS = 10
DISK_MB = 256
STREAMING_AT_MOST_S = 12.0
IN_THE_MIDDLE = 0.7
"""Share of cuts that wait for a moment in which the disk holds what is not flushed: it is flushed a few milliseconds
after it is written, so a cut by chance alone seldom meets any."""
EARLY = 0.3
"""Share of cuts that do not wait until all is whole again: while it starts, connects, fetches what was missed."""
SEED = 20260314


@dataclass(slots=True)
class Findings:
    cuts: int = 0
    held_blocks: list[int] = field(default_factory=list)
    """written and not flushed at each cut"""
    lost_blocks: list[int] = field(default_factory=list)
    gone: int = 0
    """packets that a reader had seen committed before a cut, and that were not there after it"""
    broken_nights: int = 0
    broken_disks: int = 0
    recovered_disks: int = 0
    """file systems that had to be recovered from their own journal"""
    streaming_s: list[float] = field(default_factory=list)
    """from the start of the monitor to new data of all socks without a hole"""


@dataclass(slots=True)
class House:
    """What outlives the computer: its disk, and the socks."""

    made: Image
    folder: Path
    disk: VolatileDisk
    chance: random.Random
    found: Findings

    async def life(self, before: Kept | None, *, last: bool) -> Kept:
        """From switching on to the cut, or to an end in order; what a reader last saw."""
        drive = ("-drive", f"file=nbd:unix:{self.folder / 'nbd'},if=virtio,format=raw,cache=writeback")
        code, hci = self.folder / "code.ext4", self.folder / "hci"
        async with (
            DiskServer(self.disk, self.folder / "nbd"),
            machine(self.made, self.folder, code=code, hci=hci, disk=drive) as up,
        ):
            home = Home(up, on_disk=True)
            await home.switch_on()
            kept = await self._settle_in(home, before)
            await home.start("monitor", "monitor", home.settings, "--verbose")
            if last or before is None or self.chance.random() >= EARLY:
                kept = await self._whole_again(home)
            if last:
                await home.signal("monitor", 15)
                await home.ended("monitor")
                kept = await home.kept(whole=True)
                await up.sh("umount /night || sync")
            else:
                await self._cut(up)
        return kept

    async def _settle_in(self, home: Home, before: Kept | None) -> Kept:
        """The first time: pair. Later: look at what is left."""
        said = await home.machine.sh("dmesg; grep ' /night ' /proc/mounts")
        self.found.broken_disks += int("EXT4-fs error" in said)
        self.found.recovered_disks += int("EXT4-fs (vdc): recovery complete" in said)
        if before is None:
            await home.write_settings()
            await home.ready()
            await home.pair()
            await home.machine.sh("sync")
            return Kept({}, 0, (), {}, {})
        await home.ready()
        kept = await home.kept(whole=True)
        self.found.broken_nights += sum(said != "ok" for said in kept.whole.values())
        self.found.gone += sum(
            len(set(packets) - set(kept.packets.get(site, ()))) for site, packets in before.packets.items()
        )
        return kept

    async def _whole_again(self, home: Home) -> Kept:
        began = time.monotonic()
        kept = await home.caught_up()
        self.found.streaming_s.append(round(time.monotonic() - began, 1))
        return kept

    async def _cut(self, up: Machine) -> None:
        await asyncio.sleep(self.chance.uniform(0.0, STREAMING_AT_MOST_S))
        if self.chance.random() < IN_THE_MIDDLE:
            await self.disk.in_the_middle()
        await up.pull_the_plug()
        lost = self.disk.cut_power(self.chance)
        self.found.cuts += 1
        self.found.held_blocks.append(lost.held)
        self.found.lost_blocks.append(lost.lost)
        print(f"cut {self.found.cuts}: {lost.lost} of {lost.held} blocks lost", flush=True)


async def cut_again_and_again(made: Image, folder: Path, cuts: int) -> tuple[Findings, Kept]:
    """So many cuts, and one life that ends in order."""
    empty_disk(folder / "night.ext4", DISK_MB)
    code_disk(folder / "code.ext4")
    disk = VolatileDisk(folder / "night.ext4")
    house = House(made, folder, disk, random.Random(SEED), Findings())
    kept: Kept | None = None
    async with sock_process(socks_in(folder), folder):
        for number in range(cuts + 1):
            kept = await house.life(kept, last=number == cuts)
    disk.close()
    if kept is None:
        raise GuestError("nothing was cut")
    return house.found, kept


def figures(found: Findings, kept: Kept, folder: Path) -> dict[str, object]:
    made = due(json.loads((folder / "ledger.json").read_bytes()), kept)
    return {
        "cuts": found.cuts,
        "packets": sum(map(len, kept.packets.values())),
        "missing": sum(len(set(packets) - set(kept.packets[site])) for site, packets in made.items()),
        "doubled": kept.doubled,
        "gone_after_a_reader_saw_them": found.gone,
        "nights_not_whole": found.broken_nights + sum(said != "ok" for said in kept.whole.values()),
        "disks_with_errors": found.broken_disks,
        "disks_recovered": found.recovered_disks,
        "blocks_not_flushed_at_each_cut": found.held_blocks,
        "of_these_lost": found.lost_blocks,
        "whole_again_s": found.streaming_s,
    }


def command_of(cuts: int) -> str:
    """The command that gives such a run again: the one of the Makefile unless something else was asked for."""
    return "make power-cut" if cuts == CUTS else f"python bench/power_cut.py --cuts {cuts}"


def main() -> int:
    """Cut, look, and write what was found; 1 when anything was lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cuts", type=int, default=CUTS)
    cuts = parser.parse_args().cuts
    try:
        with tempfile.TemporaryDirectory() as name:
            found, kept = asyncio.run(cut_again_and_again(image(), Path(name), cuts))
            done = figures(found, kept, Path(name))
    except (DebianError, GuestError) as error:
        print(f"power-cut: {error}", file=sys.stderr)
        return 1
    print(done)
    evidence.write("power-cut", command=command_of(cuts), speaks_of=SPEAKS_OF, figures=done)
    wrong = ("missing", "doubled", "gone_after_a_reader_saw_them", "nights_not_whole", "disks_with_errors")
    return int(any(done[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
