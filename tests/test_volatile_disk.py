"""The disk of the power cut: what was flushed is there, what was not may be gone, block by block."""

from __future__ import annotations

import asyncio
import random
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.bluez.archive import Archive
from bench.bluez.volatile_disk import BLOCK, DiskServer, VolatileDisk

BLOCKS = 64
ONES, TWOS = b"\1" * BLOCK, b"\2" * BLOCK


@pytest.fixture
def disk(tmp_path: Path) -> VolatileDisk:
    path = tmp_path / "disk"
    path.write_bytes(bytes(BLOCKS * BLOCK))
    return VolatileDisk(path)


def test_what_is_written_is_read_back_before_it_is_flushed(disk: VolatileDisk) -> None:
    disk.write(BLOCK, ONES + TWOS)
    assert disk.read(0, 4 * BLOCK) == bytes(BLOCK) + ONES + TWOS + bytes(BLOCK)


def test_what_was_flushed_outlives_a_cut_and_what_was_not_is_partly_gone(disk: VolatileDisk) -> None:
    disk.write(0, ONES * BLOCKS)
    disk.flush()
    disk.write(0, TWOS * BLOCKS)
    lost = disk.cut_power(random.Random(1))
    blocks = [disk.read(n * BLOCK, BLOCK) for n in range(BLOCKS)]
    assert (blocks.count(ONES), blocks.count(TWOS)) == (lost.lost, BLOCKS - lost.lost)
    assert 0 < lost.lost < lost.held == BLOCKS


def test_a_write_that_goes_through_is_safe_by_itself(disk: VolatileDisk) -> None:
    disk.write(0, ONES)
    disk.write(0, TWOS, through=True)
    assert disk.cut_power(random.Random(0)).held == 0
    assert disk.read(0, BLOCK) == TWOS


async def test_it_speaks_as_qemu_wants_it(disk: VolatileDisk, tmp_path: Path) -> None:
    async with DiskServer(disk, tmp_path / "s"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        assert (await reader.readexactly(18)).startswith(b"NBDMAGICIHAVEOPT")
        name = struct.pack(">I", 0) + struct.pack(">H", 0)
        structured = b"IHAVEOPT" + struct.pack(">II", 8, 0)
        go = b"IHAVEOPT" + struct.pack(">II", 7, len(name)) + name
        writer.write(struct.pack(">I", 3) + structured + go)
        assert struct.unpack(">QIII", await reader.readexactly(20))[2] == 0x80000001
        told = await reader.readexactly(20 + 12)
        assert struct.unpack(">HQH", told[20:]) == (0, BLOCKS * BLOCK, 13)
        assert struct.unpack(">QIII", await reader.readexactly(20))[2] == 1
        for kind, length, content in ((1, BLOCK, ONES), (3, 0, b""), (0, BLOCK, b"")):
            writer.write(struct.pack(">IHHQQI", 0x25609513, 0, kind, 42, 0, length) + content)
            assert struct.unpack(">IIQ", await reader.readexactly(16)) == (0x67446698, 0, 42)
        assert await reader.readexactly(BLOCK) == ONES
        assert disk.flushes == 1
        writer.write(struct.pack(">IHHQQI", 0x25609513, 0, 2, 0, 0, 0))
        assert await reader.read() == b""
        writer.close()


def test_an_archive_is_one_that_every_cpio_reads() -> None:
    archive = Archive()
    archive.folder("dev")
    archive.file("a", b"12345", mode=0o644)
    raw = archive.finished()
    assert raw[:6] == b"070701"
    assert len(raw) % 4 == 0
    second = raw[110 + len(b"dev\0\0\0") :]
    assert (second[:6], int(second[54:62], 16), int(second[94:102], 16)) == (b"070701", 5, 2)
    assert b"TRAILER!!!" in raw
