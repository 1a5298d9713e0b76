"""The journal's way into InfluxDB: behind a durable cursor, nothing dropped, nothing told twice as two.

`influxdb-client` carries the bytes; the retry is ours. Its own batching keeps what it could not send in memory
and drops it after a while or at the first refusal, and says so in a log only.
"""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

import urllib3.exceptions
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from dsp.records import ClockRow
from store.influx_lines import MEASURED, lines_of
from store.journal import Journal
from store.utc import UtcMap

__all__ = ["InfluxSink", "SinkReport", "SinkState"]

_log = logging.getLogger(__name__)

CURSOR = "influx"
"""name of the cursor and of the dead letters"""

_BATCH_LINES = 10_000
"""Lines in one request: the server's best rate lies between five and ten thousand."""

_PAGE_ROWS = 1000
"""Rows looked at for one batch: a packet has sixteen samples, so this fills it."""

_REQUESTS_PER_STEP = 32
"""A step comes back to its caller at the latest after so many requests, also while it hunts for a bad line."""

_TIMEOUT_MS = 30_000
"""A batch is stored in 0.1 s; thirty seconds outlast a compaction on a small computer."""

_BACK_OFF_FIRST_S = 1.0
"""A database that restarts is back within seconds."""

_BACK_OFF_MOST_S = 60.0
"""Longer waits would only delay the catching up; one request a minute troubles nobody."""

_JITTER = 0.5
"""Share of a wait that is drawn by chance, so that many gateways do not come back in step."""

_REFUSED_LINES = frozenset({400, 413, 422})
_REFUSED_US = frozenset({401, 403, 404})


class SinkState(StrEnum):
    """How the sink stands after a step."""

    SENT = "sent"
    """something was stored; there may be more"""
    IDLE = "idle"
    """the journal holds nothing new"""
    WAITING = "waiting"
    """the database cannot take it now; step again after `wait_s`"""
    STOPPED = "stopped"
    """the database refuses this token or bucket: a person must look; `resume()` goes on"""


@dataclass(frozen=True, slots=True)
class SinkReport:
    """What a step did."""

    state: SinkState
    lines: int = 0
    """stored by this step"""
    row: int = 0
    """everything up to this row of the journal is confirmed"""
    wait_s: float = 0.0
    quarantined: int = 0
    """lines set aside by this step because the database refuses them for good"""
    error: str = ""


@dataclass
class _Batch:
    """What is on its way: pieces still to be stored, and the row that is confirmed when all are."""

    last_row: int
    pieces: deque[list[tuple[int, bytes]]] = field(default_factory=deque)


