"""Who may look: people with a role and a token each, and the sessions they have begun. Kept in one 0600 file.

A token is shown once, when a person is invited; what is kept of it is its scrypt hash. Of a session's cookie, which
is 256 random bits, a SHA-256 is kept. So whoever reads the file can log in as nobody.
"""

from __future__ import annotations

import hmac
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import scrypt, sha256
from pathlib import Path
from time import time

import msgspec

from lullwatch.errors import LullwatchError
from lullwatch.private import require_private

from .session import Role, Session, csrf_of

__all__ = ["ACCESS_FILE", "SESSION_S", "Access", "AccessDamaged", "AccessOutOfReach", "Person"]

ACCESS_FILE = "page-access.json"
"""Beside the journals, unless the settings name another place."""
SESSION_S = 30 * 86_400
"""A phone that was lost is shut out after a month at the latest; one in daily use asks for its token twelve times a
year."""
_SESSIONS_EACH = 20
"""Devices of one person; the oldest goes."""
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""No letter that could be read for another, no case: it is typed once, at night, on a phone."""
_LETTERS_IN_ALL = 20
"""31^20: 99 bits."""
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**14, 8, 1
"""16 MB and a twentieth of a second on a small computer."""


class AccessDamaged(LullwatchError):
    """The file of who may look cannot be read."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}. Move it away and invite everybody again: lullwatch serve --invite")


class AccessOutOfReach(LullwatchError):
    """The file of who may look can be neither read nor made."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path}: who may look cannot be kept there ({error.strerror or error}). See that "
            f"{path.parent} is a folder this user may write to; journal_dir or [page] access_file says where"
        )


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who may look."""

    role: Role
    salt: str
    token_hash: str


@dataclass(frozen=True, slots=True)
class _Visit:
    person: str
    until: int
    """seconds since 1970"""


@dataclass(slots=True)
class _Kept:
    people: dict[str, Person]
    visits: dict[str, _Visit]
    """by the hash of the cookie"""


class Access:
    """People and sessions of one site. May be used from any thread; a change made by another process is noticed.

    Args:
        path: of the file; it need not be there.
        now_s: seconds since 1970.

    Methods raise AccessDamaged, AccessOutOfReach, or SecretTooOpen where others may read the file.
    """

    def __init__(self, path: Path, *, now_s: Callable[[], float] = time) -> None:
        self.path = path
        self._now_s = now_s
        self._lock = threading.RLock()
        self._kept = _Kept({}, {})
        self._read_at = (0, 0)

    @property
    def people(self) -> dict[str, Person]:
        """Everyone who may look, by id."""
        with self._lock:
            self._refresh()
            return dict(self._kept.people)

    def invite(self, person: str, role: Role) -> str:
        """Let a person in with a new token, which is returned and nowhere kept; an older one counts no more."""
        secret = "".join(secrets.choice(_LETTERS) for _ in range(_LETTERS_IN_ALL))
        salt = secrets.token_hex(16)
        with self._lock:
            self._refresh()
            self._kept.people[person] = Person(role, salt, _hashed(secret, salt))
            self._end_visits(person)
            self._write()
        groups = "-".join(secret[i : i + 5] for i in range(0, _LETTERS_IN_ALL, 5))
        return f"{person}:{groups}"

    def shut_out(self, person: str) -> bool:
        """Take a person's token and sessions away; False when there was none."""
        with self._lock:
            self._refresh()
            known = self._kept.people.pop(person, None) is not None
            self._end_visits(person)
            self._write()
        return known

    def log_in(self, token: str) -> str | None:
        """The cookie of a new session for whoever shows a token that counts; takes as long when it does not."""
        name, _, secret = token.strip().lower().partition(":")
        with self._lock:
            self._refresh()
            person = self._kept.people.get(name)
        salt, right = (person.salt, person.token_hash) if person else ("00" * 16, "")
        if not hmac.compare_digest(_hashed(secret.replace("-", "").replace(" ", ""), salt), right):
            return None
        cookie = secrets.token_urlsafe(32)
        with self._lock:
            self._refresh()
            self._kept.visits[_cookie_hash(cookie)] = _Visit(name, int(self._now_s()) + SESSION_S)
            self._drop_old(name)
            self._write()
        return cookie

    def log_out(self, cookie: str) -> None:
        """End a session."""
        with self._lock:
            self._refresh()
            if self._kept.visits.pop(_cookie_hash(cookie), None) is not None:
                self._write()

    def session(self, cookie: str) -> Session | None:
        """The session a cookie belongs to; None when there is none, or it is over."""
        with self._lock:
            self._refresh()
            visit = self._kept.visits.get(_cookie_hash(cookie))
            person = self._kept.people.get(visit.person) if visit else None
        if visit is None or person is None or visit.until < self._now_s():
            return None
        return Session(visit.person, person.role, csrf_of(cookie))

    def _end_visits(self, person: str) -> None:
        self._kept.visits = {k: v for k, v in self._kept.visits.items() if v.person != person}

    def _drop_old(self, person: str) -> None:
        now_s = self._now_s()
        self._kept.visits = {k: v for k, v in self._kept.visits.items() if v.until >= now_s}
        own = sorted((v.until, k) for k, v in self._kept.visits.items() if v.person == person)
        for _, key in own[:-_SESSIONS_EACH]:
            del self._kept.visits[key]

    def _refresh(self) -> None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._kept, self._read_at = _Kept({}, {}), (0, 0)
            return
        except OSError as error:
            raise AccessOutOfReach(self.path, error) from error
        if (at := (found.st_mtime_ns, found.st_ino)) == self._read_at:
            return
        require_private(self.path)
        try:
            self._kept = msgspec.json.decode(self.path.read_bytes(), type=_Kept)
        except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
            raise AccessDamaged(self.path, str(error)) from error
        self._read_at = at

    def _write(self) -> None:
        try:
            self._write_whole()
        except OSError as error:
            raise AccessOutOfReach(self.path, error) from error

    def _write_whole(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(self._kept))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)
        found = self.path.stat()
        self._read_at = found.st_mtime_ns, found.st_ino


def _hashed(secret: str, salt: str) -> str:
    salted = bytes.fromhex(salt)
    return scrypt(secret.encode(), salt=salted, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P, dklen=32).hex()


def _cookie_hash(cookie: str) -> str:
    return sha256(cookie.encode()).hexdigest()
