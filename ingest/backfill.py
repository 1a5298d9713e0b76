"""Fetching what is missing: one span at a time, asked again when it came with holes, given up in the end."""

from __future__ import annotations

from typing import Final

from dsp.records import NS, Packet, SegmentFlag
from ingest.sock_codec import Fetch
from ingest.stream import SockStream

__all__ = ["Backfill"]

_QUIET_S: Final = 3.0
"""A fetch that sent nothing for this long is asked for again: the sock sends many packets a second, and even a link
that is all but lost delivers or ends within this time. Who is merely slow hears of it from a sock that is busy."""
_ATTEMPTS_MAX: Final = 3
"""Fetches that did not bring the first packet of their span. One counts once the sock has taken the next: all it
sends comes in order, so by then what it had sent has been heard, however far a busy gateway lags behind."""
_REFUSED_PAUSE_S: Final = 5.0
"""Pause after the sink could not keep a packet: a full disk is not emptied sooner, and each fetch costs the
sock's battery."""


class Backfill:
    """Decides when to send which FETCH. It knows no radio; times are data time."""

    def __init__(self, stream: SockStream) -> None:
        self._stream = stream
        self._active: Fetch | None = None
        self._promised: int | None = None
        self._came: set[int] = set()
        self._heard_ns = 0
        self._not_before_ns = 0
        self._unserved: Fetch | None = None
        """was over without its first packet; whether that counts is seen at the answer to the next"""
        self._failures = 0

    def due(self, now_ns: int) -> Fetch | None:
        """The fetch to send now, which is being served from then on; None while another is, or for nothing."""
        if self._active is not None:
            if not self._complete(self._active) and now_ns - self._heard_ns < _QUIET_S * NS:
                return None
            self._finish(self._active)
        if now_ns < self._not_before_ns:
            return None
        self._active = self._stream.wanted()
        self._promised, self._heard_ns = None, now_ns
        self._came.clear()
        return self._active

    def promised(self, fetch: Fetch, count: int | None) -> None:
        """The sock will send `count` packets; None: it is busy, the fetch is to be asked for again.

        Packets may have come in before this: they follow the answer closely.
        """
        if count == 0:
            self._stream.give_up(fetch.boot, fetch.first, fetch.last)
        if not count:
            self._active = None
        elif self._unserved is not None:
            self._failed_again(fetch)
        self._promised = count

    def arrived(self, packet: Packet) -> None:
        """A packet came in; only back-filled ones of the span count."""
        fetch = self._active
        if fetch is None or SegmentFlag.BACKFILL not in packet.flags or packet.boot != fetch.boot:
            return
        self._heard_ns = packet.arrived_ns
        if fetch.first <= packet.seq <= fetch.last:
            self._came.add(packet.seq)

    def refused(self, now_ns: int) -> None:
        """The sink could not keep a packet: it is missing again, but not through any fault of the sock."""
        self._not_before_ns = now_ns + round(_REFUSED_PAUSE_S * NS)

    def interrupted(self) -> None:
        """The link ended: what was being served is asked for again, without counting against it."""
        self._active = self._unserved = None

    def _complete(self, fetch: Fetch) -> bool:
        return fetch.last in self._came or (self._promised is not None and len(self._came) >= self._promised)

    def _finish(self, fetch: Fetch) -> None:
        self._active = None
        wanted = self._stream.wanted()
        moved = wanted is None or (wanted.boot, wanted.first) != (fetch.boot, fetch.first)
        if moved or fetch.first in self._came:
            self._unserved, self._failures = None, 0
        else:
            self._unserved = fetch

    def _failed_again(self, fetch: Fetch) -> None:
        before, self._unserved = self._unserved, None
        if before is None or (before.boot, before.first) != (fetch.boot, fetch.first):
            self._failures = 0
            return
        self._failures += 1
        if self._failures >= _ATTEMPTS_MAX:
            self._stream.give_up(fetch.boot, fetch.first, fetch.first)
            self._failures = 0
