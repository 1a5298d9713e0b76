"""Virtual socks in a process of their own, reached through one HCI controller on a unix socket.

    python -m firmware_sim.sock_process CONFIG.json

The socket speaks H4, as a serial Bluetooth controller does. A gateway opens it with Bumble's transport
``unix:PATH``. It may go away and come back: as with a real controller, its links stand until it resets.
SIGTERM or SIGINT ends the process in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import astuple
from pathlib import Path

import msgspec
import numpy as np
from bumble.transport.common import PacketParser

from dsp.records import Scale
from firmware_sim.air import Air, AirController
from firmware_sim.crystal import Crystal
from firmware_sim.runs import Run
from firmware_sim.sim_clock import ScaledClock
from firmware_sim.sock import ArraySource, SampleSource, SockConfig, VirtualSock
from firmware_sim.sock_control import end_tasks
from firmware_sim.sock_remote import FaultServer
from firmware_sim.sock_script import SockFault, check_script, run_script

__all__ = [
    "ProcessConfig",
    "SockProcessError",
    "SockSpec",
    "load_samples",
    "main",
    "save_samples",
    "sock_process",
    "specs_in",
]

_START_LIMIT_S = 60.0
"""Real time a process may take to import and listen; 1-2 s on an idle machine, far more on a loaded one."""

_POLL_S = 0.02
_RUN = np.dtype([("first", np.int64), ("t0_ns", np.int64), ("step_ns", np.float64), ("boot", np.int64)])
_JUMP = np.dtype([("at_ns", np.int64), ("by_s", np.float64)])
_TRUE_CLOCK = Crystal(np.zeros(1, np.int64), np.zeros(1))
GATEWAY = "gateway"
"""Name of the controller behind the socket, for `Air.set_reachable`."""


class SockSpec(msgspec.Struct, frozen=True):
    """One sock: its name on the air, how it is built, and the file (`save_samples`) it measures."""

    name: str
    samples: str
    config: SockConfig


class ProcessConfig(msgspec.Struct, frozen=True):
    """What the process is told. `origin_ns` and `m0_ns` are those of the gateway's `ScaledClock`."""

    socket: str
    """path of the unix socket; a stale file there is removed"""
    socks: list[SockSpec]
    pace: float = 1.0
    origin_ns: int = 0
    m0_ns: int | None = None
    faults: tuple[SockFault, ...] = ()
    """what goes wrong, at data times after `origin_ns`"""
    control: str | None = None
    """path of a unix socket that takes further faults (`sock_remote.send_fault`)"""
    ledger: str | None = None
    """file that gets {name: [[boot, seq], ...]} of all packets ever made, written at the end"""


class SockProcessError(RuntimeError):
    """The process ended before it listened, or did not listen in time."""

    def __init__(self, socket: str, status: int | None, said: str) -> None:
        what = f"did not listen on {socket} in time" if status is None else f"ended with status {status}"
        super().__init__(f"sock process {what}; its standard error: {said.strip() or '(nothing)'}")


def specs_in(folder: Path, sources: Mapping[str, SampleSource]) -> list[SockSpec]:
    """Socks that sample from power-on, one for each source by its name; their samples are written into the folder."""
    specs = []
    for number, (name, source) in enumerate(sources.items(), start=1):
        samples = folder / f"{name}.npz"
        save_samples(samples, source)
        config = SockConfig(address=f"F0:00:00:00:01:{number:02X}", seed=number, samples_at_power_on=True)
        specs.append(SockSpec(name, str(samples), config))
    return specs


def save_samples(path: Path, source: SampleSource) -> None:
    """Write a source as an .npz file, to be read by another process."""
    clock = source.crystal or _TRUE_CLOCK
    np.savez(
        path,
        counts=source.counts,
        clipped=source.clipped,
        runs=np.array([astuple(run) for run in source.runs], dtype=_RUN),
        scale=np.array((source.scale.acc_g, source.scale.gyro_dps)),
        clock_t_ns=clock.t_ns,
        clock_ahead_s=clock.ahead_s,
        clock_jumps=np.array(list(clock.jumps), dtype=_JUMP),
    )


