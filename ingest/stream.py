"""One sensor's notifications become packets in time, each once, with a ledger of what is missing.

Pure: bytes and times in, values out. It outlives connections; the link that feeds it does not matter.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from dsp.records import NS, Packet, Segment, SegmentFlag, Site
from ingest.clock_fit import ClockFit
from ingest.errors import Impossible, NoTimeYet
from ingest.ledger import Ledger
from ingest.sock_codec import BadPacket, Confirm, Fetch, SockStatus, decode_data, to_packet

__all__ = ["FETCH_SPAN_MAX", "SockStream", "StreamCounts"]

_log = logging.getLogger(__name__)

FETCH_SPAN_MAX: Final = 2048
"""Packets asked for at once, 5 min at 104 Hz: a lost link then costs little, and confirming goes on between."""
_PACKETS_PER_S: Final = 16.0
"""More than any rate of the profile makes (208 Hz in packets of 16 samples: 13)."""
_PACKETS_AHEAD: Final = 256
"""By how much a number may be ahead beside that: short packets at changes of range, and packets that waited."""
_BOOTS_MAX: Final = 4
"""Starts of a sensor of which a ledger is kept; as many as the clock fit remembers."""


@dataclass(slots=True)
class StreamCounts:
    """What came in since the stream began."""

    received: int = 0
    """packets taken, live and back-filled, each once"""
    backfilled: int = 0
    duplicates: int = 0
    damaged: int = 0


class SockStream:
    """Decodes, drops doubles, places in time and keeps the ledger of one sensor."""

    def __init__(self, site: Site, sensor: str, *, fit: ClockFit | None = None) -> None:
        self.site = site
        self.sensor = sensor
        self.fit = fit or ClockFit(sensor)
        self.counts = StreamCounts()
        self._ledgers: dict[int, Ledger] = {}
        self._now: SockStatus | None = None
        """what the sock said of itself when this connection began"""
        self._heard_ns: int | None = None

    @property
    def lost(self) -> int:
        """Packets known to exist or to have existed that are not in hand."""
        return sum(ledger.missing_count + ledger.given_up for ledger in self._ledgers.values())

    def resume(self, boot: int, seq: int) -> None:
        """Everything of this boot up to `seq` was kept before this process began."""
        self._ledger(boot).expect_from(seq + 1)

    def begin(self, status: SockStatus) -> None:
        """A connection begins: learn from the sock's status what it still holds."""
        self._now, self._heard_ns = status, None
        oldest = status.next_seq if status.held is None else status.held.oldest
        self._report_loss(status.boot, self._ledger(status.boot).expect_from(oldest))
        earlier = status.earlier
        if earlier is None:
            return
        if not self.fit.knows(earlier.boot):
            _log.warning("%s: holds packets of boot %#010x, but %s", self.sensor, earlier.boot, _NO_TIME)
            return
        ledger = self._ledger(earlier.boot)
        self._report_loss(earlier.boot, ledger.expect_from(earlier.oldest))
        ledger.exists_up_to(earlier.newest)

    def take(self, raw: bytes | bytearray, arrived_ns: int) -> tuple[Packet, Segment] | None:
        """Read one notification; None when its packet is in hand already, or was given up.

        Raises:
            BadPacket: not a data packet; it is counted, and its number shows up as missing.
            Impossible: whole, but of a boot or with a number that this sock cannot have sent now; it is counted too.
            NoTimeYet: a back-filled packet of a boot whose clock was never tied to this night; it stays missing.
        """
        try:
            data = decode_data(raw)
        except BadPacket:
            self.counts.damaged += 1
            raise
        packet = to_packet(data, site=self.site, sensor=self.sensor, arrived_ns=arrived_ns)
        if SegmentFlag.BACKFILL in packet.flags and not self.fit.knows(packet.boot):
            raise NoTimeYet(self.sensor, packet.boot)
        if not self._may_be(packet):
            self.counts.damaged += 1
            raise Impossible(self.sensor, packet.boot, packet.seq)
        if SegmentFlag.BACKFILL in packet.flags and not self.fit.has_room(packet):
            self._without_room(packet.boot, packet.seq)
        self._heard_ns = arrived_ns
        if not self._take_number(packet.boot, packet.seq):
            self.counts.duplicates += 1
            return None
        self.counts.received += 1
        self.counts.backfilled += SegmentFlag.BACKFILL in packet.flags
        return packet, self._place(packet)

    def committed(self, packet: Packet) -> None:
        """The packet is durably kept."""
        self._ledger(packet.boot).committed(packet.seq)

    def failed(self, packet: Packet) -> None:
        """The packet could not be kept; it will be fetched again."""
        self._ledger(packet.boot).reopen(packet.seq)

    def wanted(self) -> Fetch | None:
        """The oldest missing span that can be placed in time, newest boot first."""
        for boot, ledger in reversed(self._ledgers.items()):
            self._without_room(boot, self.fit.first_with_room(boot) - 1)
            if ledger.missing and self.fit.knows(boot):
                first, last = ledger.missing[0]
                return Fetch(boot, first, min(last, first + FETCH_SPAN_MAX - 1))
        return None

    def give_up(self, boot: int, first: int, last: int) -> None:
        """The sensor no longer has what is missing of this span."""
        self._report_loss(boot, self._ledger(boot).give_up(first, last))

    def confirms(self) -> list[Confirm]:
        """What may be confirmed to the sock now, oldest boot first."""
        due = ((boot, ledger.confirmable()) for boot, ledger in self._ledgers.items())
        return [Confirm(boot, seq) for boot, seq in due if seq is not None]

    def confirmed(self, confirm: Confirm) -> None:
        """The sock has answered this."""
        self._ledger(confirm.boot).confirmed(confirm.seq)

    def _may_be(self, packet: Packet) -> bool:
        """Whether boot and number can be: one wrong number makes a million packets missing, a boot pushes out another.

        A sock does not restart within a connection, and makes only so many packets a second.
        """
        known = self._ledgers.get(packet.boot)
        if SegmentFlag.BACKFILL in packet.flags:
            return known is None or packet.seq <= known.newest
        if self._now is None or known is None:
            return self._now is None or packet.boot == self._now.boot
        since_s = 0.0 if self._heard_ns is None else (packet.arrived_ns - self._heard_ns) / NS
        made = max(known.newest, self._now.next_seq) + max(0.0, since_s) * _PACKETS_PER_S
        return packet.boot == self._now.boot and packet.seq <= made + _PACKETS_AHEAD

    def _take_number(self, boot: int, seq: int) -> bool:
        if boot not in self._ledgers:
            self._ledger(boot).expect_from(seq)
        return self._ledger(boot).take(seq)

    def _place(self, packet: Packet) -> Segment:
        place = self.fit.place(packet)
        return Segment(
            site=packet.site,
            sensor=packet.sensor,
            boot=packet.boot,
            seq=packet.seq,
            t0_ns=place.t0_ns,
            step_ns=place.step_ns,
            counts=packet.counts,
            scale=packet.scale,
            flags=packet.flags,
        )

    def _ledger(self, boot: int) -> Ledger:
        if boot not in self._ledgers:
            self._ledgers[boot] = Ledger()
            while len(self._ledgers) > _BOOTS_MAX:
                del self._ledgers[next(iter(self._ledgers))]
        return self._ledgers[boot]

    def _without_room(self, boot: int, last: int) -> None:
        """Give up what is missing up to a number: it was measured while time stood still here."""
        ledger = self._ledgers.get(boot)
        if ledger is not None and (lost := ledger.give_up(0, last)):
            _log.warning("%s: %d packets of boot %#010x are given up: %s", self.sensor, lost, boot, _NO_ROOM)

    def _report_loss(self, boot: int, lost: int) -> None:
        if lost:
            _log.warning("%s: %d packets of boot %#010x are lost for good", self.sensor, lost, boot)


_NO_ROOM: Final = "the computer was off, and its clock lost that time: there is none to put them in"
_NO_TIME: Final = "nothing ties its clock to this night; they stay in the sock"
