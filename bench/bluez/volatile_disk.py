"""A disk with a write cache that a power cut empties: an NBD server for one file, for QEMU to use as a drive.

What a guest writes is held back until the guest flushes. At a power cut, of what was not flushed each block of 512
bytes is kept or lost by chance, so writes are lost, torn, and reach the disk out of order, as a disk without power
protection may do. What was flushed is there. A guest that is only killed on its host loses less: what it wrote stays
in the host's page cache.

The part of the protocol that QEMU uses is spoken: fixed newstyle negotiation, simple replies (the "NBD protocol"
document of the NetworkBlockDevice project).
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["BLOCK", "DiskServer", "Lost", "VolatileDisk"]

BLOCK: Final = 512
"""bytes that a disk writes whole or not at all"""

_MAGIC: Final = b"NBDMAGIC"
_OPTION_MAGIC: Final = b"IHAVEOPT"
_OPTION_REPLY: Final = 0x3E889045565A9
_REQUEST_MAGIC: Final = 0x25609513
_REPLY_MAGIC: Final = 0x67446698
_HANDSHAKE_FLAGS: Final = 3
"""fixed newstyle, no zeroes"""
_TRANSMISSION_FLAGS: Final = 1 | 4 | 8
"""has flags, flush, force unit access"""
_EXPORT_NAME, _ABORT, _GO = 1, 2, 7
_ACK, _INFO, _UNSUPPORTED = 1, 3, 0x80000001
_READ, _WRITE, _DISCONNECT, _FLUSH = 0, 1, 2, 3
_FUA: Final = 1
_EINVAL: Final = 22


@dataclass(slots=True)
class Lost:
    """What a power cut cost."""

    held: int = 0
    """blocks that were written and not flushed"""
    lost: int = 0
    """of these, those that are gone"""


class VolatileDisk:
    """A file behind a cache that only a flush empties."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR)
        self.size = os.fstat(self._file).st_size
        self._held: dict[int, bytes] = {}
        """newest content of each block that is not on the disk yet, by number"""
        self.flushes = 0
        self._writing = asyncio.Event()

    def read(self, offset: int, length: int) -> bytes:
        """As the guest sees it: the cache first. Offsets and lengths are whole blocks."""
        found = bytearray(os.pread(self._file, length, offset))
        first = offset // BLOCK
        for number in range(first, first + length // BLOCK):
            held = self._held.get(number)
            if held is not None:
                at = (number - first) * BLOCK
                found[at : at + BLOCK] = held
        return bytes(found)

    def write(self, offset: int, content: bytes, *, through: bool = False) -> None:
        """Into the cache; with `through` past it, onto the disk."""
        first = offset // BLOCK
        blocks = {first + n: content[n * BLOCK : (n + 1) * BLOCK] for n in range(len(content) // BLOCK)}
        if through:
            self._put(blocks)
            for number in blocks:
                self._held.pop(number, None)
        else:
            self._held.update(blocks)
            self._writing.set()

    def flush(self) -> None:
        """All that is held goes to the disk."""
        self.flushes += 1
        self._put(self._held)
        self._held.clear()
        self._writing.clear()

    async def in_the_middle(self) -> None:
        """Wait until the guest has written something and not flushed it: the worst moment for a cut."""
        await self._writing.wait()

    def cut_power(self, chance: random.Random) -> Lost:
        """Some of what is held gets there still, the rest is gone."""
        kept = {number: block for number, block in self._held.items() if chance.random() < 0.5}
        lost = Lost(len(self._held), len(self._held) - len(kept))
        self._put(kept)
        self._held.clear()
        return lost

    def close(self) -> None:
        """Give the file back, without what is held."""
        os.close(self._file)

    def _put(self, blocks: dict[int, bytes]) -> None:
        for number, block in blocks.items():
            os.pwrite(self._file, block, number * BLOCK)


class DiskServer:
    """Serves a disk on a unix socket; an async context manager."""

    def __init__(self, disk: VolatileDisk, socket: Path) -> None:
        self._disk, self._socket = disk, socket

    async def __aenter__(self) -> DiskServer:
        self._socket.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._socket, limit=1 << 26)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._socket.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await self._agree(reader, writer):
                while await self._obey(reader, writer):
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the guest was killed
        finally:
            writer.close()

    async def _agree(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(_MAGIC + _OPTION_MAGIC + struct.pack(">H", _HANDSHAKE_FLAGS))
        await reader.readexactly(4)
        while True:
            _, option, length = struct.unpack(">8sII", await reader.readexactly(16))
            await reader.readexactly(length)
            if option == _EXPORT_NAME:
                writer.write(struct.pack(">QH", self._disk.size, _TRANSMISSION_FLAGS))
                return True
            if option == _GO:
                told = struct.pack(">HQH", 0, self._disk.size, _TRANSMISSION_FLAGS)
                writer.write(_option_reply(option, _INFO, told) + _option_reply(option, _ACK))
                return True
            writer.write(_option_reply(option, _ACK if option == _ABORT else _UNSUPPORTED))
            if option == _ABORT:
                return False

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = struct.unpack(">IHHQQI", await reader.readexactly(28))
        magic, flags, kind, handle, offset, length = head
        answer, error = b"", 0
        if kind == _DISCONNECT or magic != _REQUEST_MAGIC:
            return False
        if kind == _READ:
            answer = self._disk.read(offset, length)
        elif kind == _WRITE:
            self._disk.write(offset, await reader.readexactly(length), through=bool(flags & _FUA))
        elif kind == _FLUSH:
            self._disk.flush()
        else:
            error = _EINVAL
        writer.write(struct.pack(">IIQ", _REPLY_MAGIC, error, handle) + answer)
        return True


def _option_reply(option: int, kind: int, content: bytes = b"") -> bytes:
    return struct.pack(">QIII", _OPTION_REPLY, option, kind, len(content)) + content