def load_samples(path: Path) -> ArraySource:
    """Read what `save_samples` wrote."""
    with np.load(path) as data:
        acc_g, gyro_dps = map(float, data["scale"])
        jumps = tuple((int(at_ns), float(by_s)) for at_ns, by_s in data["clock_jumps"].tolist())
        return ArraySource(
            data["counts"],
            data["clipped"],
            Scale(acc_g, gyro_dps),
            tuple(Run(*row) for row in data["runs"].tolist()),
            Crystal(data["clock_t_ns"], data["clock_ahead_s"], jumps),
        )


class _HostLine(asyncio.Protocol):
    """A host on the other end of the socket. A new one takes the place of the last."""

    def __init__(self, controller: AirController) -> None:
        self._controller = controller
        self._parser = PacketParser(controller)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream server gives no other
        self._transport = transport
        self._controller.set_packet_sink(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if self._controller.hci_sink is self:
            self._controller.set_packet_sink(None)

    def on_packet(self, packet: bytes) -> None:
        if self._transport is not None:
            self._transport.write(packet)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _HostServer:
    """Listens for hosts of one controller."""

    def __init__(self, controller: AirController, path: Path) -> None:
        self._controller = controller
        self._path = path
        self._lines: list[_HostLine] = []

    async def __aenter__(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.get_running_loop().create_unix_server(self._line, str(self._path))

    def _line(self) -> _HostLine:
        line = _HostLine(self._controller)
        self._lines.append(line)
        return line

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for line in self._lines:
            line.close()
        await self._server.wait_closed()
        self._path.unlink(missing_ok=True)


async def _serve(config: ProcessConfig, stop: asyncio.Event) -> None:
    clock = ScaledClock(pace=config.pace, origin_ns=config.origin_ns, m0_ns=config.m0_ns)
    air = Air(clock)
    gateway = air.controller(GATEWAY)
    socks = [
        VirtualSock(
            air.controller(spec.name),
            clock=clock,
            source=load_samples(Path(spec.samples)),
            config=spec.config,
        )
        for spec in config.socks
    ]
    named = {sock.name: sock for sock in socks}
    check_script(config.faults, named)
    for sock in socks:
        await sock.power_on()
    script = asyncio.create_task(run_script(config.faults, named, clock, start_ns=config.origin_ns))
    async with _HostServer(gateway, Path(config.socket)), contextlib.AsyncExitStack() as stack:
        if config.control is not None:
            await stack.enter_async_context(FaultServer(named, Path(config.control)))
        await stop.wait()
    await end_tasks(script)
    for sock in socks:
        await sock.power_off()
    air.close()
    if config.ledger is not None:
        ledger = msgspec.json.encode({sock.name: sock.sent for sock in socks})
        await asyncio.to_thread(Path(config.ledger).write_bytes, ledger)


async def _run(config: ProcessConfig) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with contextlib.suppress(
        PermissionError
    ):  # no file and no /dev/null can be waited on, nor ends with anybody
        loop.add_reader(
            sys.stdin, stop.set
        )  # whoever started it writes nothing: it ends when they do, killed or not
    await _serve(config, stop)


def main(path: str) -> None:
    """Run until a signal, or until whoever holds the other end of its input is gone.

    `path` is a JSON file with a `ProcessConfig`.
    """
    asyncio.run(_run(msgspec.json.decode(Path(path).read_bytes(), type=ProcessConfig)))


@contextlib.asynccontextmanager
async def sock_process(config: ProcessConfig, directory: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the process, wait until it listens, end it on leaving.

    Args:
        config: what to run.
        directory: folder for the configuration file.

    Raises:
        SockProcessError: with what the process wrote to its standard error.
    """
    file = _prepare(config, directory)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        str(file),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await _listening(process, config.socket)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def _prepare(config: ProcessConfig, directory: Path) -> Path:
    file = directory / "sock_process.json"
    file.write_bytes(msgspec.json.encode(config))
    Path(config.socket).unlink(missing_ok=True)  # a stale one would pass for the new one
    return file


def _is_socket(path: str) -> bool:
    return Path(path).is_socket()


async def _listening(process: asyncio.subprocess.Process, socket: str) -> None:
    for _ in range(round(_START_LIMIT_S / _POLL_S)):
        if _is_socket(socket):
            return
        if process.returncode is not None:
            _, said = await process.communicate()
            raise SockProcessError(socket, process.returncode, said.decode(errors="replace"))
        await asyncio.sleep(_POLL_S)
    raise SockProcessError(socket, None, "")


if __name__ == "__main__":
    main(sys.argv[1])
