"""Where packets go. `ingest` knows no journal; the application hands one in."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from dsp.records import Packet, Segment

__all__ = ["PacketSink"]


class PacketSink(Protocol):
    """Takes packets with their place in time, in order of arrival."""

    def offer(self, packet: Packet, segment: Segment) -> Awaitable[None]:
        """Queue a packet at once (the order of the calls is the order of arrival).

        What is returned resolves when the packet is durably kept, and only then is its number confirmed
        to the sensor. It raises when the packet could not be kept; the sensor then still has it.
        """
        ...
