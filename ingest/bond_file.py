"""Keys of bonded socks in one file of mode 0600, replaced whole, so that a power cut leaves the old or the new one."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from ingest.errors import IngestError

__all__ = ["FILE_NAME", "BondFile", "KeysDamaged", "KeysTooOpen", "StoredBond"]

FILE_NAME: Final = "bonds.json"
"""It lies beside the journals, which are as private."""
_VERSION: Final = 1
_MODE: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeysTooOpen(IngestError):
    """Others can read the keys."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: other users can read the keys of the socks; run: chmod 600 {path}")


class KeysDamaged(IngestError):
    """The file is no key file."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: not a file of bonds ({why}); delete it and pair the socks anew")


@dataclass(frozen=True, slots=True)
class StoredBond:
    """The key of one peer."""

    key: bytes
    """long-term key, 16 bytes"""
    address_type: int
    """0 public, 1 random"""
    authenticated: bool
    """drawn by passkey entry"""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    address_type: int
    authenticated: bool


class _Whole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    bonds: dict[str, _Entry]


class BondFile:
    """Bonds by upper-case address. What another process wrote is seen at the next look; None keeps them in memory."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, which need not exist yet. Raises `KeysTooOpen`, `KeysDamaged`, `OSError`."""
        self._path = path
        self._bonds: dict[str, StoredBond] = {}
        self._seen: tuple[int, int] | None = None
        self._refresh()

    def get(self, address: str) -> StoredBond | None:
        """The bond with an address, None without one. Raises as the constructor does."""
        self._refresh()
        return self._bonds.get(address)

    def addresses(self) -> list[str]:
        """All addresses. Raises as the constructor does."""
        self._refresh()
        return list(self._bonds)

    def put(self, address: str, bond: StoredBond) -> None:
        """Keep a bond durably. Raises as the constructor does."""
        self._refresh()
        self._write({**self._bonds, address: bond})

    def remove(self, address: str) -> None:
        """Forget a bond, if there is one. Raises as the constructor does."""
        self._refresh()
        if address in self._bonds:
            self._write({known: bond for known, bond in self._bonds.items() if known != address})

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._bonds, self._seen = {}, None
            return
        if os.name == "posix" and found.st_mode & _OTHERS:
            raise KeysTooOpen(self._path)
        mark = (found.st_mtime_ns, found.st_ino)
        if mark != self._seen:
            self._bonds, self._seen = _read(self._path), mark

    def _write(self, bonds: dict[str, StoredBond]) -> None:
        if self._path is not None:
            entries = {a: _Entry(b.key.hex(), b.address_type, b.authenticated) for a, b in bonds.items()}
            _replace(self._path, msgspec.json.format(msgspec.json.encode(_Whole(_VERSION, entries))))
            found = self._path.stat()
            self._seen = (found.st_mtime_ns, found.st_ino)
        self._bonds = bonds


def _read(path: Path) -> dict[str, StoredBond]:
    try:
        whole = msgspec.json.decode(path.read_bytes(), type=_Whole)
        if whole.version != _VERSION:
            raise KeysDamaged(path, f"version {whole.version}, known is {_VERSION}")
        return {
            address: StoredBond(bytes.fromhex(entry.key), entry.address_type, entry.authenticated)
            for address, entry in whole.bonds.items()
        }
    except (msgspec.DecodeError, ValueError) as error:
        raise KeysDamaged(path, type(error).__name__) from error


def _replace(path: Path, text: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    with os.fdopen(handle, "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
