"""A guest computer in QEMU: started, spoken to over a serial line, cut off from power.

Emulated without help of the processor (TCG), so that it runs the same wherever QEMU runs; a guest on whatever
/dev/kvm leads to may never come up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.bluez.image import GuestError, Image
from lullwatch import debian

__all__ = ["Machine", "machine"]

_BOOT_LIMIT_S = 400.0
"""Real seconds; a boot takes ten on an idle machine."""
_ANSWER_SPARE_S = 30.0
_POLL_S = 0.05
_MEMORY_MB = 1024
_KERNEL = "console=ttyS0 rdinit=/init panic=-1 mitigations=off quiet loglevel=4"


@dataclass(slots=True)
class Machine:
    """A guest that is up."""

    console: Path
    _qemu: asyncio.subprocess.Process
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def sh(self, command: str, *, timeout_s: float = 60.0) -> str:
        """What a shell command prints, standard error with it.

        Raises:
            GuestError: it ended with another status than 0, or not in time.
        """
        code, said = await self.tried(command, timeout_s=timeout_s)
        if code != 0:
            why = f"ended with {code}" if code is not None else f"did not end in {timeout_s:g} s"
            msg = f"in the guest `{command}` {why}: {said.strip()[-2000:]}"
            raise GuestError(msg)
        return said

    async def tried(self, command: str, *, timeout_s: float = 60.0) -> tuple[int | None, str]:
        """The status of a shell command, None when it was ended for taking too long, and what it printed."""
        self._writer.write(json.dumps({"sh": command, "timeout_s": timeout_s}).encode() + b"\n")
        return await self._answer(timeout_s + _ANSWER_SPARE_S)

    async def start(self, name: str, command: str) -> None:
        """Start a program that goes on by itself; what it prints comes to /tmp/NAME.log."""
        await self.sh(f"{{ {command}; }} >>/tmp/{name}.log 2>&1 & echo $! >/tmp/{name}.pid")

    async def put(self, path: str, text: str) -> None:
        """Write a small file."""
        await self.sh(
            f"mkdir -p {shlex.quote(str(Path(path).parent))} && printf %s {shlex.quote(text)} >{shlex.quote(path)}"
        )

    def cpu_s(self) -> float:
        """Processor time that QEMU has taken, seconds."""
        fields = Path(f"/proc/{self._qemu.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def pull_the_plug(self) -> None:
        """End it as a power cut does: at once, in the middle of whatever it does."""
        if self._qemu.returncode is None:
            self._qemu.kill()
        await self._qemu.wait()
        self._writer.close()

    async def came_up(self) -> None:
        """Wait until it takes commands."""
        await self._answer(_BOOT_LIMIT_S)

    async def _answer(self, limit_s: float) -> tuple[int | None, str]:
        try:
            async with asyncio.timeout(limit_s):
                line = await self._reader.readline()
        except TimeoutError:
            line = b""
        if not line:
            console = self.console.read_text(errors="replace") if self.console.exists() else ""
            msg = f"the guest does not answer; its console: {console.strip()[-2000:]}"
            raise GuestError(msg)
        answer = json.loads(line)
        return answer["code"], answer["said"]


@contextlib.asynccontextmanager
async def machine(
    image: Image, folder: Path, *, code: Path, hci: Path, disk: Sequence[str] = (), network: bool = False
) -> AsyncIterator[Machine]:
    """A guest, up until the end of the context; it is then switched off without warning.

    Args:
        image: what it runs.
        folder: for its sockets and console; a short path, for the names of sockets are bounded.
        code: disk with our code.
        hci: socket of the controller that becomes its Bluetooth adapter.
        disk: QEMU's arguments for a third disk, mounted at /night.
        network: whether it reaches this computer's own servers at 10.0.2.2, and nothing else.
    """
    speak = folder / "agent"
    speak.unlink(missing_ok=True)
    console = folder / "console.log"
    line = [*_program(image), *_disks(image, code), *disk, *_lines(speak, hci, console)]
    line += ["-nic", "user,model=virtio-net-pci,restrict=off" if network else "none"]
    qemu = await asyncio.create_subprocess_exec(
        *line, env=_environment(image), stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    up: Machine | None = None
    try:
        reader, writer = await _spoken_to(qemu, speak)
        up = Machine(console, qemu, reader, writer)
        await up.came_up()
        yield up
    finally:
        if up is not None:
            await up.pull_the_plug()
        elif qemu.returncode is None:
            qemu.kill()
            await qemu.wait()


def _program(image: Image) -> list[str]:
    return [
        *(str(image.qemu / "usr/bin/qemu-system-x86_64"), "-L", str(image.qemu / "usr/share/qemu")),
        *("-L", str(image.qemu / "usr/share/seabios"), "-L", str(image.qemu / "usr/lib/ipxe/qemu")),
        *("-accel", "tcg,thread=multi", "-cpu", "Westmere", "-m", str(_MEMORY_MB), "-smp", "1"),
        *("-nodefaults", "-display", "none", "-no-reboot", "-rtc", "base=utc"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", _KERNEL),
    ]


def _disks(image: Image, code: Path) -> list[str]:
    return [
        *("-drive", f"file={image.root},if=virtio,format=raw,snapshot=on"),
        *("-drive", f"file={code},if=virtio,format=raw,readonly=on"),
    ]


def _lines(speak: Path, hci: Path, console: Path) -> list[str]:
    return [
        *("-serial", f"file:{console}", "-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
        *("-chardev", f"socket,id=agent,path={speak},server=on,wait=off"),
        *("-device", "virtserialport,chardev=agent,name=agent"),
        *("-chardev", f"socket,id=hci,path={hci}", "-device", "virtserialport,chardev=hci,name=hci"),
    ]


def _environment(image: Image) -> dict[str, str]:
    folders = [*map(str, debian.library_folders(image.qemu)), os.environ.get("LD_LIBRARY_PATH", "")]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, folders))}


async def _spoken_to(
    qemu: asyncio.subprocess.Process, speak: Path
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while qemu.returncode is None:
        with contextlib.suppress(OSError):
            return await asyncio.open_unix_connection(speak, limit=1 << 24)
        await asyncio.sleep(_POLL_S)
    assert qemu.stderr is not None
    said = (await qemu.stderr.read()).decode(errors="replace")
    msg = f"QEMU ended at its start: {said.strip()[-1000:]}"
    raise GuestError(msg)
