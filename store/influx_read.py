"""Raw data back from InfluxDB: the very segments of the journal, read in windows of ten minutes with InfluxQL.

InfluxQL over `GET /query` is what 1.x, 2.x and 3 Core have in common, and Basic with a token for a password is the
login that all three take there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Retry, Timeout, make_headers

from dsp.records import NS, Config
from store.errors import StoreError
from store.influx_frames import Frame, frames_of, rows_of
from store.influx_segments import Shelves
from store.recording import AtRest

__all__ = ["CannotRead", "InfluxSource", "NoSamples"]

_WINDOW_NS: Final = 600 * NS
"""Asked for at once: 60,000 points of a sensor. A whole night as text would take two gigabytes."""

_TIMEOUT_S: Final = 120.0
"""A window takes a tenth of a second; a small computer that compacts at the same time takes many."""

_BEFORE_NS: Final = 10 * NS
"""A packet that begins this long before a span may reach into it; packets are seconds long at most."""

_RETRIES: Final = Retry(total=3, backoff_factor=0.5, status_forcelist=(429, 500, 503), raise_on_status=False)
"""A database that restarts is back within seconds; who asked is waiting."""

_FIELDS: Final = "ax, ay, az, gx, gy, gz, segment"


class CannotRead(StoreError):
    """The database did not answer a query."""

    def __init__(self, url: str, what: str) -> None:
        super().__init__(
            f"{url}: the database cannot be read ({what}). Check address, database and token; "
            "docs/influxdb.md says what each server needs for InfluxQL."
        )


class NoSamples(StoreError):
    """There is nothing to read."""

    def __init__(self, database: str, infant: str) -> None:
        super().__init__(
            f"database {database!r}: no raw samples of infant {infant!r} in this span. They are written with "
            'raw = "full" in [influx] only, and go when the retention ends.'
        )


class InfluxSource:
    """One database to read from.

    Args:
        url: the server, without a path.
        database: its name, with `/policy` behind it where the samples are in a retention policy of their own.
        token: API token; `user:password` for 1.x.
        gateway: only points of this gateway; by default of any.
        events_database: where settings are kept with the events; by default `database`.
    """

    def __init__(
        self, url: str, database: str, *, token: str = "", gateway: str = "", events_database: str = ""
    ) -> None:
        self._url = url.rstrip("/")
        self._database = database
        self._events = events_database or database
        self._gateway = gateway
        login = token if ":" in token else f"lullwatch:{token}"
        self._headers = make_headers(basic_auth=login if token else None, keep_alive=True)
        self._http = urllib3.PoolManager(timeout=Timeout(total=_TIMEOUT_S), retries=_RETRIES, maxsize=2)

    def infants(self) -> list[str]:
        """Everyone with raw samples, sorted."""
        rows = self._rows(self._database, "SHOW TAG VALUES FROM imu WITH KEY = infant")
        return sorted({str(row["value"]) for row in rows})

    def _sites(self, infant: str) -> list[str]:
        rows = self._rows(
            self._database, f"SHOW TAG VALUES FROM imu WITH KEY = site WHERE {self._of(infant)}"
        )
        return sorted({str(row["value"]) for row in rows})

    def newest_utc_ns(self, infant: str) -> int | None:
        """UTC of the infant's newest sample; None when there is none."""
        rows = self._rows(self._database, f"SELECT last(ax) AS ax FROM imu WHERE {self._of(infant)}")  # noqa: S608 - values are quoted, and reading is all a query can do
        return max((int(row["time"]) for row in rows), default=None)

    def configs(self, until_utc_ns: int) -> list[tuple[Config, str]]:
        """Settings that came into force before a moment, newest first, each with the time zone of its night."""
        where = f"time < {until_utc_ns}{self._by_gateway()}"
        rows = self._rows(
            self._events,
            f"SELECT t_ns, body, zone, digest FROM config WHERE {where} ORDER BY time DESC LIMIT 500",  # noqa: S608 - as above
        )
        return [
            (Config(int(row["t_ns"]), str(row["digest"]), str(row["body"])), str(row["zone"])) for row in rows
        ]

    def read(self, infant: str, onset_utc_ns: int, end_utc_ns: int, *, zone: str = "UTC") -> AtRest:
        """Segments of an infant that begin in a span, bit for bit as the journal has them.

        Remarks say how many packets were left out because not all of their samples are there.

        Raises:
            CannotRead: the database does not answer, or refuses.
            NoSamples: there are none.
            store.influx_segments.MoreThanOne: the span holds recordings that are not one timeline.
        """
        shelves = Shelves(self._database, end_utc_ns)
        for site in self._sites(infant):  # one after the other, so that only one is in memory as text
            for frames in self._windows(infant, site, onset_utc_ns, end_utc_ns + _BEFORE_NS):
                for frame in frames:
                    shelves.add(frame)
            shelves.finish()
        found = shelves.stretches()
        if not found.stretches:
            # CSV is empty where JSON says why
            self._asked(self._database, "SELECT ax FROM imu LIMIT 1", accept="application/json")
            raise NoSamples(self._database, infant)
        return AtRest(infant, zone, found.start_utc_ns, found.t0_ns, found.stretches, remarks=found.remarks)

    def _windows(self, infant: str, site: str, onset_ns: int, end_ns: int) -> Iterator[list[Frame]]:
        """Samples window by window; the next one is fetched while one is worked on."""
        starts = range(onset_ns, end_ns, _WINDOW_NS)
        with ThreadPoolExecutor(1, thread_name_prefix="influx-read") as ahead:
            fetching: Future[tuple[bytes, str]] | None = None
            for start in starts:
                fetched = fetching or ahead.submit(self._window, infant, site, start, end_ns)
                following = start + _WINDOW_NS
                body, kind = fetched.result()
                fetching = (
                    ahead.submit(self._window, infant, site, following, end_ns)
                    if following < end_ns
                    else None
                )
                yield frames_of(body, kind)

    def _window(self, infant: str, site: str, start_ns: int, end_ns: int) -> tuple[bytes, str]:
        until_ns = min(start_ns + _WINDOW_NS, end_ns)
        where = f"{self._of(infant)} AND site = {_quoted(site)} AND time >= {start_ns} AND time < {until_ns}"
        return self._asked(self._database, f"SELECT {_FIELDS} FROM imu WHERE {where} GROUP BY site, sensor")  # noqa: S608 - as above

    def _of(self, infant: str) -> str:
        return f"infant = {_quoted(infant)}{self._by_gateway()}"

    def _by_gateway(self) -> str:
        return f" AND gateway = {_quoted(self._gateway)}" if self._gateway else ""

    def _rows(self, database: str, query: str) -> list[dict[str, Any]]:
        body, kind = self._asked(database, query)
        return list(rows_of(body, kind))

    def _asked(self, database: str, query: str, *, accept: str = "application/csv") -> tuple[bytes, str]:
        """Body and content type of an answer."""
        name, _, policy = database.partition("/")
        fields = {"db": name, "q": query, "epoch": "ns", **({"rp": policy} if policy else {})}
        try:
            answer = self._http.request(
                "GET", f"{self._url}/query", fields=fields, headers={**self._headers, "Accept": accept}
            )
        except HTTPError as error:
            raise CannotRead(self._url, f"{type(error).__name__}: {error}") from error
        if answer.status != 200:
            raise CannotRead(
                self._url, f"{answer.status} {answer.data[:300].decode('utf-8', 'replace').strip()}"
            )
        kind = answer.headers.get("Content-Type", "")
        _refused(self._url, answer.data, kind)
        return answer.data, kind


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _refused(url: str, body: bytes, kind: str) -> None:
    """Raise what an answer says although its status is 200: an unknown database is told in its body."""
    if "json" in kind:
        answer = json.loads(body)
        found = [answer.get("error"), *(r.get("error") for r in answer.get("results", []))]
        if said := next((str(e) for e in found if e), ""):
            raise CannotRead(url, said)
    elif body.startswith(b"error"):
        raise CannotRead(url, body[:300].decode("utf-8", "replace").partition("\n")[2].strip())
