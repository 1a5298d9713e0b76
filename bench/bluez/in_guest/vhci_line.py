"""Joins a controller on the host's side of a virtual serial line to the guest's kernel, as its Bluetooth adapter.

The line carries a stream of H4 packets (Core 5.4, Vol 4 Part A 2); /dev/vhci takes and gives one packet a call.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from agent import port

PORT = "hci"
HEADERS = {1: (4, 3, 1), 2: (5, 3, 2), 3: (4, 3, 1), 4: (3, 2, 1), 5: (5, 3, 2)}
"""Of each packet type: bytes up to the content, where its length stands, and in how many bytes"""
LENGTH_BITS = 0x3FFF
"""of an ISO packet; no other packet is as long"""
VENDOR = 0xFF
"""the kernel's own packets: make an adapter, made it"""


def whole(stream: bytearray) -> bytes | None:
    """Take the first whole packet off a stream."""
    if not stream:
        return None
    header, at, width = HEADERS[stream[0]]
    if len(stream) < header:
        return None
    size = header + (int.from_bytes(stream[at : at + width], "little") & LENGTH_BITS)
    if len(stream) < size:
        return None
    packet = bytes(stream[:size])
    del stream[:size]
    return packet


def to_kernel(line: int, vhci: int) -> None:
    stream = bytearray()
    while part := os.read(line, 65536):
        stream += part
        while (packet := whole(stream)) is not None:
            os.write(vhci, packet)


def to_line(vhci: int, line: int) -> None:
    while packet := os.read(vhci, 4096):
        if packet[0] == VENDOR:
            print("adapter", int.from_bytes(packet[2:4], "little"), flush=True)
        else:
            os.write(line, packet)


def main() -> None:
    line, vhci = os.open(port(PORT), os.O_RDWR), os.open(Path("/dev/vhci"), os.O_RDWR)
    os.write(vhci, bytes((VENDOR, 0)))
    threading.Thread(target=to_line, args=(vhci, line), daemon=True).start()
    to_kernel(line, vhci)
    sys.exit("the controller is gone")


if __name__ == "__main__":
    main()
