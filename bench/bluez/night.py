"""lullwatch on a computer with real BlueZ: paired, disturbed in every way a night knows, and nothing lost.

    python -m bench.bluez.night

A guest in QEMU runs Debian's kernel and bluetoothd; three virtual socks on this side of a serial line are its
adapter's air. `lullwatch sensors --pair` and `lullwatch monitor` run in the guest on bleak's own backend. Writes
docs/evidence/bluez.json.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bench import evidence
from bench.bluez.home import SOCKS, Home, Kept, due, socks_in
from bench.bluez.image import GuestError, Image, code_disk, image
from bench.bluez.machine import Machine, machine
from firmware_sim.sock_process import sock_process
from firmware_sim.sock_remote import send_fault
from firmware_sim.sock_script import SockFault
from lullwatch.debian import DebianError

SPEAKS_OF = ("ingest", "firmware_sim", "lullwatch/sensors.py", "lullwatch/gateway.py", "bench/bluez")
FADE_S = 8.0
ADAPTER_OFF_S = 5.0
WITHOUT_BLUETOOTHD_S = 4.0
WITHOUT_MONITOR_S = 3.0
WRONG_PASSKEY = "000001"

Took = dict[str, float]


async def paired(home: Home) -> None:
    """A wrong passkey is refused; the right ones bond all three and are written into the settings."""
    words = ("sensors", "--settings", home.settings, "--pair", SOCKS["LA"])
    status, said = await home.command(*words, said=WRONG_PASSKEY)
    if status == 0 or "not the one of this sock" not in said:
        msg = f"a wrong passkey ended with {status}: {said}"
        raise GuestError(msg)
    await home.pair()
    written = await home.machine.sh(f"cat {home.settings}")
    if "never a name" not in written or any(address not in written for address in SOCKS.values()):
        msg = f"the settings after pairing: {written}"
        raise GuestError(msg)


async def first_stream(home: Home) -> None:
    await home.start("monitor", "monitor", home.settings, "--verbose")
    await home.caught_up()


async def radio_fade(home: Home, faults: Path) -> None:
    for site in ("LA", "TR"):
        await send_fault(faults, SockFault(site, "out_of_range", seconds=FADE_S))
    await asyncio.sleep(FADE_S)
    await home.caught_up()


async def adapter_off_and_on(home: Home) -> None:
    await home.machine.sh("bluetoothctl power off")
    await asyncio.sleep(ADAPTER_OFF_S)
    await home.machine.sh("bluetoothctl power on")
    await home.caught_up()


async def bluetoothd_killed(home: Home) -> None:
    await home.signal("bluetoothd", signal.SIGKILL)
    await asyncio.sleep(WITHOUT_BLUETOOTHD_S)
    await home.start_bluetoothd()
    await home.caught_up()


async def monitor_killed(home: Home) -> None:
    """What it leaves behind are links that no scan finds."""
    await home.signal("monitor", signal.SIGKILL)
    await asyncio.sleep(WITHOUT_MONITOR_S)
    left = await home.machine.sh("bluetoothctl devices Connected")
    if not any(address in left for address in SOCKS.values()):
        msg = f"no link was left behind, so this shows nothing: {left}"
        raise GuestError(msg)
    await home.start("monitor", "monitor", home.settings, "--verbose")
    await home.caught_up()


@asynccontextmanager
async def guest(made: Image, folder: Path) -> AsyncIterator[Machine]:
    code = folder / "code.ext4"
    code_disk(code)
    config = socks_in(folder)
    async with (
        sock_process(config, folder),
        machine(made, folder, code=code, hci=Path(config.socket)) as up,
    ):
        yield up


async def night(made: Image, folder: Path, took: Took) -> tuple[Kept, float]:
    """All of it; seconds by part go into `took`."""

    async def timed(name: str, part: Callable[[], Awaitable[object]]) -> None:
        began = time.monotonic()
        await part()
        took[name] = round(time.monotonic() - began, 1)
        print(f"{name}: {took[name]} s", flush=True)

    began = time.monotonic()
    async with guest(made, folder) as up:
        took["boot"] = round(time.monotonic() - began, 1)
        home = Home(up)
        await timed("Bluetooth and imports", lambda: _switched_on(home))
        await timed("three socks paired", lambda: paired(home))
        await timed("first stream", lambda: first_stream(home))
        await timed("radio fade", lambda: radio_fade(home, folder / "faults"))
        await timed("adapter off and on", lambda: adapter_off_and_on(home))
        await timed("bluetoothd killed", lambda: bluetoothd_killed(home))
        await timed("monitor killed", lambda: monitor_killed(home))
        await home.signal("monitor", signal.SIGTERM)
        await home.ended("monitor")
        kept = await home.kept(whole=True)
        cpu_s = up.cpu_s()
        log = await home.log("monitor", 4000)
        (folder / "monitor.log").write_text(log)
    return kept, cpu_s


async def _switched_on(home: Home) -> None:
    await home.switch_on()
    await home.write_settings()
    await home.ready()


def judged(kept: Kept, folder: Path) -> dict[str, object]:
    """What the socks made against what the nights hold."""
    made = due(json.loads((folder / "ledger.json").read_bytes()), kept)
    missing = sum(len(set(packets) - set(kept.packets[site])) for site, packets in made.items())
    return {
        "packets": sum(map(len, kept.packets.values())),
        "missing": missing,
        "doubled": kept.doubled,
        "nights_whole": all(said == "ok" for said in kept.whole.values()),
    }


def main() -> int:
    took: Took = {}
    try:
        made = image()
        with tempfile.TemporaryDirectory() as name:
            began = time.monotonic()
            kept, cpu_s = asyncio.run(night(made, Path(name), took))
            whole_s = time.monotonic() - began
            figures = judged(kept, Path(name))
    except (DebianError, GuestError) as error:
        print(f"test-bluez: {error}", file=sys.stderr)
        return 1
    figures |= {
        "seconds": round(whole_s, 1),
        "qemu_processor_s": round(cpu_s, 1),
        "seconds_by_part": took,
        "load_average": round(os.getloadavg()[0], 1),
        "kernel_and_bluez": "Debian's, see bench/bluez/image.py",
    }
    print(figures)
    evidence.write("bluez", command="make test-bluez", speaks_of=SPEAKS_OF, figures=figures)
    return int(bool(figures["missing"] or figures["doubled"] or not figures["nights_whole"]))


if __name__ == "__main__":
    sys.exit(main())
