"""A cpio archive, as the kernel wants the first files of a computer; written here so that building one takes no root.

Format "newc": an ASCII header of 110 bytes, the name and the content, each padded to four bytes.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field

__all__ = ["Archive"]

_ALIGNED = 4
_END = "TRAILER!!!"


@dataclass(slots=True)
class Archive:
    """Folders, files and devices in the order they are added; all belong to root."""

    _parts: list[bytes] = field(default_factory=list)
    _count: int = 0

    def folder(self, name: str) -> None:
        self._add(name, stat.S_IFDIR | 0o755)

    def file(self, name: str, content: bytes, *, mode: int = 0o755) -> None:
        self._add(name, stat.S_IFREG | mode, content)

    def character_device(self, name: str, major: int, minor: int) -> None:
        self._add(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def finished(self) -> bytes:
        """The whole archive."""
        self._add(_END, 0)
        return b"".join(self._parts)

    def _add(self, name: str, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        self._count += 1
        raw = name.encode() + b"\0"
        # inode, mode, uid, gid, links, time, size, device of the file (2), device it is (2), size of name, check
        fields = (self._count, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(raw), 0)
        header = b"070701" + b"".join(b"%08x" % value for value in fields)
        self._parts += [_padded(header + raw), _padded(content)]


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % _ALIGNED)
