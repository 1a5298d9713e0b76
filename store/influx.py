"""The journal's way into InfluxDB: behind a durable cursor, nothing dropped, nothing told twice as two.

`influxdb-client` carries the bytes; the retry is ours. Its own batching keeps what it could not send in memory
and drops it after a while or at the first refusal, and says so in a log only.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self

import urllib3.exceptions
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from store.influx_answers import (
    CONFIRMED,
    TOO_LARGE,
    Answer,
    NotInflux,
    judged,
    left_out,
    retry_after_s,
    said,
)
from store.influx_batches import CURSOR, PAGE_ROWS, Batch, Batches, Buckets, Piece, Raw
from store.journal import Journal

__all__ = ["InfluxSink", "Raw", "SinkReport", "SinkState"]

_log = logging.getLogger(__name__)

_BATCH_BYTES: Final = 1_000_000
"""Bytes in one request, some eight thousand lines: the server's best rate lies between five and ten thousand, and
proxies commonly refuse more than a megabyte."""

_LEAST_BYTES: Final = 16_384
"""A server that refuses even this much at once refuses the line and not the length."""

_REQUESTS_PER_STEP: Final = 32
"""A step comes back to its caller at the latest after so many requests, also while it hunts for a bad line."""

_TIMEOUT_MS: Final = 30_000
"""A batch is stored in 0.1 s; thirty seconds outlast a compaction on a small computer."""

_BACK_OFF_FIRST_S: Final = 1.0
"""A database that restarts is back within seconds."""

_BACK_OFF_MOST_S: Final = 60.0
"""Longer waits would only delay the catching up; one request a minute troubles nobody."""

_JITTER: Final = 0.5
"""Share of a wait that is drawn by chance, so that many gateways do not come back in step."""

_RAW_HZ: Final = 10.0
"""Thinned points a second: up to 3 Hz comes through, which shows posture, breathing and rocking."""


class SinkState(StrEnum):
    """How the sink stands after a step."""

    SENT = "sent"
    """something was stored; there may be more"""
    IDLE = "idle"
    """the journal holds nothing new"""
    WAITING = "waiting"
    """not yet: the database cannot take it now, or a batch is filling; step again after `wait_s`"""
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
    left_out: int = 0
    """lines that the database did not store in this step, for its bucket keeps nothing so old"""
    error: str = ""


class InfluxSink:
    """Writes one journal into one database. Call `step` again and again, from a thread of its own.

    It never sleeps: a step says how long to wait before the next. What is in memory is at most the batch under way
    and the one after it, however far the database lags behind.

    Args:
        journal: what is copied; its cursor moves when the database has confirmed.
        url: the server, without a path.
        token: API token; `user:password` for 1.8.
        org: organisation in 2.x; others take any.
        bucket: where events go, and everything that has no bucket of its own; `database/policy` in 1.8.
        gateway: id of this computer, a tag of every point.
        feature_bucket: for epochs, states and links; by default `bucket`.
        raw_bucket: for samples; by default `bucket`.
        raw: how much of the samples is written.
        raw_hz: points a second of thinned samples.
        linger_s: how long a batch may fill before it is sent although it is small.
        timeout_ms: after which a request counts as failed.
        chance: spreads waits.
        monotonic: a clock in seconds, asked only while a batch fills.
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
        feature_bucket: str = "",
        raw_bucket: str = "",
        raw: Raw = Raw.FULL,
        raw_hz: float = _RAW_HZ,
        linger_s: float = 0.0,
        timeout_ms: int = _TIMEOUT_MS,
        chance: random.Random | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._org = org
        self._chance = chance or random.Random()  # noqa: S311 - spreads waits, guards nothing
        self._client = InfluxDBClient(url=url, token=token, org=org, timeout=timeout_ms)
        self._service = WriteService(self._client.api_client)  # type: ignore[no-untyped-call] # the client's own lack
        self._posting = ThreadPoolExecutor(1, thread_name_prefix="influx-post")
        self._batches = Batches(
            journal,
            gateway=gateway,
            buckets=Buckets(bucket, feature_bucket, raw_bucket),
            raw=raw,
            raw_hz=raw_hz,
            after_row=journal.cursor(CURSOR),
        )
        self._batch: Batch | None = None
        self._ahead: Batch | None = None
        self._most_bytes = _BATCH_BYTES
        self._linger_s = linger_s
        self._monotonic = monotonic
        self._filling_since_s: float | None = None
        self._failures = 0
        self._stopped = ""
        self._left_out = self._not_set_aside = 0
        """lines older than the bucket keeps any, and refused for good beyond the number of dead letters"""

    def close(self) -> None:
        """Close the connection; what was not confirmed is read from the journal again next time."""
        if self._left_out or self._not_set_aside:
            _log.warning(
                "%s: InfluxDB did not store %d lines older than its bucket keeps any, and refused %d more for good "
                "than are kept as dead letters",
                self._journal.path.name, self._left_out, self._not_set_aside,
            )  # fmt: skip
        self._posting.shutdown()
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
        if self._batch is None and (left_s := self._filling_s()) > 0:
            return self._report(SinkState.WAITING, wait_s=left_s)
        self._batch = self._batch or self._ahead or self._next_after(self._journal.cursor(CURSOR))
        self._ahead = None if self._batch is self._ahead else self._ahead
        if self._batch is None:
            return self._report(SinkState.IDLE)
        return self._send(self._batch)

    # batches

    def _next_after(self, row: int) -> Batch | None:
        return self._batches.next(row, self._most_bytes)

    def _filling_s(self) -> float:
        """How long the next batch may still fill, in seconds; 0 when it is to be sent, or there is nothing."""
        new_rows = self._journal.last_row - self._journal.cursor(CURSOR) if self._linger_s else 0
        if self._ahead is not None or not 0 < new_rows < PAGE_ROWS:
            self._filling_since_s = None
            return 0.0
        now_s = self._monotonic()
        if self._filling_since_s is None:
            self._filling_since_s = now_s
        left_s = self._filling_since_s + self._linger_s - now_s
        if left_s <= 0:
            self._filling_since_s = None
        return max(left_s, 0.0)

    def _look_ahead(self, batch: Batch) -> None:
        """Make the next batch while this one is on its way, when there is more."""
        if self._ahead is None and batch.full:
            self._ahead = self._next_after(batch.last_row)

    # sending

    def _send(self, batch: Batch) -> SinkReport:
        lines = quarantined = too_old = 0
        for _ in range(_REQUESTS_PER_STEP):
            if not batch.pieces:
                self._journal.advance(CURSOR, batch.last_row)
                self._batch = None
                break
            piece = self._small_enough(batch)
            try:
                self._post(piece, batch)
            except ApiException as error:
                if judged(error) is not Answer.BAD_LINE:
                    return self._failed(error, piece.bucket, lines, quarantined)
                batch.pieces.popleft()
                if dropped := left_out(error):
                    too_old += self._note_left_out(dropped, piece, error)
                    lines += max(piece.lines - dropped, 0)
                else:
                    quarantined += self._divide(batch, piece, error)
            except (urllib3.exceptions.HTTPError, OSError, UnicodeDecodeError, NotInflux) as error:
                return self._failed(error, piece.bucket, lines, quarantined)
            else:
                batch.pieces.popleft()
                lines += piece.lines
            self._failures = 0
        return self._report(SinkState.SENT, lines=lines, quarantined=quarantined, left_out=too_old)

    def _note_left_out(self, lines: int, piece: Piece, error: ApiException) -> int:
        """Said once of a night, and by number at its end: whoever copies old nights wants to know, not of each line."""
        if not self._left_out:
            _log.warning(
                "%s: bucket %r keeps nothing so old, %d lines were not stored: %s",
                self._journal.path.name, piece.bucket, lines, said(error),
            )  # fmt: skip
        self._left_out += lines
        return lines

    def _small_enough(self, batch: Batch) -> Piece:
        """The next piece, divided before it is sent where the server has refused such lengths."""
        while batch.pieces[0].size > self._most_bytes < _BATCH_BYTES:
            halves = batch.pieces[0].halves()
            if halves is None:
                break
            batch.pieces.popleft()
            batch.pieces.extendleft(reversed(halves))
        return batch.pieces[0]

    def _post(self, piece: Piece, batch: Batch) -> None:
        posted = self._posting.submit(self._request, piece)
        try:
            self._look_ahead(batch)
        finally:
            status = posted.result()
        if status != CONFIRMED:
            raise NotInflux(status)

    def _request(self, piece: Piece) -> int:
        answer = self._service.post_write_with_http_info(  # type: ignore[no-untyped-call] # as above
            org=self._org,
            bucket=piece.bucket,
            body=piece.body(),
            precision="ns",
            content_type="text/plain; charset=utf-8",
        )
        return int(answer[1])

    def _divide(self, batch: Batch, piece: Piece, error: ApiException) -> int:
        """Put back the halves of a refused piece, or set its only line aside; returns how many were set aside.

        A refusal does not say what of a request was stored, but the same line twice is one point: sending the
        good ones again is free.
        """
        if error.status == TOO_LARGE:
            self._most_bytes = max(_LEAST_BYTES, min(self._most_bytes, piece.size // 2))
        if (halves := piece.halves()) is not None:
            batch.pieces.extendleft(reversed(halves))
            return 0
        row, line = piece.chunks[0]
        reason = f"{error.status} {said(error)}"
        if self._journal.set_aside(CURSOR, row, reason, line):
            _log.warning("row %d of the journal is refused by InfluxDB and was set aside: %s", row, reason)
        else:
            self._not_set_aside += 1
        return 1

    def _failed(self, error: Exception, bucket: str, lines: int, quarantined: int) -> SinkReport:
        words = said(error)
        if isinstance(error, ApiException) and judged(error) is Answer.REFUSED:
            self._stopped = (
                f"InfluxDB refuses to store into bucket {bucket!r} ({error.status} {words}). "
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
        return float(max(wait_s, retry_after_s(error)))

    def _report(self, state: SinkState, **values: Any) -> SinkReport:  # noqa: ANN401 - the report's own fields
        return SinkReport(state, row=self._journal.cursor(CURSOR), **values)
