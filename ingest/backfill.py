"""Fetching what is missing: one span at a time, asked again when it came with holes, given up in the end."""

from __future__ import annotations

from typing import Final

from dsp.records import NS, Packet, SegmentFlag
from ingest.sock_codec import Fetch
from ingest.stream import SockStream

__all__ = ["Backfill"]

_QUIET_S: Final = 3.0
"""A fetch that sent nothing for this long is over: the sock sends many packets a second, and even a link
that is all but lost delivers or ends within this time."""
_ATTEMPTS_MAX: Final = 3
"""Fetches that did not bring the first packet of their span; each was on its way in a link with
acknowledgements, so three failures mean that the sock cannot send it."""


class Backfill:
    """Decides when to send which FETCH. It knows no radio; times are data time."""

    def __init__(self, stream: SockStream) -> None:
        self._stream = stream
        self._active: Fetch | None = None
        self._left = 0
        self._heard_ns = 0
        self._failed: tuple[Fetch, int] | None = None

    @property
    def active(self) -> Fetch | None:
        """The fetch that is being served."""
        return self._active

    def due(self, now_ns: int) -> Fetch | None:
        """The fetch to send now; None while one is being served or nothing is missing."""
        if self._active is not None:
            if self._left > 0 and now_ns - self._heard_ns < _QUIET_S * NS:
                return None
            self._finish(self._active)
        return self._stream.wanted()

    def promised(self, fetch: Fetch, count: int | None, now_ns: int) -> None:
        """The sock will send `count` packets; None: it is busy, the fetch is to be asked for again."""
        if count is None:
            return
        if count == 0:
            self._stream.give_up(fetch.boot, fetch.first, fetch.last)
            return
        self._active, self._left, self._heard_ns = fetch, count, now_ns

    def arrived(self, packet: Packet) -> None:
        """A packet came in; only back-filled ones count."""
        if self._active is None or SegmentFlag.BACKFILL not in packet.flags:
            return
        self._left -= 1
        self._heard_ns = packet.arrived_ns
        if packet.boot == self._active.boot and packet.seq >= self._active.last:
            self._left = 0

    def interrupted(self) -> None:
        """The link ended: what was being served is asked for again, without counting against it."""
        self._active = None

    def _finish(self, fetch: Fetch) -> None:
        self._active = None
        wanted = self._stream.wanted()
        if wanted is None or (wanted.boot, wanted.first) != (fetch.boot, fetch.first):
            self._failed = None
            return
        times = 1 + (self._failed[1] if self._failed and self._failed[0].first == fetch.first else 0)
        self._failed = (fetch, times)
        if times >= _ATTEMPTS_MAX:
            self._stream.give_up(fetch.boot, fetch.first, fetch.first)
            self._failed = None
