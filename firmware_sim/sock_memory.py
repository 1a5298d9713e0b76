"""The flash of a sock: every packet stays from when it is made until it is confirmed."""

from __future__ import annotations

from collections import OrderedDict, deque

from ingest.sock_codec import Held

__all__ = ["SockMemory"]


class SockMemory:
    """Encoded packets by boot and number; survives a restart of the sock.

    Args:
        capacity: packets that fit; one more overwrites the oldest of all.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._boots: deque[tuple[int, OrderedDict[int, bytes]]] = deque()
        self._held = 0
        self._dropped: dict[int, int] = {}

    def __len__(self) -> int:
        return self._held

    def resize(self, capacity: int) -> None:
        """Hold this many packets from now on; what no longer fits is overwritten, oldest first."""
        self._capacity = capacity
        while self._held > self._capacity:
            self._overwrite_oldest()

    def put(self, boot: int, seq: int, encoded: bytes) -> None:
        """Keep one packet; numbers of a boot come in ascending order."""
        if not self._boots or self._boots[-1][0] != boot:
            self._boots.append((boot, OrderedDict()))
        self._boots[-1][1][seq] = encoded
        self._held += 1
        if self._held > self._capacity:
            self._overwrite_oldest()

    def _overwrite_oldest(self) -> None:
        boot, packets = self._boots[0]
        packets.popitem(last=False)
        self._held -= 1
        self._dropped[boot] = self._dropped.get(boot, 0) + 1
        self._forget_empty()

    def confirm(self, boot: int, seq: int) -> None:
        """Drop every packet of `boot` up to and including `seq`."""
        packets = self._of(boot)
        while packets and next(iter(packets)) <= seq:
            packets.popitem(last=False)
            self._held -= 1
        self._forget_empty()

    def span(self, boot: int, first: int, last: int) -> list[tuple[int, bytes]]:
        """(number, bytes) of what is held of `boot` from `first` to `last`, both included, ascending."""
        return [(seq, encoded) for seq, encoded in self._of(boot).items() if first <= seq <= last]

    def get(self, boot: int, seq: int) -> bytes | None:
        """One packet, or None when it is not held any more."""
        return self._of(boot).get(seq)

    def knows(self, boot: int) -> bool:
        """Whether any packet of `boot` is held."""
        return bool(self._of(boot))

    def dropped(self, boot: int) -> int:
        """Packets of `boot` that were overwritten before they were confirmed."""
        return self._dropped.get(boot, 0)

    def held(self, boot: int) -> Held | None:
        """Extent of what is held of `boot`."""
        packets = self._of(boot)
        return Held(boot, next(iter(packets)), next(reversed(packets))) if packets else None

    def earlier(self, boot: int) -> Held | None:
        """Extent of the oldest other boot of which packets are held."""
        return next((self.held(other) for other, packets in self._boots if other != boot and packets), None)

    def _of(self, boot: int) -> OrderedDict[int, bytes]:
        return next((packets for other, packets in self._boots if other == boot), OrderedDict())

    def _forget_empty(self) -> None:
        while self._boots and not self._boots[0][1]:
            self._boots.popleft()
