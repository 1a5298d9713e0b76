"""Real Mosquitto and InfluxDB for the tests: one of each per test process, on loopback ports of their own.

A server that cannot be had fails the test that wants it, with the command that installs it.
"""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lullwatch.server_process import tied
from lullwatch.servers import INFLUXD, MOSQUITTO, Found, LocalInflux, LocalMosquitto, Missing, Program, obtain

PATIENCE_S = 20.0
"""Messages arrive within milliseconds; seven test suites on two cores may make it seconds."""

_LEAVE_S = 5.0
"""A `mosquitto_sub` that is asked to end in the instant in which it confirms a message may go on as if it were not."""


@dataclass(frozen=True)
class Received:
    """One message as `mosquitto_sub` printed it."""

    topic: str
    payload: str
    qos: int
    retained: bool


class Subscriber:
    """A running `mosquitto_sub`: a receiver that shares no code with ours."""

    def __init__(self, program: Found, line: list[str]) -> None:
        self._messages: queue.Queue[Received] = queue.Queue()
        self._subscribed = threading.Event()
        stdbuf = shutil.which("stdbuf")
        assert stdbuf is not None, "stdbuf is missing: sudo apt-get install coreutils"
        self._process = subprocess.Popen(
            # mosquitto_sub would keep "Subscribed" in its buffer until much more follows
            tied([stdbuf, "-oL", *line]),
            env=program.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._subscribed.wait(PATIENCE_S):
            self.close()
            pytest.fail("mosquitto_sub did not get its subscription")

    def next(self, *, timeout_s: float = PATIENCE_S) -> Received:
        """The next message; fails when none comes."""
        try:
            return self._messages.get(timeout=timeout_s)
        except queue.Empty:
            pytest.fail(f"mosquitto_sub received nothing within {timeout_s} s")

    def take(self, n: int, *, timeout_s: float = PATIENCE_S) -> list[Received]:
        """The next `n` messages."""
        return [self.next(timeout_s=timeout_s) for _ in range(n)]

    def nothing_for(self, seconds: float) -> bool:
        """Whether no message comes for so long."""
        try:
            self._messages.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("Subscribed ("):
                self._subscribed.set()
            elif line.startswith("\x1f"):
                retained, qos, topic, payload = line[1:].rstrip("\n").split("\x1f", 3)
                self._messages.put(Received(topic, payload, int(qos), retained == "1"))


@dataclass(frozen=True)
class Broker:
    """A running Mosquitto and the means to look at it from outside."""

    server: LocalMosquitto
    topic: str
    """a topic prefix no other test uses"""

    @property
    def host(self) -> str:
        return self.server.host

    @property
    def port(self) -> int:
        return self.server.port

    def sub(self, topic: str, *options: str, session: str | None = None) -> Subscriber:
        """Start `mosquitto_sub` on a topic filter; returns once it is subscribed.

        With a session the broker keeps messages for it while it is away; it comes back by itself.
        """
        program = self.server.program
        line = [str(program.sibling("mosquitto_sub")), "-h", self.host, "-p", str(self.port), "-d", "-q", "1"]
        line += ["-c", "-i", session, *options] if session else options
        return Subscriber(program, [*line, "-t", topic, "-F", "\x1f%r\x1f%q\x1f%t\x1f%p"])

    def pub(self, topic: str, payload: str | bytes, *options: str) -> None:
        """Publish with `mosquitto_pub`, a sender that shares no code with ours."""
        program = self.server.program
        line = [str(program.sibling("mosquitto_pub")), "-h", self.host, "-p", str(self.port), "-q", "1"]
        data = payload if isinstance(payload, bytes) else payload.encode()
        env = program.environment()
        subprocess.run(
            [*line, *options, "-t", topic, "-s"], input=data, env=env, check=True, timeout=PATIENCE_S
        )


@dataclass(frozen=True)
class Influx:
    """A running InfluxDB with a bucket of its own for this test."""

    server: LocalInflux
    bucket: str

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def token(self) -> str:
        return self.server.token

    @property
    def org(self) -> str:
        return self.server.org

    def query(self, influxql: str) -> list[dict[str, object]]:
        """Rows, read past the shim and past our own reader."""
        return self.server.query(influxql, bucket=self.bucket)


def _obtained(program: Program, *tools: str) -> Found:
    found = obtain(program, tools=tools)
    if isinstance(found, Missing):
        pytest.fail(str(found), pytrace=False)
    return found


@pytest.fixture(scope="session")
def mosquitto_program() -> Found:
    return _obtained(MOSQUITTO, "mosquitto_sub", "mosquitto_pub", "mosquitto_passwd")


@pytest.fixture(scope="session")
def influxd_program() -> Found:
    return _obtained(INFLUXD)


@pytest.fixture(scope="session")
def _mosquitto_server(
    mosquitto_program: Found, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalMosquitto]:
    with LocalMosquitto(tmp_path_factory.mktemp("mosquitto"), program=mosquitto_program) as server:
        yield server


@pytest.fixture
def mosquitto(_mosquitto_server: LocalMosquitto) -> Broker:
    """The session's Mosquitto; tests keep apart by their topics, and leave it running."""
    return Broker(_mosquitto_server, f"test-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def own_mosquitto(mosquitto_program: Found, tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto for one test, which may stop, kill and restart it."""
    with LocalMosquitto(tmp_path / "mosquitto", program=mosquitto_program) as server:
        yield Broker(server, f"test-{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="session")
def _influx_server(influxd_program: Found, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalInflux]:
    with LocalInflux(tmp_path_factory.mktemp("influx"), program=influxd_program) as server:
        yield server


@pytest.fixture
def influx(_influx_server: LocalInflux) -> Iterator[Influx]:
    """The session's InfluxDB with a fresh bucket."""
    bucket = f"test_{uuid.uuid4().hex[:8]}"
    _influx_server.create_bucket(bucket)
    yield Influx(_influx_server, bucket)
    _influx_server.drop_bucket(bucket)


@pytest.fixture
def own_influx(influxd_program: Found, tmp_path: Path) -> Iterator[Influx]:
    """An InfluxDB for one test, which may stop, kill and restart its engine."""
    with LocalInflux(tmp_path / "influx", program=influxd_program) as server:
        server.create_bucket("own")
        yield Influx(server, "own")


def until(condition: object, *, timeout_s: float = PATIENCE_S) -> None:
    """Wait until a callable returns something true."""
    assert callable(condition)
    give_up = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < give_up, f"still not so after {timeout_s} s"
        time.sleep(0.02)
