"""Opening SQLite the way the journal needs it, and its errors by cause."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import (
    JournalBusy,
    JournalDamaged,
    JournalEmpty,
    JournalError,
    JournalFull,
    JournalInUse,
    JournalReadOnly,
    JournalTooNew,
)
from store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION

__all__ = [
    "check_begun",
    "check_kind",
    "claimed",
    "connect",
    "flush_folder",
    "prepare",
    "transaction",
    "translated",
]

_BUSY_TIMEOUT_S = 10.0
"""A commit holds the write lock for milliseconds; ten seconds outlast a checkpoint on a slow card."""


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open in mode `rwc` (made where missing) or `ro`; threads may share it, nothing begins by itself."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY_TIMEOUT_S,
    )


def check_kind(path: Path, db: sqlite3.Connection) -> None:
    """Raise JournalDamaged for another program's database, JournalTooNew for a newer schema than ours."""
    (kind,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if kind not in (0, APPLICATION_ID) or (kind == 0 and tables):
        raise JournalDamaged(path, "a database of another program")
    if version > SCHEMA_VERSION:
        raise JournalTooNew(path, version, SCHEMA_VERSION)


def claimed(path: Path) -> int:
    """Claim a journal for writing; the claim lasts until the descriptor is closed or the process dies.

    SQLite alone would let two monitors write in turns, each with half of the packets. The claim lies on a file
    beside the journal, for closing any other descriptor of the journal would drop SQLite's own locks.

    Raises JournalInUse while another holds the claim, JournalReadOnly where none can be made.
    """
    try:
        descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalReadOnly(path, error.strerror or str(error)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise JournalInUse(path) from None
    return descriptor


def check_begun(path: Path, db: sqlite3.Connection) -> None:
    """Raise JournalEmpty for a file whose writer has not come to its first table yet."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == 0:
        raise JournalEmpty(path)


def prepare(path: Path, db: sqlite3.Connection) -> None:
    """Make a file ready for writing: right kind, durable commits, whole, newest schema."""
    check_kind(path, db)
    db.execute("PRAGMA journal_mode = WAL")
    # FULL: in WAL mode anything less may lose the last commits in a power cut, and those were acknowledged.
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    finding = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if finding != "ok":
        raise JournalDamaged(path, str(finding))
    _migrate(db)


def _migrate(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        db.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, on the disk when it ends."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors, such as a full disk.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def flush_folder(folder: Path) -> None:
    """Make a new file's name durable: its own flush does not, and a power cut could take the whole night."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours: the cause by name, with place and remedy."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        meant = _meaning(path, error)
        if meant is None:
            raise
        raise meant from error


def _meaning(path: Path, error: sqlite3.DatabaseError) -> JournalError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the cause, the rest its detail
    if code == sqlite3.SQLITE_FULL:
        return JournalFull(path)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return JournalDamaged(path, str(error))
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return JournalReadOnly(path, str(error))
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return JournalBusy(path, _BUSY_TIMEOUT_S)
    return None