class InfluxSink:
    """Writes one journal into one bucket. Call `step` again and again, from a thread of its own.

    It reads no clock and never sleeps: a step says how long to wait before the next.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        url: str,
        token: str,
        org: str,
        bucket: str,
        gateway: str,
        timeout_ms: int = _TIMEOUT_MS,
        chance: random.Random | None = None,
    ) -> None:
        self._journal = journal
        self._bucket = bucket
        self._gateway = gateway
        self._chance = chance or random.Random()  # noqa: S311 - spreads waits, guards nothing
        self._client = InfluxDBClient(url=url, token=token, org=org, timeout=timeout_ms)
        self._write = self._client.write_api(write_options=SYNCHRONOUS)
        self._utc = UtcMap()
        self._clock_upto = 0
        self._batch: _Batch | None = None
        self._failures = 0
        self._stopped = ""
        self._load_clock()

    def close(self) -> None:
        """Close the connection; what was not confirmed is read from the journal again next time."""
        self._write.close()  # type: ignore[no-untyped-call] # the client's own lack
        self._client.close()  # type: ignore[no-untyped-call] # the client's own lack

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def resume(self) -> None:
        """Try again after a person has mended what stopped the sink."""
        self._stopped = ""
        self._failures = 0

    def step(self) -> SinkReport:
        """Store the next batch and move the cursor when all of it is confirmed."""
        if self._stopped:
            return self._report(SinkState.STOPPED, error=self._stopped)
        self._batch = self._batch or self._next_batch()
        if self._batch is None:
            return self._report(SinkState.IDLE)
        return self._send(self._batch)

    # sending

    def _send(self, batch: _Batch) -> SinkReport:
        lines = quarantined = 0
        for _ in range(_REQUESTS_PER_STEP):
            if not batch.pieces:
                self._journal.advance(CURSOR, batch.last_row)
                self._batch = None
                break
            piece = batch.pieces[0]
            try:
                self._post(piece)
            except ApiException as error:
                if error.status not in _REFUSED_LINES:
                    return self._failed(error, lines, quarantined)
                batch.pieces.popleft()
                quarantined += self._divide(batch, piece, error)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                return self._failed(error, lines, quarantined)
            else:
                batch.pieces.popleft()
                lines += _line_count(piece)
            self._failures = 0
        return self._report(SinkState.SENT, lines=lines, quarantined=quarantined)

    def _post(self, piece: Sequence[tuple[int, bytes]]) -> None:
        body = b"\n".join(chunk for _, chunk in piece)
        # The client sends precision=ns unless told otherwise; its annotation refuses its own constant.
        self._write.write(bucket=self._bucket, record=body)

    def _divide(self, batch: _Batch, piece: list[tuple[int, bytes]], error: ApiException) -> int:
        """Put back the halves of a refused piece, or set its only line aside; returns how many were set aside.

        A refusal does not say what of a request was stored, but the same line twice is one point: sending the
        good ones again is free.
        """
        if len(piece) == 1:
            row, chunk = piece[0]
            piece = [(row, line) for line in chunk.split(b"\n")]
        if len(piece) > 1:
            middle = len(piece) // 2
            batch.pieces.extendleft((piece[middle:], piece[:middle]))
            return 0
        row, line = piece[0]
        reason = f"{error.status} {_said(error)}"
        _log.warning("row %d of the journal is refused by InfluxDB and was set aside: %s", row, reason)
        self._journal.set_aside(CURSOR, row, reason, line)
        return 1

    def _failed(self, error: Exception, lines: int, quarantined: int) -> SinkReport:
        words = _said(error)
        if isinstance(error, ApiException) and error.status in _REFUSED_US:
            self._stopped = (
                f"InfluxDB refuses to store into bucket {self._bucket!r} ({error.status} {words}). "
                "Check token, organisation and bucket in the settings; nothing is lost meanwhile."
            )
            return self._report(SinkState.STOPPED, lines=lines, quarantined=quarantined, error=self._stopped)
        self._failures += 1
        return self._report(
            SinkState.WAITING, lines=lines, quarantined=quarantined, wait_s=self._wait_s(error), error=words
        )

    def _wait_s(self, error: Exception) -> float:
        longest = min(_BACK_OFF_FIRST_S * 2 ** min(self._failures - 1, 10), _BACK_OFF_MOST_S)
        wait_s = longest * (1 - _JITTER * self._chance.random())
        return float(max(wait_s, _retry_after_s(error)))

    def _report(self, state: SinkState, **values: Any) -> SinkReport:  # noqa: ANN401 - the report's own fields
        return SinkReport(state, row=self._journal.cursor(CURSOR), **values)

    # reading

    def _load_clock(self) -> None:
        """Clock rows up to the cursor, and the first one of all, which holds for whatever lies before it."""
        cursor = self._journal.cursor(CURSOR)
        for number, (row, record) in enumerate(self._clock_rows()):
            if isinstance(record, ClockRow) and (row <= cursor or number == 0):
                self._utc.add(record)
                self._clock_upto = row

    def _clock_rows(self) -> Iterator[tuple[int, object]]:
        after = 0
        while page := self._journal.read(after, tables=("clock",)):
            yield from page
            after = page[-1][0]

    def _next_batch(self) -> _Batch | None:
        """The next rows as lines.

        A row's UTC comes from clock rows before it in the journal only (or the very first), so that it is the
        same when it is sent again after a restart.
        """
        if not self._utc:
            self._load_clock()
            if not self._utc:
                return None
        batch, piece, lines = _Batch(self._journal.cursor(CURSOR)), [], 0
        for row, record in self._journal.read(batch.last_row, limit=_PAGE_ROWS, tables=(*MEASURED, "clock")):
            if isinstance(record, ClockRow) and row > self._clock_upto:
                self._utc.add(record)
                self._clock_upto = row
            for chunk in lines_of(record, self._utc, self._gateway):
                piece.append((row, chunk))
                lines += chunk.count(b"\n") + 1
                if lines >= _BATCH_LINES:
                    batch.pieces.append(piece)
                    piece, lines = [], 0
            batch.last_row = row
            if batch.pieces:
                break
        if piece:
            batch.pieces.append(piece)
        return batch if batch.last_row > self._journal.cursor(CURSOR) else None


def _line_count(piece: Sequence[tuple[int, bytes]]) -> int:
    return sum(chunk.count(b"\n") + 1 for _, chunk in piece)


def _said(error: Exception) -> str:
    body = getattr(error, "body", None) or getattr(error, "reason", None) or error
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    return text.strip() or type(error).__name__


def _retry_after_s(error: Exception) -> float:
    """What the server asked for, in seconds; its other form, a date, would need a clock and is left to our own wait."""
    headers = getattr(error, "headers", None) or {}
    value = str(headers.get("Retry-After", ""))
    return float(value) if value.isdecimal() else 0.0
