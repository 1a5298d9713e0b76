"""What the service manager hears, on a real socket."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from lullwatch.service_notify import Notifier
from tests.servers_fixtures import until


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(60)
        yield listening


def environment(manager: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(manager.getsockname()), **more}


def test_without_a_service_manager_nothing_happens() -> None:
    notifier = Notifier({})
    notifier.say("READY=1")
    asyncio.run(notifier.watch(_well))
    assert notifier.watch_s == 0


async def _well() -> None:
    pass


def test_words_arrive_on_a_path_and_in_the_abstract_namespace(manager: socket.socket) -> None:
    Notifier(environment(manager)).say("READY=1", "STATUS=listening")
    assert manager.recv(200) == b"READY=1\nSTATUS=listening"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hidden:
        hidden.bind(f"\0lullwatch-test-{os.getpid()}")
        Notifier({"NOTIFY_SOCKET": f"@lullwatch-test-{os.getpid()}"}).say("STOPPING=1")
        assert hidden.recv(200) == b"STOPPING=1"


def test_a_watchdog_for_another_process_is_not_answered() -> None:
    meant = {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "3000000"}
    assert Notifier(meant).watch_s == 3
    assert Notifier({**meant, "WATCHDOG_PID": str(os.getpid())}).watch_s == 3
    assert Notifier({**meant, "WATCHDOG_PID": "1"}).watch_s == 0
    assert Notifier({**meant, "WATCHDOG_USEC": "soon"}).watch_s == 0


def test_a_manager_that_is_gone_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).say("READY=1")
    assert "READY=1" in caplog.text


async def test_signs_of_life_stop_when_what_was_begun_does_not_end(
    manager: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    hangs = asyncio.Event()

    async def alive() -> None:
        if hangs.is_set():
            await asyncio.sleep(3600)

    notifier = Notifier(environment(manager, WATCHDOG_USEC="150000"))
    watching = asyncio.create_task(notifier.watch(alive))
    for _ in range(3):
        assert await asyncio.to_thread(manager.recv, 200) == b"WATCHDOG=1"
    hangs.set()
    await asyncio.to_thread(until, lambda: "no sign of life" in caplog.text)
    manager.setblocking(False)
    while True:
        try:
            manager.recv(200)
        except BlockingIOError:
            break
    await asyncio.sleep(0.5)
    with pytest.raises(BlockingIOError):
        manager.recv(200)
    watching.cancel()


class Unhurried(asyncio.SelectorEventLoop):
    """A loop whose clock goes on only when nothing is left to do: how busy the computer is changes no time on it."""

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__(OnlyLooks(self))

    def time(self) -> float:
        return self._now_s

    def pass_by(self, seconds: float) -> None:
        self._now_s += seconds


class OnlyLooks(selectors.DefaultSelector):
    def __init__(self, loop: Unhurried) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if (ready := super().select(0)) or not timeout:
            return ready
        self._loop.pass_by(timeout)
        return []


def signs_of_life(
    manager: socket.socket, alive: Callable[[], Awaitable[object]], *, watch_s: int, for_s: float
) -> list[float]:
    """When a service manager hears them."""
    heard: list[float] = []

    async def listen() -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(manager, lambda: heard.append(loop.time()) if manager.recv(200) else None)
        watching = asyncio.create_task(
            Notifier(environment(manager, WATCHDOG_USEC=f"{watch_s}000000")).watch(alive)
        )
        await asyncio.sleep(for_s)
        watching.cancel()
        loop.remove_reader(manager)

    with asyncio.Runner(loop_factory=Unhurried) as runner:
        runner.run(listen())
    return heard


@pytest.mark.parametrize("begins_s", [7.0, 10.0, 12.5])
def test_a_commit_that_takes_half_the_watch_is_waited_for(manager: socket.socket, begins_s: float) -> None:
    watch_s = 20

    async def alive() -> None:
        now_s = asyncio.get_running_loop().time()
        if begins_s <= now_s < begins_s + watch_s / 2:
            await asyncio.sleep(begins_s + watch_s / 2 - now_s)

    heard = signs_of_life(manager, alive, watch_s=watch_s, for_s=100)
    gaps = [later - sooner for sooner, later in pairwise(heard)]
    assert max(gaps) >= watch_s / 2  # it was held up
    assert max(gaps) < watch_s
    assert heard[-1] > 80


def test_what_hangs_for_ever_gives_no_sign_again(manager: socket.socket) -> None:
    async def alive() -> None:
        if asyncio.get_running_loop().time() >= 30:
            await asyncio.Event().wait()

    heard = signs_of_life(manager, alive, watch_s=20, for_s=200)
    assert len(heard) >= 3
    assert heard[-1] < 30


SETTINGS = """
gateway = "home"
journal_dir = "{folder}"
[[infants]]
id = "a"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:01"
"""


def test_the_monitor_tells_that_it_is_ready_alive_and_stopping(
    manager: socket.socket, tmp_path: Path
) -> None:
    settings = tmp_path / "lullwatch.toml"
    settings.write_text(SETTINGS.format(folder=tmp_path / "journal"))
    line = [sys.executable, "-m", "lullwatch", "monitor", str(settings)]
    watched = environment(manager, WATCHDOG_USEC="3000000")
    process = subprocess.Popen(line, stderr=subprocess.DEVNULL, env={**os.environ, **watched})
    try:
        assert manager.recv(200).startswith(b"READY=1\n")
        began = time.monotonic()
        for _ in range(3):
            assert manager.recv(200) == b"WATCHDOG=1"
        assert time.monotonic() - began < 15
        process.send_signal(signal.SIGTERM)
        while (said := manager.recv(200)) == b"WATCHDOG=1":
            pass
        assert said.startswith(b"STOPPING=1")
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
