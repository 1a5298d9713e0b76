"""What the service manager hears, on a real socket."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
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
