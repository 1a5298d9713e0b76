"""Brokers on the loopback: a real Mosquitto, and the throw-away that stands in for it in a demo."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import threading
from pathlib import Path

from lullwatch.programs import MOSQUITTO, Found, obtain
from lullwatch.server_process import LOOPBACK, LocalServer, ServerProcess, accepts, free_port, had

__all__ = ["AUTOSAVE_S", "QUEUE_LIMIT", "BrokerThreadError", "LocalAmqtt", "LocalMosquitto", "local_broker"]

_log = logging.getLogger(__name__)

QUEUE_LIMIT = 100_000
"""Alerts Mosquitto keeps for an absent subscriber. Its default of 1000 acknowledges more and drops them."""
AUTOSAVE_S = 2
"""Mosquitto's default of 1800 s loses half an hour of acknowledged messages when it is killed."""
_AMQTT_START_TIMEOUT_S = 15.0
"""Importing it takes a second on a small computer."""


class BrokerThreadError(Exception):
    """The in-process broker did not come up."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"amqtt did not start on {LOOPBACK}:{port}; is another program listening there, or amqtt not "
            f"installed? Install Mosquitto instead: sudo apt-get install mosquitto"
        )


class LocalMosquitto(LocalServer):
    """Mosquitto on a loopback port; what it persists survives `stop()` and `kill()` followed by `start()`.

    Args:
        folder: for its configuration, data and log; made when missing.
        port: None for a free one; it stays the same over restarts.
        user: name and password that clients must give; None lets everyone in who reaches the loopback.
        program: what `find` or `obtain` returned; None obtains it at `start()`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        user: tuple[str, str] | None = None,
        program: Found | None = None,
    ) -> None:
        self.host = LOOPBACK
        self.port = port or free_port()
        self.folder = folder
        self._user = user
        self._program = program
        self._process: ServerProcess | None = None

    @property
    def program(self) -> Found:
        """The program in use; obtained at the first look.

        Raises:
            ServerMissingError: it cannot be had.
        """
        self._program = self._program or had(obtain(MOSQUITTO))
        return self._program

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "mosquitto.conf"
        config.write_text(self._configuration(), encoding="utf-8")
        if self._user is not None:
            self._write_passwords(*self._user)
        self._process = ServerProcess(
            "mosquitto",
            [str(self.program.path), "-c", str(config)],
            environment=self.program.environment(),
            log=self.folder / "mosquitto.log",
        )
        self._process.start(lambda: accepts(self.port))
        _log.info("%s on %s:%d", self.program, self.host, self.port)

    def stop(self) -> None:
        """Ask it to end; it saves what it keeps."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End it as a power cut would: what is younger than the autosave interval is lost."""
        if self._process is not None:
            self._process.kill()

    @property
    def _passwords(self) -> Path:
        return self.folder / "passwords"

    def _configuration(self) -> str:
        access = "allow_anonymous true"
        if self._user is not None:
            access = f"allow_anonymous false\npassword_file {self._passwords}"
        lines = [
            f"listener {self.port} {LOOPBACK}",
            access,
            "persistence true",
            f"persistence_location {self.folder}/",
            f"autosave_interval {AUTOSAVE_S}",
            f"max_queued_messages {QUEUE_LIMIT}",
            # as root it would change to a user who cannot write into our folder
            *(["user root"] if os.geteuid() == 0 else []),
        ]
        return "\n".join(lines) + "\n"

    def _write_passwords(self, user: str, password: str) -> None:
        line = [
            str(self.program.sibling("mosquitto_passwd")),
            "-b",
            "-c",
            str(self._passwords),
            user,
            password,
        ]
        subprocess.run(line, env=self.program.environment(), capture_output=True, check=True)  # noqa: S603 - Mosquitto's own tool


class LocalAmqtt(LocalServer):
    """The throw-away broker for a demo where Mosquitto cannot be had: amqtt, in a thread, on the loopback.

    Its limits, for whoever shows which broker is in use: MQTT 3.1.1 only, so nothing that wants MQTT 5; sends
    newcomers retained messages they did not subscribe to; keeps nothing over a restart; does not notice a
    client that falls silent. Never a broker for real alerts.
    """

    limits = "MQTT 3.1.1 only, keeps nothing over a restart, no access control: for the demo alone"

    def __init__(self, *, port: int | None = None) -> None:
        self.host = LOOPBACK
        self.port = port or free_port()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._up = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None

    def start(self) -> None:
        """Serve from a thread of its own.

        Raises:
            BrokerThreadError: it did not come up.
        """
        self._up.clear()
        self._thread = threading.Thread(target=self._thread_main, name="amqtt", daemon=True)
        self._thread.start()
        if not self._up.wait(_AMQTT_START_TIMEOUT_S) or self._failure is not None:
            raise BrokerThreadError(self.port) from self._failure

    def stop(self) -> None:
        """Stop serving; does nothing when not started."""
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join()
        self._thread = None

    def _thread_main(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - handed to start(), which raises it in the caller's thread
            self._failure = error
        finally:
            self._loop = None
            self._up.set()

    async def _serve(self) -> None:
        from amqtt.broker import Broker

        # amqtt listens on every interface and lets everyone in unless it is told otherwise
        listeners = {"default": {"type": "tcp", "bind": f"{self.host}:{self.port}"}}
        access = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        broker = Broker({"listeners": listeners, "plugins": access})
        self._stopping = asyncio.Event()
        await broker.start()
        self._loop = asyncio.get_running_loop()
        self._up.set()
        await self._stopping.wait()
        await broker.shutdown()


def local_broker(folder: Path) -> LocalMosquitto | LocalAmqtt:
    """Mosquitto where it is found or can be fetched, else the throw-away broker; not started yet."""
    found = obtain(MOSQUITTO)
    if isinstance(found, Found):
        return LocalMosquitto(folder, program=found)
    _log.warning("%s; using amqtt instead (%s)", found, LocalAmqtt.limits)
    return LocalAmqtt()
