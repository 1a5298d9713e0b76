"""A server as a child process: started, asked whether it answers, ended, and never left behind."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from lullwatch.programs import Found, Missing

__all__ = [
    "LOOPBACK",
    "LocalServer",
    "ServerMissingError",
    "ServerNotAnsweringError",
    "ServerProcess",
    "accepts",
    "free_port",
    "had",
    "tied",
]

_log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_START_TIMEOUT_S = 30.0
"""Both servers answer within 0.3 to 2 s on an idle machine; thirty covers one that runs six test suites."""
_STOP_TIMEOUT_S = 10.0
"""influxd flushes its cache on SIGTERM; it took under a second here."""
_POLL_S = 0.02

_TIED = """\
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: end when the starter does
if os.getppid() != int(sys.argv[1]):
    sys.exit("the starter is already gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


class ServerMissingError(Exception):
    """A server's program cannot be had on this machine."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(str(missing))
        self.missing = missing


class ServerNotAnsweringError(Exception):
    """A server was started and did not answer, or ended."""

    def __init__(self, name: str, log: Path) -> None:
        tail = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
        super().__init__(
            f"{name} did not answer; the end of {log.name} says: {' | '.join(tail) or 'nothing'}"
        )


def tied(line: list[str]) -> list[str]:
    """The command line `line` as a child that ends when the thread that starts it does."""
    return [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *line]


def free_port() -> int:
    """A TCP port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """A child that ends with us, its output in a log file."""

    def __init__(self, name: str, line: list[str], *, environment: dict[str, str], log: Path) -> None:
        self._name = name
        self._line = line
        self._environment = environment
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def start(self, answers: Callable[[], bool]) -> None:
        """Start it and wait until `answers()` is true.

        Raises:
            ServerNotAnsweringError: it ended, or did not answer in time.
        """
        with self._log.open("ab") as out:
            self._child = subprocess.Popen(  # noqa: S603 - a server program that was found on this machine
                tied(self._line), env=self._environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        give_up = time.monotonic() + _START_TIMEOUT_S
        while self.pid is not None and time.monotonic() < give_up:
            if answers():
                return
            time.sleep(_POLL_S)
        self.kill()
        raise ServerNotAnsweringError(self._name, self._log)

    def stop(self) -> None:
        """Ask it to end, and make it when it does not."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            _log.warning("%s ignored SIGTERM for %.0f s and is killed", self._name, _STOP_TIMEOUT_S)
            self.kill()
        self._child = None

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._child = None


def accepts(port: int) -> bool:
    """Whether something listens on a port of the loopback."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


class LocalServer:
    """What the local servers share: entering starts, leaving stops."""

    def start(self) -> None:
        """Start it and wait until it answers."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ask it to end; does nothing when it is not running."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def had(found: Found | Missing) -> Found:
    """The program that was found.

    Raises:
        ServerMissingError: it was not.
    """
    if isinstance(found, Missing):
        raise ServerMissingError(found)
    return found
