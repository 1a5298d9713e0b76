"""InfluxDB 1.x on the loopback, behind the v2-write shim."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import secrets
import urllib.parse
from pathlib import Path

from lullwatch.influx_shim import InfluxShim
from lullwatch.programs import INFLUXD, Found, obtain
from lullwatch.server_process import LOOPBACK, LocalServer, ServerProcess, free_port, had

__all__ = ["InfluxQueryError", "LocalInflux"]

_log = logging.getLogger(__name__)

_QUERY_TIMEOUT_S = 60.0


class InfluxQueryError(Exception):
    """InfluxDB refused a query."""

    def __init__(self, query: str, said: str) -> None:
        super().__init__(f"InfluxDB refused {query!r}: {said}")


class LocalInflux(LocalServer):
    """InfluxDB 1.x with the v2-write shim in front of it, on loopback ports that stay the same over restarts.

    Args:
        folder: for its configuration, data and log; made when missing.
        program: what `find` or `obtain` returned; None obtains it at `start()`.
    """

    org = "lullwatch"
    """1.x has no organisations; the shim takes any"""

    def __init__(self, folder: Path, *, program: Found | None = None) -> None:
        self.folder = folder
        self._program = program
        self._port = free_port()
        self._password = secrets.token_hex(8)
        self._shim = InfluxShim(f"http://{LOOPBACK}:{self._port}", port=free_port())
        self._process: ServerProcess | None = None
        self._known = False

    @property
    def program(self) -> Found:
        """The program in use; obtained at the first look.

        Raises:
            ServerMissingError: it cannot be had.
        """
        self._program = self._program or had(obtain(INFLUXD))
        return self._program

    @property
    def url(self) -> str:
        """Base URL that `influxdb-client` is given: the shim's."""
        return self._shim.url

    @property
    def token(self) -> str:
        """Token of the administrator, in the `user:password` form 1.x understands."""
        return f"admin:{self._password}"

    def start(self) -> None:
        """Start the engine, make the administrator at the first start, then open the shim."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "influxdb.conf"
        config.write_text(_influx_configuration(self.folder, self._port), encoding="utf-8")
        self._process = ServerProcess(
            "influxd",
            [str(self.program.path), "-config", str(config)],
            environment=self.program.environment(),
            log=self.folder / "influxd.log",
        )
        self._process.start(lambda: _pings(self._port))
        try:
            self._introduce()
            self._shim.start()
        except Exception:
            self._process.stop()
            raise
        _log.info("%s behind %s", self.program, self.url)

    def _introduce(self) -> None:
        if not self._known:
            words = f"CREATE USER admin WITH PASSWORD '{self._password}' WITH ALL PRIVILEGES"
            self.query(words, method="POST")
            self._known = True

    def stop(self) -> None:
        """Close the shim and ask the engine to end."""
        self._shim.stop()
        if self._process is not None:
            self._process.stop()

    def stop_engine(self) -> None:
        """Leave the shim answering 503, as a database that is away behind its proxy does."""
        if self._process is not None:
            self._process.stop()

    def kill_engine(self) -> None:
        """End the engine as a power cut would."""
        if self._process is not None:
            self._process.kill()

    def start_engine(self) -> None:
        """Start an engine that was stopped or killed again."""
        if self._process is not None:
            self._process.start(lambda: _pings(self._port))

    def create_bucket(self, name: str) -> None:
        """Make a database; once it is there, nothing happens."""
        self.query(f'CREATE DATABASE "{name}"', method="POST")

    def drop_bucket(self, name: str) -> None:
        """Remove a database."""
        self.query(f'DROP DATABASE "{name}"', method="POST")

    def query(self, influxql: str, *, bucket: str = "", method: str = "GET") -> list[dict[str, object]]:
        """Rows of an InfluxQL query, straight from the engine; `time` is integer ns, GROUP BY tags included.

        Raises:
            InfluxQueryError: the engine refused it.
        """
        params = urllib.parse.urlencode({"q": influxql, "db": bucket, "epoch": "ns"})
        login = base64.b64encode(self.token.encode()).decode()
        link = http.client.HTTPConnection(LOOPBACK, self._port, timeout=_QUERY_TIMEOUT_S)
        try:
            link.request(method, f"/query?{params}", headers={"Authorization": f"Basic {login}"})
            answer = json.loads(link.getresponse().read())
        finally:
            link.close()
        return _rows(influxql, answer)


def _rows(query: str, answer: dict[str, object]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    results = answer.get("results", [])
    for result in [answer, *(results if isinstance(results, list) else [])]:
        if "error" in result:
            raise InfluxQueryError(query, str(result["error"]))
        for series in result.get("series", []):
            shared = {"name": series.get("name", ""), **series.get("tags", {})}
            rows += [
                {**shared, **dict(zip(series["columns"], r, strict=True))} for r in series.get("values", [])
            ]
    return rows


def _pings(port: int) -> bool:
    link = http.client.HTTPConnection(LOOPBACK, port, timeout=1.0)
    try:
        link.request("GET", "/ping")
        return link.getresponse().status == http.client.NO_CONTENT
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def _influx_configuration(folder: Path, port: int) -> str:
    return f"""\
reporting-disabled = true
bind-address = "{LOOPBACK}:0"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
  query-log-enabled = false
[http]
  bind-address = "{LOOPBACK}:{port}"
  auth-enabled = true
  log-enabled = false
  max-body-size = 0
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
"""
