"""Opening SQLite the way the journal needs it, and its errors by cause."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from store.errors import (
    JournalBusy,
    JournalDamaged,
    JournalEmpty,
    JournalError,
    JournalFailing,
    JournalFull,
    JournalInUse,
    JournalReadOnly,
    JournalTooNew,
)
from store.private_files import made_private
from store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION

__all__ = [
    "BUSY_TIMEOUT_S",
    "check_begun",
    "check_kind",
    "check_whole",
    "claimed",
    "claimed_for",
    "connect",
    "connect_reading",
    "durable",
    "flush_folder",
    "is_claimed",
    "prepare",
    "transaction",
    "translated",
]

BUSY_TIMEOUT_S = 10.0
"""A commit holds the write lock for milliseconds; ten seconds outlast a checkpoint on a slow card."""


_LOOKED_AT_S = (0.02, 0.05)
"""Whoever only asks whether a night is claimed holds its lock for less than this."""

_CHECK_S = 1.0
"""Time for the check at the start: 200 MB on a slow card, and a monitor that was killed is to hear again in three
seconds. What it does not reach is found when it is read."""

_CHECK_STEPS = 20_000
"""Instructions of SQLite between two looks at the time, well under a millisecond."""


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open in mode `rwc` (made where missing, for its owner alone), `rw` or `ro`.

    Threads may share it; nothing begins by itself.
    """
    if mode == "rwc":
        made_private(path)
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_TIMEOUT_S,
    )


def connect_reading(path: Path) -> sqlite3.Connection:
    """Open for reading; also on a disk that is mounted read-only, where SQLite cannot share memory with a writer."""
    db = connect(path, "ro")
    try:
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        db.close()
        if not path.exists() or os.access(path.parent, os.W_OK):
            db = connect(path, "ro")  # its own words say what is wrong
        else:
            db = connect(path, "ro&immutable=1")
    return db


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
    for pause_s in (0.0, *_LOOKED_AT_S):
        time.sleep(pause_s)
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    os.close(descriptor)
    raise JournalInUse(path)


def is_claimed(path: Path) -> bool:
    """Whether anybody holds the claim on a night's file. It is not taken: a monitor that begins now finds it free."""
    try:
        lock = os.open(path.with_suffix(".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@contextmanager
def claimed_for(path: Path) -> Iterator[None]:
    """Nobody else writes this journal meanwhile. Raises JournalInUse or JournalReadOnly."""
    claim = claimed(path)
    try:
        yield
    finally:
        os.close(claim)


def check_begun(path: Path, db: sqlite3.Connection) -> None:
    """Raise JournalEmpty for a file whose writer has not come to its first table yet."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == 0:
        raise JournalEmpty(path)


def prepare(path: Path, db: sqlite3.Connection) -> None:
    """Make a file ready for writing: right kind, durable commits, whole as far as can be seen, newest schema."""
    check_kind(path, db)
    # Only a file without tables takes this; it lets the room of old raw data go back to the disk bit by bit.
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    durable(db)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    check_whole(path, db, limit_s=_CHECK_S)
    _migrate(db)


def durable(db: sqlite3.Connection) -> None:
    """Commits of this connection outlast a power cut."""
    db.execute("PRAGMA journal_mode = WAL")
    # FULL: in WAL mode anything less may lose the last commits in a power cut, and those were acknowledged.
    db.execute("PRAGMA synchronous = FULL")


def check_whole(path: Path, db: sqlite3.Connection, *, limit_s: float) -> bool:
    """Look for damage; False when time ran out before all was seen.

    Raises JournalDamaged.
    """
    until_s = time.monotonic() + limit_s
    db.set_progress_handler(lambda: int(time.monotonic() > until_s), _CHECK_STEPS)
    try:
        finding = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return False
    finally:
        db.set_progress_handler(None, 0)
    if finding != "ok":
        raise JournalDamaged(path, str(finding))
    return True


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
    if code == sqlite3.SQLITE_IOERR:
        return JournalFailing(path, str(error))
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return JournalBusy(path, BUSY_TIMEOUT_S)
    return None
